package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/openapi"
)

// route is one operation of the contract with a request that fits it.
type route struct {
	op     *openapi3.Operation
	method string
	path   string // with its parameters still in braces
	body   any
}

// routes reads every operation of the API proper from the contract: a new one is tested without being named here.
func routes(t *testing.T) []route {
	t.Helper()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	var all []route
	for path, item := range doc.Paths.Map() {
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		for method, op := range item.Operations() {
			all = append(all, route{op, method, path, example(t, op)})
		}
	}
	slices.SortFunc(all, func(a, b route) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

func example(t *testing.T, op *openapi3.Operation) any {
	t.Helper()
	if op.RequestBody == nil {
		return nil
	}
	m := op.RequestBody.Value.Content["application/json"]
	switch {
	case m == nil:
		return "no photo"
	case m.Example != nil:
		return m.Example
	case m.Schema.Value.Example != nil:
		return m.Schema.Value.Example
	}
	for _, e := range m.Examples {
		return e.Value.Value
	}
	t.Fatalf("%s: no example to send", op.OperationID)
	return nil
}

// with fills in the parameters of the path; query parameters that are required get a lawful value.
func (r route) with(id string) string {
	p := strings.NewReplacer("{id}", id, "{device_id}", id, "{code}", "nothing", "{name}", "mine", "{message}", id,
		"{kind}", "resolved", "{channel}", "push", "{version}", "1").Replace(r.path)
	switch {
	case strings.HasSuffix(p, "/nearby"):
		p += "?latitude=24.7&longitude=46.7"
	case p == "/v1/desk/surveys", p == "/v1/desk/callers":
		p += "?phone=0500000099"
	}
	return p
}

func (r route) allow() []string { return openapi.Allow(r.op) }

// TestPolicy_EachRole asks every operation as everybody: who is not named in x-allow is refused before anything is looked at.
func TestPolicy_EachRole(t *testing.T) {
	t.Parallel()
	i := install(t)
	people := map[string]*client{"nobody": {i: i, t: t}, "citizen": i.citizen("+966500000011")}
	for _, role := range actor.Roles {
		people[string(role)] = i.staff(role, "*", "*")
	}
	nowhere := i.parts.server.Reports.NewID()
	for _, r := range routes(t) {
		for who, c := range people {
			t.Run(r.op.OperationID+"/"+who, func(t *testing.T) {
				if r.op.OperationID == "logout" && who != "nobody" {
					return // it would end the session that the others need; TestSignOut has it
				}
				if r.op.OperationID == "deskEvents" && slices.Contains(r.allow(), who) {
					return // it would be read to its end; TestEvents has it
				}
				a := (&client{i: i, t: t, token: c.token}).do(r.method, r.with(nowhere), r.body)
				allowed := slices.Contains(r.allow(), who) || slices.Contains(r.allow(), "public")
				switch {
				case allowed && r.op.OperationID == "fileReport" && who == "nobody": // depends on the category
				case allowed && a.status >= 400 && (a.str("code") == "unauthenticated" || a.str("code") == "forbidden"):
					t.Errorf("may call it, and got %d: %s", a.status, a.body)
				case !allowed && who == "nobody":
					a.refused(401, "unauthenticated")
				case !allowed:
					a.refused(403, "forbidden")
				}
			})
		}
	}
}

// TestPolicy_Head: what Fiber answers beside GET is guarded as well.
func TestPolicy_Head(t *testing.T) {
	t.Parallel()
	i := install(t)
	for _, r := range routes(t) {
		if r.method != "GET" || slices.Contains(r.allow(), "public") {
			continue
		}
		res, err := http.Head(i.url + r.with(i.parts.server.Reports.NewID()))
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("HEAD %s: %s", r.path, res.Status)
		}
	}
}

// TestPolicy_SomebodyElses asks every operation on one object as those who may call it, but not for this object: all of them
// get 404, and the object stays as it was.
func TestPolicy_SomebodyElses(t *testing.T) {
	t.Parallel()
	i := install(t)
	owner, admin := i.citizen("+966500000021"), i.staff(actor.Admin, "*", "*")
	strangers := map[string]*client{"citizen": i.citizen("+966500000022")}
	for _, role := range []actor.Role{actor.Clerk, actor.Officer, actor.Supervisor, actor.Manager} {
		strangers[string(role)+" of another centre"] = i.staff(role, "qassim", "*")
		strangers[string(role)+" of another department"] = i.staff(role, "riyadh", "maintenance")
	}
	id := owner.do("POST", "/v1/reports", speakers).want(201).str("id")
	before := admin.do("GET", "/v1/desk/reports/"+id, nil).want(200).body
	public := []string{"supportReport", "unsupportReport"} // anybody may support what is near; it shows nothing but a count
	for _, r := range routes(t) {
		if !strings.Contains(r.path, "/reports/{id}") || slices.Contains(public, r.op.OperationID) {
			continue
		}
		for who, c := range strangers {
			role, _, _ := strings.Cut(who, " ")
			if !slices.Contains(r.allow(), role) {
				continue
			}
			t.Run(r.op.OperationID+"/"+who, func(t *testing.T) {
				body := r.body
				switch r.op.OperationID {
				case "addReportPhoto":
					body = map[string]any{"photo_id": id}
				case "assignReport": // its example names departments that are not here
					body = map[string]any{"note": "ملاحظة"}
				}
				a := (&client{i: i, t: t, token: c.token}).do(r.method, r.with(id), body).refused(404, "not_found")
				var p map[string]any
				if err := json.Unmarshal(a.body, &p); err != nil || p["fields"] != nil || strings.Contains(string(a.body), "مكبر") {
					t.Errorf("the refusal tells something: %s", a.body)
				}
			})
		}
	}
	if after := admin.do("GET", "/v1/desk/reports/"+id, nil).want(200).body; string(after) != string(before) {
		t.Fatalf("the report changed:\n%s\n%s", before, after)
	}
}

// TestPolicy_OfTheQueue looks at lists: what is not in one's centre and department is in none of them.
func TestPolicy_OfTheQueue(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.citizen("+966500000031").do("POST", "/v1/reports", speakers).want(201)
	for _, c := range []struct {
		who  *client
		want int
	}{
		{i.staff(actor.Clerk, "riyadh", "*"), 1}, {i.staff(actor.Clerk, "qassim", "*"), 0}, {i.staff(actor.Officer, "riyadh", "sound"), 1},
		{i.staff(actor.Officer, "riyadh", "maintenance"), 0}, {i.staff(actor.Admin, "*", "*"), 1},
	} {
		for _, q := range []string{"", "?q=مكبر", "?centre=riyadh", "?status=received&sort=due"} {
			eventually(t, fmt.Sprintf("%d reports for %q", c.want, q), func() bool {
				return c.who.do("GET", "/v1/desk/reports"+q, nil).want(200).len("items") == c.want
			})
		}
	}
	for scope, want := range map[string]float64{"riyadh": 1, "qassim": 0, "*": 1} {
		m := i.staff(actor.Manager, scope, "*")
		if v := m.do("GET", "/v1/insights/volumes?by=centre", nil).want(200); v.at("total") != want {
			t.Errorf("a manager of %s counts %s", scope, v.body)
		}
		if f := m.do("GET", "/v1/insights/volumes.csv?by=centre", nil).want(200); strings.Contains(string(f.body), "riyadh") != (want == 1) {
			t.Errorf("a manager of %s downloads %s", scope, f.body)
		}
		if d := m.do("GET", "/v1/insights/deadlines?by=centre", nil).want(200); d.at("total", "received") != want || d.len("rows") != int(want) {
			t.Errorf("a manager of %s sees %s", scope, d.body)
		}
	}
}
