// Package audit keeps what administrators changed: for each change an entry that is written before it, and completed after it, with what
// was there before and after. It knows neither what is changed nor how; api hands it the JSON of both.
package audit

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Outcome says what became of a change.
type Outcome string

// The outcomes. An entry that stays Begun is of a process that died: the change may have been made or not.
const (
	Begun   Outcome = "begun"
	Done    Outcome = "done"
	Refused Outcome = "refused" // for what was asked or who asked: nothing was changed
	Failed  Outcome = "failed"  // for a fault of ours: the change may have been made or not
)

// Entry is one change.
type Entry struct {
	ID        string    `json:"id"` // UUIDv7
	At        time.Time `json:"at"` // when it began
	Staff     string    `json:"staff"`
	Operation string    `json:"operation"`        // of the contract
	Path      string    `json:"path"`             // as it was asked, without its query
	Fields    []string  `json:"fields,omitempty"` // the names on the first level of what was asked, never their values
	Request   string    `json:"request"`          // id of the request in the log
	Reverts   string    `json:"reverts,omitempty"`
	Outcome   Outcome   `json:"outcome"`
	Status    int       `json:"status,omitempty"` // of HTTP; 0 while it has begun
	Code      string    `json:"code,omitempty"`   // of the fault, where there was one
	Tag       string    `json:"tag,omitempty"`    // ETag of what was written

	// Before and After are the JSON of what was changed; nil for nothing, and in lists. A store has them packed, beside the rest.
	Before, After []byte `json:"-"`
}

// End is how a change ended.
type End struct {
	Outcome Outcome
	Status  int
	Code    string
	Tag     string
	After   []byte
}

// Apply completes e.
func (e *Entry) Apply(end End) {
	e.Outcome, e.Status, e.Code, e.Tag, e.After = end.Outcome, end.Status, end.Code, end.Tag, end.After
}

// Query asks for a page of entries. Empty fields do not narrow it.
type Query struct {
	Staff    string
	Path     string    // what the path begins with
	From, To time.Time // begun at or after From, before To
	After    Mark
	Limit    int
}

// Mark is the entry after which a page begins. The zero Mark is the newest.
type Mark struct {
	At time.Time
	ID string
}

// Store keeps entries for good. What was before and after is bytes to it.
type Store interface {
	// BeginAudit adds an entry. fault.Exists says that the id is taken.
	BeginAudit(ctx context.Context, e *Entry) error
	// CompleteAudit writes how the change ended. fault.NotFound when there is no such entry.
	CompleteAudit(ctx context.Context, id string, end End) error
	// AuditEntry is one of them, with what was before and after; fault.NotFound.
	AuditEntry(ctx context.Context, id string) (*Entry, error)
	// AuditEntries lists them, newest first, without what was before and after.
	AuditEntries(ctx context.Context, q Query) ([]*Entry, error)
}

// Service is the log of changes.
type Service struct {
	Store Store
	Now   func() time.Time
	NewID func() string // UUIDv7
}

// Begin writes an entry for a change that is about to be made. When it fails, the change must not be made.
func (s *Service) Begin(ctx context.Context, e Entry) (*Entry, error) {
	e.ID, e.At, e.Outcome = s.NewID(), s.Now().UTC().Truncate(time.Millisecond), Begun
	kept := e
	kept.Before = pack(e.Before)
	if err := s.Store.BeginAudit(ctx, &kept); err != nil {
		return nil, fmt.Errorf("begin an entry of the audit: %w", err)
	}
	return &e, nil
}

// Complete writes how a change ended.
func (s *Service) Complete(ctx context.Context, e *Entry, end End) error {
	e.Apply(end)
	end.After = pack(end.After)
	if err := s.Store.CompleteAudit(ctx, e.ID, end); err != nil {
		return fmt.Errorf("complete the entry %s of the audit: %w", e.ID, err)
	}
	return nil
}

// Entry is one of them.
func (s *Service) Entry(ctx context.Context, a actor.Actor, id string) (*Entry, error) {
	if err := administrator(a); err != nil {
		return nil, err
	}
	e, err := s.Store.AuditEntry(ctx, id)
	if err != nil {
		return nil, err
	}
	if e.Before, err = unpack(e.Before); err != nil {
		return nil, err
	}
	e.After, err = unpack(e.After)
	return e, err
}

const maxPage = 100

// List gives a page, newest first, and the cursor of the next, "" at the end.
func (s *Service) List(ctx context.Context, a actor.Actor, q Query, cursor string) (items []*Entry, next string, err error) {
	if err := administrator(a); err != nil {
		return nil, "", err
	}
	if q.After, err = parseCursor(cursor); err != nil {
		return nil, "", err
	}
	limit := min(max(q.Limit, 1), maxPage)
	q.Limit = limit + 1
	if items, err = s.Store.AuditEntries(ctx, q); err != nil {
		return nil, "", fmt.Errorf("list the audit: %w", err)
	}
	if len(items) > limit {
		items = items[:limit]
		last := items[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(last.At.UTC().Format(time.RFC3339Nano) + " " + last.ID))
	}
	return items, next, nil
}

func parseCursor(cursor string) (m Mark, err error) {
	if cursor == "" {
		return m, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	at, id, ok := strings.Cut(string(b), " ")
	if err != nil || !ok || id == "" || len(id) > 64 {
		return m, fault.At("cursor", fault.WrongFormat)
	}
	if m.At, err = time.Parse(time.RFC3339Nano, at); err != nil || m.At.Year() < 2000 || m.At.Year() > 9999 {
		return m, fault.At("cursor", fault.WrongFormat)
	}
	m.ID = id
	return m, nil
}

func administrator(a actor.Actor) error {
	switch {
	case a.Is(actor.Admin):
		return nil
	case a.Kind == actor.Nobody:
		return fault.New(fault.Unauthenticated)
	default:
		return fault.New(fault.Forbidden)
	}
}

// pack makes what was before or after small: areas of centres are megabytes of digits. nil stays nil.
func pack(b []byte) []byte {
	if b == nil {
		return nil
	}
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed) // a level that there is
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// unpack is the way back.
func unpack(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	out, err := io.ReadAll(flate.NewReader(bytes.NewReader(b)))
	if err != nil {
		return nil, fmt.Errorf("unpack what the audit kept: %w", err)
	}
	return out, nil
}
