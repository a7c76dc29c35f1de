package form

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestQuestionnaire_Clean_values(t *testing.T) {
	t.Parallel()
	low, high := 1.0, 9.0
	q := small()
	q.Questions[6].Min, q.Questions[6].Max = &low, &high
	q.Questions[8].MaxLength = 5
	q.Questions[1].DontKnow = true
	q.Questions[10].DontKnow = true
	for _, c := range []struct {
		name, code string
		in         any
		want       any // nil with faults: none
		faults     string
	}{
		{"level", "rating", 4, 4.0, ""},
		{"level of Arabic digits", "rating", "٤", 4.0, ""},
		{"level of Urdu digits", "nps", " ۱۰ ", 10.0, ""},
		{"level from JSON", "effort", json.Number("7"), 7.0, ""},
		{"zero", "nps", math.Copysign(0, -1), 0.0, ""},
		{"half", "rating", 3.5, nil, "answers/rating wrong_format"},
		{"below", "rating", 0.0, nil, "answers/rating out_of_range"},
		{"above", "effort", 8.0, nil, "answers/effort out_of_range"},
		{"NaN", "rating", math.NaN(), nil, "answers/rating out_of_range"},
		{"infinity", "number", math.Inf(-1), nil, "answers/number out_of_range"},
		{"NaN as text", "number", "NaN", nil, "answers/number wrong_format"},
		{"bool for a level", "rating", true, nil, "answers/rating wrong_type"},
		{"list for a level", "rating", []any{1.0}, nil, "answers/rating wrong_type"},
		{"word for a level", "rating", "good", nil, "answers/rating wrong_format"},
		{"blank", "rating", " \n", nil, ""},
		{"nil", "rating", nil, nil, ""},
		{"don't know", "nps", DontKnow, DontKnow, ""},
		{"don't know, not offered", "rating", DontKnow, nil, "answers/rating wrong_format"},
		{"number", "number", 2.25, 2.25, ""},
		{"typed number", "number", "٢٫٢٥", 2.25, ""},
		{"number out of bounds", "number", 9.5, nil, "answers/number out_of_range"},
		{"hexadecimal", "number", "0x1p3", nil, "answers/number wrong_format"},
		{"yes", "yes_no", true, true, ""},
		{"typed yes", "yes_no", "yes", true, ""},
		{"typed false", "yes_no", "false", false, ""},
		{"maybe", "yes_no", "maybe", nil, "answers/yes_no wrong_format"},
		{"one for yes", "yes_no", 1.0, nil, "answers/yes_no wrong_type"},
		{"option", "choice", "b", "b", ""},
		{"unknown option", "choice", "z", nil, "answers/choice unknown"},
		{"options in order", "choices", []string{"c", "a"}, []any{"a", "c"}, ""},
		{"no option", "choices", []any{}, nil, ""},
		{"options twice and unknown", "choices", []any{"a", "a", "z", 1.0}, nil,
			"answers/choices/1 duplicate, answers/choices/2 unknown, answers/choices/3 wrong_type"},
		{"option without a list", "choices", "a", nil, "answers/choices wrong_type"},
		{"too many", "choices", make([]any, MaxOptions+1), nil, "answers/choices too_many"},
		{"date", "date", "2026-11-22", "2026-11-22", ""},
		{"date of Arabic digits", "date", "٢٠٢٦-١١-٢٢", "2026-11-22", ""},
		{"no such day", "date", "2026-02-29", nil, "answers/date wrong_format"},
		{"number for a date", "date", 20261122.0, nil, "answers/date wrong_type"},
		{"words", "text", " a\r\nb ", "a\nb", ""},
		{"too many words", "text", "مرحبًا", nil, "answers/text too_long"},
		{"control character", "text", "a\x00", nil, "answers/text wrong_format"},
		{"no UTF-8", "text", "\xff", nil, "answers/text wrong_format"},
		{"number for words", "text", 1.0, nil, "answers/text wrong_type"},
		{"don't know is a word elsewhere", "last", DontKnow, DontKnow, ""},
		{"ranking", "ranking", []any{"c", "a", "b"}, []any{"c", "a", "b"}, ""},
		{"incomplete ranking", "ranking", []any{"c", "a"}, nil, "answers/ranking too_short"},
		{"matrix", "matrix", map[string]any{"s": "٥", "r": ""}, map[string]any{"s": 5.0}, ""},
		{"matrix of nothing", "matrix", map[string]any{"s": nil}, nil, ""},
		{"matrix with faults", "matrix", map[string]any{"s": 6.0, "x": 1.0, "\x00": 1.0, "r": 1.0}, nil,
			"answers/matrix/? unknown, answers/matrix/s out_of_range, answers/matrix/x unknown"},
		{"matrix, don't know", "matrix", DontKnow, DontKnow, ""},
		{"level for a matrix", "matrix", 1.0, nil, "answers/matrix wrong_type"},
		{"unknown question", "other", 1.0, nil, "answers/other unknown"},
		{"no code", "a/b", 1.0, nil, "answers/? unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := Answers{}
			if c.want != nil {
				want[c.code] = c.want
			}
			got, err := q.Clean(Answers{c.code: c.in}, true)
			if faults := strings.Join(faultsOf(t, err), ", "); faults != c.faults {
				t.Fatalf("got %q, want %q", faults, c.faults)
			}
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
			if n, ok := got[c.code].(float64); ok && math.Signbit(n) {
				t.Error("a negative zero is none")
			}
		})
	}
}

