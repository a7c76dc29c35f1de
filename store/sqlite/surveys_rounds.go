package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// due is when the runner looks at a round, and NULL when there is nothing to do for it: rounds_due holds a handful.
const roundsSchema = `
CREATE TABLE rounds(
	id        BLOB PRIMARY KEY,
	programme TEXT NOT NULL,
	ends      INTEGER NOT NULL, -- of its window
	busy      INTEGER NOT NULL, -- its due is now, or a lease
	due       INTEGER,
	rev       INTEGER NOT NULL,
	doc       BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX rounds_programme ON rounds(programme, ends, id);
CREATE INDEX rounds_ends ON rounds(ends, id);
CREATE INDEX rounds_due ON rounds(due) WHERE due IS NOT NULL;`

// CreateRound adds one.
func (db *DB) CreateRound(ctx context.Context, r *surveys.Round) error {
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode a round: %w", err)
	}
	err = db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO rounds(id, programme, ends, busy, due, rev, doc) VALUES(?,?,?,?,?,?,?)`, key(r.ID),
			r.Programme.Code, millis(r.To),
			busy(r), orNull(r.Due), r.Rev, doc)
		return err
	})
	if unique(err) {
		return fault.New(fault.Exists)
	}
	return err
}

// busy says whether the round is worked on, so that no Due of it may be far away.
func busy(r *surveys.Round) bool {
	return r.State == surveys.RoundDrawing || r.State == surveys.RoundInviting || r.State == surveys.RoundClosing
}

const (
	roundsAll = `SELECT doc FROM rounds ORDER BY ends DESC, id DESC`
	roundsOf  = `SELECT doc FROM rounds WHERE programme = ? ORDER BY ends DESC, id DESC`
)

// Round reads one.
func (db *DB) Round(ctx context.Context, id string) (*surveys.Round, error) {
	return doc[surveys.Round](db.row(ctx, `SELECT doc FROM rounds WHERE id = ?`, key(id)))
}

// Rounds reads those of a programme, or all.
func (db *DB) Rounds(ctx context.Context, programme string) ([]*surveys.Round, error) {
	if programme == "" {
		return docs[surveys.Round](db.query(ctx, roundsAll))
	}
	return docs[surveys.Round](db.query(ctx, roundsOf, programme))
}

// UpdateRound changes one.
func (db *DB) UpdateRound(ctx context.Context, id string, change func(*surveys.Round) error) (*surveys.Round, error) {
	var r *surveys.Round
	err := db.race(ctx, func() (write func(*tx) (bool, error), err error) {
		if r, err = db.Round(ctx, id); err != nil {
			return nil, err
		}
		was := r.Rev
		if err := change(r); err != nil {
			return nil, err
		}
		r.ID, r.Rev = id, was+1
		b, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encode a round: %w", err)
		}
		return func(t *tx) (bool, error) { return t.putRound(r, was, b) }, nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (t *tx) putRound(r *surveys.Round, was int64, doc []byte) (won bool, err error) {
	n, err := t.exec(`UPDATE rounds SET ends = ?, busy = ?, due = ?, rev = ?, doc = ? WHERE id = ? AND rev = ?`, millis(r.To),
		busy(r), orNull(r.Due), r.Rev, doc, key(r.ID), was)
	return n == 1, err
}

// dueRound is the one that is due at ?1 and waited longest; ?2 is when a lease taken now
// ends. The index holds a handful and is read from its front.
const dueRound = `SELECT id, doc FROM rounds WHERE due IS NOT NULL AND (+due <= ?1 OR busy AND +due > ?2) ORDER BY due LIMIT 1`

// LeaseRound takes one that is due.
func (db *DB) LeaseRound(ctx context.Context, now time.Time, ttl time.Duration) (*surveys.Round, error) {
	at, until := millis(now), millis(now.Add(ttl))
	var r *surveys.Round
	err := db.race(ctx, func() (write func(*tx) (bool, error), err error) {
		var k any
		var b []byte
		if err := absent(db.row(ctx, dueRound, at, until).Scan(&k, &b)); err != nil {
			return nil, err
		}
		r = new(surveys.Round)
		if json.Unmarshal(b, r) != nil { // it holds up no other
			return func(t *tx) (bool, error) {
				_, err := t.exec(`UPDATE rounds SET due = NULL WHERE id = ?`, k)
				return false, err
			}, nil
		}
		was := r.Rev
		r.Due, r.Rev = moment(until), was+1
		if b, err = json.Marshal(r); err != nil {
			return nil, fmt.Errorf("encode a round: %w", err)
		}
		return func(t *tx) (bool, error) { return t.putRound(r, was, b) }, nil
	})
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("lease a round: %w", err)
	}
	return r, nil
}
