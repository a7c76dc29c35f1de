package push_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// attempts counts what was sent, by message and device, and keeps each attempt waiting until told to go on.
type attempts struct {
	mu   sync.Mutex
	n    map[string]int
	goOn chan struct{}
}

func newAttempts() *attempts { return &attempts{n: map[string]int{}, goOn: make(chan struct{})} }

func (a *attempts) send(n push.Notice) push.Outcome {
	a.mu.Lock()
	a.n[n.ID+n.Device.ID]++
	a.mu.Unlock()
	<-a.goOn
	return taken(n)
}

func (a *attempts) total() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.n {
		n += k
	}
	return n
}

func (a *attempts) once(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, n := range a.n {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

// The clock on the wall is set while attempts hang: two senders on one store send nothing twice, and nothing is stuck.
func TestSender_Run_clockIsSet(t *testing.T) {
	t.Parallel()
	for name, jumps := range map[string][]time.Duration{"forward": {time.Hour}, "back": {-time.Hour}, "forward and back": {time.Hour, -time.Hour},
		"back and forward": {-time.Hour, time.Hour}, "twice": {time.Hour, time.Hour, -2 * time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, a := setUp(t), newAttempts()
			goOn := sync.OnceFunc(func() { close(a.goOn) })
			const facts = 4
			for i := range facts {
				b.tell(t, fact(strconv.Itoa(i), event.ReportReplied, "noura", ""))
			}
			for range 2 {
				b.run(t, a.send, func(s *push.Sender) { s.Workers = 16 })
			}
			t.Cleanup(goOn)
			b.clock.advance(29 * time.Second) // their first lease is not over
			b.idles(t)
			eventually(t, "all hang", func() bool { return a.total() >= 2*facts })
			for _, by := range jumps {
				b.clock.set(by)
				b.idles(t)
				b.clock.advance(9 * time.Second) // an attempt ends within ten
				b.idles(t)
				if len(jumps) == 1 {
					break
				}
			}
			a.once(t)
			goOn()
			eventually(t, "all is accepted", func() bool { return b.count(t, facts)[push.Accepted] == 2*facts })
			b.tell(t, fact("after", event.ReportReplied, "noura", ""))
			b.await(t, "after", "phone", push.Accepted)
			b.await(t, "after", "second", push.Accepted)
			a.once(t)
		})
	}
}

// A sender died after it leased by a clock that was an hour ahead. Its lease is ended one lease after the clock was set right.
func TestSender_Run_leaseOfAWrongClock(t *testing.T) {
	t.Parallel()
	b, a := setUp(t), newAttempts()
	close(a.goOn)
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	if dead, err := b.store.LeaseDeliveries(t.Context(), push.ChannelPush, epoch.Add(time.Hour), 30*time.Second, 10, true); err != nil || len(dead) != 2 {
		t.Fatalf("leased %d, %v", len(dead), err)
	}
	b.run(t, a.send, nil)
	b.idles(t)
	b.clock.advance(30*time.Second - time.Millisecond)
	b.idles(t)
	if n := a.total(); n != 0 {
		t.Errorf("%d sent too early", n)
	}
	b.clock.advance(time.Millisecond)
	b.await(t, "e", "phone", push.Accepted)
	b.await(t, "e", "second", push.Accepted)
	a.once(t)
}

// A lease that a dead sender left is taken over when the one that takes it has itself seen a whole lease pass; the dead one's late
// result changes nothing.
func TestSender_Run_takesOver(t *testing.T) {
	t.Parallel()
	b, a := setUp(t), newAttempts()
	close(a.goOn)
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	dead, err := b.store.LeaseDeliveries(t.Context(), push.ChannelPush, epoch, 30*time.Second, 10, true)
	if err != nil || len(dead) != 2 {
		t.Fatalf("leased %d, %v", len(dead), err)
	}
	b.clock.advance(time.Hour) // the lease is over, by the clock on the wall
	b.run(t, a.send, nil)
	b.idles(t)
	b.clock.advance(30*time.Second - time.Millisecond)
	b.tell(t, fact("new", event.ReportReplied, "noura", ""))
	b.await(t, "new", "phone", push.Accepted)
	b.idles(t)
	if d := b.deliveries(t, "e")["phone"]; d.State != push.Leased || d.Fence != 1 {
		t.Errorf("taken over at once: %+v", d)
	}
	b.clock.advance(time.Millisecond)
	b.await(t, "e", "phone", push.Accepted)
	b.await(t, "e", "second", push.Accepted)
	for _, d := range dead {
		if err := b.store.SettleDeliveries(t.Context(), []push.Result{{Delivery: d, State: push.Failed}}); err != nil {
			t.Fatal(err)
		}
	}
	if d := b.deliveries(t, "e")["phone"]; d.State != push.Accepted || d.Fence != 2 {
		t.Errorf("after the dead sender's result: %+v", d)
	}
	a.once(t)
}

// slowLease is a store whose first lease is written when most of its time has passed.
type slowLease struct {
	push.Store
	once  *sync.Once
	clock *clocks
}

func (s slowLease) LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int, takeOver bool) ([]push.Delivery, error) {
	ds, err := s.Store.LeaseDeliveries(ctx, channel, now, ttl, limit, takeOver)
	if len(ds) > 0 {
		s.once.Do(func() { s.clock.advance(ttl) })
	}
	return ds, err
}

// A lease counts from the moment at which it was asked for: a store that took all of its time leaves none for an attempt.
func TestSender_Run_slowLease(t *testing.T) {
	t.Parallel()
	b, a := setUp(t), newAttempts()
	b.Store = slowLease{b.Store, &sync.Once{}, b.clock}
	b.tell(t, fact("1", event.ReportReplied, "noura", ""))
	b.run(t, a.send, func(s *push.Sender) { s.Workers = 16 })
	t.Cleanup(sync.OnceFunc(func() { close(a.goOn) }))
	eventually(t, "both devices are tried", func() bool { return a.total() >= 2 })
	b.idles(t)
	a.once(t)
}
