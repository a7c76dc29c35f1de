package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// Beside an occasion lie report, closure, day and
//
//	mark: its rev, until it is in the page of its day as it is (see surveys_pages.go)
//
// Its id is derived from report and closure, so there is one for each without another unique index.
var occasions = kind[surveys.Occasion]{
	in: "occasions", id: func(o *surveys.Occasion) string { return o.ID }, rev: func(o *surveys.Occasion) *int64 { return &o.Rev },
	fields: func(o *surveys.Occasion) (bson.D, error) {
		return bson.D{{Key: "report", Value: o.Report}, {Key: "closure", Value: o.Closure}, {Key: "day", Value: o.Day}, {Key: "mark", Value: o.Rev}}, nil
	},
}

var occasionIndexes = []index{
	{in: "occasions", keys: bson.D{{Key: "report", Value: 1}, {Key: "closure", Value: -1}}, serves: "the occasions of a report"},
	{in: "occasions", keys: bson.D{{Key: "day", Value: 1}}, serves: "the occasions of a day, and which days there are"},
	{in: "occasions", keys: bson.D{{Key: "day", Value: 1}, {Key: "mark", Value: 1}}, exists: "mark", serves: "occasions that are not entered yet"},
}

var _ surveys.Store = (*DB)(nil)

// AddOccasion keeps a new occasion, or the one that is there.
func (db *DB) AddOccasion(ctx context.Context, o *surveys.Occasion) error {
	if err := occasions.insert(ctx, db, o, effects{}); err != nil && !taken(err) {
		return fmt.Errorf("keep an occasion: %w", err)
	}
	return nil
}

// OccasionsOf reads the occasions of a report, the latest closure first.
func (db *DB) OccasionsOf(ctx context.Context, report string) ([]*surveys.Occasion, error) {
	return occasions.all(ctx, db, bson.D{{Key: "report", Value: report}}, options.Find().SetSort(bson.D{{Key: "closure", Value: -1}}))
}

// UpdateOccasion changes an occasion, with its facts and its mark in the same document.
func (db *DB) UpdateOccasion(ctx context.Context, id string, change func(*surveys.Occasion) ([]event.Event, error)) (*surveys.Occasion, error) {
	return occasions.update(ctx, db, id, func(o *surveys.Occasion) (effects, error) {
		events, err := change(o)
		return effects{events: events}, err
	})
}

// textIn is a text of a document, empty when it is not there or no text.
func textIn(raw bson.Raw, path ...string) string {
	s, _ := raw.Lookup(path...).StringValueOK()
	return s
}

// numberIn is a whole number of a document, whatever type the server counted in; 0 when it is not there.
func numberIn(raw bson.Raw, path ...string) int64 {
	n, _ := raw.Lookup(path...).AsInt64OK()
	return n
}
