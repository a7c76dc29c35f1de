package demo

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSurvey_Wants(t *testing.T) {
	t.Parallel()
	const asked = "01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10"
	for name, c := range map[string]struct {
		survey        survey
		all, half, no bool
	}{
		"nobody asked":               {survey: survey{manner: prompt}},
		"prompt":                     {survey: survey{manner: prompt, id: asked}, all: true},
		"prompt, by link":            {survey: survey{manner: prompt, link: "https://balagh.example/s/x"}, all: true},
		"prompt, done":               {survey: survey{manner: prompt, id: asked, state: complete, ended: time.Unix(1, 0)}},
		"prompt, over":               {survey: survey{manner: prompt, id: asked, state: tooLate}},
		"late, not yet":              {survey: survey{manner: late, id: asked}},
		"late, reminded":             {survey: survey{manner: late, id: asked, reminders: 1}, all: true},
		"resumes, first":             {survey: survey{manner: resumes, id: asked}, half: true},
		"resumes, between":           {survey: survey{manner: resumes, id: asked, state: partial}},
		"resumes, reminded":          {survey: survey{manner: resumes, id: asked, state: partial, reminders: 1}, all: true},
		"resumes, asked late":        {survey: survey{manner: resumes, id: asked, reminders: 1}, all: true},
		"halfway":                    {survey: survey{manner: halfway, id: asked}, half: true},
		"halfway, and no more":       {survey: survey{manner: halfway, id: asked, state: partial, reminders: 1}},
		"refuses":                    {survey: survey{manner: refuses, id: asked}, no: true},
		"silent, even when reminded": {survey: survey{manner: silent, id: asked, reminders: 1}},
	} {
		if all, half, no := c.survey.wants(); all != c.all || half != c.half || no != c.no {
			t.Errorf("%s: all %v, half %v, no %v", name, all, half, no)
		}
	}
}

// TestManners asks for a dozen of whom some answer at once, some after the reminder, in the app and by link, in part, and not at all.
func TestManners(t *testing.T) {
	t.Parallel()
	app, link := map[manner]int{}, map[manner]int{}
	for i := range 12 {
		if mix[i] == awake {
			app[manners[i]]++
		} else if mix[i].texted() {
			link[manners[i]]++
		}
	}
	for _, m := range []manner{prompt, late, halfway, refuses} {
		if app[m] == 0 {
			t.Errorf("nobody of a dozen is of the manner %d in the app", m)
		}
	}
	if link[prompt] == 0 || link[late] == 0 || link[silent] == 0 {
		t.Errorf("by link: %v", link)
	}
}

// askedOf is where each question of the questionnaire stands, as far as the play must know them.
func askedOf(t *testing.T) map[string]int {
	t.Helper()
	var q struct {
		Title, Intro, Thanks Texts
		Questions            []struct {
			Code  string
			Label Texts
		}
	}
	if err := json.Unmarshal(questionnaireJSON, &q); err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, x := range q.Questions {
		at[x.Code] = i
	}
	return at
}

func TestCitizen_Opinion(t *testing.T) {
	t.Parallel()
	known, play := askedOf(t), &play{org: Load(), seed: 7}
	content := map[int]int{}
	given := map[string]bool{}
	for level := 1; level <= 5; level++ {
		for n := range 200 {
			c := &citizen{play: play, number: n, level: level, client: client{language: Languages[n%3]}}
			answers := c.opinion()
			overall := answers["overall"].(int)
			_, improves := answers["improve"]
			easy, recommend := answers["easy"].(int), answers["recommend"].(int)
			if overall < 1 || overall > 5 || easy < 1 || easy > 7 || recommend < 0 || recommend > 10 || improves != (overall <= 3) {
				t.Fatalf("%v", answers)
			}
			if overall >= 4 {
				content[level]++
			}
			for code := range answers {
				given[code] = true
			}
		}
	}
	if content[1] > 20 || content[5] < 180 || content[3] >= content[4] {
		t.Errorf("content, of 200 of each level: %v", content)
	}
	if !maps.Equal(given, map[string]bool{"overall": true, "easy": true, "informed": true, "improve": true, "recommend": true, "words": true}) || len(known) != len(given) {
		t.Errorf("answers to %v, questions %v", given, known)
	}
	for _, h := range headlines {
		if _, there := known[h.code]; !there {
			t.Errorf("no question %q", h.code)
		}
	}
}

