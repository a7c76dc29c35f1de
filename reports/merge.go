package reports

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// Merge makes a report a duplicate of another one within the actor's scope. Its citizen and supporters support the other
// since then. It may be asked for again, also after a crash.
//
// The two are two documents, which no store changes together. So the other one takes the duplicate in first: from then on
// it cannot become a duplicate itself, and neither chains nor cycles come to be, whoever merges what at the same moment.
func (s *Service) Merge(ctx context.Context, a actor.Actor, id, into string) (*Report, error) {
	if !a.Is(actor.Supervisor) {
		return nil, fault.New(fault.Forbidden)
	}
	dup, err := s.Get(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if into == id {
		return nil, fault.At("into", fault.Contradicted)
	}
	if dup.DuplicateOf == nil || dup.DuplicateOf.ID != into {
		if dup, err = s.merge(ctx, a, dup, into); err != nil {
			return nil, err
		}
	}
	supporters, err := s.Store.Supporters(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read who supports a duplicate: %w", err)
	}
	target, err := s.Store.Report(ctx, into)
	if err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	supporters = slices.DeleteFunc(append(supporters, dup.Citizen), func(c string) bool { return c == "" || c == target.Citizen })
	if len(supporters) > 0 {
		if _, err := s.Store.Support(ctx, into, supporters); err != nil {
			return nil, fmt.Errorf("carry over who supports a duplicate: %w", err)
		}
	}
	return dup, nil
}

func (s *Service) merge(ctx context.Context, a actor.Actor, dup *Report, into string) (*Report, error) {
	if err := mergeable(dup, a); err != nil {
		return nil, err
	}
	ref := Ref{ID: dup.ID, Number: dup.Number}
	target, err := s.change(ctx, a, into, func(c *change) error {
		if err := c.scoped(nil); err != nil {
			return fault.At("into", fault.Unknown)
		}
		if c.Status == Duplicate || c.Status == Rejected || c.Status == Withdrawn {
			return fault.At("into", fault.NotAllowed)
		}
		if slices.Contains(c.Merged, ref) {
			return nil
		}
		c.Merged = append(c.Merged, ref)
		_, err := c.note(Entry{Kind: EntryMerged, Other: &ref})
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.At("into", fault.Unknown)
	}
	if err != nil {
		return nil, err
	}
	merged, err := s.change(ctx, a, dup.ID, func(c *change) error {
		if err := c.scoped(nil); err != nil {
			return err
		}
		if err := mergeable(c.Report, a); err != nil {
			return err
		}
		c.DuplicateOf = &Ref{ID: target.ID, Number: target.Number}
		return c.move(Duplicate, Entry{Kind: EntryMerged, Other: c.DuplicateOf})
	})
	if code := fault.CodeOf(err); err != nil && code != fault.Internal && code != fault.Unavailable {
		return nil, errors.Join(err, s.letGo(ctx, a, into, ref))
	}
	return merged, err
}

// mergeable refuses what is at its end, or has taken in duplicates itself.
func mergeable(r *Report, a actor.Actor) error {
	if len(r.Merged) > 0 {
		return fault.New(fault.Conflict)
	}
	return Check(r.Status, Duplicate, a)
}

// letGo takes back that the other one took the duplicate in, when somebody was faster with the duplicate.
func (s *Service) letGo(ctx context.Context, a actor.Actor, into string, ref Ref) error {
	_, err := s.Store.UpdateReport(ctx, into, func(r *Report) ([]event.Event, error) {
		r.Merged = slices.DeleteFunc(r.Merged, func(m Ref) bool { return m == ref })
		r.Timeline = slices.DeleteFunc(r.Timeline, func(e Entry) bool {
			return e.Kind == EntryMerged && e.Other != nil && *e.Other == ref && e.By.ID == a.ID
		})
		return nil, nil
	})
	return err
}
