package surveys

import (
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/hijri"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestEvery_occurrences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		every Every
		zone  string
		after string
		want  string // in the zone
	}{
		{"monthly", Every{Rule: "FREQ=MONTHLY;BYMONTHDAY=1", Start: "2026-01-01", Hour: 8}, "Asia/Riyadh", "2026-01-01T05:00:00Z",
			"2026-02-01T08:00:00+03:00 2026-03-01T08:00:00+03:00 2026-04-01T08:00:00+03:00"},
		{"the start itself", Every{Rule: "FREQ=MONTHLY;BYMONTHDAY=1", Start: "2026-01-01", Hour: 8}, "Asia/Riyadh",
			"2026-01-01T04:59:59Z",
			"2026-01-01T08:00:00+03:00 2026-02-01T08:00:00+03:00 2026-03-01T08:00:00+03:00"},
		{"quarterly, on the first Sunday", Every{Rule: "FREQ=MONTHLY;INTERVAL=3;BYDAY=1SU", Start: "2026-01-01", Hour: 9},
			"Asia/Riyadh", "2026-01-05T00:00:00Z",
			"2026-04-05T09:00:00+03:00 2026-07-05T09:00:00+03:00 2026-10-04T09:00:00+03:00"},
		{"only in months of 31 days", Every{Rule: "FREQ=MONTHLY;BYMONTHDAY=31", Start: "2026-01-01", Hour: 0}, "Asia/Riyadh",
			"2026-02-01T00:00:00Z",
			"2026-03-31T00:00:00+03:00 2026-05-31T00:00:00+03:00 2026-07-31T00:00:00+03:00"},
		{"the last day of months", Every{Rule: "FREQ=MONTHLY;BYMONTHDAY=-1", Start: "2026-01-01", Hour: 0}, "Asia/Riyadh",
			"2026-02-01T00:00:00Z",
			"2026-02-28T00:00:00+03:00 2026-03-31T00:00:00+03:00 2026-04-30T00:00:00+03:00"},
		{"leap days", Every{Rule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", Start: "2026-01-01", Hour: 6}, "Asia/Riyadh",
			"2026-02-01T00:00:00Z",
			"2028-02-29T06:00:00+03:00 2032-02-29T06:00:00+03:00 2036-02-29T06:00:00+03:00"},
		{"a few times", Every{Rule: "FREQ=WEEKLY;COUNT=2", Start: "2026-03-02", Hour: 6}, "Asia/Riyadh", "2026-02-01T00:00:00Z",
			"2026-03-02T06:00:00+03:00 2026-03-09T06:00:00+03:00"},
		{"until a day, which is one of them", Every{Rule: "FREQ=DAILY;INTERVAL=2;UNTIL=20260305", Start: "2026-03-01", Hour: 23},
			"Asia/Riyadh", "2026-02-01T00:00:00Z",
			"2026-03-01T23:00:00+03:00 2026-03-03T23:00:00+03:00 2026-03-05T23:00:00+03:00"},
		{"an hour that is left out", Every{Rule: "FREQ=DAILY", Start: "2026-03-28", Hour: 2}, "Europe/Berlin", "2026-03-01T00:00:00Z",
			"2026-03-28T02:00:00+01:00 2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
		{"an hour that comes twice", Every{Rule: "FREQ=DAILY", Start: "2026-10-24", Hour: 2}, "Europe/Berlin", "2026-10-01T00:00:00Z",
			"2026-10-24T02:00:00+02:00 2026-10-25T02:00:00+01:00 2026-10-26T02:00:00+01:00"},
		{"the first of Ramadan", Every{Hijri: &HijriDay{9, 1}, Start: "2026-01-01", Hour: 10}, "Asia/Riyadh", "2026-02-18T07:00:00Z",
			"2027-02-08T10:00:00+03:00 2028-01-28T10:00:00+03:00 2029-01-16T10:00:00+03:00"},
		{"a Hijri year that begins twice in a year of ours", Every{Hijri: &HijriDay{1, 1}, Start: "2008-01-01", Hour: 0},
			"Asia/Riyadh", "2007-12-01T00:00:00Z",
			"2008-01-10T00:00:00+03:00 2008-12-29T00:00:00+03:00 2009-12-18T00:00:00+03:00"},
	} {
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		z := zone(t, c.zone)
		var got []string
		for _, at := range c.every.occurrences(z, after, 3) {
			got = append(got, at.In(z).Format(time.RFC3339))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, strings.Join(got, " "), c.want)
		}
	}
}

func TestEvery_occurrences_thirtieth(t *testing.T) {
	t.Parallel()
	e := Every{Hijri: &HijriDay{9, 30}, Start: "2026-01-01"}
	short := false
	for _, at := range e.occurrences(time.UTC, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 10) {
		d := hijri.FromGregorian(at.Date())
		if d.Month != 9 || d.Day != hijri.MonthLength(d.Year, 9) {
			t.Errorf("%v is not the last day of its month", d)
		}
		short = short || d.Day == 29
	}
	if !short {
		t.Error("no month of 29 days among them")
	}
}

func TestParseRule(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"FREQ=YEARLY", "FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=WEEKLY;BYDAY=SU,WE;WKST=SU",
		"FREQ=DAILY;INTERVAL=10;COUNT=5",
		"FREQ=MONTHLY;BYDAY=SU,MO,TU,WE,TH;BYSETPOS=-1", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=YEARLY;UNTIL=20301231"} {
		if _, err := parseRule(rule); err != nil {
			t.Errorf("%s was refused", rule)
		}
	}
	for _, rule := range []string{"", "FREQ=HOURLY", "FREQ=SECONDLY", "FREQ=MINUTELY", "INTERVAL=2",
		"FREQ=MONTHLY;DTSTART=20260101", "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY",
		"RRULE:FREQ=DAILY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1",
		"FREQ=DAILY;INTERVAL=1000000000",
		"FREQ=DAILY;BYHOUR=3", "FREQ=DAILY;BYEASTER=0", "FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY;COUNT=3;UNTIL=20300101",
		"FREQ=DAILY;UNTIL=20300101T000000Z",
		"FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=MONTHLY;BYSETPOS=1",
		"FREQ=MONTHLY;BYDAY=99MO", "freq=daily",
		"FREQ=DAILY;", "FREQ=DAILY;BYMONTHDAY=" + strings.Repeat("1,", 200) + "1"} {
		if _, err := parseRule(rule); err == nil {
			t.Errorf("%q was taken", rule)
		}
	}
}

// However a rule is written, finding its occurrences ends soon, and they ascend.
func FuzzEvery(f *testing.F) {
	for _, rule := range []string{"FREQ=MONTHLY;BYMONTHDAY=1", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;INTERVAL=7", "FREQ=WEEKLY;BYDAY=SU;BYSETPOS=-1",
		"FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "FREQ=YEARLY;BYYEARDAY=-366", "FREQ=MONTHLY;BYDAY=-5FR;INTERVAL=999"} {
		f.Add(rule, "2026-01-31")
	}
	f.Fuzz(func(t *testing.T, rule, start string) {
		if _, ok := startOf(start); !ok {
			return
		}
		if _, err := parseRule(rule); err != nil {
			return
		}
		e := Every{Rule: rule, Start: start, Hour: 3}
		last := time.Time{}
		for _, at := range e.occurrences(time.UTC, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), 5) {
			if !at.After(last) {
				t.Errorf("%v after %v", at, last)
			}
			last = at
		}
	})
}
