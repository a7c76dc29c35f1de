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

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// TestInvitations is what every backend must do for invitations.
func TestInvitations(t *testing.T, open func(t *testing.T) RoundsStore) {
	roundsRun(t, open, map[string]func(*testing.T, RoundsStore){
		"AddInvitations/keeps_every_field":                invitationKept,
		"AddInvitations/the_first_stays":                  invitationOnce,
		"AddInvitations/many_at_once_each_is_added_once":  invitationAddRace,
		"DropDrawn/of_one_round_in_one_state":             invitationDrop,
		"DropDrawn/nothing_of_a_later_lease":              invitationDropLate,
		"InvitationsOf/sent_and_not_over_newest_first":    invitationsOf,
		"LastInvited/to_any_programme":                    invitationLast,
		"InvitedSince/in_order_but_for_a_round":           invitedSince,
		"InvitedSince/an_error_ends_it":                   invitedSinceError,
		"RoundInvitations/pages_by_id":                    invitationPages,
		"DueInvitations/oldest_first":                     invitationsDue,
		"UpdateInvitation/change_and_facts_or_neither":    invitationUpdate,
		"UpdateInvitation/no_change_is_lost":              invitationUpdateRace,
		"UpdateInvitations/refused_ones_hinder_no_others": invitationBatch,
		"UpdateInvitations/a_round_when_the_day_comes":    invitationRound,
		"UpdateInvitations/batches_that_overlap":          invitationBatchRace,
		"CountInvitations/by_state":                       invitationCounts,
	})
}

// anInvitation is the n-th, of the n-th citizen, to round 1.
func anInvitation(n int, change ...func(*surveys.Invitation)) surveys.Invitation {
	i := surveys.Invitation{ID: roundsID('i', n), Rev: 1, Programme: "reception", Round: roundsID('r', 1),
		Citizen: roundsID('c', n), Questionnaire: "reception", Version: 3,
		Stratum: "riyadh", Snapshot: surveys.Snapshot{Centre: "riyadh", Department: "care", Category: "sound", Channel: "app",
			Gender: "female"}, State: surveys.InvitationDrawn}
	for _, f := range change {
		f(&i)
	}
	return i
}

func invited(at, until time.Time) func(*surveys.Invitation) {
	return func(i *surveys.Invitation) { i.State, i.Invited, i.Until = surveys.InvitationInvited, at, until }
}

func inState(state surveys.InvitationState) func(*surveys.Invitation) {
	return func(i *surveys.Invitation) { i.State = state }
}

func ofRound(n int) func(*surveys.Invitation) {
	return func(i *surveys.Invitation) {
		if i.Round = ""; n > 0 {
			i.Round = roundsID('r', n)
		}
	}
}

func ofCitizen(n int) func(*surveys.Invitation) {
	return func(i *surveys.Invitation) { i.Citizen = roundsID('c', n) }
}

func addInvitations(t *testing.T, s RoundsStore, all ...surveys.Invitation) {
	t.Helper()
	n, err := s.AddInvitations(t.Context(), all)
	must(t, err)
	if n != len(all) {
		t.Fatalf("%d of %d invitations were added", n, len(all))
	}
}

// invitationNumbers are the n of invitations.
func invitationNumbers(all []*surveys.Invitation) []int {
	numbers := []int{}
	for _, i := range all {
		var n int
		_, _ = fmt.Sscanf(i.ID[len(i.ID)-12:], "%d", &n)
		numbers = append(numbers, n)
	}
	return numbers
}

