package mongo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/reports"
)

// The server's distance is that on its own earth, a sphere or an ellipsoid: it and ours differ by less than this share.
const earths = .01

// Near asks for what is open, and for what was handled if that is wanted.
func (db *DB) Near(ctx context.Context, q reports.NearQuery) ([]reports.NearReport, error) {
	var fields = []string{"near", "past"}
	if q.Open {
		fields = fields[:1]
	}
	found := make([][]reports.NearReport, len(fields))
	var g group
	for i, field := range fields {
		g.Go(func() (err error) {
			found[i], err = db.nearest(ctx, field, q)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("look around: %w", err)
	}
	all := slices.Concat(found...)
	slices.SortFunc(all, byDistance)
	return all[:min(len(all), q.Limit)], nil
}

func byDistance(a, b reports.NearReport) int {
	return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
}

var nearOnly = bson.D{{Key: "seq", Value: 1}, {Key: "number", Value: 1}, {Key: "status", Value: 1}, {Key: "category", Value: 1}, {Key: "near", Value: 1},
	{Key: "past", Value: 1}, {Key: "supports", Value: 1}}

// nearest reads the index in the order of the server's distances, so far that nothing behind can be nearer than what is answered.
func (db *DB) nearest(ctx context.Context, field string, q reports.NearQuery) ([]reports.NearReport, error) {
	filter := bson.D{{Key: field, Value: bson.D{{Key: "$nearSphere", Value: bson.D{{Key: "$geometry", Value: geoPoint(q.Point)},
		{Key: "$maxDistance", Value: q.Radius*(1+earths) + 1}}}}}}
	if q.Category != "" {
		filter = append(filter, bson.E{Key: "category", Value: q.Category})
	}
	for limit := q.Limit + 5; ; limit *= 4 {
		var found []reports.NearReport
		err := db.scan(ctx, "reports", filter, func(raw bson.Raw) error {
			r, err := nearReport(raw, field)
			if err == nil {
				r.Distance = reports.Distance(q.Point, r.Point)
				found = append(found, r)
			}
			return err
		}, options.Find().SetProjection(nearOnly).SetLimit(int64(limit)).SetBatchSize(int32(limit+1)))
		if err != nil {
			return nil, err
		}
		n, last := len(found), 0.0
		if n > 0 {
			last = found[n-1].Distance
		}
		slices.SortFunc(found, byDistance)
		if n < limit || found[q.Limit-1].Distance < last*(1-earths) {
			end, _ := slices.BinarySearchFunc(found, q.Radius, func(r reports.NearReport, radius float64) int {
				if r.Distance <= radius {
					return -1
				}
				return 1
			})
			return found[:end], nil
		}
	}
}

func nearReport(raw bson.Raw, field string) (r reports.NearReport, err error) {
	var d struct {
		ID       string `bson:"_id"`
		Seq      int64  `bson:"seq"`
		Number   int64  `bson:"number"`
		Status   string `bson:"status"`
		Category string `bson:"category"`
		Supports int    `bson:"supports"`
		Near     point  `bson:"near"`
		Past     point  `bson:"past"`
	}
	if err := bson.Unmarshal(raw, &d); err != nil {
		return r, unreadable{fmt.Errorf("stored in reports: %w", err)}
	}
	at := d.Near
	if field == "past" {
		at = d.Past
	}
	return reports.NearReport{ID: d.ID, Number: strconv.FormatInt(d.Number, 10), Status: reports.Status(d.Status), Category: d.Category,
		Point: reports.Point{Latitude: at.Coordinates[1], Longitude: at.Coordinates[0]}, Supports: d.Supports, ReceivedAt: receivedAt(d.Seq)}, nil
}

// point is a place in GeoJSON.
type point struct {
	Coordinates [2]float64 `bson:"coordinates"`
}
