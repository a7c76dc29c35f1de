package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

func TestSurveyDays_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestSurveyDays(t, func(t *testing.T) storetest.SurveysStore { return fresh(t) })
}

// Whatever the file holds after something went wrong, what citizens answered is what counts.
func TestService_Verify_TornState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql       string
		different int
	}{
		"nothing":           {`SELECT 1`, 0},
		"counted twice":     {`UPDATE rating_days SET eligible = 2*eligible, n5 = 2*n5 WHERE day = '2026-03-01'`, 2},
		"a row lost":        {`DELETE FROM rating_days WHERE day = '2026-03-02' AND centre = 'SA-01'`, 1},
		"a row too many":    {`INSERT INTO rating_days VALUES('2026-03-09', 'SA-07', '', '', '', 1, 0, 0, 0, 0, 1, 0)`, 1},
		"a flag lost":       {`UPDATE rating_days SET flagged = 0 WHERE flagged > 0`, 3},
		"all of it lost":    {`DELETE FROM rating_days`, 6},
		"but it is marked":  {`DELETE FROM rating_days WHERE day = '2026-03-02'; UPDATE rating_marks SET changed = changed+1 WHERE day = '2026-03-02'`, 0},
		"a mark of nothing": {`INSERT INTO rating_marks VALUES('1999-01-01', 1, 0)`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			for day := 1; day <= 3; day++ {
				for centre := 1; centre <= 2; centre++ {
					for i := range 3 {
						o := &surveys.Occasion{ID: uuid.NewString(), Report: uuid.NewString(), Closure: 1, Centre: fmt.Sprintf("SA-0%d", centre),
							Day: fmt.Sprintf("2026-03-0%d", day)}
						if i > 0 {
							o.Given = &surveys.Given{Answer: surveys.Answer{Level: 3 + i}, Day: "2026-03-05", Device: fmt.Sprint("device-", centre)}
						}
						if err := db.AddOccasion(t.Context(), o); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if name == "a flag lost" { // three days of SA-01 alone keep theirs
				if err := db.write(t.Context(), func(t *tx) error {
					_, err := t.exec(`UPDATE occasions SET device = '' WHERE centre = 'SA-02'`)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			s := &surveys.Service{Store: db, Now: time.Now, NewID: uuid.NewString}
			if err := s.Recount(t.Context()); err != nil {
				t.Fatal(err)
			}
			for q := range strings.SplitSeq(c.sql, ";") {
				if err := db.write(t.Context(), func(t *tx) error { _, err := t.exec(q); return err }); err != nil {
					t.Fatal(err)
				}
			}
			verify := func(mend bool) (found []surveys.Difference) {
				var dones []int
				if err := s.Verify(t.Context(), mend, func(done, all int, d []surveys.Difference) {
					dones = append(dones, done)
					found = append(found, d...)
					if done > all || all < 3 {
						t.Errorf("%d of %d days", done, all)
					}
				}); err != nil {
					t.Fatal(err)
				}
				if !slices.IsSorted(dones) {
					t.Errorf("progress %v", dones)
				}
				return found
			}
			if got := verify(false); len(got) != c.different {
				t.Errorf("looked: %+v, want %d", got, c.different)
			}
			if got := verify(true); len(got) != c.different {
				t.Errorf("mended: %+v, want %d: looking mends nothing", got, c.different)
			}
			if got := verify(false); len(got) != 0 {
				t.Errorf("after mending: %+v", got)
			}
			if marks, err := db.MarkedDays(t.Context()); err != nil || marks != nil {
				t.Errorf("marks %v, %v", marks, err)
			}
			got, err := db.RatedDays(t.Context(), surveys.DayFilter{By: surveys.ByCentre, From: "0000", To: "9999"})
			if err != nil || len(got) != 2 || got[0].Eligible != 9 || got[0].Counts != (surveys.Counts{0, 0, 0, 3, 3}) ||
				got[0].Flagged != 6 {
				t.Errorf("after all %+v, %v", got, err)
			}
		})
	}
}

// A count that was begun before another was kept is not kept over it.
func TestDB_RecountDay_Overtaken(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const day = "2026-03-04"
	add := func() {
		t.Helper()
		if err := db.AddOccasion(t.Context(), &surveys.Occasion{ID: uuid.NewString(), Report: uuid.NewString(), Day: day}); err != nil {
			t.Fatal(err)
		}
	}
	add()
	slow, err := db.dayState(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	add()
	if err := db.RecountDay(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	var done bool
	if err := db.write(t.Context(), func(x *tx) (err error) {
		done, err = x.keepDay(day, slow, surveys.Differences(day, &slow.DayState))
		return err
	}); err != nil || done {
		t.Errorf("kept %v, %v", done, err)
	}
	if s, err := db.DayState(t.Context(), day); err != nil || s.Marked || len(s.Kept) != 1 || s.Kept[0].Eligible != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Days are counted and read by the indexes alone.
func TestDB_RecountDay_IndexAlone(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	plan := func(q string, args ...any) string {
		t.Helper()
		rows, err := db.query(t.Context(), "EXPLAIN QUERY PLAN "+q, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var all []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			all = append(all, detail)
		}
		return strings.Join(all, "\n")
	}
	if p := plan(rawDay, "", 5); !strings.Contains(p, "SEARCH o USING COVERING INDEX occasions_day (day=?)") ||
		!strings.Contains(p, "SEARCH d USING COVERING INDEX occasions_device (device=? AND rated=?)") || strings.Contains(p, "SCAN o") {
		t.Errorf("count a day:\n%s", p)
	}
	for by, q := range ratedDayQueries {
		if p := plan(q, "", "", nil, nil); !strings.Contains(p, "SEARCH rating_days USING PRIMARY KEY (day>? AND day<?)") {
			t.Errorf("by %s:\n%s", by, p)
		}
	}
	if p := plan(`SELECT day FROM rating_marks WHERE changed > counted ORDER BY day`); !strings.Contains(p,
		"USING INDEX rating_marks_open") &&
		!strings.Contains(p, "USING COVERING INDEX rating_marks_open") {
		t.Errorf("look for marks:\n%s", p)
	}
	if p := plan(`SELECT DISTINCT day FROM occasions WHERE device = ? AND rated = ? AND device <> ''`, "", ""); !strings.Contains(p,
		"USING COVERING INDEX occasions_device") {
		t.Errorf("mark the days of a device:\n%s", p)
	}
}
