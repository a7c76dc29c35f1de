package api

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// evil is what somebody calls an option so that a spreadsheet would run it.
const evil = `=HYPERLINK("http://x","y")`

func same(s string) form.Text { return form.Text{"ar": s, "en": s, "ur": s} }

// exportedExample has a question with every kind of figure, a group that is hidden and names that begin like formulas.
func exportedExample(language string) *exported {
	q := &form.Questionnaire{Code: "q", Version: 2, Title: same("t"), Questions: []form.Question{
		{Code: "how", Type: form.Choice, Label: same("@how"),
			Options: []form.Option{{Code: "a", Label: same(evil)}, {Code: "b", Label: same("\t-b")}}},
		{Code: "easy", Type: form.YesNo, Label: same("+easy")}}}
	interval := &surveys.Interval{Low: .25, High: .75, Level: .95, Method: "wilson"}
	cell := func(key string) surveys.Cell {
		return surveys.Cell{Key: key, Asked: 22, N: 20, DontKnow: 1, Skipped: 1, Options: []surveys.OptionResult{
			{Code: "a", Share: surveys.Share{Count: 10, N: 20, Share: new(.5), Interval: interval,
				Weighted: &surveys.Weighted{Estimate: .4, Interval: interval, Deff: 1.1, NEff: 18.2}}},
			{Code: "b", Share: surveys.Share{Count: 10, N: 20, Share: new(.5), Interval: interval}}}}
	}
	easy := surveys.Cell{Asked: 20, N: 20, Options: []surveys.OptionResult{{Code: form.PackedYes,
		Share: surveys.Share{Count: 20, N: 20, Share: new(1.0), Interval: interval}}},
		Top2: &surveys.Share{Count: 20, N: 20, Share: new(1.0), Interval: interval}}
	r := surveys.Results{Round: "01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10", Programme: "yearly", Names: same("=names"), Number: 3,
		From: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Rates: surveys.Rates{RR1: new(.25)},
		Questions: []surveys.QuestionResult{
			{Code: "how", Type: form.Choice, Label: same("@how"), Total: cell(""), Breakdown: map[surveys.Dimension][]surveys.Cell{
				surveys.ByCentre: {cell("riyadh"), {Key: "qassim", Suppressed: true}}}},
			{Code: "easy", Type: form.YesNo, Label: same("+easy"), Total: easy, Breakdown: map[surveys.Dimension][]surveys.Cell{}}},
		Methods: surveys.Methods{Questionnaire: "q", Version: 2, Seed: "ab", Notes: []string{surveys.NotePartial},
			Formulas: map[string]int{"top2": 1},
			Drawn:    surveys.Drawn{Population: 40, Excluded: map[string]int{"quarantine": 2}, Eligible: 38, Sampled: 38}},
		Comparison: &surveys.Comparison{Round: "x", Number: 2,
			Questions: []surveys.QuestionCompared{{Code: "easy", Headline: "yes", Now: new(1.0), Then: new(.5), Difference: new(.5)}}}}
	return &exported{&resultsBody{r, map[surveys.Dimension]map[string]string{surveys.ByCentre: {"riyadh": "-riyadh",
		"qassim": "قصيم"}}}, q, language}
}

