package surveys_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/store/sqlite"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

var (
	setter = actor.Actor{Kind: actor.Staff, ID: "staff-admin", Role: actor.Admin, Centres: []string{actor.All}, Departments: []string{actor.All}}
	riyadh = time.FixedZone("Riyadh", 3*60*60)
	// lately is shortly before the round of March 2026.
	lately = time.Date(2026, 2, 28, 12, 0, 0, 0, riyadh)
)

// asker is a store with a questionnaire, and a process on it whose clock is set by hand.
type asker struct {
	*surveys.Programmes
	t   *testing.T
	db  *sqlite.DB
	now atomic.Int64
}

func newAsker(t *testing.T) *asker {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "balagh.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
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
	return &surveys.Programmes{Store: store, Now: func() time.Time { return time.UnixMilli(w.now.Load()) }, NewID: uuid.NewString, Rand: sevens{}, Zone: riyadh,
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
	e := event.Event{ID: uuid.NewString(), Type: event.ReportMoved, Subject: "report/" + report, At: at, Report: &event.Report{ID: report, Citizen: citizen, Centre: "riyadh",
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
	x := surveys.Programme{Code: code, Names: form.Text{"ar": "شهري", "en": "Monthly", "ur": "ماہانہ"}, Active: true, Questionnaire: "reception",
		Every: &surveys.Every{Rule: "FREQ=MONTHLY;BYMONTHDAY=1", Start: "2026-01-01", Hour: 8, WindowDays: 30}, Sample: surveys.Sample{Method: surveys.DrawStratified,
			By: []surveys.Dimension{surveys.ByCentre}, Allocation: surveys.Proportional, Size: 12}, QuarantineDays: 60, OpenDays: 10, Reminders: []int{3, 6}}
	for _, c := range change {
		c(&x)
	}
	return x
}

func afterCase(code string, change ...func(*surveys.Programme)) surveys.Programme {
	return monthly(code, append([]func(*surveys.Programme){func(x *surveys.Programme) {
		x.Every, x.Sample, x.After = nil, surveys.Sample{}, &surveys.After{On: []string{surveys.OnClosed, surveys.OnOverdue, surveys.OnRejected, surveys.OnWithdrawn}, Days: 3}
	}}, change...)...)
}

var everyWarning = []string{surveys.WarnNobody, surveys.WarnEverybody, surveys.WarnNoQuarantine, surveys.WarnTooFew, surveys.WarnNoChannel}

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

func TestProgrammes_round(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(40)
	x := w.put(monthly("monthly"))
	if want := time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh); !x.Next.Equal(want) {
		t.Fatalf("next %v, want %v", x.Next, want)
	}
	w.run()
	if n := len(w.rounds("monthly")); n != 0 {
		t.Fatalf("%d rounds before the first is due", n)
	}
	w.pass(19 * time.Hour)
	w.run()
	all := w.rounds("monthly")
	if len(all) != 1 {
		t.Fatalf("%d rounds", len(all))
	}
	r := all[0]
	if r.State != surveys.RoundOpen || r.Number != 1 || r.Programme.Version != 1 || r.Drawn.Population != 40 || r.Drawn.Sampled != 12 || len(r.Drawn.Strata) != 2 ||
		r.Drawn.Strata[0] != (surveys.DrawnStratum{Key: "jeddah", Population: 10, Eligible: 10, Sampled: 3}) || !r.Due.Equal(r.Closes) {
		t.Errorf("%+v", r)
	}
	if n := w.states(r.ID); n[surveys.InvitationInvited] != 12 || len(n) != 1 {
		t.Errorf("%v", n)
	}
	w.pass(7 * day) // both reminders have become due: one is sent
	w.run()
	w.pass(4 * day)
	w.run()
	r = w.rounds("monthly")[0]
	if r.State != surveys.RoundPublished || r.Published.IsZero() || !r.Due.IsZero() {
		t.Errorf("%s, published %v, due %v", r.State, r.Published, r.Due)
	}
	if n := w.states(r.ID); n[surveys.InvitationLapsed] != 12 {
		t.Errorf("%v", n)
	}
	next, err := w.db.Programme(t.Context(), "monthly")
	if err != nil || !next.Next.Equal(time.Date(2026, 4, 1, 8, 0, 0, 0, riyadh)) {
		t.Errorf("next %v, %v", next.Next, err)
	}
	if touched, tally, err := w.db.TallyOf(t.Context(), r.ID); err != nil || len(tally) == 0 {
		t.Errorf("touched %d, tally of %d bytes, %v", touched, len(tally), err)
	}
}

func TestProgrammes_round_reminders(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(6)
	w.put(monthly("monthly", func(x *surveys.Programme) { x.Sample = surveys.Sample{Method: surveys.DrawAll} }))
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	w.run()
	r := w.rounds("monthly")[0]
	answered, refused := event.Derive(r.ID, "citizen-000"), event.Derive(r.ID, "citizen-001")
	for id, s := range map[string]surveys.InvitationState{answered: surveys.InvitationComplete, refused: surveys.InvitationRefused} {
		if _, err := w.db.UpdateInvitation(t.Context(), id, func(i *surveys.Invitation) ([]event.Event, error) {
			i.State, i.Due = s, time.Time{}
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.Missing = func(_ context.Context, citizens []string) (map[string]bool, error) {
		return map[string]bool{"citizen-002": true}, nil
	}
	for range 12 {
		w.pass(day)
		w.run()
	}
	facts := w.facts()
	for who, want := range map[string][]string{"citizen-000": {"invited"}, "citizen-001": {"invited"}, "citizen-002": {"invited"}, "citizen-003": {"invited", "reminded-1", "reminded-2"}} {
		if !slices.Equal(facts[who], want) {
			t.Errorf("%s: %v, want %v", who, facts[who], want)
		}
	}
	if n := w.states(r.ID); n[surveys.InvitationComplete] != 1 || n[surveys.InvitationRefused] != 1 || n[surveys.InvitationLapsed] != 4 {
		t.Errorf("%v", n)
	}
}

// unreached: nothing that was sent has arrived.
func TestProgrammes_round_unreached(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(3)
	w.put(monthly("monthly", func(x *surveys.Programme) { x.Sample = surveys.Sample{Method: surveys.DrawAll} }))
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	w.run()
	r := w.rounds("monthly")[0]
	never, once := event.Derive(r.ID, "citizen-000"), event.Derive(r.ID, "citizen-001")
	w.Unreached = func(_ context.Context, facts []string) (map[string]bool, error) {
		return map[string]bool{event.Derive(never, "invited"): true, event.Derive(never, "reminder-1"): true, event.Derive(never, "reminder-2"): true,
			event.Derive(once, "invited"): true}, nil
	}
	for range 11 {
		w.pass(day)
		w.run()
	}
	if n := w.states(r.ID); n[surveys.InvitationUnreached] != 1 || n[surveys.InvitationLapsed] != 2 {
		t.Errorf("%v", n)
	}
}

func TestProgrammes_round_quarantineAndAccounts(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(20)
	w.put(monthly("b", func(x *surveys.Programme) { x.Sample = surveys.Sample{Method: surveys.DrawRandom, Size: 8} }))
	w.put(monthly("a", func(x *surveys.Programme) { x.Sample = surveys.Sample{Method: surveys.DrawAll} }))
	w.Missing = func(_ context.Context, citizens []string) (map[string]bool, error) {
		return map[string]bool{"citizen-003": true}, nil
	}
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	for range 10 {
		w.run()
		w.pass(time.Second) // a round waits for the other's turn
	}
	a, b := w.rounds("a")[0], w.rounds("b")[0]
	first, second := a, b
	if b.Opened.Before(a.Opened) {
		first, second = b, a
	}
	gone := w.states(first.ID)[surveys.InvitationDropped]
	if second.Drawn.Excluded[surveys.ExcludedQuarantine] != first.Drawn.Sampled-gone || second.State != surveys.RoundOpen {
		t.Errorf("first drew %d, second left out %v", first.Drawn.Sampled, second.Drawn.Excluded)
	}
	for who, got := range w.facts() {
		if len(got) != 1 || who == "citizen-003" {
			t.Errorf("%s: %v", who, got)
		}
	}
}

func TestProgrammes_StartRound(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(5)
	w.put(monthly("monthly"))
	r, err := w.StartRound(t.Context(), setter, "monthly")
	if err != nil || r.Number != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := w.StartRound(t.Context(), setter, "monthly"); fault.CodeOf(err) != fault.Exists {
		t.Errorf("a second one on the same day: %v", err)
	}
	w.run()
	if _, err := w.StopRound(t.Context(), setter, r.ID); err != nil {
		t.Fatal(err)
	}
	w.run()
	if _, err := w.StopRound(t.Context(), setter, r.ID); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("stopped twice: %v", err)
	}
	for range 12 {
		w.pass(day)
		w.run()
	}
	if r, counts, err := w.Round(t.Context(), setter, r.ID); err != nil || r.State != surveys.RoundStopped || counts[surveys.InvitationInvited] != 5 {
		t.Errorf("%v, %v, %v", r.State, counts, err)
	}
	if facts := w.facts(); len(facts) != 5 || len(facts["citizen-000"]) != 1 {
		t.Errorf("%v: nobody is reminded of a stopped round", facts)
	}
	for _, a := range []actor.Actor{{}, manager, citizen} {
		if _, err := w.StartRound(t.Context(), a, "monthly"); err == nil {
			t.Errorf("%v started a round", a)
		}
	}
	w.put(afterCase("cases"))
	if _, err := w.StartRound(t.Context(), setter, "cases"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a round of cases: %v", err)
	}
}

func TestProgrammes_StopRound_beforeAnybodyWasInvited(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(5)
	w.put(monthly("monthly"))
	r, err := w.StartRound(t.Context(), setter, "monthly")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.RoundsOnce(t.Context()); err != nil { // draws
		t.Fatal(err)
	}
	if n := w.states(r.ID); n[surveys.InvitationDrawn] != 5 {
		t.Fatalf("%v", n)
	}
	if _, err := w.StopRound(t.Context(), setter, r.ID); err != nil {
		t.Fatal(err)
	}
	w.run()
	if n := w.states(r.ID); n[surveys.InvitationDropped] != 5 || len(w.facts()) != 0 {
		t.Errorf("%v", n)
	}
}

func TestProgrammes_CloseRound(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(5)
	w.put(monthly("monthly"))
	r, err := w.StartRound(t.Context(), setter, "monthly")
	if err != nil {
		t.Fatal(err)
	}
	w.run()
	w.pass(time.Hour)
	if _, err := w.CloseRound(t.Context(), setter, r.ID); err != nil {
		t.Fatal(err)
	}
	w.run()
	r, counts, err := w.Round(t.Context(), manager, r.ID)
	if err != nil || r.State != surveys.RoundPublished || counts[surveys.InvitationLapsed] != 5 {
		t.Errorf("%v, %v, %v", r.State, counts, err)
	}
	i, err := w.db.Invitation(t.Context(), event.Derive(r.ID, "citizen-000"))
	if err != nil || i.Until.After(r.Published) || !i.Due.IsZero() {
		t.Errorf("%+v, %v", i, err)
	}
}

// two processes work on three programmes at once, while the clock runs and jumps.
func TestProgrammes_twoProcesses(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(60)
	for _, code := range []string{"a", "b", "c"} {
		w.put(monthly(code, func(x *surveys.Programme) {
			x.Sample = surveys.Sample{Method: surveys.DrawRandom, Size: 25}
			x.Reminders = nil
		}))
	}
	w.put(afterCase("cases", func(x *surveys.Programme) { x.After.Days, x.Reminders = 0, nil }))
	for i := range 60 {
		w.fact(fmt.Sprintf("report-%03d", i), fmt.Sprintf("citizen-%03d", i), map[bool]string{true: "closed", false: "in_progress"}[i%5 == 0])
	}
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	var wg sync.WaitGroup
	steps := []time.Duration{0, time.Second, -time.Minute, time.Minute, time.Second, 40 * time.Second, 40 * time.Second, -time.Hour, time.Hour + time.Second, time.Second,
		11 * day, time.Second, time.Minute}
	for _, step := range steps {
		w.pass(step)
		for range 2 {
			p := w.process(w.db)
			wg.Go(func() {
				if err := runOnce(context.WithoutCancel(t.Context()), p); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	for _, code := range []string{"a", "b", "c"} {
		if r := w.rounds(code); len(r) != 1 || r[0].State != surveys.RoundPublished {
			t.Errorf("%s: %d rounds, the first %s", code, len(r), r[0].State)
		}
	}
	facts := w.facts()
	for who, got := range facts {
		if len(got) != 1 {
			t.Errorf("%s: %v", who, got)
		}
	}
	if len(facts) < 55 {
		t.Errorf("only %d were invited", len(facts))
	}
}

// A clock that was a year ahead for a moment must not stop a programme for a year.
func TestProgrammes_clockJumps(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(10)
	w.put(monthly("monthly"))
	w.at(lately.AddDate(1, 0, 0))
	w.run()
	w.at(lately)
	w.run()
	w.at(time.Date(2026, 3, 1, 8, 0, 1, 0, riyadh))
	w.run()
	var march *surveys.Round
	for _, r := range w.rounds("monthly") {
		if r.To.Equal(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh)) {
			march = r
		}
	}
	if march == nil || march.State != surveys.RoundOpen || march.Drawn.Sampled != 10 {
		t.Fatalf("%+v", march)
	}
	for who, got := range w.facts() {
		if len(got) != 1 {
			t.Errorf("%s: %v", who, got)
		}
	}
}

// A process that was off for half a year asks once.
func TestProgrammes_missedRounds(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.put(monthly("monthly"))
	w.at(time.Date(2026, 9, 12, 8, 0, 0, 0, riyadh))
	w.run()
	all := w.rounds("monthly")
	if len(all) != 1 || !all[0].To.Equal(time.Date(2026, 9, 1, 8, 0, 0, 0, riyadh)) {
		t.Errorf("%d rounds", len(all))
	}
}
