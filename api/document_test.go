package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/balagh/balagh/openapi"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// TestDocuments: what goes out in the domain's own shape has the fields that the contract names, all of them and no others.
func TestDocuments(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"Questionnaire": questionnaireBody{}, "Survey": surveyBody{}, "Programme": programmeBody{}, "Round": surveys.Round{},
		"RoundResults": resultsBody{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shapes{t, map[reflect.Type]bool{}}.compare(name, reflect.TypeOf(v), doc.Components.Schemas[name].Value)
		})
	}
	// what comes in is the same but for what the server adds
	for name, c := range map[string]struct {
		v     any
		added []string
	}{
		"QuestionnaireEdit": {form.Questionnaire{}, []string{"code", "version", "by", "at"}},
		"ProgrammeEdit":     {surveys.Programme{}, []string{"code", "rev", "by", "at", "next"}},
	} {
		want := slices.DeleteFunc(fieldNames(reflect.TypeOf(c.v)), func(f string) bool { return slices.Contains(c.added, f) })
		if got := propertyNames(doc.Components.Schemas[name].Value); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// shapes compares types with schemas. One may be within itself.
type shapes struct {
	t    *testing.T
	seen map[reflect.Type]bool
}

var moments = reflect.TypeFor[time.Time]()

func (x shapes) compare(path string, v reflect.Type, s *openapi3.Schema) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch {
	case v == moments, v.Kind() == reflect.Interface:
	case v.Kind() == reflect.Slice:
		if s.Items == nil {
			x.t.Errorf("%s: a list, and the contract has none", path)
			return
		}
		x.compare(path+"/*", v.Elem(), s.Items.Value)
	case v.Kind() == reflect.Map:
		if more := s.AdditionalProperties.Schema; more != nil {
			x.compare(path+"/*", v.Elem(), more.Value)
		}
	case v.Kind() == reflect.Struct && !x.seen[v]:
		x.seen[v] = true
		got, want := propertyNames(s), fieldNames(v)
		if strings.Contains(path, "/") { // who wrote it has a name where it is read by itself
			got = slices.DeleteFunc(got, func(name string) bool { return name == "by_name" })
		}
		if !slices.Equal(got, want) {
			x.t.Errorf("%s: the contract has %v, the answer %v", path, got, want)
		}
		x.each(path, v, s)
	}
}

func (x shapes) each(path string, v reflect.Type, s *openapi3.Schema) {
	for i := range v.NumField() {
		f := v.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch p := s.Properties[name]; {
		case f.Anonymous && name == "":
			for f.Type.Kind() == reflect.Pointer {
				f.Type = f.Type.Elem()
			}
			x.each(path, f.Type, s)
		case p == nil: // told above
		default:
			if must := slices.Contains(s.Required, name); must && strings.HasPrefix(options, "omit") {
				x.t.Errorf("%s/%s is required, and left out when it is empty", path, name)
			}
			x.compare(path+"/"+name, f.Type, p.Value)
		}
	}
}

func propertyNames(s *openapi3.Schema) []string {
	names := []string{}
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fieldNames are those of the JSON of a struct.
func fieldNames(v reflect.Type) []string {
	names := []string{}
	for i := range v.NumField() {
		f := v.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			for f.Type.Kind() == reflect.Pointer {
				f.Type = f.Type.Elem()
			}
			names = append(names, fieldNames(f.Type)...)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestWhole: what the domain leaves out is empty, never null.
func TestWhole(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	names := form.Text{"ar": "ا", "en": "a", "ur": "ا"}
	p := surveys.Programme{Code: "x", Names: names, Questionnaire: "q", Sample: surveys.Sample{Method: surveys.DrawAll}}
	id := "01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10"
	for name, v := range map[string]any{
		"Programme": wholeProgramme(p), "Round": wholeRound(&surveys.Round{ID: id, State: surveys.RoundDrawing, Programme: p}),
		"Forecast": forecastBody(&surveys.Forecast{}),
		"RoundResults": resultsBody{wholeResults(&surveys.Results{Round: id, Programme: "x", Names: names, State: surveys.RoundOpen, Methods: surveys.Methods{Sample: p.Sample},
			Questions: []surveys.QuestionResult{{Code: "a", Type: form.YesNo, Label: names}}, Comparison: &surveys.Comparison{Round: id}}),
			map[surveys.Dimension]map[string]string{}},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var body any
		if err := json.Unmarshal(b, &body); err != nil {
			t.Fatal(err)
		}
		if err := doc.Components.Schemas[name].Value.VisitJSON(body, openapi3.MultiErrors()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
