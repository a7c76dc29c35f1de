package reports_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// written is a store whose changes the test makes. What is at or before after-2 is not given again.
type written struct {
	mu    sync.Mutex
	list  []reports.Changed
	lost  bool
	fails int
	looks int
}

func (w *written) ChangePosition(context.Context) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(len(w.list) + 1), nil
}

func (w *written) Changes(_ context.Context, q reports.ChangesQuery) (list []reports.Changed, whole bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.looks++; w.fails > 0 {
		w.fails--
		return nil, false, errors.New("away")
	}
	if w.lost {
		w.lost = false
		return nil, false, nil
	}
	for _, c := range w.list {
		if c.Position > q.After-2 && (q.Known == nil || !q.Known(c.ID, c.Rev)) {
			list = append(list, c)
		}
	}
	return list, true, nil
}

func (w *written) write(id, centre string, rev int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, reports.Changed{Position: int64(len(w.list) + 2), ID: id, Rev: rev, Centre: centre, Department: "d"})
}

func feeding(t *testing.T, w *written) *reports.Feed {
	t.Helper()
	f := &reports.Feed{Store: w, Log: slog.New(slog.DiscardHandler), Pause: time.Millisecond}
	ctx, end := context.WithCancel(context.Background())
	var jobs sync.WaitGroup
	jobs.Go(func() { f.Run(ctx) })
	t.Cleanup(func() { end(); jobs.Wait() })
	return f
}

var clerkOfRiyadh = actor.Actor{Kind: actor.Staff, ID: "clerk", Role: actor.Clerk, Centres: []string{"riyadh"}, Departments: []string{actor.All}}

// hear reads until the last of some ids came, and gives all that came, in order.
func hear(t *testing.T, l *reports.Listener, last string) (got []string, lost bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case n := <-l.News:
			lost = lost || n.Lost
			for _, c := range n.Changes {
				if got = append(got, c.ID); c.ID == last {
					return got, lost
				}
			}
			if n.Lost && last == "" {
				return got, lost
			}
		case <-late:
			t.Fatalf("%s never came, only %v", last, got)
		}
	}
}

func TestFeed_Listen(t *testing.T) {
	t.Parallel()
	w := &written{}
	w.write("before", "riyadh", 1)
	f := feeding(t, w)
	l, err := f.Listen(t.Context(), clerkOfRiyadh, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.write("a", "riyadh", 1)
	w.write("elsewhere", "qassim", 1)
	w.mu.Lock()
	w.fails = 3 // looks that fail lose nothing
	w.mu.Unlock()
	w.write("b", "riyadh", 1)
	w.write("a", "riyadh", 2)
	w.write("end", "riyadh", 1)
	got, lost := hear(t, l, "end")
	for _, id := range []string{"a", "b", "end"} {
		if !slices.Contains(got, id) {
			t.Errorf("%s was missed: %v", id, got)
		}
	}
	if lost || slices.Contains(got, "elsewhere") {
		t.Errorf("got %v, lost %v", got, lost)
	}
	back, err := f.Listen(t.Context(), clerkOfRiyadh, 3)
	if err != nil || len(back.First.Changes) == 0 || back.First.Lost {
		t.Errorf("who comes back: %+v, %v", back.First, err)
	}
	w.mu.Lock()
	w.lost = true
	w.mu.Unlock()
	if _, lost := hear(t, l, ""); !lost {
		t.Error("what was lost was not told")
	}
	if _, err := f.Listen(t.Context(), actor.Actor{Kind: actor.Citizen, ID: "c"}, 0); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a citizen: %v", err)
	}
}

// TestFeed_Listen_slow: who takes nothing keeps nobody waiting, and hears that something was lost.
func TestFeed_Listen_slow(t *testing.T) {
	t.Parallel()
	w := &written{}
	f := feeding(t, w)
	slow, err := f.Listen(t.Context(), clerkOfRiyadh, 0)
	if err != nil {
		t.Fatal(err)
	}
	quick, err := f.Listen(t.Context(), clerkOfRiyadh, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 { // more looks than fit
		<-quick.News
	}
	if n := <-slow.News; !n.Lost {
		t.Errorf("the first that it takes: %+v", n)
	}
	slow.Close()
	quick.Close()
}

// TestFeed_Run_ends: listeners hear of the end, and later ones are refused.
func TestFeed_Run_ends(t *testing.T) {
	t.Parallel()
	f := &reports.Feed{Store: &written{}, Log: slog.New(slog.DiscardHandler), Pause: time.Hour}
	l, err := f.Listen(t.Context(), clerkOfRiyadh, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	end()
	f.Run(ctx)
	if _, open := <-l.News; open {
		t.Error("it goes on")
	}
	if _, err := f.Listen(t.Context(), clerkOfRiyadh, 0); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("after the end: %v", err)
	}
}
