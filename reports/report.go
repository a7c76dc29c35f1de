package reports

import (
	"strings"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fold"
)

// Channel is the way by which a report came.
type Channel string

// The channels. Citizens use the first two, clerks the others.
const (
	App      Channel = "app"
	Web      Channel = "web"
	Phone    Channel = "phone"
	Email    Channel = "email"
	Telegram Channel = "telegram"
	Visit    Channel = "visit"
)

// The ways in which a place was got.
const (
	FromGPS     = "gps"
	FromMap     = "map"
	FromPhoto   = "photo"
	FromAddress = "address"
)

// What a report may hold.
const (
	MaxDescription = 4000 // characters
	MaxAddress     = 300  // characters
	MaxComment     = 2000 // characters of a comment, reply or note
	MaxReason      = 500  // characters of the reason for withdrawing or reopening
	MaxPhotos      = 8    // by the citizen; staff may add as many as proof of their work
	MaxTimeline    = 1000 // entries; a report that has them takes no more
)

// Report is what somebody told, and everything that happened to it since: one document.
type Report struct {
	ID           string         `json:"id"`
	Number       string         `json:"number"` // ten digits, the last a check digit
	Rev          int64          `json:"rev"`
	Status       Status         `json:"status"`
	Citizen      string         `json:"citizen,omitempty"` // account id; empty for an anonymous report
	Contact      *Contact       `json:"contact,omitempty"`
	Reporter     Reporter       `json:"reporter,omitzero"`
	Channel      Channel        `json:"channel"`
	Category     string         `json:"category"`
	Attributes   map[string]any `json:"attributes,omitempty"`
	Description  string         `json:"description"`
	Language     string         `json:"language"`
	Place        *Place         `json:"place,omitempty"`
	Centre       string         `json:"centre"`
	Department   string         `json:"department"`
	Assignee     string         `json:"assignee,omitempty"` // staff id
	Photos       []PhotoRef     `json:"photos,omitempty"`
	Due          Due            `json:"due"`
	ReceivedAt   time.Time      `json:"received_at"`
	Day          string         `json:"day"` // of ReceivedAt in the service's time zone, as 2006-01-02: what figures are cut by
	UpdatedAt    time.Time      `json:"updated_at"`
	ObservedAt   time.Time      `json:"observed_at,omitzero"`
	FirstAnswer  time.Time      `json:"first_answer_at,omitzero"`
	ResolvedAt   time.Time      `json:"resolved_at,omitzero"`
	ClosedAt     time.Time      `json:"closed_at,omitzero"`
	ResolvedBy   string         `json:"resolved_by,omitempty"` // staff id
	Closure      int            `json:"closure,omitempty"`     // how often it was resolved
	Timeline     []Entry        `json:"timeline"`
	DuplicateOf  *Ref           `json:"duplicate_of,omitempty"`
	Merged       []Ref          `json:"merged,omitempty"`        // the duplicates that were merged into this one
	RegisteredBy string         `json:"registered_by,omitempty"` // staff id of who registered it for a caller
	Took         int            `json:"took,omitempty"`          // seconds of that registration; 0 when it is not known
	SelfFiled    bool           `json:"self_filed,omitempty"`    // by staff for themselves: out of every figure
	Asked        string         `json:"asked,omitempty"`         // hash of what was sent
	Supports     int            `json:"-"`                       // kept beside the document, changes without a new rev
}

// Reporter is what is known of who reports, as it was when the report was filed: figures of the past do not change when somebody
// tells something else later.
type Reporter struct {
	Gender    string `json:"gender,omitempty"`    // male, female; "" when it is not known
	Residency string `json:"residency,omitempty"` // citizen, resident; "" when it is not known
	Company   bool   `json:"company,omitempty"`   // reported for a company or an establishment
}

// Contact is how an anonymous person may be reached, when they want to be.
type Contact struct {
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
}

// Place is where something was seen.
type Place struct {
	Latitude  float64 `json:"latitude"`  // degrees
	Longitude float64 `json:"longitude"` // degrees
	Accuracy  float64 `json:"accuracy_m,omitempty"`
	Address   string  `json:"address,omitempty"`
	Source    string  `json:"source,omitempty"` // FromGPS …
}

// Point is the place without its circumstances.
func (p Place) Point() Point { return Point{Latitude: p.Latitude, Longitude: p.Longitude} }

