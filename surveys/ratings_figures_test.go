package surveys_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// closed resolves reports of a centre at the moment of the clock, and rates them with those levels; 0 for one that nobody rates.
func (b *bench) closed(name string, levels []int, change ...func(*event.Report)) {
	b.t.Helper()
	for i, level := range levels {
		report := fmt.Sprint(name, "-", i)
		b.moved(report, "resolved", 1, change...)
		if level > 0 {
			b.rate(report, surveys.Answer{Level: level, Solved: true})
		}
	}
}

func levels(n, level int) []int { return slices.Repeat([]int{level}, n) }

func in(centre string) func(*event.Report) { return func(r *event.Report) { r.Centre = centre } }

func by(employee string) func(*event.Report) { return func(r *event.Report) { r.Employee = employee } }

func (b *bench) ratings(a actor.Actor, q surveys.RatingQuery) *surveys.Ratings {
	b.t.Helper()
	r, err := b.Ratings(b.t.Context(), a, q)
	if err != nil {
		b.t.Fatalf("Ratings: %v", err)
	}
	return r
}

func (b *bench) row(r *surveys.Ratings, key string) surveys.RatingRow {
	b.t.Helper()
	for _, row := range r.Rows {
		if row.Key == key {
			return row
		}
	}
	b.t.Fatalf("no row %q among %+v", key, r.Rows)
	return surveys.RatingRow{}
}

func TestService_Ratings_Refused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, a := range []actor.Actor{{}, citizen, {Kind: actor.Staff, Role: actor.Clerk},
		{Kind: actor.Staff, Role: actor.Supervisor, Centres: []string{actor.All}}} {
		_, err := b.Ratings(t.Context(), a, surveys.RatingQuery{})
		b.refused(fault.Forbidden, err)
	}
	for _, q := range []surveys.RatingQuery{{By: surveys.ByChannel}, {By: "x"}, {Days: 7}, {Days: -30}} {
		_, err := b.Ratings(t.Context(), manager, q)
		b.refused(fault.Invalid, err)
	}
	r := b.ratings(manager, surveys.RatingQuery{})
	if r.By != surveys.ByCentre || r.Days != 30 || r.Rows == nil || len(r.Rows) != 0 || !r.Total.Suppressed {
		t.Errorf("of nothing: %+v", r)
	}
}

func TestService_Ratings_Figures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closed("a", append(append(levels(18, 5), 1, 2), 0, 0, 0, 0, 0)) // 18 of 20, of 25 closed
	b.closed("b", levels(10, 3), in("SA-02"))
	r := b.ratings(manager, surveys.RatingQuery{By: surveys.ByCentre, Days: 90})
	if r.From != "2025-11-04" || r.To != "2026-02-01" || r.MinCell != 10 || r.Formula != "top2" || r.Version != 1 {
		t.Errorf("%+v", r)
	}
	row := b.row(r, "SA-01")
	if row.N != 20 || row.Eligible != 25 || *row.ResponseRate != .8 || *row.Top2 != .9 ||
		row.Counts != (surveys.Counts{1, 1, 0, 0, 18}) || row.Trend != nil {
		t.Errorf("%+v", row)
	}
	if i := row.Interval; i.Low < .698966354 || i.Low > .698966355 || i.High < .97213351 || i.High > .97213353 || i.Level != .95 ||
		i.Method != "wilson" {
		t.Errorf("%+v", *i)
	}
	if r.Total.N != 30 || r.Total.Eligible != 35 || *r.Total.Mean100 != (18*100+25+10*50)/30. {
		t.Errorf("%+v", r.Total)
	}
	if day := b.ratings(manager, surveys.RatingQuery{By: surveys.ByEmployee}); day.MinCell != 30 || day.Rows[0].N != 30 {
		t.Errorf("%+v", day)
	}
}

