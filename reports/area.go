package reports

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"github.com/balagh/balagh/fault"
)

// What an area may hold.
const (
	maxAreaPoints = 100_000
	maxAreaBytes  = 8 << 20
)

// Point is a place on the map, in degrees of WGS 84.
type Point struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Validate refuses what is not on the map (NaN and infinities among it), at place/latitude and place/longitude.
func (p Point) Validate() error {
	var faults fault.Fields
	if !(math.Abs(p.Latitude) <= 90) { // false for NaN
		faults.Add("place/latitude", fault.OutOfRange)
	}
	if !(math.Abs(p.Longitude) <= 180) {
		faults.Add("place/longitude", fault.OutOfRange)
	}
	return faults.Err()
}

// Area is a part of the map that a centre serves. It is never changed.
type Area struct {
	polygons []orb.Polygon
	bounds   []orb.Bound // of each polygon
	bound    orb.Bound   // of all
	size     float64     // in square degrees: good for comparing neighbours
}

// ParseArea reads a GeoJSON Polygon or MultiPolygon (RFC 7946): closed rings of at least four positions on the map, at most
// 100,000 in all. The fault is told at "area".
func ParseArea(raw json.RawMessage) (*Area, error) {
	if len(raw) > maxAreaBytes {
		return nil, fault.At("area", fault.TooMany)
	}
	var geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	}
	if json.Unmarshal(raw, &geometry) != nil {
		return nil, fault.At("area", fault.WrongFormat)
	}
	// Positions are lists of any length here: reading them into pairs would take a missing number for 0.
	var polygons [][][][]float64
	var err error
	switch geometry.Type {
	case "Polygon":
		polygons = make([][][][]float64, 1)
		err = json.Unmarshal(geometry.Coordinates, &polygons[0])
	case "MultiPolygon":
		err = json.Unmarshal(geometry.Coordinates, &polygons)
	default:
		return nil, fault.At("area", fault.WrongType)
	}
	if err != nil || len(polygons) == 0 {
		return nil, fault.At("area", fault.WrongFormat)
	}
	area := &Area{}
	points := 0
	for _, p := range polygons {
		for _, ring := range p {
			points += len(ring)
		}
		if points > maxAreaPoints {
			return nil, fault.At("area", fault.TooMany)
		}
		if reason := area.add(p); reason != "" {
			return nil, fault.At("area", reason)
		}
	}
	return area, nil
}

func (a *Area) add(rings [][][]float64) fault.Reason {
	polygon := make(orb.Polygon, 0, len(rings))
	for _, positions := range rings {
		ring := make(orb.Ring, 0, len(positions))
		for _, position := range positions {
			if len(position) < 2 || len(position) > 3 { // the third is a height
				return fault.WrongFormat
			}
			if (Point{Latitude: position[1], Longitude: position[0]}).Validate() != nil {
				return fault.OutOfRange
			}
			ring = append(ring, orb.Point{position[0], position[1]})
		}
		if len(ring) < 4 || !ring.Closed() {
			return fault.WrongFormat
		}
		polygon = append(polygon, ring)
	}
	size := math.Abs(planar.Area(polygon))
	if !(size > 0) {
		return fault.WrongFormat
	}
	bound := polygon.Bound()
	if a.polygons == nil {
		a.bound = bound
	}
	a.bound = a.bound.Union(bound)
	a.polygons, a.bounds, a.size = append(a.polygons, polygon), append(a.bounds, bound), a.size+size
	return ""
}

// Contains reports whether p lies in the area. Degrees are taken as a plane, as GeoJSON means them; of two areas that share a
// border, one has it.
func (a *Area) Contains(p Point) bool {
	point := orb.Point{p.Longitude, p.Latitude}
	if !a.bound.Contains(point) {
		return false
	}
	for i, polygon := range a.polygons {
		if a.bounds[i].Contains(point) && inside(polygon, point) {
			return true
		}
	}
	return false
}

// inside counts the edges that a ray from the point to the east crosses: an odd number from within, holes included
// (M. Shimrat, "Algorithm 112: Position of point relative to polygon", CACM 5, 1962). orb's planar.PolygonContains does the
// same ten times slower, and every report that is filed waits for it.
func inside(polygon orb.Polygon, p orb.Point) bool {
	in := false
	for _, ring := range polygon {
		for i := 1; i < len(ring); i++ {
			a, b := &ring[i-1], &ring[i]
			if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1]) {
				in = !in
			}
		}
	}
	return in
}

// Index finds the area that a point lies in. It is never changed, so any number of goroutines may read it.
type Index struct {
	areas []*Area
	codes []string
}

// NewIndex of areas by their codes; those that are nil are left out.
func NewIndex(areas map[string]*Area) *Index {
	x := &Index{}
	for code, area := range areas {
		if area != nil {
			x.codes = append(x.codes, code)
		}
	}
	slices.SortFunc(x.codes, func(a, b string) int {
		return cmp.Or(cmp.Compare(areas[a].size, areas[b].size), strings.Compare(a, b))
	})
	for _, code := range x.codes {
		x.areas = append(x.areas, areas[code])
	}
	return x
}

