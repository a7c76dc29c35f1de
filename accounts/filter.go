package accounts

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// maxFilters is how many one member of staff may keep.
const maxFilters = 30

// Filter is a question to the queue that a member of staff keeps under a name.
type Filter struct {
	Name  string          `json:"name"`
	Query json.RawMessage `json:"query"` // an object; what may be in it is for whoever has the queue
}

// Filters are the caller's own, by name.
func (s *Service) Filters(ctx context.Context, a actor.Actor) ([]Filter, error) {
	x, err := s.StaffMe(ctx, a)
	if err != nil {
		return nil, err
	}
	return x.Filters, nil
}

// Filter is one of them; fault.NotFound.
func (s *Service) Filter(ctx context.Context, a actor.Actor, name string) (Filter, error) {
	all, err := s.Filters(ctx, a)
	if err != nil {
		return Filter{}, err
	}
	if i, there := place(all, name); there {
		return all[i], nil
	}
	return Filter{}, fault.New(fault.NotFound)
}

// PutFilter keeps one, in the place of that which had its name.
func (s *Service) PutFilter(ctx context.Context, a actor.Actor, f Filter) error {
	return s.changeFilters(ctx, a, func(x *Staff) error {
		i, there := place(x.Filters, f.Name)
		switch {
		case there:
			x.Filters[i] = f
		case len(x.Filters) >= maxFilters:
			return fault.At("name", fault.TooMany)
		default:
			x.Filters = slices.Insert(x.Filters, i, f)
		}
		return nil
	})
}

// DeleteFilter forgets one; fault.NotFound.
func (s *Service) DeleteFilter(ctx context.Context, a actor.Actor, name string) error {
	return s.changeFilters(ctx, a, func(x *Staff) error {
		i, there := place(x.Filters, name)
		if !there {
			return fault.New(fault.NotFound)
		}
		x.Filters = slices.Delete(x.Filters, i, i+1)
		return nil
	})
}

func (s *Service) changeFilters(ctx context.Context, a actor.Actor, change func(*Staff) error) error {
	if err := employee(a); err != nil {
		return err
	}
	_, err := s.store.UpdateStaff(ctx, a.ID, change)
	return err
}

func place(all []Filter, name string) (int, bool) {
	return slices.BinarySearchFunc(all, name, func(f Filter, name string) int { return cmp.Compare(f.Name, name) })
}
