package form

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
)

// cleaner brings answers into their normal form, in the order of the questions.
type cleaner struct {
	fault.Fields
	shown
	given Answers
	// unsure are questions whose answer is faulty, or whose condition looks at one of those: nobody knows whether what depends on them
	// is shown, and so nothing is said of it.
	unsure map[string]bool
}

// Clean gives the normal form of answers, or everything that is wrong with them at once: a fault.Invalid with the paths
// answers/CODE, answers/CODE/ROW of a matrix and answers/CODE/2 of a list. Unknown questions are fault.Unknown, answers to
// hidden ones fault.NotAllowed, and required ones without an answer, when the answers are complete, fault.Required.
//
// Nil, blank text and empty lists are no answers and left out. Levels, numbers and dates may come as text, with Arabic or Urdu
// digits as well; yes_no as "yes", "no", "true", "false". Clean(Clean(a)) is Clean(a).
func (q *Questionnaire) Clean(a Answers, complete bool) (Answers, error) {
	c := &cleaner{given: a, unsure: map[string]bool{},
		shown: shown{q: q, answers: Answers{}, visible: make(map[string]bool, len(q.Questions))}}
	for _, code := range slices.Sorted(maps.Keys(a)) {
		if _, known := q.Question(code); !known && isCode(code, false) {
			c.Add("answers/"+code, fault.Unknown)
		} else if !known {
			c.Add("answers/?", fault.Unknown)
		}
	}
	for i := range q.Questions {
		c.question(&q.Questions[i], complete)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return c.answers, nil
}

func (c *cleaner) question(q *Question, complete bool) {
	path, before := "answers/"+q.Code, len(c.Fields)
	answer := c.answer(path, q, c.given[q.Code])
	if faulty := len(c.Fields) > before; faulty || c.dependsOnUnsure(q.ShowIf) {
		c.unsure[q.Code] = true
		return
	}
	visible := c.holds(q.ShowIf)
	c.visible[q.Code] = visible
	switch {
	case answer != nil && !visible:
		c.Add(path, fault.NotAllowed)
	case answer != nil:
		c.answers[q.Code] = answer
	}
	if complete && visible && q.Required {
		c.require(path, q, answer)
	}
}

func (c *cleaner) require(path string, q *Question, answer any) {
	levels, isMatrix := answer.(map[string]any)
	switch {
	case answer == nil:
		c.Add(path, fault.Required)
	case isMatrix:
		for _, r := range q.Rows {
			if levels[r.Code] == nil {
				c.Add(path+"/"+r.Code, fault.Required)
			}
		}
	}
}

func (c *cleaner) dependsOnUnsure(x *Condition) bool {
	depends := func(x Condition) bool { return c.dependsOnUnsure(&x) }
	return x != nil && (c.unsure[x.Question] || c.dependsOnUnsure(x.Not) || slices.ContainsFunc(x.All, depends) ||
		slices.ContainsFunc(x.Any, depends))
}

// answer is the normal form of one; nil for none, and for a faulty one, which is noted.
func (c *cleaner) answer(path string, q *Question, v any) any {
	if s, ok := v.(string); ok {
		if strings.TrimSpace(s) == "" && utf8.ValidString(s) {
			return nil
		}
		if q.DontKnow && strings.TrimSpace(s) == DontKnow {
			return DontKnow
		}
	}
	if v == nil {
		return nil
	}
	var reason fault.Reason
	switch q.Type {
	case Rating, NPS, Effort:
		v, reason = level(q.Type, v)
	case Number:
		v, reason = bounded(q, v)
	case YesNo:
		v, reason = yesNo(v)
	case Choice:
		v, reason = option(q.Options, v)
	case Date:
		v, reason = date(v)
	case Words:
		v, reason = words(q, v)
	case Choices, Ranking:
		return c.several(path, q, v)
	case Matrix:
		return c.matrix(path, q, v)
	default:
		reason = fault.Unknown
	}
	if reason != "" {
		c.Add(path, reason)
		return nil
	}
	return v
}

func level(kind Type, v any) (any, fault.Reason) {
	low, high, _ := kind.Levels()
	n, reason := numeric(v)
	switch {
	case reason != "":
		return nil, reason
	case n != math.Trunc(n):
		return nil, fault.WrongFormat
	case n < float64(low) || n > float64(high):
		return nil, fault.OutOfRange
	}
	return n, ""
}

func bounded(q *Question, v any) (any, fault.Reason) {
	n, reason := numeric(v)
	switch {
	case reason != "":
		return nil, reason
	case math.Abs(n) > MaxNumber, q.Min != nil && n < *q.Min, q.Max != nil && n > *q.Max:
		return nil, fault.OutOfRange
	}
	return n, ""
}

var decimal = regexp.MustCompile(`^[+-]?[0-9]{1,18}(\.[0-9]{1,18})?$`)

// numeric reads a number, also one that a person typed.
func numeric(v any) (float64, fault.Reason) {
	if s, ok := v.(string); ok {
		s = digits(s)
		if !decimal.MatchString(s) {
			return 0, fault.WrongFormat
		}
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, fault.WrongFormat
		}
		v = n
	}
	n, ok := number(v)
	if _, float := v.(float64); float && !ok {
		return 0, fault.OutOfRange // NaN and the infinities
	}
	if !ok {
		return 0, fault.WrongType
	}
	return n + 0, "" // no negative zero
}

