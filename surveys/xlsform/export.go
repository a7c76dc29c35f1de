package xlsform

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/balagh/balagh/surveys/form"
)

// Names of the rows that are no questions. No code begins so.
const (
	introName  = "_intro"
	thanksName = "_thanks"
)

// exporter fills three sheets, row by row, each row by header.
type exporter struct {
	q       *form.Questionnaire
	survey  []map[string]string
	choices []map[string]string
	lists   map[string]bool // that are written
}

// Export writes a questionnaire that Check lets pass as a workbook. Import reads it back as the same.
func Export(q *form.Questionnaire) ([]byte, error) {
	e := &exporter{q: q, lists: map[string]bool{}}
	e.note(introName, q.Intro)
	for i := range q.Questions {
		e.question(&q.Questions[i])
	}
	e.note(thanksName, q.Thanks)
	settings := map[string]string{"form_title": q.Title.In(form.Languages[0]), "form_id": q.Code, "version": strconv.Itoa(q.Version),
		"default_language": tongues[form.Languages[0]]}
	translate(settings, titleColumn, q.Title)

	f := excelize.NewFile()
	defer f.Close()
	for _, s := range []struct {
		name    string
		headers []string
		rows    []map[string]string
	}{
		{surveySheet, slices.Concat([]string{"type", "name"}, translated("label"), translated("hint"),
			[]string{"required", "relevant", "constraint", "appearance", "parameters", typeColumn}), e.survey},
		{choicesSheet, slices.Concat([]string{"list_name", "name"}, translated("label")), e.choices},
		{settingsSheet, slices.Concat([]string{"form_title"}, translated(titleColumn)[1:],
			[]string{"form_id", "version", "default_language"}),
			[]map[string]string{settings}},
	} {
		if err := sheet(f, s.name, s.headers, s.rows); err != nil {
			return nil, fmt.Errorf("write the sheet %s: %w", s.name, err)
		}
	}
	if err := f.DeleteSheet("Sheet1"); err != nil {
		return nil, fmt.Errorf("remove the empty sheet: %w", err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return nil, fmt.Errorf("write a workbook: %w", err)
	}
	return b.Bytes(), nil
}

// sheet writes one. Every cell is a string, whatever it begins with: nothing in it is ever a formula.
func sheet(f *excelize.File, name string, headers []string, rows []map[string]string) error {
	if _, err := f.NewSheet(name); err != nil {
		return err
	}
	for c, header := range headers {
		if err := put(f, name, c+1, 1, header); err != nil {
			return err
		}
		for r, row := range rows {
			if err := put(f, name, c+1, r+2, row[header]); err != nil {
				return err
			}
		}
	}
	last, err := excelize.ColumnNumberToName(len(headers))
	if err != nil {
		return err
	}
	if err := f.SetColWidth(name, "A", last, 24); err != nil {
		return err
	}
	return f.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

func put(f *excelize.File, sheet string, column, row int, text string) error {
	if text == "" {
		return nil
	}
	cell, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return err
	}
	return f.SetCellStr(sheet, cell, escape(text))
}

var escaped = regexp.MustCompile(`^_x[a-zA-Z0-9]{4}_`)

// escape writes text that looks like a spreadsheet's notation for a character, such as _x0041_, so that it is read as it stands.
func escape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if text[i] == '_' && escaped.MatchString(text[i:]) {
			b.WriteString("_x005F")
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func translated(base string) []string {
	all := make([]string, len(form.Languages))
	for i, l := range form.Languages {
		all[i] = localized(base, l)
	}
	return all
}

func translate(row map[string]string, base string, t form.Text) {
	for _, l := range form.Languages {
		row[localized(base, l)] = t[l]
	}
}

func (e *exporter) note(name string, t form.Text) {
	if len(t) == 0 {
		return
	}
	row := map[string]string{"type": "note", "name": name}
	translate(row, "label", t)
	e.survey = append(e.survey, row)
}

func (e *exporter) question(q *form.Question) {
	row := map[string]string{"name": q.Code, "required": required(q), "constraint": constraint(q), typeColumn: e.more(q)}
	translate(row, "label", q.Label)
	translate(row, "hint", q.Hint)
	if q.ShowIf != nil {
		row["relevant"] = writer{e.q}.write(q.ShowIf, false)
	}
	switch q.Type {
	case form.Choice, form.YesNo, form.NPS, form.Effort:
		row["type"] = "select_one " + e.list(q)
	case form.Rating:
		row["type"], row["appearance"] = "select_one "+e.list(q), "likert"
	case form.Choices:
		row["type"] = "select_multiple " + e.list(q)
	case form.Ranking:
		row["type"] = "rank " + e.list(q)
	case form.Number:
		row["type"] = "decimal"
	case form.Date:
		row["type"] = "date"
	case form.Words:
		row["type"], row["appearance"] = "text", "multiline"
	case form.Matrix:
		row["type"], row["appearance"], row["required"] = "begin_group", "table-list", ""
	}
	e.survey = append(e.survey, row)
	if q.Type == form.Matrix {
		e.rows(q)
	}
}

func (e *exporter) rows(q *form.Question) {
	list := e.list(q)
	for _, r := range q.Rows {
		row := map[string]string{"type": "select_one " + list, "name": rowName(q.Code, r.Code), "required": required(q)}
		translate(row, "label", r.Label)
		e.survey = append(e.survey, row)
	}
	e.survey = append(e.survey, map[string]string{"type": "end_group"})
}

// rowName names the question of a matrix's row. No code contains a full stop.
func rowName(question, row string) string { return question + "." + row }

func required(q *form.Question) string {
	if q.Required {
		return "yes"
	}
	return ""
}

// more says what plain XLSForm cannot say of a question.
func (e *exporter) more(q *form.Question) string {
	words := []string{string(q.Type)}
	if q.Hard {
		words = append(words, "hard")
	}
	if q.DontKnow {
		words = append(words, form.DontKnow)
	}
	if _, _, levels := q.Type.Levels(); levels && len(q.Options) > 0 {
		codes := make([]string, len(q.Options))
		for i, o := range q.Options {
			codes[i] = o.Code
		}
		words = append(words, "labels="+strings.Join(codes, ","))
	}
	return strings.Join(words, " ")
}

func constraint(q *form.Question) string {
	var terms []string
	if q.Min != nil {
		terms = append(terms, ". >= "+decimal(*q.Min))
	}
	if q.Max != nil {
		terms = append(terms, ". <= "+decimal(*q.Max))
	}
	if q.MaxLength > 0 {
		terms = append(terms, "string-length(.) <= "+strconv.Itoa(q.MaxLength))
	}
	return strings.Join(terms, " and ")
}

func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// list writes the choices of a question and names their list. Questions that offer the same without words of their own share
// one, whose name no question can have.
func (e *exporter) list(q *form.Question) string {
	name, options := q.Code, q.Options
	low, high, levels := q.Type.Levels()
	switch {
	case q.Type == form.YesNo:
		name, options = "yes_no", []form.Option{{Code: yesCode, Label: yesLabel}, {Code: noCode, Label: noLabel}}
	case levels:
		if len(options) == 0 {
			name = fmt.Sprintf("levels.%d.%d", low, high)
		}
		options = allLevels(options, low, high)
	}
	if name == "yes_no" && q.Type != form.YesNo {
		name = "yes_no.of_question"
	}
	if q.DontKnow && asked(q.Type) != "" {
		options = append(slices.Clip(options), form.Option{Code: form.DontKnow, Label: dontKnowLabel})
		if name != q.Code {
			name += "." + form.DontKnow
		}
	}
	if !e.lists[name] {
		e.lists[name] = true
		for _, o := range options {
			row := map[string]string{"list_name": name, "name": o.Code}
			translate(row, "label", o.Label)
			e.choices = append(e.choices, row)
		}
	}
	return name
}

// allLevels are the options of every level: those without a label get their number as one.
func allLevels(labelled []form.Option, low, high int) []form.Option {
	var all []form.Option
	for l := low; l <= high; l++ {
		code := strconv.Itoa(l)
		o := form.Option{Code: code, Label: form.Text{"ar": code, "en": code, "ur": code}}
		if i := slices.IndexFunc(labelled, func(o form.Option) bool { return o.Code == code }); i >= 0 {
			o = labelled[i]
		}
		all = append(all, o)
	}
	return all
}

// asked is the type of XLSForm whose list can hold "don't know" beside the options; "" for types without one.
func asked(t form.Type) string {
	switch t {
	case form.Choice, form.YesNo, form.Rating, form.NPS, form.Effort:
		return "select_one"
	}
	return ""
}