// PhotoRef is a photo that is attached to a report.
type PhotoRef struct {
	ID        string    `json:"id"`
	Width     int       `json:"width"`
	Height    int       `json:"height"`
	Bytes     int64     `json:"bytes"`
	MediaType string    `json:"media_type"`
	Staff     bool      `json:"staff,omitempty"` // added by staff
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Due is when the citizen can expect something.
type Due struct {
	FirstAnswer time.Time `json:"first_answer_at,omitzero"`
	Resolution  time.Time `json:"resolution_at,omitzero"`
}

// Ref names another report.
type Ref struct {
	ID     string `json:"id"`
	Number string `json:"number"`
}

// EntryKind says what happened.
type EntryKind string

// The kinds of entries.
const (
	EntryReceived EntryKind = "received"
	EntryMoved    EntryKind = "moved"
	EntryAssigned EntryKind = "assigned"
	EntryComment  EntryKind = "comment" // of the citizen
	EntryPhoto    EntryKind = "photo"
	EntryReply    EntryKind = "reply" // of staff, for the citizen
	EntryNote     EntryKind = "note"  // of staff, for staff
	EntryMerged   EntryKind = "merged"
)

// Entry is one thing that happened to a report.
type Entry struct {
	ID         string    `json:"id"`
	At         time.Time `json:"at"`
	Kind       EntryKind `json:"kind"`
	From       Status    `json:"from,omitempty"`
	To         Status    `json:"to,omitempty"`
	By         By        `json:"by"`
	Text       string    `json:"text,omitempty"`
	Photo      string    `json:"photo,omitempty"`  // id
	Centre     string    `json:"centre,omitempty"` // the one it has since, when it changed
	Department string    `json:"department,omitempty"`
	Assignee   string    `json:"assignee,omitempty"` // staff id
	Other      *Ref      `json:"other,omitempty"`    // of a merge
	Internal   bool      `json:"internal,omitempty"` // staff only
}

// By is who did it. Names are looked up where they are shown.
type By struct {
	Kind       actor.Kind `json:"kind"`
	ID         string     `json:"id,omitempty"`
	Department string     `json:"department,omitempty"` // of the report at that time: what a citizen sees of staff
}

// Summary is what lists show of a report.
type Summary struct {
	ID          string
	Number      string
	Rev         int64
	Status      Status
	Category    string
	Description string
	Place       *Place
	PhotoCount  int
	Supports    int
	ReceivedAt  time.Time
	UpdatedAt   time.Time
	Centre      string
	Department  string
	Channel     Channel
	Assignee    string
	Due         Due
	Deadline    time.Time // the next one that counts; zero when none does
}

// NearReport is what everybody may know of a report nearby.
type NearReport struct {
	ID         string
	Number     string
	Status     Status
	Category   string
	Point      Point
	Distance   float64 // metres
	Supports   int
	ReceivedAt time.Time
}

// Deadline is the next deadline that counts: the first answer until there was one, then the resolution until it is
// resolved. It is zero when nothing is awaited any more.
func (r *Report) Deadline() time.Time {
	switch {
	case !Open(r.Status):
		return time.Time{}
	case r.FirstAnswer.IsZero():
		return r.Due.FirstAnswer
	default:
		return r.Due.Resolution
	}
}

// Public reports whether everybody may know that r exists, where, and how it stands: it has a place and came to no other end
// than being handled.
func (r *Report) Public() bool {
	return r.Place != nil && r.Status != Rejected && r.Status != Duplicate && r.Status != Withdrawn
}

// SearchText is what the desk's search looks through: description, address and the texts among the attributes, folded.
func (r *Report) SearchText() string {
	var b strings.Builder
	b.WriteString(r.Description)
	if r.Place != nil {
		b.WriteString("\n" + r.Place.Address)
	}
	for _, v := range r.Attributes {
		switch v := v.(type) {
		case string:
			b.WriteString("\n" + v)
		case []string:
			b.WriteString("\n" + strings.Join(v, "\n"))
		case []any: // as it is read back from a document
			for _, v := range v {
				if v, ok := v.(string); ok {
					b.WriteString("\n" + v)
				}
			}
		}
	}
	return fold.Text(b.String())
}

// Summary is what lists show of r.
func (r *Report) Summary() Summary {
	return Summary{ID: r.ID, Number: r.Number, Rev: r.Rev, Status: r.Status, Category: r.Category, Description: r.Description, Place: r.Place,
		PhotoCount: len(r.Photos), Supports: r.Supports, ReceivedAt: r.ReceivedAt, UpdatedAt: r.UpdatedAt, Centre: r.Centre,
		Department: r.Department, Channel: r.Channel, Assignee: r.Assignee, Due: r.Due, Deadline: r.Deadline()}
}

// ForCitizen is r as the citizen may see it: without internal entries, staff ids and what only the desk needs.
func (r *Report) ForCitizen() *Report {
	c := *r
	c.Assignee, c.ResolvedBy, c.RegisteredBy, c.SelfFiled, c.Contact, c.Merged = "", "", "", false, nil, nil
	if r.DuplicateOf != nil {
		c.DuplicateOf = &Ref{Number: r.DuplicateOf.Number}
	}
	c.Timeline = make([]Entry, 0, len(r.Timeline))
	for _, e := range r.Timeline {
		if e.Internal {
			continue
		}
		e.Assignee, e.Other = "", nil
		if e.By.Kind == actor.Staff {
			e.By.ID = ""
		}
		c.Timeline = append(c.Timeline, e)
	}
	return &c
}
