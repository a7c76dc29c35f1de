package reports

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const (
	feedPause = time.Second
	feedTime  = 5 * time.Second // for one look
	feedMost  = 5000            // changes in one look; after more, those who listen read their lists again
	feedWaits = 16              // looks that a listener may lag behind
	feedSeen  = time.Minute     // how long a change is remembered, longer than a store gives one again
)

// Feed tells staff of reports that are written, whichever process writes them: one look at the store for all who listen, and none when
// nobody does.
type Feed struct {
	Store ChangeStore
	Log   *slog.Logger
	Pause time.Duration // between two looks; 1 s for 0

	mu        sync.Mutex
	listeners map[*Listener]struct{}
	ended     bool

	at   int64 // of the last look; 0 while nobody listens
	seen map[string]seenChange
}

type seenChange struct {
	rev  int64
	when time.Time
}

// News is what a listener is told at a time, after each look.
type News struct {
	Changes  []Changed
	Position int64 // up to which this is everything
	Lost     bool  // something before the position was not told: lists have to be read again
}

// Listener hears of reports within the scope of one member of staff.
type Listener struct {
	First News        // what was missed before it listened
	News  <-chan News // closed when the feed ends

	feed  *Feed
	to    chan News
	actor actor.Actor
	start int64
}

// Listen begins to listen, and catches up with what was written after a position, 0 for the present one. fault.Unavailable says that the
// feed has ended.
//
// Nothing is missed between the two: the position is read first, then the feed knows of the listener, and then the past is read. What
// becomes visible after that is for the feed to tell, which looks from the first of these positions on; what is told twice has the same rev.
func (f *Feed) Listen(ctx context.Context, a actor.Actor, after int64) (*Listener, error) {
	if a.Kind != actor.Staff {
		return nil, fault.New(fault.Forbidden)
	}
	now, err := f.Store.ChangePosition(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to listen: %w", err)
	}
	to := make(chan News, feedWaits)
	l := &Listener{News: to, feed: f, to: to, actor: a, start: now}
	if err := f.add(l); err != nil {
		return nil, err
	}
	l.First = News{Position: now}
	if after == 0 {
		return l, nil
	}
	list, whole, err := f.Store.Changes(ctx, ChangesQuery{After: after, Limit: feedMost})
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("catch up: %w", err)
	}
	l.First = News{Changes: l.within(list), Position: now, Lost: !whole}
	if len(list) > 0 {
		l.First.Position = max(now, list[len(list)-1].Position)
	}
	return l, nil
}

func (f *Feed) add(l *Listener) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return fault.Later(fault.Unavailable, 5*time.Second)
	}
	if f.listeners == nil {
		f.listeners = map[*Listener]struct{}{}
	}
	f.listeners[l] = struct{}{}
	return nil
}

// Close ends listening.
func (l *Listener) Close() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	delete(l.feed.listeners, l)
}

func (l *Listener) within(list []Changed) (mine []Changed) {
	for _, c := range list {
		if l.actor.Sees(c.Centre, c.Department) {
			mine = append(mine, c)
		}
	}
	return mine
}

// tell never waits: who lags too far behind hears that something was lost instead. Only the feed sends.
func (l *Listener) tell(n News) {
	n.Changes = l.within(n.Changes)
	select {
	case l.to <- n:
		return
	default:
	}
	for {
		select {
		case <-l.to:
		default:
			l.to <- News{Position: n.Position, Lost: true}
			return
		}
	}
}

// Run looks until ctx ends. Then nobody listens any more.
func (f *Feed) Run(ctx context.Context) {
	pause := f.Pause
	if pause == 0 {
		pause = feedPause
	}
	t := time.NewTicker(pause)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := f.look(ctx); err != nil && ctx.Err() == nil {
				f.Log.Error("look for changed reports", "error", err) // the next look begins where this one did
			}
		case <-ctx.Done():
			f.end()
			return
		}
	}
}

func (f *Feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for l := range f.listeners {
		close(l.to)
	}
	f.listeners = nil
}

// begin says from where to look, 0 when nobody listens.
func (f *Feed) begin() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) == 0 {
		f.at, f.seen = 0, nil
	}
	if f.at == 0 {
		for l := range f.listeners {
			if f.at == 0 || l.start < f.at {
				f.at = l.start
			}
		}
	}
	return f.at
}

// look tells of what was written since the last look.
func (f *Feed) look(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a look panicked: %v", p)
		}
	}()
	after := f.begin()
	if after == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, feedTime)
	defer cancel()
	now, err := f.Store.ChangePosition(ctx) // before the list: what comes between the two may come again
	if err != nil {
		return err
	}
	list, whole, err := f.Store.Changes(ctx, ChangesQuery{After: after, Known: f.known, Limit: feedMost})
	if err != nil {
		return err
	}
	n := News{Changes: list, Position: now, Lost: !whole}
	if len(list) > 0 {
		n.Position = max(now, list[len(list)-1].Position)
	}
	f.remember(list)
	f.at = n.Position
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners {
		l.tell(n)
	}
	return nil
}

func (f *Feed) known(id string, rev int64) bool {
	s, ok := f.seen[id]
	return ok && s.rev >= rev
}

func (f *Feed) remember(list []Changed) {
	if f.seen == nil {
		f.seen = map[string]seenChange{}
	}
	now := time.Now() // of the process alone: how long ago it was
	for id, s := range f.seen {
		if now.Sub(s.when) > feedSeen {
			delete(f.seen, id)
		}
	}
	for _, c := range list {
		f.seen[c.ID] = seenChange{c.Rev, now}
	}
}
