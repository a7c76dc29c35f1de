package surveys

import (
	"context"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// Programmes asks people by questionnaire, takes their answers and makes figures of them. Every field but Log, Unreached, Missing and
// Changed must be set.
type Programmes struct {
	Store     RoundStore
	Now       func() time.Time
	NewID     func() string // UUIDv7
	Rand      io.Reader     // of seeds and of the ids of anonymous responses
	Zone      *time.Location
	Log       *slog.Logger
	Secret    []byte // of links
	PublicURL string // of this installation, such as https://balagh.example: links begin with it, and never with what a request says
	// Unreached says which invitations, by the ids of their facts, are known not to have arrived.
	Unreached func(ctx context.Context, facts []string) (map[string]bool, error)
	// Missing says which citizens have no account any more.
	Missing func(ctx context.Context, citizens []string) (map[string]bool, error)

	texts    questionnaires
	counting singleflight.Group // of rounds, by id
}

// Forecast is what a programme would do, before it starts.
type Forecast struct {
	Population  int            // people in the frame of a round that began now
	Excluded    map[string]int // by rule
	Eligible    int
	Invitations int
	Strata      []DrawnStratum
	Expected    int         // answers, by the expected rate; 0 when none was given
	Warnings    []string    // codes, see below
	Next        []time.Time // the next occurrences, up to five
}

// Warnings of a forecast.
const (
	WarnNobody       = "asks_nobody"          // nobody is in the frame, or the quarantine takes all
	WarnEverybody    = "asks_everybody_often" // everybody in the frame, every four weeks or more often
	WarnNoQuarantine = "no_quarantine"        // somebody can be invited again within 30 days
	WarnTooFew       = "sample_too_small"     // fewer people than the margin needs
	WarnNoChannel    = "no_channel"           // a channel that this installation does not have
)

// ProgrammesAll lists the programmes, for managers and administrators.
func (p *Programmes) ProgrammesAll(ctx context.Context, a actor.Actor) ([]*Programme, error) {
	return nil, fault.New(fault.Internal)
}

// Programme reads one, for managers and administrators.
func (p *Programmes) Programme(ctx context.Context, a actor.Actor, code string) (*Programme, error) {
	return nil, fault.New(fault.Internal)
}

// PutProgramme checks and writes a programme, for administrators. With rev it must be the present one (0: there must be none). An active
// one whose forecast has a warning is refused as fault.Conflict unless confirmed names the warning. A dry run writes nothing.
func (p *Programmes) PutProgramme(ctx context.Context, a actor.Actor, x Programme, rev *int64, confirmed []string, dryRun bool) (*Programme, *Forecast, error) {
	return nil, nil, fault.New(fault.Internal)
}

// Forecast says what a round of the programme that began now would do.
func (p *Programmes) Forecast(ctx context.Context, a actor.Actor, code string) (*Forecast, error) {
	return nil, fault.New(fault.Internal)
}

// Rounds lists those of a programme, or of all, newest first, for managers and administrators.
func (p *Programmes) Rounds(ctx context.Context, a actor.Actor, programme string) ([]*Round, error) {
	return nil, fault.New(fault.Internal)
}

// Round reads one, with how many invitations are in each state.
func (p *Programmes) Round(ctx context.Context, a actor.Actor, id string) (*Round, map[InvitationState]int, error) {
	return nil, nil, fault.New(fault.Internal)
}

// StartRound begins a round of an active programme now, beside its rule, for administrators; a second one on the same day is
// fault.Exists.
func (p *Programmes) StartRound(ctx context.Context, a actor.Actor, programme string) (*Round, error) {
	return nil, fault.New(fault.Internal)
}

// StopRound stops one before it is published, for administrators: nobody else is invited or reminded, and no answer is taken.
func (p *Programmes) StopRound(ctx context.Context, a actor.Actor, id string) (*Round, error) {
	return nil, fault.New(fault.Internal)
}

// CloseRound closes an open round now, as if its time were over, for administrators.
func (p *Programmes) CloseRound(ctx context.Context, a actor.Actor, id string) (*Round, error) {
	return nil, fault.New(fault.Internal)
}

var _ = form.Languages
