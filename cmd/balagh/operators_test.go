package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/openapi"
)

// place is a field of a body that holds a text, a number or a truth, and so may reach a query.
type place []string

// around is a body with nothing in it but the value at that place.
func (p place) around(value any) any {
	for _, name := range slices.Backward(p) {
		if name == "*" {
			value = []any{value}
		} else {
			value = map[string]any{name: value}
		}
	}
	return value
}

// placesOf finds every one of a schema.
func placesOf(s *openapi3.Schema, at place, deep int) (all []place) {
	if s == nil || deep > 6 {
		return nil
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf) {
		all = append(all, placesOf(part.Value, at, deep+1)...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name].Value
		here := append(slices.Clone(at), name)
		switch {
		case p.Type.Is("object"):
			all = append(all, placesOf(p, here, deep+1)...)
		case p.Type.Is("array"):
			if items := p.Items.Value; items.Type.Is("object") {
				all = append(all, placesOf(items, append(here, "*"), deep+1)...)
			} else if items.Type != nil {
				all = append(all, append(here, "*"), here)
			}
		case p.Type != nil:
			all = append(all, here)
		}
	}
	return all
}

// Every field of every body that the contract knows refuses an operator of MongoDB in the place of its value, whoever sends it.
func TestBadInput_Operators(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin, citizen := i.staff(actor.Admin, "*", "*"), i.citizen("+966500000042")
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	filed := citizen.do("POST", "/v1/reports", speakers).want(201).str("id") // what is looked for before the body is read
	fields := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			media := op.RequestBody.Value.Content.Get("application/json")
			if media == nil || media.Schema == nil {
				continue
			}
			who := admin
			if allowed := strings.Join(allowedOf(op), " "); strings.Contains(allowed, "citizen") {
				who = citizen
			} else if role := firstRole(allowed); role != "" {
				who = i.staff(role, "*", "*")
			}
			url := path
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value.In == "path" {
					url = strings.ReplaceAll(url, "{"+p.Value.Name+"}", pathValue(p.Value.Schema.Value, filed))
				}
			}
			for _, at := range placesOf(media.Schema.Value, nil, 0) {
				for _, operator := range []any{map[string]any{"$gt": ""}, map[string]any{"$where": "1"}} {
					a := (&client{i: i, t: t, token: who.token}).do(method, url, at.around(operator), "If-Match", `"1"`, "Idempotency-Key", "an-operator-in-it")
					fields++
					if a.status != 400 || a.str("code") != "malformed_request" {
						t.Errorf("%s %s with %v at %s: %d %s", method, path, operator, strings.Join(at, "/"), a.status, a.body)
					}
				}
			}
		}
	}
	if fields < 200 {
		t.Errorf("only %d fields were tried", fields)
	}
	t.Logf("%d fields with operators in them", fields)
}

func allowedOf(op *openapi3.Operation) (roles []string) {
	list, _ := op.Extensions["x-allow"].([]any)
	for _, r := range list {
		if s, ok := r.(string); ok {
			roles = append(roles, s)
		}
	}
	return roles
}

func firstRole(allowed string) actor.Role {
	for _, r := range []actor.Role{actor.Admin, actor.Supervisor, actor.Officer, actor.Clerk, actor.Manager} {
		if strings.Contains(allowed, string(r)) {
			return r
		}
	}
	return ""
}

// pathValue is one that the contract lets through.
func pathValue(s *openapi3.Schema, id string) string {
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0].(string)
	case s.Format == "uuid" || s.Pattern != "" && strings.Contains(s.Pattern, "-"):
		return id
	case s.Type.Is("integer"):
		return "1"
	}
	return "riyadh"
}
