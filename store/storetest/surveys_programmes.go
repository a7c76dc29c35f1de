package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// TestProgrammes is what every backend must do for programmes and their rounds.
func TestProgrammes(t *testing.T, open func(t *testing.T) RoundsStore) {
	roundsRun(t, open, map[string]func(*testing.T, RoundsStore){
		"PutProgramme/makes_and_keeps_every_field":   programmeKept,
		"PutProgramme/a_refused_change":              programmeRefused,
		"PutProgramme/many_at_once_none_is_lost":     programmeRace,
		"Programmes/by_code":                         programmesByCode,
		"CreateRound/keeps_every_field_once":         roundKept,
		"CreateRound/many_at_once_one_is_made":       roundCreateRace,
		"Rounds/newest_window_first":                 roundsNewest,
		"UpdateRound/all_or_nothing":                 roundUpdate,
		"UpdateRound/many_at_once_none_is_lost":      roundUpdateRace,
		"LeaseRound/who_has_waited_longest_is_first": roundLease,
		"LeaseRound/contenders":                      roundContenders,
		"LeaseRound/a_lease_from_the_future":         roundFuture,
		"LeaseRound/nothing_is_written_without_one":  roundNoLease,
	})
}

func aProgramme(p *surveys.Programme) {
	company := true
	p.Names, p.Active, p.Questionnaire, p.Version, p.Anonymous = form.Text{"ar": "استبيان", "en": "Survey", "ur": "سروے"}, true,
		"reception", 3, true
	p.After = &surveys.After{On: []string{surveys.OnClosed, surveys.OnRejected}, Days: 3}
	p.Every = &surveys.Every{Hijri: &surveys.HijriDay{Month: 9, Day: 30}, Start: "2026-01-01", Hour: 9, WindowDays: 90}
	p.Frame = surveys.Frame{Centres: []string{"riyadh"}, Genders: []string{"female"}, Company: &company}
	p.Sample = surveys.Sample{Method: surveys.DrawStratified, By: []surveys.Dimension{surveys.ByCentre}, Allocation: surveys.Fixed,
		Fixed: map[string]int{"riyadh": 9}, Margin: 0.03}
	p.Weighting = surveys.Weighting{Method: surveys.Rake, By: []surveys.Dimension{surveys.ByGender}}
	p.QuarantineDays, p.OpenDays, p.Reminders, p.Channels = 30, 14, []int{3, 7}, []string{"push", "sms"}
	p.By, p.At, p.Next = "staff-1", roundsEpoch, roundsEpoch.AddDate(0, 1, 0)
}

func programmeKept(t *testing.T, s RoundsStore) {
	if _, err := s.Programme(t.Context(), "reception"); !isNotFound(err) {
		t.Errorf("one that nobody made: %v", err)
	}
	made, err := s.PutProgramme(t.Context(), "reception", func(p *surveys.Programme) error {
		if p.Rev != 0 || p.Code != "reception" {
			t.Errorf("a new one is given as %+v", p)
		}
		aProgramme(p)
		return nil
	})
	must(t, err)
	got, err := s.Programme(t.Context(), "reception")
	must(t, err)
	want := &surveys.Programme{Code: "reception", Rev: 1}
	if aProgramme(want); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(made, want) {
		t.Errorf("kept %+v, answered %+v, want %+v", got, made, want)
	}
	changed, err := s.PutProgramme(t.Context(), "reception", func(p *surveys.Programme) error {
		if !reflect.DeepEqual(p, want) {
			t.Errorf("given %+v, want %+v", p, want)
		}
		p.Active = false
		return nil
	})
	must(t, err)
	if got, err := s.Programme(t.Context(), "reception"); err != nil || got.Rev != 2 || got.Active ||
		!reflect.DeepEqual(got, changed) {
		t.Errorf("kept %+v, answered %+v, %v", got, changed, err)
	}
}

func programmeRefused(t *testing.T, s RoundsStore) {
	boom := errors.New("boom")
	refuse := func(p *surveys.Programme) error { p.OpenDays = 99; return boom }
	if _, err := s.PutProgramme(t.Context(), "new", refuse); !errors.Is(err, boom) {
		t.Errorf("a refused new one: %v", err)
	}
	if _, err := s.Programme(t.Context(), "new"); !isNotFound(err) {
		t.Errorf("refused, and yet made: %v", err)
	}
	_, err := s.PutProgramme(t.Context(), "old", func(*surveys.Programme) error { return nil })
	must(t, err)
	if _, err := s.PutProgramme(t.Context(), "old", refuse); !errors.Is(err, boom) {
		t.Errorf("a refused change: %v", err)
	}
	if p, err := s.Programme(t.Context(), "old"); err != nil || p.Rev != 1 || p.OpenDays != 0 {
		t.Errorf("refused, and yet changed: %+v, %v", p, err)
	}
}

