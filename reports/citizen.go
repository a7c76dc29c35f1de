package reports

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Mine lists the reports of the asking citizen, newest first.
func (s *Service) Mine(ctx context.Context, a actor.Actor, statuses []Status, p Page) (items []Summary, next string, err error) {
	if a.Kind != actor.Citizen {
		return nil, "", fault.New(fault.Forbidden)
	}
	var faults fault.Fields
	validStatuses(&faults, statuses)
	after := p.validate(&faults, byReceived)
	if err := faults.Err(); err != nil {
		return nil, "", err
	}
	items, err = s.Store.Mine(ctx, MineQuery{Citizen: a.ID, Statuses: statuses, After: after, Limit: p.Limit + 1})
	if err != nil {
		return nil, "", fmt.Errorf("list a citizen's reports: %w", err)
	}
	items, next = cut(items, p.Limit, byReceived)
	return items, next, nil
}

// Get is a report: of citizens their own, without what is not for them; of staff one within their scope.
func (s *Service) Get(ctx context.Context, a actor.Actor, id string) (*Report, error) {
	r, err := s.Store.Report(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	switch {
	case owns(a, r):
		return r.ForCitizen(), nil
	case a.Sees(r.Centre, r.Department):
		return r, nil
	}
	return nil, fault.New(fault.NotFound)
}

// Comment adds what the citizen has to say. It answers a question of staff: what waited goes on.
func (s *Service) Comment(ctx context.Context, a actor.Actor, id, text string) (*Report, Entry, error) {
	text, err := oneText("text", text, MaxComment)
	if err != nil {
		return nil, Entry{}, err
	}
	var entry Entry
	r, err := s.ownChange(ctx, a, id, func(c *change) error {
		if err := c.open(); err != nil {
			return err
		}
		if entry, err = c.note(Entry{Kind: EntryComment, Text: text}); err != nil {
			return err
		}
		return c.goOn()
	})
	if err == nil && entry.ID == "" {
		entry, _ = r.made(a)
	}
	return r, entry, err
}

// goOn takes a report that waited for the citizen back to work.
func (c *change) goOn() error {
	if c.Status != WaitingForCitizen {
		return nil
	}
	return c.move(InProgress, Entry{})
}

// AddPhoto attaches a photo that the citizen has uploaded.
func (s *Service) AddPhoto(ctx context.Context, a actor.Actor, id, photo string) (*Report, PhotoRef, error) {
	check := func(c *change) error {
		if err := c.own(); err != nil {
			return err
		}
		if c.photo(photo) {
			return nil
		}
		if err := c.open(); err != nil {
			return err
		}
		if c.photos(false) >= MaxPhotos {
			return fault.At("photos", fault.TooMany)
		}
		return nil
	}
	now, err := s.Store.Report(ctx, id)
	if err != nil {
		return nil, PhotoRef{}, fmt.Errorf("read a report: %w", err)
	}
	if err := check(&change{Report: now, s: s, by: a}); err != nil { // before the photo is bound to it
		return nil, PhotoRef{}, err
	}
	refs, err := s.Photos.Attach(ctx, a, []string{photo}, id)
	if err != nil {
		return nil, PhotoRef{}, fmt.Errorf("attach a photo: %w", err)
	}
	r, err := s.ownChange(ctx, a, id, func(c *change) error {
		if err := check(c); err != nil {
			return err
		}
		if err := c.attach(refs); err != nil {
			return err
		}
		return c.goOn()
	})
	if err != nil {
		return nil, PhotoRef{}, err
	}
	return r, refs[0], nil
}

// Withdraw takes the citizen's report back.
func (s *Service) Withdraw(ctx context.Context, a actor.Actor, id, reason string) (*Report, error) {
	reason, err := optionalText("reason", reason, MaxReason)
	if err != nil {
		return nil, err
	}
	return s.ownChange(ctx, a, id, func(c *change) error { return c.move(Withdrawn, Entry{Text: reason}) })
}

// Reopen says that it is not solved, within the days that the calendar allows; later it is fault.Gone.
func (s *Service) Reopen(ctx context.Context, a actor.Actor, id, reason string) (*Report, error) {
	reason, err := optionalText("reason", reason, MaxReason)
	if err != nil {
		return nil, err
	}
	return s.ownChange(ctx, a, id, func(c *change) error {
		if Done(c.Status) && !c.now.Before(s.reopenUntil(c.Report)) {
			return fault.New(fault.Gone)
		}
		return c.move(Reopened, Entry{Text: reason})
	})
}

func (s *Service) ownChange(ctx context.Context, a actor.Actor, id string, do func(*change) error) (*Report, error) {
	r, err := s.change(ctx, a, id, func(c *change) error {
		if err := c.own(); err != nil {
			return err
		}
		return do(c)
	})
	if err != nil {
		return nil, err
	}
	return r.ForCitizen(), nil
}

func (s *Service) reopenUntil(r *Report) time.Time {
	return r.ResolvedAt.AddDate(0, 0, s.Catalogue().Calendar.ReopenDays)
}

// Can says what somebody may do with a report.
type Can struct {
	Comment, AddPhoto, Withdraw, Reopen, Support bool

	Rate        bool      // as far as reports knows: a closure is rated once
	ReopenUntil time.Time // zero unless it was handled
	RateUntil   time.Time // likewise
}

// Can says what a may do with r now.
func (s *Service) Can(a actor.Actor, r *Report) Can {
	var can Can
	now, own := s.now(), owns(a, r)
	can.Support = a.Kind == actor.Citizen && !own && Open(r.Status) && r.Place != nil
	if Done(r.Status) {
		can.ReopenUntil = s.reopenUntil(r)
		can.RateUntil = r.ResolvedAt.AddDate(0, 0, s.Catalogue().Calendar.RatingDays)
	}
	if !own {
		return can
	}
	can.Comment = Open(r.Status)
	can.AddPhoto = Open(r.Status) && r.photos(false) < MaxPhotos
	can.Withdraw = Allowed(r.Status, Withdrawn, a)
	can.Reopen = Allowed(r.Status, Reopened, a) && now.Before(can.ReopenUntil)
	can.Rate = now.Before(can.RateUntil)
	return can
}

func validStatuses(faults *fault.Fields, statuses []Status) {
	for _, st := range statuses {
		if !slices.Contains(Statuses, st) {
			faults.Add("status", fault.Unknown)
			return
		}
	}
}

// oneText is a text that alone makes a request.
func oneText(path, text string, most int) (string, error) {
	var faults fault.Fields
	clean := validText(&faults, path, text, most)
	return clean, faults.Err()
}

func optionalText(path, text string, most int) (string, error) {
	clean, ok := cleanText(text, true)
	switch {
	case !ok:
		return "", fault.At(path, fault.WrongFormat)
	case utf8.RuneCountInString(clean) > most:
		return "", fault.At(path, fault.TooLong)
	}
	return clean, nil
}
