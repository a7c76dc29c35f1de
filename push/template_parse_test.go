package push

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"

	"github.com/balagh/balagh/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "",
		"Report {number}.":       "Report 1234567897.",
		"{number}{number}":       "12345678971234567897",
		"{{number}} is {number}": "{number} is 1234567897",
		"{{{number}}}":           "{1234567897}",
		"}}{{":                   "}{",
		"بلاغك رقم {number}،\nشكرًا":      "بلاغك رقم 1234567897،\nشكرًا",
		"شکایت\u200cنمبر\u200f {number}۔": "شکایت\u200cنمبر\u200f 1234567897۔",
	} {
		p, at, why := parse(text, true, []string{"number"})
		if got := p.render(Vars{Number: SampleNumber}, false); why != "" || got != want || at != utf8.RuneCountInString(text) {
			t.Errorf("%q: %q, %d %s; want %q", text, got, at, why, want)
		}
	}
}

func TestParse_faults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		lines bool
		at    int
		why   fault.Reason
	}{
		{"رقم {nummer}", true, 4, fault.Unknown},
		{"{}", true, 0, fault.Unknown},
		{"{link}", true, 0, fault.Unknown}, // of a survey alone
		{"{ number}", true, 0, fault.Unknown},
		{"{Number}", true, 0, fault.Unknown},
		{"بلاغ {number", true, 5, fault.WrongFormat},
		{"a {{b {", true, 6, fault.WrongFormat},
		{"{num{number}", true, 0, fault.WrongFormat},
		{"{number} }", true, 9, fault.WrongFormat},
		{"{number}}", true, 8, fault.WrongFormat},
		{"{{number}", true, 8, fault.WrongFormat},
		{"ok\x00", true, 2, fault.NotAllowed},
		{"a\tb", true, 1, fault.NotAllowed},
		{"a\r\nb", true, 1, fault.NotAllowed},
		{"a\nb", false, 1, fault.NotAllowed},
		{"a\u202eb", true, 1, fault.NotAllowed},
		{"{number} \u2067", true, 9, fault.NotAllowed},
		{"\u2028", true, 0, fault.NotAllowed},
		{"é\xff", true, 1, fault.WrongFormat},
	} {
		if _, at, why := parse(c.text, c.lines, []string{"number"}); at != c.at || why != c.why {
			t.Errorf("%q: %s at %d; want %s at %d", c.text, why, at, c.why, c.at)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "Report {number}.", "{{{number}}}", "{", "}", "{x}", "{{}}", "بلاغك رقم {number}،\nشكرًا", "\xff", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, at, why := parse(text, true, []string{"number"})
		if why != "" {
			if at < 0 || at >= utf8.RuneCountInString(text) {
				t.Errorf("%q: %s at %d, which is outside", text, why, at)
			}
			return
		}
		got := p.render(Vars{Number: SampleNumber}, true)
		if !utf8.ValidString(got) || strings.Count(got, isolate+SampleNumber+endIsolate) != len(p.names) {
			t.Errorf("%q renders as %q with %d variables", text, got, len(p.names))
		}
		if !strings.ContainsAny(text, "{}") && got != text {
			t.Errorf("%q renders as %q", text, got)
		}
		again, _, why := parse(strings.NewReplacer("{", "{{", "}", "}}").Replace(got), true, nil)
		if len(p.names) == 0 && (why != "" || again.render(Vars{}, true) != got) {
			t.Errorf("%q escaped: %s", got, why)
		}
	})
}

// The digits of the number are one run from left to right in every text, also where no isolates hold them together.
func TestTexts_order(t *testing.T) {
	t.Parallel()
	for k, channels := range builtIn {
		for c, texts := range channels {
			for l := range texts {
				x := supplied.Text(k, c, l, sample(SampleNumber, l))
				if isolates := strings.ContainsAny(x.Title+x.Body, isolate+endIsolate); isolates != (c != ChannelSMS) {
					t.Errorf("%s, %s, %s: isolates %t", k, c, l, isolates)
				}
				for text := range strings.Lines(x.Title + "\n" + x.Body) {
					for _, whole := range []string{SampleNumber, sample("", l).Link} {
						if strings.Contains(text, whole) && !fromLeft(t, strings.TrimSpace(text), whole) {
							t.Errorf("%s, %s, %s: %q shows the number or the link in pieces", k, c, l, text)
						}
					}
				}
			}
		}
	}
	if fromLeft(t, "بلاغ 12-34", "12-34") {
		t.Error("pieces are not noticed")
	}
}

// fromLeft says whether part is within one run of text that goes from left to right, by the Unicode bidirectional algorithm.
func fromLeft(t *testing.T, text, part string) bool {
	t.Helper()
	var p bidi.Paragraph
	if _, err := p.SetString(text); err != nil {
		t.Fatal(err)
	}
	o, err := p.Order()
	if err != nil {
		t.Fatal(err)
	}
	for i := range o.NumRuns() {
		if r := o.Run(i); r.Direction() == bidi.LeftToRight && strings.Contains(r.String(), part) {
			return true
		}
	}
	return false
}
