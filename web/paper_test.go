package web

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

func receptionPaper(t testing.TB, anonymous bool) *paper {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "surveys", "form", "testdata", "reception.json"))
	if err != nil {
		t.Fatal(err)
	}
	q := new(form.Questionnaire)
	if err := json.Unmarshal(b, q); err != nil {
		t.Fatal(err)
	}
	return newPaper(&surveys.Asked{Invitation: &surveys.Invitation{Anonymous: anonymous}, Questionnaire: q,
		Answers: form.Answers{}}, "ar")
}

// Whatever a form says, what is taken from it is an answer, and is written again as it was read.
func FuzzPaper_read(f *testing.F) {
	for _, s := range []string{"", "step=0&q.channel=visit&go=next", "step=1&q.waited=%D9%A2&dk.visited_on=1", "step=9", "step=-1",
		"step=4", "kept=null", "kept=[]", "kept={\"x\":1}",
		"step=2&q.difficulties=waiting&q.difficulties=bogus&q.priorities.near=1",
		"kept={\"channel\":\"visit\",\"overall\":7,\"aspects\":{\"courtesy\":1}}&step=2",
		`kept={"a/b":{},"":null,"channel":{"$":[]}}&step=3&q.why=%ff`} {
		f.Add(s, true)
	}
	p := receptionPaper(f, true)
	f.Fuzz(func(t *testing.T, body string, anonymous bool) {
		posted, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		p := newPaper(&surveys.Asked{Invitation: &surveys.Invitation{Anonymous: anonymous}, Questionnaire: p.q,
			Answers: form.Answers{}}, "ar")
		step, problems := p.read(posted)
		clean, err := p.q.Clean(p.answers, false)
		if err != nil || !reflect.DeepEqual(clean, p.answers) {
			t.Fatalf("%q: took %v, %v", body, p.answers, err)
		}
		first, all := p.faulty(step, problems)
		_ = p.page("token", min(first, p.end()), posted, all)
		typed := written(p.q, p.answers)
		again := form.Answers{}
		for i := range p.q.Questions {
			if a, _ := given(&p.q.Questions[i], typed); a != nil {
				again[p.q.Questions[i].Code] = a
			}
		}
		if again, err = p.q.Clean(again, false); err != nil || !reflect.DeepEqual(again, p.answers) {
			t.Errorf("%v is written as %v", p.answers, again)
		}
	})
}

// No question is in the step of one that its condition looks at, and each is in exactly one.
func TestStepsOf(t *testing.T) {
	t.Parallel()
	p := receptionPaper(t, false)
	var codes []string
	for _, step := range p.steps {
		if len(step) == 0 || len(step) > stepSize {
			t.Errorf("a step of %d questions", len(step))
		}
		for _, x := range step {
			codes = append(codes, x.Code)
			if slices.ContainsFunc(step, func(y *form.Question) bool { return dependsOn(x.ShowIf, y.Code) }) {
				t.Errorf("%s depends on its own step", x.Code)
			}
		}
	}
	if len(codes) != len(p.q.Questions) || len(p.steps) != 4 {
		t.Errorf("%d steps of %v", len(p.steps), codes)
	}
}

// Every text exists in every language.
func TestTexts(t *testing.T) {
	t.Parallel()
	for _, l := range form.Languages {
		for key := range texts["ar"] {
			if texts[l][key] == "" || len(texts[l]) != len(texts["ar"]) {
				t.Errorf("%s lacks %s", l, key)
			}
		}
	}
}

// What is pasted into a text brings control characters along, such as the vertical tab of a word processor. They are dropped.
func TestGiven_controlCharacters(t *testing.T) {
	t.Parallel()
	x := &form.Question{Code: "why", Type: form.Words}
	if got, reason := given(x, url.Values{"q.why": {"سطر\vآخر\x00\r\nوثالث\x7f"}}); got != "سطرآخر\r\nوثالث" || reason != "" {
		t.Errorf("%q, %s", got, reason)
	}
	if got, _ := given(x, url.Values{"q.why": {"\xff"}}); got != "\xff" {
		t.Errorf("what is no text is taken for %q", got)
	}
}

// A date in text from right to left is turned round by the reader's browser, day first, unless it is isolated.
func TestTexts_datesReadAsWritten(t *testing.T) {
	t.Parallel()
	for lang, all := range texts {
		for name, text := range all {
			if lang != "en" && strings.Count(text, "2026-01-31") != strings.Count(text, "\u20662026-01-31\u2069") {
				t.Errorf("%s, %s: %q", lang, name, text)
			}
		}
	}
}

// Numbers are written as people of the language do.
func TestDigits(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"ar": "١٠٫٥", "en": "10.5", "ur": "۱۰٫۵"} {
		if got := digits(lang, "10.5"); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}
