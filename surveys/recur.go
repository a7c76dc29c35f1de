package surveys

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/balagh/balagh/hijri"
)

const (
	maxRule    = 200 // bytes of Every.Rule
	ruleYears  = 20  // how far ahead an occurrence is looked for: a rule that has none until then counts as one without any
	firstStart = 2000
	lastStart  = 2100
)

// ruleParts are the parts of a rule that mean something here: the start is Every.Start, the time of the day Every.Hour.
var ruleParts = []string{"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY",
	"BYSETPOS"}

var (
	errRule      = errors.New("no rule of recurrence")
	untilDay     = regexp.MustCompile(`^[0-9]{8}$`)
	wholeNumber  = regexp.MustCompile(`^[1-9][0-9]{0,2}$`)
	startOfEvery = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

// parseRule reads a rule strictly: the library takes more than can be meant here, and lets some contradictions pass.
func parseRule(rule string) (*rrule.ROption, error) {
	if len(rule) > maxRule {
		return nil, errRule
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rule, ";") {
		key, value, _ := strings.Cut(part, "=")
		if _, twice := parts[key]; twice || !slices.Contains(ruleParts, key) {
			return nil, errRule
		}
		parts[key] = value
	}
	often := parts["FREQ"]
	until, hasUntil := parts["UNTIL"]
	_, hasCount := parts["COUNT"]
	switch {
	case !slices.Contains([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}, often),
		hasCount && hasUntil,
		hasUntil && !untilDay.MatchString(until),
		strings.ContainsAny(parts["BYDAY"], "0123456789") && often != "YEARLY" && often != "MONTHLY",
		parts["BYSETPOS"] != "" && !strings.Contains(strings.ReplaceAll(rule, "BYSETPOS", ""), ";BY"):
		return nil, errRule
	}
	for _, key := range []string{"INTERVAL", "COUNT"} {
		if v, there := parts[key]; there && !wholeNumber.MatchString(v) {
			return nil, errRule
		}
	}
	option, err := rrule.StrToROption(rule)
	if err != nil {
		return nil, errRule
	}
	option.Dtstart = time.Date(firstStart, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := rrule.NewRRule(*option); err != nil {
		return nil, errRule
	}
	return option, nil
}

// occurrences are the first n after a moment; fewer when there are no more. Days are found without a zone, and each then begins
// at Hour in the zone: an hour that a change of the clocks leaves out is the one that follows, and one that comes twice is had
// once.
func (e *Every) occurrences(zone *time.Location, after time.Time, n int) []time.Time {
	start, err := time.Parse(time.DateOnly, e.Start)
	if err != nil {
		return nil
	}
	next := e.days(start, after)
	var all []time.Time
	for len(all) < n {
		day, ok := next()
		if !ok {
			return all
		}
		y, m, d := day.Date()
		if at := time.Date(y, m, d, e.Hour, 0, 0, 0, zone).UTC(); at.After(after) {
			all = append(all, at)
		}
	}
	return all
}

// days gives the days on which it occurs from start on, in order, as midnights in UTC, and ends some time after a moment. Those
// that lie long before it may be left out.
func (e *Every) days(start, after time.Time) func() (time.Time, bool) {
	if e.Hijri != nil {
		from := start
		if early := after.AddDate(0, 0, -2); early.After(from) {
			from = early
		}
		year := hijri.FromGregorian(from.Date()).Year
		return func() (day time.Time, ok bool) {
			for ok = false; !ok; year++ {
				d := hijri.Date{Year: year, Month: e.Hijri.Month, Day: min(e.Hijri.Day, hijri.MonthLength(year, e.Hijri.Month))}
				y, m, n := d.ToGregorian()
				day = time.Date(y, m, n, 0, 0, 0, 0, time.UTC)
				ok = !day.Before(start)
			}
			return day, true
		}
	}
	none := func() (time.Time, bool) { return time.Time{}, false }
	option, err := parseRule(e.Rule)
	if err != nil {
		return none
	}
	option.Dtstart = start
	limit := start
	if after.After(limit) {
		limit = after
	}
	if limit = limit.AddDate(ruleYears, 0, 0); option.Until.IsZero() || option.Until.After(limit) {
		option.Until = limit
	}
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return none
	}
	return rule.Iterator()
}

// gap is the shortest time between two of the next occurrences.
func gap(next []time.Time) time.Duration {
	shortest := time.Duration(math.MaxInt64)
	for i := 1; i < len(next); i++ {
		shortest = min(shortest, next[i].Sub(next[i-1]))
	}
	return shortest
}

// startOf reads Every.Start.
func startOf(s string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil && startOfEvery.MatchString(s) && t.Year() >= firstStart && t.Year() < lastStart
}
