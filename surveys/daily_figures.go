package surveys

import (
	"context"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
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

// RatingRow holds the figures of one centre, department, category or employee. A suppressed one has nothing but its key: it has fewer
// than MinCell ratings, or is hidden so that subtracting the others from the total does not give such a one away. ResponseRate is the
// share of the closed reports of the period that were rated.
type RatingRow struct {
	Row
	Suppressed bool   `json:"suppressed,omitempty"`
	Flagged    int64  `json:"flagged"` // ratings, of N, from devices that gave ManyRatings or more on a day; they stay in the figures
	Trend      *Trend `json:"trend"`   // nil when either period has too few ratings to publish
}

// Trend compares the headline with the period of as many days before.
type Trend struct {
	Top2       float64  `json:"top2"` // of the period before
	N          int64    `json:"n"`
	Difference float64  `json:"difference"` // now less before, −1 to 1
	Interval   Interval `json:"interval"`   // of Difference, by Newcombe
}

// Ratings tells how closed reports were rated, for managers and administrators, within their centres and departments. The day of a
// rating is the one on which its report was closed. Errors: fault.Forbidden, fault.Invalid at "by" and "days".
func (s *Service) Ratings(ctx context.Context, a actor.Actor, q RatingQuery) (*Ratings, error) {
	return nil, fault.New(fault.Internal)
}
