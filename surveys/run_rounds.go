package surveys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

const (
	roundLease = 30 * time.Second
	roundPoll  = time.Second
	roundPage  = 128 // invitations in one write
)

var (
	errMoved = errors.New("it was changed meanwhile")
	errLate  = errors.New("the time of the round is over")
)

// RunRounds begins the rounds of programmes and brings them to their end, until ctx ends. Any number of processes may run it on
// the same store, and any of them may end at any moment: what was begun is begun again with the same result, or gone on with.
func (p *Programmes) RunRounds(ctx context.Context) error {
	return p.poll(ctx, "work on a round", p.roundsOnce)
}

func (p *Programmes) roundsOnce(ctx context.Context) (more bool, err error) {
	err = p.schedule(ctx)
	more, workErr := p.workOn(ctx)
	return more, errors.Join(err, workErr)
}

// poll does something as long as there is more of it, and then looks again every second.
func (p *Programmes) poll(ctx context.Context, what string, some func(context.Context) (more bool, err error)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = safely(ctx, some); err != nil && ctx.Err() == nil && p.Log != nil {
				p.Log.Error(what, "error", err)
			}
		}
		timer.Reset(roundPoll)
	}
}

func safely(ctx context.Context, some func(context.Context) (bool, error)) (more bool, err error) {
	defer func() {
		if x := recover(); x != nil {
			more, err = false, fmt.Errorf("panic: %v", x)
		}
	}()
	return some(ctx)
}

// schedule begins the rounds that are due. An occurrence that passed while nobody looked is made up for only when it is the
// last one: the same people are not asked twice at once.
func (p *Programmes) schedule(ctx context.Context) error {
	all, err := p.Store.Programmes(ctx)
	if err != nil {
		return fmt.Errorf("look for rounds that are due: %w", err)
	}
	var errs []error
	for _, x := range all {
		if x.Active && x.Every != nil {
			errs = append(errs, p.scheduleOne(ctx, x))
		}
	}
	return errors.Join(errs...)
}

func (p *Programmes) scheduleOne(ctx context.Context, x *Programme) error {
	now := p.instant()
	if !x.Next.IsZero() && !x.Next.After(now) {
		to := x.Next
		for _, later := range x.Every.occurrences(p.Zone, to, 1_000) {
			if later.After(now) {
				break
			}
			to = later
		}
		_, err := p.begin(ctx, x, event.Derive("round", x.Code, to.Format(time.RFC3339)), to)
		if err != nil && fault.CodeOf(err) != fault.Exists {
			return fmt.Errorf("begin a round: %w", err)
		}
	}
	// The next one is also set when it is too far away, because a clock was wrong.
	next := first(x.Every.occurrences(p.Zone, now, 1))
	if next.Equal(x.Next) {
		return nil
	}
	_, err := p.Store.PutProgramme(ctx, x.Code, func(y *Programme) error {
		if y.Rev != x.Rev {
			return errMoved
		}
		y.Next = next
		return nil
	})
	if err != nil && !errors.Is(err, errMoved) {
		return fmt.Errorf("move a programme on: %w", err)
	}
	return nil
}

// workOn does the next step of one round, and says whether there was one to do.
func (p *Programmes) workOn(ctx context.Context) (more bool, err error) {
	r, err := p.Store.LeaseRound(ctx, p.instant(), roundLease)
	if err != nil || r == nil {
		return false, err
	}
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("panic: %v", x)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, errMoved) {
			_ = p.change(ctx, r, func(x *Round) {
				x.Failures++
				x.Due = p.instant().Add(min(time.Second<<min(x.Failures, 16), roundLease))
			})
		}
		if errors.Is(err, errMoved) {
			err = nil
		}
	}()
	return true, p.step(ctx, r)
}

func (p *Programmes) step(ctx context.Context, r *Round) error {
	switch r.State {
	case RoundDrawing:
		return p.inTurn(ctx, r, p.drawRound)
	case RoundInviting:
		return p.inTurn(ctx, r, p.inviteRound)
	case RoundOpen:
		return p.move(ctx, r, func(x *Round) {
			if x.Due = x.Closes; !x.Closes.After(p.instant()) {
				x.State, x.Due = RoundClosing, p.instant()
			}
		})
	case RoundClosing:
		return p.closeRound(ctx, r)
	case RoundStopped:
		return p.clearRound(ctx, r)
	}
	return p.move(ctx, r, func(x *Round) { x.Due = time.Time{} })
}

// change changes a round that nobody else has changed since it was leased.
func (p *Programmes) change(ctx context.Context, r *Round, change func(*Round)) error {
	x, err := p.Store.UpdateRound(ctx, r.ID, func(x *Round) error {
		if x.Rev != r.Rev {
			return errMoved
		}
		change(x)
		return nil
	})
	if err == nil {
		r.Rev = x.Rev
	}
	return err
}

// move is a step that went well.
func (p *Programmes) move(ctx context.Context, r *Round, change func(*Round)) error {
	return p.change(ctx, r, func(x *Round) {
		x.Failures = 0
		change(x)
	})
}

// holding gives a question to ask now and then during a long step: it renews the lease, and is an error when the round is
// somebody else's or the process is to end.
func (p *Programmes) holding(ctx context.Context, r *Round) func() error {
	renewed := time.Now()
	return func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(renewed) < roundLease/6 {
			return nil
		}
		renewed = time.Now()
		return p.change(ctx, r, func(x *Round) { x.Due = p.instant().Add(roundLease) })
	}
}

