package surveys_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/store/teststore"
	"github.com/balagh/balagh/surveys"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	began   = time.Date(2026, 2, 1, 8, 0, 0, 0, time.UTC)
	citizen = actor.Actor{Kind: actor.Citizen, ID: "citizen-1"}
	manager = actor.Actor{Kind: actor.Staff, ID: "staff-9", Role: actor.Manager, Centres: []string{actor.All}, Departments: []string{actor.All}}
	good    = surveys.Answer{Level: 5, Solved: true}
)

func TestMain(m *testing.M) { teststore.Main(m) }

// bench is a service on a store of its own, with a clock that stands still until it is set.
type bench struct {
	*surveys.Service
	t   *testing.T
	db  teststore.Store
	now atomic.Int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db := teststore.Open(t)
	b := &bench{t: t, db: db}
	b.at(began)
	b.Service = &surveys.Service{Store: db, Now: func() time.Time { return time.UnixMilli(b.now.Load()) }, NewID: uuid.NewString,
		Terms: func(context.Context) (surveys.Terms, error) { return surveys.Terms{RatingDays: 10, ReopenDays: 5}, nil }}
	return b
}

func (b *bench) at(now time.Time) { b.now.Store(now.UnixMilli()) }

// moved tells that the report of citizen-1 moved, at the moment of the clock.
func (b *bench) moved(report, to string, closure int, change ...func(*event.Report)) event.Event {
	b.t.Helper()
	r := &event.Report{ID: report, Citizen: citizen.ID, Centre: "SA-01", Department: "maintenance", Category: "loudspeakers", Channel: "app",
		Employee: "staff-1", To: to, Closure: closure}
	for _, c := range change {
		c(r)
	}
	e := event.Event{ID: uuid.NewString(), Type: event.ReportMoved, Subject: "report/" + report, At: time.UnixMilli(b.now.Load()).UTC(), Report: r}
	b.take(e)
	return e
}

func (b *bench) take(e event.Event) {
	b.t.Helper()
	if err := b.On(b.t.Context(), e); err != nil {
		b.t.Fatalf("On: %v", err)
	}
}

func (b *bench) occasions(report string) []*surveys.Occasion {
	b.t.Helper()
	all, err := b.db.OccasionsOf(b.t.Context(), report)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bench) facts() []event.Leased {
	b.t.Helper()
	leased, err := b.db.Lease(b.t.Context(), time.Now().AddDate(1, 0, 0), time.Minute, 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	return leased
}

func (b *bench) rate(report string, a surveys.Answer) *surveys.Rating {
	b.t.Helper()
	r, err := b.Rate(b.t.Context(), citizen, report, a)
	if err != nil {
		b.t.Fatalf("Rate: %v", err)
	}
	return r
}

func (b *bench) refused(code fault.Code, err error) {
	b.t.Helper()
	if fault.CodeOf(err) != code {
		b.t.Errorf("got %v, want %s", err, code)
	}
}

func TestService_On(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to     string
		change func(*event.Event)
		want   int
	}{
		"resolved":                 {"resolved", nil, 1},
		"closed":                   {"closed", nil, 1},
		"in progress":              {"in_progress", nil, 0},
		"rejected":                 {"rejected", nil, 0},
		"duplicate":                {"duplicate", nil, 0},
		"withdrawn":                {"withdrawn", nil, 0},
		"anonymous":                {"resolved", func(e *event.Event) { e.Report.Citizen = "" }, 0},
		"filed for oneself":        {"resolved", func(e *event.Event) { e.Report.SelfFiled = true }, 0},
		"another fact":             {"resolved", func(e *event.Event) { e.Type = event.ReportReplied }, 0},
		"a fact without a report":  {"resolved", func(e *event.Event) { e.Report = nil }, 0},
		"a closure without number": {"resolved", func(e *event.Event) { e.Report.Closure = 0 }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			e := event.Event{Type: event.ReportMoved, At: began, Report: &event.Report{ID: "r", Citizen: "c", To: c.to, Closure: 1}}
			if c.change != nil {
				c.change(&e)
			}
			b.take(e)
			b.take(e) // it may come again
			if got := b.occasions("r"); len(got) != c.want {
				t.Errorf("%d occasions, want %d", len(got), c.want)
			}
		})
	}
}

