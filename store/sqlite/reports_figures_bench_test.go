package sqlite

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/reports"
)

var figuresEpoch = time.Date(2025, 11, 22, 21, 0, 0, 0, time.UTC)

// benchYear writes n reports of a year, in every state, to db, other than those that the search would find: it has no part in this.
func benchYear(b *testing.B, db *DB, n int) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, uint64(n)))
	const each = 2_000
	for first := 0; first < n; first += each {
		err := db.write(b.Context(), func(t *tx) error {
			for i := first; i < min(n, first+each); i++ {
				x := yearReport(r, i, figuresEpoch.Add(time.Duration(float64(i)/float64(n)*365*24*float64(time.Hour))))
				columns, err := reportColumns(x)
				if err != nil {
					return err
				}
				seq := seqOf(x.ReceivedAt, x.ID)
				if _, err := t.exec(`INSERT INTO reports(seq, id, number, rev, status, open, category, centre, department, channel, citizen, assignee,
					cell, latitude, longitude, deadline, resolved, doc) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
					append([]any{seq, key(x.ID), i}, columns...)...); err != nil {
					return err
				}
				if err := t.markReport(seq, x); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func yearReport(r *rand.Rand, n int, at time.Time) *reports.Report {
	at = at.Truncate(time.Millisecond)
	midnight := at.Truncate(24 * time.Hour).Add(-3 * time.Hour)
	x := &reports.Report{ID: citizenID(n), Rev: 1, Status: reports.Received, Citizen: citizenID(r.IntN(50_000)), Description: said, Language: "ar",
		Channel: []reports.Channel{reports.App, reports.Web, reports.Phone, reports.Email, reports.Visit}[r.IntN(5)], Category: fmt.Sprint("category-", r.IntN(30)),
		Centre: fmt.Sprint("SA-", r.IntN(20)), Department: fmt.Sprint("department-", r.IntN(8)), ReceivedAt: at, UpdatedAt: at,
		Day: at.Add(3 * time.Hour).Format(time.DateOnly), Due: reports.Due{FirstAnswer: midnight.AddDate(0, 0, 3), Resolution: midnight.AddDate(0, 0, 15)},
		Reporter: reports.Reporter{Gender: []string{"", "male", "female"}[r.IntN(3)], Company: r.IntN(9) == 0},
		Timeline: []reports.Entry{{ID: "e", At: at, Kind: reports.EntryReceived, To: reports.Received}}}
	if r.IntN(10) > 0 {
		x.Status, x.FirstAnswer = reports.InProgress, at.Add(time.Duration(r.ExpFloat64()*float64(24*time.Hour)))
	}
	if r.IntN(8) > 0 && x.Status == reports.InProgress {
		x.ResolvedAt = x.FirstAnswer.Add(time.Duration(r.ExpFloat64() * float64(6*24*time.Hour)))
		x.Status = reports.Closed
	}
	return x
}

// BenchmarkReports_Figures asks a year of BENCH_FIGURES reports (200,000; a million take minutes to write) for volumes by two dimensions with a filter, and for deadlines.
// p95 is what nineteen of twenty take; cold is the first question of a process; settle/s is how many reports are entered a second.
func BenchmarkReports_Figures(b *testing.B) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("BENCH_FIGURES"), "200000"))
	if err != nil {
		b.Fatal(err)
	}
	_, db := benchReports(b)
	began := time.Now()
	benchYear(b, db, n)
	b.Logf("written in %v", time.Since(began).Round(time.Second))
	process := func() *reports.Service {
		s := reports.New(db, nil, time.FixedZone("Riyadh", 3*60*60))
		s.Now = func() time.Time { return figuresEpoch.AddDate(1, 0, 0) }
		return s
	}
	began = time.Now()
	if err := process().SettleFigures(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	settled := time.Since(began)
	manager := actor.Actor{Kind: actor.Staff, ID: "m", Role: actor.Manager, Centres: []string{actor.All}, Departments: []string{actor.All}}
	for name, ask := range map[string]func(s *reports.Service) (int, error){
		"volumes": func(s *reports.Service) (int, error) {
			_, total, err := s.Volumes(b.Context(), manager, reports.VolumesSearch{By: []reports.Dimension{reports.ByCategory, reports.ByMonth},
				Selection: reports.Selection{Department: "department-3"}})
			return total, err
		},
		"deadlines": func(s *reports.Service) (int, error) {
			f, err := s.Deadlines(b.Context(), manager, reports.DeadlinesSearch{By: reports.ByCentre})
			return f.Total.Received, err
		},
	} {
		b.Run(name, func(b *testing.B) {
			s := process()
			began := time.Now()
			if total, err := ask(s); err != nil || total < n/10 {
				b.Fatal(total, err)
			}
			cold := time.Since(began)
			var took []time.Duration
			cpu(b)
			for b.Loop() {
				began := time.Now()
				if _, err := ask(s); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[(len(took)*95+99)/100-1].Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64(cold.Microseconds())/1000, "cold-ms")
			b.ReportMetric(float64(n)/settled.Seconds(), "settle/s")
		})
	}
}
