package api

import (
	"context"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/reports"
)

// deskReport is r as staff see it.
func (s *Server) deskReport(ctx context.Context, r *reports.Report) (gen.DeskReport, error) {
	a, n := actorOf(ctx), s.names(ctx)
	can := s.Reports.Can(a, r)
	body := gen.DeskReport{Id: r.ID, Number: r.Number, Status: gen.Status(r.Status), Category: n.category(r.Category), Description: r.Description,
		Place: placeBody(r.Place), PhotoCount: len(r.Photos), Supports: r.Supports, ReceivedAt: r.ReceivedAt, UpdatedAt: r.UpdatedAt,
		Attributes: attributesBody(r.Attributes), Channel: gen.Channel(r.Channel), Centre: n.centre(r.Centre), Department: n.department(r.Department),
		Language: gen.Language(r.Language), Due: dueBody(r.Due), FirstAnswerAt: timeOrNil(r.FirstAnswer), ResolvedAt: timeOrNil(r.ResolvedAt),
		ClosedAt: timeOrNil(r.ClosedAt), Timeline: make([]gen.TimelineEntry, len(r.Timeline)), Can: canBody(can),
		ReopenUntil: timeOrNil(can.ReopenUntil), RateUntil: timeOrNil(can.RateUntil), Transitions: []gen.Status{}, Merged: []gen.Number{},
		Deadline: timeOrNil(r.Deadline()), Overdue: overdue(r.Deadline(), s.Now()), Rev: r.Rev}
	if r.Took > 0 {
		body.RegistrationSeconds = &r.Took
	}
	if r.DuplicateOf != nil {
		body.DuplicateOf = &r.DuplicateOf.Number
	}
	for _, st := range s.Reports.Transitions(a, r) {
		body.Transitions = append(body.Transitions, gen.Status(st))
	}
	for _, m := range r.Merged {
		body.Merged = append(body.Merged, m.Number)
	}
	var err error
	if body.Photos, err = s.pictures(ctx, r); err != nil {
		return body, err
	}
	if body.Citizen, err = s.caller(ctx, r); err != nil {
		return body, err
	}
	if body.Assignee, err = s.assignee(ctx, r.Assignee); err != nil {
		return body, err
	}
	for i, e := range r.Timeline {
		if body.Timeline[i], err = s.deskEntry(ctx, e); err != nil {
			return body, err
		}
	}
	return body, nil
}

// caller is how the person behind a report can be reached; nil for an anonymous one who left nothing.
func (s *Server) caller(ctx context.Context, r *reports.Report) (*gen.DeskCitizen, error) {
	if r.Citizen == "" {
		if r.Contact == nil {
			return nil, nil
		}
		return &gen.DeskCitizen{Phone: orNil(r.Contact.Phone), Email: orNil(r.Contact.Email)}, nil
	}
	people, err := s.Accounts.Contacts(ctx, []string{r.Citizen})
	if err != nil {
		return nil, err
	}
	c, there := people[r.Citizen]
	if !there {
		return nil, nil
	}
	return citizenBody(c), nil
}

func citizenBody(c *accounts.Contact) *gen.DeskCitizen {
	return &gen.DeskCitizen{Id: &c.ID, Name: orNil(c.Name), Phone: orNil(c.Phone), Email: orNil(c.Email)}
}

// assignee is a member of staff by name; nil for none.
func (s *Server) assignee(ctx context.Context, id string) (*gen.Assignee, error) {
	if id == "" {
		return nil, nil
	}
	name, err := s.Accounts.StaffName(ctx, id)
	if err != nil {
		return nil, err
	}
	return &gen.Assignee{Id: id, Name: name}, nil
}

// deskEntry is one of the timeline as staff see it: with names, and with what is internal.
func (s *Server) deskEntry(ctx context.Context, e reports.Entry) (gen.TimelineEntry, error) {
	body := s.names(ctx).entry(e)
	if e.Internal {
		body.Internal = &e.Internal
	}
	if e.Other != nil {
		body.Other = &e.Other.Number
	}
	var err error
	if body.Assignee, err = s.assignee(ctx, e.Assignee); err != nil {
		return body, err
	}
	if e.By.Kind == actor.Staff {
		name, err := s.Accounts.StaffName(ctx, e.By.ID)
		if err != nil {
			return body, err
		}
		body.By.Name = orNil(name)
	}
	return body, nil
}
