package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/demo"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/surveys"
)

// benchPages are looked at by who may see everything.
var benchPages = []string{"/manage", "/manage?view=wall", "/manage?view=print", "/manage/satisfaction?by=region", "/manage/satisfaction?by=employee", "/manage/satisfaction?by=category&centre=sa-01",
	"/manage/volumes?by=category&and=month", "/manage/timeliness", "/manage/timeliness?by=centre", "/manage/deliveries", "/manage/rounds", "/desk"}

// BenchmarkPages asks an installation that has BENCH_PAGES reports of a year (100,000), three in ten of them rated, for each page of management and
// for the queue: p95-ms is what nineteen of twenty whole answers take, paint-p95-ms when a browser beside it shows something, cold-ms the
// first answer of the process. BENCH_KEEP=1 keeps what was written in data/bench: a million take minutes.
func BenchmarkPages(b *testing.B) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("BENCH_PAGES"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	if os.Getenv("BENCH_KEEP") != "" {
		folder = filepath.Join("..", "..", "data", "bench", fmt.Sprint("pages-", n))
	}
	_, err = os.Stat(filepath.Join(folder, "whole"))
	whole := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	if !whole {
		if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
			b.Fatal(err)
		}
	}
	open := func() *installation {
		return installAt(b, func(s *settings) { s.Store, s.beside = "sqlite:"+filepath.Join(folder, "balagh.db"), folder })
	}
	i := open()
	if !whole {
		began := time.Now()
		i.fillYear(n)
		b.Logf("%d reports written and entered in %v", n, time.Since(began).Round(time.Second))
		if err := os.WriteFile(filepath.Join(folder, "whole"), nil, 0o644); err != nil {
			b.Fatal(err)
		}
		i.stop()
		i = open()
	}
	email := i.hire(actor.Manager, "*", "*")
	manager := i.browserOf(email)
	tab := i.browse(b)
	tab.signIn(email)
	for _, path := range benchPages {
		b.Run(strings.Trim(path, "/"), func(b *testing.B) {
			ask := func() float64 {
				began := time.Now()
				res, err := manager.Get(i.url + path)
				if err != nil {
					b.Fatal(err)
				}
				body := readAll(b, res)
				if res.StatusCode != http.StatusOK {
					b.Fatalf("%d\n%s", res.StatusCode, body)
				}
				return float64(time.Since(began).Microseconds()) / 1000
			}
			cold := ask()
			var took, paints []float64
			for b.Loop() {
				took = append(took, ask())
			}
			for range min(len(took), 20) {
				tab.open(path, 1440)
				paints = append(paints, read(tab, chromedp.Evaluate[float64](`new Promise((done) => {
					const look = () => { const p = performance.getEntriesByName("first-contentful-paint")[0]; p ? done(p.startTime) : setTimeout(look, 5); };
					look();
				})`, chromedp.EvalAwaitPromise)))
			}
			b.ReportMetric(cold, "cold-ms")
			b.ReportMetric(p95(took), "p95-ms")
			b.ReportMetric(p95(paints), "paint-p95-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func p95(all []float64) float64 {
	slices.Sort(all)
	return all[(len(all)*95+99)/100-1]
}

// fillYear writes the demo's organisation and a year of reports until now, and enters them into the figures.
func (i *installation) fillYear(n int) {
	admin, org, t := i.staff(actor.Admin, "*", "*"), demo.Load(), i.t
	for _, d := range org.Departments {
		admin.do("PUT", "/v1/admin/departments/"+d.Code, d.Body).want(200)
	}
	for _, c := range org.Centres {
		admin.do("PUT", "/v1/admin/centres/"+c.Code, c.Body).want(200)
	}
	for _, c := range org.Categories {
		admin.do("PUT", "/v1/admin/categories/"+c.Code, c.Body).want(200)
	}
	last := time.Now()
	var writers sync.WaitGroup
	const each = 64 // as many share a commit
	for w := range each {
		writers.Go(func() {
			for k := w; k < n && !t.Failed(); k += each {
				r := yearReport(&org, k, last.Add(-time.Duration(float64(k)/float64(n)*365*24*float64(time.Hour))))
				if err := i.parts.store.CreateReport(t.Context(), r, nil); err != nil {
					t.Error(err)
				}
				if o := yearOccasion(&org, r, k); o != nil {
					if err := i.parts.store.AddOccasion(t.Context(), o); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	for _, settle := range []error{i.parts.server.Reports.SettleFigures(t.Context(), nil), i.parts.server.Surveys.Settle(t.Context(), nil)} {
		if settle != nil {
			t.Fatal(settle)
		}
	}
}

var riyadh = time.FixedZone("Asia/Riyadh", 3*60*60)

// pick is one of n, the first of them more often.
func pick(r *rand.Rand, n int) int { return int(float64(n) * r.Float64() * r.Float64()) }

func yearReport(org *demo.Organisation, k int, at time.Time) *reports.Report {
	r := rand.New(rand.NewPCG(1, uint64(k)))
	at = at.Truncate(time.Millisecond).UTC()
	category, centre := org.Categories[pick(r, len(org.Categories))], org.Centres[pick(r, len(org.Centres))]
	x := &reports.Report{ID: uuid.Must(uuid.NewV7()).String(), Number: fmt.Sprintf("%010d", k), Status: reports.Received, Citizen: uuid.NewString(), Description: "مكبر الصوت الخارجي مرتفع جدا بعد العشاء",
		Language: "ar", Channel: []reports.Channel{reports.App, reports.App, reports.App, reports.Web, reports.Phone, reports.Visit}[r.IntN(6)], Category: category.Code,
		Centre: centre.Code, Department: category.Body.Department, ReceivedAt: at, UpdatedAt: at, Day: at.In(riyadh).Format(time.DateOnly),
		Due:      reports.Due{FirstAnswer: at.AddDate(0, 0, category.Body.FirstAnswerDays), Resolution: at.AddDate(0, 0, category.Body.ResolutionDays)},
		Reporter: reports.Reporter{Gender: []string{"", "male", "male", "female"}[r.IntN(4)], Residency: []string{"", "citizen", "resident"}[r.IntN(3)], Company: r.IntN(10) == 0},
		Place:    &reports.Place{Latitude: 17 + 14*r.Float64(), Longitude: 37 + 17*r.Float64(), Source: reports.FromGPS},
		Timeline: []reports.Entry{{ID: "e", At: at, Kind: reports.EntryReceived, To: reports.Received}}}
	if answered := at.Add(time.Duration(r.ExpFloat64() * float64(20*time.Hour))); answered.Before(time.Now()) {
		x.Status, x.FirstAnswer, x.Assignee = reports.InProgress, answered, fmt.Sprint("employee-", r.IntN(700))
		if resolved := answered.Add(time.Duration(r.ExpFloat64() * float64(5*24*time.Hour))); resolved.Before(time.Now()) && r.IntN(50) > 0 {
			x.Status, x.ResolvedAt, x.ResolvedBy, x.Closure = reports.Resolved, resolved, x.Assignee, 1
			x.UpdatedAt = resolved
		}
	}
	return x
}

// yearOccasion is that of a report that was resolved, nil for the others. A third is rated.
func yearOccasion(org *demo.Organisation, x *reports.Report, k int) *surveys.Occasion {
	if x.ResolvedAt.IsZero() {
		return nil
	}
	r := rand.New(rand.NewPCG(2, uint64(k)))
	day := x.ResolvedAt.In(riyadh).Format(time.DateOnly)
	region := org.Centres[slices.IndexFunc(org.Centres, func(c demo.Centre) bool { return c.Code == x.Centre })].Body.Region
	o := &surveys.Occasion{ID: uuid.NewString(), Report: x.ID, Closure: 1, Citizen: x.Citizen, Centre: x.Centre, Region: region, Department: x.Department, Category: x.Category,
		Channel: string(x.Channel), Employee: x.ResolvedBy, Gender: x.Reporter.Gender, Residency: x.Reporter.Residency, Company: x.Reporter.Company, Opened: x.ResolvedAt, Day: day}
	if r.IntN(100) < 32 {
		o.Given = &surveys.Given{Answer: surveys.Answer{Level: 5 - pick(r, 5), Solved: true}, Day: day, Device: uuid.NewString()}
	}
	return o
}
