package xlsform

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// maxErrors bounds what is told of one workbook.
const maxErrors = 500

// Import reads a workbook into a questionnaire that Check lets pass, without who wrote it when. What is wrong is told at once
// as Errors, with sheet, row and column of each; they unwrap to fault.Invalid. A failure of in is given back.
func Import(in io.Reader) (*form.Questionnaire, error) {
	file, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read a workbook: %w", err)
	}
	tables, err := open(file)
	if err != nil {
		return nil, err
	}
	return build(tables)
}

// build makes a questionnaire of the sheets.
func build(tables map[string]*table) (*form.Questionnaire, error) {
	x := newImporter(tables)
	x.settings()
	x.choices()
	x.survey()
	for _, t := range tables {
		x.wrong = append(x.wrong, t.wrong...)
	}
	x.check()
	if len(x.wrong) > 0 {
		all := ordered(x.wrong)
		return nil, all[:min(len(all), maxErrors)]
	}
	return x.q, nil
}

// importer makes a questionnaire of tables and remembers where everything stood.
type importer struct {
	tables   map[string]*table
	language string // of texts without one
	lists    map[string][]choice
	names    map[string]int   // every name of the sheet survey, with its first row
	known    map[string]named // those above the row that is read
	q        *form.Questionnaire
	origins  []origin // of the questions
	intro    int      // row
	thanks   int
	group    *group
	wrong    Errors
}

// choice is a row of the sheet choices.
type choice struct {
	form.Option
	row int
}

// origin says in which rows a question stood.
type origin struct {
	row     int
	options []int // of choices
	rows    []int // of survey
}

// group is one that was begun and not ended.
type group struct {
	row      int
	outer    *group
	matrix   bool // with what follows
	question int  // index
	list     string
	needed   []bool // which rows are required
	more     extras
}

func newImporter(tables map[string]*table) *importer {
	for _, name := range []string{choicesSheet, settingsSheet} {
		if tables[name] == nil {
			tables[name] = &table{name: name}
		}
	}
	return &importer{tables: tables, language: form.Languages[0], lists: map[string][]choice{}, names: map[string]int{},
		known: map[string]named{}, q: &form.Questionnaire{Title: form.Text{}}}
}

// fail notes an error in a column.
func (x *importer) fail(sheet string, row int, base, language string, reason fault.Reason, message string) {
	e := x.at(sheet, row, base, language)
	e.Reason, e.Message = reason, message
	x.wrong = append(x.wrong, e)
}

func (x *importer) failSurvey(r row, base string, reason fault.Reason, format string, args ...any) {
	x.fail(surveySheet, r.number, base, "", reason, fmt.Sprintf(format, args...))
}

func (x *importer) settings() {
	t := x.tables[settingsSheet]
	if len(t.rows) == 0 {
		x.wrong = append(x.wrong, Error{Sheet: settingsSheet, Reason: fault.Required, Message: "the sheet is missing or empty"})
		return
	}
	r := t.rows[0]
	if l, ok := tongueOf(t.cell(r, "default_language")); ok {
		x.language = l
	}
	x.q.Code = t.cell(r, "form_id")
	x.q.Title = form.Text{}
	for _, base := range []string{titleColumn, "form_title"} {
		maps.Copy(x.q.Title, t.text(r, base, x.language))
	}
	if v, err := strconv.Atoi(t.cell(r, "version")); err == nil && v > 0 && v <= 1e6 {
		x.q.Version = v
	}
}

func (x *importer) choices() {
	t := x.tables[choicesSheet]
	for _, r := range t.rows {
		list := t.cell(r, "list_name")
		if list == "" {
			x.fail(choicesSheet, r.number, "list_name", "", fault.Required, "the name of the list is missing")
			continue
		}
		x.lists[list] = append(x.lists[list], choice{form.Option{Code: t.cell(r, "name"), Label: t.text(r, "label", x.language)},
			r.number})
	}
}

// passedOver are rows that ask nobody anything.
var passedOver = []string{"start", "end", "today", "deviceid", "username", "email", "phonenumber", "subscriberid", "simserial",
	"audit",
	"start-geopoint"}

// unsupported are columns whose content changes what is asked.
var unsupported = []string{"calculation", "default", "choice_filter", "repeat_count", "trigger", "read_only", "guidance_hint",
	"media", "image",
	"audio", "video", "big-image"}

