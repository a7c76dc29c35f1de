// Package demo plays the demonstration: it sets up an organisation over the API, and then is its citizens and its staff.
//
// It is a client: it knows the contract and nothing of the server. What it needs to know of the world is embedded here: an
// organisation modelled on the unified contact centre 1933 of a ministry of Islamic affairs, and what its citizens write.
// All people, addresses and mosques are made up.
package demo

import (
	_ "embed" // the data
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

//go:embed organisation.json
var organisationJSON []byte

//go:embed stories.json
var storiesJSON []byte

// Natural Earth 10m admin-1, in the public domain: the 13 administrative regions of Saudi Arabia.
//
//go:embed regions.geojson
var regionsJSON []byte

// Password of every member of the demonstration's staff.
const Password = "balagh-demo-1933"

// Languages that every name is given in; also the keys of Texts.
var Languages = []string{"ar", "en", "ur"}

// Texts are the same in Arabic, English and Urdu, by language.
type Texts map[string]string

// Organisation is what administrators set up, and what people then say to it.
type Organisation struct {
	Calendar    Calendar     `json:"calendar"`
	Departments []Department `json:"departments"`
	Centres     []Centre     `json:"centres"` // a parent comes before its branches
	Categories  []Category   `json:"categories"`
	Staff       []Staff      `json:"staff"`
	Mosques     []Mosque     `json:"mosques"`
	Comments    []Comment    `json:"-"`
	People      []Person     `json:"-"`
}

// Calendar is the body of PUT /v1/admin/calendar.
type Calendar struct {
	Weekend    []string  `json:"weekend"`
	Holidays   []Holiday `json:"holidays"`
	ReopenDays int       `json:"reopen_days"`
	RatingDays int       `json:"rating_days"`
}

// Holiday is a day on which nobody works; Date is 2006-01-02.
type Holiday struct {
	Date string `json:"date"`
	Name string `json:"name"`
}

// Department and the body of its PUT.
type Department struct {
	Code string         `json:"code"`
	Body DepartmentBody `json:"body"`
}

// DepartmentBody is the body of PUT /v1/admin/departments/{code}.
type DepartmentBody struct {
	Names  Texts `json:"names"`
	Active bool  `json:"active"`
}

// Centre and the body of its PUT.
type Centre struct {
	Code   string     `json:"code"`
	Weight int        `json:"weight"` // share of the reports: people in the region, in thousands
	Body   CentreBody `json:"body"`
}

// CentreBody is the body of PUT /v1/admin/centres/{code}.
type CentreBody struct {
	Names  Texts           `json:"names"`
	Parent string          `json:"parent,omitempty"`
	Region string          `json:"region,omitempty"` // ISO 3166-2
	Area   json.RawMessage `json:"area,omitempty"`   // GeoJSON geometry of the region
	Active bool            `json:"active"`
}

// Category, the body of its PUT, and what is written to and from it.
type Category struct {
	Code         string       `json:"code"`
	Weight       int          `json:"weight"` // share of the reports: how many the centre received in two years
	Body         CategoryBody `json:"body"`
	Stories      []Story      `json:"-"`
	FirstAnswers []Texts      `json:"-"` // what staff reply first
	Resolutions  []Texts      `json:"-"` // what staff write when it is done
}

// CategoryBody is the body of PUT /v1/admin/categories/{code}.
type CategoryBody struct {
	Names           Texts       `json:"names"`
	Group           string      `json:"group,omitempty"`
	Keywords        []string    `json:"keywords,omitempty"`
	Descriptions    Texts       `json:"descriptions,omitempty"`
	Attributes      []Attribute `json:"attributes,omitempty"`
	Department      string      `json:"department"`
	FirstAnswerDays int         `json:"first_answer_days"`
	ResolutionDays  int         `json:"resolution_days"`
	Anonymous       bool        `json:"anonymous"`
	Order           int         `json:"order"`
	Active          bool        `json:"active"`
}

// Attribute is a question of a category.
type Attribute struct {
	Code     string  `json:"code"`
	Labels   Texts   `json:"labels"`
	Datatype string  `json:"datatype"`
	Required bool    `json:"required"`
	Order    int     `json:"order"`
	Hints    Texts   `json:"hints,omitempty"`
	Values   []Value `json:"values,omitempty"`
}

// Value is one answer that an attribute offers.
type Value struct {
	Key   string `json:"key"`
	Names Texts  `json:"names"`
}

// Staff is the body of POST /v1/admin/staff.
type Staff struct {
	Email       string   `json:"email"`
	Name        string   `json:"name"`
	Password    string   `json:"password"`
	Role        string   `json:"role"`
	Centres     []string `json:"centres"`
	Departments []string `json:"departments"`
	Language    string   `json:"language"`
}

// Mosque is a place of which people report; Centre is the one that serves it. Degrees are WGS 84.
type Mosque struct {
	Centre    string  `json:"centre"`
	Name      string  `json:"name"`
	City      string  `json:"city"`
	District  string  `json:"district"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Address is one line for people.
func (m Mosque) Address() string { return m.Name + "، " + m.District + "، " + m.City }

// Story is a description that somebody writes, with the answers to the attributes of its category. Both have places to be
// filled: {mosque}, {district}, {city}, {observed} (a moment) and {day}.
type Story struct {
	Language   string         `json:"language"`
	Text       string         `json:"text"`
	Attributes map[string]any `json:"attributes"`
}

// About fills the story: what the description and the attributes of a report say of a mosque, seen at a moment.
func (s Story) About(m Mosque, observed time.Time) (description string, attributes map[string]any) {
	fill := strings.NewReplacer("{mosque}", m.Name, "{district}", m.District, "{city}", m.City,
		"{observed}", observed.UTC().Format(time.RFC3339), "{day}", observed.UTC().Format(time.DateOnly)).Replace
	attributes = make(map[string]any, len(s.Attributes))
	for code, v := range s.Attributes {
		if text, ok := v.(string); ok {
			v = fill(text)
		}
		attributes[code] = v
	}
	return fill(s.Text), attributes
}

// Comment is what a citizen writes beside a rating from level From to level To.
type Comment struct {
	Language string   `json:"language"`
	From     int      `json:"from"`
	To       int      `json:"to"`
	Solved   bool     `json:"solved"`
	Text     string   `json:"text"`
	Reasons  []string `json:"reasons"`
}

// Person is a citizen or resident, and the language of the phone.
type Person struct {
	Name     string `json:"name"`
	Language string `json:"language"`
}

// Load reads what is embedded. It panics when that is damaged, which no build that passed its tests is.
func Load() Organisation {
	o, err := load(organisationJSON, storiesJSON, regionsJSON)
	if err != nil {
		panic(fmt.Sprintf("embedded demonstration: %v", err))
	}
	return o
}

func load(organisation, stories, regions []byte) (o Organisation, err error) {
	if err := json.Unmarshal(organisation, &o); err != nil {
		return o, fmt.Errorf("organisation: %w", err)
	}
	areas, err := areasOf(regions)
	if err != nil {
		return o, fmt.Errorf("regions: %w", err)
	}
	for i, c := range o.Centres {
		if c.Body.Region == "" {
			continue
		}
		if o.Centres[i].Body.Area = areas[c.Body.Region]; len(areas[c.Body.Region]) == 0 {
			return o, fmt.Errorf("region %s has no area", c.Body.Region)
		}
	}
	for i := range o.Staff {
		o.Staff[i].Password = Password
	}
	var told struct {
		Categories map[string]struct {
			Stories      []Story `json:"stories"`
			FirstAnswers []Texts `json:"first_answers"`
			Resolutions  []Texts `json:"resolutions"`
		} `json:"categories"`
		Comments []Comment `json:"comments"`
		People   []Person  `json:"people"`
	}
	if err := json.Unmarshal(stories, &told); err != nil {
		return o, fmt.Errorf("stories: %w", err)
	}
	for i, c := range o.Categories {
		t := told.Categories[c.Code]
		o.Categories[i].Stories, o.Categories[i].FirstAnswers, o.Categories[i].Resolutions = t.Stories, t.FirstAnswers, t.Resolutions
	}
	o.Comments, o.People = told.Comments, told.People
	return o, nil
}

// areasOf are the geometries of a GeoJSON collection, by the code of the region.
func areasOf(regions []byte) (map[string]json.RawMessage, error) {
	var collection struct {
		Features []struct {
			Properties struct {
				Code string `json:"code"`
			} `json:"properties"`
			Geometry json.RawMessage `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(regions, &collection); err != nil {
		return nil, err
	}
	areas := make(map[string]json.RawMessage, len(collection.Features))
	for _, f := range collection.Features {
		areas[f.Properties.Code] = f.Geometry
	}
	return areas, nil
}
