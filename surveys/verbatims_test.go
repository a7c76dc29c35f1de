package surveys_test

import (
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var asSupervisor = actor.Actor{Kind: actor.Staff, ID: "staff-3", Role: actor.Supervisor, Centres: []string{actor.All},
	Departments: []string{actor.All}}

// spoken is a round in which everybody said something: 30 people of riyadh, 20 of jeddah, 5 of abha.
func spoken(t *testing.T, n int, change func(*surveys.Round)) *world {
	t.Helper()
	w := newWorldOf(t, shortQuestionnaire(), change)
	w.answer(t, w.round, 0, n, func(n int, r *surveys.Response) {
		r.Snapshot = surveys.Snapshot{Centre: "riyadh", Gender: "male"}
		if n >= 30 {
			r.Snapshot.Centre = "jeddah"
		}
		if n >= 50 {
			r.Snapshot.Centre = "abha"
		}
		r.Answers = form.Answers{"overall": 5.0, "words": []string{"الموظّف متعاون", "The queue was long", "شکریہ"}[n%3]}
	})
	return w
}

func (w *world) said(t *testing.T, a actor.Actor, q surveys.VerbatimSearch) []surveys.Verbatim {
	t.Helper()
	q.Round = w.round.ID
	all, err := w.Verbatims(t.Context(), a, q)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestProgrammes_Verbatims(t *testing.T) {
	t.Parallel()
	w := spoken(t, 55, nil)
	all := w.said(t, asSupervisor, surveys.VerbatimSearch{Limit: 200})
	if len(all) != 55 {
		t.Fatalf("%d of 55", len(all))
	}
	for _, v := range all {
		if v.Response != "" || v.Snapshot != (surveys.Snapshot{}) || v.Day != "2026-11-21" {
			t.Fatalf("tells too much: %+v", v)
		}
	}
	for i, v := range all[:4] {
		state := []string{surveys.VerbatimApproved, surveys.VerbatimHidden}[i%2]
		if got, err := w.Moderate(t.Context(), asSupervisor, v.ID, state); err != nil || got.State != state || got.By != asSupervisor.ID {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	for name, c := range map[string]struct {
		a    actor.Actor
		q    surveys.VerbatimSearch
		want int
	}{
		"manager":                {asManager, surveys.VerbatimSearch{}, 2},
		"manager, hidden":        {asManager, surveys.VerbatimSearch{State: surveys.VerbatimHidden}, 0},
		"hidden":                 {asSupervisor, surveys.VerbatimSearch{State: surveys.VerbatimHidden}, 2},
		"new":                    {asSupervisor, surveys.VerbatimSearch{State: surveys.VerbatimNew, Limit: 200}, 51},
		"a page":                 {asSupervisor, surveys.VerbatimSearch{Limit: 7}, 7},
		"the rest":               {asSupervisor, surveys.VerbatimSearch{After: all[49].ID}, 5},
		"folded":                 {asSupervisor, surveys.VerbatimSearch{Text: "المُوظف"}, 19},
		"two words":              {asSupervisor, surveys.VerbatimSearch{Text: "LONG que"}, 18},
		"Urdu":                   {asSupervisor, surveys.VerbatimSearch{Text: "شكريه"}, 18},
		"only signs":             {asSupervisor, surveys.VerbatimSearch{Text: "!?"}, 0},
		"a small centre":         {asSupervisor, surveys.VerbatimSearch{By: surveys.ByCentre, Value: "abha"}, 0},
		"hidden to protect it":   {asSupervisor, surveys.VerbatimSearch{By: surveys.ByCentre, Value: "jeddah"}, 0},
		"a centre that has none": {asSupervisor, surveys.VerbatimSearch{By: surveys.ByCentre, Value: "taif"}, 0},
		"a large centre":         {asSupervisor, surveys.VerbatimSearch{By: surveys.ByCentre, Value: "riyadh", Question: "words"}, 30},
	} {
		got := w.said(t, c.a, c.q)
		if len(got) != c.want {
			t.Errorf("%s: %d, want %d", name, len(got), c.want)
		}
		for _, v := range got {
			if v.Snapshot.Gender != "" || v.Snapshot.Centre != c.q.Value {
				t.Errorf("%s: %+v", name, v.Snapshot)
			}
		}
	}
}

func TestProgrammes_Verbatims_Anonymous(t *testing.T) {
	t.Parallel()
	w := spoken(t, 20, func(r *surveys.Round) { r.Programme.Anonymous = true })
	for _, v := range w.said(t, asSupervisor, surveys.VerbatimSearch{}) {
		if v.Day != "" {
			t.Fatalf("the day is told: %+v", v)
		}
	}
}

func TestProgrammes_Verbatims_Few(t *testing.T) {
	t.Parallel()
	w := spoken(t, 9, nil)
	if got := w.said(t, asSupervisor, surveys.VerbatimSearch{}); len(got) > 0 {
		t.Errorf("of nine people: %v", got)
	}
}

func TestProgrammes_Verbatims_Refused(t *testing.T) {
	t.Parallel()
	w := spoken(t, 12, nil)
	limited := asSupervisor
	limited.Centres = []string{"riyadh"}
	clerk := asSupervisor
	clerk.Role = actor.Clerk
	for name, c := range map[string]struct {
		a    actor.Actor
		q    surveys.VerbatimSearch
		want fault.Code
	}{
		"a clerk":              {clerk, surveys.VerbatimSearch{}, fault.Forbidden},
		"another's round":      {limited, surveys.VerbatimSearch{}, fault.NotFound},
		"a state":              {asManager, surveys.VerbatimSearch{State: "loud"}, fault.Invalid},
		"a dimension":          {asManager, surveys.VerbatimSearch{By: "height", Value: "1"}, fault.Invalid},
		"a value alone":        {asManager, surveys.VerbatimSearch{Value: "1"}, fault.Invalid},
		"a dimension alone":    {asManager, surveys.VerbatimSearch{By: surveys.ByCentre}, fault.Invalid},
		"a question":           {asManager, surveys.VerbatimSearch{Question: "none"}, fault.Invalid},
		"a question of levels": {asManager, surveys.VerbatimSearch{Question: "overall"}, fault.Invalid},
		"too many":             {asManager, surveys.VerbatimSearch{Limit: 1000}, fault.Invalid},
	} {
		c.q.Round = w.round.ID
		if _, err := w.Verbatims(t.Context(), c.a, c.q); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	id := w.said(t, asSupervisor, surveys.VerbatimSearch{})[0].ID
	for name, c := range map[string]struct {
		a         actor.Actor
		id, state string
		want      fault.Code
	}{
		"a manager":       {asManager, id, surveys.VerbatimApproved, fault.Forbidden},
		"another's round": {limited, id, surveys.VerbatimApproved, fault.NotFound},
		"a state":         {asSupervisor, id, surveys.VerbatimNew, fault.Invalid},
		"none":            {asSupervisor, "0190a000-0000-7000-8000-000000000009", surveys.VerbatimApproved, fault.NotFound},
	} {
		if _, err := w.Moderate(t.Context(), c.a, c.id, c.state); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
