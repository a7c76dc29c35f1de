package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/push"
)

// townspeople is the directory of a store.
type townspeople struct{ *DB }

func (d townspeople) Contacts(ctx context.Context, ids []string) (map[string]push.Contact, error) {
	citizens, err := d.Citizens(ctx, ids)
	if err != nil {
		return nil, err
	}
	devices, err := d.PushDevices(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[string]push.Contact, len(ids))
	for _, c := range citizens {
		all[c.ID] = push.Contact{Language: c.Language, Phone: c.Phone, Push: true, SMS: true}
	}
	for _, x := range devices {
		c := all[x.Citizen]
		c.Devices = append(c.Devices, push.Device{ID: x.ID, Token: x.PushToken, Platform: "android"})
		all[x.Citizen] = c
	}
	return all, nil
}

func (townspeople) SetAside(context.Context, string, string) error { return nil }

func (d townspeople) DropToken(ctx context.Context, citizen, token string) error {
	return d.DropPushToken(ctx, citizen, token)
}

// settle adds n citizens with a phone each, of whom every tenth filed a report at the centre "riyadh" with others.
func settle(b testing.TB, db *DB, n int) {
	b.Helper()
	for from := 0; from < n; from += 1000 {
		err := db.write(b.Context(), func(t *tx) error {
			for i := from; i < min(n, from+1000); i++ {
				c := accounts.Citizen{ID: citizenID(i), Phone: fmt.Sprintf("+9665%08d", i), Language: "ar", Name: "نورة العتيبي"}
				doc, err := json.Marshal(c)
				if err != nil {
					return err
				}
				if _, err := t.exec(`INSERT INTO citizens(id, phone, rev, doc) VALUES(?,?,1,?)`, c.ID, c.Phone, doc); err != nil {
					return err
				}
				doc, err = json.Marshal(accounts.Device{ID: "phone", Citizen: c.ID})
				if err != nil {
					return err
				}
				if _, err := t.exec(`INSERT INTO devices(citizen, id, push_token, seen, doc) VALUES(?,'phone',?,1,?)`, c.ID, fmt.Sprintf("token-%0140d", i), doc); err != nil {
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

// latencies of what people do meanwhile.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) take() (p50, p99 float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0, 0
	}
	slices.Sort(l.all)
	at := func(q float64) float64 { return float64(l.all[int(q*float64(len(l.all)-1))].Microseconds()) / 1000 }
	p50, p99 = at(.5), at(.99)
	l.all = nil
	return p50, p99
}

// processors is what they did so far: on a machine that others use as well, it says more than the time does.
func processors(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRunBroadcasts plans a broadcast to b.N people while so many reports a second are filed, and says what that does to them.
func BenchmarkRunBroadcasts(b *testing.B) {
	for _, rate := range []int{0, 200} {
		b.Run(fmt.Sprintf("%d filed per second", rate), func(b *testing.B) { benchBroadcast(b, rate) })
	}
}

func benchBroadcast(b *testing.B, rate int) {
	cases, db := benchReports(b)
	settle(b, db, b.N)
	var filed latencies
	ctx, cancel := context.WithCancel(b.Context())
	var files sync.WaitGroup
	files.Go(func() {
		if rate == 0 {
			return
		}
		every := time.NewTicker(time.Second / time.Duration(rate))
		defer every.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			files.Go(func() {
				began := time.Now()
				if err := benchFile(context.WithoutCancel(ctx), cases, i%b.N); err != nil {
					b.Error(err)
				}
				filed.mu.Lock()
				filed.all = append(filed.all, time.Since(began))
				filed.mu.Unlock()
			})
		}
	})
	for n := 0; n < 10*rate; { // the usual pace
		filed.mu.Lock()
		n = len(filed.all)
		filed.mu.Unlock()
		<-time.After(10 * time.Millisecond)
	}
	usual50, usual99 := filed.take()

	s := push.New(db, townspeople{db})
	texts := map[string]push.Text{}
	for _, l := range push.Languages {
		texts[l] = push.Text{Title: "T", Body: "B"}
	}
	admin := actor.Actor{Kind: actor.Staff, ID: "admin", Role: actor.Admin, Centres: []string{actor.All}}
	began := time.Now()
	x, err := s.CreateBroadcast(ctx, admin, push.Broadcast{Texts: texts, Audience: push.Audience{All: true}})
	if err != nil {
		b.Fatal(err)
	}
	count := time.Since(began)
	var commits latencies
	db.writer.onCommit = func(_ int, took time.Duration) { // the writer has nothing to do until it is sent something
		commits.mu.Lock()
		defer commits.mu.Unlock()
		commits.all = append(commits.all, took)
	}
	cpu := processors(b)
	b.ResetTimer()
	run, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- s.RunBroadcasts(run) }()
	for range time.Tick(100 * time.Millisecond) {
		if x, err = db.Broadcast(ctx, x.ID); err != nil {
			b.Fatal(err)
		}
		if x.State == push.Done {
			break
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(x.Planned)/b.Elapsed().Seconds(), "people/s")
	if rate == 0 {
		b.ReportMetric(float64((processors(b)-cpu).Microseconds())/float64(b.N), "cpu-us/person")
	}
	p50, p99 := filed.take()
	commit50, commit99 := commits.take()
	b.ReportMetric(float64(count.Milliseconds()), "count-ms")
	b.ReportMetric(usual50, "usual-p50-ms")
	b.ReportMetric(usual99, "usual-p99-ms")
	b.ReportMetric(p50, "meanwhile-p50-ms")
	b.ReportMetric(p99, "meanwhile-p99-ms")
	b.ReportMetric(commit50, "commit-p50-ms")
	b.ReportMetric(commit99, "commit-p99-ms")
	stop()
	<-done
	cancel()
	files.Wait()
}

// BenchmarkCountPeople counts an audience of b.N citizens, all of them or those of one centre of eight, with a report each.
func BenchmarkCountPeople(b *testing.B) {
	_, db := benchReports(b)
	settle(b, db, b.N)
	for from := 0; from < b.N; from += 1000 {
		if err := db.write(b.Context(), func(t *tx) error {
			for i := from; i < min(b.N, from+1000); i++ {
				if _, err := t.exec(`INSERT INTO reports(seq, rev, id, number, status, open, category, centre, department, channel, citizen, doc) VALUES(?,1,?,?,'received',1,'c',?,'d','app',?,zeroblob(900))`,
					i, key(citizenID(i)), i, fmt.Sprint("centre-", i%8), key(citizenID((i*7919)%b.N))); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	for name, a := range map[string]push.Audience{"all": {All: true}, "centre": {Centre: "centre-1"}} {
		began, cpu, people := time.Now(), processors(b), 0
		var slices latencies
		for cursor := ""; ; {
			slice := time.Now()
			n, next, err := db.CountPeople(b.Context(), a, cursor)
			if err != nil {
				b.Fatal(err)
			}
			slices.all = append(slices.all, time.Since(slice))
			if people += n; next == "" {
				break
			}
			cursor = next
		}
		_, longest := slices.take()
		b.ReportMetric(float64(time.Since(began).Milliseconds()), name+"-ms")
		b.ReportMetric(longest, name+"-slice-ms")
		b.ReportMetric(float64((processors(b)-cpu).Nanoseconds())/float64(b.N)/1000, name+"-cpu-us/person")
		b.ReportMetric(float64(people), name+"-people")
	}
}
