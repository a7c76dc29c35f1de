package web_test

import (
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var update = flag.Bool("update", false, "write the golden pages")

// everything is a questionnaire with a question of each type.
func everything() *form.Questionnaire {
	word := func(s string) form.Text { return form.Text{"ar": "س " + s, "en": s, "ur": "س " + s} }
	options := func(codes ...string) (all []form.Option) {
		for _, c := range codes {
			all = append(all, form.Option{Code: c, Label: word(c)})
		}
		return all
	}
	low, high := 0.0, 50.0
	q := &form.Questionnaire{Code: "all", Version: 1, Title: word("title"), Intro: word("intro"), Thanks: word("thanks")}
	for _, kind := range form.Types {
		x := form.Question{Code: string(kind), Type: kind, Label: word(string(kind)), Hint: word("hint"), Required: true, DontKnow: true}
		switch kind {
		case form.Choice, form.Choices, form.Ranking:
			x.Options = options("a", "b", "none")
		case form.Matrix:
			x.Rows = options("a", "b")
		case form.Number:
			x.Min, x.Max = &low, &high
		case form.Words:
			x.MaxLength = 20
		}
		q.Questions = append(q.Questions, x)
	}
	return q
}

var (
	goldenTime = regexp.MustCompile(`/s/[A-Za-z0-9_-]{38}|"[A-Za-z0-9_-]{38}/`)
	physical   = regexp.MustCompile(`(?i)\b(left|right)\b`)
)

func TestSurvey_golden(t *testing.T) {
	t.Parallel()
	q := reception(t)
	s := newSite(t, q)
	link := s.invite(t, q, "noura")
	for _, lang := range form.Languages {
		got := s.do(t, "GET", link, nil, "Accept-Language", lang+"-SA,"+lang+";q=0.9,fr;q=0.5")
		if got.status != 200 || len(got.body) > 30<<10 {
			t.Fatalf("%s: %d, %d bytes", lang, got.status, len(got.body))
		}
		page := goldenTime.ReplaceAllString(got.body, `"TOKEN/`)
		path := filepath.Join("testdata", "reception."+lang+".html")
		if *update {
			if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != page {
			t.Errorf("%s differs (%v): go test ./web -run golden -update", path, err)
		}
	}
}

// walk visits every element of a page.
func walk(t *testing.T, body string, visit func(*html.Node, map[string]string)) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			attrs := map[string]string{}
			for _, a := range n.Attr {
				attrs[a.Key] = a.Val
			}
			visit(n, attrs)
		}
	}
}

// accessible says what a screen reader would miss on a page.
func accessible(t *testing.T, body, lang string) {
	t.Helper()
	ids, labelled := map[string]int{}, map[string]bool{}
	walk(t, body, func(n *html.Node, a map[string]string) {
		if a["id"] != "" {
			ids[a["id"]]++
		}
		if n.Data == "label" && a["for"] != "" {
			labelled[a["for"]] = true
		}
	})
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: the id %s is there %d times", lang, id, n)
		}
	}
	walk(t, body, func(n *html.Node, a map[string]string) {
		for _, id := range strings.Fields(a["aria-describedby"] + " " + strings.TrimPrefix(a["href"], "#")) {
			if strings.HasPrefix(id, "q-") && ids[id] != 1 {
				t.Errorf("%s: %s leads to nothing", lang, id)
			}
		}
		switch n.Data {
		case "html":
			if a["lang"] != lang || a["dir"] != map[bool]string{true: "ltr", false: "rtl"}[lang == "en"] {
				t.Errorf("the page is in %q from %q", a["lang"], a["dir"])
			}
		case "script", "img", "link", "iframe":
			t.Errorf("%s: the page has a %s", lang, n.Data)
		case "fieldset":
			if n.FirstChild == nil || n.FirstChild.NextSibling.Data != "legend" {
				t.Errorf("%s: a fieldset without a legend: %v", lang, a)
			}
		case "input", "select", "textarea":
			if a["type"] != "hidden" && !labelled[a["id"]] && n.Parent.Data != "label" {
				t.Errorf("%s: %v has no label", lang, a)
			}
		}
		for k, v := range a {
			if strings.HasPrefix(k, "on") || k == "style" || physical.MatchString(v) && k == "class" {
				t.Errorf("%s: %s=%q", lang, k, v)
			}
		}
		if n.Data == "style" && physical.MatchString(n.FirstChild.Data) {
			t.Errorf("%s: the style knows left and right", lang)
		}
	})
}

