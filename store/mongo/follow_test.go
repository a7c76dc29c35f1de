package mongo

import (
	"fmt"
	"sync"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// Who makes the document at the same time as another takes nothing for done that is not.
func TestDB_inOrder_firstAtOnce(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const rounds, each = 40, 8
	for n := range rounds {
		round := fmt.Sprint("round-", n)
		all := make([]follow, each)
		for i := range all {
			all[i] = touch(round)
		}
		for range 2 { // the second time counts nothing
			var group sync.WaitGroup
			for _, f := range all {
				group.Go(func() {
					up := driver.NewUpdateOneModel().SetFilter(f.Filter).SetUpdate(f.Update).SetUpsert(true)
					if err := db.inOrder(t.Context(), f.In, []driver.WriteModel{up}); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if touched, err := db.Touched(t.Context(), round); err != nil || touched != each {
				t.Fatalf("%s was touched %d times: %v", round, touched, err)
			}
		}
	}
}
