package push

import (
	"context"
	"sync"
	"time"

	"github.com/balagh/balagh/fault"
)

// announcedFor is how old a broadcast may be that a sender goes by: so soon does a pause hold.
const announcedFor = time.Second

// announcedMost is how many broadcasts are kept at hand.
const announcedMost = 64

// announcements are the broadcasts that senders and inboxes ask for again and again.
type announcements struct {
	mu   sync.Mutex
	byID map[string]announced
}

type announced struct {
	b  *Broadcast // nil when there is none
	at time.Time
}

func (c *announcements) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, id)
}

// announcement is a broadcast as it is now, or was a second ago; it must not be changed. fault.NotFound is kept as well. Those who ask
// at the same time wait for one answer.
func (s *Service) announcement(ctx context.Context, id string) (*Broadcast, error) {
	c := &s.announced
	c.mu.Lock()
	defer c.mu.Unlock()
	now := s.Now()
	x, there := c.byID[id]
	if age := now.Sub(x.at); !there || age < 0 || age >= announcedFor {
		b, err := s.Store.Broadcast(ctx, id)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return nil, err
		}
		if c.byID == nil || len(c.byID) >= announcedMost {
			c.byID = map[string]announced{}
		}
		x = announced{b: b, at: now}
		if err != nil {
			x.b = nil
		}
		c.byID[id] = x
	}
	if x.b == nil {
		return nil, fault.New(fault.NotFound)
	}
	return x.b, nil
}

// halted says whether deliveries of the broadcast must not go now, or never.
func (b *Broadcast) halted() (paused, stopped bool) { return b.State == Paused, b.State == Stopped }

// How long a delivery of a paused broadcast waits until it is looked at again: as long as the pause has been, so that a million of them
// are not looked at a million times.
const (
	haltAgain  = 15 * time.Second
	haltedMost = 10 * time.Minute
)

func (b *Broadcast) lookAgain(now time.Time) time.Duration {
	return min(max(now.Sub(b.Halted), haltAgain), haltedMost)
}
