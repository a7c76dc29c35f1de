package main

import (
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestColleagues: a report can be given to those who may work on it, and to no one else.
func TestColleagues(t *testing.T) {
	t.Parallel()
	i := install(t)
	id := i.citizen("+966500000091").do("POST", "/v1/reports", speakers).want(201).str("id")
	clerk, officer := i.staff(actor.Clerk, "riyadh", "*"), i.staff(actor.Officer, "*", "sound")
	for _, other := range []struct {
		role               actor.Role
		centre, department string
	}{{actor.Officer, "qassim", "*"}, {actor.Officer, "riyadh", "maintenance"}, {actor.Manager, "*", "*"}} {
		i.staff(other.role, other.centre, other.department)
	}
	gone := i.staff(actor.Supervisor, "riyadh", "*").do("GET", "/v1/desk/me", nil).want(200).str("id")
	i.staff(actor.Admin, "*", "*").do("PATCH", "/v1/admin/staff/"+gone, `{"active":false}`).want(200)

	a := clerk.do("GET", "/v1/desk/reports/"+id+"/colleagues", nil).want(200)
	roles := map[string]string{}
	for n := range a.len("items") {
		roles[a.str("items", n, "id")] = a.str("items", n, "role")
	}
	clerkID, officerID := clerk.do("GET", "/v1/desk/me", nil).want(200).str("id"), officer.do("GET", "/v1/desk/me", nil).want(200).str("id")
	if len(roles) != 2 || roles[clerkID] != "clerk" || roles[officerID] != "officer" {
		t.Errorf("the colleagues: %s", a.body)
	}
	clerk.do("POST", "/v1/desk/reports/"+id+"/assign", map[string]any{"assignee": officerID}).want(200)
}
