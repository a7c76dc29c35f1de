package xlsform

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// A comparison of a questionnaire is false when the question has no answer. In XPath that is so by itself, but for "!=":
// NotEqual is written with the terms that make it so, and "!=" alone is read as the opposite of Equal.

// writer writes conditions as expressions.
type writer struct{ q *form.Questionnaire }

// symbols of the comparisons.
var symbols = map[form.Op]string{form.Equal: "=", form.NotEqual: "!=", form.Less: "<", form.AtMost: "<=", form.More: ">",
	form.AtLeast: ">="}

// write puts inner lists into parentheses, so that they are read as such. A list of one has a neutral term beside it.
func (w writer) write(c *form.Condition, inner bool) string {
	switch {
	case c.Not != nil:
		return "not(" + w.write(c.Not, false) + ")"
	case len(c.All) > 0:
		return w.join(c.All, " and ", "true()", inner)
	case len(c.Any) > 0:
		return w.join(c.Any, " or ", "false()", inner)
	}
	return w.compare(c)
}

func (w writer) join(all []form.Condition, with, neutral string, inner bool) string {
	terms := make([]string, len(all), len(all)+1)
	for i := range all {
		terms[i] = w.write(&all[i], true)
	}
	if len(terms) == 1 {
		terms = append(terms, neutral)
	}
	s := strings.Join(terms, with)
	if inner {
		return "(" + s + ")"
	}
	return s
}

func (w writer) compare(c *form.Condition) string {
	q, ok := w.q.Question(c.Question)
	if !ok {
		q = &form.Question{}
	}
	ref := "${" + c.Question + "}"
	if c.Row != "" {
		ref = "${" + rowName(c.Question, c.Row) + "}"
	}
	value := written(q, c.Value)
	switch {
	case c.Op == form.Answered:
		return ref + " != ''"
	case c.Op == form.Contains:
		return "selected(" + ref + ", " + value + ")"
	case c.Op == form.NotEqual && q.DontKnow && asked(q.Type) != "":
		return fmt.Sprintf("(%s != '' and %s != '%s' and %s != %s)", ref, ref, form.DontKnow, ref, value)
	case c.Op == form.NotEqual:
		return fmt.Sprintf("(%s != '' and %s != %s)", ref, ref, value)
	}
	return ref + " " + symbols[c.Op] + " " + value
}

func written(q *form.Question, value any) string {
	switch v := value.(type) {
	case bool:
		return map[bool]string{true: "'" + yesCode + "'", false: "'" + noCode + "'"}[v]
	case float64:
		return decimal(v)
	case int:
		return strconv.Itoa(v)
	case string:
		if q.Type == form.Date {
			return "date('" + v + "')"
		}
		return "'" + v + "'"
	}
	return "''"
}

// named is what a name in an expression stands for: a question, or a row of a matrix.
type named struct {
	question *form.Question
	row      string
}

// reader makes conditions of expressions. look gives what stands above; later tells of a name that comes only below.
type reader struct {
	look  func(name string) (named, bool)
	later func(name string) bool
}

// refusal is an expression that a questionnaire cannot have.
type refusal struct {
	reason  fault.Reason
	message string
}

func (r refusal) Error() string { return r.message }

func refuse(reason fault.Reason, format string, args ...any) error {
	return refusal{reason, fmt.Sprintf(format, args...)}
}

func (r reader) condition(n *node) (*form.Condition, error) {
	switch n.op {
	case "and":
		if c, err := r.notEqual(n); c != nil || err != nil {
			return c, err
		}
		all, err := r.parts(n.kids, "true")
		return &form.Condition{All: all}, err
	case "or":
		all, err := r.parts(n.kids, "false")
		return &form.Condition{Any: all}, err
	case "not":
		c, err := r.condition(n.kids[0])
		return &form.Condition{Not: c}, err
	case "true", "false":
		return nil, refuse(fault.NotAllowed, "%s() alone is no condition", n.op)
	}
	return r.comparison(n)
}

