package mongo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/reports"
)

// The benchmarks do each thing twice, by the store and by the bare driver, in turn, so that what else the machine does is the same for
// both: ns/op is of both together, and "ours" and "raw" say what each took. BENCH_REPORTS is how many there are (10,000), and with
// BENCH_KEEP they stay on the server for the next time.

const said = "مكبرات الصوت الخارجية في المسجد لا تعمل منذ أسبوع، وقد أبلغنا الإمام ولم تتم الصيانة حتى الآن. نأمل إرسال فريق الصيانة " +
	"في أقرب وقت ممكن، مع العلم أن الموقع المرفق دقيق والصورة تبين العطل بوضوح."

// benchReport is the n-th of all: nearly all are closed but the newest, and of twenty centres some have most.
func benchReport(n, all int) *reports.Report {
	at := time.Now().Add(-time.Duration(all-n) * 90 * time.Second).UTC().Truncate(time.Millisecond)
	id := uuid.Must(uuid.NewV7()).String()
	r := &reports.Report{ID: id, Number: fmt.Sprintf("%010d", 1_000_000_000+rand.Int64N(9_000_000_000)), Status: reports.Closed, Citizen: benchCitizen(rand.IntN(1 + all/50)),
		Channel: reports.App, Category: fmt.Sprint("category-", rand.IntN(8)), Description: said, Language: "ar", Centre: benchCentre(), Department: fmt.Sprint("d", rand.IntN(4)),
		Place: &reports.Place{Latitude: 24.5 + rand.Float64()*.4, Longitude: 46.5 + rand.Float64()*.4, Accuracy: 8, Address: "حي العليا، شارع الملك فهد", Source: reports.FromGPS},
		Due:   reports.Due{FirstAnswer: at.AddDate(0, 0, 2).Truncate(time.Hour), Resolution: at.AddDate(0, 0, 10).Truncate(time.Hour)}, ReceivedAt: at, UpdatedAt: at,
		Day: at.Format(time.DateOnly), Timeline: []reports.Entry{{ID: uuid.NewString(), At: at, Kind: reports.EntryReceived, To: reports.Received,
			By: reports.By{Kind: actor.Citizen, ID: id}, Centre: "SA-01", Department: "d1"}}}
	if n >= all-all/20 || rand.IntN(20) == 0 {
		r.Status = reports.Received
	}
	return r
}

func benchCentre() string       { return fmt.Sprintf("SA-%02d", min(int(rand.ExpFloat64()*4), 19)) }
func benchCitizen(n int) string { return fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-%012d", n) }

func benchReports(b *testing.B) (db *DB, n int) {
	b.Helper()
	n = 10_000
	if s := os.Getenv("BENCH_REPORTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	db, err := Open(b.Context(), fmt.Sprint(server, "/bench_reports_", n), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if os.Getenv("BENCH_KEEP") == "" {
			_ = db.Drop(context.Background())
		}
		_ = db.Close()
	})
	there, err := db.in("reports").EstimatedDocumentCount(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	next := atomic.Int64{}
	next.Store(there)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				const batch = 200
				begin := int(next.Add(batch)) - batch
				if begin >= n {
					return
				}
				var all []*reports.Report
				for i := begin; i < min(begin+batch, n); i++ {
					all = append(all, benchReport(i, n))
				}
				if _, err := reportKind.addAll(context.Background(), db, all); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return db, n
}

// inTurn does both, one after the other, eight at once.
func inTurn(b *testing.B, ours, raw func() error) {
	b.Helper()
	var took [2]atomic.Int64
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			for i, do := range []func() error{ours, raw} {
				began := time.Now()
				if err := do(); err != nil {
					b.Error(err)
					return
				}
				took[i].Add(int64(time.Since(began)))
			}
		}
	})
	b.StopTimer()
	o, r := float64(took[0].Load()), float64(took[1].Load())
	b.ReportMetric(o/float64(b.N)/1e6, "ours-ms")
	b.ReportMetric(r/float64(b.N)/1e6, "raw-ms")
	b.ReportMetric(100*r/o, "%-of-raw")
}

func benchFact(r *reports.Report) []event.Event {
	return []event.Event{{ID: uuid.NewString(), Type: event.ReportReceived, Subject: "report/" + r.ID, At: r.ReceivedAt,
		Report: &event.Report{ID: r.ID, Number: r.Number, Category: r.Category, Centre: r.Centre, Department: r.Department}}}
}

func BenchmarkReports_File(b *testing.B) {
	db, n := benchReports(b)
	documents := make(chan bson.D, 64) // ready made: the bare driver has them from nowhere
	done := make(chan struct{})
	b.Cleanup(func() { close(done) })
	go func() {
		for {
			r := benchReport(n, n)
			d, err := reportKind.fresh(r, effects{events: benchFact(r)})
			if err != nil {
				b.Error(err)
				return
			}
			select {
			case documents <- d:
			case <-done:
				return
			}
		}
	}()
	inTurn(b, func() error {
		r := benchReport(n, n)
		return db.CreateReport(b.Context(), r, benchFact(r))
	}, func() error {
		_, err := db.in("reports").InsertOne(b.Context(), <-documents)
		return err
	})
}

// rawPage is what the bare driver does for a list.
func rawPage(ctx context.Context, db *DB, index string, filter, sort, fields bson.D, limit int64) (all []bson.Raw, err error) {
	o := options.Find().SetProjection(fields).SetLimit(limit)
	if index != "" {
		o.SetHint(index)
	}
	if sort != nil {
		o.SetSort(sort)
	}
	cursor, err := db.in("reports").Find(ctx, filter, o)
	if err != nil {
		return nil, err
	}
	return all, cursor.All(ctx, &all)
}

