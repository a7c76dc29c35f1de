package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
)

// call runs a command in this process and gives what it printed.
func call(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(context.Background(), args, stdio{&out, &out})
	return out.String(), err
}

// TestServe_Unsafe: a server that lacks what it needs does not start, and says what to set.
func TestServe_Unsafe(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "balagh.db")
	for _, x := range []struct {
		want string
		args []string
	}{
		{"BALAGH_FCM_PROJECT", nil},
		{"BALAGH_SMS_URL", nil},
		{"BALAGH_SECRET", nil}, // all that is missing at once
		{"BALAGH_SECRET", []string{"--fcm-project=p", "--sms-url=https://sms.example", "--fcm-credentials=" + os.DevNull}},
		{"at least 32", []string{"--secret=short", "--fcm-project=p", "--sms-url=https://sms.example"}},
		{"BALAGH_FCM_ENDPOINT", []string{"--fcm-endpoint=http://127.0.0.1:1/v1"}},
		{"BALAGH_TIME_ZONE", []string{"--time-zone=Nowhere/Land"}},
		{"sqlite:PATH", []string{"--dev", "--store=mysql://x"}},
		{"mongodb://", []string{"--dev", "--store=mysql://x"}},
		{"only the beginning", []string{"--dev", "--store=mongodb:"}},
		{"only the beginning", []string{"--dev", "--store=mongodb+srv://"}},
		{"BALAGH_BUCKET", []string{"--store=mongodb://127.0.0.1:1/x"}},
		{"file:///PATH", []string{"--dev", "--store=mongodb://127.0.0.1:1/x", "--bucket=ftp://x"}},
		{`--bucket: a bucket of the kind "ftp" is not known`, []string{"--dev", "--bucket=ftp://x"}},
		{"--bucket: credentials do not belong into the address", []string{"--dev", "--bucket=s3://key:secret@x"}},
		{"BALAGH_PHOTO_URLS=signed: this bucket", []string{"--dev", "--photo-urls=signed"}},
		{"BALAGH_PHOTO_URL_TIME", []string{"--dev", "--photo-urls=signed", "--photo-url-time=2h"}},
		{"BALAGH_FCM_CREDENTIALS", []string{"--dev", "--fcm-credentials=" + os.DevNull}},
		{"BALAGH_WEB_PUSH_SUBJECT", []string{"--dev", "--web-push-key=x"}},
		{"choose one way", []string{"--dev", "--sms-profile=unifonic", "--smpp-address=127.0.0.1:2775"}},
		{"BALAGH_SMS_KEY", []string{"--dev", "--sms-profile=unifonic"}},
		{"BALAGH_SMS_PROFILE", []string{"--dev", "--sms-key=x"}},
		{"BALAGH_SMS_PROFILE: the SMS profile half: success", []string{"--dev", "--sms-profile=" + halfProfile(t), "--sms-url=https://sms.example"}},
		{"BALAGH_SMPP_ADDRESS", []string{"--dev", "--smpp-system-id=x"}},
		{"BALAGH_SMS_PRICE", []string{"--dev", "--sms-daily-limit=100"}},
		{"BALAGH_SMTP_FROM", []string{"--dev", "--smtp-host=mail.example"}},
		{"BALAGH_SMTP_HOST", []string{"--dev", "--smtp-from=a@example.sa"}},
		{"BALAGH_SMTP_HOST", []string{"--dev", "--smtp-reply-to=a@example.sa"}},
		{"BALAGH_SMTP_HOST", []string{"--dev", "--smtp-port=465"}},
	} {
		_, err := call(t, append([]string{"serve", "--address=127.0.0.1:0", "--store=" + store}, x.args...)...)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: %v, want a word of %s", x.args, err, x.want)
		}
	}
	t.Setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
	if _, err := call(t, "serve", "--store="+store); err == nil || !strings.Contains(err.Error(), "FIREBASE_AUTH_EMULATOR_HOST") {
		t.Errorf("the emulator: %v", err)
	}
}

