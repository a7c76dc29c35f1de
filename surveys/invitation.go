package surveys

import (
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys/form"
)

// InvitationState says how far an invitation is.
type InvitationState string

// The states.
const (
	InvitationDrawn     InvitationState = "drawn"     // of a round that has not got to it yet
	InvitationPlanned   InvitationState = "planned"   // after a case: for its day
	InvitationInvited   InvitationState = "invited"   // the person was told, as far as it could be done
	InvitationPartial   InvitationState = "partial"   // some answers are kept
	InvitationComplete  InvitationState = "complete"  // answered
	InvitationRefused   InvitationState = "refused"   // the person does not want to
	InvitationLapsed    InvitationState = "lapsed"    // its time is over without an answer, and nothing says that it did not arrive
	InvitationUnreached InvitationState = "unreached" // its time is over, and it did not arrive
	// After a case, never sent: the person was asked something else within the quarantine. Not in the response rates.
	InvitationQuarantined InvitationState = "quarantined"
	InvitationDropped     InvitationState = "dropped" // never sent: the account was gone, or the quarantine or a stop came between
)

// How an answer came.
const (
	ByApp   = "app"
	ByLink  = "link"
	ByPhone = "phone" // taken down by staff
)

// Invitation is one person asked once: by a round, or after a case.
type Invitation struct {
	ID            string          `json:"id"` // derived from round and citizen, or programme, report and point
	Rev           int64           `json:"rev"`
	Programme     string          `json:"programme"`
	Round         string          `json:"round,omitempty"`  // id; after a case empty until its day has come
	Report        string          `json:"report,omitempty"` // id; empty in a round
	Point         string          `json:"point,omitempty"`  // OnClosed …, after a case
	Citizen       string          `json:"citizen"`
	Questionnaire string          `json:"questionnaire"`
	Version       int             `json:"version"`
	Anonymous     bool            `json:"anonymous,omitempty"`
	Stratum       string          `json:"stratum,omitempty"`
	Snapshot      Snapshot        `json:"snapshot"`
	State         InvitationState `json:"state"`
	Channels      []string        `json:"channels,omitempty"`
	Reminders     []int           `json:"reminders,omitempty"` // days after Invited
	Reminded      int             `json:"reminded,omitempty"`  // how many were sent
	Invited       time.Time       `json:"invited,omitzero"`
	Until         time.Time       `json:"until,omitzero"` // the first moment at which it is too late to answer
	Due           time.Time       `json:"due,omitzero"`   // when the runner looks at it: to invite, to remind or to end it; zero for never
	// Ended is when it was answered, refused or given up. Of an anonymous one it is the day alone, at midnight in UTC.
	Ended time.Time `json:"ended,omitzero"`
}

// Response is what somebody answered. Of an anonymous programme it has an id that is random, no invitation and no citizen, its
// At is a day, and partial answers are not kept at all.
type Response struct {
	ID            string       `json:"id"`
	Rev           int64        `json:"rev"`
	Programme     string       `json:"programme"`
	Round         string       `json:"round,omitempty"`
	Questionnaire string       `json:"questionnaire"`
	Version       int          `json:"version"`
	Invitation    string       `json:"invitation,omitempty"`
	Stratum       string       `json:"stratum,omitempty"`
	Snapshot      Snapshot     `json:"snapshot"` // of an anonymous one without the employee
	Answers       form.Answers `json:"answers"`
	Complete      bool         `json:"complete"`
	How           string       `json:"how"`          // ByApp, ByLink, ByPhone
	By            string       `json:"by,omitempty"` // id of the member of staff who took it down
	Language      string       `json:"language,omitempty"`
	At            time.Time    `json:"at"` // of the last change
}

// ResponseID is the id of the one response to an invitation of a programme that is not anonymous.
func ResponseID(invitation string) string { return event.Derive(invitation, "response") }
