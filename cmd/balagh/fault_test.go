//go:build !race

// What is raced here are processes: the race detector sees nothing of it, and takes minutes to see it.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/demo/standin"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/teststore"
)

// phones is a push.Directory of citizens with one phone each.
type phones map[string]push.Contact

func (p phones) Contacts(_ context.Context, citizens []string) (map[string]push.Contact, error) {
	all := map[string]push.Contact{}
	for _, id := range citizens {
		if c, there := p[id]; there {
			all[id] = c
		}
	}
	return all, nil
}

func (phones) DropToken(context.Context, string, string) error { return nil }
func (phones) SetAside(context.Context, string, string) error  { return nil }

// queue is a store full of pushes that wait, the server of it, which is stopped, and FCM, which takes 60 ms for each.
type queue struct {
	t      testing.TB
	fcm    string
	log    string // journal of FCM
	server *server
	ids    []string // of messages
}

// many is fewer on a server, where each takes several times as long as in a file.
func many(n int) int {
	if teststore.OnMongoDB() {
		return n / 4
	}
	return n
}

func fullQueue(t *testing.T, n int, workers string) *queue {
	t.Helper()
	q := &queue{t: t}
	q.fcm, q.log = standinProcess(t)
	res, err := http.Post(q.fcm+"/control", "application/json", strings.NewReader(`{"latency":"60ms"}`))
	if err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusNoContent {
		t.Fatal(res, err)
	}
	q.server, _ = serverProcess(t)
	people, citizens := phones{}, []string{}
	for k := range 8 {
		c := q.server.citizen(fmt.Sprintf("+9665000007%02d", k))
		device := fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-5b1f4a2c7e%02d", k)
		c.do("PUT", "/v1/me/devices/"+device, map[string]any{"platform": "android", "push_token": fmt.Sprintf("phone-%d", k)}).want(200)
		people[c.id] = push.Contact{Push: true, Devices: []push.Device{{ID: device, Token: "wanted", Platform: "android"}}}
		citizens = append(citizens, c.id)
	}
	q.server.signal(syscall.SIGTERM)
	q.open(func(db teststore.Store) {
		told, now := push.New(db, people), time.Now()
		var all sync.WaitGroup
		turns := make(chan struct{}, 64)
		for k := range n {
			e := event.Event{ID: fmt.Sprintf("fact-%d", k), Type: event.ReportReplied, At: now,
				Report: &event.Report{ID: fmt.Sprintf("report-%d", k), Number: "1234567890", Citizen: citizens[k%len(citizens)]}}
			q.ids = append(q.ids, event.Derive(e.ID, "inbox"))
			turns <- struct{}{}
			all.Go(func() {
				defer func() { <-turns }()
				if err := told.On(context.Background(), e); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	q.server.args = append(q.server.args, "--fcm-project", "demo", "--fcm-endpoint", q.fcm+"/v1", "--fcm-workers", workers)
	return q
}

// open lets the test look into the store.
func (q *queue) open(look func(teststore.Store)) {
	q.t.Helper()
	db := teststore.At(q.t, storeOf(q.server))
	look(db)
	if err := db.Close(); err != nil {
		q.t.Error(err)
	}
}

// stats are FCM's.
func (q *queue) stats() (s standin.Stats) {
	q.t.Helper()
	res, err := http.Get(q.fcm + "/stats")
	if err != nil {
		q.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		q.t.Fatal(err)
	}
	return s
}

// in gives the messages whose delivery is in a state.
func (q *queue) in(db teststore.Store, state push.State) map[string]bool {
	q.t.Helper()
	all := map[string]bool{}
	for _, id := range q.ids {
		ds, err := db.Deliveries(context.Background(), id)
		if err != nil || len(ds) != 1 {
			q.t.Fatalf("%+v, %v", ds, err)
		}
		if ds[0].State == state {
			all[id] = true
		}
	}
	return all
}

// arrived looks, when every process is stopped, whether FCM and the ledger have each message: at FCM once, or twice when it was in doubt.
func (q *queue) arrived(doubt map[string]bool) {
	q.t.Helper()
	sent, err := os.ReadFile(q.log)
	if err != nil {
		q.t.Fatal(err)
	}
	times := map[string]int{}
	for line := range strings.Lines(string(sent)) {
		var m standin.Message
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			q.t.Fatal(err)
		}
		times[m.Data["notification_id"]]++
	}
	for _, id := range q.ids {
		if n := times[id]; n != 1 && (n != 2 || !doubt[id]) {
			q.t.Errorf("FCM has %s %d times", id, n)
		}
	}
	q.open(func(db teststore.Store) {
		if n := len(q.in(db, push.Accepted)); n != len(q.ids) {
			q.t.Errorf("%d deliveries are accepted; want %d", n, len(q.ids))
		}
		if d, err := db.QueueDepth(context.Background(), time.Now()); err != nil || d[push.ChannelPush].Open != 0 {
			q.t.Errorf("%+v, %v: something is left in the queue", d, err)
		}
		from, to := time.Now().AddDate(0, 0, -2).Format(time.DateOnly), time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
		f, err := push.New(db, phones{}).DeliveryFigures(context.Background(), actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}},
			push.DeliveryQuery{From: from, Through: to})
		if err != nil || len(f.Rows) != 1 || f.Rows[0].Outcome != push.Accepted || f.Rows[0].N != int64(len(q.ids)) {
			q.t.Errorf("the figures %+v, %v; want %d accepted and nothing else", f, err, len(q.ids))
		}
	})
}

// SIGKILL in the middle of a batch: nothing is lost, and nothing goes out twice but what was under way.
func TestFaults_SIGKILL(t *testing.T) {
	t.Parallel()
	q := fullQueue(t, many(3000), "64")
	q.server.start()
	eventually(t, "a good part is sent", func() bool { return q.stats().Accepted >= many(1000) })
	q.server.signal(syscall.SIGKILL)
	eventually(t, "FCM has answered what it got", func() bool { s := q.stats(); return s.Accepted == s.Requests })
	var doubt map[string]bool
	q.open(func(db teststore.Store) { doubt = q.in(db, push.Leased) })
	before := q.stats()
	if before.Accepted == len(q.ids) || before.Duplicates > 0 || len(doubt) == 0 {
		t.Errorf("%+v, %d under way: it was not killed in the middle", before, len(doubt))
	}
	q.server.start()
	eventually(t, "all is sent", func() bool { return q.stats().Unique == len(q.ids) })
	q.open(func(db teststore.Store) {
		eventually(t, "what was leased has had its turn", func() bool { // it may all have reached FCM before the kill
			_, open, err := db.NextDelivery(context.Background(), push.ChannelPush)
			return err == nil && !open
		})
	})
	q.server.signal(syscall.SIGTERM)
	q.arrived(doubt)
	after := q.stats()
	t.Logf("killed after %d of %d, with %d leases; %d sent twice", before.Accepted, len(q.ids), len(doubt), after.Duplicates)
	if after.Duplicates > len(doubt) {
		t.Errorf("%d sent twice; only %d were under way", after.Duplicates, len(doubt))
	}
}

// Two servers on one store drain one queue: each message once, no errors, and both take part.
func TestFaults_twoServers(t *testing.T) {
	t.Parallel()
	q := fullQueue(t, many(4000), "32")
	other := &server{installation: &installation{t: t, log: &logBuffer{}}, args: slices.Clone(q.server.args), dir: q.server.dir}
	address := slices.Index(other.args, "--address") + 1
	other.args[address] = freePort(t)
	other.url = "http://" + other.args[address]
	both := []*server{q.server, other}
	for _, s := range both {
		s.start()
		t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	}
	eventually(t, "all is sent", func() bool { return q.stats().Accepted >= len(q.ids) })
	for _, s := range both {
		m := string((&client{i: s.installation, t: t}).do("GET", "/metrics", nil).want(200).body)
		_, n, _ := strings.Cut(m, `balagh_deliveries_total{channel="push",outcome="accepted"} `)
		n, _, _ = strings.Cut(n, "\n")
		t.Logf("one server sent %s", n)
		if n == "" || n == "0" {
			t.Error("one of the servers sent nothing")
		}
	}
	for _, s := range both {
		s.signal(syscall.SIGTERM)
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, `"level":"WARN"`) {
				t.Errorf("log: %s", line)
			}
		}
	}
	q.arrived(nil)
}
