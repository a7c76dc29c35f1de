package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/fault"
)

// parameters checks what came in the path, the query and the headers against the contract. A query parameter that the
// contract does not know is refused, so that nobody filters by what they may not see and a misspelt filter is no silence.
func (op *operation) parameters(c *fiber.Ctx) error {
	var bad findings
	for i := range op.params {
		p := &op.params[i]
		var raw []string
		switch p.in {
		case openapi3.ParameterInPath:
			v, err := url.PathUnescape(c.Params(p.name)) // as handlers get it
			if err != nil {
				return fault.Newf(fault.Malformed, "a path: %w", err)
			}
			raw = []string{v}
		case openapi3.ParameterInQuery:
			for _, v := range c.Context().QueryArgs().PeekMulti(p.name) {
				raw = append(raw, string(v))
			}
		case openapi3.ParameterInHeader:
			if v := c.Get(p.name); v != "" {
				raw = []string{v}
			}
		}
		p.check(raw, &bad)
	}
	c.Context().QueryArgs().VisitAll(func(k, _ []byte) {
		if !slices.ContainsFunc(op.params, func(p parameter) bool { return p.in == openapi3.ParameterInQuery && p.name == string(k) }) {
			bad.stranger(printable(string(k)))
		}
	})
	return bad.err()
}

func (p *parameter) check(raw []string, bad *findings) {
	switch {
	case len(raw) == 0 && p.required:
		bad.Add(p.name, fault.Required)
	case len(raw) == 0:
	case p.list:
		var list []any
		for _, s := range raw {
			v, ok := convert(s, p.schema.Items.Value)
			if !ok {
				bad.Add(p.name, fault.WrongType)
				return
			}
			list = append(list, v)
		}
		visit(p.schema, list, p.name, bad)
	case len(raw) > 1:
		bad.Add(p.name, fault.TooMany)
	default:
		v, ok := convert(raw[0], p.schema)
		if !ok {
			bad.Add(p.name, fault.WrongType)
			return
		}
		visit(p.schema, v, p.name, bad)
	}
}

func convert(s string, schema *openapi3.Schema) (any, bool) {
	switch {
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	case schema.Type.Is("boolean"):
		return s == "true", s == "true" || s == "false"
	default:
		return s, utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
	}
}

// readBody takes the whole body, at most op.limit bytes of it, and checks it against the contract. Bodies that stream are left alone.
func (op *operation) readBody(c *fiber.Ctx) error {
	if n := c.Request().Header.ContentLength(); n > op.limit {
		return fault.New(fault.TooLarge)
	}
	if c.Context().RequestBodyStream() != nil {
		b, err := io.ReadAll(io.LimitReader(bodyOf(c), int64(op.limit)+1))
		if err != nil {
			return fault.Newf(fault.Malformed, "read the body: %w", err)
		}
		if len(b) > op.limit {
			return fault.New(fault.TooLarge)
		}
		c.Request().SetBodyRaw(b)
	}
	body := c.Request().Body()
	if len(body) == 0 {
		if op.needsBody {
			return fault.Newf(fault.Malformed, "no body")
		}
		return nil
	}
	if op.raw {
		return nil
	}
	media, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	switch {
	case op.body == nil && !op.workbook:
		return fault.Newf(fault.Malformed, "a body where none belongs")
	case err != nil || !slices.Contains(op.media, media):
		return fault.New(fault.UnsupportedMedia)
	case op.workbook:
		return nil
	}
	if err := checkJSON(op.body, body); !op.values || fault.CodeOf(err) == fault.Malformed {
		return err
	}
	return nil
}

// checkJSON checks a JSON text against a schema of the contract: what is not JSON, of a wrong type or unknown is Malformed,
// what breaks another rule is Invalid; all fields are told at once.
func checkJSON(schema *openapi3.Schema, text []byte) error {
	if !utf8.Valid(text) {
		return fault.Newf(fault.Malformed, "not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var v any
	if err := d.Decode(&v); err != nil {
		return fault.Newf(fault.Malformed, "not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.Newf(fault.Malformed, "more than one JSON value")
	}
	var bad findings
	visit(schema, v, "", &bad)
	nul(v, "", &bad)
	return bad.err()
}

// nul refuses the one character that no store keeps faithfully.
func nul(v any, path string, bad *findings) {
	switch v := v.(type) {
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			bad.Add(path, fault.WrongFormat)
		}
	case []any:
		for i, x := range v {
			nul(x, join(path, strconv.Itoa(i)), bad)
		}
	case map[string]any:
		for k, x := range v {
			if strings.IndexByte(k, 0) >= 0 {
				bad.Add(path, fault.WrongFormat)
			}
			nul(x, join(path, printable(k)), bad)
		}
	}
}

func visit(schema *openapi3.Schema, v any, path string, bad *findings) {
	err := schema.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsRequest(), openapi3.EnableFormatValidation())
	if err != nil {
		collect(err, path, bad)
	}
}

func collect(err error, path string, bad *findings) {
	if many, ok := err.(openapi3.MultiError); ok {
		for _, e := range many {
			collect(e, path, bad)
		}
		return
	}
	e, ok := errors.AsType[*openapi3.SchemaError](err)
	if !ok {
		bad.Add(path, fault.WrongFormat)
		return
	}
	at := path
	for _, p := range e.JSONPointer() {
		at = join(at, printable(p))
	}
	if e.SchemaField == "properties" { // an unknown field: the pointer is of the object that has it
		_, name, _ := strings.Cut(e.Reason, `"`)
		bad.stranger(join(at, printable(name[:max(0, strings.LastIndex(name, `"`))])))
		return
	}
	bad.Add(at, reasonOf(e))
}

func reasonOf(e *openapi3.SchemaError) fault.Reason {
	switch e.SchemaField {
	case "type", "nullable":
		return fault.WrongType
	case "required", "minItems", "minProperties": // of which one is always enough
		return fault.Required
	case "minLength":
		if e.Value == "" {
			return fault.Required
		}
		return fault.TooShort
	case "maxLength":
		return fault.TooLong
	case "maxItems", "maxProperties":
		return fault.TooMany
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
		return fault.OutOfRange
	case "enum": // which is looked at before the type
		if e.Schema != nil && e.Schema.Type.Is("string") {
			if _, text := e.Value.(string); !text {
				return fault.WrongType
			}
		}
		return fault.Unknown
	case "uniqueItems":
		return fault.Duplicate
	default:
		return fault.WrongFormat
	}
}

// findings are what is wrong with an input.
type findings struct {
	fields    fault.Fields
	malformed bool
}

// Add notes a fault. A wrong type is a mistake of the program that calls, and 400; others are of the person who types, and 422.
func (f *findings) Add(path string, r fault.Reason) {
	f.fields.Add(path, r)
	f.malformed = f.malformed || r == fault.WrongType
}

// stranger notes a field that the contract does not know: 400 as well.
func (f *findings) stranger(path string) {
	f.fields.Add(path, fault.Unknown)
	f.malformed = true
}

// err makes one fault of all, in the order of their paths.
func (f *findings) err() error {
	if len(f.fields) == 0 {
		return nil
	}
	slices.SortStableFunc(f.fields, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
	if f.malformed {
		return &fault.Error{Code: fault.Malformed, Fields: f.fields}
	}
	return f.fields.Err()
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

// printable keeps a name that came from outside short and harmless.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "")
	}
	return s
}
