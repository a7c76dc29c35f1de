package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/reports"
)

// ListReports lists the caller's reports.
func (s *Server) ListReports(ctx context.Context, r gen.ListReportsRequestObject) (gen.ListReportsResponseObject, error) {
	items, next, err := s.Reports.Mine(ctx, actorOf(ctx), statusesOf(r.Params.Status), reports.Page{Cursor: text(r.Params.Cursor), Limit: limitOf(r.Params.Limit)})
	if err != nil {
		return nil, err
	}
	n := s.names(ctx)
	page := renderedPage{items: make([][]byte, len(items)), next: next}
	for i := range items {
		if page.items[i], err = s.rendered.summary(n, &items[i]); err != nil {
			return nil, err
		}
	}
	return page, nil
}

func statusesOf(given []gen.Status) []reports.Status {
	var all []reports.Status
	for _, st := range given {
		all = append(all, reports.Status(st))
	}
	return all
}

// NearbyReports lists what others have reported around a point.
func (s *Server) NearbyReports(ctx context.Context, r gen.NearbyReportsRequestObject) (gen.NearbyReportsResponseObject, error) {
	q := reports.NearSearch{Point: reports.Point{Latitude: r.Params.Latitude, Longitude: r.Params.Longitude}, Radius: 500,
		Category: text(r.Params.Category), Limit: limitOf(r.Params.Limit)}
	if r.Params.RadiusM != nil {
		q.Radius = float64(*r.Params.RadiusM)
	}
	if r.Params.Open != nil {
		q.All = !*r.Params.Open
	}
	near, err := s.Reports.Nearby(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	n := s.names(ctx)
	body := gen.NearbyReports200JSONResponse{Items: make([]gen.NearbyReport, len(near))}
	for i, r := range near {
		body.Items[i] = gen.NearbyReport{Id: r.ID, Number: r.Number, Status: gen.Status(r.Status), Category: n.category(r.Category),
			Place: gen.Point{Latitude: r.Point.Latitude, Longitude: r.Point.Longitude}, DistanceM: r.Distance, Supports: r.Supports,
			ReceivedAt: r.ReceivedAt}
	}
	return body, nil
}

// GetReport reads one of the caller's reports.
func (s *Server) GetReport(ctx context.Context, r gen.GetReportRequestObject) (gen.GetReportResponseObject, error) {
	found, err := s.Reports.Get(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	body, err := s.report(ctx, found)
	if err != nil {
		return nil, err
	}
	return gen.GetReport200JSONResponse{Body: body}, nil
}

// AddComment adds what the caller has to say to one of their reports.
func (s *Server) AddComment(ctx context.Context, r gen.AddCommentRequestObject) (gen.AddCommentResponseObject, error) {
	_, e, err := s.Reports.Comment(ctx, actorOf(ctx), r.Id, r.Body.Text)
	if err != nil {
		return nil, err
	}
	return gen.AddComment201JSONResponse(s.names(ctx).entry(e)), nil
}

// WithdrawReport takes one of the caller's reports back.
func (s *Server) WithdrawReport(ctx context.Context, r gen.WithdrawReportRequestObject) (gen.WithdrawReportResponseObject, error) {
	changed, err := s.Reports.Withdraw(ctx, actorOf(ctx), r.Id, saidWhy(r.Body))
	if err != nil {
		return nil, err
	}
	body, err := s.report(ctx, changed)
	if err != nil {
		return nil, err
	}
	return gen.WithdrawReport200JSONResponse{Body: body}, nil
}

// ReopenReport says of one of the caller's reports that it is not solved.
func (s *Server) ReopenReport(ctx context.Context, r gen.ReopenReportRequestObject) (gen.ReopenReportResponseObject, error) {
	changed, err := s.Reports.Reopen(ctx, actorOf(ctx), r.Id, saidWhy(r.Body))
	if err != nil {
		return nil, err
	}
	body, err := s.report(ctx, changed)
	if err != nil {
		return nil, err
	}
	return gen.ReopenReport200JSONResponse{Body: body}, nil
}

func saidWhy(b *gen.Reason) string {
	if b == nil {
		return ""
	}
	return text(b.Reason)
}

// SupportReport says "me too" to another's report.
func (s *Server) SupportReport(ctx context.Context, r gen.SupportReportRequestObject) (gen.SupportReportResponseObject, error) {
	n, err := s.Reports.Support(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return gen.SupportReport200JSONResponse{Supports: n, Supported: true}, nil
}

// UnsupportReport takes it back.
func (s *Server) UnsupportReport(ctx context.Context, r gen.UnsupportReportRequestObject) (gen.UnsupportReportResponseObject, error) {
	n, err := s.Reports.Unsupport(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return gen.UnsupportReport200JSONResponse{Supports: n, Supported: false}, nil
}
