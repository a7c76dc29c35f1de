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

var pushEpoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// TestPush is what every backend must do with messages and deliveries.
func TestPush(t *testing.T, open func(t *testing.T) push.Store) {
	for name, f := range map[string]func(*testing.T, push.Store){
		"PlanMessage/twice":                pushPlanTwice,
		"LeaseDeliveries/contenders":       pushContenders,
		"LeaseDeliveries/takeover":         pushTakeover,
		"LeaseDeliveries/due":              pushDue,
		"SettleDeliveries/ends":            pushEnds,
		"Messages/pages":                   pushPages,
		"AcknowledgeMessage/states":        pushAcknowledge,
		"AcknowledgeMessage/not_the_owner": pushForeign,
		"AcknowledgeMessage/before_settle": pushAckBeforeSettle,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

// pushPlan writes a message with deliveries to devices.
func pushPlan(t *testing.T, s push.Store, id, citizen string, at time.Time, devices ...string) push.Message {
	t.Helper()
	m := push.Message{ID: id, Citizen: citizen, Kind: push.Resolved, Report: "r", Number: "1234567890", At: at}
	var ds []push.Delivery
	for _, d := range devices {
		ds = append(ds, push.Delivery{ID: id + "-" + d, Message: id, Citizen: citizen, Device: d, Channel: push.ChannelPush, Kind: m.Kind,
			Report: m.Report, Number: m.Number, Planned: at, Deadline: at.Add(time.Hour), State: push.Queued})
	}
	n, err := s.PlanMessage(t.Context(), m, ds)
	if err != nil || n != len(devices) {
		t.Fatalf("PlanMessage: %d, %v; want %d", n, err, len(devices))
	}
	return m
}

func pushLease(t *testing.T, s push.Store, now time.Time, limit int) []push.Delivery {
	t.Helper()
	ds, err := s.LeaseDeliveries(t.Context(), push.ChannelPush, now, time.Minute, limit)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func pushSettle(t *testing.T, s push.Store, d push.Delivery, r push.Result) {
	t.Helper()
	r.Message, r.ID, r.Fence = d.Message, d.ID, d.Fence
	if err := s.SettleDeliveries(t.Context(), []push.Result{r}); err != nil {
		t.Fatal(err)
	}
}

// pushState is that of the delivery of a message to a device.
func pushState(t *testing.T, s push.Store, message, device string) push.Delivery {
	t.Helper()
	ds, err := s.Deliveries(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if d.Device == device {
			return d
		}
	}
	t.Fatalf("no delivery of %s to %s", message, device)
	return push.Delivery{}
}

func pushPlanTwice(t *testing.T, s push.Store) {
	m := pushPlan(t, s, "m", "c", pushEpoch, "a", "b")
	pushSettle(t, s, pushLease(t, s, pushEpoch, 1)[0], push.Result{State: push.Accepted, At: pushEpoch})
	n, err := s.PlanMessage(t.Context(), m, []push.Delivery{{ID: "m-a", Message: "m", Channel: push.ChannelPush, Device: "a"}, {ID: "m-new", Message: "m"}})
	if n != 0 || err != nil {
		t.Fatalf("again: %d, %v; want 0", n, err)
	}
	ds, err := s.Deliveries(t.Context(), "m")
	if err != nil || len(ds) != 2 || ds[0].State != push.Accepted || ds[1].State != push.Queued {
		t.Errorf("deliveries %+v, %v; want one accepted, one queued", ds, err)
	}
	want := ds[1]
	if want.Citizen != "c" || want.Number != "1234567890" || !want.Deadline.Equal(pushEpoch.Add(time.Hour)) || !want.Due.Equal(pushEpoch) {
		t.Errorf("stored %+v", want)
	}
	if ms, err := s.Messages(t.Context(), "c", push.Position{}, 10, false); err != nil || len(ms) != 1 || ms[0] != m {
		t.Errorf("messages %+v, %v; want %+v", ms, err, m)
	}
}

func pushContenders(t *testing.T, s push.Store) {
	const all = 60
	for i := range all {
		pushPlan(t, s, fmt.Sprintf("m%02d", i), "c", pushEpoch.Add(time.Duration(i)*time.Millisecond), "a")
	}
	var mu sync.Mutex
	took := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				ds, err := s.LeaseDeliveries(context.Background(), push.ChannelPush, pushEpoch.Add(time.Second), time.Minute, 7)
				if err != nil {
					t.Error(err)
				}
				if len(ds) == 0 {
					return
				}
				mu.Lock()
				for _, d := range ds {
					took[d.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
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
	if held, err := s.HoldsDelivery(t.Context(), first); !held || err != nil {
		t.Fatalf("held %t, %v", held, err)
	}
	if first.State != push.Leased || !first.Due.Equal(pushEpoch.Add(time.Minute)) {
		t.Errorf("leased as %+v", first)
	}
	if got := pushLease(t, s, pushEpoch.Add(59*time.Second), 9); len(got) != 0 {
		t.Fatalf("taken over within its lease: %+v", got)
	}
	second := pushLease(t, s, pushEpoch.Add(time.Minute), 9)[0]
	if second.Fence <= first.Fence {
		t.Errorf("fence %d after %d", second.Fence, first.Fence)
	}
	if held, err := s.HoldsDelivery(t.Context(), first); held || err != nil {
		t.Errorf("the old lease holds: %t, %v", held, err)
	}
	pushSettle(t, s, first, push.Result{State: push.Failed, Reason: "old", At: pushEpoch})
	if d := pushState(t, s, "m", "a"); d.State != push.Leased {
		t.Fatalf("the old fence moved it to %s", d.State)
	}
	pushSettle(t, s, second, push.Result{State: push.Accepted, Ref: "name", At: pushEpoch})
	if d := pushState(t, s, "m", "a"); d.State != push.Accepted || d.Ref != "name" || !d.Due.IsZero() {
		t.Errorf("settled %+v", d)
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
	if _, any, err := s.NextDelivery(t.Context(), "another"); any || err != nil {
		t.Errorf("another channel: %t, %v", any, err)
	}
	later := pushEpoch.Add(10 * time.Minute)
	pushSettle(t, s, pushLease(t, s, pushEpoch, 9)[0], push.Result{State: push.Queued, Due: later, Attempted: true, Reason: "unavailable", At: pushEpoch})
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

func pushEnds(t *testing.T, s push.Store) {
	ends := []push.State{push.Accepted, push.Failed, push.Expired, push.Suppressed}
	for i, end := range ends {
		pushPlan(t, s, string(end), "c", pushEpoch.Add(time.Duration(i)*time.Millisecond), "a")
	}
	for i, d := range pushLease(t, s, pushEpoch.Add(time.Second), 9) {
		pushSettle(t, s, d, push.Result{State: ends[i], Reason: "why", At: pushEpoch.Add(time.Minute)})
	}
	for _, end := range ends {
		if d := pushState(t, s, string(end), "a"); d.State != end || d.Reason != "why" || !d.Changed.Equal(pushEpoch.Add(time.Minute)) {
			t.Errorf("%s is %+v", end, d)
		}
	}
	if _, any, err := s.NextDelivery(t.Context(), push.ChannelPush); any || err != nil {
		t.Errorf("an ended delivery is due: %v", err)
	}
}

func pushPages(t *testing.T, s push.Store) {
	var want []string
	for i := range 11 { // three of each moment
		id := fmt.Sprintf("m%02d", i)
		pushPlan(t, s, id, "c", pushEpoch.Add(time.Duration(i/3)*time.Millisecond))
		want = append(want, id)
	}
	pushPlan(t, s, "foreign", "another", pushEpoch)
	slices.Reverse(want)
	var got []string
	var after push.Position
	for {
		page, err := s.Messages(t.Context(), "c", after, 2, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			got = append(got, m.ID)
			after = push.Position{At: m.At, ID: m.ID}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("paged\n%v, want\n%v", got, want)
	}
	if err := s.AcknowledgeMessage(t.Context(), "c", "m10", "", pushEpoch, true); err != nil {
		t.Fatal(err)
	}
	if n, err := s.UnreadMessages(t.Context(), "c"); n != 10 || err != nil {
		t.Errorf("unread %d, %v; want 10", n, err)
	}
	if ms, err := s.Messages(t.Context(), "c", push.Position{}, 1, true); err != nil || len(ms) != 1 || ms[0].ID != "m09" {
		t.Errorf("first unread %+v, %v; want m09", ms, err)
	}
}

func pushAcknowledge(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a", "b", "d")
	for _, d := range pushLease(t, s, pushEpoch, 9) {
		switch d.Device {
		case "a", "d":
			pushSettle(t, s, d, push.Result{State: push.Accepted, At: pushEpoch})
		case "b":
			pushSettle(t, s, d, push.Result{State: push.Queued, Due: pushEpoch.Add(time.Hour), At: pushEpoch})
		}
	}
	check := func(when string, a, b, d push.State) {
		t.Helper()
		for dev, want := range map[string]push.State{"a": a, "b": b, "d": d} {
			if got := pushState(t, s, "m", dev); got.State != want {
				t.Errorf("%s: %s is %s, want %s", when, dev, got.State, want)
			}
		}
	}
	ack := func(read bool, device string, at time.Time) {
		t.Helper()
		if err := s.AcknowledgeMessage(t.Context(), "c", "m", device, at, read); err != nil {
			t.Fatal(err)
		}
	}
	ack(false, "a", pushEpoch.Add(time.Second))
	check("delivered to a", push.Delivered, push.Queued, push.Accepted)
	ack(true, "a", pushEpoch.Add(2*time.Second))
	check("read on a", push.Read, push.Suppressed, push.Read)
	ack(false, "b", pushEpoch.Add(3*time.Second))
	ack(true, "b", pushEpoch.Add(4*time.Second))
	check("again", push.Read, push.Suppressed, push.Read)
	ms, err := s.Messages(t.Context(), "c", push.Position{}, 1, false)
	if err != nil || !ms[0].DeliveredAt.Equal(pushEpoch.Add(time.Second)) || !ms[0].ReadAt.Equal(pushEpoch.Add(2*time.Second)) {
		t.Errorf("message %+v, %v: want the first moments", ms, err)
	}
	if got := pushLease(t, s, pushEpoch.Add(2*time.Hour), 9); len(got) != 0 {
		t.Errorf("sent after it was read: %+v", got)
	}
}

func pushForeign(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a")
	for _, read := range []bool{false, true} {
		if err := s.AcknowledgeMessage(t.Context(), "another", "m", "a", pushEpoch, read); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("another citizen's: %v", err)
		}
	}
	ms, err := s.Messages(t.Context(), "c", push.Position{}, 1, true)
	if err != nil || len(ms) != 1 || !ms[0].DeliveredAt.IsZero() || pushState(t, s, "m", "a").State != push.Queued {
		t.Errorf("changed by another: %+v, %v", ms, err)
	}
}

// A phone may acknowledge before the sender has written that FCM took it.
func pushAckBeforeSettle(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a")
	d := pushLease(t, s, pushEpoch, 1)[0]
	if err := s.AcknowledgeMessage(t.Context(), "c", "m", "a", pushEpoch, false); err != nil {
		t.Fatal(err)
	}
	if held, err := s.HoldsDelivery(t.Context(), d); held || err != nil {
		t.Errorf("held %t, %v after the phone has it", held, err)
	}
	pushSettle(t, s, d, push.Result{State: push.Accepted, At: pushEpoch})
	if got := pushState(t, s, "m", "a"); got.State != push.Delivered {
		t.Errorf("set back to %s", got.State)
	}
}
