package openapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// each calls f with every operation, as a subtest named by its method and path.
func each(t *testing.T, f func(t *testing.T, op *openapi3.Operation)) {
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			t.Run(method+" "+path, func(t *testing.T) { f(t, op) })
		}
	}
}

func TestLoad_IsValid(t *testing.T) {
	t.Parallel()
	doc := load(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("the contract is not valid: %v", err)
	}
	if doc.OpenAPI != "3.0.3" {
		t.Errorf("OpenAPI %s, want 3.0.3", doc.OpenAPI)
	}
	if n := doc.Paths.Len(); n < 50 {
		t.Errorf("%d paths, want the whole API", n)
	}
}

func TestOperation_IsNamedTaggedAndSaysWhoMayCall(t *testing.T) {
	t.Parallel()
	known := []string{"public", "citizen", "clerk", "officer", "supervisor", "manager", "admin"}
	seen := map[string]bool{}
	each(t, func(t *testing.T, op *openapi3.Operation) {
		if op.OperationID == "" || seen[op.OperationID] {
			t.Errorf("operationId %q is empty or taken", op.OperationID)
		}
		seen[op.OperationID] = true
		if len(op.Tags) != 1 || op.Summary == "" {
			t.Errorf("tags %v, summary %q; want one tag and a summary", op.Tags, op.Summary)
		}
		allow := Allow(op)
		if len(allow) == 0 {
			t.Fatal("x-allow is missing or no list of words")
		}
		for _, word := range allow {
			if !slices.Contains(known, word) {
				t.Errorf("x-allow has %q", word)
			}
		}
		public := slices.Contains(allow, "public")
		if public && len(allow) > 1 {
			t.Error("public stands alone in x-allow")
		}
		if open := op.Security != nil && (*op.Security)[0] != nil && len((*op.Security)[0]) == 0; open != public {
			t.Errorf("security %v does not go with x-allow %v", op.Security, allow)
		}
	})
}

func TestOperation_HasAProblemAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, op *openapi3.Operation) {
		found := false
		for status, answer := range op.Responses.Map() {
			code, _ := strconv.Atoi(status)
			if status != "default" && code < http.StatusBadRequest {
				continue
			}
			media := answer.Value.Content["application/problem+json"]
			if media == nil || media.Schema.Ref != "#/components/schemas/Problem" {
				t.Errorf("%s is no Problem", status)
			}
			found = true
		}
		if !found {
			t.Error("no problem answer")
		}
	})
}

func TestOperation_HasAnExample(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, op *openapi3.Operation) {
		var media []*openapi3.MediaType
		if op.RequestBody != nil {
			media = append(media, op.RequestBody.Value.Content["application/json"])
		}
		for status, answer := range op.Responses.Map() {
			if strings.HasPrefix(status, "2") {
				media = append(media, answer.Value.Content["application/json"])
			}
		}
		media = slices.DeleteFunc(media, func(m *openapi3.MediaType) bool { return m == nil })
		if len(media) > 0 && !slices.ContainsFunc(media, func(m *openapi3.MediaType) bool { return example(m) != nil }) {
			t.Error("neither the request nor the answer has an example")
		}
	})
}

func TestRequestBody_RefusesUnknownFields(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, op *openapi3.Operation) {
		if op.RequestBody == nil {
			return
		}
		for kind, media := range op.RequestBody.Value.Content {
			closed(t, kind, media.Schema, nil)
		}
	})
}

// free are the objects that take any field.
var free = []string{"#/components/schemas/Attributes", "#/components/schemas/GeoJSON", "#/components/schemas/Answers"}

// closed fails for every object within the schema that takes fields it does not name, except the free ones and those that hold a bounded
// number of values of one kind. Above are the schemas that it is within: one may be within itself.
func closed(t *testing.T, path string, ref *openapi3.SchemaRef, above []string) {
	t.Helper()
	if ref == nil || slices.Contains(free, ref.Ref) || slices.Contains(above, ref.Ref) {
		return
	}
	if ref.Ref != "" {
		above = append(above[:len(above):len(above)], ref.Ref)
	}
	s := ref.Value
	switch more := s.AdditionalProperties; {
	case !s.Type.Is("object"):
	case more.Schema != nil:
		if s.MaxProps == nil {
			t.Errorf("%s has no greatest count", path)
		}
		closed(t, path+"/*", more.Schema, above)
	case more.Has == nil || *more.Has:
		t.Errorf("%s takes unknown fields", path)
	}
	if s.Type.Is("string") && s.MaxLength == nil && s.Enum == nil && s.Format == "" {
		t.Errorf("%s has no greatest length", path)
	}
	if s.Type.Is("array") && s.MaxItems == nil {
		t.Errorf("%s has no greatest count", path)
	}
	closed(t, path+"/items", s.Items, above)
	for name, p := range s.Properties {
		closed(t, path+"/"+name, p, above)
	}
}

func TestParameter_OfTextHasAPatternOrAnEnum(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, op *openapi3.Operation) {
		for _, p := range op.Parameters {
			s := p.Value.Schema.Value
			if s.Items != nil {
				s = s.Items.Value
			}
			if s.Type.Is("string") && s.Enum == nil && (s.Pattern == "" || s.MaxLength == nil) {
				t.Errorf("%s has no pattern or no greatest length", p.Value.Name)
			}
		}
	})
}

// An app that is asked for proof can send it, and is told when it is refused.
func TestOperation_OfAppCheckTakesATokenAndAnswers401(t *testing.T) {
	t.Parallel()
	n := 0
	each(t, func(t *testing.T, op *openapi3.Operation) {
		wanted, _ := op.Extensions["x-app-check"].(bool)
		takes := slices.ContainsFunc(op.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.Name == "X-Firebase-AppCheck" })
		if wanted != takes {
			t.Errorf("x-app-check %v, and the header is taken: %v", wanted, takes)
		}
		if wanted && op.Responses.Status(http.StatusUnauthorized) == nil {
			t.Error("no 401")
		}
		if wanted {
			n++
		}
	})
	if n != 3 {
		t.Errorf("%d operations want App Check", n)
	}
}
