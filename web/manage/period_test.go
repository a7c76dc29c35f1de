package manage

import (
	"testing"
	"time"
)

func TestParseDay(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"2026-10-01": "2026-10-01", "2026/10/1": "2026-10-01", "1/10/2026": "2026-10-01", " ٢٠٢٦-١٠-٠١ ": "2026-10-01", "۱۴۴۸-۰۱-۰۱": "2026-06-16",
		"1448-01-01": "2026-06-16", "1/1/1448 هـ": "2026-06-16", "15.2.1440": "2018-10-24",
		"": "", "today": "", "2026-02-30": "", "2026-13-01": "", "1448-01-31": "", "26-10-01": "", "2026-10-01-05": "", "2026-10": "", "-2026-10-01": "",
	} {
		got, ok := parseDay(typed)
		if ok != (want != "") || ok && got.Format(time.DateOnly) != want {
			t.Errorf("%q: %v %v, want %q", typed, got, ok, want)
		}
	}
}

func FuzzParseDay(f *testing.F) {
	f.Add("2026-10-01")
	f.Add("١٥/٢/١٤٤٠")
	f.Fuzz(func(t *testing.T, typed string) {
		if got, ok := parseDay(typed); ok && (got.Year() < 1880 || got.Year() > 2200) {
			t.Errorf("%q is %v", typed, got)
		}
	})
}

func TestSpan(t *testing.T) {
	t.Parallel()
	today := day(2026, 11, 22) // 12 Jumada II 1448
	for period, want := range map[string][2]string{
		"this_month": {"2026-11-01", "2026-11-22"}, "last_30": {"2026-10-24", "2026-11-22"}, "last_90": {"2026-08-25", "2026-11-22"},
		"last_12": {"2025-11-23", "2026-11-22"}, "this_year": {"2026-01-01", "2026-11-22"}, "this_hijri_month": {"2026-11-11", "2026-11-22"},
		"this_hijri_year": {"2026-06-16", "2026-11-22"}, "last_hijri_year": {"2025-06-26", "2026-06-15"},
	} {
		from, to, ok := span(period, today)
		if got := [2]string{from.Format(time.DateOnly), to.Format(time.DateOnly)}; !ok || got != want {
			t.Errorf("%s: %v, want %v", period, got, want)
		}
	}
	if _, _, ok := span("days", today); ok {
		t.Error("days that are typed are no period")
	}
}
