package xlsform

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/balagh/balagh/fault"
)

// check tells what Check finds at the cells where it stood.
func (x *importer) check() {
	f, ok := errors.AsType[*fault.Error](x.q.Check())
	if !ok {
		return
	}
	for _, field := range f.Fields {
		e := x.place(strings.Split(field.Path, "/"))
		if e.Sheet == settingsSheet && e.Row == 0 { // the sheet is missing, which was told
			continue
		}
		e.Reason, e.Message = field.Reason, sentences[field.Reason]
		x.wrong = append(x.wrong, e)
	}
}

// sentences say what Check says in a word.
var sentences = map[fault.Reason]string{
	fault.Required:     "something is missing here",
	fault.TooShort:     "there are too few",
	fault.TooLong:      "it is too long or too deep",
	fault.OutOfRange:   "it is out of range",
	fault.WrongType:    "it is of another type",
	fault.WrongFormat:  "it is not written as it must be",
	fault.Unknown:      "there is no such thing",
	fault.NotAllowed:   "it is not allowed here",
	fault.TooMany:      "there are too many",
	fault.Duplicate:    "it is there twice",
	fault.Contradicted: "it does not go with something else",
}

// place finds the cell of a path in the questionnaire.
func (x *importer) place(path []string) Error {
	settings := 0
	if t := x.tables[settingsSheet]; len(t.rows) > 0 {
		settings = t.rows[0].number
	}
	switch path[0] {
	case "code":
		return x.at(settingsSheet, settings, "form_id", "")
	case "title":
		l := language(path, 1)
		if t := x.tables[settingsSheet]; t.title(titleColumn, l) != "" {
			return x.at(settingsSheet, settings, titleColumn, l)
		}
		return x.at(settingsSheet, settings, "form_title", l)
	case "intro":
		return x.at(surveySheet, x.intro, "label", language(path, 1))
	case "thanks":
		return x.at(surveySheet, x.thanks, "label", language(path, 1))
	}
	i, ok := index(path, 1, len(x.origins))
	if !ok || len(path) < 3 {
		return Error{Sheet: surveySheet}
	}
	from := x.origins[i]
	switch path[2] {
	case "code":
		return x.at(surveySheet, from.row, "name", "")
	case "label", "hint":
		return x.at(surveySheet, from.row, path[2], language(path, 3))
	case "show_if":
		return x.at(surveySheet, from.row, "relevant", "")
	case "min", "max", "max_length":
		return x.at(surveySheet, from.row, "constraint", "")
	case "hard":
		return x.at(surveySheet, from.row, typeColumn, "")
	case "options":
		if k, ok := index(path, 3, len(from.options)); ok {
			return x.option(choicesSheet, from.options[k], path)
		}
	case "rows":
		if k, ok := index(path, 3, len(from.rows)); ok {
			return x.option(surveySheet, from.rows[k], path)
		}
	}
	return x.at(surveySheet, from.row, "type", "")
}

// option is a row that holds an option: questions/3/options/2/code or …/label/ur.
func (x *importer) option(sheet string, row int, path []string) Error {
	if path[4] == "label" {
		return x.at(sheet, row, "label", language(path, 5))
	}
	return x.at(sheet, row, "name", "")
}

// at is the cell in a column. A text in the default language may stand in the column without a language, and what stands nowhere is
// named as it should be.
func (x *importer) at(sheet string, row int, base, language string) Error {
	t := x.tables[sheet]
	title := t.title(base, language)
	if title == "" && language == x.language {
		title = t.title(base, "")
	}
	if title == "" && language != "" {
		title = localized(base, language)
	}
	return Error{Sheet: sheet, Row: row, Column: cmp.Or(title, base)}
}

func language(path []string, i int) string {
	if i < len(path) {
		return path[i]
	}
	return ""
}

func index(path []string, i, most int) (int, bool) {
	if i >= len(path) {
		return 0, false
	}
	n, err := strconv.Atoi(path[i])
	return n, err == nil && n >= 0 && n < most
}
