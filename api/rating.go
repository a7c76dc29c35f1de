package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// RateReport keeps what the citizen says of the latest closure of a report.
func (s *Server) RateReport(ctx context.Context, r gen.RateReportRequestObject) (gen.RateReportResponseObject, error) {
	answer := surveys.Answer{Level: r.Body.Level, Solved: r.Body.Solved}
	for _, reason := range r.Body.Reasons {
		answer.Reasons = append(answer.Reasons, surveys.Reason(reason))
	}
	if r.Body.Comment != nil {
		answer.Comment = *r.Body.Comment
	}
	rating, err := s.Surveys.Rate(ctx, actorOf(ctx), r.Id, answer)
	if fault.CodeOf(err) == fault.NotFound { // theirs, but there is nothing to rate yet
		if _, unseen := s.Reports.Get(ctx, actorOf(ctx), r.Id); unseen == nil {
			err = fault.New(fault.Conflict)
		}
	}
	if err != nil {
		return nil, err
	}
	return gen.RateReport201JSONResponse(ratingBody(rating)), nil
}

// GetRating reads the latest rating that the citizen gave of a report.
func (s *Server) GetRating(ctx context.Context, r gen.GetRatingRequestObject) (gen.GetRatingResponseObject, error) {
	rating, err := s.Surveys.RatingOf(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return gen.GetRating200JSONResponse(ratingBody(rating)), nil
}

func ratingBody(r *surveys.Rating) gen.Rating {
	body := gen.Rating{ReportId: r.ReportID, Closure: r.Closure, Level: r.Level, Solved: r.Solved, Reasons: []gen.RatingReason{},
		RatedAt: r.RatedAt, MayReopen: r.MayReopen}
	for _, reason := range r.Reasons {
		body.Reasons = append(body.Reasons, gen.RatingReason(reason))
	}
	if r.Comment != "" {
		body.Comment = &r.Comment
	}
	if r.MayReopen {
		body.ReopenUntil = &r.ReopenUntil
	}
	return body
}
