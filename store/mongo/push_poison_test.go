package mongo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// oneEach is a push.Directory: everybody has one phone.
type oneEach struct{}

func (oneEach) Contacts(_ context.Context, citizens []string) (map[string]push.Contact, error) {
	all := map[string]push.Contact{}
	for _, id := range citizens {
		all[id] = push.Contact{Language: "ar", Push: true, Devices: []push.Device{{ID: "phone", Token: "token", Platform: "android"}}}
	}
	return all, nil
}

func (oneEach) DropToken(context.Context, string, string) error { return nil }
func (oneEach) SetAside(context.Context, string, string) error  { return nil }

// takes is a channel that takes everything.
type takes struct {
	mu sync.Mutex
	n  map[string]int // by message
}

func (c *takes) Send(_ context.Context, n push.Notice) push.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[n.ID]++
	return push.Outcome{Answer: push.Taken, Ref: "ref"}
}

// spoil changes a message by hand.
func spoil(t *testing.T, db *DB, id string, set bson.D) {
	t.Helper()
	r, err := db.in("messages").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: set}})
	if err != nil || r.ModifiedCount != 1 {
		t.Fatalf("spoil %s: %+v, %v", id, r, err)
	}
}

// Deliveries and messages that nobody can read stand among sound ones: those all go out once, the broken deliveries have failed and
// are listed for staff, and neither an inbox nor the list of people who were not reached is lost for them.
func TestFaults_poisonedMessages(t *testing.T) {
	t.Parallel()
	db, channel := fresh(t), &takes{n: map[string]int{}}
	s := push.New(db, oneEach{})
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return now }
	const citizens, facts = 5, 100
	var telling sync.WaitGroup
	for k := range facts {
		telling.Go(func() {
			if err := s.On(context.Background(), event.Event{ID: fmt.Sprint(k), Type: event.ReportReplied, At: now.Add(time.Duration(k) * time.Millisecond),
				Report: &event.Report{ID: "r", Number: "1234567890", Citizen: fmt.Sprint(k % citizens), Centre: "riyadh"}}); err != nil {
				t.Error(err)
			}
		})
	}
	telling.Wait()
	id := func(k int) string { return event.Derive(fmt.Sprint(k), "inbox") }
	broken := map[string]bool{}
	for k, set := range []bson.D{
		{{Key: "deliveries.0.doc", Value: "{"}},
		{{Key: "deliveries.0.doc", Value: bson.A{}}},
		{{Key: "deliveries.0.doc", Value: nil}},
		{{Key: "deliveries.0.doc", Value: bson.D{{Key: "kind", Value: 7}}}},
		{{Key: "deliveries.0.doc", Value: bson.D{{Key: "kind", Value: bson.Regex{Pattern: "x"}}}}},
		{{Key: "deliveries.0.attempts", Value: "many"}},
		{{Key: "deliveries.0.planned", Value: bson.D{}}},
		{{Key: "deliveries.0.bulk", Value: "no"}},
	} {
		broken[id(k)] = true
		spoil(t, db, id(k), set)
	}
	const unlisted = 20 // whose message is broken, and whose delivery is sound
	spoil(t, db, id(unlisted), bson.D{{Key: "doc", Value: bson.D{{Key: "at", Value: "soon"}}}})
	spoil(t, db, id(unlisted+1), bson.D{{Key: "unreached", Value: int64(4)}, {Key: "why", Value: "failed"}})
	if _, err := db.in("messages").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: id(unlisted + 1)}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "chain", Value: ""}}}}); err != nil {
		t.Fatal(err)
	}
	// These are sent, but of the first nothing can be written any more: it stays leased.
	spoil(t, db, id(30), bson.D{{Key: "figures", Value: "none"}})
	spoil(t, db, id(31), bson.D{{Key: "deliveries_rev", Value: "one"}, {Key: "due_push", Value: int64(5)}})

	sender := &push.Sender{Service: s, Name: push.ChannelPush, Channel: channel, Poll: 2 * time.Millisecond}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for left := 2; left > 1; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it does not end")
		}
		depth, err := db.QueueDepth(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		left = depth[push.ChannelPush].Open
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for k := range facts {
		want := 1
		if broken[id(k)] {
			want = 0
		}
		if n := channel.n[id(k)]; n != want {
			t.Errorf("fact %d was sent %d times; want %d", k, n, want)
		}
	}
	a := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}}
	dead, _, err := s.DeadLetters(t.Context(), a, push.DeadQuery{Limit: 100})
	if err != nil || len(dead) != len(broken) {
		t.Fatalf("dead letters %+v, %v; want %d", dead, err, len(broken))
	}
	for _, d := range dead {
		if d.State != push.Failed || d.Reason != "unreadable" || !broken[d.Message] || !d.Planned.IsZero() {
			t.Errorf("%+v; want one of those that were broken, unreadable", d)
		}
	}
	if p, err := s.Inbox(t.Context(), actor.Actor{Kind: actor.Citizen, ID: "0"}, "ar", "", 100, false); err != nil || len(p.Items) != facts/citizens-1 {
		t.Errorf("an inbox of %d, %v; want all but the one that is broken", len(p.Items), err)
	}
	if p, err := s.Inbox(t.Context(), actor.Actor{Kind: actor.Citizen, ID: "0"}, "ar", "", facts/citizens-2, false); err != nil || len(p.Items) != facts/citizens-2 || p.Next == "" {
		t.Errorf("a page of %d, %v, then %q; want a full one, and more", len(p.Items), err, p.Next)
	}
	if trails, err := s.ReportTrail(t.Context(), "0", "r", "ar"); err != nil || len(trails) != facts/citizens-1 {
		t.Errorf("%d trails, %v; want all but the one that is broken", len(trails), err)
	}
	if err := s.On(t.Context(), event.Event{ID: "later", Type: event.ReportMoved, At: now, Report: &event.Report{ID: "r", Number: "1", Citizen: "0", To: "resolved"}}); err != nil {
		t.Errorf("who has a broken message cannot be told anything more: %v", err)
	}
	if xs, err := db.LeaseChains(t.Context(), now.Add(time.Hour), time.Minute, 2*facts); err != nil || len(xs) != facts-1 { // and one that was told later
		t.Errorf("%d chains, %v; want all but what is broken or over", len(xs), err)
	}
	un, _, err := s.Unreached(t.Context(), a, push.UnreachedQuery{Limit: 100})
	if err != nil || len(un) != 2 || un[0].Message.ID != id(unlisted) || un[0].Message.Citizen != fmt.Sprint(unlisted%citizens) || un[1].Message.ID != id(unlisted+1) {
		t.Errorf("not reached: %+v, %v; want both, the broken one by name", un, err)
	}
	counted, err := db.CountDeliveries(t.Context(), push.CountFilter{From: "2026-11-21", Through: "2026-11-21"})
	if err != nil || len(counted) == 0 {
		t.Errorf("counted %+v, %v", counted, err)
	}
}

