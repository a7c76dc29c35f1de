package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/store/teststore"
)

// program runs balagh as a process of its own.
func program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// freePort is one that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// standinProcess starts the FCM stand-in and gives its address and the journal of what it accepted.
func standinProcess(t *testing.T) (url, journal string) {
	t.Helper()
	journal = filepath.Join(t.TempDir(), "fcm.journal")
	cmd := program(t, "standin", "--address", "127.0.0.1:0", "--journal", journal)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the stand-in did not start")
	}
	_, url, _ = strings.Cut(lines.Text(), "listening on ")
	return strings.TrimSpace(url), journal
}

// server is one process that can be killed and started again on the same store.
type server struct {
	*installation
	args []string
	env  []string // besides this process's
	dir  string   // in which it works; ./data in it has what is not in the store
	cmd  *exec.Cmd
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = program(s.t, s.args...)
	s.cmd.Env = append(s.cmd.Env, s.env...)
	s.cmd.Stderr, s.cmd.Dir = s.log, s.dir
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "the server is ready", func() bool {
		res, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	err := s.cmd.Wait()
	if sig == syscall.SIGTERM && err != nil {
		s.t.Fatalf("stopping: %v\n%s", err, s.log.String())
	}
}

// serverProcess prepares a server with the small organisation in it.
func serverProcess(t *testing.T, options ...string) (s *server, admin *client) {
	t.Helper()
	return serverAt(t, teststore.URI(t), options...)
}

func serverAt(t *testing.T, store string, options ...string) (s *server, admin *client) {
	t.Helper()
	addr := freePort(t)
	s = &server{installation: &installation{t: t, url: "http://" + addr, log: &logBuffer{}}, dir: t.TempDir()}
	s.args = append([]string{"serve", "--dev", "--address", addr, "--store", store, "--codes-per-client", "1000"}, options...)
	create := program(t, "admin", "create-staff", "--dev", "--store", store, "--email", "admin@example.sa", "--name", "مدير", "--role", "admin",
		"--password", staffPassword)
	create.Dir = s.dir
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.start()
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	admin = &client{i: s.installation, t: t}
	admin.signIn("admin@example.sa")
	s.organise(admin)
	return s, admin
}

// try sends a request to a server that may die at any moment; ok says that it was acknowledged.
func (c *client) try(method, path, body string, into any, key string) (ok bool) {
	return c.tryWithin(c.t.Context(), method, path, body, into, key)
}

func (c *client) tryWithin(ctx context.Context, method, path, body string, into any, key string) (ok bool) {
	req, err := http.NewRequestWithContext(ctx, method, c.i.url+path, strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return false
	}
	return into == nil || json.NewDecoder(res.Body).Decode(into) == nil
}

// TestKill kills the server under load and starts it again: every report that was acknowledged is there once, with every
// change that was acknowledged, and each of those changes reached FCM.
func TestKill(t *testing.T) {
	t.Parallel()
	fcm, journal := standinProcess(t)
	s, admin := serverProcess(t, "--fcm-project", "demo", "--fcm-endpoint", fcm+"/v1")
	supervisor := &client{i: s.installation, t: t}
	email := "supervisor@example.sa"
	admin.do("POST", "/v1/admin/staff", map[string]any{"email": email, "name": "مشرف", "password": staffPassword, "role": actor.Supervisor,
		"centres": []string{"*"}, "departments": []string{"*"}, "language": "ar"}).want(201)
	supervisor.signIn(email)

	const citizens = 8
	enough := int64(max(many(200), 60))
	var mu sync.Mutex
	filed := map[string]string{}  // report id → number
	moved := map[string]bool{}    // report id and status
	unsure := map[string]string{} // key → citizen's token, of requests whose answer never came
	var acknowledged atomic.Int64
	dead := make(chan struct{})
	var load sync.WaitGroup
	tokens := map[string]*client{}
	for n := range citizens {
		c := s.citizen(fmt.Sprintf("+9665000001%02d", n))
		tokens[c.token] = c
		c.do("PUT", "/v1/me/devices/"+fmt.Sprintf("01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d%02d", n), map[string]any{"platform": "android", "push_token": fmt.Sprintf("phone-%d", n)}).want(200)
		load.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-dead:
					return
				default:
				}
				var r struct{ ID, Number string }
				key := fmt.Sprintf("citizen-%d-report-%d", n, k)
				if !c.try("POST", "/v1/reports", speakers, &r, key) {
					mu.Lock()
					unsure[key] = c.token
					mu.Unlock()
					continue
				}
				mu.Lock()
				filed[r.ID] = r.Number
				mu.Unlock()
				for _, step := range []string{"assigned", "in_progress", "resolved"} {
					if !supervisor.try("POST", "/v1/desk/reports/"+r.ID+"/transitions", `{"to":"`+step+`"}`, nil, "") {
						break
					}
					mu.Lock()
					moved[r.ID+" "+step] = true
					mu.Unlock()
				}
				if acknowledged.Add(1) == enough {
					close(dead)
				}
			}
		})
	}
	<-dead
	s.signal(syscall.SIGKILL)
	load.Wait()
	s.start()

	for key, token := range unsure { // the phone tries again
		var r struct{ ID, Number string }
		if !tokens[token].try("POST", "/v1/reports", speakers, &r, key) {
			t.Fatalf("trying again after the crash: %s", key)
		}
		filed[r.ID] = r.Number
	}
	there := map[string]int{}
	for _, c := range tokens {
		for cursor := ""; ; {
			page := c.do("GET", "/v1/reports?limit=100"+cursor, nil).want(200)
			for n := range page.len("items") {
				there[page.str("items", n, "id")+page.str("items", n, "number")]++
			}
			if page.str("next") == "" {
				break
			}
			cursor = "&cursor=" + page.str("next")
		}
	}
	for id, number := range filed {
		if there[id+number] != 1 {
			t.Errorf("report %s is there %d times", id, there[id+number])
		}
	}
	if len(there) != len(filed) {
		t.Errorf("%d reports were acknowledged, %d are there", len(filed), len(there))
	}
	if v := admin.do("GET", "/v1/insights/volumes", nil).want(200); v.at("total") != float64(len(there)) {
		t.Errorf("%d reports are there, the figures count %v", len(there), v.at("total"))
	}
	t.Cleanup(func() {
		for step := range moved {
			t.Errorf("%s never reached FCM", step)
		}
	})
	eventually(t, "every change of status at FCM", func() bool {
		sent, err := os.ReadFile(journal)
		if err != nil {
			return false
		}
		told := map[string]bool{}
		for line := range strings.Lines(string(sent)) {
			var m struct{ Data map[string]string }
			if json.Unmarshal([]byte(line), &m) == nil {
				told[m.Data["report_id"]+" "+m.Data["kind"]] = true
			}
		}
		maps.DeleteFunc(moved, func(step string, _ bool) bool { return told[step] })
		return len(moved) == 0
	})
	if m := string(admin.do("GET", "/metrics", nil).want(200).body); !strings.Contains(m, `balagh_deliveries_total{channel="push",outcome=`) {
		t.Error("no deliveries by outcome in the metrics")
	}
	s.signal(syscall.SIGTERM)
}
