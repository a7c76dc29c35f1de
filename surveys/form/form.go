// Package form is the questionnaire: its questions, their conditions, and what counts as an answer to them.
//
// A questionnaire is data. Check finds everything that is wrong with one, Clean everything that is wrong with answers. The package
// knows nobody who is asked, no round, no store and no page.
package form

import (
	"time"
)

// Languages in which every text of a questionnaire exists. The first is used when another is asked for.
var Languages = []string{"ar", "en", "ur"}

// Text is by language.
type Text map[string]string

// In is the text in a language, or in the first of Languages.
func (t Text) In(language string) string {
	if s := t[language]; s != "" {
		return s
	}
	return t[Languages[0]]
}

// Type of a question.
type Type string

// The types. What an answer is follows each; the JSON type of a stored Answer is in brackets.
const (
	Rating  Type = "rating"  // a level from 1, the worst, to 5 [number]
	NPS     Type = "nps"     // 0 to 10, how likely to recommend [number]
	Effort  Type = "effort"  // 1 to 7, agreement that something was easy [number]
	YesNo   Type = "yes_no"  // [bool]
	Choice  Type = "choice"  // the code of one option [string]
	Choices Type = "choices" // codes of different options, in the order of the question's [array of strings]
	Number  Type = "number"  // within Min and Max [number]
	Date    Type = "date"    // 2006-01-02 [string]
	Words   Type = "text"    // up to MaxLength characters [string]
	Ranking Type = "ranking" // every option's code, the best first [array of strings]
	Matrix  Type = "matrix"  // a level from 1 to 5 for each row [object: number by code of the row]
)

// Types lists every type.
var Types = []Type{Rating, NPS, Effort, YesNo, Choice, Choices, Number, Date, Words, Ranking, Matrix}

// DontKnow is the answer "I do not know", where the question allows it. It is no option's code.
const DontKnow = "dont_know"

// Limits.
const (
	MaxQuestions = 100
	MaxOptions   = 100  // of a question; also of rows
	MaxText      = 1000 // characters of a label, a hint, an introduction
	MaxLength    = 2000 // characters of an answer in words
	MaxCode      = 32   // a code is a-z, 0-9 and _, and begins with a letter; that of an option or row may begin with a digit
	MaxDepth     = 8    // of a condition: a comparison is one deep
	MaxTerms     = 100  // comparisons and joints of one condition
	MaxNumber    = 1e15 // of a number, on both sides of zero: up to it decimals are exact enough
)

// Questionnaire of one version. A version is written once and never changed.
type Questionnaire struct {
	Code      string     `json:"code"`
	Version   int        `json:"version"` // from 1
	Title     Text       `json:"title"`
	Intro     Text       `json:"intro,omitempty"`
	Thanks    Text       `json:"thanks,omitempty"`
	Questions []Question `json:"questions"`
	By        string     `json:"by,omitempty"` // id of the member of staff
	At        time.Time  `json:"at,omitzero"`
}

// Question of a questionnaire.
type Question struct {
	Code      string     `json:"code"`
	Type      Type       `json:"type"`
	Label     Text       `json:"label"`
	Hint      Text       `json:"hint,omitempty"`
	Required  bool       `json:"required,omitempty"`
	DontKnow  bool       `json:"dont_know,omitempty"` // offers it
	ShowIf    *Condition `json:"show_if,omitempty"`   // over earlier questions; nil: always shown
	Options   []Option   `json:"options,omitempty"`   // of choice, choices, ranking; with rating and matrix the labels of levels "1" to "5", with nps and effort those of the levels that have one
	Rows      []Option   `json:"rows,omitempty"`      // of matrix
	Min       *float64   `json:"min,omitempty"`       // of number
	Max       *float64   `json:"max,omitempty"`       // of number
	MaxLength int        `json:"max_length,omitempty"`
	// Hard says of an effort question that a high level means hard, because its wording says "it was difficult": the direction is
	// part of the question, and the share of effortless answers counts levels 1 to 3 then.
	Hard bool `json:"hard,omitempty"`
}

// Option is something that can be chosen, or a row of a matrix.
type Option struct {
	Code  string `json:"code"`
	Label Text   `json:"label"`
}

// Op compares an answer.
type Op string

// The comparisons. A question that is hidden or has no answer makes each of them false; so does "don't know", but for Answered.
const (
	Equal    Op = "eq"
	NotEqual Op = "ne"
	Less     Op = "lt"
	AtMost   Op = "le"
	More     Op = "gt"
	AtLeast  Op = "ge"
	Contains Op = "contains" // of choices: the option is among those chosen
	Answered Op = "answered" // without a value
)

// Condition is a comparison, or several joined: exactly one of All, Any, Not and Question is set.
type Condition struct {
	All      []Condition `json:"all,omitempty"`
	Any      []Condition `json:"any,omitempty"`
	Not      *Condition  `json:"not,omitempty"`
	Question string      `json:"question,omitempty"` // an earlier one
	Row      string      `json:"row,omitempty"`      // of a matrix
	Op       Op          `json:"op,omitempty"`
	Value    any         `json:"value,omitempty"` // number, bool or string, as the question's answers are
}

// Answers are by the code of the question. A question without an answer is not in it. The values that Clean gives are those
// that JSON decodes to, so that stored answers read back are equal: float64, bool, string, []any of strings, map[string]any of
// float64.
type Answers map[string]any
