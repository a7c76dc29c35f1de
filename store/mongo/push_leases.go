package mongo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/push"
)

// dueIn finds documents with a delivery of a channel that is due in a time, those with bulk ones alone or the others. Without a least
// one it begins with what waits longest.
func dueIn(channel string, bulk bool, above, through int64) bson.D {
	return bson.D{{Key: dueFields[channel], Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: dueOf(bulk, above)}, {Key: "$lte", Value: dueOf(bulk, through)}}}}
}

const never = bulkDue - 1 // the last moment of all

// NextDelivery is when the next one is due.
func (db *DB) NextDelivery(ctx context.Context, channel string) (time.Time, bool, error) {
	field, ok := dueFields[channel]
	if !ok {
		return time.Time{}, false, nil
	}
	var mu sync.Mutex
	least, any := int64(0), false
	var g group
	for _, in := range carriersOf(channel) {
		for _, bulk := range []bool{false, true} {
			g.Go(func() error {
				return db.scan(ctx, in, dueIn(channel, bulk, 0, never), func(raw bson.Raw) error {
					at, _ := raw.Lookup(field).AsInt64OK()
					mu.Lock()
					defer mu.Unlock()
					if at -= dueOf(bulk, 0); !any || at < least {
						least, any = at, true
					}
					return nil
				}, options.Find().SetProjection(bson.D{{Key: field, Value: 1}}).SetSort(bson.D{{Key: field, Value: 1}}).SetHint(inOrderOf(field)).SetLimit(1))
			})
		}
	}
	if err := g.Wait(); err != nil || !any {
		return time.Time{}, false, err
	}
	return moment(least), true, nil
}

// leaseTries is how often a lease begins again because others were faster.
const leaseTries = 8

// LeaseDeliveries takes what is due, bulk only as far as nothing else fills the batch.
func (db *DB) LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int, takeOver bool) ([]push.Delivery, error) {
	if _, ok := dueFields[channel]; !ok {
		return nil, nil
	}
	l := lease{channel: channel, now: now, until: now.Add(ttl), takeOver: takeOver, by: call()}
	for _, bulk := range []bool{false, true} {
		for try := range leaseTries {
			if len(l.leased) >= limit {
				return l.leased, nil
			}
			lost, err := db.lease(ctx, &l, bulk, limit-len(l.leased))
			if err != nil && len(l.leased) == 0 {
				return nil, fmt.Errorf("lease deliveries: %w", err)
			}
			if err != nil || !lost {
				break
			}
			pause(ctx, try)
		}
	}
	return l.leased, nil
}

// lease is one under way.
type lease struct {
	channel    string
	now, until time.Time
	takeOver   bool
	by         int64
	leased     []push.Delivery
}

// slot of a delivery.
type slot struct {
	in *carrier
	i  int
}

// lease takes up to room deliveries, and says whether it lost some to others.
func (db *DB) lease(ctx context.Context, l *lease, bulk bool, room int) (lost bool, err error) {
	found, err := db.dueCarriers(ctx, l, bulk, room)
	if err != nil || len(found) == 0 {
		return false, err
	}
	var due []slot
	for _, c := range found {
		for i, e := range c.entries {
			switch {
			case !e.open || e.void || e.Channel != l.channel || e.bulk != bulk:
			case l.takeOver && e.State == push.Leased && e.Due.After(l.until): // see EndLeases
				c.entries[i].Due = l.now
			case millis(e.Due) > millis(l.now) || e.State != push.Queued && !l.takeOver:
			case e.broken:
				c.spoil(i, l.now)
			default:
				due = append(due, slot{c, i})
			}
		}
	}
	slices.SortFunc(due, func(a, b slot) int { return a.in.entries[a.i].Due.Compare(b.in.entries[b.i].Due) })
	due = due[:min(len(due), room)]
	for _, p := range due {
		e := &p.in.entries[p.i]
		e.State, e.Due, e.Changed, e.by = push.Leased, l.until, l.now, l.by
		e.Fence++
	}
	if lost, err := db.putCarriers(ctx, found); err != nil {
		return false, err
	} else if lost {
		return true, db.leasedHere(ctx, l, due)
	}
	for _, p := range due {
		if !p.in.stuck {
			l.leased = append(l.leased, p.in.entries[p.i].Delivery)
		}
	}
	return false, nil
}

