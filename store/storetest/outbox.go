package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
)

// Outbox is what the suite needs: the outbox and a way to write facts into it.
type Outbox interface {
	event.Outbox
	Publish(ctx context.Context, events ...event.Event) error
}

var dawn = time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)

func fact(subject string, n int) event.Event {
	return event.Event{ID: event.Derive(subject, fmt.Sprint(n)), Type: event.ReportMoved, Subject: subject, At: dawn, Report: &event.Report{ID: subject, Step: fmt.Sprint(n)}}
}

// TestOutbox is the contract of event.Outbox.
func TestOutbox(t *testing.T, open func(t *testing.T) Outbox) {
	outboxLeases(t, open)
	outboxEnds(t, open)
}

func outboxLeases(t *testing.T, open func(t *testing.T) Outbox) {
	t.Run("Lease/in order, and not again before the lease ends", func(t *testing.T) {
		t.Parallel()
		o, ctx := open(t), t.Context()
		must(t, o.Publish(ctx, fact("a", 1), fact("b", 1), fact("a", 2)))
		got := lease(t, o, dawn, 10)
		if want := []string{"a1", "b1", "a2"}; !slices.Equal(names(got), want) {
			t.Fatalf("leased %v, want %v", names(got), want)
		}
		if again := lease(t, o, dawn.Add(59*time.Second), 10); len(again) != 0 {
			t.Fatalf("leased again: %v", names(again))
		}
		late := lease(t, o, dawn.Add(time.Minute), 10)
		if len(late) != 3 || late[0].Fence != got[0].Fence+1 {
			t.Fatalf("after the lease: %v, fence %d", names(late), late[0].Fence)
		}
	})
	t.Run("Lease/what a clock that was an hour ahead leased is due", func(t *testing.T) {
		t.Parallel()
		o, ctx := open(t), t.Context()
		must(t, o.Publish(ctx, fact("a", 1)))
		ahead := lease(t, o, dawn.Add(time.Hour), 10)
		if got := lease(t, o, dawn, 10); len(ahead) != 1 || len(got) != 1 || got[0].Fence <= ahead[0].Fence {
			t.Fatalf("leased %v, then %v", names(ahead), names(got))
		}
	})
	t.Run("Lease/one subject never out of order", func(t *testing.T) {
		t.Parallel()
		o, ctx := open(t), t.Context()
		must(t, o.Publish(ctx, fact("a", 1), fact("a", 2), fact("b", 1)))
		first := lease(t, o, dawn, 1) // a1 only: a2 must wait for it, b1 need not
		if got := names(lease(t, o, dawn, 10)); !slices.Equal(got, []string{"b1"}) {
			t.Fatalf("leased %v beside %v", got, names(first))
		}
		must(t, o.Done(ctx, first))
		if got := names(lease(t, o, dawn, 10)); !slices.Equal(got, []string{"a2"}) {
			t.Fatalf("then %v", got)
		}
	})
	t.Run("Lease/two contenders never hold the same", func(t *testing.T) {
		t.Parallel()
		o, ctx := open(t), t.Context()
		for i := range 100 {
			must(t, o.Publish(ctx, fact(fmt.Sprint("s", i), 0)))
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					got, err := o.Lease(ctx, dawn, time.Minute, 7)
					if err != nil || len(got) == 0 {
						return
					}
					mu.Lock()
					for _, l := range got {
						seen[l.ID]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(seen) != 100 {
			t.Fatalf("%d of 100 leased", len(seen))
		}
		for id, n := range seen {
			if n != 1 {
				t.Fatalf("%s leased %d times", id, n)
			}
		}
	})
}

func outboxEnds(t *testing.T, open func(t *testing.T) Outbox) {
	t.Run("Done/a lost lease removes nothing", func(t *testing.T) {
		t.Parallel()
		o, ctx := open(t), t.Context()
		must(t, o.Publish(ctx, fact("a", 1)))
		lost := lease(t, o, dawn, 1)
		held := lease(t, o, dawn.Add(2*time.Minute), 1)
		must(t, o.Done(ctx, lost))
		if lag, err := o.Lag(ctx, dawn); err != nil || lag.Pending != 1 {
			t.Fatalf("pending %d, %v", lag.Pending, err)
		}
		must(t, o.Done(ctx, held))
		if lag, err := o.Lag(ctx, dawn); err != nil || lag.Pending != 0 {
			t.Fatalf("pending %d, %v", lag.Pending, err)
		}
	})
	t.Run("Retry/the subject waits, parked it goes on", func(t *testing.T) {
		t.Parallel()
		o, ctx := open(t), t.Context()
		must(t, o.Publish(ctx, fact("a", 1), fact("a", 2)))
		got := lease(t, o, dawn, 10)
		must(t, o.Retry(ctx, got[0], got[1:], dawn.Add(10*time.Second), false))
		if early := lease(t, o, dawn.Add(9*time.Second), 10); len(early) != 0 {
			t.Fatalf("early: %v", names(early))
		}
		got = lease(t, o, dawn.Add(10*time.Second), 10)
		if !slices.Equal(names(got), []string{"a1", "a2"}) || got[0].Attempts != 1 || got[1].Attempts != 0 {
			t.Fatalf("later: %v, attempts %d, %d", names(got), got[0].Attempts, got[1].Attempts)
		}
		must(t, o.Retry(ctx, got[0], got[1:], dawn.Add(time.Hour), true))
		if got := names(lease(t, o, dawn.Add(10*time.Second), 10)); !slices.Equal(got, []string{"a2"}) {
			t.Fatalf("behind the parked one: %v", got)
		}
		if lag, err := o.Lag(ctx, dawn.Add(time.Minute)); err != nil || lag.Parked != 1 || lag.Pending != 1 || lag.Oldest != 0 {
			t.Fatalf("lag while it is leased: %+v, %v", lag, err)
		}
		if lag, err := o.Lag(ctx, dawn.Add(2*time.Minute)); err != nil || lag.Oldest != 2*time.Minute {
			t.Fatalf("lag after the lease: %+v, %v", lag, err)
		}
	})
	t.Run("Wake/after a commit", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		must(t, o.Publish(t.Context(), fact("a", 1)))
		select {
		case <-o.Wake():
		case <-t.Context().Done():
			t.Fatal("no signal")
		}
	})
}

// Answers is the contract of api.Answers, without its import.
type Answers interface {
	Answer(ctx context.Context, key string) ([]byte, error)
	KeepAnswer(ctx context.Context, key string, answer []byte, at time.Time) error
	SweepAnswers(ctx context.Context, before time.Time) error
}

// TestAnswers is the contract of api.Answers.
func TestAnswers(t *testing.T, open func(t *testing.T) Answers) {
	t.Parallel()
	a, ctx := open(t), t.Context()
	must(t, a.KeepAnswer(ctx, "old", []byte("1"), dawn))
	must(t, a.KeepAnswer(ctx, "old", []byte("2"), dawn.Add(time.Hour)))
	must(t, a.KeepAnswer(ctx, "new", []byte("3"), dawn.Add(time.Hour)))
	if b, err := a.Answer(ctx, "old"); err != nil || string(b) != "1" {
		t.Fatalf("the first answer stays: %q, %v", b, err)
	}
	must(t, a.SweepAnswers(ctx, dawn.Add(time.Minute)))
	if b, err := a.Answer(ctx, "old"); !isNotFound(err) {
		t.Fatalf("swept: %q, %v", b, err)
	}
	if b, err := a.Answer(ctx, "new"); err != nil || string(b) != "3" {
		t.Fatalf("kept: %q, %v", b, err)
	}
}

func lease(t *testing.T, o event.Outbox, now time.Time, n int) []event.Leased {
	t.Helper()
	got, err := o.Lease(t.Context(), now, time.Minute, n)
	must(t, err)
	return got
}

func names(ls []event.Leased) []string {
	out := make([]string, len(ls))
	for i, l := range ls {
		out[i] = l.Subject + l.Report.Step
	}
	return out
}
