package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// asOf is a service whose clock stands.
func asOf(s reports.Store, at time.Time) *reports.Service {
	service := counting(s)
	service.Now = func() time.Time { return at }
	return service
}

// brief are figures as the tests below have them.
func brief(h reports.Handling) string {
	p := func(x reports.Promptness) string {
		return fmt.Sprintf("due %d met %d missed %d overdue %d, %d took %d and %d", x.Due, x.Met, x.Missed, x.Overdue, x.N, x.Median, x.P90)
	}
	return fmt.Sprintf("%q received %d open %d %v; answer %s; resolution %s", h.Key, h.Received, h.Open, h.Ages, p(h.FirstAnswer), p(h.Resolution))
}

func wantDeadlines(t *testing.T, s *reports.Service, what string, q reports.DeadlinesSearch, wantTotal string, want ...string) {
	t.Helper()
	f, err := s.Deadlines(t.Context(), manager, q)
	must(t, err)
	rows := f.Rows
	if got := brief(f.Total); got != wantTotal {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, wantTotal)
	}
	if len(rows) != len(want) {
		t.Fatalf("%s: %d rows, want %d", what, len(rows), len(want))
	}
	for i, r := range rows {
		if got := brief(r); got != want[i] {
			t.Errorf("%s, row %d:\ngot  %s\nwant %s", what, i, got, want[i])
		}
	}
}

// The answer of each is due two days after its receipt, the resolution after ten.
func deadlines(t *testing.T, s ReportsStore) {
	received, none := receivedFirst, "due 0 met 0 missed 0 overdue 0, 0 took 0 and 0"
	answered := func(d time.Duration) func(*reports.Report) {
		return func(r *reports.Report) { r.Status, r.FirstAnswer = reports.InProgress, received.Add(d) }
	}
	resolved := func(d time.Duration) func(*reports.Report) {
		return func(r *reports.Report) {
			r.Status, r.ResolvedAt = reports.Closed, received.Add(d)
			if r.FirstAnswer.IsZero() {
				r.FirstAnswer = r.ResolvedAt
			}
		}
	}
	ended := func(st reports.Status, d time.Duration) func(*reports.Report) {
		return func(r *reports.Report) {
			r.Status = st
			r.Timeline = append(r.Timeline, reports.Entry{At: received.Add(d), To: st}, reports.Entry{At: received.Add(99 * day), Kind: reports.EntryNote})
		}
	}
	reopened := func(r *reports.Report) {
		r.Status, r.ResolvedAt, r.Due.Resolution = reports.Reopened, time.Time{}, received.Add(20*day)
	}
	const fresh = `"" received 1 open 1 [0 0 1 0 0 0]; `
	const over = `"" received 1 open 0 [0 0 0 0 0 0]; `
	for i, c := range []struct {
		what string
		now  time.Duration // after the receipt
		as   []func(*reports.Report)
		want string
	}{
		{"new", day - 1, nil, `"" received 1 open 1 [1 0 0 0 0 0]; answer ` + none + `; resolution ` + none},
		{"at the deadline", 2 * day, nil, `"" received 1 open 1 [0 1 0 0 0 0]; answer ` + none + `; resolution ` + none},
		{"just after it", 2*day + time.Millisecond, nil, `"" received 1 open 1 [0 1 0 0 0 0]; answer due 1 met 0 missed 1 overdue 1, 0 took 0 and 0; resolution ` + none},
		{"both are overdue", 30 * day, nil, `"" received 1 open 1 [0 0 0 0 0 1]; answer due 1 met 0 missed 1 overdue 1, 0 took 0 and 0; resolution due 1 met 0 missed 1 overdue 1, 0 took 0 and 0`},
		{"answered at the last moment", 3 * day, []func(*reports.Report){answered(2 * day)}, fresh + `answer due 1 met 1 missed 0 overdue 0, 1 took 2880 and 2880; resolution ` + none},
		{"a moment too late", 3 * day, []func(*reports.Report){answered(2*day + time.Millisecond)}, fresh + `answer due 1 met 0 missed 1 overdue 0, 1 took 2880 and 2880; resolution ` + none},
		{"answered, then overdue", 11 * day, []func(*reports.Report){answered(59 * time.Second)}, `"" received 1 open 1 [0 0 0 1 0 0]; answer due 1 met 1 missed 0 overdue 0, 1 took 0 and 0; resolution due 1 met 0 missed 1 overdue 1, 0 took 0 and 0`},
		{"resolved", 99 * day, []func(*reports.Report){answered(time.Hour), resolved(5 * day)}, over + `answer due 1 met 1 missed 0 overdue 0, 1 took 60 and 60; resolution due 1 met 1 missed 0 overdue 0, 1 took 7200 and 7200`},
		{"resolved late", 99 * day, []func(*reports.Report){resolved(10*day + 90*time.Second)}, over + `answer due 1 met 0 missed 1 overdue 0, 1 took 14401 and 14401; resolution due 1 met 0 missed 1 overdue 0, 1 took 14401 and 14401`},
		{"rejected in time", 99 * day, []func(*reports.Report){answered(day), ended(reports.Rejected, day)}, over + `answer due 1 met 1 missed 0 overdue 0, 1 took 1440 and 1440; resolution ` + none},
		{"withdrawn in time", 99 * day, []func(*reports.Report){ended(reports.Withdrawn, 2*day)}, over + `answer ` + none + `; resolution ` + none},
		{"withdrawn after one deadline", 99 * day, []func(*reports.Report){ended(reports.Withdrawn, 3*day)}, over + `answer due 1 met 0 missed 1 overdue 0, 0 took 0 and 0; resolution ` + none},
		{"reopened", 15 * day, []func(*reports.Report){answered(day), reopened}, `"" received 1 open 1 [0 0 0 0 1 0]; answer due 1 met 1 missed 0 overdue 0, 1 took 1440 and 1440; resolution ` + none},
		{"no deadlines", 3 * day, []func(*reports.Report){func(r *reports.Report) { r.Due = reports.Due{} }}, fresh + `answer ` + none + `; resolution ` + none},
	} {
		code := fmt.Sprint("case-", i)
		r := aReport(i, func(r *reports.Report) {
			r.Category, r.ReceivedAt, r.Day = code, received, received.Format(time.DateOnly)
			r.Due = reports.Due{FirstAnswer: received.Add(2 * day), Resolution: received.Add(10 * day)}
		})
		for _, change := range c.as {
			change(r)
		}
		// Deadlines are midnights: what was received at one has them to the millisecond.
		shift(r, received.Truncate(day).Sub(received))
		addReports(t, s, r)
		wantDeadlines(t, asOf(s, received.Truncate(day).Add(c.now)), c.what, reports.DeadlinesSearch{Selection: reports.Selection{Category: code}}, c.want)
	}
}

