package storetest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

func mine(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	for i := range 10 {
		addReports(t, s, aReport((i*7)%10, func(r *reports.Report) { // not filed in the order of receipt
			if r.Number == "1000000004" {
				r.Status = reports.Closed
			}
		}))
	}
	addReports(t, s, aReport(20, func(r *reports.Report) { r.Citizen = reporter(2) }), aReport(21, func(r *reports.Report) { r.Citizen = "" }))
	items, err := s.Mine(ctx, reports.MineQuery{Citizen: reporter(1), Limit: 4})
	must(t, err)
	wantNumbers(t, items, 9, 8, 7, 6)
	items, err = s.Mine(ctx, reports.MineQuery{Citizen: reporter(1), After: markOf(items), Limit: 4})
	must(t, err)
	wantNumbers(t, items, 5, 4, 3, 2)
	items, err = s.Mine(ctx, reports.MineQuery{Citizen: reporter(1), After: markOf(items), Limit: 4})
	must(t, err)
	wantNumbers(t, items, 1, 0)
	items, err = s.Mine(ctx, reports.MineQuery{Citizen: reporter(1), Statuses: []reports.Status{reports.Closed, reports.Rejected}, Limit: 4})
	must(t, err)
	wantNumbers(t, items, 4)
	for _, nobody := range []string{reporter(3), "", "%", `{"$gt":""}`} {
		if items, err := s.Mine(ctx, reports.MineQuery{Citizen: nobody, Limit: 4}); err != nil || len(items) > 0 {
			t.Errorf("reports of %q: %v, %v", nobody, numbers(items), err)
		}
	}
}

func mineLeaving(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	for i := range 9 {
		addReports(t, s, aReport(i))
	}
	open := reports.MineQuery{Citizen: reporter(1), Statuses: []reports.Status{reports.Received}, Limit: 3}
	items, err := s.Mine(ctx, open)
	must(t, err)
	wantNumbers(t, items, 8, 7, 6)
	for _, n := range []int{7, 6, 4} { // the one on which the next page stands, too
		_, err := s.UpdateReport(ctx, reportID(n), func(r *reports.Report) ([]event.Event, error) {
			r.Status = reports.Withdrawn
			return nil, nil
		})
		must(t, err)
	}
	addReports(t, s, aReport(10))
	open.After = markOf(items)
	items, err = s.Mine(ctx, open)
	must(t, err)
	wantNumbers(t, items, 5, 3, 2)
	gone := open
	gone.After.ID = reportID(77) // there never was one
	items, err = s.Mine(ctx, gone)
	must(t, err)
	if len(items) != 3 || items[0].Number > "1000000006" {
		t.Errorf("after a report that is gone: %v", numbers(items))
	}
}

func mineChanging(t *testing.T, s ReportsStore) {
	ctx := t.Context()
	addReports(t, s, aReport(1))
	for n := range 3 {
		items, err := s.Mine(ctx, reports.MineQuery{Citizen: reporter(1), Limit: 3})
		must(t, err)
		if len(items) != 1 || items[0].PhotoCount != n || items[0].Supports != n || items[0].Rev != int64(n+1) {
			t.Fatalf("after %d changes: %+v", n, items)
		}
		_, err = s.UpdateReport(ctx, reportID(1), func(r *reports.Report) ([]event.Event, error) {
			r.Photos = append(r.Photos, reports.PhotoRef{ID: fmt.Sprint(n)})
			return nil, nil
		})
		must(t, err)
		_, err = s.Support(ctx, reportID(1), []string{reporter(10 + n)})
		must(t, err)
	}
}

func at(latitude, longitude float64) func(*reports.Report) {
	return func(r *reports.Report) { r.Place = &reports.Place{Latitude: latitude, Longitude: longitude} }
}

func status(s reports.Status) func(*reports.Report) {
	return func(r *reports.Report) {
		r.Status = s
		if s == reports.Resolved {
			r.ResolvedAt = r.ReceivedAt.Add(time.Hour)
		}
	}
}

