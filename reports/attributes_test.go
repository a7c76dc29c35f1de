package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/balagh/balagh/fault"
)

func names(s string) map[string]string { return map[string]string{"ar": s, "en": s, "ur": s} }

func sampleAttributes() []Attribute {
	values := []AttributeValue{{Key: "small", Names: names("small")}, {Key: "large", Names: names("large")}, {Key: "3", Names: names("three")}}
	return []Attribute{
		{Code: "mosque_name", Labels: names("Mosque"), Datatype: String, Required: true},
		{Code: "depth", Labels: names("Depth"), Datatype: Number},
		{Code: "since", Labels: names("Since"), Datatype: DateTime},
		{Code: "details", Labels: names("Details"), Hints: names("…"), Datatype: Text},
		{Code: "size", Labels: names("Size"), Datatype: SingleValueList, Values: values},
		{Code: "seen", Labels: names("Seen"), Datatype: MultiValueList, Values: values},
	}
}

func TestValidateAttributes_Keeps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code     string
		in, want any // no want: left out
	}{
		{"mosque_name", "  مسجد قباء ", "مسجد قباء"},
		{"mosque_name", strings.Repeat("ب", 200), strings.Repeat("ب", 200)},
		{"depth", 1.5, 1.5},
		{"depth", math.Copysign(0, -1), 0.0},
		{"depth", json.Number("12e2"), 1200.0},
		{"depth", "12.5", 12.5},
		{"depth", "١٢٫٥", 12.5},
		{"depth", " -۴۲ ", -42.0},
		{"depth", "", nil},
		{"since", "2026-11-21", "2026-11-21"},
		{"since", "2026-11-21T10:00:00+03:00", "2026-11-21T07:00:00Z"},
		{"details", "a\r\nb\tc\rd\n", "a\nb\tc\nd"},
		{"details", strings.Repeat("😀", 4000), strings.Repeat("😀", 4000)},
		{"details", " \n", nil},
		{"size", "large", "large"},
		{"size", nil, nil},
		{"size", "", nil},
		{"seen", []any{"large", "3"}, []any{"large", "3"}},
		{"seen", []string{"small"}, []any{"small"}},
		{"seen", []any{}, nil},
	} {
		in := map[string]any{"mosque_name": "x"}
		in[c.code] = c.in
		want := map[string]any{"mosque_name": "x"}
		if want[c.code] = c.want; c.want == nil {
			delete(want, c.code)
		}
		if got, err := ValidateAttributes(sampleAttributes(), in); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v gave %v, %v", c.code, c.in, got, err)
		}
	}
}

func TestValidateAttributes_Refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code   string
		in     any
		reason fault.Reason
	}{
		{"mosque_name", nil, fault.Required},
		{"mosque_name", " ", fault.Required},
		{"mosque_name", strings.Repeat("ب", 201), fault.TooLong},
		{"mosque_name", "a\nb", fault.WrongFormat},
		{"mosque_name", "a\x00b", fault.WrongFormat},
		{"mosque_name", "a\xff", fault.WrongFormat},
		{"mosque_name", 5.0, fault.WrongType},
		{"mosque_name", []any{"a"}, fault.WrongType},
		{"mosque_name", map[string]any{"$ne": ""}, fault.WrongType},
		{"depth", math.NaN(), fault.OutOfRange},
		{"depth", math.Inf(-1), fault.OutOfRange},
		{"depth", json.Number("1e999"), fault.WrongFormat},
		{"depth", "1e3", fault.WrongFormat},
		{"depth", "NaN", fault.WrongFormat},
		{"depth", "0x10", fault.WrongFormat},
		{"depth", "1 000", fault.WrongFormat},
		{"depth", "١٢٬٠٠٠٬٠٠٠", fault.WrongFormat},
		{"depth", true, fault.WrongType},
		{"since", "yesterday", fault.WrongFormat},
		{"since", "2026-02-30", fault.WrongFormat},
		{"since", "9999-12-31T23:59:59-12:00", fault.OutOfRange},
		{"since", "0000-01-01T00:00:00+12:00", fault.OutOfRange},
		{"since", 1.0, fault.WrongType},
		{"details", strings.Repeat("ب", 4001), fault.TooLong},
		{"details", "a\x1b[2J", fault.WrongFormat},
		{"size", "huge", fault.Unknown},
		{"size", []any{"large"}, fault.WrongType},
		{"seen", "large", fault.WrongType},
		{"seen", []any{"large", "huge"}, fault.Unknown},
		{"seen", []any{"large", "large"}, fault.Duplicate},
		{"seen", []any{"large", 3.0}, fault.WrongType},
		{"seen", []any{[]any{}}, fault.WrongType},
		{"seen", make([]any, 201), fault.TooMany},
		{"colour", "red", fault.Unknown},
	} {
		in := map[string]any{"mosque_name": "x"}
		in[c.code] = c.in
		got, err := ValidateAttributes(sampleAttributes(), in)
		if want := fault.At("attributes/"+c.code, c.reason); got != nil || !reflect.DeepEqual(err, want) {
			t.Errorf("%s: %v gave %v, %v; want %v", c.code, c.in, got, err, want)
		}
	}
}

