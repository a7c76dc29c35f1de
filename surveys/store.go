package surveys

import (
	"context"
	"time"

	"github.com/balagh/balagh/event"
)

// Store is what the package needs of a backend.
type Store interface {
	DayStore
	// AddOccasion keeps a new occasion, and marks its day. When there is one of that id already, that one stays as it is, and it is no
	// error.
	AddOccasion(ctx context.Context, o *Occasion) error
	// OccasionsOf gives the occasions of a report, the latest closure first; none is no error.
	OccasionsOf(ctx context.Context, report string) ([]*Occasion, error)
	// UpdateOccasion changes an occasion, writes the facts that the change causes, and marks its day and those of every rating
	// that the same device gave on the same day, in one atomic write. change runs again on a lost race; an error of it changes
	// nothing and is returned as it is. No such occasion: fault.NotFound.
	UpdateOccasion(ctx context.Context, id string, change func(*Occasion) ([]event.Event, error)) (*Occasion, error)
	// Tally counts occasions and levels in the backend, without reading the documents.
	Tally(ctx context.Context, f Filter) ([]Tally, error)
}

// Filter of occasions.
type Filter struct {
	By          Dimension
	And         Dimension // divides further; not at all when empty
	From, To    time.Time // opened in [From, To)
	Centres     []string  // any of them; nil for every one
	Departments []string  // likewise
	Centre      string    // exactly this one, beside what Centres says; empty for any
	Department  string
	Category    string
	Channel     string
}

// Tally is one group of occasions.
type Tally struct {
	Key      string // value of the dimension; empty with ByNone
	And      string // value of Filter.And; empty without one
	Eligible int64  // occasions
	Counts   Counts // of them rated, by level
}