func TestService_On_Snapshot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.moved("r", "resolved", 1)
	b.at(began.Add(48 * time.Hour))
	b.moved("r", "closed", 1, func(r *event.Report) { r.Centre, r.Employee = "SA-02", "staff-2" }) // changes nothing
	all := b.occasions("r")
	if len(all) != 1 {
		t.Fatalf("%d occasions", len(all))
	}
	o := all[0]
	if o.Citizen != "citizen-1" || o.Centre != "SA-01" || o.Department != "maintenance" || o.Category != "loudspeakers" || o.Channel != "app" || o.Employee != "staff-1" {
		t.Errorf("snapshot %+v", o)
	}
	if o.ID != event.Derive("rating", "r", "1") || !o.Opened.Equal(began) || !o.Until.Equal(began.AddDate(0, 0, 10)) || !o.ReopenUntil.Equal(began.AddDate(0, 0, 5)) {
		t.Errorf("identity and terms %+v", o)
	}
}

func TestService_On_DefaultTerms(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Terms = nil
	b.moved("r", "resolved", 1)
	if o := b.occasions("r")[0]; !o.Until.Equal(began.AddDate(0, 0, 14)) {
		t.Errorf("open until %v", o.Until)
	}
	b.Terms = func(context.Context) (surveys.Terms, error) { return surveys.Terms{}, errors.New("no calendar") }
	if err := b.On(t.Context(), event.Event{Type: event.ReportMoved, At: began, Report: &event.Report{ID: "s", Citizen: "c", To: "resolved"}}); err == nil {
		t.Error("an occasion without terms")
	}
}

func TestService_On_Reopened(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.moved("r", "resolved", 1)
	b.at(began.Add(time.Hour))
	reopening := b.moved("r", "reopened", 1)
	_, err := b.Rate(t.Context(), citizen, "r", good)
	b.refused(fault.Conflict, err)

	b.at(began.Add(2 * time.Hour))
	b.moved("r", "resolved", 2)
	b.take(reopening) // late and again: the second closure stays open
	if r := b.rate("r", good); r.Closure != 2 {
		t.Errorf("rated closure %d", r.Closure)
	}
	if all := b.occasions("r"); len(all) != 2 || all[1].StateAt(began.Add(3*time.Hour)) != surveys.Ended {
		t.Errorf("occasions %+v", all)
	}
}

func TestService_Rate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.moved("r", "resolved", 1)
	b.at(began.Add(time.Hour))
	answer := surveys.Answer{Level: 4, Solved: true, Reasons: []surveys.Reason{surveys.Fast, surveys.Friendly}, Comment: "  شكرًا لكم\n"}
	got := b.rate("r", answer)
	want := surveys.Rating{ReportID: "r", Closure: 1, Level: 4, Solved: true, Reasons: answer.Reasons, Comment: "شكرًا لكم", RatedAt: began.Add(time.Hour)}
	if fmt.Sprint(*got) != fmt.Sprint(want) {
		t.Errorf("rating %+v", got)
	}
	read, err := b.RatingOf(t.Context(), citizen, "r")
	if err != nil || fmt.Sprint(*read) != fmt.Sprint(want) {
		t.Errorf("read again %+v, %v", read, err)
	}
	facts := b.facts()
	if len(facts) != 1 || facts[0].Type != event.ReportRated || facts[0].Subject != "report/r" || *facts[0].Rating != (event.Rating{Report: "r", Closure: 1, Level: 4, Solved: true}) {
		t.Errorf("facts %+v", facts)
	}
}

