package manage

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

// satisfaction is what the API says of satisfaction.
type satisfaction struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Formula string  `json:"formula"`
	Version int     `json:"version"`
	MinCell int     `json:"min_cell"`
	Rows    []score `json:"rows"`
	Total   score   `json:"total"`
	Marks   []struct {
		Day     string `json:"day"`
		Kind    string `json:"kind"`
		Code    string `json:"code"`
		Version int    `json:"version"`
	} `json:"marks"`
}

// score is one row; suppressed for a reason.
type score struct {
	gen.SatisfactionRow
	Reason string `json:"reason"`
}

const satisfactionPath = "/v1/insights/satisfaction"

// dimensions of the page, in the order in which they are offered.
var dimensions = []string{"centre", "region", "department", "category", "channel", "employee", "gender", "residency", "company"}

// deeper is what a row of a dimension is divided by next.
var deeper = map[string]string{"region": "centre", "centre": "department", "department": "category", "category": "channel", "channel": "centre"}

func readSatisfaction(v *page.Visit, f *filter, by string) (*satisfaction, url.Values, error) {
	q := f.query(narrowing, "by", by)
	s := &satisfaction{}
	return s, q, v.Get(satisfactionPath, q, s)
}

// named is what a row is called.
func (x *score) named(v *page.Visit, by string) string {
	if x.Key == nil || *x.Key == "" {
		return v.T("manage_not_known")
	}
	switch by {
	case "month", "hijri_month":
		return v.Month(*x.Key)
	case "region":
		return regionName(v, *x.Key)
	}
	if x.Name != nil && *x.Name != "" {
		return *x.Name
	}
	return v.Either("manage_"+by+"_"+*x.Key, *x.Key)
}

// why a row is not published; "" when it is.
func (s *satisfaction) why(v *page.Visit, x *score) string {
	switch {
	case !x.Suppressed:
		return ""
	case x.Reason == "protects_another":
		return v.T("manage_protects_another", max(s.MinCell, 10))
	}
	return v.T("manage_too_few", max(s.MinCell, 10))
}

func interval(v *page.Visit, low, high float64) string { return v.Pct(low) + " – " + v.Pct(high) }

func (x *score) interval(v *page.Visit) string {
	if x.Interval == nil {
		return "—"
	}
	return interval(v, x.Interval.Low, x.Interval.High)
}

// link leads to the same page, narrowed to a row; "" where nothing can be narrowed by it.
func link(f *filter, by string, x *score) string {
	if deeper[by] == "" || x.Key == nil || *x.Key == "" {
		return ""
	}
	return f.href("/manage/satisfaction", by, *x.Key, "by", deeper[by])
}

// scores is the table of everything that is known of each row.
func (s *satisfaction) scores(v *page.Visit, f *filter, by string) table {
	t := table{Head: head(v, "by_"+by, "top2", "interval", "answers", "eligible", "response_rate", "mean100", "level_1", "level_2", "level_3", "level_4", "level_5")}
	line := func(first cell, x *score) []cell {
		if why := s.why(v, x); why != "" {
			return []cell{first, {Text: why, Why: why}}
		}
		all := []cell{first, number(v.Pct(x.Top2)), ranging(v, x.interval(v)), number(v.N(x.N)), number(v.N(x.Eligible)), number(v.Pct(x.ResponseRate)), number(v.Dec(x.Mean100, 1))}
		for _, n := range x.Counts {
			all = append(all, number(v.N(n)))
		}
		return all
	}
	for i := range s.Rows {
		x := &s.Rows[i]
		t.Rows = append(t.Rows, line(cell{Text: x.named(v, by), Href: link(f, by, x)}, x))
	}
	t.Foot = line(plain(v.T("manage_total")), &s.Total)
	return t
}

