package scenario

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/demo"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

// workers file at once, so that commits are shared; each is one desk with a clock of its own.
const workers = 256

// relays hand facts on beside each other: each waits for commits most of the time.
const relays = 2

// ErrNotEmpty says that the store holds something already: an account is loaded once.
var ErrNotEmpty = errors.New("something is in this store already, and an account is loaded into an empty one")

// Load makes the account true in an installation that holds nothing yet.
func (s *Scenario) Load(ctx context.Context, in *Installation) (err error) {
	first := reports.New(in.Store, nil, in.Zone)
	if err := first.Refresh(ctx); err != nil {
		return err
	}
	if first.Catalogue().Rev != 0 {
		return ErrNotEmpty
	}
	l := &loader{Scenario: s, Installation: in, ids: make([]reporter, len(s.people)), show: newProgress(in.Out)}
	defer l.show.end()
	l.categories, l.mosques = map[string]demo.Category{}, map[string][]demo.Mosque{}
	for _, c := range s.org.Categories {
		l.categories[c.Code] = c
	}
	for _, m := range s.org.Mosques {
		l.mosques[m.Centre] = append(l.mosques[m.Centre], m)
	}
	if err := l.setUp(ctx, first); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if err := l.register(ctx); err != nil {
		return fmt.Errorf("people: %w", err)
	}
	relay := &event.Relay{Outbox: in.Outbox, Consumers: in.Consumers, Log: in.Log, Now: time.Now}
	if err := l.file(ctx, first, relay); err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	if s.round != nil {
		if err := l.ask(ctx, relay); err != nil {
			return fmt.Errorf("a round: %w", err)
		}
	}
	return nil
}

// loader loads one scenario.
type loader struct {
	*Scenario
	*Installation
	staff []actor.Actor
	ids   []reporter // beside people
	show  *progress

	categories map[string]demo.Category
	mosques    map[string][]demo.Mosque // by centre
}

// reporter is a person with an account.
type reporter struct {
	id string
	reports.Reporter
}

