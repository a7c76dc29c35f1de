package api

import (
	"context"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// surveyBody is an invitation as its person sees it.
type surveyBody struct {
	ID            string              `json:"id"`
	State         string              `json:"state"`
	Anonymous     bool                `json:"anonymous"`
	Report        string              `json:"report_id,omitempty"`
	Questionnaire *form.Questionnaire `json:"questionnaire"`
	Answers       form.Answers        `json:"answers,omitempty"`
	Invited       time.Time           `json:"invited_at"`
	Until         time.Time           `json:"until"`
}

// ListSurveys lists what the caller is asked.
func (s *Server) ListSurveys(ctx context.Context, _ gen.ListSurveysRequestObject) (gen.ListSurveysResponseObject, error) {
	all, err := s.Programmes.Asked(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return s.surveyList(all), nil
}

// GetSurvey reads one of them.
func (s *Server) GetSurvey(ctx context.Context, r gen.GetSurveyRequestObject) (gen.GetSurveyResponseObject, error) {
	asked, err := s.Programmes.AskedOne(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return document{body: s.survey(asked)}, nil
}

// RespondSurvey takes the caller's answers.
func (s *Server) RespondSurvey(ctx context.Context, r gen.RespondSurveyRequestObject) (gen.RespondSurveyResponseObject, error) {
	asked, err := s.respond(ctx, r.Id, r.Body)
	if err != nil {
		return nil, err
	}
	return document{body: s.survey(asked)}, nil
}

// RefuseSurvey notes that the caller does not want to answer.
func (s *Server) RefuseSurvey(ctx context.Context, r gen.RefuseSurveyRequestObject) (gen.RefuseSurveyResponseObject, error) {
	return gen.RefuseSurvey204Response{}, s.Programmes.Refuse(ctx, actorOf(ctx), r.Id)
}

// DeskSurveys lists what somebody who calls is asked.
func (s *Server) DeskSurveys(ctx context.Context, r gen.DeskSurveysRequestObject) (gen.DeskSurveysResponseObject, error) {
	citizen, err := s.Accounts.FindCitizen(ctx, actorOf(ctx), r.Params.Phone)
	if fault.CodeOf(err) == fault.NotFound {
		return s.surveyList(nil), nil
	}
	if err != nil {
		return nil, err
	}
	all, err := s.Programmes.AskedOf(ctx, actorOf(ctx), citizen)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Answers = nil
	}
	return s.surveyList(all), nil
}

// DeskRespond takes down the answers of somebody who calls. They are not shown again: what was kept before may be the person's own.
func (s *Server) DeskRespond(ctx context.Context, r gen.DeskRespondRequestObject) (gen.DeskRespondResponseObject, error) {
	asked, err := s.respond(ctx, r.Id, r.Body)
	if err != nil {
		return nil, err
	}
	body := s.survey(asked)
	body.Answers = nil
	return document{body: body}, nil
}

// DeskRefuse notes that somebody who calls does not want to answer.
func (s *Server) DeskRefuse(ctx context.Context, r gen.DeskRefuseRequestObject) (gen.DeskRefuseResponseObject, error) {
	return gen.DeskRefuse204Response{}, s.Programmes.Refuse(ctx, actorOf(ctx), r.Id)
}

func (s *Server) respond(ctx context.Context, id string, b *gen.SurveyResponse) (*surveys.Asked, error) {
	language := text(b.Language)
	if language == "" {
		language = languageOf(ctx)
	}
	return s.Programmes.Respond(ctx, actorOf(ctx), id,
		surveys.Submission{Answers: form.Answers(b.Answers), Complete: b.Complete, Language: language})
}

func (s *Server) surveyList(all []surveys.Asked) document {
	items := make([]surveyBody, len(all))
	for i := range all {
		items[i] = s.survey(&all[i])
	}
	return document{body: list[surveyBody]{items}}
}

// survey leaves out who wrote the questionnaire: that is nothing for those who are asked.
func (s *Server) survey(x *surveys.Asked) surveyBody {
	q := *x.Questionnaire
	q.By = ""
	i := x.Invitation
	return surveyBody{ID: i.ID, State: surveyState(x, s.Programmes.Now()), Anonymous: i.Anonymous, Report: i.Report, Questionnaire: &q,
		Answers: x.Answers,
		Invited: i.Invited, Until: i.Until}
}

func surveyState(x *surveys.Asked, now time.Time) string {
	switch i := x.Invitation; i.State {
	case surveys.InvitationComplete, surveys.InvitationRefused:
		return string(i.State)
	case surveys.InvitationInvited, surveys.InvitationPartial:
		if now.Before(i.Until) && !x.Over {
			return map[surveys.InvitationState]string{surveys.InvitationInvited: "open", surveys.InvitationPartial: "partial"}[i.State]
		}
	}
	return "over"
}
