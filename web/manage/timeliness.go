package manage

import (
	"slices"
	"strconv"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

const deadlinesPath = "/v1/insights/deadlines"

// prompt are the dimensions of promptness, in the order in which they are offered.
var prompt = []string{"centre", "region", "department", "category", "channel", "month"}

// promptness says how many reports there are, and how they were handled.
func promptness(v *page.Visit, received int, t *gen.DeadlinesRow) []fact {
	of := func(p gen.Promptness) string { return v.T("manage_of_due", p.Due) }
	return []fact{
		{v.T("manage_reports"), v.N(received), ""},
		{v.T("manage_open_now"), v.N(t.Open), ""},
		{v.T("manage_first_answer_median"), v.Minutes(t.FirstAnswer.MedianMinutes), v.T("manage_p90_is", 9, 10, v.Minutes(t.FirstAnswer.P90Minutes))},
		{v.T("manage_resolution_median"), v.Minutes(t.Resolution.MedianMinutes), v.T("manage_p90_is", 9, 10, v.Minutes(t.Resolution.P90Minutes))},
		{v.T("manage_first_answer_missed"), v.N(t.FirstAnswer.Missed), of(t.FirstAnswer)},
		{v.T("manage_resolution_missed"), v.N(t.Resolution.Missed), of(t.Resolution)},
	}
}

func (x namedRow) name(v *page.Visit, by string) string {
	if x.Key == nil {
		return v.T("manage_all_open")
	}
	name := ""
	if x.Name != nil {
		name = *x.Name
	}
	return keyName(v, by, *x.Key, name)
}

type namedRow struct{ *gen.DeadlinesRow }

// rowsOf are the rows, or the total where nothing divides it.
func rowsOf(d *gen.Deadlines) (all []namedRow) {
	for i := range d.Rows {
		all = append(all, namedRow{&d.Rows[i]})
	}
	if len(all) == 0 {
		all = append(all, namedRow{&d.Total})
	}
	return all
}

// ages are those of the open reports.
func ages(v *page.Visit, f *filter, d *gen.Deadlines, by string) figure {
	colours := []string{"level-5", "level-4", "level-3", "warn", "level-2", "level-1"}
	t := table{Head: []cell{plain(v.T("manage_age")), {Text: v.T("manage_open_reports"), Number: true}}}
	c := &chart{Kind: "bars", Label: v.T("manage_ages"), Series: []series{{Name: v.T("manage_open_reports")}}}
	if by == "none" {
		for i, n := range d.Total.Ages {
			name := v.In(v.T("manage_age_" + strconv.Itoa(i)))
			c.Names, c.Series[0].Values = append(c.Names, name), append(c.Series[0].Values, float(n))
			t.Rows = append(t.Rows, []cell{plain(name), number(v.N(n))})
		}
		t.Foot = []cell{plain(v.T("manage_total")), number(v.N(d.Total.Open))}
		return figure{ID: "ages", Title: v.T("manage_ages"), Chart: c, Table: t}
	}
	c.Kind, c.Series = "stack", nil
	t.Head = head(v, "by_"+by)
	for i := range d.Total.Ages {
		c.Series = append(c.Series, series{Name: v.In(v.T("manage_age_" + strconv.Itoa(i))), Colour: colours[i]})
		t.Head = append(t.Head, cell{Text: v.In(v.T("manage_age_" + strconv.Itoa(i))), Number: true})
	}
	t.Head = append(t.Head, cell{Text: v.T("manage_open_reports"), Number: true})
	line := func(first cell, x *gen.DeadlinesRow) []cell {
		cells := []cell{first}
		for _, n := range x.Ages {
			cells = append(cells, number(v.N(n)))
		}
		return append(cells, number(v.N(x.Open)))
	}
	for _, x := range rowsOf(d) {
		t.Rows = append(t.Rows, line(plain(x.name(v, by)), x.DeadlinesRow))
		if x.Open == 0 {
			continue
		}
		c.Names = append(c.Names, x.name(v, by))
		for i, n := range x.Ages {
			c.Series[i].Values = append(c.Series[i].Values, float(n))
		}
	}
	t.Foot = line(plain(v.T("manage_total")), &d.Total)
	return figure{ID: "ages", Title: v.T("manage_ages_by", v.T("manage_by_"+by)), Chart: c, Table: t, Wide: true}
}

// kept draws for one deadline the share of each row that missed it, beside how long it took.
func kept(v *page.Visit, f *filter, d *gen.Deadlines, by, what string, of func(*gen.DeadlinesRow) gen.Promptness) figure {
	c := &chart{Kind: "bars", Label: v.T("manage_" + what + "_missed"), Percent: true, Series: []series{{Name: v.T("manage_missed_share"), Colour: "level-1"}}}
	t := table{Head: head(v, "by_"+by, "median", "p90", "took", "due", "missed", "missed_share", "overdue")}
	line := func(first cell, p gen.Promptness) ([]cell, *float64) {
		var share *float64
		if p.Due > 0 {
			share = new(float64(p.Missed) / float64(p.Due))
		}
		return []cell{first, number(v.Minutes(p.MedianMinutes)), number(v.Minutes(p.P90Minutes)), number(v.N(p.N)), number(v.N(p.Due)), number(v.N(p.Missed)),
			number(v.Pct(share)), number(v.N(p.Overdue))}, share
	}
	for _, x := range rowsOf(d) {
		first := plain(x.name(v, by))
		if slices.Contains(narrowing, by) && x.Key != nil && *x.Key != "" {
			first.Href = f.href("/manage/timeliness", by, *x.Key, "by", deeper[by])
		}
		cells, share := line(first, of(x.DeadlinesRow))
		t.Rows = append(t.Rows, cells)
		if share != nil {
			c.Names, c.Series[0].Values = append(c.Names, first.Text), append(c.Series[0].Values, share)
			c.N = append(c.N, float(of(x.DeadlinesRow).Due))
		}
	}
	t.Foot, _ = line(plain(v.T("manage_total")), of(&d.Total))
	return figure{ID: what, Title: v.T("manage_" + what + "_by"), Chart: c, Table: t, Open: true, Wide: true, Notes: []string{v.T("manage_deadlines_note")}}
}

// timelinessPage tells how promptly reports are handled.
func timelinessPage(v *page.Visit) error {
	f, err := filters(v)
	if err != nil {
		return err
	}
	p := &shown{Filter: f}
	by := p.divide(v, prompt)
	if f.Wrong == nil {
		var d gen.Deadlines
		q := f.query(narrowing, "by", by)
		if err := v.Get(deadlinesPath, q, &d); err != nil {
			return err
		}
		p.Facts = promptness(v, d.Total.Received, &d.Total)
		for _, x := range []figure{ages(v, f, &d, by),
			kept(v, f, &d, by, "first_answer", func(x *gen.DeadlinesRow) gen.Promptness { return x.FirstAnswer }),
			kept(v, f, &d, by, "resolution", func(x *gen.DeadlinesRow) gen.Promptness { return x.Resolution })} {
			p.Figures = append(p.Figures, x.from(deadlinesPath, q))
		}
	}
	return p.show(v, "figures", v.T("manage_timeliness"))
}
