package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPush(t *testing.T) {
	t.Parallel()
	storetest.TestPush(t, func(t *testing.T) push.Store { return fresh(t) })
}

func TestPushLedger(t *testing.T) {
	t.Parallel()
	storetest.TestPushLedger(t, func(t *testing.T) push.Store { return fresh(t) })
}

// queries keeps what is asked of the server, with the hints.
type queries struct {
	mu  sync.Mutex
	all map[string]bson.D // by what they look like
}

func (q *queries) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		var command, kept bson.D
		if e.CommandName != "find" && e.CommandName != "aggregate" || bson.Unmarshal(slices.Clone(e.Command), &command) != nil {
			return
		}
		for _, x := range command {
			switch x.Key {
			case "find", "filter", "sort", "hint", "limit", "projection", "aggregate", "pipeline", "cursor":
				kept = append(kept, x)
			}
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.all[fmt.Sprint(kept)] = kept
	}}
}

// What is asked for in an order is read off an index that has it, and nothing is sorted. (That the rest is read off an index is looked
// at for all queries together.)
func TestPush_plans(t *testing.T) {
	t.Parallel()
	q := queries{all: map[string]bson.D{}}
	ctx, now, name := t.Context(), figuresNow, pool.take()
	db, err := Open(ctx, server+"/"+name, Options{Monitor: q.monitor()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(pool.give(context.Background(), name), db.Close()); err != nil {
			t.Error(err)
		}
	})
	accepted(t, db, "m0", "m1")
	topicOf(t, db, "b")
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	after := push.Position{At: now, ID: "x"}
	for _, takeOver := range []bool{false, true} {
		do(db.LeaseDeliveries(ctx, push.ChannelPush, now, time.Minute, 50, takeOver))
		do(db.LeaseDeliveries(ctx, push.ChannelSMS, now, time.Minute, 50, takeOver))
		do(db.Messages(ctx, "c", after, 9, takeOver))
	}
	do(nil, db.EndLeases(ctx, push.ChannelPush, now, -time.Hour))
	do(db.UnreadMessages(ctx, "c"))
	do(db.RecentReports(ctx, "c", now, 4))
	do(db.NewerMessage(ctx, "c", "r", now, push.Kinds))
	do(db.AcknowledgeMessages(ctx, "c", []string{"m0"}, "phone", now, true))
	do(db.Deliveries(ctx, "topic"))
	do(db.QueueDepth(ctx, now))
	_ = db.Receive(ctx, push.Receipt{Channel: push.ChannelSMS, Ref: "ref"})
	do(db.LeaseChains(ctx, now, time.Minute, 9))
	_, _, err = db.NextChain(ctx)
	do(nil, err)
	do(db.ReportTrails(ctx, "c", "r"))
	for _, centres := range [][]string{nil, {"riyadh", "jeddah"}} {
		do(db.UnreachedMessages(ctx, centres, push.NoChannel, after, 9))
		do(db.CountUnreached(ctx, centres, now, now.Add(time.Hour)))
		do(db.DeadDeliveries(ctx, push.DeadFilter{Centres: centres, Channel: push.ChannelPush, Reason: "r"}, after, 9))
		do(db.CountDeliveries(ctx, push.CountFilter{From: "2026-11-01", Through: "2026-11-30", Centres: centres}))
	}
	do(db.GivenUp(ctx, []string{"m0", "m1"}))
	do(db.broadcastOutcomes(ctx, "b"))
	ordered := 0
	for _, command := range q.all {
		if !slices.Contains([]any{"messages", "broadcasts", "dead"}, command[0].Value) || !slices.ContainsFunc(command, func(e bson.E) bool { return e.Key == "sort" }) {
			continue // of the base, or in no order
		}
		ordered++
		var plan bson.D
		if err := db.db.RunCommand(ctx, bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"}}).Decode(&plan); err != nil {
			t.Errorf("%v: %v", command, err)
			continue
		}
		b, err := bson.MarshalExtJSON(plan, false, false)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(b); !strings.Contains(s, `"Index Name"`) || strings.Contains(s, `"Seq Scan"`) || strings.Contains(s, `"Node Type":"Sort"`) {
			t.Errorf("%v\n%s", command, s)
		}
	}
	if ordered < 20 {
		t.Errorf("%d queries in an order were seen", ordered)
	}
}

