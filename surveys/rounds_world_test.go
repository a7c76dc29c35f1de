package surveys_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var (
	setter = actor.Actor{Kind: actor.Staff, ID: "staff-admin", Role: actor.Admin, Centres: []string{actor.All},
		Departments: []string{actor.All}}
	riyadh = time.FixedZone("Riyadh", 3*60*60)
	// lately is shortly before the round of March 2026.
	lately = time.Date(2026, 2, 28, 12, 0, 0, 0, riyadh)
)

// asker is a store with a questionnaire, and a process on it whose clock is set by hand.
type asker struct {
	*surveys.Programmes
	t   *testing.T
	db  teststore.Store
	now atomic.Int64
}

func newAsker(t *testing.T) *asker {
	t.Helper()
	db := teststore.Open(t)
	w := &asker{t: t, db: db}
	w.at(lately)
	w.Programmes = w.process(db)
	b, err := os.ReadFile("form/testdata/reception.json")
	if err != nil {
		t.Fatal(err)
	}
	var q form.Questionnaire
	if err := json.Unmarshal(b, &q); err != nil {
		t.Fatal(err)
	}
	if err := db.AddQuestionnaire(t.Context(), &q); err != nil {
		t.Fatal(err)
	}
	return w
}

// process is another one on the same world. Seeds are all the same, so that samples can be compared.
func (w *asker) process(store surveys.RoundStore) *surveys.Programmes {
	return &surveys.Programmes{Store: store, Now: func() time.Time { return time.UnixMilli(w.now.Load()) }, NewID: uuid.NewString,
		Rand: sevens{}, Zone: riyadh,
		Log: slog.New(slog.DiscardHandler), Secret: []byte("secret"), PublicURL: "https://balagh.example"}
}

type sevens struct{}

func (sevens) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte{7}, len(b))), nil }

func (w *asker) at(now time.Time) { w.now.Store(now.UnixMilli()) }

func (w *asker) pass(d time.Duration) { w.now.Add(d.Milliseconds()) }

const day = 24 * time.Hour

// fact takes one of a report at the moment of the clock.
func (w *asker) fact(report, citizen, to string, change ...func(*event.Event)) event.Event {
	w.t.Helper()
	at := time.UnixMilli(w.now.Load()).UTC()
	e := event.Event{ID: uuid.NewString(), Type: event.ReportMoved, Subject: "report/" + report, At: at,
		Report: &event.Report{ID: report, Citizen: citizen, Centre: "riyadh",
			Region: "central", Department: "maintenance", Category: "loudspeakers", Channel: "app", Gender: "male", To: to, Received: at}}
	for _, c := range change {
		c(&e)
	}
	if err := w.On(w.t.Context(), e); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// people with a case each, received an hour ago: one in three is a woman, one in four of Jeddah.
func (w *asker) people(n int) {
	w.t.Helper()
	defer w.pass(time.Hour)
	for i := range n {
		w.fact(fmt.Sprintf("report-%03d", i), fmt.Sprintf("citizen-%03d", i), "received", func(e *event.Event) {
			e.Type = event.ReportReceived
			if i%3 == 2 {
				e.Report.Gender = "female"
			}
			if i%4 == 0 {
				e.Report.Centre = "jeddah"
			}
		})
	}
}

func monthly(code string, change ...func(*surveys.Programme)) surveys.Programme {
	x := surveys.Programme{Code: code, Names: form.Text{"ar": "شهري", "en": "Monthly", "ur": "ماہانہ"}, Active: true,
		Questionnaire: "reception",
		Every:         &surveys.Every{Rule: "FREQ=MONTHLY;BYMONTHDAY=1", Start: "2026-01-01", Hour: 8, WindowDays: 30},
		Sample: surveys.Sample{Method: surveys.DrawStratified,
			By: []surveys.Dimension{surveys.ByCentre}, Allocation: surveys.Proportional, Size: 12}, QuarantineDays: 60, OpenDays: 10,
		Reminders: []int{3, 6}}
	for _, c := range change {
		c(&x)
	}
	return x
}

func afterCase(code string, change ...func(*surveys.Programme)) surveys.Programme {
	return monthly(code, append([]func(*surveys.Programme){func(x *surveys.Programme) {
		x.Every, x.Sample, x.After = nil, surveys.Sample{},
			&surveys.After{On: []string{surveys.OnClosed, surveys.OnOverdue, surveys.OnRejected, surveys.OnWithdrawn}, Days: 3}
	}}, change...)...)
}

var everyWarning = []string{surveys.WarnNobody, surveys.WarnEverybody, surveys.WarnNoQuarantine, surveys.WarnTooFew,
	surveys.WarnNoChannel}

func (w *asker) put(x surveys.Programme) *surveys.Programme {
	w.t.Helper()
	p, _, err := w.PutProgramme(w.t.Context(), setter, x, nil, everyWarning, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// run does what the runners find to do now.
func (w *asker) run() {
	w.t.Helper()
	if err := runOnce(w.t.Context(), w.Programmes); err != nil {
		w.t.Fatal(err)
	}
}

func runOnce(ctx context.Context, p *surveys.Programmes) error {
	for more := true; more; {
		rounds, err := p.RoundsOnce(ctx)
		invitations, err2 := p.InvitationsOnce(ctx)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		more = rounds || invitations
	}
	return nil
}

func (w *asker) rounds(code string) []*surveys.Round {
	w.t.Helper()
	all, err := w.db.Rounds(w.t.Context(), code)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// facts of surveys by citizen: "invited", "reminded-1" …
func (w *asker) facts() map[string][]string {
	w.t.Helper()
	all := map[string][]string{}
	leased, err := w.db.Lease(w.t.Context(), time.Now().AddDate(50, 0, 0), time.Minute, 100_000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range leased {
		if l.Survey != nil {
			what := strings.TrimPrefix(string(l.Type), "survey.")
			if l.Survey.Reminder > 0 {
				what += fmt.Sprintf("-%d", l.Survey.Reminder)
			}
			all[l.Survey.Citizen] = append(all[l.Survey.Citizen], what)
		}
	}
	return all
}

// states of the invitations of a round.
func (w *asker) states(round string) map[surveys.InvitationState]int {
	w.t.Helper()
	n, err := w.db.CountInvitations(w.t.Context(), round)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
