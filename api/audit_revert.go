package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/fault"
)

// noneYet is the ETag of what is not there.
const noneYet = `"0"`

// reversalOf is the request that puts back what was before a change, fault.NotReversible when there is none: what was written is written again as it was, what was
// made where it can be removed is removed, and what was removed is made again. What is done by POST, such as closing a round, stays done.
func (s *Server) reversalOf(e *audit.Entry) (_ *inside, err error) {
	none := fault.New(fault.NotReversible)
	op := s.operations[e.Operation]
	if e.Outcome != audit.Done || op == nil || !op.audited || op.resource == 0 || op.method == fiber.MethodPost {
		return nil, none
	}
	back := &inside{uri: op.resourceOf(e.Path), ifMatch: e.Tag, reverts: e.ID}
	by := op
	switch {
	case op.method == fiber.MethodDelete:
		by, back.ifMatch = s.operationAt(fiber.MethodPut, op), noneYet
	case e.Before == nil:
		by = s.operationAt(fiber.MethodDelete, op)
	case op.body == nil: // a workbook, say: what it became is written another way
		by = s.operationAt(fiber.MethodPut, op)
	}
	if by == nil || back.ifMatch == "" {
		return nil, none
	}
	back.method = by.method
	if by.method == fiber.MethodDelete {
		return back, nil
	}
	if q := confirmed(by); q != "" { // whoever wrote it first has read the warnings
		back.uri += "?" + q
	}
	back.body, err = bodyBefore(e, by)
	return back, err
}

// bodyBefore makes a body for an operation of what was before. A part of it can be put back only where what was before shows all that was
// changed, and no password is shown.
func bodyBefore(e *audit.Entry, by *operation) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(e.Before))
	d.UseNumber()
	var before any
	if err := d.Decode(&before); err != nil {
		return nil, fmt.Errorf("what was before: %w", err)
	}
	fields, ok := partOf(before, by.body).(map[string]any)
	if !ok {
		return nil, fault.New(fault.NotReversible)
	}
	if by.method == fiber.MethodPatch {
		for _, name := range e.Fields {
			if _, there := fields[name]; !there {
				return nil, fault.New(fault.NotReversible)
			}
		}
		maps.DeleteFunc(fields, func(name string, _ any) bool { return !slices.Contains(e.Fields, name) })
	}
	return json.Marshal(fields)
}

// operationAt is the operation of a method on the resource of another, nil when there is none.
func (s *Server) operationAt(method string, of *operation) *operation {
	at := of.resourceOf(of.path)
	for _, op := range s.operations {
		if op.method == method && op.path == at {
			return op
		}
	}
	return nil
}

// confirmed accepts every warning that there is.
func confirmed(op *operation) string {
	q := url.Values{}
	for _, p := range op.params {
		if p.name == "confirm" && p.list {
			for _, w := range p.schema.Items.Value.Enum {
				q.Add(p.name, fmt.Sprint(w))
			}
		}
	}
	return q.Encode()
}

// partOf is the part of a value that a schema knows.
func partOf(v any, schema *openapi3.Schema) any {
	switch v := v.(type) {
	case map[string]any:
		known := knownBy(schema)
		if len(known) == 0 {
			return v
		}
		part := map[string]any{}
		for name, value := range v {
			if s, ok := known[name]; ok && value != nil {
				part[name] = partOf(value, s.Value)
			}
		}
		return part
	case []any:
		if schema.Items == nil {
			return v
		}
		part := make([]any, len(v))
		for i := range v {
			part[i] = partOf(v[i], schema.Items.Value)
		}
		return part
	}
	return v
}

// knownBy are the properties of a schema and of those that it is made of.
func knownBy(schema *openapi3.Schema) openapi3.Schemas {
	all := openapi3.Schemas{}
	maps.Copy(all, schema.Properties)
	for _, part := range slices.Concat(schema.AllOf, schema.OneOf, schema.AnyOf) {
		maps.Copy(all, knownBy(part.Value))
	}
	return all
}

// RevertAudit puts back what was before a change.
func (s *Server) RevertAudit(ctx context.Context, r gen.RevertAuditRequestObject) (gen.RevertAuditResponseObject, error) {
	e, err := s.Audit.Entry(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	back, err := s.reversalOf(e)
	if err != nil {
		return nil, err
	}
	if now, tag, err := s.present(ctx, s.operations[e.Operation].resourceOf(e.Path)); err != nil {
		return nil, err
	} else if sameButRev(now, e.After) {
		back.ifMatch = tag // only what it does not show was changed since, such as the filters that a member of staff keeps
	}
	if err := s.ask(ctx, back); err != nil {
		return nil, err
	}
	return s.auditEntry(ctx, back.entry)
}

// sameButRev reports whether two documents differ in nothing but the number of their version.
func sameButRev(a, b []byte) bool {
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	delete(x, "rev")
	delete(y, "rev")
	return reflect.DeepEqual(x, y)
}
