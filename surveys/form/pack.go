package form

import (
	"strconv"
	"strings"
)

// What Pack writes for questions without a value of their own.
const (
	PackedSkipped  = ""  // shown, and not answered
	PackedHidden   = "-" // not shown
	PackedDontKnow = "?"
	PackedYes      = "y"
	PackedNo       = "n"
	PackedWords    = "t" // something was written
)

// Pack is the answer in a compact form for counting: a level or number as a decimal, yes_no as y or n, the code of a choice,
// codes of several joined by commas in the order of the answer, a date, "t" for words, the levels of a matrix joined by commas
// in the order of its rows (nothing for a row without one). It never contains a control character; an answer that Clean would
// not give is skipped.
func Pack(q *Question, shown bool, answer any) string {
	if !shown {
		return PackedHidden
	}
	if q.DontKnow && answer == DontKnow {
		return PackedDontKnow
	}
	switch q.Type {
	case Rating, NPS, Effort, Number:
		return packNumber(answer)
	case YesNo:
		if b, ok := answer.(bool); ok {
			return map[bool]string{true: PackedYes, false: PackedNo}[b]
		}
	case Choice:
		if s, ok := answer.(string); ok && has(q.Options, s) {
			return s
		}
	case Choices, Ranking:
		return q.packCodes(answer)
	case Date:
		if s, ok := answer.(string); ok && isDate(s) {
			return s
		}
	case Words:
		if s, ok := answer.(string); ok && s != "" {
			return PackedWords
		}
	case Matrix:
		return q.packRows(answer)
	}
	return PackedSkipped
}

func packNumber(answer any) string {
	if n, ok := number(answer); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return PackedSkipped
}

func (q *Question) packCodes(answer any) string {
	all, _ := list(answer)
	codes := make([]string, 0, len(all))
	for _, v := range all {
		s, ok := v.(string)
		if !ok || !has(q.Options, s) {
			return PackedSkipped
		}
		codes = append(codes, s)
	}
	return strings.Join(codes, ",")
}

func (q *Question) packRows(answer any) string {
	levels, _ := object(answer)
	packed, some := make([]string, len(q.Rows)), false
	for i, r := range q.Rows {
		packed[i] = packNumber(levels[r.Code])
		some = some || packed[i] != ""
	}
	if !some {
		return PackedSkipped
	}
	return strings.Join(packed, ",")
}

// Levels are the lowest and the highest level of a type whose answers are levels; for a matrix those of each row.
func (t Type) Levels() (low, high int, ok bool) {
	switch t {
	case Rating, Matrix:
		return 1, 5, true
	case NPS:
		return 0, 10, true
	case Effort:
		return 1, 7, true
	}
	return 0, 0, false
}

// Codes are what is counted of a closed question, as Pack writes it: levels ("1" to "5", of a matrix for each row), "y" and
// "n", or the codes of its options. An open question (number, date, text) has none.
func (q *Question) Codes() []string {
	if low, high, ok := q.Type.Levels(); ok {
		codes := make([]string, 0, high-low+1)
		for l := low; l <= high; l++ {
			codes = append(codes, strconv.Itoa(l))
		}
		return codes
	}
	switch q.Type {
	case YesNo:
		return []string{PackedYes, PackedNo}
	case Choice, Choices, Ranking:
		codes := make([]string, len(q.Options))
		for i, o := range q.Options {
			codes[i] = o.Code
		}
		return codes
	}
	return nil
}

// Question is the one with the code.
func (q *Questionnaire) Question(code string) (*Question, bool) {
	for i := range q.Questions {
		if q.Questions[i].Code == code {
			return &q.Questions[i], true
		}
	}
	return nil, false
}

func has(options []Option, code string) bool {
	for i := range options {
		if options[i].Code == code {
			return true
		}
	}
	return false
}
