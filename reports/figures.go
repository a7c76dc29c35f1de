package reports

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/fault"
)

// SettleFigures brings what was written since into the pages from which figures are counted. Figures need none of it to be right: it makes
// them fast. Any number of processes may do it at once; progress, which may be nil, is told how many reports are done.
func (s *Service) SettleFigures(ctx context.Context, progress func(reports int)) error {
	if err := s.figures.Settle(ctx, progress); err != nil {
		return fmt.Errorf("enter reports into the figures: %w", err)
	}
	return nil
}

// Selection says of which reports figures are made. Empty fields do not narrow it.
type Selection struct {
	From, Through string // first and last day of receipt, as 2006-01-02
	Centre        string
	Region        string // of the centre, as the catalogue says now
	Department    string
	Category      string
	Channel       Channel
}

// manages refuses who may not see figures.
func manages(a actor.Actor) error {
	if !a.Is(actor.Manager, actor.Admin) {
		return fault.New(fault.Forbidden)
	}
	return nil
}

// scan visits each day that has reports of the selection within the actor's scope, with a function that says of which rows they are.
func (s *Service) scan(ctx context.Context, a actor.Actor, q Selection, visit func(d *figuresDay)) error {
	days, err := s.figures.Read(ctx, q.From, q.Through)
	if err != nil {
		return fmt.Errorf("read the figures of reports: %w", err)
	}
	seen, catalogue := scope(a), s.Catalogue()
	for _, day := range days {
		d := &figuresDay{Day: day, catalogue: catalogue}
		some := d.only(rowCentre, func(centre string) bool {
			return (seen.Centres == nil || slices.Contains(seen.Centres, centre)) && (q.Centre == "" || q.Centre == centre) &&
				(q.Region == "" || q.Region == catalogue.region(centre))
		}) && d.only(rowDepartment, func(department string) bool {
			return (seen.Departments == nil || slices.Contains(seen.Departments, department)) && (q.Department == "" || q.Department == department)
		}) && d.only(rowCategory, func(category string) bool { return q.Category == "" || q.Category == category }) &&
			d.only(rowChannel, func(channel string) bool { return q.Channel == "" || string(q.Channel) == channel })
		if some {
			visit(d)
		}
	}
	return nil
}

// region of a centre; "" for one without, and for one that is gone.
func (c *Catalogue) region(centre string) string {
	v, _ := c.Centre(centre)
	return v.Region
}

// figuresDay is a day while it is counted.
type figuresDay struct {
	daybook.Day
	catalogue *Catalogue
	filters   []filter
}

// zero is the moment from which those of the rows are counted.
func (d *figuresDay) zero() time.Time {
	day, _ := time.Parse(time.DateOnly, d.Date) // as it was entered
	return rowZero(day)
}

// filter says of each text of a column whether its rows count.
type filter struct {
	column int
	counts []bool
}

// only lets rows count whose text in a column is one of those; false when none is.
func (d *figuresDay) only(column int, counts func(string) bool) bool {
	f := filter{column, make([]bool, len(d.Texts[column]))}
	for i, text := range d.Texts[column] {
		f.counts[i] = counts(text)
	}
	if slices.Contains(f.counts, false) {
		d.filters = append(d.filters, f)
	}
	return slices.Contains(f.counts, true)
}

// counts says whether a row is one of the selection.
func (d *figuresDay) counts(row int) bool {
	for i := range d.filters {
		if f := &d.filters[i]; !f.counts[d.Text(row, f.column)] {
			return false
		}
	}
	return true
}

// view is a dimension of a day: its keys, and at which of them a row is.
type view struct {
	keys []string
	at   func(row int) int
}

// view by a dimension, "" for none.
func (d *figuresDay) view(by Dimension) view {
	whole := func(key string) view { return view{[]string{key}, func(int) int { return 0 }} }
	switch by {
	case "":
		return whole("")
	case ByDay:
		return whole(d.Date)
	case ByMonth:
		return whole(d.Date[:len("2006-01")])
	case ByHijriMonth:
		return whole(hijriMonth(d.Date))
	case ByCompany:
		return view{[]string{"no", "yes"}, func(row int) int { return int(d.Number(row, rowFlags) & flagCompany) }}
	}
	column := textColumns[by]
	keys := d.Texts[column]
	if by == ByRegion {
		keys = slices.Clone(keys)
		for i, centre := range keys {
			keys[i] = d.catalogue.region(centre)
		}
	}
	return view{keys, func(row int) int { return d.Text(row, column) }}
}

// textColumns are those of the dimensions that are texts.
var textColumns = map[Dimension]int{ByCategory: rowCategory, ByCentre: rowCentre, ByRegion: rowCentre, ByDepartment: rowDepartment, ByChannel: rowChannel,
	ByStatus: rowStatus, ByGender: rowGender, ByResidency: rowResidency}
