package surveys_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/balagh/balagh/surveys"
)

// What is kept says the same as what was just counted, whatever came between.
func TestResults_Kept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(r *surveys.Round) { r.State = surveys.RoundClosing })
	w.answer(t, w.round, 0, 300, nil)
	first, err := json.Marshal(w.results(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	touched, kept, err := w.Store.TallyOf(t.Context(), w.round.ID)
	if err != nil || touched != 300 || len(kept) == 0 {
		t.Fatalf("kept %d bytes at %d: %v", len(kept), touched, err)
	}
	for name, spoil := range map[string][]byte{"kept": kept, "half of it": kept[:len(kept)/2],
		"of another version": []byte(`{"version":99}`),
		"of more counts":     append(slices.Clone(kept), 0), "without counts": kept[:bytes.IndexByte(kept, '\n')]} {
		if err := w.Store.PutTally(t.Context(), w.round.ID, touched, spoil); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(w.results(t, ""))
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s: differs, %v", name, err)
		}
	}
}

// While a round is open its figures move in steps of ten answers: one more answer cannot be told by subtraction. They are exact
// when it is over.
func TestResults_MoveInSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, c := range []struct {
		from, to int
		want     int64
	}{{0, 25, 25}, {25, 26, 25}, {26, 34, 25}, {34, 35, 35}, {35, 36, 35}} {
		w.answer(t, w.round, c.from, c.to, nil)
		if got := w.results(t, "").Respondents; got != c.want {
			t.Errorf("after %d answers: %d", c.to, got)
		}
	}
	r, err := w.Store.UpdateRound(t.Context(), w.round.ID, func(r *surveys.Round) error {
		r.State = surveys.RoundPublished
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SettleFigures(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	got := w.results(t, "")
	if got.Respondents != 36 || !got.Final || got.Methods.Seed != "5eed" ||
		slices.Contains(got.Methods.Notes, surveys.NotePreliminary) {
		t.Errorf("published: %d respondents, final %v, seed %q, notes %v", got.Respondents, got.Final, got.Methods.Seed,
			got.Methods.Notes)
	}
}

// Of an open anonymous round only the number of answers is told: the next figures, or the next words, would tell what the last
// person answered. The step at its end may be one answer.
func TestResults_AnonymousWhenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(r *surveys.Round) {
		r.Programme.Anonymous, r.Programme.Weighting = true,
			surveys.Weighting{Method: surveys.PostStratify, By: []surveys.Dimension{surveys.ByGender}}
	})
	w.answer(t, w.round, 0, 60, func(n int, r *surveys.Response) { r.Answers["words"] = "كلمات" })
	search := surveys.VerbatimSearch{Round: w.round.ID}
	open := w.results(t, "")
	if said, err := w.Verbatims(t.Context(), asSupervisor, search); err != nil || len(said) > 0 || open.Respondents != 60 {
		t.Errorf("%d verbatims, %v; %d respondents", len(said), err, open.Respondents)
	}
	if want := []string{surveys.NotePreliminary, surveys.NoteAnonymous}; !slices.Equal(open.Methods.Notes, want) {
		t.Errorf("notes %v; want %v", open.Methods.Notes, want)
	}
	for _, x := range open.Questions {
		if !x.Total.Suppressed || x.Total.N > 0 || len(x.Breakdown) > 0 {
			t.Errorf("%s: %+v", x.Code, x.Total)
		}
	}
	if _, err := w.Store.UpdateRound(t.Context(), w.round.ID, func(r *surveys.Round) error {
		r.State = surveys.RoundClosing
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	over := w.results(t, "")
	if said, err := w.Verbatims(t.Context(), asSupervisor, search); err != nil || len(said) == 0 || over.Questions[0].Total.N != 60 {
		t.Errorf("%d verbatims, %v; %+v", len(said), err, over.Questions[0])
	}
}

// Fewer than ten answers publish nothing but how many there are.
func TestResults_FewAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, n := range []int{0, 9} {
		w.answer(t, w.round, 0, n, nil)
		r := w.results(t, "")
		eachCell(r, func(q *surveys.QuestionResult, by surveys.Dimension, c *surveys.Cell) {
			if !c.Suppressed || by != "" {
				t.Errorf("of %d answers %s by %s: %+v", n, q.Code, by, c)
			}
		})
		if r.FirstTime != nil || len(r.Methods.Languages) > 0 || !slices.Contains(r.Methods.Notes, surveys.NoteSmall) {
			t.Errorf("of %d answers: first %v, languages %v, notes %v", n, r.FirstTime, r.Methods.Languages, r.Methods.Notes)
		}
	}
}
