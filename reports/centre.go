package reports

import "encoding/json"

// Centre is a branch that serves an area.
type Centre struct {
	Code   string            `json:"code"`
	Rev    int64             `json:"rev"`
	Names  map[string]string `json:"names"` // by language
	Parent string            `json:"parent,omitempty"`
	Region string            `json:"region,omitempty"`
	Area   json.RawMessage   `json:"area,omitempty"` // GeoJSON Polygon or MultiPolygon; none when nothing is routed to it by place
	Active bool              `json:"active"`
}

// Department handles the reports of some categories.
type Department struct {
	Code   string            `json:"code"`
	Rev    int64             `json:"rev"`
	Names  map[string]string `json:"names"` // by language
	Active bool              `json:"active"`
}
