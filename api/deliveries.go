package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/push"
)

// ReportDeliveries tells what was sent about a report within the caller's scope.
func (s *Server) ReportDeliveries(ctx context.Context, r gen.ReportDeliveriesRequestObject) (gen.ReportDeliveriesResponseObject, error) {
	found, err := s.Reports.Get(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	trails, err := s.Push.ReportTrail(ctx, found.Citizen, found.ID, languageOf(ctx))
	if err != nil {
		return nil, err
	}
	platforms := map[string]string{} // by device
	if len(trails) > 0 {
		people, err := s.Accounts.Contacts(ctx, []string{found.Citizen})
		if err != nil {
			return nil, err
		}
		if c, there := people[found.Citizen]; there {
			for _, d := range c.Devices {
				platforms[d.ID] = d.Platform
			}
		}
	}
	items := make([]gen.ReportMessage, len(trails))
	for i, t := range trails {
		items[i] = trailBody(t, platforms)
	}
	return gen.ReportDeliveries200JSONResponse{Items: items}, nil
}

func trailBody(t push.Trail, platforms map[string]string) gen.ReportMessage {
	body := gen.ReportMessage{Id: t.Message.ID, Kind: gen.MessageKind(t.Message.Kind), Title: t.Text.Title, Body: t.Text.Body, At: t.Message.At,
		DeliveredAt: timeOrNil(t.Message.DeliveredAt), ReadAt: timeOrNil(t.Message.ReadAt), NextAt: timeOrNil(t.Next),
		NextChannel: orNil(gen.StepChannel(t.NextChannel)), Unreached: orNil(gen.UnreachedReason(t.Unreached)),
		Deliveries: make([]gen.Delivery, len(t.Deliveries))}
	if t.Unreached != "" {
		body.UnreachedSince = timeOrNil(t.Since)
	}
	for i, d := range t.Deliveries {
		body.Deliveries[i] = gen.Delivery{Id: d.ID, Channel: gen.DeliveryChannel(d.Channel), State: gen.DeliveryState(d.State), Reason: orNil(d.Reason),
			Platform: orNil(gen.Platform(platforms[d.Target])), PlannedAt: d.Planned, ChangedAt: timeOrNil(d.Changed), Attempts: d.Attempts, Ref: orNil(d.Ref)}
	}
	return body
}

// ListUnreached lists, by name, who could not be told something.
func (s *Server) ListUnreached(ctx context.Context, r gen.ListUnreachedRequestObject) (gen.ListUnreachedResponseObject, error) {
	p := r.Params
	all, next, err := s.Push.Unreached(ctx, actorOf(ctx), push.UnreachedQuery{Centre: text(p.Centre), Why: text(p.Reason), Cursor: text(p.Cursor),
		Limit: limitOf(p.Limit)})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	for i, u := range all {
		ids[i] = u.Message.Citizen
	}
	people, err := s.Accounts.Contacts(ctx, ids)
	if err != nil {
		return nil, err
	}
	n := s.names(ctx)
	items := make([]gen.UnreachedMessage, len(all))
	for i, u := range all {
		m := u.Message
		items[i] = gen.UnreachedMessage{MessageId: m.ID, Kind: gen.MessageKind(m.Kind), ReportId: orNil(m.Report), ReportNumber: orNil(m.Number), At: m.At,
			Since: u.Since, Reason: gen.UnreachedReason(u.Why)}
		if m.Centre != "" {
			items[i].Centre = new(n.centre(m.Centre))
		}
		if c, there := people[m.Citizen]; there {
			items[i].Citizen = citizenBody(c)
		}
	}
	return gen.ListUnreached200JSONResponse{Items: items, Next: orNil(next)}, nil
}
