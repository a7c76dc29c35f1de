package xlsform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/surveys/form"
)

func reception(t testing.TB) *form.Questionnaire {
	t.Helper()
	b, err := os.ReadFile("../form/testdata/reception.json")
	if err != nil {
		t.Fatal(err)
	}
	var q form.Questionnaire
	if err := json.Unmarshal(b, &q); err != nil {
		t.Fatal(err)
	}
	return &q
}

func exported(t testing.TB, q *form.Questionnaire) []byte {
	t.Helper()
	b, err := Export(q)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func asJSON(t testing.TB, q *form.Questionnaire) string {
	t.Helper()
	b, err := json.MarshalIndent(q, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// comesBack exports a questionnaire and imports it again.
func comesBack(t testing.TB, q *form.Questionnaire) {
	t.Helper()
	got, err := Import(bytes.NewReader(exported(t, q)))
	if err != nil {
		t.Fatalf("%v\n%s", err, asJSON(t, q))
	}
	if !got.Same(q) || got.Version != q.Version {
		a, b := asJSON(t, got), asJSON(t, q)
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("got  …%.200s\nwant …%.200s", a[max(i-100, 0):], b[max(i-100, 0):])
			}
		}
		t.Fatalf("one is longer: %d, %d", len(a), len(b))
	}
}

func TestExport_reception(t *testing.T) {
	t.Parallel()
	comesBack(t, reception(t))
}

// TestExport_random: what is exported is imported as the same, whatever it is.
func TestExport_random(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		q := random(rand.New(rand.NewPCG(seed, 7)))
		if err := q.Check(); err != nil {
			t.Fatalf("seed %d: the questionnaire is wrong: %v", seed, err)
		}
		comesBack(t, q)
	}
}

var snippets = []string{"=1+1", "+966", "-", "@SUM(A1)", "\n", "نعم", "ہاں", "_x0041_", "x0042_", "_x005F_", "_xzzzz_",
	"<b>&amp;", "'", "\"", "${x}", " ", "1", "\u200f", "😀", "a,b", "7"}

func randomText(r *rand.Rand) form.Text {
	t := form.Text{}
	for _, l := range form.Languages {
		var b strings.Builder
		for range r.IntN(4) {
			b.WriteString(snippets[r.IntN(len(snippets))])
		}
		t[l] = b.String()
		if strings.TrimSpace(t[l]) == "" {
			t[l] = "="
		}
	}
	return t
}

func randomOptions(r *rand.Rand, least int) []form.Option {
	all := []form.Option{}
	for i := range least + r.IntN(4) {
		all = append(all, form.Option{Code: fmt.Sprintf("%s%d", []string{"o_", "", "yes"}[r.IntN(3)], i), Label: randomText(r)})
	}
	return all
}

// codes are some that a workbook could take for its own.
var codes = []string{"yes_no", "levels", "not", "and", "or", "date", "selected", "intro", "end"}

func random(r *rand.Rand) *form.Questionnaire {
	q := &form.Questionnaire{Code: "q" + fmt.Sprint(r.IntN(9)), Version: 1 + r.IntN(9), Title: randomText(r)}
	if r.IntN(2) == 0 {
		q.Intro = randomText(r)
	}
	if r.IntN(2) == 0 {
		q.Thanks = randomText(r)
	}
	for i := range 1 + r.IntN(12) {
		x := form.Question{Code: fmt.Sprintf("q%d", i), Type: form.Types[r.IntN(len(form.Types))], Label: randomText(r),
			Required: r.IntN(2) == 0,
			DontKnow: r.IntN(3) == 0}
		if i < len(codes) && r.IntN(3) == 0 {
			x.Code = codes[i]
		}
		if r.IntN(3) == 0 {
			x.Hint = randomText(r)
		}
		shape(r, &x)
		if i > 0 && r.IntN(2) == 0 {
			c := randomCondition(r, q, form.MaxDepth-r.IntN(form.MaxDepth))
			x.ShowIf = &c
		}
		q.Questions = append(q.Questions, x)
	}
	return q
}

// shape gives a question what its type needs.
func shape(r *rand.Rand, x *form.Question) {
	low, high, levels := x.Type.Levels()
	if levels && r.IntN(2) == 0 {
		for l := low; l <= high; l++ {
			if high > 5 && r.IntN(2) == 0 {
				continue
			}
			o := form.Option{Code: fmt.Sprint(l), Label: randomText(r)}
			if r.IntN(4) == 0 {
				o.Label = form.Text{"ar": o.Code, "en": o.Code, "ur": o.Code}
			}
			x.Options = append(x.Options, o)
		}
	}
	switch x.Type {
	case form.Choice, form.Choices:
		x.Options = randomOptions(r, 1)
		if r.IntN(4) == 0 {
			x.Options = []form.Option{{Code: "yes", Label: form.Text{"ar": "نعم", "en": "Yes", "ur": "ہاں"}},
				{Code: "no", Label: randomText(r)}}
		}
	case form.Ranking:
		x.Options = randomOptions(r, 2)
	case form.Matrix:
		x.Rows = randomOptions(r, 1)
	case form.Effort:
		x.Hard = r.IntN(2) == 0
	case form.Words:
		x.MaxLength = r.IntN(3) * 400
	case form.Number:
		if r.IntN(2) == 0 {
			x.Min = new(math.Floor(r.NormFloat64()*1e6) / 1e3)
		}
		if r.IntN(2) == 0 {
			x.Max = new(1e9 + r.Float64())
		}
	}
}