// coastSlack is how far outside every area a point may lie, in metres: published borders are simplified, so that a corniche or a
// port can lie in their sea, and a phone's own position is some metres off.
const coastSlack = 3_000

// Find is the code of the smallest area that contains p, so that a city's centre goes before its region's; or of the nearest
// one, when none contains p and that one is within coastSlack.
func (x *Index) Find(p Point) (code string, ok bool) {
	for i, area := range x.areas {
		if area.Contains(p) {
			return x.codes[i], true
		}
	}
	nearest := float64(coastSlack)
	for i, area := range x.areas {
		if d := area.distance(p, nearest); d < nearest {
			nearest, code, ok = d, x.codes[i], true
		}
	}
	return code, ok
}

// distance from p to the border of the area in metres, on the plane that touches the earth at p; limit when it is farther.
func (a *Area) distance(p Point, limit float64) float64 {
	metre := degrees(1 / earthRadius) // of latitude
	squeeze := max(math.Cos(radians(p.Latitude)), 1e-9)
	pad := limit * metre / squeeze
	at := orb.Point{p.Longitude, p.Latitude}
	for i, polygon := range a.polygons {
		if !a.bounds[i].Pad(pad).Contains(at) {
			continue
		}
		for _, ring := range polygon {
			for j := 1; j < len(ring); j++ {
				b, c := flat(ring[j-1], at, squeeze), flat(ring[j], at, squeeze)
				limit = min(limit, planar.DistanceFromSegment(b, c, orb.Point{})/metre)
			}
		}
	}
	return limit
}

// flat is q as seen from p, in degrees of latitude each way.
func flat(q, p orb.Point, squeeze float64) orb.Point {
	return orb.Point{(q[0] - p[0]) * squeeze, q[1] - p[1]}
}

// earthRadius is the mean radius R₁ of the GRS 80 ellipsoid in metres (H. Moritz, "Geodetic Reference System 1980").
const earthRadius = 6_371_008.8

// Distance between two points in metres, on a sphere, by the haversine formula (R. W. Sinnott, "Virtues of the Haversine",
// Sky and Telescope 68, 1984): wrong by at most 0.6 %, as the earth is flattened.
func Distance(a, b Point) float64 {
	φ1, φ2 := radians(a.Latitude), radians(b.Latitude)
	sinφ, sinλ := math.Sin((φ2-φ1)/2), math.Sin(radians(b.Longitude-a.Longitude)/2)
	h := sinφ*sinφ + math.Cos(φ1)*math.Cos(φ2)*sinλ*sinλ
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }
func degrees(radians float64) float64 { return radians * (180 / math.Pi) }

// The grid of cells: 0.005° each way, so at most 557 m.
const (
	cellsPerDegree = 200
	rows           = 180 * cellsPerDegree
	columns        = 360 * cellsPerDegree
)

// CellRange is a run of grid cells, both ends included.
type CellRange struct{ From, To int64 }

// Cell is the grid cell of p, which must be on the map: a key by which an ordinary index finds what is near.
func Cell(p Point) int64 { return row(p.Latitude)*columns + column(p.Longitude)%columns }

func row(latitude float64) int64 {
	return min(max(int64(math.Floor((latitude+90)*cellsPerDegree)), 0), rows-1)
}

func column(longitude float64) int64 { return int64(math.Floor((longitude + 180) * cellsPerDegree)) }

// Cells are the runs of cells, in ascending order and apart from one another, in which every point within radius metres of
// p lies: one for each row of the grid, two where the date line is near. They hold points that are farther, too: Distance
// tells. A radius of 5 km gives about 20.
//
// How far a circle reaches to the east and the west: J. P. Matuschek, "Finding Points Within a Distance of a
// Latitude/Longitude Using Bounding Coordinates".
func Cells(p Point, radius float64) []CellRange {
	const margin = 1e-7 // degrees, a centimetre: more than rounding can do
	angle := max(radius, 0) / earthRadius
	south, north := p.Latitude-degrees(angle)-margin, p.Latitude+degrees(angle)+margin
	first, last := row(south), row(north)
	if south <= -90 || north >= 90 { // a pole is within: every longitude
		return []CellRange{{first * columns, last*columns + columns - 1}}
	}
	reach := degrees(math.Asin(min(math.Sin(angle)/math.Cos(radians(p.Latitude)), 1))) + margin
	west, east := column(p.Longitude-reach), column(p.Longitude+reach)
	if east-west >= columns-1 {
		return []CellRange{{first * columns, last*columns + columns - 1}}
	}
	ranges := make([]CellRange, 0, 2*(last-first+1))
	for start := first * columns; start <= last*columns; start += columns {
		from, to := (west+columns)%columns, east%columns
		if from <= to {
			ranges = append(ranges, CellRange{start + from, start + to})
		} else {
			ranges = append(ranges, CellRange{start, start + to}, CellRange{start + from, start + columns - 1})
		}
	}
	return ranges
}
