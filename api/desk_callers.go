package api

import (
	"cmp"
	"context"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// DeskCallers says who calls, by phone or by the number of a report, and what they reported lately.
func (s *Server) DeskCallers(ctx context.Context, r gen.DeskCallersRequestObject) (gen.DeskCallersResponseObject, error) {
	phone, number := r.Params.Phone, r.Params.Number
	switch {
	case phone == nil && number == nil:
		return nil, fault.At("phone", fault.Required)
	case phone != nil && number != nil:
		return nil, fault.At("number", fault.Contradicted)
	}
	a, body := actorOf(ctx), gen.DeskCallers200JSONResponse{Reports: []gen.DeskSummary{}}
	if err := s.Accounts.TakeLookup(ctx, a); err != nil {
		return nil, err
	}
	var citizen string
	var list []reports.Summary
	var err error
	if phone != nil {
		citizen, err = s.Accounts.FindCitizen(ctx, a, *phone)
	} else {
		var found *reports.Report
		if found, err = s.Reports.ByNumber(ctx, a, *number); err == nil {
			citizen, list = found.Citizen, []reports.Summary{found.Summary()}
		}
	}
	if fault.CodeOf(err) == fault.NotFound {
		return body, nil
	}
	if err != nil {
		return nil, err
	}
	if citizen != "" { // a report without an account has nobody
		if list, err = s.Reports.LatestOf(ctx, a, citizen); err != nil {
			return nil, err
		}
		c, err := s.Accounts.Caller(ctx, a, citizen)
		if err != nil {
			return nil, err
		}
		body.Caller = callerBody(c)
	}
	body.Reports, err = s.deskSummaries(ctx, list)
	return body, err
}

func callerBody(c *accounts.Citizen) *gen.DeskCaller {
	return &gen.DeskCaller{Id: c.ID, Phone: c.Phone, Name: orNil(c.Name), Language: gen.Language(c.Language), Gender: orNil(gen.Gender(c.Gender)),
		Residency: orNil(gen.Residency(c.Residency))}
}

// nearDeskRadius in metres, and how many characters a list shows of a description.
const (
	nearDeskRadius = 500
	nearDeskText   = 200
)

// DeskNearby lists what a new report may be a duplicate of.
func (s *Server) DeskNearby(ctx context.Context, r gen.DeskNearbyRequestObject) (gen.DeskNearbyResponseObject, error) {
	p := r.Params
	found, err := s.Reports.NearbyDesk(ctx, actorOf(ctx), reports.NearSearch{Point: reports.Point{Latitude: p.Latitude, Longitude: p.Longitude},
		Radius: float64(cmp.Or(value(p.RadiusM), nearDeskRadius)), Category: text(p.Category), Limit: limitOf(p.Limit)}, text(p.Q))
	if err != nil {
		return nil, err
	}
	n := s.names(ctx)
	body := gen.DeskNearby200JSONResponse{Items: make([]gen.DeskNear, len(found))}
	for i, x := range found {
		body.Items[i] = gen.DeskNear{Id: x.ID, Number: x.Number, Status: gen.Status(x.Status), Category: n.category(x.Category), Description: beginning(x.Description, nearDeskText),
			Place: placeBody(x.Place), DistanceM: x.Distance, Supports: x.Supports, ReceivedAt: x.ReceivedAt, Centre: n.centre(x.Centre), Department: n.department(x.Department)}
	}
	return body, nil
}

// beginning is a text of at most so many characters, with … where something was left out.
func beginning(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
