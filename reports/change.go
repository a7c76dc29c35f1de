package reports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// change is one change of a report while it is being made.
type change struct {
	*Report
	s      *Service
	by     actor.Actor
	now    time.Time
	notes  int // entries that it has written
	events []event.Event
}

// errMade says that the change was made before: the request that asked for it came again.
var errMade = errors.New("the change was made before")

// change lets do work on the report. do checks everything first: whose the report is, and whether its state allows it.
func (s *Service) change(ctx context.Context, a actor.Actor, id string, do func(*change) error) (*Report, error) {
	r, err := s.Store.UpdateReport(ctx, id, func(r *Report) ([]event.Event, error) {
		c := &change{Report: r, s: s, by: a, now: s.now()}
		if _, ok := r.made(a); ok {
			return nil, errMade
		}
		if err := do(c); err != nil {
			return nil, err
		}
		r.UpdatedAt = c.now
		return c.events, nil
	})
	if errors.Is(err, errMade) { // whoever made it saw the report then: the key of a request is theirs alone
		r, err = s.Store.Report(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("change a report: %w", err)
	}
	return r, nil
}

// made finds the first entry that a request of a has written before.
func (r *Report) made(a actor.Actor) (Entry, bool) {
	if a.Request == "" {
		return Entry{}, false
	}
	id := entryID(a.Request, 0)
	i := slices.IndexFunc(r.Timeline, func(e Entry) bool { return e.ID == id })
	if i < 0 {
		return Entry{}, false
	}
	return r.Timeline[i], true
}

func entryID(request string, n int) string { return event.Derive(request, "entry", strconv.Itoa(n)) }

// own refuses who did not file the report.
func (c *change) own() error {
	if !owns(c.by, c.Report) {
		return fault.New(fault.NotFound)
	}
	return nil
}

func owns(a actor.Actor, r *Report) bool {
	return a.Kind == actor.Citizen && a.ID != "" && r.Citizen == a.ID
}

// scoped refuses staff whose report it is not, and an edit of what somebody else has changed since it was read.
func (c *change) scoped(rev *int64) error {
	if !c.by.Sees(c.Centre, c.Department) {
		return fault.New(fault.NotFound)
	}
	return matches(c.Rev, rev)
}

// open refuses a report on which nobody works any more.
func (c *change) open() error {
	if !Open(c.Status) {
		return fault.New(fault.Conflict)
	}
	return nil
}

// note writes an entry on the timeline. A full one takes no more, except for what ends a report.
func (c *change) note(e Entry) (Entry, error) {
	if len(c.Timeline) >= MaxTimeline && Open(c.Status) {
		return e, fault.New(fault.Conflict)
	}
	e.ID, e.At, e.By = c.s.NewID(), c.now, c.Report.by(c.by)
	if c.by.Request != "" {
		e.ID = entryID(c.by.Request, c.notes)
	}
	c.notes++
	c.Timeline = append(c.Timeline, e)
	return e, nil
}

// move takes the report to another status, if the lifecycle lets the actor, and tells of it.
func (c *change) move(to Status, e Entry) error {
	if err := Check(c.Status, to, c.by); err != nil {
		return err
	}
	e.From, e.To = c.Status, to
	if e.Kind == "" {
		e.Kind = EntryMoved
	}
	c.Status = to
	switch to {
	case Resolved:
		c.ResolvedAt, c.ResolvedBy, c.Closure = c.now, c.by.ID, c.Closure+1
		c.answered()
	case Rejected:
		c.answered()
	case Closed:
		c.ClosedAt = c.now
	case Reopened:
		c.ResolvedAt, c.ClosedAt, c.ResolvedBy = time.Time{}, time.Time{}, ""
		cat := c.s.Catalogue()
		if category, ok := cat.Category(c.Category); ok {
			c.Due.Resolution = cat.Calendar.DueAfter(c.now, category.ResolutionDays, c.s.Zone)
		}
	}
	e, err := c.note(e)
	if err != nil {
		return err
	}
	c.tell(event.ReportMoved, e)
	return nil
}

// answered notes when the citizen first heard from staff.
func (c *change) answered() {
	if c.FirstAnswer.IsZero() {
		c.FirstAnswer = c.now
	}
}

func (c *change) tell(t event.Type, e Entry) {
	c.events = append(c.events, c.s.event(c.Report, t, e))
}

// attach adds photos that were attached, each with an entry of its own.
func (c *change) attach(photos []PhotoRef) error {
	staff := c.by.Kind == actor.Staff
	for _, p := range photos {
		if c.photo(p.ID) {
			continue
		}
		if c.photos(staff) >= MaxPhotos {
			return fault.At("photos", fault.TooMany)
		}
		p.Staff = staff
		c.Photos = append(c.Photos, p)
		if _, err := c.note(Entry{Kind: EntryPhoto, Photo: p.ID}); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) photo(id string) bool {
	for _, p := range r.Photos {
		if p.ID == id {
			return true
		}
	}
	return false
}

// photos counts those of staff, or those of the citizen.
func (r *Report) photos(staff bool) (n int) {
	for _, p := range r.Photos {
		if p.Staff == staff {
			n++
		}
	}
	return n
}
