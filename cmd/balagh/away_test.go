//go:build !race

// What is stopped here are processes: the race detector sees nothing of it, and takes minutes to see it.

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/balagh/balagh/store/teststore"
)

// database is a MongoDB-compatible server of this test alone, which it may kill and pause.
type database struct {
	t   testing.TB
	uri string
}

const awayPort = "27118"

func (d *database) run(command string) string {
	d.t.Helper()
	cmd := exec.Command("../../tools/documentdb", command)
	cmd.Env = append(os.Environ(), "DOCUMENTDB_PORT="+awayPort)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		d.t.Fatalf("documentdb %s: %v", command, err)
	}
	return strings.TrimSpace(string(out))
}

// signal reaches the server that speaks MongoDB's protocol.
func (d *database) signal(sig syscall.Signal) {
	d.t.Helper()
	pids := strings.Fields(d.run("pids"))
	pid, err := strconv.Atoi(pids[len(pids)-1])
	if err != nil {
		d.t.Fatal(err)
	}
	if err := syscall.Kill(pid, sig); err != nil {
		d.t.Fatal(err)
	}
}

// The server of the store is killed, and freezes; each time requests are told to come again within their
// deadline, the process stays as it is and small, goes on by itself, and has everything that it acknowledged.
func TestStore_away(t *testing.T) {
	t.Parallel()
	if !teststore.OnMongoDB() {
		return // a file does not go away
	}
	d := &database{t: t}
	d.run("wipe")
	d.uri = d.run("up") + "/away"
	t.Cleanup(func() { d.run("wipe") })
	s, _ := serverAt(t, d.uri, "--bucket", "file://"+t.TempDir())
	citizen := s.citizen("+966500000801")
	var filed []string
	file := func(n int) *answer {
		return citizen.do("POST", "/v1/reports", speakers, "Idempotency-Key", fmt.Sprintf("store-away-%d", n))
	}
	for n := range 5 {
		filed = append(filed, file(n).want(201).str("id"))
	}
	before := s.memory()
	for n, outage := range []struct {
		what        string
		begin, over func()
	}{
		{"killed", func() { d.signal(syscall.SIGKILL) }, func() { d.run("up") }},
		{"frozen", func() { d.signal(syscall.SIGSTOP) }, func() { d.signal(syscall.SIGCONT) }},
	} {
		outage.begin()
		var all sync.WaitGroup
		for k := range 20 {
			all.Go(func() {
				began := time.Now()
				var a *answer
				if k%2 == 0 {
					a = citizen.do("GET", "/v1/reports", nil)
				} else {
					a = file(1000 + 100*n + k)
				}
				if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
					t.Errorf("%s: %s: %d, Retry-After %q: %s", outage.what, a.what, a.status, a.header.Get("Retry-After"), a.body)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("%s: %s: answered after %v", outage.what, a.what, took)
				}
			})
		}
		if res, err := http.Get(s.url + "/readyz"); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: ready all the same: %v, %v", outage.what, res, err)
		}
		all.Wait()
		outage.over()
		eventually(t, outage.what+": it goes on by itself", func() bool {
			a := file(10 + n)
			if a.status == 201 {
				filed = append(filed, a.str("id"))
			}
			return a.status == 201
		})
		eventually(t, outage.what+": it is ready", func() bool {
			res, err := http.Get(s.url + "/readyz")
			return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
		})
	}
	there := map[string]bool{}
	for item := range citizen.pages("/v1/reports?limit=100") {
		there[item["id"].(string)] = true
	}
	for _, id := range filed {
		if !there[id] {
			t.Errorf("report %s was acknowledged and is not there", id)
		}
	}
	if grown := s.memory() - before; grown > 64<<20 {
		t.Errorf("it grew by %d MB", grown>>20)
	}
	s.signal(syscall.SIGTERM)
	if t.Failed() {
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, `"level":"ERROR"`) {
				t.Log(line)
			}
		}
	}
}

// memory of the process in bytes.
func (s *server) memory() int64 {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
