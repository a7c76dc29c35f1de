package surveys

import (
	"context"
	"fmt"
	"slices"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/fault"
)

// DayKey is what the occasions of a day are compared by: the values of the dimensions of a page, centre first.
type DayKey [len(pageDimensions)]string

// DayCount is how the occasions of a day were rated.
type DayCount struct {
	DayKey
	Eligible int64  // occasions
	Counts   Counts // of them rated, by level
	Devices  int64  // of them rated from a device
	devices  uint64 // says whether they are the same ones
}

// Difference between what the page of a day comes to and what its occasions do. A count that is missing on one side is zero there.
type Difference struct {
	Day       string
	Kept, Raw DayCount
}

// Verify counts the occasions of every day and gives each difference from what readers of its page get; with mend it then makes the
// page anew. progress is told after each day how many of all are done. It may run beside those who write.
func (s *Service) Verify(ctx context.Context, mend bool, progress func(done, all int, found []Difference)) error {
	days, err := s.Store.OccasionDays(ctx)
	if err != nil {
		return fmt.Errorf("look for days: %w", err)
	}
	pages, err := s.Store.RatingPages().Pages(ctx, "", "", nil)
	if err != nil {
		return fmt.Errorf("look for pages: %w", err)
	}
	for _, p := range pages {
		days = append(days, p.Day)
	}
	slices.Sort(days)
	days = slices.Compact(days)
	for i, day := range days {
		found, err := s.differences(ctx, day)
		if err != nil {
			return fmt.Errorf("compare the ratings of %s: %w", day, err)
		}
		if mend && len(found) > 0 {
			if err := s.rewrite(ctx, day); err != nil {
				return fmt.Errorf("make the page of %s anew: %w", day, err)
			}
		}
		progress(i+1, len(days), found)
	}
	return nil
}

// compareTries is how often a day is compared whose occasions change meanwhile; what is busier than that is compared as it is.
const compareTries = 10

// differences of a day. The occasions are read before the page and after it: only if nothing changed meanwhile, they compare.
func (s *Service) differences(ctx context.Context, day string) ([]Difference, error) {
	before, err := s.raw(ctx, day)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		pages, err := s.legible(ctx, day)
		if err != nil {
			return nil, err
		}
		found := compareDay(day, countDay(pages...), countDay(before))
		if len(found) == 0 || try == compareTries {
			return found, nil
		}
		after, err := s.raw(ctx, day)
		if err != nil {
			return nil, err
		}
		if len(compareDay(day, countDay(before), countDay(after))) == 0 {
			return found, nil
		}
		before = after
	}
}

// legible is the page of a day as readers get it, if they can read it.
func (s *Service) legible(ctx context.Context, day string) ([]daybook.Day, error) {
	kept, err := s.Store.RatingPages().Pages(ctx, day, day, nil)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		if _, err := pageSchema.Open(k.Packed); err != nil {
			return nil, nil
		}
	}
	return s.read(ctx, day, day)
}

// raw is the page that the occasions of a day make.
func (s *Service) raw(ctx context.Context, day string) (daybook.Day, error) {
	packed, err := s.pack(ctx, day)
	if err != nil {
		return daybook.Day{}, err
	}
	page, err := pageSchema.Open(packed)
	return daybook.Day{Date: day, Page: page}, err
}

func (s *Service) pack(ctx context.Context, day string) ([]byte, error) {
	var all []daybook.Row
	err := s.Store.OccasionsOn(ctx, day, func(o *Occasion) error {
		all = append(all, o.Entry().Row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	empty, err := pageSchema.Open(nil)
	if err != nil {
		return nil, err
	}
	return pageSchema.Patch(empty, all)
}

// rewrite makes the page of a day anew. An occasion that changes after it was read here is marked until it is entered into the page
// that comes after this one, or was entered into one that came before, and then this one is not kept.
func (s *Service) rewrite(ctx context.Context, day string) error {
	store := s.Store.RatingPages()
	for range compareTries {
		kept, err := store.Pages(ctx, day, day, nil)
		if err != nil {
			return err
		}
		rev := int64(1)
		if len(kept) > 0 {
			rev = kept[0].Rev + 1
		}
		packed, err := s.pack(ctx, day)
		if err != nil {
			return err
		}
		if put, err := store.PutPage(ctx, daybook.Kept{Day: day, Rev: rev, Packed: packed}); err != nil || put {
			return err
		}
	}
	return fault.Newf(fault.Unavailable, "others are always faster")
}

// countDay counts the rows of pages by key.
func countDay(pages ...daybook.Day) map[DayKey]DayCount {
	all := map[DayKey]DayCount{}
	for _, page := range pages {
		for row := range page.Len() {
			var key DayKey
			for i := range key {
				key[i] = page.Texts[i][page.Text(row, i)]
			}
			c := all[key]
			c.DayKey = key
			c.Eligible++
			if level := page.Number(row, pageLevel); level >= 1 && level <= Levels {
				c.Counts[level-1]++
			}
			if r := ratingOf(page, row); r.device != 0 {
				c.Devices++
				c.devices += uint64(r.device) * uint64(r.rated)
			}
			all[key] = c
		}
	}
	return all
}

// compareDay gives the differences, by key.
func compareDay(day string, kept, raw map[DayKey]DayCount) []Difference {
	var found []Difference
	for key, r := range raw {
		if k := kept[key]; k != r {
			k.DayKey = key
			found = append(found, Difference{day, k, r})
		}
	}
	for key, k := range kept {
		if _, ok := raw[key]; !ok {
			found = append(found, Difference{day, k, DayCount{DayKey: key}})
		}
	}
	slices.SortFunc(found, func(a, b Difference) int { return slices.Compare(a.Raw.DayKey[:], b.Raw.DayKey[:]) })
	return found
}
