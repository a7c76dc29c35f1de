package mongo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// keptVerbatim is a verbatim with the rev that it has here. Beside it lie:
//
//	question, state
//	round:  absent for none
//	age:    days until 1970: an ascending order of the newest day first
//	values: dimension=value of its snapshot, for each dimension
//	folded: the words of its text as they are searched
//	of_rev: see responses
//	gone:   true when it is not said any more; then there is nothing else
type keptVerbatim struct {
	surveys.Verbatim
	rev int64
}

var verbatims = kind[keptVerbatim]{
	in:     "verbatims",
	id:     func(v *keptVerbatim) string { return v.ID },
	rev:    func(v *keptVerbatim) *int64 { return &v.rev },
	fields: verbatimFields,
	read: func(v *keptVerbatim, raw bson.Raw) error {
		if gone, _ := raw.Lookup("gone").BooleanOK(); gone {
			return fault.New(fault.NotFound)
		}
		v.rev, _ = raw.Lookup("rev").AsInt64OK()
		return nil
	},
}

var verbatimIndexes = []index{
	{in: "verbatims", keys: bson.D{{Key: "round", Value: 1}, {Key: "age", Value: 1}, {Key: "_id", Value: 1}}, serves: "pages of the words of a round"},
	{in: "verbatims", keys: bson.D{{Key: "age", Value: 1}, {Key: "_id", Value: 1}}, serves: "pages of all words"},
}

// verbatimFields leaves folded as it is when the text that is searched is not known: it is not read back.
func verbatimFields(v *keptVerbatim) (bson.D, error) {
	day, err := time.Parse(time.DateOnly, v.Day)
	if err != nil {
		return nil, fmt.Errorf("the day of a verbatim: %w", err)
	}
	values := make(bson.A, len(surveys.SnapshotDimensions))
	for n, d := range surveys.SnapshotDimensions {
		values[n] = snapshotValue(d, v.Snapshot.Value(d))
	}
	d := bson.D{{Key: "round", Value: textOrNone(v.Round)}, {Key: "age", Value: -day.Unix() / 86_400}, {Key: "question", Value: v.Question},
		{Key: "state", Value: v.State}, {Key: "values", Value: values}}
	if v.Folded != "" {
		d = append(d, bson.E{Key: "folded", Value: strings.Split(v.Folded, " ")})
	}
	return d, nil
}

func snapshotValue(d surveys.Dimension, value string) string { return string(d) + "=" + value }

// A verbatim that is made anew has a rev that is no trap for who changes the one before.
func newVerbatim(v *surveys.Verbatim) *keptVerbatim {
	return &keptVerbatim{Verbatim: *v, rev: rand.Int64N(1 << 62)}
}

// verbatimOnce writes one that is not there.
func verbatimOnce(v *surveys.Verbatim) (follow, error) {
	d, err := verbatims.fresh(newVerbatim(v), effects{})
	if err != nil {
		return follow{}, err
	}
	return follow{In: "verbatims", Filter: d[:1], Update: bson.D{{Key: "$setOnInsert", Value: d[1:]}}}, nil
}

// verbatimReplacing writes one over an older one.
func verbatimReplacing(v *surveys.Verbatim, rev int64) (follow, error) {
	up, err := verbatims.changed(newVerbatim(v), effects{})
	if err != nil {
		return follow{}, err
	}
	unset := bson.D{{Key: "gone", Value: ""}}
	if v.Folded == "" {
		unset = append(unset, bson.E{Key: "folded", Value: ""})
	}
	return follow{In: "verbatims", Filter: older(v.ID, rev), Update: with(up, bson.D{{Key: "of_rev", Value: rev}}, unset)}, nil
}

