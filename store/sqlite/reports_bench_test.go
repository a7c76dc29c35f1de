package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/reports"
)

const said = "مكبرات الصوت الخارجية في المسجد لا تعمل منذ أسبوع، وقد أبلغنا الإمام ولم تتم الصيانة حتى الآن. نأمل إرسال فريق الصيانة " +
	"في أقرب وقت ممكن، مع العلم أن الموقع المرفق دقيق والصورة تبين العطل بوضوح."

// benchReports is a service on a store that lives on the disk (BENCH_DIR, for a faster or slower one), with one centre for all.
func benchReports(b *testing.B) (*reports.Service, *DB) {
	b.Helper()
	dir := b.TempDir()
	if d := os.Getenv("BENCH_DIR"); d != "" {
		dir = filepath.Join(d, fmt.Sprint(time.Now().UnixNano()))
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	db, err := Open(b.Context(), filepath.Join(dir, "balagh.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	s := reports.New(db, nil, time.UTC)
	admin := actor.Actor{Kind: actor.Staff, ID: "admin", Role: actor.Admin}
	names := map[string]string{"ar": "اسم", "en": "Name", "ur": "نام"}
	if _, err := s.PutDepartment(b.Context(), admin, reports.Department{Code: "d", Names: names, Active: true}, nil); err != nil {
		b.Fatal(err)
	}
	for i := range 8 {
		if _, err := s.PutCategory(b.Context(), admin, reports.Category{Code: fmt.Sprint("category-", i), Names: names, Department: "d",
			FirstAnswerDays: 2, ResolutionDays: 10, Active: true}, nil); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.PutCentre(b.Context(), admin, reports.Centre{Code: "riyadh", Names: names, Active: true,
		Area: json.RawMessage(`{"type":"Polygon","coordinates":[[[30,10],[60,10],[60,40],[30,40],[30,10]]]}`)}, nil); err != nil {
		b.Fatal(err)
	}
	return s, db
}

// cpu reports what an operation costs the processors: on a machine that others use as well, it says more than the time does.
func cpu(b *testing.B) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	b.Cleanup(func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") })
}

func benchFile(ctx context.Context, s *reports.Service, citizen int) error {
	_, _, err := s.File(ctx, actor.Actor{Kind: actor.Citizen, ID: citizenID(citizen)}, reports.NewReport{Channel: reports.App,
		Category: fmt.Sprint("category-", rand.IntN(8)), Description: said, Place: &reports.Place{Latitude: 24.5 + rand.Float64()*.4,
			Longitude: 46.5 + rand.Float64()*.4, Accuracy: 8, Address: "حي العليا، شارع الملك فهد", Source: reports.FromGPS}})
	return err
}

func citizenID(n int) string { return fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-%012d", n) }

func loaded(b *testing.B, n, citizens int) (*reports.Service, *DB) {
	b.Helper()
	s, db := benchReports(b)
	var next atomic.Int64
	done := make(chan error)
	for range 64 {
		go func() {
			var err error
			for i := next.Add(1); i <= int64(n) && err == nil; i = next.Add(1) {
				err = benchFile(b.Context(), s, int(i)%citizens)
			}
			done <- err
		}()
	}
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s, db
}

func BenchmarkReports_File(b *testing.B) {
	s, _ := benchReports(b)
	b.SetParallelism(16) // of two cores: 32
	b.ReportAllocs()
	cpu(b)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := benchFile(b.Context(), s, rand.IntN(1000)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkReports_Mine(b *testing.B) {
	for _, citizens := range []int{32, 1000} {
		b.Run(fmt.Sprintf("%d citizens", citizens), func(b *testing.B) {
			s, _ := loaded(b, 20_000, citizens)
			b.SetParallelism(16)
			b.ReportAllocs()
			cpu(b)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					items, _, err := s.Mine(b.Context(), actor.Actor{Kind: actor.Citizen, ID: citizenID(rand.IntN(citizens))}, nil, reports.Page{Limit: 20})
					if err != nil || len(items) != 20 {
						b.Fatal(len(items), err)
					}
				}
			})
		})
	}
}

func BenchmarkReports_Near(b *testing.B) {
	s, _ := loaded(b, 20_000, 1000)
	b.SetParallelism(16)
	b.ReportAllocs()
	cpu(b)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := s.Nearby(b.Context(), actor.Actor{}, reports.NearSearch{Point: reports.Point{Latitude: 24.5 + rand.Float64()*.4,
				Longitude: 46.5 + rand.Float64()*.4}, Radius: 500, Category: "category-3", Limit: 20}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkReports_Search(b *testing.B) {
	s, _ := loaded(b, 20_000, 1000)
	a := actor.Actor{Kind: actor.Staff, ID: "s", Role: actor.Supervisor, Centres: []string{"riyadh"}, Departments: []string{actor.All}}
	b.ReportAllocs()
	cpu(b)
	b.ResetTimer()
	for b.Loop() {
		if items, _, err := s.Queue(b.Context(), a, reports.QueueSearch{Q: "الصيانه المسج", Page: reports.Page{Limit: 20}}); err != nil || len(items) != 20 {
			b.Fatal(len(items), err)
		}
	}
}
