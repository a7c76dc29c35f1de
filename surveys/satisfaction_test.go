package surveys_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// opened adds occasions of a day that were rated with those levels, 0 for none.
func (b *bench) opened(day string, levels []int, change ...func(*surveys.Occasion)) {
	b.t.Helper()
	for _, level := range levels {
		id := b.NewID()
		o := &surveys.Occasion{ID: id, Report: id, Closure: 1, Centre: "c-1", Region: "SA-01", Department: "maintenance", Category: "carpets",
			Channel: "app", Employee: "e-1", Day: day}
		if level > 0 {
			o.Given = &surveys.Given{Answer: surveys.Answer{Level: level}, Day: day}
		}
		for _, c := range change {
			c(o)
		}
		if err := b.db.AddOccasion(b.t.Context(), o); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) satisfaction(q surveys.Query) *surveys.Satisfaction {
	b.t.Helper()
	answer, err := b.Satisfaction(b.t.Context(), manager, q)
	if err != nil {
		b.t.Fatalf("%+v: %v", q, err)
	}
	return answer
}

// text of rows: key and n, or why it is hidden.
func text(rows []surveys.Row) []string {
	all := []string{}
	for _, r := range rows {
		if r.Suppressed {
			all = append(all, r.Key+" "+r.Reason)
		} else {
			all = append(all, fmt.Sprint(r.Key, " ", r.N, "/", r.Eligible))
		}
	}
	return all
}

func TestService_Satisfaction_Dimensions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.opened("2025-12-31", levels(40, 5), func(o *surveys.Occasion) { o.Gender, o.Company = "female", true })
	b.opened("2026-01-19", levels(20, 4), func(o *surveys.Occasion) {
		o.Region, o.Centre, o.Employee, o.Gender, o.Residency = "SA-02", "c-2", "e-2", "male", "resident"
	})
	b.opened("2026-01-20", levels(15, 1), func(o *surveys.Occasion) { o.Region, o.Centre, o.Employee, o.Gender = "SA-02", "c-2", "e-3", "" })
	b.opened("2026-01-20", levels(2, 0))
	for _, c := range []struct {
		q    surveys.Query
		want []string
	}{
		{surveys.Query{By: surveys.ByRegion}, []string{"SA-01 40/42", "SA-02 35/35"}},
		{surveys.Query{By: surveys.ByGender}, []string{" 15/17", "female 40/40", "male 20/20"}},
		{surveys.Query{By: surveys.ByResidency}, []string{" 55/57", "resident 20/20"}},
		{surveys.Query{By: surveys.ByCompany}, []string{"no 35/37", "yes 40/40"}},
		{surveys.Query{By: surveys.ByEmployee}, []string{"e-1 40/42", "e-2 too_few", "e-3 too_few"}},
		{surveys.Query{By: surveys.ByMonth, From: "2025-11-30"}, []string{"2025-11 0/0", "2025-12 40/40", "2026-01 35/37", "2026-02 0/0"}},
		{surveys.Query{By: surveys.ByHijriMonth, From: "2025-12-31", To: "2026-01-20"}, []string{"1447-07 60/60", "1447-08 15/17"}},
		{surveys.Query{By: surveys.ByDay, From: "2026-01-18", To: "2026-01-21"}, []string{"2026-01-18 0/0", "2026-01-19 20/20", "2026-01-20 15/17", "2026-01-21 0/0"}},
		{surveys.Query{By: surveys.ByMonth, From: "2025-12-01", To: "2026-01-31", Where: where{surveys.ByRegion: "SA-01"}}, []string{"2025-12 too_few", "2026-01 too_few"}},
		{surveys.Query{By: surveys.ByCentre, Where: where{surveys.ByRegion: "SA-02"}}, []string{"c-2 35/35"}},
		{surveys.Query{By: surveys.ByRegion, Where: where{surveys.ByResidency: "resident"}}, []string{"SA-02 20/20"}},
		{surveys.Query{By: surveys.ByCentre, Where: where{surveys.ByResidency: "citizen"}}, []string{}},
	} {
		if got := b.satisfaction(c.q); !slices.Equal(text(got.Rows), c.want) {
			t.Errorf("%+v: %q, want %q", c.q, text(got.Rows), c.want)
		}
	}
	if got := b.satisfaction(surveys.Query{By: surveys.ByEmployee}); got.MinCell != surveys.MinEmployee || got.Total.N != 75 {
		t.Errorf("%+v", got)
	}
	for _, q := range []surveys.Query{{Where: where{surveys.ByEmployee: "e-1"}}, {From: "2026-02-30"}, {To: "x"}, {By: surveys.ByDay, From: "1999-01-01"}} {
		_, err := b.Satisfaction(t.Context(), manager, q)
		b.refused(fault.Invalid, err)
	}
}

// A centre with few ratings is not what its region has besides the others, nor which of two hidden ones it is.
func TestService_Satisfaction_Nested(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for centre, n := range map[string]int{"a-1": 50, "a-2": 20, "a-3": 3, "b-1": 60, "b-2": 15, "b-3": 30} {
		b.opened("2026-01-20", levels(n, 5), func(o *surveys.Occasion) { o.Centre, o.Region = centre, "region-"+centre[:1] })
	}
	want := []string{"a-1 50/50", "a-2 protects_another", "a-3 protects_another", "b-1 60/60", "b-2 15/15", "b-3 30/30"}
	if got := text(b.satisfaction(surveys.Query{By: surveys.ByCentre}).Rows); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want) // not b-2, the smallest of all: with a-3 alone, region a told it
	}
	if got := b.satisfaction(surveys.Query{Where: where{surveys.ByCentre: "a-2"}}); got.Total.Reason != surveys.ProtectsAnother {
		t.Errorf("%+v", got.Total)
	}
}

