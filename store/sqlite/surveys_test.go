package sqlite

import (
	"strings"
	"testing"

	"github.com/balagh/balagh/store/storetest"
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
