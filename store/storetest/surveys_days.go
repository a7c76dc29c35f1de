package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// TestSurveyDays is what every backend must do for the daily counts of ratings.
func TestSurveyDays(t *testing.T, open func(t *testing.T) SurveysStore) {
	t.Run("MarkedDays/a day is marked with what changes it", func(t *testing.T) { t.Parallel(); markedDays(t, open(t)) })
	t.Run("MarkedDays/every day that a device rated", func(t *testing.T) { t.Parallel(); markedByDevice(t, open(t)) })
	t.Run("RecountDay/as often as one likes", func(t *testing.T) { t.Parallel(); recountDay(t, open(t)) })
	t.Run("RecountDay/devices that rate much", func(t *testing.T) { t.Parallel(); recountDevices(t, open(t)) })
	t.Run("RecountDay/while people rate", func(t *testing.T) { t.Parallel(); recountRace(t, open(t)) })
	t.Run("RatedDays/groups, filters and bounds", func(t *testing.T) { t.Parallel(); ratedDays(t, open(t)) })
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

func wantMarks(t *testing.T, s surveys.Store, what string, want ...string) {
	t.Helper()
	if got, err := s.MarkedDays(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: marked %v, %v; want %v", what, got, err, want)
	}
}

func recounted(t *testing.T, s surveys.Store, days ...string) {
	t.Helper()
	for _, day := range days {
		if err := s.RecountDay(t.Context(), day); err != nil {
			t.Fatalf("RecountDay: %v", err)
		}
	}
}

func dayState(t *testing.T, s surveys.Store, day string) *surveys.DayState {
	t.Helper()
	state, err := s.DayState(t.Context(), day)
	if err != nil {
		t.Fatalf("DayState: %v", err)
	}
	return state
}

func markedDays(t *testing.T, s SurveysStore) {
	wantMarks(t, s, "at first")
	o := onDay("report-1", "2026-03-04")
	addOccasions(t, s, o, onDay("report-2", "2026-03-02"))
	wantMarks(t, s, "two occasions", "2026-03-02", "2026-03-04")
	recounted(t, s, "2026-03-02", "2026-03-04")
	wantMarks(t, s, "counted")
	addOccasions(t, s, o)
	wantMarks(t, s, "the same again")
	if _, err := s.UpdateOccasion(t.Context(), o.ID,
		func(*surveys.Occasion) ([]event.Event, error) { return nil, fmt.Errorf("refused") }); err == nil {
		t.Error("a refused change was taken")
	}
	wantMarks(t, s, "a refused change")
	rateFrom(t, s, o, 4, "2026-03-09", "")
	wantMarks(t, s, "rated days later", "2026-03-04")
	if days, err := s.CountedDays(t.Context()); err != nil || !slices.Equal(days, []string{"2026-03-02", "2026-03-04"}) {
		t.Errorf("days %v, %v", days, err)
	}
}

func markedByDevice(t *testing.T, s SurveysStore) {
	var all []*surveys.Occasion
	for i := range 4 {
		all = append(all, onDay(fmt.Sprint("report-", i), fmt.Sprintf("2026-03-0%d", i+1)))
	}
	addOccasions(t, s, all...)
	rateFrom(t, s, all[0], 5, "2026-03-07", "device-1")
	rateFrom(t, s, all[1], 5, "2026-03-08", "device-1") // on another day
	rateFrom(t, s, all[2], 5, "2026-03-07", "device-2")
	recounted(t, s, "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")
	rateFrom(t, s, all[3], 5, "2026-03-07", "device-1")
	wantMarks(t, s, "a second rating of a device", "2026-03-01", "2026-03-04")
}

func recountDay(t *testing.T, s SurveysStore) {
	const day = "2026-03-04"
	other := func(o *surveys.Occasion) { o.Centre, o.Employee = "SA-02", "" }
	a, b, c := onDay("report-1", day), onDay("report-2", day), onDay("report-3", day, other)
	addOccasions(t, s, a, b, c, onDay("report-4", "2026-03-05"))
	key := surveys.DayKey{Centre: "SA-01", Department: "maintenance", Category: "loudspeakers", Employee: "staff-1"}
	elsewhere := key
	elsewhere.Centre, elsewhere.Employee = "SA-02", ""
	raw := []surveys.DayCount{{DayKey: key, Eligible: 2}, {DayKey: elsewhere, Eligible: 1}}
	if got := dayState(t, s, day); !got.Marked || got.Kept != nil || !reflect.DeepEqual(got.Raw, raw) {
		t.Errorf("before it is counted: %+v", got)
	}
	rateFrom(t, s, a, 5, day, "")
	rateFrom(t, s, c, 1, day, "device-1")
	raw[0].Counts[4], raw[1].Counts[0] = 1, 1
	for range 3 {
		recounted(t, s, day)
		if got := dayState(t, s, day); got.Marked || !reflect.DeepEqual(got.Kept, raw) || !reflect.DeepEqual(got.Raw, raw) {
			t.Errorf("counted: %+v, want %+v", got, raw)
		}
	}
	recounted(t, s, "1999-01-01")
	if got := dayState(t, s, "1999-01-01"); got.Marked || got.Kept != nil || got.Raw != nil {
		t.Errorf("a day of nothing: %+v", got)
	}
	if got := dayState(t, s, "2026-03-05"); !got.Marked || got.Kept != nil || len(got.Raw) != 1 {
		t.Errorf("another day: %+v", got)
	}
}

// One rating less than many, then one more, for a closure of another day.
func recountDevices(t *testing.T, s SurveysStore) {
	const day, rated = "2026-03-04", "2026-03-06"
	var all []*surveys.Occasion
	for i := range surveys.ManyRatings + 1 {
		o := onDay(fmt.Sprint("report-", i), day)
		if i == surveys.ManyRatings-1 {
			o.Day = "2026-03-05"
		}
		all = append(all, o)
	}
	addOccasions(t, s, all...)
	for _, o := range all[:surveys.ManyRatings-1] {
		rateFrom(t, s, o, 5, rated, "device-1")
	}
	rateFrom(t, s, all[surveys.ManyRatings], 5, rated, "") // without a phone
	flagged := func(day string, want int64) {
		t.Helper()
		recounted(t, s, day)
		if got := dayState(t, s, day); len(got.Kept) != 1 || got.Kept[0].Flagged != want {
			t.Errorf("%s: %+v, want %d flagged", day, got, want)
		}
	}
	flagged(day, 0)
	rateFrom(t, s, all[surveys.ManyRatings-1], 1, rated, "device-1")
	wantMarks(t, s, "the fifth", day, "2026-03-05")
	flagged(day, surveys.ManyRatings-1)
	flagged("2026-03-05", 1)
}

// No rating is lost between a count and the mark that it takes away.
func recountRace(t *testing.T, s SurveysStore) {
	const day, n = "2026-03-04", 60
	var people, counting sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		counting.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					recounted(t, s, day)
				}
			}
		})
	}
	for i := range n {
		people.Go(func() {
			o := onDay(fmt.Sprint("report-", i), day)
			if err := s.AddOccasion(t.Context(), o); err != nil {
				t.Errorf("AddOccasion: %v", err)
				return
			}
			rateFrom(t, s, o, 1+i%5, day, fmt.Sprint("device-", i%10))
		})
	}
	people.Wait()
	close(done)
	counting.Wait()
	state := dayState(t, s, day)
	if !state.Marked && !reflect.DeepEqual(state.Kept, state.Raw) {
		t.Errorf("not marked, and %+v", state)
	}
	recounted(t, s, day)
	state = dayState(t, s, day)
	if len(state.Kept) != 1 || state.Kept[0].Eligible != n || state.Kept[0].Counts != (surveys.Counts{12, 12, 12, 12, 12}) ||
		state.Kept[0].Flagged != n {
		t.Errorf("%+v", state)
	}
}

