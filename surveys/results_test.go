package surveys_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/surveys/stats"
)

var updateResults = flag.Bool("update-results", false, "write the golden of results anew")

func (w *world) results(t *testing.T, compare string) *surveys.Results {
	t.Helper()
	answer, err := w.Results(t.Context(), asManager, w.round.ID, compare)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// shares of a cell, each with what it is called.
func shares(c *surveys.Cell) map[string]*surveys.Share {
	all := map[string]*surveys.Share{}
	for i := range c.Options {
		all[c.Options[i].Code] = &c.Options[i].Share
	}
	if c.Top2 != nil {
		all["top2"] = c.Top2
	}
	if c.Effort != nil {
		all["effort"] = c.Effort
	}
	return all
}

func eachCell(r *surveys.Results, visit func(q *surveys.QuestionResult, by surveys.Dimension, c *surveys.Cell)) {
	for i := range r.Questions {
		q := &r.Questions[i]
		visit(q, "", &q.Total)
		for by := range q.Breakdown {
			for j := range q.Breakdown[by] {
				visit(q, by, &q.Breakdown[by][j])
			}
		}
	}
}

func close12(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(1, math.Abs(b)) }

// An outsider who has only what is published computes every share, interval and score of it.
func TestResults_OutsiderGetsTheSame(t *testing.T) {
	t.Parallel()
	const n = 1200
	w := newWorld(t, func(r *surveys.Round) {
		r.Programme.Weighting = surveys.Weighting{Method: surveys.PostStratify,
			By: []surveys.Dimension{surveys.ByRegion, surveys.ByGender}}
		r.Drawn = drawnOf(n, func(n int) int { return 1 + n%5 })
	})
	w.answer(t, w.round, 0, n, nil)
	r := w.results(t, "")
	if r.Respondents != n || r.Dispositions.Complete != n || r.Weighting.Deff == nil || r.Weighting.Problem != "" ||
		len(r.Questions) != 23 {
		t.Fatalf("%d respondents, dispositions %+v, weighting %+v, %d questions", r.Respondents, r.Dispositions, r.Weighting,
			len(r.Questions))
	}
	published := 0
	eachCell(r, func(q *surveys.QuestionResult, by surveys.Dimension, c *surveys.Cell) {
		if c.Suppressed {
			if c.N != 0 || c.Asked != 0 || c.Options != nil || c.Mean != nil {
				t.Errorf("%s by %s %s tells something", q.Code, by, c.Key)
			}
			return
		}
		published++
		if c.N < surveys.MinCell || c.Asked != c.N+c.DontKnow+c.Skipped {
			t.Errorf("%s by %s %s: asked %d, n %d, don't know %d, skipped %d", q.Code, by, c.Key, c.Asked, c.N, c.DontKnow, c.Skipped)
		}
		for name, s := range shares(c) {
			low, high := stats.Wilson(float64(s.Count)/float64(s.N), float64(s.N), 1.959963984540054)
			if s.N != c.N || !close12(*s.Share, float64(s.Count)/float64(c.N)) || !close12(s.Interval.Low, low) ||
				!close12(s.Interval.High, high) {
				t.Errorf("%s by %s %s, %s: %+v", q.Code, by, c.Key, name, s)
			}
			low, high = stats.Wilson(s.Weighted.Estimate, s.Weighted.NEff, 1.959963984540054)
			if i := s.Weighted.Interval; !close12(i.Low, low) || !close12(i.High, high) || s.Weighted.Deff < 1 ||
				s.Weighted.NEff > float64(c.N) {
				t.Errorf("%s by %s %s, %s weighted: %+v", q.Code, by, c.Key, name, s.Weighted)
			}
		}
		checkScores(t, q, c)
	})
	if published < 500 {
		t.Errorf("only %d cells are published", published)
	}
}

// checkScores computes scores from the published counts of options.
func checkScores(t *testing.T, q *surveys.QuestionResult, c *surveys.Cell) {
	t.Helper()
	var counts []int64
	var sum int64
	for i := range c.Options {
		counts = append(counts, c.Options[i].Count)
		sum += c.Options[i].Count
	}
	switch q.Type {
	case form.Choices, form.Number, form.Date, form.Words:
	default:
		if sum != c.N {
			t.Errorf("%s %s: options come to %d of %d", q.Code, c.Key, sum, c.N)
		}
	}
	same := func(what string, e *surveys.Estimate, want stats.Estimate) {
		if e == nil || e.SE == nil || !close12(e.Value, want.Value) || !close12(*e.SE, want.SE) {
			t.Errorf("%s %s: %s is %+v, want %+v", q.Code, c.Key, what, e, want)
		}
	}
	switch q.Type {
	case form.Rating, form.Matrix:
		levels := stats.Counts(counts)
		same("mean", c.Mean, stats.MeanOf(levels))
		if !close12(c.Mean100.Value, stats.Mean100(levels)) || !close12(c.Net.Value, stats.Net(levels)) ||
			!close12(*c.Top2.Share, stats.Top2(levels)) {
			t.Errorf("%s %s: %v %v %v", q.Code, c.Key, c.Mean100.Value, c.Net.Value, *c.Top2.Share)
		}
	case form.NPS:
		same("nps", c.NPS, stats.NPSOf([11]int64(counts)))
	case form.Effort:
		if easy, n := stats.Effort([7]int64(counts), q.Code == "difficult"); c.Effort.Count != easy || c.Effort.N != n {
			t.Errorf("%s %s: effort %+v, want %d of %d", q.Code, c.Key, c.Effort, easy, n)
		}
	case form.Ranking:
		if got := c.Ranks; got["fair"] != 1 || got["fast"] != 2 || got["friendly"] != 3 {
			t.Errorf("%s %s: ranks %v", q.Code, c.Key, got)
		}
	}
}

// What is counted is what was answered.
func TestResults_CountsAnswers(t *testing.T) {
	t.Parallel()
	const n = 400
	w := newWorld(t, nil)
	w.answer(t, w.round, 0, n, nil)
	want := map[string]int64{}
	var minutes float64
	for i := range n {
		s, a := respondent(i)
		minutes += a["minutes"].(float64)
		if a["overall"].(float64) >= 4 {
			want["top2"]++
			want["top2 "+s.Gender]++
		}
		want["gender "+s.Gender]++
		for _, x := range a["used"].([]any) {
			want["used "+x.(string)]++
		}
		if a["staff"] == any(form.DontKnow) {
			want["unknown"]++
		}
		if a["solved"] == false {
			want["unsolved"]++
		}
		if a["words"] == nil {
			want["silent"]++
		}
	}
	got := map[string]int64{}
	for _, q := range w.results(t, "").Questions {
		switch q.Code {
		case "overall":
			got["top2"] = q.Total.Top2.Count
			for _, c := range q.Breakdown[surveys.ByGender] {
				got["top2 "+c.Key], got["gender "+c.Key] = c.Top2.Count, c.N
			}
		case "used":
			got["used app"], got["used visit"] = q.Total.Options[0].Count, q.Total.Options[2].Count
		case "staff":
			got["unknown"] = q.Total.DontKnow
		case "why_not":
			got["unsolved"] = q.Total.Asked
		case "words":
			got["silent"] = q.Total.Skipped
		case "minutes":
			if !close12(q.Total.Mean.Value, minutes/n) || q.Total.Min == nil || *q.Total.Max >= 240 ||
				q.Breakdown[surveys.ByGender][0].Min != nil {
				t.Errorf("minutes: %+v", q.Total)
			}
		case "visited":
			if q.Total.Earliest != "2026-10-10" || q.Total.Latest != "2026-10-29" || q.Breakdown[surveys.ByGender][0].Latest != "" {
				t.Errorf("visited: %+v", q.Total)
			}
		case "hall":
			if q.Row == "signs" != (q.Total.Suppressed) {
				t.Errorf("a row that nobody answered: %s %+v", q.Row, q.Total)
			}
		}
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %d, want %d", k, got[k], v)
		}
	}
}

