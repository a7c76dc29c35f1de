package form

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func text(s string) Text { return Text{"ar": s, "en": s, "ur": s} }

func options(codes ...string) []Option {
	all := make([]Option, len(codes))
	for i, c := range codes {
		all[i] = Option{Code: c, Label: text("label of " + c)}
	}
	return all
}

func TestPack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		q      Question
		hidden bool
		answer any
		want   string
	}{
		{"hidden", Question{Type: Rating}, true, nil, "-"},
		{"hidden with an answer", Question{Type: Rating}, true, 4.0, "-"},
		{"skipped", Question{Type: Rating}, false, nil, ""},
		{"level", Question{Type: Rating}, false, 4.0, "4"},
		{"NPS zero", Question{Type: NPS}, false, 0.0, "0"},
		{"number", Question{Type: Number}, false, -1234567.25, "-1234567.25"},
		{"large number", Question{Type: Number}, false, 1e15, "1000000000000000"},
		{"no number", Question{Type: Number}, false, math.Inf(1), ""},
		{"yes", Question{Type: YesNo}, false, true, "y"},
		{"no", Question{Type: YesNo}, false, false, "n"},
		{"option", Question{Type: Choice, Options: options("a", "b")}, false, "b", "b"},
		{"unknown option", Question{Type: Choice, Options: options("a", "b")}, false, "a\x1fb", ""},
		{"options", Question{Type: Choices, Options: options("a", "b", "c")}, false, []any{"a", "c"}, "a,c"},
		{"options as strings", Question{Type: Choices, Options: options("a", "b", "c")}, false, []string{"a", "c"}, "a,c"},
		{"ranking", Question{Type: Ranking, Options: options("a", "b", "c")}, false, []any{"c", "a", "b"}, "c,a,b"},
		{"date", Question{Type: Date}, false, "2026-11-22", "2026-11-22"},
		{"words", Question{Type: Words}, false, "شكرا\x1f", "t"},
		{"matrix", Question{Type: Matrix, Rows: options("a", "b", "c")}, false, map[string]any{"c": 5.0, "a": 3.0}, "3,,5"},
		{"matrix of floats", Question{Type: Matrix, Rows: options("a", "b")}, false, map[string]float64{"b": 1}, ",1"},
		{"empty matrix", Question{Type: Matrix, Rows: options("a", "b")}, false, map[string]any{}, ""},
		{"don't know", Question{Type: Rating, DontKnow: true}, false, DontKnow, "?"},
		{"don't know, not offered", Question{Type: Rating}, false, DontKnow, ""},
		{"don't know in words", Question{Type: Words}, false, DontKnow, "t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := Pack(&c.q, !c.hidden, c.answer)
			if got != c.want || strings.ContainsRune(got, 0x1f) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestQuestion_Codes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		q    Question
		want string
	}{
		{Question{Type: Rating}, "1 2 3 4 5"},
		{Question{Type: NPS}, "0 1 2 3 4 5 6 7 8 9 10"},
		{Question{Type: Effort}, "1 2 3 4 5 6 7"},
		{Question{Type: YesNo}, "y n"},
		{Question{Type: Choice, Options: options("b", "a")}, "b a"},
		{Question{Type: Ranking, Options: options("b", "a")}, "b a"},
		{Question{Type: Matrix, Rows: options("x")}, "1 2 3 4 5"},
		{Question{Type: Words}, ""},
		{Question{Type: Number}, ""},
	} {
		if got := c.q.Codes(); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %v, want %s", c.q.Type, got, c.want)
		}
	}
}

