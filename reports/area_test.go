package reports

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/balagh/balagh/fault"
)

// Two regions side by side, the eastern one with a hole and an island, and a town within the western one.
const (
	western = `{"type":"Polygon","coordinates":[[[40,20],[45,20],[45,25],[40,25],[40,20]]]}`
	eastern = `{"type":"MultiPolygon","coordinates":[` +
		`[[[45,20],[50,20],[50,25],[45,25],[45,20]],[[47,22],[48,22],[48,23],[47,23],[47,22]]],` +
		`[[[52,22,7.5],[53,22,7.5],[52.5,23,7.5],[52,22,7.5]]]]}`
	town = `{"type":"Polygon","coordinates":[[[42,22],[42.5,22],[42.5,22.5],[42,22.5],[42,22]]]}`
)

func area(t testing.TB, raw string) *Area {
	t.Helper()
	a, err := ParseArea(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestIndex_Find(t *testing.T) {
	t.Parallel()
	x := NewIndex(map[string]*Area{"west": area(t, western), "east": area(t, eastern), "town": area(t, town), "none": nil})
	for _, c := range []struct {
		name string
		at   Point
		want string
	}{
		{"west", Point{21, 41}, "west"},
		{"east", Point{21, 46}, "east"},
		{"the smaller of two", Point{22.2, 42.2}, "town"},
		{"beside the town", Point{22.7, 42.2}, "west"},
		{"the hole", Point{22.5, 47.5}, ""},
		{"the island", Point{22.2, 52.5}, "east"},
		{"beside the island", Point{22.9, 52.1}, ""},
		{"the shared border", Point{22.5, 45}, "east"},
		{"the outer border", Point{22.7, 40}, "west"},
		{"a corniche", Point{25.02, 41}, "west"},
		{"too far out at sea", Point{25.03, 41}, ""},
		{"in the sea of an island", Point{22, 53 + 2_900/(earthRadius*math.Pi/180*math.Cos(22*math.Pi/180))}, "east"},
		{"beyond it", Point{22, 53 + 3_100/(earthRadius*math.Pi/180*math.Cos(22*math.Pi/180))}, ""},
		{"swapped", Point{41, 21}, ""},
		{"far away", Point{-22, -42}, ""},
		{"nowhere", Point{math.NaN(), math.NaN()}, ""},
	} {
		if got, ok := x.Find(c.at); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, got, ok)
		}
	}
	if _, ok := NewIndex(nil).Find(Point{}); ok {
		t.Error("found in nothing")
	}
}

func TestParseArea_Refuses(t *testing.T) {
	t.Parallel()
	polygon := func(coordinates string) string { return `{"type":"Polygon","coordinates":` + coordinates + `}` }
	for _, c := range []struct {
		name, raw string
		reason    fault.Reason
	}{
		{"nothing", ``, fault.WrongFormat},
		{"null", `null`, fault.WrongType},
		{"point", `{"type":"Point","coordinates":[1,2]}`, fault.WrongType},
		{"feature", `{"type":"Feature","geometry":` + western + `}`, fault.WrongType},
		{"no coordinates", `{"type":"Polygon"}`, fault.WrongFormat},
		{"no ring", polygon(`[]`), fault.WrongFormat},
		{"null coordinates", polygon(`null`), fault.WrongFormat},
		{"no polygon", `{"type":"MultiPolygon","coordinates":[]}`, fault.WrongFormat},
		{"empty polygon", `{"type":"MultiPolygon","coordinates":[[]]}`, fault.WrongFormat},
		{"empty ring", polygon(`[[]]`), fault.WrongFormat},
		{"open ring", polygon(`[[[0,0],[1,0],[1,1],[0,1]]]`), fault.WrongFormat},
		{"three positions", polygon(`[[[0,0],[1,0],[0,0]]]`), fault.WrongFormat},
		{"half a position", polygon(`[[[0,0],[1],[1,1],[0,0]]]`), fault.WrongFormat},
		{"four numbers", polygon(`[[[0,0],[1,0,0,0],[1,1],[0,0]]]`), fault.WrongFormat},
		{"no numbers", polygon(`[[["0",0],[1,0],[1,1],["0",0]]]`), fault.WrongFormat},
		{"no surface", polygon(`[[[0,0],[1,1],[2,2],[0,0]]]`), fault.WrongFormat},
		{"off the map", polygon(`[[[0,0],[181,0],[1,1],[0,0]]]`), fault.OutOfRange},
		{"too large a number", polygon(`[[[0,0],[1e999,0],[1,1],[0,0]]]`), fault.WrongFormat},
		{"deep", strings.Repeat("[", 100_000), fault.WrongFormat},
		{"too many points", polygon(`[[[0,0]` + strings.Repeat(`,[1,0]`, maxAreaPoints) + `,[0,0]]]`), fault.TooMany},
		{"too many bytes", strings.Repeat(" ", maxAreaBytes+1), fault.TooMany},
	} {
		a, err := ParseArea(json.RawMessage(c.raw))
		if want := fault.At("area", c.reason); a != nil || !reflect.DeepEqual(err, error(want)) {
			t.Errorf("%s: %v, want %v", c.name, err, want)
		}
	}
}