// halfProfile describes a gateway without saying what its success is.
func halfProfile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.json")
	if err := os.WriteFile(file, []byte(`{"name":"half","url":"https://sms.example","method":"POST","json":{"to":"{to}","text":"{text}"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestConfig_Masked(t *testing.T) {
	t.Setenv("BALAGH_SECRET", "0123456789012345678901234567890123456789")
	t.Setenv("BALAGH_SMS_KEY", "very secret")
	t.Setenv("BALAGH_ADDRESS", "127.0.0.1:9999")
	t.Setenv("BALAGH_BUCKET", "s3://key:very%20secret@photos?endpoint=http://key:very%20secret@127.0.0.1&region=me-central-1")
	out, err := call(t, "config")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "0123456789") || strings.Contains(out, "very secret") || strings.Contains(out, "very%20secret") {
		t.Errorf("a secret is printed:\n%s", out)
	}
	for _, want := range []string{"BALAGH_SECRET=********", "BALAGH_ADDRESS=127.0.0.1:9999", "BALAGH_STORE=sqlite:./data/balagh.db", "BALAGH_TIME_ZONE=Asia/Riyadh"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in:\n%s", want, out)
		}
	}
}

func TestConfig_MaskedStore(t *testing.T) {
	for _, uri := range []string{"mongodb://balagh:open%20sesame@db1,db2/reports?authSource=admin&tlsCertificateKeyFilePassword=open%20sesame",
		"mongodb+srv://balagh:open%20sesame@db.example/reports", "MongoDB://balagh:open%20sesame@db1", "mongodb:/balagh:open%20sesame@db1"} {
		t.Setenv("BALAGH_STORE", uri)
		out, err := call(t, "config")
		if err != nil || strings.Contains(out, "sesame") || strings.Contains(uri, "://") && !strings.Contains(out, "://balagh:********@db") {
			t.Errorf("%v:\n%s", err, out)
		}
	}
}

// TestBackup copies a server while it files reports, brings the copy back elsewhere and looks for everything that had been
// acknowledged before the copy began.
func TestBackup(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "balagh.db")
	i := install(t, func(s *settings) { s.Store = "sqlite:" + store })
	c := i.citizen("+966500000061")
	body, kind := form(t, speakers, picture(t, 320, 240))
	first := c.do("POST", "/v1/reports", body, "Content-Type", kind).want(201)
	var filing sync.WaitGroup
	var stop atomic.Bool
	filing.Go(func() {
		for !stop.Load() {
			c.try("POST", "/v1/reports", speakers, nil, "")
		}
	})
	folder := filepath.Join(t.TempDir(), "copy")
	out, err := call(t, "backup", folder, "--store=sqlite:"+store)
	stop.Store(true)
	filing.Wait()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := call(t, "backup", "verify", folder); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := call(t, "backup", folder, "--store=sqlite:"+store); err == nil {
		t.Error("a copy was written over")
	}
	elsewhere := filepath.Join(t.TempDir(), "balagh.db")
	if out, err := call(t, "backup", "restore", folder, "--store=sqlite:"+elsewhere); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := call(t, "backup", "restore", folder, "--store=sqlite:"+elsewhere); err == nil {
		t.Error("a store was written over")
	}
	secret, err := os.ReadFile(filepath.Join(filepath.Dir(store), "development.secret"))
	if err != nil {
		t.Fatal(err)
	}
	again := installAt(t, func(s *settings) { s.Store, s.Secret = "sqlite:"+elsewhere, string(secret) })
	back := &client{i: again, t: t, token: c.token}
	r := back.do("GET", "/v1/reports/"+first.str("id"), nil).want(200)
	if r.str("number") != first.str("number") {
		t.Errorf("the report came back as %s", r.body)
	}
	back.do("GET", r.str("photos", 0, "url"), nil).want(200)

	damaged := filepath.Join(folder, backupStore)
	f, err := os.OpenFile(damaged, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("damage"), 5000)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, "backup", "verify", folder); err == nil {
		t.Error("a damaged copy passes")
	}
}

// TestStop: stopped in the middle of its work, the server answers every request that it has taken, and each of those reports is there.
func TestStop(t *testing.T) {
	t.Parallel()
	s, _ := serverProcess(t)
	var filed sync.Map
	var n atomic.Int64
	enough := make(chan struct{})
	var load sync.WaitGroup
	var people []*client
	for k := range 4 {
		c := s.citizen("+96650000007" + string(rune('0'+k)))
		people = append(people, c)
		load.Go(func() {
			for {
				var r struct{ ID string }
				if !c.try("POST", "/v1/reports", speakers, &r, "") {
					return // the first refused connection
				}
				filed.Store(r.ID, c)
				if n.Add(1) == 100 {
					close(enough)
				}
			}
		})
	}
	<-enough
	s.signal(syscall.SIGTERM)
	load.Wait()
	s.start()
	there := map[string]bool{}
	for _, c := range people {
		for cursor := ""; ; {
			page := c.do("GET", "/v1/reports?limit=100"+cursor, nil).want(200)
			for k := range page.len("items") {
				there[page.str("items", k, "id")] = true
			}
			if page.str("next") == "" {
				break
			}
			cursor = "&cursor=" + page.str("next")
		}
	}
	acknowledged := 0
	filed.Range(func(id, _ any) bool {
		acknowledged++
		if !there[id.(string)] {
			t.Errorf("report %v is gone", id)
		}
		return true
	})
	if len(there) != acknowledged {
		t.Errorf("%d were answered, %d are there: some were taken and not answered", acknowledged, len(there))
	}
}

// TestStop_MuteConnections: connections that were opened in advance, and one that is kept alive, hold nothing up.
func TestStop_MuteConnections(t *testing.T) {
	t.Parallel()
	i := install(t, func(s *settings) { s.ShutdownTime = 10 * time.Second })
	for range 3 {
		c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	(&client{i: i, t: t}).do("GET", "/healthz", nil).want(200)
	i.stop() // fails the test when requests are still under way after the time given
}

// TestLog_NoPersonalData looks through everything that a day's work writes to the log of a server that is not in development.
func TestLog_NoPersonalData(t *testing.T) {
	t.Parallel()
	i := install(t, func(s *settings) { s.Dev = true })
	i.log.mu.Lock()
	i.log.b.Reset()
	i.log.mu.Unlock()
	officer := i.staff(actor.Supervisor, "*", "*")
	c := i.citizen("+966500000081")
	filed := c.do("POST", "/v1/reports", speakers).want(201)
	c.do("POST", "/v1/reports", strings.Replace(speakers, "24.7136", "91", 1)).want(422)
	officer.do("GET", "/v1/desk/reports?q="+filed.str("number"), nil).want(200)
	officer.do("POST", "/v1/desk/reports/"+filed.str("id")+"/transitions", map[string]any{"to": "assigned", "note": "ملاحظة"}).want(200)
	c.do("GET", "/v1/reports/"+filed.str("id"), nil, "If-None-Match", `"x"`).want(200)
	officer.do("GET", "/v1/desk/callers?phone=%2B966500000081", nil).want(200)
	officer.do("GET", "/v1/desk/callers?number="+filed.str("number"), nil).want(200)
	officer.do("GET", "/v1/desk/nearby?latitude=24.71&longitude=46.67&q=%D9%85%D9%83%D8%A8%D8%B1", nil).want(200)
	for line := range strings.Lines(i.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("not JSON: %s", line)
		}
		if entry["msg"] == "sms (development)" {
			continue
		}
		for _, secret := range []string{"966500000081", "00081", "مكبر", "24.71", "46.67", c.token, filed.str("number"), filed.str("id"), "ملاحظة", "127.0.0.1", staffPassword} {
			if strings.Contains(line, secret) && entry["msg"] != "listening" {
				t.Errorf("%q is in the log: %s", secret, line)
			}
		}
	}
}

// TestMetrics_NoPersonalData: what is counted names nobody, and what should be counted is.
func TestMetrics(t *testing.T) {
	t.Parallel()
	i := install(t)
	c := i.citizen("+966500000082")
	filed := c.do("POST", "/v1/reports", speakers).want(201)
	c.do("GET", "/v1/reports/"+filed.str("id"), nil).want(200)
	eventually(t, "the event is handed on", func() bool {
		m := string((&client{i: i, t: t}).do("GET", "/metrics", nil).want(200).body)
		return strings.Contains(m, "balagh_event_seconds_count 1")
	})
	m := string((&client{i: i, t: t}).do("GET", "/metrics", nil).want(200).body)
	for _, want := range []string{`balagh_request_seconds_count{operation="fileReport",status="201"} 1`, "balagh_commit_writes_count", "balagh_relay_lag_seconds 0", "balagh_relay_pending 0"} {
		if !strings.Contains(m, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	for _, secret := range []string{"966500000082", filed.str("id"), filed.str("number")} {
		if strings.Contains(m, secret) {
			t.Errorf("%q is in the metrics", secret)
		}
	}
	if r := (&client{i: i, t: t}).do("GET", "/readyz", nil).want(200); r.str("checks", "store") != "ok" || r.str("checks", "bucket") != "ok" || r.str("checks", "relay") != "ok" {
		t.Errorf("ready: %s", r.body)
	}
	for _, path := range []string{"/healthz", "/.well-known/jwks.json"} {
		(&client{i: i, t: t}).do("GET", path, nil).want(200)
	}
	for _, path := range []string{"/openapi.yaml", "/docs"} { // they show the contract and are not in it
		res, err := http.Get(i.url + path)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

// TestVersion prints something.
func TestVersion(t *testing.T) {
	t.Parallel()
	if out, err := call(t, "version"); err != nil || !strings.HasPrefix(out, "balagh ") {
		t.Errorf("%q, %v", out, err)
	}
}
