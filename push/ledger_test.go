package push_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// of is staff of some centres.
func of(r actor.Role, centres ...string) actor.Actor {
	return actor.Actor{Kind: actor.Staff, ID: "staff-" + string(r), Role: r, Centres: centres}
}

// factOf a centre's report.
func factOf(id, citizen, centre string) event.Event {
	e := fact(id, event.ReportMoved, citizen, "resolved")
	e.Report.Centre = centre
	return e
}

// chains runs until the test ends.
func (b bench) chains(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.RunChains(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func (b bench) unreached(t *testing.T) []push.Unreached {
	t.Helper()
	all, _, err := b.Unreached(t.Context(), of(actor.Clerk, actor.All), push.UnreachedQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Who may ask what, and what staff of another centre get.
func TestService_Ledger_authorization(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.tell(t, factOf("none", "faisal", "riyadh"), factOf("dead", "noura", "riyadh"))
	b.run(t, func(push.Notice) push.Outcome { return push.Outcome{Answer: push.Refused, Reason: "invalid_argument"} }, nil)
	dead := b.await(t, "dead", "phone", push.Failed)
	b.await(t, "dead", "second", push.Failed)
	asked := map[string]func(a actor.Actor) (int, error){
		"unreached": func(a actor.Actor) (int, error) {
			x, _, err := b.Unreached(t.Context(), a, push.UnreachedQuery{})
			return len(x), err
		},
		"unreached of riyadh": func(a actor.Actor) (int, error) {
			x, _, err := b.Unreached(t.Context(), a, push.UnreachedQuery{Centre: "riyadh"})
			return len(x), err
		},
		"dead": func(a actor.Actor) (int, error) {
			x, _, err := b.DeadLetters(t.Context(), a, push.DeadQuery{})
			return len(x), err
		},
		"figures": func(a actor.Actor) (int, error) {
			x, err := b.DeliveryFigures(t.Context(), a, push.DeliveryQuery{From: "2026-11-21", Through: "2026-11-21"})
			return len(x.Rows), err
		},
		"retry of another delivery": func(a actor.Actor) (int, error) { return 0, b.RetryDeadLetter(t.Context(), a, dead.Message, "another") },
		"retry of all": func(a actor.Actor) (int, error) {
			return b.RetryDeadLetters(t.Context(), a, push.DeadQuery{Reason: "no such"})
		},
	}
	const refused, no = fault.Forbidden, fault.NotFound
	for _, c := range []struct {
		name                                     string
		a                                        actor.Actor
		unreached, dead, figures, retry, retries fault.Code
	}{
		{"nobody", actor.Actor{}, fault.Unauthenticated, fault.Unauthenticated, fault.Unauthenticated, fault.Unauthenticated, fault.Unauthenticated},
		{"citizen", as("noura", "phone"), refused, refused, refused, refused, refused},
		{"clerk", of(actor.Clerk, "riyadh"), "", refused, refused, refused, refused},
		{"officer", of(actor.Officer, "riyadh"), refused, refused, refused, refused, refused},
		{"supervisor", of(actor.Supervisor, "riyadh"), "", "", refused, no, ""},
		{"manager", of(actor.Manager, "riyadh"), "", refused, "", refused, refused},
		{"admin", of(actor.Admin, actor.All), "", "", "", no, ""},
	} {
		for what, want := range map[string]fault.Code{"unreached": c.unreached, "unreached of riyadh": c.unreached, "dead": c.dead, "figures": c.figures,
			"retry of another delivery": c.retry, "retry of all": c.retries} {
			n, err := asked[what](c.a)
			if fault.CodeOf(err) != want {
				t.Errorf("%s, %s: %v; want %q", c.name, what, err, want)
			} else if err == nil && n == 0 && what != "retry of all" {
				t.Errorf("%s sees no %s of their own centre", c.name, what)
			}
		}
		if c.a.Kind != actor.Staff {
			continue
		}
		for _, centres := range [][]string{{"jeddah"}, nil} {
			a := of(c.a.Role, centres...)
			for what, ask := range asked {
				if n, err := ask(a); n != 0 || err != nil && !slices.Contains([]fault.Code{refused, no}, fault.CodeOf(err)) {
					t.Errorf("%s of %v, %s: %d, %v; want nothing", c.name, centres, what, n, err)
				}
			}
			want := c.retry
			if err := b.RetryDeadLetter(t.Context(), a, dead.Message, dead.ID); fault.CodeOf(err) != want {
				t.Errorf("%s of %v retries: %v; want %q", c.name, centres, err, want)
			}
		}
	}
}

func TestService_Unreached(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	for i := range 5 {
		b.tell(t, factOf(fmt.Sprint(i), "faisal", []string{"riyadh", "jeddah"}[i%2]))
		b.clock.advance(time.Second)
	}
	var got []string
	var q push.UnreachedQuery
	for q.Limit = 2; ; {
		page, next, err := b.Unreached(t.Context(), of(actor.Clerk, "riyadh", "jeddah"), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			got = append(got, u.Message.ID)
			if u.Why != push.NoChannel || u.Message.Citizen != "faisal" {
				t.Errorf("%+v", u)
			}
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	var want []string
	for i := 4; i >= 0; i-- {
		want = append(want, event.Derive(fmt.Sprint(i), "inbox"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("paged %v; want %v", got, want)
	}
	for name, c := range map[string]struct {
		q    push.UnreachedQuery
		want int
	}{
		"centre":       {push.UnreachedQuery{Centre: "jeddah"}, 2},
		"reason":       {push.UnreachedQuery{Why: push.NoChannel}, 5},
		"other reason": {push.UnreachedQuery{Why: push.AllFailed}, 0},
	} {
		if all, _, err := b.Unreached(t.Context(), of(actor.Admin, actor.All), c.q); err != nil || len(all) != c.want {
			t.Errorf("%s: %d, %v; want %d", name, len(all), err, c.want)
		}
	}
	_, _, err := b.Unreached(t.Context(), of(actor.Admin, actor.All), push.UnreachedQuery{Why: "bored", Cursor: "x", Limit: 101})
	if got, want := fmt.Sprint(err), "validation_failed: reason unknown, limit out_of_range, cursor wrong_format"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if n, err := b.UnreachedToday(t.Context()); n != 5 || err != nil {
		t.Errorf("today %d, %v", n, err)
	}
	if err := b.reads(t, "faisal", "4"); err != nil {
		t.Fatal(err)
	}
	if all := b.unreached(t); len(all) != 4 {
		t.Errorf("%d after one was read in the app; want 4", len(all))
	}
	b.clock.advance(24 * time.Hour)
	if n, err := b.UnreachedToday(t.Context()); n != 0 || err != nil {
		t.Errorf("tomorrow %d, %v", n, err)
	}
}

// reads acknowledges the message of a fact.
func (b bench) reads(t *testing.T, citizen, fact string) error {
	t.Helper()
	return b.Acknowledge(t.Context(), as(citizen, ""), event.Derive(fact, "inbox"), true)
}

func TestService_ReportTrail(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.Channels[push.ChannelSMS], b.Channels[push.ChannelEmail] = true, false
	b.people.change("noura", func(c *push.Contact) { c.Email, c.Mail = "noura@example.com", true })
	b.tell(t, fact("first", event.ReportReceived, "noura", "received"))
	b.clock.advance(time.Minute)
	second := factOf("second", "noura", "riyadh")
	second.At = second.At.Add(time.Minute)
	b.tell(t, second)
	b.run(t, func(n push.Notice) push.Outcome {
		if n.Device.ID == "second" {
			return push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}
		}
		return taken(n)
	}, nil)
	for _, f := range []string{"first", "second"} {
		b.await(t, f, "phone", push.Accepted)
		b.await(t, f, "second", push.Failed)
	}
	if err := b.reads(t, "noura", "first"); err != nil {
		t.Fatal(err)
	}
	ts, err := b.ReportTrail(t.Context(), "noura", "r", "en")
	if err != nil || len(ts) != 2 {
		t.Fatalf("%+v, %v", ts, err)
	}
	if x := ts[0]; x.Message.Kind != push.Received || !x.Next.IsZero() || x.NextChannel != "" || x.Message.ReadAt.IsZero() || len(x.Deliveries) != 2 || x.Text.Body == "" {
		t.Errorf("read: %+v", x)
	}
	x := ts[1]
	if x.Message.Kind != push.Resolved || x.Next.IsZero() || x.NextChannel != push.ChannelEmail || x.Unreached != "" {
		t.Errorf("open: %+v; want e-mail next, there is no number", x)
	}
	for _, d := range x.Deliveries {
		if d.Target == "phone" && d.State != push.Accepted || d.Target == "second" && (d.State != push.Failed || d.Reason != "invalid_argument") || d.Changed.IsZero() {
			t.Errorf("delivery %+v", d)
		}
	}
	b.people.change("noura", func(c *push.Contact) { c.Mail = false })
	if ts, err := b.ReportTrail(t.Context(), "noura", "r", "ar"); err != nil || ts[1].NextChannel != "" || ts[1].Next.IsZero() {
		t.Errorf("without any further address: %+v, %v", ts, err)
	}
	if ts, err := b.ReportTrail(t.Context(), "", "r", "ar"); err != nil || len(ts) != 0 {
		t.Errorf("an anonymous report: %+v, %v", ts, err)
	}
	b.people.forget("noura")
	if ts, err := b.ReportTrail(t.Context(), "noura", "r", "ar"); err != nil || len(ts) != 2 || ts[1].NextChannel != "" {
		t.Errorf("the account is gone: %+v, %v", ts, err)
	}
}

// What failed, was given up, tried again by staff and failed again is given up again; at last it arrives.
func TestService_RetryDeadLetter(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.chains(t)
	b.people.change("noura", func(c *push.Contact) { c.Devices = c.Devices[:1] })
	works := make(chan bool, 1)
	b.run(t, func(n push.Notice) push.Outcome {
		if <-works {
			if n.Collapse != "" {
				t.Error("tried again, it would take the place of what was said since")
			}
			return taken(n)
		}
		return push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}
	}, func(s *push.Sender) { s.Poll = time.Hour }) // it is woken
	b.tell(t, factOf("e", "noura", "riyadh"))
	supervisor := of(actor.Supervisor, "riyadh")
	for range 2 {
		works <- false
		d := b.await(t, "e", "phone", push.Failed)
		eventually(t, "it is given up", func() bool { us := b.unreached(t); return len(us) == 1 && us[0].Why == push.AllFailed })
		b.clock.advance(25 * time.Hour) // past the deadline
		if err := b.RetryDeadLetter(t.Context(), supervisor, d.Message, d.ID); err != nil {
			t.Fatal(err)
		}
		if len(b.unreached(t)) != 0 {
			t.Error("tried again, and still given up")
		}
		if err := b.RetryDeadLetter(t.Context(), supervisor, d.Message, d.ID); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("twice: %v", err)
		}
	}
	works <- true
	d := b.await(t, "e", "phone", push.Accepted)
	if err := b.RetryDeadLetter(t.Context(), supervisor, d.Message, d.ID); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("accepted: %v", err)
	}
	if err := b.RetryDeadLetter(t.Context(), supervisor, uuid.NewString(), d.ID); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("of another message: %v", err)
	}
	b.clock.advance(time.Hour)
	eventually(t, "nobody acknowledged", func() bool { us := b.unreached(t); return len(us) == 1 && us[0].Why == push.NotAcknowledged })
}

func TestService_RetryDeadLetter_readMeanwhile(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.tell(t, factOf("e", "noura", "riyadh"))
	b.run(t, func(push.Notice) push.Outcome { return push.Outcome{Answer: push.Refused, Reason: "invalid_argument"} }, nil)
	d := b.await(t, "e", "phone", push.Failed)
	if err := b.reads(t, "noura", "e"); err != nil {
		t.Fatal(err)
	}
	if err := b.RetryDeadLetter(t.Context(), of(actor.Admin, actor.All), d.Message, d.ID); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("read by now: %v", err)
	}
	if n, err := b.RetryDeadLetters(t.Context(), of(actor.Admin, actor.All), push.DeadQuery{}); n != 0 || err != nil {
		t.Errorf("%d of what was read were queued, %v", n, err)
	}
}

// More than a batch, with some between them that must stay.
func TestService_RetryDeadLetters(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	const all = 600
	var planned []push.Planned
	var read []string
	for i := range all {
		m := push.Message{ID: uuid.NewString(), Citizen: "noura", Kind: push.Closed, Report: "r", Centre: []string{"riyadh", "jeddah"}[i%2], At: epoch}
		d := push.Delivery{ID: uuid.NewString(), Message: m.ID, Citizen: m.Citizen, Target: "phone", Channel: push.ChannelPush, Kind: m.Kind, Centre: m.Centre,
			At: m.At, Planned: epoch, Deadline: epoch.Add(time.Hour), Day: "2026-11-21", State: push.Queued, Due: epoch}
		planned = append(planned, push.Planned{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}, Since: epoch, Due: epoch.Add(time.Hour)}})
		if i >= all/2 {
			read = append(read, m.ID)
		}
	}
	if _, err := b.store.PlanMessages(t.Context(), planned); err != nil {
		t.Fatal(err)
	}
	leased, err := b.store.LeaseDeliveries(t.Context(), push.ChannelPush, epoch, time.Minute, all, true)
	if err != nil || len(leased) != all {
		t.Fatalf("leased %d, %v", len(leased), err)
	}
	var rs []push.Result
	for i, d := range leased {
		rs = append(rs, push.Result{Delivery: d, State: push.Failed, Reason: []string{"refused", "panic"}[i%3/2], At: epoch.Add(time.Duration(i) * time.Second)})
	}
	if err := b.store.SettleDeliveries(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.AcknowledgeMessages(t.Context(), "noura", read, "", epoch, true); err != nil {
		t.Fatal(err)
	}
	dead := func() (n int) {
		for q := (push.DeadQuery{Limit: push.MaxLimit}); ; {
			page, next, err := b.DeadLetters(t.Context(), of(actor.Admin, actor.All), q)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page)
			if q.Cursor = next; next == "" {
				return n
			}
		}
	}
	if n := dead(); n != all {
		t.Fatalf("%d are listed; want %d", n, all)
	}
	first, err := b.RetryDeadLetters(t.Context(), of(actor.Supervisor, "riyadh"), push.DeadQuery{Channel: push.ChannelPush})
	if err != nil || first != all/4 {
		t.Errorf("queued %d, %v; want %d of one centre", first, err, all/4)
	}
	rest, err := b.RetryDeadLetters(t.Context(), of(actor.Admin, actor.All), push.DeadQuery{Reason: "refused"})
	if err != nil || rest == 0 || rest >= all/4 {
		t.Errorf("queued %d, %v; want a part of the other centre's", rest, err)
	}
	last, err := b.RetryDeadLetters(t.Context(), of(actor.Admin, actor.All), push.DeadQuery{})
	if err != nil || rest+last != all/4 {
		t.Errorf("queued %d and then %d, %v; want %d", rest, last, err, all/4)
	}
	if n := dead(); n != all/2 {
		t.Errorf("%d are left; want those that were read", n)
	}
	b.run(t, taken, nil)
	eventually(t, "all is sent", func() bool {
		f, err := b.DeliveryFigures(t.Context(), of(actor.Manager, actor.All), push.DeliveryQuery{From: "2026-11-21", Through: "2026-11-21"})
		return err == nil && len(f.Rows) > 0 && f.Rows[0].Outcome == push.Accepted && f.Rows[0].N == all/2
	})
}
