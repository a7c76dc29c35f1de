package reports

import (
	"context"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/hijri"
)

// Dimension is what volumes are counted by.
type Dimension string

// The dimensions. Days and months are those of receipt, cut in the service's time zone.
const (
	ByCategory   Dimension = "category"
	ByCentre     Dimension = "centre"
	ByDepartment Dimension = "department"
	ByChannel    Dimension = "channel"
	ByStatus     Dimension = "status"
	ByDay        Dimension = "day"
	ByMonth      Dimension = "month"
	ByHijriMonth Dimension = "hijri_month" // of Umm al-Qura

	ByRegion    Dimension = "region"    // of the centre, as the catalogue says now; "" for a centre without one
	ByGender    Dimension = "gender"    // "" where it is not known
	ByResidency Dimension = "residency" // "" where it is not known
	ByCompany   Dimension = "company"   // "yes" for those that were reported for one, "no" for all others
)

// Dimensions lists every dimension.
var Dimensions = []Dimension{ByCategory, ByCentre, ByDepartment, ByChannel, ByStatus, ByDay, ByMonth, ByHijriMonth, ByRegion, ByGender, ByResidency, ByCompany}

// VolumesSearch is a question for counts.
type VolumesSearch struct {
	By []Dimension // up to two
	Selection
}

// Volume is one row of the answer.
type Volume struct {
	Keys  []string // one for each of By; days are 2006-01-02, months 2006-01 and 1448-05, companies "yes" and others "no"
	Count int
}

// Volumes counts reports within the scope of a manager or administrator. Rows come in the order of their keys; total is
// their sum.
func (s *Service) Volumes(ctx context.Context, a actor.Actor, q VolumesSearch) (rows []Volume, total int, err error) {
	if err := manages(a); err != nil {
		return nil, 0, err
	}
	var faults fault.Fields
	if len(q.By) > 2 {
		faults.Add("by", fault.TooMany)
	}
	for i, d := range q.By {
		if !slices.Contains(Dimensions, d) {
			faults.Add("by", fault.Unknown)
		} else if slices.Contains(q.By[:i], d) {
			faults.Add("by", fault.Duplicate)
		}
	}
	s.days(&faults, q.From, q.Through)
	if err := faults.Err(); err != nil {
		return nil, 0, err
	}
	counts := map[[2]string]int{}
	if err := s.scan(ctx, a, q.Selection, func(d *figuresDay) { d.count(q.By, counts) }); err != nil {
		return nil, 0, err
	}
	rows = []Volume{}
	for keys, n := range counts {
		rows = append(rows, Volume{Keys: slices.Clone(keys[:len(q.By)]), Count: n})
		total += n
	}
	slices.SortFunc(rows, func(a, b Volume) int { return slices.Compare(a.Keys, b.Keys) })
	return rows, total, nil
}

// count adds the day's rows to counts by up to two dimensions.
func (d *figuresDay) count(by []Dimension, counts map[[2]string]int) {
	views := [2]view{d.view(""), d.view("")}
	for i, dimension := range by {
		views[i] = d.view(dimension)
	}
	first, second := views[0], views[1]
	cells := make([]int, len(first.keys)*len(second.keys))
	for row := range d.Len() {
		if d.counts(row) {
			cells[first.at(row)*len(second.keys)+second.at(row)]++
		}
	}
	for i, n := range cells {
		if n > 0 {
			counts[[2]string{first.keys[i/len(second.keys)], second.keys[i%len(second.keys)]}] += n
		}
	}
}

// hijriMonth of a day, as 1448-05. Of days that the calendar's table does not have it is an estimate, which may be off by a day or two:
// see hijri.Known.
func hijriMonth(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return ""
	}
	return hijri.FromGregorian(t.Date()).String()[:len("1448-05")]
}

// days are the moments at which the first day begins and at which the last one has ended; zero for open ends.
func (s *Service) days(faults *fault.Fields, first, last string) (from, to time.Time) {
	from, to = s.day(faults, "from", first), s.day(faults, "to", last)
	if !to.IsZero() {
		to = to.AddDate(0, 0, 1)
		if !from.Before(to) {
			faults.Add("to", fault.Contradicted)
		}
	}
	return from, to
}

func (s *Service) day(faults *fault.Fields, path, day string) time.Time {
	if day == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateOnly, day, s.Zone)
	if err != nil || t.Year() <= 1970 {
		faults.Add(path, fault.WrongFormat)
		return time.Time{}
	}
	return t
}
