package surveys

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
// answers (ResponseRate: of occasions) is nil. A suppressed one has nothing but its key: it has fewer than MinCell ratings, or
// is hidden so that no subtraction gives such a one away.
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
	Suppressed   bool      `json:"suppressed,omitempty"`
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
// unused. What rests on fewer than MinCell ratings is suppressed as in Ratings, also what a filter leaves. Errors: fault.Forbidden,
// fault.Invalid.
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
	answer := &Satisfaction{From: q.From.UTC(), To: q.To.UTC(), By: q.By, Formula: stats.FormulaTop2, Version: stats.FormulaVersion,
		Rows: []Row{}}
	f := Filter{By: q.By, From: answer.From, To: answer.To, Centres: scope(a.Centres), Departments: scope(a.Departments),
		Centre: q.Centre, Department: q.Department, Category: q.Category, Channel: q.Channel}
	tallies, err := s.Store.Tally(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("count ratings: %w", err)
	}
	slices.SortFunc(tallies, func(a, b Tally) int { return cmp.Compare(a.Key, b.Key) })
	hidden, all, err := s.hidden(ctx, f, tallies)
	if err != nil {
		return nil, err
	}
	if q.By != ByNone {
		for i, t := range tallies {
			answer.Rows = append(answer.Rows, publish(t, hidden[i]))
		}
	}
	answer.Total = publish(overall(tallies), all)
	return answer, nil
}

// publish makes the figures of a group, or nothing of one that is hidden.
func publish(t Tally, hidden bool) Row {
	if hidden {
		return Row{Key: t.Key, Suppressed: true}
	}
	return NewRow(t)
}

func overall(tallies []Tally) (total Tally) {
	for _, t := range tallies {
		total.Eligible += t.Eligible
		for i, k := range t.Counts {
			total.Counts[i] += k
		}
	}
	return total
}

// hidden says which of the groups are, and whether all of them together are too. A filter must not tell what a breakdown hides,
// so what is asked is looked at as a cell of the tables that it belongs to: of each two dimensions that are divided or filtered
// by, the others filtered.
func (s *Service) hidden(ctx context.Context, f Filter, tallies []Tally) (hidden []bool, all bool, err error) {
	sizes := make([]int64, len(tallies))
	for i, t := range tallies {
		sizes[i] = t.Counts.N()
	}
	hidden, all = stats.Suppress(sizes, MinCell), overall(tallies).Counts.N() < MinCell
	for i, x := range Dimensions {
		for _, y := range Dimensions[:i] { // the first is ByNone: then the table is a line
			if f.value(x) == "" && (x != f.By || y == ByNone) || f.value(y) == "" && y != f.By && y != ByNone {
				continue
			}
			within, err := s.hiddenWithin(ctx, f, x, y)
			switch {
			case err != nil:
				return nil, false, err
			case f.value(x) != "" && (f.value(y) != "" || y == ByNone):
				all = all || within(f.value(x), f.value(y))
			default:
				for i, t := range tallies {
					hidden[i] = hidden[i] || within(cmp.Or(f.value(x), t.Key), cmp.Or(f.value(y), t.Key))
				}
			}
		}
	}
	for i := range hidden {
		hidden[i] = hidden[i] || all
	}
	return hidden, all, nil
}

// hiddenWithin says which cells are hidden of the table of two dimensions, as the other filters leave it: y may be ByNone, of
// which each value is "". A line whose total is hidden is hidden altogether.
func (s *Service) hiddenWithin(ctx context.Context, f Filter, x, y Dimension) (func(x, y string) bool, error) {
	f = f.without(x).without(y)
	f.By, f.And = x, y
	tallies, err := s.Store.Tally(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("count the ratings that a filter leaves out: %w", err)
	}
	rows, columns := map[string]int{}, map[string]int{}
	for _, t := range tallies {
		rows[t.Key], columns[t.And] = 0, 0
	}
	for _, places := range []map[string]int{rows, columns} {
		for i, key := range slices.Sorted(maps.Keys(places)) {
			places[key] = i
		}
	}
	n, sums, columnSums := make([][]int64, len(rows)), make([]int64, len(rows)), make([]int64, len(columns))
	for i := range n {
		n[i] = make([]int64, len(columns))
	}
	for _, t := range tallies {
		i, j, k := rows[t.Key], columns[t.And], t.Counts.N()
		n[i][j] = k
		sums[i] += k
		columnSums[j] += k
	}
	if len(tallies) == 0 {
		return func(string, string) bool { return true }, nil
	}
	cells, lines, columnLines := stats.SuppressTable(n, MinCell), stats.Suppress(sums, MinCell), stats.Suppress(columnSums, MinCell)
	return func(x, y string) bool {
		i, there := rows[x]
		j, here := columns[y]
		return !there || !here || lines[i] || columnLines[j] || cells[i][j]
	}, nil
}

// filter of a dimension; nil of ByNone.
func (f *Filter) filter(by Dimension) *string {
	return map[Dimension]*string{ByCentre: &f.Centre, ByDepartment: &f.Department, ByCategory: &f.Category, ByChannel: &f.Channel}[by]
}

func (f *Filter) value(by Dimension) string {
	if v := f.filter(by); v != nil {
		return *v
	}
	return ""
}

// without a filter.
func (f Filter) without(by Dimension) Filter {
	if v := f.filter(by); v != nil {
		*v = ""
	}
	return f
}

// scope is what a Filter says of the codes of an actor: nil for every one, an empty list for none.
func scope(codes []string) []string {
	if slices.Contains(codes, actor.All) {
		return nil
	}
	return append([]string{}, codes...)
}
