package manage

import (
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

const deliveriesPath = "/v1/insights/deliveries"

// ended are the outcomes of which each delivery has one; those that were delivered or read are among the accepted ones.
var ended = []struct{ outcome, colour string }{{"accepted", "level-5"}, {"failed", "level-1"}, {"expired", "level-2"}, {"suppressed", "level-3"}}

func readDeliveries(v *page.Visit, f *filter) (*gen.DeliveryInsights, error) {
	d := &gen.DeliveryInsights{}
	return d, v.Get(deliveriesPath, f.query([]string{"centre"}), d)
}

// deliveriesFigure is what became of what was sent, by channel.
func deliveriesFigure(v *page.Visit, f *filter) (figure, error) {
	d, err := readDeliveries(v, f)
	if err != nil {
		return figure{}, err
	}
	return outcomes(v, f, d), nil
}

func outcomes(v *page.Visit, f *filter, d *gen.DeliveryInsights) figure {
	c := &chart{Kind: "stack", Label: v.T("manage_deliveries_by_outcome"), Percent: true, Whole: true}
	t := table{Head: []cell{plain(v.T("manage_way")), plain(v.T("manage_outcome")), plain(v.T("manage_reason")), {Text: v.T("manage_deliveries"), Number: true}, {Text: v.T("manage_share"), Number: true}}}
	for _, e := range ended {
		c.Series = append(c.Series, series{Name: v.T("manage_outcome_" + e.outcome), Colour: e.colour})
	}
	place := map[gen.DeliveryChannel]int{}
	for _, row := range d.Rows {
		reason := ""
		if row.Reason != nil && *row.Reason != "" {
			reason = v.Either("manage_reason_"+*row.Reason, *row.Reason)
		}
		t.Rows = append(t.Rows, []cell{plain(v.T("manage_way_" + string(row.Channel))), plain(v.T("manage_outcome_" + string(row.Outcome))), plain(reason),
			number(v.N(row.Count)), number(v.Pct(row.Share))})
		for i, e := range ended {
			if string(row.Outcome) != e.outcome {
				continue
			}
			at, ok := place[row.Channel]
			if !ok {
				at = len(c.Names)
				place[row.Channel] = at
				c.Names = append(c.Names, v.T("manage_way_"+string(row.Channel)))
				for n := range c.Series {
					c.Series[n].Values = append(c.Series[n].Values, float(0))
				}
			}
			*c.Series[i].Values[at] += float64(row.Count)
		}
	}
	return figure{ID: "deliveries", Title: v.T("manage_deliveries_by_outcome"), Chart: c, Table: t, Notes: f.unknown([]string{"centre"})}.
		from(deliveriesPath, f.query([]string{"centre"}))
}

// deliveriesPage tells what became of messages, and how long it took.
func deliveriesPage(v *page.Visit) error {
	f, err := filters(v)
	if err != nil {
		return err
	}
	p := &shown{Filter: f}
	if f.Wrong == nil {
		d, err := readDeliveries(v, f)
		if err != nil {
			return err
		}
		p.Facts = []fact{{v.T("manage_unreached"), v.N(d.Unreached), v.T("manage_unreached_note")}, {v.T("manage_spent"), v.Dec(d.Spent, 2), v.T("manage_spent_note")}}
		all := outcomes(v, f, d)
		all.Open, all.Wide = true, true
		p.Figures = []figure{all, delays(v, f, d)}
	}
	return p.show(v, "figures", v.T("manage_deliveries"))
}

// delays are from the moment that a delivery might go, to its outcome.
func delays(v *page.Visit, f *filter, d *gen.DeliveryInsights) figure {
	t := table{Head: []cell{plain(v.T("manage_way")), plain(v.T("manage_outcome")), {Text: v.T("manage_deliveries"), Number: true}, {Text: v.T("manage_median"), Number: true},
		{Text: v.In(v.T("manage_p90")), Number: true}, {Text: v.In(v.T("manage_p99")), Number: true}}}
	took := func(ms *int64) cell {
		if ms == nil {
			return number(v.T("manage_over_a_day"))
		}
		if *ms < 60_000 {
			return number(v.Dec(float64(*ms)/1000, 2) + " " + v.T("manage_seconds"))
		}
		return number(v.Minutes(float64(*ms) / 60_000))
	}
	for _, x := range d.Delays {
		t.Rows = append(t.Rows, []cell{plain(v.T("manage_way_" + string(x.Channel))), plain(v.T("manage_outcome_" + string(x.Outcome))), number(v.N(x.Count)),
			took(x.P50Ms), took(x.P90Ms), took(x.P99Ms)})
	}
	return figure{ID: "delays", Title: v.T("manage_delays"), Table: t, Open: true, Wide: true, Notes: []string{v.T("manage_delays_note")}}.
		from(deliveriesPath, f.query([]string{"centre"}))
}
