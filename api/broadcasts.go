package api

import (
	"context"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// CountAudience says how many people a broadcast would reach.
func (s *Server) CountAudience(ctx context.Context, r gen.CountAudienceRequestObject) (gen.CountAudienceResponseObject, error) {
	to := audienceOf(*r.Body)
	if err := s.checkAudience(ctx, to, ""); err != nil {
		return nil, err
	}
	n, err := s.Push.CountAudience(ctx, actorOf(ctx), to)
	if err != nil {
		return nil, err
	}
	return gen.CountAudience200JSONResponse{People: n.People, AtLeast: n.AtLeast}, nil
}

// ListBroadcasts gives a page of them.
func (s *Server) ListBroadcasts(ctx context.Context, r gen.ListBroadcastsRequestObject) (gen.ListBroadcastsResponseObject, error) {
	all, next, err := s.Push.Broadcasts(ctx, actorOf(ctx), text(r.Params.Cursor), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items := make([]gen.Broadcast, len(all))
	for i := range all {
		if items[i], err = s.broadcastBody(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return gen.ListBroadcasts200JSONResponse{Items: items, Next: orNil(next)}, nil
}

// CreateBroadcast takes a notice to many.
func (s *Server) CreateBroadcast(ctx context.Context, r gen.CreateBroadcastRequestObject) (gen.CreateBroadcastResponseObject, error) {
	to := audienceOf(r.Body.Audience)
	if err := s.checkAudience(ctx, to, "audience/"); err != nil {
		return nil, err
	}
	b, err := s.Push.CreateBroadcast(ctx, actorOf(ctx), push.Broadcast{Texts: textsOf(r.Body.Texts), Audience: to, Topic: value(r.Body.Topic),
		Urgent: value(r.Body.Urgent), At: value(r.Body.At)})
	if err != nil {
		return nil, err
	}
	body, err := s.broadcastBody(ctx, b)
	location := "/v1/admin/broadcasts/" + b.ID
	return gen.CreateBroadcast201JSONResponse{Body: body,
		Headers: gen.CreateBroadcast201ResponseHeaders{ETag: revisionTag(b.Rev), Location: &location}}, err
}

// GetBroadcast reads one with what became of it.
func (s *Server) GetBroadcast(ctx context.Context, r gen.GetBroadcastRequestObject) (gen.GetBroadcastResponseObject, error) {
	b, err := s.Push.Broadcast(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	body, err := s.broadcastBody(ctx, &b.Broadcast)
	if err != nil {
		return nil, err
	}
	outcomes := []gen.BroadcastCount{}
	for _, state := range push.States {
		if n := b.Outcomes[state]; n > 0 {
			outcomes = append(outcomes, gen.BroadcastCount{State: gen.DeliveryState(state), Count: n})
		}
	}
	// without an ETag of the revision: what became of it changes by itself
	return gen.GetBroadcast200JSONResponse{Body: gen.BroadcastReport{Broadcast: body, Outcomes: outcomes}}, nil
}

// PauseBroadcast holds one.
func (s *Server) PauseBroadcast(ctx context.Context, r gen.PauseBroadcastRequestObject) (gen.PauseBroadcastResponseObject, error) {
	b, err := s.Push.PauseBroadcast(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	body, err := s.broadcastBody(ctx, b)
	return gen.PauseBroadcast200JSONResponse{Body: body, Headers: gen.PauseBroadcast200ResponseHeaders{ETag: revisionTag(b.Rev)}}, err
}

// ResumeBroadcast lets one go on.
func (s *Server) ResumeBroadcast(ctx context.Context, r gen.ResumeBroadcastRequestObject) (gen.ResumeBroadcastResponseObject, error) {
	b, err := s.Push.ResumeBroadcast(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	body, err := s.broadcastBody(ctx, b)
	return gen.ResumeBroadcast200JSONResponse{Body: body, Headers: gen.ResumeBroadcast200ResponseHeaders{ETag: revisionTag(b.Rev)}}, err
}

// StopBroadcast ends one.
func (s *Server) StopBroadcast(ctx context.Context, r gen.StopBroadcastRequestObject) (gen.StopBroadcastResponseObject, error) {
	b, err := s.Push.StopBroadcast(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	body, err := s.broadcastBody(ctx, b)
	return gen.StopBroadcast200JSONResponse{Body: body, Headers: gen.StopBroadcast200ResponseHeaders{ETag: revisionTag(b.Rev)}}, err
}

// checkAudience refuses a centre or category that is not there: a mistyped one would reach nobody. At is where the audience stands.
func (s *Server) checkAudience(ctx context.Context, to push.Audience, at string) error {
	if !actorOf(ctx).Is(actor.Admin) { // others the service refuses
		return nil
	}
	var wrong fault.Fields
	cat := s.Reports.Catalogue()
	if _, ok := cat.Centre(to.Centre); !ok && to.Centre != "" {
		wrong.Add(at+"centre", fault.Unknown)
	}
	if _, ok := cat.Category(to.Category); !ok && to.Category != "" {
		wrong.Add(at+"category", fault.Unknown)
	}
	return wrong.Err()
}

func audienceOf(a gen.Audience) push.Audience {
	return push.Audience{Centre: text(a.Centre), Category: text(a.Category), All: value(a.All)}
}

func (s *Server) broadcastBody(ctx context.Context, b *push.Broadcast) (gen.Broadcast, error) {
	body := gen.Broadcast{Id: b.ID, Rev: b.Rev, State: gen.BroadcastState(b.State), Texts: textsBody(b.Texts), Topic: b.Topic, Urgent: b.Urgent,
		Audience: gen.Audience{Centre: orNil(b.Audience.Centre), Category: orNil(b.Audience.Category)}, At: timeOrNil(b.At), CreatedAt: b.Created,
		StartedAt: timeOrNil(b.Started), EndedAt: timeOrNil(b.Ended), People: b.People, AtLeast: b.AtLeast, Planned: b.Planned}
	if b.Audience.All {
		body.Audience.All = &b.Audience.All
	}
	by, err := s.assignee(ctx, b.By)
	if by != nil {
		body.By = *by
	}
	return body, err
}
