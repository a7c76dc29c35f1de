package surveys

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// Statuses of a report that matter here, as event.Report.To names them.
const (
	resolved = "resolved"
	closed   = "closed"
	reopened = "reopened"
)

// Terms are the days that an occasion grants, each counted from the moment at which it opens. They are kept with the
// occasion: a later change of the terms takes nothing away from a citizen who was told of the earlier ones.
type Terms struct {
	RatingDays int
	ReopenDays int // 0: the report cannot be reopened
}

// DefaultTerms hold where nothing else was set.
var DefaultTerms = Terms{RatingDays: 14, ReopenDays: 14}

// Service asks for ratings, takes them and makes figures of them. Every field but Zone and Terms must be set.
type Service struct {
	Store Store
	Now   func() time.Time
	NewID func() string                        // UUIDv7
	Zone  *time.Location                       // in which days begin; nil for UTC
	Terms func(context.Context) (Terms, error) // nil for DefaultTerms

	once  sync.Once
	pages *daybook.Book // made by once
}

// On takes a fact: a report that was resolved or closed gives its citizen an occasion, one that was reopened takes it
// back unless it was used. Anonymous reports give none, since nobody could use it; nor do those that staff filed for
// themselves. The same fact may come again.
func (s *Service) On(ctx context.Context, e event.Event) error {
	r := e.Report
	if e.Type != event.ReportMoved || r == nil || r.Citizen == "" || r.SelfFiled {
		return nil
	}
	switch r.To {
	case resolved, closed:
		return s.open(ctx, e.At, r)
	case reopened:
		return s.end(ctx, e.At, r.ID)
	}
	return nil
}

// Several takes facts of one report in their order, with what On would make of them: a closure that was both resolved and
// closed opens its occasion once.
func (s *Service) Several(ctx context.Context, facts []event.Event) error {
	opened := 0
	for _, e := range facts {
		if r := e.Report; e.Type == event.ReportMoved && r != nil && (r.To == resolved || r.To == closed) {
			if opened == max(r.Closure, 1) {
				continue
			}
			opened = max(r.Closure, 1)
		}
		if err := s.On(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) open(ctx context.Context, at time.Time, r *event.Report) error {
	terms, err := s.terms(ctx)
	if err != nil {
		return err
	}
	closure := max(r.Closure, 1)
	o := &Occasion{
		ID:     event.Derive("rating", r.ID, strconv.Itoa(closure)),
		Report: r.ID, Closure: closure, Citizen: r.Citizen, Centre: r.Centre, Department: r.Department, Category: r.Category,
		Channel: r.Channel, Employee: r.Employee, Region: r.Region, Gender: r.Gender, Residency: r.Residency, Company: r.Company,
		Opened: at.UTC(), Day: s.day(at), Until: at.UTC().AddDate(0, 0, terms.RatingDays),
		ReopenUntil: at.UTC().AddDate(0, 0, terms.ReopenDays),
	}
	if err := s.Store.AddOccasion(ctx, o); err != nil {
		return fmt.Errorf("open an occasion to rate: %w", err)
	}
	return nil
}

// end ends the occasions that were opened before the reopening at that moment: a fact that comes late, after the next
// closure, must not end the occasion of that one.
func (s *Service) end(ctx context.Context, at time.Time, report string) error {
	all, err := s.Store.OccasionsOf(ctx, report)
	if err != nil {
		return fmt.Errorf("end an occasion to rate: %w", err)
	}
	for _, o := range all {
		if !o.Ended.IsZero() || o.Opened.After(at) {
			continue
		}
		_, err := s.Store.UpdateOccasion(ctx, o.ID, func(o *Occasion) ([]event.Event, error) {
			if o.Ended.IsZero() {
				o.Ended = at.UTC()
			}
			return nil, nil
		})
		if err != nil {
			return fmt.Errorf("end an occasion to rate: %w", err)
		}
	}
	return nil
}

func (s *Service) terms(ctx context.Context) (Terms, error) {
	if s.Terms == nil {
		return DefaultTerms, nil
	}
	t, err := s.Terms(ctx)
	if err != nil {
		return Terms{}, fmt.Errorf("terms of rating: %w", err)
	}
	return t, nil
}

// now is the moment in the precision that stores keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// day on which a moment is, in the zone of the service.
func (s *Service) day(t time.Time) string {
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format(time.DateOnly)
}

// Rate keeps what the citizen of a report says of its latest closure, once, and tells the fact event.ReportRated in the
// same write. Errors: fault.NotFound for anybody else's report, and for one that was not yet resolved; fault.Invalid;
// fault.Exists when that closure was rated; fault.Conflict when the report was reopened; fault.Gone after the days.
func (s *Service) Rate(ctx context.Context, a actor.Actor, report string, answer Answer) (*Rating, error) {
	all, err := s.occasions(ctx, a, report)
	if err != nil {
		return nil, err
	}
	if answer, err = answer.clean(); err != nil {
		return nil, err
	}
	now := s.now()
	o, err := s.Store.UpdateOccasion(ctx, all[0].ID, func(o *Occasion) ([]event.Event, error) {
		switch o.StateAt(now) {
		case Rated:
			return nil, fault.New(fault.Exists)
		case Ended:
			return nil, fault.New(fault.Conflict)
		case Lapsed:
			return nil, fault.New(fault.Gone)
		}
		o.Given = &Given{Answer: answer, At: now, Day: s.day(now)}
		if a.Device != "" {
			o.Given.Device = event.Derive("device", a.Device)
		}
		return []event.Event{{ID: s.NewID(), Type: event.ReportRated, Subject: "report/" + o.Report, At: now,
			Rating: &event.Rating{Report: o.Report, Closure: o.Closure, Level: answer.Level, Solved: answer.Solved}}}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("rate: %w", err)
	}
	return o.rating(now), nil
}

// MayRate reports whether a can rate the report now: a moment after it was resolved, until it is rated or its days are over.
func (s *Service) MayRate(ctx context.Context, a actor.Actor, report string) (bool, error) {
	all, err := s.occasions(ctx, a, report)
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return all[0].StateAt(s.now()) == Open, nil
}

// RatingOf is the latest rating that the citizen gave of a report. It is fault.NotFound for anybody else, and as long as
// there is none.
func (s *Service) RatingOf(ctx context.Context, a actor.Actor, report string) (*Rating, error) {
	all, err := s.occasions(ctx, a, report)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.Given != nil {
			return o.rating(s.now()), nil
		}
	}
	return nil, fault.New(fault.NotFound)
}

// occasions are those of a report, the latest first and at least one; the report is a's own.
func (s *Service) occasions(ctx context.Context, a actor.Actor, report string) ([]*Occasion, error) {
	if a.Kind != actor.Citizen || a.ID == "" {
		return nil, fault.New(fault.NotFound)
	}
	all, err := s.Store.OccasionsOf(ctx, report)
	if err != nil {
		return nil, fmt.Errorf("occasions to rate: %w", err)
	}
	if len(all) == 0 || all[0].Citizen != a.ID {
		return nil, fault.New(fault.NotFound)
	}
	return all, nil
}