func TestCitizen_LinkIn(t *testing.T) {
	t.Parallel()
	c := &citizen{client: client{base: "http://127.0.0.1:8080"}}
	for text, want := range map[string]string{
		"رأيك يهمنا. أجب عن استبيان قصير:\nhttps://balagh.example/s/AZNvDmpTfD6dDlsfSix9EA": "http://127.0.0.1:8080/s/AZNvDmpTfD6dDlsfSix9EA",
		"Your report 4821907356 is resolved.":                    "",
		"See https://balagh.example/reports/1 for more, or /s/x": "",
	} {
		if got := c.linkIn(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// stairs is a page of two steps as the server shows them.
type stairs struct {
	posted []url.Values
	closes int // the step from which on it is too late; 0 for never
}

func (s *stairs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		_ = r.ParseForm()
		s.posted = append(s.posted, r.PostForm)
		http.Redirect(w, r, "?lang=ar", http.StatusSeeOther)
		return
	}
	if s.closes > 0 && len(s.posted) >= s.closes {
		w.WriteHeader(http.StatusGone)
		return
	}
	const hidden, button = `<form method="post" id="form"><input type="hidden" name="lang" value="ar">`, `<button class="main" name="go" value="`
	for _, part := range [][]string{
		{hidden, `<input type="hidden" name="step" value="0"><input type="radio" name="q.overall" value="1"><input type="radio" name="q.informed" value="yes">`, button, `next">`},
		{hidden, `<input type="hidden" name="step" value="1"><input type="checkbox" name="q.improve" value="speed"><textarea name="q.words"></textarea>`, button, `submit">`},
		{`<h1>شكرًا لك</h1>`},
	}[min(len(s.posted), 2)] {
		_, _ = w.Write([]byte(part))
	}
}

func TestCitizen_AnswerByLink(t *testing.T) {
	t.Parallel()
	answers := map[string]any{"overall": 2, "informed": false, "improve": []string{"result", "speed"}, "recommend": 3}
	for name, c := range map[string]struct {
		all    bool
		closes int
		state  string
		unsure bool
		posted int
	}{
		"all of it":            {all: true, state: complete, posted: 2},
		"half of it":           {state: partial, posted: 1},
		"over before":          {all: true, closes: -1, state: tooLate},
		"over after one step":  {all: true, closes: 1, state: tooLate, unsure: true, posted: 1},
		"over before the last": {all: true, closes: 2, state: partial, unsure: true, posted: 2},
	} {
		s := &stairs{closes: c.closes}
		handler := http.Handler(s)
		if c.closes < 0 {
			handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
		}
		server := httptest.NewServer(handler)
		who := &citizen{play: &play{Options: Options{Clock: time.Now}}, client: client{http: server.Client(), language: "ar"}}
		who.survey.link = server.URL + "/s/token"
		err := who.answerByLink(t.Context(), answers, c.all)
		server.Close()
		if err != nil || who.survey.state != c.state || who.survey.unsure != c.unsure || len(s.posted) != c.posted {
			t.Errorf("%s: %v, %+v, %v", name, err, who.survey, s.posted)
			continue
		}
		for i, want := range []url.Values{{"lang": {"ar"}, "step": {"0"}, "go": {"next"}, "q.overall": {"2"}, "q.informed": {"no"}},
			{"lang": {"ar"}, "step": {"1"}, "go": {"submit"}, "q.improve": {"result", "speed"}}}[:len(s.posted)] {
			if got := s.posted[i]; got.Encode() != want.Encode() {
				t.Errorf("%s: step %d sends %v", name, i, got)
			}
		}
	}
}

func TestCitizen_Took(t *testing.T) {
	t.Parallel()
	gone, broken := &Problem{Code: "gone"}, errors.New("broken")
	for name, c := range map[string]struct {
		before, now string
		err         error
		after       string
		ended       bool
		fails       bool
	}{
		"complete":                {now: complete, after: complete, ended: true},
		"partial":                 {now: partial, after: partial},
		"too late":                {now: complete, err: gone, after: tooLate, ended: true},
		"what was kept stays":     {before: partial, now: complete, err: gone, after: partial, ended: true},
		"something else is wrong": {before: partial, now: complete, err: broken, after: partial, fails: true},
	} {
		who := &citizen{play: &play{Options: Options{Clock: time.Now}}, survey: survey{state: c.before}}
		err := who.took(c.now, c.err)
		if s := who.survey; (err != nil) != c.fails || s.state != c.after || s.ended.IsZero() == c.ended {
			t.Errorf("%s: %v, %+v", name, err, s)
		}
	}
}

func TestPlay_Compare(t *testing.T) {
	t.Parallel()
	people := func(change func([]*citizen)) []*citizen {
		all := []*citizen{nil, {survey: survey{state: complete, reminders: 1}}, {survey: survey{state: complete}}, {survey: survey{state: partial, reminders: 1}},
			{survey: survey{state: refused}}, {survey: survey{state: tooLate}}, {}}
		if change != nil {
			change(all)
		}
		return all
	}
	for want, c := range map[string]struct {
		round  Round
		change func([]*citizen)
	}{
		"":                     {round: Round{Complete: 2, Partial: 1, Refused: 1}},
		"3 people as complete": {round: Round{Complete: 3, Partial: 1, Refused: 1}},
		"0 people as refused":  {round: Round{Complete: 2, Partial: 1}},
		"nobody was reminded":  {Round{Complete: 2, Partial: 1, Refused: 1}, func(all []*citizen) { all[1].survey.reminders, all[3].survey.reminders = 0, 0 }},
		"who had answered":     {Round{Complete: 2, Partial: 1, Refused: 1}, func(all []*citizen) { all[1].survey.pestered = true }},
	} {
		p := &play{}
		p.compare(&c.round, people(c.change))
		troubles := slices.Collect(maps.Keys(p.tally.troubles))
		if (want == "") != (len(troubles) == 0) || want != "" && (len(troubles) != 1 || !strings.Contains(troubles[0], want)) {
			t.Errorf("%q: %v", want, troubles)
		}
	}
	p, unsure := &play{}, people(func(all []*citizen) { all[5].survey.unsure = true })
	if p.compare(&Round{Complete: 2, Partial: 2, Refused: 1}, unsure); len(p.tally.troubles) > 0 {
		t.Errorf("what a phone cannot know is held against the round: %v", p.tally.troubles)
	}
}

func TestCell_Headline(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Headline{
		`{"suppressed": true}`: {Name: "x"},
		`{"n": 20, "top2": {"n": 20, "share": 0.5, "interval": {"low": 0.3, "high": 0.7}}}`:                                                                       {Name: "x", N: 20, Plain: Figure{.5, .3, .7}},
		`{"n": 20, "nps": {"value": -10, "interval": {"low": -40, "high": 20}, "weighted": {"estimate": -8, "interval": {"low": -39, "high": 23}, "deff": 1.1}}}`: {Name: "x", Points: true, N: 20, Plain: Figure{-10, -40, 20}, Weighted: Figure{-8, -39, 23}, Deff: 1.1},
		`{"n": 20, "options": [{"code": "n", "share": 0.25}, {"code": "y", "share": 0.75, "interval": {"low": 0.5, "high": 0.9}}]}`:                               {Name: "x", N: 20, Plain: Figure{.75, .5, .9}},
		`{"n": 20, "options": [{"code": "red", "share": 0.25}]}`:                                                                                                  {Name: "x"},
	} {
		var c cell
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			t.Fatal(err)
		}
		if got := c.headline("x"); got != want {
			t.Errorf("%s: %+v", body, got)
		}
	}
}
