package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// deliveryDoc is what no column of a delivery holds. A row is written three times in its life, so it has to be small.
type deliveryDoc struct {
	Citizen   string    `json:"citizen,omitempty"`
	Kind      push.Kind `json:"kind"`
	Report    string    `json:"report,omitempty"`
	Number    string    `json:"number,omitempty"`
	Centre    string    `json:"centre,omitempty"`
	Broadcast string    `json:"broadcast,omitempty"`
	Collapse  string    `json:"collapse,omitempty"`
	Urgent    bool      `json:"urgent,omitempty"`
	Day       string    `json:"day"`

	Survey *push.Survey `json:"survey,omitempty"`
}

func deliveryDocOf(d push.Delivery) ([]byte, error) {
	doc, err := json.Marshal(deliveryDoc{d.Citizen, d.Kind, d.Report, d.Number, d.Centre, d.Broadcast, d.Collapse, d.Urgent, d.Day, d.Survey})
	if err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	return doc, nil
}

func deliveryDocs(deliveries []push.Delivery) ([][]byte, error) {
	docs := make([][]byte, len(deliveries))
	for i, d := range deliveries {
		var err error
		if docs[i], err = deliveryDocOf(d); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// queue adds deliveries; those that are there already stay as they are.
func (t *tx) queue(deliveries []push.Delivery, docs [][]byte) error {
	for i, d := range deliveries {
		if _, err := t.exec(`INSERT INTO deliveries(message, id, channel, bulk, step, device, at, planned, deadline, state, due, doc) VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
			key(d.Message), key(d.ID), d.Channel, d.Bulk(), d.Step, d.Target, millis(d.At), millis(d.Planned), millis(d.Deadline), push.Queued, millis(d.Due), docs[i]); err != nil {
			return err
		}
	}
	return nil
}

const deliveryColumns = `message, id, channel, step, device, at, planned, deadline, state, due, fence, attempts, reason, ref, changed, doc`

// readDelivery reads deliveryColumns. With unreadable, at least its key is there.
func readDelivery(rows *sql.Rows) (push.Delivery, error) {
	var d push.Delivery
	var message, id any
	var due *int64
	var at, planned, deadline, changed int64
	var doc []byte
	into := []any{&message, &id, &d.Channel, &d.Step, &d.Target, &at, &planned, &deadline, &d.State, &due, &d.Fence, &d.Attempts, &d.Reason, &d.Ref, &changed, &doc}
	if err := rows.Scan(into...); err != nil { // a column of numbers holds something else; those of texts take anything
		var other, when any
		for _, number := range []int{3, 5, 6, 7, 9, 10, 11} {
			into[number] = &other
		}
		into[14] = &when
		if rows.Scan(into...) != nil {
			return d, err
		}
		changed, _ = when.(int64)
		d.Message, d.ID, d.Changed = unkey(message), unkey(id), moment(changed)
		return d, unreadable{err}
	}
	d.Message, d.ID, d.At, d.Planned, d.Deadline, d.Changed = unkey(message), unkey(id), moment(at), moment(planned), moment(deadline), moment(changed)
	if due != nil {
		d.Due = moment(*due)
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return d, unreadable{err}
	}
	return d, nil
}

// unreadable says that a row is there and its document cannot be read.
type unreadable struct{ error }

const deliveriesOf = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE message = ? ORDER BY id`

// Deliveries of a message.
func (db *DB) Deliveries(ctx context.Context, message string) ([]push.Delivery, error) {
	rows, err := db.query(ctx, deliveriesOf, key(message))
	return readDeliveries(rows, err)
}

func (t *tx) deliveries(message string) ([]push.Delivery, error) {
	rows, err := t.query(deliveriesOf, key(message))
	return readDeliveries(rows, err)
}

// readDeliveries leaves out those that cannot be read: they are failed when they are leased.
func readDeliveries(rows *sql.Rows, err error) ([]push.Delivery, error) {
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	defer rows.Close()
	var all []push.Delivery
	for rows.Next() {
		d, err := readDelivery(rows)
		if errors.As(err, &unreadable{}) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// NextDelivery is when the next one is due.
func (db *DB) NextDelivery(ctx context.Context, channel string) (time.Time, bool, error) {
	var due *int64
	err := db.row(ctx, `SELECT min(due) FROM (SELECT (SELECT due FROM deliveries WHERE channel = ?1 AND bulk = 0 AND due IS NOT NULL ORDER BY due LIMIT 1) AS due
		UNION ALL SELECT (SELECT due FROM deliveries WHERE channel = ?1 AND bulk = 1 AND due IS NOT NULL ORDER BY due LIMIT 1))`, channel).Scan(&due)
	if err != nil || due == nil {
		return time.Time{}, false, err
	}
	return moment(*due), true, nil
}

// LeaseDeliveries takes what is due, bulk only as far as nothing else fills the batch. It reads first and then changes each row by its
// key: one statement for both takes half as long again.
func (db *DB) LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int, takeOver bool) ([]push.Delivery, error) {
	var leased []push.Delivery
	err := db.write(ctx, func(t *tx) error {
		leased = leased[:0]
		for bulk := 0; bulk <= 1 && len(leased) < limit; bulk++ {
			rows, err := t.query(`SELECT `+deliveryColumns+` FROM deliveries
				WHERE channel = ? AND bulk = ? AND due <= ? AND (? OR state = 'queued') ORDER BY due LIMIT ?+0`, channel, bulk, millis(now), takeOver, limit-len(leased))
			if err != nil {
				return err
			}
			var poisoned []push.Delivery
			if leased, poisoned, err = readDue(rows, leased); err != nil {
				return err
			}
			for _, d := range poisoned {
				if _, err := t.exec(`UPDATE deliveries SET state = 'failed', reason = 'unreadable', due = NULL, changed = ? WHERE message = ? AND id = ?`,
					millis(now), key(d.Message), key(d.ID)); err != nil {
					return err
				}
			}
		}
		for i := range leased {
			d := &leased[i]
			d.State, d.Due, d.Fence, d.Changed = push.Leased, now.Add(ttl), d.Fence+1, now
			if _, err := t.exec(`UPDATE deliveries SET state = 'leased', due = ?, fence = ?, changed = ? WHERE message = ? AND id = ?`,
				millis(d.Due), d.Fence, millis(now), key(d.Message), key(d.ID)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lease deliveries: %w", err)
	}
	return leased, nil
}

// readDue adds the deliveries that can be read, and gives apart those that cannot.
func readDue(rows *sql.Rows, due []push.Delivery) (_, poisoned []push.Delivery, err error) {
	defer rows.Close()
	for rows.Next() {
		d, err := readDelivery(rows)
		switch {
		case errors.As(err, &unreadable{}):
			poisoned = append(poisoned, d)
		case err != nil:
			return nil, nil, err
		default:
			due = append(due, d)
		}
	}
	return due, poisoned, rows.Err()
}

// EndLeases ends leases that last too long.
func (db *DB) EndLeases(ctx context.Context, channel string, now time.Time, ttl time.Duration) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE deliveries SET due = ?1 WHERE channel = ?2 AND bulk IN (0, 1) AND due > ?3 AND state = 'leased'`, millis(now), channel, millis(now.Add(ttl)))
		return err
	})
}

// SettleDeliveries writes results.
func (db *DB) SettleDeliveries(ctx context.Context, results []push.Result) error {
	return db.write(ctx, func(t *tx) error {
		c := counts{}
		if err := t.settle(results, c); err != nil {
			return fmt.Errorf("settle deliveries: %w", err)
		}
		return t.count(c)
	})
}

func (t *tx) settle(results []push.Result, c counts) error {
	for _, r := range results {
		d := r.Delivery
		var due any
		if r.State == push.Queued {
			told, err := t.told(d)
			if err != nil {
				return err
			}
			if due = millis(r.Due); told {
				r.State, r.Reason, due = push.Suppressed, "told_otherwise", nil
			}
		}
		n, err := t.exec(`UPDATE deliveries SET state = ?, due = ?, attempts = attempts + ?, reason = ?, ref = ?, changed = ?
			WHERE message = ? AND id = ? AND fence = ? AND state = 'leased'`, r.State, due, r.Attempted, r.Reason, r.Ref, millis(r.At), key(d.Message), key(d.ID), d.Fence)
		if err != nil {
			return err
		}
		if n == 0 || r.State == push.Queued {
			continue
		}
		c.add(d, r.State, r.Reason, r.At)
		switch {
		case r.State != push.Accepted:
			err = t.hurry(d, r.At)
		case d.Step > 0: // the person is told by other means now
			err = t.otherwise(d, r.At, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// otherwise suppresses what is still queued of earlier steps than that of a delivery.
func (t *tx) otherwise(d push.Delivery, at time.Time, c counts) error {
	rows, err := t.query(`UPDATE deliveries SET state = 'suppressed', reason = 'told_otherwise', due = NULL, changed = ? WHERE message = ? AND step < ? AND state = 'queued'
		RETURNING `+deliveryColumns, millis(at), key(d.Message), d.Step)
	suppressed, err := readDeliveries(rows, err)
	for _, x := range suppressed {
		c.add(x, x.State, x.Reason, at)
	}
	return err
}

// told says whether the person learned by other means, while d was leased, what it would say: a later step's channel took it, or with
// an SMS or e-mail the app has the message.
func (t *tx) told(d push.Delivery) (told bool, err error) {
	byApp := d.Channel != push.ChannelSMS && d.Channel != push.ChannelEmail
	err = t.row(`SELECT EXISTS(SELECT 1 FROM deliveries WHERE message = ? AND step > ? AND state IN ('accepted', 'delivered', 'read'))
		OR NOT ? AND EXISTS(SELECT 1 FROM messages WHERE citizen = ? AND at = ? AND id = ? AND delivered > 0)`,
		key(d.Message), d.Step, byApp, d.Citizen, millis(d.At), d.Message).Scan(&told)
	return told, err
}

// hurry lets the chain of a delivery's message be looked at now.
func (t *tx) hurry(d push.Delivery, now time.Time) error {
	_, err := t.exec(`UPDATE messages SET chain = ?1 WHERE citizen = ?2 AND at = ?3 AND id = ?4 AND chain > ?1`, millis(now), d.Citizen, millis(d.At), d.Message)
	return err
}

// Receive notes what a gateway says later.
func (db *DB) Receive(ctx context.Context, r push.Receipt) error {
	return db.write(ctx, func(t *tx) error {
		if r.Once != "" {
			n, err := t.exec(`INSERT INTO receipts(once, at) VALUES(?,?) ON CONFLICT DO NOTHING`, r.Once, millis(r.At))
			if err != nil {
				return err
			}
			if n == 0 {
				return fault.New(fault.Exists)
			}
			if _, err := t.exec(`DELETE FROM receipts WHERE once IN (SELECT once FROM receipts WHERE at < ? LIMIT 100)`, millis(r.At.Add(-receiptsKept))); err != nil {
				return err
			}
		}
		rows, err := t.query(`SELECT `+deliveryColumns+` FROM deliveries WHERE ref = ? AND channel = 'sms' AND ref <> '' LIMIT 1`, r.Ref)
		found, err := readDeliveries(rows, err)
		if err != nil {
			return err
		}
		if len(found) == 0 || found[0].Channel != r.Channel {
			return fault.New(fault.NotFound)
		}
		return t.receive(found[0], r)
	})
}

// receiptsKept is how long a call is known; its signature is refused by its age long before.
const receiptsKept = 24 * time.Hour

func (t *tx) receive(d push.Delivery, r push.Receipt) error {
	if d.State != push.Accepted || r.State == "" {
		return nil
	}
	if _, err := t.exec(`UPDATE deliveries SET state = ?, reason = ?, changed = ? WHERE message = ? AND id = ?`, r.State, r.Reason, millis(r.At), key(d.Message), key(d.ID)); err != nil {
		return err
	}
	c := counts{}
	if r.State == push.Failed {
		c.take(d) // it was not accepted after all
	}
	c.add(d, r.State, r.Reason, r.At)
	if err := t.count(c); err != nil {
		return err
	}
	if r.State != push.Delivered {
		return t.hurry(d, r.At)
	}
	_, err := t.exec(`UPDATE messages SET chain = NULL, unreached = NULL, why = '' WHERE citizen = ? AND at = ? AND id = ?`, d.Citizen, millis(d.At), d.Message)
	return err
}

// QueueDepth counts what waits.
func (db *DB) QueueDepth(ctx context.Context, now time.Time) (map[string]push.Depth, error) {
	all := map[string]push.Depth{}
	for _, channel := range push.Channels {
		var n int
		if err := db.row(ctx, `SELECT count(*) FROM deliveries WHERE channel = ? AND bulk IN (0, 1) AND due IS NOT NULL`, channel).Scan(&n); err != nil {
			return nil, fmt.Errorf("count deliveries: %w", err)
		}
		d := push.Depth{Open: n}
		next, any, err := db.NextDelivery(ctx, channel)
		if err != nil {
			return nil, fmt.Errorf("find the oldest delivery: %w", err)
		}
		if any {
			d.Oldest = max(0, now.Sub(next))
		}
		all[channel] = d
	}
	return all, nil
}

// counts are increments of the figures.
type counts map[countKey]int

type countKey struct {
	day, centre, channel, reason string
	outcome                      push.State
	bucket                       int
	broadcast                    string
}

func (c counts) add(d push.Delivery, s push.State, reason string, at time.Time) {
	c.put(d, s, reason, at, 1)
}

// take back that a delivery came to where it is.
func (c counts) take(d push.Delivery) { c.put(d, d.State, d.Reason, d.Changed, -1) }

// acknowledge counts what a phone said: who read a message has it, and what a phone has was sent to it or fetched.
func (c counts) acknowledge(d push.Delivery, to push.State, reason string, at time.Time) {
	if to == push.Suppressed {
		c.add(d, to, reason, at)
		return
	}
	if d.State.Open() {
		c.add(d, push.Accepted, "", at)
	}
	if d.State != push.Delivered {
		c.add(d, push.Delivered, "", at)
	}
	if to == push.Read {
		c.add(d, push.Read, "", at)
	}
}

// put finds the same class for what is read back, in milliseconds.
func (c counts) put(d push.Delivery, s push.State, reason string, at time.Time, n int) {
	if d.Day != "" {
		c[countKey{d.Day, d.Centre, d.Channel, reason, s, push.DelayBucket(at.Truncate(time.Millisecond).Sub(d.Planned)), d.Broadcast}] += n
	}
}

func (t *tx) count(c counts) error {
	for k, n := range c {
		if _, err := t.exec(`INSERT INTO delivery_counts(day, centre, channel, outcome, reason, bucket, n) VALUES(?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`, k.day, k.centre, k.channel, k.outcome, k.reason, k.bucket, n); err != nil {
			return fmt.Errorf("count deliveries: %w", err)
		}
		if k.broadcast != "" {
			if err := t.countOutcome(k.broadcast, k.outcome, n); err != nil {
				return fmt.Errorf("count a broadcast's deliveries: %w", err)
			}
		}
	}
	return nil
}
