package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// TestCases is what every backend must do for cases and the people of a frame.
func TestCases(t *testing.T, open func(t *testing.T) RoundsStore) {
	roundsRun(t, open, map[string]func(*testing.T, RoundsStore){
		"PutCase/keeps_every_field":             caseKept,
		"PutCase/an_older_fact_changes_nothing": caseOlder,
		"OverdueCases/oldest_first":             casesOverdue,
		"ForgetDue/only_if_still_that_one":      caseForget,
		"FirstReceived/of_each":                 firstReceived,
		"People/in_order_once":                  peopleOrder,
		"People/the_newest_case_in_the_window":  peopleNewest,
		"People/first":                          peopleFirst,
		"People/frames":                         peopleFrames,
		"People/the_newest_that_fits":           peopleFits,
		"People/an_error_ends_it":               peopleError,
		"People/many":                           peopleMany,
		"People/while_cases_come":               peopleMeanwhile,
	})
}

func aCase(citizen, report int, change ...func(*surveys.Case)) surveys.Case {
	c := surveys.Case{Report: roundsID('p', report), Citizen: roundsID('c', citizen), Received: roundsEpoch, Changed: roundsEpoch,
		Status: "received",
		Snapshot: surveys.Snapshot{Centre: "riyadh", Region: "central", Department: "care", Category: "sound", Channel: "app",
			Gender: "female", Residency: "citizen"}}
	for _, f := range change {
		f(&c)
	}
	return c
}

func putCases(t *testing.T, s RoundsStore, all ...surveys.Case) {
	t.Helper()
	for _, c := range all {
		must(t, s.PutCase(t.Context(), c))
	}
}

func overdue(t *testing.T, s RoundsStore, now time.Time, limit int) []surveys.Case {
	t.Helper()
	all, err := s.OverdueCases(t.Context(), now, limit)
	must(t, err)
	return all
}

func firstReceived(t *testing.T, s RoundsStore) {
	received := func(days int) func(*surveys.Case) {
		return func(c *surveys.Case) {
			c.Received, c.Changed = roundsEpoch.AddDate(0, 0, days), roundsEpoch.AddDate(0, 0, days)
		}
	}
	putCases(t, s, aCase(1, 1, received(5)), aCase(2, 4, received(1)), aCase(1, 2, received(3)), aCase(1, 3, received(4)))
	for citizen, want := range map[int]time.Time{1: roundsEpoch.AddDate(0, 0, 3), 2: roundsEpoch.AddDate(0, 0, 1), 3: {}} {
		if got, err := s.FirstReceived(t.Context(), roundsID('c', citizen)); err != nil || !got.Equal(want) {
			t.Errorf("of %d: %v, %v; want %v", citizen, got, err, want)
		}
	}
}

func caseKept(t *testing.T, s RoundsStore) {
	want := aCase(1, 1, func(c *surveys.Case) {
		c.Employee, c.Company, c.First, c.Due = roundsID('s', 1), true, true, roundsEpoch.Add(time.Hour)
		c.Changed = roundsEpoch.Add(time.Minute)
	})
	putCases(t, s, want)
	if got := overdue(t, s, want.Due.Add(time.Second), 9); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	next := want
	next.Changed, next.Status, next.Snapshot = want.Changed.Add(time.Second), "assigned",
		surveys.Snapshot{Centre: "jeddah", Department: "works", Category: "light", Channel: "phone"}
	next.Due = want.Due.Add(-time.Minute)
	putCases(t, s, next)
	if got := overdue(t, s, want.Due.Add(time.Second), 9); len(got) != 1 || !reflect.DeepEqual(got[0], next) {
		t.Errorf("kept %+v, want %+v", got, next)
	}
}

func caseOlder(t *testing.T, s RoundsStore) {
	newer := aCase(1, 1, func(c *surveys.Case) {
		c.Status, c.Changed, c.Due = "assigned", roundsEpoch.Add(time.Second), roundsEpoch.Add(time.Hour)
	})
	older := aCase(1, 1, func(c *surveys.Case) { c.Status, c.Centre, c.Due = "received", "jeddah", roundsEpoch.Add(time.Minute) })
	putCases(t, s, newer, older, newer, older)
	if got := overdue(t, s, roundsEpoch.AddDate(1, 0, 0), 9); len(got) != 1 || !reflect.DeepEqual(got[0], newer) {
		t.Errorf("kept %+v, want %+v", got, newer)
	}
	if got := peopleOf(t, s, surveys.Frame{}); len(got) != 1 || got[0].Centre != "riyadh" {
		t.Errorf("the frame has %+v", got)
	}
}

