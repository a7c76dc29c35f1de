package push_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/store/teststore"
)

// lookUps is a directory that something happens at: at is called before the n-th look-up, from 1 on.
type lookUps struct {
	push.Directory
	n  atomic.Int64
	at func(n int64) error
}

func (l *lookUps) Contacts(ctx context.Context, citizens []string) (map[string]push.Contact, error) {
	if err := l.at(l.n.Add(1)); err != nil {
		return nil, err
	}
	return l.Directory.Contacts(ctx, citizens)
}

// wantAll checks that each of n people was told exactly once.
func (b bench) wantAll(t *testing.T, id string, n int) {
	t.Helper()
	if none, _, more := b.told(t, n); none > 0 || more > 0 {
		t.Errorf("%d people were told nothing, %d more than once", none, more)
	}
	r := b.report(t, id)
	if r.Planned != n || r.People != n || r.Outcomes[push.Queued] != n || r.AtLeast || r.Ended.IsZero() {
		t.Errorf("the report says %+v", r)
	}
}

func TestService_RunBroadcasts_twoRunners(t *testing.T) {
	t.Parallel()
	b := crowd(t, 138)
	id := b.broadcast(t)
	other := push.New(b.store, b.people)
	other.Page = page
	other.Now = b.clock.Now
	announcing(t, b.Service)
	announcing(t, other)
	b.awaitState(t, id, push.Done)
	b.wantAll(t, id, 138)
	if d, err := b.store.QueueDepth(t.Context(), epoch); err != nil || d[push.ChannelPush].Open != 138 {
		t.Errorf("queued: %v, %v", d, err)
	}
}

func TestService_RunBroadcasts_centreAlone(t *testing.T) {
	t.Parallel()
	b := town(t, 77)
	id := b.broadcast(t, func(x *push.Broadcast) { x.Audience = push.Audience{Centre: "makkah"} })
	announcing(t, b.Service)
	r := b.awaitState(t, id, push.Done)
	if none, once, more := b.told(t, 77); none != 39 || once != 38 || more != 0 || r.Planned != 38 {
		t.Errorf("nothing to %d, once to %d, more often to %d; planned %d", none, once, more, r.Planned)
	}
	if ms, err := b.store.Messages(t.Context(), storetest.Townsman(1), push.Position{}, 9, false); err != nil || ms[0].Centre != "makkah" || ms[0].Broadcast != id || !ms[0].At.Equal(epoch) {
		t.Errorf("%+v, %v", ms, err)
	}
}

func TestService_RunBroadcasts_killedBeforeTheCursor(t *testing.T) {
	t.Parallel()
	b := crowd(t, 75)
	id := b.broadcast(t)
	dying := push.New(&mortal{Store: b.store, dies: 3}, b.people) // it has begun and moved once
	dying.Now, dying.Page = b.clock.Now, page
	stop := announcing(t, dying)
	patiently(t, "a page is planned whose cursor has not moved", func() bool { _, once, _ := b.told(t, 75); return once == 2*page })
	stop()
	if r := b.report(t, id); r.Planned != page || r.State != push.Running {
		t.Fatalf("planned %d, %s", r.Planned, r.State)
	}
	b.clock.advance(30 * time.Second) // its lease
	announcing(t, b.Service)
	b.awaitState(t, id, push.Done)
	b.wantAll(t, id, 75)
}

// mortal is a store whose process dies before a change of a broadcast.
type mortal struct {
	teststore.Store
	dies, changes int64
}

func (m *mortal) UpdateBroadcast(ctx context.Context, id string, change func(*push.Broadcast) error, ds ...push.Delivery) (*push.Broadcast, error) {
	if atomic.AddInt64(&m.changes, 1) >= m.dies {
		return nil, errors.New("killed")
	}
	return m.Store.UpdateBroadcast(ctx, id, change, ds...)
}

func TestService_RunBroadcasts_directoryFails(t *testing.T) {
	t.Parallel()
	b := crowd(t, 38)
	id := b.broadcast(t)
	var failed atomic.Bool
	b.Directory = &lookUps{Directory: b.people, at: func(n int64) error {
		if n == 2 {
			failed.Store(true)
			return errors.New("out of order")
		}
		return nil
	}}
	announcing(t, b.Service)
	eventually(t, "the directory fails", failed.Load)
	if r := b.report(t, id); r.State != push.Running || r.Planned != page {
		t.Errorf("%+v", r)
	}
	b.clock.advance(30 * time.Second)
	b.awaitState(t, id, push.Done)
	b.wantAll(t, id, 38)
}