func TestPoint_Validate(t *testing.T) {
	t.Parallel()
	for _, p := range []Point{{}, {90, 180}, {-90, -180}, {24.7136, 46.6753}} {
		if err := p.Validate(); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 180.000001, -1e300} {
		var want fault.Fields
		want.Add("place/latitude", fault.OutOfRange)
		want.Add("place/longitude", fault.OutOfRange)
		if err := (Point{bad, bad}).Validate(); !reflect.DeepEqual(err, want.Err()) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := (Point{90.1, 90.1}).Validate(); !reflect.DeepEqual(err, error(fault.At("place/latitude", fault.OutOfRange))) {
		t.Error(err)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	degree := earthRadius * math.Pi / 180
	for _, c := range []struct {
		name string
		a, b Point
		want float64
	}{
		{"none", Point{24.7, 46.7}, Point{24.7, 46.7}, 0},
		{"a degree north", Point{24, 46}, Point{25, 46}, degree},
		{"a degree along the equator", Point{0, 10}, Point{0, 11}, degree},
		{"over the date line", Point{0, 179.5}, Point{0, -179.5}, degree},
		{"over the pole", Point{89.5, 0}, Point{89.5, 180}, degree},
		{"antipodes", Point{37, 20}, Point{-37, -160}, 180 * degree},
		{"a metre", Point{0, 0}, Point{1 / degree, 0}, 1},
	} {
		if got := Distance(c.a, c.b); !(math.Abs(got-c.want) <= 1e-6*max(c.want, 1)) {
			t.Errorf("%s: %f, want %f", c.name, got, c.want)
		}
	}
	// Riyadh to Jeddah, 848 km on the ellipsoid.
	if got := Distance(Point{24.7136, 46.6753}, Point{21.4858, 39.1925}); math.Abs(got-848_000) > 0.006*848_000 {
		t.Errorf("%f", got)
	}
}

// Every point within the radius lies in one of the ranges, which are in order and few.
func TestCells_HoldEverythingWithinTheRadius(t *testing.T) {
	t.Parallel()
	latitude := rapid.OneOf(rapid.Float64Range(-90, 90), rapid.Float64Range(89.9, 90), rapid.Float64Range(-90, -89.9), rapid.Float64Range(16, 33))
	longitude := rapid.OneOf(rapid.Float64Range(-180, 180), rapid.Float64Range(179.9, 180), rapid.Float64Range(-180, -179.9))
	rapid.Check(t, func(t *rapid.T) {
		p := Point{latitude.Draw(t, "latitude"), longitude.Draw(t, "longitude")}
		radius := rapid.OneOf(rapid.Float64Range(0, 5000), rapid.Float64Range(0, 200_000)).Draw(t, "radius")
		q := destination(p, radius*rapid.Float64Range(0, 1).Draw(t, "part"), rapid.Float64Range(0, 2*math.Pi).Draw(t, "bearing"))
		ranges := Cells(p, radius)
		if cell := Cell(q); Distance(p, q) <= radius &&
			!slices.ContainsFunc(ranges, func(r CellRange) bool { return r.From <= cell && cell <= r.To }) {
			t.Fatalf("%v, %f m from %v, is in cell %d, not in %v", q, Distance(p, q), p, cell, ranges)
		}
		for i, r := range ranges {
			if r.From > r.To || i > 0 && r.From <= ranges[i-1].To || r.From < 0 || r.To >= rows*columns {
				t.Fatalf("%v", ranges)
			}
		}
		if radius <= 5000 && len(ranges) > 2*21 {
			t.Fatalf("%d ranges", len(ranges))
		}
	})
}

// destination is the point at a distance and bearing from p, on the sphere.
func destination(p Point, distance, bearing float64) Point {
	δ, φ := distance/earthRadius, radians(p.Latitude)
	sin := math.Sin(φ)*math.Cos(δ) + math.Cos(φ)*math.Sin(δ)*math.Cos(bearing)
	λ := math.Atan2(math.Sin(bearing)*math.Sin(δ)*math.Cos(φ), math.Cos(δ)-math.Sin(φ)*sin)
	lon := p.Longitude + degrees(λ)
	if lon > 180 {
		lon -= 360
	} else if lon < -180 {
		lon += 360
	}
	return Point{degrees(math.Asin(max(min(sin, 1), -1))), lon}
}

func TestCells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		at     Point
		radius float64
		want   int
	}{
		{"Riyadh", Point{24.7136, 46.6753}, 5000, 19},
		{"a point", Point{24.7136, 46.6753}, 0, 1},
		{"less than none", Point{24.7136, 46.6753}, -5, 1},
		{"the date line", Point{0.0025, 180}, 100, 2},
		{"the pole", Point{90, 0}, 5000, 1},
		{"beside the pole", Point{89.99, 0}, 1100, 4},
		{"the world", Point{0, 0}, 1e12, 1},
	} {
		if got := Cells(c.at, c.radius); len(got) != c.want {
			t.Errorf("%s: %d ranges, want %d: %v", c.name, len(got), c.want, got)
		}
	}
	if Cell(Point{0, 180}) != Cell(Point{0, -180}) {
		t.Error("the date line is not where it is")
	}
	if got := Cell(Point{90, 179.999}); got != rows*columns-1 {
		t.Error(got)
	}
}

