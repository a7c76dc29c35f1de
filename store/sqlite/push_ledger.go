package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/balagh/balagh/push"
)

// docCentre is the centre of a message or delivery. A generated column would be computed with every write of a row; a partial index
// computes it for the few rows that it holds.
const docCentre = `iif(json_valid(doc), coalesce(doc ->> 'centre', ''), '')`

// What staff look through is rare beside what goes well, so its indexes are partial and hold every column that is filtered by. Those
// for a centre hold its rows in the order of the list: several centres are read beside each other and merged.
const ledgerSchema = `
CREATE INDEX messages_unreached ON messages(unreached, id, why) WHERE unreached IS NOT NULL;
CREATE INDEX messages_unreached_id ON messages(id, why) WHERE unreached IS NOT NULL;
CREATE INDEX messages_unreached_centre ON messages(` + docCentre + `, unreached, id, why) WHERE unreached IS NOT NULL;
CREATE INDEX deliveries_dead ON deliveries(changed, id, channel, reason) WHERE state IN ('failed', 'expired');
CREATE INDEX deliveries_dead_centre ON deliveries(` + docCentre + `, changed, id, channel, reason) WHERE state IN ('failed', 'expired');
CREATE TABLE sms_spent(
	day   TEXT NOT NULL,
	scope TEXT NOT NULL, -- a centre's code, or push.TotalScope
	spent INTEGER NOT NULL,
	PRIMARY KEY(day, scope)
) WITHOUT ROWID;`

