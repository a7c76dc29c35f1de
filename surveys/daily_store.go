package surveys

import "context"

// ManyRatings from one device on one day are flagged: a phone that people pass around, or that somebody uses who should not.
const ManyRatings = 5

// DayStore keeps how the closed reports of each day were rated, as counts, so that a year of them is read at once. The counts
// are never added to: a write that touches an occasion marks its day in the same atomic write, and a marked day is counted anew
// from the occasions. So neither a crash nor a fact that comes twice counts anything twice.
type DayStore interface {
	// MarkedDays gives the days whose counts may be out of date, in order.
	MarkedDays(ctx context.Context) ([]string, error)
	// RecountDay replaces the counts of a day by those of its occasions at one moment, never by those of an earlier moment than
	// they are of, and takes its mark away unless an occasion changed since. To do it again changes nothing.
	RecountDay(ctx context.Context, day string) error
	// DayState reads what is kept of a day beside what its occasions come to, of one moment.
	DayState(ctx context.Context, day string) (*DayState, error)
	// CountedDays gives every day that has occasions, counts or a mark, in order.
	CountedDays(ctx context.Context) ([]string, error)
	// RatedDays adds up the counts that are kept.
	RatedDays(ctx context.Context, f DayFilter) ([]DayTally, error)
}

// DayKey is what the occasions of a day are counted by.
type DayKey struct {
	Centre     string `json:"centre"`
	Department string `json:"department"`
	Category   string `json:"category"`
	Employee   string `json:"employee"`
}

// DayCount is how the occasions that opened on a day were rated.
type DayCount struct {
	DayKey
	Eligible int64  // occasions
	Counts   Counts // of them rated, by level
	Flagged  int64  // of them rated from a device that gave ManyRatings or more on the day of the rating
}

// DayState of a day. Both lists are ordered by key, as strings are compared, centre first.
type DayState struct {
	Kept   []DayCount
	Raw    []DayCount // from the occasions
	Marked bool       // Kept may differ
}

// DayFilter of the counts of days.
type DayFilter struct {
	By          Dimension // one of RatingDimensions
	From, To    string    // days, both within
	Centres     []string  // any of them; nil for every one
	Departments []string  // likewise
}

// DayTally is what days come to in one group.
type DayTally struct {
	Tally
	Flagged int64
}
