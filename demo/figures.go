package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Round is what came of the questionnaire. Rates and shares are 0 to 1.
type Round struct {
	ID          string // empty without a round
	Population  int
	Quarantined int
	Sampled     int
	Reminded    int // people, as their phones know
	Complete    int
	Partial     int
	Refused     int
	NonContact  int
	Silent      int
	ByApp       int
	ByLink      int
	RR1, RR2    float64
	Headlines   []Headline
	Unweighted  string // why there are no weights, when there are none
	Suppressed  int    // cells
}

// Headline is the figure of a question: a share from 0 to 1, or with Points a score from −100 to 100.
type Headline struct {
	Name     string
	Points   bool
	N        int // 0 when too few answered for a figure to be shown
	Plain    Figure
	Weighted Figure
	Deff     float64 // 0 without weights
}

// Figure with its 95 % interval.
type Figure struct{ Value, Low, High float64 }

// headlines are what the wall shows of the questions, by their code.
var headlines = []struct{ code, name string }{{"overall", "satisfied"}, {"easy", "easy"}, {"informed", "informed"}, {"recommend", "recommend"}}

type interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// estimate is a share or a score of the results.
type estimate struct {
	Code     string    `json:"code"` // of an option
	N        int       `json:"n"`
	Share    float64   `json:"share"`
	Value    float64   `json:"value"`
	Interval *interval `json:"interval"`
	Weighted *struct {
		Estimate float64   `json:"estimate"`
		Interval *interval `json:"interval"`
		Deff     float64   `json:"deff"`
	} `json:"weighted"`
}

// results is the answer of insights/rounds/{id}.
type results struct {
	Final        bool `json:"final"`
	Dispositions struct {
		Complete   int `json:"complete"`
		Partial    int `json:"partial"`
		Refused    int `json:"refused"`
		NonContact int `json:"non_contact"`
		Unknown    int `json:"unknown"`
	} `json:"dispositions"`
	Rates struct {
		RR1 float64 `json:"rr1"`
		RR2 float64 `json:"rr2"`
	} `json:"rates"`
	Weighting struct {
		Problem string `json:"problem"`
	} `json:"weighting"`
	Questions []struct {
		Code  string `json:"code"`
		Total cell   `json:"total"`
	} `json:"questions"`
	Methods struct {
		Drawn struct {
			Population int            `json:"population"`
			Excluded   map[string]int `json:"excluded"`
			Sampled    int            `json:"sampled"`
		} `json:"drawn"`
		How        map[string]int `json:"how"`
		Suppressed int            `json:"suppressed"`
	} `json:"methods"`
}

// cell has the figures of a question.
type cell struct {
	Suppressed bool       `json:"suppressed"`
	N          int        `json:"n"`
	Options    []estimate `json:"options"`
	Top2       *estimate  `json:"top2"`
	NPS        *estimate  `json:"nps"`
	Effort     *estimate  `json:"effort"`
}

// headline of a question: how many are satisfied, found it easy, said yes, or the score of recommending.
func (c cell) headline(name string) Headline {
	h := Headline{Name: name, Points: c.NPS != nil}
	yes := slices.IndexFunc(c.Options, func(o estimate) bool { return o.Code == "y" })
	var e *estimate
	switch {
	case c.Suppressed || c.N == 0:
		return h
	case c.Top2 != nil:
		e = c.Top2
	case c.NPS != nil:
		e = c.NPS
	case c.Effort != nil:
		e = c.Effort
	case yes >= 0:
		e = &c.Options[yes]
	default:
		return h
	}
	figure := func(value float64, i *interval) Figure {
		f := Figure{value, value, value}
		if i != nil {
			f.Low, f.High = i.Low, i.High
		}
		return f
	}
	h.N, h.Plain = c.N, figure(e.Share+e.Value, e.Interval) // one of them
	if w := e.Weighted; w != nil {
		h.Weighted, h.Deff = figure(w.Estimate, w.Interval), w.Deff
	}
	return h
}

