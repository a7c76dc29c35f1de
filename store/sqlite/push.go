package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/balagh/balagh/push"
)

// A message is written with every fact, so it costs one tree: its key is the order of the inbox. chain is when its chain is looked
// at, and NULL when that is over, which keeps messages_chain as short as what is under way; likewise messages_unreached holds only
// those that reached nobody. A delivery's key begins with its message; due is NULL when nothing is left to do.
const pushSchema = `
CREATE TABLE messages(
	citizen   TEXT NOT NULL,
	at        INTEGER NOT NULL,
	id        TEXT NOT NULL,
	delivered INTEGER NOT NULL DEFAULT 0,
	read      INTEGER NOT NULL DEFAULT 0,
	step      INTEGER NOT NULL DEFAULT 0, -- of the chain
	since     INTEGER NOT NULL DEFAULT 0, -- when the step began
	chain     INTEGER,
	unreached INTEGER, -- since when
	why       TEXT NOT NULL DEFAULT '',
	doc       BLOB NOT NULL,
	PRIMARY KEY(citizen, at, id)
) WITHOUT ROWID;
CREATE INDEX messages_chain ON messages(chain) WHERE chain IS NOT NULL;
CREATE TABLE deliveries(
	message  BLOB NOT NULL,
	id       BLOB NOT NULL,
	channel  TEXT NOT NULL,
	bulk     INTEGER NOT NULL,
	step     INTEGER NOT NULL,
	device   TEXT NOT NULL,
	at       INTEGER NOT NULL, -- of the message
	planned  INTEGER NOT NULL,
	deadline INTEGER NOT NULL,
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
CREATE INDEX deliveries_due ON deliveries(channel, bulk, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_ref ON deliveries(ref) WHERE channel = 'sms' AND ref <> '';
CREATE TABLE delivery_counts(
	day     TEXT NOT NULL,
	centre  TEXT NOT NULL,
	channel TEXT NOT NULL,
	outcome TEXT NOT NULL,
	reason  TEXT NOT NULL,
	bucket  INTEGER NOT NULL,
	n       INTEGER NOT NULL,
	PRIMARY KEY(day, centre, channel, outcome, reason, bucket)
) WITHOUT ROWID;
CREATE TABLE receipts(once TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX receipts_at ON receipts(at);`

var _ push.Store = (*DB)(nil)

