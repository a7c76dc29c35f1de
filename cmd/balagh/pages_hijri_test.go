package main

import (
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/balagh/balagh/hijri"
)

// Each day of the years 1420 to 1450 is the same in the table as in the browser's own Umm al-Qura.
func TestPages_Hijri(t *testing.T) {
	t.Parallel()
	b := (&installation{t: t, url: "about:blank"}).browse(t)
	year, month, day := hijri.Date{Year: 1420, Month: 1, Day: 1}.ToGregorian()
	first := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	year, month, day = hijri.Date{Year: 1451, Month: 1, Day: 1}.ToGregorian()
	end := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	days := read(b, chromedp.Evaluate[[][]int](`((from, end) => {
		const words = new Intl.DateTimeFormat("en-u-ca-islamic-umalqura-nu-latn", {timeZone: "UTC", year: "numeric", month: "numeric", day: "numeric"});
		const days = [];
		for (let at = from; at < end; at += 24 * 3600 * 1000) {
			const parts = Object.fromEntries(words.formatToParts(at).map((p) => [p.type, Number(p.value)]));
			days.push([parts.year ?? parts.relatedYear, parts.month, parts.day]);
		}
		return days;
	})(Date.UTC(1999, 3, 17), `+strconv.FormatInt(end.UnixMilli(), 10)+`)`))
	if want := first.Format(time.DateOnly); want != "1999-04-17" || len(days) < 31*354 {
		t.Fatalf("from %s, %d days", want, len(days))
	}
	for n, d := range days {
		at := first.AddDate(0, 0, n)
		if got, want := hijri.FromGregorian(at.Date()), (hijri.Date{Year: d[0], Month: d[1], Day: d[2]}); got != want {
			t.Errorf("%s is %v in the table, %v in the browser", at.Format(time.DateOnly), got, want)
		}
	}
}