func TestService_Rate_Refused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.moved("r", "resolved", 1)
	rate := func(a actor.Actor, report string) error {
		_, err := b.Rate(t.Context(), a, report, good)
		return err
	}
	b.refused(fault.NotFound, rate(citizen, "another"))
	b.refused(fault.NotFound, rate(actor.Actor{Kind: actor.Citizen, ID: "citizen-2"}, "r"))
	b.refused(fault.NotFound, rate(actor.Actor{}, "r"))
	b.refused(fault.NotFound, rate(manager, "r"))
	b.refused(fault.NotFound, rate(actor.Actor{Kind: actor.Staff, ID: citizen.ID, Role: actor.Clerk}, "r"))
	_, err := b.RatingOf(t.Context(), citizen, "r")
	b.refused(fault.NotFound, err)
	b.at(began.AddDate(0, 0, 10))
	b.refused(fault.Gone, rate(citizen, "r"))
	b.at(began.AddDate(0, 0, 10).Add(-time.Millisecond))
	b.rate("r", good)
	b.refused(fault.Exists, rate(citizen, "r"))
	b.at(began.AddDate(0, 0, 11))
	b.refused(fault.Exists, rate(citizen, "r"))
	_, err = b.RatingOf(t.Context(), actor.Actor{Kind: actor.Citizen, ID: "citizen-2"}, "r")
	b.refused(fault.NotFound, err)
	if facts := b.facts(); len(facts) != 1 {
		t.Errorf("%d facts", len(facts))
	}
}

func TestService_Rate_Invalid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.moved("r", "resolved", 1)
	for want, a := range map[string]surveys.Answer{
		"level out_of_range":           {Level: 0},
		"level out_of_range ":          {Level: 6},
		"reasons/1 unknown":            {Level: 3, Reasons: []surveys.Reason{surveys.Slow, "bored"}},
		"reasons/1 duplicate":          {Level: 3, Reasons: []surveys.Reason{surveys.Slow, surveys.Slow}},
		"reasons/0 contradictory":      {Level: 3, Solved: true, Reasons: []surveys.Reason{surveys.NotSolved}},
		"reasons too_many":             {Level: 3, Reasons: make([]surveys.Reason, 9)},
		"comment too_long":             {Level: 3, Comment: strings.Repeat("ش", 1001)},
		"comment wrong_format":         {Level: 3, Comment: "a\x00b"},
		"comment wrong_format ":        {Level: 3, Comment: "\xff"},
		"level out_of_range, comment ": {Level: -1, Comment: "\x1b[31m"},
	} {
		_, err := b.Rate(t.Context(), citizen, "r", a)
		b.refused(fault.Invalid, err)
		if err != nil && !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if b.occasions("r")[0].Given != nil {
		t.Error("an invalid answer was kept")
	}
	b.rate("r", surveys.Answer{Level: 3, Comment: strings.Repeat("ش", 1000) + "  "})
}

func TestService_Rate_MayReopen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer surveys.Answer
		after  time.Duration
		want   bool
	}{
		"very bad":              {surveys.Answer{Level: 1, Solved: true}, time.Hour, true},
		"bad":                   {surveys.Answer{Level: 2, Solved: true}, time.Hour, true},
		"middling and solved":   {surveys.Answer{Level: 3, Solved: true}, time.Hour, false},
		"very good, not solved": {surveys.Answer{Level: 5}, time.Hour, true},
		"the last moment":       {surveys.Answer{Level: 1}, 5*24*time.Hour - time.Millisecond, true},
		"too late":              {surveys.Answer{Level: 1}, 5 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.moved("r", "resolved", 1)
			b.at(began.Add(c.after))
			r := b.rate("r", c.answer)
			if r.MayReopen != c.want || c.want != r.ReopenUntil.Equal(began.AddDate(0, 0, 5)) {
				t.Errorf("may reopen %v until %v", r.MayReopen, r.ReopenUntil)
			}
			b.moved("r", "reopened", 1)
			if r, err := b.RatingOf(t.Context(), citizen, "r"); err != nil || r.MayReopen || r.Level != c.answer.Level {
				t.Errorf("after the reopening: %+v, %v", r, err)
			}
		})
	}
}

type where = map[surveys.Dimension]string

// organisation rates reports in two centres, so that each figure can be worked out by hand.
func organisation(b *bench) {
	n := 0
	report := func(centre, department, channel string, level int) {
		n++
		id := fmt.Sprintf("report-%d", n)
		b.moved(id, "resolved", 1, func(r *event.Report) { r.Centre, r.Department, r.Channel = centre, department, channel })
		if level > 0 {
			b.rate(id, surveys.Answer{Level: level, Solved: true})
		}
	}
	for level, times := range []int{2, 0, 1, 1, 6, 12} { // 18 of 20 are satisfied: a reference value of the Wilson interval; two did not answer
		for range times {
			report("SA-01", "maintenance", "app", level)
		}
	}
	b.at(began.Add(24 * time.Hour))
	for centre, level := range map[string]int{"SA-02": 1, "SA-03": 4} { // enough of each to be published
		report(centre, "donors", "phone", 0)
		for range 11 {
			report(centre, "donors", "phone", level)
		}
	}
}

