package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// ListInbox lists what the caller was told, newest first, in the language asked for.
func (s *Server) ListInbox(ctx context.Context, r gen.ListInboxRequestObject) (gen.ListInboxResponseObject, error) {
	unread := r.Params.Unread != nil && *r.Params.Unread
	p, err := s.Push.Inbox(ctx, actorOf(ctx), languageOf(ctx), text(r.Params.Cursor), limitOf(r.Params.Limit), unread)
	if err != nil {
		return nil, err
	}
	page := gen.ListInbox200JSONResponse{Items: make([]gen.Message, 0, len(p.Items)), Next: orNil(p.Next), Unread: p.Unread}
	for _, e := range p.Items {
		page.Items = append(page.Items, messageBody(e))
	}
	return page, nil
}

func messageBody(e push.Entry) gen.Message {
	m := gen.Message{Id: e.ID, NotificationId: e.ID, Kind: string(e.Kind), Title: e.Title, Body: e.Body, Language: gen.Language(e.Language), At: e.At,
		ReportId: orNil(e.Report), ReportNumber: orNil(e.Number)}
	if e.Survey != nil {
		m.SurveyId = orNil(e.Survey.Invitation)
	}
	if !e.DeliveredAt.IsZero() {
		m.DeliveredAt = &e.DeliveredAt
	}
	if !e.ReadAt.IsZero() {
		m.ReadAt = &e.ReadAt
	}
	return m
}

// MarkDelivered notes that the caller's phone has a message.
func (s *Server) MarkDelivered(ctx context.Context, r gen.MarkDeliveredRequestObject) (gen.MarkDeliveredResponseObject, error) {
	if err := s.Push.Acknowledge(ctx, actorOf(ctx), r.Id, false); err != nil {
		return nil, err
	}
	return gen.MarkDelivered204Response{}, nil
}

// MarkRead notes that the caller opened a message.
func (s *Server) MarkRead(ctx context.Context, r gen.MarkReadRequestObject) (gen.MarkReadResponseObject, error) {
	if err := s.Push.Acknowledge(ctx, actorOf(ctx), r.Id, true); err != nil {
		return nil, err
	}
	return gen.MarkRead204Response{}, nil
}

// MarkAllDelivered notes that the caller's phone has several messages.
func (s *Server) MarkAllDelivered(ctx context.Context, r gen.MarkAllDeliveredRequestObject) (gen.MarkAllDeliveredResponseObject, error) {
	body, err := s.acknowledge(ctx, r.Body.Ids, false)
	return gen.MarkAllDelivered200JSONResponse(body), err
}

// MarkAllRead notes that the caller opened several messages.
func (s *Server) MarkAllRead(ctx context.Context, r gen.MarkAllReadRequestObject) (gen.MarkAllReadResponseObject, error) {
	body, err := s.acknowledge(ctx, r.Body.Ids, true)
	return gen.MarkAllRead200JSONResponse(body), err
}

func (s *Server) acknowledge(ctx context.Context, ids []string, read bool) (gen.Acknowledged, error) {
	unknown, err := s.Push.AcknowledgeAll(ctx, actorOf(ctx), ids, read)
	if err == nil && len(unknown) == len(ids) {
		err = fault.New(fault.NotFound)
	}
	return gen.Acknowledged{Unknown: orEmpty(unknown)}, err
}

// PushKey tells browsers by which key they know this server.
func (s *Server) PushKey(context.Context, gen.PushKeyRequestObject) (gen.PushKeyResponseObject, error) {
	if s.WebPushKey == "" {
		return nil, fault.New(fault.NotFound)
	}
	return gen.PushKey200JSONResponse{Body: gen.PushKey{VapidPublicKey: s.WebPushKey}}, nil
}
