package surveys

import (
	"context"
	"fmt"
)

// Recount counts every marked day anew. Any number of processes may do it at once.
func (s *Service) Recount(ctx context.Context) error {
	s.counting.Lock()
	defer s.counting.Unlock()
	days, err := s.Store.MarkedDays(ctx)
	if err != nil {
		return fmt.Errorf("look for days to count: %w", err)
	}
	for _, day := range days {
		if err := s.Store.RecountDay(ctx, day); err != nil {
			return fmt.Errorf("count the ratings of %s: %w", day, err)
		}
	}
	return nil
}

// Difference between what is kept of a day and what its occasions come to. A count that is missing on one side is zero there.
type Difference struct {
	Day       string
	Kept, Raw DayCount
}

// Verify counts every day anew from the occasions and gives each difference from what is kept, other than on marked days, which
// are about to be counted; with mend it then replaces what is kept. progress is told after each day how many of all are done.
func (s *Service) Verify(ctx context.Context, mend bool, progress func(done, all int, found []Difference)) error {
	days, err := s.Store.CountedDays(ctx)
	if err != nil {
		return fmt.Errorf("look for days: %w", err)
	}
	for i, day := range days {
		state, err := s.Store.DayState(ctx, day)
		if err != nil {
			return fmt.Errorf("read the ratings of %s: %w", day, err)
		}
		var found []Difference
		if !state.Marked {
			found = Differences(day, state)
		}
		if mend && (state.Marked || len(found) > 0) {
			if err := s.Store.RecountDay(ctx, day); err != nil {
				return fmt.Errorf("count the ratings of %s: %w", day, err)
			}
		}
		progress(i+1, len(days), found)
	}
	return nil
}

// Differences of a day, those of keys that only what is kept has last.
func Differences(day string, state *DayState) []Difference {
	kept := map[DayKey]DayCount{}
	for _, c := range state.Kept {
		kept[c.DayKey] = c
	}
	var found []Difference
	for _, raw := range state.Raw {
		was, ok := kept[raw.DayKey]
		delete(kept, raw.DayKey)
		if !ok || was != raw {
			found = append(found, Difference{day, DayCount{raw.DayKey, was.Eligible, was.Counts, was.Flagged}, raw})
		}
	}
	for _, was := range state.Kept {
		if _, left := kept[was.DayKey]; left {
			found = append(found, Difference{day, was, DayCount{DayKey: was.DayKey}})
		}
	}
	return found
}