func invitationKept(t *testing.T, s RoundsStore) {
	want := anInvitation(1, invited(roundsEpoch, roundsEpoch.AddDate(0, 0, 14)), func(i *surveys.Invitation) {
		i.Anonymous, i.Report, i.Point, i.Channels, i.Reminders, i.Reminded = true, roundsID('p', 1), surveys.OnClosed,
			[]string{"sms"}, []int{3, 7}, 1
		i.Due, i.Ended = roundsEpoch.AddDate(0, 0, 3), roundsEpoch.AddDate(0, 0, 2)
	})
	addInvitations(t, s, want, anInvitation(2, ofRound(0)))
	got, err := s.Invitation(t.Context(), want.ID)
	must(t, err)
	if !reflect.DeepEqual(got, &want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	if got, err := s.Invitation(t.Context(), roundsID('i', 2)); err != nil || got.Round != "" {
		t.Errorf("one of no round: %+v, %v", got, err)
	}
	if _, err := s.Invitation(t.Context(), roundsID('i', 3)); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func invitationOnce(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1), anInvitation(2))
	n, err := s.AddInvitations(t.Context(), []surveys.Invitation{anInvitation(2, inState(surveys.InvitationPlanned)),
		anInvitation(3), anInvitation(1, ofRound(2))})
	must(t, err)
	if n != 1 {
		t.Errorf("%d are new, want 1", n)
	}
	for n := 1; n <= 3; n++ {
		want := anInvitation(n)
		if got, err := s.Invitation(t.Context(), want.ID); err != nil || !reflect.DeepEqual(got, &want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if n, err := s.AddInvitations(t.Context(), nil); err != nil || n != 0 {
		t.Errorf("none: %d, %v", n, err)
	}
}

func invitationAddRace(t *testing.T, s RoundsStore) {
	var added atomic.Int64
	atOnce(8, func(w int) {
		var batch []surveys.Invitation
		for n := range 100 {
			batch = append(batch, anInvitation((n+w*50)%200))
		}
		n, err := s.AddInvitations(t.Context(), batch)
		if err != nil {
			t.Error(err)
		}
		added.Add(int64(n))
	})
	if added.Load() != 200 {
		t.Errorf("%d were added, want 200", added.Load())
	}
}

func invitationDrop(t *testing.T, s RoundsStore) {
	var drawn []surveys.Invitation
	for n := range 1_100 {
		drawn = append(drawn, anInvitation(1_000+n))
	}
	addInvitations(t, s, drawn...)
	addInvitations(t, s, anInvitation(1, inState(surveys.InvitationInvited)), anInvitation(2, ofRound(2)),
		anInvitation(3, inState(surveys.InvitationDropped)),
		anInvitation(4, ofRound(0), inState(surveys.InvitationPlanned)))
	must(t, s.DropDrawn(t.Context(), roundsID('r', 1), 2))
	must(t, s.DropDrawn(t.Context(), roundsID('r', 3), 2))
	if _, err := s.Invitation(t.Context(), roundsID('i', 1_000)); !isNotFound(err) {
		t.Errorf("one that was drawn: %v", err)
	}
	if got, err := s.CountInvitations(t.Context(), roundsID('r', 1)); err != nil ||
		!reflect.DeepEqual(got, map[surveys.InvitationState]int{"invited": 1, "dropped": 1}) {
		t.Errorf("left are %v, %v", got, err)
	}
	for n := 1; n <= 4; n++ {
		if _, err := s.Invitation(t.Context(), roundsID('i', n)); err != nil {
			t.Errorf("%d was dropped: %v", n, err)
		}
	}
	addInvitations(t, s, drawn...) // drawn again
}

func invitationDropLate(t *testing.T, s RoundsStore) {
	under := func(rev int64) func(*surveys.Invitation) { return func(i *surveys.Invitation) { i.Rev = rev } }
	var drawn []surveys.Invitation
	for n := 1; n <= 2_100; n++ { // more than go at once, those of both leases between each other
		drawn = append(drawn, anInvitation(n, under(int64(4+n%2))))
	}
	addInvitations(t, s, drawn...)
	must(t, s.DropDrawn(t.Context(), roundsID('r', 1), 4)) // of whoever slept
	if got, err := s.CountInvitations(t.Context(), roundsID('r', 1)); err != nil || got["drawn"] != 2_100 {
		t.Errorf("left are %v, %v", got, err)
	}
	must(t, s.DropDrawn(t.Context(), roundsID('r', 1), 5))
	if got, err := s.CountInvitations(t.Context(), roundsID('r', 1)); err != nil || got["drawn"] != 1_050 {
		t.Errorf("left are %v, %v", got, err)
	}
	if i, err := s.Invitation(t.Context(), roundsID('i', 1)); err != nil || i.Rev != 5 {
		t.Errorf("one of the later lease is %+v, %v", i, err)
	}
}

func invitationsOf(t *testing.T, s RoundsStore) {
	now := roundsEpoch
	later := now.Add(time.Hour)
	of, open := ofCitizen(1), func(i *surveys.Invitation) { i.Until = later }
	addInvitations(t, s,
		anInvitation(1, of, invited(now.Add(-3*time.Hour), later)),
		anInvitation(2, of, invited(now.Add(-time.Hour), later), ofRound(2)),
		anInvitation(3, of, invited(now.Add(-2*time.Hour), later), inState(surveys.InvitationRefused), ofRound(0)),
		anInvitation(4, of, invited(now.Add(-4*time.Hour), later), inState(surveys.InvitationComplete), ofRound(3)),
		anInvitation(5, of, invited(now.Add(-5*time.Hour), later), inState(surveys.InvitationPartial), ofRound(4)),
		anInvitation(6, of, invited(now.Add(-6*time.Hour), now)),                               // over
		anInvitation(7, of, inState(surveys.InvitationDrawn), open),                            // not sent
		anInvitation(8, of, ofRound(0), inState(surveys.InvitationPlanned), open),              // not sent
		anInvitation(9, of, inState(surveys.InvitationDropped), open),                          // never sent
		anInvitation(10, invited(now, later)),                                                  // somebody else's
		anInvitation(11, of, invited(now.Add(-7*time.Hour), now.Add(time.Second)), ofRound(5)), // about to be over
	)
	all, err := s.InvitationsOf(t.Context(), roundsID('c', 1), now)
	must(t, err)
	if got := invitationNumbers(all); !slices.Equal(got, []int{2, 3, 1, 4, 5, 11}) {
		t.Errorf("%v", got)
	}
	want := anInvitation(2, of, invited(now.Add(-time.Hour), later), ofRound(2))
	if !reflect.DeepEqual(all[0], &want) {
		t.Errorf("%+v, want %+v", all[0], want)
	}
	if all, err := s.InvitationsOf(t.Context(), roundsID('c', 99), now); err != nil || len(all) != 0 {
		t.Errorf("an unknown citizen has %v, %v", all, err)
	}
}

func invitationLast(t *testing.T, s RoundsStore) {
	last := func(citizen int) time.Time {
		t.Helper()
		at, err := s.LastInvited(t.Context(), roundsID('c', citizen))
		must(t, err)
		return at
	}
	of := ofCitizen(1)
	addInvitations(t, s, anInvitation(1, of), anInvitation(2, of, inState(surveys.InvitationPlanned), ofRound(0)),
		anInvitation(3, of, inState(surveys.InvitationDropped)))
	if at := last(1); !at.IsZero() {
		t.Errorf("nobody invited them, and yet at %v", at)
	}
	addInvitations(t, s, anInvitation(4, of, invited(roundsEpoch, roundsEpoch.Add(time.Hour)), inState(surveys.InvitationLapsed)),
		anInvitation(5, of, invited(roundsEpoch.Add(time.Hour), roundsEpoch), ofRound(0)),
		anInvitation(6, of, invited(roundsEpoch.Add(-time.Hour), roundsEpoch), ofRound(2)),
		anInvitation(7, ofCitizen(2), invited(roundsEpoch.Add(2*time.Hour), roundsEpoch)))
	if at := last(1); !at.Equal(roundsEpoch.Add(time.Hour)) {
		t.Errorf("last invited at %v", at)
	}
	_, err := s.UpdateInvitation(t.Context(), roundsID('i', 1), func(i *surveys.Invitation) ([]event.Event, error) {
		i.State, i.Invited = surveys.InvitationInvited, roundsEpoch.Add(3*time.Hour)
		return nil, nil
	})
	must(t, err)
	if at := last(1); !at.Equal(roundsEpoch.Add(3 * time.Hour)) {
		t.Errorf("last invited at %v after one was sent", at)
	}
	if at := last(99); !at.IsZero() {
		t.Errorf("an unknown citizen was invited at %v", at)
	}
}

func invitedSince(t *testing.T, s RoundsStore) {
	old, since := roundsEpoch.Add(-time.Millisecond), roundsEpoch
	addInvitations(t, s,
		anInvitation(1, ofCitizen(9), invited(since, since)),
		anInvitation(2, ofCitizen(1), invited(old, since)),
		anInvitation(3, ofCitizen(2), invited(old, since)), anInvitation(4, ofCitizen(2), ofRound(2), invited(since.Add(time.Hour), since)), // twice, once since
		anInvitation(5, ofCitizen(3), ofRound(2)),                                     // drawn
		anInvitation(6, ofCitizen(4), ofRound(0), inState(surveys.InvitationPlanned)), // planned
		anInvitation(7, ofCitizen(5), inState(surveys.InvitationDropped)),             // never sent
		anInvitation(8, ofCitizen(6), ofRound(0), invited(since, since), inState(surveys.InvitationRefused)),
		anInvitation(9, ofCitizen(7)), anInvitation(10, ofCitizen(7), ofRound(3), invited(since, since)), // twice since
		anInvitation(11, ofCitizen(8), invited(since, since), inState(surveys.InvitationComplete)))
	for except, want := range map[int][]int{1: {2, 3, 4, 6, 7}, 2: {4, 6, 7, 8, 9}, 0: {2, 3, 4, 6, 7, 8, 9}} {
		round := ""
		if except > 0 {
			round = roundsID('r', except)
		}
		var got, wanted []string
		must(t, s.InvitedSince(t.Context(), since, round, func(citizen string) error {
			got = append(got, citizen)
			return nil
		}))
		for _, n := range want {
			wanted = append(wanted, roundsID('c', n))
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("but for %d: %v, want %v", except, got, wanted)
		}
	}
}

func invitedSinceError(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1), anInvitation(2), anInvitation(3))
	boom, visited := errors.New("boom"), 0
	err := s.InvitedSince(t.Context(), roundsEpoch, "", func(string) error {
		if visited++; visited == 2 {
			return boom
		}
		return nil
	})
	if !errors.Is(err, boom) || visited != 2 {
		t.Errorf("visited %d, %v", visited, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.InvitedSince(ctx, roundsEpoch, "", func(string) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}

func invitationPages(t *testing.T, s RoundsStore) {
	for n := 9; n >= 1; n-- {
		addInvitations(t, s, anInvitation(n, inState([]surveys.InvitationState{"drawn", "invited", "complete"}[n%3])))
	}
	addInvitations(t, s, anInvitation(10, ofRound(2)), anInvitation(11, ofRound(0)))
	for _, c := range []struct {
		states []surveys.InvitationState
		after  int
		limit  int
		want   []int
	}{
		{[]surveys.InvitationState{"drawn"}, 0, 9, []int{3, 6, 9}},
		{[]surveys.InvitationState{"drawn"}, 0, 2, []int{3, 6}},
		{[]surveys.InvitationState{"drawn"}, 6, 2, []int{9}},
		{[]surveys.InvitationState{"drawn"}, 9, 2, []int{}},
		{[]surveys.InvitationState{"complete", "invited"}, 0, 4, []int{1, 2, 4, 5}},
		{[]surveys.InvitationState{"complete", "invited"}, 5, 4, []int{7, 8}},
		{[]surveys.InvitationState{"refused"}, 0, 9, []int{}},
	} {
		after := ""
		if c.after > 0 {
			after = roundsID('i', c.after)
		}
		all, err := s.RoundInvitations(t.Context(), roundsID('r', 1), c.states, after, c.limit)
		must(t, err)
		if got := invitationNumbers(all); !slices.Equal(got, c.want) {
			t.Errorf("%v after %d: %v, want %v", c.states, c.after, got, c.want)
		}
	}
}

func invitationsDue(t *testing.T, s RoundsStore) {
	for n, due := range []time.Duration{5, 1, 3, 2, 4} {
		addInvitations(t, s, anInvitation(n+1, func(i *surveys.Invitation) { i.Due = roundsEpoch.Add(due * time.Second) }))
	}
	addInvitations(t, s, anInvitation(6)) // never
	due := func(second, limit int) []int {
		t.Helper()
		all, err := s.DueInvitations(t.Context(), roundsEpoch.Add(time.Duration(second)*time.Second), limit)
		must(t, err)
		return invitationNumbers(all)
	}
	for _, c := range []struct {
		second, limit int
		want          []int
	}{{3, 9, []int{2, 4, 3}}, {3, 2, []int{2, 4}}, {0, 9, []int{}}, {99, 9, []int{2, 4, 3, 5, 1}}} {
		if got := due(c.second, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("at %d at most %d: %v, want %v", c.second, c.limit, got, c.want)
		}
	}
	must(t, s.UpdateInvitations(t.Context(), []string{roundsID('i', 2), roundsID('i', 6)},
		func(i *surveys.Invitation) ([]event.Event, error) {
			if i.Due.IsZero() {
				i.Due = roundsEpoch
			} else {
				i.Due = time.Time{}
			}
			return nil, nil
		}))
	if got := due(3, 9); !slices.Equal(got, []int{6, 4, 3}) {
		t.Errorf("after a change %v", got)
	}
}

func surveyFact(invitation string) event.Event {
	return event.Event{ID: event.Derive(invitation, "invited"), Type: event.SurveyInvited, Subject: "survey/" + invitation}
}

func invitationUpdate(t *testing.T, s RoundsStore) {
	before := anInvitation(1)
	addInvitations(t, s, before)
	boom := errors.New("boom")
	if _, err := s.UpdateInvitation(t.Context(), before.ID, func(i *surveys.Invitation) ([]event.Event, error) {
		i.State = surveys.InvitationInvited
		return []event.Event{surveyFact(i.ID)}, boom
	}); !errors.Is(err, boom) {
		t.Errorf("a refused change: %v", err)
	}
	if got, err := s.Invitation(t.Context(), before.ID); err != nil || !reflect.DeepEqual(got, &before) {
		t.Errorf("a refused change left %+v, %v", got, err)
	}
	if facts := surveyFacts(t, s); len(facts) != 0 {
		t.Errorf("a refused change left %d facts", len(facts))
	}
	changed, err := s.UpdateInvitation(t.Context(), before.ID, func(i *surveys.Invitation) ([]event.Event, error) {
		i.State, i.Invited = surveys.InvitationInvited, roundsEpoch
		return []event.Event{surveyFact(i.ID)}, nil
	})
	must(t, err)
	if got, err := s.Invitation(t.Context(), before.ID); err != nil || got.Rev != 2 || got.State != surveys.InvitationInvited ||
		!reflect.DeepEqual(got, changed) {
		t.Errorf("kept %+v, answered %+v, %v", got, changed, err)
	}
	if facts := surveyFacts(t, s); len(facts) != 1 || facts[0].ID != surveyFact(before.ID).ID {
		t.Errorf("facts %+v", facts)
	}
	if _, err := s.UpdateInvitation(t.Context(), roundsID('i', 9),
		func(*surveys.Invitation) ([]event.Event, error) { return nil, nil }); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func invitationUpdateRace(t *testing.T, s RoundsStore) {
	addInvitations(t, s, anInvitation(1))
	var failed atomic.Int64
	atOnce(30, func(int) {
		if _, err := s.UpdateInvitation(t.Context(), roundsID('i', 1), func(i *surveys.Invitation) ([]event.Event, error) {
			i.Reminded++
			return []event.Event{{ID: event.Derive(i.ID, fmt.Sprint(i.Reminded)), Type: event.SurveyReminded,
				Subject: "survey/" + fmt.Sprint(i.Reminded)}}, nil
		}); err != nil {
			failed.Add(1)
		}
	})
	if i, err := s.Invitation(t.Context(), roundsID('i', 1)); err != nil || i.Reminded != 30 || i.Rev != 31 || failed.Load() > 0 {
		t.Errorf("%+v, %v, %d failed; want 30 changes", i, err, failed.Load())
	}
	ids := map[string]bool{}
	facts := surveyFacts(t, s)
	for _, f := range facts {
		ids[f.ID] = true
	}
	if len(facts) != 30 || len(ids) != 30 {
		t.Errorf("%d facts, %d different ones; want 30: a lost race must leave none", len(facts), len(ids))
	}
}

func invitationBatch(t *testing.T, s RoundsStore) {
	var ids []string
	for n := 1; n <= 6; n++ {
		addInvitations(t, s, anInvitation(n))
		ids = append(ids, roundsID('i', n))
	}
	ids = append(ids, roundsID('i', 99)) // unknown
	must(t, s.UpdateInvitations(t.Context(), ids, func(i *surveys.Invitation) ([]event.Event, error) {
		n := invitationNumbers([]*surveys.Invitation{i})[0]
		i.State = surveys.InvitationInvited
		if n%3 == 0 {
			return []event.Event{surveyFact(i.ID)}, errors.New("boom")
		}
		return []event.Event{surveyFact(i.ID)}, nil
	}))
	for n := 1; n <= 6; n++ {
		i, err := s.Invitation(t.Context(), roundsID('i', n))
		must(t, err)
		if refused := n%3 == 0; refused && (i.Rev != 1 || i.State != surveys.InvitationDrawn) ||
			!refused && (i.Rev != 2 || i.State != surveys.InvitationInvited) {
			t.Errorf("%d: %+v", n, i)
		}
	}
	if facts := surveyFacts(t, s); len(facts) != 4 {
		t.Errorf("%d facts, want 4", len(facts))
	}
	must(t, s.UpdateInvitations(t.Context(), nil, nil))
}

func invitationBatchRace(t *testing.T, s RoundsStore) {
	const people, workers = 200, 6
	var ids []string
	for n := range people {
		addInvitations(t, s, anInvitation(n))
		ids = append(ids, roundsID('i', n))
	}
	atOnce(workers, func(w int) {
		mine := slices.Clone(ids)
		if w%2 == 0 {
			slices.Reverse(mine)
		}
		if err := s.UpdateInvitations(t.Context(), mine, func(i *surveys.Invitation) ([]event.Event, error) {
			if i.State == surveys.InvitationInvited { // as a runner that was beaten to it does
				i.Reminded++
				return nil, nil
			}
			i.State = surveys.InvitationInvited
			return []event.Event{surveyFact(i.ID)}, nil
		}); err != nil {
			t.Error(err)
		}
	})
	for _, id := range ids {
		if i, err := s.Invitation(t.Context(), id); err != nil || i.Reminded != workers-1 || i.Rev != workers+1 {
			t.Fatalf("%+v, %v; want %d changes", i, err, workers)
		}
	}
	if facts := surveyFacts(t, s); len(facts) != people {
		t.Errorf("%d facts, want one of each", len(facts))
	}
}
