package event

import (
	"context"
	"time"
)

// Leased is a fact that one relay works on until its lease ends.
type Leased struct {
	Event
	Seq      int64  // place in the outbox
	Fence    int64  // counts the leases of this fact: a relay that lost its lease is refused
	Attempts int    // how often handing it on failed before
	Place    string // where the store has it; nobody else's affair
}

// Lag says how far the relay is behind.
type Lag struct {
	Pending int           // facts that wait or are leased
	Oldest  time.Duration // age of the oldest of them that may go now
	Parked  int           // facts set aside after too many failures
}

// LongestWait is longer than any lease, and than any fact waits for a later try. What would wait for longer was written by a clock
// that has been set back since, and is due.
const LongestWait = 15 * time.Minute

// Outbox is what the relay needs of a store.
type Outbox interface {
	// Lease takes up to limit facts that are due at now, until now+ttl. A fact is due when it and every earlier fact of its
	// subject are neither leased by another nor waiting for a later try, for no longer than LongestWait; they come in the order in which they were written.
	Lease(ctx context.Context, now time.Time, ttl time.Duration, limit int) ([]Leased, error)
	// Done removes facts that every consumer has taken. One whose lease was lost is left alone.
	Done(ctx context.Context, done []Leased) error
	// Retry gives up the leases of a fact that failed and of those behind it of the same subject, and lets them wait until
	// at. With park the failed one is set aside instead, and those behind it go on at once.
	Retry(ctx context.Context, failed Leased, behind []Leased, at time.Time, park bool) error
	// Lag counts what waits.
	Lag(ctx context.Context, now time.Time) (Lag, error)
	// Wake is signalled after a commit that wrote facts; a signal may be lost, so the relay looks by itself as well.
	Wake() <-chan struct{}
}
