package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// Beside a broadcast lie
//
//	place:   its place in the list: when it was made, and its id
//	due:     when the runner looks at it (milliseconds); absent when there is nothing to do for it
//	waiting: scheduled: its due may be far away
//	urgent
var broadcasts = kind[push.Broadcast]{
	in:  "broadcasts",
	id:  func(b *push.Broadcast) string { return b.ID },
	rev: func(b *push.Broadcast) *int64 { return &b.Rev },
	fields: func(b *push.Broadcast) (bson.D, error) {
		return bson.D{{Key: "place", Value: placeInList(push.Position{At: b.Created, ID: b.ID})}, {Key: "due", Value: orNone(b.Due)},
			{Key: "waiting", Value: b.State == push.Scheduled}, {Key: "urgent", Value: b.Urgent}}, nil
	},
}

var broadcastIndexes = []index{
	{in: "broadcasts", keys: bson.D{{Key: "place", Value: 1}}, serves: "the list of broadcasts"},
	{in: "broadcasts", keys: bson.D{{Key: "due", Value: 1}}, exists: "due", serves: "the runner: broadcasts that are due"},
}

// placeInList is a text that sorts as a moment and then an id do.
func placeInList(p push.Position) string { return fmt.Sprintf("%013d/%s", millis(p.At), p.ID) }

// CreateBroadcast adds one.
func (db *DB) CreateBroadcast(ctx context.Context, b *push.Broadcast) error {
	return broadcasts.add(ctx, db, b, effects{}, fault.Exists)
}

// Broadcast reads one.
func (db *DB) Broadcast(ctx context.Context, id string) (*push.Broadcast, error) {
	return broadcasts.get(ctx, db, id)
}

// Broadcasts is a page of them.
func (db *DB) Broadcasts(ctx context.Context, after push.Position, limit int) ([]push.Broadcast, error) {
	places := bson.D{{Key: "$gt", Value: ""}}
	if !after.At.IsZero() {
		places = append(places, bson.E{Key: "$lt", Value: placeInList(after)})
	}
	return values(broadcasts.all(ctx, db, bson.D{{Key: "place", Value: places}},
		options.Find().SetSort(bson.D{{Key: "place", Value: -1}}).SetHint("place_1").SetLimit(int64(limit))))
}

// UpdateBroadcast changes it. Deliveries lie in its document and so are written with it.
func (db *DB) UpdateBroadcast(ctx context.Context, id string, change func(*push.Broadcast) error, deliveries ...push.Delivery) (*push.Broadcast, error) {
	if len(deliveries) == 0 {
		return broadcasts.update(ctx, db, id, func(b *push.Broadcast) (effects, error) { return effects{}, change(b) })
	}
	for try := 0; ctx.Err() == nil; try++ {
		b, won, err := db.updateBroadcast(ctx, id, change, deliveries)
		if err != nil {
			return nil, err
		}
		if won {
			return b, nil
		}
		pause(ctx, try)
	}
	return nil, ctx.Err()
}

// updateBroadcast changes one that nobody else has changed meanwhile.
func (db *DB) updateBroadcast(ctx context.Context, id string, change func(*push.Broadcast) error, deliveries []push.Delivery) (b *push.Broadcast, won bool, err error) {
	raw, err := db.in("broadcasts").FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Raw()
	if err != nil {
		return nil, false, failed(ctx, err)
	}
	if b, err = broadcasts.of(raw); err != nil {
		return nil, false, err
	}
	was := b.Rev
	if err := change(b); err != nil {
		return nil, false, err
	}
	var added bson.D
	if fresh := notAmong(raw, deliveries); len(fresh) > 0 {
		if added, err = deliveriesAdded(fresh); err != nil {
			return nil, false, err
		}
	}
	won, err = db.putBroadcast(ctx, bson.D{{Key: "_id", Value: id}, {Key: "rev", Value: was}}, b, added)
	return b, won, err
}

