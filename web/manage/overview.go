package manage

import (
	"cmp"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/hijri"
	"github.com/balagh/balagh/web/page"
)

// monthOf is the month of a day, as a dimension has it.
func monthOf(day, by string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	if by == "hijri_month" {
		return hijri.FromGregorian(t.Date()).String()[:len("1448-05")]
	}
	return day[:len("2006-01")]
}

// overview is everything at once: as a page, on one sheet of paper, or on a wall.
func overview(v *page.Visit) error {
	f, err := filters(v)
	if err != nil {
		return err
	}
	p := &shown{Filter: f}
	if f.Wrong == nil {
		if err := p.overview(v); err != nil {
			return err
		}
	}
	name := map[string]string{"print": "print", "wall": "wall"}[v.Query("view")]
	return p.show(v, cmp.Or(name, "overview"), v.T("management"))
}

func (p *shown) overview(v *page.Visit) error {
	f := p.Filter
	trend, q, err := readSatisfaction(v, f, f.month())
	if err != nil {
		return err
	}
	p.More = trend.headline(v)
	p.Figures = append(p.Figures, figure{ID: "trend", Title: v.T("manage_satisfaction_trend"), Wide: true, Chart: trend.bars(v, f, f.month(), "trend"),
		Table: trend.scores(v, f, f.month())}.from(satisfactionPath, q))

	centres, q, err := readSatisfaction(v, f, "centre")
	if err != nil {
		return err
	}
	centres.order("centre")
	p.Figures = append(p.Figures, figure{ID: "levels", Title: v.T("manage_levels_by", v.T("manage_by_centre")), Chart: centres.levels(v, f, "centre"),
		Table: centres.scores(v, f, "centre")}.from(satisfactionPath, q))

	volumes, err := readVolumes(v, f, f.month())
	if err != nil {
		return err
	}
	p.Figures = append(p.Figures, volumes.figure(v, f, "volumes", v.T("manage_volumes_over_time")))

	var d gen.Deadlines
	q = f.query(narrowing, "by", "none")
	if err := v.Get(deadlinesPath, q, &d); err != nil {
		return err
	}
	p.Facts = promptness(v, volumes.Total, &d.Total)
	p.Figures = append(p.Figures, ages(v, f, &d, "none").from(deadlinesPath, q))

	sent, err := deliveriesFigure(v, f)
	if page.Refused(err).In("to") != "" { // the other figures go further back
		sent, err = figure{ID: "deliveries", Title: v.T("manage_deliveries_by_outcome"), Notes: []string{v.T("manage_deliveries_days")}}, nil
	}
	if err != nil {
		return err
	}
	p.Figures = append(p.Figures, sent)
	return nil
}

// At is the moment of the figures.
func (p *shown) At() time.Time { return p.Filter.v.Now() }

// View is the address of the same figures in another view; "" for the page.
func (p *shown) View(name string) string {
	if name == "" {
		return p.Filter.href("/manage")
	}
	return p.Filter.href("/manage", "view", name)
}
