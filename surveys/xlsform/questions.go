package xlsform

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// extras are what the column balagh::type says.
type extras struct {
	kind     form.Type
	hard     bool
	dontKnow bool
	labels   []string // codes of the levels that have a label
}

func (x *importer) extras(r row) extras {
	words := strings.Fields(x.tables[surveySheet].cell(r, typeColumn))
	if len(words) == 0 {
		return extras{}
	}
	e := extras{kind: form.Type(words[0])}
	known := slices.Contains(form.Types, e.kind)
	for _, w := range words[1:] {
		labels, isLabels := strings.CutPrefix(w, "labels=")
		switch {
		case w == "hard":
			e.hard = true
		case w == form.DontKnow:
			e.dontKnow = true
		case isLabels:
			e.labels = strings.Split(labels, ",")
		default:
			known = false
		}
	}
	if !known {
		x.failSurvey(r, typeColumn, fault.Unknown, "there is no such type")
		return extras{}
	}
	return e
}

// fits are the types of XLSForm that stand for each of ours.
var fits = map[form.Type][]string{
	form.Rating: {"select_one"}, form.NPS: {"select_one"}, form.Effort: {"select_one"}, form.YesNo: {"select_one"},
	form.Choice:  {"select_one"},
	form.Choices: {"select_multiple"}, form.Ranking: {"rank"}, form.Number: {"decimal", "integer", "range"}, form.Date: {"date"},
	form.Words: {"text"}, form.Matrix: {"begin_group"},
}

// plainTypes are ours for those of XLSForm that say all.
var plainTypes = map[string]form.Type{"select_multiple": form.Choices, "rank": form.Ranking, "decimal": form.Number,
	"integer": form.Number,
	"range":   form.Number, "date": form.Date, "text": form.Words}

func (x *importer) question(r row, kind, list string) {
	t, more := x.tables[surveySheet], x.extras(r)
	if more.kind != "" && !slices.Contains(fits[more.kind], kind) {
		x.failSurvey(r, typeColumn, fault.Contradicted, "%s is no %s", kind, more.kind)
		more = extras{}
	}
	q := form.Question{Code: t.cell(r, "name"), Type: more.kind, Label: t.text(r, "label", x.language),
		Hint:     t.text(r, "hint", x.language),
		Required: x.required(r), DontKnow: more.dontKnow, ShowIf: x.relevant(r), Hard: more.hard}
	from := origin{row: r.number}
	if slices.Contains([]string{"select_one", "select_multiple", "rank"}, kind) {
		x.options(r, &q, &from, kind, list, more)
	} else if q.Type == "" {
		q.Type = plainTypes[kind]
	}
	x.constraint(r, &q)
	if kind == "range" {
		x.bounds(r, &q)
	} else if t.cell(r, "parameters") != "" {
		x.failSurvey(r, "parameters", fault.NotAllowed, "parameters cannot be kept")
	}
	x.add(r, q, from)
}

// add takes a question. Its name may be spoken of from here on.
func (x *importer) add(r row, q form.Question, from origin) {
	x.checkThanks()
	x.q.Questions = append(x.q.Questions, q)
	x.origins = append(x.origins, from)
	if _, taken := x.known[q.Code]; !taken {
		x.known[q.Code] = named{question: &q}
	}
}

// checkThanks tells of a note that a question follows.
func (x *importer) checkThanks() {
	if x.thanks > 0 {
		x.fail(surveySheet, x.thanks, "type", "", fault.NotAllowed, "a note can stand before the first question and after the last")
		x.q.Thanks, x.thanks = nil, 0
	}
}

// options finds the list of a question, and its type by the list.
func (x *importer) options(r row, q *form.Question, from *origin, kind, list string, more extras) {
	all, ok := x.lists[list]
	if !ok {
		x.failSurvey(r, "type", fault.Unknown, "there is no list %q on the sheet choices", list)
		q.Type = form.Words // so that nothing else is said of it
		return
	}
	if kind == "select_one" { // whose list says whether "don't know" is offered
		i := slices.IndexFunc(all, func(c choice) bool { return c.Code == form.DontKnow })
		if q.DontKnow = i >= 0; i >= 0 {
			all = slices.Delete(slices.Clone(all), i, i+1)
		}
	}
	if q.Type == "" {
		likert := strings.Contains(x.tables[surveySheet].cell(r, "appearance"), "likert")
		q.Type = guess(kind, all, likert)
	}
	low, high, levels := q.Type.Levels()
	switch {
	case q.Type == form.YesNo:
		if !isScale(all, yesCode, noCode) {
			x.failSurvey(r, "type", fault.Contradicted, "the list %q is not yes and no", list)
		}
		return
	case levels && !isScale(all, numerals(low, high)...):
		x.failSurvey(r, "type", fault.Contradicted, "the list %q is not the levels %d to %d", list, low, high)
		return
	case levels:
		all = labelled(all, more)
	}
	for _, c := range all {
		q.Options = append(q.Options, c.Option)
		from.options = append(from.options, c.row)
	}
}

