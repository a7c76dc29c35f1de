package form

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
)

// checker collects what is wrong with a questionnaire.
type checker struct {
	fault.Fields
	q      *Questionnaire
	places map[string]int // of the first question with a code
}

// Check finds everything that is wrong with a questionnaire at once: a fault.Invalid whose fields are paths in its JSON, such as
// questions/3/show_if/all/0/question or questions/2/label/ur. A condition over its own or a later question, of which every
// cycle has one, is fault.Contradicted.
func (q *Questionnaire) Check() error {
	c := &checker{q: q, places: map[string]int{}}
	c.code("code", q.Code, false)
	c.text("title", q.Title, true)
	c.text("intro", q.Intro, false)
	c.text("thanks", q.Thanks, false)
	questions := q.Questions
	switch {
	case len(questions) == 0:
		c.Add("questions", fault.Required)
	case len(questions) > MaxQuestions:
		c.Add("questions", fault.TooMany)
		questions = questions[:MaxQuestions]
	}
	for i := range questions {
		if _, taken := c.places[questions[i].Code]; !taken {
			c.places[questions[i].Code] = i
		}
	}
	for i := range questions {
		c.question("questions/"+strconv.Itoa(i), i, &questions[i])
	}
	return c.Err()
}

func (c *checker) question(path string, i int, q *Question) {
	c.code(path+"/code", q.Code, false)
	if q.Code != "" && c.places[q.Code] != i {
		c.Add(path+"/code", fault.Duplicate)
	}
	c.text(path+"/label", q.Label, true)
	c.text(path+"/hint", q.Hint, false)
	switch {
	case q.Type == "":
		c.Add(path+"/type", fault.Required)
	case !slices.Contains(Types, q.Type):
		c.Add(path+"/type", fault.Unknown)
	default:
		c.options(path+"/options", q)
		c.rows(path+"/rows", q)
		c.bounds(path, q)
	}
	if q.ShowIf != nil {
		terms := 0
		c.condition(path+"/show_if", i, q.ShowIf, 1, &terms)
		if terms > MaxTerms {
			c.Add(path+"/show_if", fault.TooMany)
		}
	}
}

// code checks the name of something. Only what is inside a question may begin with a digit, as levels do.
func (c *checker) code(path, code string, inside bool) {
	switch {
	case code == "":
		c.Add(path, fault.Required)
	case len(code) > MaxCode:
		c.Add(path, fault.TooLong)
	case code == DontKnow:
		c.Add(path, fault.NotAllowed)
	case !isCode(code, inside):
		c.Add(path, fault.WrongFormat)
	}
}

func isCode(code string, inside bool) bool {
	for i, r := range code {
		if letter := r >= 'a' && r <= 'z'; !letter && (i == 0 && !inside || r != '_' && (r < '0' || r > '9') || i == 0 && r == '_') {
			return false
		}
	}
	return code != "" && len(code) <= MaxCode
}

// text checks that a text is there in every language, or, unless it is required, in none.
func (c *checker) text(path string, t Text, required bool) {
	for _, s := range t {
		required = required || strings.TrimSpace(s) != ""
	}
	for _, l := range Languages {
		s := t[l]
		switch {
		case !plain(s):
			c.Add(path+"/"+l, fault.WrongFormat)
		case strings.TrimSpace(s) == "" && (required || s != ""):
			c.Add(path+"/"+l, fault.Required)
		case utf8.RuneCountInString(s) > MaxText:
			c.Add(path+"/"+l, fault.TooLong)
		}
	}
	for _, l := range slices.Sorted(maps.Keys(t)) {
		if !slices.Contains(Languages, l) {
			c.Add(path+"/"+name(l), fault.Unknown)
			return
		}
	}
}

// name is a key of the input as part of a path.
func name(key string) string {
	if isCode(key, true) {
		return key
	}
	return "?"
}

// plain says whether s is valid UTF-8 without control characters but the end of a line, and without what XML cannot hold.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' || r == 0xfffe || r == 0xffff
	})
}

func (c *checker) options(path string, q *Question) {
	low, high, levels := q.Type.Levels()
	chosen := q.Type == Choice || q.Type == Choices || q.Type == Ranking
	switch {
	case !levels && !chosen:
		if len(q.Options) > 0 {
			c.Add(path, fault.NotAllowed)
		}
		return
	case chosen && len(q.Options) == 0:
		c.Add(path, fault.Required)
		return
	case q.Type == Ranking && len(q.Options) < 2:
		c.Add(path, fault.TooShort)
	}
	c.choices(path, q.Options)
	if levels {
		c.levels(path, q, low, high)
	}
}

// levels checks the labels of levels: ascending, and, but for long scales, of all or none.
func (c *checker) levels(path string, q *Question, low, high int) {
	last := low - 1
	for i, o := range q.Options[:min(len(q.Options), MaxOptions)] {
		l, err := strconv.Atoi(o.Code)
		switch {
		case err != nil || l < low || l > high || strconv.Itoa(l) != o.Code:
			c.Add(path+"/"+strconv.Itoa(i)+"/code", fault.Unknown)
		case l < last:
			c.Add(path+"/"+strconv.Itoa(i)+"/code", fault.Contradicted)
		default:
			last = l
		}
	}
	if n := len(q.Options); q.Type != NPS && q.Type != Effort && n > 0 && n < high-low+1 {
		c.Add(path, fault.TooShort)
	}
}

func (c *checker) rows(path string, q *Question) {
	switch {
	case q.Type != Matrix && len(q.Rows) > 0:
		c.Add(path, fault.NotAllowed)
	case q.Type == Matrix && len(q.Rows) == 0:
		c.Add(path, fault.Required)
	case q.Type == Matrix:
		c.choices(path, q.Rows)
	}
}

// choices checks codes and labels of options or rows.
func (c *checker) choices(path string, all []Option) {
	if len(all) > MaxOptions {
		c.Add(path, fault.TooMany)
		all = all[:MaxOptions]
	}
	seen := map[string]bool{}
	for i, o := range all {
		at := path + "/" + strconv.Itoa(i)
		c.code(at+"/code", o.Code, true)
		if o.Code != "" && seen[o.Code] {
			c.Add(at+"/code", fault.Duplicate)
		}
		seen[o.Code] = true
		c.text(at+"/label", o.Label, true)
	}
}

func (c *checker) bounds(path string, q *Question) {
	for _, b := range []struct {
		name  string
		value *float64
	}{{"min", q.Min}, {"max", q.Max}} {
		switch {
		case b.value == nil:
		case q.Type != Number:
			c.Add(path+"/"+b.name, fault.NotAllowed)
		case !(math.Abs(*b.value) <= MaxNumber): // as NaN is not
			c.Add(path+"/"+b.name, fault.OutOfRange)
		}
	}
	if q.Type == Number && q.Min != nil && q.Max != nil && *q.Min > *q.Max {
		c.Add(path+"/max", fault.Contradicted)
	}
	switch {
	case q.MaxLength != 0 && q.Type != Words:
		c.Add(path+"/max_length", fault.NotAllowed)
	case q.MaxLength < 0 || q.MaxLength > MaxLength:
		c.Add(path+"/max_length", fault.OutOfRange)
	}
	if q.Hard && q.Type != Effort {
		c.Add(path+"/hard", fault.NotAllowed)
	}
}
