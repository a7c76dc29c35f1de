package api

import (
	"context"
	"maps"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
)

// programmeBody is a programme with the name of who wrote it.
type programmeBody struct {
	surveys.Programme
	ByName string `json:"by_name,omitempty"`
}

// ListProgrammes lists every one.
func (s *Server) ListProgrammes(ctx context.Context, _ gen.ListProgrammesRequestObject) (gen.ListProgrammesResponseObject, error) {
	all, err := s.Programmes.ProgrammesAll(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	items := make([]programmeBody, len(all))
	for i, p := range all {
		if items[i], err = s.programme(ctx, p); err != nil {
			return nil, err
		}
	}
	return document{body: list[programmeBody]{items}}, nil
}

// GetProgramme reads one.
func (s *Server) GetProgramme(ctx context.Context, r gen.GetProgrammeRequestObject) (gen.GetProgrammeResponseObject, error) {
	p, err := s.Programmes.Programme(ctx, actorOf(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	body, err := s.programme(ctx, p)
	return document{etag: revisionTag(p.Rev), body: body}, err
}

// PutProgramme writes one, and says what it would do.
func (s *Server) PutProgramme(ctx context.Context, r gen.PutProgrammeRequestObject) (gen.PutProgrammeResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	x, err := into[surveys.Programme](r.Body)
	if err != nil {
		return nil, err
	}
	x.Code = r.Code
	confirmed := make([]string, len(r.Params.Confirm))
	for i, w := range r.Params.Confirm {
		confirmed[i] = string(w)
	}
	p, forecast, err := s.Programmes.PutProgramme(ctx, actorOf(ctx), x, rev, confirmed, value(r.Params.DryRun))
	if err != nil {
		return nil, err
	}
	body, err := s.programme(ctx, p)
	return document{etag: revisionTag(p.Rev), body: struct {
		Programme programmeBody `json:"programme"`
		Forecast  *gen.Forecast `json:"forecast,omitempty"`
	}{body, forecastBody(forecast)}}, err
}

// ForecastProgramme says what a round that began now would do.
func (s *Server) ForecastProgramme(ctx context.Context,
	r gen.ForecastProgrammeRequestObject) (gen.ForecastProgrammeResponseObject, error) {
	f, err := s.Programmes.Forecast(ctx, actorOf(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	return gen.ForecastProgramme200JSONResponse(*forecastBody(f)), nil
}

func (s *Server) programme(ctx context.Context, p *surveys.Programme) (programmeBody, error) {
	name, err := s.Accounts.StaffName(ctx, p.By)
	return programmeBody{wholeProgramme(*p), name}, err
}

// wholeProgramme has empty lists where there are none: the contract promises them.
func wholeProgramme(p surveys.Programme) surveys.Programme {
	p.Reminders, p.Channels = orEmpty(p.Reminders), orEmpty(p.Channels)
	if p.Weighting.Method == "" {
		p.Weighting.Method = surveys.Unweighted
	}
	if p.Sample.Method == "" { // after cases
		p.Sample.Method = surveys.DrawAll
	}
	return p
}

func wholeDrawn(d surveys.Drawn) surveys.Drawn {
	d.Strata, d.Excluded, d.Cells = orEmpty(d.Strata), orNone(d.Excluded), orNone(d.Cells)
	margins := make(map[surveys.Dimension]map[string]int, len(d.Margins))
	for by, values := range d.Margins {
		margins[by] = orNone(values)
	}
	d.Margins = margins
	return d
}

// orNone makes an absent map one without entries, for the same reason as orEmpty.
func orNone[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}

// forecastBody is nil for none.
func forecastBody(f *surveys.Forecast) *gen.Forecast {
	if f == nil {
		return nil
	}
	body := &gen.Forecast{Population: f.Population, Excluded: orNone(maps.Clone(f.Excluded)), Eligible: f.Eligible,
		Invitations: f.Invitations,
		Strata:      make([]gen.DrawnStratum, len(f.Strata)), Warnings: make([]gen.ProgrammeWarning, len(f.Warnings)),
		Next: orEmpty(f.Next)}
	for i, x := range f.Strata {
		body.Strata[i] = gen.DrawnStratum{Key: x.Key, Population: x.Population, Eligible: x.Eligible, Sampled: x.Sampled}
	}
	for i, w := range f.Warnings {
		body.Warnings[i] = gen.ProgrammeWarning(w)
	}
	if f.Expected > 0 {
		body.ExpectedAnswers = &f.Expected
	}
	return body
}