// What decides whether a delivery is due may be broken itself. Who has been there for long enough to take leases over ends that.
func TestDB_LeaseDeliveries_poisonedState(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]bson.D{
		"due":           {{Key: "deliveries.0.due", Value: "soon"}},
		"state":         {{Key: "deliveries.0.state", Value: 5}},
		"doc":           {{Key: "deliveries.0.doc", Value: "{"}},
		"no delivery":   {{Key: "deliveries.0", Value: 5}},
		"no deliveries": {{Key: "deliveries", Value: 5}},
		"channel":       {{Key: "deliveries.0.channel", Value: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			for _, id := range []string{"m1", "m2"} {
				m := push.Message{ID: id, Citizen: "c", Kind: push.Received, At: figuresNow}
				d := push.Delivery{ID: "d", Message: id, Citizen: "c", Target: "phone", Channel: push.ChannelPush, Planned: figuresNow, Deadline: figuresNow.Add(time.Hour)}
				if _, err := db.PlanMessages(t.Context(), []push.Planned{{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}}}}); err != nil {
					t.Fatal(err)
				}
			}
			spoil(t, db, "m1", set)
			for k := range 2 {
				at := figuresNow.Add(time.Duration(k) * time.Hour)
				if got, err := db.LeaseDeliveries(t.Context(), push.ChannelPush, at, time.Minute, 10, true); err != nil || len(got) != 1 || got[0].Message != "m2" {
					t.Errorf("leased %+v, %v; want m2 alone", got, err)
				}
			}
			if n, err := db.in("messages").CountDocuments(t.Context(), bson.D{{Key: "due_push", Value: bson.D{{Key: "$exists", Value: true}}}}); n != 1 || err != nil {
				t.Errorf("%d wait, %v; want m2 alone", n, err)
			}
		})
	}
}

