package mongo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/balagh/balagh/reports"
)

// volumesTime is how long counting may take: where an index alone cannot answer, it reads every report of the days.
const volumesTime = time.Minute

// Volumes counts within one index that holds every dimension.
func (db *DB) Volumes(ctx context.Context, q reports.VolumesQuery) ([]reports.Volume, error) {
	all := []reports.Volume{}
	var w where
	w.add("day", "$gte", 0) // nothing is in it that is out of every figure
	if !w.scope("centre", q.Scope.Centres, q.Centre) || !w.scope("department", q.Scope.Departments, "") {
		return all, nil
	}
	w.equal("category", q.Category)
	for _, end := range []struct{ operator, day string }{{"$gte", q.From}, {"$lte", q.Through}} {
		if end.day == "" {
			continue
		}
		n, err := dayNumber(end.day)
		if err != nil {
			return nil, err
		}
		w.add("day", end.operator, n)
	}
	by := bson.D{}
	for i, d := range q.By {
		field := string(d)
		if d == reports.ByMonth {
			field = "day"
		}
		by = append(by, bson.E{Key: strconv.Itoa(i), Value: "$" + field})
	}
	ctx, cancel := context.WithTimeout(ctx, volumesTime)
	defer cancel()
	cursor, err := db.in("reports").Aggregate(ctx, driver.Pipeline{{{Key: "$match", Value: w}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: by}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}}})
	counts := map[[2]string]int{}
	err = scanned(ctx, cursor, err, func(raw bson.Raw) error {
		var keys [2]string
		for i, d := range q.By {
			keys[i] = volumeKey(d, raw.Lookup("_id", strconv.Itoa(i)))
		}
		n, _ := raw.Lookup("n").AsInt64OK()
		counts[keys] += int(n)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	for keys, n := range counts {
		all = append(all, reports.Volume{Keys: slices.Clone(keys[:len(q.By)]), Count: n})
	}
	slices.SortFunc(all, func(a, b reports.Volume) int { return slices.Compare(a.Keys, b.Keys) })
	return all, nil
}

// volumeKey is the key of a group: days as 2006-01-02, months as 2006-01, companies as yes and all others as no.
func volumeKey(d reports.Dimension, v bson.RawValue) string {
	switch d {
	case reports.ByDay, reports.ByMonth:
		n, _ := v.AsInt64OK()
		key := fmt.Sprintf("%04d-%02d-%02d", n/10000, n/100%100, n%100)
		if d == reports.ByMonth {
			key = key[:len("2006-01")]
		}
		return key
	case reports.ByCompany:
		if company, _ := v.BooleanOK(); company {
			return "yes"
		}
		return "no"
	}
	key, _ := v.StringValueOK()
	return key
}
