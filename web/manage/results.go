package manage

import (
	"maps"
	"slices"
	"strconv"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// results are those of a round, with the questionnaire that names its options.
type results struct {
	v *page.Visit
	*gen.RoundResults
	asked *gen.Questionnaire
}

// dispositions are what became of the invitations, by AAPOR.
func (x *results) dispositions() figure {
	v, d := x.v, x.Dispositions
	c := &chart{Kind: "bars", Label: v.T("manage_dispositions"), Series: []series{{Name: v.T("manage_invitations")}}}
	t := table{Head: []cell{plain(v.T("manage_disposition")), {Text: v.T("manage_invitations"), Number: true}}}
	for _, y := range []struct {
		key string
		n   int
	}{{"complete", d.Complete}, {"partial", d.Partial}, {"refused", d.Refused}, {"non_contact", d.NonContact}, {"other", d.Other}, {"unknown", d.Unknown}, {"open", d.Open}} {
		name := v.T("manage_disposition_" + y.key)
		c.Names, c.Series[0].Values = append(c.Names, name), append(c.Series[0].Values, float(y.n))
		t.Rows = append(t.Rows, []cell{plain(name), number(v.N(y.n))})
	}
	return figure{ID: "dispositions", Title: v.T("manage_dispositions"), Chart: c, Table: t, Wide: true}
}

func (x *results) find(code string) *gen.Question {
	for i := range x.asked.Questions {
		if x.asked.Questions[i].Code == code {
			return &x.asked.Questions[i]
		}
	}
	return nil
}

// label is the text of a question.
func (x *results) label(code string) string {
	if q := x.find(code); q != nil {
		return q.Label[x.v.Lang]
	}
	return code
}

// option is what an option, a level or a row is called.
func (x *results) option(question, code string) string {
	q := x.find(question)
	if q == nil {
		return code
	}
	for _, o := range slices.Concat(q.Options, q.Rows) {
		if o.Code == code {
			return o.Label[x.v.Lang]
		}
	}
	switch q.Type {
	case "rating", "matrix":
		return x.v.Either("manage_level_"+code, code)
	case "yes_no":
		return x.v.Either("manage_answer_"+code, code)
	}
	return x.v.In(code)
}

// headlineOf is the one figure of a question, as a proportion or a number with its interval, and what it is called.
func headlineOf(v *page.Visit, kind gen.QuestionType, c *gen.ResultCell) (name, value, between string) {
	share := func(name string, s *gen.ShareFigure) (string, string, string) {
		if s.Interval == nil {
			return v.T("manage_figure_" + name), v.Pct(s.Share), "—"
		}
		return v.T("manage_figure_" + name), v.Pct(s.Share), interval(v, s.Interval.Low, s.Interval.High)
	}
	estimate := func(name string, e *gen.EstimateFigure) (string, string, string) {
		if e.Interval == nil {
			return v.T("manage_figure_" + name), v.Dec(e.Value, 1), "—"
		}
		return v.T("manage_figure_" + name), v.Dec(e.Value, 1), v.Dec(e.Interval.Low, 1) + " – " + v.Dec(e.Interval.High, 1)
	}
	switch {
	case c.Top2 != nil:
		return share("top2", c.Top2)
	case c.Effort != nil:
		return share("effort", c.Effort)
	case c.Nps != nil:
		return estimate("nps", c.Nps)
	case kind == "yes_no":
		for _, o := range c.Options {
			if o.Code == "y" {
				return share("yes", &gen.ShareFigure{Count: o.Count, N: o.N, Share: o.Share, Interval: o.Interval})
			}
		}
	case c.Mean != nil:
		return estimate("mean", c.Mean)
	}
	return "", "", ""
}

// question is a figure of one question, or of one row of a matrix.
func (x *results) question(i int) figure {
	v, q := x.v, &x.Questions[i]
	f := figure{ID: "q" + strconv.Itoa(i), Title: q.Label[v.Lang]}
	if q.RowLabel != nil {
		f.Title += " – " + (*q.RowLabel)[v.Lang]
	}
	if q.Total.Suppressed != nil && *q.Total.Suppressed {
		f.Notes = []string{v.T("manage_too_few", x.Methods.MinCell)}
		return f
	}
	if name, value, between := headlineOf(v, q.Type, &q.Total); name != "" {
		f.Notes = append(f.Notes, v.T("manage_headline_is", name, value, between, v.N(q.Total.N)))
	}
	f.Notes = append(f.Notes, v.T("manage_asked_n", int(q.Total.Asked), int(q.Total.N), int(q.Total.DontKnow), int(q.Total.Skipped)))
	if len(q.Total.Options) > 0 {
		x.options(&f, q)
	}
	x.breakdown(&f, q)
	return f
}

// options draw what was answered.
func (x *results) options(f *figure, q *gen.QuestionResult) {
	v := x.v
	c := &chart{Kind: "bars", Label: f.Title, Percent: true, Interval: v.T("manage_interval"), Series: []series{{Name: v.T("manage_share")}}}
	f.Table.Head = []cell{plain(v.T("manage_answer")), {Text: v.T("manage_answers"), Number: true}, {Text: v.T("manage_share"), Number: true}, {Text: v.T("manage_interval"), Number: true}, {Text: v.T("manage_weighted"), Number: true}}
	for _, o := range q.Total.Options {
		name := x.option(q.Code, o.Code)
		var low, high *float64
		between, weighted := "—", "—"
		if o.Interval != nil {
			low, high, between = &o.Interval.Low, &o.Interval.High, interval(v, o.Interval.Low, o.Interval.High)
		}
		if o.Weighted != nil {
			weighted = v.Pct(o.Weighted.Estimate)
		}
		c.Names, c.Series[0].Values = append(c.Names, name), append(c.Series[0].Values, o.Share)
		c.Low, c.High, c.N = append(c.Low, low), append(c.High, high), append(c.N, float(o.Count))
		f.Table.Rows = append(f.Table.Rows, []cell{plain(name), number(v.N(o.Count)), number(v.Pct(o.Share)), ranging(v, between), number(weighted)})
	}
	f.Chart = c
}

// breakdown has the headline of each group, below the answers of all.
func (x *results) breakdown(f *figure, q *gen.QuestionResult) {
	v := x.v
	for _, d := range slices.Sorted(maps.Keys(q.Breakdown)) {
		t := &table{Head: []cell{plain(v.Either("manage_by_"+d, d)), {Text: v.T("manage_share"), Number: true}, {Text: v.T("manage_interval"), Number: true}, {Text: v.T("manage_answers"), Number: true}}}
		for _, c := range q.Breakdown[d] {
			key := ""
			if c.Key != nil {
				key = *c.Key
			}
			name := x.Labels[d][key]
			if name == "" {
				name = keyName(v, d, key, v.Either("manage_"+d+"_"+key, key))
			}
			if c.Suppressed != nil && *c.Suppressed {
				t.Rows = append(t.Rows, []cell{plain(name), {Text: v.T("manage_too_few_or_protects", x.Methods.MinCell), Why: "suppressed"}})
				continue
			}
			label, value, between := headlineOf(v, q.Type, &c)
			if label == "" {
				return
			}
			t.Head[1].Text = label
			t.Rows = append(t.Rows, []cell{plain(name), number(value), ranging(v, between), number(v.N(c.N))})
		}
		f.Breakdown = append(f.Breakdown, broken{v.Either("manage_by_"+d, d), *t})
	}
}
