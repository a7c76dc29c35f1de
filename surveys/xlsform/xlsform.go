// Package xlsform writes questionnaires as XLSForm workbooks, in which survey teams write their forms (xlsform.org), and reads such
// workbooks, also those that other tools wrote.
//
// What plain XLSForm cannot say stands in the column balagh::type of the sheet survey: the type of a question, and then the words
// "hard", "dont_know" and "labels=1,5" (the levels that have a label of their own). The titles in other languages than the
// first are in balagh::form_title::LANGUAGE of the sheet settings. Other tools ignore these columns. What a questionnaire
// cannot say is refused with its place, never dropped: only what is not asked of anybody (start, today, deviceid …) and what is
// a matter of looks (appearance, but for likert and table-list) is passed over.
//
// The package knows questionnaires and spreadsheets, and nothing of who writes or answers them.
package xlsform

import (
	"fmt"
	"strings"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// Limits of a workbook that is read.
const (
	MaxFile    = 2 << 20 // bytes
	maxContent = 4 << 20 // bytes of all parts, unpacked: ten times what the longest form has
	maxTags    = 500_000 // in all parts: reading XML costs by the tag
	maxParts   = 500     // files within
	maxRows    = 2000    // of a sheet, below its header
	maxColumns = 200
)

// The sheets.
const (
	surveySheet   = "survey"
	choicesSheet  = "choices"
	settingsSheet = "settings"
)

// Columns of what plain XLSForm cannot say. A form has one title there, in its default language; those in the others stand
// beside it.
const (
	typeColumn  = "balagh::type"
	titleColumn = "balagh::form_title"
)

// tongues are the languages as headers name them.
var tongues = map[string]string{"ar": "Arabic (ar)", "en": "English (en)", "ur": "Urdu (ur)"}

// tongueOf finds the language of a header: "Arabic (ar)", "ar", "العربية".
func tongueOf(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if open := strings.LastIndexByte(s, '('); open >= 0 && strings.HasSuffix(s, ")") {
		s = strings.TrimSpace(s[open+1 : len(s)-1])
	}
	switch s {
	case "ar", "arabic", "العربية":
		return "ar", true
	case "en", "english":
		return "en", true
	case "ur", "urdu", "اردو":
		return "ur", true
	}
	return "", false
}

// localized is the header of a text in a language.
func localized(base, language string) string { return base + "::" + tongues[language] }

// What the options of a yes_no question, and "don't know", are called.
const (
	yesCode = "yes"
	noCode  = "no"
)

var (
	yesLabel      = form.Text{"ar": "نعم", "en": "Yes", "ur": "جی ہاں"}
	noLabel       = form.Text{"ar": "لا", "en": "No", "ur": "جی نہیں"}
	dontKnowLabel = form.Text{"ar": "لا أعلم", "en": "I do not know", "ur": "معلوم نہیں"}
)

// Error is one thing that is wrong with a workbook, and where. Row counts as the sheet shows it; 0 stands for the whole sheet,
// and an empty Sheet for the whole file.
type Error struct {
	Sheet   string
	Row     int
	Column  string // its header, or its letter when it has none
	Message string
	Reason  fault.Reason
}

func (e Error) Error() string { return e.path() + ": " + e.Message }

func (e Error) path() string {
	switch {
	case e.Sheet == "":
		return "file"
	case e.Row == 0:
		return e.Sheet
	case e.Column == "":
		return fmt.Sprintf("%s/%d", e.Sheet, e.Row)
	}
	return fmt.Sprintf("%s/%d/%s", e.Sheet, e.Row, e.Column)
}

// Errors is everything that is wrong with a workbook. It unwraps to a fault.Invalid with the paths SHEET/ROW/COLUMN.
type Errors []Error

func (e Errors) Error() string {
	all := make([]string, len(e))
	for i := range e {
		all[i] = e[i].Error()
	}
	return strings.Join(all, "\n")
}

func (e Errors) Unwrap() error {
	var fields fault.Fields
	for _, x := range e {
		fields.Add(x.path(), x.Reason)
	}
	return fields.Err()
}

// whole is an error of the file.
func whole(reason fault.Reason, message string) Errors {
	return Errors{{Reason: reason, Message: message}}
}
