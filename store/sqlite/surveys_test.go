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

// Satisfaction is read off a range of one index; not one document is touched.
func TestDB_Tally_IndexAlone(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for by, q := range tallyQueries {
		rows, err := db.query(t.Context(), "EXPLAIN QUERY PLAN "+q, 0, 1, nil, nil, "", "", "", "")
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
		if all := strings.Join(plan, "\n"); !strings.Contains(all, "USING COVERING INDEX occasions_opened (opened>? AND opened<?)") {
			t.Errorf("by %v:\n%s", by, all)
		}
	}
}
