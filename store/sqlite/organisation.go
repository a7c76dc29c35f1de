package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

const organisationSchema = `
CREATE TABLE organisation(
	id  INTEGER PRIMARY KEY CHECK(id = 1),
	rev INTEGER NOT NULL,
	doc BLOB NOT NULL
);
INSERT INTO organisation VALUES(1, 0, '{}');`

// Organisation reads the organisation.
func (db *DB) Organisation(ctx context.Context) (*reports.Organisation, error) {
	return doc[reports.Organisation](db.row(ctx, `SELECT doc FROM organisation`))
}

// OrganisationRev reads its rev alone.
func (db *DB) OrganisationRev(ctx context.Context) (rev int64, err error) {
	err = db.row(ctx, `SELECT rev FROM organisation`).Scan(&rev)
	return rev, err
}

// UpdateOrganisation changes it within the write: administrators are few.
func (db *DB) UpdateOrganisation(ctx context.Context, change func(*reports.Organisation) error) (*reports.Organisation, error) {
	var o *reports.Organisation
	err := db.write(ctx, func(t *tx) (err error) {
		if o, err = doc[reports.Organisation](t.row(`SELECT doc FROM organisation`)); err != nil {
			return err
		}
		if err := change(o); err != nil {
			return err
		}
		o.Rev++
		b, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode the organisation: %w", err)
		}
		n, err := t.exec(`UPDATE organisation SET rev = ?, doc = ?`, o.Rev, b)
		if err == nil && n != 1 {
			return fault.Newf(fault.Internal, "the organisation's row is missing")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}
