package push

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balagh/balagh/event"
)

const (
	broadcastPage  = 256
	broadcastRows  = 64 // messages and deliveries in one write: it holds the store's writer for a few milliseconds
	broadcastRest  = 3  // times as long as a write took, until the next
	broadcastLease = 30 * time.Second
	broadcastPoll  = time.Second
	stoppedReason  = "stopped"
)

// errMoved says that somebody paused, stopped or took over a broadcast meanwhile.
var errMoved = errors.New("the broadcast was changed meanwhile")

// RunBroadcasts plans the messages of broadcasts, page by page, until ctx ends. Any number of processes may run it on the same
// store. It gives way: after each write it rests for longer than the write took, so that those who wait for an answer wait little
// longer for it, and the more there is to do, the longer it rests.
func (s *Service) RunBroadcasts(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.herald:
		case <-timer.C:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.announceSome(context.WithoutCancel(ctx)); err != nil {
				s.Log.Error("plan a broadcast", "error", err)
			}
		}
		timer.Reset(broadcastPoll)
	}
}

// announceSome does a page of one broadcast, and says whether there was one to do. A broadcast that fails is taken up again when its
// lease ends.
func (s *Service) announceSome(ctx context.Context) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			more, err = false, fmt.Errorf("panic: %v", p)
		}
	}()
	b, err := s.Store.LeaseBroadcast(ctx, s.now(), broadcastLease)
	if err != nil || b == nil {
		return false, err
	}
	switch {
	case b.State == Stopped:
		err = s.sweep(ctx, b)
	case b.Started.IsZero():
		err = s.begin(ctx, b)
	case b.Topic:
		err = s.announceTopics(ctx, b)
	default:
		err = s.announcePage(ctx, b)
	}
	if errors.Is(err, errMoved) {
		err = nil
	}
	return true, err
}

// move changes a broadcast that nobody has changed since it was leased, and gives the lease back.
func (s *Service) move(ctx context.Context, b *Broadcast, change func(*Broadcast), deliveries ...Delivery) error {
	_, err := s.Store.UpdateBroadcast(ctx, b.ID, func(x *Broadcast) error {
		if x.Rev != b.Rev {
			return errMoved
		}
		x.Due = s.now()
		change(x)
		return nil
	}, deliveries...)
	return err
}

// begin lets the messages begin. The audience is counted again when that was long ago or was not finished, unless it is urgent.
func (s *Service) begin(ctx context.Context, b *Broadcast) error {
	n := AudienceCount{b.People, b.AtLeast}
	if !b.Topic && !b.Urgent && (b.AtLeast || b.At.Sub(b.Created) > time.Hour) {
		var err error
		if n, err = s.countPeople(ctx, b.Audience, broadcastLease/2, s.rest); err != nil {
			return err
		}
	}
	err := s.move(ctx, b, func(x *Broadcast) {
		x.State, x.Started = Running, x.Due
		x.People, x.AtLeast = n.People, n.AtLeast
	})
	if err == nil {
		s.announced.forget(b.ID)
	}
	return err
}

// announcePage plans the messages of the next people. All ids derive from the broadcast and the person, and all moments from the
// broadcast: when it is done a second time, because the process died before the cursor moved, nothing changes.
func (s *Service) announcePage(ctx context.Context, b *Broadcast) error {
	began := time.Now()
	people, next, err := s.Store.AudiencePeople(ctx, b.Audience, b.Cursor, s.Page)
	if err != nil {
		return fmt.Errorf("read an audience: %w", err)
	}
	contacts := map[string]Contact{}
	if len(people) > 0 {
		if contacts, err = s.Directory.Contacts(ctx, people); err != nil {
			return fmt.Errorf("look up whom to tell: %w", err)
		}
	}
	s.rest(ctx, time.Since(began)) // few of those that were looked at may belong to the audience
	p := s.Wording().Policy(Announcement)
	p.Urgent = b.Urgent
	var some []Planned
	rows, planned := 0, 0
	for i, id := range people {
		if c, there := contacts[id]; there {
			x := s.announce(b, id, c, p)
			some, rows, planned = append(some, x), rows+1+len(x.Plan.Deliveries), planned+1
		}
		if rows < broadcastRows && i < len(people)-1 || len(some) == 0 {
			continue
		}
		began = time.Now()
		if _, err := s.Store.PlanMessages(ctx, some); err != nil {
			return fmt.Errorf("plan messages: %w", err)
		}
		for _, x := range some {
			s.wakeFor(x.Plan)
		}
		s.rest(ctx, time.Since(began))
		some, rows = nil, 0
	}
	return s.move(ctx, b, func(x *Broadcast) {
		x.Planned += planned
		if next == "" {
			finish(x) // the cursor stays where the last page begins: so far a stop sweeps
		} else {
			x.Cursor = next
		}
	})
}