func wantNear(t *testing.T, s ReportsStore, q reports.NearQuery, want ...int) []reports.NearReport {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 20
	}
	found, err := s.Near(t.Context(), q)
	must(t, err)
	var got []string
	for i, n := range found {
		got = append(got, n.Number)
		if d := reports.Distance(q.Point, n.Point); math.Abs(d-n.Distance) > 1e-6 || d > q.Radius || i > 0 && n.Distance < found[i-1].Distance {
			t.Errorf("%s at %v: %v metres, said to be %v", n.Number, n.Point, d, n.Distance)
		}
	}
	all := make([]string, 0, len(want))
	for _, n := range want {
		all = append(all, fmt.Sprintf("%010d", 1_000_000_000+n))
	}
	if !slices.Equal(got, all) {
		t.Errorf("near %v within %v: got %v, want %v", q.Point, q.Radius, got, all)
	}
	return found
}

func near(t *testing.T, s ReportsStore) {
	addReports(t, s,
		aReport(1, at(24.7136, 46.6753)), // here
		aReport(2, at(24.7163, 46.6753)), // 300 m to the north
		aReport(3, at(24.7136, 46.6792)), // 394 m to the east
		aReport(4, at(24.7336, 46.6753)), // 2.2 km
		aReport(5, at(24.7136, 46.7253)), // 5.05 km
		aReport(6, at(24.7136, 46.6763), func(r *reports.Report) { r.Category = "maintenance" }), // 101 m
		aReport(7, status(reports.Rejected)), aReport(8, status(reports.Duplicate)), aReport(9, status(reports.Withdrawn)),
		aReport(10, at(24.7137, 46.6753), status(reports.Resolved)), aReport(11, at(24.7138, 46.6753), status(reports.Closed)),
		aReport(12, func(r *reports.Report) { r.Place = nil }))
	here := reports.Point{Latitude: 24.7136, Longitude: 46.6753}
	found := wantNear(t, s, reports.NearQuery{Point: here, Radius: 500, Open: true}, 1, 6, 2, 3)
	if r := found[0]; r.ID != reportID(1) || r.Status != reports.Received || r.Category != "loudspeakers" || !r.ReceivedAt.Equal(receivedFirst.Add(time.Minute)) {
		t.Errorf("what is known of it: %+v", r)
	}
	wantNear(t, s, reports.NearQuery{Point: here, Radius: 500, Open: true, Category: "loudspeakers"}, 1, 2, 3)
	wantNear(t, s, reports.NearQuery{Point: here, Radius: 500}, 1, 10, 11, 6, 2, 3)
	wantNear(t, s, reports.NearQuery{Point: here, Radius: 5000, Open: true}, 1, 6, 2, 3, 4)
	wantNear(t, s, reports.NearQuery{Point: here, Radius: 500, Open: true, Limit: 2}, 1, 6)
	wantNear(t, s, reports.NearQuery{Point: here, Radius: 1, Open: true}, 1)
	wantNear(t, s, reports.NearQuery{Point: here, Radius: 500, Open: true, Category: "' OR 1=1 --"})
	_, err := s.UpdateReport(t.Context(), reportID(1), func(r *reports.Report) ([]event.Event, error) {
		r.Status = reports.Withdrawn
		return nil, nil
	})
	must(t, err)
	_, err = s.Support(t.Context(), reportID(2), []string{reporter(5)})
	must(t, err)
	found = wantNear(t, s, reports.NearQuery{Point: here, Radius: 500, Open: true, Category: "loudspeakers"}, 2, 3)
	if len(found) > 0 && found[0].Supports != 1 {
		t.Errorf("supports: %+v", found[0])
	}
}

