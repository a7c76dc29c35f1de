package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPushLedger(t *testing.T) {
	t.Parallel()
	storetest.TestPushLedger(t, func(t *testing.T) push.Store { return fresh(t) })
}

// What staff page through is read off an index, in its order, however much there is.
func TestPushLedger_plans(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, c := range []struct {
		q, index string
		args     []any
	}{
		{unreachedPage, "messages_unreached (unreached>? AND (unreached,id)<(?,?))", []any{1, "", "", 9}},
		{unreachedOfCentre, "messages_unreached_centre (<expr>=? AND unreached>? AND (unreached,id)<(?,?))", []any{1, "", "", 9, "c"}},
		{unreachedCount, "COVERING INDEX messages_unreached (unreached>? AND unreached<?)", []any{1, 2}},
		{unreachedCountOfCentre, "INDEX messages_unreached_centre (<expr>=? AND unreached>? AND unreached<?)", []any{1, 2, "c"}},
		{givenUp, "INDEX messages_unreached_id (id=?)", []any{"[]"}},
		{deadPage, "deliveries_dead ((changed,id)<(?,?))", []any{1, "", "", "", 9}},
		{deadOfCentre, "deliveries_dead_centre (<expr>=? AND (changed,id)<(?,?))", []any{1, "", "", "", 9, "c"}},
		{countedDeliveries, "PRIMARY KEY (day>? AND day<?)", []any{"", "", nil, ""}},
		{spentThrough, "PRIMARY KEY (day>? AND day<?)", []any{"", ""}},
	} {
		plan, err := explain(t.Context(), db, c.q, c.args)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "B-TREE FOR ORDER") {
			t.Errorf("%s\n%s; want %s", c.q, plan, c.index)
		}
	}
}

// A row that cannot be read is listed among the dead, for those who see every centre.
func TestDB_DeadDeliveries_poisonedRow(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	m := push.Message{ID: "m", Citizen: "c", Kind: push.Received, Centre: "riyadh", At: now}
	d := push.Delivery{ID: "d", Message: "m", Citizen: "c", Target: "phone", Channel: push.ChannelPush, Centre: "riyadh", Planned: now, Deadline: now.Add(time.Hour), Due: now}
	if _, err := db.PlanMessages(t.Context(), []push.Planned{{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.write(t.Context(), func(w *tx) error {
		_, err := w.exec(`UPDATE deliveries SET doc = '{'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := db.LeaseDeliveries(t.Context(), push.ChannelPush, now, time.Minute, 10, true); len(got) != 0 || err != nil {
		t.Fatalf("leased %v, %v", got, err)
	}
	got, err := db.DeadDeliveries(t.Context(), push.DeadFilter{}, push.Position{}, 9)
	want := push.Delivery{ID: "d", Message: "m", Target: "phone", Channel: push.ChannelPush, Planned: now, Deadline: now.Add(time.Hour), State: push.Failed, Reason: "unreadable", Changed: now}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("dead %+v, %v; want %+v", got, err, want)
	}
}
