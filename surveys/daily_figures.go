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

// RatingDimensions are what ratings are broken down by.
var RatingDimensions = []Dimension{ByCentre, ByDepartment, ByCategory, ByEmployee}

// RatingPeriods are how many days ratings are counted over.
var RatingPeriods = []int{30, 90, 365}

// RatingQuery asks for the ratings of the last days, of which today is one.
type RatingQuery struct {
	By   Dimension // one of RatingDimensions; ByCentre when empty
	Days int       // one of RatingPeriods; 30 when 0
}

// Ratings answers a RatingQuery.
type Ratings struct {
	By          Dimension   `json:"by"`
	Days        int         `json:"days"`
	From        string      `json:"from"` // the first day, 2006-01-02 in the zone of the service
	To          string      `json:"to"`   // the last one: today
	Formula     string      `json:"formula"`
	Version     int         `json:"version"`
	MinCell     int         `json:"min_cell"`     // how many ratings a row has at least: MinEmployee for employees, otherwise MinCell
	ManyRatings int         `json:"many_ratings"` // so many ratings from one device on a day are flagged
	Rows        []RatingRow `json:"rows"`         // by key
	Total       RatingRow   `json:"total"`
}

// RatingRow holds the figures of one centre, department, category or employee. A suppressed one has nothing but its key: it has
// fewer than MinCell ratings, or is hidden so that subtracting the others from the total does not give such a one away.
// ResponseRate is the share of the closed reports of the period that were rated.
type RatingRow struct {
	Row
	Flagged int64  `json:"flagged"` // ratings, of N, from devices that gave ManyRatings or more on a day; they stay in the figures
	Trend   *Trend `json:"trend"`   // nil when either period has too few ratings to publish
}

// Trend compares the headline with the period of as many days before.
type Trend struct {
	Top2       float64  `json:"top2"` // of the period before
	N          int64    `json:"n"`
	Difference float64  `json:"difference"` // now less before, −1 to 1
	Interval   Interval `json:"interval"`   // of Difference, by Newcombe
}

// Ratings tells how closed reports were rated, for managers and administrators, within their centres and departments. The day of a
// rating is the one on which its report was closed, as with Satisfaction. What was marked is counted anew before it is read.
// Errors: fault.Forbidden, fault.Invalid at "by" and "days".
func (s *Service) Ratings(ctx context.Context, a actor.Actor, q RatingQuery) (*Ratings, error) {
	if !a.Is(actor.Manager, actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	q.By, q.Days = cmp.Or(q.By, ByCentre), cmp.Or(q.Days, RatingPeriods[0])
	var faults fault.Fields
	if !slices.Contains(RatingDimensions, q.By) {
		faults.Add("by", fault.Unknown)
	}
	if !slices.Contains(RatingPeriods, q.Days) {
		faults.Add("days", fault.Unknown)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if err := s.Recount(ctx); err != nil {
		return nil, err
	}
	now := s.now()
	r := &Ratings{By: q.By, Days: q.Days, From: s.day(s.back(now, q.Days-1)), To: s.day(now), Formula: stats.FormulaTop2,
		Version: stats.FormulaVersion,
		MinCell: MinCell, ManyRatings: ManyRatings}
	if q.By == ByEmployee {
		r.MinCell = MinEmployee
	}
	f := DayFilter{By: q.By, From: r.From, To: r.To, Centres: scope(a.Centres), Departments: scope(a.Departments)}
	tallies, err := s.Store.RatedDays(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("add up ratings: %w", err)
	}
	f.From, f.To = s.day(s.back(now, 2*q.Days-1)), s.day(s.back(now, q.Days))
	before, err := s.Store.RatedDays(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("add up earlier ratings: %w", err)
	}
	r.fill(tallies, before)
	return r, nil
}

// back is the moment so many days earlier, by the calendar of the zone.
func (s *Service) back(t time.Time, days int) time.Time {
	if s.Zone != nil {
		t = t.In(s.Zone)
	}
	return t.AddDate(0, 0, -days)
}

// fill makes the rows, and hides what must not be published of either period.
func (r *Ratings) fill(now, before []DayTally) {
	k := int64(r.MinCell)
	hidden, then := suppressed(now, k), map[string]Counts{}
	for i, h := range suppressed(before, k) {
		if !h {
			then[before[i].Key] = before[i].Counts
		}
	}
	total, totalBefore := sum(now), sum(before)
	r.Rows = make([]RatingRow, len(now))
	for i, t := range now {
		r.Rows[i] = ratingRow(t, hidden[i], then[t.Key])
	}
	if totalBefore.Counts.N() < k {
		totalBefore.Counts = Counts{}
	}
	r.Total = ratingRow(total, total.Counts.N() < k, totalBefore.Counts)
}

func suppressed(tallies []DayTally, k int64) []bool {
	n := make([]int64, len(tallies))
	for i, t := range tallies {
		n[i] = t.Counts.N()
	}
	return stats.Suppress(n, k)
}

func sum(tallies []DayTally) (total DayTally) {
	for _, t := range tallies {
		total.Eligible += t.Eligible
		total.Flagged += t.Flagged
		for i, n := range t.Counts {
			total.Counts[i] += n
		}
	}
	return total
}

// ratingRow is a row beside the counts of the period before, if those can be published.
func ratingRow(t DayTally, hidden bool, before Counts) RatingRow {
	if hidden {
		return RatingRow{Row: publish(t.Tally, true)}
	}
	row := RatingRow{Row: NewRow(t.Tally), Flagged: t.Flagged}
	if n := before.N(); n > 0 && row.N > 0 {
		p := stats.Top2(before)
		low, high := stats.Newcombe(*row.Top2, float64(row.N), p, float64(n), stats.Z95)
		row.Trend = &Trend{Top2: p, N: n, Difference: *row.Top2 - p,
			Interval: Interval{Low: low, High: high, Level: stats.Level95, Method: stats.MethodNewcombe}}
	}
	return row
}
