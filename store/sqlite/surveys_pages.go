package sqlite

import (
	"context"
	"database/sql"
	"errors"

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

// Pages reads those of ratings.
func (p ratingPages) Pages(ctx context.Context, from, through string, known map[string]int64) ([]daybook.Kept, error) {
	return p.db.pages(ctx, "rating_pages", from, through, known)
}

// PutPage keeps one.
func (p ratingPages) PutPage(ctx context.Context, k daybook.Kept) (bool, error) {
	return p.db.putPage(ctx, "rating_pages", k)
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
