package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
)

// Town is where people live who report things: the audiences of broadcasts are made of them.
type Town interface {
	AddCitizen(ctx context.Context, c *accounts.Citizen) error
	CreateReport(ctx context.Context, r *reports.Report, events []event.Event) error
}

// Townsman is the id of the n-th citizen of a town.
func Townsman(n int) string { return fmt.Sprintf("01936f0e-1111-7c3e-9d0e-%012d", n) }

// Populate adds n citizens to a town, the i-th with a report at the centre and in the category that filed names; none where both are
// empty.
func Populate(t testing.TB, s Town, n int, filed func(i int) (centre, category string)) {
	t.Helper()
	var next, failed atomic.Int64
	atOnce(32, func(int) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			if err := s.AddCitizen(t.Context(), &accounts.Citizen{ID: Townsman(i), Rev: 1, Phone: fmt.Sprintf("+9665%08d", i), Language: "ar"}); err != nil {
				failed.Add(1)
			}
			if centre, category := filed(i); centre+category != "" {
				if err := s.CreateReport(t.Context(), townReport(i, Townsman(i), centre, category), nil); err != nil {
					failed.Add(1)
				}
			}
		}
	})
	if failed.Load() > 0 {
		t.Fatalf("%d citizens or reports could not be added", failed.Load())
	}
}

func townReport(n int, citizen, centre, category string) *reports.Report {
	return aReport(n, func(r *reports.Report) { r.Citizen, r.Centre, r.Category = citizen, centre, category })
}

// BroadcastsStore is what the suite of broadcasts needs.
type BroadcastsStore interface {
	push.Store
	Town
}

