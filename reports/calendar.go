package reports

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balagh/balagh/fault"
)

// What a calendar may hold.
const (
	maxHolidays    = 1000
	maxPeriod      = 365 // of a period for reopening or rating
	maxWorkingDays = 1000
)

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
	ReopenDays int       `json:"reopen_days"` // calendar days after a report was resolved; 0 for never
	RatingDays int       `json:"rating_days"` // likewise, at least 1
	Rev        int64     `json:"rev"`
}

// DefaultCalendar is in force until an administrator sets another: Friday and Saturday off, two weeks to reopen and to rate.
func DefaultCalendar() Calendar {
	return Calendar{Weekend: Weekdays{time.Friday, time.Saturday}, Holidays: []Holiday{}, ReopenDays: 14, RatingDays: 14}
}

// ParseWeekday reads the English name of a day in lower case: "friday".
func ParseWeekday(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name == strings.ToLower(d.String()) {
			return d, true
		}
	}
	return 0, false
}

// MarshalJSON writes the names of the days.
func (w Weekdays) MarshalJSON() ([]byte, error) {
	names := make([]string, len(w))
	for i, d := range w {
		names[i] = strings.ToLower(d.String())
	}
	return json.Marshal(names)
}

// UnmarshalJSON reads the names of the days, and refuses any other.
func (w *Weekdays) UnmarshalJSON(b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	days := make(Weekdays, len(names))
	for i, name := range names {
		d, ok := ParseWeekday(name)
		if !ok {
			return fmt.Errorf("no day of the week at index %d", i)
		}
		days[i] = d
	}
	*w = days
	return nil
}

// Validate tells every fault of the calendar at once. A week must have a working day.
func (c Calendar) Validate() error {
	var faults fault.Fields
	if len(c.Weekend) > 6 {
		faults.Add("weekend", fault.TooMany)
	}
	for i, d := range c.Weekend {
		switch {
		case d < time.Sunday || d > time.Saturday:
			faults.Add(fmt.Sprintf("weekend/%d", i), fault.Unknown)
		case slices.Contains(c.Weekend[:i], d):
			faults.Add(fmt.Sprintf("weekend/%d", i), fault.Duplicate)
		}
	}
	c.validateHolidays(&faults)
	if c.ReopenDays < 0 || c.ReopenDays > maxPeriod {
		faults.Add("reopen_days", fault.OutOfRange)
	}
	if c.RatingDays < 1 || c.RatingDays > maxPeriod {
		faults.Add("rating_days", fault.OutOfRange)
	}
	return faults.Err()
}

func (c Calendar) validateHolidays(faults *fault.Fields) {
	if len(c.Holidays) > maxHolidays {
		faults.Add("holidays", fault.TooMany)
		return
	}
	seen := make(map[string]bool, len(c.Holidays))
	for i, h := range c.Holidays {
		if _, err := time.Parse(time.DateOnly, h.Date); err != nil {
			faults.Add(fmt.Sprintf("holidays/%d/date", i), fault.WrongFormat)
		} else if seen[h.Date] {
			faults.Add(fmt.Sprintf("holidays/%d/date", i), fault.Duplicate)
		}
		seen[h.Date] = true
		validateLine(faults, fmt.Sprintf("holidays/%d/name", i), h.Name, true)
	}
}

// DueAfter is the end (the midnight that follows, in UTC) of the n-th working day after the day of receipt, as days are
// counted in loc. What comes in on a day off counts as received on the next working day; with 0 days it is due at the end
// of the working day on which it counts as received. More than 1,000 days count as 1,000.
func (c Calendar) DueAfter(received time.Time, workingDays int, loc *time.Location) time.Time {
	year, month, day := received.In(loc).Date()
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC) // a date alone, free of zones and their changes
	var space [64]string                                      // of more holidays to come, the list moves to the heap
	off, holidays := c.daysOff(date, space[:0])
	var text [len(time.DateOnly)]byte
	n := min(max(workingDays, 0), maxWorkingDays)
	// A working day in each week and no more holidays than there are: the end is met before the bound, save for a calendar
	// that Validate refuses.
	for range 7 * (n + 1 + len(holidays)) {
		if !off[date.Weekday()] && !slices.Contains(holidays, string(date.AppendFormat(text[:0], time.DateOnly))) {
			if n == 0 {
				break
			}
			n--
		}
		date = date.AddDate(0, 0, 1)
	}
	return startOfDay(date.AddDate(0, 0, 1), loc).UTC()
}

// daysOff are the days of the week that are off, and the holidays from a date on, appended to holidays.
func (c Calendar) daysOff(from time.Time, holidays []string) (week [7]bool, _ []string) {
	for _, d := range c.Weekend {
		week[d%7] = true
	}
	first := from.Format(time.DateOnly)
	for _, h := range c.Holidays {
		if h.Date >= first {
			holidays = append(holidays, h.Date)
		}
	}
	return week, holidays
}

// startOfDay is the first moment of a date in loc: midnight, save where clocks skip it.
func startOfDay(date time.Time, loc *time.Location) time.Time {
	start := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, loc)
	if start.Day() != date.Day() { // midnight does not exist: the day begins when the clocks change
		_, start = start.ZoneBounds()
	}
	return start
}
