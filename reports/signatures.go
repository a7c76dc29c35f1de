package reports

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
)

// Photos is what reports needs of the photos that people upload.
type Photos interface {
	// Attach binds uploaded photos of a to the report. Attaching a photo again to the same report is fine. A photo that is
	// unknown, another's or another report's is an Invalid fault at photos/<index>.
	Attach(ctx context.Context, a actor.Actor, ids []string, report string) ([]PhotoRef, error)
}

// Service is the reports domain.
type Service struct {
	Store  Store
	Photos Photos
	Zone   *time.Location   // in which days begin
	Now    func() time.Time // the clock
	NewID  func() string    // UUIDv7
	Rand   io.Reader        // of numbers
}

// New is a Service with the real clock and real randomness.
func New(store Store, photos Photos, zone *time.Location) *Service {
	return &Service{Store: store, Photos: photos, Zone: zone, Now: time.Now, Rand: rand.Reader,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }}
}

// NewReport is what a reporter, or a clerk for a caller, sends.
type NewReport struct {
	ID          string // UUIDv7 by the phone or derived from the Idempotency-Key; "" for a new one
	Channel     Channel
	Category    string
	Attributes  map[string]any
	Description string
	Language    string
	Place       *Place
	Photos      []string // ids
	ObservedAt  time.Time
	Contact     *Contact
	Citizen     string // desk only: account id of the caller, "" when unknown
	Centre      string // desk only: where there is no place; "" for the clerk's own
}

// Page is a part of a list: Limit 1–100, Cursor "" for the beginning.
type Page struct {
	Cursor string
	Limit  int
}

// NearSearch is a search around a point.
type NearSearch struct {
	Point    Point
	Radius   float64 // metres, 1–5,000
	Category string
	All      bool // closed ones too
	Limit    int
}

// QueueSearch is what staff look for.
type QueueSearch struct {
	Q          string
	Statuses   []Status
	Centre     string
	Department string
	Category   string
	Channel    Channel
	Assignee   string
	Overdue    bool
	From, To   time.Time
	Sort       Sort
	Page
}

// Move is a transition by staff.
type Move struct {
	To     Status
	Text   string   // for the citizen
	Note   string   // internal
	Photos []string // ids
	Rev    *int64   // the rev that the caller saw; nil for any
}

// Assign routes a report; empty fields stay as they are.
type Assign struct {
	Centre     string
	Department string
	Assignee   string
	Note       string
	Rev        *int64
}

// Can says what the asking person may do with a report now.
type Can struct {
	Comment, AddPhoto, Withdraw, Reopen, Rate, Support bool
	ReopenUntil, RateUntil                             time.Time // zero unless resolved or closed
}

// VolumesSearch is a question for counts.
type VolumesSearch struct {
	By       []Dimension // one or two
	From, To time.Time
	Centre   string
	Category string
}

// VolumesAnswer is the answer.
type VolumesAnswer struct {
	Rows  []Volume
	Total int
}

func (s *Service) File(ctx context.Context, a actor.Actor, n NewReport) (r *Report, existing bool, err error) {
	panic("not yet")
}

func (s *Service) Mine(ctx context.Context, a actor.Actor, statuses []Status, p Page) (items []Summary, next string, err error) {
	panic("not yet")
}

// Get: own ones for citizens, within scope for staff; else NotFound.
func (s *Service) Get(ctx context.Context, a actor.Actor, id string) (*Report, error) {
	panic("not yet")
}
func (s *Service) Nearby(ctx context.Context, a actor.Actor, n NearSearch) ([]NearReport, error) {
	panic("not yet")
}
func (s *Service) Comment(ctx context.Context, a actor.Actor, id, text string) (*Report, Entry, error) {
	panic("not yet")
}
func (s *Service) AddPhoto(ctx context.Context, a actor.Actor, id, photo string) (*Report, PhotoRef, error) {
	panic("not yet")
}
func (s *Service) Withdraw(ctx context.Context, a actor.Actor, id, reason string) (*Report, error) {
	panic("not yet")
}
func (s *Service) Reopen(ctx context.Context, a actor.Actor, id, reason string) (*Report, error) {
	panic("not yet")
}
func (s *Service) Support(ctx context.Context, a actor.Actor, id string) (int, error) {
	panic("not yet")
}
func (s *Service) Unsupport(ctx context.Context, a actor.Actor, id string) (int, error) {
	panic("not yet")
}
func (s *Service) Can(a actor.Actor, r *Report) Can { panic("not yet") }

func (s *Service) Queue(ctx context.Context, a actor.Actor, q QueueSearch) (items []Summary, next string, err error) {
	panic("not yet")
}
func (s *Service) Register(ctx context.Context, a actor.Actor, n NewReport) (r *Report, existing bool, err error) {
	panic("not yet")
}
func (s *Service) Move(ctx context.Context, a actor.Actor, id string, m Move) (*Report, error) {
	panic("not yet")
}
func (s *Service) Assign(ctx context.Context, a actor.Actor, id string, m Assign) (*Report, error) {
	panic("not yet")
}
func (s *Service) Note(ctx context.Context, a actor.Actor, id, text string) (*Report, Entry, error) {
	panic("not yet")
}
func (s *Service) Reply(ctx context.Context, a actor.Actor, id, text string) (*Report, Entry, error) {
	panic("not yet")
}
func (s *Service) Merge(ctx context.Context, a actor.Actor, id, into string) (*Report, error) {
	panic("not yet")
}
func (s *Service) CloseResolved(ctx context.Context, now time.Time) (int, error) { panic("not yet") }

func (s *Service) Volumes(ctx context.Context, a actor.Actor, q VolumesSearch) (VolumesAnswer, error) {
	panic("not yet")
}

// Put…: rev nil creates or replaces, otherwise the rev of the entry must match (0: must not exist).
func (s *Service) PutCategory(ctx context.Context, a actor.Actor, c Category, rev *int64) (Category, error) {
	panic("not yet")
}
func (s *Service) PutCentre(ctx context.Context, a actor.Actor, c Centre, rev *int64) (Centre, error) {
	panic("not yet")
}
func (s *Service) PutDepartment(ctx context.Context, a actor.Actor, d Department, rev *int64) (Department, error) {
	panic("not yet")
}
func (s *Service) PutCalendar(ctx context.Context, a actor.Actor, c Calendar, rev *int64) (Calendar, error) {
	panic("not yet")
}