// Groups come to the total wherever none of them is hidden.
func TestResults_GroupsComeToTheTotal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answer(t, w.round, 0, 900, nil)
	whole := 0
	r := w.results(t, "")
	for i := range r.Questions {
		q := &r.Questions[i]
		for by, cells := range q.Breakdown {
			var n, asked, first, hidden int64
			for j := range cells {
				c := &cells[j]
				if c.Suppressed {
					hidden++
					continue
				}
				n, asked = n+c.N, asked+c.Asked
				if len(c.Options) > 0 {
					first += c.Options[0].Count
				}
			}
			switch {
			case hidden == 1, hidden > 1 && q.Total.N-n < surveys.MinCell:
				t.Errorf("%s by %s: %d hidden cells of %d respondents", q.Code, by, hidden, q.Total.N-n)
			case hidden == 0:
				whole++
				if n != q.Total.N || asked != q.Total.Asked || len(q.Total.Options) > 0 && first != q.Total.Options[0].Count {
					t.Errorf("%s by %s: %d of %d", q.Code, by, n, q.Total.N)
				}
			}
		}
	}
	if whole < 50 {
		t.Errorf("only %d breakdowns are whole", whole)
	}
}

func shortQuestionnaire() *form.Questionnaire {
	q := &form.Questionnaire{Code: "short", Version: 1, Title: inThree("Short")}
	for _, x := range []form.Question{{Code: "overall", Type: form.Rating, DontKnow: true}, {Code: "recommend", Type: form.NPS},
		{Code: "solved", Type: form.YesNo}, {Code: "words", Type: form.Words}} {
		x.Label = inThree(x.Code)
		q.Questions = append(q.Questions, x)
	}
	return q
}

