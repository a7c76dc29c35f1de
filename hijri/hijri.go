// Package hijri converts days between the Gregorian calendar and Umm al-Qura, the civil calendar of the Kingdom.
//
// The calendar is computed in advance and published as a table; no formula gives it. One table of the years 1420 to 1500 is in the
// program, and a file can correct or extend it. The package knows days alone: no clock, no zone, no moment at which a day
// begins, and no sighting of the moon.
package hijri

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync/atomic"
	"time"
)

// Date is a day of the Hijri calendar.
type Date struct {
	Year, Month, Day int // AH; 1 is Muharram; 1 to 29 or 30
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// The table: bit m−1 of a year is set when month m has 30 days, otherwise it has 29. Source: the calendar of King Abdulaziz
// City for Science and Technology in the rule that holds since 1420 AH, as CLDR carries it; compared day by day with another
// program's copy.
const (
	firstYear = 1420
	firstDay  = "1999-04-17" // of its Muharram
)

var long = [...]uint16{
	0xbd2, 0xbc4, 0xb89, 0xa95, 0x52d, 0x5ad, 0xb6a, 0x6d4, 0xdc9, 0xd92, // 1420
	0xaa6, 0x956, 0x2ae, 0x56d, 0x36a, 0xb55, 0xaaa, 0x94d, 0x49d, 0x95d, // 1430
	0x2ba, 0x5b5, 0x5aa, 0xd55, 0xa9a, 0x92e, 0x26e, 0x55d, 0xada, 0x6d4, // 1440
	0x6a5, 0xb27, 0xa4d, 0x4ad, 0x56d, 0xb5a, 0x754, 0xf49, 0xe92, 0xd26, // 1450
	0xa56, 0x356, 0x6b5, 0xbaa, 0xb92, 0xb25, 0x68b, 0xa9b, 0x55a, 0xada, // 1460
	0x5b4, 0xda9, 0xb52, 0xa9a, 0x536, 0x276, 0x575, 0xaf2, 0x6d4, 0x6a9, // 1470
	0x555, 0x2ad, 0x4bd, 0x9ba, 0x574, 0xb69, 0xb52, 0xa95, 0x52d, 0xa5d, // 1480
	0x4da, 0xad9, 0x6b2, 0xe95, 0xe2a, 0xc96, 0x92e, 0xaad, 0x56a, 0xd65, // 1490
	0xd4a, // 1500
}

// calendar holds the day on which each month begins, from Muharram of firstYear, and last the day after the last month.
type calendar []int

var current atomic.Pointer[calendar]

func init() {
	start, err := day(firstDay)
	if err != nil {
		panic(err)
	}
	c := calendar{start}
	for _, months := range long {
		for m := range 12 {
			start += 29 + int(months>>m&1)
			c = append(c, start)
		}
	}
	current.Store(&c)
}

// Known reports whether the year is in the table. The dates of other years are estimates by the arithmetic calendar, and may be
// off by a day or two.
func Known(year int) bool { return year >= firstYear && year < firstYear+(len(*current.Load())-1)/12 }

// MonthLength is 29 or 30.
func MonthLength(year, month int) int {
	c := *current.Load()
	return c.start(year, month+1) - c.start(year, month)
}

// FromGregorian is the Hijri date of a day.
func FromGregorian(year int, month time.Month, day int) Date {
	c, n := *current.Load(), number(year, month, day)
	if last := len(c) - 1; n >= c[0] && n < c[last] {
		i := sort.Search(last, func(i int) bool { return c[i+1] > n })
		return Date{firstYear + i/12, i%12 + 1, n - c[i] + 1}
	}
	y := firstYear + int(float64(n-c[0])/354.367)
	for c.start(y, 1) > n {
		y--
	}
	for c.start(y+1, 1) <= n {
		y++
	}
	m := 1
	for m < 12 && c.start(y, m+1) <= n {
		m++
	}
	return Date{y, m, n - c.start(y, m) + 1}
}

// ToGregorian is the day of a date. A day that the month does not have is counted on into the next.
func (d Date) ToGregorian() (year int, month time.Month, day int) {
	c := *current.Load()
	return time.Unix(int64(c.start(d.Year, d.Month)+d.Day-1)*secondsOfDay, 0).UTC().Date()
}

// start of a month, as the number of a day; month 13 is the next year's first.
func (c calendar) start(year, month int) int {
	year, month = year+(month-1)/12, (month-1)%12
	i, last := (year-firstYear)*12+month, len(c)-1
	if i >= 0 && i <= last {
		return c[i]
	}
	known, at := firstYear, c[0]
	if i > last {
		known, at = firstYear+last/12, c[last]
	}
	return at + arithmetic(year, month) - arithmetic(known, 0)
}

// arithmetic counts days in the arithmetic calendar: months of 30 and 29 days in turn, and 11 leap days in 30 years.
func arithmetic(year, month int) int {
	cycle := year / 30
	if year%30 < 0 {
		cycle--
	}
	in := year - 30*cycle
	return cycle*10_631 + in*354 + (3+11*in)/30 + (59*month+1)/2
}

// Load takes the beginnings of months from lines such as "1447-09 2026-02-18", over those in the table or following them
// without a gap. Empty lines and those that begin with # are skipped. It holds for the whole program, from the moment at which
// it is called, and changes nothing when it fails.
func Load(r io.Reader) error {
	c := append(calendar(nil), *current.Load()...)
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		i, start, err := monthStart(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		switch {
		case i < 0 || i > len(c):
			return fmt.Errorf("line %d: the month does not follow the table", n)
		case i == len(c):
			c = append(c, start)
		default:
			c[i] = start
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if (len(c)-1)%12 != 0 {
		return errors.New("the last year is not complete: the first month of the next one is missing")
	}
	for i := range len(c) - 1 {
		if days := c[i+1] - c[i]; days != 29 && days != 30 {
			return fmt.Errorf("month %d-%02d would have %d days", firstYear+i/12, i%12+1, days)
		}
	}
	current.Store(&c)
	return nil
}

// monthStart reads a line: the month's place in a calendar and its first day.
func monthStart(line string) (place, start int, err error) {
	var month, first string
	if f := strings.Fields(line); len(f) == 2 {
		month, first = f[0], f[1]
	}
	var y, m int
	if n, err := fmt.Sscanf(month, "%4d-%2d", &y, &m); n != 2 || err != nil || fmt.Sprintf("%04d-%02d", y, m) != month || m < 1 ||
		m > 12 {
		return 0, 0, errors.New("want a month and its first day, such as 1447-09 2026-02-18")
	}
	start, err = day(first)
	return (y-firstYear)*12 + m - 1, start, err
}

const secondsOfDay = 24 * 60 * 60

// number of a day, from 1970-01-01.
func number(year int, month time.Month, day int) int {
	s := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
	if s < 0 {
		s -= secondsOfDay - 1
	}
	return int(s / secondsOfDay)
}

func day(s string) (int, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, errors.New("a day is written as 2026-02-18")
	}
	return number(t.Date()), nil
}
