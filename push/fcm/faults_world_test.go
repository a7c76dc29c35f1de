package fcm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/demo/standin"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/fcm"
	"github.com/balagh/balagh/store/teststore"
)

// clocks are the one on the wall, which can be set, and one that only runs on.
type clocks struct {
	mu     sync.Mutex
	wall   time.Time
	steady time.Duration
}

func (c *clocks) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *clocks) since() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steady
}

func (c *clocks) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.steady = c.wall.Add(d), c.steady+d
}

// set sets the one on the wall.
func (c *clocks) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(by)
}

// everybody has one phone, whose token is made of the citizen's id.
type everybody struct{}

func (everybody) Contacts(_ context.Context, citizens []string) (map[string]push.Contact, error) {
	all := make(map[string]push.Contact, len(citizens))
	for _, id := range citizens {
		all[id] = push.Contact{Language: "ar", Push: true, Devices: []push.Device{{ID: "phone", Token: "phone-" + id, Platform: "android"}}}
	}
	return all, nil
}

func (everybody) DropToken(context.Context, string, string) error { return nil }
func (everybody) SetAside(context.Context, string, string) error  { return nil }

// gate counts what is leased and not settled, in all processes. While it is locked nothing is leased.
type gate struct {
	sync.RWMutex
	leased atomic.Int64
}

// gated is a real store with a gate before it.
type gated struct {
	push.Store
	gate *gate
}

func (s gated) LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int, takeOver bool) ([]push.Delivery, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	ds, err := s.Store.LeaseDeliveries(ctx, channel, now, ttl, limit, takeOver)
	s.gate.leased.Add(int64(len(ds)))
	return ds, err
}

func (s gated) SettleDeliveries(ctx context.Context, results []push.Result) error {
	err := s.Store.SettleDeliveries(ctx, results)
	if err == nil {
		s.gate.leased.Add(-int64(len(results)))
	}
	return err
}

// world is FCM, in a process of its own, a store, and the clocks.
type world struct {
	t      *testing.T
	store  string // its address
	clocks clocks
	gate   gate
	fcm    *fake
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, store: teststore.URI(t), clocks: clocks{wall: epoch}, fcm: startFCM(t)}
}

// process is what one process has: its own handle of the store, service, sender and connections to FCM.
type process struct {
	*push.Service
	db    teststore.Store
	looks atomic.Int64 // at the clock
	taken atomic.Int64
}

// join starts a process that sends to an address.
func (w *world) join(url string, timeout time.Duration) *process {
	w.t.Helper()
	db := teststore.At(w.t, w.store)
	p := &process{db: db, Service: push.New(gated{db, &w.gate}, everybody{})}
	p.Now = w.clocks.now
	const workers, lease = 64, time.Minute
	client, err := fcm.New(w.t.Context(), fcm.Config{ProjectID: "demo", Endpoint: url + "/v1", Workers: workers, Timeout: timeout})
	if err != nil {
		w.t.Fatal(err)
	}
	s := &push.Sender{Service: p.Service, Name: push.ChannelPush, Channel: client, Workers: workers, Batch: workers, Poll: 2 * time.Millisecond,
		Timeout: timeout, Lease: lease, Steady: func() time.Duration { p.looks.Add(1); return w.clocks.since() },
		OnTaken: func(string, time.Duration) { p.taken.Add(1) }}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		if err := db.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.looks(p)
	return p
}

// until waits, in real time.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, again := time.After(2*time.Minute), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within two minutes", what)
		case <-again.C:
		}
	}
}

// looks waits until each process has looked again at what there is to do.
func (w *world) looks(ps ...*process) {
	w.t.Helper()
	for _, p := range ps {
		before := p.looks.Load()
		until(w.t, "a process looks", func() bool { return p.looks.Load() >= before+4 })
	}
}

// tell makes one fact for each of n citizens, in a town of that name, and gives the ids of their messages.
func (w *world) tell(p *process, town string, n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	var all sync.WaitGroup
	turns := make(chan struct{}, 64) // about as many as a relay has at once
	for i := range n {
		citizen := fmt.Sprintf("%s-%d", town, i)
		e := event.Event{ID: "fact-" + citizen, Type: event.ReportMoved, At: epoch,
			Report: &event.Report{ID: "r", Number: "1234567890", Citizen: citizen, To: "resolved"}}
		ids[i] = event.Derive(e.ID, "inbox")
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			if err := p.On(context.Background(), e); err != nil {
				w.t.Error(err)
			}
		})
	}
	all.Wait()
	return ids
}

