package mongo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/push"
)

// dueChains finds messages whose chain is due at a moment.
func dueChains(at int64) bson.D {
	return bson.D{{Key: "chain", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: int64(0)}, {Key: "$lte", Value: at}}}}
}

func byChain() *options.FindOptionsBuilder {
	return options.Find().SetSort(bson.D{{Key: "chain", Value: 1}}).SetHint(inOrderOf("chain"))
}

// NextChain is when the next one has to be looked at.
func (db *DB) NextChain(ctx context.Context) (at time.Time, any bool, err error) {
	err = db.scan(ctx, "messages", dueChains(never), func(raw bson.Raw) error {
		due, _ := raw.Lookup("chain").AsInt64OK()
		at, any = moment(due), true
		return nil
	}, byChain().SetProjection(bson.D{{Key: "chain", Value: 1}}).SetLimit(1))
	return at, any, err
}

// LeaseChains takes those that are due.
func (db *DB) LeaseChains(ctx context.Context, now time.Time, ttl time.Duration, limit int) (all []push.Chain, err error) {
	by := call()
	for try := range leaseTries {
		some, lost, err := db.leaseChains(ctx, now, now.Add(ttl), limit-len(all), by)
		if err != nil && len(all) == 0 {
			return nil, fmt.Errorf("lease chains: %w", err)
		}
		all = append(all, some...)
		if err != nil || !lost || len(all) >= limit {
			break
		}
		pause(ctx, try)
	}
	return all, nil
}

func (db *DB) leaseChains(ctx context.Context, now, until time.Time, limit int, by int64) (all []push.Chain, lost bool, err error) {
	var found []*carrier
	chains := map[string]push.Chain{}
	err = db.scan(ctx, "messages", dueChains(millis(now)), func(raw bson.Raw) error {
		c := readCarrier("messages", raw)
		found = append(found, c)
		m, err := messages.of(raw)
		if err != nil { // nobody can follow it; it harms no other, and is seen among those that reached nobody
			c.state.chain, c.state.chainBy, c.state.unreached, c.state.why = 0, 0, millis(now), push.AllFailed
			return nil
		}
		c.state.chain, c.state.chainBy = millis(until), by
		chains[c.id] = push.Chain{Message: m.Message, Step: int(c.state.step), Since: moment(c.state.since), Due: until, Deliveries: c.deliveries(c.id)}
		return nil
	}, byChain().SetProjection(bson.D{{Key: "figures", Value: 0}}).SetLimit(int64(limit)))
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	lost, err = db.putCarriers(ctx, found)
	if err != nil {
		return nil, false, err
	}
	var ids []string
	for _, c := range found {
		if x, ok := chains[c.id]; ok && !c.stuck {
			ids = append(ids, c.id)
			all = append(all, x)
		}
	}
	if !lost {
		return all, false, nil
	}
	all = nil
	err = db.scan(ctx, "messages", bson.D{{Key: "_id", Value: among(ids)}, {Key: "chain_by", Value: by}, {Key: "chain", Value: millis(until)}}, func(raw bson.Raw) error {
		all = append(all, chains[raw.Lookup("_id").StringValue()]) // what was read is what is there: the write was won
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}))
	return all, true, err
}

// MoveChains writes what is to be done next.
func (db *DB) MoveChains(ctx context.Context, moves []push.ChainMove) (n int, err error) {
	if len(moves) == 0 {
		return 0, nil
	}
	of := map[string]push.ChainMove{}
	var ids []string
	for _, m := range moves {
		of[m.Chain.Message.ID] = m
		ids = append(ids, m.Chain.Message.ID)
	}
	by := call()
	err = db.changeCarriers(ctx, func(ctx context.Context) ([]*carrier, error) {
		n = 0
		return db.carriersBy(ctx, "messages", bson.D{{Key: "_id", Value: among(ids)}})
	}, func(c *carrier) { n += c.move(of[c.id], by) })
	if err != nil {
		return 0, fmt.Errorf("move chains: %w", err)
	}
	return n, nil
}

// move takes the next step of a chain whose lease is held, and says how many of its deliveries the call queued.
func (c *carrier) move(m push.ChainMove, by int64) (n int) {
	s, p := &c.state, m.Plan
	for _, e := range c.entries { // in an earlier try
		if e.by == by && e.Fence == 0 {
			n++
		}
	}
	if s.chain == 0 || s.chain != millis(m.Chain.Due) {
		return n
	}
	s.step, s.since, s.chain, s.chainBy, s.unreached, s.why = int64(p.Step), millis(p.Since), millis(p.Due), 0, unreachedSince(p), p.Unreached
	for _, d := range p.Deliveries {
		if !slices.ContainsFunc(c.entries, func(e entry) bool { return e.ID == d.ID }) {
			c.added, c.by = append(c.added, d), by
		}
	}
	c.figures.queued(c.added)
	return n + len(c.added)
}