func TestFigures_csv(t *testing.T) {
	t.Parallel()
	b, err := exportedExample("en").figures(figureColumns, func(*figure) bool { return true }).csv()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+2+3+2 {
		t.Fatalf("%d lines: %s", len(lines), b)
	}
	of := func(line int, column string) string { return lines[line][slices.Index(figureColumns, column)] }
	for _, c := range []struct {
		line         int
		column, want string
	}{
		{1, "label", "'@how"}, {1, "option_label", "'" + evil}, {1, "count", "10"}, {1, "n", "20"}, {1, "value", "0.500000"},
		{1, "low", "0.250000"},
		{1, "method", "wilson"}, {1, "weighted", "0.400000"}, {1, "weighted_low", "0.250000"}, {1, "deff", "1.100000"},
		{1, "asked", "22"}, {1, "dimension", ""},
		{2, "weighted", ""}, {2, "option_label", "'\t-b"}, {3, "dimension", "centre"}, {3, "name", "'-riyadh"}, {5, "key", "qassim"},
		{5, "name", "قصيم"},
		{5, "suppressed", "1"}, {5, "asked", ""}, {5, "n", ""}, {5, "value", ""}, {6, "option", "y"}, {6, "option_label", "Yes"},
		{6, "label", "'+easy"}, {6, "version", ""}, {7, "figure", "top2"}, {7, "version", "1"},
		{1, "invited", "38"}, {5, "rr1", "0.250000"}, {7, "from", "2025-10-01T00:00:00Z"}, {7, "to", "2026-10-01T00:00:00Z"},
	} {
		if got := of(c.line, c.column); got != c.want {
			t.Errorf("line %d, %s: %q, want %q", c.line, c.column, got, c.want)
		}
	}
	for i, line := range lines[1:] {
		for j, cell := range line {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("line %d, %s would be run: %q", i+1, figureColumns[j], cell)
			}
		}
	}
}

func TestMethods_csv(t *testing.T) {
	t.Parallel()
	b, err := exportedExample("en").methods(methodColumns).csv()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"round,seed,,,ab\r\n", "round,name,,,'=names\r\n", "drawn,excluded,quarantine,,2\r\n",
		"drawn,population,,,40\r\n", "formulas,top2,,,1\r\n",
		"rate,rr1,,,0.250000\r\n", "rate,rr2,,,\r\n", "disposition,complete,,,0\r\n", "note,partial_counted,,\"Partial responses count"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
}

// TestWorkbook reads what was written with the library, and looks for formulas in the parts themselves.
func TestWorkbook(t *testing.T) {
	t.Parallel()
	for language, rightToLeft := range map[string]bool{"ar": true, "ur": true, "en": false} {
		x := exportedExample(language)
		b, err := workbook(language, x.sheets())
		if err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, code := range []string{"results", "breakdowns", "comparison", "methods"} {
			names = append(names, word(code, language))
		}
		if got := f.GetSheetList(); !slices.Equal(got, names) {
			t.Errorf("%s: %v, want %v", language, got, names)
		}
		for _, name := range names {
			if view, err := f.GetSheetView(name, 0); err != nil || (view.RightToLeft != nil && *view.RightToLeft) != rightToLeft {
				t.Errorf("%s: %s runs the wrong way: %v", language, name, err)
			}
		}
		rows, err := f.GetRows(names[0])
		if err != nil || len(rows) != 5 || rows[0][0] != word("round", language) || rows[1][11] != evil || rows[1][4] != "@how" ||
			rows[1][18] != "0.5" {
			t.Errorf("%s: %v %v", language, rows, err)
		}
		if kind, err := f.GetCellType(names[0], "S2"); err != nil || kind == excelize.CellTypeInlineString ||
			kind == excelize.CellTypeSharedString {
			t.Errorf("a figure is text: %v, %v", kind, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		withoutFormulas(t, b)
	}
}

func withoutFormulas(t *testing.T, workbook []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range z.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "<f>") || strings.Contains(string(text), "<f ") || strings.Contains(part.Name, "vba") {
			t.Errorf("%s has a formula", part.Name)
		}
	}
}

func TestSpssNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 32) + "_" + strings.Repeat("b", 32)
	taken := spssNames{}
	for _, c := range [][2]string{{"centre", "centre"}, {"centre", "centre_2"}, {"by", "by_1"}, {"by", "by_2"}, {long, long[:64]},
		{long, long[:62] + "_2"}} {
		if got := taken.take(c[0]); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}

func TestMissingCodes(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]form.Question{
		"99":        {Type: form.NPS},
		"999":       {Type: form.Choice, Options: make([]form.Option, 98)},
		"9999":      {Type: form.Number, Min: new(-5000.0), Max: new(100.0)},
		"999999999": {Type: form.Number},
	} {
		if got := missingCodes(&q).unknown; got != want {
			t.Errorf("%+v: %s, want %s", q.Type, got, want)
		}
	}
}
