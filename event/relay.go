package event

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Consumer takes facts. On must be idempotent; an error means that the fact, and those behind it of the same subject, are handed on
// again later, to every consumer.
type Consumer struct {
	Name string
	On   func(context.Context, Event) error

	// Several takes facts of one subject that wait together, in their order; nil when On for each is as good. After an error each is
	// handed to On, which tells the one that cannot be taken.
	Several func(context.Context, []Event) error
}

// take hands over facts of one subject and says how many were taken, which are all of them unless there is an error.
func (c Consumer) take(ctx context.Context, facts []Event) (taken int, err error) {
	if c.Several != nil && len(facts) > 1 && c.guard(func() error { return c.Several(ctx, facts) }) == nil {
		return len(facts), nil
	}
	for i, e := range facts {
		if err := c.guard(func() error { return c.On(ctx, e) }); err != nil {
			return i, err
		}
	}
	return len(facts), nil
}

// guard makes an error of a panic, and tells whose it is.
func (c Consumer) guard(take func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", c.Name, err)
		}
	}()
	return take()
}

// Relay hands the facts of an outbox to consumers: facts of one subject in order, of different subjects beside each other.
type Relay struct {
	Outbox    Outbox
	Consumers []Consumer
	Log       *slog.Logger
	Now       func() time.Time
	OnHanded  func(Event, time.Duration) // told of each fact that all have taken, with its age; may be nil
}

const (
	relayBatch   = 256
	relayWorkers = 32
	drainBatch   = 1024 // while nobody waits for an answer, as many as possible share a commit
	drainWorkers = 256
	relayLease   = 30 * time.Second
	relayPoll    = time.Second
	relayTries   = 30 // about three hours; then the fact is parked, so that its subject goes on
	relayMaxWait = 10 * time.Minute
)

// Run works until ctx ends, and finishes what it has begun.
func (r *Relay) Run(ctx context.Context) {
	poll := time.NewTicker(relayPoll)
	defer poll.Stop()
	for ctx.Err() == nil {
		began := time.Now()
		n, err := r.once(context.WithoutCancel(ctx), relayBatch, relayWorkers)
		if err != nil {
			r.Log.Error("relay", "error", err)
		}
		switch {
		case err == nil && n == relayBatch: // a flood: those who wait for an answer go before those who wait for news
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Since(began)):
			}
		case err == nil && n > 0:
		default:
			select {
			case <-ctx.Done():
			case <-r.Outbox.Wake():
			case <-poll.C:
			}
		}
	}
}

// Drain hands on what waits, without a pause, until nothing is left that may go: for a load of history, while nobody waits for
// an answer. A fact that could not be handed on is left waiting for its next try.
func (r *Relay) Drain(ctx context.Context) error {
	for {
		if n, err := r.once(ctx, drainBatch, drainWorkers); err != nil || n == 0 {
			return err
		}
	}
}

// once hands on one batch and says how many facts it held.
func (r *Relay) once(ctx context.Context, batch, workers int) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, relayLease*3/4)
	defer cancel()
	leased, err := r.Outbox.Lease(ctx, r.Now(), relayLease, batch)
	if err != nil || len(leased) == 0 {
		return 0, err
	}
	subjects := bySubject(leased)
	done := make([][]Leased, len(subjects))
	errs := make([]error, len(subjects))
	var wg sync.WaitGroup
	slots := make(chan struct{}, workers)
	for i, facts := range subjects {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			done[i], errs[i] = r.subject(ctx, facts)
		})
	}
	wg.Wait()
	var all []Leased
	for i := range subjects {
		all = append(all, done[i]...)
		if errs[i] != nil {
			err = errs[i]
		}
	}
	if len(all) > 0 {
		if e := r.Outbox.Done(ctx, all); e != nil {
			return 0, fmt.Errorf("mark events as handed on: %w", e)
		}
	}
	if r.OnHanded != nil {
		for _, l := range all {
			r.OnHanded(l.Event, r.Now().Sub(l.At))
		}
	}
	return len(leased), err
}

func bySubject(leased []Leased) [][]Leased {
	at := make(map[string]int, len(leased))
	var groups [][]Leased
	for _, l := range leased {
		i, ok := at[l.Subject]
		if !ok {
			i = len(groups)
			at[l.Subject] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], l)
	}
	return groups
}

// subject hands on the facts of one subject until one fails; that one and those behind it wait.
func (r *Relay) subject(ctx context.Context, facts []Leased) (done []Leased, err error) {
	events := make([]Event, len(facts))
	for i, l := range facts {
		events[i] = l.Event
	}
	for _, c := range r.Consumers {
		n, e := c.take(ctx, events)
		if e != nil {
			events, err = events[:n], e
		}
	}
	if err == nil {
		return facts, nil
	}
	done, l, behind := facts[:len(events)], facts[len(events)], facts[len(events)+1:]
	park := l.Attempts+1 >= relayTries
	r.Log.Error("event not taken", "event", l.ID, "type", l.Type, "attempts", l.Attempts+1, "parked", park, "error", err)
	return done, r.Outbox.Retry(ctx, l, behind, r.Now().Add(wait(l.Attempts)), park)
}

// wait grows from a second to ten minutes, with full jitter over its upper half.
func wait(attempts int) time.Duration {
	d := min(time.Second<<min(attempts, 20), relayMaxWait)
	return d/2 + rand.N(d/2)
}
