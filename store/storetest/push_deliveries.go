package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// pushLease leases as a sender does that has been there for long.
func pushLease(t *testing.T, s push.Store, now time.Time, limit int) []push.Delivery {
	t.Helper()
	return pushLeaseOf(t, s, push.ChannelPush, now, limit, true)
}

func pushLeaseOf(t *testing.T, s push.Store, channel string, now time.Time, limit int, takeOver bool) []push.Delivery {
	t.Helper()
	ds, err := s.LeaseDeliveries(t.Context(), channel, now, time.Minute, limit, takeOver)
	must(t, err)
	return ds
}

func pushSettle(t *testing.T, s push.Store, d push.Delivery, r push.Result) {
	t.Helper()
	r.Delivery = d
	must(t, s.SettleDeliveries(t.Context(), []push.Result{r}))
}

// pushState is that of the delivery of a message to a device.
func pushState(t *testing.T, s push.Store, message, device string) push.Delivery {
	t.Helper()
	ds, err := s.Deliveries(t.Context(), message)
	must(t, err)
	for _, d := range ds {
		if d.Target == device {
			return d
		}
	}
	t.Fatalf("no delivery of %s to %s", message, device)
	return push.Delivery{}
}

func pushContenders(t *testing.T, s push.Store) {
	const all = 60
	for i := range all {
		p := pushPlanned(fmt.Sprintf("m%02d", i), "c", pushEpoch.Add(time.Duration(i)*time.Millisecond), "a")
		if i%3 == 0 {
			p.Plan.Deliveries[0].Broadcast = "b"
		}
		pushPut(t, s, p)
	}
	var mu sync.Mutex
	took := map[string]int{}
	atOnce(4, func(int) {
		for {
			ds, err := s.LeaseDeliveries(context.Background(), push.ChannelPush, pushEpoch.Add(time.Second), time.Minute, 7, true)
			if err != nil {
				t.Error(err)
			}
			if len(ds) == 0 {
				return
			}
			if len(ds) > 7 {
				t.Errorf("%d leased at once; want at most 7", len(ds))
			}
			mu.Lock()
			for _, d := range ds {
				took[d.ID]++
			}
			mu.Unlock()
		}
	})
	for id, n := range took {
		if n != 1 {
			t.Errorf("%s was leased %d times", id, n)
		}
	}
	if len(took) != all {
		t.Errorf("%d of %d leased", len(took), all)
	}
}

func pushTakeover(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a")
	first := pushLease(t, s, pushEpoch, 9)[0]
	if first.State != push.Leased || !first.Due.Equal(pushEpoch.Add(time.Minute)) {
		t.Errorf("leased as %+v", first)
	}
	if got := pushLease(t, s, pushEpoch.Add(59*time.Second), 9); len(got) != 0 {
		t.Fatalf("taken over within its lease: %+v", got)
	}
	pushPlan(t, s, "queued", "c", pushEpoch.Add(time.Minute), "b")
	if got := pushLeaseOf(t, s, push.ChannelPush, pushEpoch.Add(time.Hour), 9, false); len(got) != 1 || got[0].Message != "queued" {
		t.Fatalf("without taking over: %+v; want what is queued", got)
	}
	second := pushLease(t, s, pushEpoch.Add(time.Minute), 9)[0]
	if second.Fence <= first.Fence || second.ID != first.ID {
		t.Errorf("leased %+v after %+v", second, first)
	}
	pushSettle(t, s, first, push.Result{State: push.Failed, Reason: "old", At: pushEpoch})
	if d := pushState(t, s, "m", "a"); d.State != push.Leased {
		t.Fatalf("the old fence moved it to %s", d.State)
	}
	pushSettle(t, s, second, push.Result{State: push.Accepted, Ref: "name", At: pushEpoch})
	if d := pushState(t, s, "m", "a"); d.State != push.Accepted || d.Ref != "name" || !d.Due.IsZero() {
		t.Errorf("settled %+v", d)
	}
	pushSettle(t, s, second, push.Result{State: push.Failed, Reason: "again", At: pushEpoch})
	if d := pushState(t, s, "m", "a"); d.State != push.Accepted {
		t.Errorf("settled twice: %+v", d)
	}
}

