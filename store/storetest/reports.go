package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// ReportsStore is what the suite of reports needs: the facts are looked for in the outbox.
type ReportsStore interface {
	reports.Store
	event.Outbox
	// Settle returns when everything that was written can be found by the search.
	Settle(ctx context.Context) error
}

// TestReports is what every backend must do for reports.
func TestReports(t *testing.T, open func(t *testing.T) ReportsStore) {
	for name, test := range map[string]func(*testing.T, ReportsStore){
		"Organisation/is empty at first and keeps what it is given": organisation,
		"CreateReport/keeps every field and writes the events":      createReport,
		"CreateReport/an id and a number are given once":            createReportTaken,
		"CreateReport/a hundred with one number, one is written":    createReportRace,
		"CreateReport/reports of one moment":                        createReportMoment,
		"UpdateReport/change and facts or neither":                  updateReport,
		"UpdateReport/a thousand at once, none is lost":             updateReportRace,
		"Support/each once, also at once":                           supportReport,
		"Mine/pages in the order of receipt":                        mine,
		"Mine/pages while reports leave the list":                   mineLeaving,
		"Mine/a change shows at once":                               mineChanging,
		"Near/nearest first, public ones only":                      near,
		"Near/across the date line and around the pole":             nearEdges,
		"Near/the nearest of many":                                  nearMany,
		"Queue/filters":                                             queueFilters,
		"Queue/scope":                                               queueScope,
		"Queue/orders and pages":                                    queueOrders,
		"Queue/finds words however they are written":                queueWords,
		"Queue/terms are words, never operators":                    queueOperators,
		"ResolvedBefore/oldest first":                               resolvedBefore,
		"Changes/each once, as it is now":                           reportsChanges,
		"Changes/nothing is missed while many write":                reportsChangesAtOnce,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, open(t)) })
	}
	testReportsService(t, open)
	testReportFigures(t, open)
}

var receivedFirst = time.Date(2026, 3, 4, 5, 6, 7, 8_000_000, time.UTC)

// aReport is the n-th report: received n minutes after the first, with a number and an id of its own.
func aReport(n int, change ...func(*reports.Report)) *reports.Report {
	at := receivedFirst.Add(time.Duration(n) * time.Minute)
	r := &reports.Report{ID: reportID(n), Number: fmt.Sprintf("%010d", 1_000_000_000+n), Status: reports.Received, Citizen: reporter(1), Channel: reports.App,
		Category: "loudspeakers", Description: "مكبرات الصوت لا تعمل", Language: "ar",
		Place: &reports.Place{Latitude: 24.7136, Longitude: 46.6753, Accuracy: 8.5, Address: "حي العليا", Source: reports.FromGPS}, Centre: "SA-01",
		Department: "maintenance", Due: reports.Due{FirstAnswer: at.AddDate(0, 0, 2), Resolution: at.AddDate(0, 0, 10)}, ReceivedAt: at,
		UpdatedAt: at, Day: at.Format(time.DateOnly), Timeline: []reports.Entry{{ID: fmt.Sprint("entry-", n), At: at, Kind: reports.EntryReceived,
			To: reports.Received, By: reports.By{Kind: actor.Citizen, ID: reporter(1)}}}}
	for _, c := range change {
		c(r)
	}
	return r
}

