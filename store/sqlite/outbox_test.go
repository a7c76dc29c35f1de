package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/store/storetest"
)

// fresh opens a store of its own for a test.
func fresh(t testing.TB) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "balagh.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestOutbox(t *testing.T) {
	storetest.TestOutbox(t, func(t *testing.T) storetest.Outbox { return fresh(t) })
}

func TestAnswers(t *testing.T) {
	storetest.TestAnswers(t, func(t *testing.T) storetest.Answers { return fresh(t) })
}

// TestOutbox_Unreadable: a row that nobody can read is set aside, and those around it go on.
func TestOutbox_Unreadable(t *testing.T) {
	t.Parallel()
	db, now := fresh(t), time.Now()
	fact := event.Event{ID: "1", Type: event.ReportMoved, Subject: "report/1", At: now}
	if err := db.Publish(t.Context(), fact); err != nil {
		t.Fatal(err)
	}
	if err := db.write(t.Context(), func(t *tx) error {
		_, err := t.exec(`INSERT INTO outbox(subject, at, fence, doc) VALUES('report/1', 1, 1, '{"id":')`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Publish(t.Context(), fact); err != nil {
		t.Fatal(err)
	}
	leased, err := db.Lease(t.Context(), now, time.Minute, 10)
	if err != nil || len(leased) != 2 {
		t.Fatalf("%d leased, %v", len(leased), err)
	}
	if lag, err := db.Lag(t.Context(), now); err != nil || lag.Parked != 1 || lag.Pending != 2 {
		t.Fatalf("%+v, %v", lag, err)
	}
}
