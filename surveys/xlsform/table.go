package xlsform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// table is a sheet: a header and rows.
type table struct {
	name    string
	columns []column
	rows    []row
	wrong   Errors
}

// column of a sheet, with its header in parts: "label::Urdu (ur)" is label in ur.
type column struct {
	title    string // as it stands there
	base     string // in small letters, with _ for spaces
	language string
}

type row struct {
	number int
	cells  []string
}

// texts are the columns that exist in languages.
var texts = []string{"label", "hint", "form_title", titleColumn}

// add takes the next row, of which the first that is not empty is the header.
func (t *table) add(number int, cells []string) {
	if !slices.ContainsFunc(cells, func(s string) bool { return strings.TrimSpace(s) != "" }) {
		return
	}
	if t.columns == nil {
		t.head(number, cells)
		return
	}
	t.rows = append(t.rows, row{number, cells})
}

func (t *table) head(number int, cells []string) {
	seen := map[column]bool{}
	for i, title := range cells {
		title = strings.TrimSpace(title)
		c := column{base: plainHeader(title)}
		if last := strings.LastIndex(title, "::"); last >= 0 && slices.Contains(texts, plainHeader(title[:last])) {
			var known bool
			c.base = plainHeader(title[:last])
			if c.language, known = tongueOf(title[last+2:]); !known {
				t.wrong = append(t.wrong, Error{Sheet: t.name, Row: number, Column: title, Reason: fault.Unknown,
					Message: "there is no such language"})
				c = column{}
			}
		}
		if c.base != "" && seen[c] {
			t.wrong = append(t.wrong, Error{Sheet: t.name, Row: number, Column: title, Reason: fault.Duplicate,
				Message: "the column is there twice"})
			c = column{}
		}
		seen[c] = true
		c.title = cmp.Or(title, letters(i+1))
		t.columns = append(t.columns, c)
	}
}

// plainHeader is a header in small letters, with _ for spaces.
func plainHeader(title string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(title)), " ", "_")
}

// formula names the column of e, which holds a letter, by its header.
func (t *table) formula(e Error) {
	for i, c := range t.columns {
		if letters(i+1) == e.Column {
			e.Column = c.title
			break
		}
	}
	t.wrong = append(t.wrong, e)
}

// cell is the text in the column of that name, without space around.
func (t *table) cell(r row, base string) string {
	for i, c := range t.columns {
		if c.base == base && c.language == "" && i < len(r.cells) {
			return strings.TrimSpace(r.cells[i])
		}
	}
	return ""
}

// text is a text in its languages as it stands there; what stands in a column without a language is in the given one.
func (t *table) text(r row, base, language string) form.Text {
	var all form.Text
	for i, c := range t.columns {
		if c.base != base || i >= len(r.cells) || strings.TrimSpace(r.cells[i]) == "" {
			continue
		}
		l := cmp.Or(c.language, language)
		if all == nil {
			all = form.Text{}
		}
		if c.language != "" || all[l] == "" {
			all[l] = strings.ReplaceAll(r.cells[i], "\r\n", "\n")
		}
	}
	return all
}

// title is the header of a column as it stands there; "" when it is missing.
func (t *table) title(base, language string) string {
	for _, c := range t.columns {
		if c.base == base && c.language == language {
			return c.title
		}
	}
	return ""
}

// ordered puts errors in the order of the sheets and their rows, each once. What a workbook says is cut: an error is read by
// people.
func ordered(all Errors) Errors {
	for i := range all {
		all[i].Column, all[i].Message = short(all[i].Column), short(all[i].Message)
	}
	slices.SortStableFunc(all, func(a, b Error) int {
		return cmp.Or(cmp.Compare(place(a.Sheet), place(b.Sheet)), cmp.Compare(a.Row, b.Row))
	})
	return distinct(all)
}

const maxSaid = 200 // characters

func short(s string) string {
	if r := []rune(s); len(r) > maxSaid {
		return string(r[:maxSaid]) + "…"
	}
	return s
}

func place(sheet string) int {
	return slices.Index([]string{"", surveySheet, choicesSheet, settingsSheet}, sheet)
}

func distinct(all Errors) Errors {
	seen, some := map[Error]bool{}, Errors{}
	for _, e := range all {
		if !seen[e] {
			seen[e] = true
			some = append(some, e)
		}
	}
	return some
}
