package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

func TestSurveys_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestSurveys(t, func(t *testing.T) storetest.SurveysStore { return fresh(t) })
}

func TestRatingPages_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestRatingPages(t, func(t *testing.T) storetest.SurveysStore { return fresh(t) })
}

// Marks, days and revs are found by an index, and in its order.
func TestRatingPages_Index(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for q, c := range map[string]struct {
		args []any
		want string
	}{
		markedOccasions: {[]any{1}, "SCAN occasions USING INDEX occasions_marked"},
		occasionsOn:     {[]any{""}, "SEARCH occasions USING INDEX occasions_day (day=?)"},
		occasionDays:    {nil, "SEARCH o USING COVERING INDEX occasions_day (day>?)"},
		unmarkOccasion:  {[]any{"", 1}, "SEARCH occasions USING INDEX sqlite_autoindex_occasions_1 (id=?)"},
	} {
		rows, err := db.query(t.Context(), "EXPLAIN QUERY PLAN "+q, c.args...)
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
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(plan, "\n"); !strings.Contains(all, c.want) || strings.Contains(all, "TEMP B-TREE") {
			t.Errorf("%s:\n%s", q, all)
		}
	}
}

// What was rated before there were pages is marked, and counted.
func TestMigrate_ratingsIntoPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "balagh.db")
	old, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(`CREATE TABLE schema(version INTEGER NOT NULL, at INTEGER NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	for version := range 3 {
		if err := step(t.Context(), old, version); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 12 {
		if _, err := old.Exec(`INSERT INTO occasions(id, report, closure, opened, day, centre, department, category, channel, employee, level, rev, doc)
			VALUES(?1, ?1, 1, 0, '2026-03-04', 'SA-01', '', '', '', '', 5, 1, ?2)`, i, fmt.Sprintf(`{"id":"%d","rev":1,"centre":"SA-01","day":"2026-03-04","given":{"level":5}}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &surveys.Service{Store: db, Now: func() time.Time { return time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC) }, NewID: uuid.NewString}
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}, Departments: []string{actor.All}}
	for range 2 {
		if got, err := s.Satisfaction(t.Context(), admin, surveys.Query{By: surveys.ByCentre}); err != nil || got.Total.N != 12 || *got.Total.Top2 != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if err := s.Settle(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}
