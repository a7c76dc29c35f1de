package mongo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/fault"
)

// counters: {_id: key, v, rev, expires, gone, doc}. rev begins at random, so that a counter that begins anew is not taken for the one
// before.

// counter is one as it was read.
type counter struct {
	there bool
	rev   int64
	accounts.Counter
}

func (c counter) clone() counter {
	c.Uses = slices.Clone(c.Uses)
	return c
}

// use is one of one counter, or its return.
type use struct {
	key   string
	now   time.Time
	limit accounts.Limit
	read  *counter      // as the one who asks has read it
	back  bool          // take back the use that was written with rev
	rev   int64         // that the counter had when the use was counted
	wait  time.Duration // when it was not
	err   error
}

// Take reads the counters together and counts in each by itself, the uses of one counter that are asked for at the same time in this
// process together: one that everybody uses would lose every race. When one of them turns out full that was not when it was read, the
// uses that the others counted are taken back. A process that dies in between leaves a use too many, which is over with its window;
// no limit is ever exceeded.
func (db *DB) Take(ctx context.Context, now time.Time, quotas []accounts.Quota) (time.Duration, error) {
	found, err := db.counters(ctx, quotas)
	if err != nil {
		return 0, err
	}
	var wait time.Duration
	uses := make([]*use, len(quotas))
	for i, q := range quotas {
		read := found[q.Key]
		tried := read.clone()
		wait = max(wait, tried.Take(now, q.Limit))
		uses[i] = &use{key: q.Key, now: now, limit: q.Limit, read: &read}
	}
	if wait > 0 {
		return wait, nil
	}
	joined := make([]bool, len(uses))
	var g group
	for i, u := range uses {
		g.Go(func() error {
			if err := db.count(ctx, u); err != nil {
				return err // it may be counted all the same
			}
			joined[i] = true
			return u.err
		})
	}
	err = g.Wait()
	for i, u := range uses {
		if joined[i] {
			wait = max(wait, u.wait)
		}
	}
	if err == nil && wait == 0 {
		return 0, nil
	}
	return wait, db.takeBack(ctx, uses, joined, err)
}

// takeBack returns what was counted. That it fails is told to nobody: it is a use too many.
func (db *DB) takeBack(ctx context.Context, uses []*use, joined []bool, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime)
	defer cancel()
	var g group
	for i, u := range uses {
		if joined[i] && u.err == nil && u.wait == 0 {
			g.Go(func() error {
				return db.count(ctx, &use{key: u.key, now: u.now, limit: u.limit, back: true, rev: u.rev})
			})
		}
	}
	_ = g.Wait()
	return cause
}

func (db *DB) counters(ctx context.Context, quotas []accounts.Quota) (map[string]counter, error) {
	keys := make([]string, len(quotas))
	for i, q := range quotas {
		keys[i] = q.Key
	}
	found := make(map[string]counter, len(keys))
	err := db.scan(ctx, "counters", bson.D{{Key: "_id", Value: among(keys)}}, func(raw bson.Raw) error {
		c := counter{there: true}
		c.rev, _ = raw.Lookup("rev").AsInt64OK()
		doc, _ := raw.Lookup("doc").DocumentOK()
		if err := decode(doc, &c.Counter); err != nil {
			return fmt.Errorf("stored counter: %w", err)
		}
		found[idOf(raw)] = c
		return nil
	})
	return found, err
}

// count counts a use together with others of its counter.
func (db *DB) count(ctx context.Context, u *use) error {
	return db.crowd.join(ctx, "counters/"+u.key, u, func(jobs []any) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime)
		defer cancel()
		uses := make([]*use, len(jobs))
		for i, j := range jobs {
			uses[i] = j.(*use)
		}
		if err := db.countAll(ctx, u.key, uses); err != nil {
			for _, u := range uses {
				u.err = err
			}
		}
	})
}

// countAll begins with what the last of them has read.
func (db *DB) countAll(ctx context.Context, key string, uses []*use) error {
	read := uses[len(uses)-1].read
	for try := 0; ctx.Err() == nil; try++ {
		if read == nil {
			found, err := db.counters(ctx, []accounts.Quota{{Key: key}})
			if err != nil {
				return err
			}
			read = new(counter)
			*read = found[key]
		}
		c := read.clone()
		if c.rev++; !c.there {
			c.rev = rand.Int64N(1 << 62)
		}
		expires := time.Time{}
		for _, u := range uses {
			if u.back {
				c.giveBack(u)
				expires = later(expires, u.now.Add(u.limit.Window))
				continue
			}
			if u.wait = c.Take(u.now, u.limit); u.wait == 0 {
				u.rev, expires = c.rev, later(expires, u.now.Add(u.limit.Window))
			}
		}
		if expires.IsZero() { // each was refused
			return nil
		}
		if won, err := db.putCounter(ctx, key, &c, expires); won || err != nil {
			return err
		}
		pause(ctx, try)
		read = nil
	}
	return fault.Later(fault.Unavailable, retryAfter)
}

// giveBack takes a use back unless the counter began anew since. It is in the first slot that is not before it: see Counter.
func (c *counter) giveBack(u *use) {
	if ahead := c.rev - u.rev; !c.there || ahead < 0 || ahead > 1<<32 {
		return
	}
	for i := range c.Uses {
		if c.Uses[i].At < u.now.UnixMilli() {
			continue
		}
		if c.Uses[i].N--; c.Uses[i].N <= 0 {
			c.Uses = slices.Delete(c.Uses, i, i+1)
		}
		return
	}
}

// putCounter writes one unless somebody else did since it was read.
func (db *DB) putCounter(ctx context.Context, key string, c *counter, expires time.Time) (won bool, err error) {
	doc, err := encode(c.Counter)
	if err != nil {
		return false, fmt.Errorf("encode a counter: %w", err)
	}
	fields := bson.D{{Key: "v", Value: docVersion}, {Key: "rev", Value: c.rev}, {Key: "expires", Value: millis(expires)}, {Key: "gone", Value: gone(expires)}, {Key: "doc", Value: doc}}
	if !c.there {
		_, err := db.in("counters").InsertOne(ctx, append(bson.D{{Key: "_id", Value: key}}, fields...))
		if taken(err) {
			return false, nil
		}
		return err == nil, failed(ctx, err)
	}
	r, err := db.in("counters").UpdateOne(ctx, bson.D{{Key: "_id", Value: key}, {Key: "rev", Value: c.rev - 1}}, bson.D{{Key: "$set", Value: fields}})
	if err != nil {
		return false, failed(ctx, err)
	}
	return r.MatchedCount == 1, nil
}

// ForgetCounter starts a counter anew.
func (db *DB) ForgetCounter(ctx context.Context, key string) error {
	_, err := db.in("counters").DeleteOne(ctx, bson.D{{Key: "_id", Value: key}})
	return failed(ctx, err)
}
