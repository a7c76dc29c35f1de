package mongo

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/storetest"
)

func TestReports(t *testing.T) {
	t.Parallel()
	storetest.TestReports(t, func(t *testing.T) storetest.ReportsStore { return fresh(t) })
}

// someReport is the n-th report, of one of many kinds.
func someReport(n int, at time.Time) *reports.Report {
	rnd := rand.New(rand.NewPCG(uint64(n), 7))
	r := &reports.Report{ID: fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-%012d", n), Rev: 1, Number: fmt.Sprintf("%010d", 1_000_000_000+n),
		Status: reports.Statuses[rnd.IntN(len(reports.Statuses))], Channel: reports.App, Category: fmt.Sprint("category-", rnd.IntN(3)),
		Centre: fmt.Sprint("SA-", int(rnd.ExpFloat64()*4)), Department: fmt.Sprint("d", rnd.IntN(3)), ReceivedAt: at, UpdatedAt: at,
		Day: at.Format(time.DateOnly), Citizen: fmt.Sprint("citizen-", rnd.IntN(4)), Timeline: []reports.Entry{}}
	words := []string{"everywhere"}
	for share, word := range map[int]string{2: "half", 10: "tenth", 100: "hundredth"} {
		if rnd.IntN(share) == 0 {
			words = append(words, word)
		}
	}
	r.Description = strings.Join(words, " ")
	r.Due = reports.Due{FirstAnswer: at.Truncate(time.Hour).AddDate(0, 0, 2), Resolution: at.AddDate(0, 0, 9)}
	if r.Status == reports.Resolved {
		r.ResolvedAt = at.Add(time.Hour)
	}
	if rnd.IntN(3) == 0 {
		r.Assignee = fmt.Sprint("staff-", rnd.IntN(3))
	}
	return r
}

func addReports(t testing.TB, db *DB, all []*reports.Report) {
	t.Helper()
	added, err := reportKind.addAll(t.Context(), db, all)
	if err != nil || len(added) != len(all) {
		t.Fatal(len(added), err)
	}
}

var firstReceived = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// TestReports_Queue compares every way in which a list is found with looking at every report.
func TestReports_Queue(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var all []*reports.Report
	for i := range 1500 {
		all = append(all, someReport(i, firstReceived.Add(time.Duration(i/3)*time.Minute)))
	}
	addReports(t, db, all)
	scopes := []reports.Scope{{}, {Centres: []string{"SA-1"}}, {Centres: []string{"SA-0", "SA-3", "SA-0"}, Departments: []string{"d1"}},
		{Centres: []string{"SA-0", "SA-1", "SA-2", "SA-3", "SA-4", "SA-5", "SA-6", "SA-7", "SA-8", "SA-9"}}}
	statuses := [][]reports.Status{nil, {reports.Received, reports.Reopened}, {reports.Closed}, {reports.Resolved, reports.Assigned}}
	terms := [][]string{nil, {"everywhere"}, {"every"}, {"everywhere", "hundredth"}, {"tenth", "half"}, {"half", "every"}, {"hundredth", "ten"}, {"nowhere"},
		{"hundredth"}}
	n := 0
	for _, scope := range scopes {
		for i := range statuses {
			for _, sort := range []reports.Sort{reports.Newest, reports.Oldest, reports.ByDue} {
				q := reports.QueueQuery{Scope: scope, Statuses: statuses[i], Sort: sort, Limit: 9 + n%40, Terms: terms[n%len(terms)]}
				switch n % 5 {
				case 1:
					q.Assignee = "staff-1"
				case 2:
					q.OverdueAt = firstReceived.AddDate(0, 0, 2).Add(3 * time.Hour)
				case 3:
					q.From, q.To = firstReceived.Add(time.Hour), firstReceived.Add(6*time.Hour)
				}
				wantPages(t, db, q, all)
				n++
			}
		}
	}
}

