package mongo

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

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

// nearest looks at ever larger circles, as a server may read all of a circle before it sorts it. The first is one that was large enough
// around there lately.
func (db *DB) nearest(ctx context.Context, field string, q reports.NearQuery) ([]reports.NearReport, error) {
	around := area{field, q.Category, int(q.Point.Latitude * areasPerDegree), int(q.Point.Longitude * areasPerDegree)}
	root := math.Sqrt(float64(q.Limit))
	radius := min(db.near.get(around)*root, q.Radius)
	for limit := q.Limit + 5; ; {
		found, last, err := db.circle(ctx, field, q, radius, limit)
		if err != nil {
			return nil, err
		}
		reach := radius // how far all is known
		if whole := len(found) < limit; !whole {
			// Nothing behind the last one is nearer than it by more than the earths differ. Many on one spot are read on.
			if reach = min(last*(1-earths), q.Radius); found[q.Limit-1].Distance >= reach && reach < q.Radius {
				limit *= 4
				continue
			}
			reach = q.Radius
		}
		known, _ := slices.BinarySearchFunc(found, reach, func(r reports.NearReport, reach float64) int {
			if r.Distance <= reach {
				return -1
			}
			return 1
		})
		if known < q.Limit && reach < q.Radius {
			radius = min(q.Radius, radius*min(6, max(2, 1.5*math.Sqrt(float64(q.Limit)/float64(known+1)))))
			continue
		}
		if known >= q.Limit {
			db.near.put(around, found[q.Limit-1].Distance*1.5/root)
		} else {
			db.near.put(around, q.Radius/root)
		}
		return found[:known], nil
	}
}

// circle reads the nearest in a circle, and how far the last one is in the order of the server.
func (db *DB) circle(ctx context.Context, field string, q reports.NearQuery, radius float64, limit int) (found []reports.NearReport, last float64, err error) {
	filter := bson.D{{Key: field, Value: bson.D{{Key: "$nearSphere", Value: bson.D{{Key: "$geometry", Value: geoPoint(q.Point)},
		{Key: "$maxDistance", Value: radius*(1+earths) + 1}}}}}}
	if q.Category != "" {
		filter = append(filter, bson.E{Key: "category", Value: q.Category})
	}
	err = db.scan(ctx, "reports", filter, func(raw bson.Raw) error {
		r, err := nearReport(raw, field)
		r.Distance = reports.Distance(q.Point, r.Point)
		found, last = append(found, r), r.Distance
		return err
	}, options.Find().SetProjection(nearOnly).SetLimit(int64(limit)).SetBatchSize(int32(limit+1)))
	slices.SortFunc(found, byDistance)
	return found, last, err
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

const (
	areasPerDegree = 10
	manyAreas      = 4096
	firstReach     = 120 // metres for one report, where nothing is known
)

// area is a part of the map, about 11 km each way.
type area struct {
	field, category     string
	latitude, longitude int
}

// reaches remember how far one had to look for one report, by area: for n it is the root of n times as far.
type reaches struct {
	mu sync.Mutex
	m  map[area]float64
}

func (r *reaches) get(a area) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if metres, ok := r.m[a]; ok {
		return metres
	}
	return firstReach
}

func (r *reaches) put(a area, metres float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil || len(r.m) >= manyAreas {
		r.m = map[area]float64{}
	}
	r.m[a] = max(metres, 1)
}
