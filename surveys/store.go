package surveys

import (
	"context"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys/form"
)

// Store is what the package needs of a backend.
type Store interface {
	// AddOccasion keeps a new occasion, and marks it. When there is one of that id already, that one stays as it is, and it is no
	// error.
	AddOccasion(ctx context.Context, o *Occasion) error
	// OccasionsOf gives the occasions of a report, the latest closure first; none is no error.
	OccasionsOf(ctx context.Context, report string) ([]*Occasion, error)
	// UpdateOccasion changes an occasion, writes the facts that the change causes, and marks it, in one atomic write. change runs
	// again on a lost race; an error of it changes nothing and is returned as it is. No such occasion: fault.NotFound.
	UpdateOccasion(ctx context.Context, id string, change func(*Occasion) ([]event.Event, error)) (*Occasion, error)

	// RatingPages keeps the pages and the marks of occasions. A marked one is Occasion.Entry.
	RatingPages() daybook.Store
	// OccasionDays gives every day that has occasions, in order.
	OccasionDays(ctx context.Context) ([]string, error)
	// OccasionsOn visits the occasions of a day, in any order.
	OccasionsOn(ctx context.Context, day string, visit func(*Occasion) error) error

	// Programmes and QuestionnaireVersions are those of RoundStore.
	Programmes(ctx context.Context) ([]*Programme, error)
	QuestionnaireVersions(ctx context.Context, code string) ([]*form.Questionnaire, error)
}
