package mongo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
)

// photos: {_id, v, rev, report, loose, created, trial, trial_at, doc}; of report and loose one is there.
//
// A call that attaches several photos writes its name into trial, and since when, until it has them all: others wait meanwhile, since it
// gives back those that it has when it cannot have one. A trial that is old is of a process that died, and the photo stays where it is.
var pictures = kind[photos.Photo]{in: "photos", id: func(p *photos.Photo) string { return p.ID }, rev: func(p *photos.Photo) *int64 { return &p.Rev },
	fields: func(p *photos.Photo) (bson.D, error) {
		return bson.D{{Key: "report", Value: textOrNone(p.Report)}, {Key: "loose", Value: trueOrNone(p.Report == "")}, {Key: "created", Value: millis(p.CreatedAt)}}, nil
	}}

var photosIndexes = []index{
	{in: "photos", keys: bson.D{{Key: "report", Value: 1}}, exists: "report", serves: "the photos of a report"},
	{in: "photos", keys: bson.D{{Key: "loose", Value: 1}, {Key: "_id", Value: 1}}, exists: "loose", serves: "photos without a report, by id"},
}

var _ photos.Store = (*DB)(nil)

// PutPhotos writes new photos. Those with a report wait for the report where it is written by the same request. Otherwise their places in
// the report's album are taken first, and given back when one of the photos is there already, and so are the rows that were written. When
// the process dies in between, the places fall free by themselves (see photos_albums.go), and photos without a report are swept; a
// photo with a report that is left behind is the one that the same request finds when it comes again.
func (db *DB) PutPhotos(ctx context.Context, ps []*photos.Photo, limit int) error {
	var loose, attached []*photos.Photo
	for _, p := range ps {
		if p.Report == "" {
			loose = append(loose, p)
		} else {
			attached = append(attached, p)
		}
	}
	if len(attached) > 0 {
		waits, err := accompany(ctx, attached, limit)
		if err != nil {
			return err
		}
		if waits {
			attached = nil
		}
	}
	back, err := db.reserve(ctx, attached, limit)
	if err != nil {
		return err
	}
	all := append(loose, attached...)
	added, err := pictures.addAll(ctx, db, all)
	if err == nil && len(added) == len(all) {
		return nil
	}
	if sure := db.unput(ctx, all) == nil; sure && err == nil {
		back(ctx)
	} // else the places fall free when no photo comes to them
	if err == nil {
		err = fault.New(fault.Exists)
	}
	return err
}

// unput removes what was written of photos that could not all be written. What is there of another upload has another object.
func (db *DB) unput(ctx context.Context, ps []*photos.Photo) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime)
	defer cancel()
	models := make([]driver.WriteModel, len(ps))
	for i, p := range ps {
		models[i] = driver.NewDeleteOneModel().SetFilter(bson.D{{Key: "_id", Value: p.ID}, {Key: "rev", Value: p.Rev}, {Key: "doc.object", Value: p.Object}})
	}
	_, err := db.in(pictures.in).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	return err
}

// Photo reads one.
func (db *DB) Photo(ctx context.Context, id string) (*photos.Photo, error) {
	return pictures.get(ctx, db, id)
}

// PhotosOf reads a report's: a few, which are put in order here.
func (db *DB) PhotosOf(ctx context.Context, report string) ([]*photos.Photo, error) {
	if report == "" {
		return nil, nil
	}
	all, err := pictures.all(ctx, db, bson.D{{Key: "report", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: report}}}})
	slices.SortFunc(all, func(a, b *photos.Photo) int {
		return cmp.Or(cmp.Compare(millis(a.CreatedAt), millis(b.CreatedAt)), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

// UpdatePhoto changes one.
func (db *DB) UpdatePhoto(ctx context.Context, id string, change func(*photos.Photo) error) (*photos.Photo, error) {
	return pictures.change(ctx, db, id, func(p *photos.Photo) error {
		report := p.Report
		err := change(p)
		p.ID, p.Report = id, report
		return err
	})
}

// LoosePhotos lists photos without a report.
func (db *DB) LoosePhotos(ctx context.Context, before time.Time, after string, limit int) ([]*photos.Photo, error) {
	return pictures.all(ctx, db, bson.D{{Key: "loose", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: true}}},
		{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}, {Key: "created", Value: bson.D{{Key: "$lt", Value: millis(before)}}}},
		options.Find().SetSort(bson.D{{Key: "loose", Value: 1}, {Key: "_id", Value: 1}}).SetLimit(int64(limit)))
}

// DeletePhoto removes one that nobody has changed, and gives its place in the album back. That this fails is no error: the place falls free
// when somebody needs it.
func (db *DB) DeletePhoto(ctx context.Context, id string, rev int64) error {
	raw, err := db.in(pictures.in).FindOneAndDelete(ctx, bson.D{{Key: "_id", Value: id}, {Key: "rev", Value: rev}},
		options.FindOneAndDelete().SetProjection(only("report"))).Raw()
	if none(err) {
		err = db.in(pictures.in).FindOne(ctx, bson.D{{Key: "_id", Value: id}}, options.FindOne().SetProjection(only("_id"))).Err()
		if err == nil {
			return fault.New(fault.Conflict)
		}
		if none(err) {
			return nil
		}
	}
	if err != nil {
		return failed(ctx, err)
	}
	if report, ok := raw.Lookup("report").StringValueOK(); ok {
		_ = db.freePlaces(ctx, report, bson.D{{Key: "id", Value: id}})
	}
	return nil
}