// round reads what was published, as a manager does, and holds it against what the phones counted themselves.
func (p *play) round(ctx context.Context, id string, citizens []*citizen) (r Round, err error) {
	manager, err := p.manager(ctx)
	if err != nil {
		return r, err
	}
	var x results
	if _, err := manager.get(ctx, "roundResults", "/v1/insights/rounds/"+id, nil, &x); err != nil {
		return r, err
	}
	d, m := x.Dispositions, x.Methods
	r = Round{ID: id, Population: m.Drawn.Population, Quarantined: m.Drawn.Excluded["quarantine"], Sampled: m.Drawn.Sampled, Complete: d.Complete, Partial: d.Partial,
		Refused: d.Refused, NonContact: d.NonContact, Silent: d.Unknown, ByApp: m.How["app"], ByLink: m.How["link"], RR1: x.Rates.RR1, RR2: x.Rates.RR2,
		Unweighted: x.Weighting.Problem, Suppressed: m.Suppressed}
	for _, h := range headlines {
		for _, q := range x.Questions {
			if q.Code == h.code {
				r.Headlines = append(r.Headlines, q.Total.headline(h.name))
			}
		}
	}
	if !x.Final {
		p.tally.trouble(errors.New("the figures of the round are not final"))
	}
	p.compare(&r, citizens)
	return r, nil
}

// compare says where the figures differ from what happened.
func (p *play) compare(r *Round, citizens []*citizen) {
	seen, unsure := map[string]int{}, 0
	for _, c := range citizens {
		if c == nil {
			continue
		}
		seen[c.survey.state]++
		if c.survey.unsure {
			unsure++
		}
		if c.survey.reminders > 0 {
			r.Reminded++
		}
		if c.survey.pestered {
			p.tally.trouble(errors.New("somebody who had answered was reminded"))
		}
	}
	if r.Reminded == 0 {
		p.tally.trouble(errors.New("nobody was reminded"))
	}
	for state, published := range map[string]int{complete: r.Complete, partial: r.Partial, refused: r.Refused} {
		if counted := seen[state]; max(published-counted, counted-published) > unsure {
			p.tally.trouble(fmt.Errorf("the round has %d people as %s, their phones %d", published, state, counted))
		}
	}
}

// show tells of the round on the wall.
func (r *Round) show(title func(string), line func(string, ...any)) {
	if r.ID == "" {
		return
	}
	title("The questionnaire: a round that began, reminded, closed and published by itself")
	line("asked         %d of %d people, drawn by region · %d reminded · %d left out in quarantine", r.Sampled, r.Population, r.Reminded, r.Quarantined)
	ways := ""
	if r.ByApp+r.ByLink > 0 { // of few answers it is not told
		ways = fmt.Sprintf(" (app %d, link %d)", r.ByApp, r.ByLink)
	}
	line("answered      %d, %d in part%s · %d refused · %d not reached · %d silent", r.Complete, r.Partial, ways, r.Refused, r.NonContact, r.Silent)
	weighted := "weighted to the frame by category"
	if r.Unweighted != "" {
		weighted = "not weighted: " + r.Unweighted
	}
	line("response      RR1 %.1f %% · RR2 %.1f %% (AAPOR) · %s", 100*r.RR1, 100*r.RR2, weighted)
	for _, h := range r.Headlines {
		h.show(line)
	}
	line("too small     %d cells, kept back · /v1/insights/rounds/%s", r.Suppressed, r.ID)
}

func (h Headline) show(line func(string, ...any)) {
	figure := func(f Figure) string {
		if h.Points {
			return fmt.Sprintf("%+5.1f    (%+.1f to %+.1f)", f.Value, f.Low, f.High)
		}
		return fmt.Sprintf("%5.1f %%  (%.1f to %.1f %%)", 100*f.Value, 100*f.Low, 100*f.High)
	}
	switch {
	case h.N == 0:
		line("%-13s too few answered for a figure to be shown", h.Name)
	case h.Deff == 0:
		line("%-13s %-26s  n = %d", h.Name, figure(h.Plain), h.N)
	default:
		line("%-13s %-26s  n = %-4d weighted %-26s  deff %.2f", h.Name, figure(h.Plain), h.N, figure(h.Weighted), h.Deff)
	}
}