func (r reader) parts(kids []*node, neutral string) ([]form.Condition, error) {
	var all []form.Condition
	for _, k := range kids {
		if k.op == neutral {
			continue
		}
		c, err := r.condition(k)
		if err != nil {
			return nil, err
		}
		all = append(all, *c)
	}
	if len(all) == 0 {
		return nil, refuse(fault.NotAllowed, "%s() alone is no condition", neutral)
	}
	return all, nil
}

// notEqual reads what compare writes of NotEqual; nil when n is something else.
func (r reader) notEqual(n *node) (*form.Condition, error) {
	last := n.kids[len(n.kids)-1]
	for _, k := range n.kids {
		if k.op != "!=" || k.ref != last.ref {
			return nil, nil
		}
	}
	empty := func(l literal) bool { return !l.isNumber && l.text == "" }
	if !empty(n.kids[0].value) || empty(last.value) || last.value.text == form.DontKnow {
		return nil, nil
	}
	at, ok := r.look(last.ref)
	withDontKnow := ok && at.question.DontKnow && asked(at.question.Type) != ""
	switch {
	case !withDontKnow && len(n.kids) == 2:
	case withDontKnow && len(n.kids) == 3 && n.kids[1].value.text == form.DontKnow:
	default:
		return nil, nil
	}
	c, err := r.comparison(&node{op: "=", ref: last.ref, value: last.value})
	if err != nil {
		return nil, err
	}
	c.Op = form.NotEqual
	return c, nil
}

var opOf = map[string]form.Op{"=": form.Equal, "!=": form.NotEqual, "<": form.Less, "<=": form.AtMost, ">": form.More,
	">=": form.AtLeast}

func (r reader) comparison(n *node) (*form.Condition, error) {
	at, ok := r.look(n.ref)
	switch {
	case !ok && r.later(n.ref):
		return nil, refuse(fault.Contradicted, "${%s} does not come before", n.ref)
	case !ok:
		return nil, refuse(fault.Unknown, "there is no question ${%s}", n.ref)
	}
	c := &form.Condition{Question: at.question.Code, Row: at.row, Op: opOf[n.op]}
	if !n.value.isNumber && n.value.text == "" {
		c.Op = form.Answered
		switch n.op {
		case "!=":
			return c, nil
		case "=":
			return &form.Condition{Not: c}, nil
		}
		return nil, refuse(fault.NotAllowed, "${%s} is compared with nothing", n.ref)
	}
	if n.op == "selected" {
		c.Op = form.Equal
		if at.question.Type == form.Choices {
			c.Op = form.Contains
		}
	} else if at.question.Type == form.Choices {
		return nil, refuse(fault.NotAllowed, "of ${%s}, only selected() can be asked", n.ref)
	}
	value, err := read(at.question, n)
	if err != nil {
		return nil, err
	}
	c.Value = value
	if n.op == "!=" {
		c.Op = form.Equal
		return &form.Condition{Not: c}, nil
	}
	return c, nil
}

// read is the value of a comparison as answers to q are.
func read(q *form.Question, n *node) (any, error) {
	_, _, levels := q.Type.Levels()
	switch {
	case levels || q.Type == form.Number:
		if n.value.isNumber {
			return n.value.number, nil
		}
		if v, err := strconv.ParseFloat(n.value.text, 64); err == nil {
			return v, nil
		}
		return nil, refuse(fault.WrongType, "${%s} is compared with what is no number", n.ref)
	case q.Type == form.YesNo:
		switch n.value.text {
		case yesCode:
			return true, nil
		case noCode:
			return false, nil
		}
		return nil, refuse(fault.Unknown, "${%s} is neither yes nor no", n.ref)
	case q.Type == form.Choice || q.Type == form.Choices || q.Type == form.Date:
		return n.value.text, nil
	}
	return nil, refuse(fault.NotAllowed, "of ${%s}, a condition can ask only whether it was answered", n.ref)
}
