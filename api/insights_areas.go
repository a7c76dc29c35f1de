package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
)

// Areas are the areas of the centres, for maps of figures.
func (s *Server) Areas(ctx context.Context, _ gen.AreasRequestObject) (gen.AreasResponseObject, error) {
	all, err := s.Reports.Outlines(actorOf(ctx))
	if err != nil {
		return nil, err
	}
	body := gen.AreaList{Items: make([]gen.AreaOfCentre, len(all))}
	for i, o := range all {
		body.Items[i] = gen.AreaOfCentre{Centre: o.Centre.Code, Name: o.Centre.Names[languageOf(ctx)], Region: orNil(o.Centre.Region), Area: o.Area}
	}
	return gen.Areas200JSONResponse(body), nil
}
