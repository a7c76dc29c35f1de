package manage

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

const roundsPath = "/v1/insights/rounds"

func readRounds(v *page.Visit, programme string) ([]gen.RoundSummary, error) {
	var l gen.RoundList
	q := url.Values{}
	if programme != "" {
		q.Set("programme", programme)
	}
	return l.Items, v.Get(roundsPath, q, &l)
}

// roundsPage lists the rounds of surveys, newest first.
func roundsPage(v *page.Visit) error {
	all, err := readRounds(v, "")
	if err != nil {
		return err
	}
	t := table{Head: []cell{plain(v.T("manage_survey")), {Text: v.T("manage_round_number"), Number: true}, plain(v.T("manage_state")), plain(v.T("manage_window")), plain(v.T("manage_opened")), plain(v.T("manage_closes")), {Text: v.T("manage_sampled"), Number: true}}}
	for _, r := range all {
		t.Rows = append(t.Rows, []cell{{Text: r.Names[v.Lang], Href: "/manage/rounds/" + r.Id}, number(v.N(r.Number)), plain(v.T("manage_round_" + string(r.State))),
			plain(v.Day(r.From) + " – " + v.Day(r.To)), plain(v.Day(r.Opened)), plain(v.Day(r.Closes)), number(v.N(r.Sampled))})
	}
	return (&shown{More: t}).show(v, "rounds", v.T("manage_rounds"))
}

// roundShown is what the page of a round has besides figures.
type roundShown struct {
	Round      *gen.RoundResults
	Earlier    []choice
	Comparison *figure
	Methods    figure
	Verbatims  []said
	Next       string
}

// said is what somebody wrote.
type said struct{ Question, Text, Day, Lang string }

// roundPage has the results of a round, how they came about, how they compare, and what people wrote.
func roundPage(v *page.Visit) error {
	id, q := v.Param("id"), url.Values{}
	if x := v.Query("compare"); x != "" {
		q.Set("compare", x)
	}
	r, path := &gen.RoundResults{}, roundsPath+"/"+url.PathEscape(id)
	if err := v.Get(path, q, r); err != nil {
		return err
	}
	var asked gen.Questionnaire
	if err := v.Get("/v1/admin/questionnaires/"+r.Methods.Questionnaire+"/versions/"+strconv.Itoa(r.Methods.Version), nil, &asked); err != nil {
		return err
	}
	x := &results{v: v, RoundResults: r, asked: &asked}
	p := &shown{Facts: x.facts()}
	p.Figures = append(p.Figures, x.dispositions().from(path+"/results", q))
	for i := range r.Questions {
		p.Figures = append(p.Figures, x.question(i).from(path+"/results", q))
	}
	more := roundShown{Round: r, Methods: x.methods()}
	more.Methods.CSV = path + "/methods.csv"
	if r.Comparison != nil {
		more.Comparison = x.comparison()
	}
	for _, n := range r.Methods.Notes {
		p.Notes = append(p.Notes, v.Either("manage_note_"+n, n))
	}
	var err error
	if more.Earlier, err = x.earlier(); err != nil {
		return err
	}
	if err := x.verbatims(path, &more); err != nil {
		return err
	}
	p.More = more
	return p.show(v, "round", r.Names[v.Lang])
}

// earlier are the rounds that this one may be compared with.
func (x *results) earlier() ([]choice, error) {
	v := x.v
	rounds, err := readRounds(v, x.Programme)
	if err != nil {
		return nil, err
	}
	all := []choice{{Text: v.T("manage_no_comparison"), Here: x.Comparison == nil}}
	for _, r := range rounds {
		if r.Number < x.Number {
			all = append(all, choice{Value: r.Id, Text: v.T("manage_round_n", r.Number) + " – " + v.Day(r.Opened), Here: v.Query("compare") == r.Id})
		}
	}
	return all, nil
}

func (x *results) verbatims(path string, more *roundShown) error {
	v, q := x.v, url.Values{"limit": {"20"}, "state": {"approved"}}
	if c := v.Query("cursor"); c != "" {
		q.Set("cursor", c)
	}
	var page gen.VerbatimPage
	if err := v.Get(path+"/verbatims", q, &page); err != nil {
		return err
	}
	for _, w := range page.Items {
		s := said{Question: x.label(w.Question), Text: w.Text}
		if w.Day != nil {
			s.Day = v.Day(*w.Day)
		}
		if w.Language != nil {
			s.Lang = string(*w.Language)
		}
		more.Verbatims = append(more.Verbatims, s)
	}
	if page.Next != nil {
		here := v.Queries()
		here.Set("cursor", *page.Next)
		more.Next = v.Path() + "?" + here.Encode() + "#verbatims"
	}
	return nil
}