func pushDue(t *testing.T, s push.Store) {
	if _, any, err := s.NextDelivery(t.Context(), push.ChannelPush); any || err != nil {
		t.Fatalf("an empty store: %t, %v", any, err)
	}
	pushPlan(t, s, "m", "c", pushEpoch, "a")
	if at, any, err := s.NextDelivery(t.Context(), push.ChannelPush); !any || err != nil || !at.Equal(pushEpoch) {
		t.Errorf("next %v, %t, %v", at, any, err)
	}
	if _, any, err := s.NextDelivery(t.Context(), push.ChannelSMS); any || err != nil {
		t.Errorf("another channel: %t, %v", any, err)
	}
	later := pushEpoch.Add(10 * time.Minute)
	leased := pushLease(t, s, pushEpoch, 9)[0]
	if at, any, err := s.NextDelivery(t.Context(), push.ChannelPush); !any || err != nil || !at.Equal(pushEpoch.Add(time.Minute)) {
		t.Errorf("next, while it is leased: %v, %t, %v", at, any, err)
	}
	pushSettle(t, s, leased, push.Result{State: push.Queued, Due: later, Attempted: true, Reason: "unavailable", At: pushEpoch})
	if d := pushState(t, s, "m", "a"); d.State != push.Queued || d.Attempts != 1 || d.Reason != "unavailable" || !d.Due.Equal(later) {
		t.Errorf("waiting %+v", d)
	}
	if got := pushLease(t, s, later.Add(-time.Millisecond), 9); len(got) != 0 {
		t.Errorf("leased before it was due")
	}
	got := pushLease(t, s, later, 9)
	if len(got) != 1 || got[0].Attempts != 1 {
		t.Fatalf("leased %+v", got)
	}
	pushSettle(t, s, got[0], push.Result{State: push.Queued, Due: later, At: later})
	if d := pushState(t, s, "m", "a"); d.Attempts != 1 {
		t.Errorf("given back without an attempt, and it counts %d", d.Attempts)
	}
}

// What concerns one's own report goes before what concerns everybody, unless that is urgent; each as it is due.
func pushOrder(t *testing.T, s push.Store) {
	for i, id := range []string{"bulk0", "own1", "bulk2", "urgent3", "own4", "bulk5"} {
		p := pushPlanned(id, "c", pushEpoch.Add(time.Duration(i)*time.Second), "a")
		d := &p.Plan.Deliveries[0]
		if id[:3] != "own" {
			d.Broadcast, d.Urgent = "b", id == "urgent3"
		}
		pushPut(t, s, p)
	}
	var got []string
	for range 4 {
		var batch []string
		for _, d := range pushLease(t, s, pushEpoch.Add(time.Minute), 2) {
			batch = append(batch, d.Message)
		}
		slices.Sort(batch) // the order within one lease is free: it is sent at once
		got = append(got, batch...)
	}
	if want := []string{"own1", "urgent3", "bulk0", "own4", "bulk2", "bulk5"}; !slices.Equal(got, want) {
		t.Errorf("leased %v; want %v", got, want)
	}
	if at, any, err := s.NextDelivery(t.Context(), push.ChannelPush); !any || err != nil || !at.Equal(pushEpoch.Add(2*time.Minute)) {
		t.Errorf("next %v, %t, %v; want the end of the leases", at, any, err)
	}
}