func TestDB_LeaseChains_poisonedMessage(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for _, id := range []string{"m1", "m2", "m3"} {
		m := push.Message{ID: id, Citizen: id, Kind: push.Received, At: now}
		d := push.Delivery{ID: "d", Message: id, Citizen: id, Target: "phone", Channel: push.ChannelPush, Planned: now, Deadline: now.Add(time.Hour)}
		p := push.Planned{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}, Since: now, Due: now.Add(time.Minute)}}
		if _, err := db.PlanMessages(t.Context(), []push.Planned{p}); err != nil {
			t.Fatal(err)
		}
	}
	spoil(t, db, "m1", bson.D{{Key: "doc", Value: "{"}})
	spoil(t, db, "m2", bson.D{{Key: "deliveries.0.doc", Value: bson.A{}}})
	for _, at := range []time.Time{now.Add(time.Minute), now.Add(time.Hour)} {
		xs, err := db.LeaseChains(t.Context(), at, time.Minute, 10)
		if err != nil || len(xs) != 2 {
			t.Fatalf("leased %+v, %v; want m2 and m3", xs, err)
		}
		for _, x := range xs {
			if want := map[string]int{"m2": 0, "m3": 1}[x.Message.ID]; len(x.Deliveries) != want {
				t.Errorf("%s has %+v; want %d", x.Message.ID, x.Deliveries, want)
			}
		}
	}
	known, err := db.AcknowledgeMessages(t.Context(), "m1", []string{"m1"}, "", now, true)
	if err != nil || len(known) != 1 {
		t.Errorf("known %v, %v", known, err)
	}
	if xs, err := db.LeaseChains(t.Context(), now.Add(2*time.Hour), time.Minute, 10); err != nil || len(xs) != 2 {
		t.Errorf("leased %+v, %v", xs, err)
	}
}

// Names and reasons are whatever they are: what looks like an operator, a path or the end of a name is counted as it was written.
func TestCountDeliveries_strangeNames(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	now := figuresNow
	for i, name := range []string{"a.b", "$set", "%2E", "a/b", "", "\x00", strings.Repeat("ف", 40)} {
		m := push.Message{ID: fmt.Sprint(i), Citizen: "c", Kind: push.Received, At: now}
		d := push.Delivery{ID: fmt.Sprint(i), Message: m.ID, Citizen: "c", Target: "phone", Channel: push.ChannelPush, Centre: name, Broadcast: name, Planned: now, Deadline: now.Add(time.Hour), Day: "2026-11-21"}
		if _, err := db.PlanMessages(t.Context(), []push.Planned{{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}}}}); err != nil {
			t.Fatal(err)
		}
		settleAll(t, db, push.Result{State: push.Failed, Reason: name, At: now})
		got, err := db.CountDeliveries(t.Context(), push.CountFilter{From: "2026-11-21", Through: "2026-11-21", Centres: []string{name}})
		if want := (push.DeliveryCount{Channel: push.ChannelPush, Outcome: push.Failed, Reason: name, N: 1}); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q: %+v, %v; want %+v", name, got, err, want)
		}
		if name == "" {
			continue
		}
		if got, err := db.broadcastOutcomes(t.Context(), name); err != nil || got[push.Failed] != 1 || got[push.Queued] != 1 {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

// Writes that say the same go as one. One document that the server refuses to write keeps none of the others from being written.
func TestDB_WithdrawDeliveries_poisonedMessage(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var ids []string
	for i := range 3 * alike {
		p := plannedFor(figuresNow, i)
		if _, err := db.PlanMessages(t.Context(), []push.Planned{p}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.Message.ID)
	}
	spoil(t, db, ids[alike], bson.D{{Key: "figures", Value: "none"}})
	if err := db.WithdrawDeliveries(t.Context(), ids, "stopped", figuresNow); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		want := push.Suppressed
		if i == alike {
			want = push.Queued
		}
		if ds, err := db.Deliveries(t.Context(), id); err != nil || len(ds) != 1 || ds[0].State != want {
			t.Errorf("%d: %+v, %v; want %s", i, ds, err, want)
		}
	}
	all, err := db.CountDeliveries(t.Context(), push.CountFilter{From: "2026-11-21", Through: "2026-11-21"})
	var n int64
	for _, c := range all {
		n += c.N
	}
	if err != nil || int(n) != len(ids)-1 {
		t.Errorf("counted %d, %v; want %d", n, err, len(ids)-1)
	}
}
