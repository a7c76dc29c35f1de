package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPush(t *testing.T) {
	t.Parallel()
	storetest.TestPush(t, func(t *testing.T) push.Store { return fresh(t) })
}

func TestDB_LeaseDeliveries_poisonedRow(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for _, id := range []string{"m1", "m2"} {
		m := push.Message{ID: id, Citizen: "c", Kind: push.Received, At: now}
		d := push.Delivery{ID: "d", Message: id, Citizen: "c", Target: "phone", Channel: push.ChannelPush, Planned: now, Deadline: now.Add(time.Hour)}
		if _, err := db.PlanMessages(t.Context(), []push.Planned{{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.write(t.Context(), func(w *tx) error {
		_, err := w.exec(`UPDATE deliveries SET doc = '{' WHERE message = 'm1'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	got, err := db.LeaseDeliveries(t.Context(), push.ChannelPush, now, time.Minute, 10, true)
	if err != nil || len(got) != 1 || got[0].Message != "m2" {
		t.Fatalf("leased %v, %v; want m2 alone", got, err)
	}
	var state, reason string
	if err := db.row(t.Context(), `SELECT state, reason FROM deliveries WHERE message = 'm1'`).Scan(&state, &reason); err != nil {
		t.Fatal(err)
	}
	if state != string(push.Failed) || reason != "unreadable" {
		t.Errorf("the poisoned row is %s (%s), want failed (unreadable)", state, reason)
	}
	if ds, err := db.Deliveries(t.Context(), "m1"); err != nil || len(ds) != 0 {
		t.Errorf("deliveries %+v, %v", ds, err)
	}
	if _, any, err := db.NextDelivery(t.Context(), push.ChannelPush); err != nil || !any {
		t.Errorf("next: %t, %v", any, err)
	}
	if again, err := db.LeaseDeliveries(t.Context(), push.ChannelPush, now.Add(time.Hour), time.Minute, 10, true); err != nil || len(again) != 1 || again[0].Message != "m2" {
		t.Errorf("leased again %+v, %v", again, err)
	}
}

// A message that cannot be read is acknowledged all the same, and keeps neither its neighbours' chains nor their inbox waiting for ever.
func TestDB_LeaseChains_poisonedRow(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for _, id := range []string{"m1", "m2", "m3"} {
		m := push.Message{ID: id, Citizen: id, Kind: push.Received, At: now}
		d := push.Delivery{ID: "d", Message: id, Citizen: id, Target: "phone", Channel: push.ChannelPush, Planned: now, Deadline: now.Add(time.Hour)}
		p := push.Planned{Message: m, Plan: push.Plan{Deliveries: []push.Delivery{d}, Since: now, Due: now.Add(time.Minute)}}
		if _, err := db.PlanMessages(t.Context(), []push.Planned{p}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.write(t.Context(), func(w *tx) error {
		_, err := w.exec(`UPDATE messages SET doc = '{' WHERE id = 'm1'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.write(t.Context(), func(w *tx) error {
		_, err := w.exec(`UPDATE deliveries SET doc = '[]' WHERE message = 'm2'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{now.Add(time.Minute), now.Add(time.Hour)} {
		xs, err := db.LeaseChains(t.Context(), at, time.Minute, 10)
		if err != nil || len(xs) != 2 {
			t.Fatalf("leased %+v, %v; want m2 and m3", xs, err)
		}
		for _, x := range xs {
			if want := map[string]int{"m2": 0, "m3": 1}[x.Message.ID]; len(x.Deliveries) != want {
				t.Errorf("%s has %+v; want %d", x.Message.ID, x.Deliveries, want)
			}
		}
	}
	var chain *int64
	if err := db.row(t.Context(), `SELECT chain FROM messages WHERE id = 'm1'`).Scan(&chain); err != nil || chain != nil {
		t.Errorf("the poisoned message is still looked at: %v, %v", chain, err)
	}
	known, err := db.AcknowledgeMessages(t.Context(), "m1", []string{"m1"}, "", now, true)
	if err != nil || len(known) != 1 {
		t.Errorf("known %v, %v", known, err)
	}
	if xs, err := db.LeaseChains(t.Context(), now.Add(2*time.Hour), time.Minute, 10); err != nil || len(xs) != 2 {
		t.Errorf("leased %+v, %v", xs, err)
	}
}

func TestPush_plans(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for q, index := range map[string]string{
		`SELECT due FROM deliveries WHERE channel = 'push' AND bulk = 0 AND due IS NOT NULL ORDER BY due LIMIT 1`:                                                       "deliveries_due",
		`SELECT message, id FROM deliveries WHERE channel = 'push' AND bulk = 0 AND due <= 5 AND (0 OR state = 'queued') ORDER BY due LIMIT 9`:                          "deliveries_due",
		`UPDATE deliveries SET due = 1 WHERE (message, id) IN (SELECT message, id FROM deliveries WHERE channel = 'push' AND bulk = 0 AND due <= 5 LIMIT 9)`:            "PRIMARY KEY",
		`UPDATE deliveries SET due = 1 WHERE channel = 'push' AND bulk IN (0, 1) AND due > 5 AND state = 'leased'`:                                                      "deliveries_due",
		`UPDATE deliveries SET state = 'suppressed' WHERE message = 'm' AND step < 1 AND state = 'queued'`:                                                              "PRIMARY KEY",
		`SELECT count(*) FROM deliveries WHERE channel = 'push' AND bulk IN (0, 1) AND due IS NOT NULL`:                                                                 "deliveries_due",
		`SELECT doc FROM deliveries WHERE ref = 'x' AND channel = 'sms' AND ref <> '' LIMIT 1`:                                                                          "deliveries_ref",
		`SELECT count(*) FROM deliveries WHERE message = 'm' AND id = 'd' AND fence = 1 AND state = 'leased'`:                                                           "PRIMARY KEY",
		`SELECT doc FROM messages WHERE citizen = 'c' AND (at, id) < (5, 'x') ORDER BY at DESC, id DESC LIMIT 9`:                                                        "PRIMARY KEY",
		`SELECT doc FROM messages WHERE citizen = 'c' AND at >= 5 ORDER BY at, id`:                                                                                      "PRIMARY KEY",
		`SELECT id, at, read FROM messages WHERE citizen = 'c' AND id IN (SELECT value FROM json_each('["a"]'))`:                                                        "PRIMARY KEY",
		`SELECT chain FROM messages WHERE chain IS NOT NULL ORDER BY chain LIMIT 1`:                                                                                     "messages_chain",
		`SELECT citizen, at, id FROM messages WHERE chain IS NOT NULL AND chain <= 5 ORDER BY chain LIMIT 9`:                                                            "messages_chain",
		`UPDATE messages SET chain = 1 WHERE (citizen, at, id) IN (SELECT citizen, at, id FROM messages WHERE chain IS NOT NULL AND chain <= 5 ORDER BY chain LIMIT 9)`: "PRIMARY KEY",
		`UPDATE messages SET chain = 4 WHERE citizen = 'c' AND at = 5 AND id = 'x' AND chain > 4`:                                                                       "PRIMARY KEY",
		`SELECT once FROM receipts WHERE at < 5 LIMIT 100`:                                                                                                              "receipts_at",
	} {
		plan, err := explain(t.Context(), db, q, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, index) || strings.Contains(plan, "SCAN deliveries") ||
			strings.Contains(plan, "SCAN messages\n") || strings.Contains(plan, "B-TREE FOR ORDER") {
			t.Errorf("%s\n%s; want %s", q, plan, index)
		}
	}
}
