package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/fault"
)

// auditBody is an entry of the audit; in lists without what was before and after.
type auditBody struct {
	ID         string           `json:"id"`
	At         time.Time        `json:"at"`
	Staff      gen.Assignee     `json:"staff"`
	Operation  string           `json:"operation"`
	Path       string           `json:"path"`
	Fields     []string         `json:"fields,omitempty"`
	Outcome    audit.Outcome    `json:"outcome"`
	Status     int              `json:"status,omitempty"`
	Code       string           `json:"code,omitempty"`
	Request    string           `json:"request"`
	Reverts    string           `json:"reverts,omitempty"`
	Reversible *bool            `json:"reversible,omitempty"`
	Before     *json.RawMessage `json:"before,omitempty"`
	After      *json.RawMessage `json:"after,omitempty"`
}

// ListAudit lists what administrators changed.
func (s *Server) ListAudit(ctx context.Context, r gen.ListAuditRequestObject) (gen.ListAuditResponseObject, error) {
	q := audit.Query{Staff: text(r.Params.Staff), Path: text(r.Params.Path), Limit: limitOf(r.Params.Limit)}
	var wrong fault.Fields
	day := func(path string, given *string, days int) (t time.Time) {
		if given == nil {
			return t
		}
		t, err := time.ParseInLocation(time.DateOnly, *given, s.Reports.Zone)
		if err != nil {
			wrong.Add(path, fault.WrongFormat)
		}
		return t.AddDate(0, 0, days)
	}
	q.From, q.To = day("from", r.Params.From, 0), day("to", r.Params.To, 1)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	all, next, err := s.Audit.List(ctx, actorOf(ctx), q, text(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	body := struct {
		Items []auditBody `json:"items"`
		Next  string      `json:"next,omitempty"`
	}{make([]auditBody, len(all)), next}
	for i, e := range all {
		if body.Items[i], err = s.auditHead(ctx, e); err != nil {
			return nil, err
		}
	}
	return document{body: body}, nil
}

// GetAudit reads one change.
func (s *Server) GetAudit(ctx context.Context, r gen.GetAuditRequestObject) (gen.GetAuditResponseObject, error) {
	return s.auditEntry(ctx, r.Id)
}

func (s *Server) auditEntry(ctx context.Context, id string) (document, error) {
	e, err := s.Audit.Entry(ctx, actorOf(ctx), id)
	if err != nil {
		return document{}, err
	}
	body, err := s.auditHead(ctx, e)
	_, back := s.reversalOf(e)
	body.Reversible, body.Before, body.After = new(back == nil), orNull(e.Before), orNull(e.After)
	return document{body: body}, err
}

// auditHead is an entry without what was before and after, and whether there is a way back, which they tell.
func (s *Server) auditHead(ctx context.Context, e *audit.Entry) (auditBody, error) {
	name, err := s.Accounts.StaffName(ctx, e.Staff)
	return auditBody{ID: e.ID, At: e.At, Staff: gen.Assignee{Id: e.Staff, Name: name}, Operation: e.Operation, Path: e.Path, Fields: e.Fields, Outcome: e.Outcome,
		Status: e.Status, Code: e.Code, Request: e.Request, Reverts: e.Reverts}, err
}

// orNull is JSON as it is, null for none.
func orNull(b []byte) *json.RawMessage {
	if b == nil {
		b = []byte("null")
	}
	return (*json.RawMessage)(&b)
}

// VisitListAuditResponse is of entries of the audit.
func (d document) VisitListAuditResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitGetAuditResponse is of one of them.
func (d document) VisitGetAuditResponse(c *fiber.Ctx) error { return d.send(c) }

// VisitRevertAuditResponse is of the one that a revert made.
func (d document) VisitRevertAuditResponse(c *fiber.Ctx) error { return d.send(c) }
