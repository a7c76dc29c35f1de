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
	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

// testReportFigures is what every backend must do so that reports are counted.
func testReportFigures(t *testing.T, open func(t *testing.T) ReportsStore) {
	for name, test := range map[string]func(*testing.T, ReportsStore){
		"MarkedReports/every write marks until its rev is entered": markedReports,
		"ReportPages/days, and only what is not known":             reportPages,
		"PutReportPage/one of many":                                putReportPage,
		"Figures/several settle while reports come and move":       figuresRace,
		"Figures/a crash between page and mark":                    figuresCrash,
		"Volumes/groups and filters":                               volumes,
		"Volumes/scope":                                            volumesScope,
		"Deadlines/what is met, missed and awaited":                deadlines,
		"Deadlines/groups and filters":                             deadlinesBy,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, open(t)) })
	}
}

// wantMarked compares the marked reports, each as its number among those of aReport and its rev.
func wantMarked(t *testing.T, s reports.Store, what string, want ...string) {
	t.Helper()
	all, err := s.MarkedReports(t.Context(), 50)
	must(t, err)
	got := []string{}
	for _, r := range all {
		got = append(got, fmt.Sprintf("%s rev %d", r.Number[7:], r.Rev))
	}
	slices.Sort(got)
	if !slices.Equal(got, append([]string{}, want...)) {
		t.Errorf("%s: marked %v, want %v", what, got, want)
	}
}

func markedReports(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	unmark := func(revs map[int]int64) {
		t.Helper()
		byID := map[string]int64{}
		for n, rev := range revs {
			byID[reportID(n)] = rev
		}
		must(t, s.UnmarkReports(ctx, byID))
	}
	wantMarked(t, s, "at first")
	addReports(t, s, aReport(0), aReport(1, func(r *reports.Report) { r.Day = "2026-02-01" }), aReport(2, func(r *reports.Report) { r.SelfFiled = true }), aReport(3))
	wantMarked(t, s, "three that count", "000 rev 1", "001 rev 1", "003 rev 1")
	if all, err := s.MarkedReports(ctx, 2); err != nil || len(all) != 2 {
		t.Errorf("of two asked for: %d, %v", len(all), err)
	}
	unmark(map[int]int64{0: 1, 1: 1})
	wantMarked(t, s, "two entered", "003 rev 1")
	for _, n := range []int{0, 2, 3} {
		_, err := s.UpdateReport(ctx, reportID(n), moved(reports.Assigned))
		must(t, err)
	}
	unmark(map[int]int64{3: 1})
	wantMarked(t, s, "entered as it was before it moved", "000 rev 2", "003 rev 2")
	unmark(map[int]int64{0: 2, 1: 1, 3: 2, 77: 1})
	wantMarked(t, s, "all entered")
	_, err := s.UpdateReport(ctx, reportID(0), func(*reports.Report) ([]event.Event, error) { return nil, errors.New("refused") })
	if err == nil {
		t.Error("a refused change was taken")
	}
	wantMarked(t, s, "a refused change")
}

func reportPages(t *testing.T, s ReportsStore) {
	page := func(day string, rev int64, packed string) daybook.Kept {
		return daybook.Kept{Day: day, Rev: rev, Packed: []byte(packed)}
	}
	put := func(p daybook.Kept, want bool) {
		t.Helper()
		if ok, err := s.PutReportPage(t.Context(), p); err != nil || ok != want {
			t.Errorf("%s rev %d: %v, %v", p.Day, p.Rev, ok, err)
		}
	}
	put(page("2026-03-02", 1, "b"), true)
	put(page("2026-03-01", 1, "a"), true)
	put(page("2026-03-10", 1, "c"), true)
	put(page("2026-03-02", 1, "lost"), false)
	put(page("2026-03-02", 3, "lost"), false)
	put(page("2026-03-03", 2, "lost"), false) // there is none that it could replace
	put(page("2026-03-02", 2, "b2"), true)
	one, two, ten := page("2026-03-01", 1, "a"), page("2026-03-02", 2, "b2"), page("2026-03-10", 1, "c")
	known := func(p daybook.Kept) daybook.Kept { p.Packed = nil; return p }
	for _, c := range []struct {
		from, through string
		known         map[string]int64
		want          []daybook.Kept
	}{
		{"", "", nil, []daybook.Kept{one, two, ten}},
		{"2026-03-02", "", nil, []daybook.Kept{two, ten}},
		{"", "2026-03-02", nil, []daybook.Kept{one, two}},
		{"2026-03-02", "2026-03-02", nil, []daybook.Kept{two}},
		{"2026-03-03", "2026-03-09", nil, nil},
		{"", "", map[string]int64{"2026-03-01": 1, "2026-03-02": 1, "2026-04-01": 1}, []daybook.Kept{known(one), two, ten}},
	} {
		if got, err := s.ReportPages(t.Context(), c.from, c.through, c.known); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
	}
}