func TestValidateAttributes_TellsAllFaults(t *testing.T) {
	t.Parallel()
	_, err := ValidateAttributes(sampleAttributes(), map[string]any{"depth": "deep", "b": 1.0, "a": 1.0, "$where": 1.0, "x/../y\n": "z"})
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatal(err)
	}
	want := []fault.Field{
		{Path: "attributes/mosque_name", Reason: fault.Required}, {Path: "attributes/depth", Reason: fault.WrongFormat},
		{Path: "attributes", Reason: fault.Unknown}, {Path: "attributes/a", Reason: fault.Unknown},
		{Path: "attributes/b", Reason: fault.Unknown}, {Path: "attributes", Reason: fault.Unknown},
	}
	if !reflect.DeepEqual(f.Fields, want) {
		t.Errorf("got  %v\nwant %v", f.Fields, want)
	}
	flood := map[string]any{}
	for i := range 10_000 {
		flood[fmt.Sprintf("a%d", i)] = i
	}
	if _, err := ValidateAttributes(nil, flood); !errors.As(err, &f) || len(f.Fields) > 100 {
		t.Errorf("%d faults are told", len(f.Fields))
	}
	if got, err := ValidateAttributes(nil, nil); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestValidateDefinitions(t *testing.T) {
	t.Parallel()
	if err := ValidateDefinitions(sampleAttributes()); err != nil {
		t.Error(err)
	}
	one := AttributeValue{Key: "one", Names: names("one")}
	for _, c := range []struct {
		name string
		edit func(*Attribute) // of the last, a multivaluelist
		want fault.Field
	}{
		{"operator", func(a *Attribute) { a.Code = "$set" }, fault.Field{Path: "code", Reason: fault.WrongFormat}},
		{"path", func(a *Attribute) { a.Code = "a.b" }, fault.Field{Path: "code", Reason: fault.WrongFormat}},
		{"no code", func(a *Attribute) { a.Code = "" }, fault.Field{Path: "code", Reason: fault.WrongFormat}},
		{"line end", func(a *Attribute) { a.Code = "a\n" }, fault.Field{Path: "code", Reason: fault.WrongFormat}},
		{"long", func(a *Attribute) { a.Code = strings.Repeat("a", 41) }, fault.Field{Path: "code", Reason: fault.WrongFormat}},
		{"twice", func(a *Attribute) { a.Code = "size" }, fault.Field{Path: "code", Reason: fault.Duplicate}},
		{"datatype", func(a *Attribute) { a.Datatype = "blob" }, fault.Field{Path: "datatype", Reason: fault.Unknown}},
		{"no label", func(a *Attribute) { delete(a.Labels, "ur") }, fault.Field{Path: "labels/ur", Reason: fault.Required}},
		{"blank label", func(a *Attribute) { a.Labels["ar"] = " " }, fault.Field{Path: "labels/ar", Reason: fault.Required}},
		{"control", func(a *Attribute) { a.Labels["ar"] = "a\x07" }, fault.Field{Path: "labels/ar", Reason: fault.WrongFormat}},
		{"long label", func(a *Attribute) { a.Labels["en"] = strings.Repeat("a", 201) }, fault.Field{Path: "labels/en", Reason: fault.TooLong}},
		{"language", func(a *Attribute) { a.Labels["fr"] = "x" }, fault.Field{Path: "labels/fr", Reason: fault.Unknown}},
		{"half a hint", func(a *Attribute) { a.Hints = map[string]string{"ar": "x", "en": "x"} }, fault.Field{Path: "hints/ur", Reason: fault.Required}},
		{"no values", func(a *Attribute) { a.Values = nil }, fault.Field{Path: "values", Reason: fault.Required}},
		{"values of a text", func(a *Attribute) { a.Datatype = Text }, fault.Field{Path: "values", Reason: fault.NotAllowed}},
		{"many values", func(a *Attribute) { a.Values = make([]AttributeValue, 201) }, fault.Field{Path: "values", Reason: fault.TooMany}},
		{"key twice", func(a *Attribute) { a.Values = []AttributeValue{one, one} }, fault.Field{Path: "values/1/key", Reason: fault.Duplicate}},
		{"key", func(a *Attribute) { a.Values = []AttributeValue{{"a.b", one.Names}} }, fault.Field{Path: "values/0/key", Reason: fault.WrongFormat}},
		{"no name", func(a *Attribute) { a.Values = []AttributeValue{{"a", map[string]string{"ar": "x", "ur": "x"}}} },
			fault.Field{Path: "values/0/names/en", Reason: fault.Required}},
	} {
		defs := sampleAttributes()
		c.edit(&defs[5])
		c.want.Path = "attributes/5/" + c.want.Path
		var f *fault.Error
		if err := ValidateDefinitions(defs); !errors.As(err, &f) || !reflect.DeepEqual(f.Fields, []fault.Field{c.want}) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if err := ValidateDefinitions(make([]Attribute, 41)); !reflect.DeepEqual(err, fault.At("attributes", fault.TooMany)) {
		t.Error(err)
	}
}

func FuzzValidateAttributes(f *testing.F) {
	for _, seed := range []string{
		`{"mosque_name":"مسجد","depth":"١٢٫٥","since":"2026-11-21","details":"a\r\nb","size":"3","seen":["small","large"]}`,
		`{"depth":1e308,"since":"0000-01-01T00:00:00Z"}`, `{"$where":{"a.b":[null]}}`, `{"seen":[["small"]]}`, `{"mosque_name":"\u0000"}`,
	} {
		f.Add([]byte(seed))
	}
	defs := sampleAttributes()
	defs[0].Required = false
	f.Fuzz(func(t *testing.T, b []byte) {
		var in map[string]any
		if json.Unmarshal(b, &in) != nil {
			return // no JSON object: what the API refuses before
		}
		out, err := ValidateAttributes(defs, in)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		stored, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(stored, &back); err != nil || !reflect.DeepEqual(out, back) {
			t.Fatalf("%v came back as %v, %v", out, back, err)
		}
		if again, err := ValidateAttributes(defs, back); err != nil || !reflect.DeepEqual(again, out) {
			t.Fatalf("%v is kept as %v, %v", out, again, err)
		}
	})
}
