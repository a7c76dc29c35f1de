package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/balagh/balagh/surveys"
)

// Cases lie in the order of their citizens, so that a frame is one pass over the table, which reads nothing but packed. Whose a
// report is never changes.
const casesSchema = `
CREATE TABLE cases(
	citizen  BLOB NOT NULL,
	report   BLOB NOT NULL,
	packed   BLOB NOT NULL, -- see packCase
	changed  INTEGER NOT NULL,
	status   TEXT NOT NULL,
	due      INTEGER,
	PRIMARY KEY(citizen, report)
) WITHOUT ROWID;
CREATE INDEX cases_due ON cases(due, report) WHERE due IS NOT NULL;`

// PutCase writes a case unless it knows better.
func (db *DB) PutCase(ctx context.Context, c surveys.Case) error {
	packed := packCase(&c)
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO cases(citizen, report, packed, changed, status, due) VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE
			SET packed = excluded.packed, changed = excluded.changed, status = excluded.status, due = excluded.due WHERE excluded.changed >= changed`,
			key(c.Citizen), key(c.Report), packed, millis(c.Changed), c.Status, orNull(c.Due))
		return err
	})
}

const overdueCases = `SELECT packed, changed, status, due FROM cases WHERE due < ? ORDER BY due, report LIMIT ?+0`

// OverdueCases reads a handful.
func (db *DB) OverdueCases(ctx context.Context, now time.Time, limit int) ([]surveys.Case, error) {
	rows, err := db.query(ctx, overdueCases, millis(now), limit)
	if err != nil {
		return nil, fmt.Errorf("read overdue cases: %w", err)
	}
	defer rows.Close()
	var all []surveys.Case
	for rows.Next() {
		var packed []byte
		var changed, due int64
		var status string
		if err := rows.Scan(&packed, &changed, &status, &due); err != nil {
			return nil, err
		}
		c, err := unpackCase(packed)
		if err != nil {
			return nil, err
		}
		c.Changed, c.Status, c.Due = moment(changed), status, moment(due)
		all = append(all, c)
	}
	return all, rows.Err()
}

const casesOf = `SELECT packed FROM cases WHERE citizen = ?`

// FirstReceived looks at all cases of a citizen, who never has many.
func (db *DB) FirstReceived(ctx context.Context, citizen string) (first time.Time, err error) {
	rows, err := db.query(ctx, casesOf, key(citizen))
	if err != nil {
		return first, fmt.Errorf("read the cases of a citizen: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var packed sql.RawBytes
		if err := rows.Scan(&packed); err != nil {
			return first, err
		}
		c, err := unpackCase(packed)
		if err != nil {
			return first, err
		}
		if first.IsZero() || c.Received.Before(first) {
			first = c.Received
		}
	}
	return first, rows.Err()
}

const forgetDue = `UPDATE cases SET due = NULL WHERE due = ? AND report = ?`

// ForgetDue forgets it unless it is another by now.
func (db *DB) ForgetDue(ctx context.Context, report string, due time.Time) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(forgetDue, millis(due), key(report))
		return err
	})
}
