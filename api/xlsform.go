package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys/xlsform"
)

// GetXlsform gives a version as a workbook.
func (s *Server) GetXlsform(ctx context.Context, r gen.GetXlsformRequestObject) (gen.GetXlsformResponseObject, error) {
	q, err := s.Programmes.Questionnaire(ctx, actorOf(ctx), r.Code, value(r.Params.Version))
	if err != nil {
		return nil, err
	}
	b, err := xlsform.Export(q)
	if err != nil {
		return nil, err
	}
	return download{name: q.Code + ".xlsx", media: xlsxCT, body: b, etag: revisionTag(int64(q.Version))}, nil
}

// PutXlsform writes the next version from a workbook.
func (s *Server) PutXlsform(ctx context.Context, r gen.PutXlsformRequestObject) (gen.PutXlsformResponseObject, error) {
	q, err := xlsform.Import(r.Body)
	if err != nil {
		return nil, err
	}
	return s.writeQuestionnaire(ctx, r.Code, *q, r.Params.IfMatch, value(r.Params.DryRun))
}
