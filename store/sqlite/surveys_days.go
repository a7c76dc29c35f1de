package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/balagh/balagh/surveys"
)

const daysSchema = `
CREATE TABLE rating_days(
	day        TEXT NOT NULL,
	centre     TEXT NOT NULL,
	department TEXT NOT NULL,
	category   TEXT NOT NULL,
	employee   TEXT NOT NULL,
	eligible   INTEGER NOT NULL,
	n1 INTEGER NOT NULL, n2 INTEGER NOT NULL, n3 INTEGER NOT NULL, n4 INTEGER NOT NULL, n5 INTEGER NOT NULL,
	flagged    INTEGER NOT NULL,
	PRIMARY KEY(day, centre, department, category, employee)
) WITHOUT ROWID;
CREATE TABLE rating_marks(day TEXT PRIMARY KEY) WITHOUT ROWID;`

// markDays marks the day of an occasion, and those of the others that its device rated on the same day: one rating more can flag them all.
func (t *tx) markDays(day, device, rated string) error {
	if _, err := t.exec(`INSERT INTO rating_marks VALUES(?) ON CONFLICT DO NOTHING`, day); err != nil || device == "" {
		return err
	}
	_, err := t.exec(`INSERT INTO rating_marks SELECT DISTINCT day FROM occasions WHERE device = ? AND rated = ? AND device <> '' ON CONFLICT DO NOTHING`,
		device, rated)
	return err
}

// MarkedDays reads the marks.
func (db *DB) MarkedDays(ctx context.Context) ([]string, error) {
	return texts(db.query(ctx, `SELECT day FROM rating_marks ORDER BY day`))
}

// CountedDays steps from day to day by the indexes, without reading what lies between.
func (db *DB) CountedDays(ctx context.Context) ([]string, error) {
	return texts(db.query(ctx, `
		WITH RECURSIVE raw(day) AS (SELECT min(day) FROM occasions
				UNION ALL SELECT (SELECT min(o.day) FROM occasions o WHERE o.day > raw.day) FROM raw WHERE raw.day IS NOT NULL),
			kept(day) AS (SELECT min(day) FROM rating_days
				UNION ALL SELECT (SELECT min(d.day) FROM rating_days d WHERE d.day > kept.day) FROM kept WHERE kept.day IS NOT NULL)
		SELECT day FROM raw WHERE day IS NOT NULL UNION SELECT day FROM kept WHERE day IS NOT NULL UNION SELECT day FROM rating_marks ORDER BY 1`))
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

// rawDay counts the occasions of the day ?1. Those of a device are counted no further than they need be: ?2 of them.
const rawDay = `SELECT o.centre, o.department, o.category, o.employee, count(*), sum(o.level = 1), sum(o.level = 2), sum(o.level = 3), sum(o.level = 4),
	sum(o.level = 5), sum(o.device <> '' AND (SELECT count(*) FROM (SELECT 1 FROM occasions d INDEXED BY occasions_device
		WHERE d.device = o.device AND d.rated = o.rated AND d.device <> '' LIMIT ?2+0)) >= ?2)
	FROM occasions o INDEXED BY occasions_day WHERE o.day = ?1 GROUP BY o.centre, o.department, o.category, o.employee`

// RecountDay counts within the write: no occasion changes meanwhile.
func (db *DB) RecountDay(ctx context.Context, day string) error {
	return db.write(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM rating_days WHERE day = ?`, day); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO rating_days SELECT ?1, * FROM (`+rawDay+`)`, day, surveys.ManyRatings); err != nil {
			return err
		}
		_, err := t.exec(`DELETE FROM rating_marks WHERE day = ?`, day)
		return err
	})
}

// DayState reads all of it by one statement, and so of one moment.
func (db *DB) DayState(ctx context.Context, day string) (*surveys.DayState, error) {
	rows, err := db.query(ctx, `SELECT 'raw', * FROM (`+rawDay+`)
		UNION ALL SELECT 'kept', centre, department, category, employee, eligible, n1, n2, n3, n4, n5, flagged FROM rating_days WHERE day = ?1
		UNION ALL SELECT 'marked', '', '', '', '', 0, 0, 0, 0, 0, 0, 0 FROM rating_marks WHERE day = ?1
		ORDER BY 1, 2, 3, 4, 5`, day, surveys.ManyRatings)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	state := &surveys.DayState{}
	for rows.Next() {
		var part string
		var c surveys.DayCount
		if err := rows.Scan(&part, &c.Centre, &c.Department, &c.Category, &c.Employee, &c.Eligible, &c.Counts[0], &c.Counts[1], &c.Counts[2],
			&c.Counts[3], &c.Counts[4], &c.Flagged); err != nil {
			return nil, err
		}
		switch part {
		case "raw":
			state.Raw = append(state.Raw, c)
		case "kept":
			state.Kept = append(state.Kept, c)
		default:
			state.Marked = true
		}
	}
	return state, rows.Err()
}

// ratedDayQueries holds one statement for each dimension.
var ratedDayQueries = func() map[surveys.Dimension]string {
	queries := map[surveys.Dimension]string{surveys.ByCentre: "centre", surveys.ByDepartment: "department", surveys.ByCategory: "category", surveys.ByEmployee: "employee"}
	for by, column := range queries {
		queries[by] = `SELECT ` + column + `, sum(eligible), sum(n1), sum(n2), sum(n3), sum(n4), sum(n5), sum(flagged) FROM rating_days
			WHERE day >= ?1 AND day <= ?2
			AND (?3 IS NULL OR centre IN (SELECT value FROM json_each(?3))) AND (?4 IS NULL OR department IN (SELECT value FROM json_each(?4)))
			GROUP BY 1 ORDER BY 1`
	}
	return queries
}()

// RatedDays adds up a range of days.
func (db *DB) RatedDays(ctx context.Context, f surveys.DayFilter) ([]surveys.DayTally, error) {
	q, ok := ratedDayQueries[f.By]
	if !ok {
		return nil, fmt.Errorf("no such dimension: %q", f.By)
	}
	rows, err := db.query(ctx, q, f.From, f.To, codesOrNull(f.Centres), codesOrNull(f.Departments))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []surveys.DayTally
	for rows.Next() {
		var t surveys.DayTally
		if err := rows.Scan(&t.Key, &t.Eligible, &t.Counts[0], &t.Counts[1], &t.Counts[2], &t.Counts[3], &t.Counts[4], &t.Flagged); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}