func (x *results) comparison() *figure {
	v := x.v
	t := table{Head: []cell{plain(v.T("manage_question")), plain(v.T("manage_formula")), {Text: v.T("manage_this_round"), Number: true}, {Text: v.T("manage_round_n", x.Comparison.Number), Number: true},
		{Text: v.T("manage_difference"), Number: true}, {Text: v.T("manage_interval"), Number: true}, {Text: "p", Number: true}}}
	for _, c := range x.Comparison.Questions {
		label := plain(x.label(c.Code))
		if c.Row != nil {
			label.Text += " – " + x.option(c.Code, *c.Row)
		}
		if c.Break != nil && *c.Break != "" {
			t.Rows = append(t.Rows, []cell{label, {Text: v.Either("manage_break_"+*c.Break, *c.Break), Why: *c.Break}})
			continue
		}
		headline := ""
		if c.Headline != nil {
			headline = *c.Headline
		}
		write := func(n *float64) string {
			if n == nil {
				return "—"
			}
			if headline == "nps" {
				return v.Dec(*n, 1)
			}
			return v.Pct(*n)
		}
		between := "—"
		if c.Interval != nil {
			between = write(&c.Interval.Low) + " – " + write(&c.Interval.High)
		}
		t.Rows = append(t.Rows, []cell{label, plain(v.Either("manage_figure_"+headline, headline)), number(write(c.Now)), number(write(c.Then)), number(write(c.Difference)),
			ranging(v, between), number(v.Dec(c.P, 3))})
	}
	return &figure{ID: "comparison", Title: v.T("manage_comparison_with", x.Comparison.Number), Table: t, Open: true, Wide: true}
}

// methods is what an outsider needs to get the same figures.
func (x *results) methods() figure {
	v, m := x.v, &x.Methods
	t := table{}
	add := func(key string, c cell) { t.Rows = append(t.Rows, []cell{plain(v.T("manage_" + key)), c}) }
	ltr := func(s string) cell { return cell{Text: s, Dir: "ltr"} }
	add("window", plain(v.Moment(m.From)+" – "+v.Moment(m.To)))
	add("questionnaire", ltr(m.Questionnaire+" v"+strconv.Itoa(m.Version)))
	add("population", plain(v.N(m.Drawn.Population)))
	for _, why := range slices.Sorted(maps.Keys(m.Drawn.Excluded)) {
		t.Rows = append(t.Rows, []cell{plain(v.T("manage_excluded") + " – " + v.Either("manage_excluded_"+why, why)), plain(v.N(m.Drawn.Excluded[why]))})
	}
	add("eligible_people", plain(v.N(m.Drawn.Eligible)))
	add("sampled", plain(v.N(m.Drawn.Sampled)))
	add("sample_method", plain(v.T("manage_sample_"+string(m.Sample.Method))))
	add("seed", ltr(m.Seed))
	add("weighting", plain(v.T("manage_weighting_"+string(x.Weighting.Method))))
	if x.Weighting.Deff != nil {
		add("deff", plain(v.Dec(x.Weighting.Deff, 2)))
		add("n_eff", plain(v.Dec(x.Weighting.NEff, 1)))
	}
	if x.Weighting.Problem != nil && *x.Weighting.Problem != "" {
		add("weighting_problem", plain(v.Either("manage_problem_"+*x.Weighting.Problem, *x.Weighting.Problem)))
	}
	add("confidence", plain(v.Pct(m.Confidence)))
	for _, name := range slices.Sorted(maps.Keys(m.Formulas)) {
		t.Rows = append(t.Rows, []cell{plain(v.T("manage_formula") + " – " + v.Either("manage_method_"+name, name)), plain(v.T("manage_version_n", m.Formulas[name]))})
	}
	add("min_cell", plain(v.N(m.MinCell)))
	add("min_employee", plain(v.N(m.MinEmployee)))
	add("suppressed_cells", plain(v.N(m.Suppressed)))
	for _, lang := range slices.Sorted(maps.Keys(m.Languages)) {
		t.Rows = append(t.Rows, []cell{plain(v.T("manage_answers") + " – " + v.Either("manage_lang_"+lang, lang)), plain(v.N(m.Languages[lang]))})
	}
	for _, how := range slices.Sorted(maps.Keys(m.How)) {
		t.Rows = append(t.Rows, []cell{plain(v.T("manage_answers") + " – " + v.Either("manage_how_"+how, how)), plain(v.N(m.How[how]))})
	}
	return figure{ID: "methods", Title: v.T("manage_methods"), Table: t, Wide: true}
}

// facts are how many answered, of how many.
func (x *results) facts() []fact {
	v, d := x.v, x.Dispositions
	invited := d.Complete + d.Partial + d.Refused + d.NonContact + d.Other + d.Unknown + d.Open
	return []fact{
		{v.T("manage_respondents"), v.N(x.Respondents), v.T("manage_of_invited", invited)},
		{v.T("manage_rr1"), v.Pct(x.Rates.Rr1), v.T("manage_rr1_note")},
		{v.T("manage_rr2"), v.Pct(x.Rates.Rr2), v.T("manage_rr2_note")},
		{v.T("manage_rr3"), v.Pct(x.Rates.Rr3), v.T("manage_rr3_note")},
		{v.T("manage_rr5"), v.Pct(x.Rates.Rr5), v.T("manage_rr5_note")},
		{v.T("manage_state"), v.T("manage_round_" + string(x.State)), cmp.Or(map[bool]string{true: v.T("manage_final")}[x.Final], v.T("manage_preliminary"))},
	}
}
