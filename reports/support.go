package reports

import (
	"context"
	"fmt"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// NearSearch is a search around a point.
type NearSearch struct {
	Point    Point
	Radius   float64 // metres, 1 to MaxRadius
	Category string  // "" for all
	All      bool    // those that are handled already, too
	Limit    int     // 1 to MaxPage
}

// MaxRadius is how far a search around a point goes, in metres.
const MaxRadius = 5000

// Nearby lists what others have reported around a point, nearest first: nothing that tells of a person, no description and
// no photo. Everybody may ask.
func (s *Service) Nearby(ctx context.Context, _ actor.Actor, n NearSearch) ([]NearReport, error) {
	if err := n.validate(); err != nil {
		return nil, err
	}
	near, err := s.Store.Near(ctx, NearQuery{Point: n.Point, Radius: n.Radius, Category: n.Category, Open: !n.All, Limit: n.Limit})
	if err != nil {
		return nil, fmt.Errorf("search nearby: %w", err)
	}
	return near, nil
}

func (n NearSearch) validate() error {
	var faults fault.Fields
	if err := n.Point.Validate(); err != nil {
		return fmt.Errorf("search nearby: %w", err)
	}
	if !(n.Radius >= 1 && n.Radius <= MaxRadius) { // NaN too
		faults.Add("radius_m", fault.OutOfRange)
	}
	if n.Limit < 1 || n.Limit > MaxPage {
		faults.Add("limit", fault.OutOfRange)
	}
	return faults.Err()
}

// Support says "me too" to another's open report, once for each person, and answers how many do.
func (s *Service) Support(ctx context.Context, a actor.Actor, id string) (int, error) {
	r, err := s.supportable(ctx, a, id)
	if err != nil {
		return 0, err
	}
	if r.Citizen == a.ID || !Open(r.Status) {
		return 0, fault.New(fault.Conflict)
	}
	n, err := s.Store.Support(ctx, id, []string{a.ID})
	if err != nil {
		return 0, fmt.Errorf("support a report: %w", err)
	}
	return n, nil
}

// Unsupport takes it back and answers how many support the report now.
func (s *Service) Unsupport(ctx context.Context, a actor.Actor, id string) (int, error) {
	if _, err := s.supportable(ctx, a, id); err != nil {
		return 0, err
	}
	n, err := s.Store.Unsupport(ctx, id, a.ID)
	if err != nil {
		return 0, fmt.Errorf("no longer support a report: %w", err)
	}
	return n, nil
}

// supportable is a report that everybody may know of.
func (s *Service) supportable(ctx context.Context, a actor.Actor, id string) (*Report, error) {
	if a.Kind != actor.Citizen {
		return nil, fault.New(fault.Forbidden)
	}
	r, err := s.Store.Report(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	if !r.Public() && r.Citizen != a.ID {
		return nil, fault.New(fault.NotFound)
	}
	return r, nil
}
