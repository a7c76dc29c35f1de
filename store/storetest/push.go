package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
)

var pushEpoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// TestPush is what every backend must do with messages, deliveries and chains.
func TestPush(t *testing.T, open func(t *testing.T) push.Store) {
	for name, f := range map[string]func(*testing.T, push.Store){
		"PlanMessages/twice":                 pushPlanTwice,
		"PlanMessages/batch":                 pushPlanBatch,
		"Messages/pages":                     pushPages,
		"RecentReports/first_heard_of":       pushRecentReports,
		"NewerMessage/about_the_report":      pushNewerMessage,
		"AcknowledgeMessages/states":         pushAcknowledge,
		"AcknowledgeMessages/batch":          pushAcknowledgeBatch,
		"AcknowledgeMessages/not_the_owner":  pushForeign,
		"AcknowledgeMessages/before_settle":  pushAckBeforeSettle,
		"AcknowledgeMessages/any_device":     pushAckAnyDevice,
		"LeaseDeliveries/contenders":         pushContenders,
		"LeaseDeliveries/takeover":           pushTakeover,
		"LeaseDeliveries/due":                pushDue,
		"LeaseDeliveries/order":              pushOrder,
		"EndLeases/too_long":                 pushEndLeases,
		"SettleDeliveries/ends":              pushEnds,
		"SettleDeliveries/hurries":           pushHurries,
		"SettleDeliveries/told_otherwise":    pushToldOtherwise,
		"Receive/states":                     pushReceive,
		"Receive/once":                       pushReceiveOnce,
		"QueueDepth/open_and_oldest":         pushDepth,
		"LeaseChains/due":                    pushChainsDue,
		"LeaseChains/contenders":             pushChainContenders,
		"MoveChains/next_step":               pushMoveChains,
		"MoveChains/lost":                    pushMoveLost,
		"AcknowledgeMessages/ends_the_chain": pushAckEndsChain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

// pushDelivery is one of a message.
func pushDelivery(m push.Message, channel, device string, step int) push.Delivery {
	return push.Delivery{ID: m.ID + "-" + channel + device, Message: m.ID, Citizen: m.Citizen, Target: device, Channel: channel, Kind: m.Kind, Report: m.Report,
		Number: m.Number, Centre: m.Centre, Step: step, At: m.At, Planned: m.At, Deadline: m.At.Add(time.Hour), Day: "2026-11-21", State: push.Queued, Due: m.At}
}

// pushPlanned is a message with push deliveries to devices, whose chain is looked at after ten minutes.
func pushPlanned(id, citizen string, at time.Time, devices ...string) push.Planned {
	m := push.Message{ID: id, Citizen: citizen, Kind: push.Resolved, Report: "r", Number: "1234567890", Centre: "riyadh", At: at}
	p := push.Planned{Message: m, Plan: push.Plan{Since: at, Due: at.Add(10 * time.Minute)}}
	for _, d := range devices {
		p.Plan.Deliveries = append(p.Plan.Deliveries, pushDelivery(m, push.ChannelPush, d, 0))
	}
	return p
}

func pushPut(t *testing.T, s push.Store, ps ...push.Planned) {
	t.Helper()
	want := 0
	for _, p := range ps {
		want += len(p.Plan.Deliveries)
	}
	if n, err := s.PlanMessages(t.Context(), ps); err != nil || n != want {
		t.Fatalf("PlanMessages: %d, %v; want %d", n, err, want)
	}
}

// pushPlan writes a message with deliveries to devices.
func pushPlan(t *testing.T, s push.Store, id, citizen string, at time.Time, devices ...string) push.Message {
	t.Helper()
	p := pushPlanned(id, citizen, at, devices...)
	pushPut(t, s, p)
	return p.Message
}

func pushAck(t *testing.T, s push.Store, citizen, device string, at time.Time, read bool, ids ...string) []string {
	t.Helper()
	known, err := s.AcknowledgeMessages(t.Context(), citizen, ids, device, at, read)
	must(t, err)
	slices.Sort(known)
	return known
}

func pushPlanTwice(t *testing.T, s push.Store) {
	m := pushPlan(t, s, "m", "c", pushEpoch, "a", "b")
	pushSettle(t, s, pushLease(t, s, pushEpoch, 1)[0], push.Result{State: push.Accepted, At: pushEpoch})
	again := pushPlanned("m", "c", pushEpoch, "a", "new")
	again.Message.Kind, again.Plan.Due = push.Closed, time.Time{}
	n, err := s.PlanMessages(t.Context(), []push.Planned{again})
	if n != 0 || err != nil {
		t.Fatalf("again: %d, %v; want 0", n, err)
	}
	ds, err := s.Deliveries(t.Context(), "m")
	if err != nil || len(ds) != 2 || ds[0].State != push.Accepted || ds[1].State != push.Queued {
		t.Fatalf("deliveries %+v, %v; want one accepted, one queued", ds, err)
	}
	if want := pushDelivery(m, push.ChannelPush, "b", 0); ds[1] != want {
		t.Errorf("stored %+v; want %+v", ds[1], want)
	}
	if ms, err := s.Messages(t.Context(), "c", push.Position{}, 10, false); err != nil || len(ms) != 1 || ms[0] != m {
		t.Errorf("messages %+v, %v; want %+v", ms, err, m)
	}
	if at, any, err := s.NextChain(t.Context()); !any || err != nil || !at.Equal(pushEpoch.Add(10*time.Minute)) {
		t.Errorf("the chain is looked at %v, %t, %v", at, any, err)
	}
}

// In a batch, what is new is planned beside what is not.
func pushPlanBatch(t *testing.T, s push.Store) {
	pushPlan(t, s, "m1", "c", pushEpoch, "a")
	batch := []push.Planned{pushPlanned("m1", "c", pushEpoch, "x", "y"), pushPlanned("m2", "c", pushEpoch, "a", "b"), pushPlanned("m3", "d", pushEpoch),
		pushPlanned("m2", "c", pushEpoch, "a", "b", "z")}
	for _, want := range []int{2, 0} {
		if n, err := s.PlanMessages(t.Context(), batch); n != want || err != nil {
			t.Errorf("planned %d, %v; want %d", n, err, want)
		}
		for id, want := range map[string]int{"m1": 1, "m2": 2, "m3": 0} {
			if ds, err := s.Deliveries(t.Context(), id); len(ds) != want || err != nil {
				t.Errorf("%s has %+v, %v; want %d", id, ds, err, want)
			}
		}
		if ms, err := s.Messages(t.Context(), "d", push.Position{}, 9, false); err != nil || len(ms) != 1 {
			t.Errorf("a message for the inbox alone: %+v, %v", ms, err)
		}
	}
	if n, err := s.PlanMessages(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
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
		must(t, err)
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
	pushAck(t, s, "c", "", pushEpoch, true, "m10")
	if n, err := s.UnreadMessages(t.Context(), "c"); n != 10 || err != nil {
		t.Errorf("unread %d, %v; want 10", n, err)
	}
	if ms, err := s.Messages(t.Context(), "c", push.Position{}, 1, true); err != nil || len(ms) != 1 || ms[0].ID != "m09" {
		t.Errorf("first unread %+v, %v; want m09", ms, err)
	}
}

// pushAbout writes messages of citizen "c" about reports, a minute from one to the next, with the ids "0", "1" …
func pushAbout(t *testing.T, s push.Store, reports ...string) {
	t.Helper()
	for i, r := range reports {
		p := pushPlanned(fmt.Sprint(i), "c", pushEpoch.Add(time.Duration(i)*time.Minute))
		p.Message.Report = r
		pushPut(t, s, p)
	}
}

func pushNewerMessage(t *testing.T, s push.Store) {
	first, second, other := pushPlanned("first", "c", pushEpoch), pushPlanned("second", "c", pushEpoch.Add(time.Minute)), pushPlanned("other", "c", pushEpoch.Add(time.Minute))
	for _, p := range []*push.Planned{&first, &second} {
		p.Message.Report = "r1"
	}
	second.Message.Kind = push.Reply
	other.Message.Report, other.Message.Kind = "r2", push.Closed
	pushPut(t, s, first, second, other)
	for _, c := range []struct {
		citizen, report string
		after           time.Time
		kinds           []push.Kind
		want            bool
	}{
		{"c", "r1", pushEpoch, []push.Kind{push.Closed, push.Reply}, true},
		{"c", "r1", pushEpoch, []push.Kind{push.Closed}, false},
		{"c", "r1", pushEpoch.Add(time.Minute), []push.Kind{push.Reply}, false},
		{"c", "r3", pushEpoch, push.Kinds, false},
		{"another", "r1", pushEpoch, push.Kinds, false},
	} {
		if got, err := s.NewerMessage(t.Context(), c.citizen, c.report, c.after, c.kinds); got != c.want || err != nil {
			t.Errorf("%+v: %t, %v", c, got, err)
		}
	}
}

func pushRecentReports(t *testing.T, s push.Store) {
	pushAbout(t, s, "r1", "r2", "", "r3", "r2", "r1", "r4", "r5")
	for _, c := range []struct {
		since time.Duration
		limit int
		want  []string
	}{
		{0, 9, []string{"r1", "r2", "r3", "r4", "r5"}},
		{0, 4, []string{"r1", "r2", "r3", "r4"}},
		{time.Minute, 3, []string{"r2", "r3", "r1"}},
		{time.Minute + 1e6, 3, []string{"r3", "r2", "r1"}},
		{time.Hour, 3, nil},
	} {
		if got, err := s.RecentReports(t.Context(), "c", pushEpoch.Add(c.since), c.limit); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("since %v, at most %d: %v, %v; want %v", c.since, c.limit, got, err, c.want)
		}
	}
	if got, err := s.RecentReports(t.Context(), "another", pushEpoch, 4); len(got) != 0 || err != nil {
		t.Errorf("somebody else's: %v, %v", got, err)
	}
}

func pushAcknowledge(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a", "b", "d")
	for _, d := range pushLease(t, s, pushEpoch, 9) {
		switch d.Target {
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
	pushAck(t, s, "c", "a", pushEpoch.Add(time.Second), false, "m")
	check("delivered to a", push.Delivered, push.Queued, push.Accepted)
	pushAck(t, s, "c", "a", pushEpoch.Add(2*time.Second), true, "m")
	check("read on a", push.Read, push.Suppressed, push.Read)
	pushAck(t, s, "c", "b", pushEpoch.Add(3*time.Second), false, "m")
	pushAck(t, s, "c", "b", pushEpoch.Add(4*time.Second), true, "m")
	check("again", push.Read, push.Suppressed, push.Read)
	if d := pushState(t, s, "m", "a"); !d.Changed.Equal(pushEpoch.Add(2 * time.Second)) {
		t.Errorf("read again: %+v", d)
	}
	ms, err := s.Messages(t.Context(), "c", push.Position{}, 1, false)
	if err != nil || !ms[0].DeliveredAt.Equal(pushEpoch.Add(time.Second)) || !ms[0].ReadAt.Equal(pushEpoch.Add(2*time.Second)) {
		t.Errorf("message %+v, %v: want the first moments", ms, err)
	}
	if got := pushLease(t, s, pushEpoch.Add(2*time.Hour), 9); len(got) != 0 {
		t.Errorf("sent after it was read: %+v", got)
	}
}

func pushAcknowledgeBatch(t *testing.T, s push.Store) {
	pushPlan(t, s, "m1", "c", pushEpoch, "a")
	pushPlan(t, s, "m2", "c", pushEpoch.Add(time.Millisecond), "a", "b")
	pushPlan(t, s, "m3", "c", pushEpoch.Add(time.Millisecond), "a")
	pushPlan(t, s, "theirs", "another", pushEpoch, "a")
	ids := []string{"m1", "none", "m2", "theirs", "m1"}
	for range 2 { // the answer of the first may have been lost
		if got := pushAck(t, s, "c", "a", pushEpoch.Add(time.Second), false, ids...); !slices.Equal(got, []string{"m1", "m2"}) {
			t.Errorf("known %v", got)
		}
	}
	for id, want := range map[string]push.State{"m1": push.Delivered, "m2": push.Delivered, "m3": push.Queued, "theirs": push.Queued} {
		if d := pushState(t, s, id, "a"); d.State != want {
			t.Errorf("%s is %s; want %s", id, d.State, want)
		}
	}
	if d := pushState(t, s, "m2", "b"); d.State != push.Queued {
		t.Errorf("the other device: %s", d.State)
	}
	if got := pushAck(t, s, "c", "a", pushEpoch.Add(time.Minute), true, ids...); !slices.Equal(got, []string{"m1", "m2"}) {
		t.Errorf("known %v", got)
	}
	if n, err := s.UnreadMessages(t.Context(), "c"); n != 1 || err != nil {
		t.Errorf("unread %d, %v; want 1", n, err)
	}
}

func pushForeign(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a")
	for _, read := range []bool{false, true} {
		if got := pushAck(t, s, "another", "a", pushEpoch, read, "m"); len(got) != 0 {
			t.Errorf("another citizen knows %v", got)
		}
	}
	ms, err := s.Messages(t.Context(), "c", push.Position{}, 1, true)
	if err != nil || len(ms) != 1 || !ms[0].DeliveredAt.IsZero() || pushState(t, s, "m", "a").State != push.Queued {
		t.Errorf("changed by another: %+v, %v", ms, err)
	}
	if _, any, err := s.NextChain(t.Context()); !any || err != nil {
		t.Errorf("another citizen ended the chain: %v", err)
	}
}

// A phone may acknowledge before the sender has written that FCM took it.
func pushAckBeforeSettle(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a")
	d := pushLease(t, s, pushEpoch, 1)[0]
	pushAck(t, s, "c", "a", pushEpoch, false, "m")
	pushSettle(t, s, d, push.Result{State: push.Accepted, At: pushEpoch})
	if got := pushState(t, s, "m", "a"); got.State != push.Delivered {
		t.Errorf("set back to %s", got.State)
	}
}

// Who has no device of his own speaks for all of them.
func pushAckAnyDevice(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a", "b")
	pushAck(t, s, "c", "", pushEpoch, false, "m")
	for _, dev := range []string{"a", "b"} {
		if d := pushState(t, s, "m", dev); d.State != push.Delivered || !d.Due.IsZero() {
			t.Errorf("%s: %+v", dev, d)
		}
	}
}
