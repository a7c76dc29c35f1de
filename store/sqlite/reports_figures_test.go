package sqlite

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/reports"
)

// Reports that were written before there were marks are marked, other than those that are in no figure.
func TestMigrate_ReportMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "balagh.db")
	all := migrations
	defer func() { migrations = all }()
	migrations = all[:2]
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"counts", "does not"} {
		r := reports.Report{ID: id, Rev: 3, Status: reports.Closed, Category: "a", Day: "2026-03-04", SelfFiled: i == 1,
			ReceivedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
		doc, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		day := any(20260304)
		if r.SelfFiled {
			day = nil
		}
		if err := db.write(t.Context(), func(t *tx) error {
			_, err := t.exec(`INSERT INTO reports(seq, rev, id, number, status, open, category, centre, department, channel, gender, residency, company, day, doc)
				VALUES(?,?,?,?,'closed',0,'a','c','d','app','','',0,?,?)`, i+1, r.Rev, key(id), i, day, doc)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	migrations = all
	if db, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	marked, err := db.MarkedReports(t.Context(), 9)
	if err != nil || len(marked) != 1 || marked[0].ID != "counts" {
		t.Fatalf("%d are marked, %v", len(marked), err)
	}
	if err := db.UnmarkReports(t.Context(), map[string]int64{"counts": 3}); err != nil {
		t.Fatal(err)
	}
	if marked, err = db.MarkedReports(t.Context(), 9); err != nil || len(marked) > 0 {
		t.Errorf("%d are still marked, %v", len(marked), err)
	}
	columns, err := texts(db.query(t.Context(), `SELECT name FROM pragma_table_info('reports')`))
	if err != nil || slices.Contains(columns, "gender") {
		t.Errorf("columns %v, %v", columns, err)
	}
}
