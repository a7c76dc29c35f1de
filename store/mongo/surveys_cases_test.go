package mongo

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/surveys"
)

// Of facts of a new case that come at the same moment the newest is kept.
func TestDB_PutCase_race(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for n := range 10 {
		var writing sync.WaitGroup
		at := time.UnixMilli(1_700_000_000_000).UTC()
		for i := range 8 {
			writing.Go(func() {
				changed := at.Add(time.Duration(i) * time.Second)
				if err := db.PutCase(t.Context(), surveys.Case{Report: fmt.Sprint("report-", n), Citizen: "citizen", Received: at, Changed: changed, Due: changed, Status: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		writing.Wait()
	}
	all, err := db.OverdueCases(t.Context(), time.Now(), 100)
	if err != nil || len(all) != 10 {
		t.Fatal(len(all), err)
	}
	for _, c := range all {
		if c.Status != "7" {
			t.Errorf("kept %+v", c)
		}
	}
}

// Citizens whose ids begin alike are different people, in the order of their ids, as are those whose ids end where others have a
// report's.
func TestDB_People_likeIDs(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	at := time.UnixMilli(1_700_000_000_000).UTC()
	want := []string{"a", "a-1", "a1", "aa", "b"}
	for n, citizen := range []string{"aa", "b", "a1", "a", "a-1"} {
		for report := range 2 {
			if err := db.PutCase(t.Context(), surveys.Case{Report: fmt.Sprint(n, "-", report), Citizen: citizen, Received: at.Add(time.Duration(n) * time.Second), Changed: at}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	if err := db.People(t.Context(), surveys.Frame{}, at, at.Add(time.Hour), func(p *surveys.FramePerson) error { got = append(got, p.Citizen); return nil }); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if first, err := db.FirstReceived(t.Context(), "a"); err != nil || !first.Equal(at.Add(3*time.Second)) {
		t.Errorf("%v, %v", first, err)
	}
}
