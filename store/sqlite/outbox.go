package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/balagh/balagh/event"
)

const outboxSchema = `
CREATE TABLE outbox(
	seq      INTEGER PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	subject  TEXT NOT NULL,
	at       INTEGER NOT NULL,
	due      INTEGER NOT NULL DEFAULT 0, -- leased until then, or waiting until then
	fence    INTEGER NOT NULL DEFAULT 0,
	attempts INTEGER NOT NULL DEFAULT 0,
	parked   INTEGER NOT NULL DEFAULT 0,
	doc      BLOB NOT NULL
);
CREATE INDEX outbox_subject ON outbox(subject, seq) WHERE parked = 0;
CREATE INDEX outbox_due ON outbox(seq) WHERE parked = 0;`

var _ event.Outbox = (*DB)(nil)

// Wake is signalled after a commit that wrote facts.
func (db *DB) Wake() <-chan struct{} { return db.wake }

// Lease takes the facts that are due.
func (db *DB) Lease(ctx context.Context, now time.Time, ttl time.Duration, limit int) ([]event.Leased, error) {
	var leased []event.Leased
	var broken []int64
	err := db.write(ctx, func(t *tx) error {
		rows, err := t.query(`SELECT seq, fence, attempts, doc FROM outbox o WHERE parked = 0 AND due <= ?1
			AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.parked = 0 AND p.subject = o.subject AND p.seq < o.seq AND p.due > ?1)
			ORDER BY seq LIMIT ?2`, now.UnixMilli(), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l event.Leased
			var b []byte
			if err := rows.Scan(&l.Seq, &l.Fence, &l.Attempts, &b); err != nil {
				return err
			}
			l.Fence++
			if err := json.Unmarshal(b, &l.Event); err != nil {
				broken = append(broken, l.Seq)
				continue
			}
			leased = append(leased, l)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, seq := range broken { // a row that nobody can read must not stop the others
			if _, err := t.exec(`UPDATE outbox SET parked = 1 WHERE seq = ?`, seq); err != nil {
				return err
			}
		}
		for _, l := range leased {
			if _, err := t.exec(`UPDATE outbox SET due = ?, fence = ? WHERE seq = ?`, now.Add(ttl).UnixMilli(), l.Fence, l.Seq); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lease events: %w", err)
	}
	return leased, nil
}

// Done removes what was handed on.
func (db *DB) Done(ctx context.Context, done []event.Leased) error {
	return db.write(ctx, func(t *tx) error {
		for _, l := range done {
			if _, err := t.exec(`DELETE FROM outbox WHERE id = ? AND fence = ?`, l.ID, l.Fence); err != nil {
				return err
			}
		}
		return nil
	})
}

// Retry lets a fact and those behind it wait, or parks it.
func (db *DB) Retry(ctx context.Context, failed event.Leased, behind []event.Leased, at time.Time, park bool) error {
	err := db.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE outbox SET due = ?, attempts = attempts + 1, parked = ? WHERE id = ? AND fence = ?`, at.UnixMilli(), park, failed.ID, failed.Fence)
		if err != nil || n == 0 {
			return err
		}
		due := at.UnixMilli()
		if park {
			due = 0
		}
		for _, l := range behind {
			if _, err := t.exec(`UPDATE outbox SET due = ? WHERE id = ? AND fence = ?`, due, l.ID, l.Fence); err != nil {
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

// Lag counts what waits.
func (db *DB) Lag(ctx context.Context, now time.Time) (event.Lag, error) {
	var lag event.Lag
	var oldest int64
	err := db.row(ctx, `SELECT (SELECT count(*) FROM outbox WHERE parked = 0), (SELECT count(*) FROM outbox WHERE parked = 1),
		coalesce((SELECT at FROM outbox WHERE parked = 0 ORDER BY seq LIMIT 1), 0)`).Scan(&lag.Pending, &lag.Parked, &oldest)
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