// PlanMessages writes messages with their deliveries, each once.
func (db *DB) PlanMessages(ctx context.Context, planned []push.Planned) (int, error) {
	messages := make([][]byte, len(planned))
	docs := make([][][]byte, len(planned))
	for i, p := range planned {
		var err error
		if messages[i], err = json.Marshal(p.Message); err != nil {
			return 0, fmt.Errorf("message: %w", err)
		}
		if docs[i], err = deliveryDocs(p.Plan.Deliveries); err != nil {
			return 0, err
		}
	}
	var n int
	err := db.write(ctx, func(t *tx) error {
		n = 0
		queued := map[string]int{} // by broadcast
		for i, p := range planned {
			m := p.Message
			isNew, err := t.exec(`INSERT INTO messages(citizen, at, id, step, since, chain, unreached, why, doc) VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
				m.Citizen, millis(m.At), m.ID, p.Plan.Step, millis(p.Plan.Since), orNull(p.Plan.Due), unreachedSince(p.Plan), p.Plan.Unreached, messages[i])
			if err != nil {
				return err
			}
			if isNew > 0 {
				if err := t.queue(p.Plan.Deliveries, docs[i]); err != nil {
					return err
				}
				n += len(docs[i])
				queued[m.Broadcast] += len(docs[i])
			}
		}
		for b, n := range queued {
			if err := t.countQueued(b, n); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// orNull is a moment as a column holds it, NULL for none.
func orNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return millis(at)
}

func unreachedSince(p push.Plan) any {
	if p.Unreached == "" {
		return nil
	}
	return millis(p.Since)
}

// Messages is a page of an inbox.
func (db *DB) Messages(ctx context.Context, citizen string, after push.Position, limit int, unreadOnly bool) ([]push.Message, error) {
	at := int64(math.MaxInt64)
	if !after.At.IsZero() {
		at = millis(after.At)
	}
	q := `SELECT delivered, read, doc FROM messages WHERE citizen = ? AND (at, id) < (?, ?) AND json_valid(doc) `
	if unreadOnly {
		q += `AND read = 0 `
	}
	return db.messages(ctx, q+`ORDER BY at DESC, id DESC LIMIT ?+0`, citizen, at, after.ID, limit)
}

func (db *DB) messages(ctx context.Context, q string, args ...any) ([]push.Message, error) {
	rows, err := db.query(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	defer rows.Close()
	var all []push.Message
	for rows.Next() {
		m, err := readMessage(rows)
		if errors.As(err, &unreadable{}) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// readMessage reads delivered, read and doc, and then the other columns into more.
func readMessage(r scanner, more ...any) (m push.Message, err error) {
	var delivered, read int64
	var doc []byte
	if err := r.Scan(append([]any{&delivered, &read, &doc}, more...)...); err != nil {
		return m, err
	}
	if err := json.Unmarshal(doc, &m); err != nil {
		return m, unreadable{err}
	}
	m.DeliveredAt, m.ReadAt = moment(delivered), moment(read)
	return m, nil
}

// RecentReports reads until it has seen enough.
func (db *DB) RecentReports(ctx context.Context, citizen string, since time.Time, limit int) ([]string, error) {
	rows, err := db.query(ctx, `SELECT coalesce(iif(json_valid(doc), doc ->> 'report', ''), '') FROM messages WHERE citizen = ? AND at >= ? ORDER BY at, id`, citizen, millis(since))
	if err != nil {
		return nil, fmt.Errorf("read recent messages: %w", err)
	}
	defer rows.Close()
	var all []string
	for len(all) < limit && rows.Next() {
		var report string
		if err := rows.Scan(&report); err != nil {
			return nil, err
		}
		if report != "" && !slices.Contains(all, report) {
			all = append(all, report)
		}
	}
	return all, rows.Err()
}

// NewerMessage looks at what the citizen was told since: a few messages.
func (db *DB) NewerMessage(ctx context.Context, citizen, report string, after time.Time, kinds []push.Kind) (newer bool, err error) {
	err = db.row(ctx, `SELECT EXISTS(SELECT 1 FROM messages WHERE citizen = ? AND at > ? AND iif(json_valid(doc), doc ->> 'report', '') = ?
		AND iif(json_valid(doc), doc ->> 'kind', '') IN (SELECT value FROM json_each(?)))`, citizen, millis(after), report, jsonList(kinds)).Scan(&newer)
	return newer, err
}

// UnreadMessages counts them.
func (db *DB) UnreadMessages(ctx context.Context, citizen string) (int, error) {
	var n int
	err := db.row(ctx, `SELECT count(*) FROM messages WHERE citizen = ? AND read = 0`, citizen).Scan(&n)
	return n, err
}

// AcknowledgeMessages notes that messages arrived, or were read. They are found by a read, beside the writer; those that were read
// before cost no write.
func (db *DB) AcknowledgeMessages(ctx context.Context, citizen string, ids []string, device string, at time.Time, read bool) (known []string, err error) {
	rows, err := db.query(ctx, `SELECT id, at, read FROM messages WHERE citizen = ? AND id IN (SELECT value FROM json_each(?))`, citizen, jsonList(ids))
	if err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	defer rows.Close()
	type found struct {
		id string
		at int64
	}
	var news []found
	for rows.Next() {
		var f found
		var wasRead int64
		if err := rows.Scan(&f.id, &f.at, &wasRead); err != nil {
			return nil, err
		}
		known = append(known, f.id)
		if wasRead == 0 {
			news = append(news, f)
		}
	}
	if err := rows.Err(); err != nil || len(news) == 0 {
		return known, err
	}
	return known, db.write(ctx, func(t *tx) error {
		c := counts{}
		for _, m := range news {
			q := `UPDATE messages SET delivered = iif(delivered = 0, ?1, delivered), read = iif(read = 0 AND ?2, ?1, read), chain = NULL, unreached = NULL, why = ''
				WHERE citizen = ?3 AND at = ?4 AND id = ?5`
			if _, err := t.exec(q, millis(at), read, citizen, m.at, m.id); err != nil {
				return err
			}
			if err := t.acknowledge(m.id, device, at, read, c); err != nil {
				return err
			}
		}
		return t.count(c)
	})
}

func (t *tx) acknowledge(message, device string, at time.Time, read bool, c counts) error {
	all, err := t.deliveries(message)
	if err != nil {
		return err
	}
	for _, d := range all {
		to := d.AfterAcknowledgement(device, read)
		if to == d.State {
			continue
		}
		reason := ""
		switch {
		case to == push.Suppressed && read:
			reason = "read_already"
		case to == push.Suppressed:
			reason = "told_otherwise"
		}
		if _, err := t.exec(`UPDATE deliveries SET state = ?, reason = ?, due = NULL, changed = ? WHERE message = ? AND id = ?`, to, reason, millis(at), key(message), key(d.ID)); err != nil {
			return err
		}
		c.acknowledge(d, to, reason, at)
	}
	return nil
}
