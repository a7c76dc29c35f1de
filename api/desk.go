package api

import (
	"context"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// DeskQueue lists the reports within the caller's scope.
func (s *Server) DeskQueue(ctx context.Context, r gen.DeskQueueRequestObject) (gen.DeskQueueResponseObject, error) {
	p, caller := r.Params, actorOf(ctx)
	assignee := text(p.Assignee)
	if assignee == "me" {
		assignee = caller.ID
	}
	items, next, err := s.Reports.Queue(ctx, caller, reports.QueueSearch{Q: text(p.Q), Statuses: statusesOf(p.Status), Centre: text(p.Centre),
		Department: text(p.Department), Category: text(p.Category), Channel: reports.Channel(text(p.Channel)), Assignee: assignee,
		Overdue: value(p.Overdue), From: text(p.From), Through: text(p.To), Sort: reports.Sort(text(p.Sort)),
		Page: reports.Page{Cursor: text(p.Cursor), Limit: limitOf(p.Limit)}})
	if err != nil {
		return nil, err
	}
	list, err := s.deskSummaries(ctx, items)
	return gen.DeskQueue200JSONResponse{Items: list, Next: orNil(next)}, err
}

// deskSummaries are reports as staff see them in lists.
func (s *Server) deskSummaries(ctx context.Context, items []reports.Summary) ([]gen.DeskSummary, error) {
	n, now := s.names(ctx), s.Now()
	list := make([]gen.DeskSummary, len(items))
	for i, r := range items {
		assignee, err := s.assignee(ctx, r.Assignee)
		if err != nil {
			return nil, err
		}
		list[i] = gen.DeskSummary{Id: r.ID, Number: r.Number, Status: gen.Status(r.Status), Category: n.category(r.Category),
			Description: r.Description, Place: placeBody(r.Place), PhotoCount: r.PhotoCount, Supports: r.Supports, ReceivedAt: r.ReceivedAt,
			UpdatedAt: r.UpdatedAt, Centre: n.centre(r.Centre), Department: n.department(r.Department), Channel: gen.Channel(r.Channel),
			Assignee: assignee, Due: dueBody(r.Due), Overdue: overdue(r.Deadline, now)}
	}
	return list, nil
}

func overdue(deadline, now time.Time) bool { return !deadline.IsZero() && deadline.Before(now) }

// DeskRegister writes down what somebody called, wrote or came for.
func (s *Server) DeskRegister(ctx context.Context, r gen.DeskRegisterRequestObject) (gen.DeskRegisterResponseObject, error) {
	a, b := actorOf(ctx), r.Body
	n := reports.NewReport{ID: text(b.Id), DerivedID: s.newID(ctx), Channel: reports.Channel(b.Channel), Category: b.Category,
		Description: b.Description, Language: text(b.Language), Place: placeOf(b.Place), Photos: b.Photos, ObservedAt: value(b.ObservedAt)}
	if b.Attributes != nil {
		n.Attributes = *b.Attributes
	}
	switch {
	case b.CitizenPhone != nil:
		c, err := s.Accounts.EnsureCitizen(ctx, a, accounts.Caller{Phone: *b.CitizenPhone, Name: text(b.CitizenName), Language: n.Language,
			Gender: text(b.CitizenGender), Residency: text(b.CitizenResidency)})
		if err != nil {
			return nil, err
		}
		n.Citizen, n.Reporter = c.ID, reporterOf(c)
	case b.CitizenName != nil || b.CitizenGender != nil || b.CitizenResidency != nil:
		return nil, fault.At("citizen_phone", fault.Required)
	}
	n.Reporter.Company = value(b.OnBehalfOfCompany)
	registered, _, err := s.Reports.Register(ctx, a, n)
	if err != nil {
		return nil, err
	}
	body, err := s.deskReport(ctx, registered)
	if err != nil {
		return nil, err
	}
	location := "/v1/desk/reports/" + registered.ID
	return gen.DeskRegister201JSONResponse{Body: body, Headers: gen.DeskRegister201ResponseHeaders{ETag: revisionTag(body.Rev), Location: &location}}, nil
}

// DeskReport reads a report within the caller's scope.
func (s *Server) DeskReport(ctx context.Context, r gen.DeskReportRequestObject) (gen.DeskReportResponseObject, error) {
	found, err := s.Reports.Get(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	body, err := s.deskReport(ctx, found)
	if err != nil {
		return nil, err
	}
	return gen.DeskReport200JSONResponse{Body: body, Headers: gen.DeskReport200ResponseHeaders{ETag: revisionTag(body.Rev)}}, nil
}

// MoveReport takes a report to another status.
func (s *Server) MoveReport(ctx context.Context, r gen.MoveReportRequestObject) (gen.MoveReportResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	moved, err := s.Reports.Move(ctx, actorOf(ctx), r.Id, reports.Move{To: reports.Status(r.Body.To), Text: text(r.Body.Text),
		Note: text(r.Body.Note), Photos: r.Body.PhotoIds, Rev: rev})
	if err != nil {
		return nil, err
	}
	body, err := s.deskReport(ctx, moved)
	if err != nil {
		return nil, err
	}
	return gen.MoveReport200JSONResponse{Body: body, Headers: gen.MoveReport200ResponseHeaders{ETag: revisionTag(body.Rev)}}, nil
}

// AssignReport gives a report to a centre, department or employee.
func (s *Server) AssignReport(ctx context.Context, r gen.AssignReportRequestObject) (gen.AssignReportResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	how := reports.Assign{Centre: text(r.Body.Centre), Department: text(r.Body.Department), Assignee: text(r.Body.Assignee),
		Note: text(r.Body.Note), Rev: rev}
	if how.Assignee != "" {
		colleague, err := s.Accounts.Colleague(ctx, how.Assignee)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			return nil, fault.At("assignee", fault.Unknown)
		case err != nil:
			return nil, err
		}
		how.Sees = colleague.Sees
	}
	assigned, err := s.Reports.Assign(ctx, actorOf(ctx), r.Id, how)
	if err != nil {
		return nil, err
	}
	body, err := s.deskReport(ctx, assigned)
	if err != nil {
		return nil, err
	}
	return gen.AssignReport200JSONResponse{Body: body, Headers: gen.AssignReport200ResponseHeaders{ETag: revisionTag(body.Rev)}}, nil
}

// AddNote adds what only staff read.
func (s *Server) AddNote(ctx context.Context, r gen.AddNoteRequestObject) (gen.AddNoteResponseObject, error) {
	_, e, err := s.Reports.Note(ctx, actorOf(ctx), r.Id, r.Body.Text)
	if err != nil {
		return nil, err
	}
	body, err := s.deskEntry(ctx, e)
	return gen.AddNote201JSONResponse(body), err
}

// AddReply writes to the citizen.
func (s *Server) AddReply(ctx context.Context, r gen.AddReplyRequestObject) (gen.AddReplyResponseObject, error) {
	_, e, err := s.Reports.Reply(ctx, actorOf(ctx), r.Id, r.Body.Text)
	if err != nil {
		return nil, err
	}
	body, err := s.deskEntry(ctx, e)
	return gen.AddReply201JSONResponse(body), err
}

// MergeReport makes a report a duplicate of another.
func (s *Server) MergeReport(ctx context.Context, r gen.MergeReportRequestObject) (gen.MergeReportResponseObject, error) {
	merged, err := s.Reports.Merge(ctx, actorOf(ctx), r.Id, r.Body.Into)
	if err != nil {
		return nil, err
	}
	body, err := s.deskReport(ctx, merged)
	if err != nil {
		return nil, err
	}
	return gen.MergeReport200JSONResponse{Body: body, Headers: gen.MergeReport200ResponseHeaders{ETag: revisionTag(body.Rev)}}, nil
}