func nearEdges(t *testing.T, s ReportsStore) {
	addReports(t, s,
		aReport(1, at(10, 179.999)), aReport(2, at(10, -179.999)), aReport(3, at(10, 180)), aReport(4, at(10, -180)),
		aReport(5, at(89.999, 10)), aReport(6, at(89.999, -170)), aReport(7, at(90, 0)), aReport(8, at(-90, 77)),
		aReport(9, at(0, 0)), aReport(10, at(-0.001, -0.001)))
	line := wantNear(t, s, reports.NearQuery{Point: reports.Point{Latitude: 10, Longitude: 179.9991}, Radius: 500, Open: true}, 1, 3, 4, 2)
	if len(line) == 4 && math.Abs(line[3].Distance-208) > 2 {
		t.Errorf("across the date line: %v m", line[3].Distance)
	}
	if on, err := s.Near(t.Context(), reports.NearQuery{Point: reports.Point{Latitude: 10, Longitude: -180}, Radius: 5, Open: true, Limit: 9}); err != nil ||
		len(on) != 2 {
		t.Errorf("on the date line: %+v, %v", on, err)
	}
	wantNear(t, s, reports.NearQuery{Point: reports.Point{Latitude: 89.9999, Longitude: 10}, Radius: 500, Open: true}, 7, 5, 6)
	wantNear(t, s, reports.NearQuery{Point: reports.Point{Latitude: -89.9999, Longitude: -120}, Radius: 100, Open: true}, 8)
	wantNear(t, s, reports.NearQuery{Point: reports.Point{}, Radius: 500, Open: true}, 9, 10)
}

// nearMany compares with looking at every report.
func nearMany(t *testing.T, s ReportsStore) {
	const n = 400
	var points []reports.Point
	for i := range n {
		// A spiral: dense in the middle, thin outside, up to about 7 km.
		angle, reach := float64(i)*2.4, 0.065*math.Pow(float64(i)/n, 2)
		p := reports.Point{Latitude: 21.4225 + reach*math.Sin(angle), Longitude: 39.8262 + reach*math.Cos(angle)}
		points = append(points, p)
		addReports(t, s, aReport(i, at(p.Latitude, p.Longitude)))
	}
	for _, radius := range []float64{1, 50, 599, 600, 601, 1799, 1801, 5000} {
		for _, limit := range []int{1, 20, 100} {
			here := points[30]
			type candidate struct {
				n        int
				distance float64
			}
			var all []candidate
			for i, p := range points {
				if d := reports.Distance(here, p); d <= radius {
					all = append(all, candidate{i, d})
				}
			}
			slices.SortFunc(all, func(a, b candidate) int {
				if a.distance < b.distance {
					return -1
				}
				return 1
			})
			var want []int
			for _, c := range all[:min(len(all), limit)] {
				want = append(want, c.n)
			}
			wantNear(t, s, reports.NearQuery{Point: here, Radius: radius, Open: true, Limit: limit}, want...)
		}
	}
}

func resolvedBefore(t *testing.T, s ReportsStore) {
	addReports(t, s, aReport(3, status(reports.Resolved)), aReport(1, status(reports.Resolved)), aReport(2), aReport(4, status(reports.Closed)),
		aReport(5, status(reports.Resolved)))
	before := receivedFirst.Add(time.Hour + 5*time.Minute) // not the fifth, which was resolved in that moment
	ids, err := s.ResolvedBefore(t.Context(), before, 10)
	must(t, err)
	if want := []string{reportID(1), reportID(3)}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
	if ids, err = s.ResolvedBefore(t.Context(), before, 1); err != nil || !slices.Equal(ids, []string{reportID(1)}) {
		t.Errorf("one: %v, %v", ids, err)
	}
	_, err = s.UpdateReport(t.Context(), reportID(1), func(r *reports.Report) ([]event.Event, error) {
		r.Status = reports.Closed
		return nil, nil
	})
	must(t, err)
	if ids, err = s.ResolvedBefore(t.Context(), before, 10); err != nil || !slices.Equal(ids, []string{reportID(3)}) {
		t.Errorf("closed since: %v, %v", ids, err)
	}
}
