package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/hijri"
)

// Format writes words, numbers and moments as somebody reads them.
type Format struct {
	Lang   string
	Native bool // digits of the language: ١٢٣ in Arabic, ۱۲۳ in Urdu
	Hijri  bool // days by Umm al-Qura
	Zone   *time.Location
}

// Dir is the direction of the language.
func (f Format) Dir() string {
	if f.Lang == "en" {
		return "ltr"
	}
	return "rtl"
}

// Locale for a browser's Intl, with digits and calendar.
func (f Format) Locale() string {
	region := map[string]string{"ar": "ar-SA", "en": "en-GB", "ur": "ur-PK"}[f.Lang]
	calendar := "gregory"
	if f.Hijri {
		calendar = "islamic-umalqura"
	}
	return region + "-u-ca-" + calendar + "-nu-" + f.numbers()
}

func (f Format) numbers() string {
	switch {
	case !f.Native || f.Lang == "en":
		return "latn"
	case f.Lang == "ur":
		return "arabext"
	}
	return "arab"
}

// Run is the direction of figures with signs between them, such as an interval, for a bdi around them. Arabic-Indic digits run with the
// language: from left to right they would change places.
func (f Format) Run() string {
	if f.numbers() == "latn" {
		return "ltr"
	}
	return "rtl"
}

// In writes the digits of a text as they are preferred.
func (f Format) In(s string) string {
	zero := map[string]rune{"arab": '٠', "arabext": '۰'}[f.numbers()]
	if zero == 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return zero + r - '0'
		}
		return r
	}, s)
}

// Digits are those of ASCII in place of Arabic-Indic and Urdu ones.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '٠' && r <= '٩':
			return r - '٠' + '0'
		case r >= '۰' && r <= '۹':
			return r - '۰' + '0'
		}
		return r
	}, s)
}

// separators of thousands and decimals.
func (f Format) separators() (thousands, decimal string) {
	if f.numbers() == "latn" {
		return ",", "."
	}
	return "٬", "٫"
}

// N writes a whole number.
func (f Format) N(x any) string {
	var n int64
	switch x := x.(type) {
	case int:
		n = int64(x)
	case int32:
		n = int64(x)
	case int64:
		n = x
	case *int:
		if x == nil {
			return "—"
		}
		n = int64(*x)
	case *int64:
		if x == nil {
			return "—"
		}
		n = *x
	case float64:
		n = int64(math.Round(x))
	default:
		return fmt.Sprint(x)
	}
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	thousands, _ := f.separators()
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + thousands + s[i:]
	}
	return sign + f.In(s)
}

// Dec writes a number with so many digits behind the point; "—" for none.
func (f Format) Dec(x any, digits int) string {
	n, ok := number(x)
	if !ok {
		return "—"
	}
	s := strconv.FormatFloat(math.Abs(n), 'f', digits, 64)
	whole, rest, _ := strings.Cut(s, ".")
	thousands, decimal := f.separators()
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + thousands + whole[i:]
	}
	s = whole
	if rest != "" {
		s += decimal + rest
	}
	if n < 0 && strings.Trim(s, "0"+decimal) != "" {
		s = "−" + s
	}
	return f.In(s)
}

func number(x any) (n float64, ok bool) {
	switch x := x.(type) {
	case float64:
		return x, true
	case float32:
		return float64(x), true
	case *float64:
		if x == nil {
			return 0, false
		}
		return *x, true
	case *float32:
		if x == nil {
			return 0, false
		}
		return float64(*x), true
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case *int64:
		if x == nil {
			return 0, false
		}
		return float64(*x), true
	}
	return 0, false
}

// Pct writes a share of 1 as a percentage with one digit behind the point; "—" for none.
func (f Format) Pct(x any) string {
	n, ok := number(x)
	if !ok {
		return "—"
	}
	sign := "%"
	if f.numbers() != "latn" {
		sign = "٪"
	}
	return f.Dec(100*n, 1) + sign
}

// Minutes writes a time that something took.
func (f Format) Minutes(x any) string {
	n, ok := number(x)
	if !ok {
		return "—"
	}
	switch {
	case n < 1:
		return f.T("under_a_minute")
	case n < 60:
		return f.N(n) + " " + f.T("minutes")
	case n < 48*60:
		return f.Dec(n/60, 1) + " " + f.T("hours")
	}
	return f.Dec(n/60/24, 1) + " " + f.T("days")
}

// Day writes a day, given as a moment or as 2006-01-02.
func (f Format) Day(x any) string {
	var t time.Time
	switch x := x.(type) {
	case time.Time:
		t = x.In(f.Zone)
	case *time.Time:
		if x == nil {
			return "—"
		}
		t = x.In(f.Zone)
	case string:
		var err error
		if t, err = time.ParseInLocation(time.DateOnly, x, f.Zone); err != nil {
			return x
		}
	}
	if t.IsZero() {
		return "—"
	}
	if !f.Hijri {
		return f.In(fmt.Sprintf("%d %s %d", t.Day(), f.T("gregorian_"+strconv.Itoa(int(t.Month()))), t.Year()))
	}
	d := hijri.FromGregorian(t.Date())
	s := f.In(fmt.Sprintf("%d %s %d", d.Day, f.T("hijri_"+strconv.Itoa(d.Month)), d.Year)) + " " + f.T("ah")
	if !hijri.Known(d.Year) {
		s += " (" + f.T("estimated") + ")"
	}
	return s
}

// Month writes 2006-01, or a month of the Hijri calendar such as 1448-05.
func (f Format) Month(s string) string {
	year, month, ok := strings.Cut(s, "-")
	m, err := strconv.Atoi(month)
	if !ok || err != nil || m < 1 || m > 12 {
		return s
	}
	calendar := "gregorian_"
	if year < "1900" {
		calendar = "hijri_"
	}
	return f.T(calendar+strconv.Itoa(m)) + " " + f.In(year)
}

// Clock writes the time of a day.
func (f Format) Clock(t time.Time) string { return f.In(t.In(f.Zone).Format("15:04")) }

// Moment writes day and time.
func (f Format) Moment(x any) string {
	switch t := x.(type) {
	case *time.Time:
		if t != nil {
			return f.Day(*t) + f.T("comma") + " " + f.Clock(*t)
		}
	case time.Time:
		if !t.IsZero() {
			return f.Day(t) + f.T("comma") + " " + f.Clock(t)
		}
	}
	return "—"
}
