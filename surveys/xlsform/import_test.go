package xlsform

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// grid is a workbook as a test writes it: lines of cells with | between them, by sheet.
type grid map[string]string

// workbook writes a grid. A cell that begins with = is a formula here.
func workbook(t testing.TB, g grid) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for r, line := range strings.Split(strings.TrimSpace(g[name]), "\n") {
			for c, text := range strings.Split(line, "|") {
				cell, err := excelize.CoordinatesToCellName(c+1, r+1)
				if err != nil {
					t.Fatal(err)
				}
				text = strings.TrimSpace(text)
				if formula, ok := strings.CutPrefix(text, "="); ok {
					err = f.SetCellFormula(name, cell, formula)
				} else if text != "" {
					err = f.SetCellStr(name, cell, text)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const plainSettings = "form_title::ar|form_title::en|form_title::ur|form_id\nعنوان|Title|عنوان|foreign"

// choicesOf writes lists whose labels are their codes with an exclamation mark, unless labels are given after a colon.
func choicesOf(lists map[string]string) string {
	all := "list name|name|label::Arabic (ar)|label::English (en)|label::Urdu (ur)"
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		for code := range strings.FieldsSeq(lists[list]) {
			code, label, given := strings.Cut(code, ":")
			if !given {
				label = code + "!"
			}
			all += fmt.Sprintf("\n%s|%s|%s|%s|%s", list, code, label, label, label)
		}
	}
	return all
}

// imported reads a survey whose labels are "L" in every language.
func imported(t testing.TB, survey string, lists map[string]string) (*form.Questionnaire, error) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(survey), "\n")
	bars := strings.Count(lines[0], "|")
	for i, l := range lines {
		l += strings.Repeat("|", bars-strings.Count(l, "|"))
		labels := "|L|L|L"
		if i == 0 {
			labels = "|label::Arabic|label::English (en)|label::ur"
		} else if strings.HasPrefix(l, "end") || strings.HasPrefix(l, "begin group|") {
			labels = "|||"
		}
		lines[i] = l + labels
	}
	return Import(bytes.NewReader(workbook(t, grid{"survey": strings.Join(lines, "\n"), "choices": choicesOf(lists),
		"settings": plainSettings})))
}