// ReportTrails are those of a citizen about a report.
func (db *DB) ReportTrails(ctx context.Context, citizen, report string) ([]push.Trail, error) {
	rows, err := db.query(ctx, `SELECT delivered, read, doc, step, chain, unreached, why FROM messages
		WHERE citizen = ? AND iif(json_valid(doc), doc ->> 'report', '') = ? ORDER BY at, id`,
		citizen, report)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	defer rows.Close()
	all := []push.Trail{}
	for rows.Next() {
		var t push.Trail
		var chain, unreached *int64
		if t.Message, err = readMessage(rows, &t.Step, &chain, &unreached, &t.Unreached); errors.As(err, &unreadable{}) {
			continue
		} else if err != nil {
			return nil, err
		}
		t.Next, t.Since = momentOrZero(chain), momentOrZero(unreached)
		all = append(all, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Deliveries, err = db.Deliveries(ctx, all[i].Message.ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// momentOrZero is a moment out of a column that may be NULL.
func momentOrZero(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return moment(*ms)
}

// before is where a list from the newest to the oldest goes on, as a pair of columns.
func before(p push.Position) (int64, string) {
	if p.At.IsZero() {
		return math.MaxInt64, ""
	}
	return millis(p.At), p.ID
}

// ofCentres reads a page of a list for each centre, or with nil once for every one, and merges them.
func ofCentres[T any](centres []string, limit int, read func(centre *string) ([]T, error), at func(T) push.Position) ([]T, error) {
	if centres == nil {
		return read(nil)
	}
	var all []T
	for _, c := range centres {
		some, err := read(&c)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b T) int {
		return cmp.Or(at(b).At.Compare(at(a).At), cmp.Compare(at(b).ID, at(a).ID))
	})
	return all[:min(len(all), limit)], nil
}

const (
	unreachedPage = `SELECT delivered, read, doc, unreached, why, citizen, at, id FROM messages INDEXED BY messages_unreached
		WHERE unreached IS NOT NULL AND (unreached, id) < (?1, ?2) AND (?3 = '' OR why = ?3) ORDER BY unreached DESC, id DESC LIMIT ?4+0`
	unreachedOfCentre = `SELECT delivered, read, doc, unreached, why, citizen, at, id FROM messages INDEXED BY messages_unreached_centre
		WHERE unreached IS NOT NULL AND (unreached, id) < (?1, ?2) AND (?3 = '' OR why = ?3) AND ` + docCentre + ` = ?5 ORDER BY unreached DESC, id DESC LIMIT ?4+0`
	unreachedCount         = `SELECT count(*) FROM messages INDEXED BY messages_unreached WHERE unreached IS NOT NULL AND unreached >= ?1 AND unreached < ?2`
	unreachedCountOfCentre = `SELECT count(*) FROM messages INDEXED BY messages_unreached_centre
		WHERE unreached IS NOT NULL AND unreached >= ?1 AND unreached < ?2 AND ` + docCentre + ` = ?3`
)

// UnreachedMessages is a page of them.
func (db *DB) UnreachedMessages(ctx context.Context, centres []string, why string, after push.Position, limit int) ([]push.Unreached, error) {
	at, id := before(after)
	return ofCentres(centres, limit, func(centre *string) ([]push.Unreached, error) {
		q, args := unreachedPage, []any{at, id, why, limit}
		if centre != nil {
			q, args = unreachedOfCentre, append(args, *centre)
		}
		rows, err := db.query(ctx, q, args...)
		if err != nil {
			return nil, fmt.Errorf("read who was not reached: %w", err)
		}
		defer rows.Close()
		var all []push.Unreached
		for rows.Next() {
			var u push.Unreached
			var since, at int64
			var citizen, id string
			if u.Message, err = readMessage(rows, &since, &u.Why, &citizen, &at, &id); errors.As(err, &unreadable{}) {
				u.Message = push.Message{ID: id, Citizen: citizen, At: moment(at)} // by name at least
			} else if err != nil {
				return nil, err
			}
			u.Since = moment(since)
			all = append(all, u)
		}
		return all, rows.Err()
	}, func(u push.Unreached) push.Position { return push.Position{At: u.Since, ID: u.Message.ID} })
}

const givenUp = `SELECT id, why FROM messages WHERE unreached IS NOT NULL AND id IN (SELECT value FROM json_each(?))`

// GivenUp says why.
func (db *DB) GivenUp(ctx context.Context, messages []string) (map[string]string, error) {
	ids, err := json.Marshal(messages)
	if err != nil {
		return nil, err
	}
	rows, err := db.query(ctx, givenUp, string(ids))
	if err != nil {
		return nil, fmt.Errorf("read which messages were given up: %w", err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var id, why string
		if err := rows.Scan(&id, &why); err != nil {
			return nil, err
		}
		all[id] = why
	}
	return all, rows.Err()
}

// CountUnreached counts them.
func (db *DB) CountUnreached(ctx context.Context, centres []string, from, to time.Time) (n int, err error) {
	if centres == nil {
		err = db.row(ctx, unreachedCount, millis(from), millis(to)).Scan(&n)
		return n, err
	}
	for _, c := range centres {
		var some int
		if err := db.row(ctx, unreachedCountOfCentre, millis(from), millis(to), c).Scan(&some); err != nil {
			return 0, err
		}
		n += some
	}
	return n, nil
}

const (
	deadPage = `SELECT ` + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_dead WHERE state IN ('failed', 'expired')
		AND (changed, id) < (?1, ?2) AND (?3 = '' OR channel = ?3) AND (?4 = '' OR reason = ?4) ORDER BY changed DESC, id DESC LIMIT ?5+0`
	deadOfCentre = `SELECT ` + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_dead_centre WHERE state IN ('failed', 'expired')
		AND (changed, id) < (?1, ?2) AND (?3 = '' OR channel = ?3) AND (?4 = '' OR reason = ?4) AND ` + docCentre + ` = ?6 ORDER BY changed DESC, id DESC LIMIT ?5+0`
)

// DeadDeliveries is a page of them.
func (db *DB) DeadDeliveries(ctx context.Context, f push.DeadFilter, after push.Position, limit int) ([]push.Delivery, error) {
	at, id := before(after)
	return ofCentres(f.Centres, limit, func(centre *string) ([]push.Delivery, error) {
		q, args := deadPage, []any{at, key(id), f.Channel, f.Reason, limit}
		if centre != nil {
			q, args = deadOfCentre, append(args, *centre)
		}
		rows, err := db.query(ctx, q, args...)
		if err != nil {
			return nil, fmt.Errorf("read dead letters: %w", err)
		}
		defer rows.Close()
		var all []push.Delivery
		for rows.Next() {
			d, err := readDelivery(rows)
			if err != nil && !errors.As(err, &unreadable{}) { // one that cannot be read is listed as far as it can
				return nil, err
			}
			all = append(all, d)
		}
		return all, rows.Err()
	}, func(d push.Delivery) push.Position { return push.Position{At: d.Changed, ID: d.ID} })
}

// RetryDeliveries queues dead deliveries again.
func (db *DB) RetryDeliveries(ctx context.Context, retries []push.Retry, now time.Time) (int, error) {
	docs := make([][]byte, len(retries))
	for i, r := range retries {
		d := r.Delivery
		d.Collapse = "" // it must not take the place of what was said since
		var err error
		if docs[i], err = deliveryDocOf(d); err != nil {
			return 0, err
		}
	}
	var n int
	err := db.write(ctx, func(t *tx) error {
		n = 0
		c := counts{}
		for i, r := range retries {
			queued, err := t.retry(r, docs[i], now)
			if err != nil {
				return fmt.Errorf("retry deliveries: %w", err)
			}
			if queued {
				n++
				c.take(r.Delivery)
			}
		}
		return t.count(c)
	})
	return n, err
}

func (t *tx) retry(r push.Retry, doc []byte, now time.Time) (bool, error) {
	d := r.Delivery
	if d.Citizen != "" { // a topic has no message
		var going bool
		if err := t.row(`SELECT EXISTS(SELECT 1 FROM messages WHERE citizen = ? AND at = ? AND id = ? AND (chain IS NOT NULL OR unreached IS NOT NULL))`,
			d.Citizen, millis(d.At), d.Message).Scan(&going); err != nil || !going {
			return false, err
		}
	}
	n, err := t.exec(`UPDATE deliveries SET state = 'queued', due = ?, attempts = 0, reason = '', ref = '', changed = ?1, deadline = ?, doc = ?
		WHERE message = ? AND id = ? AND state = ? AND changed = ? AND state IN ('failed', 'expired')`, millis(now), millis(r.Deadline), doc, key(d.Message), key(d.ID), d.State, millis(d.Changed))
	if err != nil || n == 0 {
		return false, err
	}
	_, err = t.exec(`UPDATE messages SET since = ?, chain = ?, unreached = NULL, why = '' WHERE citizen = ? AND at = ? AND id = ? AND unreached IS NOT NULL`,
		millis(now), millis(r.Chain), d.Citizen, millis(d.At), d.Message)
	return true, err
}

const (
	countedDeliveries = `SELECT channel, outcome, reason, bucket, sum(n) FROM delivery_counts WHERE day >= ?1 AND day <= ?2
		AND (?3 IS NULL OR centre IN (SELECT value FROM json_each(?3))) AND (?4 = '' OR channel = ?4) GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0`
	spentThrough = `SELECT scope, sum(spent) FROM sms_spent WHERE day >= ? AND day <= ? GROUP BY 1`
)

// CountDeliveries adds up a range of the primary key.
func (db *DB) CountDeliveries(ctx context.Context, f push.CountFilter) ([]push.DeliveryCount, error) {
	rows, err := db.query(ctx, countedDeliveries, f.From, f.Through, codesOrNull(f.Centres), f.Channel)
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	defer rows.Close()
	var all []push.DeliveryCount
	for rows.Next() {
		var c push.DeliveryCount
		if err := rows.Scan(&c.Channel, &c.Outcome, &c.Reason, &c.Bucket, &c.N); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Spend adds to both scopes or to none.
func (db *DB) Spend(ctx context.Context, s push.Spending) (over string, err error) {
	err = db.write(ctx, func(t *tx) error {
		over = ""
		scopes := []struct {
			name  string
			limit int64
		}{{push.TotalScope, s.Limit}, {s.Centre, s.PerCentre}}
		if s.Centre == "" {
			scopes = scopes[:1]
		}
		for _, scope := range scopes {
			var spent int64
			if err := t.row(`SELECT coalesce(max(spent), 0) FROM sms_spent WHERE day = ? AND scope = ?`, s.Day, scope.name).Scan(&spent); err != nil {
				return err
			}
			if over == "" && s.Amount > 0 && scope.limit > 0 && spent+s.Amount > scope.limit {
				over = scope.name
			}
		}
		if over != "" && !s.Forced {
			return nil
		}
		for _, scope := range scopes {
			if _, err := t.exec(`INSERT INTO sms_spent(day, scope, spent) VALUES(?1, ?2, max(0, ?3)) ON CONFLICT DO UPDATE SET spent = max(0, spent + ?3)`,
				s.Day, scope.name, s.Amount); err != nil {
				return err
			}
		}
		return nil
	})
	return over, err
}

// Spent adds up by scope.
func (db *DB) Spent(ctx context.Context, from, through string) (map[string]int64, error) {
	rows, err := db.query(ctx, spentThrough, from, through)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	spent := map[string]int64{}
	for rows.Next() {
		var scope string
		var n int64
		if err := rows.Scan(&scope, &n); err != nil {
			return nil, err
		}
		spent[scope] = n
	}
	return spent, rows.Err()
}