func casesOverdue(t *testing.T, s RoundsStore) {
	for n, due := range []time.Duration{5, 1, 4, 2, 3, 6} {
		putCases(t, s, aCase(n, n, func(c *surveys.Case) { c.Due = roundsEpoch.Add(due * time.Second) }))
	}
	putCases(t, s, aCase(7, 7)) // never due
	for _, c := range []struct {
		now, limit int
		want       []int
	}{{5, 9, []int{1, 2, 3, 4}}, {5, 2, []int{1, 2}}, {1, 9, nil}, {100, 9, []int{1, 2, 3, 4, 5, 6}}} {
		var got []int
		for _, x := range overdue(t, s, roundsEpoch.Add(time.Duration(c.now)*time.Second), c.limit) {
			got = append(got, int(x.Due.Sub(roundsEpoch)/time.Second))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("before %d at most %d: %v, want %v", c.now, c.limit, got, c.want)
		}
	}
	putCases(t, s, aCase(1, 1, func(c *surveys.Case) { c.Changed, c.Status = roundsEpoch.Add(time.Hour), "closed" }))
	if got := overdue(t, s, roundsEpoch.Add(5*time.Second), 9); len(got) != 3 {
		t.Errorf("one that is closed is overdue still: %+v", got)
	}
}

func caseForget(t *testing.T, s RoundsStore) {
	due := roundsEpoch.Add(time.Minute)
	c := aCase(1, 1, func(c *surveys.Case) { c.Due = due })
	putCases(t, s, c, aCase(2, 2, func(c *surveys.Case) { c.Due = due }))
	must(t, s.ForgetDue(t.Context(), c.Report, due.Add(time.Second)))
	must(t, s.ForgetDue(t.Context(), roundsID('p', 3), due))
	if got := overdue(t, s, due.Add(time.Hour), 9); len(got) != 2 {
		t.Errorf("another Due was forgotten: %+v", got)
	}
	must(t, s.ForgetDue(t.Context(), c.Report, due))
	must(t, s.ForgetDue(t.Context(), c.Report, due))
	if got := overdue(t, s, due.Add(time.Hour), 9); len(got) != 1 || got[0].Report == c.Report {
		t.Errorf("not forgotten, or not alone: %+v", got)
	}
	if got := peopleOf(t, s, surveys.Frame{}); len(got) != 2 {
		t.Errorf("it left the frame: %+v", got)
	}
	c.Changed, c.Due = c.Changed.Add(time.Second), due.Add(time.Second)
	putCases(t, s, c)
	if got := overdue(t, s, due.Add(time.Hour), 9); len(got) != 2 {
		t.Errorf("a newer fact does not make it due again: %+v", got)
	}
}

// The window of these tests is the day of the epoch.
var peopleFrom, peopleTo = roundsEpoch.Truncate(24 * time.Hour), roundsEpoch.Truncate(24*time.Hour).AddDate(0, 0, 1)

func peopleOf(t *testing.T, s RoundsStore, f surveys.Frame) []surveys.FramePerson {
	t.Helper()
	var all []surveys.FramePerson
	must(t, s.People(t.Context(), f, peopleFrom, peopleTo, func(p *surveys.FramePerson) error {
		all = append(all, *p)
		return nil
	}))
	return all
}