func (x *importer) survey() {
	t := x.tables[surveySheet]
	for _, r := range t.rows {
		if name := t.cell(r, "name"); name != "" && x.names[name] == 0 {
			x.names[name] = r.number
		}
	}
	for _, r := range t.rows {
		kind, list, rest := typeOf(t.cell(r, "type"))
		if slices.Contains(passedOver, kind) {
			continue
		}
		for i, c := range t.columns {
			base, _, _ := strings.Cut(c.base, "::")
			if slices.Contains(unsupported, base) && i < len(r.cells) && strings.TrimSpace(r.cells[i]) != "" {
				x.wrong = append(x.wrong, Error{Sheet: surveySheet, Row: r.number, Column: c.title, Reason: fault.NotAllowed,
					Message: "a questionnaire cannot say this"})
			}
		}
		if rest != "" {
			x.failSurvey(r, "type", fault.NotAllowed, "%q cannot be kept", rest)
		}
		x.line(r, kind, list)
	}
	for g := x.group; g != nil; g = g.outer {
		x.fail(surveySheet, g.row, "type", "", fault.Contradicted, "the group is not ended")
	}
}

// typeOf splits a type: "select one list or_other" is select_one, list and or_other.
func typeOf(cell string) (kind, list, rest string) {
	words := strings.Fields(cell)
	if len(words) > 1 && slices.Contains([]string{"select", "begin", "end"}, strings.ToLower(words[0])) {
		words = append([]string{words[0] + "_" + words[1]}, words[2:]...)
	}
	if len(words) == 0 {
		return "", "", ""
	}
	kind = strings.ToLower(words[0])
	if k, ok := map[string]string{"select1": "select_one", "select": "select_multiple", "int": "integer"}[kind]; ok {
		kind = k
	}
	if len(words) > 1 {
		list = words[1]
	}
	return kind, list, strings.Join(words[min(len(words), 2):], " ")
}

func (x *importer) line(r row, kind, list string) {
	switch kind {
	case "":
		x.failSurvey(r, "type", fault.Required, "the type is missing")
	case "note":
		x.note(r)
	case "begin_group":
		x.begin(r)
	case "end_group":
		x.end(r)
	case "select_one", "select_multiple", "rank", "decimal", "integer", "range", "date", "text":
		if x.group != nil && x.group.matrix {
			x.matrixRow(r, kind, list)
			return
		}
		x.question(r, kind, list)
	default:
		x.failSurvey(r, "type", fault.Unknown, "a questionnaire has no %q", kind)
	}
}

// note is the introduction before the questions, or the thanks after them.
func (x *importer) note(r row) {
	text := x.tables[surveySheet].text(r, "label", x.language)
	if x.tables[surveySheet].cell(r, "relevant") != "" {
		x.failSurvey(r, "relevant", fault.NotAllowed, "a note is always shown")
	}
	switch {
	case len(x.q.Questions) == 0 && x.intro == 0 && x.tables[surveySheet].cell(r, "name") != thanksName:
		x.q.Intro, x.intro = text, r.number
	case x.thanks == 0:
		x.q.Thanks, x.thanks = text, r.number
	default:
		x.failSurvey(r, "type", fault.NotAllowed, "a note can stand before the first question and after the last")
	}
}

// required reads the column of that name.
func (x *importer) required(r row) bool {
	switch strings.ToLower(x.tables[surveySheet].cell(r, "required")) {
	case "yes", "true", "true()", "1":
		return true
	case "", "no", "false", "false()", "0":
	default:
		x.failSurvey(r, "required", fault.NotAllowed, "a question is required or it is not")
	}
	return false
}

// relevant reads the column of that name.
func (x *importer) relevant(r row) *form.Condition {
	cell := x.tables[surveySheet].cell(r, "relevant")
	if cell == "" {
		return nil
	}
	n, err := parse(cell)
	if err != nil {
		x.failSurvey(r, "relevant", fault.WrongFormat, "%v", err)
		return nil
	}
	c, err := reader{
		look:  func(name string) (named, bool) { at, ok := x.known[name]; return at, ok },
		later: func(name string) bool { return x.names[name] >= r.number },
	}.condition(n)
	if err != nil {
		refused, _ := errors.AsType[refusal](err)
		x.failSurvey(r, "relevant", cmp.Or(refused.reason, fault.WrongFormat), "%v", err)
		return nil
	}
	return c
}
