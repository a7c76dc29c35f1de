package web_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// rows counts the responses of the round.
func (s *site) rows(t *testing.T) (n int) {
	t.Helper()
	if err := s.store.ScanResponses(t.Context(), s.round,
		func([]byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// untouched says that an invitation is as it was made.
func (s *site) untouched(t *testing.T, citizen string) {
	t.Helper()
	if i, err := s.store.Invitation(t.Context(), event.Derive(s.round, citizen)); err != nil || i.Rev != 1 ||
		i.State != surveys.InvitationInvited {
		t.Errorf("%s: %+v, %v", citizen, i, err)
	}
}

// Whoever follows a link, looks ahead of it or previews it in a message records nothing, whatever the address says.
func TestSurvey_getRecordsNothing(t *testing.T) {
	t.Parallel()
	q := reception(t)
	s := newSite(t, q)
	for _, who := range []string{"noura", "hidden"} {
		link := s.invite(t, q, who, func(i *surveys.Invitation) { i.Anonymous = who == "hidden" })
		for _, path := range []string{"", "?step=0&q.channel=app&go=next", "?step=9&go=submit", "/refuse", "/refuse?go=refuse"} {
			for _, method := range []string{"GET", "HEAD"} {
				if got := s.do(t, method, link+path, nil); got.status != 200 {
					t.Errorf("%s %s: %d", method, path, got.status)
				}
			}
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			if got := s.do(t, method, link, nil); got.status != 405 && got.status != 404 {
				t.Errorf("%s: %d", method, got.status)
			}
		}
		s.untouched(t, who)
	}
	if n := s.rows(t); n != 0 {
		t.Errorf("%d responses were recorded", n)
	}
}

// A link leads to its own invitation alone: the id of another with its proof leads nowhere, and a form cannot name another.
func TestSurvey_anothersID(t *testing.T) {
	t.Parallel()
	q := reception(t)
	s := newSite(t, q)
	mine, other := s.invite(t, q, "noura"), s.invite(t, q, "faisal")
	raw := func(link string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(link, "/s/"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	spliced := "/s/" + base64.RawURLEncoding.EncodeToString(append(raw(other)[:16:16], raw(mine)[16:]...))
	answers := url.Values{"lang": {"ar"}, "step": {"0"}, "q.channel": {"app"}, "go": {"next"}}
	for _, path := range []string{spliced, spliced + "/refuse"} {
		for _, method := range []string{"GET", "POST"} {
			if got := s.do(t, method, path, answers); got.status != 404 {
				t.Errorf("%s %s: %d", method, path, got.status)
			}
		}
	}
	id := event.Derive(s.round, "faisal")
	for _, name := range []string{"id", "token", "invitation", "response", "survey", "citizen"} {
		answers[name] = []string{id, strings.TrimPrefix(other, "/s/"), surveys.ResponseID(id)}
	}
	if got := s.do(t, "POST", mine+"?id="+id+"&invitation="+id, answers); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	s.untouched(t, "faisal")
	if i, err := s.store.Invitation(t.Context(), event.Derive(s.round, "noura")); err != nil ||
		i.State != surveys.InvitationPartial || s.rows(t) != 1 {
		t.Errorf("%+v, %v", i, err)
	}
}

// What a request says of its host is in no page, no redirection and no link.
func TestSurvey_forgedHost(t *testing.T) {
	t.Parallel()
	q := reception(t)
	s := newSite(t, q)
	link := s.invite(t, q, "noura")
	for _, path := range []string{link, link + "/refuse"} {
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, path, strings.NewReader("lang=ar&step=0&q.channel=app&go=next"))
			r.Host = "evil.example"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for _, h := range []string{"X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host", "Origin", "Referer"} {
				r.Header.Set(h, "https://evil.example")
			}
			res, err := s.app.Test(r, -1)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK && res.StatusCode != http.StatusSeeOther {
				t.Errorf("%s: %d, %v", method, res.StatusCode, err)
			}
			if strings.Contains(string(b), "evil") || strings.Contains(res.Header.Get("Location"), "//") {
				t.Errorf("%s: %v %s", method, res.Header, b)
			}
		}
	}
	if !strings.HasPrefix(s.Link(event.Derive(s.round, "noura")), "https://balagh.example/s/") {
		t.Error("a link that is not the installation's")
	}
}