// verbatimGone empties one that is not said any more.
func verbatimGone(id string, rev int64) follow {
	unset := bson.D{}
	for _, field := range []string{"round", "age", "question", "state", "values", "folded"} {
		unset = append(unset, bson.E{Key: field, Value: ""})
	}
	return follow{In: "verbatims", Filter: older(id, rev), Update: bson.D{{Key: "$set", Value: bson.D{{Key: "v", Value: docVersion},
		{Key: "rev", Value: rand.Int64N(1 << 62)}, {Key: "of_rev", Value: rev}, {Key: "gone", Value: true}, {Key: "doc", Value: bson.D{}}}}, {Key: "$unset", Value: unset}}}
}

// Verbatims is a page of them: of the day of the last one of the page before what comes behind it, and then of the days before.
func (db *DB) Verbatims(ctx context.Context, q surveys.VerbatimQuery) (all []surveys.Verbatim, err error) {
	age := int64(-1 << 40)
	if q.After != "" {
		if age, err = db.verbatimAge(ctx, q.After); err != nil {
			return nil, err
		}
		if all, err = db.verbatimPage(ctx, q, bson.D{{Key: "$eq", Value: age}}, q.Limit); err != nil {
			return nil, err
		}
		q.After = ""
	}
	if len(all) < q.Limit {
		rest, err := db.verbatimPage(ctx, q, bson.D{{Key: "$gt", Value: age}}, q.Limit-len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, rest...)
	}
	return all, nil
}

func (db *DB) verbatimAge(ctx context.Context, id string) (int64, error) {
	raw, err := db.in("verbatims").FindOne(ctx, bson.D{{Key: "_id", Value: id}}, options.FindOne().SetProjection(bson.D{{Key: "age", Value: 1}})).Raw()
	if err != nil {
		return 0, failed(ctx, err)
	}
	age, ok := raw.Lookup("age").AsInt64OK()
	if !ok {
		return 0, fault.New(fault.NotFound)
	}
	return age, nil
}

// verbatimPage reads on until the page is full. One that nobody can decode hinders no other.
func (db *DB) verbatimPage(ctx context.Context, q surveys.VerbatimQuery, age bson.D, limit int) (all []surveys.Verbatim, err error) {
	filter := bson.D{{Key: "age", Value: age}}
	if q.Round != "" {
		filter = append(filter, bson.E{Key: "round", Value: q.Round})
	}
	if q.After != "" {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$gt", Value: q.After}}})
	}
	if q.Question != "" {
		filter = append(filter, bson.E{Key: "question", Value: q.Question})
	}
	if len(q.States) > 0 {
		filter = append(filter, bson.E{Key: "state", Value: among(q.States)})
	}
	if q.By != "" {
		filter = append(filter, bson.E{Key: "values", Value: snapshotValue(q.By, q.Value)})
	}
	var terms bson.A
	for _, term := range q.Terms {
		// The words that begin with a term are a range: nothing of it is an expression.
		terms = append(terms, bson.D{{Key: "folded", Value: bson.D{{Key: "$elemMatch", Value: bson.D{{Key: "$gte", Value: term}, {Key: "$lt", Value: term + "\U0010FFFF"}}}}}})
	}
	if len(terms) > 0 {
		filter = append(filter, bson.E{Key: "$and", Value: terms})
	}
	err = db.scan(ctx, "verbatims", filter, func(raw bson.Raw) error {
		if v, err := verbatims.of(raw); err == nil {
			all = append(all, v.Verbatim)
		}
		return nil
	}, options.Find().SetSort(bson.D{{Key: "age", Value: 1}, {Key: "_id", Value: 1}}).SetLimit(int64(limit)).SetBatchSize(int32(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read verbatims: %w", err)
	}
	return all, nil
}

// UpdateVerbatim changes one.
func (db *DB) UpdateVerbatim(ctx context.Context, id string, change func(*surveys.Verbatim) error) (*surveys.Verbatim, error) {
	v, err := verbatims.update(ctx, db, id, func(v *keptVerbatim) (effects, error) {
		err := change(&v.Verbatim)
		v.ID = id
		return effects{}, err
	})
	if err != nil {
		return nil, err
	}
	return &v.Verbatim, nil
}
