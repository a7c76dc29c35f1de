package api

import (
	"cmp"
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// AdminListReplies lists the templates for replies.
func (s *Server) AdminListReplies(ctx context.Context, _ gen.AdminListRepliesRequestObject) (gen.AdminListRepliesResponseObject, error) {
	all := s.Reports.Catalogue().Replies
	items := make([]gen.ReplyTemplate, len(all))
	for i, r := range all {
		items[i] = replyBody(r, languageOf(ctx))
	}
	return gen.AdminListReplies200JSONResponse{Items: items}, nil
}

// AdminGetReply reads one.
func (s *Server) AdminGetReply(ctx context.Context, r gen.AdminGetReplyRequestObject) (gen.AdminGetReplyResponseObject, error) {
	x, ok := s.Reports.Catalogue().Reply(r.Code)
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return gen.AdminGetReply200JSONResponse{Body: replyBody(x, languageOf(ctx)), Headers: gen.AdminGetReply200ResponseHeaders{ETag: revisionTag(x.Rev)}}, nil
}

// AdminPutReply creates or replaces one.
func (s *Server) AdminPutReply(ctx context.Context, r gen.AdminPutReplyRequestObject) (gen.AdminPutReplyResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	x, err := s.Reports.PutReply(ctx, actorOf(ctx), reports.Reply{Code: r.Code, Names: r.Body.Names, Texts: r.Body.Texts, Categories: r.Body.Categories,
		Order: value(r.Body.Order)}, rev)
	if err != nil {
		return nil, err
	}
	return gen.AdminPutReply200JSONResponse{Body: replyBody(x, languageOf(ctx)), Headers: gen.AdminPutReply200ResponseHeaders{ETag: revisionTag(x.Rev)}}, nil
}

// AdminDeleteReply removes one.
func (s *Server) AdminDeleteReply(ctx context.Context, r gen.AdminDeleteReplyRequestObject) (gen.AdminDeleteReplyResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	return gen.AdminDeleteReply204Response{}, s.Reports.DeleteReply(ctx, actorOf(ctx), r.Code, rev)
}

func replyBody(r reports.Reply, language string) gen.ReplyTemplate {
	return gen.ReplyTemplate{Code: r.Code, Name: r.Names[language], Names: r.Names, Texts: r.Texts, Categories: orEmpty(r.Categories), Order: r.Order, Rev: &r.Rev}
}

// DeskReplies lists the templates for a category, in the language of a report.
func (s *Server) DeskReplies(ctx context.Context, r gen.DeskRepliesRequestObject) (gen.DeskRepliesResponseObject, error) {
	language := cmp.Or(text(r.Params.Language), languageOf(ctx))
	items := []gen.DeskReply{}
	for _, x := range s.Reports.Catalogue().RepliesFor(text(r.Params.Category)) {
		items = append(items, gen.DeskReply{Code: x.Code, Name: x.Names[languageOf(ctx)], Text: x.Texts[language], Language: gen.Language(language)})
	}
	return gen.DeskReplies200JSONResponse{Items: items}, nil
}