// Every type of question can be asked, answered wrongly, and answered, in every language.
func TestSurvey_everyType(t *testing.T) {
	t.Parallel()
	q := everything()
	for _, lang := range form.Languages {
		s := newSite(t, q)
		link := s.invite(t, q, "noura", anonymous)
		got := s.do(t, "GET", link+"?lang="+lang, nil)
		accessible(t, got.body, lang)
		for _, code := range []string{"rating", "date"} {
			if !strings.Contains(got.body, `name="q.`+code+`"`) {
				t.Errorf("%s is not asked", code)
			}
		}
		wrong := url.Values{"lang": {lang}, "step": {"0"}, "go": {"next"}, "q.number": {"5x"}, "q.date": {"tomorrow"},
			"q.rating": {"9"}, "q.choice": {"z"}}
		got = s.do(t, "POST", link, wrong)
		if got.status != 422 || !strings.Contains(got.body, `value="5x"`) || strings.Count(got.body, `class="error"`) != 8 {
			t.Errorf("%s: %d, %d errors, %s", lang, got.status, strings.Count(got.body, `class="error"`), got.body)
		}
		accessible(t, got.body, lang)
		first := url.Values{"lang": {lang}, "step": {"0"}, "go": {"next"}, "q.rating": {"5"}, "q.nps": {"10"}, "q.effort": {"7"},
			"q.yes_no": {"no"}, "q.choice": {"b"},
			"q.choices": {"none", "a"}, "q.number": {"٤٢"}, "dk.date": {"1"}}
		got = s.do(t, "POST", link, first)
		accessible(t, got.body, lang)
		kept := inputValue(t, got.body, "kept")
		second := url.Values{"lang": {lang}, "step": {"1"}, "go": {"submit"}, "kept": {kept}, "q.text": {strings.Repeat("x", 21)},
			"q.ranking.a": {"1"}, "q.ranking.b": {"1"},
			"q.matrix.a": {"3"}}
		got = s.do(t, "POST", link, second)
		if got.status != 422 || strings.Count(got.body, `class="error"`) != 3 || !strings.Contains(got.body, `href="#q-matrix-b"`) {
			t.Errorf("%s: %d %s", lang, got.status, got.body)
		}
		accessible(t, got.body, lang)
		second.Set("q.text", "<b>&")
		second.Set("q.ranking.b", "3")
		second.Set("q.ranking.none", "2")
		second.Set("q.matrix.b", "5")
		if got = s.do(t, "POST", link, second); got.status != 200 || !strings.Contains(got.body, "thanks") {
			t.Fatalf("%s: %d %s", lang, got.status, got.body)
		}
		accessible(t, got.body, lang)
		var row string
		if err := s.store.ScanResponses(t.Context(), s.round,
			func(b []byte) error { row = string(b); return nil }); err != nil {
			t.Fatal(err)
		}
		if want := "5\x1f10\x1f7\x1fn\x1fb\x1fa,none\x1f42\x1f?\x1ft\x1fa,none,b\x1f3,5"; !strings.HasSuffix(row, want) {
			t.Errorf("%s: stored %q", lang, row)
		}
	}
}

// inputValue is the value of a hidden input.
func inputValue(t *testing.T, body, name string) (value string) {
	t.Helper()
	walk(t, body, func(n *html.Node, a map[string]string) {
		if n.Data == "input" && a["name"] == name {
			value = a["value"]
		}
	})
	return value
}

// The whole way, with conditions, back again, and in another language, whether answers are kept by the server or by the page.
func TestSurvey_journey(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		q := reception(t)
		s := newSite(t, q)
		link := s.invite(t, q, "noura", func(i *surveys.Invitation) { i.Anonymous = hidden })
		var at answer
		post := func(pairs ...string) answer {
			v := url.Values{}
			for _, name := range []string{"lang", "step", "kept"} {
				v.Set(name, inputValue(t, at.body, name))
			}
			for i := 0; i+1 < len(pairs); i += 2 {
				v.Add(pairs[i], pairs[i+1])
			}
			return s.do(t, "POST", link, v)
		}
		expect := func(what string, has, hasNot string) {
			t.Helper()
			if !strings.Contains(at.body, `name="q.`+has) || hasNot != "" && strings.Contains(at.body, `name="q.`+hasNot) {
				t.Fatalf("anonymous %t, %s: %d %s", hidden, what, at.status, at.body)
			}
		}
		at = s.do(t, "GET", link, nil)
		expect("the first step", "channel", "waited")
		at = post("go", "next")
		if at.status != 422 {
			t.Fatalf("nothing answered: %d", at.status)
		}
		at = post("q.channel", "visit", "go", "next")
		expect("who visited is asked how long it took", "waited", "channel")
		at = post("q.waited", "۲۰", "q.no_difficulty", "no", "go", "back")
		expect("back", "channel", "waited")
		if !strings.Contains(at.body, `value="visit" checked`) {
			t.Error("the answer is not there any more")
		}
		at = post("q.channel", "phone", "go", "next")
		expect("who called is not", "no_difficulty", "waited")
		at = post("q.no_difficulty", "yes", "go", "lang-en")
		expect("in another language", "no_difficulty", "waited")
		if !strings.Contains(at.body, `lang="en" dir="ltr"`) || !strings.Contains(at.body, `value="yes" checked`) {
			t.Error("the language did not change, or the answer is lost")
		}
		at = post("q.no_difficulty", "yes", "go", "next")
		expect("without difficulty", "overall", "difficulties")
		at = post("q.overall", "1", "q.asked_minister_before", "dont_know", "go", "next")
		expect("why", "why", "")
		if !strings.Contains(at.body, `value="submit">Send my answers`) {
			t.Errorf("it is not said to be the last step: %s", at.body)
		}
		at = post("q.why", "slow", "go", "submit")
		if at.status != 200 || !strings.Contains(at.body, "What you told us helps") {
			t.Fatalf("anonymous %t: %d %s", hidden, at.status, at.body)
		}
		again := s.do(t, "POST", link, url.Values{"lang": {"ar"}, "step": {"0"}, "q.channel": {"app"}, "go": {"next"}})
		if again.status != 200 || !strings.Contains(again.body, "شكرًا لك") {
			t.Errorf("answered again: %d %s", again.status, again.body)
		}
		words, err := s.store.Verbatims(t.Context(), surveys.VerbatimQuery{Round: s.round, Limit: 9})
		if err != nil || len(words) != 1 || words[0].Text != "slow" || words[0].Language != "en" {
			t.Errorf("%+v, %v", words, err)
		}
	}
}