// digits writes Arabic-Indic digits, those of Persian and Urdu, and the Arabic decimal sign as ASCII, without space around.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '٠' && r <= '٩':
			return '0' + r - '٠'
		case r >= '۰' && r <= '۹':
			return '0' + r - '۰'
		case r == '٫':
			return '.'
		}
		return r
	}, strings.TrimSpace(s))
}

func yesNo(v any) (any, fault.Reason) {
	switch x := v.(type) {
	case bool:
		return x, ""
	case string:
		switch strings.TrimSpace(x) {
		case "yes", "true":
			return true, ""
		case "no", "false":
			return false, ""
		}
		return nil, fault.WrongFormat
	}
	return nil, fault.WrongType
}

func option(options []Option, v any) (any, fault.Reason) {
	s, ok := v.(string)
	switch {
	case !ok:
		return nil, fault.WrongType
	case !has(options, s):
		return nil, fault.Unknown
	}
	return s, ""
}

func date(v any) (any, fault.Reason) {
	s, ok := v.(string)
	if !ok {
		return nil, fault.WrongType
	}
	if s = digits(s); !isDate(s) {
		return nil, fault.WrongFormat
	}
	return s, ""
}

func words(q *Question, v any) (any, fault.Reason) {
	s, ok := v.(string)
	if !ok {
		return nil, fault.WrongType
	}
	s = strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(s))
	most := MaxLength
	if q.MaxLength > 0 {
		most = q.MaxLength
	}
	switch {
	case !utf8.ValidString(s), strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return nil, fault.WrongFormat
	case utf8.RuneCountInString(s) > most:
		return nil, fault.TooLong
	}
	return s, ""
}

// several are options of choices, put into the order of the question's, or all of a ranking, in the order given.
func (c *cleaner) several(path string, q *Question, v any) any {
	given, ok := list(v)
	switch {
	case !ok:
		c.Add(path, fault.WrongType)
		return nil
	case len(given) == 0:
		return nil
	case len(given) > MaxOptions:
		c.Add(path, fault.TooMany)
		return nil
	}
	before, seen, codes := len(c.Fields), map[string]bool{}, make([]any, 0, len(given))
	for i, x := range given {
		code, reason := option(q.Options, x)
		s, _ := code.(string)
		if reason == "" && seen[s] {
			reason = fault.Duplicate
		}
		if reason != "" {
			c.Add(path+"/"+strconv.Itoa(i), reason)
			continue
		}
		seen[s] = true
		codes = append(codes, code)
	}
	if len(c.Fields) > before {
		return nil
	}
	if q.Type == Choices {
		codes = codes[:0]
		for _, o := range q.Options {
			if seen[o.Code] {
				codes = append(codes, o.Code)
			}
		}
	} else if len(codes) < len(q.Options) {
		c.Add(path, fault.TooShort)
		return nil
	}
	return codes
}

func (c *cleaner) matrix(path string, q *Question, v any) any {
	given, ok := object(v)
	if !ok {
		c.Add(path, fault.WrongType)
		return nil
	}
	before, levels := len(c.Fields), map[string]any{}
	for _, row := range slices.Sorted(maps.Keys(given)) {
		x := given[row]
		if s, ok := x.(string); x == nil || ok && strings.TrimSpace(s) == "" {
			x = nil
		}
		if !has(q.Rows, row) {
			c.Add(path+"/"+name(row), fault.Unknown)
		} else if x != nil {
			l, reason := level(Matrix, x)
			if reason != "" {
				c.Add(path+"/"+row, reason)
			}
			levels[row] = l
		}
	}
	if len(c.Fields) > before || len(levels) == 0 {
		return nil
	}
	return levels
}
