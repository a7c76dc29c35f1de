// Package push tells people what happened to their reports: the inbox, the texts, and the deliveries to their phones.
//
// A fact becomes one message in the person's inbox and a delivery for each target of the first step of its chain, in one atomic
// write, with ids derived from the fact: the same fact again changes nothing. A Sender for each channel leases the deliveries and
// sends them. While nobody acknowledges the message, RunChains takes the next step; at the end of the chain the person counts as
// not reached. What goes out carries the number and the status; the app fetches the rest.
//
// The package knows no report beyond its fact, no Firebase and no gateway, and keeps neither push tokens nor addresses: it asks a
// Directory for them when it sends.
package push

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/balagh/balagh/event"
)

// Kind says what a message tells: "reply", the status that the report has now, or what it asks for.
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

	Announcement Kind = "announcement" // of a broadcast; its text is the broadcast's

	SurveyInvitation Kind = "survey_invitation" // somebody is asked to answer a questionnaire
	SurveyReminder   Kind = "survey_reminder"   // … and has not yet
)

// Kinds lists every kind.
var Kinds = []Kind{Received, Assigned, InProgress, Waiting, Resolved, Closed, Rejected, Duplicate, Withdrawn, Reopened, Reply, Announcement,
	SurveyInvitation, SurveyReminder}

const statuses = 10 // so many of Kinds, from the first on, are statuses of a report

// Message is what a person is told, once, whatever the number of devices. Its text is made when it is read or sent.
type Message struct {
	ID          string    `json:"id"` // derived from the fact; the phone knows it as notification_id
	Citizen     string    `json:"citizen"`
	Kind        Kind      `json:"kind"`
	Report      string    `json:"report,omitempty"` // id
	Number      string    `json:"number,omitempty"` // of the report
	Centre      string    `json:"centre,omitempty"`
	Broadcast   string    `json:"broadcast,omitempty"` // id
	Survey      *Survey   `json:"survey,omitempty"`    // of SurveyInvitation and SurveyReminder
	At          time.Time `json:"at"`                  // of the fact, in milliseconds
	DeliveredAt time.Time `json:"-"`                   // zero until a phone said so
	ReadAt      time.Time `json:"-"`
}

// DefaultExpiry is how long a delivery is tried.
const DefaultExpiry = 24 * time.Hour

const collapseKeys = 4 // that FCM keeps for a device

// Service plans what people are told and serves their inbox. Store and Directory are needed; the rest has defaults.
type Service struct {
	Store     Store
	Directory Directory
	Now       func() time.Time
	Zone      *time.Location  // in which days of the figures are cut
	Channels  map[string]bool // those that are there: true for one that says later whether the person got what it accepted
	Log       *slog.Logger
	Segments  func(text string) (n int, encoding string) // of an SMS; nil where nothing counts them
	Link      func(invitation string) string             // to answer a survey without signing in; nil where nothing serves it: then nobody is asked by SMS or e-mail
	Page      int                                        // people for whom a broadcast is planned under one lease

	wording wordings
	wake    map[string]chan struct{} // by channel
	poke    chan struct{}            // chains

	herald    chan struct{} // the runner of broadcasts
	announced announcements
}

// New is a service with push alone.
func New(store Store, directory Directory) *Service {
	s := &Service{Store: store, Directory: directory, Now: time.Now, Zone: time.UTC, Page: broadcastPage, Channels: map[string]bool{ChannelPush: true},
		Log: slog.New(slog.DiscardHandler), wake: map[string]chan struct{}{}, poke: make(chan struct{}, 1), herald: make(chan struct{}, 1)}
	for _, c := range Channels {
		s.wake[c] = make(chan struct{}, 1)
	}
	return s
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// On takes a fact. One that concerns no person, or tells people what they just did themselves, changes nothing.
func (s *Service) On(ctx context.Context, e event.Event) error {
	m, ok := messageOf(e)
	if !ok || m.Survey.over(s.now()) {
		return nil
	}
	people, err := s.Directory.Contacts(ctx, []string{m.Citizen})
	if err != nil {
		return fmt.Errorf("look up whom to tell: %w", err)
	}
	c, there := people[m.Citizen]
	if !there {
		return nil // the account is gone, and with it the wish to know
	}
	p := s.policyOf(s.Wording(), m, nil)
	plan := s.plan(m, c, p, 0, s.now())
	if p.Replaces {
		if err := s.collapse(ctx, m, p, plan); err != nil {
			return err
		}
	}
	planned, err := s.Store.PlanMessages(ctx, []Planned{{m, plan}})
	if err != nil {
		return fmt.Errorf("plan a message: %w", err)
	}
	if planned > 0 {
		s.wakeFor(plan)
	}
	return nil
}

// collapse lets a newer push about a report take the place of one that the phone has not got yet, for the first reports that the
// person heard of while such a push may wait: FCM keeps no more keys than that for a device.
func (s *Service) collapse(ctx context.Context, m Message, p Policy, plan Plan) error {
	if len(plan.Deliveries) == 0 || plan.Deliveries[0].Channel != ChannelPush && plan.Deliveries[0].Channel != ChannelWeb {
		return nil
	}
	recent, err := s.Store.RecentReports(ctx, m.Citizen, s.now().Add(-p.TTL), collapseKeys)
	if err != nil {
		return fmt.Errorf("look up recent messages: %w", err)
	}
	if slices.Contains(recent, m.Report) || len(recent) < collapseKeys {
		for i := range plan.Deliveries {
			plan.Deliveries[i].Collapse = m.Report
		}
	}
	return nil
}

// wakeFor signals the senders of what was planned.
func (s *Service) wakeFor(p Plan) {
	for _, d := range p.Deliveries {
		signal(s.wake[d.Channel])
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// messageOf is the message that a fact causes, if any.
func messageOf(e event.Event) (Message, bool) {
	m := Message{ID: event.Derive(e.ID, "inbox"), At: e.At.UTC().Truncate(time.Millisecond)}
	if m.Survey, m.Kind = surveyOf(e); m.Survey != nil {
		m.Citizen, m.Centre = e.Survey.Citizen, e.Survey.Centre
		return m, true
	}
	kind, ok := kindOf(e)
	if ok {
		m.Kind, m.Citizen, m.Report, m.Number, m.Centre = kind, e.Report.Citizen, e.Report.ID, e.Report.Number, e.Report.Centre
	}
	return m, ok
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
		return k, !e.Report.ByCitizen && slices.Contains(Kinds[:statuses], k)
	}
	return "", false
}
