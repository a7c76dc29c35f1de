package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// ListTemplates lists the texts in force.
func (s *Server) ListTemplates(ctx context.Context, _ gen.ListTemplatesRequestObject) (gen.ListTemplatesResponseObject, error) {
	all, err := s.Push.Templates(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	items, err := s.templates(ctx, all)
	return gen.ListTemplates200JSONResponse{Items: items}, err
}

// GetTemplate reads one of them.
func (s *Server) GetTemplate(ctx context.Context, r gen.GetTemplateRequestObject) (gen.GetTemplateResponseObject, error) {
	all, err := s.Push.Templates(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if string(t.Kind) == string(r.Kind) && t.Channel == string(r.Channel) {
			body, err := s.templateBody(ctx, t)
			return gen.GetTemplate200JSONResponse{Body: body, Headers: gen.GetTemplate200ResponseHeaders{ETag: revisionTag(int64(t.Version))}}, err
		}
	}
	return nil, fault.New(fault.NotFound)
}

// PutTemplate writes the next version of a text.
func (s *Server) PutTemplate(ctx context.Context, r gen.PutTemplateRequestObject) (gen.PutTemplateResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	var seen *int
	if rev != nil {
		seen = new(int(*rev))
	}
	t, err := s.Push.PutTemplate(ctx, actorOf(ctx), push.Template{Kind: push.Kind(r.Kind), Channel: string(r.Channel), Texts: textsOf(r.Body.Texts)},
		seen, value(r.Params.DryRun))
	if err != nil {
		return nil, err
	}
	body, err := s.templateBody(ctx, t)
	return gen.PutTemplate200JSONResponse{Body: body, Headers: gen.PutTemplate200ResponseHeaders{ETag: revisionTag(int64(t.Version))}}, err
}

// ListTemplateVersions lists all that a text ever was.
func (s *Server) ListTemplateVersions(ctx context.Context, r gen.ListTemplateVersionsRequestObject) (gen.ListTemplateVersionsResponseObject, error) {
	all, err := s.Push.TemplateVersions(ctx, actorOf(ctx), push.Kind(r.Kind), string(r.Channel))
	if err != nil {
		return nil, err
	}
	items, err := s.templates(ctx, all)
	return gen.ListTemplateVersions200JSONResponse{Items: items}, err
}

// PreviewTemplate shows a text as it would be sent.
func (s *Server) PreviewTemplate(ctx context.Context, r gen.PreviewTemplateRequestObject) (gen.PreviewTemplateResponseObject, error) {
	all, err := s.Push.PreviewTemplate(ctx, actorOf(ctx), push.Template{Kind: push.Kind(r.Kind), Channel: string(r.Channel), Texts: textsOf(r.Body.Texts)},
		text(r.Body.Number))
	if err != nil {
		return nil, err
	}
	items := make([]gen.TemplatePreview, len(all))
	for i, p := range all {
		items[i] = gen.TemplatePreview{Language: gen.Language(p.Language), Title: p.Title, Body: p.Body, Bytes: p.Bytes, Encoding: orNil(p.Encoding)}
		if p.Segments > 0 {
			items[i].Segments = &p.Segments
		}
	}
	return gen.PreviewTemplate200JSONResponse{Items: items}, nil
}

func (s *Server) templates(ctx context.Context, all []push.Template) ([]gen.Template, error) {
	items := make([]gen.Template, len(all))
	for i, t := range all {
		var err error
		if items[i], err = s.templateBody(ctx, t); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (s *Server) templateBody(ctx context.Context, t push.Template) (gen.Template, error) {
	by, err := s.assignee(ctx, t.By)
	return gen.Template{Kind: gen.TemplateKind(t.Kind), Channel: gen.StepChannel(t.Channel), Version: t.Version, Texts: textsBody(t.Texts),
		By: by, At: timeOrNil(t.At)}, err
}

func textsOf(texts gen.MessageTexts) map[string]push.Text {
	all := make(map[string]push.Text, len(texts))
	for lang, t := range texts {
		all[lang] = push.Text{Title: text(t.Title), Body: t.Body}
	}
	return all
}

func textsBody(texts map[string]push.Text) gen.MessageTexts {
	all := make(gen.MessageTexts, len(texts))
	for lang, t := range texts {
		all[lang] = gen.MessageText{Title: orNil(t.Title), Body: t.Body}
	}
	return all
}
