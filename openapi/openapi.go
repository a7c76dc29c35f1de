// Package openapi is the contract of Balagh's API: openapi.yaml, written by hand, embedded, served, and the source of api/gen.
//
// It knows nothing else of the program. Requests and responses are validated against Load; people read Docs.
package openapi

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// YAML is the contract as written: OpenAPI 3.0.3 in UTF-8.
//
//go:embed openapi.yaml
var YAML []byte

// Load is the contract with its references resolved: one document for the whole process, not to be changed. That it is valid, with its
// examples, is for the tests to see.
var Load = sync.OnceValues(func() (*openapi3.T, error) {
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = false // the document stands alone
	doc, err := loader.LoadFromData(YAML)
	if err != nil {
		return nil, fmt.Errorf("parse openapi.yaml: %w", err)
	}
	return doc, nil
})

// Allow is who may call the operation, by its x-allow: public, citizen or roles of staff. Nil when the contract does not say.
func Allow(op *openapi3.Operation) []string {
	list, _ := op.Extensions["x-allow"].([]any)
	var words []string
	for _, v := range list {
		if word, ok := v.(string); ok {
			words = append(words, word)
		}
	}
	return words
}