// announce is one person's message. A broadcast promises nobody an answer, so nobody is listed as unreached because of it, and its
// chain is followed only while there is another step to take.
func (s *Service) announce(b *Broadcast, citizen string, c Contact, p Policy) Planned {
	m := Message{ID: announcementID(b.ID, citizen), Citizen: citizen, Kind: Announcement, Centre: b.Audience.Centre, Broadcast: b.ID, At: b.Started}
	plan := s.plan(m, c, p, 0, s.now())
	plan.Unreached = ""
	if plan.Step >= len(p.Steps)-1 {
		plan.Due = time.Time{}
	}
	return Planned{m, plan}
}

func announcementID(broadcast, citizen string) string {
	return event.Derive(broadcast, "announcement", citizen)
}

// finish ends the planning.
func finish(b *Broadcast) {
	b.State, b.Ended, b.Due, b.AtLeast = Done, b.Due, time.Time{}, false
	if !b.Topic {
		b.People = b.Planned
	}
}

// announceTopics plans one delivery in each language.
func (s *Service) announceTopics(ctx context.Context, b *Broadcast) error {
	ttl := s.Wording().Policy(Announcement).TTL
	ds := make([]Delivery, len(Languages))
	for i, lang := range Languages {
		topic := b.Audience.topic(lang)
		m := announcementID(b.ID, topic)
		ds[i] = Delivery{ID: event.Derive(m, ChannelPush, topic), Message: m, Target: topic, Channel: ChannelPush, Kind: Announcement, Centre: b.Audience.Centre,
			Broadcast: b.ID, Urgent: b.Urgent, At: b.Started, Planned: b.Started, Deadline: b.Started.Add(ttl), Day: b.Started.In(s.Zone).Format(time.DateOnly),
			State: Queued, Due: b.Started}
	}
	err := s.move(ctx, b, func(x *Broadcast) {
		x.Planned = len(ds)
		finish(x)
	}, ds...)
	if err == nil {
		signal(s.wake[ChannelPush])
	}
	return err
}

// topic that the apps of an audience listen to: balagh-all-ar, balagh-centre-riyadh-ar, balagh-category-maintenance-ar.
func (a Audience) topic(lang string) string {
	switch {
	case a.Centre != "":
		return "balagh-centre-" + a.Centre + "-" + lang
	case a.Category != "":
		return "balagh-category-" + a.Category + "-" + lang
	}
	return "balagh-all-" + lang
}

// sweep takes what a stopped broadcast has planned out of the queues, a page at a time: the people are found as they were when it was
// planned, one page beyond the cursor, because the last page may have been planned and its cursor not moved. What is missed, because
// somebody left the audience since, the sender drops when its turn comes.
func (s *Service) sweep(ctx context.Context, b *Broadcast) error {
	var people []string
	next := ""
	if b.Topic {
		for _, lang := range Languages {
			people = append(people, b.Audience.topic(lang))
		}
	} else {
		var err error
		if people, next, err = s.Store.AudiencePeople(ctx, b.Audience, b.Swept, s.Page); err != nil {
			return fmt.Errorf("read an audience: %w", err)
		}
	}
	for len(people) > 0 {
		n := min(len(people), broadcastRows)
		messages := make([]string, n)
		for i, id := range people[:n] {
			messages[i] = announcementID(b.ID, id)
		}
		people = people[n:]
		began := time.Now()
		if err := s.Store.WithdrawDeliveries(ctx, messages, stoppedReason, s.now()); err != nil {
			return fmt.Errorf("withdraw deliveries: %w", err)
		}
		s.rest(ctx, time.Since(began))
	}
	return s.move(ctx, b, func(x *Broadcast) {
		if x.Swept = next; next == "" || b.Swept >= x.Cursor {
			x.Cleared, x.Due = true, time.Time{}
		}
	})
}

// rest gives way to others after something that took so long.
func (s *Service) rest(ctx context.Context, took time.Duration) {
	timer := time.NewTimer(broadcastRest * took)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
