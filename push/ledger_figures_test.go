package push_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/push"
)

// settled plans one delivery and lets it come to an end after a delay.
func (b bench) settled(t *testing.T, centre, channel, day string, state push.State, reason string, delay time.Duration) push.Message {
	t.Helper()
	m := push.Message{ID: uuid.NewString(), Citizen: "noura", Kind: push.Closed, Report: "r", Centre: centre, At: epoch}
	d := push.Delivery{ID: uuid.NewString(), Message: m.ID, Citizen: m.Citizen, Channel: channel, Kind: m.Kind, Centre: m.Centre, At: m.At, Planned: epoch,
		Deadline: epoch.Add(48 * time.Hour), Day: day, State: push.Queued, Due: epoch}
	if _, err := b.store.PlanMessages(t.Context(), []push.Planned{{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}, Since: epoch, Due: epoch.Add(time.Hour)}}}); err != nil {
		t.Fatal(err)
	}
	leased, err := b.store.LeaseDeliveries(t.Context(), channel, epoch, time.Minute, 1, true)
	if err != nil || len(leased) != 1 {
		t.Fatalf("leased %+v, %v", leased, err)
	}
	if err := b.store.SettleDeliveries(t.Context(), []push.Result{{Delivery: leased[0], State: state, Reason: reason, At: epoch.Add(delay)}}); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestService_DeliveryFigures(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	for i := range 100 { // 90 within 50 ms, 9 within a second, one after more than a day
		delay := 40 * time.Millisecond
		if i >= 90 {
			delay = 900 * time.Millisecond
		}
		if i == 99 {
			delay = 25 * time.Hour
		}
		m := b.settled(t, "riyadh", push.ChannelPush, "2026-11-20", push.Accepted, "", delay)
		if i < 30 {
			if _, err := b.store.AcknowledgeMessages(t.Context(), "noura", []string{m.ID}, "", epoch.Add(2*time.Second), i < 10); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 60 {
		b.settled(t, "riyadh", push.ChannelPush, "2026-11-21", push.Failed, "unregistered", time.Second)
	}
	for range 40 {
		b.settled(t, "jeddah", push.ChannelPush, "2026-11-21", push.Suppressed, "not_wanted", time.Second)
	}
	b.settled(t, "jeddah", push.ChannelSMS, "2026-11-21", push.Expired, "unavailable", time.Hour)
	b.tell(t, factOf("none", "faisal", "riyadh"))
	for _, s := range []push.Spending{{Day: "2026-11-20", Centre: "riyadh", Amount: 5}, {Day: "2026-11-21", Centre: "jeddah", Amount: 7}, {Day: "2026-11-21", Amount: 100}} {
		if _, err := b.store.Spend(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(a actor.Actor, q push.DeliveryQuery) push.DeliveryFigures {
		t.Helper()
		if q.From == "" {
			q.From, q.Through = "2026-11-20", "2026-11-21"
		}
		f, err := b.DeliveryFigures(t.Context(), a, q)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := ask(of(actor.Manager, actor.All), push.DeliveryQuery{})
	want := []push.DeliveryRow{
		{push.ChannelPush, push.Accepted, "", 100, 0.5}, {push.ChannelPush, push.Delivered, "", 30, 0.15}, {push.ChannelPush, push.Read, "", 10, 0.05},
		{push.ChannelPush, push.Failed, "unregistered", 60, 0.3}, {push.ChannelPush, push.Suppressed, "not_wanted", 40, 0.2},
		{push.ChannelSMS, push.Expired, "unavailable", 1, 1},
	}
	if !slices.Equal(f.Rows, want) {
		t.Errorf("rows %+v\nwant %+v", f.Rows, want)
	}
	delays := []push.DelayRow{
		{push.ChannelPush, push.Accepted, 100, 50 * time.Millisecond, 50 * time.Millisecond, time.Second},
		{push.ChannelPush, push.Delivered, 30, 2500 * time.Millisecond, 2500 * time.Millisecond, 2500 * time.Millisecond},
	}
	if !slices.Equal(f.Delays, delays) {
		t.Errorf("delays %+v\nwant %+v", f.Delays, delays)
	}
	if f.Unreached != 1 || f.Spent != 112 || f.From != "2026-11-20" || f.Through != "2026-11-21" {
		t.Errorf("%+v", f)
	}
	for name, c := range map[string]struct {
		a                actor.Actor
		q                push.DeliveryQuery
		rows             int
		unreached, spent int64
	}{
		"a manager of one centre":    {of(actor.Manager, "jeddah"), push.DeliveryQuery{}, 2, 0, 7},
		"a manager of two":           {of(actor.Manager, "jeddah", "riyadh"), push.DeliveryQuery{}, 6, 1, 12},
		"a centre":                   {of(actor.Admin, actor.All), push.DeliveryQuery{Centre: "riyadh"}, 4, 1, 5},
		"another's centre":           {of(actor.Manager, "jeddah"), push.DeliveryQuery{Centre: "riyadh"}, 0, 0, 0},
		"a day":                      {of(actor.Admin, actor.All), push.DeliveryQuery{From: "2026-11-21", Through: "2026-11-21"}, 3, 1, 107},
		"a channel that costs money": {of(actor.Admin, actor.All), push.DeliveryQuery{Channel: push.ChannelSMS}, 1, 1, 112},
		"one that does not":          {of(actor.Admin, actor.All), push.DeliveryQuery{Channel: push.ChannelPush}, 5, 1, 0},
		"before there was any":       {of(actor.Admin, actor.All), push.DeliveryQuery{From: "2025-11-21", Through: "2026-01-01"}, 0, 0, 0},
	} {
		f := ask(c.a, c.q)
		if f.Rows == nil || f.Delays == nil || len(f.Rows) != c.rows || int64(f.Unreached) != c.unreached || f.Spent != c.spent {
			t.Errorf("%s: %+v; want %d rows, %d unreached, %d spent", name, f, c.rows, c.unreached, c.spent)
		}
	}
}

// The rank of p99 of 101 is the 100th: the class above all has no end.
func TestService_DeliveryFigures_quantileAboveAll(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	for range 2 {
		b.settled(t, "riyadh", push.ChannelEmail, "2026-11-21", push.Accepted, "", 25*time.Hour)
	}
	b.settled(t, "riyadh", push.ChannelEmail, "2026-11-21", push.Accepted, "", 24*time.Hour)
	f, err := b.DeliveryFigures(t.Context(), of(actor.Manager, actor.All), push.DeliveryQuery{From: "2026-11-21", Through: "2026-11-21"})
	if want := (push.DelayRow{Channel: push.ChannelEmail, Outcome: push.Accepted, N: 3}); err != nil || len(f.Delays) != 1 || f.Delays[0] != want {
		t.Errorf("%+v, %v; want %+v", f.Delays, err, want)
	}
}

func TestService_DeliveryFigures_badPeriod(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	for q, want := range map[push.DeliveryQuery]string{
		{}:                                   "validation_failed: from required, to required",
		{From: "yesterday", Through: "2026"}: "validation_failed: from wrong_format, to wrong_format",
		{From: "2026-02-30", Through: "2026-03-01"}:                                 "validation_failed: from wrong_format",
		{From: "2026-11-02", Through: "2026-11-01"}:                                 "validation_failed: to contradictory",
		{From: "2024-01-01", Through: "2024-12-31"}:                                 "<nil>", // 366 days
		{From: "2025-01-01", Through: "2026-01-02"}:                                 "validation_failed: to out_of_range",
		{From: "2026-11-01", Through: "2026-11-01", Channel: "pigeon"}:              "validation_failed: channel unknown",
		{From: "2026-11-01", Through: "2026-11-01", Channel: "sms", Centre: "mars"}: "<nil>",
	} {
		if _, err := b.DeliveryFigures(t.Context(), of(actor.Admin, actor.All), q); fmt.Sprint(err) != want {
			t.Errorf("%+v: %v; want %s", q, err, want)
		}
	}
}
