package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/balagh/balagh/store/storetest"
)

func fresh(t *testing.T) *DB {
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
