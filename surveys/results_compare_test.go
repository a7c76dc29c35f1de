package surveys_test

import (
	"testing"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/surveys/stats"
)

// STATISTICS.md: 7 of 34 against 1 of 34.
func TestResults_Compare(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, shortQuestionnaire(), nil)
	then := w.addRound(t, "0190a000-0000-7000-8000-000000000002", func(r *surveys.Round) { r.Number = 7 })
	answer := func(r *surveys.Round, yes, promoters int) {
		w.answer(t, r, 0, 34, func(n int, r *surveys.Response) {
			r.Answers = form.Answers{"solved": n < yes, "overall": form.DontKnow, "recommend": 7.0}
			if n < promoters {
				r.Answers["recommend"] = 10.0
			}
		})
	}
	answer(w.round, 7, 20)
	answer(then, 1, 10)
	c := w.results(t, then.ID).Comparison
	if c == nil || c.Round != then.ID || c.Number != 7 || len(c.Questions) != 4 {
		t.Fatalf("%+v", c)
	}
	near := func(what string, got *float64, want, tolerance float64) {
		if got == nil {
			t.Fatalf("%s is missing", what)
		}
		if *got < want-tolerance || *got > want+tolerance {
			t.Errorf("%s is %v, want %v", what, *got, want)
		}
	}
	solved := c.Questions[2]
	near("now", solved.Now, 7.0/34, 1e-12)
	near("then", solved.Then, 1.0/34, 1e-12)
	near("difference", solved.Difference, 6.0/34, 1e-12)
	near("z", solved.Z, 2.258318, 5e-7)
	near("p", solved.P, 0.0239258, 5e-8)
	near("low", &solved.Interval.Low, 0.019, 5e-4)
	near("high", &solved.Interval.High, 0.34, 5e-3)
	if solved.Headline != surveys.FormulaYes || solved.Interval.Method != stats.MethodNewcombe || solved.Break != "" {
		t.Errorf("%+v", solved)
	}
	recommend := c.Questions[1]
	near("NPS now", recommend.Now, 100*20.0/34, 1e-9)
	near("NPS difference", recommend.Difference, 100*10.0/34, 1e-9)
	near("NPS z", recommend.Z, 2.557, 0.001)                // (20−10)/34 by the standard errors √(p(1−p)/34) of both
	if x := c.Questions[0]; x.Now != nil || x.Break != "" { // nobody knew: nothing is published of it
		t.Errorf("%+v", x)
	}
	if x := c.Questions[3]; x.Headline != "" || x.Now != nil {
		t.Errorf("words: %+v", x)
	}
}

func TestResults_Compare_Breaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	old := everyType()
	old.Version = 2
	old.Questions[0].Label = inThree("another wording")
	old.Questions[4].Type = form.Effort
	old.Questions[11].Options = old.Questions[11].Options[1:]
	old.Questions[18].Rows = old.Questions[18].Rows[1:] // parking
	old.Questions = old.Questions[:19]                  // wait
	if err := w.Store.AddQuestionnaire(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	then := w.addRound(t, "0190a000-0000-7000-8000-000000000002", func(r *surveys.Round) { r.Programme.Version = 2 })
	w.answer(t, w.round, 0, 30, nil)
	r := w.results(t, then.ID)
	want := map[string]string{"overall": form.BreakWording, "recommend": form.BreakType, "heard": form.BreakOptions,
		"hall": form.BreakOptions, "wait": surveys.BreakAbsent}
	for i, q := range r.Questions {
		x := r.Comparison.Questions[i]
		if x.Code != q.Code || x.Row != q.Row || q.Break != want[q.Code] || x.Break != want[q.Code] || x.Now != nil {
			t.Errorf("%s %s: %q and %+v, want %q", q.Code, q.Row, q.Break, x, want[q.Code])
		}
	}
	if _, err := w.Results(t.Context(), asManager, w.round.ID, w.round.ID); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("with itself: %v", err)
	}
	if _, err := w.Results(t.Context(), asManager, w.round.ID,
		"0190a000-0000-7000-8000-000000000009"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("with none: %v", err)
	}
}
