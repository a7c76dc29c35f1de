// Package transfer is the form in which one store hands over to another all that it holds: records, each of a kind, the same from
// whichever store they come. It is what balagh store copy moves, and what it compares in the end.
//
// Not handed over is what would be over before anybody asks for it, one-time codes, counters of requests and which call-backs of a
// gateway were heard, and what is counted from the rest: the ratings of each day and the tallies of rounds.
package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
	"time"

	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/surveys"
)

// The kinds of records, in the order in which they are handed over: what others refer to comes first.
const (
	Organisations  = "organisation"   // reports.Organisation
	Keys           = "signing keys"   // accounts.Key
	Staff          = "staff"          // accounts.Staff
	Citizens       = "citizens"       // accounts.Citizen
	Devices        = "devices"        // accounts.Device
	Sessions       = "sessions"       // accounts.Session
	Answers        = "answers"        // Answer
	Photos         = "photos"         // photos.Photo
	Reports        = "reports"        // Report
	Facts          = "facts"          // Fact: waiting in the outbox
	Parked         = "parked facts"   // Fact
	Occasions      = "occasions"      // surveys.Occasion
	Questionnaires = "questionnaires" // form.Questionnaire
	Programmes     = "programmes"     // surveys.Programme
	Rounds         = "rounds"         // surveys.Round
	Cases          = "cases"          // surveys.Case
	Invitations    = "invitations"    // surveys.Invitation
	Responses      = "responses"      // Response
	Verbatims      = "verbatims"      // Verbatim
	Templates      = "templates"      // push.Template
	Policies       = "policies"       // push.Policy
	Broadcasts     = "broadcasts"     // Broadcast
	Messages       = "messages"       // Message
	Figures        = "figures"        // Figure
	Spendings      = "spendings"      // Spending
	Audits         = "audit"          // Audit
)

// Kinds are all of them.
var Kinds = []string{Organisations, Keys, Staff, Citizens, Devices, Sessions, Answers, Photos, Reports, Facts, Parked, Occasions, Questionnaires,
	Programmes, Rounds, Cases, Invitations, Responses, Verbatims, Templates, Policies, Broadcasts, Messages, Figures, Audits, Spendings}

// Answer is what an idempotent request was answered with.
type Answer struct {
	Key    string    `json:"key"`
	At     time.Time `json:"at"`
	Answer []byte    `json:"answer"`
}

// Report with those who support it, by their ids in order.
type Report struct {
	Report     *reports.Report `json:"report"`
	Supporters []string        `json:"supporters,omitempty"`
}

// Fact that waits, or that was set aside.
type Fact struct {
	Seq      int64       `json:"seq"` // orders those of one subject
	Attempts int         `json:"attempts"`
	Event    event.Event `json:"event"`
}

// Message with its place in its chain and its deliveries, by their ids in order.
type Message struct {
	Message    push.Message `json:"message"`
	Delivered  time.Time    `json:"delivered,omitzero"`
	Read       time.Time    `json:"read,omitzero"`
	Step       int          `json:"step,omitempty"`
	Since      time.Time    `json:"since,omitzero"`
	Chain      time.Time    `json:"chain,omitzero"` // when it is looked at
	Unreached  time.Time    `json:"unreached,omitzero"`
	Why        string       `json:"why,omitempty"`
	Deliveries []Delivery   `json:"deliveries,omitempty"`
}

// Delivery with how far it has come.
type Delivery struct {
	push.Delivery
	State    push.State `json:"state"`
	Due      time.Time  `json:"due,omitzero"`
	Fence    int64      `json:"fence,omitempty"`
	Attempts int        `json:"attempts,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Ref      string     `json:"ref,omitempty"`
	Changed  time.Time  `json:"changed,omitzero"`
}

// DeliveryOf is the record of a delivery.
func DeliveryOf(d push.Delivery) Delivery {
	return Delivery{d, d.State, d.Due, d.Fence, d.Attempts, d.Reason, d.Ref, d.Changed}
}

// Whole is the delivery of a record.
func (d Delivery) Whole() push.Delivery {
	w := d.Delivery
	w.State, w.Due, w.Fence, w.Attempts, w.Reason, w.Ref, w.Changed = d.State, d.Due, d.Fence, d.Attempts, d.Reason, d.Ref, d.Changed
	return w
}

// Broadcast with its deliveries to topics, by their ids in order, and with what its deliveries came to.
type Broadcast struct {
	Broadcast  *push.Broadcast    `json:"broadcast"`
	Deliveries []Delivery         `json:"deliveries,omitempty"`
	Outcomes   map[push.State]int `json:"outcomes,omitempty"`
}

// Figure is a count of deliveries.
type Figure struct {
	Day     string     `json:"day"`
	Centre  string     `json:"centre"`
	Channel string     `json:"channel"`
	Outcome push.State `json:"outcome"`
	Reason  string     `json:"reason"`
	Bucket  int        `json:"bucket"`
	N       int64      `json:"n"`
}

// Spending is what was spent for SMS in a scope on a day.
type Spending struct {
	Day    string `json:"day"`
	Scope  string `json:"scope"`
	Amount int64  `json:"amount"`
}

// Audit is an entry of the audit with what was before and after.
type Audit struct {
	Entry  *audit.Entry `json:"entry"`
	Before []byte       `json:"before,omitempty"`
	After  []byte       `json:"after,omitempty"`
}

// Response with what is counted of it.
type Response struct {
	Response *surveys.Response `json:"response"`
	Row      []byte            `json:"row,omitempty"`
}

// Verbatim with its text as it is searched.
type Verbatim struct {
	surveys.Verbatim
	Folded string `json:"folded"`
}

// Source hands over.
type Source interface {
	// CountRecords of a kind; for a bar of progress, and exact when nobody writes.
	CountRecords(ctx context.Context, kind string) (int64, error)
	// Records of a kind after a position, at most limit, and the position of the last; "" when there are no more. Each is JSON, of the
	// same bytes from every store.
	Records(ctx context.Context, kind, after string, limit int) (records []json.RawMessage, next string, err error)
}

// Target takes over.
type Target interface {
	Source
	// PutRecords writes records in the place of those that are the same one. To do it again changes nothing.
	PutRecords(ctx context.Context, kind string, records []json.RawMessage) error
	// CopyState is what SetCopyState kept, "" when there was none. It is not a record.
	CopyState(ctx context.Context) (string, error)
	SetCopyState(ctx context.Context, state string) error
}

// Sum tells whether two sets of records are equal, in whatever order they came: SHA-256 of each, its first half, added up.
type Sum struct {
	N      int64
	hi, lo uint64
}

// Add takes a record.
func (s *Sum) Add(record []byte) {
	h := sha256.Sum256(record)
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, binary.BigEndian.Uint64(h[8:]), 0)
	s.hi, _ = bits.Add64(s.hi, binary.BigEndian.Uint64(h[:]), carry)
	s.N++
}

// String is the sum in hexadecimal digits.
func (s *Sum) String() string { return fmt.Sprintf("%016x%016x", s.hi, s.lo) }

// Encode is a record of a value.
func Encode(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	return b, nil
}

// Decode is the value of a record.
func Decode[T any](record json.RawMessage) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(record, v); err != nil {
		return nil, fmt.Errorf("decode a record: %w", err)
	}
	return v, nil
}
