package xlsform

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/balagh/balagh/surveys/form"
)

// FuzzImport: whatever a file holds, reading it ends in a questionnaire that can be asked or in errors with places.
func FuzzImport(f *testing.F) {
	f.Add(exported(f, reception(f)))
	f.Add(workbook(f, grid{"survey": "type|name\ntext|a", "choices": "list_name|name\nl|1", "settings": plainSettings}))
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, file []byte) {
		q, err := Import(bytes.NewReader(file))
		if canBeAsked(t, q, err) {
			comesBack(t, q)
		}
	})
}

// canBeAsked holds what was imported to its promise.
func canBeAsked(t *testing.T, q *form.Questionnaire, err error) bool {
	t.Helper()
	if err != nil {
		if faults(t, err) == nil {
			t.Error("an error says nothing")
		}
		return false
	}
	if err := q.Check(); err != nil {
		t.Error(err)
	}
	return true
}

// FuzzImport_cells: the same for whatever stands in the cells.
func FuzzImport_cells(f *testing.F) {
	f.Add("begin_group|a||yes||table-list\nselect_one l|b\nend_group|\ntext|c|${b} = 1||string-length(.) <= 3",
		"l|1\nl|2\nl|3\nl|4\nl|5")
	f.Add("select_one l|a|||||matrix\nrange|x|${a} = 'b'||. >= 1||start=1", "l|yes\nl|no\n|")
	f.Add("end group|\nbegin group|\nnote|n\nnote|n\ninteger|b.c|not(${a} != '')", "")
	f.Fuzz(func(t *testing.T, survey, choices string) {
		tables := map[string]*table{}
		for name, text := range map[string]string{
			surveySheet: "type|name|relevant|required|constraint|appearance|parameters|balagh::type|label::ar|label::en|label::ur\n" +
				survey,
			choicesSheet:  "list_name|name|label::ar|label::en|label::ur\n" + choices,
			settingsSheet: plainSettings,
		} {
			tables[name] = &table{name: name}
			for i, line := range strings.Split(text, "\n") {
				cells := strings.Split(line, "|")
				if i > 0 && name != settingsSheet { // what is left out are labels
					for len(cells) < len(tables[name].columns) {
						cells = append(cells, map[bool]string{true: "L"}[len(cells) >= len(tables[name].columns)-3])
					}
				}
				tables[name].add(i+1, cells)
			}
		}
		q, err := build(tables)
		if canBeAsked(t, q, err) {
			comesBack(t, q)
		}
	})
}

// FuzzParse: an expression that is understood is written and understood again as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"${a} = 'x' and (${n} > 3 or not(selected(${m}, 'o1')))", "true() or ${n} != ''", "3 < ${n}",
		"${d} >= date('2026-01-01')",
		"(${n} != '' and ${n} != 4)", strings.Repeat("(", 100), "not(not(${y} = \"yes\")) or false()", "${m.r} <= -0.5",
		"${a} != '' and ${a} != 'dont_know' and ${a} != 'x'"} {
		f.Add(s)
	}
	q := &form.Questionnaire{Questions: []form.Question{
		{Code: "a", Type: form.Choice, DontKnow: true, Options: []form.Option{{Code: "x"}}}, {Code: "n", Type: form.Number},
		{Code: "d", Type: form.Date},
		{Code: "m", Type: form.Choices}, {Code: "x", Type: form.Matrix, Rows: []form.Option{{Code: "r"}}}, {Code: "y", Type: form.YesNo}}}
	look := func(name string) (named, bool) {
		code, row, _ := strings.Cut(name, ".")
		x, ok := q.Question(code)
		return named{x, row}, ok && (row == "") == (x.Type != form.Matrix)
	}
	r := reader{look: look, later: func(string) bool { return false }}
	f.Fuzz(func(t *testing.T, in string) {
		n, err := parse(in)
		if err != nil {
			return
		}
		c, err := r.condition(n)
		if err != nil {
			if _, ok := errors.AsType[refusal](err); !ok {
				t.Errorf("%v names no reason", err)
			}
			return
		}
		if strings.ContainsAny(in, `'"`) && strings.Count(in, `"`) > 0 {
			return // a text may hold the other quotation mark, which no code and no date does
		}
		out := writer{q}.write(c, false)
		again, err := parse(out)
		if err != nil {
			t.Fatalf("%s, written as %s: %v", in, out, err)
		}
		d, err := r.condition(again)
		if err != nil || (writer{q}).write(d, false) != out {
			t.Fatalf("%s, written as %s, reads as another: %v", in, out, err)
		}
	})
}
