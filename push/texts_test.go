package push

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Every kind has texts for every channel, in every language, each short enough, about the number, and in its own script.
func TestTexts_parity(t *testing.T) {
	t.Parallel()
	longest := map[string][2]int{ChannelPush: {50, 150}, ChannelSMS: {0, 134}, ChannelEmail: {60, 500}} // characters of title and body
	arabic := regexp.MustCompile(`\p{Arabic}`)
	if len(builtIn) != len(Kinds)-1 {
		t.Errorf("%d kinds have texts; want %d", len(builtIn), len(Kinds)-1)
	}
	for _, k := range Kinds {
		if k == Announcement {
			continue
		}
		if len(builtIn[k]) != len(TemplateChannels) {
			t.Errorf("%s: %d channels; want %d", k, len(builtIn[k]), len(TemplateChannels))
		}
		for _, c := range TemplateChannels {
			if _, err := (Template{Kind: k, Channel: c, Texts: builtIn[k][c]}).check(); err != nil {
				t.Errorf("%s, %s: %v", k, c, err)
			}
			for l, x := range builtIn[k][c] {
				at := fmt.Sprintf("%s, %s, %s", k, c, l)
				for i, text := range []string{x.Title, x.Body} {
					most := longest[c][i]
					if n := utf8.RuneCountInString(text); n > most || (n == 0) != (most == 0) || strings.TrimSpace(text) != text {
						t.Errorf("%s: %d characters of %d: %q", at, n, most, text)
					}
					if most > 0 && arabic.MatchString(text) != (l != "en") {
						t.Errorf("%s is in another script: %q", at, text)
					}
				}
				inTitle, about := map[bool]int{true: 1}[c == ChannelEmail], "{number}"
				if k == SurveyInvitation || k == SurveyReminder {
					if about = "{title}"; c == ChannelSMS {
						about = "{link}" // a title would make it too long
					}
				}
				if strings.Count(x.Title, about) != inTitle || strings.Count(x.Body, about) != 1 {
					t.Errorf("%s names what it is about too often, or not: %+v", at, x)
				}
			}
		}
	}
}

// The words for the statuses are the ones that the centres use.
func TestTexts_words(t *testing.T) {
	t.Parallel()
	for k, word := range map[Kind]string{InProgress: "قيد المعالجة", Waiting: "بانتظار", Resolved: "تمت معالجة", Rejected: "مرفوض", Duplicate: "مكرر", Withdrawn: "مسحوب",
		Reopened: "أُعيد فتح", Closed: "أُغلق", Assigned: "أُحيل"} {
		for _, c := range []string{ChannelPush, ChannelEmail} {
			if x := builtIn[k][c]["ar"]; !strings.Contains(x.Title+x.Body, word) {
				t.Errorf("%s, %s: %+v has no %q", k, c, x, word)
			}
		}
	}
	for _, k := range []Kind{Resolved, Closed} {
		for l, word := range map[string]string{"ar": "قي", "en": "rate", "ur": "درجہ بندی"} {
			for _, c := range TemplateChannels {
				if !strings.Contains(builtIn[k][c][l].Body, word) {
					t.Errorf("%s, %s, %s does not invite to rate", k, c, l)
				}
			}
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds[:statuses+1] {
		for _, l := range Languages {
			x := Render(k, l, "0123456789")
			if strings.Count(x.Body, "\u20680123456789\u2069") != 1 || strings.ContainsAny(x.Title+x.Body, "{}") {
				t.Errorf("%s, %s: %+v", k, l, x)
			}
		}
	}
	if got, want := Render(Received, "fr", "1"), Render(Received, "ar", "1"); got != want {
		t.Errorf("an unknown language gives %+v", got)
	}
}

// Every state is reached, and every state but the first has a way in.
func TestMoves(t *testing.T) {
	t.Parallel()
	all := []State{Queued, Leased, Accepted, Delivered, Read, Failed, Expired, Suppressed}
	var reached []State
	for from, tos := range Moves {
		if !slices.Contains(all, from) {
			t.Errorf("unknown state %s", from)
		}
		reached = append(reached, tos...)
	}
	for _, s := range all {
		if !slices.Contains(reached, s) {
			t.Errorf("%s is never reached", s)
		}
	}
	for _, c := range []struct {
		channel string
		device  string // that says so; the delivery's is "phone"
		from    State
		read    bool
		to      State
	}{{ChannelPush, "phone", Queued, false, Delivered}, {ChannelPush, "", Queued, false, Delivered}, {ChannelPush, "phone", Queued, true, Suppressed},
		{ChannelPush, "phone", Leased, false, Delivered}, {ChannelPush, "phone", Leased, true, Read}, {ChannelPush, "phone", Accepted, false, Delivered},
		{ChannelWeb, "phone", Accepted, true, Read}, {ChannelPush, "phone", Delivered, true, Read}, {ChannelPush, "phone", Delivered, false, Delivered},
		{ChannelPush, "phone", Read, false, Read}, {ChannelPush, "phone", Failed, true, Failed}, {ChannelPush, "phone", Expired, true, Expired},
		{ChannelPush, "phone", Suppressed, false, Suppressed}, {ChannelPush, "tablet", Queued, false, Queued}, {ChannelPush, "tablet", Accepted, false, Accepted},
		{ChannelPush, "tablet", Accepted, true, Read}, {ChannelSMS, "phone", Queued, false, Suppressed}, {ChannelEmail, "phone", Queued, true, Suppressed},
		{ChannelSMS, "phone", Leased, false, Leased}, {ChannelSMS, "", Accepted, false, Accepted}, {ChannelEmail, "phone", Accepted, true, Accepted}} {
		d := Delivery{Channel: c.channel, Target: "phone", State: c.from}
		if byApp := c.channel == ChannelPush || c.channel == ChannelWeb; !byApp {
			d.Target = ""
		}
		if got := d.AfterAcknowledgement(c.device, c.read); got != c.to {
			t.Errorf("%s, %s says %s, read %t: %s; want %s", c.channel, c.device, c.from, c.read, got, c.to)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, s := range []string{"", "!", "MQ", "bWFuLjAxOTNmYTY2LTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, c string) {
		p, ok := parseCursor(c)
		if !ok || c == "" {
			return
		}
		again, ok := parseCursor(cursorOf(Message{ID: p.ID, At: p.At}))
		if !ok || again != p {
			t.Errorf("%q: %+v, again %+v", c, p, again)
		}
	})
}