func TestService_Satisfaction_Golden(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	organisation(b)
	b.at(began.AddDate(0, 1, 0))
	got, err := b.Satisfaction(t.Context(), manager, surveys.Query{By: surveys.ByCentre})
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	j = append(j, '\n')
	const golden = "testdata/satisfaction.golden.json"
	if *update {
		if err := os.WriteFile(golden, j, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(j) != string(want) {
		t.Errorf("got %s", j)
	}
}

func TestService_Satisfaction_Scope(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	organisation(b)
	b.at(began.AddDate(0, 1, 0))
	for name, c := range map[string]struct {
		centres, departments []string
		query                surveys.Query
		eligible, n          int64
		rows                 int
	}{
		"everything":              {[]string{"*"}, []string{"*"}, surveys.Query{}, 46, 42, 0},
		"every centre":            {[]string{"*"}, []string{"*"}, surveys.Query{By: surveys.ByCentre}, 46, 42, 3},
		"one centre":              {[]string{"SA-02"}, []string{"*"}, surveys.Query{By: surveys.ByCentre}, 12, 11, 1},
		"one department":          {[]string{"*"}, []string{"donors"}, surveys.Query{By: surveys.ByDepartment}, 24, 22, 1},
		"no centre":               {nil, []string{"*"}, surveys.Query{By: surveys.ByCentre}, 0, 0, 0},
		"another's centre":        {[]string{"SA-02"}, []string{"*"}, surveys.Query{Where: where{surveys.ByCentre: "SA-01"}}, 0, 0, 0},
		"a channel":               {[]string{"*"}, []string{"*"}, surveys.Query{By: surveys.ByChannel, Where: where{surveys.ByChannel: "app"}}, 22, 20, 1},
		"opened in the period":    {[]string{"*"}, []string{"*"}, surveys.Query{From: "2026-02-02"}, 24, 22, 0},
		"opened before the end":   {[]string{"*"}, []string{"*"}, surveys.Query{To: "2026-02-01"}, 22, 20, 0},
		"opened after the end":    {[]string{"*"}, []string{"*"}, surveys.Query{To: "2026-01-31"}, 0, 0, 0},
		"opened at the beginning": {[]string{"*"}, []string{"*"}, surveys.Query{From: "2026-02-01", To: "2026-02-01"}, 22, 20, 0},
	} {
		a := actor.Actor{Kind: actor.Staff, ID: "staff-8", Role: actor.Manager, Centres: c.centres, Departments: c.departments}
		got, err := b.Satisfaction(t.Context(), a, c.query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Total.Eligible != c.eligible || got.Total.N != c.n || len(got.Rows) != c.rows {
			t.Errorf("%s: %d of %d in %d rows, want %d of %d in %d", name, got.Total.N, got.Total.Eligible, len(got.Rows), c.n, c.eligible, c.rows)
		}
	}
}

// Whatever is asked, one filter after the other, nothing that is shown gives the three answers of a small centre away.
func TestService_Satisfaction_Suppressed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	n := 0
	for _, g := range []struct {
		centre, department string
		ratings            int
	}{{"SA-01", "donors", 30}, {"SA-01", "maintenance", 20}, {"SA-02", "donors", 3}, {"SA-02", "maintenance", 40}, {"SA-03", "donors", 15}, {"SA-03", "maintenance", 25}} {
		for range g.ratings {
			n++
			id := fmt.Sprint("r-", n)
			b.moved(id, "resolved", 1, func(r *event.Report) { r.Centre, r.Department = g.centre, g.department })
			b.rate(id, surveys.Answer{Level: 5})
		}
	}
	b.at(began.Add(time.Hour))
	ask := func(q surveys.Query) (total int64, rows map[string]int64) {
		t.Helper()
		got, err := b.Satisfaction(t.Context(), manager, q)
		if err != nil {
			t.Fatal(err)
		}
		rows = map[string]int64{}
		for _, r := range got.Rows {
			if r.Suppressed && (r.Reason == "" || !reflect.DeepEqual(r, surveys.Row{Key: r.Key, Suppressed: true, Reason: r.Reason})) {
				t.Errorf("%+v is suppressed", r)
			}
			if !r.Suppressed {
				rows[r.Key] = r.N
			}
		}
		return got.Total.N, rows
	}
	for _, c := range []struct {
		query surveys.Query
		total int64
		rows  map[string]int64
	}{
		{surveys.Query{By: surveys.ByCentre}, 133, map[string]int64{"SA-01": 50, "SA-02": 43, "SA-03": 40}},
		{surveys.Query{By: surveys.ByCentre, Where: where{surveys.ByCentre: "SA-02"}}, 43, map[string]int64{"SA-02": 43}},
		{surveys.Query{Where: where{surveys.ByCentre: "SA-02", surveys.ByDepartment: "donors"}}, 0, map[string]int64{}},
		{surveys.Query{By: surveys.ByChannel, Where: where{surveys.ByCentre: "SA-02", surveys.ByDepartment: "donors"}}, 0, map[string]int64{}},
		{surveys.Query{By: surveys.ByCentre, Where: where{surveys.ByDepartment: "donors"}}, 48, map[string]int64{"SA-01": 30}},
		{surveys.Query{By: surveys.ByCentre, Where: where{surveys.ByDepartment: "maintenance"}}, 85, map[string]int64{"SA-01": 20}},
		{surveys.Query{By: surveys.ByDepartment, Where: where{surveys.ByCentre: "SA-01"}}, 50, map[string]int64{"donors": 30, "maintenance": 20}},
		{surveys.Query{By: surveys.ByDepartment, Where: where{surveys.ByCentre: "SA-02"}}, 43, map[string]int64{}},
		{surveys.Query{By: surveys.ByDepartment, Where: where{surveys.ByCentre: "SA-03"}}, 40, map[string]int64{}},
		{surveys.Query{Where: where{surveys.ByCentre: "SA-03", surveys.ByDepartment: "maintenance"}}, 0, map[string]int64{}}, // or SA-02 has 85 less 20 less 25 of them, and 43 less 40 others
		{surveys.Query{Where: where{surveys.ByCentre: "SA-01", surveys.ByDepartment: "maintenance"}}, 20, map[string]int64{}},
	} {
		if total, rows := ask(c.query); total != c.total || !maps.Equal(rows, c.rows) {
			t.Errorf("%+v: %d, %v, want %d, %v", c.query, total, rows, c.total, c.rows)
		}
	}
}

func TestService_Satisfaction_Refused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	all := []string{actor.All}
	for _, role := range actor.Roles {
		_, err := b.Satisfaction(t.Context(), actor.Actor{Kind: actor.Staff, Role: role, Centres: all, Departments: all}, surveys.Query{})
		if allowed := role == actor.Manager || role == actor.Admin; allowed != (err == nil) || !allowed && fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("%s: %v", role, err)
		}
	}
	for _, a := range []actor.Actor{{}, citizen, {Kind: actor.Citizen, ID: "c", Role: actor.Admin}} {
		_, err := b.Satisfaction(t.Context(), a, surveys.Query{})
		b.refused(fault.Forbidden, err)
	}
	_, err := b.Satisfaction(t.Context(), manager, surveys.Query{By: surveys.ByFirst})
	b.refused(fault.Invalid, err)
	_, err = b.Satisfaction(t.Context(), manager, surveys.Query{From: "2026-02-01", To: "2026-01-31"})
	b.refused(fault.Invalid, err)
}

func TestNewRow_NothingToCompute(t *testing.T) {
	t.Parallel()
	if r := surveys.NewRow(surveys.Tally{Eligible: 3}); r.Top2 != nil || r.Mean100 != nil || r.Net != nil || r.Interval != nil || *r.ResponseRate != 0 {
		t.Errorf("three occasions and no rating: %+v", r)
	}
	if r := surveys.NewRow(surveys.Tally{}); r.ResponseRate != nil {
		t.Errorf("no occasion, and a response rate of %v", *r.ResponseRate)
	}
}
