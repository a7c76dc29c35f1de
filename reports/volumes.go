package reports

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Dimension is what volumes are counted by.
type Dimension string

// The dimensions. Days and months are those of receipt, cut in the service's time zone.
const (
	ByCategory Dimension = "category"
	ByCentre   Dimension = "centre"
	ByChannel  Dimension = "channel"
	ByStatus   Dimension = "status"
	ByDay      Dimension = "day"
	ByMonth    Dimension = "month"

	ByRegion    Dimension = "region"    // of the centre, as the catalogue says now; "" for a centre without one
	ByGender    Dimension = "gender"    // "" where it is not known
	ByResidency Dimension = "residency" // "" where it is not known
	ByCompany   Dimension = "company"   // "yes" for those that were reported for one, "no" for all others
)

// Dimensions lists every dimension.
var Dimensions = []Dimension{ByCategory, ByCentre, ByChannel, ByStatus, ByDay, ByMonth, ByRegion, ByGender, ByResidency, ByCompany}

// VolumesSearch is a question for counts. Empty fields do not narrow it.
type VolumesSearch struct {
	By            []Dimension // up to two
	From, Through string      // first and last day, as 2006-01-02
	Centre        string
	Category      string
}

// Volumes counts reports within the scope of a manager or administrator. Rows come in the order of their keys; total is
// their sum.
func (s *Service) Volumes(ctx context.Context, a actor.Actor, q VolumesSearch) (rows []Volume, total int, err error) {
	if !a.Is(actor.Manager, actor.Admin) {
		return nil, 0, fault.New(fault.Forbidden)
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
	query := VolumesQuery{Scope: scope(a), By: slices.Clone(q.By), From: q.From, Through: q.Through, Centre: q.Centre, Category: q.Category}
	region := slices.Index(q.By, ByRegion)
	if region >= 0 {
		query.By[region] = ByCentre
	}
	if rows, err = s.Store.Volumes(ctx, query); err != nil {
		return nil, 0, fmt.Errorf("count reports: %w", err)
	}
	if region >= 0 {
		rows = s.Catalogue().regions(rows, region)
	}
	for _, r := range rows {
		total += r.Count
	}
	return rows, total, nil
}

// regions puts the region of each centre in its place, and adds up what then has the same keys.
func (c *Catalogue) regions(rows []Volume, at int) []Volume {
	for _, r := range rows {
		centre, _ := c.Centre(r.Keys[at])
		r.Keys[at] = centre.Region
	}
	slices.SortFunc(rows, func(a, b Volume) int { return slices.Compare(a.Keys, b.Keys) })
	sums := rows[:0]
	for _, r := range rows {
		if last := len(sums) - 1; last >= 0 && slices.Equal(sums[last].Keys, r.Keys) {
			sums[last].Count += r.Count
		} else {
			sums = append(sums, r)
		}
	}
	return sums
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
