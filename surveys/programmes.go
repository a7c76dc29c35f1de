package surveys

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// Programmes asks people by questionnaire, takes their answers and makes figures of them. Every field but Log, Unreached,
// HasChannel and Missing must be set.
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
	// HasChannel says whether this installation has a channel; nil: each of them.
	HasChannel func(channel string) bool
	// Missing says which citizens have no account any more.
	Missing func(ctx context.Context, citizens []string) (map[string]bool, error)

	texts    questionnaires
	counting singleflight.Group // of rounds, by id
	asking   sync.Mutex         // one batch at a time looks when its people were last invited, and invites them
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
	if err := mayRead(a); err != nil {
		return nil, err
	}
	return p.Store.Programmes(ctx)
}

// Programme reads one, for managers and administrators.
func (p *Programmes) Programme(ctx context.Context, a actor.Actor, code string) (*Programme, error) {
	if err := mayRead(a); err != nil {
		return nil, err
	}
	return p.Store.Programme(ctx, code)
}

// PutProgramme checks and writes a programme, for administrators. With rev it must be the present one (0: there must be none).
// An active one whose forecast has a warning is refused as fault.Conflict unless confirmed names the warning. A dry run writes
// nothing.
func (p *Programmes) PutProgramme(ctx context.Context, a actor.Actor, x Programme, rev *int64, confirmed []string,
	dryRun bool) (*Programme, *Forecast, error) {
	if err := mayWrite(a); err != nil {
		return nil, nil, err
	}
	if err := p.checkProgramme(ctx, &x); err != nil {
		return nil, nil, err
	}
	forecast, err := p.forecast(ctx, &x)
	if err != nil {
		return nil, nil, err
	}
	if x.Active && !dryRun {
		if err := forecast.confirm(confirmed); err != nil {
			return nil, forecast, err
		}
	}
	now := p.instant()
	change := func(old *Programme) error {
		if rev != nil && *rev != old.Rev {
			return fault.New(fault.PreconditionFailed)
		}
		written := x
		written.Rev, written.By, written.At, written.Next = old.Rev, a.ID, now, time.Time{}
		switch {
		case !x.Active || x.Every == nil:
		case old.Active && !old.Next.IsZero() && reflect.DeepEqual(old.Every, x.Every):
			written.Next = old.Next // which may be due this moment
		default:
			written.Next = first(x.Every.occurrences(p.Zone, now, 1))
		}
		*old = written
		return nil
	}
	if dryRun {
		old, err := p.Store.Programme(ctx, x.Code)
		if fault.CodeOf(err) == fault.NotFound {
			old, err = &Programme{Code: x.Code}, nil
		}
		if err == nil {
			err = change(old)
		}
		if err != nil {
			return nil, nil, err
		}
		return old, forecast, nil
	}
	written, err := p.Store.PutProgramme(ctx, x.Code, change)
	if err != nil {
		return nil, nil, fmt.Errorf("keep a programme: %w", err)
	}
	return written, forecast, nil
}

// checkProgramme finds everything that is wrong with a programme here: also that its questionnaire is not there, and that a
// message with a link in it would have no address to lead to.
func (p *Programmes) checkProgramme(ctx context.Context, x *Programme) error {
	faults := x.check(p.Zone)
	if x.Questionnaire != "" {
		_, err := p.Store.Questionnaire(ctx, x.Questionnaire, 0)
		if err == nil && x.Version > 0 {
			if _, err = p.Store.Questionnaire(ctx, x.Questionnaire, x.Version); fault.CodeOf(err) == fault.NotFound {
				faults.Add("version", fault.Unknown)
				err = nil
			}
		}
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			faults.Add("questionnaire", fault.Unknown)
		case err != nil:
			return fmt.Errorf("look up a questionnaire: %w", err)
		}
	}
	if x.Active && p.PublicURL == "" && slices.ContainsFunc(x.Channels, func(c string) bool { return c != "push" }) {
		faults.Add("channels", fault.NotAllowed)
	}
	return faults.Err()
}

// Rounds lists those of a programme, or of all, newest first, for managers and administrators; those alone whose results a may see.
func (p *Programmes) Rounds(ctx context.Context, a actor.Actor, programme string) ([]*Round, error) {
	if err := mayRead(a); err != nil {
		return nil, err
	}
	if programme != "" {
		if _, err := p.Store.Programme(ctx, programme); err != nil {
			return nil, err
		}
	}
	all, err := p.Store.Rounds(ctx, programme)
	return slices.DeleteFunc(all, func(r *Round) bool { return !r.within(a) }), err
}