func TestService_PauseBroadcast_inTheMiddle(t *testing.T) {
	t.Parallel()
	b := crowd(t, 138)
	id := b.broadcast(t)
	paused := make(chan struct{})
	b.Directory = &lookUps{Directory: b.people, at: func(n int64) error {
		if n == 3 {
			defer close(paused)
			_, err := b.PauseBroadcast(context.Background(), herald(actor.All), id)
			return err
		}
		return nil
	}}
	stop := announcing(t, b.Service)
	<-paused
	stop()
	stop = announcing(t, b.Service) // it finds nothing to do
	stop()
	if r := b.report(t, id); r.State != push.Paused || r.Planned != 2*page {
		t.Fatalf("%s, planned %d; want paused after two pages", r.State, r.Planned)
	}
	if none, _, _ := b.told(t, 138); none < 138-3*page {
		t.Errorf("planning went on: only %d were told nothing", none)
	}
	if _, err := b.ResumeBroadcast(t.Context(), herald(actor.All), id); err != nil {
		t.Fatal(err)
	}
	announcing(t, b.Service)
	b.awaitState(t, id, push.Done)
	b.wantAll(t, id, 138)
}

func TestService_StopBroadcast_inTheMiddle(t *testing.T) {
	t.Parallel()
	b := crowd(t, 138)
	id := b.broadcast(t)
	b.Directory = &lookUps{Directory: b.people, at: func(n int64) error {
		if n == 4 {
			_, err := b.StopBroadcast(context.Background(), herald(actor.All), id)
			return err
		}
		return nil
	}}
	announcing(t, b.Service)
	patiently(t, "the queue is empty", func() bool { r := b.report(t, id); return r.Cleared })
	r := b.report(t, id)
	if r.State != push.Stopped || r.Planned != 3*page || r.Ended.IsZero() || r.Outcomes[push.Queued] != 4*page || r.Outcomes[push.Suppressed] != 4*page {
		t.Errorf("%+v", r)
	}
	if _, open, err := b.store.NextDelivery(t.Context(), push.ChannelPush); err != nil || open {
		t.Errorf("something is still queued: %v", err)
	}
	if none, _, _ := b.told(t, 138); none != 138-4*page {
		t.Errorf("%d were told nothing", none)
	}
}

func TestService_StopBroadcast_whenAllIsPlanned(t *testing.T) {
	t.Parallel()
	b := crowd(t, 38)
	b.clock.set(14 * time.Hour) // at night
	for i := range 38 {
		b.people.change(storetest.Townsman(i), func(c *push.Contact) { c.Quiet = push.Quiet{From: 22 * time.Hour, To: 7 * time.Hour, Zone: time.UTC} })
	}
	id := b.broadcast(t)
	announcing(t, b.Service)
	b.awaitState(t, id, push.Done)
	if _, err := b.StopBroadcast(t.Context(), herald(actor.All), id); err != nil {
		t.Fatal(err)
	}
	patiently(t, "the queue is empty", func() bool { return b.report(t, id).Cleared })
	if _, open, err := b.store.NextDelivery(t.Context(), push.ChannelPush); err != nil || open {
		t.Errorf("something waits for the morning: %v", err)
	}
}

func TestService_StopBroadcast_beforeItBegan(t *testing.T) {
	t.Parallel()
	b := town(t, 10)
	id := b.broadcast(t, func(x *push.Broadcast) { x.At = epoch.Add(time.Hour) })
	if _, err := b.StopBroadcast(t.Context(), herald(actor.All), id); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(2 * time.Hour)
	announcing(t, b.Service)
	other := b.broadcast(t)
	b.awaitState(t, other, push.Done)
	if r := b.report(t, id); r.State != push.Stopped || !r.Cleared || r.Planned != 0 {
		t.Errorf("%+v", r)
	}
}

func TestService_RunBroadcasts_schedule(t *testing.T) {
	t.Parallel()
	b := town(t, 10)
	at := epoch.Add(48 * time.Hour)
	id := b.broadcast(t, func(x *push.Broadcast) { x.At = at })
	b.clock.advance(48*time.Hour - time.Millisecond)
	announcing(t, b.Service)
	b.awaitState(t, b.broadcast(t), push.Done) // one that was made later
	if r := b.report(t, id); r.State != push.Scheduled || r.Planned != 0 {
		t.Errorf("too early: %+v", r)
	}
	b.people.forget(storetest.Townsman(9)) // an account that is gone by then
	b.clock.advance(time.Millisecond)
	if r := b.awaitState(t, id, push.Done); !r.Started.Equal(at) || r.Planned != 9 || r.People != 9 {
		t.Errorf("%+v", r)
	}
}