func peopleOrder(t *testing.T, s RoundsStore) {
	if got := peopleOf(t, s, surveys.Frame{}); len(got) != 0 {
		t.Errorf("an empty store has %v", got)
	}
	for n, citizen := range []int{5, 1, 10, 1, 5, 3, 2, 5} {
		putCases(t, s, aCase(citizen, n))
	}
	var got []string
	for _, p := range peopleOf(t, s, surveys.Frame{}) {
		got = append(got, p.Citizen)
	}
	var want []string
	for _, n := range []int{1, 2, 3, 5, 10} {
		want = append(want, roundsID('c', n))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func came(received time.Time, centre string) func(*surveys.Case) {
	return func(c *surveys.Case) { c.Received, c.Centre = received, centre }
}

func peopleNewest(t *testing.T, s RoundsStore) {
	last := peopleTo.Add(-time.Millisecond)
	putCases(t, s,
		aCase(1, 11, came(peopleFrom, "first moment")),
		aCase(2, 21, came(last, "last moment")), aCase(2, 22, came(peopleFrom, "earlier")), aCase(2, 23, came(peopleTo, "too late")),
		aCase(3, 31, came(peopleTo, "too late")),
		aCase(4, 41, came(peopleFrom.Add(-time.Millisecond), "too early")),
		aCase(5, 53, came(peopleFrom.Add(time.Hour), "middle")), aCase(5, 51, came(last, "newest")),
		aCase(5, 52, came(peopleFrom, "oldest")),
		aCase(6, 61, func(c *surveys.Case) { c.Employee, c.Company = "staff-1", true }))
	want := []surveys.FramePerson{}
	for n, centre := range map[int]string{1: "first moment", 2: "last moment", 5: "newest", 6: "riyadh"} {
		p := surveys.FramePerson{Citizen: roundsID('c', n), Snapshot: aCase(n, n).Snapshot}
		p.Centre, p.First = centre, true
		if n == 6 {
			p.Employee, p.Company = "staff-1", true
		}
		want = append(want, p)
	}
	slices.SortFunc(want, func(a, b surveys.FramePerson) int { return map[bool]int{true: -1, false: 1}[a.Citizen < b.Citizen] })
	if got := peopleOf(t, s, surveys.Frame{}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func peopleFirst(t *testing.T, s RoundsStore) {
	before := peopleFrom.Add(-time.Millisecond)
	putCases(t, s,
		aCase(1, 11), aCase(1, 12),
		aCase(2, 21), aCase(2, 22, came(before, "riyadh")),
		aCase(3, 31, came(before, "another centre, out of the frame")), aCase(3, 32),
		aCase(4, 41), aCase(4, 42, came(peopleTo, "riyadh")),
		aCase(5, 51, func(c *surveys.Case) { c.First = true }), aCase(5, 52, came(before, "riyadh")))
	got := map[string]bool{}
	for _, p := range peopleOf(t, s, surveys.Frame{Centres: []string{"riyadh"}}) {
		got[p.Citizen] = p.First
	}
	want := map[string]bool{}
	for n, first := range []bool{true, false, false, true, false} {
		want[roundsID('c', n+1)] = first
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func peopleFrames(t *testing.T, s RoundsStore) {
	yes, no := true, false
	changes := []func(*surveys.Case){
		func(c *surveys.Case) { c.Centre = "x" }, func(c *surveys.Case) { c.Region = "x" }, func(c *surveys.Case) { c.Department = "x" },
		func(c *surveys.Case) { c.Category = "x" }, func(c *surveys.Case) { c.Channel = "x" }, func(c *surveys.Case) { c.Gender = "x" },
		func(c *surveys.Case) { c.Residency = "x" }, func(c *surveys.Case) { c.Company = true }}
	for n, change := range changes {
		putCases(t, s, aCase(n+1, n+1, change))
	}
	x := []string{"x", "y"}
	for n, frame := range []surveys.Frame{{Centres: x}, {Regions: x}, {Departments: x}, {Categories: x}, {Channels: x},
		{Genders: x}, {Residencies: x}, {Company: &yes}} {
		if got := peopleOf(t, s, frame); len(got) != 1 || got[0].Citizen != roundsID('c', n+1) {
			t.Errorf("%+v: %+v, want %d alone", frame, got, n+1)
		}
	}
	for _, c := range []struct {
		frame surveys.Frame
		want  int
	}{{surveys.Frame{}, 8}, {surveys.Frame{Company: &no}, 7}, {surveys.Frame{Centres: x, Genders: x}, 0},
		{surveys.Frame{Centres: []string{"riyadh", "x"}}, 8}} {
		if got := peopleOf(t, s, c.frame); len(got) != c.want {
			t.Errorf("%+v: %d people, want %d", c.frame, len(got), c.want)
		}
	}
}

func peopleFits(t *testing.T, s RoundsStore) {
	putCases(t, s, aCase(1, 1, came(roundsEpoch.Add(time.Hour), "jeddah")), aCase(1, 2, came(roundsEpoch, "riyadh")),
		aCase(1, 3, came(roundsEpoch.Add(-time.Hour), "riyadh")),
		aCase(2, 4, came(roundsEpoch, "jeddah")))
	got := peopleOf(t, s, surveys.Frame{Centres: []string{"riyadh"}})
	if len(got) != 1 || got[0].Citizen != roundsID('c', 1) || got[0].Centre != "riyadh" {
		t.Errorf("%+v", got)
	}
}

func peopleError(t *testing.T, s RoundsStore) {
	for n := range 5 {
		putCases(t, s, aCase(n, n))
	}
	boom := errors.New("boom")
	for after := 1; after <= 5; after++ {
		visited := 0
		err := s.People(t.Context(), surveys.Frame{}, peopleFrom, peopleTo, func(*surveys.FramePerson) error {
			if visited++; visited == after {
				return boom
			}
			return nil
		})
		if !errors.Is(err, boom) || visited != after {
			t.Errorf("after %d: visited %d, %v", after, visited, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.People(ctx, surveys.Frame{}, peopleFrom, peopleTo, func(*surveys.FramePerson) error { return nil }); !errors.Is(err,
		context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}

// More people than any page or buffer holds, with every kind of snapshot of their own.
func peopleMany(t *testing.T, s RoundsStore) {
	const people = 5_000
	atOnce(32, func(w int) {
		for n := w; n < 2*people; n += 32 {
			received := roundsEpoch.Add(time.Duration(n/people) * time.Second) // the second is the newer
			if err := s.PutCase(t.Context(), aCase(n%people, n, came(received, fmt.Sprint("centre ", n)))); err != nil {
				t.Error(err)
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.People(ctx, surveys.Frame{}, peopleFrom, peopleTo,
		func(*surveys.FramePerson) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended on the way: %v", err)
	}
	n := 0
	must(t, s.People(t.Context(), surveys.Frame{}, peopleFrom, peopleTo, func(p *surveys.FramePerson) error {
		if p.Citizen != roundsID('c', n) || p.Centre != fmt.Sprint("centre ", n+people) || !p.First {
			t.Fatalf("the %d-th is %+v", n, p)
		}
		n++
		return nil
	}))
	if n != people {
		t.Errorf("%d people, want %d", n, people)
	}
}

// Nobody is visited twice or out of turn while cases are written, and nobody who was there before is missed.
func peopleMeanwhile(t *testing.T, s RoundsStore) {
	for n := range 50 {
		putCases(t, s, aCase(2*n, n))
	}
	last, visited := "", 0
	must(t, s.People(t.Context(), surveys.Frame{}, peopleFrom, peopleTo, func(p *surveys.FramePerson) error {
		if p.Citizen <= last {
			t.Errorf("%s comes after %s", p.Citizen, last)
		}
		last = p.Citizen
		if p.Centre == "riyadh" {
			visited++
		}
		return s.PutCase(t.Context(), aCase(99-visited, 1_000+visited, came(roundsEpoch.Add(-time.Hour), "new")))
	}))
	if visited != 50 {
		t.Errorf("%d visited, want 50", visited)
	}
}

// invitationRound: what was planned after a case gets a round when its day comes.
func invitationRound(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1, ofRound(0), inState(surveys.InvitationPlanned)), anInvitation(2, ofRound(0), inState(surveys.InvitationPlanned)))
	must(t, s.UpdateInvitations(t.Context(), []string{roundsID('i', 2)}, func(i *surveys.Invitation) ([]event.Event, error) {
		i.Round, i.State, i.Invited = roundsID('r', 7), surveys.InvitationInvited, roundsEpoch
		return nil, nil
	}))
	page, err := s.RoundInvitations(t.Context(), roundsID('r', 7), []surveys.InvitationState{surveys.InvitationInvited, surveys.InvitationPlanned}, "", 9)
	must(t, err)
	if got := invitationNumbers(page); !slices.Equal(got, []int{2}) || page[0].Round != roundsID('r', 7) {
		t.Errorf("of the round: %v", got)
	}
	states, err := s.CountInvitations(t.Context(), roundsID('r', 7))
	must(t, err)
	if len(states) != 1 || states[surveys.InvitationInvited] != 1 {
		t.Errorf("%v", states)
	}
	var others []string
	must(t, s.InvitedSince(t.Context(), roundsEpoch, roundsID('r', 7), func(c string) error { others = append(others, c); return nil }))
	if !slices.Equal(others, []string{roundsID('c', 1)}) {
		t.Errorf("invited or planned, but for the round: %v", others)
	}
}
