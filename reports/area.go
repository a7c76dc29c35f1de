package reports

import "encoding/json"

// Point is a place on the map, in degrees of WGS 84.
type Point struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Validate refuses what is not on the map, at place/latitude and place/longitude.
func (p Point) Validate() error { panic("being written") }

// Distance between two points in metres.
func Distance(a, b Point) float64 { panic("being written") }

// Area is a part of the map that a centre serves.
type Area struct{}

// ParseArea reads a GeoJSON Polygon or MultiPolygon. Faults are told at "area".
func ParseArea(raw json.RawMessage) (*Area, error) { panic("being written") }

// Contains reports whether p lies in the area or on its outer border.
func (a *Area) Contains(p Point) bool { panic("being written") }

// Index finds the area that a point lies in. It is never changed, so any number of goroutines may read it.
type Index struct{}

// NewIndex of areas by their codes.
func NewIndex(areas map[string]*Area) *Index { panic("being written") }

// Find is the code of the smallest area that contains p.
func (x *Index) Find(p Point) (code string, ok bool) { panic("being written") }

// CellRange is a run of grid cells, both ends included.
type CellRange struct{ From, To int64 }

// Cell is the grid cell of p: a key for an ordinary index.
func Cell(p Point) int64 { panic("being written") }

// Cells are the runs of cells in which every point within radius metres of p lies.
func Cells(p Point, radius float64) []CellRange { panic("being written") }
