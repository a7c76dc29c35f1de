package manage

import (
	"fmt"
	"strings"
	"time"

	"github.com/balagh/balagh/hijri"
	"github.com/balagh/balagh/web/page"
)

// periods that can be chosen; days are typed.
var periods = []string{"this_month", "last_30", "last_90", "last_12", "this_year", "this_hijri_month", "this_hijri_year", "last_hijri_year", "days"}

const defaultPeriod = "last_12"

// span gives the first and last day of a period at a day.
func span(period string, today time.Time) (from, to time.Time, ok bool) {
	y, m, _ := today.Date()
	now := hijri.FromGregorian(today.Date())
	switch period {
	case "this_month":
		return day(y, m, 1), today, true
	case "last_30":
		return today.AddDate(0, 0, -29), today, true
	case "last_90":
		return today.AddDate(0, 0, -89), today, true
	case "last_12":
		return today.AddDate(-1, 0, 1), today, true
	case "this_year":
		return day(y, 1, 1), today, true
	case "this_hijri_month":
		return day(hijri.Date{Year: now.Year, Month: now.Month, Day: 1}.ToGregorian()), today, true
	case "this_hijri_year":
		return day(hijri.Date{Year: now.Year, Month: 1, Day: 1}.ToGregorian()), today, true
	case "last_hijri_year":
		return day(hijri.Date{Year: now.Year - 1, Month: 1, Day: 1}.ToGregorian()),
			day(hijri.Date{Year: now.Year, Month: 1, Day: 1}.ToGregorian()).AddDate(0, 0, -1), true
	}
	return from, to, false
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// parseDay reads a day of either calendar as people type it: year, month, day, or the other way round, in any digits. Years below 1900
// are of the Hijri calendar.
func parseDay(typed string) (time.Time, bool) {
	s := strings.NewReplacer("/", "-", ".", "-", "هـ", "", "ھ", "", "\u200f", "", "\u200e", "").Replace(strings.TrimSpace(page.Digits(typed)))
	var a, b, c int
	if n, err := fmt.Sscanf(strings.TrimSpace(s)+"\n", "%d-%d-%d\n", &a, &b, &c); n != 3 || err != nil {
		return time.Time{}, false
	}
	if c > 1000 {
		a, c = c, a
	}
	if a < 1300 || a > 2200 || b < 1 || b > 12 || c < 1 || c > 31 {
		return time.Time{}, false
	}
	if a < 1900 {
		if c > hijri.MonthLength(a, b) {
			return time.Time{}, false
		}
		return day(hijri.Date{Year: a, Month: b, Day: c}.ToGregorian()), true
	}
	t := day(a, time.Month(b), c)
	return t, t.Day() == c
}

// typedDay is how a day would be typed in the calendar that is preferred.
func typedDay(v *page.Visit, t time.Time) string {
	if v.Hijri {
		return hijri.FromGregorian(t.Date()).String()
	}
	return t.Format(time.DateOnly)
}
