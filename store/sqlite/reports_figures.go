package sqlite

import (
	"context"
	"fmt"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/reports"
)

// A mark is a small row of its own, in the commit of the report's: taking it away does not write the whole report once more. The columns
// go that only the index of volumes had.
const reportFiguresSchema = `
CREATE TABLE report_marks(
	seq INTEGER PRIMARY KEY, -- of a report that was written since it was entered
	rev INTEGER NOT NULL     -- its rev then
);
INSERT INTO report_marks SELECT seq, rev FROM reports WHERE day IS NOT NULL;
CREATE TABLE report_pages(
	day    TEXT PRIMARY KEY,
	rev    INTEGER NOT NULL,
	packed BLOB NOT NULL -- see package daybook
);
DROP INDEX reports_volumes;
ALTER TABLE reports DROP COLUMN day;
ALTER TABLE reports DROP COLUMN gender;
ALTER TABLE reports DROP COLUMN residency;
ALTER TABLE reports DROP COLUMN company;`

// markReport is part of every write of a report.
func (t *tx) markReport(seq int64, r *reports.Report) error {
	if r.SelfFiled {
		return nil
	}
	_, err := t.exec(`INSERT OR REPLACE INTO report_marks(seq, rev) VALUES(?,?)`, seq, r.Rev)
	return err
}

// MarkedReports reads them in the order of receipt, in which those of a day lie together.
func (db *DB) MarkedReports(ctx context.Context, limit int) ([]*reports.Report, error) {
	return docs[reports.Report](db.query(ctx, `SELECT r.doc FROM report_marks m CROSS JOIN reports r ON r.seq = m.seq ORDER BY m.seq LIMIT ?+0`, limit))
}

// UnmarkReports takes marks away.
func (db *DB) UnmarkReports(ctx context.Context, revs map[string]int64) error {
	return db.write(ctx, func(t *tx) error {
		for id, rev := range revs {
			if _, err := t.exec(`DELETE FROM report_marks WHERE seq = (SELECT seq FROM reports WHERE id = ?) AND rev = ?`, key(id), rev); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReportPages reads the pages of reports.
func (db *DB) ReportPages(ctx context.Context, from, through string, known map[string]int64) ([]daybook.Kept, error) {
	return db.pages(ctx, "report_pages", from, through, known)
}

// PutReportPage keeps a page of reports.
func (db *DB) PutReportPage(ctx context.Context, p daybook.Kept) (bool, error) {
	return db.putPage(ctx, "report_pages", p)
}

// pages of a table of them: their revs first, which lie before the bytes. One that is replaced in between is read as it is then.
func (db *DB) pages(ctx context.Context, table, from, through string, known map[string]int64) ([]daybook.Kept, error) {
	rows, err := db.query(ctx, `SELECT day, rev FROM `+table+` WHERE day >= ?1 AND (?2 = '' OR day <= ?2) ORDER BY day`, from, through)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []daybook.Kept
	for rows.Next() {
		var k daybook.Kept
		if err := rows.Scan(&k.Day, &k.Rev); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range all {
		k := &all[i]
		if known[k.Day] == k.Rev {
			continue
		}
		if err := db.row(ctx, `SELECT rev, packed FROM `+table+` WHERE day = ?`, k.Day).Scan(&k.Rev, &k.Packed); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// putPage into a table of them.
func (db *DB) putPage(ctx context.Context, table string, p daybook.Kept) (put bool, err error) {
	err = db.write(ctx, func(t *tx) error {
		n, err := t.exec(`INSERT INTO `+table+`(day, rev, packed) SELECT ?1, ?2, ?3 WHERE ?2 = 1 OR EXISTS(SELECT 1 FROM `+table+` WHERE day = ?1)
			ON CONFLICT DO UPDATE SET rev = ?2, packed = ?3 WHERE rev = ?2 - 1`, p.Day, p.Rev, p.Packed)
		put = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("put a page: %w", err)
	}
	return put, nil
}