func TestQuestionnaire_Clean(t *testing.T) {
	t.Parallel()
	q := reception(t)
	full := func(change Answers) Answers {
		a := Answers{"channel": "app", "no_difficulty": true, "overall": 5.0, "asked_minister_before": false}
		for code, v := range change {
			a[code] = v
		}
		return a
	}
	for _, c := range []struct {
		name    string
		in      Answers
		partial bool
		want    string
	}{
		{"complete", full(nil), false, ""},
		{"nothing yet", nil, true, ""},
		{"nothing", Answers{}, false, "answers/asked_minister_before required, answers/channel required, answers/no_difficulty required, answers/overall required"},
		{"don't know answers what is required", full(Answers{"asked_minister_before": DontKnow}), false, ""},
		{"hidden", full(Answers{"visited_on": "2026-01-01", "difficulties": []any{"other"}}), false,
			"answers/difficulties not_allowed, answers/visited_on not_allowed"},
		{"blank answer to a hidden one", full(Answers{"visited_on": ""}), false, ""},
		{"hidden while partial", Answers{"visited_on": "2026-01-01"}, true, "answers/visited_on not_allowed"},
		{"shown", full(Answers{"channel": "visit", "visited_on": "2026-01-01"}), false, ""},
		{"nothing is said of what hangs on a fault", full(Answers{"channel": "walk", "visited_on": "2026-01-01", "waited": -1}), false,
			"answers/channel unknown, answers/waited out_of_range"},
		{"row of a matrix", full(Answers{"aspects": map[string]any{"courtesy": 2}, "why": "…"}), false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := q.Clean(c.in, !c.partial)
			if got := strings.Join(faultsOf(t, err), ", "); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
	m := &Questionnaire{Questions: []Question{{Code: "m", Type: Matrix, Required: true, Rows: options("a", "b")}}}
	if _, err := m.Clean(Answers{"m": map[string]any{"a": 1.0}}, true); !slices.Equal(faultsOf(t, err),
		[]string{"answers/m/b required"}) {
		t.Errorf("a required matrix needs every row: %v", err)
	}
	if _, err := m.Clean(Answers{"m": map[string]any{"a": 1.0}}, false); err != nil {
		t.Errorf("partial answers may lack rows: %v", err)
	}
}

// FuzzQuestionnaire_Clean: what Clean gives is its own normal form, survives storage, and what is hidden shows nothing.
func FuzzQuestionnaire_Clean(f *testing.F) {
	f.Add([]byte(`{"channel":"visit","visited_on":"٢٠٢٦-١١-٢٢","waited":"۱۲٫۵","no_difficulty":"no","difficulties":["other","waiting"],
		"overall":"٢","aspects":{"courtesy":1,"speed":"٥"},"easy":7,"recommend":0,"asked_minister_before":"dont_know",
		"priorities":["faster","online","nearer","hours"],"why":" كلام\r\nآخر ","suggestion":"\t"}`), true)
	f.Add([]byte(`{"channel":"app","overall":4.5,"x":{},"aspects":"dont_know"}`), false)
	q := reception(f)
	f.Fuzz(func(t *testing.T, in []byte, complete bool) {
		var a Answers
		if json.Unmarshal(in, &a) != nil {
			return
		}
		visible := q.Visible(a)
		shown := Answers{}
		for code, v := range a {
			if visible[code] {
				shown[code] = v
			}
		}
		if !reflect.DeepEqual(visible, q.Visible(shown)) {
			t.Errorf("hidden answers show something: %v", a)
		}
		clean, err := q.Clean(a, complete)
		if faultsOf(t, err) != nil {
			return
		}
		again, err := q.Clean(clean, complete)
		if err != nil || !reflect.DeepEqual(clean, again) {
			t.Errorf("%#v, then %#v: %v", clean, again, err)
		}
		b, err := json.Marshal(clean)
		if err != nil {
			t.Fatal(err)
		}
		var stored Answers
		if err := json.Unmarshal(b, &stored); err != nil || !reflect.DeepEqual(clean, stored) {
			t.Errorf("%#v, stored %#v: %v", clean, stored, err)
		}
		visible = q.Visible(clean)
		for i := range q.Questions {
			x := &q.Questions[i]
			if strings.ContainsRune(Pack(x, visible[x.Code], clean[x.Code]), 0x1f) {
				t.Errorf("%s packs a separator", x.Code)
			}
			if _, given := clean[x.Code]; given && !visible[x.Code] {
				t.Errorf("%s is hidden and answered", x.Code)
			}
		}
	})
}

// FuzzCondition: a condition that Check lets pass can be answered by whatever stands in JSON, and is a matter of visible
// answers only.
func FuzzCondition(f *testing.F) {
	f.Add([]byte(`{"any":[{"question":"rating","op":"ge","value":4},{"not":{"question":"matrix","row":"r","op":"eq","value":1}}]}`),
		[]byte(`{"rating":"x","matrix":{"r":[]},"choices":[[],"a"]}`))
	f.Add([]byte(`{"all":[{"question":"choices","op":"contains","value":"a"},{"question":"date","op":"lt","value":"2026-01-01"}]}`),
		[]byte(`{"choices":["a"],"date":"2025-01-01"}`))
	f.Fuzz(func(t *testing.T, condition, answers []byte) {
		q, x := small(), Condition{}
		if json.Unmarshal(condition, &x) != nil {
			return
		}
		last := &q.Questions[len(q.Questions)-1]
		last.ShowIf = &x
		var a Answers
		if json.Unmarshal(answers, &a) != nil || q.Check() != nil {
			return
		}
		now := q.Visible(a)["last"]
		last.ShowIf = &Condition{Not: &x}
		if q.Visible(a)["last"] == now {
			t.Error("a condition and its opposite both hold, or neither does")
		}
		hide := &Condition{Not: &Condition{Not: &Condition{Question: "rating", Op: Answered}}}
		for i := 1; i < len(q.Questions)-1; i++ {
			q.Questions[i].ShowIf = hide
		}
		delete(a, "rating")
		last.ShowIf = &x
		if q.Visible(a)["last"] != q.Visible(nil)["last"] {
			t.Errorf("hidden answers show something: %v", a)
		}
	})
}