// guess is the type of a question that others wrote.
func guess(kind string, all []choice, likert bool) form.Type {
	switch {
	case kind != "select_one":
		return plainTypes[kind]
	case isScale(all, yesCode, noCode) && plainWords(all):
		return form.YesNo
	case isScale(all, numerals(0, 10)...):
		return form.NPS
	case likert && isScale(all, numerals(1, 5)...):
		return form.Rating
	case likert && isScale(all, numerals(1, 7)...):
		return form.Effort
	}
	return form.Choice
}

// isScale says whether choices are those of codes, in any order but each once.
func isScale(all []choice, codes ...string) bool {
	if len(all) != len(codes) {
		return false
	}
	for _, code := range codes {
		if !slices.ContainsFunc(all, func(c choice) bool { return c.Code == code }) {
			return false
		}
	}
	return true
}

func numerals(low, high int) []string {
	var all []string
	for l := low; l <= high; l++ {
		all = append(all, strconv.Itoa(l))
	}
	return all
}

// plainWords says whether the labels of yes and no say no more than that.
func plainWords(all []choice) bool {
	words := map[string][]string{yesCode: {"yes", "نعم", "ہاں", "جی ہاں"}, noCode: {"no", "لا", "نہیں", "جی نہیں"}}
	for _, c := range all {
		for _, s := range c.Label {
			if !slices.Contains(words[c.Code], strings.ToLower(strings.TrimSpace(s))) {
				return false
			}
		}
	}
	return true
}

// labelled are the levels, in their order, that have a label of their own: as the column balagh::type says, or those whose
// label is not just their number.
func labelled(all []choice, more extras) []choice {
	some := slices.Clone(all)
	slices.SortFunc(some, func(a, b choice) int {
		x, _ := strconv.Atoi(a.Code)
		y, _ := strconv.Atoi(b.Code)
		return x - y
	})
	if more.kind != "" {
		return slices.DeleteFunc(some, func(c choice) bool { return !slices.Contains(more.labels, c.Code) })
	}
	named := func(c choice) bool {
		for _, s := range c.Label {
			if strings.TrimSpace(s) != c.Code {
				return true
			}
		}
		return false
	}
	if len(some) == 5 && slices.ContainsFunc(some, named) { // a rating has labels for all or none
		return some
	}
	return slices.DeleteFunc(some, func(c choice) bool { return !named(c) })
}

var bound = regexp.MustCompile(`^(\.|string-length\(\s*\.\s*\))\s*(>=|<=)\s*(-?[0-9]+(?:\.[0-9]+)?)$`)

// constraint reads the column of that name: bounds of a number, the length of a text.
func (x *importer) constraint(r row, q *form.Question) {
	cell := x.tables[surveySheet].cell(r, "constraint")
	if cell == "" {
		return
	}
	for term := range strings.SplitSeq(strings.Join(strings.Fields(cell), " "), " and ") {
		m := bound.FindStringSubmatch(strings.TrimSpace(strings.Trim(term, "()")))
		if m == nil {
			m = bound.FindStringSubmatch(strings.TrimSpace(term))
		}
		if m == nil {
			x.failSurvey(r, "constraint", fault.NotAllowed,
				"of a constraint, only the bounds of a number and the length of a text can be kept")
			return
		}
		n, err := strconv.ParseFloat(m[3], 64)
		length := m[1] != "."
		switch {
		case err != nil:
			x.failSurvey(r, "constraint", fault.OutOfRange, "the number is too large")
		case length && q.Type == form.Words && m[2] == "<=" && q.MaxLength == 0 && n == float64(int(n)) && n > 0:
			q.MaxLength = int(n)
		case !length && q.Type == form.Number && m[2] == ">=" && q.Min == nil:
			q.Min = &n
		case !length && q.Type == form.Number && m[2] == "<=" && q.Max == nil:
			q.Max = &n
		default:
			x.failSurvey(r, "constraint", fault.NotAllowed, "such a question has no such constraint")
		}
	}
}