// drain waits until nothing is left to do. Whenever nothing is under way the clock goes on to when something is due, or
// when the channel waits although something is, by ten seconds.
func (w *world) drain(p *process) {
	w.t.Helper()
	looked := p.looks.Load()
	until(w.t, "all has ended", func() bool {
		w.gate.Lock()
		defer w.gate.Unlock()
		if w.gate.leased.Load() > 0 {
			looked = p.looks.Load()
			return false
		}
		due, any, err := p.db.NextDelivery(context.Background(), push.ChannelPush)
		if err != nil {
			w.t.Error(err)
		}
		switch wait := due.Sub(w.clocks.now()); {
		case !any:
			return err == nil
		case wait > 0:
			w.clocks.pass(max(wait, 5*time.Second)) // what is due soon goes together
			looked = p.looks.Load()
		case p.looks.Load() > looked+10:
			w.clocks.pass(10 * time.Second)
			looked = p.looks.Load()
		}
		return false
	})
}

// arrived holds the far end and the ledger to what is promised: FCM took each message once, and once more for each answer that was
// lost on the way; every delivery is accepted, and counted as that and as nothing else.
func (w *world) arrived(p *process, ids []string, lost map[string]int) {
	w.t.Helper()
	ctx, got, again := context.Background(), w.fcm.accepted(w.t), 0
	for _, id := range ids {
		if got[id] != 1+lost[id] {
			w.t.Errorf("%s: taken %d times, with %d answers lost", id, got[id], lost[id])
		}
		again += lost[id]
		ds, err := p.db.Deliveries(ctx, id)
		if err != nil || len(ds) != 1 || ds[0].State != push.Accepted || ds[0].Ref == "" {
			w.t.Errorf("%s: %+v, %v; want one delivery, accepted", id, ds, err)
		}
	}
	if st := get[standin.Stats](w.t, w.fcm.url+"/stats"); st.Unique != len(ids) || st.Duplicates != again {
		w.t.Errorf("FCM took %d and %d again; want %d and %d", st.Unique, st.Duplicates, len(ids), again)
	}
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}}
	f, err := p.DeliveryFigures(ctx, admin, push.DeliveryQuery{From: "2026-11-20", Through: "2026-11-22"})
	want := push.DeliveryRow{Channel: push.ChannelPush, Outcome: push.Accepted, N: int64(len(ids)), Share: 1}
	if err != nil || len(f.Rows) != 1 || f.Rows[0] != want || len(f.Delays) != 1 || f.Delays[0].N != want.N {
		w.t.Errorf("the figures %+v, %v; want %+v", f, err, want)
	}
	if d, err := p.db.QueueDepth(ctx, w.clocks.now()); err != nil || d[push.ChannelPush] != (push.Depth{}) {
		w.t.Errorf("%+v are left in the queue, %v", d[push.ChannelPush], err)
	}
}

// line to FCM that can be bad: FCM takes what comes through it, and then the answers to the first of them are lost.
type line struct {
	url  string
	mode string // hang, cut, half (an answer), garbage
	left atomic.Int64
	held chan struct{} // nothing goes through until it is closed
	bad  chan struct{} // likewise for those whose answers are lost

	mu      sync.Mutex
	lost    map[string]int // answers, by message
	waiting int
}

func (w *world) line(mode string, count int64) *line {
	l := &line{mode: mode, lost: map[string]int{}, held: make(chan struct{}), bad: make(chan struct{})}
	l.left.Store(count)
	far := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var m struct {
			Message struct{ Data map[string]string }
		}
		_ = json.Unmarshal(body, &m)
		bad := l.left.Add(-1) >= 0
		l.wait(bad)
		resp, err := far.Post(w.fcm.url+r.URL.Path, "application/json", bytes.NewReader(body))
		if err != nil {
			w.t.Error(err)
			return
		}
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if bad || r.Context().Err() != nil {
			l.mu.Lock()
			l.lost[m.Message.Data["notification_id"]]++
			l.mu.Unlock()
		}
		if bad {
			l.lose(rw, r)
			return
		}
		rw.WriteHeader(resp.StatusCode)
		_, _ = rw.Write(answer)
	}))
	w.t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); far.CloseIdleConnections() })
	l.url = srv.URL
	return l
}

func (l *line) wait(bad bool) {
	l.mu.Lock()
	l.waiting++
	l.mu.Unlock()
	if bad {
		<-l.bad
	} else {
		<-l.held
	}
}

// holds is how many requests wait, or have waited.
func (l *line) holds() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

func (l *line) lose(rw http.ResponseWriter, r *http.Request) {
	switch l.mode {
	case "hang":
		<-r.Context().Done()
	case "half":
		rw.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(rw, `{"name":"projects/demo/`)
	case "garbage":
		_, _ = io.WriteString(rw, "<html>"+strings.Repeat("hello ", 100))
		return
	}
	panic(http.ErrAbortHandler) // the connection is cut
}

func (l *line) losses() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.lost)
}
