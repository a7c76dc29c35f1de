package api

import (
	"time"

	"github.com/balagh/balagh/fault"
)

// defaultPeriodDays are looked back at when no first day is named.
const defaultPeriodDays = 365

// period is a run of whole days.
type period struct {
	first, last string    // days as 2006-01-02, both within
	from, to    time.Time // the same as moments: from is within, to is not
}

// periodOf reads the first and the last day of a question in the zone in which days begin. Without a last day it ends
// today; without a first one it begins a year before the last.
func periodOf(first, last *string, now time.Time, zone *time.Location) (period, error) {
	var faults fault.Fields
	day := func(path string, given *string, or time.Time) time.Time {
		if given == nil {
			return or
		}
		t, err := time.ParseInLocation(time.DateOnly, *given, zone)
		if err != nil {
			faults.Add(path, fault.WrongFormat)
		}
		return t
	}
	now = now.In(zone)
	end := day("to", last, time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone))
	begin := day("from", first, end.AddDate(0, 0, 1-defaultPeriodDays))
	if len(faults) == 0 && end.Before(begin) {
		faults.Add("to", fault.Contradicted)
	}
	return period{first: begin.Format(time.DateOnly), last: end.Format(time.DateOnly), from: begin.UTC(), to: end.AddDate(0, 0, 1).UTC()}, faults.Err()
}
