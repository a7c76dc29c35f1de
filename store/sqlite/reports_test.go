package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/balagh/balagh/store/storetest"
)

func TestReports_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestReports(t, func(t *testing.T) storetest.ReportsStore { return openForReports(t) })
}

func openForReports(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "balagh.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}
