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
)

// asleep is longer than any lease of a running server: the relay's of 30 s is the longest that the load here meets.
const asleep = 35 * time.Second

// another is a further process on the store of a server.
func (s *server) another() *server {
	s.t.Helper()
	o := &server{installation: &installation{t: s.t, log: &logBuffer{}}, args: slices.Clone(s.args), env: s.env, dir: s.dir}
	address := slices.Index(o.args, "--address") + 1
	o.args[address] = freePort(s.t)
	o.url = "http://" + o.args[address]
	o.start()
	s.t.Cleanup(func() { _ = o.cmd.Process.Kill(); _ = o.cmd.Wait() })
	return o
}

// crowded are citizens and a supervisor who use whichever process answers.
type crowded struct {
	t          testing.TB
	servers    []*server
	citizens   []*client
	supervisor *client
	mu         sync.Mutex
	filed      map[string]string // id → number, of what was acknowledged
	moved      map[string]bool   // id and status, likewise
	keys       int
}

// work files a report and moves it, trying each request at the next process until one acknowledges it.
func (c *crowded) work(citizen *client, n int) {
	c.mu.Lock()
	c.keys++
	key := fmt.Sprintf("cluster-%d", c.keys)
	c.mu.Unlock()
	var r struct{ ID, Number string }
	if !c.anywhere(citizen, n, "/v1/reports", speakers, &r, key) {
		return
	}
	c.mu.Lock()
	c.filed[r.ID] = r.Number
	c.mu.Unlock()
	for _, step := range []string{"assigned", "in_progress", "resolved"} {
		if !c.anywhere(c.supervisor, n, "/v1/desk/reports/"+r.ID+"/transitions", `{"to":"`+step+`"}`, nil, key+step) {
			return
		}
		c.mu.Lock()
		c.moved[r.ID+" "+step] = true
		c.mu.Unlock()
	}
}

// proxy sends requests to these from now on.
func (c *crowded) proxy(to ...*server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers = to
}

func (c *crowded) anywhere(who *client, n int, path, body string, into any, key string) bool {
	for try := range 6 {
		c.mu.Lock()
		at := *who
		at.i = c.servers[(n+try)%len(c.servers)].installation
		c.mu.Unlock()
		if at.try("POST", path, body, into, key) {
			return true
		}
	}
	return false
}

// load lets all of them work until each has done so many.
func (c *crowded) load(each int) {
	var all sync.WaitGroup
	for n, citizen := range c.citizens {
		all.Go(func() {
			for k := range each {
				c.work(citizen, n+k)
			}
		})
	}
	all.Wait()
}

// Three processes share a store. One is killed, one sleeps beyond its leases and wakes: nothing is lost, a report exists once, a
// change is in the inbox once and counted once, and FCM has each at least once.
func TestCluster_killedAndAsleep(t *testing.T) {
	t.Parallel()
	fcm, journal := standinProcess(t)
	first, admin := serverProcess(t, "--fcm-project", "demo", "--fcm-endpoint", fcm+"/v1")
	second, third := first.another(), first.another()
	c := &crowded{t: t, servers: []*server{first, second, third}, filed: map[string]string{}, moved: map[string]bool{}}
	admin.do("POST", "/v1/admin/staff", map[string]any{"email": "supervisor@example.sa", "name": "مشرف", "password": staffPassword, "role": actor.Supervisor,
		"centres": []string{"*"}, "departments": []string{"*"}, "language": "ar"}).want(201)
	c.supervisor = &client{i: first.installation, t: t}
	c.supervisor.signIn("supervisor@example.sa")
	for n := range 6 {
		who := first.citizen(fmt.Sprintf("+9665000009%02d", n))
		who.do("PUT", "/v1/me/devices/"+fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-5b1f4a2c8d%02d", n), map[string]any{"platform": "android", "push_token": fmt.Sprintf("cluster-%d", n)}).want(200)
		c.citizens = append(c.citizens, who)
	}
	c.load(6)

	var busy sync.WaitGroup
	busy.Go(func() { c.load(12) })
	eventually(t, "work is under way", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.filed) > 50 })
	c.sleep(third, first)
	slept := time.Now()
	c.proxy(first, second)
	second.signal(syscall.SIGKILL)
	c.proxy(first)
	eventually(t, "the leases of the sleeper are over", func() bool { return time.Since(slept) > asleep })
	c.load(2)
	if err := third.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	busy.Wait() // also for those whose requests the sleeper had
	second.start()
	c.proxy(first, second, third)
	c.load(4)
	c.nothingLost(journal)
	for _, s := range c.servers {
		s.signal(syscall.SIGTERM)
	}
}

