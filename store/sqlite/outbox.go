package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/balagh/balagh/event"
)

// Facts come and go by the thousand, so they cost one tree each way: the order in which they were written is their key, and
// which of them may go is found by reading from the front. A fence begins at random, so that a key that is used again is no
// trap for somebody who held the fact that had it before.
const outboxSchema = `
CREATE TABLE outbox(
	seq      INTEGER PRIMARY KEY,
	subject  TEXT NOT NULL,
	at       INTEGER NOT NULL,
	due      INTEGER NOT NULL DEFAULT -1099511627776, -- leased or waiting until then; before that 1935, as wide as now: a lease is written in place
	fence    INTEGER NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	doc      BLOB NOT NULL
);
CREATE TABLE parked(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, attempts INTEGER NOT NULL, doc BLOB NOT NULL);`

var _ event.Outbox = (*DB)(nil)

// Wake is signalled after a commit that wrote facts.
func (db *DB) Wake() <-chan struct{} { return db.wake }

// Lease takes the facts that are due.
func (db *DB) Lease(ctx context.Context, now time.Time, ttl time.Duration, limit int) ([]event.Leased, error) {
	var held []event.Leased
	var docs [][]byte
	err := db.write(ctx, func(t *tx) error {
		held, docs = nil, nil
		never := now.Add(event.LongestWait).UnixMilli() // written by a clock that was wrong
		rows, err := t.query(`SELECT seq, subject, due, fence, attempts, CASE WHEN due > ?1 AND due <= ?2 THEN NULL ELSE doc END FROM outbox ORDER BY seq`,
			now.UnixMilli(), never)
		if err != nil {
			return err
		}
		defer rows.Close()
		var seqs []int64
		waits := map[string]bool{} // subjects of which an earlier fact may not go
		for len(held) < limit && rows.Next() {
			var l event.Leased
			var due int64
			var doc []byte
			if err := rows.Scan(&l.Seq, &l.Subject, &due, &l.Fence, &l.Attempts, &doc); err != nil {
				return err
			}
			if due > now.UnixMilli() && due <= never || waits[l.Subject] {
				waits[l.Subject] = true
				continue
			}
			l.Fence++
			held, docs, seqs = append(held, l), append(docs, doc), append(seqs, l.Seq)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(seqs) == 0 {
			return err
		}
		_, err = t.exec(`UPDATE outbox SET due = ?, fence = fence + 1 WHERE seq IN (SELECT value FROM json_each(?))`, now.Add(ttl).UnixMilli(), jsonList(seqs))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lease events: %w", err)
	}
	return db.readable(ctx, held, docs)
}

// readable decodes facts, beside the writer. A row that nobody can read is parked: it must not stop the others.
func (db *DB) readable(ctx context.Context, held []event.Leased, docs [][]byte) ([]event.Leased, error) {
	leased := held[:0]
	var broken []int64
	for i, l := range held {
		if err := json.Unmarshal(docs[i], &l.Event); err != nil {
			broken = append(broken, l.Seq)
			continue
		}
		leased = append(leased, l)
	}
	if len(broken) > 0 {
		if err := db.write(ctx, func(t *tx) error { return t.park(broken) }); err != nil {
			return nil, fmt.Errorf("park events: %w", err)
		}
	}
	return leased, nil
}

// jsonList is a JSON list, for json_each.
func jsonList[T ~int64 | ~string](vs []T) string {
	b, _ := json.Marshal(vs)
	return string(b)
}

func (t *tx) park(seqs []int64) error {
	if _, err := t.exec(`INSERT INTO parked(at, attempts, doc) SELECT at, attempts, doc FROM outbox WHERE seq IN (SELECT value FROM json_each(?))`, jsonList(seqs)); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(?))`, jsonList(seqs))
	return err
}

// Done removes what was handed on.
func (db *DB) Done(ctx context.Context, done []event.Leased) error {
	held := make([][2]int64, len(done))
	for i, l := range done {
		held[i] = [2]int64{l.Seq, l.Fence}
	}
	b, err := json.Marshal(held)
	if err != nil {
		return err
	}
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM outbox WHERE (seq, fence) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`, string(b))
		return err
	})
}

// Retry lets a fact and those behind it wait, or parks it.
func (db *DB) Retry(ctx context.Context, failed event.Leased, behind []event.Leased, at time.Time, park bool) error {
	err := db.write(ctx, func(t *tx) error {
		due := at.UnixMilli()
		n, err := t.exec(`UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE seq = ? AND fence = ?`, due, failed.Seq, failed.Fence)
		if err != nil || n == 0 {
			return err
		}
		if park {
			due = 0
			if err := t.park([]int64{failed.Seq}); err != nil {
				return err
			}
		}
		for _, l := range behind {
			if _, err := t.exec(`UPDATE outbox SET due = ? WHERE seq = ? AND fence = ?`, due, l.Seq, l.Fence); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put events back: %w", err)
	}
	return nil
}

// manyFacts is a number of waiting facts that nobody counts one by one.
const manyFacts = 10_000

// Lag counts what waits; of very many it gives the distance from the first to the last.
func (db *DB) Lag(ctx context.Context, now time.Time) (event.Lag, error) {
	var lag event.Lag
	var oldest int64
	var apart int
	err := db.row(ctx, `SELECT coalesce(max(seq) - min(seq) + 1, 0), (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?2)),
		coalesce((SELECT at FROM outbox WHERE due <= ?1 ORDER BY seq LIMIT 1), 0), (SELECT count(*) FROM parked) FROM outbox`,
		now.UnixMilli(), manyFacts).Scan(&apart, &lag.Pending, &oldest, &lag.Parked)
	if lag.Pending == manyFacts {
		lag.Pending = apart
	}
	if err != nil {
		return event.Lag{}, fmt.Errorf("count events: %w", err)
	}
	if oldest > 0 {
		lag.Oldest = max(0, now.Sub(time.UnixMilli(oldest)))
	}
	return lag, nil
}

// Publish writes facts that no aggregate goes with.
func (db *DB) Publish(ctx context.Context, events ...event.Event) error {
	return db.write(ctx, func(t *tx) error { return t.publish(events) })
}