// inTurn lets rounds draw and invite one after the other, so that no two draw the same person at once: what one has drawn is in
// the quarantine of the next. One that invites goes before one that draws. A round that failed holds up no other.
func (p *Programmes) inTurn(ctx context.Context, r *Round, do func(context.Context, *Round) error) error {
	all, err := p.Store.Rounds(ctx, "")
	if err != nil {
		return fmt.Errorf("look at other rounds: %w", err)
	}
	for _, other := range all {
		if other.ID != r.ID && other.Failures == 0 && other.before(r) {
			return p.move(ctx, r, func(x *Round) { x.Due = p.instant().Add(roundPoll) })
		}
	}
	return do(ctx, r)
}

// before says whether r, if it draws or invites, goes before o, which does.
func (r *Round) before(o *Round) bool {
	if r.State != RoundInviting && r.State != RoundDrawing {
		return false
	}
	if r.State != o.State {
		return r.State == RoundInviting
	}
	return cmp.Or(r.Opened.Compare(o.Opened), r.To.Compare(o.To), cmp.Compare(r.ID, o.ID)) < 0
}

// drawRound draws the sample, from the beginning.
func (p *Programmes) drawRound(ctx context.Context, r *Round) error {
	if err := p.Store.DropDrawn(ctx, r.ID, r.Rev); err != nil {
		return fmt.Errorf("forget a sample that was not finished: %w", err)
	}
	drawn, err := p.draw(ctx, r, p.holding(ctx, r))
	if err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	return p.move(ctx, r, func(x *Round) {
		now := p.instant()
		x.Drawn, x.State, x.Opened, x.Due = drawn, RoundInviting, now, now
		x.Closes = p.daysBefore(now, -x.Programme.OpenDays)
		x.Warnings = x.Warnings[:0]
		if drawn.Sampled == 0 {
			x.Warnings = append(x.Warnings, WarnNobody)
		}
		if drawn.Population > 0 && drawn.Sampled < x.Programme.Sample.needed(drawn.Population) {
			x.Warnings = append(x.Warnings, WarnTooFew)
		}
	})
}

// inviteRound invites those who were drawn, a page at a time.
func (p *Programmes) inviteRound(ctx context.Context, r *Round) error {
	invite := func(page []*Invitation) error {
		if !p.instant().Before(r.Closes) {
			return errLate
		}
		return p.ask(ctx, r, page, func(time.Time) time.Time { return r.Closes })
	}
	for {
		n, err := p.pages(ctx, r, []InvitationState{InvitationDrawn}, invite)
		if n == 0 && err == nil || errors.Is(err, errLate) {
			return p.move(ctx, r, func(x *Round) { x.State, x.Due = RoundOpen, x.Closes })
		} else if err != nil {
			return err
		}
	}
}

// pages gives the invitations of a round that are in one of the states, and says how many there were.
func (p *Programmes) pages(ctx context.Context, r *Round, states []InvitationState, do func([]*Invitation) error) (n int,
	err error) {
	alive := p.holding(ctx, r)
	for after := ""; ; {
		if err := alive(); err != nil {
			return n, err
		}
		began := time.Now()
		page, err := p.Store.RoundInvitations(ctx, r.ID, states, after, roundPage)
		if err != nil {
			return n, fmt.Errorf("read invitations of a round: %w", err)
		}
		if len(page) == 0 {
			return n, nil
		}
		if err := do(page); err != nil {
			return n, err
		}
		n, after = n+len(page), page[len(page)-1].ID
		p.rest(ctx, time.Since(began))
	}
}

// rest gives way to others for as long as something took.
func (p *Programmes) rest(ctx context.Context, took time.Duration) {
	timer := time.NewTimer(took)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

var unsettled = []InvitationState{InvitationDrawn, InvitationInvited, InvitationPartial}

// closeRound settles what became of each invitation, counts the answers and publishes.
func (p *Programmes) closeRound(ctx context.Context, r *Round) error {
	if _, err := p.pages(ctx, r, unsettled, func(page []*Invitation) error { return p.settle(ctx, page) }); err != nil {
		return err
	}
	states, err := p.settleFigures(ctx, r)
	if err != nil {
		return fmt.Errorf("count the answers of a round: %w", err)
	}
	return p.move(ctx, r, func(x *Round) {
		x.State, x.Published, x.Due = RoundPublished, p.instant(), time.Time{}
		if x.Programme.After != nil {
			x.Drawn = askedAfterCases(states)
		}
	})
}

// clearRound drops what a stopped round has not sent, and reminds nobody of the rest.
func (p *Programmes) clearRound(ctx context.Context, r *Round) error {
	_, err := p.pages(ctx, r, unsettled, func(page []*Invitation) error {
		return p.Store.UpdateInvitations(ctx, idsOf(page), func(i *Invitation) ([]event.Event, error) {
			switch {
			case i.State == InvitationDrawn:
				i.drop(p.instant())
			case slices.Contains(unsettled, i.State) && !i.Due.IsZero():
				i.Due = time.Time{}
			default:
				return nil, errMoved
			}
			return nil, nil
		})
	})
	if err != nil {
		return err
	}
	return p.move(ctx, r, func(x *Round) { x.Due = time.Time{} })
}
