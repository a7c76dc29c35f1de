package api

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/openapi"
)

// TestOperations_Policy: an operation that does not say who may call it, or says it in a word that is none, stops the start.
func TestOperations_Policy(t *testing.T) {
	t.Parallel()
	for name, allow := range map[string]any{"nothing": nil, "an empty list": []any{}, "nobody we know": []any{"citizen", "everybody"}} {
		doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML) // to be changed
		if err != nil {
			t.Fatal(err)
		}
		doc.Paths.Value("/v1/reports").Get.Extensions = map[string]any{"x-allow": allow}
		if _, err := operations(doc); err == nil || !strings.Contains(err.Error(), "GET /v1/reports") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOperation_Allows(t *testing.T) {
	t.Parallel()
	op, err := newOperation("GET", "/v1/x/{id}", &openapi3.PathItem{}, &openapi3.Operation{OperationID: "x", Extensions: map[string]any{"x-allow": []any{"citizen", "manager"}}})
	if err != nil || op.path != "/v1/x/:id" {
		t.Fatalf("%+v, %v", op, err)
	}
	for want, as := range map[bool][]actor.Actor{
		true:  {{Kind: actor.Citizen}, {Kind: actor.Staff, Role: actor.Manager}},
		false: {{}, {Kind: actor.Staff, Role: actor.Admin}, {Kind: actor.Staff}, {Kind: actor.System}},
	} {
		for _, a := range as {
			if op.allows(a) != want {
				t.Errorf("%+v: %v", a, !want)
			}
		}
	}
}

func FuzzOlder(f *testing.F) {
	f.Add("2.9.9", "2.10.0")
	f.Add("", "1")
	f.Add("1.0-beta", "..")
	f.Fuzz(func(t *testing.T, version, least string) {
		if older(version, least) && older(least, version) && version != "" && least != "" {
			t.Errorf("%q and %q are each older than the other", version, least)
		}
	})
}

func FuzzNegotiate(f *testing.F) {
	for _, s := range []string{"ar", "en-GB,en;q=0.9", "ur-PK;q=0.1,*", ";;;", "zh"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if l := negotiate(header); l != "ar" && l != "en" && l != "ur" {
			t.Errorf("%q: %q", header, l)
		}
	})
}

func FuzzCheckJSON(f *testing.F) {
	doc, err := openapi.Load()
	if err != nil {
		f.Fatal(err)
	}
	schema := doc.Components.Schemas["NewReport"].Value
	f.Add([]byte(`{"category":"loudspeakers","description":"م","place":{"latitude":24.7,"longitude":46.6,"source":"gps"}}`))
	f.Add([]byte(`{"category":{"$ne":""},"x":"\u0000","attributes":{"a":[1,{"b":null}]}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON(schema, body) == nil {
			if _, err := newReport(body); err != nil {
				t.Errorf("the contract passed what is no report: %v", err)
			}
		}
	})
}