func TestQuestionnaire_Visible(t *testing.T) {
	t.Parallel()
	q := Questionnaire{Questions: []Question{
		{Code: "solved", Type: YesNo, DontKnow: true},
		{Code: "why", Type: Choices, Options: options("slow", "rude"), ShowIf: &Condition{Question: "solved", Op: Equal, Value: false}},
		{Code: "how_slow", Type: Number, ShowIf: &Condition{Question: "why", Op: Contains, Value: "slow"}},
		{Code: "long", Type: Words, ShowIf: &Condition{All: []Condition{{Question: "how_slow", Op: AtLeast, Value: 10.0},
			{Not: &Condition{Question: "how_slow", Op: More, Value: 99}}}}},
		{Code: "any", Type: Matrix, Rows: options("a", "b"), ShowIf: &Condition{Any: []Condition{{Question: "solved", Op: Answered},
			{Question: "why", Op: Answered}}}},
		{Code: "bad", Type: Words, ShowIf: &Condition{Question: "any", Row: "b", Op: Less, Value: 3.0}},
		{Code: "other", Type: Words, ShowIf: &Condition{Question: "solved", Op: NotEqual, Value: true}},
	}}
	for _, c := range []struct {
		name    string
		answers Answers
		want    string
	}{
		{"nothing", nil, "solved"},
		{"no", Answers{"solved": false}, "solved why any other"},
		{"yes", Answers{"solved": true}, "solved any"},
		{"don't know is an answer, but compares to nothing", Answers{"solved": DontKnow}, "solved any"},
		{"slow", Answers{"solved": false, "why": []any{"rude", "slow"}}, "solved why how_slow any other"},
		{"what is hidden counts as no answer", Answers{"solved": true, "why": []any{"slow"}, "how_slow": 50.0}, "solved any"},
		{"long", Answers{"solved": false, "why": []any{"slow"}, "how_slow": 10.0}, "solved why how_slow long any other"},
		{"too long", Answers{"solved": false, "why": []any{"slow"}, "how_slow": 100.0}, "solved why how_slow any other"},
		{"row", Answers{"solved": true, "any": map[string]any{"b": 2.0}}, "solved any bad"},
		{"other row", Answers{"solved": true, "any": map[string]any{"a": 2.0}}, "solved any"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			visible := q.Visible(c.answers)
			var got []string
			for i := range q.Questions {
				if visible[q.Questions[i].Code] {
					got = append(got, q.Questions[i].Code)
				}
			}
			if !slices.Equal(got, strings.Fields(c.want)) {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
}

func TestBreak(t *testing.T) {
	t.Parallel()
	one, two := 1.0, 2.0
	base := Question{Code: "q", Type: Rating, Label: text("How was it?"), Options: options("1", "2")}
	for _, c := range []struct {
		name   string
		change func(*Question)
		want   string
	}{
		{"nothing", func(*Question) {}, ""},
		{"space around", func(q *Question) { q.Label = text(" How was it?\n") }, ""},
		{"hint", func(q *Question) { q.Hint = text("hint") }, ""},
		{"type before wording", func(q *Question) { q.Type, q.Label = Effort, text("x") }, BreakType},
		{"one language", func(q *Question) { q.Label = Text{"ar": "How was it?", "en": "How was it?", "ur": "x"} }, BreakWording},
		{"direction", func(q *Question) { q.Hard = true }, BreakWording},
		{"label of a level", func(q *Question) { q.Options = []Option{base.Options[0], {Code: "2", Label: text("x")}} }, BreakOptions},
		{"order", func(q *Question) { q.Options = options("2", "1") }, BreakOptions},
		{"rows", func(q *Question) { q.Rows = options("a") }, BreakOptions},
		{"bounds", func(q *Question) { q.Max = &two }, BreakOptions},
		{"don't know", func(q *Question) { q.DontKnow = true }, BreakOptions},
	} {
		b := base
		c.change(&b)
		if got := Break(&base, &b); got != c.want || Break(&b, &base) != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	alike := one
	a, b := Question{Min: &one}, Question{Min: &alike}
	if Break(&a, &b) != "" {
		t.Error("bounds are compared by value")
	}
}

func TestQuestionnaire_Same(t *testing.T) {
	t.Parallel()
	a := Questionnaire{Code: "q", Version: 1, By: "a", Title: text("t"), Questions: []Question{{Code: "n", Type: Number,
		ShowIf: &Condition{Question: "m", Op: More, Value: 3.0}}}}
	b := a
	b.Version, b.By = 2, "b"
	b.Questions = []Question{{Code: "n", Type: Number, ShowIf: &Condition{Question: "m", Op: More, Value: 3}}}
	if !a.Same(&b) || !b.Same(&a) {
		t.Error("version and author are no content")
	}
	b.Title = Text{"ar": "t", "en": "t", "ur": "x"}
	if a.Same(&b) {
		t.Error("a text is content")
	}
}
