package mongo

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/surveys"
)

// RatingPages keeps the pages of ratings.
func (db *DB) RatingPages() daybook.Store { return ratingPages{db} }

type ratingPages struct{ db *DB }

// markedOccasions finds them by their index, which a range of days needs.
var markedOccasions = bson.D{{Key: "mark", Value: bson.D{{Key: "$exists", Value: true}}}, {Key: "day", Value: bson.D{{Key: "$gte", Value: ""}}}}

// Marked reads occasions that are not entered, in the order of their days: so few pages are written for many of them.
func (p ratingPages) Marked(ctx context.Context, limit int) (all []daybook.Marked, err error) {
	err = occasions.each(ctx, p.db, markedOccasions, func(o *surveys.Occasion, _ bson.Raw) error {
		all = append(all, o.Entry())
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "doc", Value: 1}}).SetSort(bson.D{{Key: "day", Value: 1}}).SetHint(inOrderOf("day", "mark")).SetLimit(int64(limit)))
	return all, err
}

// Unmark leaves those marked that changed meanwhile.
func (p ratingPages) Unmark(ctx context.Context, all []daybook.Marked) error {
	ids := map[int64][]string{}
	for _, m := range all {
		ids[m.Rev] = append(ids[m.Rev], m.ID)
	}
	for rev, some := range ids {
		slices.Sort(some) // in one order: who waits for another is waited for by none
		unmark := func() error {
			_, err := p.db.in(occasions.in).UpdateMany(ctx, bson.D{{Key: "_id", Value: among(some)}, {Key: "mark", Value: rev}},
				bson.D{{Key: "$unset", Value: bson.D{{Key: "mark", Value: ""}}}})
			return err
		}
		err := unmark()
		for try := 1; clashed(err) && try < clashes; try++ { // with somebody who unmarks the same
			pause(ctx, try)
			err = unmark()
		}
		if err != nil {
			return failed(ctx, err)
		}
	}
	return nil
}

// Pages reads those of ratings.
func (p ratingPages) Pages(ctx context.Context, from, through string, known map[string]int64) ([]daybook.Kept, error) {
	return p.db.pages(ctx, "rating_pages", from, through, known)
}

// PutPage keeps one.
func (p ratingPages) PutPage(ctx context.Context, k daybook.Kept) (bool, error) {
	return p.db.putPage(ctx, "rating_pages", k)
}

// OccasionDays steps from day to day by their index, without reading what lies between.
func (db *DB) OccasionDays(ctx context.Context) (days []string, err error) {
	for after := (bson.D{{Key: "$gte", Value: ""}}); after != nil; {
		from := after
		after = nil
		err := db.scan(ctx, occasions.in, bson.D{{Key: "day", Value: from}}, func(raw bson.Raw) error {
			days = append(days, textIn(raw, "day"))
			after = bson.D{{Key: "$gt", Value: textIn(raw, "day")}}
			return nil
		}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: "day", Value: 1}}).SetSort(bson.D{{Key: "day", Value: 1}}).SetHint(inOrderOf("day")).SetLimit(1))
		if err != nil {
			return nil, err
		}
	}
	return days, nil
}

// OccasionsOn visits those of a day.
func (db *DB) OccasionsOn(ctx context.Context, day string, visit func(*surveys.Occasion) error) error {
	return occasions.each(ctx, db, bson.D{{Key: "day", Value: day}}, func(o *surveys.Occasion, _ bson.Raw) error { return visit(o) },
		options.Find().SetProjection(bson.D{{Key: "doc", Value: 1}}).SetHint(inOrderOf("day")))
}

// ratingsIntoPages is the migration to pages. An older program counts no occasion that a newer one wrote, and takes the marks of those
// away that it counts itself: so the second step marks all of them again.
var ratingsIntoPages = migration{before: func(ctx context.Context, db *DB) error { return markOccasions(ctx, db) }, after: func(ctx context.Context, db *DB) error {
	onlyOld := bson.A{"opened", "centre", "department", "category", "channel", "employee", "level", "device", "rated"}
	if err := markOccasions(ctx, db, bson.D{{Key: "$unset", Value: onlyOld}}); err != nil {
		return err
	}
	for _, name := range []string{"opened_1_centre_1_department_1_category_1_channel_1_level_1", "device_1_rated_1_day_1", "mark_1"} {
		var command driver.CommandError
		if err := db.in(occasions.in).Indexes().DropOne(ctx, name); err != nil && !(errors.As(err, &command) && (command.Code == 26 || command.Code == 27)) { // it is not there
			return failed(ctx, err)
		}
	}
	for _, in := range []string{"rating_days", "rating_marks"} {
		if err := db.in(in).Drop(ctx); err != nil {
			return failed(ctx, err)
		}
	}
	return nil
}}

// markOccasions marks each, and does what else is said.
func markOccasions(ctx context.Context, db *DB, also ...bson.D) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTime)
	defer cancel()
	_, err := db.in(occasions.in).UpdateMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: ""}}}},
		append(driver.Pipeline{{{Key: "$set", Value: bson.D{{Key: "mark", Value: "$rev"}}}}}, also...))
	return failed(ctx, err)
}
