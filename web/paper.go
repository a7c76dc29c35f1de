package web

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// stepSize is how many questions a step has at the most.
const stepSize = 8

// paper is a questionnaire with the answers so far, parted into steps.
type paper struct {
	asked   *surveys.Asked
	q       *form.Questionnaire
	lang    string
	steps   [][]*form.Question
	answers form.Answers // clean, none of them to a hidden question
}

func newPaper(a *surveys.Asked, lang string) *paper {
	return &paper{asked: a, q: a.Questionnaire, lang: lang, steps: stepsOf(a.Questionnaire), answers: a.Answers}
}

// stepsOf a questionnaire: each ends before a question that depends on one within it. So whether a question is shown is known,
// without a script, when its step is.
func stepsOf(q *form.Questionnaire) (steps [][]*form.Question) {
	var step []*form.Question
	for i := range q.Questions {
		x := &q.Questions[i]
		within := func(y *form.Question) bool { return dependsOn(x.ShowIf, y.Code) }
		if len(step) == stepSize || slices.ContainsFunc(step, within) {
			steps, step = append(steps, step), nil
		}
		step = append(step, x)
	}
	return append(steps, step)
}

func dependsOn(c *form.Condition, code string) bool {
	on := func(x form.Condition) bool { return dependsOn(&x, code) }
	return c != nil && (c.Question == code || dependsOn(c.Not, code) || slices.ContainsFunc(c.All, on) ||
		slices.ContainsFunc(c.Any, on))
}

// end is the step after the last one: there is nothing left but to hand in the answers.
func (p *paper) end() int { return len(p.steps) }

// shown are the questions of a step that the answers so far show.
func (p *paper) shown(step int) (all []*form.Question) {
	if step >= p.end() {
		return nil
	}
	visible := p.q.Visible(p.answers)
	for _, x := range p.steps[step] {
		if visible[x.Code] {
			all = append(all, x)
		}
	}
	return all
}

// nearest step from one on, forwards or backwards, that has anything to ask; when none is left, the nearest the other way.
func (p *paper) nearest(step, direction int) int {
	for i := step; i >= 0 && i < len(p.steps); i += direction {
		if len(p.shown(i)) > 0 {
			return i
		}
	}
	for i := min(max(step-direction, 0), len(p.steps)-1); i >= 0 && i < len(p.steps); i -= direction {
		if len(p.shown(i)) > 0 {
			return i
		}
	}
	return 0
}

// resume is the step at which somebody who comes back goes on: the first that lacks something, or the one after the last answer.
func (p *paper) resume() int {
	first, _ := p.faulty(p.end(), nil)
	after := 0
	for i := range p.steps {
		if slices.ContainsFunc(p.steps[i], func(x *form.Question) bool { return p.answers[x.Code] != nil }) {
			after = i + 1
		}
	}
	return min(first, after)
}

// problem is what is wrong with the answer to a question, or to a row of its matrix.
type problem struct {
	question *form.Question
	row      string
	reason   fault.Reason
}

// read takes a form into the answers: those of its step in the place of earlier ones, which within an anonymous programme
// the form brings along. What is wrong with them is answered; an answer to what is hidden now, and a wrong one, is dropped.
func (p *paper) read(posted url.Values) (step int, problems []problem) {
	step, err := strconv.Atoi(posted.Get("step"))
	if err != nil || step < 0 || step > p.end() {
		step = 0
	}
	all := form.Answers{}
	for code, v := range p.answers {
		all[code] = v
	}
	if p.asked.Invitation.Anonymous {
		_ = json.Unmarshal([]byte(posted.Get("kept")), &all) // what cannot be read was tampered with, and is asked again
	}
	if all == nil { // of "null"
		all = form.Answers{}
	}
	var here []*form.Question
	if step < p.end() {
		here = p.steps[step]
	}
	for _, x := range here {
		delete(all, x.Code)
		answer, reason := given(x, posted)
		if reason != "" {
			problems = append(problems, problem{question: x, reason: reason})
		} else if answer != nil {
			all[x.Code] = answer
		}
	}
	for {
		clean, err := p.q.Clean(all, false)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok {
			p.answers = clean
			break
		}
		dropped := 0
		for _, field := range f.Fields {
			x, row := p.about(field.Path)
			if x != nil && field.Reason != fault.NotAllowed && slices.Contains(here, x) {
				problems = append(problems, problem{x, row, field.Reason})
			}
			for code := range all {
				if field.Path == "answers/"+code || strings.HasPrefix(field.Path, "answers/"+code+"/") {
					delete(all, code)
					dropped++
				}
			}
		}
		if dropped == 0 { // codes that cannot be written in a path
			all = form.Answers{}
		}
	}
	visible := p.q.Visible(p.answers)
	return step, slices.DeleteFunc(problems, func(x problem) bool { return !visible[x.question.Code] })
}

