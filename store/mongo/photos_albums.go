package mongo

import (
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
)

// albums: {_id: report, v, rev, doc: {rev, places: [{id, owner, at}, …]}}
//
// How many photos of one owner a report has is decided in one document: a photo takes a place there before it is written or attached.
// A place is of a photo of the report, or of one that is to be one in a moment. When a process dies in between, the same call takes the
// same place again, and the places of photos that are not the report's a minute later fall free when somebody finds none.
type places struct {
	report string
	Rev    int64   `json:"rev"`
	Places []place `json:"places"`
}

type place struct {
	ID    string `json:"id"` // of the photo
	Owner string `json:"owner"`
	At    int64  `json:"at"` // when it was taken, in milliseconds
}

var albums = kind[places]{in: "albums", id: func(a *places) string { return a.report }, rev: func(a *places) *int64 { return &a.Rev }}

// album is a report's share of one owner.
type album struct{ report, owner string }

const placeHeld = time.Minute // for a photo that is not yet the report's; a call that takes places is over long before

// reserve takes places for photos in the albums of their reports, all or none: more than limit of one owner are fault.TooMany, but for a
// limit of 0. back gives those back that were taken now.
func (db *DB) reserve(ctx context.Context, ps []*photos.Photo, limit int) (back func(context.Context), err error) {
	at := time.Now().UnixMilli()
	took := map[string][]string{} // report → ids
	back = func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime)
		defer cancel()
		for report, ids := range took {
			_ = db.freePlaces(ctx, report, bson.D{{Key: "id", Value: among(ids)}, {Key: "at", Value: at}}) // else they fall free
		}
	}
	byReport := map[string][]*photos.Photo{}
	for _, p := range ps {
		byReport[p.Report] = append(byReport[p.Report], p)
	}
	for report, ps := range byReport {
		var ids []string
		_, err := albums.put(ctx, db, report, func() (*places, error) { return db.firstPlaces(ctx, report) }, func(a *places) error {
			ids = a.take(ps, at)
			if limit == 0 || !a.over(ps, limit) {
				return nil
			}
			if err := db.freeLost(ctx, report, a, at); err != nil {
				return err
			}
			if a.over(ps, limit) {
				return fault.At("photos", fault.TooMany)
			}
			return nil
		})
		if err != nil {
			back(ctx)
			return nil, err
		}
		took[report] = ids
	}
	return back, nil
}

// firstPlaces is the album of a report that has none. The report's own photos may be about to follow it.
func (db *DB) firstPlaces(ctx context.Context, report string) (*places, error) {
	raw, err := db.in("reports").FindOne(ctx, bson.D{{Key: "_id", Value: report}}, options.FindOne().SetProjection(only("then"))).Raw()
	if err == nil {
		err = db.followUpNow(ctx, "reports", raw)
	}
	if err != nil && !none(err) {
		return nil, failed(ctx, err)
	}
	return &places{report: report}, nil
}

// take takes the places that the photos do not have, and holds those that they have anew; it gives the ids of the former.
func (a *places) take(ps []*photos.Photo, at int64) (ids []string) {
	for _, p := range ps {
		i := slices.IndexFunc(a.Places, func(x place) bool { return x.ID == p.ID })
		if i >= 0 {
			a.Places[i].At = at
			continue
		}
		a.Places, ids = append(a.Places, place{p.ID, p.Owner, at}), append(ids, p.ID)
	}
	return ids
}

// over says whether an owner of the photos has more places than limit. What follows a report twice may give a photo a second one, which
// does not count.
func (a *places) over(ps []*photos.Photo, limit int) bool {
	owned, seen := map[string]int{}, map[string]bool{}
	for _, p := range a.Places {
		if !seen[p.ID] {
			seen[p.ID] = true
			owned[p.Owner]++
		}
	}
	return slices.ContainsFunc(ps, func(p *photos.Photo) bool { return owned[p.Owner] > limit })
}

// freeLost frees the places that were held for too long by photos that are not the report's. The places were read before the photos are,
// and are written only if none of them changed meanwhile.
func (db *DB) freeLost(ctx context.Context, report string, a *places, now int64) error {
	var old []string
	for _, p := range a.Places {
		if p.At < now-placeHeld.Milliseconds() {
			old = append(old, p.ID)
		}
	}
	there := map[string]bool{}
	err := db.scan(ctx, pictures.in, bson.D{{Key: "_id", Value: among(old)}}, func(raw bson.Raw) error {
		of, _ := raw.Lookup("report").StringValueOK()
		there[idOf(raw)] = of == report
		return nil
	}, options.Find().SetProjection(only("report")))
	if err != nil {
		return err
	}
	a.Places = slices.DeleteFunc(a.Places, func(p place) bool { return slices.Contains(old, p.ID) && !there[p.ID] })
	return nil
}

// freePlaces frees the places that match.
func (db *DB) freePlaces(ctx context.Context, report string, match bson.D) error {
	_, err := db.in(albums.in).UpdateOne(ctx, bson.D{{Key: "_id", Value: report}}, bson.D{{Key: "$pull", Value: bson.D{{Key: "doc.places", Value: match}}}, countsUp})
	return failed(ctx, err)
}

// countsUp counts the rev up beside a document and in it.
var countsUp = bson.E{Key: "$inc", Value: bson.D{{Key: "rev", Value: 1}, {Key: "doc.rev", Value: 1}}}

// reservations take the places of photos that follow their report.
func reservations(ps []*photos.Photo) (then []follow) {
	at := time.Now().UnixMilli()
	for _, p := range ps {
		then = append(then, follow{In: albums.in, Filter: bson.D{{Key: "_id", Value: p.Report}}, Update: bson.D{
			{Key: "$addToSet", Value: bson.D{{Key: "doc.places", Value: bson.D{{Key: "id", Value: p.ID}, {Key: "owner", Value: p.Owner}, {Key: "at", Value: at}}}}},
			countsUp, {Key: "$setOnInsert", Value: bson.D{{Key: "v", Value: docVersion}}}}})
	}
	return then
}