func FuzzParseArea(f *testing.F) {
	for _, seed := range []string{western, eastern, town, `null`, `{"type":"Polygon","coordinates":[[[0,0],[1],[1,1],[0,0]]]}`} {
		f.Add([]byte(seed), 22.5, 47.5)
	}
	f.Fuzz(func(t *testing.T, raw []byte, latitude, longitude float64) {
		a, err := ParseArea(raw)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || a != nil {
				t.Fatal(err)
			}
			return
		}
		p := Point{latitude, longitude}
		if code, ok := NewIndex(map[string]*Area{"a": a}).Find(p); a.Contains(p) && !ok || ok && (code != "a" || p.Validate() != nil) {
			t.Fatalf("%v: %q, %v", p, code, ok)
		}
	})
}

// thirteen areas of 400 points each, about what the regions of Saudi Arabia have.
func thirteen(b *testing.B) *Index {
	areas := map[string]*Area{}
	for i := range 13 {
		var ring []string
		for n := range 400 {
			sin, cos := math.Sincos(2 * math.Pi * float64(n) / 400)
			r := 2 + 0.5*float64(n%2)
			ring = append(ring, fmt.Sprintf("[%f,%f]", 36+float64(i%4)*4+r*cos, 18+float64(i/4)*4+r*sin))
		}
		ring = append(ring, ring[0])
		areas[fmt.Sprint(i)] = area(b, `{"type":"Polygon","coordinates":[[`+strings.Join(ring, ",")+`]]}`)
	}
	return NewIndex(areas)
}

func BenchmarkIndex_Find(b *testing.B) {
	x := thirteen(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x.Find(Point{18 + float64(i%120)/10, 36 + float64(i%121)/10})
	}
}

func BenchmarkCells(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Cells(Point{24.7136, 46.6753}, 5000)
	}
}