// A clock that was ahead leaves leases that would last for hours.
func pushEndLeases(t *testing.T, s push.Store) {
	pushPlan(t, s, "ahead", "c", pushEpoch, "a")
	pushLease(t, s, pushEpoch.Add(time.Hour), 1)
	pushPlan(t, s, "right", "c", pushEpoch, "a")
	pushLeaseOf(t, s, push.ChannelPush, pushEpoch, 1, false)
	later := pushPlanned("later", "c", pushEpoch, "a")
	later.Plan.Deliveries[0].Due = pushEpoch.Add(time.Hour)
	pushPut(t, s, later)
	must(t, s.EndLeases(t.Context(), push.ChannelSMS, pushEpoch, time.Minute))
	if got := pushLease(t, s, pushEpoch, 9); len(got) != 0 {
		t.Fatalf("another channel's leases ended: %+v", got)
	}
	must(t, s.EndLeases(t.Context(), push.ChannelPush, pushEpoch, time.Minute))
	got := pushLease(t, s, pushEpoch, 9)
	if len(got) != 1 || got[0].Message != "ahead" || got[0].Fence != 2 {
		t.Errorf("leased %+v; want the one whose lease was too long", got)
	}
	if d := pushState(t, s, "later", "a"); !d.Due.Equal(pushEpoch.Add(time.Hour)) {
		t.Errorf("what is queued: %+v", d)
	}
}

func pushEnds(t *testing.T, s push.Store) {
	ends := []push.State{push.Accepted, push.Failed, push.Expired, push.Suppressed}
	for i, end := range ends {
		pushPlan(t, s, string(end), "c", pushEpoch.Add(time.Duration(i)*time.Millisecond), "a")
	}
	var rs []push.Result
	for _, d := range pushLease(t, s, pushEpoch.Add(time.Second), 9) {
		rs = append(rs, push.Result{Delivery: d, State: push.State(d.Message), Reason: "why", At: pushEpoch.Add(time.Minute)})
	}
	must(t, s.SettleDeliveries(t.Context(), rs))
	for _, end := range ends {
		if d := pushState(t, s, string(end), "a"); d.State != end || d.Reason != "why" || !d.Changed.Equal(pushEpoch.Add(time.Minute)) || !d.Due.IsZero() {
			t.Errorf("%s is %+v", end, d)
		}
	}
	if _, any, err := s.NextDelivery(t.Context(), push.ChannelPush); any || err != nil {
		t.Errorf("an ended delivery is due: %v", err)
	}
}

// pushNextChain is when the next chain is looked at, from the epoch on; -1 when none is.
func pushNextChain(t *testing.T, s push.Store) time.Duration {
	t.Helper()
	at, any, err := s.NextChain(t.Context())
	must(t, err)
	if !any {
		return -1
	}
	return at.Sub(pushEpoch)
}

func pushHurries(t *testing.T, s push.Store) {
	for state, want := range map[push.State]time.Duration{push.Accepted: 10 * time.Minute, push.Queued: 10 * time.Minute, push.Failed: time.Minute,
		push.Expired: time.Minute, push.Suppressed: time.Minute} {
		id := string(state)
		pushPlan(t, s, id, "c", pushEpoch, "a")
		d := pushLease(t, s, pushEpoch, 1)[0]
		pushSettle(t, s, d, push.Result{State: state, Due: pushEpoch.Add(time.Hour), At: pushEpoch.Add(time.Minute)})
		if got := pushNextChain(t, s); got != want {
			t.Errorf("%s: the chain is looked at after %v; want %v", state, got, want)
		}
		pushAck(t, s, "c", "", pushEpoch, true, id) // and make room for the next
	}
	pushPlan(t, s, "lost", "c", pushEpoch, "a")
	d := pushLease(t, s, pushEpoch, 1)[0]
	d.Fence--
	pushSettle(t, s, d, push.Result{State: push.Failed, At: pushEpoch.Add(time.Minute)})
	if got := pushNextChain(t, s); got != 10*time.Minute {
		t.Errorf("a lost lease hurried the chain to %v", got)
	}
	over := pushPlanned("over", "c", pushEpoch, "a")
	over.Plan.Due = time.Time{}
	pushPut(t, s, over)
	pushSettle(t, s, pushLease(t, s, pushEpoch, 1)[0], push.Result{State: push.Failed, At: pushEpoch.Add(time.Minute)})
	if got := pushNextChain(t, s); got != 10*time.Minute {
		t.Errorf("a chain that is over began again: %v", got)
	}
}