func putReportPage(t *testing.T, s ReportsStore) {
	for rev := range int64(3) {
		var group sync.WaitGroup
		won := make([]bool, 10)
		for i := range won {
			group.Go(func() {
				var err error
				if won[i], err = s.PutReportPage(t.Context(), daybook.Kept{Day: "2026-03-01", Rev: rev + 1, Packed: []byte{byte(i)}}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		winner := slices.Index(won, true)
		kept, err := s.ReportPages(t.Context(), "", "", nil)
		if err != nil || winner < 0 || slices.Contains(won[winner+1:], true) || len(kept) != 1 || kept[0].Rev != rev+1 || kept[0].Packed[0] != byte(winner) {
			t.Errorf("rev %d: %v won, %+v, %v", rev+1, won, kept, err)
		}
	}
}

// counting is a service of reports as a process of its own has it.
func counting(s reports.Store) *reports.Service { return reports.New(s, attached{}, time.UTC) }

// wantCounts compares volumes, as they are printed.
func wantCounts(t *testing.T, s *reports.Service, what, want string, by ...reports.Dimension) {
	t.Helper()
	rows, _, err := s.Volumes(t.Context(), manager, reports.VolumesSearch{By: by})
	if err != nil || fmt.Sprint(rows) != want {
		t.Errorf("%s: %v, %v; want %s", what, rows, err, want)
	}
}

func figuresRace(t *testing.T, s ReportsStore) {
	const writers, each = 4, 12
	reader := counting(s)
	var settling, writing sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		settler := counting(s)
		settling.Go(func() {
			for {
				if err := settler.SettleFigures(t.Context(), nil); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				r := aReport(w*each+i, func(r *reports.Report) { r.Day, r.Category = "2026-03-0"+fmt.Sprint(1+i%2), fmt.Sprint(w) })
				must(t, s.CreateReport(t.Context(), r, nil))
				if _, err := s.UpdateReport(t.Context(), r.ID, moved(reports.Assigned)); err != nil {
					t.Error(err)
				}
				rows, _, err := reader.Volumes(t.Context(), manager, reports.VolumesSearch{By: []reports.Dimension{reports.ByStatus},
					Selection: reports.Selection{Category: fmt.Sprint(w)}})
				if want := fmt.Sprintf("[{[assigned] %d}]", i+1); err != nil || fmt.Sprint(rows) != want {
					t.Errorf("right after a write: %v, %v; want %s", rows, err, want)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	settling.Wait()
	must(t, reader.SettleFigures(t.Context(), nil))
	wantMarked(t, s, "settled")
	want := "[{[2026-03-01 assigned] 24} {[2026-03-02 assigned] 24}]"
	wantCounts(t, reader, "who read all the time", want, reports.ByDay, reports.ByStatus)
	wantCounts(t, counting(s), "who comes later", want, reports.ByDay, reports.ByStatus)
}

// unmarkless dies before marks are taken away.
type unmarkless struct{ ReportsStore }

var errCrash = errors.New("crashed")

func (unmarkless) UnmarkReports(context.Context, map[string]int64) error { return errCrash }

func figuresCrash(t *testing.T, s ReportsStore) {
	addReports(t, s, aReport(0), aReport(1))
	if err := counting(unmarkless{s}).SettleFigures(t.Context(), nil); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	wantMarked(t, s, "crashed", "000 rev 1", "001 rev 1")
	wantCounts(t, counting(s), "crashed", "[{[received] 2}]", reports.ByStatus)
	_, err := s.UpdateReport(t.Context(), reportID(1), moved(reports.Assigned))
	must(t, err)
	for range 2 {
		wantCounts(t, counting(s), "after it", "[{[assigned] 1} {[received] 1}]", reports.ByStatus)
		must(t, counting(s).SettleFigures(t.Context(), nil))
	}
	wantMarked(t, s, "settled")
}

func volumes(t *testing.T, s ReportsStore) {
	put := func(day, category, centre string, channel reports.Channel) func(*reports.Report) {
		return func(r *reports.Report) { r.Day, r.Category, r.Centre, r.Channel = day, category, centre, channel }
	}
	by := func(d ...reports.Dimension) []reports.Dimension { return d }
	of := func(gender, residency string, company bool) func(*reports.Report) {
		return func(r *reports.Report) {
			r.Reporter = reports.Reporter{Gender: gender, Residency: residency, Company: company}
		}
	}
	addReports(t, s,
		aReport(0, put("2026-02-28", "a", "SA-01", reports.App), of("female", "citizen", false)),
		aReport(1, put("2026-03-01", "a", "SA-01", reports.App), of("male", "resident", true)),
		aReport(2, put("2026-03-01", "b", "SA-01", reports.Phone), of("", "", true)))
	service := counting(s)
	must(t, service.SettleFigures(t.Context(), nil)) // some lie in pages, some are still to be entered
	addReports(t, s,
		aReport(3, put("2026-03-01", "b", "SA-02", reports.App), status(reports.Closed), of("female", "", false)),
		aReport(4, put("2026-12-31", "a", "SA-02", reports.Visit), func(r *reports.Report) { r.Department = "dawah" }),
		aReport(5, put("2026-03-01", "a", "SA-01", reports.App), func(r *reports.Report) { r.SelfFiled = true })) // in no figure
	for name, c := range map[string]struct {
		by   []reports.Dimension
		of   reports.Selection
		want string
	}{
		"all":         {nil, reports.Selection{}, "[{[] 5}]"},
		"category":    {by(reports.ByCategory), reports.Selection{}, "[{[a] 3} {[b] 2}]"},
		"centre":      {by(reports.ByCentre), reports.Selection{}, "[{[SA-01] 3} {[SA-02] 2}]"},
		"department":  {by(reports.ByDepartment), reports.Selection{}, "[{[dawah] 1} {[maintenance] 4}]"},
		"channel":     {by(reports.ByChannel), reports.Selection{}, "[{[app] 3} {[phone] 1} {[visit] 1}]"},
		"status":      {by(reports.ByStatus), reports.Selection{}, "[{[closed] 1} {[received] 4}]"},
		"day":         {by(reports.ByDay), reports.Selection{}, "[{[2026-02-28] 1} {[2026-03-01] 3} {[2026-12-31] 1}]"},
		"month":       {by(reports.ByMonth), reports.Selection{}, "[{[2026-02] 1} {[2026-03] 3} {[2026-12] 1}]"},
		"Hijri month": {by(reports.ByHijriMonth), reports.Selection{}, "[{[1447-09] 4} {[1448-07] 1}]"},
		"two": {by(reports.ByMonth, reports.ByCategory), reports.Selection{From: "2026-03-01"},
			"[{[2026-03 a] 1} {[2026-03 b] 2} {[2026-12 a] 1}]"},
		"gender":             {by(reports.ByGender), reports.Selection{}, "[{[] 2} {[female] 2} {[male] 1}]"},
		"residency":          {by(reports.ByResidency), reports.Selection{}, "[{[] 3} {[citizen] 1} {[resident] 1}]"},
		"company":            {by(reports.ByCompany), reports.Selection{}, "[{[no] 3} {[yes] 2}]"},
		"company and gender": {by(reports.ByCompany, reports.ByGender), reports.Selection{Centre: "SA-01"}, "[{[no female] 1} {[yes ] 1} {[yes male] 1}]"},
		"days":               {by(reports.ByDay), reports.Selection{From: "2026-02-28", Through: "2026-03-01"}, "[{[2026-02-28] 1} {[2026-03-01] 3}]"},
		"filtered":           {by(reports.ByChannel), reports.Selection{Category: "b", Centre: "SA-01"}, "[{[phone] 1}]"},
		"of a department":    {by(reports.ByCategory), reports.Selection{Department: "dawah"}, "[{[a] 1}]"},
		"of a channel":       {by(reports.ByCentre), reports.Selection{Channel: reports.App}, "[{[SA-01] 2} {[SA-02] 1}]"},
		"of no such region":  {nil, reports.Selection{Region: "R01"}, "[]"},
		"none":               {by(reports.ByChannel), reports.Selection{Category: "' OR 1=1"}, "[]"},
	} {
		rows, _, err := service.Volumes(t.Context(), manager, reports.VolumesSearch{By: c.by, Selection: c.of})
		if err != nil || fmt.Sprint(rows) != c.want {
			t.Errorf("%s: got %v, %v; want %s", name, rows, err, c.want)
		}
	}
	_, err := s.UpdateReport(t.Context(), reportID(0), moved(reports.Assigned))
	must(t, err)
	wantCounts(t, service, "after a move", "[{[assigned] 1} {[closed] 1} {[received] 3}]", reports.ByStatus)
}

func volumesScope(t *testing.T, s ReportsStore) {
	put := func(centre, department string) func(*reports.Report) {
		return func(r *reports.Report) { r.Centre, r.Department = centre, department }
	}
	addReports(t, s, aReport(0, put("SA-01", "a")), aReport(1, put("SA-01", "b")), aReport(2, put("SA-02", "a")), aReport(3, put("SA-03", "b")))
	service, all := counting(s), []string{actor.All}
	for _, c := range []struct {
		centres, departments []string
		want                 int
	}{
		{all, all, 4}, {nil, all, 0}, {all, nil, 0}, {[]string{"SA-01"}, all, 2}, {[]string{"SA-01", "SA-03"}, all, 3}, {all, []string{"a"}, 2},
		{[]string{"SA-01"}, []string{"a"}, 1}, {[]string{"SA-03"}, []string{"a"}, 0}, {[]string{"SA-0"}, all, 0},
	} {
		a := actor.Actor{Kind: actor.Staff, ID: "m", Role: actor.Manager, Centres: c.centres, Departments: c.departments}
		if _, total, err := service.Volumes(t.Context(), a, reports.VolumesSearch{}); err != nil || total != c.want {
			t.Errorf("%v of %v: %d, %v; want %d", c.departments, c.centres, total, err, c.want)
		}
		f, err := service.Deadlines(t.Context(), a, reports.DeadlinesSearch{})
		must(t, err)
		if f.Total.Received != c.want {
			t.Errorf("%v of %v: %d, want %d", c.departments, c.centres, f.Total.Received, c.want)
		}
	}
}
