package fcm_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/demo/standin"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/fcm"
	"github.com/balagh/balagh/store/teststore"
)

const asStandIn = "BALAGH_TEST_AS_STANDIN"

// TestMain makes the test binary the stand-in when it is asked to be: FCM is always another process.
func TestMain(m *testing.M) {
	if os.Getenv(asStandIn) != "" {
		if err := standin.Run(context.Background(), "127.0.0.1:0", standin.Options{Out: os.Stdout, Journal: os.Getenv(asStandIn)}); err != nil {
			panic(err)
		}
		return
	}
	teststore.Main(m)
}

// fake is a stand-in for FCM in a process of its own.
type fake struct {
	url     string
	journal string
	kill    func()
}

func startFCM(t testing.TB) *fake {
	t.Helper()
	journal := filepath.Join(t.TempDir(), "journal")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asStandIn+"="+journal)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return &fake{url: strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), journal: journal, kill: kill}
}

func (f *fake) fail(t testing.TB, fault standin.Fault) {
	t.Helper()
	b, err := json.Marshal(fault)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(f.url+"/control", "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("control: %s", resp.Status)
	}
}

func get[T any](t *testing.T, url string) (v T) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (f *fake) received(t *testing.T, token string) []standin.Message {
	t.Helper()
	return get[struct{ Messages []standin.Message }](t, f.url+"/received?token="+token).Messages
}

func (f *fake) requests(t *testing.T) int {
	t.Helper()
	return get[standin.Stats](t, f.url+"/stats").Requests
}

func (f *fake) client(t *testing.T) *fcm.Client {
	t.Helper()
	c, err := fcm.New(t.Context(), fcm.Config{ProjectID: "demo", Endpoint: f.url + "/v1", Workers: 8})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func notice(token string) push.Notice {
	return push.Notice{ID: "0193fa66-0000-8000-8000-000000000000", Kind: push.Resolved, Report: "0193fa66-0000-7000-8000-000000000001", Number: "1234567890",
		To: token, Device: push.Device{ID: "phone", Token: token, Platform: "android"}, Language: "ar", Text: push.Render(push.Resolved, "ar", "1234567890"), TTL: 24 * time.Hour}
}

func TestClient_Send(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	o := f.client(t).Send(t.Context(), notice("phone-1"))
	if o.Answer != push.Taken || !strings.HasPrefix(o.Ref, "projects/demo/messages/") {
		t.Fatalf("outcome %+v", o)
	}
	got := f.received(t, "phone-1")
	if len(got) != 1 {
		t.Fatalf("received %+v", got)
	}
	want := map[string]string{"notification_id": "0193fa66-0000-8000-8000-000000000000", "report_id": "0193fa66-0000-7000-8000-000000000001",
		"report_number": "1234567890", "kind": "resolved"}
	for k, v := range want {
		if got[0].Data[k] != v {
			t.Errorf("data %s = %q; want %q", k, got[0].Data[k], v)
		}
	}
	if len(got[0].Data) != len(want) || got[0].Notification["title"] != "تمت معالجة بلاغك" ||
		!strings.Contains(got[0].Notification["body"].(string), "\u20681234567890\u2069") {
		t.Errorf("received %+v", got[0])
	}
}

// Each fault of FCM is exactly one request, is understood, and passes.
func TestClient_Send_faults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault standin.Fault
		token string
		want  push.Outcome
	}{
		{"500", standin.Fault{Status: 500}, "a", push.Outcome{Reason: "unavailable"}},
		{"502", standin.Fault{Status: 502}, "a", push.Outcome{Reason: "unavailable"}},
		{"503", standin.Fault{Status: 503}, "a", push.Outcome{Reason: "unavailable"}},
		{"503 with Retry-After", standin.Fault{Status: 503, RetryAfter: "20"}, "a", push.Outcome{Reason: "unavailable", After: 20 * time.Second}},
		{"503 with nonsense", standin.Fault{Status: 503, RetryAfter: "-1"}, "a", push.Outcome{Reason: "unavailable"}},
		{"429", standin.Fault{Status: 429}, "a", push.Outcome{Answer: push.Throttled, Reason: "throttled"}},
		{"429 with Retry-After", standin.Fault{Status: 429, RetryAfter: "90"}, "a", push.Outcome{Answer: push.Throttled, Reason: "throttled", After: 90 * time.Second}},
		{"401", standin.Fault{Status: 401}, "a", push.Outcome{Reason: "credentials"}},
		{"cut", standin.Fault{Mode: "cut"}, "a", push.Outcome{Reason: "unavailable"}},
		{"hang", standin.Fault{Mode: "hang"}, "a", push.Outcome{Reason: "unavailable"}},
		{"garbage", standin.Fault{Mode: "garbage"}, "a", push.Outcome{Reason: "unintelligible"}},
		{"dead token", standin.Fault{}, "dead-1", push.Outcome{Answer: push.Gone, Reason: "unregistered"}},
		{"foreign token", standin.Fault{}, "foreign-1", push.Outcome{Answer: push.Foreign, Reason: "sender_id_mismatch"}},
		{"bad token", standin.Fault{}, "bad-1", push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := startFCM(t)
			client := f.client(t)
			c.fault.Count = 1
			f.fail(t, c.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if c.fault.Mode == "hang" {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
			}
			defer cancel()
			if got := client.Send(ctx, notice(c.token)); got != c.want {
				t.Errorf("outcome %+v; want %+v", got, c.want)
			}
			if n := f.requests(t); n != 1 {
				t.Errorf("%d requests; want 1", n)
			}
			if got := client.Send(t.Context(), notice("fine")); got.Answer != push.Taken {
				t.Errorf("after the fault: %+v", got)
			}
		})
	}
}

