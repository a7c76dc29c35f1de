package mongo

import (
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

func TestSurveys_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestSurveys(t, func(t *testing.T) storetest.SurveysStore { return fresh(t) })
}

// Satisfaction is read off a range of one index, by whatever it is asked for.
func TestDB_Tally_Index(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	f := surveys.Filter{From: time.UnixMilli(1), To: time.UnixMilli(2), Centres: []string{"a"}, Departments: []string{"b"}, Centre: "a", Category: "c", Channel: "d"}
	for by := range tallyFields {
		for and := range tallyFields {
			f.By, f.And = by, and
			pipeline, err := tallyPipeline(f)
			if err != nil {
				t.Fatal(err)
			}
			var plan bson.Raw
			if err := db.db.RunCommand(t.Context(), bson.D{{Key: "explain", Value: bson.D{{Key: "aggregate", Value: occasions.in}, {Key: "pipeline", Value: pipeline},
				{Key: "cursor", Value: bson.D{}}}}, {Key: "verbosity", Value: "queryPlanner"}}).Decode(&plan); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(plan.String(), "opened_1_centre_1") {
				t.Errorf("by %s and %s: %s", by, and, plan)
			}
		}
	}
}