const day = 24 * time.Hour

// shift moves every moment of r that counts.
func shift(r *reports.Report, by time.Duration) {
	for _, at := range []*time.Time{&r.ReceivedAt, &r.FirstAnswer, &r.ResolvedAt, &r.Due.FirstAnswer, &r.Due.Resolution} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
	for i := range r.Timeline {
		r.Timeline[i].At = r.Timeline[i].At.Add(by)
	}
}

func deadlinesBy(t *testing.T, s ReportsStore) {
	for i := range 20 { // answered after 1 to 20 minutes, every fifth in the second centre
		addReports(t, s, aReport(i, func(r *reports.Report) {
			r.Status, r.FirstAnswer = reports.InProgress, r.ReceivedAt.Add(time.Duration(20-i)*time.Minute)
			if i%5 == 0 {
				r.Centre, r.Channel, r.Day = "SA-02", reports.Phone, "2026-04-01"
			}
		}))
	}
	service := asOf(s, receivedFirst.Add(time.Hour))
	none := "; resolution due 0 met 0 missed 0 overdue 0, 0 took 0 and 0"
	all := `"" received 20 open 20 [20 0 0 0 0 0]; answer due 20 met 20 missed 0 overdue 0, 20 took 10 and 18` + none
	first := ` received 16 open 16 [16 0 0 0 0 0]; answer due 16 met 16 missed 0 overdue 0, 16 took 9 and 18` + none
	second := ` received 4 open 4 [4 0 0 0 0 0]; answer due 4 met 4 missed 0 overdue 0, 4 took 10 and 20` + none
	for range 2 {
		wantDeadlines(t, service, "all", reports.DeadlinesSearch{}, all)
		wantDeadlines(t, service, "by centre", reports.DeadlinesSearch{By: reports.ByCentre}, all, `"SA-01"`+first, `"SA-02"`+second)
		wantDeadlines(t, service, "by channel", reports.DeadlinesSearch{By: reports.ByChannel}, all, `"app"`+first, `"phone"`+second)
		wantDeadlines(t, service, "by month", reports.DeadlinesSearch{By: reports.ByMonth, Selection: reports.Selection{Centre: "SA-02"}}, `""`+second, `"2026-04"`+second)
		wantDeadlines(t, service, "by department", reports.DeadlinesSearch{By: reports.ByDepartment, Selection: reports.Selection{Through: "2026-03-31"}}, `""`+first,
			`"maintenance"`+first)
		must(t, service.SettleFigures(t.Context(), nil))
	}
	wantDeadlines(t, service, "none", reports.DeadlinesSearch{By: reports.ByRegion, Selection: reports.Selection{Channel: reports.Visit}},
		`"" received 0 open 0 [0 0 0 0 0 0]; answer due 0 met 0 missed 0 overdue 0, 0 took 0 and 0`+none)
	_, err := service.Deadlines(t.Context(), manager, reports.DeadlinesSearch{By: reports.ByGender, Selection: reports.Selection{From: "yesterday"}})
	if fault.CodeOf(err) != fault.Invalid {
		t.Errorf("an unknown dimension: %v", err)
	}
	if _, err := service.Deadlines(t.Context(), supervisor, reports.DeadlinesSearch{}); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a supervisor: %v", err)
	}
}
