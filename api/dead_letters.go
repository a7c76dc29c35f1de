package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/push"
)

// ListDeadLetters lists the deliveries that failed or expired.
func (s *Server) ListDeadLetters(ctx context.Context, r gen.ListDeadLettersRequestObject) (gen.ListDeadLettersResponseObject, error) {
	p := r.Params
	all, next, err := s.Push.DeadLetters(ctx, actorOf(ctx), push.DeadQuery{Centre: text(p.Centre), Channel: text(p.Channel), Reason: text(p.Reason),
		Cursor: text(p.Cursor), Limit: limitOf(p.Limit)})
	if err != nil {
		return nil, err
	}
	items := make([]gen.DeadLetter, len(all))
	for i, d := range all {
		items[i] = gen.DeadLetter{Id: d.ID, MessageId: d.Message, Channel: gen.DeliveryChannel(d.Channel), Kind: orNil(gen.MessageKind(d.Kind)),
			State: gen.DeadLetterState(d.State), Reason: orNil(d.Reason), ReportId: orNil(d.Report), ReportNumber: orNil(d.Number),
			BroadcastId: orNil(d.Broadcast), Centre: orNil(d.Centre), Attempts: d.Attempts, PlannedAt: timeOrNil(d.Planned), ChangedAt: timeOrNil(d.Changed)}
	}
	return gen.ListDeadLetters200JSONResponse{Items: items, Next: orNil(next)}, nil
}

// RetryDeadLetter queues one of them again.
func (s *Server) RetryDeadLetter(ctx context.Context, r gen.RetryDeadLetterRequestObject) (gen.RetryDeadLetterResponseObject, error) {
	if err := s.Push.RetryDeadLetter(ctx, actorOf(ctx), r.Message, r.Id); err != nil {
		return nil, err
	}
	return gen.RetryDeadLetter204Response{}, nil
}

// RetryDeadLetters queues all again that fit a filter.
func (s *Server) RetryDeadLetters(ctx context.Context, r gen.RetryDeadLettersRequestObject) (gen.RetryDeadLettersResponseObject, error) {
	n, err := s.Push.RetryDeadLetters(ctx, actorOf(ctx), push.DeadQuery{Centre: text(r.Body.Centre), Channel: text(r.Body.Channel),
		Reason: text(r.Body.Reason)})
	if err != nil {
		return nil, err
	}
	return gen.RetryDeadLetters200JSONResponse{Retried: n}, nil
}
