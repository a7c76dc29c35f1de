package push

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const (
	retryBatch = 256
	// MaxRetries is how many deliveries one call of RetryDeadLetters queues at the most.
	MaxRetries = 10_000
)

// DeadQuery asks for dead letters. Empty filters stand for every value.
type DeadQuery struct {
	Centre  string
	Channel string
	Reason  string
	Cursor  string
	Limit   int // 0: DefaultLimit
}

// DeadFilter is a DeadQuery as a LedgerStore takes it.
type DeadFilter struct {
	Centres         []string
	Channel, Reason string // empty: every one
}

// Retry of a dead delivery.
type Retry struct {
	Delivery Delivery  // as it was read
	Deadline time.Time // the new one
	Chain    time.Time // when to look at its message's chain, if that was given up
}

// DeadLetters lists the deliveries that failed or expired, newest first, for supervisors and administrators within their centres.
// Errors: fault.Forbidden, fault.Invalid.
func (s *Service) DeadLetters(ctx context.Context, a actor.Actor, q DeadQuery) (items []Delivery, next string, err error) {
	f, err := deadFilter(a, q)
	if err != nil {
		return nil, "", err
	}
	var bad fault.Fields
	after, limit := pageOf(&bad, q.Cursor, q.Limit)
	if err := bad.Err(); err != nil {
		return nil, "", err
	}
	items, err = s.Store.DeadDeliveries(ctx, f, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list dead letters: %w", err)
	}
	if len(items) > limit {
		items = items[:limit]
		next = cursorOf(Message{At: items[limit-1].Changed, ID: items[limit-1].ID})
	}
	return items, next, nil
}

func deadFilter(a actor.Actor, q DeadQuery) (DeadFilter, error) {
	if err := staff(a, actor.Supervisor, actor.Admin); err != nil {
		return DeadFilter{}, err
	}
	if q.Channel != "" && !slices.Contains(Channels, q.Channel) {
		return DeadFilter{}, fault.At("channel", fault.Unknown)
	}
	return DeadFilter{Centres: centresOf(a, q.Centre), Channel: q.Channel, Reason: q.Reason}, nil
}

// RetryDeadLetter queues one again, with a new deadline and no attempts. A message that was given up gets its chain back: when this
// does not reach the person either, it is given up again. Errors: fault.Forbidden; fault.NotFound for what is not there or lies in
// another's centre; fault.Conflict when it is not dead, or when the person has the message by now, as far as the channels can tell.
func (s *Service) RetryDeadLetter(ctx context.Context, a actor.Actor, message, id string) error {
	f, err := deadFilter(a, DeadQuery{})
	if err != nil {
		return err
	}
	all, err := s.Store.Deliveries(ctx, message)
	if err != nil {
		return fmt.Errorf("look up a dead letter: %w", err)
	}
	i := slices.IndexFunc(all, func(d Delivery) bool { return d.ID == id })
	switch {
	case i < 0 || f.Centres != nil && !slices.Contains(f.Centres, all[i].Centre):
		return fault.New(fault.NotFound)
	case all[i].State != Failed && all[i].State != Expired:
		return fault.New(fault.Conflict)
	}
	n, err := s.retry(ctx, all[i:i+1])
	if err == nil && n == 0 {
		return fault.New(fault.Conflict)
	}
	return err
}

// RetryDeadLetters does as much for all that the query names, whatever its page, in several writes and at most MaxRetries in one
// call, and says how many: asked again, it goes on. What RetryDeadLetter answers with a conflict stays as it is.
func (s *Service) RetryDeadLetters(ctx context.Context, a actor.Actor, q DeadQuery) (n int, err error) {
	f, err := deadFilter(a, q)
	if err != nil {
		return 0, err
	}
	for after := (Position{}); n < MaxRetries; {
		batch, err := s.Store.DeadDeliveries(ctx, f, after, min(retryBatch, MaxRetries-n))
		if err != nil {
			return n, fmt.Errorf("list dead letters: %w", err)
		}
		if len(batch) == 0 {
			break
		}
		last := batch[len(batch)-1]
		after = Position{At: last.Changed, ID: last.ID}
		queued, err := s.retry(ctx, batch)
		if n += queued; err != nil {
			return n, err
		}
	}
	return n, nil
}

// retry queues those that can be read again.
func (s *Service) retry(ctx context.Context, dead []Delivery) (int, error) {
	w, now := s.Wording(), s.now()
	var retries []Retry
	for _, d := range dead {
		if d.Planned.IsZero() {
			continue // it cannot be read
		}
		p, wait := s.policyOf(w, Message{Kind: d.Kind, Survey: d.Survey}, nil), lookAgain
		if d.Step < len(p.Steps) {
			wait = max(wait, p.Steps[d.Step].Wait)
		}
		retries = append(retries, Retry{Delivery: d, Deadline: d.Survey.deadline(now.Add(p.TTL)), Chain: now.Add(wait)})
	}
	if len(retries) == 0 {
		return 0, nil
	}
	n, err := s.Store.RetryDeliveries(ctx, retries, now)
	if err != nil {
		return 0, fmt.Errorf("queue dead letters again: %w", err)
	}
	if n > 0 {
		s.wakeFor(Plan{Deliveries: dead})
	}
	return n, nil
}
