package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// revWrite is a write of a document that must be as it was read.
type revWrite struct {
	id  string
	rev bson.RawValue
	up  bson.D
}

// alike is from how many writes on that say the same of documents of the same rev they go as one, which takes a fraction of the time.
const alike = 4

// writeAsRead makes writes of one collection and says how many documents were as they were read. Refused are those, by place, that can
// never be made because of what lies in the document; with also, documents must have that as well.
//
// Every command writes its documents in the order of their ids: on a server that locks what a command has written until it ends, two
// commands in different orders would wait for each other.
func (db *DB) writeAsRead(ctx context.Context, in string, all []revWrite, also ...bson.E) (matched int, refused []int, err error) {
	groups := map[string][]int{}
	for i, w := range all {
		key, err := bson.Marshal(bson.D{{Key: "rev", Value: orNull(w.rev)}, {Key: "up", Value: w.up}})
		if err != nil {
			return 0, nil, fmt.Errorf("a write of %s: %w", in, err)
		}
		groups[string(key)] = append(groups[string(key)], i)
	}
	var single []int
	for _, of := range groups {
		if len(of) < alike {
			single = append(single, of...)
			continue
		}
		ids := make([]string, len(of))
		for k, i := range of {
			ids[k] = all[i].id
		}
		slices.Sort(ids)
		r, err := db.in(in).UpdateMany(ctx, append(bson.D{{Key: "_id", Value: among(ids)}, {Key: "deliveries_rev", Value: orNull(all[of[0]].rev)}}, also...), all[of[0]].up)
		switch {
		case unwritable(err):
			single = append(single, of...) // one of them spoils the others
		case err != nil:
			return 0, nil, failed(ctx, err)
		default:
			matched += int(r.MatchedCount)
		}
	}
	if len(single) == 0 {
		return matched, nil, nil
	}
	slices.SortFunc(single, func(a, b int) int { return cmp.Compare(all[a].id, all[b].id) })
	models := make([]driver.WriteModel, len(single))
	for k, i := range single {
		models[k] = driver.NewUpdateOneModel().SetUpdate(all[i].up).
			SetFilter(append(bson.D{{Key: "_id", Value: all[i].id}, {Key: "deliveries_rev", Value: orNull(all[i].rev)}}, also...))
	}
	r, err := db.in(in).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	places, only := refusals(err)
	if err != nil && !only {
		return 0, nil, failed(ctx, err)
	}
	for _, k := range places {
		refused = append(refused, single[k])
	}
	return matched + int(r.MatchedCount), refused, nil
}

// orNull is a value as a filter takes it; null finds what is not there.
func orNull(v bson.RawValue) any {
	if len(v.Value) == 0 {
		return nil
	}
	return v
}

// refusals are the writes of a bulk that can never be made, if these were all that went wrong.
func refusals(err error) (all []int, only bool) {
	var bulk driver.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil {
		return nil, false
	}
	for _, e := range bulk.WriteErrors {
		if !unwritable(e) {
			return nil, false
		}
		all = append(all, e.Index)
	}
	return all, true
}

// unwritable says that the server cannot make a write because of what lies in the document: BadValue, TypeMismatch, PathNotViable.
func unwritable(err error) bool {
	var e driver.ServerError
	return errors.As(err, &e) && (e.HasErrorCode(2) || e.HasErrorCode(14) || e.HasErrorCode(28))
}
