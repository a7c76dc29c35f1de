// Package actor says who is asking: a citizen, a member of staff with a role, centres and departments, the system, or nobody.
//
// Every service takes an Actor and decides by it; stores never see one.
package actor

import "slices"

// Kind of actor. The zero value is nobody: it may do only what needs no account.
type Kind string

// The kinds.
const (
	Nobody  Kind = ""
	Citizen Kind = "citizen"
	Staff   Kind = "staff"
	System  Kind = "system"
)

// Role of a member of staff.
type Role string

// The roles, from narrow to wide.
const (
	Clerk      Role = "clerk"      // registers and assigns in a contact centre
	Officer    Role = "officer"    // handles the reports of a department
	Supervisor Role = "supervisor" // a clerk who also merges, rejects, reassigns and closes
	Manager    Role = "manager"    // reads reports and insights, changes nothing
	Admin      Role = "admin"      // sets up the organisation and its staff
)

// Roles lists every role.
var Roles = []Role{Clerk, Officer, Supervisor, Manager, Admin}

// All in Centres or Departments stands for every one of them.
const All = "*"

// Actor is who is asking.
type Actor struct {
	Kind        Kind
	ID          string   // of the citizen or member of staff
	Device      string   // of the citizen's phone, when the session is bound to one
	Session     string   // the refresh-token family
	Role        Role     // of staff
	Centres     []string // codes that staff work for; All for every centre; none when empty
	Departments []string // likewise
	Request     string   // names what is being asked, when it may be asked again: ids of what it makes derive from it; "" otherwise
}

// Is reports whether a is staff with one of the roles.
func (a Actor) Is(roles ...Role) bool { return a.Kind == Staff && slices.Contains(roles, a.Role) }

// Sees reports whether a report of that centre and department lies within a's scope.
func (a Actor) Sees(centre, department string) bool {
	return a.Kind == System || a.Kind == Staff && within(a.Centres, centre) && within(a.Departments, department)
}

func within(codes []string, code string) bool {
	return slices.Contains(codes, All) || slices.Contains(codes, code)
}
