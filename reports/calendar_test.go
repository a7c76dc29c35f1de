package reports

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tables below must not depend on the machine

	"pgregory.net/rapid"

	"github.com/balagh/balagh/fault"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestCalendar_DueAfter(t *testing.T) {
	t.Parallel()
	saudi := DefaultCalendar()
	eid := DefaultCalendar()
	for _, d := range []string{"2026-03-22", "2026-03-19", "2026-03-20", "2026-03-21", "2026-03-23", "2025-03-30"} { // in any order
		eid.Holidays = append(eid.Holidays, Holiday{d, "عيد الفطر"})
	}
	sunday := Calendar{Weekend: Weekdays{time.Sunday}, RatingDays: 1}
	none := Calendar{RatingDays: 1}
	for _, c := range []struct {
		name     string
		calendar Calendar
		zone     string
		received string // local
		days     int
		due      string // local
	}{
		{"a working day", saudi, "Asia/Riyadh", "2026-11-22T09:00", 1, "2026-11-24T00:00"}, // Sunday → end of Monday
		{"the same day", saudi, "Asia/Riyadh", "2026-11-22T09:00", 0, "2026-11-23T00:00"},
		{"less than none", saudi, "Asia/Riyadh", "2026-11-22T09:00", -3, "2026-11-23T00:00"},
		{"Thursday evening", saudi, "Asia/Riyadh", "2026-11-19T23:59", 1, "2026-11-23T00:00"},          // end of Sunday
		{"Friday counts from Sunday", saudi, "Asia/Riyadh", "2026-11-20T00:00", 1, "2026-11-24T00:00"}, // end of Monday
		{"Saturday night, no days", saudi, "Asia/Riyadh", "2026-11-21T23:00", 0, "2026-11-23T00:00"},
		{"over a week-end", saudi, "Asia/Riyadh", "2026-11-18T12:00", 5, "2026-11-26T00:00"},
		{"Eid", eid, "Asia/Riyadh", "2026-03-18T10:00", 2, "2026-03-26T00:00"}, // off 19–23; due on Wednesday the 25th
		{"received during Eid", eid, "Asia/Riyadh", "2026-03-20T10:00", 1, "2026-03-26T00:00"},
		{"over the year's end", saudi, "Asia/Riyadh", "2026-12-31T10:00", 1, "2027-01-04T00:00"},
		{"a week of six days", sunday, "Asia/Karachi", "2026-11-21T10:00", 1, "2026-11-24T00:00"},
		{"no week-end", none, "UTC", "2026-11-20T10:00", 3, "2026-11-24T00:00"},
		{"a long term", none, "UTC", "2026-01-01T10:00", 365, "2027-01-02T00:00"},
		{"no longer than 1,000 days", none, "UTC", "2026-01-01T00:00", 1 << 40, "2028-09-28T00:00"},
		{"clocks forward in between", sunday, "Europe/Berlin", "2026-03-27T10:00", 2, "2026-03-31T00:00"},
		{"clocks back in between", sunday, "Europe/Berlin", "2026-10-23T10:00", 2, "2026-10-27T00:00"},
		{"midnight is skipped", none, "Africa/Cairo", "2026-04-22T10:00", 1, "2026-04-24T01:00"},
		{"midnight is skipped twice", none, "Asia/Beirut", "2026-03-27T10:00", 1, "2026-03-29T01:00"},
		{"midnight comes late", none, "Africa/Cairo", "2026-10-28T10:00", 1, "2026-10-30T00:00"},
	} {
		loc := zone(t, c.zone)
		received, err := time.ParseInLocation("2006-01-02T15:04", c.received, loc)
		if err != nil {
			t.Fatal(err)
		}
		got := c.calendar.DueAfter(received.UTC(), c.days, loc)
		if got.Location() != time.UTC {
			t.Errorf("%s: not in UTC", c.name)
		}
		if local := got.In(loc).Format("2006-01-02T15:04"); local != c.due {
			t.Errorf("%s: %s, want %s", c.name, local, c.due)
		}
	}
}