func ratedDays(t *testing.T, s SurveysStore) {
	for i, c := range []struct {
		day, centre, department, category, employee string
		level                                       int
	}{
		{"2026-03-01", "SA-01", "maintenance", "loudspeakers", "staff-1", 5},
		{"2026-03-01", "SA-01", "maintenance", "loudspeakers", "staff-2", 0},
		{"2026-03-02", "SA-01", "donors", "donors", "", 1},
		{"2026-03-02", "SA-02", "maintenance", "carpets", "staff-1", 4},
		{"2026-03-03", "SA-02", "donors", "donors", "staff-3", 3},
	} {
		o := onDay(fmt.Sprint("report-", i), c.day, func(o *surveys.Occasion) {
			o.Centre, o.Department, o.Category, o.Employee = c.centre, c.department, c.category, c.employee
		})
		addOccasions(t, s, o)
		if c.level > 0 {
			rateFrom(t, s, o, c.level, c.day, "")
		}
	}
	tally := func(key string, eligible int64, levels ...int) surveys.DayTally {
		x := surveys.DayTally{Tally: surveys.Tally{Key: key, Eligible: eligible}}
		for _, l := range levels {
			x.Counts[l-1]++
		}
		return x
	}
	f := surveys.DayFilter{By: surveys.ByCentre, From: "2026-03-01", To: "2026-03-03"}
	if got, err := s.RatedDays(t.Context(), f); err != nil || got != nil {
		t.Errorf("before anything is counted: %+v, %v", got, err)
	}
	recounted(t, s, "2026-03-01", "2026-03-02", "2026-03-03")
	for name, c := range map[string]struct {
		change func(*surveys.DayFilter)
		want   []surveys.DayTally
	}{
		"by centre": {func(*surveys.DayFilter) {}, []surveys.DayTally{tally("SA-01", 3, 5, 1), tally("SA-02", 2, 4, 3)}},
		"by department": {func(f *surveys.DayFilter) { f.By = surveys.ByDepartment },
			[]surveys.DayTally{tally("donors", 2, 1, 3), tally("maintenance", 3, 5, 4)}},
		"by category": {func(f *surveys.DayFilter) { f.By = surveys.ByCategory },
			[]surveys.DayTally{tally("carpets", 1, 4), tally("donors", 2, 1, 3), tally("loudspeakers", 2, 5)}},
		"by employee": {func(f *surveys.DayFilter) { f.By = surveys.ByEmployee },
			[]surveys.DayTally{tally("", 1, 1), tally("staff-1", 2, 5, 4), tally("staff-2", 1), tally("staff-3", 1, 3)}},
		"one day": {func(f *surveys.DayFilter) { f.From, f.To = "2026-03-02", "2026-03-02" },
			[]surveys.DayTally{tally("SA-01", 1, 1), tally("SA-02", 1, 4)}},
		"of centres": {func(f *surveys.DayFilter) { f.Centres = []string{"SA-02", "SA-09"} },
			[]surveys.DayTally{tally("SA-02", 2, 4, 3)}},
		"of no centre": {func(f *surveys.DayFilter) { f.Centres = []string{} }, nil},
		"of departments": {func(f *surveys.DayFilter) { f.Departments = []string{"donors"} },
			[]surveys.DayTally{tally("SA-01", 1, 1), tally("SA-02", 1, 3)}},
	} {
		x := f
		c.change(&x)
		if got, err := s.RatedDays(t.Context(), x); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	if _, err := s.RatedDays(t.Context(), surveys.DayFilter{By: surveys.ByChannel}); err == nil {
		t.Error("days are not counted by channel")
	}
}