// Whoever asks for every breakdown, alone and beside each value of every filter, finds no row that the others give away.
func TestService_Satisfaction_Attacked(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			rng := rand.New(rand.NewPCG(seed, 1))
			for range 60 {
				centre, category := rng.IntN(7), rng.IntN(6)
				b.opened(fmt.Sprintf("2026-01-%02d", 1+rng.IntN(9)), levels(rng.IntN(25), 1+rng.IntN(5)), func(o *surveys.Occasion) {
					o.Centre, o.Region = fmt.Sprint("c-", centre), fmt.Sprint("r-", centre%3)
					o.Category, o.Department = fmt.Sprint("k-", category), fmt.Sprint("d-", category%2)
					o.Employee, o.Channel = fmt.Sprint("e-", centre, rng.IntN(2)), []string{"app", "web"}[rng.IntN(2)]
					o.Gender = []string{"", "male", "female"}[rng.IntN(3)]
				})
			}
			attack(t, b)
		})
	}
}

func attack(t *testing.T, b *bench) {
	alone := map[surveys.Dimension]*surveys.Satisfaction{}
	for _, by := range surveys.Dimensions[1:] {
		alone[by] = b.satisfaction(surveys.Query{By: by, From: "2026-01-01", To: "2026-01-10"})
		line(t, fmt.Sprint("by ", by), alone[by].Rows, alone[by].Total, alone[by].MinCell)
	}
	for by, all := range alone {
		for _, filter := range surveys.Filters {
			if filter == by {
				continue
			}
			hidden, shown := map[string]int{}, map[string]int64{} // by key of by, over every value of the filter
			for _, value := range alone[filter].Rows {
				if value.Key == "" {
					continue // what is not known cannot be filtered by
				}
				q := surveys.Query{By: by, From: "2026-01-01", To: "2026-01-10", Where: where{filter: value.Key}}
				answer := b.satisfaction(q)
				line(t, fmt.Sprintf("%+v", q), answer.Rows, answer.Total, answer.MinCell)
				for _, r := range answer.Rows {
					if r.Suppressed {
						hidden[r.Key]++
					}
					shown[r.Key] += r.N
				}
				if value.Suppressed && !answer.Total.Suppressed || !value.Suppressed && (answer.Total.Suppressed || answer.Total.N != value.N) {
					t.Errorf("%+v is %+v, in the breakdown %+v", q, answer.Total, value)
				}
			}
			if filter == surveys.ByGender { // of some it is not known
				continue
			}
			for _, r := range all.Rows {
				if rest := r.N - shown[r.Key]; !r.Suppressed && (hidden[r.Key] == 1 || hidden[r.Key] > 1 && rest < int64(surveys.MinCell)) {
					t.Errorf("%s %s has %d, %d of them shown by %s, and %d hidden", by, r.Key, r.N, shown[r.Key], filter, hidden[r.Key])
				}
			}
		}
	}
}

// line checks that the rows of an answer do not give each other away.
func line(t *testing.T, what string, rows []surveys.Row, total surveys.Row, k int) {
	t.Helper()
	hidden, shown := 0, int64(0)
	for _, r := range rows {
		switch {
		case r.Suppressed && !reflect.DeepEqual(r, surveys.Row{Key: r.Key, Suppressed: true, Reason: r.Reason}):
			t.Errorf("%s: %+v is hidden", what, r)
		case r.Suppressed:
			hidden++
		case r.Eligible > 0 && r.N < int64(k):
			t.Errorf("%s: %+v is shown", what, r)
		}
		shown += r.N
	}
	if rest := total.N - shown; !total.Suppressed && hidden > 0 && (hidden == 1 && len(rows) > 1 || rest < surveys.MinCell) {
		t.Errorf("%s: %d hidden rows have %d: %q of %d", what, hidden, rest, text(rows), total.N)
	}
}

func TestService_Satisfaction_Marks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}, Departments: []string{actor.All}}
	for code, c := range map[string]struct {
		after   *surveys.After
		version int
	}{"asked": {&surveys.After{On: []string{surveys.OnClosed}}, 0}, "named": {&surveys.After{On: []string{surveys.OnClosed}}, 2}, "yearly": {nil, 0}} {
		for version := 1; version <= 3; version++ {
			at := time.Date(2026, 1, 10*version, 12, 0, 0, 0, time.UTC)
			if err := b.db.AddQuestionnaire(t.Context(), &form.Questionnaire{Code: code, Version: version, At: at}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.db.PutProgramme(t.Context(), code, func(p *surveys.Programme) error {
			p.Questionnaire, p.After, p.Version = code, c.after, c.version
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(day, code string, version int) surveys.Mark {
		return surveys.Mark{Day: day, Kind: surveys.MarkQuestionnaire, Code: code, Version: version}
	}
	for _, c := range []struct {
		from, to string
		want     []surveys.Mark
	}{
		{"2026-01-01", "2026-01-31", []surveys.Mark{mark("2026-01-20", "asked", 2), mark("2026-01-20", "named", 2), mark("2026-01-30", "asked", 3)}},
		{"2026-01-21", "2026-01-30", []surveys.Mark{mark("2026-01-30", "asked", 3)}},
		{"2026-01-01", "2026-01-19", []surveys.Mark{}},
	} {
		got, err := b.Satisfaction(t.Context(), admin, surveys.Query{From: c.from, To: c.to})
		if err != nil || !reflect.DeepEqual(got.Marks, c.want) {
			t.Errorf("%s to %s: %+v, %v; want %+v", c.from, c.to, got.Marks, err, c.want)
		}
	}
}