func programmeRace(t *testing.T, s RoundsStore) {
	var failed atomic.Int64
	atOnce(30, func(int) {
		if _, err := s.PutProgramme(t.Context(), "reception", func(p *surveys.Programme) error { p.OpenDays++; return nil }); err != nil {
			failed.Add(1)
		}
	})
	if p, err := s.Programme(t.Context(), "reception"); err != nil || p.OpenDays != 30 || p.Rev != 30 || failed.Load() > 0 {
		t.Errorf("%+v, %v, %d failed; want 30 changes", p, err, failed.Load())
	}
}

func programmesByCode(t *testing.T, s RoundsStore) {
	for _, code := range []string{"b", "c", "a"} {
		_, err := s.PutProgramme(t.Context(), code, func(*surveys.Programme) error { return nil })
		must(t, err)
	}
	all, err := s.Programmes(t.Context())
	must(t, err)
	var got []string
	for _, p := range all {
		got = append(got, p.Code)
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%v", got)
	}
}

func aRound(n int, change ...func(*surveys.Round)) *surveys.Round {
	r := &surveys.Round{ID: roundsID('r', n), Rev: 1, Programme: surveys.Programme{Code: "reception"}, Number: n,
		State: surveys.RoundOpen, Seed: "00ff",
		From: roundsEpoch.AddDate(0, -1, n), To: roundsEpoch.AddDate(0, 0, n), Opened: roundsEpoch, Closes: roundsEpoch.AddDate(0, 0, 14),
		Drawn: surveys.Drawn{Population: 9, Excluded: map[string]int{"quarantine": 2}, Eligible: 7, Sampled: 5,
			Strata:  []surveys.DrawnStratum{{Key: "riyadh", Population: 9}},
			Margins: map[surveys.Dimension]map[string]int{surveys.ByGender: {"female": 4}}, Cells: map[string]int{"riyadh|female": 4}},
		Warnings: []string{surveys.WarnTooFew}}
	for _, c := range change {
		c(r)
	}
	return r
}

