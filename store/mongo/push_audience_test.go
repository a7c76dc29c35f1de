package mongo

import (
	"fmt"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/storetest"
)

// Those who belong to an audience are found and counted once each where one look at people ends and the next begins, and when a look
// finds nobody.
func TestDB_AudiencePeople_severalLooks(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const citizens = 2*audienceLook + 2
	var all []any
	for i := range citizens {
		all = append(all, bson.D{{Key: "_id", Value: storetest.Townsman(i)}, {Key: "phone", Value: fmt.Sprint(i)}})
	}
	if _, err := db.in("citizens").InsertMany(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var want []string
	for n, i := range []int{audienceLook - 2, audienceLook - 1, audienceLook, citizens - 1} {
		want = append(want, storetest.Townsman(i))
		for k := range 3 {
			r := &reports.Report{ID: fmt.Sprintf("01936f0e-2222-7c3e-9d0e-%012d", 10*n+k), Number: fmt.Sprintf("%010d", 10*n+k), Rev: 1, Status: reports.Received,
				Citizen: storetest.Townsman(i), Centre: "riyadh", Category: "sound", ReceivedAt: moment(1), Day: "1970-01-01"}
			if err := db.CreateReport(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		a      push.Audience
		people int
	}{{push.Audience{Centre: "riyadh"}, len(want)}, {push.Audience{Category: "sound"}, len(want)}, {push.Audience{Centre: "makkah"}, 0}, {push.Audience{All: true}, citizens}} {
		n := 0
		for next := ""; ; {
			some, then, err := db.CountPeople(t.Context(), c.a, next)
			if err != nil {
				t.Fatal(err)
			}
			if n += some; then == "" {
				break
			}
			next = then
		}
		if n != c.people {
			t.Errorf("%+v: %d people counted, want %d", c.a, n, c.people)
		}
	}
	for _, limit := range []int{2, 3, 12, 100} {
		var got []string
		for next := ""; ; {
			page, then, err := db.AudiencePeople(t.Context(), push.Audience{Centre: "riyadh"}, next, limit)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); then == "" {
				break
			}
			if then <= next {
				t.Fatalf("after %q comes %q", next, then)
			}
			next = then
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %v, want %v", limit, got, want)
		}
	}
}
