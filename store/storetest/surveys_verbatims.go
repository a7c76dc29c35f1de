package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balagh/balagh/surveys"
)

// TestVerbatims is what every backend must do for answers in words.
func TestVerbatims(t *testing.T, open func(t *testing.T) RoundsStore) {
	roundsRun(t, open, map[string]func(*testing.T, RoundsStore){
		"Verbatims/keeps_every_field":         verbatimKept,
		"Verbatims/newest_day_first_in_pages": verbatimPages,
		"Verbatims/filters":                   verbatimFilters,
		"Verbatims/words":                     verbatimWords,
		"UpdateVerbatim/all_or_nothing":       verbatimUpdate,
		"UpdateVerbatim/no_change_is_lost":    verbatimRace,
	})
}

// aVerbatim is the m-th of the response to the n-th invitation.
func aVerbatim(n, m int, change ...func(*surveys.Verbatim)) surveys.Verbatim {
	r := aResponse(n)
	v := surveys.Verbatim{ID: roundsID('v', 100*n+m), Round: r.Round, Response: r.ID, Question: "why",
		Text: fmt.Sprintf("%d.%d", n, m), Language: "ar", Day: "2026-03-01",
		State: surveys.VerbatimNew, Snapshot: r.Snapshot}
	for _, f := range change {
		f(&v)
	}
	return v
}

// say gives words as the response to the n-th invitation.
func say(t *testing.T, s RoundsStore, n int, words ...surveys.Verbatim) {
	t.Helper()
	addInvitations(t, s, anInvitation(n))
	respond(t, s, n, "row", aResponse(n), words...)
}

// verbatims are the texts of a page.
func verbatims(t *testing.T, s RoundsStore, q surveys.VerbatimQuery) []string {
	t.Helper()
	all, err := s.Verbatims(t.Context(), q)
	must(t, err)
	texts := []string{}
	for _, v := range all {
		texts = append(texts, v.Text)
	}
	return texts
}

func verbatimKept(t *testing.T, s RoundsStore) {
	want := aVerbatim(1, 1, func(v *surveys.Verbatim) {
		v.Text, v.State, v.By = "تأخر الرد كثيرًا", surveys.VerbatimApproved, "staff-1"
		v.Snapshot.First, v.Snapshot.Company, v.Snapshot.Employee = true, true, "staff-2"
	})
	say(t, s, 1, want)
	all, err := s.Verbatims(t.Context(), surveys.VerbatimQuery{Round: want.Round, Limit: 9})
	must(t, err)
	if len(all) != 1 || !reflect.DeepEqual(all[0], want) {
		t.Errorf("kept %+v, want %+v", all, want)
	}
}

