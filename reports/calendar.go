package reports

import "time"

// Weekdays is a list of days of the week; in JSON their English names in lower case: ["friday", "saturday"].
type Weekdays []time.Weekday

// Holiday is a day on which nobody works.
type Holiday struct {
	Date string `json:"date"` // 2006-01-02
	Name string `json:"name"`
}

// Calendar says on which days the service works, and how long a citizen may reopen and rate.
type Calendar struct {
	Weekend    Weekdays  `json:"weekend"`
	Holidays   []Holiday `json:"holidays"`
	ReopenDays int       `json:"reopen_days"` // calendar days after a report was resolved
	RatingDays int       `json:"rating_days"` // likewise
	Rev        int64     `json:"rev"`
}

// DefaultCalendar is in force until an administrator sets another.
func DefaultCalendar() Calendar { panic("being written") }

// ParseWeekday reads the English name of a day in lower case: "friday".
func ParseWeekday(name string) (time.Weekday, bool) { panic("being written") }

// Validate tells every fault of the calendar at once.
func (c Calendar) Validate() error { panic("being written") }

// DueAfter is the end (the midnight that follows) of the n-th working day after the day of receipt.
func (c Calendar) DueAfter(received time.Time, workingDays int, loc *time.Location) time.Time {
	panic("being written")
}
