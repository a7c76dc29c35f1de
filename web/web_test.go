package web_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/web"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) { teststore.Main(m) }

// site is an application with the page, and a round of the reception's questionnaire.
type site struct {
	*surveys.Programmes
	app   *fiber.App
	store teststore.Store
	now   time.Time
	round string
	log   *strings.Builder
}

func reception(t *testing.T) *form.Questionnaire {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "surveys", "form", "testdata", "reception.json"))
	if err != nil {
		t.Fatal(err)
	}
	q := new(form.Questionnaire)
	if err := json.Unmarshal(b, q); err != nil {
		t.Fatal(err)
	}
	return q
}

func newSite(t *testing.T, q *form.Questionnaire) *site {
	t.Helper()
	db := teststore.Open(t)
	s := &site{store: db, now: start, round: event.Derive("round", "1"), log: &strings.Builder{}}
	s.Programmes = &surveys.Programmes{Store: db, Now: func() time.Time { return s.now }, NewID: uuid.NewString, Rand: rand.Reader,
		Zone: time.UTC,
		Log:  slog.New(slog.DiscardHandler), Secret: []byte("secret"), PublicURL: "https://balagh.example"}
	if err := db.AddQuestionnaire(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	r := &surveys.Round{ID: s.round, Rev: 1, Programme: surveys.Programme{Code: "p"}, State: surveys.RoundOpen,
		Closes: start.AddDate(0, 0, 10)}
	if err := db.CreateRound(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.app = fiber.New(fiber.Config{Immutable: true, StreamRequestBody: true, DisableStartupMessage: true})
	web.Survey{Programmes: s.Programmes, Log: slog.New(slog.NewTextHandler(s.log, nil))}.Mount(s.app)
	return s
}

// invite adds an invitation, and answers the path of its link.
func (s *site) invite(t *testing.T, q *form.Questionnaire, citizen string, change ...func(*surveys.Invitation)) string {
	t.Helper()
	i := surveys.Invitation{ID: event.Derive(s.round, citizen), Rev: 1, Programme: "p", Round: s.round, Citizen: citizen,
		Questionnaire: q.Code, Version: q.Version,
		State: surveys.InvitationInvited, Invited: start, Until: start.AddDate(0, 0, 10), Snapshot: surveys.Snapshot{Centre: "riyadh"}}
	for _, f := range change {
		f(&i)
	}
	if _, err := s.store.AddInvitations(t.Context(), []surveys.Invitation{i}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(s.Link(i.ID), "https://balagh.example")
}

func anonymous(i *surveys.Invitation) { i.Anonymous = true }

type answer struct {
	status int
	header http.Header
	body   string
	path   string // where a redirection led
}

// do makes a request, and follows where it is sent.
func (s *site) do(t *testing.T, method, path string, form url.Values, headers ...string) answer {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{res.StatusCode, res.Header, string(b), path}
	if res.StatusCode == http.StatusSeeOther {
		to, err := r.URL.Parse(res.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return s.do(t, "GET", to.RequestURI(), nil, headers...)
	}
	return a
}
