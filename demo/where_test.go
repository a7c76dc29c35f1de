package demo

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
)

func TestCountry_Somewhere(t *testing.T) {
	t.Parallel()
	c, err := newCountry(Load())
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	times := map[string]int{}
	for range 4000 {
		p, m := c.somewhere(rng)
		times[m.Centre]++
		if !planar.MultiPolygonContains(c.areas[m.Centre], orb.Point{p.Longitude, p.Latitude}) {
			t.Errorf("%v is outside %s", p, m.Centre)
		}
	}
	if len(times) != 13 {
		t.Errorf("reports from %d regions", len(times))
	}
	for _, big := range []string{"sa-01", "sa-02", "sa-04"} {
		if times[big] < 2*times["sa-08"] || times[big] < 400 {
			t.Errorf("%s has %d of 4000", big, times[big])
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	ring := func(lon, lat, size float64) orb.Ring {
		return orb.Ring{{lon, lat}, {lon + size, lat}, {lon + size, lat + size}, {lon, lat + size}, {lon, lat}}
	}
	area := orb.MultiPolygon{{ring(40, 20, 2), ring(40.5, 20.5, 1)}, {ring(45, 25, .5)}} // a square with a hole, and an island
	rng := rand.New(rand.NewPCG(1, 2))
	islands := 0
	for range 2000 {
		p := within(area, rng)
		island := p.Longitude >= 45
		if island {
			islands++
			continue
		}
		if hole := p.Longitude > 40.5 && p.Longitude < 41.5 && p.Latitude > 20.5 && p.Latitude < 21.5; hole || p.Longitude > 42 || p.Latitude > 22 {
			t.Fatalf("%v is outside", p)
		}
	}
	if islands == 0 {
		t.Error("nobody is on the island")
	}
}

func TestMetres(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b point
		want float64
	}{{point{24, 46}, point{24, 46}, 0}, {point{24, 46}, point{24.001, 46}, 111.2}, {point{24, 46}, point{24, 46.001}, 101.6}} {
		if got := metres(c.a, c.b); math.Abs(got-c.want) > .5 {
			t.Errorf("%v–%v: %v m, want %v", c.a, c.b, got, c.want)
		}
	}
}
