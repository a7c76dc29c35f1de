package push_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// budget of 10 in all and 6 for each centre; a character costs 1.
func (b bench) budget(alarm func(string)) *push.Budget {
	return &push.Budget{Store: b.store, Zone: time.FixedZone("", 3*3600), Now: b.clock.Now, Price: 1, Limit: 10, PerCentre: 6,
		Segments: func(text string) (int, string) { return len(text), "" }, Alarm: alarm}
}

func text(centre, body string) push.Notice {
	return push.Notice{Centre: centre, Text: push.Text{Title: "not sent", Body: body}}
}

func expectSpent(t *testing.T, b *push.Budget, day string, total int64, centres map[string]int64) {
	t.Helper()
	got, by, err := b.Spent(t.Context(), day)
	if err != nil || got != total || !maps.Equal(by, centres) {
		t.Errorf("on %s spent %d and %v, %v; want %d and %v", day, got, by, err, total, centres)
	}
}

func TestMetered_Send(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var alarms []string
	sent := 0
	m := &push.Metered{Channel: channel(func(n push.Notice) push.Outcome { sent++; return taken(n) }), Budget: b.budget(func(s string) { alarms = append(alarms, s) })}
	over := push.Outcome{Answer: push.Refused, Reason: push.OverBudget}
	for i, c := range []struct {
		centre, body string
		refused      bool
	}{
		{"riyadh", "12345", false}, // 5 of 6
		{"riyadh", "12", true},     // would be 7
		{"riyadh", "1", false},     // 6
		{"riyadh", "1", true},
		{"jeddah", "12345", true}, // 11 of 10 in all
		{"jeddah", "1234", false}, // 10
		{"", "1", true},
	} {
		o := m.Send(t.Context(), text(c.centre, c.body))
		if (o == over) != c.refused || !c.refused && o.Answer != push.Taken {
			t.Errorf("%d: %+v", i, o)
		}
	}
	if sent != 3 {
		t.Errorf("%d were sent", sent)
	}
	if want := []string{"riyadh", push.TotalScope}; !slices.Equal(alarms, want) {
		t.Errorf("alarms %v; want %v, each once", alarms, want)
	}
	expectSpent(t, m.Budget, "2026-11-21", 10, map[string]int64{"riyadh": 6, "jeddah": 4})
	used, err := m.Used(t.Context())
	if want := map[string]float64{push.TotalScope: 1, "riyadh": 1, "jeddah": 4.0 / 6}; err != nil || !maps.Equal(used, want) {
		t.Errorf("used %v, %v; want %v", used, err, want)
	}
	if err := m.Spend(t.Context(), "riyadh", "code"); err != nil { // a one-time code goes, and counts
		t.Fatal(err)
	}
	expectSpent(t, m.Budget, "2026-11-21", 14, map[string]int64{"riyadh": 10, "jeddah": 4})
	b.clock.advance(11*time.Hour + 59*time.Minute) // 23:59 where the installation is
	if o := m.Send(t.Context(), text("riyadh", "1")); o != over {
		t.Errorf("a minute before midnight: %+v", o)
	}
	b.clock.advance(time.Minute)
	if o := m.Send(t.Context(), text("riyadh", "123456")); o.Answer != push.Taken {
		t.Errorf("a new day: %+v", o)
	}
	if o := m.Send(t.Context(), text("riyadh", "1")); o != over || len(alarms) != 3 {
		t.Errorf("%+v, alarms %v; want another one on another day", o, alarms)
	}
	expectSpent(t, m.Budget, "2026-11-22", 6, map[string]int64{"riyadh": 6})
}

func TestMetered_Send_givesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer push.Outcome
		spent  int64
	}{
		{push.Outcome{Answer: push.Taken}, 3},
		{push.Outcome{Reason: "unreachable"}, 0},
		{push.Outcome{Reason: "timeout"}, 3}, // it may have been sent
		{push.Outcome{Answer: push.Refused, Reason: "timeout"}, 0},
		{push.Outcome{Answer: push.Throttled, Reason: "throttled"}, 0},
	} {
		b := setUp(t)
		ctx, cancel := context.WithCancel(t.Context())
		m := &push.Metered{Channel: channel(func(push.Notice) push.Outcome { cancel(); return c.answer }), Budget: b.budget(nil), Unsure: []string{"timeout"}}
		if o := m.Send(ctx, text("riyadh", "123")); o != c.answer {
			t.Errorf("%+v; want %+v", o, c.answer)
		}
		if total, centres, err := m.Spent(t.Context(), "2026-11-21"); err != nil || total != c.spent || centres["riyadh"] != c.spent {
			t.Errorf("after %+v spent %d, %v, %v; want %d", c.answer, total, centres, err, c.spent)
		}
	}
}