func roundKept(t *testing.T, s RoundsStore) {
	want := aRound(1, func(r *surveys.Round) {
		aProgramme(&r.Programme)
		r.Published, r.Due = roundsEpoch.Add(time.Hour), roundsEpoch.Add(time.Minute)
	})
	must(t, s.CreateRound(t.Context(), want))
	got, err := s.Round(t.Context(), want.ID)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	if err := s.CreateRound(t.Context(), aRound(1)); fault.CodeOf(err) != fault.Exists {
		t.Errorf("a taken id: %v", err)
	}
	if got, err := s.Round(t.Context(), want.ID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a second one changed the first to %+v, %v", got, err)
	}
	if _, err := s.Round(t.Context(), roundsID('r', 2)); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func roundCreateRace(t *testing.T, s RoundsStore) {
	var made, refused atomic.Int64
	atOnce(20, func(int) {
		if err := s.CreateRound(t.Context(), aRound(1)); err == nil {
			made.Add(1)
		} else if fault.CodeOf(err) == fault.Exists {
			refused.Add(1)
		}
	})
	if made.Load() != 1 || refused.Load() != 19 {
		t.Errorf("%d made, %d refused", made.Load(), refused.Load())
	}
}

func roundsNewest(t *testing.T, s RoundsStore) {
	for _, n := range []int{2, 4, 1, 3} {
		must(t, s.CreateRound(t.Context(), aRound(n, func(r *surveys.Round) {
			if n == 3 {
				r.Programme.Code = "another"
			}
		})))
	}
	for programme, want := range map[string]string{"": "[4 3 2 1]", "reception": "[4 2 1]", "another": "[3]", "unknown": "[]"} {
		all, err := s.Rounds(t.Context(), programme)
		must(t, err)
		got := []int{}
		for _, r := range all {
			got = append(got, r.Number)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("of %q: %v, want %s", programme, got, want)
		}
	}
}

func roundUpdate(t *testing.T, s RoundsStore) {
	id := aRound(1).ID
	must(t, s.CreateRound(t.Context(), aRound(1)))
	boom := errors.New("boom")
	if _, err := s.UpdateRound(t.Context(), id, func(r *surveys.Round) error { r.Number = 9; return boom }); !errors.Is(err, boom) {
		t.Errorf("a refused change: %v", err)
	}
	if r, err := s.Round(t.Context(), id); err != nil || !reflect.DeepEqual(r, aRound(1)) {
		t.Errorf("refused, and yet changed: %+v, %v", r, err)
	}
	changed, err := s.UpdateRound(t.Context(), id, func(r *surveys.Round) error {
		r.State, r.Due = surveys.RoundClosing, roundsEpoch
		return nil
	})
	must(t, err)
	if r, err := s.Round(t.Context(), id); err != nil || r.Rev != 2 || r.State != surveys.RoundClosing ||
		!reflect.DeepEqual(r, changed) {
		t.Errorf("kept %+v, answered %+v, %v", r, changed, err)
	}
	if leased := roundLeased(t, s, roundsEpoch); leased != 1 {
		t.Errorf("a change of Due has no effect: leased %d", leased)
	}
	if _, err := s.UpdateRound(t.Context(), roundsID('r', 9), func(*surveys.Round) error { return nil }); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func roundUpdateRace(t *testing.T, s RoundsStore) {
	must(t, s.CreateRound(t.Context(), aRound(1)))
	var failed atomic.Int64
	atOnce(30, func(int) {
		if _, err := s.UpdateRound(t.Context(), aRound(1).ID,
			func(r *surveys.Round) error { r.Drawn.Sampled++; return nil }); err != nil {
			failed.Add(1)
		}
	})
	if r, err := s.Round(t.Context(), aRound(1).ID); err != nil || r.Drawn.Sampled != 35 || r.Rev != 31 || failed.Load() > 0 {
		t.Errorf("%+v, %v, %d failed; want 30 changes", r, err, failed.Load())
	}
}

// roundLeased is the number of the round that is leased for a minute, 0 for none.
func roundLeased(t *testing.T, s RoundsStore, now time.Time) int {
	t.Helper()
	r, err := s.LeaseRound(t.Context(), now, time.Minute)
	must(t, err)
	if r == nil {
		return 0
	}
	if want := now.Add(time.Minute); !r.Due.Equal(want) {
		t.Errorf("%d is leased until %v, want %v", r.Number, r.Due, want)
	}
	if kept, err := s.Round(t.Context(), r.ID); err != nil || !reflect.DeepEqual(kept, r) {
		t.Errorf("leased %+v, kept %+v, %v", r, kept, err)
	}
	return r.Number
}

func roundLease(t *testing.T, s RoundsStore) {
	for n, due := range []time.Time{roundsEpoch.Add(-time.Second), roundsEpoch.Add(-time.Minute), roundsEpoch,
		roundsEpoch.Add(time.Second), {}} {
		must(t, s.CreateRound(t.Context(), aRound(n+1, func(r *surveys.Round) { r.Due = due })))
	}
	var got []int
	for range 5 {
		got = append(got, roundLeased(t, s, roundsEpoch))
	}
	if !slices.Equal(got, []int{2, 1, 3, 0, 0}) {
		t.Errorf("leased %v", got)
	}
	if n := roundLeased(t, s, roundsEpoch.Add(time.Minute)); n != 4 {
		t.Errorf("later %d, want the one that became due", n)
	}
	if n := roundLeased(t, s, roundsEpoch.Add(time.Minute)); n == 0 || n == 4 || n == 5 {
		t.Errorf("after a lease %d, want one of those whose lease is over", n)
	}
	if r, err := s.Round(t.Context(), roundsID('r', 2)); err != nil || r.Rev < 2 {
		t.Errorf("a lease is no change of the round: %+v, %v", r, err)
	}
}

func roundContenders(t *testing.T, s RoundsStore) {
	for n := range 5 {
		must(t, s.CreateRound(t.Context(), aRound(n+1, func(r *surveys.Round) { r.Due = roundsEpoch })))
	}
	var mu sync.Mutex
	held := map[string]int{}
	atOnce(20, func(int) {
		r, err := s.LeaseRound(t.Context(), roundsEpoch, time.Minute)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			t.Error(err)
		case r != nil:
			held[r.ID]++
		}
	})
	if len(held) != 5 {
		t.Errorf("%d of 5 are held", len(held))
	}
	for id, n := range held {
		if n != 1 {
			t.Errorf("%s is held %d times", id, n)
		}
	}
}

func roundFuture(t *testing.T, s RoundsStore) {
	far := roundsEpoch.Add(time.Minute + time.Second)
	states := []surveys.RoundState{surveys.RoundDrawing, surveys.RoundInviting, surveys.RoundClosing, surveys.RoundOpen,
		surveys.RoundPublished, surveys.RoundStopped}
	for n, state := range states {
		must(t, s.CreateRound(t.Context(), aRound(n+1, func(r *surveys.Round) { r.State, r.Due = state, far })))
	}
	must(t, s.CreateRound(t.Context(), aRound(7,
		func(r *surveys.Round) { r.State, r.Due = surveys.RoundDrawing, roundsEpoch.Add(time.Minute) })))
	got := map[int]bool{}
	for range 7 {
		got[roundLeased(t, s, roundsEpoch)] = true
	}
	if !reflect.DeepEqual(got, map[int]bool{1: true, 2: true, 3: true, 0: true}) {
		t.Errorf("leased %v, want those that are worked on and whose lease is longer than any", got)
	}
}

func roundNoLease(t *testing.T, s RoundsStore) {
	want := aRound(1, func(r *surveys.Round) { r.Due = roundsEpoch.Add(time.Second) })
	must(t, s.CreateRound(t.Context(), want))
	if n := roundLeased(t, s, roundsEpoch); n != 0 {
		t.Errorf("leased %d", n)
	}
	if r, err := s.Round(t.Context(), want.ID); err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("changed to %+v, %v", r, err)
	}
}
