package push

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var variable = regexp.MustCompile(`\{[^}]*\}`)

func TestTexts_parity(t *testing.T) {
	t.Parallel()
	if len(texts) != len(Kinds) {
		t.Errorf("%d kinds have texts; want %d", len(texts), len(Kinds))
	}
	for _, k := range Kinds {
		if len(texts[k]) != len(Languages) {
			t.Errorf("%s: %d languages; want %d", k, len(texts[k]), len(Languages))
		}
		want := Text{}
		for i, l := range Languages {
			x := texts[k][l]
			if x.Title == "" || x.Body == "" || strings.TrimSpace(x.Title) != x.Title || strings.TrimSpace(x.Body) != x.Body {
				t.Errorf("%s, %s: %+v", k, l, x)
			}
			if n := utf8.RuneCountInString(x.Title); n > 50 {
				t.Errorf("%s, %s: the title has %d characters", k, l, n)
			}
			if n := utf8.RuneCountInString(x.Body); n > 150 {
				t.Errorf("%s, %s: the body has %d characters", k, l, n)
			}
			vars := Text{strings.Join(variable.FindAllString(x.Title, -1), ""), strings.Join(variable.FindAllString(x.Body, -1), "")}
			if i == 0 {
				want = vars
			}
			if !reflect.DeepEqual(vars, want) || want.Body != "{number}" || strings.Count(x.Body, "{") != 1 || strings.Count(x.Body, "}") != 1 {
				t.Errorf("%s, %s: variables %+v; want %+v", k, l, vars, want)
			}
			if arabic := regexp.MustCompile(`\p{Arabic}`).MatchString(x.Title + x.Body); arabic != (l != "en") {
				t.Errorf("%s, %s is in another script: %+v", k, l, x)
			}
		}
	}
}

// The words for the statuses are the ones that the centres use.
func TestTexts_words(t *testing.T) {
	t.Parallel()
	for k, word := range map[Kind]string{InProgress: "قيد المعالجة", Waiting: "بانتظار", Resolved: "تمت معالجة", Rejected: "مرفوض", Duplicate: "مكرر", Withdrawn: "مسحوب",
		Reopened: "أُعيد فتح", Closed: "أُغلق", Assigned: "أُحيل"} {
		if x := texts[k]["ar"]; !strings.Contains(x.Title+x.Body, word) {
			t.Errorf("%s: %+v has no %q", k, x, word)
		}
	}
	for _, k := range []Kind{Resolved, Closed} {
		for l, word := range map[string]string{"ar": "تقيّم", "en": "rate", "ur": "درجہ بندی"} {
			if !strings.Contains(texts[k][l].Body, word) {
				t.Errorf("%s, %s does not invite to rate", k, l)
			}
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds {
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
		from State
		read bool
		to   State
	}{{Queued, false, Delivered}, {Queued, true, Suppressed}, {Leased, false, Delivered}, {Leased, true, Read}, {Accepted, false, Delivered},
		{Accepted, true, Read}, {Delivered, true, Read}, {Delivered, false, Delivered}, {Read, false, Read}, {Failed, true, Failed},
		{Expired, true, Expired}, {Suppressed, false, Suppressed}} {
		if got := AfterAcknowledgement(c.from, c.read); got != c.to {
			t.Errorf("%s, read %t: %s; want %s", c.from, c.read, got, c.to)
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
