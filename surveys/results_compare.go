package surveys

import (
	"math"

	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/surveys/stats"
)

// FormulaYes is the headline of a question with yes and no: the share of yes among those who said either.
const FormulaYes = "yes"

// Why a question is not compared, beside what form.Break says.
const (
	BreakAbsent  = "absent"  // it was not asked then
	BreakFormula = "formula" // the formula of its headline has another version now
)

// compare puts the headline of each question beside that of an earlier round, and marks in questions, which are c's, what
// breaks the comparison.
func (c *counted) compare(then *counted, questions []QuestionResult) *Comparison {
	answer := &Comparison{Round: then.round.ID, Number: then.round.Number, Questions: []QuestionCompared{}}
	f, earlier := newFigures(then.tally), map[[2]string]int{}
	before := columns(then.q)
	for i, column := range before {
		earlier[then.tally.Items[i].key(column)] = i
	}
	for i, column := range columns(c.q) {
		q := &questions[i]
		x := QuestionCompared{Code: q.Code, Row: q.Row}
		j, ok := earlier[c.tally.Items[i].key(column)]
		switch {
		case ok:
			x.Break = form.Break(column.question, before[j].question)
		case then.asks(column.question):
			q0, _ := then.q.Question(q.Code)
			x.Break = form.Break(column.question, q0) // a row that is new, or another type
		default:
			x.Break = BreakAbsent
		}
		if x.Headline = headline(column.question); x.Break == "" && c.tally.Formulas[x.Headline] != then.tally.Formulas[x.Headline] {
			x.Break = BreakFormula
		}
		if q.Break = x.Break; x.Break == "" && x.Headline != "" {
			item := &then.tally.Items[j]
			old := f.cell(before[j], item, 0, item.hiddenGroups(then.tally.Groups)[0])
			x.difference(&q.Total, &old)
		}
		answer.Questions = append(answer.Questions, x)
	}
	return answer
}

func (x *item) key(c *column) [2]string { return [2]string{c.question.Code, x.Row} }

func (c *counted) asks(q *form.Question) bool {
	_, ok := c.q.Question(q.Code)
	return ok
}

// headline is the formula by which a question is compared, "" for none.
func headline(q *form.Question) string {
	switch q.Type {
	case form.Rating, form.Matrix:
		return stats.FormulaTop2
	case form.YesNo:
		return FormulaYes
	case form.Effort:
		return stats.FormulaEffort
	case form.NPS:
		return stats.FormulaNPS
	}
	return ""
}

// share that is the headline of a cell; nil for NPS.
func (c *Cell) share(headline string) *Share {
	switch headline {
	case stats.FormulaTop2:
		return c.Top2
	case stats.FormulaEffort:
		return c.Effort
	case FormulaYes:
		for i := range c.Options {
			if c.Options[i].Code == form.PackedYes {
				return &c.Options[i].Share
			}
		}
	}
	return nil
}

// difference between two totals, unless one of them is not published.
func (x *QuestionCompared) difference(now, then *Cell) {
	if now.Suppressed || then.Suppressed {
		return
	}
	if x.Headline == stats.FormulaNPS {
		x.differenceOfNPS(now.NPS, then.NPS)
		return
	}
	a, b := now.share(x.Headline), then.share(x.Headline)
	if a == nil || b == nil || a.N == 0 || b.N == 0 {
		return
	}
	x.Now, x.Then = a.Share, b.Share
	x.Difference = new(*a.Share - *b.Share)
	low, high := stats.Newcombe(*a.Share, float64(a.N), *b.Share, float64(b.N), stats.Z95)
	x.Interval = &Interval{low, high, stats.Level95, stats.MethodNewcombe}
	z, p := stats.TwoProportions(a.Count, a.N, b.Count, b.N)
	x.Z, x.P = &z, &p
}

func (x *QuestionCompared) differenceOfNPS(now, then *Estimate) {
	if now == nil || then == nil || now.SE == nil || then.SE == nil {
		return
	}
	x.Now, x.Then = &now.Value, &then.Value
	d, z, p := stats.Difference(stats.Estimate{Value: now.Value, SE: *now.SE}, stats.Estimate{Value: then.Value, SE: *then.SE})
	low, high := d.Interval(stats.Z95)
	x.Difference, x.Interval = &d.Value, &Interval{max(-200, low), min(200, high), stats.Level95, stats.MethodSE}
	if !math.IsInf(z, 0) && !math.IsNaN(z) {
		x.Z, x.P = &z, &p
	}
}
