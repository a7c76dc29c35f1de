package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
)

// TestPushLedger is what every backend must do for staff who look at what became of messages, and for what they cost.
func TestPushLedger(t *testing.T, open func(t *testing.T) push.Store) {
	for name, f := range map[string]func(*testing.T, push.Store){
		"ReportTrails/open_and_given_up":     ledgerTrails,
		"UnreachedMessages/pages":            ledgerUnreached,
		"UnreachedMessages/no_longer":        ledgerReached,
		"DeadDeliveries/pages":               ledgerDead,
		"RetryDeliveries/queues_again":       ledgerRetry,
		"RetryDeliveries/leaves_alone":       ledgerRetryNot,
		"RetryDeliveries/topic":              ledgerRetryTopic,
		"CountDeliveries/funnel":             ledgerFunnel,
		"CountDeliveries/filters":            ledgerCountFilters,
		"CountDeliveries/failed_after_all":   ledgerFailedAfterAll,
		"CountDeliveries/told_otherwise":     ledgerToldOtherwise,
		"CountDeliveries/retried":            ledgerRetriedCounts,
		"Spend/both_scopes_or_none":          ledgerSpend,
		"Spend/forced_and_given_back":        ledgerSpendForced,
		"Spend/contenders_never_over_limits": ledgerSpendContenders,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

// ledgerPlanned is a message of a centre with push deliveries to devices.
func ledgerPlanned(id, centre string, at time.Time, devices ...string) push.Planned {
	m := push.Message{ID: id, Citizen: "c", Kind: push.Resolved, Report: "r", Number: "1234567890", Centre: centre, At: at}
	p := push.Planned{Message: m, Plan: push.Plan{Since: at, Due: at.Add(10 * time.Minute)}}
	for _, d := range devices {
		p.Plan.Deliveries = append(p.Plan.Deliveries, pushDelivery(m, push.ChannelPush, d, 0))
	}
	return p
}

// ledgerEnd leases everything and ends it.
func ledgerEnd(t *testing.T, s push.Store, channel string, state push.State, reason string, at time.Time) {
	t.Helper()
	ds, err := s.LeaseDeliveries(t.Context(), channel, at, time.Minute, 100, true)
	must(t, err)
	for _, d := range ds {
		pushSettle(t, s, d, push.Result{State: state, Reason: reason, At: at})
	}
}

func ledgerTrails(t *testing.T, s push.Store) {
	open, given := ledgerPlanned("open", "riyadh", pushEpoch.Add(time.Second), "b", "a"), ledgerPlanned("given up", "riyadh", pushEpoch)
	given.Plan = push.Plan{Step: 3, Since: pushEpoch.Add(time.Hour), Unreached: push.NoChannel}
	other, foreign := ledgerPlanned("other", "riyadh", pushEpoch), ledgerPlanned("foreign", "riyadh", pushEpoch)
	other.Message.Report, foreign.Message.Citizen = "r2", "another"
	pushPut(t, s, open, given, other, foreign)
	ts, err := s.ReportTrails(t.Context(), "c", "r")
	must(t, err)
	if len(ts) != 2 || ts[0].Message != given.Message || ts[1].Message != open.Message {
		t.Fatalf("trails %+v", ts)
	}
	if x := ts[0]; x.Unreached != push.NoChannel || !x.Since.Equal(pushEpoch.Add(time.Hour)) || !x.Next.IsZero() || x.Step != 3 || len(x.Deliveries) != 0 {
		t.Errorf("given up: %+v", x)
	}
	if x := ts[1]; x.Unreached != "" || !x.Since.IsZero() || !x.Next.Equal(open.Plan.Due) || len(x.Deliveries) != 2 || x.Deliveries[0].State != push.Queued {
		t.Errorf("open: %+v", x)
	}
	if ts, err := s.ReportTrails(t.Context(), "c", "none"); err != nil || len(ts) != 0 {
		t.Errorf("another report: %+v, %v", ts, err)
	}
}

// ledgerPages reads a list page by page.
func ledgerPages[T any](t *testing.T, page func(after push.Position) ([]T, error), at func(T) push.Position) (ids []string) {
	t.Helper()
	var after push.Position
	for {
		some, err := page(after)
		must(t, err)
		if len(some) == 0 {
			return ids
		} else if len(some) > 5 {
			t.Fatalf("a page of %d; want at most 5", len(some))
		}
		for _, x := range some {
			after = at(x)
			ids = append(ids, after.ID)
		}
	}
}

func ledgerUnreached(t *testing.T, s push.Store) {
	centres, reasons := []string{"riyadh", "jeddah", ""}, []string{push.NoChannel, push.AllFailed}
	var all []push.Planned
	for i := range 12 { // two of each moment
		p := ledgerPlanned(fmt.Sprintf("m%02d", i), centres[i%3], pushEpoch)
		p.Plan = push.Plan{Since: pushEpoch.Add(time.Duration(i/2) * time.Minute), Unreached: reasons[i%2]}
		all = append(all, p)
	}
	pushPut(t, s, append(all, ledgerPlanned("open", "riyadh", pushEpoch))...)
	for name, c := range map[string]struct {
		centres []string
		why     string
		take    func(i int) bool
	}{
		"every centre":    {nil, "", func(int) bool { return true }},
		"one":             {[]string{"jeddah"}, "", func(i int) bool { return i%3 == 1 }},
		"two":             {[]string{"riyadh", "jeddah"}, "", func(i int) bool { return i%3 < 2 }},
		"none":            {[]string{}, "", func(int) bool { return false }},
		"reason":          {nil, push.AllFailed, func(i int) bool { return i%2 == 1 }},
		"reason of two":   {[]string{"riyadh", "jeddah"}, push.NoChannel, func(i int) bool { return i%3 < 2 && i%2 == 0 }},
		"reason not used": {nil, push.TooLate, func(int) bool { return false }},
	} {
		var want []string
		for i := range 12 {
			if c.take(i) {
				want = append([]string{fmt.Sprintf("m%02d", i)}, want...)
			}
		}
		got := ledgerPages(t, func(after push.Position) ([]push.Unreached, error) {
			return s.UnreachedMessages(t.Context(), c.centres, c.why, after, 5)
		}, func(u push.Unreached) push.Position { return push.Position{At: u.Since, ID: u.Message.ID} })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v; want %v", name, got, want)
		}
		n, err := s.CountUnreached(t.Context(), c.centres, pushEpoch, pushEpoch.Add(time.Hour))
		must(t, err)
		if c.why == "" && n != len(want) {
			t.Errorf("%s: counted %d; want %d", name, n, len(want))
		}
	}
	if n, err := s.CountUnreached(t.Context(), nil, pushEpoch.Add(time.Minute), pushEpoch.Add(3*time.Minute)); n != 4 || err != nil {
		t.Errorf("counted %d, %v in two minutes; want 4", n, err)
	}
	if why, err := s.GivenUp(t.Context(), []string{"m00", "open", "m11", "nobody's"}); err != nil || len(why) != 2 || why["m00"] != push.NoChannel || why["m11"] != push.AllFailed {
		t.Errorf("given up: %v, %v", why, err)
	}
	u, err := s.UnreachedMessages(t.Context(), nil, "", push.Position{}, 1)
	if err != nil || len(u) != 1 || u[0].Message != all[11].Message || u[0].Why != push.AllFailed || !u[0].Since.Equal(all[11].Plan.Since) {
		t.Errorf("%+v", u)
	}
}

func ledgerReached(t *testing.T, s push.Store) {
	p := ledgerPlanned("m", "riyadh", pushEpoch)
	p.Plan = push.Plan{Since: pushEpoch, Unreached: push.NoChannel}
	pushPut(t, s, p)
	_, err := s.AcknowledgeMessages(t.Context(), "c", []string{"m"}, "", pushEpoch.Add(time.Minute), true)
	must(t, err)
	if u, err := s.UnreachedMessages(t.Context(), nil, "", push.Position{}, 9); len(u) != 0 || err != nil {
		t.Errorf("read, and still %+v, %v", u, err)
	}
}

func ledgerDead(t *testing.T, s push.Store) {
	centres, channels := []string{"riyadh", "jeddah"}, []string{push.ChannelPush, push.ChannelSMS}
	for i := range 12 {
		at := pushEpoch.Add(time.Duration(i/2) * time.Minute)
		p := ledgerPlanned(fmt.Sprintf("m%02d", i), centres[i%2], at)
		p.Plan.Deliveries = []push.Delivery{pushDelivery(p.Message, channels[i/3%2], "", 0)}
		pushPut(t, s, p)
		state, reason := push.Failed, "refused"
		if i%3 == 0 {
			state, reason = push.Expired, "deadline"
		}
		ledgerEnd(t, s, channels[i/3%2], state, reason, at)
	}
	pushPut(t, s, ledgerPlanned("open", "riyadh", pushEpoch.Add(time.Hour), "a"))
	for name, c := range map[string]struct {
		f    push.DeadFilter
		take func(i int) bool
	}{
		"all":         {push.DeadFilter{}, func(int) bool { return true }},
		"one centre":  {push.DeadFilter{Centres: []string{"jeddah"}}, func(i int) bool { return i%2 == 1 }},
		"two centres": {push.DeadFilter{Centres: []string{"jeddah", "riyadh"}}, func(int) bool { return true }},
		"no centre":   {push.DeadFilter{Centres: []string{}}, func(int) bool { return false }},
		"channel":     {push.DeadFilter{Channel: push.ChannelSMS}, func(i int) bool { return i/3%2 == 1 }},
		"reason":      {push.DeadFilter{Reason: "deadline"}, func(i int) bool { return i%3 == 0 }},
		"all of them": {push.DeadFilter{Centres: []string{"riyadh"}, Channel: push.ChannelPush, Reason: "deadline"}, func(i int) bool { return i%2 == 0 && i/3%2 == 0 && i%3 == 0 }},
	} {
		var want []string
		for i := range 12 {
			if c.take(i) {
				want = append(want, fmt.Sprintf("m%02d-%s", i, channels[i/3%2]))
			}
		}
		slices.SortFunc(want, func(a, b string) int { // newest first, then by id
			var i, j int
			_, _ = fmt.Sscanf(a, "m%d-", &i)
			_, _ = fmt.Sscanf(b, "m%d-", &j)
			return j - i
		})
		got := ledgerPages(t, func(after push.Position) ([]push.Delivery, error) {
			return s.DeadDeliveries(t.Context(), c.f, after, 5)
		}, func(d push.Delivery) push.Position { return push.Position{At: d.Changed, ID: d.ID} })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v; want %v", name, got, want)
		}
	}
}