// topicOf makes a broadcast to a topic, which waits to be sent.
func topicOf(t *testing.T, db *DB, broadcast string) {
	t.Helper()
	now := figuresNow
	if _, err := db.in("broadcasts").InsertOne(t.Context(), bson.D{{Key: "_id", Value: broadcast}, {Key: "v", Value: docVersion}, {Key: "rev", Value: int64(1)}, {Key: "doc", Value: bson.D{}}}); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"ar", "en"} {
		up, err := deliveriesAdded([]push.Delivery{{ID: "d-" + lang, Message: broadcast + "-" + lang, Target: "balagh-all-" + lang, Channel: push.ChannelPush, Kind: push.Announcement, Centre: "riyadh",
			Broadcast: broadcast, At: now, Planned: now, Deadline: now.Add(time.Hour), Day: "2026-11-21", Due: now}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.in("broadcasts").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: broadcast}}, up); err != nil {
			t.Fatal(err)
		}
	}
}

// What goes to a topic has no message, and takes the same way.
func TestPush_topics(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ctx, now := t.Context(), figuresNow
	topicOf(t, db, "b")
	lease := func(limit, want int) []push.Delivery {
		t.Helper()
		ds, err := db.LeaseDeliveries(ctx, push.ChannelPush, now, time.Minute, limit, true)
		if err != nil || len(ds) != want {
			t.Fatalf("leased %+v, %v; want %d", ds, err, want)
		}
		return ds
	}
	one, other := lease(1, 1)[0], lease(9, 1)[0]
	if one.Message == other.Message || !strings.HasPrefix(one.Message, "b-") || one.Broadcast != "b" || one.Target != "balagh-all-"+one.Message[2:] || one.Citizen != "" {
		t.Errorf("leased %+v and %+v", one, other)
	}
	if err := db.SettleDeliveries(ctx, []push.Result{{Delivery: one, State: push.Accepted, Ref: "ref", At: now}, {Delivery: other, State: push.Failed, Reason: "refused", At: now}}); err != nil {
		t.Fatal(err)
	}
	figuresAre(t, db, map[push.State]int{push.Queued: 2, push.Accepted: 1, push.Failed: 1})
	dead, err := db.DeadDeliveries(ctx, push.DeadFilter{Centres: []string{"riyadh"}}, push.Position{}, 9)
	if err != nil || len(dead) != 1 || dead[0].ID != other.ID || dead[0].Message != other.Message {
		t.Fatalf("dead %+v, %v", dead, err)
	}
	if n, err := db.RetryDeliveries(ctx, []push.Retry{{Delivery: dead[0], Deadline: now.Add(time.Hour)}}, now); n != 1 || err != nil {
		t.Fatalf("queued %d, %v", n, err)
	}
	if err := db.withdraw(ctx, []string{other.Message, "none"}, "stopped", now); err != nil {
		t.Fatal(err)
	}
	lease(9, 0)
	for m, want := range map[string]push.State{one.Message: push.Accepted, other.Message: push.Suppressed} {
		if ds, err := db.Deliveries(ctx, m); err != nil || len(ds) != 1 || ds[0].State != want {
			t.Errorf("%s: %+v, %v; want one that is %s", m, ds, err, want)
		}
	}
	figuresAre(t, db, map[push.State]int{push.Queued: 2, push.Accepted: 1, push.Suppressed: 1})
}

