package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys/form"
)

// questionnaireBody is a questionnaire with the name of who wrote it.
type questionnaireBody struct {
	*form.Questionnaire
	ByName string `json:"by_name,omitempty"`
}

// ListQuestionnaires lists the newest versions.
func (s *Server) ListQuestionnaires(ctx context.Context,
	_ gen.ListQuestionnairesRequestObject) (gen.ListQuestionnairesResponseObject, error) {
	all, err := s.Programmes.Questionnaires(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return s.questionnaireList(ctx, all)
}

// ListQuestionnaireVersions lists all of one.
func (s *Server) ListQuestionnaireVersions(ctx context.Context,
	r gen.ListQuestionnaireVersionsRequestObject) (gen.ListQuestionnaireVersionsResponseObject, error) {
	all, err := s.Programmes.QuestionnaireVersions(ctx, actorOf(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	return s.questionnaireList(ctx, all)
}

// GetQuestionnaire reads the newest version.
func (s *Server) GetQuestionnaire(ctx context.Context, r gen.GetQuestionnaireRequestObject) (gen.GetQuestionnaireResponseObject,
	error) {
	q, err := s.Programmes.Questionnaire(ctx, actorOf(ctx), r.Code, 0)
	if err != nil {
		return nil, err
	}
	return s.questionnaire(ctx, q)
}

// GetQuestionnaireVersion reads any version.
func (s *Server) GetQuestionnaireVersion(ctx context.Context,
	r gen.GetQuestionnaireVersionRequestObject) (gen.GetQuestionnaireVersionResponseObject, error) {
	q, err := s.Programmes.Questionnaire(ctx, actorOf(ctx), r.Code, r.Version)
	if err != nil {
		return nil, err
	}
	return s.questionnaire(ctx, q)
}

// PutQuestionnaire writes the next version.
func (s *Server) PutQuestionnaire(ctx context.Context, r gen.PutQuestionnaireRequestObject) (gen.PutQuestionnaireResponseObject,
	error) {
	q, err := into[form.Questionnaire](r.Body)
	if err != nil {
		return nil, err
	}
	return s.writeQuestionnaire(ctx, r.Code, q, r.Params.IfMatch, value(r.Params.DryRun))
}

func (s *Server) writeQuestionnaire(ctx context.Context, code string, q form.Questionnaire, ifMatch *string,
	dryRun bool) (document, error) {
	rev, err := revisionOf(ifMatch)
	if err != nil {
		return document{}, err
	}
	var seen *int
	if rev != nil {
		seen = new(int(*rev))
	}
	q.Code = code
	stored, err := s.Programmes.PutQuestionnaire(ctx, actorOf(ctx), q, seen, dryRun)
	if err != nil {
		return document{}, err
	}
	return s.questionnaire(ctx, stored)
}

func (s *Server) questionnaire(ctx context.Context, q *form.Questionnaire) (document, error) {
	name, err := s.Accounts.StaffName(ctx, q.By)
	return document{etag: revisionTag(int64(q.Version)), body: questionnaireBody{q, name}}, err
}

func (s *Server) questionnaireList(ctx context.Context, all []*form.Questionnaire) (document, error) {
	items := make([]questionnaireBody, len(all))
	for i, q := range all {
		name, err := s.Accounts.StaffName(ctx, q.By)
		if err != nil {
			return document{}, err
		}
		items[i] = questionnaireBody{q, name}
	}
	return document{body: list[questionnaireBody]{items}}, nil
}