// ledgerFailed is the one delivery of a message, failed after two attempts.
func ledgerFailed(t *testing.T, s push.Store, p push.Planned) push.Delivery {
	t.Helper()
	p.Plan.Deliveries[0].Collapse = "r"
	pushPut(t, s, p)
	at := p.Message.At
	pushSettle(t, s, pushLease(t, s, at, 9)[0], push.Result{State: push.Queued, Due: at, Attempted: true, Reason: "unavailable", At: at})
	ledgerEnd(t, s, push.ChannelPush, push.Failed, "refused", at.Add(time.Second))
	return pushState(t, s, p.Message.ID, p.Plan.Deliveries[0].Target)
}

func ledgerRetry(t *testing.T, s push.Store) {
	d := ledgerFailed(t, s, ledgerPlanned("m", "riyadh", pushEpoch, "a"))
	now := pushEpoch.Add(time.Hour)
	chains, err := s.LeaseChains(t.Context(), now, time.Minute, 9)
	must(t, err)
	if _, err := s.MoveChains(t.Context(), []push.ChainMove{{Chain: chains[0], Plan: push.Plan{Step: 2, Since: now, Unreached: push.AllFailed}}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	n, err := s.RetryDeliveries(t.Context(), []push.Retry{{Delivery: d, Deadline: now.Add(time.Hour), Chain: now.Add(time.Minute)}}, now)
	if n != 1 || err != nil {
		t.Fatalf("queued %d, %v", n, err)
	}
	got := pushState(t, s, "m", "a")
	want := d
	want.State, want.Reason, want.Attempts, want.Collapse, want.Due, want.Changed, want.Deadline = push.Queued, "", 0, "", now, now, now.Add(time.Hour)
	if got != want {
		t.Errorf("queued\n%+v, want\n%+v", got, want)
	}
	if u, err := s.UnreachedMessages(t.Context(), nil, "", push.Position{}, 9); len(u) != 0 || err != nil {
		t.Errorf("still given up: %+v, %v", u, err)
	}
	ts, err := s.ReportTrails(t.Context(), "c", "r")
	must(t, err)
	if len(ts) != 1 || !ts[0].Next.Equal(now.Add(time.Minute)) || ts[0].Unreached != "" || ts[0].Step != 2 {
		t.Errorf("the chain: %+v", ts)
	}
	if ds := pushLease(t, s, now, 9); len(ds) != 1 || ds[0].Fence <= d.Fence {
		t.Errorf("leased %+v", ds)
	}
	if dead, err := s.DeadDeliveries(t.Context(), push.DeadFilter{}, push.Position{}, 9); len(dead) != 0 || err != nil {
		t.Errorf("still dead: %+v, %v", dead, err)
	}
}

func ledgerRetryNot(t *testing.T, s push.Store) {
	over := ledgerPlanned("over", "riyadh", pushEpoch, "a")
	over.Plan.Due = time.Time{} // told by other means
	ended := ledgerFailed(t, s, over)
	read := ledgerFailed(t, s, ledgerPlanned("read", "riyadh", pushEpoch.Add(time.Minute), "a"))
	if _, err := s.AcknowledgeMessages(t.Context(), "c", []string{"read"}, "another device", pushEpoch, false); err != nil {
		t.Fatal(err)
	}
	twice := ledgerFailed(t, s, ledgerPlanned("twice", "riyadh", pushEpoch.Add(2*time.Minute), "a"))
	now := pushEpoch.Add(time.Hour)
	retry := func(ds ...push.Delivery) int {
		t.Helper()
		var rs []push.Retry
		for _, d := range ds {
			rs = append(rs, push.Retry{Delivery: d, Deadline: now.Add(time.Hour), Chain: now.Add(time.Minute)})
		}
		n, err := s.RetryDeliveries(t.Context(), rs, now)
		must(t, err)
		return n
	}
	if n := retry(ended, read, twice); n != 1 {
		t.Errorf("queued %d; want the one whose chain is open", n)
	}
	if n := retry(twice); n != 0 {
		t.Error("queued again as it was read")
	}
	ledgerEnd(t, s, push.ChannelPush, push.Failed, "refused", now)
	if n := retry(twice); n != 0 {
		t.Error("queued again, though it failed once more since it was read")
	}
	for message, want := range map[string]push.State{"over": push.Failed, "read": push.Failed, "twice": push.Failed} {
		if d := pushState(t, s, message, "a"); d.State != want {
			t.Errorf("%s is %s; want %s", message, d.State, want)
		}
	}
	if due, any, err := s.NextChain(t.Context()); err != nil || !any || !due.Before(now) {
		t.Errorf("an open chain was put off to %v, %t, %v", due, any, err)
	}
}

func ledgerRetryTopic(t *testing.T, s push.Store) {
	p := ledgerPlanned("m", "", pushEpoch, "topic_ar")
	p.Plan.Due = time.Time{}
	p.Message.Citizen, p.Plan.Deliveries[0].Citizen = "", ""
	d := ledgerFailed(t, s, p)
	if n, err := s.RetryDeliveries(t.Context(), []push.Retry{{Delivery: d, Deadline: pushEpoch.Add(time.Hour)}}, pushEpoch); n != 1 || err != nil {
		t.Errorf("queued %d, %v; a topic's message has no chain", n, err)
	}
}

// ledgerCounts are the figures as "outcome reason": n.
func ledgerCounts(t *testing.T, s push.Store, f push.CountFilter) map[string]int64 {
	t.Helper()
	if f.From == "" {
		f.From, f.Through = "2026-11-21", "2026-11-21"
	}
	counts, err := s.CountDeliveries(t.Context(), f)
	must(t, err)
	all := map[string]int64{}
	for _, c := range counts {
		all[string(c.Outcome)+" "+c.Reason] += c.N
	}
	return all
}

func ledgerExpect(t *testing.T, s push.Store, want map[string]int64) {
	t.Helper()
	if got := ledgerCounts(t, s, push.CountFilter{}); !maps.Equal(got, want) {
		t.Errorf("counted %v; want %v", got, want)
	}
}

// Whatever way a delivery takes, it ends once, who read it has it, and what is there was accepted.
func ledgerFunnel(t *testing.T, s push.Store) {
	ack := func(id, device string, read bool) {
		t.Helper()
		_, err := s.AcknowledgeMessages(t.Context(), "c", []string{id}, device, pushEpoch.Add(700*time.Millisecond), read)
		must(t, err)
	}
	pushPut(t, s, ledgerPlanned("fetched", "riyadh", pushEpoch, "a"))
	ack("fetched", "a", false) // before it was sent
	ledgerExpect(t, s, map[string]int64{"accepted ": 1, "delivered ": 1})
	pushPut(t, s, ledgerPlanned("elsewhere", "riyadh", pushEpoch, "a"))
	ack("elsewhere", "b", true)
	ledgerExpect(t, s, map[string]int64{"accepted ": 1, "delivered ": 1, "suppressed read_already": 1})
	pushPut(t, s, ledgerPlanned("leased", "riyadh", pushEpoch, "a"))
	late := pushLease(t, s, pushEpoch, 9)[0]
	ack("leased", "a", true)
	pushSettle(t, s, late, push.Result{State: push.Accepted, At: pushEpoch.Add(time.Second)})
	ledgerExpect(t, s, map[string]int64{"accepted ": 2, "delivered ": 2, "read ": 1, "suppressed read_already": 1})
	pushPut(t, s, ledgerPlanned("read at once", "riyadh", pushEpoch, "a"), ledgerPlanned("both", "riyadh", pushEpoch, "a"))
	ledgerEnd(t, s, push.ChannelPush, push.Accepted, "", pushEpoch.Add(60*time.Millisecond))
	ack("read at once", "a", true)
	ack("both", "a", false)
	ack("both", "a", false)
	ack("both", "a", true)
	ack("both", "a", true)
	ledgerExpect(t, s, map[string]int64{"accepted ": 4, "delivered ": 4, "read ": 3, "suppressed read_already": 1})
	counts, err := s.CountDeliveries(t.Context(), push.CountFilter{From: "2026-11-21", Through: "2026-11-21"})
	must(t, err)
	classes := map[string]int64{}
	for _, c := range counts {
		classes[fmt.Sprint(c.Outcome, c.Bucket)] += c.N
	}
	if want := map[string]int64{"accepted1": 2, "accepted4": 2, "delivered4": 4, "read4": 3, "suppressed4": 1}; !maps.Equal(classes, want) {
		t.Errorf("classes of delays %v; want %v", classes, want)
	}
}

func ledgerCountFilters(t *testing.T, s push.Store) {
	for i, centre := range []string{"riyadh", "jeddah", ""} {
		p := ledgerPlanned(fmt.Sprint("m", i), centre, pushEpoch, "a")
		p.Plan.Deliveries[0].Day = fmt.Sprintf("2026-11-2%d", i+1)
		p.Plan.Deliveries = append(p.Plan.Deliveries, pushDelivery(p.Message, push.ChannelSMS, "", 0))
		pushPut(t, s, p)
	}
	ledgerEnd(t, s, push.ChannelPush, push.Accepted, "", pushEpoch)
	ledgerEnd(t, s, push.ChannelSMS, push.Failed, "refused", pushEpoch)
	for name, c := range map[string]struct {
		f              push.CountFilter
		accepted, dead int64
	}{
		"first day":   {push.CountFilter{From: "2026-11-21", Through: "2026-11-21"}, 1, 3},
		"two days":    {push.CountFilter{From: "2026-11-21", Through: "2026-11-22"}, 2, 3},
		"last days":   {push.CountFilter{From: "2026-11-22", Through: "2026-11-30"}, 2, 0},
		"channel":     {push.CountFilter{From: "2026-11-21", Through: "2026-11-30", Channel: push.ChannelPush}, 3, 0},
		"centre":      {push.CountFilter{From: "2026-11-21", Through: "2026-11-30", Centres: []string{"jeddah"}}, 1, 1},
		"two centres": {push.CountFilter{From: "2026-11-21", Through: "2026-11-30", Centres: []string{"jeddah", "riyadh"}}, 2, 2},
		"no centre":   {push.CountFilter{From: "2026-11-21", Through: "2026-11-30", Centres: []string{}}, 0, 0},
	} {
		got := ledgerCounts(t, s, c.f)
		if got["accepted "] != c.accepted || got["failed refused"] != c.dead {
			t.Errorf("%s: %v; want %d accepted, %d failed", name, got, c.accepted, c.dead)
		}
	}
}

func ledgerFailedAfterAll(t *testing.T, s push.Store) {
	p := ledgerPlanned("m", "riyadh", pushEpoch)
	p.Plan.Deliveries = []push.Delivery{pushDelivery(p.Message, push.ChannelSMS, "", 0)}
	pushPut(t, s, p)
	d := pushLeaseOf(t, s, push.ChannelSMS, pushEpoch, 9, true)[0]
	pushSettle(t, s, d, push.Result{State: push.Accepted, Ref: "ref", At: pushEpoch.Add(50*time.Millisecond + time.Microsecond)})
	must(t, s.Receive(t.Context(), push.Receipt{Channel: push.ChannelSMS, Ref: "ref", State: push.Failed, Reason: "absent", At: pushEpoch.Add(time.Minute)}))
	ledgerExpect(t, s, map[string]int64{"failed absent": 1})
}

func ledgerToldOtherwise(t *testing.T, s push.Store) {
	p := ledgerPlanned("m", "riyadh", pushEpoch, "a")
	p.Plan.Deliveries = append(p.Plan.Deliveries, pushDelivery(p.Message, push.ChannelSMS, "", 1))
	pushPut(t, s, p)
	ledgerEnd(t, s, push.ChannelSMS, push.Accepted, "", pushEpoch)
	ledgerExpect(t, s, map[string]int64{"accepted ": 1, "suppressed told_otherwise": 1})
}

func ledgerRetriedCounts(t *testing.T, s push.Store) {
	d := ledgerFailed(t, s, ledgerPlanned("m", "riyadh", pushEpoch, "a"))
	ledgerExpect(t, s, map[string]int64{"failed refused": 1})
	now := pushEpoch.Add(time.Minute)
	if n, err := s.RetryDeliveries(t.Context(), []push.Retry{{Delivery: d, Deadline: now.Add(time.Hour), Chain: now}}, now); n != 1 || err != nil {
		t.Fatalf("queued %d, %v", n, err)
	}
	ledgerExpect(t, s, map[string]int64{})
	ledgerEnd(t, s, push.ChannelPush, push.Accepted, "", now)
	ledgerExpect(t, s, map[string]int64{"accepted ": 1})
}

func ledgerSpend(t *testing.T, s push.Store) {
	for i, c := range []struct {
		spend push.Spending
		over  string
	}{
		{push.Spending{Day: "2026-11-21", Centre: "riyadh", Amount: 6, Limit: 10, PerCentre: 8}, ""},
		{push.Spending{Day: "2026-11-21", Centre: "riyadh", Amount: 3, Limit: 10, PerCentre: 8}, "riyadh"},
		{push.Spending{Day: "2026-11-21", Centre: "riyadh", Amount: 2, Limit: 10, PerCentre: 8}, ""},
		{push.Spending{Day: "2026-11-21", Centre: "jeddah", Amount: 3, Limit: 10, PerCentre: 8}, push.TotalScope},
		{push.Spending{Day: "2026-11-21", Centre: "jeddah", Amount: 1, Limit: 10, PerCentre: 8}, ""},
		{push.Spending{Day: "2026-11-21", Amount: 1, Limit: 10, PerCentre: 1}, ""},
		{push.Spending{Day: "2026-11-21", Amount: 1, Limit: 10}, push.TotalScope},
		{push.Spending{Day: "2026-11-21", Centre: "jeddah", Amount: 100}, ""}, // without limits
		{push.Spending{Day: "2026-11-22", Centre: "riyadh", Amount: 8, Limit: 10, PerCentre: 8}, ""},
	} {
		if over, err := s.Spend(t.Context(), c.spend); over != c.over || err != nil {
			t.Errorf("%d: %q, %v; want %q", i, over, err, c.over)
		}
	}
	for _, c := range []struct {
		from, through string
		want          map[string]int64
	}{
		{"2026-11-21", "2026-11-21", map[string]int64{push.TotalScope: 110, "riyadh": 8, "jeddah": 101}},
		{"2026-11-22", "2026-11-30", map[string]int64{push.TotalScope: 8, "riyadh": 8}},
		{"2026-11-01", "2026-11-30", map[string]int64{push.TotalScope: 118, "riyadh": 16, "jeddah": 101}},
		{"2026-11-01", "2026-11-20", map[string]int64{}},
	} {
		if got, err := s.Spent(t.Context(), c.from, c.through); err != nil || !maps.Equal(got, c.want) {
			t.Errorf("from %s through %s: %v, %v; want %v", c.from, c.through, got, err, c.want)
		}
	}
}

func ledgerSpendForced(t *testing.T, s push.Store) {
	spend := push.Spending{Day: "2026-11-21", Centre: "riyadh", Amount: 7, Limit: 10, PerCentre: 5, Forced: true}
	if over, err := s.Spend(t.Context(), spend); over != "riyadh" || err != nil {
		t.Errorf("forced over the centre's limit: %q, %v", over, err)
	}
	if over, err := s.Spend(t.Context(), spend); over != push.TotalScope || err != nil {
		t.Errorf("forced over both limits: %q, %v", over, err)
	}
	spend.Amount = -7
	if over, err := s.Spend(t.Context(), spend); over != "" || err != nil {
		t.Errorf("given back: %q, %v", over, err)
	}
	if got, err := s.Spent(t.Context(), spend.Day, spend.Day); err != nil || got[push.TotalScope] != 7 || got["riyadh"] != 7 {
		t.Errorf("spent %v, %v", got, err)
	}
	spend.Amount = -100
	if _, err := s.Spend(t.Context(), spend); err != nil {
		t.Error(err)
	}
	if got, err := s.Spent(t.Context(), spend.Day, spend.Day); err != nil || got[push.TotalScope] != 0 || got["riyadh"] != 0 {
		t.Errorf("fell to %v, %v", got, err)
	}
}

func ledgerSpendContenders(t *testing.T, s push.Store) {
	var taken atomic.Int64
	atOnce(8, func(i int) {
		for range 10 {
			over, err := s.Spend(context.Background(), push.Spending{Day: "2026-11-21", Centre: []string{"riyadh", "jeddah"}[i%2], Amount: 1, Limit: 15, PerCentre: 10})
			if err != nil {
				t.Error(err)
			} else if over == "" {
				taken.Add(1)
			}
		}
	})
	got, err := s.Spent(t.Context(), "2026-11-21", "2026-11-21")
	must(t, err)
	if taken.Load() != 15 || got[push.TotalScope] != 15 || got["riyadh"]+got["jeddah"] != 15 || got["riyadh"] > 10 || got["jeddah"] > 10 {
		t.Errorf("%d were let through; spent %v", taken.Load(), got)
	}
}
