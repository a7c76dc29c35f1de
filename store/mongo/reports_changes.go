package mongo

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/reports"
)

// A report has beside doc the field written, when it was written last: milliseconds by the clock of the process, taken right before each
// try. So a write becomes visible at most operationTime after that, when it has failed otherwise. Whoever asks for what was written after
// a moment is given what was written changesLate before it as well: that covers the way of a write, and clocks that differ.
const (
	changesLate   = operationTime + 5*time.Second
	changesKept   = 10 * time.Minute // a longer list is better read anew
	byWritten     = "written_1__id_1_rev_1"
	changesFuture = time.Minute // of a position by a clock of which we know nothing
)

// The index has all that tells whether a write is known.
var changeIndexes = []index{{in: "reports", keys: bson.D{{Key: "written", Value: 1}, {Key: "_id", Value: 1}, {Key: "rev", Value: 1}}, exists: "written",
	serves: "what was written lately"}}

var _ reports.ChangeStore = (*DB)(nil)

// ChangePosition is the present moment.
func (db *DB) ChangePosition(context.Context) (int64, error) { return time.Now().UnixMilli(), nil }

// Changes reads the end of an index, and then the reports that are not known.
func (db *DB) Changes(ctx context.Context, q reports.ChangesQuery) (list []reports.Changed, whole bool, err error) {
	after, now := moment(q.After), time.Now()
	if now.Sub(after) > changesKept || after.Sub(now) > changesFuture {
		return nil, false, nil
	}
	filter := bson.D{{Key: "written", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: after.Add(-changesLate).UnixMilli()}}}}
	ids, n := []string{}, 0
	err = db.scan(ctx, "reports", filter, func(raw bson.Raw) error {
		n++
		if id, rev := textIn(raw, "_id"), numberIn(raw, "rev"); q.Known == nil || !q.Known(id, rev) {
			ids = append(ids, id)
		}
		return nil
	}, options.Find().SetHint(byWritten).SetProjection(bson.D{{Key: "_id", Value: 1}, {Key: "rev", Value: 1}, {Key: "written", Value: 1}}).
		SetSort(bson.D{{Key: "written", Value: 1}}).SetLimit(int64(q.Limit*changesRepeat)+1))
	if err != nil || n > q.Limit*changesRepeat || len(ids) > q.Limit {
		return nil, false, err
	}
	if len(ids) == 0 {
		return nil, true, nil
	}
	err = db.scan(ctx, "reports", bson.D{{Key: "_id", Value: among(ids)}}, func(raw bson.Raw) error {
		c := reports.Changed{Position: numberIn(raw, "written"), ID: textIn(raw, "_id"), Number: strconv.FormatInt(numberIn(raw, "number"), 10), Rev: numberIn(raw, "rev"),
			Status: reports.Status(textIn(raw, "status")), Centre: textIn(raw, "centre"), Department: textIn(raw, "department")}
		if kinds, ok := raw.Lookup("doc", "timeline").ArrayOK(); ok {
			if entries, err := kinds.Values(); err == nil && len(entries) > 0 {
				last, _ := entries[len(entries)-1].DocumentOK()
				c.Change = reports.EntryKind(textIn(last, "kind"))
			}
		}
		list = append(list, c)
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "written", Value: 1}, {Key: "number", Value: 1}, {Key: "rev", Value: 1}, {Key: "status", Value: 1},
		{Key: "centre", Value: 1}, {Key: "department", Value: 1}, {Key: "doc.timeline.kind", Value: 1}}))
	slices.SortFunc(list, func(a, b reports.Changed) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID))
	})
	return list, err == nil, err
}

// changesRepeat is how many times as many may be given again as are asked for: in a flood most of what is read is known.
const changesRepeat = 4
