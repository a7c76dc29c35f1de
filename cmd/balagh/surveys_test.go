package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
)

// TestSurveysRecount: the command finds what differs, leaves it with --check, and mends it without.
func TestSurveysRecount(t *testing.T) {
	t.Parallel()
	uri := teststore.URI(t)
	recount := func(args ...string) (string, error) {
		t.Helper()
		return call(t, append([]string{"surveys", "recount", "--store=" + uri}, args...)...)
	}
	if _, err := call(t, "surveys", "recount", "--store="+uri+"_absent"); err == nil || !strings.Contains(err.Error(), "there is no store") {
		t.Errorf("without a store: %v", err)
	}
	tear(t, uri)
	const line = "2026-03-04 SA-01 · – · maintenance · carpets · – · – · – · – · no: kept 0 of 0 closures rated [0 0 0 0 0], 0 from devices, in truth 1 of 1 closures rated [0 0 0 1 0], 1 from devices"
	for _, c := range []struct {
		args []string
		want string
	}{{[]string{"--check"}, "1 counts of 20 days differ from"}, {nil, "they are mended"}} {
		out, err := recount(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(out, line) != 1 || !strings.Contains(out, "20 of 20\n") {
			t.Errorf("%v: %v\n%s", c.args, err, out)
		}
	}
	if out, err := recount("--check"); err != nil || !strings.HasSuffix(out, "20 days counted anew, no difference\n") {
		t.Errorf("after mending: %v\n%s", err, out)
	}
}

// tear makes a store of twenty days in which one day's page is lost.
func tear(t *testing.T, uri string) {
	t.Helper()
	db := teststore.At(t, uri)
	defer db.Close()
	s := &surveys.Service{Store: db, Now: time.Now, NewID: uuid.NewString}
	for i := range 20 {
		o := &surveys.Occasion{ID: fmt.Sprint("occasion-", i+1), Report: fmt.Sprint("report-", i), Closure: 1, Centre: "SA-01", Department: "maintenance",
			Category: "carpets", Day: fmt.Sprintf("2026-03-%02d", i+1),
			Given: &surveys.Given{Answer: surveys.Answer{Level: 4}, Day: "2026-03-25", Device: "device-1"}}
		if err := db.AddOccasion(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Settle(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if put, err := db.RatingPages().PutPage(t.Context(), daybook.Kept{Day: "2026-03-04", Rev: 2, Packed: []byte{}}); err != nil || !put {
		t.Fatal(put, err)
	}
}
