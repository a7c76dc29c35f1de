package mongo

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/store/storetest"
	"github.com/balagh/balagh/surveys"
)

func TestSurveyDays_Conformance(t *testing.T) {
	t.Parallel()
	storetest.TestSurveyDays(t, func(t *testing.T) storetest.SurveysStore { return fresh(t) })
}

// tear replaces what is kept of a day.
func tear(t *testing.T, db *DB, day string, change func([]surveys.DayCount) []surveys.DayCount) {
	t.Helper()
	state, err := db.dayState(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	state.Raw = change(state.Kept)
	if done, err := db.keepCounts(t.Context(), day, state); err != nil || !done {
		t.Fatal(done, err)
	}
}

func nothingOf([]surveys.DayCount) []surveys.DayCount { return nil }

func mark(t *testing.T, db *DB, day string) {
	t.Helper()
	if err := db.markDays(t.Context(), map[string]bool{day: true}); err != nil {
		t.Fatal(err)
	}
}

// Whatever the store holds after something went wrong, what citizens answered is what counts.
func TestService_Verify_TornState(t *testing.T) {
	t.Parallel()
	days := []string{"2026-03-01", "2026-03-02", "2026-03-03"}
	for name, c := range map[string]struct {
		tear      func(*testing.T, *DB)
		different int
	}{
		"nothing": {func(*testing.T, *DB) {}, 0},
		"counted twice": {func(t *testing.T, db *DB) {
			tear(t, db, days[0], func(all []surveys.DayCount) []surveys.DayCount {
				for i := range all {
					all[i].Eligible *= 2
					all[i].Counts[4] *= 2
				}
				return all
			})
		}, 2},
		"a group lost": {func(t *testing.T, db *DB) {
			tear(t, db, days[1], func(all []surveys.DayCount) []surveys.DayCount { return all[1:] })
		}, 1},
		"a group too many": {func(t *testing.T, db *DB) { tear(t, db, "2026-03-09", oneTooMany) }, 1},
		"a flag lost": {func(t *testing.T, db *DB) {
			for _, day := range days {
				tear(t, db, day, func(all []surveys.DayCount) []surveys.DayCount {
					for i := range all {
						all[i].Flagged = 0
					}
					return all
				})
			}
		}, 3},
		"all of it lost": {func(t *testing.T, db *DB) {
			for _, day := range days {
				tear(t, db, day, nothingOf)
			}
		}, 6},
		"but it is marked":  {func(t *testing.T, db *DB) { tear(t, db, days[1], nothingOf); mark(t, db, days[1]) }, 0},
		"a mark of nothing": {func(t *testing.T, db *DB) { mark(t, db, "1999-01-01") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			for _, day := range days {
				for centre := 1; centre <= 2; centre++ {
					for i := range 3 {
						o := &surveys.Occasion{ID: uuid.NewString(), Report: uuid.NewString(), Closure: 1, Centre: fmt.Sprintf("SA-0%d", centre), Day: day}
						if i > 0 {
							o.Given = &surveys.Given{Answer: surveys.Answer{Level: 3 + i}, Day: "2026-03-05", Device: fmt.Sprint("device-", centre)}
							if name == "a flag lost" && centre == 2 { // three days of SA-01 alone keep theirs
								o.Given.Device = ""
							}
						}
						if err := db.AddOccasion(t.Context(), o); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			s := &surveys.Service{Store: db, Now: time.Now, NewID: uuid.NewString}
			if err := s.Recount(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.tear(t, db)
			verified(t, s, c.different)
			if marks, err := db.MarkedDays(t.Context()); err != nil || marks != nil {
				t.Errorf("marks %v, %v", marks, err)
			}
			got, err := db.RatedDays(t.Context(), surveys.DayFilter{By: surveys.ByCentre, From: "0000", To: "9999"})
			if err != nil || len(got) != 2 || got[0].Eligible != 9 || got[0].Counts != (surveys.Counts{0, 0, 0, 3, 3}) || got[0].Flagged != 6 {
				t.Errorf("after all %+v, %v", got, err)
			}
		})
	}
}

func oneTooMany(all []surveys.DayCount) []surveys.DayCount {
	return append(all, surveys.DayCount{DayKey: surveys.DayKey{Centre: "SA-07"}, Eligible: 1, Counts: surveys.Counts{4: 1}})
}

// verified looks, mends and looks again.
func verified(t *testing.T, s *surveys.Service, different int) {
	t.Helper()
	for _, x := range []struct {
		what string
		mend bool
		want int
	}{{"looked", false, different}, {"mended: looking mends nothing", true, different}, {"after mending", false, 0}} {
		var found []surveys.Difference
		var dones []int
		if err := s.Verify(t.Context(), x.mend, func(done, all int, d []surveys.Difference) {
			dones, found = append(dones, done), append(found, d...)
			if done > all || all < 3 {
				t.Errorf("%d of %d days", done, all)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if len(found) != x.want || !slices.IsSorted(dones) {
			t.Errorf("%s: %+v, want %d; progress %v", x.what, found, x.want, dones)
		}
	}
}

func addDay(t *testing.T, db *DB, day string) *surveys.Occasion {
	t.Helper()
	o := &surveys.Occasion{ID: uuid.NewString(), Report: uuid.NewString(), Day: day}
	if err := db.AddOccasion(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

// A count that was begun before another was kept is not kept over it, and takes no mark away that is later.
func TestDB_RecountDay_Overtaken(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const day = "2026-03-04"
	for n := range 2 { // the first count of the day, and a later one
		addDay(t, db, day)
		slow, err := db.dayState(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		addDay(t, db, day)
		if err := db.RecountDay(t.Context(), day); err != nil {
			t.Fatal(err)
		}
		if done, err := db.keepDay(t.Context(), day, slow); err != nil || done {
			t.Errorf("kept %v, %v", done, err)
		}
		if s, err := db.DayState(t.Context(), day); err != nil || s.Marked || len(s.Kept) != 1 || s.Kept[0].Eligible != int64(2*n+2) {
			t.Errorf("%+v, %v", s, err)
		}
	}
	slow, err := db.dayState(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	slow.Marked = true // as it was before the mark that comes now
	addDay(t, db, day)
	if err := db.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done, err := db.keepDay(t.Context(), day, slow); err != nil || !done {
		t.Errorf("kept %v, %v", done, err)
	}
	if marks, err := db.MarkedDays(t.Context()); err != nil || !slices.Equal(marks, []string{day}) {
		t.Errorf("marks %v, %v: the occasion was not counted", marks, err)
	}
}

// A process that dies after any of the writes that mark a day leaves enough to mark it.
func TestDB_settle_again(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	a, b := addDay(t, db, "2026-03-01"), addDay(t, db, "2026-03-02")
	rate := func(o *surveys.Occasion) {
		t.Helper()
		if _, err := db.UpdateOccasion(t.Context(), o.ID, func(o *surveys.Occasion) ([]event.Event, error) {
			o.Given = &surveys.Given{Answer: surveys.Answer{Level: 5}, Day: "2026-03-07", Device: "device-1"}
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	s := &surveys.Service{Store: db, Now: time.Now, NewID: uuid.NewString}
	rate(a)
	if err := s.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	rate(b)
	both := []string{a.Day, b.Day}
	for range 2 { // the days were marked and counted, and the occasion has its mark still
		if _, err := db.in("occasions").UpdateMany(t.Context(), bson.D{{Key: "_id", Value: b.ID}}, bson.D{{Key: "$set", Value: bson.D{{Key: "mark", Value: 2}}}}); err != nil {
			t.Fatal(err)
		}
		if marks, err := db.MarkedDays(t.Context()); err != nil || !slices.Equal(marks, both) {
			t.Errorf("marks %v, %v", marks, err)
		}
		if err := s.Recount(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if marks, err := db.MarkedDays(t.Context()); err != nil || marks != nil {
		t.Errorf("marks %v, %v", marks, err)
	}
}

// Ratings of one device that come at the same moment, for closures of different days, flag each other, whoever counts meanwhile.
func TestDB_RecountDay_ratingsOfADeviceAtOnce(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	s := &surveys.Service{Store: db, Now: time.Now, NewID: uuid.NewString}
	var all []*surveys.Occasion
	for i := range surveys.ManyRatings {
		all = append(all, addDay(t, db, fmt.Sprintf("2026-03-0%d", i+1)))
	}
	var rating sync.WaitGroup
	for _, o := range all {
		rating.Go(func() {
			if _, err := db.UpdateOccasion(t.Context(), o.ID, func(o *surveys.Occasion) ([]event.Event, error) {
				o.Given = &surveys.Given{Answer: surveys.Answer{Level: 5}, Day: "2026-03-07", Device: "device-1"}
				return nil, nil
			}); err != nil {
				t.Error(err)
			}
			if err := s.Recount(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	rating.Wait()
	if err := s.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if state, err := db.DayState(t.Context(), o.Day); err != nil || state.Marked || len(state.Kept) != 1 || state.Kept[0].Flagged != 1 {
			t.Errorf("%s: %+v, %v", o.Day, state, err)
		}
	}
}

// More days than are read at once.
func TestDB_RatedDays_pages(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range 2*ratedPage + 1 {
		tear(t, db, day.AddDate(0, 0, n).Format(time.DateOnly), oneTooMany)
	}
	for _, days := range []int{1, ratedPage, ratedPage + 1, 2 * ratedPage, 2*ratedPage + 1} {
		got, err := db.RatedDays(t.Context(), surveys.DayFilter{By: surveys.ByCentre, From: "2026-01-01", To: day.AddDate(0, 0, days-1).Format(time.DateOnly)})
		if err != nil || len(got) != 1 || got[0].Eligible != int64(days) || got[0].Counts[4] != int64(days) {
			t.Errorf("%d days: %+v, %v", days, got, err)
		}
	}
}
