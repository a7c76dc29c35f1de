package surveys

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/balagh/balagh/daybook"
)

// Each occasion is a row in the page of the day on which it opened. Its texts are these dimensions.
var pageDimensions = [...]Dimension{ByCentre, ByRegion, ByDepartment, ByCategory, ByChannel, ByEmployee, ByGender, ByResidency, ByCompany}

const (
	pageLevel  = iota // 0 for one that was not rated
	pageDevice        // that rated it, as a hash; 0 for none
	pageRated         // the day of the rating, as a number; 0 for none
	pageNumbers
)

var pageSchema = daybook.Schema{Version: 1, Texts: len(pageDimensions), Numbers: pageNumbers}

// Value of a dimension; empty when it is not known.
func (o *Occasion) Value(d Dimension) string {
	s := Snapshot{Centre: o.Centre, Region: o.Region, Department: o.Department, Category: o.Category, Channel: o.Channel, Employee: o.Employee,
		Gender: o.Gender, Residency: o.Residency, Company: o.Company}
	return s.Value(d)
}

// Entry is what the page of its day says of an occasion.
func (o *Occasion) Entry() daybook.Marked {
	row := daybook.Row{ID: o.ID, Rev: o.Rev, Texts: make([]string, len(pageDimensions)), Numbers: make([]uint32, pageNumbers)}
	for i, d := range pageDimensions {
		row.Texts[i] = o.Value(d)
	}
	if g := o.Given; g != nil {
		row.Numbers[pageLevel] = uint32(g.Level)
		if g.Device != "" {
			h := fnv.New32a()
			h.Write([]byte(g.Device))
			row.Numbers[pageDevice], row.Numbers[pageRated] = max(h.Sum32(), 1), dayNumber(g.Day)
		}
	}
	return daybook.Marked{Row: row, Day: o.Day}
}

// dayNumber counts days; 0 for what is no day.
func dayNumber(day string) uint32 {
	t, err := parseDay(day)
	if err != nil {
		return 0
	}
	return uint32(max(t.Unix()/(24*60*60), 0))
}

// book of the ratings.
func (s *Service) book() *daybook.Book {
	s.once.Do(func() { s.pages = &daybook.Book{Schema: pageSchema, Store: s.Store.RatingPages()} })
	return s.pages
}

// Settle enters what was rated into the pages of its days, so that those who read have less to do. Any number of processes may do it
// at once. progress, which may be nil, is told how many occasions were entered so far.
func (s *Service) Settle(ctx context.Context, progress func(entered int)) error {
	if err := s.book().Settle(ctx, progress); err != nil {
		return fmt.Errorf("enter ratings: %w", err)
	}
	return nil
}

// read gives the pages of days, both within, with all that was acknowledged.
func (s *Service) read(ctx context.Context, from, to string) ([]daybook.Day, error) {
	pages, err := s.book().Read(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	return pages, nil
}
