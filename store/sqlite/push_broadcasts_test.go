package sqlite

import (
	"strings"
	"testing"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPushBroadcasts(t *testing.T) {
	t.Parallel()
	storetest.TestPushBroadcasts(t, func(t *testing.T) storetest.BroadcastsStore { return fresh(t) })
}

func TestPushBroadcasts_plans(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, c := range []struct {
		q, index string
		args     []any
	}{
		{reporters, "reports_citizen (citizen>?)", audienceArgs(push.Audience{Centre: "riyadh"}, "", 9)},
		{countOfThese, "reports_citizen (citizen>?)", audienceArgs(push.Audience{Category: "sound"}, "", 9)},
		{everybody, "PRIMARY KEY (id>?)", []any{"", 9}},
		{countOfAll, "PRIMARY KEY (id>?)", []any{"", 9}},
		{`SELECT doc FROM broadcasts WHERE (created, id) < (?, ?) ORDER BY created DESC, id DESC LIMIT ?+0`, "broadcasts_created", []any{1, "x", 9}},
		{`UPDATE deliveries SET state = 'suppressed' WHERE message = ? AND state = 'queued'`, "PRIMARY KEY (message=?)", []any{"m"}},
	} {
		plan, err := explain(t.Context(), db, c.q, c.args)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "B-TREE") {
			t.Errorf("%s\n%s; want %s", c.q, plan, c.index)
		}
	}
}

func TestDB_LeaseBroadcast_poisonedRow(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, id := range []string{"poisoned", "sound"} {
		if err := db.CreateBroadcast(t.Context(), &push.Broadcast{ID: id, State: push.Running, Due: moment(1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.write(t.Context(), func(w *tx) error {
		_, err := w.exec(`UPDATE broadcasts SET doc = '{', due = 0 WHERE id = 'poisoned'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if b, err := db.LeaseBroadcast(t.Context(), moment(5), 1e9); err != nil {
			t.Fatal(err)
		} else if b != nil && b.ID == "sound" {
			return
		}
	}
	t.Error("one that cannot be read holds up the others")
}