func reportID(n int) string { return fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-%012d", n) }
func reporter(n int) string { return fmt.Sprintf("01936f0e-0000-7c3e-9d0e-%012d", n) }

func addReports(t *testing.T, s ReportsStore, all ...*reports.Report) {
	t.Helper()
	for _, r := range all {
		must(t, s.CreateReport(t.Context(), r, nil))
	}
}

func aFact(id string, r *reports.Report) event.Event {
	return event.Event{ID: id, Type: event.ReportReceived, Subject: "report/" + r.ID, At: r.ReceivedAt, Report: &event.Report{ID: r.ID, Number: r.Number}}
}

func factsOf(t *testing.T, s event.Outbox) []string {
	t.Helper()
	leased, err := s.Lease(t.Context(), time.Now(), time.Minute, 5000)
	must(t, err)
	var ids []string
	for _, l := range leased {
		ids = append(ids, l.ID)
	}
	return ids
}

func numbers(items []reports.Summary) []string {
	out := make([]string, 0, len(items))
	for _, s := range items {
		out = append(out, s.Number)
	}
	return out
}

func wantNumbers(t *testing.T, items []reports.Summary, want ...int) {
	t.Helper()
	all := make([]string, 0, len(want))
	for _, n := range want {
		all = append(all, fmt.Sprintf("%010d", 1_000_000_000+n))
	}
	if got := numbers(items); !slices.Equal(got, all) {
		t.Errorf("got %v, want %v", got, all)
	}
}

func organisation(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	o, err := s.Organisation(ctx)
	must(t, err)
	if rev, err := s.OrganisationRev(ctx); err != nil || rev != 0 || o.Rev != 0 || len(o.Categories) > 0 {
		t.Fatalf("a new store has rev %d (%v) and %+v", rev, err, o)
	}
	refusal := fault.New(fault.PreconditionFailed)
	if _, err := s.UpdateOrganisation(ctx, func(o *reports.Organisation) error {
		o.Departments = map[string]reports.Department{"lost": {}}
		return refusal
	}); !errors.Is(err, refusal) {
		t.Errorf("a refusal became %v", err)
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			_, err := s.UpdateOrganisation(ctx, func(o *reports.Organisation) error {
				if o.Departments == nil {
					o.Departments = map[string]reports.Department{}
				}
				o.Departments[fmt.Sprint(i)] = reports.Department{Code: fmt.Sprint(i), Rev: 1}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	o, err = s.Organisation(ctx)
	must(t, err)
	rev, err := s.OrganisationRev(ctx)
	must(t, err)
	if len(o.Departments) != 20 || rev != 20 || o.Rev != 20 {
		t.Errorf("20 changes at once left %d departments, rev %d and %d", len(o.Departments), rev, o.Rev)
	}
}

func createReport(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	r := aReport(1, func(r *reports.Report) {
		r.Contact = &reports.Contact{Phone: "+966500000001"}
		r.Attributes = map[string]any{"mosque_name": "جامع الملك خالد", "count": 2.5, "kinds": []any{"a", "b"}}
		r.Photos = []reports.PhotoRef{{ID: "photo-1", Width: 3, Height: 4, Bytes: 5, MediaType: "image/jpeg"}}
		r.ObservedAt, r.FirstAnswer, r.ResolvedAt, r.ClosedAt = r.ReceivedAt.Add(-time.Hour), r.ReceivedAt.Add(1), r.ReceivedAt.Add(2), r.ReceivedAt.Add(3)
		r.Assignee, r.ResolvedBy, r.RegisteredBy, r.Closure, r.SelfFiled = "staff-1", "staff-2", "staff-3", 2, true
		r.DuplicateOf, r.Merged = &reports.Ref{ID: "x", Number: "1"}, []reports.Ref{{ID: "y", Number: "2"}}
	})
	must(t, s.CreateReport(ctx, r, []event.Event{aFact("fact-1", r)}))
	got, err := s.Report(ctx, r.ID)
	must(t, err)
	if r.Rev != 1 || !reflect.DeepEqual(got, r) {
		t.Errorf("got  %+v\nwant %+v", got, r)
	}
	if facts := factsOf(t, s); !slices.Equal(facts, []string{"fact-1"}) {
		t.Errorf("facts: %v", facts)
	}
	for _, id := range []string{"", reportID(2), "'; DROP TABLE reports; --", `{"$ne":null}`} {
		if _, err := s.Report(ctx, id); !isNotFound(err) {
			t.Errorf("report %q: %v", id, err)
		}
	}
}

func createReportTaken(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	addReports(t, s, aReport(1))
	same := aReport(1, func(r *reports.Report) { r.Number, r.ReceivedAt = "1999999999", r.ReceivedAt.Add(time.Hour) })
	if err := s.CreateReport(ctx, same, []event.Event{aFact("fact-2", same)}); fault.CodeOf(err) != fault.Exists {
		t.Errorf("the same id: %v", err)
	}
	same = aReport(1, func(r *reports.Report) { r.ID, r.ReceivedAt = reportID(2), r.ReceivedAt.Add(time.Hour) })
	if err := s.CreateReport(ctx, same, []event.Event{aFact("fact-3", same)}); !errors.Is(err, reports.ErrNumberTaken) {
		t.Errorf("the same number: %v", err)
	}
	if facts := factsOf(t, s); len(facts) > 0 {
		t.Errorf("refused, and yet told: %v", facts)
	}
	if _, err := s.Report(ctx, reportID(2)); !isNotFound(err) {
		t.Errorf("refused, and yet there: %v", err)
	}
}

func createReportRace(t *testing.T, s ReportsStore) {
	var group sync.WaitGroup
	var mu sync.Mutex
	created, taken := 0, 0
	for i := range 100 {
		group.Go(func() {
			err := s.CreateReport(t.Context(), aReport(i, func(r *reports.Report) { r.Number = "1234567890" }), nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				created++
			case errors.Is(err, reports.ErrNumberTaken):
				taken++
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if created != 1 || taken != 99 {
		t.Errorf("%d created, %d refused", created, taken)
	}
}

// createReportMoment files so many reports in one millisecond that whatever breaks ties is used up.
func createReportMoment(t *testing.T, s ReportsStore) {
	const n = 3000
	var group sync.WaitGroup
	for w := range 30 {
		group.Go(func() {
			for i := w; i < n; i += 30 {
				if err := s.CreateReport(t.Context(), aReport(i, func(r *reports.Report) { r.ReceivedAt = receivedFirst }), nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	var mark reports.Mark
	for {
		items, err := s.Mine(t.Context(), reports.MineQuery{Citizen: reporter(1), After: mark, Limit: 97})
		must(t, err)
		if len(items) == 0 {
			break
		}
		for _, i := range items {
			if seen[i.ID] {
				t.Fatalf("%s is there twice", i.Number)
			}
			seen[i.ID] = true
		}
		mark = markOf(items)
	}
	if len(seen) != n {
		t.Errorf("%d of %d on the pages", len(seen), n)
	}
}

func markOf(items []reports.Summary) reports.Mark {
	last := items[len(items)-1]
	return reports.Mark{At: last.ReceivedAt, ID: last.ID}
}

func updateReport(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	addReports(t, s, aReport(1))
	refusal := fault.New(fault.Conflict)
	if _, err := s.UpdateReport(ctx, reportID(1), func(r *reports.Report) ([]event.Event, error) {
		r.Description = "changed"
		return []event.Event{aFact("never", r)}, refusal
	}); !errors.Is(err, refusal) {
		t.Errorf("a refusal became %v", err)
	}
	if _, err := s.UpdateReport(ctx, reportID(9), func(*reports.Report) ([]event.Event, error) {
		t.Error("called for a report that is not there")
		return nil, nil
	}); !isNotFound(err) {
		t.Errorf("no such report: %v", err)
	}
	r, err := s.UpdateReport(ctx, reportID(1), func(r *reports.Report) ([]event.Event, error) {
		r.Status, r.Centre, r.Assignee = reports.Assigned, "SA-02", "staff-1"
		return []event.Event{aFact("fact-1", r)}, nil
	})
	must(t, err)
	got, err := s.Report(ctx, reportID(1))
	must(t, err)
	if !reflect.DeepEqual(got, r) || got.Rev != 2 || got.Status != reports.Assigned || got.Description != "مكبرات الصوت لا تعمل" {
		t.Errorf("written %+v\nread    %+v", r, got)
	}
	if facts := factsOf(t, s); !slices.Equal(facts, []string{"fact-1"}) {
		t.Errorf("facts: %v", facts)
	}
}

func updateReportRace(t *testing.T, s ReportsStore) {
	addReports(t, s, aReport(1))
	const n = 1000
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if _, err := s.UpdateReport(t.Context(), reportID(1), func(r *reports.Report) ([]event.Event, error) {
				r.Closure++
				return []event.Event{aFact(fmt.Sprint("fact-", i), r)}, nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	r, err := s.Report(t.Context(), reportID(1))
	must(t, err)
	if r.Closure != n || r.Rev != n+1 {
		t.Errorf("%d changes left a count of %d and rev %d", n, r.Closure, r.Rev)
	}
	if facts := factsOf(t, s); len(facts) != n {
		t.Errorf("%d facts", len(facts))
	}
}

func supportReport(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	addReports(t, s, aReport(1), aReport(2))
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			if _, err := s.Support(ctx, reportID(1), []string{reporter(i % 20), reporter((i + 1) % 20)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	wantSupports := func(report string, want int) {
		t.Helper()
		r, err := s.Report(ctx, report)
		must(t, err)
		who, err := s.Supporters(ctx, report)
		must(t, err)
		if r.Supports != want || len(who) != want || r.Rev != 1 {
			t.Errorf("%d supports by %d people with rev %d, want %d", r.Supports, len(who), r.Rev, want)
		}
	}
	wantSupports(reportID(1), 20)
	wantSupports(reportID(2), 0)
	for range 2 {
		if n, err := s.Unsupport(ctx, reportID(1), reporter(3)); err != nil || n != 19 {
			t.Errorf("taken back: %d, %v", n, err)
		}
	}
	wantSupports(reportID(1), 19)
	if who, err := s.Supporters(ctx, reportID(1)); err != nil || slices.Contains(who, reporter(3)) || !slices.Contains(who, reporter(4)) {
		t.Errorf("supporters: %v, %v", who, err)
	}
	if n, err := s.Support(ctx, reportID(9), []string{reporter(1)}); !isNotFound(err) {
		t.Errorf("a report that is not there: %d, %v", n, err)
	}
	items, err := s.Mine(ctx, reports.MineQuery{Citizen: reporter(1), Limit: 10})
	must(t, err)
	if len(items) != 2 || items[1].Supports != 19 || items[0].Supports != 0 {
		t.Errorf("in the list: %+v", items)
	}
}