// TestPushBroadcasts is what every backend must do for broadcasts.
func TestPushBroadcasts(t *testing.T, open func(t *testing.T) BroadcastsStore) {
	for name, f := range map[string]func(*testing.T, BroadcastsStore){
		"CreateBroadcast/keeps_every_field_once":          broadcastKept,
		"Broadcasts/newest_first_in_pages":                broadcastPages,
		"UpdateBroadcast/all_or_nothing":                  broadcastUpdate,
		"UpdateBroadcast/many_at_once_none_is_lost":       broadcastUpdateRace,
		"LeaseBroadcast/due_urgent_first":                 broadcastLease,
		"LeaseBroadcast/contenders":                       broadcastContenders,
		"LeaseBroadcast/a_lease_from_the_future":          broadcastFuture,
		"BroadcastOutcomes/what_deliveries_came_to":       broadcastOutcomes,
		"WithdrawDeliveries/queued_ones_alone":            broadcastWithdraw,
		"AudiencePeople/each_once_in_pages":               broadcastAudience,
		"AudiencePeople/reports_that_belong_to_nobody":    broadcastStrays,
		"AudiencePeople/who_comes_meanwhile_moves_nobody": broadcastNewcomers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

func aBroadcast(id string, change ...func(*push.Broadcast)) *push.Broadcast {
	b := &push.Broadcast{ID: id, Rev: 1, Texts: map[string]push.Text{"ar": {Title: "تنبيه", Body: "نص"}, "en": {Title: "Notice", Body: "Text"}},
		Audience: push.Audience{Centre: "riyadh"}, At: pushEpoch, State: push.Running, By: "staff-1", Created: pushEpoch, People: 7, Due: pushEpoch}
	for _, c := range change {
		c(b)
	}
	return b
}

func broadcastKept(t *testing.T, s BroadcastsStore) {
	want := aBroadcast("b", func(b *push.Broadcast) {
		b.Topic, b.Urgent, b.AtLeast, b.Started, b.Ended, b.Planned = true, true, true, pushEpoch.Add(1), pushEpoch.Add(2), 3
		b.Cursor, b.Swept, b.Cleared = "c", "s", true
	})
	must(t, s.CreateBroadcast(t.Context(), want))
	got, err := s.Broadcast(t.Context(), "b")
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := s.CreateBroadcast(t.Context(), aBroadcast("b")); fault.CodeOf(err) != fault.Exists {
		t.Errorf("a taken id: %v", err)
	}
	if _, err := s.Broadcast(t.Context(), "x"); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func broadcastPages(t *testing.T, s BroadcastsStore) {
	for i, id := range []string{"a", "b", "c", "d", "e"} {
		must(t, s.CreateBroadcast(t.Context(), aBroadcast(id, func(b *push.Broadcast) { b.Created = pushEpoch.Add(time.Duration(i/2) * time.Second) })))
	}
	var got []string
	for after := (push.Position{}); ; {
		page, err := s.Broadcasts(t.Context(), after, 2)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, b := range page {
			got = append(got, b.ID)
			after = push.Position{At: b.Created, ID: b.ID}
		}
	}
	if want := []string{"e", "d", "c", "b", "a"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func broadcastUpdate(t *testing.T, s BroadcastsStore) {
	ctx := t.Context()
	must(t, s.CreateBroadcast(ctx, aBroadcast("b")))
	d := pushDelivery(push.Message{ID: "m", At: pushEpoch, Broadcast: "b"}, push.ChannelPush, "topic", 0)
	d.Broadcast = "b"
	boom := errors.New("boom")
	if _, err := s.UpdateBroadcast(ctx, "b", func(b *push.Broadcast) error { b.Planned = 9; return boom }, d); !errors.Is(err, boom) {
		t.Errorf("a refused change: %v", err)
	}
	if b, err := s.Broadcast(ctx, "b"); err != nil || b.Rev != 1 || b.Planned != 0 {
		t.Errorf("refused, and yet changed: %+v, %v", b, err)
	}
	if ds := pushLease(t, s, pushEpoch, 9); len(ds) != 0 {
		t.Errorf("refused, and yet queued: %v", ds)
	}
	b, err := s.UpdateBroadcast(ctx, "b", func(b *push.Broadcast) error { b.Planned, b.State = 9, push.Done; return nil }, d)
	must(t, err)
	if kept, err := s.Broadcast(ctx, "b"); err != nil || !reflect.DeepEqual(kept, b) || b.Rev != 2 || b.Planned != 9 {
		t.Errorf("answered %+v, kept %+v, %v", b, kept, err)
	}
	if ds := pushLease(t, s, pushEpoch, 9); len(ds) != 1 || ds[0].Target != "topic" {
		t.Errorf("leased %v, want the one to the topic", ds)
	}
	if n, err := s.BroadcastOutcomes(ctx, "b"); err != nil || n[push.Queued] != 1 {
		t.Errorf("outcomes %v, %v", n, err)
	}
	if _, err := s.UpdateBroadcast(ctx, "x", func(*push.Broadcast) error { return nil }); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func broadcastUpdateRace(t *testing.T, s BroadcastsStore) {
	must(t, s.CreateBroadcast(t.Context(), aBroadcast("b")))
	var failed atomic.Int64
	atOnce(50, func(int) {
		if _, err := s.UpdateBroadcast(t.Context(), "b", func(b *push.Broadcast) error { b.Planned++; return nil }); err != nil {
			failed.Add(1)
		}
	})
	b, err := s.Broadcast(t.Context(), "b")
	must(t, err)
	if b.Planned != 50 || b.Rev != 51 || failed.Load() > 0 {
		t.Errorf("planned %d at rev %d, %d failed; want 50 at 51", b.Planned, b.Rev, failed.Load())
	}
}

func broadcastLeased(t *testing.T, s push.Store, now time.Time) string {
	t.Helper()
	b, err := s.LeaseBroadcast(t.Context(), now, time.Minute)
	must(t, err)
	if b == nil {
		return ""
	}
	if want := now.Add(time.Minute); !b.Due.Equal(want) {
		t.Errorf("%s is leased until %v, want %v", b.ID, b.Due, want)
	}
	kept, err := s.Broadcast(t.Context(), b.ID)
	must(t, err)
	if !reflect.DeepEqual(kept, b) {
		t.Errorf("leased %+v, kept %+v", b, kept)
	}
	return b.ID
}

func broadcastLease(t *testing.T, s BroadcastsStore) {
	for id, change := range map[string]func(*push.Broadcast){
		"second":    func(b *push.Broadcast) { b.Due = pushEpoch.Add(-time.Second) },
		"first":     func(b *push.Broadcast) { b.Urgent = true },
		"scheduled": func(b *push.Broadcast) { b.State, b.Due = push.Scheduled, pushEpoch.Add(90*24*time.Hour) },
		"soon":      func(b *push.Broadcast) { b.State, b.Due = push.Scheduled, pushEpoch.Add(10*time.Second) },
		"paused":    func(b *push.Broadcast) { b.State, b.Due = push.Paused, time.Time{} },
		"done":      func(b *push.Broadcast) { b.State, b.Due = push.Done, time.Time{} },
	} {
		must(t, s.CreateBroadcast(t.Context(), aBroadcast(id, change)))
	}
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "first"}, {0, "second"}, {0, ""}, {10 * time.Second, "soon"}, {time.Minute - 1e6, ""}, {time.Minute, "first"}} {
		if got := broadcastLeased(t, s, pushEpoch.Add(c.after)); got != c.want {
			t.Errorf("after %v: leased %q, want %q", c.after, got, c.want)
		}
	}
}

func broadcastContenders(t *testing.T, s BroadcastsStore) {
	must(t, s.CreateBroadcast(t.Context(), aBroadcast("b")))
	var won, failed atomic.Int64
	atOnce(16, func(int) {
		switch b, err := s.LeaseBroadcast(t.Context(), pushEpoch, time.Minute); {
		case err != nil:
			failed.Add(1)
		case b != nil:
			won.Add(1)
		}
	})
	if won.Load() != 1 || failed.Load() > 0 {
		t.Errorf("%d leases, %d errors; want 1 and 0", won.Load(), failed.Load())
	}
}

func broadcastFuture(t *testing.T, s BroadcastsStore) {
	must(t, s.CreateBroadcast(t.Context(), aBroadcast("b")))
	if broadcastLeased(t, s, pushEpoch.Add(time.Hour)) != "b" { // by a clock that is an hour fast
		t.Fatal("not leased")
	}
	if got := broadcastLeased(t, s, pushEpoch); got != "b" {
		t.Errorf("leased %q: it waits an hour for the clock", got)
	}
}

// broadcastPlanned are messages of a broadcast with a delivery each.
func broadcastPlanned(broadcast string, citizens ...string) []push.Planned {
	var all []push.Planned
	for _, c := range citizens {
		p := pushPlanned(broadcast+"-"+c, c, pushEpoch, "phone")
		p.Message.Kind, p.Message.Broadcast, p.Plan.Deliveries[0].Broadcast = push.Announcement, broadcast, broadcast
		all = append(all, p)
	}
	return all
}

func wantOutcomes(t *testing.T, s push.Store, id string, want map[push.State]int) {
	t.Helper()
	got, err := s.BroadcastOutcomes(t.Context(), id)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("outcomes of %s: %v, want %v", id, got, want)
	}
}

func broadcastOutcomes(t *testing.T, s BroadcastsStore) {
	wantOutcomes(t, s, "b", map[push.State]int{})
	all := broadcastPlanned("b", "c1", "c2", "c3", "c4")
	pushPut(t, s, all...)
	pushPut(t, s, broadcastPlanned("other", "c1")...)
	pushPlan(t, s, "mine", "c1", pushEpoch, "phone")
	if _, err := s.PlanMessages(t.Context(), all); err != nil { // once more
		t.Fatal(err)
	}
	wantOutcomes(t, s, "b", map[push.State]int{push.Queued: 4})
	var results []push.Result
	for _, d := range pushLease(t, s, pushEpoch, 9) {
		r := push.Result{Delivery: d, State: push.Accepted, At: pushEpoch.Add(time.Second)}
		switch d.Message {
		case "b-c3":
			r.State, r.Reason = push.Failed, "unregistered"
		case "b-c4":
			r.State, r.Due = push.Queued, pushEpoch.Add(time.Minute)
		}
		results = append(results, r)
	}
	must(t, s.SettleDeliveries(t.Context(), results))
	wantOutcomes(t, s, "b", map[push.State]int{push.Queued: 4, push.Accepted: 2, push.Failed: 1})
	wantOutcomes(t, s, "other", map[push.State]int{push.Queued: 1, push.Accepted: 1})
	pushAck(t, s, "c1", "phone", pushEpoch.Add(time.Minute), true, "b-c1")
	wantOutcomes(t, s, "b", map[push.State]int{push.Queued: 4, push.Accepted: 2, push.Delivered: 1, push.Read: 1, push.Failed: 1})
}

func broadcastWithdraw(t *testing.T, s BroadcastsStore) {
	all := broadcastPlanned("b", "c1", "c2", "c3")
	pushPut(t, s, all...)
	pushPut(t, s, broadcastPlanned("other", "c1")...)
	sent := pushLease(t, s, pushEpoch, 1)[0]
	must(t, s.WithdrawDeliveries(t.Context(), []string{"b-c1", "b-c2", "b-c3", "b-nobody"}, "stopped", pushEpoch.Add(time.Second)))
	must(t, s.WithdrawDeliveries(t.Context(), []string{"b-c1", "b-c2", "b-c3"}, "stopped", pushEpoch.Add(2*time.Second)))
	must(t, s.SettleDeliveries(t.Context(), []push.Result{{Delivery: sent, State: push.Accepted, At: pushEpoch.Add(time.Second)}}))
	withdrawn := 3
	if sent.Broadcast == "b" {
		withdrawn = 2
	}
	got, err := s.BroadcastOutcomes(t.Context(), "b")
	must(t, err)
	if got[push.Suppressed] != withdrawn {
		t.Errorf("outcomes %v, want %d suppressed", got, withdrawn)
	}
	for _, p := range all {
		ds, err := s.Deliveries(t.Context(), p.Message.ID)
		must(t, err)
		if d := ds[0]; d.ID != sent.ID && (d.State != push.Suppressed || d.Reason != "stopped" || !d.Due.IsZero()) {
			t.Errorf("%s is %s (%s) due %v", d.Message, d.State, d.Reason, d.Due)
		}
	}
	for _, d := range pushLease(t, s, pushEpoch.Add(time.Hour), 9) {
		if d.Broadcast == "b" {
			t.Errorf("%s may still go", d.Message)
		}
	}
}

// audience reads all of it, in pages, and counts it.
func audience(t *testing.T, s push.Store, a push.Audience, limit int) (people []string) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := s.AudiencePeople(t.Context(), a, cursor, limit)
		must(t, err)
		if len(page) > limit {
			t.Fatalf("a page of %d, want at most %d", len(page), limit)
		}
		if people = append(people, page...); next == "" {
			break
		}
		cursor = next
	}
	n := 0
	for cursor := ""; ; {
		some, next, err := s.CountPeople(t.Context(), a, cursor)
		must(t, err)
		if n += some; next == "" {
			break
		}
		cursor = next
	}
	if n != len(people) {
		t.Errorf("%+v: %d people counted, %d read", a, n, len(people))
	}
	return people
}

func broadcastAudience(t *testing.T, s BroadcastsStore) {
	Populate(t, s, 60, func(i int) (string, string) {
		return [4]string{"riyadh", "makkah", "", "riyadh"}[i%4], [4]string{"sound", "light", "", "light"}[i%4]
	})
	for i := range 10 { // what somebody reports twice, and in two places
		must(t, s.CreateReport(t.Context(), townReport(100+i, Townsman(0), "riyadh", "light"), nil))
		must(t, s.CreateReport(t.Context(), townReport(200+i, Townsman(1), "riyadh", "light"), nil))
	}
	for _, c := range []struct {
		a    push.Audience
		want func(i int) bool
	}{
		{push.Audience{All: true}, func(int) bool { return true }},
		{push.Audience{Centre: "riyadh"}, func(i int) bool { return i%4 == 0 || i%4 == 3 || i == 1 }},
		{push.Audience{Centre: "makkah"}, func(i int) bool { return i%4 == 1 }},
		{push.Audience{Category: "light"}, func(i int) bool { return i%4 == 1 || i%4 == 3 || i == 0 }},
		{push.Audience{Category: "riyadh"}, func(int) bool { return false }},
		{push.Audience{Centre: "' OR 1=1 --"}, func(int) bool { return false }},
	} {
		var want []string
		for i := range 60 {
			if c.want(i) {
				want = append(want, Townsman(i))
			}
		}
		for _, limit := range []int{1, 7, 15, 60, 100} {
			if got := audience(t, s, c.a, limit); !slices.Equal(got, want) {
				t.Errorf("%+v in pages of %d: %d people, want %d: %v", c.a, limit, len(got), len(want), got)
			}
		}
	}
}

func broadcastStrays(t *testing.T, s BroadcastsStore) {
	Populate(t, s, 2, func(int) (string, string) { return "riyadh", "sound" })
	must(t, s.CreateReport(t.Context(), townReport(10, "", "riyadh", "sound"), nil)) // nobody's
	must(t, s.CreateReport(t.Context(), townReport(11, Townsman(1), "", "light"), nil))
	if got := audience(t, s, push.Audience{Centre: "riyadh"}, 5); len(got) != 2 {
		t.Errorf("at the centre: %v, want both", got)
	}
	if got := audience(t, s, push.Audience{Category: "light"}, 5); !slices.Equal(got, []string{Townsman(1)}) {
		t.Errorf("in the category: %v; a report at no centre counts as well", got)
	}
}

func broadcastNewcomers(t *testing.T, s BroadcastsStore) {
	Populate(t, s, 10, func(int) (string, string) { return "riyadh", "sound" })
	first, next, err := s.AudiencePeople(t.Context(), push.Audience{Centre: "riyadh"}, "", 5)
	must(t, err)
	must(t, s.CreateReport(t.Context(), townReport(50, "01936f0e-0000-7c3e-9d0e-000000000000", "riyadh", "sound"), nil)) // before all others
	second, next, err := s.AudiencePeople(t.Context(), push.Audience{Centre: "riyadh"}, next, 100)
	must(t, err)
	if got := append(first, second...); len(got) != 10 || next != "" || !slices.IsSorted(got) {
		t.Errorf("%d people, then %q: %v", len(got), next, got)
	}
}