// few leaves of what respondents are only gender and centre, of which one is small.
func few(n int, r *surveys.Response) {
	r.Snapshot = surveys.Snapshot{Centre: []string{"riyadh", "riyadh", "jeddah", "abha"}[min(3, n%20/5)], Gender: r.Snapshot.Gender,
		First: true}
	if r.Snapshot.Centre == "abha" && n%4 != 0 {
		r.Snapshot.Centre = "riyadh"
	}
}

func TestResults_Golden(t *testing.T) {
	t.Parallel()
	q := shortQuestionnaire()
	q.Questions = []form.Question{q.Questions[0], q.Questions[2]}
	w := newWorldOf(t, q, func(r *surveys.Round) {
		r.State, r.Published = surveys.RoundPublished, answerTime
		r.Programme.Weighting = surveys.Weighting{Method: surveys.Rake, By: []surveys.Dimension{surveys.ByCentre, surveys.ByGender}}
		r.Drawn = surveys.Drawn{Population: 1000, Eligible: 900, Sampled: 300, Excluded: map[string]int{"quarantine": 100},
			Strata: []surveys.DrawnStratum{{Population: 1000, Eligible: 900, Sampled: 300}},
			Margins: map[surveys.Dimension]map[string]int{surveys.ByCentre: {"riyadh": 600, "jeddah": 300, "abha": 100},
				surveys.ByGender: {"male": 550, "female": 250, "": 200}}}
	})
	w.answer(t, w.round, 0, 120, func(n int, r *surveys.Response) {
		few(n, r)
		r.Complete = n%30 > 0
	})
	got, err := json.MarshalIndent(w.results(t, ""), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/results.golden.json"
	if *updateResults {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("differs from %s: %s", golden, got)
	}
}

// A partial response counts in the questions that it answers, and in no other.
func TestResults_Partial(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, shortQuestionnaire(), nil)
	w.answer(t, w.round, 0, 40, func(n int, r *surveys.Response) {
		r.Complete = n >= 15
		r.Answers = form.Answers{"overall": 5.0, "recommend": 9.0, "solved": true}
		if !r.Complete {
			r.Answers = form.Answers{"overall": 4.0}
		}
	})
	r := w.results(t, "")
	if r.Dispositions.Partial != 15 || r.Respondents != 40 || !slices.Contains(r.Methods.Notes, surveys.NotePartial) {
		t.Errorf("%+v of %d, %v", r.Dispositions, r.Respondents, r.Methods.Notes)
	}
	for i, want := range []struct{ asked, n, skipped int64 }{{40, 40, 0}, {25, 25, 0}, {25, 25, 0}} {
		if c := r.Questions[i].Total; c.Asked != want.asked || c.N != want.n || c.Skipped != want.skipped {
			t.Errorf("%s: %+v", r.Questions[i].Code, c)
		}
	}
}

