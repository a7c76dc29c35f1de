// Package event holds the facts that cross domains, the contract of the outbox in which they wait, and the relay that
// hands them on.
//
// A fact is written in the same atomic write as the change that it tells of. The relay hands it to every consumer at
// least once and, for one subject, in the order in which the facts were written; so a consumer must be idempotent, which
// it is by deriving the ids of what it makes from the fact's id.
package event

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Type names a fact.
type Type string

// The facts.
const (
	ReportReceived Type = "report.received" // filed or registered
	ReportMoved    Type = "report.moved"    // From and To differ: a transition, also by withdrawing, reopening or merging
	ReportAssigned Type = "report.assigned" // another department, centre or employee while the status stays
	ReportReplied  Type = "report.replied"  // staff wrote to the citizen
	ReportRated    Type = "report.rated"    // the citizen rated how a closure was handled
	SurveyInvited  Type = "survey.invited"  // a person is asked to answer a questionnaire
	SurveyReminded Type = "survey.reminded" // … and has not yet
)

// Event is one fact. Exactly one of the pointers is set, by Type.
type Event struct {
	ID      string    `json:"id"` // UUIDv7
	Type    Type      `json:"type"`
	Subject string    `json:"subject"` // "report/" or "survey/" and its id: facts of one subject are handed on in order
	At      time.Time `json:"at"`
	Report  *Report   `json:"report,omitempty"`
	Rating  *Rating   `json:"rating,omitempty"`
	Survey  *Survey   `json:"survey,omitempty"`
}

// Report is what the other domains may know of a report when something happened to it. It carries no description, no
// place, no internal note and no photo.
type Report struct {
	ID         string `json:"id"`
	Number     string `json:"number"`            // ten digits
	Citizen    string `json:"citizen,omitempty"` // account id; empty for an anonymous report
	Centre     string `json:"centre"`
	Department string `json:"department"`
	Category   string `json:"category"`
	Channel    string `json:"channel"`
	Employee   string `json:"employee,omitempty"`   // staff id of the assignee, or of who resolved it
	From       string `json:"from,omitempty"`       // status before
	To         string `json:"to,omitempty"`         // status now
	Step       string `json:"step"`                 // id of the timeline entry
	ByCitizen  bool   `json:"by_citizen,omitempty"` // the citizen did it, and need not be told
	Closure    int    `json:"closure,omitempty"`    // 1 for the first time it was resolved, 2 after a reopening …
	SelfFiled  bool   `json:"self_filed,omitempty"` // filed by staff for themselves: out of every figure

	Region    string    `json:"region,omitempty"`    // of the centre
	Gender    string    `json:"gender,omitempty"`    // of the person: male, female; empty when unknown
	Residency string    `json:"residency,omitempty"` // of the person: citizen, resident; empty when unknown
	Company   bool      `json:"company,omitempty"`   // filed for a company or establishment
	Received  time.Time `json:"received,omitzero"`   // the report
	Due       time.Time `json:"due,omitzero"`        // the next deadline that counts; zero when none does
}

// Rating is what the other domains may know of a rating.
type Rating struct {
	Report  string `json:"report"`
	Closure int    `json:"closure"`
	Level   int    `json:"level"` // 1 to 5
	Solved  bool   `json:"solved"`
}

// Survey is what the other domains may know of an invitation to answer. It carries no link: whoever sends one asks for it.
type Survey struct {
	Invitation string            `json:"invitation"` // id
	Citizen    string            `json:"citizen"`
	Centre     string            `json:"centre,omitempty"`
	Titles     map[string]string `json:"titles"`             // of the questionnaire, by language
	Channels   []string          `json:"channels,omitempty"` // push, sms, email, in the order in which they are tried; empty: as the policy says
	Until      time.Time         `json:"until"`              // the first moment at which it is too late to answer
	Reminder   int               `json:"reminder,omitempty"` // 1 for the first
}

// Derive makes the id of what a consumer makes from a fact: the same parts give the same UUID (version 8). When the first part is a
// UUIDv7, or was derived from one, the result begins with the same 48 bits of time: what is made of facts of one time lies together
// in an index, which writes a page for many of them instead of a page for each.
func Derive(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	var u uuid.UUID
	copy(u[:], h.Sum(nil))
	if from, err := uuid.Parse(parts[0]); err == nil && (from.Version() == 7 || from.Version() == 8) {
		copy(u[:6], from[:6])
	}
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// Marshal is the stored form of an event.
func (e Event) Marshal() ([]byte, error) { return json.Marshal(e) }
