package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/balagh/balagh/actor"
)

const (
	bodyLimit  = 256 << 10 // of a request without files
	areaLimit  = 8 << 20   // of a centre with its polygons
	callLimit  = 64 << 10  // of a call-back
	sheetLimit = 2 << 20   // of a questionnaire, as JSON or as a workbook
	anyCT      = "*/*"
	problemCT  = "application/problem+json"
	jsonCT     = "application/json"
	xlsxCT     = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	multipart_ = "multipart/form-data"
)

// operation is what the guard needs to know of one operation of the contract.
type operation struct {
	id         string
	method     string
	path       string // as Fiber writes it: /v1/reports/:id
	public     bool
	citizen    bool
	roles      []actor.Role
	params     []parameter
	body       *openapi3.Schema // of a JSON body; nil without
	media      []string         // that a body may have
	needsBody  bool
	limit      int
	streams    bool // its handler reads the body itself
	raw        bool // the body is of any media type; its handler checks it
	workbook   bool // the body is one; its handler checks it
	values     bool // the service checks the values of the body and tells all that is wrong at once; here only its form is checked
	tokenless  bool // no token is looked at
	appCheck   bool // wants to know that the app is genuine
	idempotent bool
	tagged     bool // a success carries an ETag
	worded     bool // and a Content-Language
	audited    bool // what it changes is written down
	bare       bool // without values
	resource   int  // parts of the path of what it changes, as its GET gives it; 0 for none
}

type parameter struct {
	name     string
	in       string
	required bool
	list     bool
	schema   *openapi3.Schema
}

const (
	filing = "fileReport"  // the operation that files a report
	signIn = "createToken" // the one that gives tokens
)

// streaming are the operations whose bodies may hold photos: they are never read into memory here.
var streaming = []string{"uploadPhoto", "addReportPhoto", filing}

// operations reads the contract. An operation that does not say who may call it is an error, so the program does not start.
func operations(doc *openapi3.T) ([]*operation, error) {
	var all []*operation
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			op, err := newOperation(method, path, item, o)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			op.auditBy(doc, path, o)
			all = append(all, op)
		}
	}
	// Fiber takes the first route that fits: what is written out goes before what is a parameter.
	slices.SortFunc(all, func(a, b *operation) int {
		return strings.Compare(strings.ReplaceAll(a.path, ":", "~")+a.method, strings.ReplaceAll(b.path, ":", "~")+b.method)
	})
	return all, nil
}

func newOperation(method, path string, item *openapi3.PathItem, o *openapi3.Operation) (*operation, error) {
	op := &operation{id: o.OperationID, method: method, limit: bodyLimit, streams: slices.Contains(streaming, o.OperationID),
		path: strings.NewReplacer("{", ":", "}", "").Replace(path)}
	allow, _ := o.Extensions["x-allow"].([]any)
	if len(allow) == 0 {
		return nil, fmt.Errorf("no x-allow says who may call it")
	}
	for _, a := range allow {
		switch s := fmt.Sprint(a); {
		case s == "public":
			op.public = true
		case s == "citizen":
			op.citizen = true
		case slices.Contains(actor.Roles, actor.Role(s)):
			op.roles = append(op.roles, actor.Role(s))
		default:
			return nil, fmt.Errorf("x-allow: who is %q?", s)
		}
	}
	op.appCheck, _ = o.Extensions["x-app-check"].(bool)
	op.values = o.Extensions["x-values"] == "service"
	op.tokenless = o.Security != nil && !slices.ContainsFunc(*o.Security, func(r openapi3.SecurityRequirement) bool { return len(r) > 0 })
	for _, p := range append(slices.Clone(item.Parameters), o.Parameters...) {
		v := p.Value
		if v.In == openapi3.ParameterInHeader {
			op.idempotent = op.idempotent || http.CanonicalHeaderKey(v.Name) == idempotencyHeader
		}
		op.params = append(op.params, parameter{v.Name, v.In, v.Required, v.Schema.Value.Type.Is("array"), v.Schema.Value})
	}
	if o.RequestBody != nil {
		op.needsBody = o.RequestBody.Value.Required
		for media, m := range o.RequestBody.Value.Content {
			op.media = append(op.media, media)
			switch media {
			case jsonCT:
				op.body = m.Schema.Value
			case anyCT:
				op.raw, op.limit = true, callLimit
			case xlsxCT:
				op.workbook = true
			}
		}
	}
	for status, answer := range o.Responses.Map() {
		if strings.HasPrefix(status, "2") {
			_, op.tagged = answer.Value.Headers["ETag"]
			_, op.worded = answer.Value.Headers["Content-Language"]
		}
	}
	if strings.Contains(path, "/admin/centres/") {
		op.limit = areaLimit
	}
	if strings.Contains(path, "/admin/questionnaires/") {
		op.limit = sheetLimit
	}
	return op, nil
}

// allows reports whether an actor of that kind and role may call the operation at all; the service decides about the object.
func (op *operation) allows(a actor.Actor) bool {
	switch a.Kind {
	case actor.Citizen:
		return op.citizen || op.public
	case actor.Staff:
		return slices.Contains(op.roles, a.Role) || op.public
	default:
		return op.public
	}
}
