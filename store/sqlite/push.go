package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// A message is written with every fact, so it costs one tree: its key is the order of the inbox. A delivery's key begins
// with its message; due is NULL when nothing is left to do, which keeps deliveries_due as short as the queue.
const pushSchema = `
CREATE TABLE messages(
	citizen   TEXT NOT NULL,
	at        INTEGER NOT NULL,
	id        TEXT NOT NULL,
	delivered INTEGER NOT NULL DEFAULT 0,
	read      INTEGER NOT NULL DEFAULT 0,
	doc       BLOB NOT NULL,
	PRIMARY KEY(citizen, at, id)
) WITHOUT ROWID;
CREATE TABLE deliveries(
	message  TEXT NOT NULL,
	id       TEXT NOT NULL,
	channel  TEXT NOT NULL,
	device   TEXT NOT NULL,
	state    TEXT NOT NULL,
	due      INTEGER,
	fence    INTEGER NOT NULL DEFAULT 0,
	attempts INTEGER NOT NULL DEFAULT 0,
	reason   TEXT NOT NULL DEFAULT '',
	ref      TEXT NOT NULL DEFAULT '',
	changed  INTEGER NOT NULL DEFAULT 0,
	doc      BLOB NOT NULL,
	PRIMARY KEY(message, id)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries(channel, due) WHERE due IS NOT NULL;`

var _ push.Store = (*DB)(nil)

// PlanMessage writes a message with its deliveries, once.
func (db *DB) PlanMessage(ctx context.Context, m push.Message, deliveries []push.Delivery) (int, error) {
	doc, err := json.Marshal(m)
	if err != nil {
		return 0, fmt.Errorf("message: %w", err)
	}
	docs := make([][]byte, len(deliveries))
	for i, d := range deliveries {
		if docs[i], err = json.Marshal(d); err != nil {
			return 0, fmt.Errorf("delivery: %w", err)
		}
	}
	var planned int
	err = db.write(ctx, func(t *tx) error {
		planned = 0
		n, err := t.exec(`INSERT INTO messages(citizen, at, id, doc) VALUES(?,?,?,?) ON CONFLICT DO NOTHING`, m.Citizen, millis(m.At), m.ID, doc)
		if err != nil || n == 0 {
			return err
		}
		for i, d := range deliveries {
			if _, err := t.exec(`INSERT INTO deliveries(message, id, channel, device, state, due, doc) VALUES(?,?,?,?,?,?,?)`,
				d.Message, d.ID, d.Channel, d.Device, push.Queued, millis(d.Planned), docs[i]); err != nil {
				return err
			}
		}
		planned = len(deliveries)
		return nil
	})
	return planned, err
}

