package demo

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/planar"
)

// atMosque is the share of reports that are filed at a mosque; the others come from anywhere in the region.
const atMosque = .85

// country is where the citizens are: the regions by how many live there.
type country struct {
	centres []Centre
	areas   map[string]orb.MultiPolygon // by centre
	mosques map[string][]Mosque         // by centre
	weight  int
}

func newCountry(o Organisation) (*country, error) {
	c := &country{areas: map[string]orb.MultiPolygon{}, mosques: map[string][]Mosque{}}
	for _, x := range o.Centres {
		if x.Weight == 0 || len(x.Body.Area) == 0 {
			continue
		}
		area, err := polygons(x.Body.Area)
		if err != nil {
			return nil, fmt.Errorf("the area of %s: %w", x.Code, err)
		}
		c.areas[x.Code] = area
		c.centres = append(c.centres, x)
		c.weight += x.Weight
	}
	for _, m := range o.Mosques {
		c.mosques[m.Centre] = append(c.mosques[m.Centre], m)
	}
	return c, nil
}

func polygons(area json.RawMessage) (orb.MultiPolygon, error) {
	g, err := geojson.UnmarshalGeometry(area)
	if err != nil {
		return nil, err
	}
	switch g := g.Geometry().(type) {
	case orb.Polygon:
		return orb.MultiPolygon{g}, nil
	case orb.MultiPolygon:
		return g, nil
	}
	return nil, fmt.Errorf("a %s is no area", g.Type)
}

// somewhere is a point in one of the regions, and a mosque of that region which the report is about.
func (c *country) somewhere(rng *rand.Rand) (point, Mosque) {
	n := rng.IntN(c.weight)
	i := 0
	for ; n >= c.centres[i].Weight; i++ {
		n -= c.centres[i].Weight
	}
	code := c.centres[i].Code
	m := c.mosques[code][rng.IntN(len(c.mosques[code]))]
	if rng.Float64() < atMosque {
		const around = .0015 // degrees, some 150 metres
		return rounded(m.Latitude+around*(2*rng.Float64()-1), m.Longitude+around*(2*rng.Float64()-1)), m
	}
	return within(c.areas[code], rng), m
}

// within draws points from the box around an area until one lies inside. Of an area that hardly fills its box it gives, after
// many, the middle of its first polygon's first edge: a point is always given.
func within(area orb.MultiPolygon, rng *rand.Rand) point {
	b := area.Bound()
	for range 10_000 {
		lon := b.Min[0] + rng.Float64()*(b.Max[0]-b.Min[0])
		lat := b.Min[1] + rng.Float64()*(b.Max[1]-b.Min[1])
		p := rounded(lat, lon)
		if planar.MultiPolygonContains(area, orb.Point{p.Longitude, p.Latitude}) {
			return p
		}
	}
	r := area[0][0]
	return rounded((r[0][1]+r[1][1])/2, (r[0][0]+r[1][0])/2)
}

// rounded keeps six decimals, about ten centimetres.
func rounded(lat, lon float64) point {
	return point{math.Round(lat*1e6) / 1e6, math.Round(lon*1e6) / 1e6}
}

// metres between two points, near enough for neighbours.
func metres(a, b point) float64 {
	const degree = 111_195
	dx := (a.Longitude - b.Longitude) * math.Cos(a.Latitude*math.Pi/180)
	return degree * math.Hypot(a.Latitude-b.Latitude, dx)
}
