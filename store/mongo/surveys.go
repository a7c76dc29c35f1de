package mongo

import (
	"cmp"
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// An occasion marks its day, and those that its device rated, by its own field mark: see surveys_days.go. Its id is derived from report
// and closure, so there is one for each without another unique index.
var occasions = kind[surveys.Occasion]{
	in: "occasions", id: func(o *surveys.Occasion) string { return o.ID }, rev: func(o *surveys.Occasion) *int64 { return &o.Rev },
	fields: func(o *surveys.Occasion) (bson.D, error) {
		d := bson.D{{Key: "report", Value: o.Report}, {Key: "closure", Value: o.Closure}, {Key: "opened", Value: millis(o.Opened)},
			{Key: "day", Value: o.Day}, {Key: "centre", Value: o.Centre}, {Key: "department", Value: o.Department}, {Key: "category", Value: o.Category},
			{Key: "channel", Value: o.Channel}, {Key: "employee", Value: o.Employee}, {Key: "mark", Value: o.Rev}}
		level, device, rated := 0, any(nil), any(nil) // 0 until rated
		if g := o.Given; g != nil {
			level = g.Level
			if g.Device != "" {
				device, rated = g.Device, g.Day
			}
		}
		return append(d, bson.E{Key: "level", Value: level}, bson.E{Key: "device", Value: device}, bson.E{Key: "rated", Value: rated}), nil
	},
}

var occasionIndexes = []index{
	{in: "occasions", keys: bson.D{{Key: "report", Value: 1}, {Key: "closure", Value: -1}}, serves: "the occasions of a report"},
	{in: "occasions", keys: bson.D{{Key: "opened", Value: 1}, {Key: "centre", Value: 1}, {Key: "department", Value: 1}, {Key: "category", Value: 1},
		{Key: "channel", Value: 1}, {Key: "level", Value: 1}}, serves: "satisfaction, by itself: a range of opened, then only its own fields"},
	{in: "occasions", keys: bson.D{{Key: "day", Value: 1}}, serves: "the counts of a day, and which days there are"},
	{in: "occasions", keys: bson.D{{Key: "device", Value: 1}, {Key: "rated", Value: 1}, {Key: "day", Value: 1}}, exists: "device", serves: "what a device rated on a day"},
	{in: "occasions", keys: bson.D{{Key: "mark", Value: 1}}, exists: "mark", serves: "occasions whose days are not marked yet"},
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

// tallyFields are the dimensions of occasions; one of none is the same for all.
var tallyFields = map[surveys.Dimension]any{surveys.ByNone: nil, surveys.ByCentre: "$centre", surveys.ByDepartment: "$department",
	surveys.ByCategory: "$category", surveys.ByChannel: "$channel"}

// Tally counts occasions and their levels from an index alone where the server can.
func (db *DB) Tally(ctx context.Context, f surveys.Filter) ([]surveys.Tally, error) {
	pipeline, err := tallyPipeline(f)
	if err != nil {
		return nil, err
	}
	if f.Centres != nil && len(f.Centres) == 0 || f.Departments != nil && len(f.Departments) == 0 {
		return nil, nil // of none
	}
	var all []surveys.Tally
	cursor, err := db.in(occasions.in).Aggregate(ctx, pipeline)
	err = scanned(ctx, cursor, err, func(raw bson.Raw) error {
		all = append(all, tallyOf(raw))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count occasions: %w", err)
	}
	return all, nil
}

func tallyPipeline(f surveys.Filter) (driver.Pipeline, error) {
	by, ok := tallyFields[f.By]
	and, okAnd := tallyFields[cmp.Or(f.And, surveys.ByNone)]
	if !ok || !okAnd {
		return nil, fmt.Errorf("no such dimensions: %q, %q", f.By, f.And)
	}
	match := bson.D{{Key: "opened", Value: bson.D{{Key: "$gte", Value: millis(f.From)}, {Key: "$lt", Value: millis(f.To)}}}}
	match = append(match, oneOf("centre", f.Centres, f.Centre)...)
	match = append(match, oneOf("department", f.Departments, f.Department)...)
	match = append(match, oneOf("category", nil, f.Category)...)
	match = append(match, oneOf("channel", nil, f.Channel)...)
	sums := bson.D{{Key: "_id", Value: bson.D{{Key: "by", Value: by}, {Key: "and", Value: and}}}, {Key: "eligible", Value: bson.D{{Key: "$sum", Value: 1}}}}
	for level, name := range levelNames {
		is := bson.D{{Key: "$eq", Value: bson.A{"$level", level + 1}}}
		sums = append(sums, bson.E{Key: name, Value: bson.D{{Key: "$sum", Value: bson.D{{Key: "$cond", Value: bson.A{is, 1, 0}}}}}})
	}
	return driver.Pipeline{{{Key: "$match", Value: match}}, {{Key: "$group", Value: sums}}}, nil
}

// levelNames are how the counts of the levels are called.
var levelNames = [surveys.Levels]string{"n1", "n2", "n3", "n4", "n5"}

// oneOf narrows a field to any of several values, unless they are nil, and to exactly one, unless that is empty.
func oneOf(field string, of []string, is string) bson.D {
	var d bson.D
	if of != nil {
		d = append(d, among(of)...)
	}
	if is != "" {
		d = append(d, bson.E{Key: "$eq", Value: is})
	}
	if d == nil {
		return nil
	}
	return bson.D{{Key: field, Value: d}}
}

// tallyOf reads a group: what is not there is empty or zero.
func tallyOf(raw bson.Raw) surveys.Tally {
	t := surveys.Tally{Key: textIn(raw, "_id", "by"), And: textIn(raw, "_id", "and"), Eligible: numberIn(raw, "eligible")}
	for level, name := range levelNames {
		t.Counts[level] = numberIn(raw, name)
	}
	return t
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