func randomCondition(r *rand.Rand, q *form.Questionnaire, depth int) form.Condition {
	if depth > 1 && r.IntN(3) > 0 {
		if r.IntN(3) == 0 {
			c := randomCondition(r, q, depth-1)
			return form.Condition{Not: &c}
		}
		var all []form.Condition
		for range 1 + r.IntN(3) {
			all = append(all, randomCondition(r, q, min(depth-1, 3)))
		}
		if r.IntN(2) == 0 {
			return form.Condition{All: all}
		}
		return form.Condition{Any: all}
	}
	x := q.Questions[r.IntN(len(q.Questions))]
	c := form.Condition{Question: x.Code, Op: form.Answered}
	if x.Type == form.Matrix {
		c.Row = x.Rows[r.IntN(len(x.Rows))].Code
	}
	if r.IntN(4) == 0 {
		return c
	}
	ops := []form.Op{form.Equal, form.NotEqual, form.Less, form.AtMost, form.More, form.AtLeast}
	low, high, levels := x.Type.Levels()
	switch {
	case levels:
		c.Op, c.Value = ops[r.IntN(6)], float64(low+r.IntN(high-low+1))
	case x.Type == form.Number:
		c.Op, c.Value = ops[r.IntN(6)], math.Round(r.NormFloat64()*1e6)/64
	case x.Type == form.Date:
		c.Op, c.Value = ops[r.IntN(6)], fmt.Sprintf("20%02d-11-%02d", r.IntN(100), 1+r.IntN(30))
	case x.Type == form.YesNo:
		c.Op, c.Value = ops[r.IntN(2)], r.IntN(2) == 0
	case x.Type == form.Choice:
		c.Op, c.Value = ops[r.IntN(2)], x.Options[r.IntN(len(x.Options))].Code
	case x.Type == form.Choices:
		c.Op, c.Value = form.Contains, x.Options[r.IntN(len(x.Options))].Code
	}
	return c
}

// TestExport_neverFormulas: a cell that begins like a formula is a string in the file itself.
func TestExport_neverFormulas(t *testing.T) {
	t.Parallel()
	q := reception(t)
	hostile := []string{"=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)"}
	for i, s := range hostile {
		q.Questions[i].Label = form.Text{"ar": s, "en": s, "ur": s}
	}
	b := exported(t, q)
	all, err := unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	sheets, err := all.sheets()
	if err != nil || len(sheets) != 3 {
		t.Fatalf("%v, %v", sheets, err)
	}
	for name, part := range sheets {
		if wrong, err := all.scan(name, part); len(wrong) > 0 || err != nil {
			t.Errorf("%s: %v, %v", name, wrong, err)
		}
		xml, err := all.read(part)
		if err != nil || bytes.Contains(xml, []byte("<f")) || !bytes.Contains(xml, []byte(`t="s"`)) {
			t.Errorf("%s holds a formula, or no strings: %v", name, err)
		}
	}
	comesBack(t, q)
}

func TestExport_columns(t *testing.T) {
	t.Parallel()
	tables, err := open(exported(t, reception(t)))
	if err != nil {
		t.Fatal(err)
	}
	survey := tables[surveySheet]
	find := func(name string) row {
		i := slices.IndexFunc(survey.rows, func(r row) bool { return survey.cell(r, "name") == name })
		if i < 0 {
			t.Fatalf("no row %s", name)
		}
		return survey.rows[i]
	}
	for _, c := range []struct{ name, column, want string }{
		{"_intro", "type", "note"},
		{"channel", "type", "select_one channel"},
		{"channel", "required", "yes"},
		{"visited_on", "type", "date"},
		{"visited_on", "relevant", "${channel} = 'visit'"},
		{"waited", "constraint", ". >= 0 and . <= 600"},
		{"no_difficulty", "type", "select_one yes_no"},
		{"asked_minister_before", "type", "select_one yes_no.dont_know"},
		{"difficulties", "relevant", "${no_difficulty} = 'no'"},
		{"difficulties", "type", "select_multiple difficulties"},
		{"overall", "appearance", "likert"},
		{"overall", typeColumn, "rating labels=1,2,3,4,5"},
		{"aspects", "type", "begin_group"},
		{"aspects", "appearance", "table-list"},
		{"aspects.speed", "type", "select_one aspects"},
		{"easy", typeColumn, "effort labels=1,7"},
		{"priorities", "type", "rank priorities"},
		{"why", "constraint", "string-length(.) <= 500"},
		{"why", "relevant", "${overall} <= 2 or (${no_difficulty} = 'no' and not(${overall} = 5)) or ${aspects.courtesy} <= 2"},
	} {
		if got := survey.cell(find(c.name), c.column); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.column, c.name, got, c.want)
		}
	}
	settings := tables[settingsSheet]
	if got := settings.text(settings.rows[0], "form_title", "ar"); len(got) != 1 || got["ar"] != reception(t).Title["ar"] {
		t.Errorf("form_title %v: other tools know one title", got)
	}
	if got := settings.cell(settings.rows[0], "default_language"); got != "Arabic (ar)" {
		t.Errorf("default_language %q", got)
	}
}