func TestService_RunBroadcasts_quietHours(t *testing.T) {
	t.Parallel()
	b := town(t, 2)
	b.clock.set(14 * time.Hour) // 23:00
	b.people.change(storetest.Townsman(0), func(c *push.Contact) { c.Quiet = push.Quiet{From: 22 * time.Hour, To: 7 * time.Hour, Zone: time.UTC} })
	announcing(t, b.Service)
	for _, urgent := range []bool{false, true} {
		id := b.broadcast(t, func(x *push.Broadcast) { x.Urgent = urgent })
		b.awaitState(t, id, push.Done)
		for i, quiet := range []bool{true, false} {
			ms, err := b.store.Messages(t.Context(), storetest.Townsman(i), push.Position{}, 9, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ms {
				if m.Broadcast != id {
					continue
				}
				ds, err := b.store.Deliveries(t.Context(), m.ID)
				if err != nil || len(ds) != 1 {
					t.Fatalf("%v, %v", ds, err)
				}
				want := b.clock.Now()
				if quiet && !urgent {
					want = epoch.Add(22 * time.Hour)
				}
				if d := ds[0]; !d.Planned.Equal(want) || d.Urgent != urgent || d.Bulk() == urgent {
					t.Errorf("urgent %v, quiet %v: planned for %v, want %v; %+v", urgent, quiet, d.Planned, want, d)
				}
			}
		}
	}
}

func TestService_RunBroadcasts_nobodyIsUnreached(t *testing.T) {
	t.Parallel()
	b := town(t, 3)
	b.people.change(storetest.Townsman(1), func(c *push.Contact) { c.Devices = nil })
	b.people.change(storetest.Townsman(2), func(c *push.Contact) { c.Push = false })
	id := b.broadcast(t)
	announcing(t, b.Service)
	if r := b.awaitState(t, id, push.Done); r.Planned != 3 || r.Outcomes[push.Queued] != 1 {
		t.Errorf("%+v", r)
	}
	if at, open, err := b.store.NextChain(t.Context()); err != nil || open {
		t.Errorf("a chain of one step is looked at again at %v, %v", at, err)
	}
	if p, err := b.Inbox(t.Context(), as(storetest.Townsman(1), ""), "en", "", 0, false); err != nil || len(p.Items) != 1 || p.Items[0].Body != "Heavy rain" || p.Items[0].Kind != push.Announcement {
		t.Errorf("the inbox of somebody without a phone: %+v, %v", p, err)
	}
}

// Nor when the policy of broadcasts has more steps than one, and the last of them brings no sign of life.
func TestService_RunBroadcasts_nobodyIsUnreachedBySMS(t *testing.T) {
	t.Parallel()
	r := reachableBy(t, town(t, 1), true)
	r.people.change(storetest.Townsman(0), func(c *push.Contact) { c.SMS, c.Phone = true, dest })
	steps := []push.Step{{Channel: push.ChannelPush, Wait: time.Minute}, {Channel: push.ChannelSMS, Wait: time.Minute}}
	if _, err := r.PutPolicy(t.Context(), herald(actor.All), push.Policy{Kind: push.Announcement, Steps: steps, TTL: time.Hour}, nil, false); err != nil {
		t.Fatal(err)
	}
	if err := r.RefreshWording(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := r.broadcast(t)
	announcing(t, r.Service)
	r.awaitState(t, id, push.Done)
	for accepted, d := range []time.Duration{0, time.Minute, time.Minute} {
		r.pass(t, d)
		patiently(t, "the step is taken", func() bool { return r.report(t, id).Outcomes[push.Accepted] == min(accepted+1, 2) })
	}
	r.over(t, "")
}

func TestSender_Run_announcement(t *testing.T) {
	t.Parallel()
	b := town(t, 30)
	var mu sync.Mutex
	got := map[string]push.Notice{}
	b.run(t, func(n push.Notice) push.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if _, twice := got[n.To]; twice {
			t.Errorf("twice to %s", n.To)
		}
		got[n.To] = n
		if n.To == "token-"+storetest.Townsman(7) {
			return push.Outcome{Answer: push.Gone, Reason: "unregistered"}
		}
		return taken(n)
	}, nil)
	announcing(t, b.Service)
	id := b.broadcast(t)
	eventually(t, "all are sent", func() bool { r := b.report(t, id); return r.Outcomes[push.Accepted]+r.Outcomes[push.Failed] == 30 })
	r := b.awaitState(t, id, push.Done) // the cursor moves last
	if r.State != push.Done || r.Outcomes[push.Failed] != 1 || r.Outcomes[push.Queued] != 30 {
		t.Errorf("%+v", r)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range 30 {
		n, lang := got["token-"+storetest.Townsman(i)], push.Languages[i%3]
		if n.Text != notice().Texts[lang] || n.Language != lang || n.Kind != push.Announcement || n.Topic || n.TTL <= 0 {
			t.Errorf("to %d: %+v", i, n)
		}
	}
	p := b.inbox(t, storetest.Townsman(0))
	if _, err := b.AcknowledgeAll(t.Context(), as(storetest.Townsman(0), "phone"), []string{p.Items[0].ID}, true); err != nil {
		t.Fatal(err)
	}
	if r := b.report(t, id); r.Outcomes[push.Read] != 1 {
		t.Errorf("read, and not counted: %v", r.Outcomes)
	}
}

func TestSender_Run_haltedAnnouncement(t *testing.T) {
	t.Parallel()
	b := town(t, 20)
	stop := announcing(t, b.Service)
	id := b.broadcast(t)
	b.awaitState(t, id, push.Done)
	stop()
	set := func(s push.BroadcastState) { // by another process
		if _, err := b.store.UpdateBroadcast(t.Context(), id, func(x *push.Broadcast) error { x.State, x.Halted = s, b.clock.Now(); return nil }); err != nil {
			t.Fatal(err)
		}
		b.clock.advance(time.Second)
	}
	set(push.Paused)
	var sent atomic.Int64
	b.run(t, func(n push.Notice) push.Outcome { sent.Add(1); return taken(n) }, nil)
	eventually(t, "paused ones wait", func() bool {
		at, open, err := b.store.NextDelivery(t.Context(), push.ChannelPush)
		return err == nil && open && at.After(b.clock.Now())
	})
	set(push.Stopped)
	b.clock.advance(time.Minute)
	eventually(t, "stopped ones end", func() bool { return b.report(t, id).Outcomes[push.Suppressed] == 20 })
	if sent.Load() > 0 {
		t.Errorf("%d were sent", sent.Load())
	}
}

func TestService_RunBroadcasts_topics(t *testing.T) {
	t.Parallel()
	b := setUp(t) // nobody has reported anything
	notices := make(chan push.Notice, 9)
	b.run(t, func(n push.Notice) push.Outcome { notices <- n; return taken(n) }, nil)
	announcing(t, b.Service)
	for want, to := range map[string]push.Audience{"balagh-all-": {All: true}, "balagh-centre-riyadh-": {Centre: "riyadh"}, "balagh-category-sound-": {Category: "sound"}} {
		id := b.broadcast(t, func(x *push.Broadcast) { x.Audience, x.Topic = to, true })
		for range 3 {
			n := <-notices
			if !n.Topic || n.To != want+n.Language || n.Text != notice().Texts[n.Language] || n.Text.Body == "" {
				t.Errorf("%+v", n)
			}
		}
		eventually(t, "three are accepted", func() bool { return b.report(t, id).Outcomes[push.Accepted] == 3 })
		if r := b.report(t, id); r.State != push.Done || r.Planned != 3 || r.Outcomes[push.Queued] != 3 || r.People != 0 {
			t.Errorf("%+v", r)
		}
	}
	if p := b.inbox(t, "noura"); len(p.Items) > 0 {
		t.Errorf("an inbox has %v", p.Items)
	}
}

// reads counts the broadcasts that are read from the store.
type reads struct {
	teststore.Store
	n atomic.Int64
}

func (r *reads) Broadcast(ctx context.Context, id string) (*push.Broadcast, error) {
	r.n.Add(1)
	return r.Store.Broadcast(ctx, id)
}

func TestService_Inbox_asksForABroadcastOnceASecond(t *testing.T) {
	t.Parallel()
	b := town(t, 1)
	counted := &reads{Store: b.store}
	b.Store = counted
	var messages []push.Planned
	for i, id := range []string{"b", "gone", "b", "gone"} {
		messages = append(messages, push.Planned{Message: push.Message{ID: storetest.Townsman(i), Citizen: "noura", Kind: push.Announcement, Broadcast: id, At: epoch}})
	}
	if _, err := b.store.PlanMessages(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	x := notice()
	if x.ID = "b"; b.store.CreateBroadcast(t.Context(), &x) != nil {
		t.Fatal("not kept")
	}
	for _, want := range []int64{2, 2, 4, 4} {
		for range 50 {
			if p := b.inbox(t, "noura"); len(p.Items) != 4 || p.Items[3].Title != "تنبيه" || p.Items[2].Title != "" {
				t.Fatalf("%+v", p.Items)
			}
		}
		if got := counted.n.Load(); got != want {
			t.Errorf("%d reads, want %d", got, want)
		}
		b.clock.advance(500 * time.Millisecond)
	}
	b.clock.set(-time.Hour)
	b.inbox(t, "noura")
	if got := counted.n.Load(); got != 6 {
		t.Errorf("%d reads after the clock was set back, want 6", got)
	}
	if _, err := b.Broadcast(t.Context(), herald(actor.All), "gone"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}
