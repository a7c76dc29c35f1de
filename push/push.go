// Package push tells people what happened to their reports: the inbox, the texts, and the deliveries to their phones.
//
// A fact becomes one message in the person's inbox and one delivery for each of the person's devices, in one atomic write,
// with ids derived from the fact: the same fact again changes nothing. A Sender leases the deliveries and sends them
// through a Channel. What goes out carries the number and the status; the app fetches the rest.
//
// The package knows no report beyond its fact, no Firebase and no gateway, and keeps neither push tokens nor phone numbers:
// it asks a Directory for them when it sends.
package push

import (
	"context"
	"fmt"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// Kind says what a message tells: "reply", or the status that the report has now.
type Kind string

// The kinds.
const (
	Received   Kind = "received"
	Assigned   Kind = "assigned"
	InProgress Kind = "in_progress"
	Waiting    Kind = "waiting_for_citizen"
	Resolved   Kind = "resolved"
	Closed     Kind = "closed"
	Rejected   Kind = "rejected"
	Duplicate  Kind = "duplicate"
	Withdrawn  Kind = "withdrawn"
	Reopened   Kind = "reopened"
	Reply      Kind = "reply"
)

// Kinds lists every kind.
var Kinds = []Kind{Received, Assigned, InProgress, Waiting, Resolved, Closed, Rejected, Duplicate, Withdrawn, Reopened, Reply}

// Message is what a person is told, once, whatever the number of devices. Its text is made when it is read or sent.
type Message struct {
	ID          string    `json:"id"` // derived from the fact; the phone knows it as notification_id
	Citizen     string    `json:"citizen"`
	Kind        Kind      `json:"kind"`
	Report      string    `json:"report,omitempty"` // id
	Number      string    `json:"number,omitempty"` // of the report
	At          time.Time `json:"at"`               // of the fact, in milliseconds
	DeliveredAt time.Time `json:"-"`                // zero until a phone said so
	ReadAt      time.Time `json:"-"`
}

// Device of a person.
type Device struct {
	ID       string
	Token    string  // to push to; empty when the phone gave none
	Platform string  // android, ios or web
	Language string  // empty: the person's
	Keys     WebKeys // of a browser that is reached by Web Push; then Token is its end point
}

// WebKeys are what a browser gives to encrypt to it (RFC 8291), in base64url.
type WebKeys struct {
	P256dh string `json:"p256dh"` // its public key, uncompressed
	Auth   string `json:"auth"`   // 16 random bytes
}

// Contact is how a person can be reached.
type Contact struct {
	Language string
	Push     bool // wanted
	Devices  []Device
}

// Directory knows the people.
type Directory interface {
	// Contact of a citizen; fault.NotFound when there is no such account.
	Contact(ctx context.Context, citizen string) (Contact, error)
	// DropToken takes the token from the citizen's device that has it; nothing happens when none has it any more.
	DropToken(ctx context.Context, citizen, token string) error
}

// DefaultExpiry is how long a delivery is tried.
const DefaultExpiry = 24 * time.Hour

// Service plans what people are told and serves their inbox.
type Service struct {
	Store     Store
	Directory Directory
	Now       func() time.Time
	Expiry    time.Duration // how long a delivery is tried; DefaultExpiry when 0

	wake chan struct{}
}

// New is a service whose Sender is woken by Wake.
func New(store Store, directory Directory) *Service {
	return &Service{Store: store, Directory: directory, Now: time.Now, Expiry: DefaultExpiry, wake: make(chan struct{}, 1)}
}

// Wake is signalled after deliveries were planned.
func (s *Service) Wake() <-chan struct{} { return s.wake }

// On takes a fact. One that concerns no person, or tells people what they just did themselves, changes nothing.
func (s *Service) On(ctx context.Context, e event.Event) error {
	kind, ok := kindOf(e)
	if !ok {
		return nil
	}
	c, err := s.Directory.Contact(ctx, e.Report.Citizen)
	if fault.CodeOf(err) == fault.NotFound {
		return nil // the account is gone, and with it the wish to know
	}
	if err != nil {
		return fmt.Errorf("look up whom to tell: %w", err)
	}
	m := Message{ID: event.Derive(e.ID, "inbox"), Citizen: e.Report.Citizen, Kind: kind, Report: e.Report.ID, Number: e.Report.Number,
		At: e.At.UTC().Truncate(time.Millisecond)}
	planned, err := s.Store.PlanMessage(ctx, m, s.deliveries(e.ID, m, c))
	if err != nil {
		return fmt.Errorf("plan a message: %w", err)
	}
	if planned > 0 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

func (s *Service) deliveries(fact string, m Message, c Contact) []Delivery {
	if !c.Push {
		return nil
	}
	expiry := s.Expiry
	if expiry == 0 {
		expiry = DefaultExpiry
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	var all []Delivery
	for _, d := range c.Devices {
		if d.Token == "" {
			continue
		}
		all = append(all, Delivery{ID: event.Derive(fact, ChannelPush, d.ID), Message: m.ID, Citizen: m.Citizen, Device: d.ID, Channel: ChannelPush,
			Kind: m.Kind, Report: m.Report, Number: m.Number, Planned: now, Deadline: now.Add(expiry), State: Queued})
	}
	return all
}

// kindOf is the kind of message that a fact causes, if any. That somebody else works on a report is no news to the citizen.
func kindOf(e event.Event) (Kind, bool) {
	if e.Report == nil || e.Report.Citizen == "" {
		return "", false
	}
	switch e.Type {
	case event.ReportReceived: // also to who filed it: it confirms the number
		return Received, true
	case event.ReportReplied:
		return Reply, !e.Report.ByCitizen
	case event.ReportMoved:
		k := Kind(e.Report.To)
		return k, !e.Report.ByCitizen && k != Reply && known(k)
	}
	return "", false
}
