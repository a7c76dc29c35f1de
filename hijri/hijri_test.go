package hijri

import (
	"os"
	"strings"
	"testing"
	"time"
)

// months.txt is what another program's copy of the calendar says: node's Intl with islamic-umalqura.
func golden(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/months.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTable_is_another_programs(t *testing.T) {
	t.Parallel()
	c := *current.Load()
	lines := strings.Split(strings.TrimSpace(golden(t)), "\n")
	if len(lines) != len(c) {
		t.Fatalf("%d months, want %d", len(c), len(lines))
	}
	for i, line := range lines {
		at, start, err := monthStart(line)
		if err != nil || at != i || c[i] != start {
			t.Errorf("%s: place %d, begins on %d, want %d; %v", line, at, c[i], start, err)
		}
	}
}

func TestFromGregorian(t *testing.T) {
	t.Parallel()
	for want, day := range map[Date]string{
		{1447, 9, 1}:   "2026-02-18",
		{1420, 1, 1}:   "1999-04-17",
		{1440, 2, 15}:  "2018-10-24", // when the unified contact centre opened
		{1450, 12, 1}:  "2029-04-15",
		{1500, 12, 30}: "2077-11-16",
	} {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := FromGregorian(d.Date()); got != want {
			t.Errorf("%s: %v, want %v", day, got, want)
		}
		if y, m, n := want.ToGregorian(); y != d.Year() || m != d.Month() || n != d.Day() {
			t.Errorf("%v: %d-%d-%d, want %s", want, y, m, n, day)
		}
	}
}

// Every day from 1390 to 1530 AH, so also those that are estimated and the seams, follows the one before, and comes back.
func TestDates_follow_each_other(t *testing.T) {
	t.Parallel()
	last := FromGregorian(1970, 3, 9)
	for d := time.Date(1970, 3, 10, 0, 0, 0, 0, time.UTC); d.Year() < 2107; d = d.AddDate(0, 0, 1) {
		h := FromGregorian(d.Date())
		want := Date{last.Year, last.Month, last.Day + 1}
		if last.Day == MonthLength(last.Year, last.Month) {
			want = Date{last.Year, last.Month + 1, 1}
		}
		if want.Month == 13 {
			want = Date{last.Year + 1, 1, 1}
		}
		if h != want {
			t.Fatalf("%s is %v, want %v", d.Format(time.DateOnly), h, want)
		}
		if y, m, n := h.ToGregorian(); time.Date(y, m, n, 0, 0, 0, 0, time.UTC) != d {
			t.Fatalf("%v came back as %d-%d-%d, want %s", h, y, m, n, d.Format(time.DateOnly))
		}
		last = h
	}
}

func TestFromGregorian_estimates(t *testing.T) {
	t.Parallel()
	if Known(1419) || !Known(1420) || !Known(1500) || Known(1501) {
		t.Error("the table is of 1420 to 1500")
	}
	for day, want := range map[string]Date{"1979-11-20": {1400, 1, 1}, "622-07-19": {1, 1, 1}, "2174-11-26": {1601, 1, 1}} {
		d, err := time.Parse("2006-01-02", strings.Repeat("0", 10-len(day))+day)
		if err != nil {
			t.Fatal(err)
		}
		got := FromGregorian(d.Date())
		a, b := number(got.ToGregorian()), number(want.ToGregorian())
		if a-b < -2 || a-b > 2 {
			t.Errorf("%s: about %v, want %v", day, got, want)
		}
	}
}

// Not beside the others: it changes the table of all.
func TestLoad(t *testing.T) {
	before := current.Load()
	defer current.Store(before)
	if err := Load(strings.NewReader(golden(t))); err != nil {
		t.Fatal(err)
	}
	if got := FromGregorian(2026, 2, 18); got != (Date{1447, 9, 1}) {
		t.Errorf("the same table changed %v", got)
	}
	if n := MonthLength(1447, 8); n != 29 {
		t.Fatalf("Sha'ban of 1447 has %d days", n)
	}
	for name, text := range map[string]string{
		"a month of 31 days": "1447-09 2026-02-20",
		"a gap":              "1502-03 2079-01-01",
		"before the table":   "1419-12 1999-03-18",
		"half a year":        "1501-02 2077-12-17",
		"no day":             "1447-09",
		"no such day":        "1447-09 2026-02-30",
		"no such month":      "1447-13 2026-02-18",
		"words":              "Ramadan begins on Wednesday",
	} {
		if err := Load(strings.NewReader(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if err := Load(strings.NewReader("# announced\n\n1447-09 2026-02-19\n")); err != nil {
		t.Fatal(err)
	}
	if got := FromGregorian(2026, 2, 18); got != (Date{1447, 8, 30}) || MonthLength(1447, 9) != 29 {
		t.Errorf("the day is %v, the month has %d days", got, MonthLength(1447, 9))
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("1447-09 2026-02-18")
	f.Add("# x\n1501-01 2077-11-17\n1501-02 2077-12-16")
	f.Fuzz(func(t *testing.T, text string) {
		before := current.Load()
		defer current.Store(before)
		if Load(strings.NewReader(text)) != nil {
			if current.Load() != before {
				t.Error("a refused table was taken")
			}
			return
		}
		d := FromGregorian(2026, 2, 18)
		if y, m, n := d.ToGregorian(); y != 2026 || m != 2 || n != 18 {
			t.Errorf("%v came back as %d-%d-%d", d, y, m, n)
		}
	})
}