// Whoever comes back goes on where they stopped, and nobody gets past what is missing.
func TestSurvey_resume(t *testing.T) {
	t.Parallel()
	q := reception(t)
	s := newSite(t, q)
	link := s.invite(t, q, "noura")
	s.do(t, "POST", link, url.Values{"lang": {"ar"}, "step": {"0"}, "q.channel": {"app"}, "go": {"next"}})
	for _, path := range []string{link, link + "?step=3", link + "?step=9", link + "?step=x"} {
		if got := s.do(t, "GET", path, nil); !strings.Contains(got.body, `name="q.no_difficulty"`) {
			t.Errorf("%s: %s", path, got.body)
		}
	}
	got := s.do(t, "POST", link, url.Values{"lang": {"ar"}, "step": {"3"}, "go": {"submit"}})
	if got.status != 422 || !strings.Contains(got.body, `name="q.no_difficulty"`) {
		t.Errorf("handed in with gaps: %d %s", got.status, got.body)
	}
}

func TestSurvey_closed(t *testing.T) {
	t.Parallel()
	q := reception(t)
	s := newSite(t, q)
	stopped := event.Derive("round", "2")
	if err := s.store.CreateRound(t.Context(), &surveys.Round{ID: stopped, Rev: 1, State: surveys.RoundStopped,
		Closes: start.AddDate(0, 0, 3)}); err != nil {
		t.Fatal(err)
	}
	late := s.invite(t, q, "late", func(i *surveys.Invitation) { i.Until = start })
	halted := s.invite(t, q, "halted", func(i *surveys.Invitation) { i.Round = stopped })
	good := s.invite(t, q, "good")
	forged := good[:len(good)-2] + "AA"
	for name, c := range map[string]struct {
		path, lang string
		status     int
		words      string
	}{
		"late":              {late, "ar", 410, "انتهت مدة"},
		"late in English":   {late, "en", 410, "is over"},
		"late in Urdu":      {late, "ur", 410, "مدت ختم"},
		"stopped":           {halted, "en", 410, "was stopped"},
		"forged":            {forged, "ar", 404, "الرابط غير صحيح"},
		"too short":         {good[:20], "en", 404, "not right"},
		"refusing, forged":  {forged + "/refuse", "en", 404, "not right"},
		"refusing too late": {late + "/refuse", "en", 410, "is over"},
	} {
		for _, method := range []string{"GET", "POST"} {
			var v url.Values
			if method == "POST" {
				v = url.Values{"step": {"0"}, "q.channel": {"app"}, "go": {"next"}}
			}
			got := s.do(t, method, c.path, v, "Accept-Language", c.lang)
			if got.status != c.status || !strings.Contains(got.body, c.words) {
				t.Errorf("%s, %s: %d %s", name, method, got.status, got.body)
			}
			accessible(t, got.body, c.lang)
			for k, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
				"X-Robots-Tag": "noindex, nofollow"} {
				if got.header.Get(k) != want {
					t.Errorf("%s: %s is %q", name, k, got.header.Get(k))
				}
			}
			if csp := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") ||
				!strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("%s: %q", name, csp)
			}
		}
	}
	if got := s.do(t, "POST", good, url.Values{"q.channel": {strings.Repeat("x", 64<<10)}}); got.status != 413 {
		t.Errorf("a large form: %d", got.status)
	}
	if s.log.Len() > 0 {
		t.Errorf("logged %s", s.log)
	}
}

// Looking at the page that asks whether somebody means to refuse refuses nothing.
func TestSurvey_refuse(t *testing.T) {
	t.Parallel()
	q := reception(t)
	s := newSite(t, q)
	link := s.invite(t, q, "noura")
	if got := s.do(t, "GET", link+"/refuse?lang=en", nil); got.status != 200 || !strings.Contains(got.body, "rather not") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.do(t, "GET", link, nil); !strings.Contains(got.body, "q.channel") {
		t.Errorf("it cannot be answered any more: %s", got.body)
	}
	for range 2 {
		if got := s.do(t, "POST", link+"/refuse?lang=en", url.Values{}); got.status != 200 ||
			!strings.Contains(got.body, "We have noted your wish") {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if i, err := s.store.Invitation(t.Context(), event.Derive(s.round, "noura")); err != nil || i.State != surveys.InvitationRefused {
		t.Errorf("%+v, %v", i, err)
	}
}
