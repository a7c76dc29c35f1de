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
		plan, err := explain(t.Context(), db, q, []any{"", 1, 1}[:strings.Count(q, "?")])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis answered by %s, want %s without sorting", q, plan, index)
		}
	}
}