// It is the day in the service's zone that counts, not the one in UTC.
func TestCalendar_DueAfter_UsesTheZonesDay(t *testing.T) {
	t.Parallel()
	received := time.Date(2026, 11, 19, 21, 30, 0, 0, time.UTC) // Friday, 00:30 in Riyadh
	got := DefaultCalendar().DueAfter(received, 1, zone(t, "Asia/Riyadh"))
	if want := time.Date(2026, 11, 23, 21, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCalendar_DueAfter_EndsWithoutAnyWorkingDay(t *testing.T) {
	t.Parallel()
	c := Calendar{Weekend: Weekdays{0, 1, 2, 3, 4, 5, 6}}
	if got := c.DueAfter(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 5, time.UTC); got.Year() != 2026 {
		t.Error(got)
	}
}

func TestCalendar_DueAfter_Properties(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Asia/Riyadh")
	rapid.Check(t, func(t *rapid.T) {
		c := Calendar{RatingDays: 1}
		c.Weekend = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) time.Weekday {
			return time.Weekday(rapid.IntRange(0, 6).Draw(t, "day"))
		}), 0, 6, rapid.ID).Draw(t, "weekend")
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, loc)
		for _, d := range rapid.SliceOfNDistinct(rapid.IntRange(0, 60), 0, 30, rapid.ID).Draw(t, "holidays") {
			c.Holidays = append(c.Holidays, Holiday{start.AddDate(0, 0, d).Format(time.DateOnly), "x"})
		}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		received := start.Add(time.Duration(rapid.IntRange(0, 40*24*60).Draw(t, "minutes")) * time.Minute)
		n := rapid.IntRange(0, 30).Draw(t, "n")
		works := func(day time.Time) bool {
			return !slices.Contains(c.Weekend, day.Weekday()) &&
				!slices.ContainsFunc(c.Holidays, func(h Holiday) bool { return h.Date == day.Format(time.DateOnly) })
		}
		last := c.DueAfter(received, n, loc).In(loc).AddDate(0, 0, -1)
		if !works(last) {
			t.Fatalf("due at the end of %s, a day off", last)
		}
		day, working := time.Date(received.Year(), received.Month(), received.Day(), 0, 0, 0, 0, loc), -1
		for ; !day.After(last); day = day.AddDate(0, 0, 1) {
			if works(day) {
				working++
			}
		}
		if working != n {
			t.Fatalf("%d working days until %s, want %d", working, last, n)
		}
	})
}

func TestCalendar_Validate(t *testing.T) {
	t.Parallel()
	if err := DefaultCalendar().Validate(); err != nil {
		t.Error(err)
	}
	c := Calendar{
		Weekend: Weekdays{time.Friday, time.Friday, 9, 1, 2, 3, 4, 0},
		Holidays: []Holiday{
			{"2026-09-23", "اليوم الوطني"}, {"2026-09-23", "again"}, {"2026-02-30", "no such day"}, {"23/09/2026", "x"}, {"2026-09-24", " "},
			{"2026-09-25", strings.Repeat("x", 201)}, {"2026-09-26", "a\x00b"},
		},
		ReopenDays: -1,
	}
	var f *fault.Error
	if !errors.As(c.Validate(), &f) || f.Code != fault.Invalid {
		t.Fatal(f)
	}
	want := []fault.Field{
		{Path: "weekend", Reason: fault.TooMany}, {Path: "weekend/1", Reason: fault.Duplicate}, {Path: "weekend/2", Reason: fault.Unknown},
		{Path: "holidays/1/date", Reason: fault.Duplicate}, {Path: "holidays/2/date", Reason: fault.WrongFormat},
		{Path: "holidays/3/date", Reason: fault.WrongFormat}, {Path: "holidays/4/name", Reason: fault.Required},
		{Path: "holidays/5/name", Reason: fault.TooLong}, {Path: "holidays/6/name", Reason: fault.WrongFormat},
		{Path: "reopen_days", Reason: fault.OutOfRange}, {Path: "rating_days", Reason: fault.OutOfRange},
	}
	if !reflect.DeepEqual(f.Fields, want) {
		t.Errorf("got  %v\nwant %v", f.Fields, want)
	}
	if err := (Calendar{Weekend: Weekdays{0, 1, 2, 3, 4, 5, 6}, RatingDays: 1}).Validate(); err == nil {
		t.Error("a week without a working day passes")
	}
	if err := (Calendar{Holidays: make([]Holiday, maxHolidays+1), RatingDays: 1}).Validate(); err == nil {
		t.Error("too many holidays pass")
	}
}

func TestCalendar_JSON(t *testing.T) {
	t.Parallel()
	const text = `{"weekend":["friday","saturday"],"holidays":[{"date":"2026-09-23","name":"اليوم الوطني"}],` +
		`"reopen_days":10,"rating_days":14,"rev":3}`
	var c Calendar
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Weekend, Weekdays{time.Friday, time.Saturday}) {
		t.Error(c.Weekend)
	}
	if b, err := json.Marshal(c); err != nil || string(b) != text {
		t.Errorf("%s, %v", b, err)
	}
	for _, bad := range []string{`{"weekend":["Friday"]}`, `{"weekend":[5]}`, `{"weekend":"friday"}`, `{"weekend":[""]}`} {
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Errorf("%s passes", bad)
		}
	}
	if b, err := json.Marshal(Calendar{}.Weekend); err != nil || string(b) != "[]" {
		t.Errorf("%s, %v", b, err)
	}
}

func BenchmarkCalendar_DueAfter(b *testing.B) {
	c := DefaultCalendar()
	for d := range 40 {
		c.Holidays = append(c.Holidays, Holiday{time.Date(2026, 1, d*9, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), "x"})
	}
	loc, received := zone(b, "Asia/Riyadh"), time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		c.DueAfter(received, 10, loc)
	}
}