// wantPages reads all pages of a list.
func wantPages(t *testing.T, db *DB, q reports.QueueQuery, all []*reports.Report) {
	t.Helper()
	var want, got []string
	for _, r := range inOrder(q.Sort, all) {
		if allowed(q, r) {
			want = append(want, r.ID)
		}
	}
	for {
		page, err := db.Queue(t.Context(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, s := range page {
			got = append(got, s.ID)
		}
		if len(page) < q.Limit || len(got) > len(want)+q.Limit {
			break
		}
		last := page[len(page)-1]
		q.After = reports.Mark{At: last.ReceivedAt, ID: last.ID}
		if q.Sort == reports.ByDue {
			q.After.At = last.Deadline
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v: got %d, want %d\n%v\n%v", q, len(got), len(want), got, want)
	}
}

func inOrder(sort reports.Sort, all []*reports.Report) []*reports.Report {
	return slices.SortedFunc(slices.Values(all), func(a, b *reports.Report) int {
		bySeq := cmp.Or(cmp.Compare(seqOf(a.ReceivedAt, a.ID), seqOf(b.ReceivedAt, b.ID)), cmp.Compare(a.ID, b.ID))
		switch sort {
		case reports.ByDue:
			return cmp.Or(a.Deadline().Compare(b.Deadline()), cmp.Compare(a.ID, b.ID))
		case reports.Oldest:
			return bySeq
		}
		return -bySeq
	})
}

func allowed(q reports.QueueQuery, r *reports.Report) bool {
	words := strings.Fields(r.Description)
	for i, term := range q.Terms {
		if !slices.ContainsFunc(words, func(w string) bool { return w == term || i == len(q.Terms)-1 && strings.HasPrefix(w, term) }) {
			return false
		}
	}
	in := func(list []string, one string) bool { return list == nil || slices.Contains(list, one) }
	return in(q.Scope.Centres, r.Centre) && in(q.Scope.Departments, r.Department) && (q.Statuses == nil || slices.Contains(q.Statuses, r.Status)) &&
		(q.Assignee == "" || r.Assignee == q.Assignee) && (q.Sort != reports.ByDue && q.OverdueAt.IsZero() || !r.Deadline().IsZero()) &&
		(q.OverdueAt.IsZero() || r.Deadline().Before(q.OverdueAt)) && (q.From.IsZero() || !r.ReceivedAt.Before(q.From) && r.ReceivedAt.Before(q.To))
}

func TestReports_QueueOfOnePlaceInTheOrder(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	bySeq := map[int64][]*reports.Report{}
	var all []*reports.Report
	for n := 0; len(all) < 40; n++ { // ids whose bits in seq are the same
		r := someReport(n, firstReceived)
		r.Status = reports.Received
		seq := seqOf(r.ReceivedAt, r.ID)
		if bySeq[seq] = append(bySeq[seq], r); len(bySeq[seq]) == 2 {
			all = append(all, bySeq[seq]...)
		}
	}
	addReports(t, db, all)
	for _, sort := range []reports.Sort{reports.Newest, reports.Oldest} {
		for limit := 1; limit <= 3; limit++ {
			wantPages(t, db, reports.QueueQuery{Sort: sort, Limit: limit}, all)
		}
	}
}

func TestReports_UpdateReport_CrowdsAndRivals(t *testing.T) {
	t.Parallel()
	one := fresh(t)
	two := again(t, one)
	addReports(t, one, []*reports.Report{someReport(1, firstReceived), someReport(2, firstReceived)})
	count := func(db *DB, id string, n int) {
		var group sync.WaitGroup
		for range n {
			group.Go(func() {
				if _, err := db.UpdateReport(t.Context(), id, func(r *reports.Report) ([]event.Event, error) {
					r.Closure++
					return nil, nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	count(one, someReport(1, firstReceived).ID, 10_000)
	var group sync.WaitGroup
	for _, db := range []*DB{one, two} {
		for range 10 { // crowds, one after the other
			group.Go(func() {
				for range 10 {
					count(db, someReport(2, firstReceived).ID, 5)
				}
			})
		}
	}
	group.Wait()
	for n, want := range []int{1: 10_000, 2: 1000} {
		if n == 0 {
			continue
		}
		r, err := two.Report(t.Context(), someReport(n, firstReceived).ID)
		if err != nil || r.Closure != want || r.Rev != int64(want)+1 {
			t.Errorf("%d changes became %d, rev %d, %v", want, r.Closure, r.Rev, err)
		}
	}
}

func TestReports_Near_ManyOnOneSpot(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	here := reports.Point{Latitude: 24.7136, Longitude: 46.6753}
	var all []*reports.Report
	for n := range 120 {
		r := someReport(n, firstReceived)
		r.Status = []reports.Status{reports.Received, reports.Closed}[n%2]
		r.Place = &reports.Place{Latitude: here.Latitude, Longitude: here.Longitude + float64(n/60)*.001}
		all = append(all, r)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	addReports(t, db, all)
	slices.SortFunc(all, func(a, b *reports.Report) int { return cmp.Compare(a.ID, b.ID) })
	for _, open := range []bool{true, false} {
		var want, got []string
		for _, r := range all {
			if !open || reports.Open(r.Status) {
				want = append(want, r.ID)
			}
		}
		found, err := db.Near(t.Context(), reports.NearQuery{Point: here, Radius: 500, Open: open, Limit: 35})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			got = append(got, r.ID)
		}
		if !reflect.DeepEqual(got, want[:35]) {
			t.Errorf("open %v: got %v", open, got)
		}
	}
}

// TestReports_Summary compares the two ways in which a summary is read.
func TestReports_Summary(t *testing.T) {
	t.Parallel()
	whole := someReport(1, firstReceived)
	whole.Status, whole.Assignee, whole.FirstAnswer = reports.InProgress, "staff-1", firstReceived.Add(time.Hour+5*time.Nanosecond)
	whole.Photos = []reports.PhotoRef{{ID: "1"}, {ID: "2"}}
	whole.Place = &reports.Place{Latitude: 24, Longitude: -46.5, Accuracy: 8, Address: "حي", Source: reports.FromGPS}
	for name, r := range map[string]*reports.Report{"whole": whole, "little": {Number: "1", Day: "2026-03-04"}} {
		d, err := reportKind.fresh(r, effects{})
		if err != nil {
			t.Fatal(err)
		}
		read := func(change func(doc bson.D) bson.D) reports.Summary {
			doc := bson.D{}
			at := slices.IndexFunc(d, func(e bson.E) bool { return e.Key == "doc" })
			if err := bson.Unmarshal(d[at].Value.(bson.Raw), &doc); err != nil {
				t.Fatal(err)
			}
			changed := slices.Clone(d)
			changed[at].Value = change(doc)
			raw, err := bson.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			l, err := listedOf(raw)
			if err != nil || l.seq != seqOf(r.ReceivedAt, r.ID) {
				t.Error(l.seq, err)
			}
			return l.Summary
		}
		if got := read(func(doc bson.D) bson.D { return doc }); !reflect.DeepEqual(got, r.Summary()) {
			t.Errorf("%s: got %+v, want %+v", name, got, r.Summary())
		}
		byPeople := func(doc bson.D) bson.D { // with the types that a shell of the server writes
			for i := range doc {
				switch doc[i].Key {
				case "rev":
					doc[i].Value = int32(r.Rev)
				case "received_at":
					doc[i].Value = bson.NewDateTimeFromTime(r.ReceivedAt)
				}
			}
			return doc
		}
		if got := read(byPeople); !reflect.DeepEqual(got, r.Summary()) && !r.ReceivedAt.IsZero() {
			t.Errorf("%s by people: got %+v, want %+v", name, got, r.Summary())
		}
	}
	if _, err := listedOf(bson.Raw{5, 0, 0, 0, 0}); err == nil {
		t.Error("nothing is a summary")
	}
}
