package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// NextChain is when the next one has to be looked at.
func (db *DB) NextChain(ctx context.Context) (time.Time, bool, error) {
	var due int64
	err := absent(db.row(ctx, `SELECT chain FROM messages WHERE chain IS NOT NULL ORDER BY chain LIMIT 1`).Scan(&due))
	if fault.CodeOf(err) == fault.NotFound {
		return time.Time{}, false, nil
	}
	return moment(due), err == nil, err
}

// LeaseChains takes those that are due.
func (db *DB) LeaseChains(ctx context.Context, now time.Time, ttl time.Duration, limit int) ([]push.Chain, error) {
	var all []push.Chain
	err := db.write(ctx, func(t *tx) error {
		all = all[:0]
		var poisoned []push.Message
		rows, err := t.query(`UPDATE messages SET chain = ?1 WHERE (citizen, at, id) IN
			(SELECT citizen, at, id FROM messages WHERE chain IS NOT NULL AND chain <= ?2 ORDER BY chain LIMIT ?3+0) RETURNING delivered, read, doc, step, since, citizen, at, id`,
			millis(now.Add(ttl)), millis(now), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			x := push.Chain{Due: now.Add(ttl)}
			var since, at int64
			var citizen, id string
			x.Message, err = readMessage(rows, &x.Step, &since, &citizen, &at, &id)
			switch {
			case errors.As(err, &unreadable{}):
				poisoned = append(poisoned, push.Message{Citizen: citizen, At: moment(at), ID: id})
			case err != nil:
				return err
			default:
				x.Since = moment(since)
				all = append(all, x)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, m := range poisoned { // nobody can follow it; it harms no other, and is seen among those that reached nobody
			if _, err := t.exec(`UPDATE messages SET chain = NULL, unreached = ?, why = ? WHERE citizen = ? AND at = ? AND id = ?`,
				millis(now), push.AllFailed, m.Citizen, millis(m.At), m.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lease chains: %w", err)
	}
	for i := range all {
		if all[i].Deliveries, err = db.Deliveries(ctx, all[i].Message.ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// MoveChains writes what is to be done next.
func (db *DB) MoveChains(ctx context.Context, moves []push.ChainMove) (int, error) {
	docs := make([][][]byte, len(moves))
	for i, m := range moves {
		var err error
		if docs[i], err = deliveryDocs(m.Plan.Deliveries); err != nil {
			return 0, err
		}
	}
	var n int
	err := db.write(ctx, func(t *tx) error {
		n = 0
		for i, m := range moves {
			p, msg := m.Plan, m.Chain.Message
			held, err := t.exec(`UPDATE messages SET step = ?, since = ?, chain = ?, unreached = ?, why = ? WHERE citizen = ? AND at = ? AND id = ? AND chain = ?`,
				p.Step, millis(p.Since), orNull(p.Due), unreachedSince(p), p.Unreached, msg.Citizen, millis(msg.At), msg.ID, millis(m.Chain.Due))
			if err != nil {
				return err
			}
			if held > 0 {
				if err := t.queue(p.Deliveries, docs[i]); err != nil {
					return err
				}
				n += len(docs[i])
				if err := t.countQueued(msg.Broadcast, len(docs[i])); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("move chains: %w", err)
	}
	return n, nil
}