// When the SMS went, the push that still waits is not sent as well; what is on its way is left to its sender.
func pushToldOtherwise(t *testing.T, s push.Store) {
	p := pushPlanned("m", "c", pushEpoch, "queued", "leased", "failed", "later")
	p.Plan.Deliveries = append(p.Plan.Deliveries, pushDelivery(p.Message, push.ChannelSMS, "", 1), pushDelivery(p.Message, push.ChannelEmail, "mail", 2))
	pushPut(t, s, p)
	pushPlan(t, s, "other", "c", pushEpoch.Add(time.Millisecond), "queued")
	var held push.Delivery
	for _, d := range pushLease(t, s, pushEpoch, 9) {
		switch d.Target {
		case "leased":
			held = d
		case "queued", "later":
			pushSettle(t, s, d, push.Result{State: push.Queued, Due: pushEpoch.Add(time.Hour), At: pushEpoch})
		case "failed":
			pushSettle(t, s, d, push.Result{State: push.Failed, Reason: "unregistered", At: pushEpoch})
		}
	}
	sms := pushLeaseOf(t, s, push.ChannelSMS, pushEpoch, 9, true)[0]
	pushSettle(t, s, sms, push.Result{State: push.Accepted, Ref: "ref", At: pushEpoch.Add(time.Minute)})
	for device, want := range map[string]push.State{"queued": push.Suppressed, "later": push.Suppressed, "leased": push.Leased, "failed": push.Failed, "mail": push.Queued} {
		if d := pushState(t, s, "m", device); d.State != want || want == push.Suppressed && (d.Reason != "told_otherwise" || !d.Due.IsZero()) {
			t.Errorf("%s: %+v; want %s", device, d, want)
		}
	}
	again := push.Result{State: push.Queued, Due: pushEpoch.Add(time.Hour), Attempted: true, Reason: "unavailable", At: pushEpoch.Add(time.Minute)}
	pushSettle(t, s, held, again)
	if d := pushState(t, s, "m", "leased"); d.State != push.Suppressed || d.Reason != "told_otherwise" || !d.Due.IsZero() {
		t.Errorf("tried meanwhile, and to be tried again: %+v", d)
	}
	acked := pushPlanned("acked", "c", pushEpoch)
	acked.Plan.Deliveries = []push.Delivery{pushDelivery(acked.Message, push.ChannelSMS, "", 0)}
	pushPut(t, s, acked)
	held = pushLeaseOf(t, s, push.ChannelSMS, pushEpoch, 9, false)[0]
	pushAck(t, s, "c", "phone", pushEpoch, false, "acked")
	pushSettle(t, s, held, again)
	if d := pushState(t, s, "acked", ""); d.State != push.Suppressed || d.Reason != "told_otherwise" {
		t.Errorf("the app has it meanwhile: %+v", d)
	}
	if d := pushState(t, s, "other", "queued"); d.State != push.Queued {
		t.Errorf("another message: %+v", d)
	}
}

// pushSent is a message whose SMS was accepted under a name.
func pushSent(t *testing.T, s push.Store, id, ref string) {
	t.Helper()
	p := pushPlanned(id, "c", pushEpoch)
	p.Plan.Deliveries = []push.Delivery{pushDelivery(p.Message, push.ChannelSMS, "", 1)}
	pushPut(t, s, p)
	pushSettle(t, s, pushLeaseOf(t, s, push.ChannelSMS, pushEpoch, 1, true)[0], push.Result{State: push.Accepted, Ref: ref, At: pushEpoch})
}

