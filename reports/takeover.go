package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// Taken is a report of another system, or of a published account, with everything that happened to it there.
type Taken struct {
	By   actor.Actor // who filed or registered it
	At   time.Time   // when
	New  NewReport
	Past []Step // in order
}

// Step is one move of a report and who made it.
type Step struct {
	By actor.Actor
	At time.Time
	To Status
}

// TakeOver brings a report with its past, for the system itself: as if it had been filed and moved here, each time at that moment and by
// that person, with the same checks, deadlines and facts, but in one write. Only moves of the lifecycle are taken over.
func (s *Service) TakeOver(ctx context.Context, a actor.Actor, t Taken) (*Report, error) {
	if a.Kind != actor.System {
		return nil, fault.New(fault.Forbidden)
	}
	check := s.filing
	if t.By.Kind == actor.Staff && t.New.Channel != App && t.New.Channel != Web {
		check = s.registering
	}
	n, faults, err := check(t.By, t.New)
	if err != nil {
		return nil, err
	}
	r, err := s.draft(t.By, n, faults, t.At.UTC().Truncate(time.Millisecond))
	if err != nil {
		return nil, err
	}
	c := &change{Report: r, s: s, events: []event.Event{s.event(r, event.ReportReceived, r.Timeline[0])}}
	for i, step := range t.Past {
		c.by, c.now = step.By, step.At.UTC().Truncate(time.Millisecond)
		if err := c.pass(step.To); err != nil {
			return nil, fmt.Errorf("step %d: %w", i, err)
		}
	}
	if err := s.create(ctx, r, c.events); err != nil {
		return nil, fmt.Errorf("take over a report: %w", err)
	}
	return r, nil
}

// pass is one step of the past.
func (c *change) pass(to Status) error {
	if c.now.Before(c.UpdatedAt) || to == Duplicate {
		return fault.New(fault.TransitionNotAllowed)
	}
	mine := c.own
	if c.by.Kind != actor.Citizen {
		mine = func() error { return c.scoped(nil) }
	}
	if err := mine(); err != nil {
		return err
	}
	c.UpdatedAt = c.now
	return c.move(to, Entry{})
}