func TestResults_Dispositions(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, shortQuestionnaire(), func(r *surveys.Round) { r.State = surveys.RoundPublished })
	var all []surveys.Invitation
	for state, n := range map[surveys.InvitationState]int{surveys.InvitationComplete: 4, surveys.InvitationPartial: 2,
		surveys.InvitationRefused:   1,
		surveys.InvitationUnreached: 1, surveys.InvitationDropped: 1, surveys.InvitationLapsed: 1, surveys.InvitationInvited: 1} {
		for range n {
			id := event.Derive("invitation", string(rune('a'+len(all))))
			all = append(all, surveys.Invitation{ID: id, Programme: w.round.Programme.Code, Round: w.round.ID, Citizen: id, State: state})
		}
	}
	if _, err := w.Store.AddInvitations(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	r := w.results(t, "")
	if want := (surveys.Dispositions{Complete: 4, Partial: 2, Refused: 1, NonContact: 1, Other: 1, Unknown: 1,
		Open: 1}); r.Dispositions != want {
		t.Errorf("%+v", r.Dispositions)
	}
	for name, c := range map[string][2]float64{"RR1": {*r.Rates.RR1, 4.0 / 11}, "RR2": {*r.Rates.RR2, 6.0 / 11},
		"e":   {r.Rates.E, 8.0 / 9},
		"RR3": {*r.Rates.RR3, 4 / (9 + 16.0/9)}, "RR5": {*r.Rates.RR5, 4.0 / 9}} {
		if !close12(c[0], c[1]) {
			t.Errorf("%s is %v, want %v", name, c[0], c[1])
		}
	}
	if empty := newWorldOf(t, shortQuestionnaire(), nil).results(t, "").Rates; empty.RR1 != nil || empty.RR5 != nil {
		t.Errorf("rates of nobody: %+v", empty)
	}
}

func TestResults_Scope(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, shortQuestionnaire(), func(r *surveys.Round) { r.Programme.Frame.Centres = []string{"riyadh", "jeddah"} })
	all := w.addRound(t, "0190a000-0000-7000-8000-000000000002", nil)
	as := func(role actor.Role, centres ...string) actor.Actor {
		return actor.Actor{Kind: actor.Staff, Role: role, Centres: centres, Departments: []string{actor.All}}
	}
	for _, c := range []struct {
		a     actor.Actor
		round string
		want  fault.Code
	}{
		{as(actor.Manager, "riyadh", "jeddah", "abha"), w.round.ID, ""},
		{as(actor.Manager, "riyadh"), w.round.ID, fault.NotFound},
		{as(actor.Manager, "riyadh", "jeddah"), all.ID, fault.NotFound},
		{as(actor.Manager, actor.All), all.ID, ""},
		{as(actor.Manager), all.ID, fault.NotFound},
		{as(actor.Admin), all.ID, ""},
		{as(actor.Supervisor, actor.All), all.ID, fault.Forbidden},
		{as(actor.Clerk, actor.All), all.ID, fault.Forbidden},
		{actor.Actor{Kind: actor.Citizen}, all.ID, fault.Forbidden},
		{as(actor.Admin), "0190a000-0000-7000-8000-000000000009", fault.NotFound},
	} {
		if _, err := w.Results(t.Context(), c.a, c.round, ""); fault.CodeOf(err) != c.want {
			t.Errorf("%s of %v: %v, want %q", c.a.Role, c.a.Centres, err, c.want)
		}
	}
}

func TestResults_NoWeights(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		margins map[string]int
		want    string
	}{
		"nobody answered":  {map[string]int{"male": 10, "female": 10, "": 10, "other": 5}, surveys.ProblemEmpty},
		"nobody there":     {map[string]int{"male": 10, "female": 10}, surveys.ProblemForeign},
		"everything there": {map[string]int{"male": 10, "female": 10, "": 10}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, shortQuestionnaire(), func(r *surveys.Round) {
				r.Programme.Weighting = surveys.Weighting{Method: surveys.Rake, By: []surveys.Dimension{surveys.ByGender}}
				r.Drawn.Margins = map[surveys.Dimension]map[string]int{surveys.ByGender: c.margins}
			})
			w.answer(t, w.round, 0, 100, nil)
			r := w.results(t, "")
			failed := slices.Contains(r.Methods.Notes, surveys.NoteNoWeights)
			if r.Weighting.Problem != c.want || failed != (c.want != "") || (r.Questions[0].Total.Top2.Weighted == nil) != failed {
				t.Errorf("%+v, %v, %+v", r.Weighting, r.Methods.Notes, r.Questions[0].Total.Top2)
			}
		})
	}
}
