package mongo

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"

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

// What was rated before there were pages is counted after the first step of the migration, and what an older program wrote between the
// steps after the second.
func TestMigrate_ratingsIntoPages(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	old := func() {
		t.Helper()
		o := &surveys.Occasion{ID: uuid.NewString(), Report: uuid.NewString(), Centre: "SA-01", Day: "2026-03-04", Rev: 1, Given: &surveys.Given{Answer: surveys.Answer{Level: 5}}}
		d, err := occasions.fresh(o, effects{})
		if err != nil {
			t.Fatal(err)
		}
		d = append(bson.D{{Key: "centre", Value: "SA-01"}}, d...)
		if _, err := db.in("occasions").InsertOne(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if _, err := db.in("occasions").UpdateMany(t.Context(), bson.D{{Key: "_id", Value: o.ID}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "mark", Value: ""}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.in("rating_days").InsertOne(t.Context(), bson.D{{Key: "_id", Value: "2026-03-04"}}); err != nil {
		t.Fatal(err)
	}
	s := &surveys.Service{Store: db, Now: func() time.Time { return time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC) }, NewID: uuid.NewString}
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}, Departments: []string{actor.All}}
	want := func(n int64) {
		t.Helper()
		if err := s.Settle(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Ratings(t.Context(), admin, surveys.RatingQuery{}); err != nil || got.Total.N != n {
			t.Errorf("%+v, %v; want %d", got.Total, err, n)
		}
	}
	for range 12 {
		old()
	}
	for range 2 {
		if err := ratingsIntoPages.before(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		want(12)
	}
	old()
	want(12)
	for range 2 {
		if err := ratingsIntoPages.after(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		want(13)
	}
	if n, err := db.in("occasions").CountDocuments(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: ""}}}, {Key: "centre", Value: "SA-01"}}); err != nil || n != 0 {
		t.Errorf("%d keep what only older programs read, %v", n, err)
	}
}
