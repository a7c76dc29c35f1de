package reports

import (
	"encoding/json"
	"fmt"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/simplify"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// outlineDegrees is by how much a border of an Outline may differ from that of the area: about a kilometre.
const outlineDegrees = 0.01

// Outline is the area of a centre as a map shows it.
type Outline struct {
	Centre Centre          // without its area
	Area   json.RawMessage // GeoJSON MultiPolygon
}

// Outlines are those of the active centres that have an area, by code, for managers and administrators. Error: fault.Forbidden.
func (s *Service) Outlines(a actor.Actor) ([]Outline, error) {
	if !a.Is(actor.Manager, actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	var all []Outline
	for _, c := range s.Catalogue().Centres {
		if !c.Active || len(c.Area) == 0 {
			continue
		}
		area, err := ParseArea(c.Area)
		if err != nil {
			return nil, fmt.Errorf("area of centre %s: %w", c.Code, err)
		}
		drawn, err := json.Marshal(geojson.NewGeometry(area.outline()))
		if err != nil {
			return nil, fmt.Errorf("outline of centre %s: %w", c.Code, err)
		}
		c.Area = nil
		all = append(all, Outline{Centre: c, Area: drawn})
	}
	return all, nil
}

// outline leaves out islands and lakes that would be no more than a dot; the largest part always stays.
func (a *Area) outline() orb.MultiPolygon {
	var drawn orb.MultiPolygon
	largest := 0
	for i, p := range a.polygons {
		if extent(a.bounds[i]) > extent(a.bounds[largest]) {
			largest = i
		}
		var rings orb.Polygon
		for n, ring := range p {
			if r := simplify.DouglasPeucker(outlineDegrees).Ring(ring.Clone()); len(r) >= 4 {
				rings = append(rings, r)
			} else if n == 0 {
				break
			}
		}
		if len(rings) > 0 {
			drawn = append(drawn, rings)
		}
	}
	if len(drawn) == 0 {
		return orb.MultiPolygon{a.polygons[largest]}
	}
	return drawn
}

func extent(b orb.Bound) float64 { return (b.Max[0] - b.Min[0]) * (b.Max[1] - b.Min[1]) }
