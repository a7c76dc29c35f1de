package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// occasions are (id, report, closure, day, rev, marked, doc): see pagesSchema.

var _ surveys.Store = (*DB)(nil)

// AddOccasion keeps a new occasion, or the one that is there.
func (db *DB) AddOccasion(ctx context.Context, o *surveys.Occasion) error {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("occasion: %w", err)
	}
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO occasions(id, report, closure, day, rev, marked, doc) VALUES(?,?,?,?,?,1,?) ON CONFLICT DO NOTHING`,
			o.ID, o.Report, o.Closure, o.Day, o.Rev, b)
		return err
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
		var changed int64
		err = db.write(ctx, func(t *tx) (err error) {
			changed, err = t.exec(`UPDATE occasions SET rev = ?, marked = 1, doc = ? WHERE id = ? AND rev = ?`, o.Rev, b, id, was)
			if err != nil || changed == 0 {
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

// codesOrNull is a JSON array for json_each; NULL for nil, which stands for everything.
func codesOrNull(codes []string) any {
	if codes == nil {
		return nil
	}
	b, _ := json.Marshal(codes) // strings always encode
	return string(b)
}
