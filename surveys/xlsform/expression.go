package xlsform

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The part of XPath that conditions are written in:
//
//	or         = and { "or" and }
//	and        = comparison { "and" comparison }
//	comparison = "not" "(" or ")" | "selected" "(" ref "," literal ")" | "true()" | "false()" | "(" or ")" | operand op operand
//	operand    = ref | literal
//	ref        = "${" name "}"
//	literal    = "'" … "'" | '"' … '"' | ["-"] number | "date(" literal ")"
//	op         = "=" | "!=" | "<" | "<=" | ">" | ">="
const (
	maxExpression = 32767 // characters, as a cell holds
	maxNesting    = 50
)

// node of an expression. op is and, or, not, selected, true, false or a comparison.
type node struct {
	op    string
	kids  []*node // of and, or, not
	ref   string
	value literal
}

type literal struct {
	text     string
	number   float64
	isNumber bool
}

type parser struct {
	in    string
	at    int
	depth int
}

// parse reads an expression.
func parse(in string) (*node, error) {
	if len(in) > maxExpression {
		return nil, errors.New("the expression is too long")
	}
	p := &parser{in: in}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.in) {
		return nil, p.fail("what follows is not understood")
	}
	return n, nil
}

func (p *parser) fail(why string) error { return fmt.Errorf("at character %d: %s", p.at+1, why) }

func (p *parser) space() {
	for p.at < len(p.in) && strings.IndexByte(" \t\r\n", p.in[p.at]) >= 0 {
		p.at++
	}
}

// take consumes token, if it comes next.
func (p *parser) take(token string) bool {
	p.space()
	if strings.HasPrefix(p.in[p.at:], token) {
		p.at += len(token)
		return true
	}
	return false
}

func isName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.'
}

// word is the name that comes next, not yet consumed; it never begins with a digit.
func (p *parser) word() string {
	p.space()
	end := p.at
	for end < len(p.in) && isName(p.in[end]) {
		end++
	}
	if w := p.in[p.at:end]; w != "" && (w[0] >= 'a' && w[0] <= 'z' || w[0] >= 'A' && w[0] <= 'Z' || w[0] == '_') {
		return w
	}
	return ""
}

func (p *parser) or() (*node, error) { return p.chain("or", p.and) }

func (p *parser) and() (*node, error) { return p.chain("and", p.comparison) }

func (p *parser) chain(op string, part func() (*node, error)) (*node, error) {
	first, err := part()
	if err != nil {
		return nil, err
	}
	if p.word() != op {
		return first, nil
	}
	n := &node{op: op, kids: []*node{first}}
	for p.word() == op {
		p.at += len(op)
		next, err := part()
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, next)
	}
	return n, nil
}

// group reads what stands in parentheses; the first was consumed.
func (p *parser) group() (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.fail("too deep")
	}
	n, err := p.or()
	p.depth--
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.fail("a closing parenthesis is missing")
	}
	return n, nil
}

func (p *parser) comparison() (*node, error) {
	if p.take("(") {
		return p.group()
	}
	switch w := p.word(); w {
	case "", "date":
		return p.compared()
	default:
		p.at += len(w)
		if !p.take("(") {
			return nil, p.fail("a comparison is missing")
		}
		return p.call(w)
	}
}

func (p *parser) call(name string) (*node, error) {
	switch name {
	case "not":
		n, err := p.group()
		return &node{op: "not", kids: []*node{n}}, err
	case "true", "false":
		if !p.take(")") {
			return nil, p.fail("a closing parenthesis is missing")
		}
		return &node{op: name}, nil
	case "selected":
		ref, isRef, _, err := p.operand()
		if err != nil {
			return nil, err
		}
		if !isRef || !p.take(",") {
			return nil, p.fail("selected needs a question and a value")
		}
		_, isRef, value, err := p.operand()
		if err != nil {
			return nil, err
		}
		if isRef || !p.take(")") {
			return nil, p.fail("selected needs a question and a value")
		}
		return &node{op: "selected", ref: ref, value: value}, nil
	}
	return nil, p.fail("a questionnaire has no function " + strconv.Quote(name))
}

// flipped is the comparison with its sides exchanged.
var flipped = map[string]string{"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (p *parser) compared() (*node, error) {
	left, leftRef, leftValue, err := p.operand()
	if err != nil {
		return nil, err
	}
	op := ""
	for _, o := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(o) {
			op = o
			break
		}
	}
	if op == "" {
		return nil, p.fail("a comparison is missing")
	}
	right, rightRef, rightValue, err := p.operand()
	switch {
	case err != nil:
		return nil, err
	case leftRef == rightRef:
		return nil, p.fail("a question is compared with a value only")
	case leftRef:
		return &node{op: op, ref: left, value: rightValue}, nil
	}
	return &node{op: flipped[op], ref: right, value: leftValue}, nil
}

// operand is a reference to a question or a literal.
func (p *parser) operand() (ref string, isRef bool, value literal, err error) {
	if p.take("${") {
		ref = p.word()
		p.at += len(ref)
		if ref == "" || !p.take("}") {
			return "", false, literal{}, p.fail("the name of a question is missing")
		}
		return ref, true, literal{}, nil
	}
	if p.word() == "date" {
		p.at += len("date")
		if !p.take("(") {
			return "", false, literal{}, p.fail("a date is missing")
		}
		if value, err = p.literal(); err == nil && !p.take(")") {
			err = p.fail("a closing parenthesis is missing")
		}
		return "", false, value, err
	}
	value, err = p.literal()
	return "", false, value, err
}

func (p *parser) literal() (literal, error) {
	p.space()
	if p.at >= len(p.in) {
		return literal{}, p.fail("a value is missing")
	}
	if quote := p.in[p.at]; quote == '\'' || quote == '"' {
		end := strings.IndexByte(p.in[p.at+1:], quote)
		if end < 0 {
			return literal{}, p.fail("a quotation mark is missing")
		}
		text := p.in[p.at+1 : p.at+1+end]
		p.at += end + 2
		return literal{text: text}, nil
	}
	end := p.at
	for end < len(p.in) && (p.in[end] >= '0' && p.in[end] <= '9' || p.in[end] == '.' || p.in[end] == '-' && end == p.at) {
		end++
	}
	n, err := strconv.ParseFloat(p.in[p.at:end], 64)
	if err != nil {
		return literal{}, p.fail("a value is missing")
	}
	text := p.in[p.at:end]
	p.at = end
	return literal{text: text, number: n, isNumber: true}, nil
}