// Round reads one, with how many invitations are in each state.
func (p *Programmes) Round(ctx context.Context, a actor.Actor, id string) (*Round, map[InvitationState]int, error) {
	if err := mayRead(a); err != nil {
		return nil, nil, err
	}
	r, err := p.Store.Round(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	counts, err := p.Store.CountInvitations(ctx, id)
	if err != nil {
		return nil, nil, fmt.Errorf("count invitations: %w", err)
	}
	return r, counts, nil
}

// StartRound begins a round of an active programme now, beside its rule, for administrators; a second one on the same day is
// fault.Exists. A programme that is not active, or that asks after cases, has none: fault.Conflict.
func (p *Programmes) StartRound(ctx context.Context, a actor.Actor, programme string) (*Round, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	x, err := p.Store.Programme(ctx, programme)
	if err != nil {
		return nil, err
	}
	if !x.Active || x.Every == nil {
		return nil, fault.New(fault.Conflict)
	}
	now := p.instant()
	return p.begin(ctx, x, event.Derive("round", x.Code, "started", now.In(p.Zone).Format(time.DateOnly)), now)
}

// begin makes a round of a programme whose window ends at that moment.
func (p *Programmes) begin(ctx context.Context, x *Programme, id string, to time.Time) (*Round, error) {
	before, err := p.Store.Rounds(ctx, x.Code)
	if err != nil {
		return nil, fmt.Errorf("number a round: %w", err)
	}
	if slices.ContainsFunc(before, func(r *Round) bool { return r.ID == id }) {
		return nil, fault.New(fault.Exists)
	}
	return p.create(ctx, x, Round{ID: id, Number: following(before), State: RoundDrawing,
		From: p.daysBefore(to, x.Every.WindowDays), To: to, Closes: p.daysBefore(to, -x.OpenDays), Due: p.instant()})
}

// following is the number of the next round.
func following(before []*Round) int {
	number := 1
	for _, r := range before {
		number = max(number, r.Number+1)
	}
	return number
}

// create adds a round with a seed of its own and the programme as it is, which asks the questionnaire as it is.
func (p *Programmes) create(ctx context.Context, x *Programme, r Round) (*Round, error) {
	var seed [32]byte
	if _, err := io.ReadFull(p.Rand, seed[:]); err != nil {
		return nil, fmt.Errorf("make a seed: %w", err)
	}
	q, err := p.Store.Questionnaire(ctx, x.Questionnaire, x.Version)
	if err != nil {
		return nil, fmt.Errorf("the questionnaire of a round: %w", err)
	}
	r.Rev, r.Seed, r.Programme = 1, hex.EncodeToString(seed[:]), *x
	r.Programme.Version, r.Programme.Next = q.Version, time.Time{}
	if x.After != nil {
		r.Programme.Sample = Sample{Method: DrawAll}
	}
	if err := p.Store.CreateRound(ctx, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// StopRound stops one before it is published, for administrators: nobody else is invited or reminded, and no answer is taken.
func (p *Programmes) StopRound(ctx context.Context, a actor.Actor, id string) (*Round, error) {
	return p.endRound(ctx, a, id, RoundStopped, RoundDrawing, RoundInviting, RoundOpen, RoundClosing)
}

// CloseRound closes an open round now, as if its time were over, for administrators.
func (p *Programmes) CloseRound(ctx context.Context, a actor.Actor, id string) (*Round, error) {
	return p.endRound(ctx, a, id, RoundClosing, RoundInviting, RoundOpen)
}

// endRound moves a round on from one of the states, and lets the runner settle what is left of it.
func (p *Programmes) endRound(ctx context.Context, a actor.Actor, id string, to RoundState, from ...RoundState) (*Round, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	return p.Store.UpdateRound(ctx, id, func(r *Round) error {
		if !slices.Contains(from, r.State) {
			return fault.New(fault.Conflict)
		}
		now := p.instant()
		r.State, r.Due = to, now
		if r.Closes.After(now) {
			r.Closes = now
		}
		return nil
	})
}

// daysBefore is the same time of the day, in the zone, so many days earlier.
func (p *Programmes) daysBefore(t time.Time, days int) time.Time {
	return t.In(p.Zone).AddDate(0, 0, -days).UTC()
}

func first(times []time.Time) time.Time {
	if len(times) == 0 {
		return time.Time{}
	}
	return times[0]
}