func verbatimPages(t *testing.T, s RoundsStore) {
	day := func(d int) func(*surveys.Verbatim) {
		return func(v *surveys.Verbatim) { v.Day = fmt.Sprintf("2026-03-%02d", d) }
	}
	say(t, s, 1, aVerbatim(1, 2, day(1)), aVerbatim(1, 1, day(1)))
	say(t, s, 2, aVerbatim(2, 1, day(3)))
	say(t, s, 3, aVerbatim(3, 1, day(2)), aVerbatim(3, 2, day(2)))
	say(t, s, 4, aVerbatim(4, 1, day(3)))
	say(t, s, 5, aVerbatim(5, 1, day(2), func(v *surveys.Verbatim) { v.Round = roundsID('r', 2) }))
	say(t, s, 6, aVerbatim(6, 1, day(2), func(v *surveys.Verbatim) { v.Round = "" }))
	for round, want := range map[int][]string{1: {"2.1", "4.1", "3.1", "3.2", "1.1", "1.2"}, 2: {"5.1"}, 3: nil,
		0: {"2.1", "4.1", "3.1", "3.2", "5.1", "6.1", "1.1", "1.2"}} {
		q := surveys.VerbatimQuery{Limit: 2}
		if round > 0 {
			q.Round = roundsID('r', round)
		}
		var got []string
		for {
			page, err := s.Verbatims(t.Context(), q)
			must(t, err)
			if len(page) == 0 {
				break
			}
			if len(page) > 2 {
				t.Errorf("a page of %d", len(page))
			}
			for _, v := range page {
				got, q.After = append(got, v.Text), v.ID
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %d: %v, want %v", round, got, want)
		}
	}
	if _, err := s.Verbatims(t.Context(), surveys.VerbatimQuery{After: roundsID('v', 9_999), Limit: 2}); !isNotFound(err) {
		t.Errorf("after one that is gone: %v", err)
	}
}

func verbatimFilters(t *testing.T, s RoundsStore) {
	for n, change := range []func(*surveys.Verbatim){
		func(v *surveys.Verbatim) { v.Question = "what" },
		func(v *surveys.Verbatim) { v.State = surveys.VerbatimApproved },
		func(v *surveys.Verbatim) { v.State = surveys.VerbatimHidden },
		func(v *surveys.Verbatim) { v.Snapshot.Centre = "jeddah" },
		func(v *surveys.Verbatim) { v.Snapshot.Company = true },
		func(v *surveys.Verbatim) { v.Snapshot.Gender = "" },
	} {
		say(t, s, n, aVerbatim(n, 0, change))
	}
	for _, c := range []struct {
		q    surveys.VerbatimQuery
		want string
	}{
		{surveys.VerbatimQuery{}, "0 1 2 3 4 5"},
		{surveys.VerbatimQuery{Question: "what"}, "0"},
		{surveys.VerbatimQuery{Question: "unknown"}, ""},
		{surveys.VerbatimQuery{States: []string{surveys.VerbatimApproved}}, "1"},
		{surveys.VerbatimQuery{States: []string{surveys.VerbatimApproved, surveys.VerbatimHidden}}, "1 2"},
		{surveys.VerbatimQuery{By: surveys.ByCentre, Value: "jeddah"}, "3"},
		{surveys.VerbatimQuery{By: surveys.ByCompany, Value: "yes"}, "4"},
		{surveys.VerbatimQuery{By: surveys.ByCompany, Value: "no"}, "0 1 2 3 5"},
		{surveys.VerbatimQuery{By: surveys.ByGender}, "5"},
		{surveys.VerbatimQuery{Question: "why", States: []string{surveys.VerbatimNew}, By: surveys.ByCentre, Value: "riyadh"}, "4 5"},
		{surveys.VerbatimQuery{By: surveys.ByCentre, Value: "riyadh", Limit: 2}, "0 1"},
		{surveys.VerbatimQuery{By: surveys.ByCentre, Value: "riyadh", Limit: 2, After: roundsID('v', 200)}, "4 5"},
	} {
		if c.q.Limit == 0 {
			c.q.Limit = 9
		}
		for _, c.q.Round = range []string{"", roundsID('r', 1)} {
			var numbers []string
			for _, text := range verbatims(t, s, c.q) {
				numbers = append(numbers, strings.TrimSuffix(text, ".0"))
			}
			if got := strings.Join(numbers, " "); got != c.want {
				t.Errorf("%+v: %s, want %s", c.q, got, c.want)
			}
		}
	}
}

func verbatimWords(t *testing.T, s RoundsStore) {
	for n, folded := range []string{"تاخر الرد كثيرا", "الرد سريع", "100 50_50 a'b", "استرداد", ""} {
		say(t, s, n, aVerbatim(n, 0, func(v *surveys.Verbatim) { v.Text, v.Folded = fmt.Sprint(n), folded }))
	}
	for terms, want := range map[string]string{"الرد": "0 1", "ال": "0 1", "الرد كثيرا": "0", "كثيرا الرد": "0", "رد": "",
		"است": "3", "50": "2", "5": "2", "%": "", "50_5": "2", "5__5": "", "a'": "2",
		"unknown": "", "الرد unknown": "", "": "0 1 2 3 4"} {
		if got := strings.Join(verbatims(t, s, surveys.VerbatimQuery{Terms: strings.Fields(terms), Limit: 9}), " "); got != want {
			t.Errorf("%q: %s, want %s", terms, got, want)
		}
	}
	if _, err := s.UpdateVerbatim(t.Context(), roundsID('v', 0),
		func(v *surveys.Verbatim) error { v.State = surveys.VerbatimApproved; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := verbatims(t, s, surveys.VerbatimQuery{Terms: []string{"كثيرا"}, Limit: 9}); !slices.Equal(got, []string{"0"}) {
		t.Errorf("one that was approved is found no more: %v", got)
	}
}

func verbatimUpdate(t *testing.T, s RoundsStore) {
	before := aVerbatim(1, 1)
	say(t, s, 1, before)
	boom := errors.New("boom")
	if _, err := s.UpdateVerbatim(t.Context(), before.ID,
		func(v *surveys.Verbatim) error { v.State = surveys.VerbatimHidden; return boom }); !errors.Is(err, boom) {
		t.Errorf("a refused change: %v", err)
	}
	all, err := s.Verbatims(t.Context(), surveys.VerbatimQuery{States: []string{surveys.VerbatimNew}, Limit: 9})
	must(t, err)
	if len(all) != 1 || !reflect.DeepEqual(all[0], before) {
		t.Errorf("refused, and yet changed: %+v", all)
	}
	changed, err := s.UpdateVerbatim(t.Context(), before.ID, func(v *surveys.Verbatim) error {
		v.State, v.By = surveys.VerbatimHidden, "staff-1"
		return nil
	})
	must(t, err)
	all, err = s.Verbatims(t.Context(), surveys.VerbatimQuery{States: []string{surveys.VerbatimHidden}, Limit: 9})
	must(t, err)
	if len(all) != 1 || !reflect.DeepEqual(&all[0], changed) || changed.By != "staff-1" {
		t.Errorf("kept %+v, answered %+v", all, changed)
	}
	if _, err := s.UpdateVerbatim(t.Context(), roundsID('v', 999), func(*surveys.Verbatim) error { return nil }); !isNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
}

func verbatimRace(t *testing.T, s RoundsStore) {
	say(t, s, 1, aVerbatim(1, 1, func(v *surveys.Verbatim) { v.By = "" }))
	var failed atomic.Int64
	atOnce(30, func(int) {
		if _, err := s.UpdateVerbatim(t.Context(), roundsID('v', 101),
			func(v *surveys.Verbatim) error { v.By += "x"; return nil }); err != nil {
			failed.Add(1)
		}
	})
	all, err := s.Verbatims(t.Context(), surveys.VerbatimQuery{Limit: 9})
	must(t, err)
	if len(all) != 1 || len(all[0].By) != 30 || failed.Load() > 0 {
		t.Errorf("%+v, %d failed; want 30 changes", all, failed.Load())
	}
}
