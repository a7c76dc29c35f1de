package reports

import (
	"context"
	"crypto/rand"
	"io"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/daybook"
)

// Photos is what reports needs of the photos that people upload.
type Photos interface {
	// Attach binds uploaded photos of a to the report. Attaching a photo again to the same report is fine. A photo that is
	// unknown, another's or another report's is an Invalid fault at photos/<index>.
	Attach(ctx context.Context, a actor.Actor, ids []string, report string) ([]PhotoRef, error)
}

// Service is the reports domain. Refresh must succeed once before it is used.
type Service struct {
	Store  Store
	Photos Photos
	Zone   *time.Location   // in which days begin
	Now    func() time.Time // the clock
	NewID  func() string    // UUIDv7
	Rand   io.Reader        // of numbers

	snapshot atomic.Pointer[Catalogue]
	figures  daybook.Book
}

// New is a Service with the real clock and real randomness.
func New(store Store, photos Photos, zone *time.Location) *Service {
	return &Service{Store: store, Photos: photos, Zone: zone, Now: time.Now, Rand: rand.Reader,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, figures: daybook.Book{Schema: rowSchema, Store: figureStore{store}}}
}

// now is the moment in the precision that stores keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }
