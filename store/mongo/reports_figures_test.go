package mongo

import (
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

// Reports that programs wrote that know no marks are marked when the first that knows them starts, and those that such programs wrote
// meanwhile when none is left; others never.
func TestMigrate_reportMarks(t *testing.T) {
	t.Parallel()
	db := again(t, fresh(t)) // without a look at plans: the index of an earlier version is not there
	ctx := t.Context()
	for _, id := range []string{"a", "b", "own"} {
		r := &reports.Report{ID: id, Number: "100000000" + string('0'+id[0]%10), Status: reports.Received, SelfFiled: id == "own", Day: "2026-03-04", ReceivedAt: time.Now()}
		fails(t, db.CreateReport(ctx, r, nil))
	}
	earlier := func(set bson.D) { // as a program that knows no marks writes
		t.Helper()
		_, err := db.in("reports").UpdateMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{"a", "b"}}}}},
			bson.D{{Key: "$set", Value: set}, {Key: "$unset", Value: bson.D{{Key: "mark", Value: ""}}}})
		fails(t, err)
	}
	marked := func(what string, want ...string) {
		t.Helper()
		all, err := db.MarkedReports(ctx, 9)
		fails(t, err)
		var ids []string
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, want) {
			t.Errorf("%s: marked %v, want %v", what, ids, want)
		}
	}
	earlier(bson.D{{Key: "day", Value: int64(20260304)}, {Key: "gender", Value: "male"}})
	marked("before")
	for range 2 {
		fails(t, intoFigures.before(ctx, db))
		marked("the first step", "a", "b")
	}
	raw, err := db.in("reports").FindOne(ctx, bson.D{{Key: "_id", Value: "a"}}).Raw()
	if err != nil || textIn(raw, "mark") != "2026-03-04" || numberIn(raw, "day") != 20260304 {
		t.Errorf("what earlier programs need: %v, %v", raw, err)
	}
	if _, err := db.UpdateReport(ctx, "a", func(*reports.Report) ([]event.Event, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	fails(t, db.UnmarkReports(ctx, map[string]int64{"a": 2, "b": 1}))
	marked("entered")
	for range 2 {
		fails(t, intoFigures.after(ctx, db))
		marked("the second step", "a", "b")
	}
	raw, err = db.in("reports").FindOne(ctx, bson.D{{Key: "_id", Value: "a"}}).Raw()
	if _, there := raw.LookupErr("gender"); err != nil || there == nil || numberIn(raw, "day") != 0 {
		t.Errorf("what nobody needs any more: %v, %v", raw, err)
	}
}
