package surveys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/stats"
)

// Dimension by which figures are broken down.
type Dimension string

// The dimensions. Each is what was true when the occasion opened.
const (
	ByNone       Dimension = "none"
	ByCentre     Dimension = "centre"
	ByDepartment Dimension = "department"
	ByCategory   Dimension = "category"
	ByChannel    Dimension = "channel"
)

// Dimensions lists every dimension.
var Dimensions = []Dimension{ByNone, ByCentre, ByDepartment, ByCategory, ByChannel}

// DefaultPeriod is looked back at when a query names no beginning.
const DefaultPeriod = 365 * 24 * time.Hour

// Counts of ratings by level.
type Counts = stats.Counts

// Query of satisfaction. Empty filters stand for every value.
type Query struct {
	By         Dimension // ByNone when empty
	From, To   time.Time // the half-open period [From, To); To is now and From is To less DefaultPeriod when zero
	Centre     string
	Department string
	Category   string
	Channel    string
}

// Satisfaction answers a Query.
type Satisfaction struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	By      Dimension `json:"by"`
	Formula string    `json:"formula"` // of the headline, whose interval is given
	Version int       `json:"version"`
	Rows    []Row     `json:"rows"` // by key; empty with ByNone
	Total   Row       `json:"total"`
}

// Row holds the figures of one group. Shares are 0 to 1 and Mean100 is 0 to 100; what cannot be computed for lack of
// answers (ResponseRate: of occasions) is nil.
type Row struct {
	Key          string    `json:"key,omitempty"` // code of the centre, department, category or channel
	Counts       Counts    `json:"counts"`        // of levels 1 to 5
	N            int64     `json:"n"`             // ratings
	Eligible     int64     `json:"eligible"`      // occasions: how many could have rated
	ResponseRate *float64  `json:"response_rate"` // N / Eligible
	Top2         *float64  `json:"top2"`
	Mean100      *float64  `json:"mean100"`
	Net          *float64  `json:"net"`
	Interval     *Interval `json:"interval"` // of Top2
}

// Interval of an estimate.
type Interval struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Level  float64 `json:"level"`
	Method string  `json:"method"`
}

// NewRow makes the figures of a group from its counts.
func NewRow(t Tally) Row {
	r := Row{Key: t.Key, Counts: t.Counts, N: t.Counts.N(), Eligible: t.Eligible}
	if r.Eligible > 0 {
		r.ResponseRate = new(float64(r.N) / float64(r.Eligible))
	}
	if r.N > 0 {
		r.Top2, r.Mean100, r.Net = new(stats.Top2(t.Counts)), new(stats.Mean100(t.Counts)), new(stats.Net(t.Counts))
		low, high := stats.Wilson(*r.Top2, float64(r.N), stats.Z95)
		r.Interval = &Interval{Low: low, High: high, Level: stats.Level95, Method: stats.MethodWilson}
	}
	return r
}

// Satisfaction computes satisfaction with the handling of reports, for managers and administrators, within their centres
// and departments.
//
// The period is cut by the moment at which an occasion opened (the report was resolved), not by the moment of the rating:
// so every rating is divided by the occasions that it belongs to, and a period that is over changes only while its last
// occasions are still open. Eligible counts each occasion that opened in the period, also those that lapsed or ended
// unused. Errors: fault.Forbidden, fault.Invalid.
func (s *Service) Satisfaction(ctx context.Context, a actor.Actor, q Query) (*Satisfaction, error) {
	if !a.Is(actor.Manager, actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	q.By = cmp.Or(q.By, ByNone)
	if !slices.Contains(Dimensions, q.By) {
		return nil, fault.At("by", fault.Unknown)
	}
	if q.To.IsZero() {
		q.To = s.now()
	}
	if q.From.IsZero() {
		q.From = q.To.Add(-DefaultPeriod)
	}
	if q.To.Before(q.From) {
		return nil, fault.At("to", fault.Contradicted)
	}
	answer := &Satisfaction{From: q.From.UTC(), To: q.To.UTC(), By: q.By, Formula: stats.FormulaTop2, Version: stats.FormulaVersion, Rows: []Row{}}
	tallies, err := s.Store.Tally(ctx, Filter{By: q.By, From: answer.From, To: answer.To, Centres: scope(a.Centres), Departments: scope(a.Departments),
		Centre: q.Centre, Department: q.Department, Category: q.Category, Channel: q.Channel})
	if err != nil {
		return nil, fmt.Errorf("count ratings: %w", err)
	}
	var total Tally
	for _, t := range tallies {
		total.Eligible += t.Eligible
		for i, k := range t.Counts {
			total.Counts[i] += k
		}
		if q.By != ByNone {
			answer.Rows = append(answer.Rows, NewRow(t))
		}
	}
	slices.SortFunc(answer.Rows, func(a, b Row) int { return cmp.Compare(a.Key, b.Key) })
	answer.Total = NewRow(total)
	return answer, nil
}

// scope is what a Filter says of the codes of an actor: nil for every one, an empty list for none.
func scope(codes []string) []string {
	if slices.Contains(codes, actor.All) {
		return nil
	}
	return append([]string{}, codes...)
}
