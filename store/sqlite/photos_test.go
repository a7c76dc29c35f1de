package sqlite

import (
	"strings"
	"testing"

	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/store/storetest"
)

func TestPhotos(t *testing.T) {
	t.Parallel()
	storetest.TestPhotos(t, func(t *testing.T) photos.Store { return fresh(t) })
}

func TestPhotos_plans(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for q, index := range map[string]string{
		photosCount: "photos_report",
		`SELECT doc FROM photos WHERE report = ? AND report <> '' ORDER BY created, id`:           "photos_report",
		`SELECT doc FROM photos WHERE report = '' AND id > ? AND created < ? ORDER BY id LIMIT ?`: "photos_loose",
	} {
		rows, err := db.query(t.Context(), "EXPLAIN QUERY PLAN "+q, []any{"", 1, 1}[:strings.Count(q, "?")]...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		_ = rows.Close()
		if got := strings.Join(plan, "; "); !strings.Contains(got, index) || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("%s\nis answered by %s, want %s without sorting", q, got, index)
		}
	}
}
