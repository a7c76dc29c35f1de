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

// trialLasts is after when whoever tried is taken for dead: it has operationTime to attach, and as much to give back.
const trialLasts = 3 * operationTime

// AttachPhotos gives photos to a report. Places in its album come first, then the photos, each if it is as it was read. When the process
// dies in between, those that are attached stay so, and the same call does the rest.
func (db *DB) AttachPhotos(ctx context.Context, report string, ids []string, limit int) ([]*photos.Photo, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTime)
	defer cancel()
	a := attaching{db: db, report: report, ids: ids, limit: limit, by: bson.NewObjectID().Hex(), held: map[string]bool{}}
	for try := 0; ctx.Err() == nil; try++ {
		all, done, err := a.attempt(ctx)
		if err != nil {
			a.release(ctx)
			return nil, failed(ctx, err)
		}
		if done {
			a.settle(ctx)
			return all, nil
		}
		pause(ctx, try)
	}
	a.release(ctx)
	return nil, fault.Later(fault.Unavailable, retryAfter)
}

// attaching is one call.
type attaching struct {
	db     *DB
	report string
	ids    []string
	limit  int
	by     string                // its trial
	held   map[string]bool       // photos that have it
	back   func(context.Context) // gives the places back; nil before they are taken
	unsure bool                  // whether some photo was attached: then the places stay until they fall free
}

// picture is a photo with whoever tries to attach it.
type picture struct {
	*photos.Photo
	trial string
	since int64
}

func (a *attaching) attempt(ctx context.Context) (all []*photos.Photo, done bool, err error) {
	found, err := a.read(ctx)
	if err != nil {
		return nil, false, err
	}
	var loose []*photos.Photo
	wait := false
	for _, id := range a.ids {
		p, ok := found[id]
		switch {
		case !ok:
			return nil, false, fault.New(fault.NotFound)
		case p.Report == "":
			loose = append(loose, p.Photo)
		case p.trial != "" && p.trial != a.by && time.Since(moment(p.since)) < trialLasts:
			wait = true
		case p.Report != a.report:
			return nil, false, fault.New(fault.Conflict)
		}
		all = append(all, p.Photo)
	}
	if wait { // whoever tries may wait for what this one holds
		a.release(ctx)
		return nil, false, nil
	}
	if len(loose) == 0 {
		return all, true, nil
	}
	for _, p := range loose {
		p.Report = a.report
	}
	if a.back == nil {
		if a.back, err = a.db.reserve(ctx, loose, a.limit); err != nil {
			return nil, false, err
		}
	}
	won, err := a.write(ctx, loose)
	return all, won, err
}

func (a *attaching) read(ctx context.Context) (map[string]picture, error) {
	found := make(map[string]picture, len(a.ids))
	err := pictures.each(ctx, a.db, bson.D{{Key: "_id", Value: among(a.ids)}}, func(p *photos.Photo, raw bson.Raw) error {
		by, _ := raw.Lookup("trial").StringValueOK()
		since, _ := raw.Lookup("trial_at").AsInt64OK()
		found[p.ID] = picture{p, by, since}
		return nil
	})
	return found, err
}

// write attaches photos that are still as they were read, and says whether all were. A single one is attached or not, and needs no trial.
func (a *attaching) write(ctx context.Context, ps []*photos.Photo) (won bool, err error) {
	alone := len(ps) == 1 && len(a.held) == 0
	slices.SortFunc(ps, func(a, b *photos.Photo) int { return cmp.Compare(a.ID, b.ID) }) // everybody in one order, so that nobody waits in a circle
	models := make([]driver.WriteModel, 0, len(ps))
	for _, p := range ps {
		set := bson.D{{Key: "report", Value: a.report}, {Key: "doc.report", Value: a.report}}
		if !alone {
			set = append(set, bson.E{Key: "trial", Value: a.by}, bson.E{Key: "trial_at", Value: time.Now().UnixMilli()})
			a.held[p.ID] = true
		}
		models = append(models, driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: p.ID}, {Key: "rev", Value: p.Rev}}).
			SetUpdate(bson.D{{Key: "$set", Value: set}, {Key: "$unset", Value: bson.D{{Key: "loose", Value: ""}}}, countsUp}))
		p.Rev++
	}
	r, err := a.db.in(pictures.in).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if clashed(err) {
		return false, nil
	}
	if err != nil {
		a.unsure = true
		return false, failed(ctx, err)
	}
	return int(r.MatchedCount) == len(ps), nil
}

// mine are the photos that are on trial here.
func (a *attaching) mine() bson.D {
	ids := make([]string, 0, len(a.held))
	for id := range a.held {
		ids = append(ids, id)
	}
	return bson.D{{Key: "_id", Value: among(ids)}, {Key: "trial", Value: a.by}}
}

// settle ends the trial. That it fails is no error: with time it ends by itself.
func (a *attaching) settle(ctx context.Context) {
	a.end(ctx, bson.D{{Key: "$unset", Value: bson.D{{Key: "trial", Value: ""}, {Key: "trial_at", Value: ""}}}})
}

// release gives back what is on trial, and the places. That it fails is told to nobody: some photos are attached then and some are not, as
// when the process dies.
func (a *attaching) release(ctx context.Context) {
	a.end(ctx, bson.D{{Key: "$set", Value: bson.D{{Key: "loose", Value: true}}}, countsUp,
		{Key: "$unset", Value: bson.D{{Key: "report", Value: ""}, {Key: "doc.report", Value: ""}, {Key: "trial", Value: ""}, {Key: "trial_at", Value: ""}}}})
	if a.back != nil && !a.unsure {
		a.back(ctx)
	}
	a.back = nil
}

func (a *attaching) end(ctx context.Context, up bson.D) {
	if len(a.held) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime)
	defer cancel()
	_, err := a.db.in(pictures.in).UpdateMany(ctx, a.mine(), up)
	for try := 1; clashed(err) && try < clashes; try++ {
		pause(ctx, try)
		_, err = a.db.in(pictures.in).UpdateMany(ctx, a.mine(), up)
	}
	a.unsure = a.unsure || err != nil
	clear(a.held)
}
