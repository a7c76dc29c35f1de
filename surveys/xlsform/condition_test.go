package xlsform

import (
	"testing"

	"github.com/balagh/balagh/surveys/form"
)

// TestReader_condition: "!=" of XPath is true without an answer, NotEqual is not.
func TestReader_condition(t *testing.T) {
	t.Parallel()
	q := &form.Questionnaire{Questions: []form.Question{
		{Code: "a", Type: form.Choice, Options: []form.Option{{Code: "x"}, {Code: "1"}}},
		{Code: "k", Type: form.Choice, DontKnow: true, Options: []form.Option{{Code: "x"}}},
		{Code: "n", Type: form.Number, DontKnow: true},
	}}
	r := reader{later: func(string) bool { return false }, look: func(name string) (named, bool) {
		x, ok := q.Question(name)
		return named{question: x}, ok
	}}
	for _, c := range []struct {
		in      string
		answers form.Answers
		want    bool
	}{
		{"${a} != 'x'", nil, true},
		{"${a} != 'x'", form.Answers{"a": "1"}, true},
		{"${a} != 'x'", form.Answers{"a": "x"}, false},
		{"${a} = 1", form.Answers{"a": "1"}, true},
		{"selected(${a}, '1')", form.Answers{"a": "1"}, true},
		{"${a} != '' and ${a} != 'x'", nil, false},
		{"${a} != '' and ${a} != 'x'", form.Answers{"a": "1"}, true},
		{"${a} = ''", nil, true},
		{"${k} != '' and ${k} != 'x'", form.Answers{"k": form.DontKnow}, true},
		{"${k} != '' and ${k} != 'dont_know' and ${k} != 'x'", form.Answers{"k": form.DontKnow}, false},
		{"(${k} != '' and ${k} != 'dont_know' and ${k} != 'x') or 3 >= ${n}", form.Answers{"k": form.DontKnow, "n": 3.0}, true},
		{"${n} > 3 or ${n} < 3", nil, false},
		{"${n} != '' and ${n} != 3", form.Answers{"n": form.DontKnow}, false},
		{"not(${n} > 3) and true()", nil, true},
		{"${n} > -1 and ${n} < 0.5", form.Answers{"n": 0.0}, true},
	} {
		n, err := parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		x, err := r.condition(n)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		all := &form.Questionnaire{Questions: append(q.Questions[:3:3], form.Question{Code: "last", ShowIf: x})}
		if got := all.Visible(c.answers)["last"]; got != c.want {
			t.Errorf("%s with %v: %v", c.in, c.answers, got)
		}
	}
}
