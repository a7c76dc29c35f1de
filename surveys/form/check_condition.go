package form

import (
	"math"
	"slices"
	"strconv"

	"github.com/balagh/balagh/fault"
)

// ops are the comparisons that answers of a type allow, beside Answered.
var ops = map[Type][]Op{
	Rating:  {Equal, NotEqual, Less, AtMost, More, AtLeast},
	NPS:     {Equal, NotEqual, Less, AtMost, More, AtLeast},
	Effort:  {Equal, NotEqual, Less, AtMost, More, AtLeast},
	Matrix:  {Equal, NotEqual, Less, AtMost, More, AtLeast},
	Number:  {Equal, NotEqual, Less, AtMost, More, AtLeast},
	Date:    {Equal, NotEqual, Less, AtMost, More, AtLeast},
	YesNo:   {Equal, NotEqual},
	Choice:  {Equal, NotEqual},
	Choices: {Contains},
}

var allOps = []Op{Equal, NotEqual, Less, AtMost, More, AtLeast, Contains, Answered}

// condition checks one of question i, or a part of it.
func (c *checker) condition(path string, i int, x *Condition, depth int, terms *int) {
	if *terms++; *terms > MaxTerms {
		return // told by who began
	}
	if depth > MaxDepth {
		c.Add(path, fault.TooLong)
		return
	}
	kinds := 0
	for _, set := range []bool{len(x.All) > 0, len(x.Any) > 0, x.Not != nil, x.Question != ""} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		c.Add(path, fault.Contradicted)
		return
	case kinds == 0:
		c.Add(path, fault.Required)
		return
	case x.Question != "":
		c.comparison(path, i, x)
		return
	}
	for _, stray := range []struct {
		name string
		set  bool
	}{{"row", x.Row != ""}, {"op", x.Op != ""}, {"value", x.Value != nil}} {
		if stray.set {
			c.Add(path+"/"+stray.name, fault.NotAllowed)
		}
	}
	if x.Not != nil {
		c.condition(path+"/not", i, x.Not, depth+1, terms)
	}
	for j := range x.All {
		c.condition(path+"/all/"+strconv.Itoa(j), i, &x.All[j], depth+1, terms)
	}
	for j := range x.Any {
		c.condition(path+"/any/"+strconv.Itoa(j), i, &x.Any[j], depth+1, terms)
	}
}

func (c *checker) comparison(path string, i int, x *Condition) {
	at, known := c.places[x.Question]
	if !known {
		c.Add(path+"/question", fault.Unknown)
		return
	}
	if at >= i { // as one question of every cycle has it
		c.Add(path+"/question", fault.Contradicted)
		return
	}
	q := &c.q.Questions[at]
	switch {
	case !slices.Contains(Types, q.Type): // which was told
		return
	case q.Type != Matrix && x.Row != "":
		c.Add(path+"/row", fault.NotAllowed)
	case q.Type == Matrix && x.Row == "":
		c.Add(path+"/row", fault.Required)
	case q.Type == Matrix && !has(q.Rows, x.Row):
		c.Add(path+"/row", fault.Unknown)
	}
	switch {
	case x.Op == "":
		c.Add(path+"/op", fault.Required)
	case !slices.Contains(allOps, x.Op):
		c.Add(path+"/op", fault.Unknown)
	case x.Op == Answered && x.Value != nil:
		c.Add(path+"/value", fault.NotAllowed)
	case x.Op == Answered:
	case !slices.Contains(ops[q.Type], x.Op):
		c.Add(path+"/op", fault.NotAllowed)
	case x.Value == nil:
		c.Add(path+"/value", fault.Required)
	default:
		if r := valueFault(q, x.Value); r != "" {
			c.Add(path+"/value", r)
		}
	}
}

// valueFault says what is wrong with a value that answers to q are compared with, or "".
func valueFault(q *Question, value any) fault.Reason {
	switch q.Type {
	case Rating, NPS, Effort, Matrix:
		low, high, _ := q.Type.Levels()
		n, ok := number(value)
		switch {
		case !ok:
			return fault.WrongType
		case n != math.Trunc(n):
			return fault.WrongFormat
		case n < float64(low) || n > float64(high):
			return fault.OutOfRange
		}
	case Number:
		if n, ok := number(value); !ok {
			return fault.WrongType
		} else if math.Abs(n) > MaxNumber {
			return fault.OutOfRange
		}
	case YesNo:
		if _, ok := value.(bool); !ok {
			return fault.WrongType
		}
	default: // Choice, Choices, Date
		s, ok := value.(string)
		switch {
		case !ok:
			return fault.WrongType
		case q.Type == Date && !isDate(s):
			return fault.WrongFormat
		case q.Type != Date && !has(q.Options, s):
			return fault.Unknown
		}
	}
	return ""
}
