package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/surveys"
)

// programmes: {_id: code, v, rev, doc}; there are dozens.
var programmes = kind[surveys.Programme]{in: "programmes", id: func(p *surveys.Programme) string { return p.Code }, rev: func(p *surveys.Programme) *int64 { return &p.Rev }}

var _ surveys.ProgrammeStore = (*DB)(nil)

// Programmes reads every one.
func (db *DB) Programmes(ctx context.Context) ([]*surveys.Programme, error) {
	return programmes.all(ctx, db, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
}

// Programme reads one.
func (db *DB) Programme(ctx context.Context, code string) (*surveys.Programme, error) {
	return programmes.get(ctx, db, code)
}

// PutProgramme changes one, or makes it.
func (db *DB) PutProgramme(ctx context.Context, code string, change func(*surveys.Programme) error) (*surveys.Programme, error) {
	return programmes.put(ctx, db, code, func() (*surveys.Programme, error) { return &surveys.Programme{Code: code}, nil }, func(p *surveys.Programme) error {
		err := change(p)
		p.Code = code
		return err
	})
}
