package sqlite

import (
	"context"
	"math/rand/v2"

	"github.com/balagh/balagh/reports"
)

// recent has a row for each of the last writes of reports, in the order in which they were committed: there is one writer, so no number
// becomes visible before a smaller one. The first row is of no report: the table is never empty, and a position never 0.
const recentSchema = `
CREATE TABLE recent(
	seq    INTEGER PRIMARY KEY,
	report INTEGER NOT NULL -- seq of reports
);
INSERT INTO recent VALUES(1, 0);`

const (
	recentKept = 20_000
	recentTrim = 256 // about so many rows are removed at a time
)

var _ reports.ChangeStore = (*DB)(nil)

// wrote notes that a report is written, in the same commit.
func (t *tx) wrote(report int64) error {
	if _, err := t.exec(`INSERT INTO recent(report) VALUES(?)`, report); err != nil {
		return err
	}
	if rand.IntN(recentTrim) > 0 {
		return nil
	}
	_, err := t.exec(`DELETE FROM recent WHERE seq <= (SELECT max(seq) FROM recent) - ?`, recentKept)
	return err
}

// ChangePosition is the number of the last write.
func (db *DB) ChangePosition(ctx context.Context) (seq int64, err error) {
	err = db.row(ctx, `SELECT max(seq) FROM recent`).Scan(&seq)
	return seq, err
}

// changesQuery reads the end of recent, and each of its reports once.
const changesQuery = `SELECT c.last, r.id, r.number, r.rev, r.status, r.centre, r.department, coalesce(r.doc ->> '$.timeline[#-1].kind', '')
	FROM (SELECT report, max(seq) AS last FROM recent WHERE seq > ?1 GROUP BY report LIMIT ?2+1) c JOIN reports r ON r.seq = c.report ORDER BY c.last`

// Changes gives what was written after a position.
func (db *DB) Changes(ctx context.Context, q reports.ChangesQuery) (list []reports.Changed, whole bool, err error) {
	rows, err := db.query(ctx, changesQuery, q.After, q.Limit)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var c reports.Changed
		var id any
		if err := rows.Scan(&c.Position, &id, &c.Number, &c.Rev, &c.Status, &c.Centre, &c.Department, &c.Change); err != nil {
			return nil, false, err
		}
		if c.ID = unkey(id); q.Known == nil || !q.Known(c.ID, c.Rev) {
			list = append(list, c)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	// Looked at afterwards: what was removed meanwhile was there before.
	var first, last int64
	if err := db.row(ctx, `SELECT min(seq), max(seq) FROM recent`).Scan(&first, &last); err != nil {
		return nil, false, err
	}
	if n > q.Limit || q.After < first-1 || q.After > last { // the last of a store that was restored from a backup
		return nil, false, nil
	}
	return list, true, nil
}
