package push

import (
	"context"
	"slices"
	"time"
)

// The channels.
const (
	ChannelPush  = "push" // to phones and browsers through FCM
	ChannelWeb   = "web"  // to browsers by Web Push; it belongs to the step "push" of a chain
	ChannelSMS   = "sms"
	ChannelEmail = "email"
)

// Channels lists every channel.
var Channels = []string{ChannelPush, ChannelWeb, ChannelSMS, ChannelEmail}

// State of a delivery.
type State string

// The states.
const (
	Queued     State = "queued"
	Leased     State = "leased"    // a sender works on it
	Accepted   State = "accepted"  // the channel took it: no proof that the phone has it
	Delivered  State = "delivered" // the phone said so
	Read       State = "read"      // the person opened it
	Failed     State = "failed"    // the channel will never take it; Reason says why
	Expired    State = "expired"   // its time was over before the channel took it
	Suppressed State = "suppressed"
)

// Moves says which states may follow a state; one without a row is an end. docs/delivery.md draws it.
var Moves = map[State][]State{
	Queued:    {Leased, Delivered, Suppressed}, // without having been sent: the app fetched the inbox, or another channel was taken
	Leased:    {Leased, Queued, Accepted, Delivered, Read, Failed, Expired, Suppressed},
	Accepted:  {Delivered, Read, Failed}, // Failed: the gateway says later that it could not
	Delivered: {Read},
	Failed:    {Queued}, // staff try again
	Expired:   {Queued},
}

// States lists every state in the order of a delivery's life.
var States = []State{Queued, Leased, Accepted, Delivered, Read, Failed, Expired, Suppressed}

// AfterAcknowledgement is the state of a delivery after the app on a device (of any, when it is empty) said that it has the message, or
// that it was read; the same state when nothing changes. What waits to go elsewhere need not go any more: by SMS and e-mail
// when the app has the message, to another device when it was read. Nobody has read an SMS or an e-mail because of that.
func (d *Delivery) AfterAcknowledgement(device string, read bool) State {
	byApp := d.Channel != ChannelSMS && d.Channel != ChannelEmail
	to := d.State
	switch here := device == "" || d.Target == device; {
	case d.State == Queued && (read || !byApp):
		to = Suppressed
	case byApp && read:
		to = Read
	case byApp && here:
		to = Delivered
	}
	if slices.Contains(Moves[d.State], to) {
		return to
	}
	return d.State
}

// Open says that something may still come of a delivery by itself.
func (s State) Open() bool { return s == Queued || s == Leased }

// Delivery is one message on its way to one target through one channel.
type Delivery struct {
	ID        string    `json:"id"` // derived from the message, the channel and the target
	Message   string    `json:"message"`
	Citizen   string    `json:"citizen,omitempty"` // empty for a topic
	Target    string    `json:"device,omitempty"`  // device, or topic; empty with SMS and e-mail, of which a person has one
	Channel   string    `json:"channel"`
	Kind      Kind      `json:"kind"`
	Report    string    `json:"report,omitempty"`
	Number    string    `json:"number,omitempty"`
	Centre    string    `json:"centre,omitempty"`
	Broadcast string    `json:"broadcast,omitempty"`
	Survey    *Survey   `json:"survey,omitempty"`
	Collapse  string    `json:"collapse,omitempty"`
	Step      int       `json:"step,omitempty"` // of the chain
	Urgent    bool      `json:"urgent,omitempty"`
	At        time.Time `json:"at"`      // of the message
	Planned   time.Time `json:"planned"` // when it may go first: at once, or after the quiet hours
	Deadline  time.Time `json:"deadline"`
	Day       string    `json:"day"` // of Planned, where the installation is: what the figures are kept by

	State    State     `json:"-"`
	Due      time.Time `json:"-"` // queued: not before; leased: until; zero otherwise
	Fence    int64     `json:"-"` // counts the leases
	Attempts int       `json:"-"` // that ended without the channel's last word
	Reason   string    `json:"-"` // of the last state, from a closed set
	Ref      string    `json:"-"` // the channel's name for what it took
	Changed  time.Time `json:"-"` // when the state changed last; zero until then
}

// Bulk says that it goes after what concerns somebody's own report.
func (d *Delivery) Bulk() bool { return (d.Broadcast != "" || d.Survey != nil) && !d.Urgent }

// Result is what became of a leased delivery.
type Result struct {
	Delivery  Delivery  // as leased
	State     State     // Queued to try again
	Due       time.Time // with Queued
	Attempted bool      // with Queued: an attempt was made
	Reason    string
	Ref       string
	At        time.Time
}

// DelayBuckets are the upper ends of the classes of delays that the figures are kept in; a last class is above them all.
var DelayBuckets = []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
	6 * time.Hour, 24 * time.Hour}

// DelayBucket is the class of a delay: an index, len(DelayBuckets) for the last.
func DelayBucket(d time.Duration) int {
	i, _ := slices.BinarySearch(DelayBuckets, d)
	return i
}

// Notice is what a channel carries: little, because the lock screen shows it.
type Notice struct {
	ID       string // of the message: what the phone drops when it has seen it
	Delivery string // derived: the same for each attempt
	Kind     Kind
	Report   string // id; empty for what concerns no report
	Number   string // of the report
	Centre   string // code; "" for what concerns none
	Survey   string // id of the invitation; "" for what is no survey
	To       string // token of FCM, end point of a browser, number in E.164, e-mail address, or topic
	Name     string // of the person, with e-mail; may be empty
	Device   Device // with push and web
	Topic    bool   // To is a topic, not a token
	Language string // of Languages
	Text     Text   // an SMS shows only its Body
	Urgent   bool
	Collapse string        // what has the same key and is older need not be shown any more; empty when nothing replaces it
	TTL      time.Duration // how long it is worth delivering
}

// Answer of a channel.
type Answer int

// The answers. The zero value is the careful one: try again later.
const (
	Later     Answer = iota // out of order, or out of reach
	Taken                   // accepted
	Gone                    // the device can no longer be reached by this token
	Foreign                 // the token belongs to another sender
	Refused                 // what was sent is wrong, and will be wrong again
	Throttled               // the whole channel has to wait
)

// Outcome of one attempt.
type Outcome struct {
	Answer Answer
	Ref    string        // with Taken
	Reason string        // from a closed set of the channel, no personal data
	After  time.Duration // with Later, Throttled: not before; 0 when the channel did not say
}

// Channel carries notices. Send makes exactly one attempt: when and how often is the Sender's.
type Channel interface {
	Send(ctx context.Context, n Notice) Outcome
}
