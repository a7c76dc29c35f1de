package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
)

// ListRounds lists those of all programmes, or of one.
func (s *Server) ListRounds(ctx context.Context, r gen.ListRoundsRequestObject) (gen.ListRoundsResponseObject, error) {
	all, err := s.Programmes.Rounds(ctx, actorOf(ctx), text(r.Params.Programme))
	if err != nil {
		return nil, err
	}
	return gen.ListRounds200JSONResponse{Items: roundSummaries(all)}, nil
}

// ListProgrammeRounds lists those of one programme.
func (s *Server) ListProgrammeRounds(ctx context.Context,
	r gen.ListProgrammeRoundsRequestObject) (gen.ListProgrammeRoundsResponseObject, error) {
	if _, err := s.Programmes.Programme(ctx, actorOf(ctx), r.Code); err != nil {
		return nil, err
	}
	all, err := s.Programmes.Rounds(ctx, actorOf(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	return gen.ListProgrammeRounds200JSONResponse{Items: roundSummaries(all)}, nil
}

// StartRound begins one now.
func (s *Server) StartRound(ctx context.Context, r gen.StartRoundRequestObject) (gen.StartRoundResponseObject, error) {
	x, err := s.Programmes.StartRound(ctx, actorOf(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	return document{status: 201, location: "/v1/admin/rounds/" + x.ID, body: wholeRound(x)}, nil
}

// GetRound reads one with what became of its invitations until now.
func (s *Server) GetRound(ctx context.Context, r gen.GetRoundRequestObject) (gen.GetRoundResponseObject, error) {
	x, invitations, err := s.Programmes.Round(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return document{body: struct {
		Round       surveys.Round                   `json:"round"`
		Invitations map[surveys.InvitationState]int `json:"invitations"`
	}{wholeRound(x), orNone(invitations)}}, nil
}

// CloseRound ends one as if its time were over.
func (s *Server) CloseRound(ctx context.Context, r gen.CloseRoundRequestObject) (gen.CloseRoundResponseObject, error) {
	x, err := s.Programmes.CloseRound(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return document{body: wholeRound(x)}, nil
}

// StopRound ends one without figures.
func (s *Server) StopRound(ctx context.Context, r gen.StopRoundRequestObject) (gen.StopRoundResponseObject, error) {
	x, err := s.Programmes.StopRound(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return document{body: wholeRound(x)}, nil
}

// wholeRound keeps the seed back until the round is over, as its results do: who has it can work out who was drawn.
func wholeRound(r *surveys.Round) surveys.Round {
	x := *r
	if x.State != surveys.RoundPublished && x.State != surveys.RoundStopped {
		x.Seed = ""
	}
	x.Programme, x.Drawn = wholeProgramme(x.Programme), wholeDrawn(x.Drawn)
	return x
}

func roundSummaries(all []*surveys.Round) []gen.RoundSummary {
	items := make([]gen.RoundSummary, len(all))
	for i, r := range all {
		items[i] = gen.RoundSummary{Id: r.ID, Programme: r.Programme.Code, Names: r.Programme.Names, Number: r.Number,
			State:         gen.RoundState(r.State),
			Questionnaire: r.Programme.Questionnaire, Version: r.Programme.Version, From: r.From, To: r.To, Opened: timeOrNil(r.Opened),
			Closes: r.Closes, Published: timeOrNil(r.Published), Sampled: r.Drawn.Sampled}
	}
	return items
}