// A row of the dead whose delivery did not die, because the process did, is passed over, and takes no room on a page.
func TestDB_DeadDeliveries_ghosts(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ctx := t.Context()
	accepted(t, db, "m0", "m1", "m2")
	for i, id := range []string{"m0", "m1", "m2"} { // as if each were about to fail
		all, err := db.carriers(ctx, []string{id}, false)
		if err != nil {
			t.Fatal(err)
		}
		all[0].end(0, push.Failed, "refused", figuresNow.Add(time.Duration(i)*time.Minute))
		rows := all[0].dead()
		if i == 0 {
			for k, f := range rows[0] {
				if f.Key == "written" {
					rows[0][k].Value = time.Now().Add(-2 * deadGhost).UnixMilli()
				}
			}
		}
		if err := db.putDead(ctx, append(rows, rows...)); err != nil { // twice: the first was not answered
			t.Fatal(err)
		}
		if i == 1 {
			if lost, err := db.putCarriers(ctx, all); lost || err != nil {
				t.Fatalf("%t, %v", lost, err)
			}
		}
	}
	dead, err := db.DeadDeliveries(ctx, push.DeadFilter{}, push.Position{}, 1)
	if err != nil || len(dead) != 1 || dead[0].Message != "m1" {
		t.Errorf("dead %+v, %v; want m1", dead, err)
	}
	if dead, err = db.DeadDeliveries(ctx, push.DeadFilter{}, push.Position{At: dead[0].Changed, ID: dead[0].ID}, 9); err != nil || len(dead) != 0 {
		t.Errorf("and then %+v, %v", dead, err)
	}
	if n, err := db.in("dead").CountDocuments(ctx, bson.D{{Key: "changed", Value: bson.D{{Key: "$gte", Value: 0}}}}); n != 2 || err != nil {
		t.Errorf("%d rows, %v; want the old one removed", n, err)
	}
}

// A lease that a clock made too long may hide behind another delivery of its message. It ends when that is leased.
func TestDB_EndLeases_behindAnother(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ctx, now := t.Context(), figuresNow
	m := push.Message{ID: "m", Citizen: "c", At: now}
	var ds []push.Delivery
	for _, device := range []string{"a", "b"} {
		ds = append(ds, push.Delivery{ID: device, Message: "m", Citizen: "c", Target: device, Channel: push.ChannelPush, Planned: now, Deadline: now.Add(time.Hour), Due: now})
	}
	if _, err := db.PlanMessages(ctx, []push.Planned{{Message: m, Plan: push.Plan{Deliveries: ds}}}); err != nil {
		t.Fatal(err)
	}
	lease := func(at time.Time) []push.Delivery {
		t.Helper()
		ds, err := db.LeaseDeliveries(ctx, push.ChannelPush, at, time.Minute, 1, true)
		if err != nil || len(ds) != 1 {
			t.Fatalf("leased %+v, %v; want one", ds, err)
		}
		return ds
	}
	ahead := lease(now.Add(time.Hour))[0]
	if err := db.EndLeases(ctx, push.ChannelPush, now, time.Minute); err != nil {
		t.Fatal(err)
	}
	if d := lease(now)[0]; d.ID == ahead.ID {
		t.Errorf("leased %+v; want the one that waits", d)
	}
	if d := lease(now)[0]; d.ID != ahead.ID || d.Fence != 2 {
		t.Errorf("leased %+v; want the one whose lease was too long", d)
	}
}

// Processes that lease from one queue at once take each delivery once, and none waits for the other to take anything at all.
func TestDB_LeaseDeliveries_processes(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const all = 200
	var planned []push.Planned
	for i := range all {
		planned = append(planned, plannedFor(figuresNow, i))
	}
	if _, err := db.PlanMessages(t.Context(), planned); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	took := map[string]int{}
	var working sync.WaitGroup
	for range 4 {
		other, err := Open(t.Context(), server+"/"+db.db.Name(), Options{AsIs: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		working.Go(func() {
			for {
				ds, err := other.LeaseDeliveries(context.Background(), push.ChannelPush, figuresNow, time.Minute, 30, true)
				if err != nil {
					t.Error(err)
				}
				if len(ds) == 0 {
					return
				}
				var rs []push.Result
				mu.Lock()
				for _, d := range ds {
					took[d.ID]++
					rs = append(rs, push.Result{Delivery: d, State: push.Accepted, At: figuresNow})
				}
				mu.Unlock()
				slices.Reverse(rs) // who settles in another order than others lease waits for nobody who waits for it
				if err := other.SettleDeliveries(context.Background(), rs); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	for id, n := range took {
		if n != 1 {
			t.Errorf("%s was leased %d times", id, n)
		}
	}
	if len(took) != all {
		t.Errorf("%d of %d leased", len(took), all)
	}
}