// faulty are the problems up to a step, with what is required and missing there, and the first step that has one; end for none.
func (p *paper) faulty(step int, problems []problem) (first int, all []problem) {
	_, err := p.q.Clean(p.answers, true)
	if f, ok := errors.AsType[*fault.Error](err); ok {
		for _, field := range f.Fields {
			x, row := p.about(field.Path)
			if x != nil && !slices.ContainsFunc(problems, func(y problem) bool { return y.question == x }) {
				problems = append(problems, problem{x, row, field.Reason})
			}
		}
	}
	for i := range p.steps[:min(step+1, p.end())] {
		for _, x := range p.steps[i] {
			for _, y := range problems {
				if y.question == x {
					all = append(all, y)
				}
			}
		}
		if len(all) > 0 {
			return i, all
		}
	}
	return p.end(), nil
}

// about is the question, and the row of a matrix, that a fault is about.
func (p *paper) about(path string) (x *form.Question, row string) {
	code, rest, _ := strings.Cut(strings.TrimPrefix(path, "answers/"), "/")
	x, ok := p.q.Question(code)
	if !ok {
		return nil, ""
	}
	if x.Type == form.Matrix {
		row = rest
	}
	return x, row
}

// name of a field: of a question, or of its row or option.
func name(x *form.Question, part string) string {
	if part == "" {
		return "q." + x.Code
	}
	return "q." + x.Code + "." + part
}

func unsureName(x *form.Question) string { return "dk." + x.Code }

// given is the answer to a question that a form holds, as form.Clean takes it, or why it is none.
func given(x *form.Question, posted url.Values) (answer any, reason fault.Reason) {
	unsure := x.DontKnow && posted.Has(unsureName(x))
	switch x.Type {
	case form.Choices:
		var codes []any
		for _, code := range posted[name(x, "")] {
			codes = append(codes, code)
		}
		if len(codes) > 0 {
			return codes, ""
		}
	case form.Ranking:
		return ranked(x, posted, unsure)
	case form.Matrix:
		levels := map[string]any{}
		for _, r := range x.Rows {
			if v := posted.Get(name(x, r.Code)); v != "" {
				levels[r.Code] = v
			}
		}
		if len(levels) > 0 {
			return levels, ""
		}
	default:
		if v := strings.TrimSpace(printed(posted.Get(name(x, "")))); v != "" {
			return v, ""
		}
	}
	if unsure {
		return form.DontKnow, ""
	}
	return nil, ""
}

// printed is a text without the control characters that come along when somebody pastes it: nobody could see what is wrong with them.
// What is no text stays as it is, to be refused.
func printed(s string) string {
	if !utf8.ValidString(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// ranked are the options in the order of the places that they were given.
func ranked(x *form.Question, posted url.Values, unsure bool) (answer any, reason fault.Reason) {
	places := make([]any, len(x.Options))
	n := 0
	for _, o := range x.Options {
		v := posted.Get(name(x, o.Code))
		if v == "" {
			continue
		}
		place, err := strconv.Atoi(v)
		switch {
		case err != nil || place < 1 || place > len(places):
			return nil, fault.OutOfRange
		case places[place-1] != nil:
			return nil, fault.Duplicate
		}
		places[place-1] = o.Code
		n++
	}
	switch {
	case n == 0 && unsure:
		return form.DontKnow, ""
	case n == 0:
		return nil, ""
	case n < len(places):
		return nil, fault.TooShort
	}
	return places, ""
}

// written are answers as a form holds them.
func written(q *form.Questionnaire, answers form.Answers) url.Values {
	v := url.Values{}
	for i := range q.Questions {
		x := &q.Questions[i]
		answer := answers[x.Code]
		if answer == form.DontKnow && x.DontKnow && !radios(x) {
			v.Set(unsureName(x), "1")
			continue
		}
		switch a := answer.(type) {
		case string:
			v.Set(name(x, ""), a)
		case float64:
			v.Set(name(x, ""), strconv.FormatFloat(a, 'f', -1, 64))
		case bool:
			v.Set(name(x, ""), map[bool]string{true: "yes", false: "no"}[a])
		case []any:
			for place, code := range a {
				if s, _ := code.(string); x.Type == form.Ranking {
					v.Set(name(x, s), strconv.Itoa(place+1))
				} else {
					v.Add(name(x, ""), s)
				}
			}
		case map[string]any:
			for row, level := range a {
				if n, ok := level.(float64); ok {
					v.Set(name(x, row), strconv.FormatFloat(n, 'f', -1, 64))
				}
			}
		}
	}
	return v
}

// radios says whether one of several is chosen.
func radios(x *form.Question) bool {
	switch x.Type {
	case form.Rating, form.NPS, form.Effort, form.YesNo, form.Choice:
		return true
	}
	return false
}
