package openapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS string

// Docs is the contract as one HTML page that asks no other host for anything and runs no script. It is rendered once.
func Docs() []byte { return page() }

// DocsPolicy is the Content-Security-Policy that Docs goes with: nothing but its own style.
var DocsPolicy = policy(docsCSS)

func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

var page = sync.OnceValue(func() []byte {
	html, err := render()
	if err != nil {
		panic("openapi: " + err.Error()) // the contract is compiled in, so a test has seen this first
	}
	return html
})

func render() ([]byte, error) {
	doc, err := Load()
	if err != nil {
		return nil, err
	}
	tmpl, err := template.New("docs").Funcs(template.FuncMap{"prose": prose}).Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("parse docs.html: %w", err)
	}
	var out bytes.Buffer
	err = tmpl.Execute(&out, map[string]any{
		"Info":    doc.Info,
		"Style":   template.CSS(docsCSS),
		"Groups":  groups(doc),
		"Schemas": schemas(doc),
	})
	if err != nil {
		return nil, fmt.Errorf("render docs.html: %w", err)
	}
	return out.Bytes(), nil
}

type group struct {
	*openapi3.Tag
	Operations []operation
}

type operation struct {
	*openapi3.Operation
	Method, Path string
	Allow        []string
	Params       []field
	Bodies       []body
	Answers      []answer
}

type body struct {
	MediaType string
	Type      kind
	Fields    []field
	Example   string
}

type answer struct {
	Status, Description string
	Headers             []string
	Bodies              []body
}

type field struct {
	Name, In, Description, Limits string
	Type                          kind
	Required                      bool
}

// kind is how a type reads: a list or not, and the schema to link to, if it is a named one.
type kind struct {
	List       bool
	Text, Link string
}

type schema struct {
	Name, Description, Example string
	Type                       kind
	Limits                     string
	Fields                     []field
}

// groups are the operations by tag, in the order of the tags, then by path and method.
func groups(doc *openapi3.T) []group {
	byTag := map[string][]operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], newOperation(method, path, op))
		}
	}
	var all []group
	for _, tag := range doc.Tags {
		ops := byTag[tag.Name]
		slices.SortFunc(ops, func(a, b operation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(rank(a.Method), rank(b.Method)))
		})
		all = append(all, group{tag, ops})
	}
	return all
}

func rank(method string) int {
	return slices.Index([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method)
}

func newOperation(method, path string, op *openapi3.Operation) operation {
	o := operation{Operation: op, Method: method, Path: path, Allow: Allow(op)}
	for _, p := range op.Parameters {
		o.Params = append(o.Params, newField(p.Value.Name, p.Value.In, p.Value.Description, p.Value.Required, p.Value.Schema))
	}
	if op.RequestBody != nil {
		o.Bodies = bodies(op.RequestBody.Value.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		r := op.Responses.Value(status).Value
		a := answer{Status: status, Headers: slices.Sorted(maps.Keys(r.Headers)), Bodies: bodies(r.Content)}
		if r.Description != nil {
			a.Description = *r.Description
		}
		o.Answers = append(o.Answers, a)
	}
	return o
}

func bodies(content openapi3.Content) []body {
	var all []body
	for _, media := range slices.Sorted(maps.Keys(content)) {
		m := content[media]
		all = append(all, body{media, newKind(m.Schema), fields(m.Schema.Value), indented(example(m))})
	}
	return all
}

func schemas(doc *openapi3.T) []schema {
	var all []schema
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		s := doc.Components.Schemas[name].Value
		all = append(all, schema{name, s.Description, indented(s.Example), newKind(&openapi3.SchemaRef{Value: s}), limits(s), fields(s)})
	}
	return all
}

// fields of an object, those that are required first.
func fields(s *openapi3.Schema) []field {
	var all []field
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		all = append(all, newField(name, "", p.Value.Description, slices.Contains(s.Required, name), p))
	}
	slices.SortStableFunc(all, func(a, b field) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return all
}

func newField(name, in, description string, required bool, ref *openapi3.SchemaRef) field {
	return field{Name: name, In: in, Description: description, Required: required, Type: newKind(ref), Limits: limits(ref.Value)}
}

func newKind(ref *openapi3.SchemaRef) kind {
	if ref.Value.Items != nil && ref.Ref == "" {
		k := newKind(ref.Value.Items)
		k.List = true
		return k
	}
	if name, ok := strings.CutPrefix(ref.Ref, "#/components/schemas/"); ok {
		return kind{Text: name, Link: "#schema-" + name}
	}
	text := strings.Join(ref.Value.Type.Slice(), " or ")
	if ref.Value.Format != "" {
		text += " (" + ref.Value.Format + ")"
	}
	return kind{Text: cmp.Or(text, "any")}
}

// limits are the constraints of a value, as a reader wants them.
func limits(s *openapi3.Schema) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = fmt.Sprint(v)
		}
		add("%s", strings.Join(words, ", "))
	}
	if s.Min != nil {
		add("≥ %v", *s.Min)
	}
	if s.Max != nil {
		add("≤ %v", *s.Max)
	}
	if s.MinLength > 1 {
		add("at least %d characters", s.MinLength)
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if s.MaxItems != nil {
		add("at most %d", *s.MaxItems)
	}
	if s.Pattern != "" {
		add("%s", s.Pattern)
	}
	if s.Default != nil {
		add("default %v", s.Default)
	}
	if s.Nullable {
		add("may be null")
	}
	return strings.Join(parts, "; ")
}

// example of a body: its own, or that of its schema; nil when there is none.
func example(m *openapi3.MediaType) any {
	if m.Example != nil || m.Schema == nil {
		return m.Example
	}
	return m.Schema.Value.Example
}

func indented(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return out.String()
}

// prose makes the little Markdown that the contract uses (paragraphs, **strong**, `code`) into HTML.
func prose(s string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		text := template.HTMLEscapeString(paragraph)
		text = paired(paired(text, "**", "strong"), "`", "code")
		out.WriteString("<p>" + text + "</p>")
	}
	return template.HTML(out.String()) // escaped above
}

func paired(s, mark, tag string) string {
	parts := strings.Split(s, mark)
	if len(parts)%2 == 0 {
		return s
	}
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "<" + tag + ">" + parts[i] + "</" + tag + ">"
	}
	return strings.Join(parts, "")
}
