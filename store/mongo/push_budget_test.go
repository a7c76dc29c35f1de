package mongo

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balagh/balagh/push"
)

// However many processes spend at the same time, no limit is passed, and what they were let through is what was spent.
func TestDB_Spend_severalProcesses(t *testing.T) {
	t.Parallel()
	first := fresh(t)
	processes := []*DB{first, again(t, first), again(t, first), again(t, first)}
	var taken atomic.Int64
	var spending sync.WaitGroup
	for i, db := range processes {
		for range 8 {
			spending.Go(func() {
				for range 5 {
					over, err := db.Spend(t.Context(), push.Spending{Day: "2026-11-21", Centre: []string{"riyadh", "a.$b"}[i%2], Amount: 1, Limit: 90, PerCentre: 60})
					if err != nil {
						t.Error(err)
					} else if over == "" {
						taken.Add(1)
					}
				}
			})
		}
	}
	spending.Wait()
	got, err := first.Spent(t.Context(), "2026-11-21", "2026-11-21")
	if err != nil {
		t.Fatal(err)
	}
	if taken.Load() != 90 || got[push.TotalScope] != 90 || got["riyadh"]+got["a.$b"] != 90 || got["riyadh"] > 60 || got["a.$b"] > 60 {
		t.Errorf("%d were let through; spent %v", taken.Load(), got)
	}
}