// sleep stops a process, but not while it holds the lock of a file that the others write as well: they could but wait.
func (c *crowded) sleep(s, other *server) {
	c.t.Helper()
	who := &client{i: other.installation, t: c.t, token: c.citizens[0].token}
	eventually(c.t, "one sleeps, and the others write", func() bool {
		if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			c.t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Second)
		defer cancel()
		var r struct{ ID, Number string }
		if who.tryWithin(ctx, "POST", "/v1/reports", speakers, &r, "cluster-beside-a-sleeper") {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.filed[r.ID] = r.Number
			return true
		}
		if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			c.t.Fatal(err)
		}
		return false
	})
}

// nothingLost compares what was acknowledged with what is there, in the lists, at FCM, in the inboxes and in the figures.
func (c *crowded) nothingLost(journal string) {
	t := c.t
	t.Helper()
	there := map[string]int{}
	for _, who := range c.citizens {
		for item := range who.pages("/v1/reports?limit=100") {
			there[fmt.Sprint(item["id"], item["number"])]++
		}
	}
	for id, number := range c.filed {
		if there[id+number] != 1 {
			t.Errorf("report %s is there %d times", id, there[id+number])
		}
	}
	if len(there) < len(c.filed) {
		t.Errorf("%d reports were acknowledged, %d are there", len(c.filed), len(there))
	}
	told := map[string]bool{}
	eventually(t, "every change of status at FCM", func() bool {
		sent, err := os.ReadFile(journal)
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(sent)) {
			var m standin.Message
			if json.Unmarshal([]byte(line), &m) == nil {
				told[m.Data["report_id"]+" "+m.Data["kind"]] = true
			}
		}
		for step := range c.moved {
			if !told[step] {
				return false
			}
		}
		return true
	})
	messages := 0
	for _, who := range c.citizens {
		inbox := map[string]int{}
		for item := range who.pages("/v1/inbox?limit=100") {
			inbox[fmt.Sprint(item["report_id"], item["kind"])]++
			messages++
		}
		for what, n := range inbox {
			if n != 1 {
				t.Errorf("%s is in an inbox %d times", what, n)
			}
		}
	}
	admin := &client{i: c.servers[0].installation, t: t}
	admin.signIn("admin@example.sa")
	eventually(t, "each message counted as accepted once, and never twice", func() bool {
		accepted := 0.0
		figures := admin.do("GET", "/v1/insights/deliveries?channel=push", nil).want(http.StatusOK)
		for n := range figures.len("rows") {
			if figures.str("rows", n, "outcome") == "accepted" {
				accepted += figures.at("rows", n, "count").(float64)
			}
		}
		if int(accepted) > messages {
			t.Fatalf("%v deliveries were counted, of %d", accepted, messages)
		}
		return int(accepted) == messages
	})
}

// pages goes through a list from page to page.
func (c *client) pages(path string) func(yield func(map[string]any) bool) {
	return func(yield func(map[string]any) bool) {
		for cursor := ""; ; {
			page := c.do("GET", path+cursor, nil).want(http.StatusOK)
			for n := range page.len("items") {
				if !yield(page.at("items", n).(map[string]any)) {
					return
				}
			}
			if page.str("next") == "" {
				return
			}
			cursor = "&cursor=" + page.str("next")
		}
	}
}