// notAmong are the deliveries that a document does not have: those that it has stay as they are.
func notAmong(raw bson.Raw, deliveries []push.Delivery) (fresh []push.Delivery) {
	there := map[string]bool{}
	if all, ok := raw.Lookup("deliveries").ArrayOK(); ok {
		entries, _ := all.Values() // of a document that was read
		for _, e := range entries {
			d, _ := e.DocumentOK()
			id, _ := d.Lookup("id").StringValueOK()
			there[id] = true
		}
	}
	for _, d := range deliveries {
		if !there[d.ID] {
			fresh = append(fresh, d)
		}
	}
	return fresh
}

// putBroadcast writes one with its next rev, and what else an update has, if it is still as it was read.
func (db *DB) putBroadcast(ctx context.Context, asRead bson.D, b *push.Broadcast, also bson.D) (won bool, err error) {
	b.Rev++
	up, err := broadcasts.changed(b, effects{})
	if err != nil {
		return false, err
	}
	r, err := db.in("broadcasts").UpdateOne(ctx, asRead, append(up, also...))
	if err != nil {
		return false, failed(ctx, err)
	}
	return r.MatchedCount > 0, nil
}

// dueBroadcast finds those that are due, and those that are leased for longer than a lease taken now: there is never more than a handful
// to sort.
func dueBroadcast(now, until time.Time) bson.D {
	return bson.D{{Key: "due", Value: bson.D{{Key: "$exists", Value: true}}}, {Key: "$or", Value: bson.A{
		bson.D{{Key: "due", Value: bson.D{{Key: "$lte", Value: millis(now)}}}},
		bson.D{{Key: "due", Value: bson.D{{Key: "$gt", Value: millis(until)}}}, {Key: "waiting", Value: false}}}}}
}

// LeaseBroadcast takes one that is due.
func (db *DB) LeaseBroadcast(ctx context.Context, now time.Time, ttl time.Duration) (*push.Broadcast, error) {
	until := now.Add(ttl)
	first := options.FindOne().SetSort(bson.D{{Key: "urgent", Value: -1}, {Key: "due", Value: 1}})
	for try := 0; ctx.Err() == nil; try++ {
		raw, err := db.in("broadcasts").FindOne(ctx, dueBroadcast(now, until), first).Raw()
		if errors.Is(err, driver.ErrNoDocuments) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look for a broadcast: %w", failed(ctx, err))
		}
		b, won, err := db.leaseBroadcast(ctx, raw, until)
		if err != nil {
			return nil, fmt.Errorf("lease a broadcast: %w", err)
		}
		if won {
			return b, nil
		}
		pause(ctx, try)
	}
	return nil, ctx.Err()
}

// leaseBroadcast takes one that nobody has changed since it was read.
func (db *DB) leaseBroadcast(ctx context.Context, raw bson.Raw, until time.Time) (b *push.Broadcast, won bool, err error) {
	asRead := bson.D{{Key: "_id", Value: raw.Lookup("_id")}, {Key: "due", Value: raw.Lookup("due")}}
	if b, err = broadcasts.of(raw); err != nil { // it spoils no other
		_, err = db.in("broadcasts").UpdateOne(ctx, asRead, bson.D{{Key: "$unset", Value: bson.D{{Key: "due", Value: ""}}}})
		return nil, false, failed(ctx, err)
	}
	asRead = append(asRead, bson.E{Key: "rev", Value: b.Rev})
	b.Due = moment(millis(until))
	won, err = db.putBroadcast(ctx, asRead, b, nil)
	return b, won, err
}

// BroadcastOutcomes reads the counts.
func (db *DB) BroadcastOutcomes(ctx context.Context, id string) (map[push.State]int, error) {
	return db.broadcastOutcomes(ctx, id)
}

// WithdrawDeliveries suppresses what is queued of messages.
func (db *DB) WithdrawDeliveries(ctx context.Context, messages []string, reason string, now time.Time) error {
	return db.withdraw(ctx, messages, reason, now)
}
