package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api/gen"
)

// ListFilters lists the filters that the caller keeps.
func (s *Server) ListFilters(ctx context.Context, _ gen.ListFiltersRequestObject) (gen.ListFiltersResponseObject, error) {
	all, err := s.Accounts.Filters(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	items := make([]gen.SavedFilter, len(all))
	for i, f := range all {
		if items[i], err = filterBody(f); err != nil {
			return nil, err
		}
	}
	return gen.ListFilters200JSONResponse{Items: items}, nil
}

// GetFilter reads one of them.
func (s *Server) GetFilter(ctx context.Context, r gen.GetFilterRequestObject) (gen.GetFilterResponseObject, error) {
	f, err := s.Accounts.Filter(ctx, actorOf(ctx), r.Name)
	if err != nil {
		return nil, err
	}
	body, err := filterBody(f)
	return gen.GetFilter200JSONResponse(body), err
}

// PutFilter keeps one.
func (s *Server) PutFilter(ctx context.Context, r gen.PutFilterRequestObject) (gen.PutFilterResponseObject, error) {
	b, err := json.Marshal(r.Body)
	if err != nil {
		return nil, fmt.Errorf("keep a filter: %w", err)
	}
	if err := s.Accounts.PutFilter(ctx, actorOf(ctx), accounts.Filter{Name: r.Name, Query: b}); err != nil {
		return nil, err
	}
	return gen.PutFilter200JSONResponse{Name: r.Name, Query: *r.Body}, nil
}

// DeleteFilter forgets one.
func (s *Server) DeleteFilter(ctx context.Context, r gen.DeleteFilterRequestObject) (gen.DeleteFilterResponseObject, error) {
	return gen.DeleteFilter204Response{}, s.Accounts.DeleteFilter(ctx, actorOf(ctx), r.Name)
}

func filterBody(f accounts.Filter) (gen.SavedFilter, error) {
	body := gen.SavedFilter{Name: f.Name}
	if err := json.Unmarshal(f.Query, &body.Query); err != nil {
		return body, fmt.Errorf("a kept filter: %w", err)
	}
	return body, nil
}
