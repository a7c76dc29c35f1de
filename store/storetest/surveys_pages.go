package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// TestRatingPages is what every backend must do for the pages of ratings.
func TestRatingPages(t *testing.T, open func(t *testing.T) SurveysStore) {
	t.Run("Marked/with each write, until it is entered", func(t *testing.T) { t.Parallel(); markedOccasions(t, open(t)) })
	t.Run("Marked/as many as asked for", func(t *testing.T) { t.Parallel(); markedLimit(t, open(t)) })
	t.Run("Pages/put by one, read by days and revs", func(t *testing.T) { t.Parallel(); ratingPages(t, open(t)) })
	t.Run("PutPage/one of many at once", func(t *testing.T) { t.Parallel(); putPageRace(t, open(t)) })
	t.Run("OccasionsOn/every one of each day", func(t *testing.T) { t.Parallel(); occasionsOn(t, open(t)) })
	t.Run("Settle/while people rate", func(t *testing.T) { t.Parallel(); settleRace(t, open(t)) })
	t.Run("Verify/whatever the pages hold", func(t *testing.T) { t.Parallel(); verifyTorn(t, open) })
}

func onDay(report, day string, change ...func(*surveys.Occasion)) *surveys.Occasion {
	o := anOccasion(report, 1)
	o.Day = day
	for _, c := range change {
		c(o)
	}
	return o
}

// rateFrom rates an occasion on a day, from a device.
func rateFrom(t *testing.T, s surveys.Store, o *surveys.Occasion, level int, day, device string) {
	t.Helper()
	if _, err := s.UpdateOccasion(t.Context(), o.ID, func(o *surveys.Occasion) ([]event.Event, error) {
		o.Given = &surveys.Given{Answer: surveys.Answer{Level: level, Solved: true}, At: occasionOpened, Day: day, Device: device}
		return nil, nil
	}); err != nil {
		t.Fatalf("UpdateOccasion: %v", err)
	}
}

func marks(t *testing.T, s surveys.Store) []daybook.Marked {
	t.Helper()
	all, err := s.RatingPages().Marked(t.Context(), 100)
	if err != nil {
		t.Fatalf("Marked: %v", err)
	}
	return all
}

func wantMarks(t *testing.T, s surveys.Store, what string, want ...*surveys.Occasion) {
	t.Helper()
	got := marks(t, s)
	if len(got) != len(want) {
		t.Errorf("%s: %d marks, want %d", what, len(got), len(want))
	}
	for _, o := range want {
		if !slices.ContainsFunc(got, func(m daybook.Marked) bool { return reflect.DeepEqual(m, o.Entry()) }) {
			t.Errorf("%s: %+v is not among %+v", what, o.Entry(), got)
		}
	}
}

func unmark(t *testing.T, s surveys.Store, all []daybook.Marked) {
	t.Helper()
	if err := s.RatingPages().Unmark(t.Context(), all); err != nil {
		t.Fatalf("Unmark: %v", err)
	}
}

func markedOccasions(t *testing.T, s SurveysStore) {
	wantMarks(t, s, "at first")
	a, b := onDay("report-1", "2026-03-04"), onDay("report-2", "2026-03-02", func(o *surveys.Occasion) { o.Gender, o.Company = "female", true })
	addOccasions(t, s, a, b)
	wantMarks(t, s, "two occasions", a, b)
	old := marks(t, s)
	rateFrom(t, s, a, 4, "2026-03-09", "device-1")
	unmark(t, s, old)
	a = occasionsRead(t, s, "report-1")[0]
	wantMarks(t, s, "one was rated since they were read", a)
	addOccasions(t, s, b)
	wantMarks(t, s, "the same again", a)
	if _, err := s.UpdateOccasion(t.Context(), b.ID,
		func(*surveys.Occasion) ([]event.Event, error) { return nil, fmt.Errorf("refused") }); err == nil {
		t.Error("a refused change was taken")
	}
	wantMarks(t, s, "a refused change", a)
	unmark(t, s, marks(t, s))
	wantMarks(t, s, "entered")
	unmark(t, s, old)
	wantMarks(t, s, "once more")
}

func markedLimit(t *testing.T, s SurveysStore) {
	for i := range 5 {
		addOccasions(t, s, onDay(fmt.Sprint("report-", i), fmt.Sprintf("2026-03-0%d", i+1)))
	}
	for want := 5; want > 0; want -= 2 {
		all, err := s.RatingPages().Marked(t.Context(), 2)
		if err != nil || len(all) != min(want, 2) {
			t.Fatalf("%d marks of %d, %v", len(all), want, err)
		}
		unmark(t, s, all)
	}
	wantMarks(t, s, "all")
}