var newestFirst = bson.D{{Key: "seq", Value: -1}}

func BenchmarkReports_Mine(b *testing.B) {
	db, n := benchReports(b)
	inTurn(b, func() error {
		items, err := db.Mine(b.Context(), reports.MineQuery{Citizen: benchCitizen(rand.IntN(n / 50)), Limit: 20})
		if len(items) < 10 {
			return fmt.Errorf("%d of a citizen: %w", len(items), err)
		}
		return err
	}, func() error {
		_, err := rawPage(b.Context(), db, byCitizen, bson.D{held("citizen", benchCitizen(rand.IntN(n/50)))}, newestFirst, summaryOf, 20)
		return err
	})
}

func BenchmarkReports_Queue(b *testing.B) {
	db, _ := benchReports(b)
	inTurn(b, func() error {
		items, err := db.Queue(b.Context(), reports.QueueQuery{Scope: reports.Scope{Centres: []string{benchCentre()}}, Statuses: []reports.Status{reports.Received, reports.Assigned},
			Sort: reports.Newest, Limit: 20})
		if len(items) == 0 {
			return fmt.Errorf("an empty queue: %w", err)
		}
		return err
	}, func() error {
		_, err := rawPage(b.Context(), db, byCentre, bson.D{{Key: "centre", Value: benchCentre()}, {Key: "open", Value: true},
			{Key: "status", Value: among([]reports.Status{reports.Received, reports.Assigned})}}, newestFirst, summaryOf, 20)
		return err
	})
}

func BenchmarkReports_QueueByDue(b *testing.B) {
	db, _ := benchReports(b)
	inTurn(b, func() error {
		_, err := db.Queue(b.Context(), reports.QueueQuery{Scope: reports.Scope{Centres: []string{benchCentre()}}, Sort: reports.ByDue, Limit: 20})
		return err
	}, func() error {
		_, err := rawPage(b.Context(), db, byCentreDue, bson.D{{Key: "centre", Value: benchCentre()}, {Key: "deadline", Value: bson.D{{Key: "$exists", Value: true}}}},
			bson.D{{Key: "deadline", Value: 1}, {Key: "_id", Value: 1}}, summaryOf, 20)
		return err
	})
}

func benchPoint() reports.Point {
	return reports.Point{Latitude: 24.5 + rand.Float64()*.4, Longitude: 46.5 + rand.Float64()*.4}
}

func BenchmarkReports_Near(b *testing.B) {
	db, _ := benchReports(b)
	for _, category := range []string{"", "category-3"} {
		b.Run("category="+category, func(b *testing.B) {
			inTurn(b, func() error {
				_, err := db.Near(b.Context(), reports.NearQuery{Point: benchPoint(), Radius: reports.MaxRadius, Open: true, Category: category, Limit: 20})
				return err
			}, func() error {
				filter := bson.D{{Key: "near", Value: bson.D{{Key: "$nearSphere", Value: bson.D{{Key: "$geometry", Value: geoPoint(benchPoint())},
					{Key: "$maxDistance", Value: reports.MaxRadius}}}}}}
				if category != "" {
					filter = append(filter, bson.E{Key: "category", Value: category})
				}
				_, err := rawPage(b.Context(), db, "", filter, nil, nearOnly, 20)
				return err
			})
		})
	}
}

func BenchmarkReports_Search(b *testing.B) {
	db, _ := benchReports(b)
	for _, terms := range [][]string{{"الصيانه", "المسج"}, {"المسجد", "12"}} {
		b.Run(terms[1], func(b *testing.B) {
			for b.Loop() {
				if _, err := db.Queue(b.Context(), reports.QueueQuery{Terms: terms, Sort: reports.Newest, Limit: 20}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReports_Volumes(b *testing.B) {
	db, _ := benchReports(b)
	s, manager := reports.New(db, nil, time.UTC), actor.Actor{Kind: actor.Staff, Role: actor.Manager, Centres: []string{actor.All}, Departments: []string{actor.All}}
	if err := s.SettleFigures(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := s.Volumes(b.Context(), manager, reports.VolumesSearch{By: []reports.Dimension{reports.ByMonth, reports.ByCategory}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReports_UpdateReport moves reports: both read the document and write it where its rev is still the same.
func BenchmarkReports_UpdateReport(b *testing.B) {
	db, n := benchReports(b)
	var all []*reports.Report
	for range 400 {
		all = append(all, benchReport(n, n))
	}
	if _, err := reportKind.addAll(b.Context(), db, all); err != nil {
		b.Fatal(err)
	}
	statuses := []reports.Status{reports.Assigned, reports.InProgress, reports.WaitingForCitizen}
	inTurn(b, func() error {
		_, err := db.UpdateReport(b.Context(), all[rand.IntN(len(all))].ID, func(r *reports.Report) ([]event.Event, error) {
			r.Status = statuses[rand.IntN(len(statuses))]
			return nil, nil
		})
		return err
	}, func() error {
		r := *all[rand.IntN(len(all))]
		for {
			id := bson.E{Key: "_id", Value: r.ID}
			raw, err := db.in("reports").FindOne(b.Context(), bson.D{id}, options.FindOne().SetProjection(reportKind.reads)).Raw()
			if err != nil {
				return err
			}
			rev := raw.Lookup("rev").AsInt64()
			r.Status, r.Rev = statuses[rand.IntN(len(statuses))], rev+1
			up, err := reportKind.changed(&r, effects{})
			if err != nil {
				return err
			}
			u, err := db.in("reports").UpdateOne(b.Context(), bson.D{id, {Key: "rev", Value: rev}}, up)
			if err != nil || u.MatchedCount == 1 {
				return err
			}
		}
	})
}