// dueCarriers finds documents that together have so many deliveries that are due, the longest waiting first: each has one at least.
func (db *DB) dueCarriers(ctx context.Context, l *lease, bulk bool, room int) (found []*carrier, err error) {
	filter := dueIn(l.channel, bulk, 0, millis(l.now))
	if !l.takeOver { // leases that have ended are not to stand before what is queued
		filter = append(filter, bson.E{Key: "deliveries", Value: bson.D{{Key: "$elemMatch", Value: bson.D{{Key: "channel", Value: l.channel},
			{Key: "state", Value: string(push.Queued)}, {Key: "due", Value: bson.D{{Key: "$lte", Value: millis(l.now)}}}}}}})
	}
	field := dueFields[l.channel]
	var mu sync.Mutex
	var g group
	for _, in := range carriersOf(l.channel) {
		g.Go(func() error {
			some, err := db.carriersBy(ctx, in, filter, options.Find().SetSort(bson.D{{Key: field, Value: 1}}).SetHint(inOrderOf(field)).SetLimit(int64(room)))
			mu.Lock()
			defer mu.Unlock()
			found = append(found, some...)
			return err
		})
	}
	return found, g.Wait()
}

// leasedHere adds those of the deliveries that this call leased indeed.
func (db *DB) leasedHere(ctx context.Context, l *lease, due []slot) error {
	ids := map[string][]string{}
	for _, p := range due {
		ids[p.in.in] = append(ids[p.in.in], p.in.id)
	}
	had := map[string]bool{} // by an earlier try
	for _, d := range l.leased {
		had[d.Message+"/"+d.ID] = true
	}
	for in, ids := range ids {
		there, err := db.carriersBy(ctx, in, bson.D{{Key: "_id", Value: among(ids)}})
		if err != nil {
			return err
		}
		for _, c := range there {
			for _, e := range c.entries {
				if e.by == l.by && e.State == push.Leased && !e.broken && !had[e.Message+"/"+e.ID] {
					l.leased = append(l.leased, e.Delivery)
				}
			}
		}
	}
	return nil
}

const endBatch = 500

// EndLeases ends leases that last too long. Those in documents that are due before are ended when these are leased.
func (db *DB) EndLeases(ctx context.Context, channel string, now time.Time, ttl time.Duration) error {
	field, ok := dueFields[channel]
	if !ok {
		return nil
	}
	until := millis(now.Add(ttl))
	tooLong := bson.E{Key: "deliveries", Value: bson.D{{Key: "$elemMatch", Value: bson.D{{Key: "channel", Value: channel}, {Key: "state", Value: string(push.Leased)},
		{Key: "due", Value: bson.D{{Key: "$gt", Value: until}}}}}}}
	for _, in := range carriersOf(channel) {
		for _, bulk := range []bool{false, true} {
			filter := append(dueIn(channel, bulk, until+1, never), tooLong)
			for more := true; more; {
				if err := db.changeCarriers(ctx, func(ctx context.Context) ([]*carrier, error) {
					all, err := db.carriersBy(ctx, in, filter, options.Find().SetHint(inOrderOf(field)).SetLimit(endBatch))
					more = len(all) == endBatch
					return all, err
				}, func(c *carrier) {
					for i, e := range c.entries {
						if e.Channel == channel && e.State == push.Leased && e.open && millis(e.Due) > until {
							c.entries[i].Due = now
						}
					}
				}); err != nil {
					return fmt.Errorf("end leases: %w", err)
				}
			}
		}
	}
	return nil
}

// QueueDepth counts what waits.
func (db *DB) QueueDepth(ctx context.Context, now time.Time) (map[string]push.Depth, error) {
	var mu sync.Mutex
	all := map[string]push.Depth{}
	var g group
	for _, channel := range push.Channels {
		g.Go(func() error {
			d, err := db.queueDepth(ctx, channel, now)
			mu.Lock()
			defer mu.Unlock()
			all[channel] = d
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return all, nil
}

func (db *DB) queueDepth(ctx context.Context, channel string, now time.Time) (d push.Depth, err error) {
	open := driver.Pipeline{{{Key: "$match", Value: bson.D{{Key: dueFields[channel], Value: bson.D{{Key: "$exists", Value: true}}}}}},
		{{Key: "$project", Value: bson.D{{Key: "deliveries.channel", Value: 1}, {Key: "deliveries.state", Value: 1}}}}, {{Key: "$unwind", Value: "$deliveries"}},
		{{Key: "$match", Value: bson.D{{Key: "deliveries.channel", Value: channel}, {Key: "deliveries.state", Value: among([]push.State{push.Queued, push.Leased})}}}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: nil}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}}}
	for _, in := range carriersOf(channel) {
		cursor, err := db.in(in).Aggregate(ctx, open)
		if err := scanned(ctx, cursor, err, func(raw bson.Raw) error {
			n, _ := raw.Lookup("n").AsInt64OK()
			d.Open += int(n)
			return nil
		}); err != nil {
			return d, err
		}
	}
	next, any, err := db.NextDelivery(ctx, channel)
	if any {
		d.Oldest = max(0, now.Sub(next))
	}
	return d, err
}
