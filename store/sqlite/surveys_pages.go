package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/surveys"
)

// pagesSchema replaces what figures of ratings were counted from. Every occasion begins marked. Its columns beside the document are only
// those that something is found by; the marked ones come in the order of days, so that few pages are written for many of them.
const pagesSchema = `
CREATE TABLE rating_pages(
	day    TEXT PRIMARY KEY,
	rev    INTEGER NOT NULL,
	packed BLOB NOT NULL
);
CREATE TABLE rated(
	id      TEXT PRIMARY KEY,
	report  TEXT NOT NULL,
	closure INTEGER NOT NULL,
	day     TEXT NOT NULL,
	rev     INTEGER NOT NULL,
	marked  INTEGER NOT NULL, -- 1 until it is in the page of its day as it is
	doc     BLOB NOT NULL
);
INSERT INTO rated SELECT id, report, closure, day, rev, 1, doc FROM occasions;
DROP TABLE occasions;
DROP TABLE rating_days;
DROP TABLE rating_marks;
ALTER TABLE rated RENAME TO occasions;
CREATE UNIQUE INDEX occasions_report ON occasions(report, closure);
CREATE INDEX occasions_day ON occasions(day);
CREATE INDEX occasions_marked ON occasions(day) WHERE marked = 1;`

const (
	markedOccasions = `SELECT doc FROM occasions INDEXED BY occasions_marked WHERE marked = 1 ORDER BY day LIMIT ?+0`
	unmarkOccasion  = `UPDATE occasions SET marked = 0 WHERE id = ? AND rev = ?`
	pageRevs        = `SELECT day, rev FROM rating_pages WHERE day >= ? AND day <= ? ORDER BY day`
	pageOf          = `SELECT rev, packed FROM rating_pages WHERE day = ?`
	occasionsOn     = `SELECT doc FROM occasions WHERE day = ?`
	occasionDays    = `WITH RECURSIVE days(day) AS (SELECT min(day) FROM occasions
		UNION ALL SELECT (SELECT min(o.day) FROM occasions o WHERE o.day > days.day) FROM days WHERE days.day IS NOT NULL)
		SELECT day FROM days WHERE day IS NOT NULL`
)

// RatingPages keeps the pages of ratings.
func (db *DB) RatingPages() daybook.Store { return ratingPages{db} }

type ratingPages struct{ db *DB }

// Marked reads occasions that are not entered.
func (p ratingPages) Marked(ctx context.Context, limit int) ([]daybook.Marked, error) {
	all, err := docs[surveys.Occasion](p.db.query(ctx, markedOccasions, limit))
	if err != nil {
		return nil, err
	}
	marked := make([]daybook.Marked, len(all))
	for i, o := range all {
		marked[i] = o.Entry()
	}
	return marked, nil
}

// Unmark leaves those marked that changed meanwhile.
func (p ratingPages) Unmark(ctx context.Context, all []daybook.Marked) error {
	return p.db.write(ctx, func(t *tx) error {
		for _, m := range all {
			if _, err := t.exec(unmarkOccasion, m.ID, m.Rev); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastDay is after every day.
const lastDay = "9999-99-99"

// Pages reads the revs first, and of the pages those that are not known.
func (p ratingPages) Pages(ctx context.Context, from, through string, known map[string]int64) ([]daybook.Kept, error) {
	if through == "" {
		through = lastDay
	}
	all, err := p.revs(ctx, from, through)
	if err != nil {
		return nil, err
	}
	for i := range all {
		k := &all[i]
		if known[k.Day] == k.Rev {
			continue
		}
		if err := p.db.row(ctx, pageOf, k.Day).Scan(&k.Rev, &k.Packed); err != nil {
			return nil, fmt.Errorf("read the page of %s: %w", k.Day, err)
		}
	}
	return all, nil
}

func (p ratingPages) revs(ctx context.Context, from, through string) (all []daybook.Kept, err error) {
	rows, err := p.db.query(ctx, pageRevs, from, through)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k daybook.Kept
		if err := rows.Scan(&k.Day, &k.Rev); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// PutPage keeps a page unless somebody was faster.
func (p ratingPages) PutPage(ctx context.Context, k daybook.Kept) (put bool, err error) {
	err = p.db.write(ctx, func(t *tx) error {
		q, args := `UPDATE rating_pages SET rev = ?, packed = ? WHERE day = ? AND rev = ?`, []any{k.Rev, k.Packed, k.Day, k.Rev - 1}
		if k.Rev == 1 {
			q, args = `INSERT INTO rating_pages(day, rev, packed) VALUES(?,?,?) ON CONFLICT DO NOTHING`, []any{k.Day, k.Rev, k.Packed}
		}
		n, err := t.exec(q, args...)
		put = n == 1
		return err
	})
	return put, err
}

// OccasionDays steps from day to day by the index, without reading what lies between.
func (db *DB) OccasionDays(ctx context.Context) ([]string, error) {
	return texts(db.query(ctx, occasionDays))
}

func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// OccasionsOn visits those of a day.
func (db *DB) OccasionsOn(ctx context.Context, day string, visit func(*surveys.Occasion) error) error {
	rows, err := db.query(ctx, occasionsOn, day)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		o, err := doc[surveys.Occasion](rows)
		if err != nil {
			return errors.Join(err, rows.Err())
		}
		if err := visit(o); err != nil {
			return err
		}
	}
	return rows.Err()
}
