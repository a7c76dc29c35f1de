package mongo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPushBroadcasts(t *testing.T) {
	t.Parallel()
	storetest.TestPushBroadcasts(t, func(t *testing.T) storetest.BroadcastsStore { return fresh(t) })
}

func TestDB_LeaseBroadcast_poisonedDocument(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, id := range []string{"poisoned", "sound"} {
		if err := db.CreateBroadcast(t.Context(), &push.Broadcast{ID: id, Rev: 1, State: push.Running, Due: moment(1)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, doc := range []any{bson.D{{Key: "id", Value: 7}}, "no document", bson.D{{Key: "people", Value: "many"}}} {
		if _, err := db.in("broadcasts").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "poisoned"}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "doc", Value: doc}, {Key: "due", Value: int64(0)}}}}); err != nil {
			t.Fatal(err)
		}
		if b, err := db.LeaseBroadcast(t.Context(), moment(5), 0); err != nil || b == nil || b.ID != "sound" {
			t.Errorf("leased %+v, %v: one that cannot be read holds up the others", b, err)
		}
	}
}

// Several processes change one broadcast, with deliveries and without: no change is lost, and each delivery is there once.
func TestDB_UpdateBroadcast_severalProcesses(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	if err := db.CreateBroadcast(t.Context(), &push.Broadcast{ID: "b", Rev: 1, State: push.Running}); err != nil {
		t.Fatal(err)
	}
	processes := []*DB{db, again(t, db), again(t, db)}
	var changing sync.WaitGroup
	for i := range 24 {
		changing.Go(func() {
			var ds []push.Delivery
			if i%2 == 0 {
				ds = []push.Delivery{{ID: fmt.Sprint(i / 4), Message: "m", Target: "topic", Channel: push.ChannelPush, Broadcast: "b", Due: moment(1)}}
			}
			if _, err := processes[i%3].UpdateBroadcast(context.Background(), "b", func(b *push.Broadcast) error { b.Planned++; return nil }, ds...); err != nil {
				t.Error(err)
			}
		})
	}
	changing.Wait()
	b, err := db.Broadcast(t.Context(), "b")
	if err != nil || b.Planned != 24 || b.Rev != 25 {
		t.Errorf("%+v, %v; want 24 planned at rev 25", b, err)
	}
	var stored struct {
		Deliveries []struct {
			ID string `bson:"id"`
		} `bson:"deliveries"`
	}
	if err := db.in("broadcasts").FindOne(t.Context(), bson.D{{Key: "_id", Value: "b"}}).Decode(&stored); err != nil || len(stored.Deliveries) != 6 {
		t.Errorf("deliveries %+v, %v; want 6, each once", stored, err)
	}
	if n, err := db.BroadcastOutcomes(t.Context(), "b"); err != nil || n[push.Queued] != 6 {
		t.Errorf("outcomes %v, %v; want 6 queued", n, err)
	}
}

func TestDB_LeaseBroadcast_severalProcesses(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const all = 5
	for i := range all {
		if err := db.CreateBroadcast(t.Context(), &push.Broadcast{ID: fmt.Sprint(i), Rev: 1, State: push.Running, Due: moment(1)}); err != nil {
			t.Fatal(err)
		}
	}
	processes := []*DB{db, again(t, db), again(t, db)}
	var won atomic.Int64
	var leasing sync.WaitGroup
	for i := range 4 * all {
		leasing.Go(func() {
			switch b, err := processes[i%3].LeaseBroadcast(context.Background(), moment(5), time.Minute); {
			case err != nil:
				t.Error(err)
			case b != nil:
				won.Add(1)
			}
		})
	}
	leasing.Wait()
	if won.Load() != all {
		t.Errorf("%d leases of %d broadcasts", won.Load(), all)
	}
}
