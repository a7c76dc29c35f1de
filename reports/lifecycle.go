package reports

import (
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Status of a report: where it stands in its lifecycle.
type Status string

// The statuses, in the order in which a report usually passes them.
const (
	Received          Status = "received"
	Assigned          Status = "assigned"
	InProgress        Status = "in_progress"
	WaitingForCitizen Status = "waiting_for_citizen"
	Resolved          Status = "resolved"
	Closed            Status = "closed"
	Rejected          Status = "rejected"
	Duplicate         Status = "duplicate"
	Withdrawn         Status = "withdrawn"
	Reopened          Status = "reopened"
)

// Statuses lists every status.
var Statuses = []Status{
	Received, Assigned, InProgress, WaitingForCitizen, Resolved, Closed, Rejected, Duplicate, Withdrawn, Reopened,
}

var statusNames = map[Status]map[string]string{
	Received:          {"ar": "وارد", "en": "Received", "ur": "موصول"},
	Assigned:          {"ar": "محال", "en": "Assigned", "ur": "متعلقہ شعبے کے سپرد"},
	InProgress:        {"ar": "قيد المعالجة", "en": "In progress", "ur": "کارروائی جاری"},
	WaitingForCitizen: {"ar": "بانتظار المستفيد", "en": "Waiting for the citizen", "ur": "شہری کے جواب کا انتظار"},
	Resolved:          {"ar": "تمت المعالجة", "en": "Resolved", "ur": "حل شدہ"},
	Closed:            {"ar": "مغلق", "en": "Closed", "ur": "بند"},
	Rejected:          {"ar": "مرفوض", "en": "Rejected", "ur": "مسترد"},
	Duplicate:         {"ar": "مكرر", "en": "Duplicate", "ur": "مکرر"},
	Withdrawn:         {"ar": "مسحوب", "en": "Withdrawn", "ur": "واپس لیا گیا"},
	Reopened:          {"ar": "معاد فتحه", "en": "Reopened", "ur": "دوبارہ کھولا گیا"},
}

// Name of the status in a language: "ar", "en" or "ur"; Arabic for any other.
func (s Status) Name(language string) string {
	if name, ok := statusNames[s][language]; ok {
		return name
	}
	return statusNames[s]["ar"]
}

// transition is one arrow of the lifecycle and who may take it.
type transition struct {
	from, to Status
	staff    []actor.Role
	citizen  bool // the one who filed the report
	system   bool // by itself, when time has passed
	when     string
}

var (
	desk       = []actor.Role{actor.Clerk, actor.Supervisor}
	handlers   = []actor.Role{actor.Officer, actor.Supervisor}
	supervisor = []actor.Role{actor.Supervisor}
)

// transitions is the whole lifecycle: what is not listed is refused. docs/lifecycle.md is drawn from it.
var transitions = []transition{
	{from: Received, to: Assigned, staff: desk, when: "the desk gives it to a department"},
	{from: Reopened, to: Assigned, staff: desk, when: "the desk gives it to a department again"},
	{from: Assigned, to: InProgress, staff: handlers, when: "work on it begins"},
	{from: InProgress, to: WaitingForCitizen, staff: handlers, when: "the citizen is asked for something"},
	{from: WaitingForCitizen, to: InProgress, staff: handlers, citizen: true, when: "the citizen has answered"},
	{from: InProgress, to: Resolved, staff: handlers, when: "the work is done"},
	{from: Resolved, to: Closed, staff: supervisor, system: true, when: "the days for reopening are over"},
	{from: Resolved, to: Reopened, citizen: true, when: "it is not solved, within the days for reopening"},
	{from: Closed, to: Reopened, citizen: true, when: "it is not solved, within the days for reopening"},
	{from: Received, to: Rejected, staff: desk, when: "it is nothing that the service can handle"},
	{from: Assigned, to: Rejected, staff: supervisor, when: "it is nothing that the service can handle"},
	{from: InProgress, to: Rejected, staff: supervisor, when: "it is nothing that the service can handle"},
	{from: Received, to: Duplicate, staff: supervisor, when: "it is merged into another report"},
	{from: Assigned, to: Duplicate, staff: supervisor, when: "it is merged into another report"},
	{from: InProgress, to: Duplicate, staff: supervisor, when: "it is merged into another report"},
	{from: WaitingForCitizen, to: Duplicate, staff: supervisor, when: "it is merged into another report"},
	{from: Received, to: Withdrawn, citizen: true, when: "the citizen takes it back"},
	{from: Assigned, to: Withdrawn, citizen: true, when: "the citizen takes it back"},
	{from: InProgress, to: Withdrawn, citizen: true, when: "the citizen takes it back"},
	{from: WaitingForCitizen, to: Withdrawn, citizen: true, when: "the citizen takes it back"},
}

func (t transition) allows(a actor.Actor) bool {
	switch a.Kind {
	case actor.Citizen:
		return t.citizen
	case actor.Staff:
		return slices.Contains(t.staff, a.Role)
	case actor.System:
		return t.system
	}
	return false
}

// Next lists the statuses to which a may move a report that stands at from, in the order of the table. Whose report it is,
// the scope of staff and the days for reopening are the service's to check; Duplicate is reached by merging only.
func Next(from Status, a actor.Actor) []Status {
	var next []Status
	for _, t := range transitions {
		if t.from == from && t.allows(a) {
			next = append(next, t.to)
		}
	}
	return next
}

// Allowed reports whether a may move a report from one status to another.
func Allowed(from, to Status, a actor.Actor) bool {
	return slices.ContainsFunc(transitions, func(t transition) bool { return t.from == from && t.to == to && t.allows(a) })
}

// Check is nil when a may move a report from one status to another, otherwise a TransitionNotAllowed fault that lists
// what a may do instead.
func Check(from, to Status, a actor.Actor) error {
	if Allowed(from, to, a) {
		return nil
	}
	refusal := fault.New(fault.TransitionNotAllowed)
	for _, s := range Next(from, a) {
		refusal.Allowed = append(refusal.Allowed, string(s))
	}
	return refusal
}

// Open reports whether somebody still has to work on a report of that status: it is neither done nor ended otherwise.
func Open(s Status) bool {
	switch s {
	case Received, Assigned, InProgress, WaitingForCitizen, Reopened:
		return true
	}
	return false
}

// Done reports whether a report of that status was handled, so that it can be rated.
func Done(s Status) bool { return s == Resolved || s == Closed }