// The day is the service's: an hour before midnight in Riyadh belongs to another day than an hour after.
func TestService_Ratings_Days(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Zone = time.FixedZone("Riyadh", 3*60*60)
	midnight := time.Date(2026, 1, 2, 21, 0, 0, 0, time.UTC)
	b.at(midnight.AddDate(0, 0, -30).Add(-time.Hour)) // the day before the period before
	b.closed("earlier", levels(10, 5))
	b.at(midnight.Add(-time.Hour))
	b.closed("late", levels(10, 1))
	b.at(midnight.Add(time.Hour))
	b.closed("early", levels(11, 5))
	if o := b.occasions("early-0")[0]; o.Day != "2026-01-03" || o.Given.Day != "2026-01-03" {
		t.Errorf("%+v, %+v", o, o.Given)
	}
	b.at(midnight.AddDate(0, 0, 29).Add(time.Hour)) // 2026-02-01 there
	r := b.ratings(manager, surveys.RatingQuery{Days: 30})
	if r.From != "2026-01-03" || r.To != "2026-02-01" || r.Total.N != 11 || r.Total.Counts[4] != 11 {
		t.Errorf("%+v", r)
	}
	if trend := r.Total.Trend; trend == nil || trend.N != 10 || trend.Top2 != 0 || trend.Difference != 1 ||
		trend.Interval.Method != "newcombe" ||
		trend.Interval.Low <= 0 || trend.Interval.High != 1 {
		t.Errorf("%+v", trend)
	}
	b.at(midnight.AddDate(0, 0, 30).Add(time.Hour))
	if r := b.ratings(manager, surveys.RatingQuery{Days: 30}); !r.Total.Suppressed || len(r.Rows) != 0 {
		t.Errorf("a day later: %+v", r)
	}
	if r := b.ratings(manager, surveys.RatingQuery{Days: 365}); r.Total.N != 31 || r.Total.Trend != nil {
		t.Errorf("in a year: %+v", r)
	}
}

func TestService_Ratings_Suppressed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, n := range []int{30, 9, 12, 40} {
		b.closed(fmt.Sprint("c", i), levels(n, 4), in(fmt.Sprintf("SA-0%d", i+1)), by(fmt.Sprint("staff-", i)))
	}
	want := func(q surveys.RatingQuery, hidden ...string) {
		t.Helper()
		r := b.ratings(manager, q)
		for _, row := range r.Rows {
			bare := surveys.RatingRow{Row: surveys.Row{Key: row.Key, Suppressed: true, Reason: row.Reason}}
			if slices.Contains(hidden, row.Key) != row.Suppressed || row.Suppressed && !reflect.DeepEqual(row, bare) {
				t.Errorf("by %s: %+v, want %v hidden and bare", q.By, row, hidden)
			}
		}
		if r.Total.Suppressed || r.Total.N != 91 {
			t.Errorf("by %s: total %+v", q.By, r.Total)
		}
	}
	want(surveys.RatingQuery{By: surveys.ByCentre}, "SA-02", "SA-03")                  // the second lest the first be subtracted
	want(surveys.RatingQuery{By: surveys.ByEmployee}, "staff-1", "staff-2", "staff-0") // 21 of them together are fewer than 30
	want(surveys.RatingQuery{By: surveys.ByCategory})
	south := manager
	south.Centres = []string{"SA-02"}
	if r := b.ratings(south, surveys.RatingQuery{}); !r.Total.Suppressed || r.Total.N != 0 || len(r.Rows) != 1 ||
		!r.Rows[0].Suppressed {
		t.Errorf("nine ratings: %+v", r)
	}
	south.Centres, south.Departments = []string{actor.All}, []string{"donors"}
	if r := b.ratings(south, surveys.RatingQuery{}); len(r.Rows) != 0 {
		t.Errorf("of another department: %+v", r)
	}
}

// A trend is not given when the period before has too few ratings, nor when it would give away one that has.
func TestService_Ratings_Trend(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, n := range []int{50, 9, 20} {
		b.closed(fmt.Sprint("then", i), levels(n, 5), in(fmt.Sprintf("SA-0%d", i+1)))
	}
	b.at(began.AddDate(0, 0, 30))
	for i, n := range []int{50, 50, 50} {
		b.closed(fmt.Sprint("now", i), append(levels(n/2, 5), levels(n/2, 1)...), in(fmt.Sprintf("SA-0%d", i+1)))
	}
	r := b.ratings(manager, surveys.RatingQuery{})
	if b.row(r, "SA-02").Trend != nil || b.row(r, "SA-03").Trend != nil {
		t.Errorf("%+v", r.Rows)
	}
	if trend := b.row(r, "SA-01").Trend; trend == nil || trend.Difference != -.5 || trend.Interval.High >= 0 {
		t.Errorf("%+v", trend)
	}
	if r.Total.Trend == nil || r.Total.Trend.N != 79 {
		t.Errorf("%+v", r.Total.Trend)
	}
}

