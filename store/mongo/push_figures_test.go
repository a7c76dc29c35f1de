package mongo

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/push"
)

var figuresNow = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// accepted plans messages and lets their pushes be accepted.
func accepted(t *testing.T, db *DB, ids ...string) {
	t.Helper()
	var all []push.Planned
	for _, id := range ids {
		m := push.Message{ID: id, Citizen: "c", Kind: push.Announcement, Centre: "riyadh", Broadcast: "b", At: figuresNow}
		all = append(all, push.Planned{Message: m, Plan: push.Plan{Since: figuresNow, Deliveries: []push.Delivery{{ID: "d-" + id, Message: id, Citizen: "c", Target: "phone",
			Channel: push.ChannelPush, Centre: "riyadh", Broadcast: "b", At: figuresNow, Planned: figuresNow, Deadline: figuresNow.Add(time.Hour), Day: "2026-11-21", Due: figuresNow}}}})
	}
	if n, err := db.PlanMessages(t.Context(), all); err != nil || n != len(ids) {
		t.Fatalf("planned %d, %v", n, err)
	}
	settleAll(t, db, push.Result{State: push.Accepted, At: figuresNow.Add(time.Second)})
}

func settleAll(t *testing.T, db *DB, r push.Result) {
	t.Helper()
	ds, err := db.LeaseDeliveries(t.Context(), push.ChannelPush, figuresNow, time.Minute, 1000, true)
	if err != nil {
		t.Fatal(err)
	}
	var rs []push.Result
	for _, r.Delivery = range ds {
		rs = append(rs, r)
	}
	if err := db.SettleDeliveries(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
}

// figuresAre says what is counted of the day and of the broadcast.
func figuresAre(t *testing.T, db *DB, want map[push.State]int) {
	t.Helper()
	got, err := db.broadcastOutcomes(t.Context(), "b")
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("of the broadcast %v, %v; want %v", got, err, want)
	}
	all, err := db.CountDeliveries(t.Context(), push.CountFilter{From: "2026-11-21", Through: "2026-11-21"})
	if err != nil {
		t.Fatal(err)
	}
	day := map[push.State]int{}
	for _, c := range all {
		day[c.Outcome] += int(c.N)
	}
	want = maps.Clone(want)
	delete(want, push.Queued)
	if !maps.Equal(day, want) {
		t.Errorf("of the day %v; want %v", day, want)
	}
}

// begun is a batch that somebody began long ago.
func begun(t *testing.T, db *DB) batch {
	t.Helper()
	b, err := db.batch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := db.uncounted(t.Context(), moment(never))
	if err != nil {
		t.Fatal(err)
	}
	b, won, err := db.beginBatch(t.Context(), b.N, found)
	if err != nil || !won {
		t.Fatalf("began: %t, %v", won, err)
	}
	if _, err := db.in(figuresIn).UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "batch"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "at", Value: 1}}}}); err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t *testing.T, db *DB, ids ...string) {
	t.Helper()
	if _, err := db.AcknowledgeMessages(t.Context(), "c", ids, "phone", figuresNow.Add(time.Minute), true); err != nil {
		t.Fatal(err)
	}
}

// A process that dies within the counting leaves nothing uncounted, and whoever goes on counts nothing twice.
func TestFigures_dies(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	take := func(t *testing.T, db *DB, b batch) counts {
		c, err := db.takeBatch(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, dies := range map[string]func(*testing.T, *DB, batch){
		"begun":      func(*testing.T, *DB, batch) {},
		"taken":      func(t *testing.T, db *DB, b batch) { take(t, db, b) },
		"part taken": func(t *testing.T, db *DB, b batch) { b.Docs = b.Docs[:1]; take(t, db, b) },
		"part taken, and then changed": func(t *testing.T, db *DB, b batch) {
			b.Docs = b.Docs[:2]
			take(t, db, b)
			read(t, db, "m0", "m2") // one that was taken, one that was not
		},
		"part added": func(t *testing.T, db *DB, b batch) {
			days := counts{} // to the broadcast's counter nothing was added
			for f, n := range take(t, db, b) {
				f.Broadcast = ""
				days[f] += n
			}
			if err := db.addBatch(ctx, b.N, days); err != nil {
				t.Fatal(err)
			}
		},
		"added": func(t *testing.T, db *DB, b batch) {
			if err := db.addBatch(ctx, b.N, take(t, db, b)); err != nil {
				t.Fatal(err)
			}
		},
		"finished": func(t *testing.T, db *DB, b batch) {
			if err := db.finishBatch(ctx, b); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			accepted(t, db, "m0", "m1", "m2")
			dies(t, db, begun(t, db))
			want := map[push.State]int{push.Queued: 3, push.Accepted: 3}
			if name == "part taken, and then changed" {
				want[push.Delivered], want[push.Read] = 2, 2
			}
			for range 2 {
				figuresAre(t, db, want)
			}
		})
	}
}

// A process that stood still goes on with its batch after others finished it, and began new ones with the same documents.
func TestFigures_standsStill(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	accepted(t, db, "m0", "m1")
	old := begun(t, db)
	read(t, db, "m1") // never to be taken with the old batch
	held, err := db.takeBatch(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	want := map[push.State]int{push.Queued: 2, push.Accepted: 2, push.Delivered: 1, push.Read: 1}
	figuresAre(t, db, want)
	read(t, db, "m0")
	want[push.Delivered], want[push.Read] = 2, 2
	figuresAre(t, db, want)
	for range 2 {
		if err := db.addBatch(t.Context(), old.N, held); err != nil {
			t.Fatal(err)
		}
		if err := db.finishBatch(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		figuresAre(t, db, want)
	}
}

// Several processes count at once what changes all the time.
func TestFigures_atOnce(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const all = 30
	var ids []string
	for i := range all {
		ids = append(ids, fmt.Sprint("m", i))
	}
	accepted(t, db, ids...)
	done := make(chan struct{})
	var counting, changing sync.WaitGroup
	for range 3 {
		other, err := Open(t.Context(), server+"/"+db.db.Name(), Options{AsIs: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		counting.Go(func() {
			for {
				if _, err := other.countBatch(context.Background(), moment(never)); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for k := range 3 {
		changing.Go(func() {
			for i := k; i < all; i += 3 {
				for _, read := range []bool{false, true} {
					if _, err := db.AcknowledgeMessages(context.Background(), "c", []string{ids[i]}, "phone", figuresNow.Add(time.Minute), read); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	changing.Wait()
	close(done)
	counting.Wait()
	figuresAre(t, db, map[push.State]int{push.Queued: all, push.Accepted: all, push.Delivered: all, push.Read: all})
}

// What is counted in the background is as old as it may be, and no older.
func TestFigures_lookAtWhatRested(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	accepted(t, db, "m")
	for _, c := range []struct {
		before time.Duration
		left   int
	}{{-time.Hour, 1}, {time.Hour, 0}} {
		if _, err := db.countBatch(t.Context(), time.Now().Add(c.before)); err != nil {
			t.Fatal(err)
		}
		if left, err := db.uncounted(t.Context(), moment(never)); err != nil || len(left) != c.left {
			t.Errorf("counted from before %v: %d wait, %v; want %d", c.before, len(left), err, c.left)
		}
	}
}
