package sqlite

import (
	"strings"
	"testing"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

func TestPushTexts(t *testing.T) {
	t.Parallel()
	storetest.TestPushTexts(t, func(t *testing.T) push.Store { return fresh(t) })
}

func TestPushTexts_plans(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for q, table := range map[string]string{newestTemplates: "templates", newestPolicies: "policies"} {
		rows, err := db.reader.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+q)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var a, b, c int
			var detail string
			if err := rows.Scan(&a, &b, &c, &detail); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(detail + "\n")
		}
		_ = rows.Close()
		for line := range strings.Lines(plan.String()) {
			if strings.Contains(line, "SCAN "+table) && !strings.Contains(line, "COVERING INDEX") {
				t.Errorf("the texts of every version are read:\n%s", plan.String())
			}
		}
	}
}