// Ratings from one phone stay in the figures and are shown, from the fifth of a day on.
func TestService_Ratings_Flagged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rate := func(report, device string) {
		t.Helper()
		a := citizen
		a.Device = device
		if _, err := b.Rate(t.Context(), a, report, good); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 12 {
		b.moved(fmt.Sprint("report-", i), "resolved", 1)
	}
	for i := range 7 {
		rate(fmt.Sprint("report-", i), fmt.Sprint("phone-", i/4)) // four from the first, three from the second
	}
	b.closed("others", levels(10, 3))
	if r := b.ratings(manager, surveys.RatingQuery{}); r.Total.Flagged != 0 || r.ManyRatings != 5 {
		t.Errorf("%+v", r)
	}
	b.at(began.AddDate(0, 0, 1))
	rate("report-7", "phone-0") // the next day: no fifth
	rate("report-8", "phone-1")
	if r := b.ratings(manager, surveys.RatingQuery{}); r.Total.Flagged != 0 {
		t.Errorf("%+v", r.Total)
	}
	for i := 9; i < 12; i++ {
		rate(fmt.Sprint("report-", i), "phone-1")
	}
	b.moved("report-x", "resolved", 1)
	rate("report-x", "phone-1")
	r := b.ratings(manager, surveys.RatingQuery{})
	if r.Total.Flagged != 5 || r.Total.N != 23 || b.row(r, "SA-01").Flagged != 5 {
		t.Errorf("%+v", r.Total)
	}
	if o := b.occasions("report-0")[0]; o.Given.Device == "" || o.Given.Device == "phone-0" ||
		o.Given.Device != b.occasions("report-1")[0].Given.Device {
		t.Errorf("device %q", o.Given.Device)
	}
	if o := b.occasions("others-0")[0]; o.Given.Device != "" {
		t.Errorf("device %q of one without a phone", o.Given.Device)
	}
}

// Facts that come again, in any order, and a count that was cut off anywhere: everything is counted once.
func TestService_Ratings_ReplayedFacts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var facts []event.Event
	for i := range 12 {
		facts = append(facts, b.moved(fmt.Sprint("report-", i), "resolved", 1), b.moved(fmt.Sprint("report-", i), "closed", 1))
	}
	for i := range 10 {
		b.rate(fmt.Sprint("report-", i), good)
	}
	want := b.ratings(manager, surveys.RatingQuery{})
	if want.Total.N != 10 || want.Total.Eligible != 12 {
		t.Fatalf("%+v", want.Total)
	}
	slices.Reverse(facts)
	for range 2 {
		for _, e := range facts {
			b.take(e)
		}
		if got := b.ratings(manager, surveys.RatingQuery{}); !reflect.DeepEqual(got, want) {
			t.Errorf("after a replay %+v, want %+v", got.Total, want.Total)
		}
	}
	// The process dies after it has entered occasions, before it took their marks: another enters them again.
	b.moved("report-z", "resolved", 1)
	for range 3 {
		if err := b.Settle(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := b.db.UpdateOccasion(t.Context(), b.occasions("report-z")[0].ID, func(*surveys.Occasion) ([]event.Event, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	other := &surveys.Service{Store: b.db, Now: b.Now, NewID: b.NewID}
	if got, err := other.Ratings(t.Context(), manager, surveys.RatingQuery{}); err != nil || got.Total.N != 10 ||
		got.Total.Eligible != 13 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := b.Verify(t.Context(), false, func(_, _ int, found []surveys.Difference) {
		if len(found) > 0 {
			t.Errorf("%+v", found)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
