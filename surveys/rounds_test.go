package surveys_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

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
	if r.State != surveys.RoundOpen || r.Number != 1 || r.Programme.Version != 1 || r.Drawn.Population != 40 ||
		r.Drawn.Sampled != 12 || len(r.Drawn.Strata) != 2 ||
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
	for who, want := range map[string][]string{"citizen-000": {"invited"}, "citizen-001": {"invited"}, "citizen-002": {"invited"},
		"citizen-003": {"invited", "reminded-1", "reminded-2"}} {
		if !slices.Equal(facts[who], want) {
			t.Errorf("%s: %v, want %v", who, facts[who], want)
		}
	}
	if n := w.states(r.ID); n[surveys.InvitationComplete] != 1 || n[surveys.InvitationRefused] != 1 ||
		n[surveys.InvitationLapsed] != 4 {
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
		return map[string]bool{event.Derive(never, "invited"): true, event.Derive(never, "reminder-1"): true,
			event.Derive(never, "reminder-2"): true,
			event.Derive(once, "invited"):     true}, nil
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
	if r, counts, err := w.Round(t.Context(), setter, r.ID); err != nil || r.State != surveys.RoundStopped ||
		counts[surveys.InvitationInvited] != 5 {
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
		w.fact(fmt.Sprintf("report-%03d", i), fmt.Sprintf("citizen-%03d", i),
			map[bool]string{true: "closed", false: "in_progress"}[i%5 == 0])
	}
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	var wg sync.WaitGroup
	steps := []time.Duration{0, time.Second, -time.Minute, time.Minute, time.Second, 40 * time.Second, 40 * time.Second, -time.Hour,
		time.Hour + time.Second, time.Second,
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
