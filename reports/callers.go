package reports

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const (
	latestOf    = 10  // reports of one caller
	nearLooks   = 3   // at ever more reports around a place
	nearAtFirst = 100 // of them
	nearGrows   = 4   // times as many with each look
	nearDesk    = 50  // that are given at most
)

// LatestOf are the newest reports of a citizen within the scope of the asking staff, for whoever talks with them.
func (s *Service) LatestOf(ctx context.Context, a actor.Actor, citizen string) ([]Summary, error) {
	if err := works(a); err != nil {
		return nil, err
	}
	items, err := s.Store.Queue(ctx, QueueQuery{Scope: scope(a), Citizen: citizen, Sort: Newest, Limit: latestOf})
	if err != nil {
		return nil, fmt.Errorf("list the reports of a caller: %w", err)
	}
	return items, nil
}

// ByNumber is the report with a number that a caller names, as people write it; fault.NotFound when it is none, or not within the scope.
func (s *Service) ByNumber(ctx context.Context, a actor.Actor, number string) (*Report, error) {
	if err := works(a); err != nil {
		return nil, err
	}
	n, ok := ParseNumber(number)
	if !ok {
		return nil, fault.At("number", fault.WrongFormat)
	}
	items, err := s.Store.Queue(ctx, QueueQuery{Scope: scope(a), Number: n, Sort: Newest, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("look for a number: %w", err)
	}
	if len(items) == 0 {
		return nil, fault.New(fault.NotFound)
	}
	return s.Get(ctx, a, items[0].ID)
}

// NearSummary is a report around a place as staff see it in a list.
type NearSummary struct {
	Summary
	Distance float64 // metres
}

// NearbyDesk lists open reports around a place within the scope of the asking staff, nearest first: what a new one may be a duplicate of. q
// narrows it as in the queue.
func (s *Service) NearbyDesk(ctx context.Context, a actor.Actor, n NearSearch, q string) ([]NearSummary, error) {
	if a.Kind != actor.Staff {
		return nil, fault.New(fault.Forbidden)
	}
	query := QueueQuery{Scope: scope(a), Sort: Newest}
	var faults fault.Fields
	if n.Limit < 1 || n.Limit > nearDesk {
		faults.Add("limit", fault.OutOfRange)
	}
	some := query.words(&faults, q)
	if err := faults.Err(); err != nil || !some {
		return nil, err
	}
	around := NearSearch{Point: n.Point, Radius: n.Radius, Category: n.Category, Limit: MaxPage}
	if err := around.validate(); err != nil {
		return nil, err
	}
	// The index of places knows no scope: of the nearest those are kept that are within it, and when they are too few, more are looked at.
	for look, most := 1, nearAtFirst; ; look, most = look+1, most*nearGrows {
		near, err := s.Store.Near(ctx, NearQuery{Point: n.Point, Radius: n.Radius, Category: n.Category, Open: true, Limit: most})
		if err != nil {
			return nil, fmt.Errorf("search nearby: %w", err)
		}
		found, err := s.seen(ctx, query, near)
		if err != nil || len(found) >= n.Limit || len(near) < most || look == nearLooks {
			return found[:min(len(found), n.Limit)], err
		}
	}
}

// seen are those of the reports around a place that a query finds.
func (s *Service) seen(ctx context.Context, query QueueQuery, near []NearReport) ([]NearSummary, error) {
	if len(near) == 0 {
		return nil, nil
	}
	distance := make(map[string]float64, len(near))
	for _, r := range near {
		distance[r.ID] = r.Distance
		query.IDs = append(query.IDs, r.ID)
	}
	query.Limit = len(near)
	items, err := s.Store.Queue(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read what is nearby: %w", err)
	}
	found := make([]NearSummary, len(items))
	for i, r := range items {
		found[i] = NearSummary{r, distance[r.ID]}
	}
	slices.SortFunc(found, func(a, b NearSummary) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}
