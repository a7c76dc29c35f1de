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
		plan, err := explain(t.Context(), db, q, nil)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(plan) {
			if strings.Contains(line, "SCAN "+table) && !strings.Contains(line, "COVERING INDEX") {
				t.Errorf("the texts of every version are read:\n%s", plan)
			}
		}
	}
}
