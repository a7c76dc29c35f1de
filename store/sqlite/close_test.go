package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/balagh/balagh/store/sqlite"
	"github.com/balagh/balagh/surveys"
)

// The write-ahead log has the writes in their order, and so which anonymous answers came with the end of which invitation. A store that is
// closed has none, and is whole in its one file.
func TestDB_Close_leavesNoLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "balagh.db")
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.CreateRound(t.Context(), &surveys.Round{ID: "01a20165-e57b-7771-bda3-93ac26eca1d3", Rev: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Round(t.Context(), "01a20165-e57b-7771-bda3-93ac26eca1d3"); err != nil { // a statement that stays prepared
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		t.Errorf("%d bytes of log are left", log.Size())
	}
}
