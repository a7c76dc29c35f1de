package form

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
)

// Visible says of each question whether answers, as Clean gives them, show it. Answers to hidden questions count as none.
func (q *Questionnaire) Visible(a Answers) map[string]bool {
	s := shown{q: q, answers: a, visible: make(map[string]bool, len(q.Questions))}
	for i := range q.Questions {
		s.visible[q.Questions[i].Code] = s.holds(q.Questions[i].ShowIf)
	}
	return s.visible
}

// shown is what is known of the questions before the one whose condition is looked at.
type shown struct {
	q       *Questionnaire
	answers Answers
	visible map[string]bool
}

// holds says whether a condition is true; no condition is.
func (s *shown) holds(c *Condition) bool {
	switch {
	case c == nil:
		return true
	case c.Not != nil:
		return !s.holds(c.Not)
	case len(c.All) > 0:
		return !slices.ContainsFunc(c.All, func(c Condition) bool { return !s.holds(&c) })
	case len(c.Any) > 0:
		return slices.ContainsFunc(c.Any, func(c Condition) bool { return s.holds(&c) })
	}
	return s.compares(c)
}

func (s *shown) compares(c *Condition) bool {
	answer, given := s.answers[c.Question]
	if !given || answer == nil || !s.visible[c.Question] {
		return false
	}
	q, ok := s.q.Question(c.Question)
	if !ok {
		return false
	}
	dontKnow := q.DontKnow && answer == DontKnow
	if c.Row != "" && !dontKnow {
		rows, _ := object(answer)
		if answer, given = rows[c.Row]; !given || answer == nil {
			return false
		}
	}
	switch {
	case c.Op == Answered:
		return true
	case dontKnow:
		return false
	case c.Op == Contains:
		all, _ := list(answer)
		return slices.ContainsFunc(all, func(v any) bool { return same(v, c.Value) })
	case c.Op == Equal:
		return same(answer, c.Value)
	case c.Op == NotEqual:
		return !same(answer, c.Value)
	}
	order, ok := compare(answer, c.Value)
	return ok && (c.Op == Less && order < 0 || c.Op == AtMost && order <= 0 || c.Op == More && order > 0 ||
		c.Op == AtLeast && order >= 0)
}

// same compares scalars; a number is the same in whatever Go type it comes.
func same(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a.(type) {
	case string, bool:
		return a == b
	}
	return false
}

// compare orders numbers, and dates as they are written.
func compare(a, b any) (int, bool) {
	if x, ok := number(a); ok {
		y, ok := number(b)
		switch {
		case !ok:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	x, isText := a.(string)
	y, both := b.(string)
	return strings.Compare(x, y), isText && both
}

// number is a finite number.
func number(v any) (float64, bool) {
	var n float64
	switch x := v.(type) {
	case float64:
		n = x
	case int:
		n = float64(x)
	case json.Number:
		f, err := x.Float64()
		if err != nil {
			return 0, false
		}
		n = f
	default:
		return 0, false
	}
	return n, !math.IsNaN(n) && !math.IsInf(n, 0)
}

func list(v any) ([]any, bool) {
	switch x := v.(type) {
	case []any:
		return x, true
	case []string:
		all := make([]any, len(x))
		for i, s := range x {
			all[i] = s
		}
		return all, true
	}
	return nil, false
}

func object(v any) (map[string]any, bool) {
	switch x := v.(type) {
	case map[string]any:
		return x, true
	case map[string]float64:
		all := make(map[string]any, len(x))
		for k, n := range x {
			all[k] = n
		}
		return all, true
	}
	return nil, false
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
