package surveys

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/stats"
)

// ManyRatings from one device on one day are flagged: a phone that people pass around, or that somebody uses who should not.
const ManyRatings = 5

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

// RatingRow holds the figures of one centre, department, category or employee. A suppressed one is as in
// Satisfaction.
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
// rating is the one on which its report was closed, as with Satisfaction. Errors: fault.Forbidden, fault.Invalid at "by" and "days".
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
	now := s.now()
	r := &Ratings{By: q.By, Days: q.Days, From: s.day(s.back(now, q.Days-1)), To: s.day(now), Formula: stats.FormulaTop2,
		Version: stats.FormulaVersion, MinCell: int(smallest(q.By)), ManyRatings: ManyRatings}
	dims := beside([]Dimension{q.By})
	period, err := s.count(ctx, asked{from: r.From, to: r.To, actor: a, flags: true}, dims)
	if err != nil {
		return nil, err
	}
	before, err := s.count(ctx, asked{from: s.day(s.back(now, 2*q.Days-1)), to: s.day(s.back(now, q.Days)), actor: a}, dims)
	if err != nil {
		return nil, err
	}
	r.fill(period, before)
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
func (r *Ratings) fill(now, before *cube) {
	hidden, hiddenBefore := now.hide(0, 1, nil), before.hide(0, 1, nil)
	total, rows := now.sum(0)
	totalBefore, rowsBefore := before.sum(0)
	then := map[string]Counts{}
	for i, t := range rowsBefore {
		if hiddenBefore.rows[i] == "" {
			then[t.Key] = t.Counts
		}
	}
	r.Rows = []RatingRow{}
	for i, t := range rows {
		if t.Eligible > 0 {
			r.Rows = append(r.Rows, ratingRow(t, hidden.rows[i], then[t.Key]))
		}
	}
	k := int64(r.MinCell)
	if total.Counts.N() < k {
		hidden.total = TooFew
	}
	if totalBefore.Counts.N() < k {
		totalBefore.Counts = Counts{}
	}
	r.Total = ratingRow(total, hidden.total, totalBefore.Counts)
}

// ratingRow is a row beside the counts of the period before, if those can be published.
func ratingRow(t Tally, why string, before Counts) RatingRow {
	if why != "" {
		return RatingRow{Row: publish(t, why)}
	}
	row := RatingRow{Row: NewRow(t), Flagged: t.Flagged}
	if n := before.N(); n > 0 && row.N > 0 {
		p := stats.Top2(before)
		low, high := stats.Newcombe(*row.Top2, float64(row.N), p, float64(n), stats.Z95)
		row.Trend = &Trend{Top2: p, N: n, Difference: *row.Top2 - p,
			Interval: Interval{Low: low, High: high, Level: stats.Level95, Method: stats.MethodNewcombe}}
	}
	return row
}

// rating is from which device one came, as a hash, and on which day.
type rating struct{ device, rated uint32 }

func ratingOf(page daybook.Day, row int) rating {
	return rating{page.Number(row, pageDevice), page.Number(row, pageRated)}
}

// longestTerm is how many days after an occasion opened it is rated at the latest.
const longestTerm = 366

// manyRatings finds the devices and days of ratings that are flagged. The others of such a device may belong to occasions that opened
// before the days of these pages, or after.
func (s *Service) manyRatings(ctx context.Context, from, to string, pages []daybook.Day) (map[rating]bool, error) {
	n := map[rating]int{}
	first, last := ^uint32(0), uint32(0)
	for _, page := range pages {
		for row := range page.Len() {
			if r := ratingOf(page, row); r.device != 0 {
				n[r]++
				first, last = min(first, r.rated), max(last, r.rated)
			}
		}
	}
	begin, err := parseDay(from)
	if err != nil {
		return nil, err
	}
	end, err := parseDay(to)
	if err != nil {
		return nil, err
	}
	for _, days := range [][2]time.Time{{begin.AddDate(0, 0, -longestTerm), begin.AddDate(0, 0, -1)}, {end.AddDate(0, 0, 1), end.AddDate(0, 0, longestTerm)}} {
		others, err := s.read(ctx, days[0].Format(time.DateOnly), days[1].Format(time.DateOnly))
		if err != nil {
			return nil, err
		}
		for _, page := range others {
			for row := range page.Len() {
				if rated := page.Number(row, pageRated); rated < first || rated > last {
					continue
				}
				if r := ratingOf(page, row); n[r] > 0 {
					n[r]++
				}
			}
		}
	}
	many := map[rating]bool{}
	for r, times := range n {
		if times >= ManyRatings {
			many[r] = true
		}
	}
	return many, nil
}
