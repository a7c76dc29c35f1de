package demo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"
)

// Summary is what came of a play, as the API tells it and the players saw it.
type Summary struct {
	Centre        Texts
	Took          time.Duration
	Citizens      int
	Staff         int
	Reports       int // in the store, also of plays before
	Categories    []Bar
	Statuses      []Bar
	Centres       []Bar
	Satisfaction  Score
	Departments   []Score // that anybody rated, best first
	PhotosTaken   int
	Refusals      []Bar
	Anonymous     int
	Registered    int // by clerks, for people who called, wrote or came
	SentTwice     int
	Supported     int
	Reopened      int
	LostRaces     int
	Channels      []Channel
	PushesShown   int // on phones
	MessagesRead  int
	Reached       Reached
	Unreached     []Bar    // messages, by reason
	Missed        []Missed // one of each reason
	Broadcast     Broadcast
	Round         Round
	TokensDropped int
	FilingP50     time.Duration
	FilingP95     time.Duration
	Troubles      []string // what should not have happened
}

// Bar is a count of something that has a code and a name.
type Bar struct {
	Code  string
	Name  string
	Count int
}

// Score is how satisfied those were who rated. Fractions are 0 to 1, Mean100 is 0 to 100.
type Score struct {
	Code         string
	Name         string
	N            int
	Eligible     int
	Counts       []int
	ResponseRate float64
	Top2         float64
	Mean100      float64
	Net          float64
	Low, High    float64 // Wilson interval of Top2
}

// volumes is the answer of insights/volumes.
type volumes struct {
	Rows []struct {
		Keys  []string `json:"keys"`
		Names []string `json:"names"`
		Count int      `json:"count"`
	} `json:"rows"`
	Total int `json:"total"`
}

func (v volumes) bars() []Bar {
	var bars []Bar
	for _, r := range v.Rows {
		if r.Count > 0 && len(r.Keys) == 1 && len(r.Names) == 1 {
			bars = append(bars, Bar{r.Keys[0], r.Names[0], r.Count})
		}
	}
	slices.SortStableFunc(bars, func(a, b Bar) int { return b.Count - a.Count })
	return bars
}

func (p *play) volumes(ctx context.Context, by string) (v volumes, err error) {
	_, err = p.admin.get(ctx, "volumes", "/v1/insights/volumes", url.Values{"by": {by}}, &v)
	return v, err
}

// scoreRow is a row of insights/satisfaction; what has no meaning without answers is null.
type scoreRow struct {
	Key          string   `json:"key"`
	Name         string   `json:"name"`
	Counts       []int    `json:"counts"`
	N            int      `json:"n"`
	Eligible     int      `json:"eligible"`
	ResponseRate *float64 `json:"response_rate"`
	Top2         *float64 `json:"top2"`
	Mean100      *float64 `json:"mean100"`
	Net          *float64 `json:"net"`
	Interval     *struct {
		Low  float64 `json:"low"`
		High float64 `json:"high"`
	} `json:"interval"`
}

func (r scoreRow) score() Score {
	value := func(f *float64) float64 {
		if f == nil {
			return 0
		}
		return *f
	}
	s := Score{Code: r.Key, Name: r.Name, N: r.N, Eligible: r.Eligible, Counts: r.Counts, ResponseRate: value(r.ResponseRate), Top2: value(r.Top2),
		Mean100: value(r.Mean100), Net: value(r.Net)}
	if r.Interval != nil {
		s.Low, s.High = r.Interval.Low, r.Interval.High
	}
	return s
}

func (p *play) satisfaction(ctx context.Context, by string) (total Score, rows []Score, err error) {
	var a struct {
		Rows  []scoreRow `json:"rows"`
		Total scoreRow   `json:"total"`
	}
	if _, err := p.admin.get(ctx, "satisfaction", "/v1/insights/satisfaction", url.Values{"by": {by}}, &a); err != nil {
		return total, nil, err
	}
	for _, r := range a.Rows {
		if r.N > 0 {
			rows = append(rows, r.score())
		}
	}
	slices.SortStableFunc(rows, func(a, b Score) int { return cmp.Compare(b.Top2, a.Top2) })
	return a.Total.score(), rows, nil
}

// summary asks the API for the figures and adds what the players counted.
func (p *play) summary(ctx context.Context, took time.Duration, citizens []*citizen) (*Summary, error) {
	t := &p.tally
	s := &Summary{Took: took, Citizens: p.Citizens, Staff: len(p.staff), PhotosTaken: t.of(photosTaken), Anonymous: t.of(anonymous),
		Registered: t.of(registered), SentTwice: t.of(sentTwice), Supported: t.of(supported), Reopened: t.of(reopenedReports), LostRaces: t.of(lostRaces),
		PushesShown: t.of(pushesShown), MessagesRead: t.of(messagesRead),
		TokensDropped: t.of(tokensDropped), FilingP50: t.quantile(.5), FilingP95: t.quantile(.95)}
	if len(p.org.Centres) > 0 {
		s.Centre = p.org.Centres[0].Body.Names
	}
	for _, code := range slices.Sorted(maps.Keys(t.refusals)) {
		s.Refusals = append(s.Refusals, Bar{Code: code, Count: t.refusals[code]})
	}
	for _, what := range slices.Sorted(maps.Keys(t.troubles)) {
		s.Troubles = append(s.Troubles, fmt.Sprintf("%d × %s", t.troubles[what], what))
	}
	for by, bars := range map[string]*[]Bar{"category": &s.Categories, "status": &s.Statuses, "centre": &s.Centres} {
		v, err := p.volumes(ctx, by)
		if err != nil {
			return nil, err
		}
		*bars, s.Reports = v.bars(), v.Total
	}
	var err error
	if s.Satisfaction, _, err = p.satisfaction(ctx, "none"); err != nil {
		return nil, err
	}
	if _, s.Departments, err = p.satisfaction(ctx, "department"); err != nil {
		return nil, err
	}
	told, err := p.ledger(ctx)
	if err != nil {
		return nil, err
	}
	s.Channels = told.channels()
	if s.Reached, err = p.reached(ctx, citizens); err != nil {
		return nil, err
	}
	s.Unreached, s.Missed, err = p.missed(ctx)
	return s, err
}