// order puts rows of groups by their figure, the best first, and leaves those of time as they are.
func (s *satisfaction) order(by string) {
	if by == "month" || by == "hijri_month" {
		return
	}
	value := func(x score) float64 {
		if x.Top2 == nil {
			return -1
		}
		return *x.Top2
	}
	slices.SortStableFunc(s.Rows, func(a, b score) int {
		switch x, y := value(a), value(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
}

// bars draw the headline of each row that is published, with its interval.
func (s *satisfaction) bars(v *page.Visit, f *filter, by, kind string) *chart {
	c := &chart{Kind: kind, Label: v.T("manage_satisfaction_by", v.T("manage_by_"+by)), Percent: true, Interval: v.T("manage_interval"), Series: []series{{Name: v.T("manage_top2")}}}
	if kind == "trend" {
		c.Axis = v.T("manage_months")
	}
	for i := range s.Rows {
		x := &s.Rows[i]
		if kind != "trend" && (x.Suppressed || x.N == 0) {
			continue
		}
		c.Names = append(c.Names, x.named(v, by))
		var low, high *float64
		if x.Interval != nil {
			low, high = &x.Interval.Low, &x.Interval.High
		}
		c.Low, c.High, c.N = append(c.Low, low), append(c.High, high), append(c.N, float(x.N))
		c.Series[0].Values = append(c.Series[0].Values, x.Top2)
		if to := link(f, by, x); to != "" {
			c.Links = append(c.Links, to)
		}
		for _, m := range s.Marks {
			if kind == "trend" && x.Key != nil && monthOf(m.Day, by) == *x.Key {
				c.Marks = append(c.Marks, noted{len(c.Names) - 1, v.T("manage_mark_"+m.Kind, m.Version)})
			}
		}
	}
	return c
}

// levels draw the five levels of each row, as shares of its answers.
func (s *satisfaction) levels(v *page.Visit, f *filter, by string) *chart {
	c := &chart{Kind: "stack", Label: v.T("manage_levels_by", v.T("manage_by_"+by)), Percent: true, Whole: true}
	for level := range 5 {
		c.Series = append(c.Series, series{Name: v.T(fmt.Sprintf("manage_level_%d", level+1)), Colour: fmt.Sprintf("level-%d", level+1)})
	}
	for i := range s.Rows {
		x := &s.Rows[i]
		if x.Suppressed || x.N == 0 {
			continue
		}
		c.Names, c.N = append(c.Names, x.named(v, by)), append(c.N, float(x.N))
		for level, n := range x.Counts {
			c.Series[level].Values = append(c.Series[level].Values, float(n))
		}
		if to := link(f, by, x); to != "" {
			c.Links = append(c.Links, to)
		}
	}
	return c
}

// headline is the one number of the page, and what it rests on.
type headline struct {
	Value, Interval, N, Rate, Why, Formula string
	Level                                  float64 // of confidence, in percent
}

func (s *satisfaction) headline(v *page.Visit) headline {
	h := headline{Formula: v.T("manage_formula_"+s.Formula, s.Version), Why: s.why(v, &s.Total)}
	if h.Why == "" {
		h.Value, h.Interval = v.Pct(s.Total.Top2), s.Total.interval(v)
		h.N, h.Rate = v.N(s.Total.N), v.Pct(s.Total.ResponseRate)
		if s.Total.Interval != nil {
			h.Level = 100 * s.Total.Interval.Level
		}
	}
	return h
}

// satisfactionPage divides satisfaction by one dimension.
func satisfactionPage(v *page.Visit) error {
	f, err := filters(v)
	if err != nil {
		return err
	}
	p := &shown{Filter: f}
	by := p.divide(v, dimensions)
	if f.Wrong == nil {
		s, q, err := readSatisfaction(v, f, by)
		if err != nil {
			return err
		}
		s.order(by)
		p.More = s.headline(v)
		title := v.T("manage_satisfaction_by", v.T("manage_by_"+by))
		if by == "region" {
			p.Figures = append(p.Figures, figure{ID: "map", Title: v.T("manage_map_of_regions"), Map: shade(v, f, s)})
		}
		bars := figure{ID: "bars", Title: title, Chart: s.bars(v, f, by, "bars"), Wide: by != "region", Table: s.scores(v, f, by), Open: true}.from(satisfactionPath, q)
		if by == "employee" {
			bars.Notes = append(bars.Notes, v.T("manage_employees_from", max(s.MinCell, 30)))
		}
		p.Figures = append(p.Figures, bars, figure{ID: "levels", Title: v.T("manage_levels_by", v.T("manage_by_"+by)), Chart: s.levels(v, f, by), Wide: true})
	}
	return p.show(v, "figures", v.T("manage_satisfaction"))
}
