package reports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/fold"
)

const (
	maxQuery   = 200 // characters
	closeBatch = 100
)

// QueueSearch is what staff look for. Empty fields do not narrow it.
type QueueSearch struct {
	Q          string // words in any spelling, or a report number
	Statuses   []Status
	Centre     string
	Department string
	Category   string
	Channel    Channel
	Assignee   string // staff id
	Overdue    bool
	From       string // first day of receipt, as 2006-01-02
	Through    string // last day
	Sort       Sort   // "" for Newest
	Page
}

// Queue lists the reports within the scope of the asking staff.
func (s *Service) Queue(ctx context.Context, a actor.Actor, q QueueSearch) (items []Summary, next string, err error) {
	if a.Kind != actor.Staff {
		return nil, "", fault.New(fault.Forbidden)
	}
	query := QueueQuery{Scope: scope(a), Statuses: q.Statuses, Centre: q.Centre, Department: q.Department, Category: q.Category,
		Channel: q.Channel, Assignee: q.Assignee, Sort: q.Sort, Limit: q.Limit + 1}
	var faults fault.Fields
	query.From, query.To = s.days(&faults, q.From, q.Through)
	validStatuses(&faults, q.Statuses)
	order := byReceived
	switch q.Sort {
	case "":
		query.Sort = Newest
	case Newest, Oldest:
	case ByDue:
		order = byDeadline
	default:
		faults.Add("sort", fault.Unknown)
	}
	if !query.words(&faults, q.Q) {
		return nil, "", nil
	}
	if q.Overdue {
		query.OverdueAt = s.now()
	}
	query.After = q.validate(&faults, order)
	if err := faults.Err(); err != nil {
		return nil, "", err
	}
	items, err = s.Store.Queue(ctx, query)
	if err != nil {
		return nil, "", fmt.Errorf("list the queue: %w", err)
	}
	items, next = cut(items, q.Limit, order)
	return items, next, nil
}

// words reads what was typed: a number, or words. It is false for nothing but signs, which no text holds.
func (query *QueueQuery) words(faults *fault.Fields, q string) bool {
	clean, ok := cleanText(q, false)
	if !ok {
		faults.Add("q", fault.WrongFormat)
	} else if utf8.RuneCountInString(clean) > maxQuery {
		faults.Add("q", fault.TooLong)
	} else if n, ok := ParseNumber(clean); ok {
		query.Number = n
	} else if query.Terms = fold.Terms(clean); clean != "" && len(query.Terms) == 0 {
		return false
	}
	return true
}

// scope of staff as a store understands it.
func scope(a actor.Actor) Scope {
	narrow := func(codes []string) []string {
		if slices.Contains(codes, actor.All) {
			return nil
		}
		return append([]string{}, codes...)
	}
	return Scope{Centres: narrow(a.Centres), Departments: narrow(a.Departments)}
}

// works refuses who may not change reports.
func works(a actor.Actor) error {
	if !a.Is(actor.Clerk, actor.Officer, actor.Supervisor) {
		return fault.New(fault.Forbidden)
	}
	return nil
}

// Transitions lists the statuses to which a may move r with Move.
func (s *Service) Transitions(a actor.Actor, r *Report) []Status {
	if works(a) != nil || !a.Sees(r.Centre, r.Department) {
		return nil
	}
	return slices.DeleteFunc(Next(r.Status, a), func(st Status) bool { return st == Duplicate })
}

// Move is a transition by staff.
type Move struct {
	To     Status
	Text   string   // for the citizen
	Note   string   // for staff
	Photos []string // ids of what proves the work
	Rev    *int64   // that the caller saw; nil for any
}

// Move takes a report to another status. Duplicate is reached by Merge only.
func (s *Service) Move(ctx context.Context, a actor.Actor, id string, m Move) (*Report, error) {
	if err := works(a); err != nil {
		return nil, err
	}
	var faults fault.Fields
	if !slices.Contains(Statuses, m.To) {
		faults.Add("to", missing(string(m.To)))
	}
	var err [2]error
	m.Text, err[0] = optionalText("text", m.Text, MaxComment)
	m.Note, err[1] = optionalText("note", m.Note, MaxComment)
	if err := errors.Join(gather(&faults, err[0]), gather(&faults, err[1])); err != nil {
		return nil, err
	}
	validPhotos(&faults, m.Photos)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	allowed := func(c *change) error {
		if err := c.scoped(m.Rev); err != nil {
			return err
		}
		if m.To == Duplicate || !Allowed(c.Status, m.To, a) {
			refusal := fault.New(fault.TransitionNotAllowed)
			for _, st := range s.Transitions(a, c.Report) {
				refusal.Allowed = append(refusal.Allowed, string(st))
			}
			return refusal
		}
		return nil
	}
	photos, fail := s.proof(ctx, a, id, m.Photos, allowed)
	if fail != nil {
		return nil, fail
	}
	return s.change(ctx, a, id, func(c *change) error {
		if err := allowed(c); err != nil {
			return err
		}
		if m.Text != "" {
			c.answered()
		}
		if err := c.attach(photos); err != nil {
			return err
		}
		if err := c.remark(m.Note); err != nil {
			return err
		}
		return c.move(m.To, Entry{Text: m.Text})
	})
}

