package event_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/store/teststore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(teststore.Tests{M: m}) }

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) move(d time.Duration) { c.mu.Lock(); c.t = c.t.Add(d); c.mu.Unlock() }

type relayTest struct {
	db    teststore.Store
	clock *clock
	relay *event.Relay
	taken chan event.Event
	stop  func()
}

// newRelay runs a relay whose one consumer does what on says and then notes the fact.
func newRelay(t *testing.T, on func(event.Event) error) *relayTest {
	t.Helper()
	db := teststore.Open(t)
	rt := &relayTest{db: db, clock: &clock{t: time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)}, taken: make(chan event.Event, 1000)}
	rt.relay = &event.Relay{Outbox: db, Now: rt.clock.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Consumers: []event.Consumer{{Name: "test", On: func(_ context.Context, e event.Event) error {
			if err := on(e); err != nil {
				return err
			}
			rt.taken <- e
			return nil
		}}}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { rt.relay.Run(ctx) })
	rt.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(rt.stop)
	return rt
}

func (rt *relayTest) publish(t *testing.T, subject string, ns ...int) {
	t.Helper()
	for _, n := range ns {
		e := event.Event{ID: event.Derive(subject, fmt.Sprint(n)), Type: event.ReportMoved, Subject: subject, At: rt.clock.now(), Report: &event.Report{Closure: n}}
		if err := rt.db.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func (rt *relayTest) next(t *testing.T) event.Event {
	t.Helper()
	select {
	case e := <-rt.taken:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("no fact came")
		return event.Event{}
	}
}

// hurry lets time pass until a fact comes.
func (rt *relayTest) hurry(t *testing.T) event.Event {
	t.Helper()
	for range 1000 {
		select {
		case e := <-rt.taken:
			return e
		case <-time.After(10 * time.Millisecond):
			rt.clock.move(time.Second)
		}
	}
	t.Fatal("no fact came")
	return event.Event{}
}

func TestRelay_Run(t *testing.T) {
	t.Parallel()
	t.Run("in order for a subject", func(t *testing.T) {
		t.Parallel()
		rt := newRelay(t, func(event.Event) error { return nil })
		for i := range 50 {
			rt.publish(t, "a", i)
			rt.publish(t, "b", i)
		}
		got := map[string][]int{}
		for range 100 {
			e := rt.next(t)
			got[e.Subject] = append(got[e.Subject], e.Report.Closure)
		}
		for s, ns := range got {
			if !slices.IsSorted(ns) || len(ns) != 50 {
				t.Fatalf("%s: %v", s, ns)
			}
		}
	})
	t.Run("again after an error or a panic, and others are not held up", func(t *testing.T) {
		t.Parallel()
		var mu sync.Mutex
		tries := 0
		failed := make(chan struct{}, 10)
		rt := newRelay(t, func(e event.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if e.Subject != "bad" || tries >= 2 {
				return nil
			}
			tries++
			failed <- struct{}{}
			if tries == 1 {
				return errors.New("no")
			}
			panic("no")
		})
		rt.publish(t, "bad", 1)
		<-failed
		rt.publish(t, "good", 1)
		if e := rt.next(t); e.Subject != "good" {
			t.Fatalf("%s came first", e.Subject)
		}
		rt.publish(t, "bad", 2)
		if e := rt.hurry(t); e.Subject != "bad" || e.Report.Closure != 1 {
			t.Fatalf("then %s %d", e.Subject, e.Report.Closure)
		}
		if e := rt.next(t); e.Report.Closure != 2 {
			t.Fatalf("then %d", e.Report.Closure)
		}
	})
	t.Run("stopping finishes what was begun", func(t *testing.T) {
		t.Parallel()
		began, end := make(chan struct{}), make(chan struct{})
		rt := newRelay(t, func(event.Event) error { close(began); <-end; return nil })
		rt.publish(t, "a", 1)
		<-began
		stopped := make(chan struct{})
		go func() { rt.stop(); close(stopped) }()
		close(end)
		<-stopped
		if lag, err := rt.db.Lag(t.Context(), rt.clock.now()); err != nil || lag.Pending != 0 {
			t.Fatalf("pending %d, %v", lag.Pending, err)
		}
	})
}

func TestRelay_Drain(t *testing.T) {
	t.Parallel()
	rt := newRelay(t, func(e event.Event) error {
		if e.Subject == "bad" {
			return errors.New("no")
		}
		return nil
	})
	rt.stop() // it is drained by hand
	for i := range 700 {
		rt.publish(t, fmt.Sprint("subject-", i%50), i)
	}
	rt.publish(t, "bad", 1)
	if err := rt.relay.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lag, err := rt.db.Lag(t.Context(), rt.clock.now()); err != nil || lag.Pending != 1 || len(rt.taken) != 700 {
		t.Errorf("%d are left of which one waits, %d were taken, %v", lag.Pending, len(rt.taken), err)
	}
}

// What waits of one subject is handed on together to whoever takes several, and one by one from there on when that fails.
func TestRelay_Drain_several(t *testing.T) {
	t.Parallel()
	rt := newRelay(t, func(event.Event) error { return nil })
	rt.stop()
	var mu sync.Mutex
	got := map[string][]string{} // by consumer: runs of closures
	note := func(consumer string, facts ...event.Event) {
		mu.Lock()
		defer mu.Unlock()
		run := ""
		for _, e := range facts {
			run += fmt.Sprint(e.Subject, e.Report.Closure, " ")
		}
		got[consumer] = append(got[consumer], run)
	}
	mends := false
	picky := event.Consumer{Name: "picky",
		On: func(_ context.Context, e event.Event) error {
			if e.Report.Closure == 3 && !mends {
				return errors.New("no")
			}
			note("picky", e)
			return nil
		},
		Several: func(_ context.Context, facts []event.Event) error {
			if facts[0].Subject == "a" && !mends {
				panic("no")
			}
			note("picky", facts...)
			return nil
		}}
	for _, name := range []string{"before", "after"} {
		rt.relay.Consumers = append(rt.relay.Consumers, event.Consumer{Name: name,
			On:      func(_ context.Context, e event.Event) error { note(name, e); return nil },
			Several: func(_ context.Context, facts []event.Event) error { note(name, facts...); return nil }})
	}
	rt.relay.Consumers = slices.Insert(rt.relay.Consumers, 2, picky)
	drain := func(pending int, want map[string][]string) {
		t.Helper()
		clear(got)
		if err := rt.relay.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if lag, err := rt.db.Lag(t.Context(), rt.clock.now()); err != nil || lag.Pending != pending {
			t.Errorf("%d are left, %v", lag.Pending, err)
		}
		for name, want := range want {
			if slices.Sort(got[name]); !slices.Equal(got[name], want) {
				t.Errorf("%s took %q, want %q", name, got[name], want)
			}
		}
	}
	rt.publish(t, "a", 1, 2, 3, 4)
	rt.publish(t, "b", 1, 2)
	rt.publish(t, "c", 1)
	drain(2, map[string][]string{"before": {"a1 a2 a3 a4 ", "b1 b2 ", "c1 "}, "picky": {"a1 ", "a2 ", "b1 b2 ", "c1 "}, "after": {"a1 a2 ", "b1 b2 ", "c1 "}})
	rt.clock.move(time.Minute)
	mends = true
	drain(0, map[string][]string{"before": {"a3 a4 "}, "picky": {"a3 a4 "}, "after": {"a3 a4 "}})
}
