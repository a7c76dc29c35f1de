//go:build !race

package surveys_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

var errDied = errors.New("the process died")

// dying is the store as a process sees it that dies with its n-th write: before it, after it, or in the middle of a batch. A
// dead process does nothing more.
type dying struct {
	surveys.RoundStore
	left int
	how  string // before, after, half
	dead bool
}

func (d *dying) write(do func() error) error {
	if d.dead {
		return errDied
	}
	if d.left--; d.left > 0 {
		return do()
	}
	d.dead = true
	if d.how == "after" {
		if err := do(); err != nil {
			return err
		}
	}
	return errDied
}

func (d *dying) batch(n int) int {
	if d.left == 1 && d.how == "half" {
		return n / 2
	}
	return n
}

func (d *dying) PutProgramme(ctx context.Context, code string, change func(*surveys.Programme) error) (p *surveys.Programme,
	err error) {
	err = d.write(func() (err error) { p, err = d.RoundStore.PutProgramme(ctx, code, change); return err })
	return p, err
}

func (d *dying) CreateRound(ctx context.Context, r *surveys.Round) error {
	return d.write(func() error { return d.RoundStore.CreateRound(ctx, r) })
}

func (d *dying) UpdateRound(ctx context.Context, id string, change func(*surveys.Round) error) (r *surveys.Round, err error) {
	err = d.write(func() (err error) { r, err = d.RoundStore.UpdateRound(ctx, id, change); return err })
	return r, err
}

func (d *dying) LeaseRound(ctx context.Context, now time.Time, ttl time.Duration) (r *surveys.Round, err error) {
	if d.dead {
		return nil, errDied
	}
	if r, err = d.RoundStore.LeaseRound(ctx, now, ttl); err != nil || r == nil {
		return r, err
	}
	if err := d.write(func() error { return nil }); err != nil { // the lease is taken, whatever came then
		return nil, err
	}
	return r, nil
}

func (d *dying) AddInvitations(ctx context.Context, all []surveys.Invitation) (n int, err error) {
	if half := d.batch(len(all)); half < len(all) {
		_, _ = d.RoundStore.AddInvitations(ctx, all[:half])
	}
	err = d.write(func() (err error) { n, err = d.RoundStore.AddInvitations(ctx, all); return err })
	return n, err
}

func (d *dying) DropDrawn(ctx context.Context, round string, below int64) error {
	return d.write(func() error { return d.RoundStore.DropDrawn(ctx, round, below) })
}

func (d *dying) UpdateInvitations(ctx context.Context, ids []string,
	change func(*surveys.Invitation) ([]event.Event, error)) error {
	if len(ids) == 0 {
		return nil
	}
	if half := d.batch(len(ids)); half < len(ids) {
		_ = d.RoundStore.UpdateInvitations(ctx, ids[:half], change)
	}
	return d.write(func() error { return d.RoundStore.UpdateInvitations(ctx, ids, change) })
}

func (d *dying) ForgetDue(ctx context.Context, report string, due time.Time) error {
	return d.write(func() error { return d.RoundStore.ForgetDue(ctx, report, due) })
}

func (d *dying) PutTally(ctx context.Context, round string, touched int64, tally []byte) error {
	return d.write(func() error { return d.RoundStore.PutTally(ctx, round, touched, tally) })
}

// outcome is what people got of a month, and what became of their invitations.
type outcome struct {
	facts  map[string][]string
	states map[surveys.InvitationState]int
	drawn  string
}

// month lets a round and two cases take their course; the first process dies with its n-th write, and another goes on. died says
// whether there were so many.
func month(t *testing.T, n int, how string) (o outcome, died bool) {
	t.Helper()
	w := newAsker(t)
	w.people(30)
	w.put(monthly("monthly"))
	w.put(afterCase("cases"))
	w.fact("case-1", "someone-1", "closed")
	w.fact("case-2", "someone-2", "in_progress", func(e *event.Event) { e.Report.Due = e.At.Add(time.Hour) })
	store := &dying{RoundStore: w.db, left: n, how: how}
	process := w.process(store)
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	for range 14 {
		for range 3 {
			if err := runOnce(t.Context(), process); store.dead {
				process = w.process(w.db)
				w.pass(31 * time.Second) // until the lease ends
				if err := runOnce(t.Context(), process); err != nil {
					t.Fatal(err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			store.dead, died = false, died || store.dead
			w.pass(time.Second)
		}
		w.pass(day)
	}
	all := w.rounds("monthly")
	if len(all) != 1 || all[0].State != surveys.RoundPublished {
		t.Fatalf("%d rounds, the first %s", len(all), all[0].State)
	}
	return outcome{w.facts(), w.states(all[0].ID), fmt.Sprintf("%+v", all[0].Drawn)}, died
}

// Whenever a process dies, the same people are drawn, each is invited once and reminded as often as without, and the round ends
// published.
func TestProgrammes_dyingAnywhere(t *testing.T) {
	t.Parallel()
	want, _ := month(t, 1<<30, "before")
	if len(want.facts) != 14 || want.states[surveys.InvitationLapsed] != 12 {
		t.Fatalf("%v, %v", want.facts, want.states)
	}
	for who, got := range want.facts {
		if !slices.Equal(got, []string{"invited", "reminded-1", "reminded-2"}) {
			t.Errorf("%s: %v", who, got)
		}
	}
	for _, how := range []string{"before", "after", "half"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			for n, died := 1, true; died; n++ {
				var got outcome
				if got, died = month(t, n, how); !maps.EqualFunc(got.facts, want.facts, slices.Equal) ||
					!maps.Equal(got.states, want.states) || got.drawn != want.drawn {
					t.Errorf("dying with write %d: %v, %v, %s", n, got.facts, got.states, got.drawn)
				}
				if !died && n < 15 {
					t.Errorf("only %d writes", n)
				}
			}
		})
	}
}

// sleeping is the store of a process that sleeps before it drops what was drawn, and dies when it has.
type sleeping struct {
	surveys.RoundStore
	meanwhile func()
}

func (s sleeping) DropDrawn(ctx context.Context, round string, below int64) error {
	s.meanwhile()
	return errors.Join(errDied, s.RoundStore.DropDrawn(ctx, round, below))
}

// Who slept over the end of the lease drops nothing of what another process has drawn.
func TestProgrammes_sleptBeforeDropDrawn(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	w.people(30)
	w.put(monthly("monthly"))
	w.at(time.Date(2026, 3, 1, 8, 0, 0, 0, riyadh))
	slept := false
	_, err := w.process(sleeping{w.db, func() {
		slept = true
		w.pass(31 * time.Second)
		for other := w.process(w.db); w.rounds("monthly")[0].State == surveys.RoundDrawing; {
			if _, err := other.RoundsOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}}).RoundsOnce(t.Context())
	if !slept || !errors.Is(err, errDied) {
		t.Fatalf("slept %v, %v", slept, err)
	}
	r := w.rounds("monthly")[0]
	if states := w.states(r.ID); r.State != surveys.RoundInviting || states[surveys.InvitationDrawn] != 12 {
		t.Errorf("the round is %s, its invitations %v", r.State, states)
	}
}