// Messages is a page of an inbox.
func (db *DB) Messages(ctx context.Context, citizen string, after push.Position, limit int, unreadOnly bool) ([]push.Message, error) {
	at := int64(math.MaxInt64)
	if !after.At.IsZero() {
		at = millis(after.At)
	}
	q := `SELECT delivered, read, doc FROM messages WHERE citizen = ? AND (at, id) < (?, ?) `
	if unreadOnly {
		q += `AND read = 0 `
	}
	rows, err := db.query(ctx, q+`ORDER BY at DESC, id DESC LIMIT ?+0`, citizen, at, after.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	defer rows.Close()
	var all []push.Message
	for rows.Next() {
		var m push.Message
		var delivered, read int64
		var doc []byte
		if err := rows.Scan(&delivered, &read, &doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &m); err != nil {
			return nil, fmt.Errorf("stored message: %w", err)
		}
		m.DeliveredAt, m.ReadAt = moment(delivered), moment(read)
		all = append(all, m)
	}
	return all, rows.Err()
}

// UnreadMessages counts them.
func (db *DB) UnreadMessages(ctx context.Context, citizen string) (int, error) {
	var n int
	err := db.row(ctx, `SELECT count(*) FROM messages WHERE citizen = ? AND read = 0`, citizen).Scan(&n)
	return n, err
}

// AcknowledgeMessage notes that a message arrived, or was read. The message is found by a read, beside the writer.
func (db *DB) AcknowledgeMessage(ctx context.Context, citizen, id, device string, at time.Time, read bool) error {
	var key, wasDelivered, wasRead int64
	err := db.row(ctx, `SELECT at, delivered, read FROM messages WHERE citizen = ? AND id = ?`, citizen, id).Scan(&key, &wasDelivered, &wasRead)
	if err != nil {
		return absent(err)
	}
	if wasRead > 0 {
		return nil
	}
	return db.write(ctx, func(t *tx) error {
		q := `UPDATE messages SET delivered = iif(delivered = 0, ?1, delivered), read = iif(read = 0 AND ?2, ?1, read)
			WHERE citizen = ?3 AND at = ?4 AND id = ?5`
		if _, err := t.exec(q, millis(at), read, citizen, key, id); err != nil {
			return err
		}
		return acknowledgeDeliveries(t, id, device, at, read)
	})
}

func acknowledgeDeliveries(t *tx, message, device string, at time.Time, read bool) error {
	rows, err := t.query(`SELECT id, device, state FROM deliveries WHERE message = ?`, message)
	if err != nil {
		return err
	}
	type move struct {
		id string
		to push.State
	}
	var moves []move
	for rows.Next() {
		var id, dev string
		var state push.State
		if err := rows.Scan(&id, &dev, &state); err != nil {
			rows.Close()
			return err
		}
		to := push.AfterAcknowledgement(state, read)
		if to != state && (read || device == "" || dev == device) {
			moves = append(moves, move{id, to})
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, m := range moves {
		if _, err := t.exec(`UPDATE deliveries SET state = ?, due = NULL, changed = ? WHERE message = ? AND id = ?`,
			m.to, millis(at), message, m.id); err != nil {
			return err
		}
	}
	return nil
}

const deliveryColumns = `state, due, fence, attempts, reason, ref, changed, doc`

// readDelivery reads deliveryColumns and then the other columns into more.
func readDelivery(r scanner, more ...any) (push.Delivery, error) {
	var d push.Delivery
	var due *int64
	var changed int64
	var doc []byte
	if err := r.Scan(append([]any{&d.State, &due, &d.Fence, &d.Attempts, &d.Reason, &d.Ref, &changed, &doc}, more...)...); err != nil {
		return d, err
	}
	if due != nil {
		d.Due = moment(*due)
	}
	d.Changed = moment(changed)
	if err := json.Unmarshal(doc, &d); err != nil {
		return d, unreadable{err}
	}
	return d, nil
}

// unreadable says that a row is there and its document cannot be read.
type unreadable struct{ error }

// Deliveries of a message.
func (db *DB) Deliveries(ctx context.Context, message string) ([]push.Delivery, error) {
	rows, err := db.query(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE message = ? ORDER BY id`, message)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	defer rows.Close()
	var all []push.Delivery
	for rows.Next() {
		d, err := readDelivery(rows)
		if err != nil {
			return nil, fmt.Errorf("stored delivery: %w", err)
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// NextDelivery is when the next one is due.
func (db *DB) NextDelivery(ctx context.Context, channel string) (time.Time, bool, error) {
	var due int64
	err := db.row(ctx, `SELECT due FROM deliveries WHERE channel = ? AND due IS NOT NULL ORDER BY due LIMIT 1`, channel).Scan(&due)
	if fault.CodeOf(absent(err)) == fault.NotFound {
		return time.Time{}, false, nil
	}
	return moment(due), err == nil, err
}

// LeaseDeliveries takes what is due in one statement.
func (db *DB) LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int) ([]push.Delivery, error) {
	var leased []push.Delivery
	err := db.write(ctx, func(t *tx) error {
		leased = leased[:0]
		rows, err := t.query(`UPDATE deliveries SET state = ?1, due = ?2, fence = fence + 1, changed = ?3 WHERE (message, id) IN
			(SELECT message, id FROM deliveries WHERE channel = ?4 AND due <= ?3 ORDER BY due LIMIT ?5)
			RETURNING `+deliveryColumns+`, message, id`, push.Leased, millis(now.Add(ttl)), millis(now), channel, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		var poisoned []push.Result
		for rows.Next() {
			var message, id string
			d, err := readDelivery(rows, &message, &id)
			if _, bad := err.(unreadable); bad {
				poisoned = append(poisoned, push.Result{Message: message, ID: id, Fence: d.Fence, State: push.Failed, Reason: "unreadable", At: now})
				continue
			}
			if err != nil {
				return err
			}
			leased = append(leased, d)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows.Close()
		return settleDeliveries(t, poisoned)
	})
	if err != nil {
		return nil, fmt.Errorf("lease deliveries: %w", err)
	}
	slices.SortStableFunc(leased, func(a, b push.Delivery) int {
		if c := a.Planned.Compare(b.Planned); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return leased, nil
}

// HoldsDelivery says whether the lease is still good.
func (db *DB) HoldsDelivery(ctx context.Context, d push.Delivery) (bool, error) {
	var n int
	err := db.row(ctx, `SELECT count(*) FROM deliveries WHERE message = ? AND id = ? AND fence = ? AND state = ?`,
		d.Message, d.ID, d.Fence, push.Leased).Scan(&n)
	return n == 1, err
}

// SettleDeliveries writes results.
func (db *DB) SettleDeliveries(ctx context.Context, results []push.Result) error {
	return db.write(ctx, func(t *tx) error { return settleDeliveries(t, results) })
}

func settleDeliveries(t *tx, results []push.Result) error {
	for _, r := range results {
		var due *int64
		if r.State == push.Queued {
			ms := millis(r.Due)
			due = &ms
		}
		if _, err := t.exec(`UPDATE deliveries SET state = ?, due = ?, attempts = attempts + ?, reason = ?, ref = ?, changed = ?
			WHERE message = ? AND id = ? AND fence = ? AND state = ?`,
			r.State, due, r.Attempted, r.Reason, r.Ref, millis(r.At), r.Message, r.ID, r.Fence, push.Leased); err != nil {
			return fmt.Errorf("settle a delivery: %w", err)
		}
	}
	return nil
}
