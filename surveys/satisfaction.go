package surveys

import (
	"cmp"
	"context"
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

	ByDay        Dimension = "day"         // on which the occasion opened, 2006-01-02
	ByMonth      Dimension = "month"       // 2006-01
	ByHijriMonth Dimension = "hijri_month" // 1448-05, by Umm al-Qura
)

// Dimensions lists what satisfaction is broken down by.
var Dimensions = []Dimension{ByNone, ByCentre, ByRegion, ByDepartment, ByCategory, ByChannel, ByEmployee, ByGender, ByResidency, ByCompany,
	ByDay, ByMonth, ByHijriMonth}

// Filters lists what satisfaction is filtered by.
var Filters = []Dimension{ByCentre, ByRegion, ByDepartment, ByCategory, ByChannel, ByGender, ByResidency}

// DefaultDays are looked back at, today among them, when a query names no beginning.
const DefaultDays = 365

// maxPeriods is of how many periods an answer has rows: thirteen years of days.
const maxPeriods = 5_000

// Counts of ratings by level.
type Counts = stats.Counts

// Query of satisfaction.
type Query struct {
	By       Dimension            // ByNone when empty
	From, To string               // days, both within, as 2006-01-02; To is today and From is DefaultDays back when empty
	Where    map[Dimension]string // the value of each of Filters that is filtered by
}

// Satisfaction answers a Query.
type Satisfaction struct {
	From    string    `json:"from"` // the first day
	To      string    `json:"to"`   // the last one
	By      Dimension `json:"by"`
	Formula string    `json:"formula"` // of the headline, whose interval is given
	Version int       `json:"version"`
	MinCell int       `json:"min_cell"` // how many ratings a row has at least: MinEmployee for employees, otherwise MinCell
	Rows    []Row     `json:"rows"`     // by key; empty with ByNone
	Total   Row       `json:"total"`
	Marks   []Mark    `json:"marks"` // by day
}

// Row holds the figures of one group. Shares are 0 to 1 and Mean100 is 0 to 100; what cannot be computed for lack of
// answers (ResponseRate: of occasions) is nil. A suppressed one has nothing but its key and why: it has fewer ratings than a row has at
// least, or is hidden so that no subtraction gives such a one away.
type Row struct {
	Key          string    `json:"key,omitempty"` // value of the dimension; "" for those of whom it is not known
	Counts       Counts    `json:"counts"`        // of levels 1 to 5
	N            int64     `json:"n"`             // ratings
	Eligible     int64     `json:"eligible"`      // occasions: how many could have rated
	ResponseRate *float64  `json:"response_rate"` // N / Eligible
	Top2         *float64  `json:"top2"`
	Mean100      *float64  `json:"mean100"`
	Net          *float64  `json:"net"`
	Interval     *Interval `json:"interval"` // of Top2
	Suppressed   bool      `json:"suppressed,omitempty"`
	Reason       string    `json:"reason,omitempty"` // why it is: TooFew or ProtectsAnother
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

// publish makes the figures of a group, or nothing of one that is hidden for a reason.
func publish(t Tally, why string) Row {
	if why != "" {
		return Row{Key: t.Key, Suppressed: true, Reason: why}
	}
	return NewRow(t)
}

// Satisfaction computes satisfaction with the handling of reports, for managers and administrators, within their centres
// and departments.
//
// The period is cut by the day on which an occasion opened (the report was resolved), not by that of the rating: so every
// rating is divided by the occasions that it belongs to, and a period that is over changes only while its last occasions are
// still open. Eligible counts each occasion that opened in the period, also those that lapsed or ended unused. What rests on
// too few ratings is suppressed, also what a filter leaves. By a period each one has a row, also one in which nothing opened.
// Errors: fault.Forbidden, fault.Invalid.
func (s *Service) Satisfaction(ctx context.Context, a actor.Actor, q Query) (*Satisfaction, error) {
	if !a.Is(actor.Manager, actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	all, err := s.complete(&q)
	if err != nil {
		return nil, err
	}
	var dims []Dimension
	for _, d := range Dimensions {
		if d != ByNone && d == q.By || q.Where[d] != "" {
			dims = append(dims, d)
		}
	}
	c, err := s.count(ctx, asked{from: q.From, to: q.To, actor: a, where: q.Where}, beside(dims))
	if err != nil {
		return nil, err
	}
	marks, err := s.marks(ctx, q.From, q.To)
	if err != nil {
		return nil, err
	}
	answer := &Satisfaction{From: q.From, To: q.To, By: q.By, Formula: stats.FormulaTop2, Version: stats.FormulaVersion,
		MinCell: int(smallest(q.By)), Rows: []Row{}, Marks: marks}
	by := slices.Index(dims, q.By)
	hidden := c.hide(by, len(dims), q.Where)
	total, rows := c.sum(by)
	answer.Total = publish(total, hidden.total)
	if all != nil {
		answer.Rows = inEach(all, rows, hidden)
		return answer, nil
	}
	for i, t := range rows {
		if t.Eligible > 0 {
			answer.Rows = append(answer.Rows, publish(t, hidden.rows[i]))
		}
	}
	return answer, nil
}

// inEach gives each period a row. One in which nothing opened hides nobody.
func inEach(periods []string, rows []Tally, hidden hiding) []Row {
	all := make([]Row, len(periods))
	for i, key := range periods {
		t, why := Tally{Key: key}, hidden.total
		if at, ok := slices.BinarySearchFunc(rows, key, func(t Tally, key string) int { return cmp.Compare(t.Key, key) }); ok && rows[at].Eligible > 0 {
			t, why = rows[at], hidden.rows[at]
		}
		all[i] = publish(t, why)
	}
	return all
}

// complete fills in what a query leaves open and checks it. It gives the periods that are asked for, nil for another dimension.
func (s *Service) complete(q *Query) (all []string, err error) {
	q.By, q.To = cmp.Or(q.By, ByNone), cmp.Or(q.To, s.day(s.now()))
	var faults fault.Fields
	if !slices.Contains(Dimensions, q.By) {
		faults.Add("by", fault.Unknown)
	}
	for d := range q.Where {
		if !slices.Contains(Filters, d) {
			faults.Add(string(d), fault.Unknown)
		}
	}
	to, err := parseDay(q.To)
	if err != nil {
		faults.Add("to", fault.WrongFormat)
	}
	q.From = cmp.Or(q.From, to.AddDate(0, 0, 1-DefaultDays).Format(time.DateOnly))
	from, err := parseDay(q.From)
	switch {
	case err != nil:
		faults.Add("from", fault.WrongFormat)
	case to.Before(from) && len(faults) == 0:
		faults.Add("to", fault.Contradicted)
	}
	value, ok := periods[q.By]
	if !ok || len(faults) > 0 {
		return nil, faults.Err()
	}
	for day := from; !day.After(to) && len(all) <= maxPeriods; day = day.AddDate(0, 0, 1) {
		if key := value(day.Format(time.DateOnly)); len(all) == 0 || all[len(all)-1] != key {
			all = append(all, key)
		}
	}
	if len(all) > maxPeriods {
		faults.Add("from", fault.OutOfRange)
	}
	return all, faults.Err()
}

func parseDay(day string) (time.Time, error) { return time.Parse(time.DateOnly, day) }
