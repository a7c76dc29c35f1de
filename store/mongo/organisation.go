package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// organisation: {_id: organisation, v, rev, doc}, one document, absent before the first change.
var organisation = kind[reports.Organisation]{in: "organisation", id: func(*reports.Organisation) string { return organisationID },
	rev: func(o *reports.Organisation) *int64 { return &o.Rev }}

const organisationID = "organisation"

var _ reports.CatalogueStore = (*DB)(nil)

// Organisation reads the organisation.
func (db *DB) Organisation(ctx context.Context) (*reports.Organisation, error) {
	o, err := organisation.get(ctx, db, organisationID)
	if fault.CodeOf(err) == fault.NotFound {
		return new(reports.Organisation), nil
	}
	return o, err
}

// OrganisationRev reads its rev alone.
func (db *DB) OrganisationRev(ctx context.Context) (int64, error) {
	raw, err := db.in(organisation.in).FindOne(ctx, bson.D{{Key: "_id", Value: organisationID}}, options.FindOne().SetProjection(only("rev"))).Raw()
	if none(err) {
		return 0, nil
	}
	if err != nil {
		return 0, failed(ctx, err)
	}
	rev, _ := raw.Lookup("rev").AsInt64OK()
	return rev, nil
}

// UpdateOrganisation changes it. The answer is what every other process reads, to the letter: areas are kept as they came in SQLite, and
// with their numbers written anew here, and the catalogue's tag is a hash of them.
func (db *DB) UpdateOrganisation(ctx context.Context, change func(*reports.Organisation) error) (*reports.Organisation, error) {
	o, err := organisation.put(ctx, db, organisationID, func() (*reports.Organisation, error) { return new(reports.Organisation), nil }, change)
	if err != nil {
		return nil, err
	}
	doc, err := encode(o)
	if err != nil {
		return nil, fmt.Errorf("encode the organisation: %w", err)
	}
	written := new(reports.Organisation)
	return written, decode(doc, written)
}

// put changes one, or makes it of what first gives: its rev is 1 then.
func (k kind[T]) put(ctx context.Context, db *DB, id string, first func() (*T, error), change func(*T) error) (*T, error) {
	for {
		there := false
		v, err := k.change(ctx, db, id, func(v *T) error {
			there = true
			return change(v)
		})
		if there || fault.CodeOf(err) != fault.NotFound {
			return v, err
		}
		if v, err = first(); err != nil {
			return nil, err
		}
		if err := change(v); err != nil {
			return nil, err
		}
		*k.rev(v) = 1
		if err := k.insert(ctx, db, v, effects{}); err == nil {
			return v, nil
		} else if !taken(err) {
			return nil, err
		}
	}
}