func pushReceive(t *testing.T, s push.Store) {
	ctx, at := t.Context(), pushEpoch.Add(time.Minute)
	pushSent(t, s, "m", "ref")
	receipt := func(ref string, state push.State, reason string) push.Receipt {
		return push.Receipt{Channel: push.ChannelSMS, Ref: ref, State: state, Reason: reason, At: at}
	}
	for _, ref := range []string{"another", ""} {
		if err := s.Receive(ctx, receipt(ref, push.Delivered, "")); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("unknown %q: %v", ref, err)
		}
	}
	if err := s.Receive(ctx, push.Receipt{Channel: push.ChannelEmail, Ref: "ref", State: push.Delivered, At: at}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("another channel's: %v", err)
	}
	must(t, s.Receive(ctx, receipt("ref", "", "")))
	if d := pushState(t, s, "m", ""); d.State != push.Accepted || pushNextChain(t, s) != 10*time.Minute {
		t.Errorf("nothing final, and %+v", d)
	}
	must(t, s.Receive(ctx, receipt("ref", push.Delivered, "")))
	if d := pushState(t, s, "m", ""); d.State != push.Delivered || !d.Changed.Equal(at) || d.Ref != "ref" {
		t.Errorf("delivered: %+v", d)
	}
	if got := pushNextChain(t, s); got != -1 {
		t.Errorf("the chain goes on after %v", got)
	}
	must(t, s.Receive(ctx, receipt("ref", push.Failed, "absent")))
	if d := pushState(t, s, "m", ""); d.State != push.Delivered {
		t.Errorf("set back to %s", d.State)
	}
	pushSent(t, s, "n", "ref2")
	must(t, s.Receive(ctx, receipt("ref2", push.Failed, "absent")))
	if d := pushState(t, s, "n", ""); d.State != push.Failed || d.Reason != "absent" || pushNextChain(t, s) != time.Minute {
		t.Errorf("failed: %+v, the chain is looked at after %v", d, pushNextChain(t, s))
	}
}

// A call that is played again changes nothing, and is told apart from a new one.
func pushReceiveOnce(t *testing.T, s push.Store) {
	pushSent(t, s, "m", "ref")
	r := push.Receipt{Channel: push.ChannelSMS, Ref: "ref", State: push.Delivered, At: pushEpoch, Once: "call"}
	unknown := r
	unknown.Ref, unknown.Once = "none", "early"
	if err := s.Receive(t.Context(), unknown); fault.CodeOf(err) != fault.NotFound {
		t.Fatal(err)
	}
	if err := s.Receive(t.Context(), unknown); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a call that found nothing counts: %v", err)
	}
	var first, again sync.Map
	atOnce(8, func(i int) {
		switch err := s.Receive(context.Background(), r); fault.CodeOf(err) {
		case "":
			first.Store(i, true)
		case fault.Exists:
			again.Store(i, true)
		default:
			t.Error(err)
		}
	})
	count := func(m *sync.Map) (n int) {
		m.Range(func(any, any) bool { n++; return true })
		return n
	}
	if count(&first) != 1 || count(&again) != 7 {
		t.Errorf("%d first, %d again", count(&first), count(&again))
	}
	r.State, r.Reason = push.Failed, "absent"
	if err := s.Receive(t.Context(), r); fault.CodeOf(err) != fault.Exists || pushState(t, s, "m", "").State != push.Delivered {
		t.Errorf("the same call with another content: %v", err)
	}
}

func pushDepth(t *testing.T, s push.Store) {
	now := pushEpoch.Add(5 * time.Minute)
	check := func(what string, open int, oldest time.Duration) {
		t.Helper()
		all, err := s.QueueDepth(t.Context(), now)
		must(t, err)
		for _, c := range push.Channels {
			want := push.Depth{}
			if c == push.ChannelPush {
				want = push.Depth{Open: open, Oldest: oldest}
			}
			if got, there := all[c]; got != want || !there {
				t.Errorf("%s: %s has %+v; want %+v", what, c, got, want)
			}
		}
	}
	check("empty", 0, 0)
	later := pushPlanned("later", "c", now.Add(time.Hour), "a")
	pushPut(t, s, later)
	check("not due", 1, 0)
	bulk := pushPlanned("bulk", "c", pushEpoch, "a")
	bulk.Plan.Deliveries[0].Broadcast = "b"
	pushPut(t, s, bulk)
	pushPlan(t, s, "own", "c", pushEpoch.Add(time.Minute), "a")
	check("due", 3, 5*time.Minute)
	for _, d := range pushLease(t, s, now, 9) {
		pushSettle(t, s, d, push.Result{State: push.Accepted, At: now})
	}
	check("accepted", 1, 0)
}