// parallel does n things, many at a time and begun in their order, and stops at the first that fails.
func parallel(ctx context.Context, n int, worker func(ctx context.Context, next func() (int, bool)) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var at atomic.Int64
	next := func() (int, bool) {
		i := int(at.Add(1)) - 1
		return i, i < n && ctx.Err() == nil
	}
	var group sync.WaitGroup
	for range min(workers, n) {
		group.Go(func() {
			if err := worker(ctx, next); err != nil {
				stop(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// register gives everybody an account, as the desk does for a caller.
func (l *loader) register(ctx context.Context) error {
	l.show.phase("people", len(l.people))
	return parallel(ctx, len(l.people), func(ctx context.Context, next func() (int, bool)) error {
		for i, more := next(); more; i, more = next() {
			c, err := l.Accounts.EnsureCitizen(ctx, actor.Actor{Kind: actor.System}, l.people[i].Caller)
			if err != nil {
				return err
			}
			l.ids[i] = reporter{c.ID, reports.Reporter{Gender: c.Gender, Residency: c.Residency}}
			l.show.add(1)
		}
		return nil
	})
}

// file files every report and takes it to its end, while the facts are handed on.
func (l *loader) file(ctx context.Context, first *reports.Service, relay *event.Relay) error {
	l.show.phase("reports", len(l.reports))
	handing, filed := context.WithCancel(ctx)
	defer filed()
	var hands sync.WaitGroup
	errs := make([]error, relays)
	for i := range errs {
		hands.Go(func() { errs[i] = hand(ctx, handing, relay) })
	}
	err := parallel(ctx, len(l.reports), func(ctx context.Context, next func() (int, bool)) error {
		d := &desk{loader: l, Service: first.Beside(), clock: l.From}
		d.Now, d.NewID, d.Rand = d.now, d.newID, &d.chance
		for i, more := next(); more; i, more = next() {
			d.chance = chance{rand.New(rand.NewPCG(seed, uint64(i)))}
			if err := d.work(ctx, l.reports[i]); err != nil {
				return err
			}
			l.show.add(1)
		}
		return nil
	})
	l.show.phase("facts", 0)
	filed()
	hands.Wait()
	if err = errors.Join(append(errs, err)...); err != nil {
		return err
	}
	lag, err := l.Outbox.Lag(ctx, time.Now())
	if err == nil && lag.Pending+lag.Parked > 0 {
		err = fmt.Errorf("%d facts could not be handed on", lag.Pending+lag.Parked)
	}
	return err
}

// hand hands facts on until no more come.
func hand(ctx, coming context.Context, relay *event.Relay) error {
	for {
		last := coming.Err() != nil
		if err := relay.Drain(ctx); err != nil || last {
			return err
		}
		select {
		case <-coming.Done():
		case <-relay.Outbox.Wake():
		case <-time.After(100 * time.Millisecond): // another relay may have had the signal
		}
	}
}

// desk takes reports through their lives, one after the other, at the moments of the account.
type desk struct {
	*loader
	*reports.Service
	clock  time.Time
	chance chance
}

func (d *desk) now() time.Time { return d.clock }

// newID is a UUIDv7 of the moment of the account: in lists and indexes it lies where it belongs.
func (d *desk) newID() string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(d.clock.UnixMilli())<<16|d.chance.Uint64()&0xfff)
	binary.BigEndian.PutUint64(u[8:], d.chance.Uint64())
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u.String()
}

// chance is what is made up about one report; as a reader it gives what numbers are drawn from.
type chance struct{ *rand.Rand }

// Read never fails.
func (c *chance) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.Uint32())
	}
	return len(p), nil
}

// pass lets up to so many hours go by.
func (d *desk) pass(hours int) {
	d.clock = d.clock.Add(time.Duration(1+d.chance.IntN(hours*60)) * time.Minute)
}

func (d *desk) work(ctx context.Context, p planned) error {
	d.clock = p.at
	citizen := d.ids[p.person]
	self := actor.Actor{Kind: actor.Citizen, ID: citizen.id}
	n := d.written(p)
	n.Citizen, n.Reporter = citizen.id, citizen.Reporter
	n.Reporter.Company = p.company
	t := reports.Taken{By: self, At: p.at, New: n}
	if p.channel != reports.App && p.channel != reports.Web {
		t.By = d.colleague(actor.Clerk, p)
	}
	step := func(by actor.Actor, to reports.Status, hours int) {
		d.pass(hours)
		t.Past = append(t.Past, reports.Step{By: by, At: d.clock, To: to})
	}
	switch officer := d.colleague(actor.Officer, p); p.end {
	case reports.Rejected:
		step(d.colleague(actor.Clerk, p), reports.Rejected, 20)
	case reports.Withdrawn:
		step(self, reports.Withdrawn, 20)
	default:
		step(d.colleague(actor.Clerk, p), reports.Assigned, 20)
		step(officer, reports.InProgress, 60)
		step(officer, reports.Resolved, 120)
		step(d.colleague(actor.Supervisor, p), reports.Closed, 240)
	}
	_, err := d.TakeOver(ctx, actor.Actor{Kind: actor.System}, t)
	return err
}

// written is what the person says; without a centre that is given it is about a mosque in its area.
func (d *desk) written(p planned) reports.NewReport {
	stories := d.categories[p.category].Stories
	story := stories[d.chance.IntN(len(stories))]
	n := reports.NewReport{Channel: p.channel, Category: p.category, Language: story.Language}
	near := d.mosques[p.centre]
	if len(near) == 0 {
		near = d.org.Mosques
	}
	var m demo.Mosque
	if len(near) > 0 {
		m = near[d.chance.IntN(len(near))]
	}
	n.Description, n.Attributes = story.About(m, p.at)
	if p.given {
		n.Centre = p.centre
		return n
	}
	n.Place = &reports.Place{Latitude: m.Latitude, Longitude: m.Longitude, Address: m.Address(), Source: reports.FromMap}
	return n
}

// colleague is one of the staff who may do it; a supervisor for everything may.
func (l *loader) colleague(role actor.Role, p planned) actor.Actor {
	for _, role := range []actor.Role{role, actor.Supervisor} {
		for _, x := range l.staff {
			if x.Role == role && x.Sees(p.centre, l.categories[p.category].Body.Department) {
				return x
			}
		}
	}
	return actor.Actor{}
}