func putPage(t *testing.T, s surveys.Store, day string, rev int64, packed string, want bool) {
	t.Helper()
	if put, err := s.RatingPages().PutPage(t.Context(), daybook.Kept{Day: day, Rev: rev, Packed: []byte(packed)}); err != nil || put != want {
		t.Errorf("page %d of %s: %v, %v", rev, day, put, err)
	}
}

func ratingPages(t *testing.T, s SurveysStore) {
	putPage(t, s, "2026-03-02", 2, "too early", false)
	putPage(t, s, "2026-03-02", 1, "a", true)
	putPage(t, s, "2026-03-02", 1, "b", false)
	putPage(t, s, "2026-03-02", 2, "c", true)
	putPage(t, s, "2026-03-02", 2, "d", false)
	putPage(t, s, "2026-03-01", 1, "e", true)
	putPage(t, s, "2026-04-01", 1, "f", true)
	kept := func(day string, rev int64, packed string) daybook.Kept {
		k := daybook.Kept{Day: day, Rev: rev}
		if packed != "" {
			k.Packed = []byte(packed)
		}
		return k
	}
	for name, c := range map[string]struct {
		from, through string
		known         map[string]int64
		want          []daybook.Kept
	}{
		"all":           {"", "", nil, []daybook.Kept{kept("2026-03-01", 1, "e"), kept("2026-03-02", 2, "c"), kept("2026-04-01", 1, "f")}},
		"both within":   {"2026-03-01", "2026-03-02", nil, []daybook.Kept{kept("2026-03-01", 1, "e"), kept("2026-03-02", 2, "c")}},
		"from a day":    {"2026-03-02", "", nil, []daybook.Kept{kept("2026-03-02", 2, "c"), kept("2026-04-01", 1, "f")}},
		"through a day": {"", "2026-03-01", nil, []daybook.Kept{kept("2026-03-01", 1, "e")}},
		"none":          {"2026-03-03", "2026-03-31", nil, nil},
		"one is known, of one an old rev": {"", "", map[string]int64{"2026-03-01": 1, "2026-03-02": 1},
			[]daybook.Kept{kept("2026-03-01", 1, ""), kept("2026-03-02", 2, "c"), kept("2026-04-01", 1, "f")}},
	} {
		if got, err := s.RatingPages().Pages(t.Context(), c.from, c.through, c.known); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func putPageRace(t *testing.T, s SurveysStore) {
	for rev := int64(1); rev <= 5; rev++ {
		var wg sync.WaitGroup
		won := make(chan string, 20)
		for i := range cap(won) {
			wg.Go(func() {
				packed := fmt.Sprint(rev, " ", i)
				put, err := s.RatingPages().PutPage(t.Context(), daybook.Kept{Day: "2026-03-02", Rev: rev, Packed: []byte(packed)})
				if err != nil {
					t.Errorf("PutPage: %v", err)
				}
				if put {
					won <- packed
				}
			})
		}
		wg.Wait()
		close(won)
		winner := <-won
		got, err := s.RatingPages().Pages(t.Context(), "", "", nil)
		if err != nil || len(won) != 0 || len(got) != 1 || got[0].Rev != rev || string(got[0].Packed) != winner {
			t.Fatalf("%+v, %v; %q and %d more won", got, err, winner, len(won))
		}
	}
}

func occasionsOn(t *testing.T, s SurveysStore) {
	addOccasions(t, s, onDay("report-1", "2026-03-04"), onDay("report-2", "2026-03-02"), onDay("report-3", "2026-03-04"))
	days, err := s.OccasionDays(t.Context())
	if err != nil || !slices.Equal(days, []string{"2026-03-02", "2026-03-04"}) {
		t.Errorf("days %v, %v", days, err)
	}
	var found []string
	if err := s.OccasionsOn(t.Context(), "2026-03-04", func(o *surveys.Occasion) error {
		found = append(found, o.Report)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(found); !slices.Equal(found, []string{"report-1", "report-3"}) {
		t.Errorf("found %v", found)
	}
	stop := fmt.Errorf("stop")
	if err := s.OccasionsOn(t.Context(), "2026-03-02", func(*surveys.Occasion) error { return stop }); err == nil {
		t.Error("an error of visit was lost")
	}
}

func serviceOf(s surveys.Store) *surveys.Service {
	return &surveys.Service{Store: s, Now: func() time.Time { return time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC) }, NewID: uuid.NewString}
}

var readsAll = actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}, Departments: []string{actor.All}}

// No rating is lost between a page and the mark that is taken away, whoever enters and whoever reads.
func settleRace(t *testing.T, s SurveysStore) {
	const day, n = "2026-03-04", 60
	var people, settling sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		service := serviceOf(s)
		settling.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if err := service.Settle(t.Context(), nil); err != nil {
						t.Errorf("Settle: %v", err)
						return
					}
				}
			}
		})
	}
	reader := serviceOf(s)
	for i := range n {
		people.Go(func() {
			o := onDay(fmt.Sprint("report-", i), day)
			if err := s.AddOccasion(t.Context(), o); err != nil {
				t.Errorf("AddOccasion: %v", err)
				return
			}
			rateFrom(t, s, o, 1+i%5, day, fmt.Sprint("device-", i%10))
			if i%10 == 0 {
				if _, err := reader.Ratings(t.Context(), readsAll, surveys.RatingQuery{}); err != nil {
					t.Errorf("Ratings: %v", err)
				}
			}
		})
	}
	people.Wait()
	want := func(what string) {
		t.Helper()
		got, err := reader.Ratings(t.Context(), readsAll, surveys.RatingQuery{})
		if err != nil || got.Total.Eligible != n || got.Total.Counts != (surveys.Counts{12, 12, 12, 12, 12}) || got.Total.Flagged != n {
			t.Errorf("%s: %+v, %v", what, got.Total, err)
		}
	}
	want("all have rated")
	close(done)
	settling.Wait()
	if err := reader.Settle(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantMarks(t, s, "settled")
	want("settled")
	if err := reader.Verify(t.Context(), false, func(_, _ int, found []surveys.Difference) {
		if len(found) > 0 {
			t.Errorf("%+v", found)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// Whatever the pages hold after something went wrong, what citizens answered is what counts.
func verifyTorn(t *testing.T, open func(t *testing.T) SurveysStore) {
	kept := func(t *testing.T, s surveys.Store, day string) daybook.Kept {
		t.Helper()
		all, err := s.RatingPages().Pages(t.Context(), day, day, nil)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %d pages, %v", day, len(all), err)
		}
		return all[0]
	}
	replace := func(t *testing.T, s surveys.Store, day string, by []byte) {
		t.Helper()
		putPage(t, s, day, kept(t, s, day).Rev+1, string(by), true)
	}
	const first, second = "2026-03-01", "2026-03-02"
	for name, c := range map[string]struct {
		tear      func(t *testing.T, s surveys.Store)
		different int
	}{
		"nothing":               {func(*testing.T, surveys.Store) {}, 0},
		"a page of another day": {func(t *testing.T, s surveys.Store) { replace(t, s, first, kept(t, s, second).Packed) }, 2},
		"a page lost":           {func(t *testing.T, s surveys.Store) { replace(t, s, first, nil) }, 2},
		"a page damaged": {func(t *testing.T, s surveys.Store) {
			packed := kept(t, s, first).Packed
			replace(t, s, first, packed[:len(packed)-1])
		}, 2},
		"a page too many": {func(t *testing.T, s surveys.Store) {
			putPage(t, s, "2026-03-09", 1, string(kept(t, s, second).Packed), true)
		}, 2},
		"a mark of what is entered": {func(t *testing.T, s surveys.Store) {
			if _, err := s.UpdateOccasion(t.Context(), anOccasion(first+"-SA-01-0", 1).ID, func(*surveys.Occasion) ([]event.Event, error) { return nil, nil }); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"what is marked is not entered": {func(t *testing.T, s surveys.Store) { addOccasions(t, s, onDay("new", "2026-03-08")) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			for _, day := range []string{first, second} {
				for _, centre := range []string{"SA-01", "SA-02"} {
					for i := range 3 {
						o := onDay(fmt.Sprint(day, "-", centre, "-", i), day, func(o *surveys.Occasion) { o.Centre = centre })
						addOccasions(t, s, o)
						if i > 0 {
							rateFrom(t, s, o, i+3, day, fmt.Sprint(day, centre))
						}
					}
				}
			}
			service := serviceOf(s)
			if err := service.Settle(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			c.tear(t, s)
			for _, x := range []struct {
				what string
				mend bool
				want int
			}{{"looked", false, c.different}, {"mended: looking mends nothing", true, c.different}, {"after mending", false, 0}} {
				found := 0
				last := 0
				if err := service.Verify(t.Context(), x.mend, func(done, all int, d []surveys.Difference) {
					if found += len(d); done != last+1 || done > all || all < 2 {
						t.Errorf("%d of %d days after %d", done, all, last)
					}
					last = done
				}); err != nil {
					t.Fatal(err)
				}
				if found != x.want {
					t.Errorf("%s: %d, want %d", x.what, found, x.want)
				}
			}
		})
	}
}