// bounds reads the parameters of a range: start=1 end=5 step=1. One from 0 to 10 in whole steps is an NPS, and so on.
func (x *importer) bounds(r row, q *form.Question) {
	values := map[string]float64{"start": 1, "end": 10, "step": 1}
	for word := range strings.FieldsFuncSeq(x.tables[surveySheet].cell(r, "parameters"),
		func(r rune) bool { return strings.ContainsRune(" ,;", r) }) {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseFloat(value, 64)
		if _, known := values[name]; !known || err != nil {
			x.failSurvey(r, "parameters", fault.NotAllowed, "%q cannot be kept", word)
			return
		}
		values[name] = n
	}
	low, high := values["start"], values["end"]
	if q.Type == form.Number {
		for _, t := range []form.Type{form.Rating, form.NPS, form.Effort} {
			if l, h, _ := t.Levels(); values["step"] == 1 && low == float64(l) && high == float64(h) {
				q.Type, q.Min, q.Max = t, nil, nil
				return
			}
		}
	}
	q.Min, q.Max = &low, &high
}

// begin opens a group: a matrix, or one that only puts questions on one page.
func (x *importer) begin(r row) {
	t, more := x.tables[surveySheet], x.extras(r)
	g := &group{row: r.number, outer: x.group, more: more}
	if g.outer != nil && g.outer.matrix {
		x.failSurvey(r, "type", fault.NotAllowed, "a matrix holds no group")
	}
	x.group = g
	if g.matrix = strings.Contains(t.cell(r, "appearance"), "table-list"); !g.matrix {
		if len(t.text(r, "label", x.language)) > 0 {
			x.fail(surveySheet, r.number, "label", x.language, fault.NotAllowed, "the label of a group cannot be kept")
		}
		if t.cell(r, "relevant") != "" {
			x.failSurvey(r, "relevant", fault.NotAllowed, "a group has no condition: give it to each question")
		}
		if more.kind != "" {
			x.failSurvey(r, typeColumn, fault.Contradicted, "a group without the appearance table-list is no %s", more.kind)
		}
		return
	}
	if more.kind != "" && more.kind != form.Matrix {
		x.failSurvey(r, typeColumn, fault.Contradicted, "a group is no %s", more.kind)
	}
	g.question = len(x.q.Questions)
	x.add(r, form.Question{Code: t.cell(r, "name"), Type: form.Matrix, Label: t.text(r, "label", x.language),
		Hint:     t.text(r, "hint", x.language),
		DontKnow: more.dontKnow, ShowIf: x.relevant(r), Hard: more.hard}, origin{row: r.number})
}

// matrixRow is a question within a matrix.
func (x *importer) matrixRow(r row, kind, list string) {
	t, g := x.tables[surveySheet], x.group
	q, from := &x.q.Questions[g.question], &x.origins[g.question]
	if kind != "select_one" || g.list != "" && list != g.list {
		x.failSurvey(r, "type", fault.NotAllowed, "the rows of a matrix are select_one of one list")
		return
	}
	for _, base := range []string{"relevant", "constraint", "parameters", typeColumn} {
		if t.cell(r, base) != "" {
			x.failSurvey(r, base, fault.NotAllowed, "the row of a matrix has nothing of its own but a label")
		}
	}
	if hint := t.text(r, "hint", x.language); len(hint) > 0 {
		x.fail(surveySheet, r.number, "hint", x.language, fault.NotAllowed, "the row of a matrix has nothing of its own but a label")
	}
	if g.list == "" {
		g.list = list
		all, ok := x.lists[list]
		switch {
		case !ok:
			x.failSurvey(r, "type", fault.Unknown, "there is no list %q on the sheet choices", list)
		case !isScale(all, numerals(1, 5)...):
			x.failSurvey(r, "type", fault.Contradicted, "the list %q is not the levels 1 to 5", list)
		default:
			for _, c := range labelled(all, g.more) {
				q.Options = append(q.Options, c.Option)
				from.options = append(from.options, c.row)
			}
		}
	}
	name := t.cell(r, "name")
	code := strings.TrimPrefix(name, q.Code+".")
	q.Rows = append(q.Rows, form.Option{Code: code, Label: t.text(r, "label", x.language)})
	from.rows = append(from.rows, r.number)
	g.needed = append(g.needed, x.required(r))
	known := x.known[q.Code].question
	*known = *q
	if _, taken := x.known[name]; !taken && name != "" {
		x.known[name] = named{known, code}
	}
}

func (x *importer) end(r row) {
	g := x.group
	if g == nil {
		x.failSurvey(r, "type", fault.Contradicted, "no group was begun")
		return
	}
	if x.group = g.outer; !g.matrix {
		return
	}
	q := &x.q.Questions[g.question]
	if slices.Contains(g.needed, true) {
		if q.Required = true; slices.Contains(g.needed, false) {
			x.fail(surveySheet, g.row, "required", "", fault.NotAllowed, "of a matrix, every row is required or none")
		}
	}
}