func TestClient_Send_outOfReach(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	c := f.client(t)
	f.kill()
	if o := c.Send(t.Context(), notice("a")); o != (push.Outcome{Reason: "unavailable"}) {
		t.Errorf("outcome %+v", o)
	}
}

// A page of a proxy that says 404 or 400 must cost no token and no message.
func TestClient_Send_wrongServer(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	c, err := fcm.New(t.Context(), fcm.Config{ProjectID: "demo", Endpoint: f.url + "/elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	if o := c.Send(t.Context(), notice("a")); o.Answer != push.Later || o.Reason != "unintelligible" {
		t.Errorf("outcome %+v", o)
	}
}

func TestClient_Send_tooLarge(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	n := notice("a")
	n.Text.Body = strings.Repeat("ب", 2048)
	if o := f.client(t).Send(t.Context(), n); o.Answer != push.Refused || o.Reason != "payload_too_large" {
		t.Errorf("outcome %+v", o)
	}
	if n := f.requests(t); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		name string
		conf fcm.Config
		want string
	}{
		{"no project", fcm.Config{Endpoint: "http://127.0.0.1:1/v1"}, "BALAGH_FCM_PROJECT"},
		{"no project in the file", fcm.Config{CredentialsFile: file("nameless", string(serviceAccount(t, "")))}, "BALAGH_FCM_PROJECT"},
		{"no address", fcm.Config{ProjectID: "demo", Endpoint: "127.0.0.1:1"}, "BALAGH_FCM_ENDPOINT: the endpoint must be"},
		{"no file", fcm.Config{ProjectID: "demo", CredentialsFile: filepath.Join(dir, "none")}, "BALAGH_FCM_CREDENTIALS: the service account cannot be read"},
		{"a folder", fcm.Config{ProjectID: "demo", CredentialsFile: dir}, "BALAGH_FCM_CREDENTIALS: the service account cannot be read"},
		{"no JSON", fcm.Config{ProjectID: "demo", CredentialsFile: file("text", "hello")}, "is no JSON"},
		{"the application's JSON", fcm.Config{ProjectID: "demo", CredentialsFile: file("other", `{"project_info":{}}`)}, "is not a service account"},
		{"a person's JSON", fcm.Config{ProjectID: "demo", CredentialsFile: file("person", `{"type":"authorized_user"}`)}, `type "authorized_user"`},
		{"half a service account", fcm.Config{ProjectID: "demo", CredentialsFile: file("half", `{"type":"service_account","project_id":"demo"}`)},
			"BALAGH_FCM_CREDENTIALS: the credentials in"},
	} {
		if _, err := fcm.New(t.Context(), c.conf); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q in it", c.name, err, c.want)
		}
	}
}

// serviceAccount is one that is in order but for its project.
func serviceAccount(t *testing.T, project string) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]string{"type": "service_account", "project_id": project, "private_key_id": "1", "client_id": "1",
		"client_email": "push@demo.iam.gserviceaccount.com", "token_uri": "http://127.0.0.1:1/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNew_ambient(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none"))
	if _, err := fcm.New(t.Context(), fcm.Config{ProjectID: "demo"}); err == nil || !strings.Contains(err.Error(), "set BALAGH_FCM_CREDENTIALS") {
		t.Errorf("without ambient credentials: %v", err)
	}
}

func TestNew_serviceAccount(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, serviceAccount(t, "demo"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := fcm.New(t.Context(), fcm.Config{CredentialsFile: file}) // the project is the file's
	if err != nil {
		t.Fatal(err)
	}
	if o := c.Send(t.Context(), notice("a")); o != (push.Outcome{Reason: "unavailable"}) { // no token can be had for the account
		t.Errorf("outcome %+v", o)
	}
}

func TestNew_emulator(t *testing.T) {
	t.Setenv("FIREBASE_AUTH_EMULATOR_HOST", "localhost:9099")
	c := fcm.Config{ProjectID: "demo", Endpoint: "http://127.0.0.1:1/v1"}
	if _, err := fcm.New(t.Context(), c); !errors.Is(err, fcm.ErrEmulator) {
		t.Errorf("outside development: %v", err)
	}
	c.Dev = true
	if _, err := fcm.New(t.Context(), c); err != nil {
		t.Errorf("in development: %v", err)
	}
}

// The app opens a survey by its id, and nobody is woken for one.
func TestClient_Send_survey(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	n := notice("phone-1")
	n.Kind, n.Report, n.Number, n.Survey = push.SurveyInvitation, "", "", "0193fa66-0000-8000-8000-000000000002"
	if o := f.client(t).Send(t.Context(), n); o.Answer != push.Taken {
		t.Fatalf("outcome %+v", o)
	}
	got := f.received(t, "phone-1")
	if len(got) != 1 || got[0].Data["survey_id"] != n.Survey || got[0].Data["kind"] != "survey_invitation" {
		t.Errorf("received %+v", got)
	}
}
