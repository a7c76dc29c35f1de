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
CREATE TABLE rating_marks(
	day     TEXT PRIMARY KEY,
	changed INTEGER NOT NULL, -- grows by one with each change of an occasion of the day
	counted INTEGER NOT NULL  -- what it was when the occasions were counted that rating_days shows
) WITHOUT ROWID;
CREATE INDEX rating_marks_open ON rating_marks(day) WHERE changed > counted;`

const markChanged = ` ON CONFLICT DO UPDATE SET changed = changed+1`

// markDays marks the day of an occasion, and those of the others that its device rated on the same day: one rating more can
// flag them all.
func (t *tx) markDays(day, device, rated string) error {
	if _, err := t.exec(`INSERT INTO rating_marks VALUES(?, 1, 0)`+markChanged, day); err != nil || device == "" {
		return err
	}
	_, err := t.exec(`INSERT INTO rating_marks SELECT DISTINCT day, 1, 0 FROM occasions WHERE device = ? AND rated = ? AND device <> ''`+markChanged, device, rated)
	return err
}

// MarkedDays reads the marks.
func (db *DB) MarkedDays(ctx context.Context) ([]string, error) {
	return texts(db.query(ctx, `SELECT day FROM rating_marks WHERE changed > counted ORDER BY day`))
}

// CountedDays steps from day to day by the indexes, without reading what lies between.
func (db *DB) CountedDays(ctx context.Context) ([]string, error) {
	return texts(db.query(ctx, `
		WITH RECURSIVE raw(day) AS (SELECT min(day) FROM occasions
				UNION ALL SELECT (SELECT min(o.day) FROM occasions o WHERE o.day > raw.day) FROM raw WHERE raw.day IS NOT NULL),
			kept(day) AS (SELECT min(day) FROM rating_days
				UNION ALL SELECT (SELECT min(d.day) FROM rating_days d WHERE d.day > kept.day) FROM kept WHERE kept.day IS NOT NULL)
		SELECT day FROM raw WHERE day IS NOT NULL UNION SELECT day FROM kept WHERE day IS NOT NULL UNION SELECT day FROM rating_marks WHERE changed > counted
		ORDER BY 1`))
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

// dayState is a state with what the mark said.
type dayState struct {
	surveys.DayState
	changed, counted int64
}

// DayState reads all of it by one statement, and so of one moment.
func (db *DB) DayState(ctx context.Context, day string) (*surveys.DayState, error) {
	state, err := db.dayState(ctx, day)
	if err != nil {
		return nil, err
	}
	return &state.DayState, nil
}

func (db *DB) dayState(ctx context.Context, day string) (*dayState, error) {
	rows, err := db.query(ctx, `SELECT 'raw', * FROM (`+rawDay+`)
		UNION ALL SELECT 'kept', centre, department, category, employee, eligible, n1, n2, n3, n4, n5, flagged FROM rating_days WHERE day = ?1
		UNION ALL SELECT 'mark', '', '', '', '', changed, counted, 0, 0, 0, 0, 0 FROM rating_marks WHERE day = ?1
		ORDER BY 1, 2, 3, 4, 5`, day, surveys.ManyRatings)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	state := &dayState{}
	for rows.Next() {
		var part string
		var c surveys.DayCount
		if err := rows.Scan(&part, &c.Centre, &c.Department, &c.Category, &c.Employee, &c.Eligible, &c.Counts[0], &c.Counts[1],
			&c.Counts[2],
			&c.Counts[3], &c.Counts[4], &c.Flagged); err != nil {
			return nil, err
		}
		switch part {
		case "raw":
			state.Raw = append(state.Raw, c)
		case "kept":
			state.Kept = append(state.Kept, c)
		default:
			state.changed, state.counted = c.Eligible, c.Counts[0]
			state.Marked = state.changed > state.counted
		}
	}
	return state, rows.Err()
}

// RecountDay counts without holding up those who write, and writes only what differs: nobody else must have written the counts
// meanwhile, or it begins again. Occasions may have changed meanwhile; their change is then after the one that was counted, and
// the mark stays.
func (db *DB) RecountDay(ctx context.Context, day string) error {
	for {
		state, err := db.dayState(ctx, day)
		if err != nil {
			return err
		}
		found := surveys.Differences(day, &state.DayState)
		if len(found) == 0 && !state.Marked {
			return nil
		}
		var done bool
		if err := db.write(ctx, func(t *tx) (err error) {
			done, err = t.keepDay(day, state, found)
			return err
		}); err != nil || done {
			return err
		}
	}
}

func (t *tx) keepDay(day string, state *dayState, found []surveys.Difference) (done bool, err error) {
	if _, err := t.exec(`INSERT INTO rating_marks VALUES(?, 0, 0) ON CONFLICT DO NOTHING`, day); err != nil { // a day of nothing but counts
		return false, err
	}
	n, err := t.exec(`UPDATE rating_marks SET counted = ? WHERE day = ? AND counted = ?`, state.changed, day, state.counted)
	if err != nil || n == 0 {
		return false, err
	}
	for _, d := range found {
		c := d.Raw
		if c.Eligible == 0 {
			_, err = t.exec(`DELETE FROM rating_days WHERE day = ? AND centre = ? AND department = ? AND category = ? AND employee = ?`,
				day, c.Centre, c.Department, c.Category, c.Employee)
		} else {
			_, err = t.exec(`INSERT OR REPLACE INTO rating_days VALUES(?,?,?,?,?,?,?,?,?,?,?,?)`, day, c.Centre, c.Department, c.Category,
				c.Employee,
				c.Eligible, c.Counts[0], c.Counts[1], c.Counts[2], c.Counts[3], c.Counts[4], c.Flagged)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// ratedDayQueries holds one statement for each dimension.
var ratedDayQueries = func() map[surveys.Dimension]string {
	queries := map[surveys.Dimension]string{surveys.ByCentre: "centre", surveys.ByDepartment: "department",
		surveys.ByCategory: "category", surveys.ByEmployee: "employee"}
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
		if err := rows.Scan(&t.Key, &t.Eligible, &t.Counts[0], &t.Counts[1], &t.Counts[2], &t.Counts[3], &t.Counts[4],
			&t.Flagged); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}