// Whatever ends an attempt before its answer is known, it stays counted.
func TestMetered_Send_panicCounts(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	m := &push.Metered{Channel: channel(func(push.Notice) push.Outcome { panic("boom") }), Budget: b.budget(nil)}
	func() {
		defer func() { _ = recover() }()
		m.Send(t.Context(), text("riyadh", "123"))
	}()
	expectSpent(t, m.Budget, "2026-11-21", 3, map[string]int64{"riyadh": 3})
}

type brokenBudget struct{ push.BudgetStore }

func (brokenBudget) Spend(context.Context, push.Spending) (string, error) {
	return "", errors.New("the disk is full")
}

func TestMetered_Send_storeFails(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	m := &push.Metered{Channel: channel(func(push.Notice) push.Outcome { t.Error("sent, not counted"); return push.Outcome{} }), Budget: b.budget(nil)}
	m.Budget.Store = brokenBudget{b.store}
	if o := m.Send(t.Context(), text("riyadh", "123")); o.Answer != push.Later || o.Reason != "budget" {
		t.Errorf("%+v; want later", o)
	}
	if err := m.Spend(t.Context(), "", "code"); err == nil {
		t.Error("no word of what was not counted")
	}
}

func TestBudget_withoutLimits(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	m := &push.Metered{Channel: channel(taken), Budget: b.budget(func(s string) { t.Errorf("alarm of %s", s) })}
	m.Limit, m.PerCentre = 0, 0
	for range 5 {
		if o := m.Send(t.Context(), text("riyadh", "1234567890")); o.Answer != push.Taken {
			t.Errorf("%+v", o)
		}
	}
	if used, err := m.Used(t.Context()); err != nil || len(used) != 0 {
		t.Errorf("used %v, %v", used, err)
	}
	expectSpent(t, m.Budget, "2026-11-21", 50, map[string]int64{"riyadh": 50})
}

// One-time codes alone meet the limit: that is an alarm as well.
func TestBudget_Spend_alarms(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var alarms atomic.Int64
	budget := b.budget(func(string) { alarms.Add(1) })
	for i, want := range []int64{0, 1, 1} {
		if err := budget.Spend(t.Context(), "", "123456"); err != nil {
			t.Fatal(err)
		}
		if alarms.Load() != want {
			t.Errorf("%d: %d alarms; want %d", i, alarms.Load(), want)
		}
	}
	expectSpent(t, budget, "2026-11-21", 18, map[string]int64{})
}

// As in two processes on one store.
func TestMetered_Send_twoBudgets(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var sent atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		m := &push.Metered{Channel: channel(func(n push.Notice) push.Outcome { sent.Add(1); return taken(n) }), Budget: b.budget(nil)}
		for i := range 10 {
			all.Go(func() { m.Send(context.Background(), text(fmt.Sprint("centre-", i%2), "1")) })
		}
	}
	all.Wait()
	if sent.Load() != 10 {
		t.Errorf("%d were sent; want 10 of 20", sent.Load())
	}
}

// Over the limit the chain goes on by e-mail at once.
func TestMetered_Send_chainGoesOn(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.Channels[push.ChannelSMS], b.Channels[push.ChannelEmail] = true, false
	b.people.set("faisal", push.Contact{Language: "en", SMS: true, Phone: "+966500000001", Mail: true, Email: "faisal@example.com"})
	m := &push.Metered{Channel: channel(func(push.Notice) push.Outcome { t.Error("sent over the limit"); return push.Outcome{} }), Budget: b.budget(nil)}
	mails := make(chan push.Notice, 1)
	b.chains(t)
	b.run(t, func(n push.Notice) push.Outcome { return m.Send(t.Context(), n) }, func(s *push.Sender) { s.Name = push.ChannelSMS })
	b.run(t, func(n push.Notice) push.Outcome { mails <- n; return taken(n) }, func(s *push.Sender) { s.Name = push.ChannelEmail })
	b.tell(t, factOf("e", "faisal", "riyadh"))
	if n := <-mails; n.To != "faisal@example.com" {
		t.Errorf("%+v", n)
	}
	ds, err := b.store.Deliveries(t.Context(), event.Derive("e", "inbox"))
	if err != nil || !slices.ContainsFunc(ds, func(d push.Delivery) bool {
		return d.Channel == push.ChannelSMS && d.State == push.Failed && d.Reason == push.OverBudget
	}) {
		t.Errorf("deliveries %+v, %v", ds, err)
	}
}