// proof attaches the photos of staff, after it is known that the change will be allowed.
func (s *Service) proof(ctx context.Context, a actor.Actor, id string, photos []string, allowed func(*change) error) ([]PhotoRef, error) {
	if len(photos) == 0 {
		return nil, nil
	}
	r, err := s.Store.Report(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	if err := allowed(&change{Report: r, s: s, by: a}); err != nil {
		return nil, err
	}
	refs, err := s.Photos.Attach(ctx, a, photos, id)
	if err != nil {
		return nil, fmt.Errorf("attach photos: %w", err)
	}
	return refs, nil
}

// remark notes what only staff read, if anything.
func (c *change) remark(note string) error {
	if note == "" {
		return nil
	}
	_, err := c.note(Entry{Kind: EntryNote, Text: note, Internal: true})
	return err
}

// Assign routes a report by hand; empty fields stay as they are.
type Assign struct {
	Centre     string
	Department string
	Assignee   string                               // staff id, which the caller has looked up
	Sees       func(centre, department string) bool // whether the assignee works with reports there; nil when that is known
	Note       string
	Rev        *int64 // that the caller saw; nil for any
}

// Assign gives a report to a centre, department or employee. One that was received or reopened is assigned by it.
func (s *Service) Assign(ctx context.Context, a actor.Actor, id string, m Assign) (*Report, error) {
	if err := works(a); err != nil {
		return nil, err
	}
	var faults fault.Fields
	cat := s.Catalogue()
	if c, ok := cat.Centre(m.Centre); m.Centre != "" && !(ok && c.Active) {
		faults.Add("centre", fault.Unknown)
	}
	if d, ok := cat.Department(m.Department); m.Department != "" && !(ok && d.Active) {
		faults.Add("department", fault.Unknown)
	}
	note, err := optionalText("note", m.Note, MaxComment)
	if err := gather(&faults, err); err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return s.change(ctx, a, id, func(c *change) error {
		if err := c.scoped(m.Rev); err != nil {
			return err
		}
		if err := c.open(); err != nil {
			return err
		}
		before := c.Report.by(a) // with the department that it has until now
		e := Entry{Kind: EntryAssigned, Centre: replace(&c.Centre, m.Centre), Department: replace(&c.Department, m.Department),
			Assignee: replace(&c.Assignee, m.Assignee)}
		if m.Sees != nil && !m.Sees(c.Centre, c.Department) {
			return fault.At("assignee", fault.NotAllowed) // it would lie with somebody who never finds it
		}
		if err := c.remark(note); err != nil {
			return err
		}
		if c.Status == Received || c.Status == Reopened {
			return c.move(Assigned, e)
		}
		if e.Centre+e.Department+e.Assignee == "" { // it is as it was asked for already
			return nil
		}
		if e.Department != "" && e.Assignee == "" {
			c.Assignee = "" // an employee of the department that had it
		}
		e.Internal = e.Centre+e.Department == "" // who of the staff has it is no concern of the citizen's
		if e, err = c.note(e); err != nil {
			return err
		}
		c.Timeline[len(c.Timeline)-1].By = before
		c.tell(event.ReportAssigned, e)
		return nil
	})
}

// replace sets *old and gives what it has since, or "" when nothing changed.
func replace(old *string, by string) string {
	if by == "" || by == *old {
		return ""
	}
	*old = by
	return by
}

// Note adds what only staff read.
func (s *Service) Note(ctx context.Context, a actor.Actor, id, text string) (*Report, Entry, error) {
	return s.write(ctx, a, id, text, Entry{Kind: EntryNote, Internal: true})
}

// Reply writes to the citizen.
func (s *Service) Reply(ctx context.Context, a actor.Actor, id, text string) (*Report, Entry, error) {
	return s.write(ctx, a, id, text, Entry{Kind: EntryReply})
}

func (s *Service) write(ctx context.Context, a actor.Actor, id, text string, e Entry) (*Report, Entry, error) {
	if err := works(a); err != nil {
		return nil, Entry{}, err
	}
	var err error
	if e.Text, err = oneText("text", text, MaxComment); err != nil {
		return nil, Entry{}, err
	}
	var written Entry
	r, err := s.change(ctx, a, id, func(c *change) error {
		if err := c.scoped(nil); err != nil {
			return err
		}
		var err error
		if written, err = c.note(e); err != nil {
			return err
		}
		if e.Kind == EntryReply {
			c.answered()
			c.tell(event.ReportReplied, written)
		}
		return nil
	})
	if err == nil && written.ID == "" {
		written, _ = r.made(a)
	}
	return r, written, err
}

// CloseResolved closes what was resolved for longer than citizens may reopen it, and answers how many it closed.
func (s *Service) CloseResolved(ctx context.Context, now time.Time) (int, error) {
	before := now.AddDate(0, 0, -s.Catalogue().Calendar.ReopenDays)
	closed := 0
	for {
		ids, err := s.Store.ResolvedBefore(ctx, before, closeBatch)
		if err != nil {
			return closed, fmt.Errorf("look for resolved reports: %w", err)
		}
		for _, id := range ids {
			_, err := s.change(ctx, actor.Actor{Kind: actor.System}, id, func(c *change) error { return c.move(Closed, Entry{}) })
			if code := fault.CodeOf(err); code == fault.TransitionNotAllowed || code == fault.NotFound {
				continue // somebody was faster
			}
			if err != nil {
				return closed, err
			}
			closed++
		}
		if len(ids) < closeBatch {
			return closed, nil
		}
	}
}
