package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// due is when the runner looks at a broadcast, and NULL when there is nothing to do for it: broadcasts_due holds a handful.
const broadcastsSchema = `
CREATE TABLE broadcasts(
	id      TEXT PRIMARY KEY,
	created INTEGER NOT NULL,
	waiting INTEGER NOT NULL, -- scheduled: its due may be far away
	urgent  INTEGER NOT NULL,
	due     INTEGER,
	doc     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX broadcasts_created ON broadcasts(created, id);
CREATE INDEX broadcasts_due ON broadcasts(due) WHERE due IS NOT NULL;
CREATE TABLE broadcast_counts(
	broadcast TEXT NOT NULL,
	outcome   TEXT NOT NULL, -- a state that deliveries came to; queued: all of them
	n         INTEGER NOT NULL,
	PRIMARY KEY(broadcast, outcome)
) WITHOUT ROWID;`

// CreateBroadcast adds one.
func (db *DB) CreateBroadcast(ctx context.Context, b *push.Broadcast) error {
	doc, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode a broadcast: %w", err)
	}
	err = db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO broadcasts(id, created, waiting, urgent, due, doc) VALUES(?,?,?,?,?,?)`, b.ID, millis(b.Created),
			b.State == push.Scheduled, b.Urgent, orNull(b.Due), doc)
		return err
	})
	if unique(err) {
		return fault.New(fault.Exists)
	}
	return err
}

const broadcastOf = `SELECT doc FROM broadcasts WHERE id = ?`

// Broadcast reads one.
func (db *DB) Broadcast(ctx context.Context, id string) (*push.Broadcast, error) {
	return doc[push.Broadcast](db.row(ctx, broadcastOf, id))
}

// Broadcasts is a page of them.
func (db *DB) Broadcasts(ctx context.Context, after push.Position, limit int) ([]push.Broadcast, error) {
	at := int64(math.MaxInt64)
	if !after.At.IsZero() {
		at = millis(after.At)
	}
	found, err := docs[push.Broadcast](db.query(ctx, `SELECT doc FROM broadcasts WHERE (created, id) < (?, ?) ORDER BY created DESC, id DESC LIMIT ?+0`, at, after.ID, limit))
	all := make([]push.Broadcast, len(found))
	for i, b := range found {
		all[i] = *b
	}
	return all, err
}

// UpdateBroadcast changes it within the write: nothing else of it is there to be read.
func (db *DB) UpdateBroadcast(ctx context.Context, id string, change func(*push.Broadcast) error, deliveries ...push.Delivery) (*push.Broadcast, error) {
	dd, err := deliveryDocs(deliveries)
	if err != nil {
		return nil, err
	}
	var b *push.Broadcast
	err = db.write(ctx, func(t *tx) (err error) {
		if b, err = doc[push.Broadcast](t.row(broadcastOf, id)); err != nil {
			return err
		}
		if err := change(b); err != nil {
			return err
		}
		if err := t.putBroadcast(b); err != nil {
			return err
		}
		if err := t.queue(deliveries, dd); err != nil {
			return err
		}
		return t.countQueued(id, len(deliveries))
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (t *tx) putBroadcast(b *push.Broadcast) error {
	b.Rev++
	doc, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode a broadcast: %w", err)
	}
	_, err = t.exec(`UPDATE broadcasts SET waiting = ?, due = ?, doc = ? WHERE id = ?`, b.State == push.Scheduled, orNull(b.Due), doc, b.ID)
	return err
}

// dueBroadcast is the first that is due at ?1; ?2 is when a lease taken now ends. There is never more than a handful to sort.
const dueBroadcast = `SELECT id, doc FROM broadcasts WHERE due IS NOT NULL AND (due <= ?1 OR waiting = 0 AND due > ?2) ORDER BY urgent DESC, due LIMIT 1`

// LeaseBroadcast takes one that is due.
func (db *DB) LeaseBroadcast(ctx context.Context, now time.Time, ttl time.Duration) (*push.Broadcast, error) {
	at, until := millis(now), millis(now.Add(ttl))
	var id string
	var b []byte
	if err := absent(db.row(ctx, dueBroadcast, at, until).Scan(&id, &b)); fault.CodeOf(err) == fault.NotFound {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("look for a broadcast: %w", err)
	}
	var leased *push.Broadcast
	err := db.write(ctx, func(t *tx) error {
		leased = nil
		if err := absent(t.row(dueBroadcast, at, until).Scan(&id, &b)); fault.CodeOf(err) == fault.NotFound {
			return nil
		} else if err != nil {
			return err
		}
		x := new(push.Broadcast)
		if err := json.Unmarshal(b, x); err != nil { // it spoils no other
			_, err := t.exec(`UPDATE broadcasts SET due = NULL WHERE id = ?`, id)
			return err
		}
		x.Due = moment(until)
		leased = x
		return t.putBroadcast(x)
	})
	if err != nil {
		return nil, fmt.Errorf("lease a broadcast: %w", err)
	}
	return leased, nil
}

// countQueued notes that deliveries of a broadcast were queued.
func (t *tx) countQueued(broadcast string, n int) error {
	if broadcast == "" || n == 0 {
		return nil
	}
	return t.countOutcome(broadcast, push.Queued, n)
}

func (t *tx) countOutcome(broadcast string, outcome push.State, n int) error {
	_, err := t.exec(`INSERT INTO broadcast_counts(broadcast, outcome, n) VALUES(?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n`, broadcast, outcome, n)
	return err
}

// BroadcastOutcomes reads the counts.
func (db *DB) BroadcastOutcomes(ctx context.Context, id string) (map[push.State]int, error) {
	rows, err := db.query(ctx, `SELECT outcome, n FROM broadcast_counts WHERE broadcast = ?`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[push.State]int{}
	for rows.Next() {
		var s push.State
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		all[s] = n
	}
	return all, rows.Err()
}

// WithdrawDeliveries suppresses what is queued of messages.
func (db *DB) WithdrawDeliveries(ctx context.Context, messages []string, reason string, now time.Time) error {
	return db.write(ctx, func(t *tx) error {
		c := counts{}
		for _, m := range messages {
			rows, err := t.query(`UPDATE deliveries SET state = 'suppressed', reason = ?, due = NULL, changed = ? WHERE message = ? AND state = 'queued' RETURNING `+deliveryColumns,
				reason, millis(now), key(m))
			withdrawn, err := readDeliveries(rows, err)
			if err != nil {
				return fmt.Errorf("withdraw deliveries: %w", err)
			}
			for _, d := range withdrawn {
				c.add(d, push.Suppressed, reason, now)
			}
		}
		return t.count(c)
	})
}

const (
	audienceLook  = 4_096  // people looked at for a page
	audienceCount = 16_384 // people looked at for a part of a count
)

// The people of a centre or category are found among those who filed something, person by person in the order of the index: each of
// their reports is looked up, because an index for this rare question would cost every report that is filed.
const (
	reporters    = `SELECT citizen, max(ifnull(centre = ?1, 0) OR ifnull(category = ?2, 0)) AS belongs FROM reports WHERE citizen > ?3 GROUP BY citizen ORDER BY citizen LIMIT ?4+0`
	countOfThese = `SELECT coalesce(sum(belongs), 0), count(*), max(citizen) FROM (` + reporters + `)`
	everybody    = `SELECT id FROM citizens WHERE id > ? ORDER BY id LIMIT ?+0`
	countOfAll   = `SELECT count(*), count(*), max(id) FROM (` + everybody + `)`
)

// audienceArgs of reporters. Nothing equals NULL.
func audienceArgs(a push.Audience, after string, look int) []any {
	args := []any{nil, nil, "", look}
	if a.Centre != "" {
		args[0] = a.Centre
	}
	if a.Category != "" {
		args[1] = a.Category
	}
	if after != "" {
		args[2] = key(after)
	}
	return args
}

// AudiencePeople is a page of an audience.
func (db *DB) AudiencePeople(ctx context.Context, a push.Audience, after string, limit int) (people []string, next string, err error) {
	q, args, look := reporters, audienceArgs(a, after, audienceLook), audienceLook
	if a.All {
		q, args, look = `SELECT id, 1 FROM (`+everybody+`)`, []any{after, limit}, limit
	}
	rows, err := db.query(ctx, q, args...)
	if err != nil {
		return nil, "", fmt.Errorf("read an audience: %w", err)
	}
	defer rows.Close()
	looked := 0
	for ; len(people) < limit && rows.Next(); looked++ {
		var k any
		var belongs bool
		if err := rows.Scan(&k, &belongs); err != nil {
			return nil, "", err
		}
		if next = unkey(k); belongs {
			people = append(people, next)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	if len(people) < limit && looked < look {
		next = ""
	}
	return people, next, nil
}

// CountPeople counts a part of an audience.
func (db *DB) CountPeople(ctx context.Context, a push.Audience, after string) (n int, next string, err error) {
	q, args := countOfThese, audienceArgs(a, after, audienceCount)
	if a.All {
		q, args = countOfAll, []any{after, audienceCount}
	}
	var looked int
	var last any
	if err := db.row(ctx, q, args...).Scan(&n, &looked, &last); err != nil {
		return 0, "", fmt.Errorf("count an audience: %w", err)
	}
	if looked < audienceCount {
		return n, "", nil
	}
	return n, unkey(last), nil
}
