package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// The second index answers every satisfaction query by itself: a range of opened, then only the index's own columns. The third
// does so for the counts of a day.
const surveysSchema = `
CREATE TABLE occasions(
	id         TEXT PRIMARY KEY,
	report     TEXT NOT NULL,
	closure    INTEGER NOT NULL,
	opened     INTEGER NOT NULL,
	day        TEXT NOT NULL,
	centre     TEXT NOT NULL,
	department TEXT NOT NULL,
	category   TEXT NOT NULL,
	channel    TEXT NOT NULL,
	employee   TEXT NOT NULL,
	level      INTEGER NOT NULL DEFAULT 0, -- 0 until rated
	device     TEXT NOT NULL DEFAULT '',   -- that rated it, and on which day
	rated      TEXT NOT NULL DEFAULT '',
	rev        INTEGER NOT NULL,
	doc        BLOB NOT NULL
);
CREATE UNIQUE INDEX occasions_report ON occasions(report, closure);
CREATE INDEX occasions_opened ON occasions(opened, centre, department, category, channel, level);
CREATE INDEX occasions_day ON occasions(day, centre, department, category, employee, level, device, rated);
CREATE INDEX occasions_device ON occasions(device, rated, day) WHERE device <> '';`

var _ surveys.Store = (*DB)(nil)

// AddOccasion keeps a new occasion, or the one that is there.
func (db *DB) AddOccasion(ctx context.Context, o *surveys.Occasion) error {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("occasion: %w", err)
	}
	level, device, rated := givenOf(o)
	return db.write(ctx, func(t *tx) error {
		added, err := t.exec(`INSERT INTO occasions(id, report, closure, opened, day, centre, department, category, channel, employee, level, device, rated,
			rev, doc) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`, o.ID, o.Report, o.Closure, millis(o.Opened), o.Day, o.Centre,
			o.Department, o.Category, o.Channel, o.Employee, level, device, rated, o.Rev, b)
		if err != nil || added == 0 {
			return err
		}
		return t.markDays(o.Day, device, rated)
	})
}

// OccasionsOf reads the occasions of a report, the latest closure first.
func (db *DB) OccasionsOf(ctx context.Context, report string) ([]*surveys.Occasion, error) {
	return docs[surveys.Occasion](db.query(ctx, `SELECT doc FROM occasions WHERE report = ? ORDER BY closure DESC`, report))
}

// UpdateOccasion changes an occasion. Only what may change is written into the columns.
func (db *DB) UpdateOccasion(ctx context.Context, id string,
	change func(*surveys.Occasion) ([]event.Event, error)) (*surveys.Occasion, error) {
	for {
		o, err := doc[surveys.Occasion](db.row(ctx, `SELECT doc FROM occasions WHERE id = ?`, id))
		if err != nil {
			return nil, err
		}
		was := o.Rev
		events, err := change(o)
		if err != nil {
			return nil, err
		}
		o.Rev = was + 1
		b, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("occasion: %w", err)
		}
		level, device, rated := givenOf(o)
		var changed int64
		err = db.write(ctx, func(t *tx) (err error) {
			changed, err = t.exec(`UPDATE occasions SET level = ?, device = ?, rated = ?, rev = ?, doc = ? WHERE id = ? AND rev = ?`,
				level, device, rated, o.Rev, b, id, was)
			if err != nil || changed == 0 {
				return err
			}
			if err := t.markDays(o.Day, device, rated); err != nil {
				return err
			}
			return t.publish(events)
		})
		if err != nil {
			return nil, err
		}
		if changed == 1 {
			return o, nil
		}
	}
}

func givenOf(o *surveys.Occasion) (level int, device, rated string) {
	if o.Given == nil {
		return 0, "", ""
	}
	return o.Given.Level, o.Given.Device, o.Given.Day
}

// tallyQueries holds one statement for each two dimensions, so that each is prepared once whatever is filtered by.
var tallyQueries = func() map[[2]surveys.Dimension]string {
	columns := map[surveys.Dimension]string{surveys.ByNone: "''", surveys.ByCentre: "centre", surveys.ByDepartment: "department",
		surveys.ByCategory: "category", surveys.ByChannel: "channel"}
	queries := make(map[[2]surveys.Dimension]string, len(columns)*len(columns))
	for by, column := range columns {
		for and, second := range columns {
			queries[[2]surveys.Dimension{by, and}] = `SELECT ` + column + `, ` + second + `, count(*), sum(level = 1), sum(level = 2), sum(level = 3), sum(level = 4), sum(level = 5)
				FROM occasions INDEXED BY occasions_opened WHERE opened >= ?1 AND opened < ?2
				AND (?3 IS NULL OR centre IN (SELECT value FROM json_each(?3))) AND (?4 IS NULL OR department IN (SELECT value FROM json_each(?4)))
				AND (?5 = '' OR centre = ?5) AND (?6 = '' OR department = ?6) AND (?7 = '' OR category = ?7) AND (?8 = '' OR channel = ?8)
				GROUP BY 1, 2`
		}
	}
	return queries
}()

// Tally counts occasions and their levels from the index alone.
func (db *DB) Tally(ctx context.Context, f surveys.Filter) ([]surveys.Tally, error) {
	q, ok := tallyQueries[[2]surveys.Dimension{f.By, cmp.Or(f.And, surveys.ByNone)}]
	if !ok {
		return nil, fmt.Errorf("no such dimensions: %q, %q", f.By, f.And)
	}
	rows, err := db.query(ctx, q, millis(f.From), millis(f.To), codesOrNull(f.Centres), codesOrNull(f.Departments), f.Centre,
		f.Department, f.Category, f.Channel)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []surveys.Tally
	for rows.Next() {
		var t surveys.Tally
		if err := rows.Scan(&t.Key, &t.And, &t.Eligible, &t.Counts[0], &t.Counts[1], &t.Counts[2], &t.Counts[3],
			&t.Counts[4]); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// codesOrNull is a JSON array for json_each; NULL for nil, which stands for everything.
func codesOrNull(codes []string) any {
	if codes == nil {
		return nil
	}
	b, _ := json.Marshal(codes) // strings always encode
	return string(b)
}