func TestImport_others(t *testing.T) {
	t.Parallel()
	q, err := imported(t, `
type|name|relevant|required|constraint|appearance|parameters
start|start
select one yesno|came||TRUE()
select_one scale|happy|${came}='yes'|no||likert
select_one nps|tell|not(selected(${came}, "no"))
select_multiple reasons|why|${happy} <= 2 and ${tell} < '7' or ${happy}=''
integer|age|selected(${why}, 'slow')|| .>=18 and . <= 120
date|day|${age} != 30 and 40 >= ${age}
begin group|page
text|words|${day} > date('2026-01-01')||string-length( . ) <= 200|multiline
range|effort|||||start=1 end=7 step=1
range|hours|||||start=0 end=24 step=2
end group
rank reasons|order
begin_group|aspects||||table-list
select_one scale|speed||yes
select_one scale|care||yes
end_group
select_one three|three|${speed} > 3|||likert
select_one odd_yes|sure
note|bye
`, map[string]string{"yesno": "yes:Yes no:No dont_know", "scale": "1 2 3 4 5", "nps": "0:Never 1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9 10:Sure", "reasons": "slow rude",
		"three": "1 2 3", "odd_yes": "yes:Certainly no:No"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range q.Questions {
		s := fmt.Sprintf("%s %s %d/%d", x.Code, x.Type, len(x.Options), len(x.Rows))
		if x.Required {
			s += " required"
		}
		if x.DontKnow {
			s += " dont_know"
		}
		if x.Min != nil {
			s += fmt.Sprintf(" from %g", *x.Min)
		}
		if x.Max != nil {
			s += fmt.Sprintf(" to %g", *x.Max)
		}
		if x.MaxLength > 0 {
			s += fmt.Sprintf(" up to %d", x.MaxLength)
		}
		if x.ShowIf != nil {
			s += " if " + writer{q}.write(x.ShowIf, false)
		}
		got = append(got, s)
	}
	want := []string{
		"came yes_no 0/0 required dont_know",
		"happy rating 5/0 if ${came} = 'yes'",
		"tell nps 2/0 if not(${came} = 'no')",
		"why choices 2/0 if (${happy} <= 2 and ${tell} < 7) or not(${happy} != '')",
		"age number 0/0 from 18 to 120 if selected(${why}, 'slow')",
		"day date 0/0 if not(${age} = 30) and ${age} <= 40",
		"words text 0/0 up to 200 if ${day} > date('2026-01-01')",
		"effort effort 0/0",
		"hours number 0/0 from 0 to 24",
		"order ranking 2/0",
		"aspects matrix 5/2 required",
		"three choice 3/0 if ${aspects.speed} > 3",
		"sure choice 2/0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if q.Code != "foreign" || q.Title["ar"] != "عنوان" || q.Thanks["en"] != "L" || q.Intro != nil {
		t.Errorf("%+v", q)
	}
	comesBack(t, q)
}

// TestImport_languages: texts without a language are in the default one, and missing ones are told at their cells.
func TestImport_languages(t *testing.T) {
	t.Parallel()
	_, err := Import(bytes.NewReader(workbook(t, grid{
		"survey":   "type|name|label|label::Arabic (ar)|label::French (fr)|label::English\ntext|a|English|عربي|Français|",
		"settings": "form_title|form_id|default_language\nTitle|f|English (en)"})))
	want := []string{"settings/2/form_title::Arabic (ar) required", "settings/2/form_title::Urdu (ur) required",
		"survey/1/label::French (fr) unknown", "survey/2/label::Urdu (ur) required"}
	if got := faults(t, err); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestImport_oneLanguage: what lacks a language is in the default one, and told there.
func TestImport_oneLanguage(t *testing.T) {
	t.Parallel()
	_, err := Import(bytes.NewReader(workbook(t, grid{
		"survey": "type|name|label|label::English (en)|label::ur|" + strings.Repeat("x", 300) + "::y\ntext|a||Name|نام\ntext|b|" +
			strings.Repeat("م", 1001) + "|Name|نام",
		"settings": "form_title|form_id\nعنوان|f"})))
	want := []string{"settings/2/form_title::English (en) required", "settings/2/form_title::Urdu (ur) required",
		"survey/2/label required",
		"survey/3/label too_long"}
	if got := faults(t, err); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	_, err = imported(t, "type|name|relevant\ntext|a|"+strings.Repeat("(", 9000), nil)
	for _, e := range err.(Errors) {
		if len(e.Message) > 400 {
			t.Error("an error is a sentence")
		}
	}
}

// faults are the fields of an Invalid fault, sorted.
func faults(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	told, ok := errors.AsType[Errors](err)
	f, isFault := errors.AsType[*fault.Error](err)
	if !ok || !isFault || f.Code != fault.Invalid || len(f.Fields) != len(told) {
		t.Fatalf("%v is no list of errors", err)
	}
	all := make([]string, len(f.Fields))
	for i, x := range f.Fields {
		all[i] = x.Path + " " + string(x.Reason)
		if told[i].Message == "" || x.Reason == "" {
			t.Errorf("%s says nothing", x.Path)
		}
	}
	slices.Sort(all)
	return all
}

func TestImport_refuses(t *testing.T) {
	t.Parallel()
	lists := map[string]string{"yesno": "yes no", "scale": "1 2 3 4 5", "twice": "a a", "dk": "a dont_know"}
	const head = "type|name|relevant|required|constraint|appearance|parameters|calculation|balagh::type\n"
	for _, c := range []struct{ name, survey, want string }{
		{"everything at once", "text|a\ntext|a\nselect_one none|b\nbarcode|c\ntext|D|${x} = 'y'",
			"survey/3/name duplicate, survey/4/type unknown, survey/5/type unknown, survey/6/name wrong_format, survey/6/relevant unknown"},
		{"nothing", "start|start", "survey required"},
		{"type", "|a", "survey required, survey/2/type required"},
		{"calculation", "calculate|a||||||1 + 1\ntext|b", "survey/2/calculation not_allowed, survey/2/type unknown"},
		{"repeat", "begin repeat|a\ntext|b\nend repeat|", "survey/2/type unknown, survey/4/type unknown"},
		{"or_other", "select_one yesno or_other|a", "survey/2/type not_allowed"},
		{"list", "select_multiple twice|a\nselect_multiple dk|b", "choices/10/name duplicate, choices/3/name not_allowed"},
		{"required", "text|a||${x}", "survey/2/required not_allowed"},
		{"constraint", "decimal|a|||. mod 2 = 0\ntext|b|||. > 3\ndecimal|c|||. >= 9 and . <= 1\ntext|d|||string-length(.) <= 9999",
			"survey/2/constraint not_allowed, survey/3/constraint not_allowed, survey/4/constraint contradictory, survey/5/constraint out_of_range"},
		{"parameters", "select_one yesno|a|||||randomize=true\nrange|b|||||start=x",
			"survey/2/parameters not_allowed, survey/3/parameters not_allowed"},
		{"relevant", "text|a|${b} != ''\ntext|b|${b} != ''\ninteger|c|1 = 1\ntext|d|${c} = 'x'\ntext|e|${c} +1 > 2\ntext|f|once(${c})\ntext|g|${a} = 'x'",
			"survey/2/relevant contradictory, survey/3/relevant contradictory, survey/4/relevant wrong_format, survey/5/relevant wrong_type, " +
				"survey/6/relevant wrong_format, survey/7/relevant wrong_format, survey/8/relevant not_allowed"},
		{"values of conditions", "select_one yesno|a\nselect_one scale|b||||likert\nselect_multiple yesno|c\ntext|d|${a} = 'maybe'\ntext|e|${b} > 9\ntext|f|${c} = 'yes'\ntext|g|selected(${c}, 'x')",
			"survey/5/relevant unknown, survey/6/relevant out_of_range, survey/7/relevant not_allowed, survey/8/relevant unknown"},
		{"notes", "note|a\nnote|b|${a} = 1\ntext|c\nnote|d\nnote|e",
			"survey/3/relevant not_allowed, survey/3/type not_allowed, survey/6/type not_allowed"},
		{"a note between", "text|a\nnote|b\ntext|c", "survey/3/type not_allowed"},
		{"groups", "begin_group|a|${x}\ntext|b\nend group|\nend group|\nbegin group|c\ntext|d",
			"survey/2/label::Arabic not_allowed, survey/2/relevant not_allowed, survey/5/type contradictory, survey/6/type contradictory"},
		{"matrix", "begin_group|a||||table-list\nselect_one scale|r\nselect_one yesno|s\ntext|u\nselect_one scale|r|1|yes\nend_group|",
			"survey/2/required not_allowed, survey/4/type not_allowed, survey/5/type not_allowed, survey/6/name duplicate, survey/6/relevant not_allowed"},
		{"matrix of another scale", "begin_group|a||||table-list\nselect_one yesno|r\nend_group|", "survey/3/type contradictory"},
		{"matrix without rows, in another", "begin_group|a||||table-list\nbegin_group|b||||table-list\nend_group|\nend_group|",
			"survey/2/type required, survey/3/type not_allowed, survey/3/type required"},
		{"our column", "text|a|||||||rating\nselect_one scale|b|||||||nps\ntext|c|||||||smiley\ntext|d|||||||text sharp",
			"survey/2/balagh::type contradictory, survey/3/type contradictory, survey/4/balagh::type unknown, survey/5/balagh::type unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := imported(t, head+c.survey, lists)
			if got := strings.Join(faults(t, err), ", "); got != c.want {
				t.Errorf("got  %s\nwant %s\n%v", got, c.want, err)
			}
		})
	}
}

// with adds parts to a workbook, or replaces them.
func with(t testing.TB, file []byte, changed map[string]func(old string) string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	write := func(name, content string) {
		w, err := out.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	done := map[string]bool{}
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if change, ok := changed[f.Name]; ok {
			done[f.Name], content = true, []byte(change(string(content)))
		}
		write(f.Name, string(content))
	}
	for name, change := range changed {
		if !done[name] {
			write(name, change(""))
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImport_refusesFiles(t *testing.T) {
	t.Parallel()
	good := exported(t, reception(t))
	all, err := unpack(good)
	if err != nil {
		t.Fatal(err)
	}
	sheets, err := all.sheets()
	if err != nil {
		t.Fatal(err)
	}
	survey := sheets[surveySheet]
	change := func(part, old, by string) []byte {
		return with(t, good, map[string]func(string) string{part: func(s string) string {
			if old != "" && !strings.Contains(s, old) {
				t.Fatalf("%s has no %s", part, old)
			}
			return strings.Replace(s, old, by, 1)
		}})
	}
	bomb := with(t, good, map[string]func(string) string{"xl/media/bomb.bin": func(string) string { return strings.Repeat("0", maxContent) }})
	tags := with(t, good, map[string]func(string) string{"xl/styles.xml": func(string) string { return strings.Repeat("<a/>", maxTags) }})
	many := grid{"survey": "type|name" + strings.Repeat("\ntext|a", maxRows+1), "settings": plainSettings}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":          {nil, "file wrong_format"},
		"no zip":           {[]byte("type,name"), "file wrong_format"},
		"a zip of nothing": {with(t, good, nil)[:40], "file wrong_format"},
		"too large":        {make([]byte, MaxFile+1), "file too_long"},
		"a bomb":           {bomb, "file too_long"},
		"too many tags":    {tags, "file too_long"},
		"macro":            {change("xl/vbaProject.bin", "", "x"), "file not_allowed"},
		"macro by its type": {change("[Content_Types].xml", "spreadsheetml.sheet.main", "ms-excel.sheet.macroEnabled.main"),
			"file not_allowed"},
		"links": {change("xl/externalLinks/externalLink1.xml", "", "<x/>"), "file not_allowed"},
		"formula in a label": {change(survey, `<c r="C2" t="s">`, `<c r="C2" t="s"><f>1+1</f>`),
			"survey/2/label::Arabic (ar) not_allowed"},
		"the last row": {change(survey, "</sheetData>", `<row r="2147483647"><c r="A2147483647"/></row></sheetData>`),
			"survey too_many"},
		"a row beyond int":    {change(survey, "</sheetData>", `<row r="99999999999999999999"/></sheetData>`), "survey too_many"},
		"a million rows said": {change(survey, "<sheetData>", `<dimension ref="A1:C1048576"/><sheetData>`), "survey too_many"},
		"the last column": {change(survey, "</sheetData>", `<row r="1999"><c r="XFD1999"/></row></sheetData>`),
			"survey/1999 too_many"},
		"cells out of order": {change(survey, "</sheetData>", `<row r="1999"><c r="B1999"/><c r="A1999"/></row></sheetData>`),
			"survey wrong_format"},
		"rows out of order": {change(survey, "</sheetData>", `<row r="3"/></sheetData>`), "survey wrong_format"},
		"broken XML":        {change(survey, "</sheetData>", "</sheetDate>"), "survey wrong_format"},
		"too many rows":     {workbook(t, many), "survey too_many"},
		"a wrong sheet":     {workbook(t, grid{"questions": "type|name\ntext|a", "settings": plainSettings}), "survey required"},
		"no settings": {workbook(t, grid{"survey": "type|name|label::ar|label::en|label::ur\ntext|a|L|L|L"}),
			"settings required"},
		"formulas and other faults together": {workbook(t,
			grid{"survey": "type|name|label::ar|label::en|label::ur\ntext|a|=1+1|L|", "settings": plainSettings}),
			"survey/2/label::ar not_allowed, survey/2/label::ar required, survey/2/label::ur required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Import(bytes.NewReader(c.file))
			if got := strings.Join(faults(t, err), ", "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestImport_spreadsheets: what spreadsheet programs add is no fault.
func TestImport_spreadsheets(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	defer f.Close()
	for sheet, rows := range map[string][][]any{
		"Survey": {{"type", "name", "label::ar", "label::en", "label::ur", "required"}, {},
			{"select_one l", "a", "L", "L", "L", true}},
		"choices":   {{"list_name", "name", "label::ar", "label::en", "label::ur"}, {"l", 1, 1, 1, 1}, {"l", 2.5, "x", "x", "x"}},
		"settings ": {{"form_id", "form_title::ar", "form_title::en", "form_title::ur", "version"}, {"f", "T", "T", "T", 7}},
		"notes":     {{"our notes"}},
	} {
		if _, err := f.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.MergeCell("Survey", "C3", "E3"); err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellFormula("notes", "A2", "1+1"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, err := Import(&b)
	// the merge leaves one cell of three, and 2.5 is no code
	want := []string{"choices/3/name wrong_format", "survey/3/label::en required", "survey/3/label::ur required"}
	if got := faults(t, err); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
