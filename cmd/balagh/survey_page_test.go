package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
	questions "github.com/balagh/balagh/surveys/form"
)

// A link is answered without signing in, and its token is in no log and no metric: both know the route alone.
func TestSurveyPage(t *testing.T) {
	t.Parallel()
	i := install(t)
	word := questions.Text{"ar": "س", "en": "x", "ur": "س"}
	q := &questions.Questionnaire{Code: "q", Version: 1, Title: word, Thanks: questions.Text{"ar": "ش", "en": "thanks indeed", "ur": "ش"},
		Questions: []questions.Question{{Code: "easy", Type: questions.Effort, Label: word, Required: true}}}
	if err := i.parts.store.AddQuestionnaire(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	r := &surveys.Round{ID: event.Derive("r"), Rev: 1, State: surveys.RoundOpen, Closes: now.AddDate(0, 0, 2)}
	if err := i.parts.store.CreateRound(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	x := surveys.Invitation{ID: event.Derive("i"), Rev: 1, Programme: "p", Round: r.ID, Citizen: event.Derive("c"), Questionnaire: "q", Version: 1, State: surveys.InvitationInvited,
		Invited: now, Until: now.AddDate(0, 0, 2)}
	if _, err := i.parts.store.AddInvitations(t.Context(), []surveys.Invitation{x}); err != nil {
		t.Fatal(err)
	}
	link := i.parts.server.Programmes.Link(x.ID)
	token := link[strings.LastIndex(link, "/")+1:]
	read := func(res *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v: %s", res.StatusCode, err, b)
		}
		return string(b)
	}
	if body := read(http.Get(i.url + "/s/" + token + "?lang=en")); !strings.Contains(body, `name="q.easy"`) {
		t.Fatal(body)
	}
	body := read(http.PostForm(i.url+"/s/"+token, url.Values{"lang": {"en"}, "step": {"0"}, "q.easy": {"6"}, "go": {"submit"}}))
	if !strings.Contains(body, "thanks indeed") {
		t.Fatal(body)
	}
	if r, err := i.parts.store.Response(t.Context(), surveys.ResponseID(x.ID)); err != nil || r.How != surveys.ByLink || r.Answers["easy"] != 6.0 {
		t.Errorf("%+v, %v", r, err)
	}
	metrics := read(http.Get(i.url + "/metrics"))
	if !strings.Contains(metrics, `operation="POST /s/:token"`) || strings.Contains(metrics, token) {
		t.Error("the metrics know another route, or the token")
	}
	if log := i.log.String(); !strings.Contains(log, "GET /s/:token") || strings.Contains(log, token) {
		t.Errorf("the log: %s", log)
	}
}
