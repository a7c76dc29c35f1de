package standin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs a stand-in on a real socket and gives its address.
func start(t *testing.T, o Options) string {
	t.Helper()
	r, w := io.Pipe()
	o.Out = w
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, "127.0.0.1:0", o) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

func post(t *testing.T, url, body string) (int, http.Header, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

const sendPath = "/v1/projects/demo/messages:send"

func TestServer_Send(t *testing.T) {
	t.Parallel()
	url := start(t, Options{})
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"token", `{"message":{"token":"a","data":{"k":"v"},"notification":{"title":"t","body":"b"},"android":{"priority":"high","ttl":"86400s"},` +
			`"apns":{"headers":{"apns-priority":"10"},"payload":{"aps":{"sound":"default"}}}}}`, 200, `"name":"projects/demo/messages/`},
		{"topic", `{"message":{"topic":"news"}}`, 200, `"name"`},
		{"snake and camel", `{"validate_only":true,"message":{"token":"a","android":{"collapse_key":"x","restrictedPackageName":"y"}}}`, 200, `"name"`},
		{"no JSON", `hello`, 400, "INVALID_ARGUMENT"},
		{"no message", `{}`, 400, "INVALID_ARGUMENT"},
		{"no target", `{"message":{"data":{}}}`, 400, "Exactly one"},
		{"two targets", `{"message":{"token":"a","topic":"b"}}`, 400, "Exactly one"},
		{"unknown field", `{"message":{"token":"a","colour":"red"}}`, 400, `Unknown name \"colour\" at 'message'`},
		{"unknown inner field", `{"message":{"token":"a","android":{"notification":{"x":1}}}}`, 400, "android.notification"},
		{"data is not text", `{"message":{"token":"a","data":{"k":1}}}`, 400, "wrong type"},
		{"reserved key", `{"message":{"token":"a","data":{"from":"x"}}}`, 400, "reserved"},
		{"priority", `{"message":{"token":"a","android":{"priority":"urgent"}}}`, 400, "NORMAL or HIGH"},
		{"ttl", `{"message":{"token":"a","android":{"ttl":"1h"}}}`, 400, "seconds"},
		{"too big", `{"message":{"token":"a","data":{"k":"` + strings.Repeat("x", 4096) + `"}}}`, 400, "too big"},
		{"too big for a topic", `{"message":{"topic":"a","data":{"k":"` + strings.Repeat("x", 2048) + `"}}}`, 400, "too big"},
		{"nulls", `{"message":{"token":"a","topic":null,"data":null,"android":null,"apns":{"payload":null}},"validateOnly":null}`, 200, `"name"`},
		{"list", `[]`, 400, "an object is wanted"},
		{"list within", `{"message":{"token":"a","android":[]}}`, 400, "message.android"},
		{"token is no text", `{"message":{"token":7}}`, 400, "wrong type"},
		{"headers are no text", `{"message":{"token":"a","apns":{"headers":{"apns-priority":10}}}}`, 400, "wrong type"},
		{"busy phone", `{"message":{"token":"busy-1"}}`, 429, "google.rpc.QuotaFailure"},
		{"dead token", `{"message":{"token":"dead-1"}}`, 404, "UNREGISTERED"},
		{"foreign token", `{"message":{"token":"foreign-1"}}`, 403, "SENDER_ID_MISMATCH"},
		{"bad token", `{"message":{"token":"bad-1"}}`, 400, "google.firebase.fcm.v1.FcmError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := post(t, url+sendPath, c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%d %s; want %d with %s", status, body, c.status, c.want)
			}
		})
	}
	if status, _, _ := post(t, url+"/v1/projects/demo/messages:other", `{}`); status != 404 {
		t.Errorf("another call: %d", status)
	}
}

func TestServer_Control(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	url := start(t, Options{Journal: journal})
	if status, _, _ := post(t, url+"/control", `{"status":503,"retry_after":"7","count":2}`); status != http.StatusNoContent {
		t.Fatalf("control: %d", status)
	}
	for i, want := range []int{503, 503, 200, 200} {
		status, h, body := post(t, url+sendPath, `{"message":{"token":"a","data":{"n":"1"}}}`)
		if status != want || want == 503 && (h.Get("Retry-After") != "7" || !strings.Contains(body, `"UNAVAILABLE"`)) {
			t.Errorf("%d: %d %v %s; want %d", i, status, h, body, want)
		}
	}
	for _, bad := range []string{`{"status":200}`, `{"mode":"laugh"}`, `{"for":"soon"}`, `{"other":1}`, `{"count":-1}`, `{"status":503,"share":2}`} {
		if status, _, _ := post(t, url+"/control", bad); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
	resp, err := http.Get(url + "/received?token=a&after=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct{ Messages []Message }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || len(got.Messages) != 1 || got.Messages[0].Data["n"] != "1" {
		t.Errorf("received %+v, %v; want the second alone", got, err)
	}
	b, err := os.ReadFile(journal)
	if err != nil || strings.Count(string(b), "\n") != 2 {
		t.Errorf("journal %q, %v; want two lines", b, err)
	}
	stats, err := http.Get(url + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer stats.Body.Close()
	var st Stats
	if err := json.NewDecoder(stats.Body).Decode(&st); err != nil || st.Requests != 4 || st.Accepted != 2 {
		t.Errorf("stats %+v, %v; want 4 requests, 2 accepted", st, err)
	}
}

func get(t *testing.T, url string, v any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// What a phone would show twice is counted by phone and message, whatever else the request holds.
func TestServer_duplicates(t *testing.T) {
	t.Parallel()
	url := start(t, Options{})
	for _, body := range []string{`{"message":{"token":"a","data":{"notification_id":"1"}}}`, `{"message":{"token":"b","data":{"notification_id":"1"}}}`,
		`{"message":{"topic":"a","data":{"notification_id":"1"}}}`, `{"message":{"token":"a","data":{"notification_id":"2"}}}`,
		`{"message":{"data":{"x":"\"","notification_id":"\u0031"},"token":"a"}}`, `{"message":{"token":"a"}}`, `{"message":{"token":"a"}}`,
		`{"validate_only":true,"message":{"token":"a","data":{"notification_id":"1"}}}`} {
		if status, _, answer := post(t, url+sendPath, body); status != http.StatusOK {
			t.Fatalf("%s: %d %s", body, status, answer)
		}
	}
	var st Stats
	if get(t, url+"/stats", &st); st.Accepted != 7 || st.Unique != 4 || st.Duplicates != 1 {
		t.Errorf("stats %+v; want 7 accepted, 4 unique, 1 duplicate", st)
	}
}

func TestServer_share(t *testing.T) {
	t.Parallel()
	url := start(t, Options{})
	if status, _, _ := post(t, url+"/control", `{"status":500,"share":0.5}`); status != http.StatusNoContent {
		t.Fatalf("control: %d", status)
	}
	for range 200 {
		post(t, url+sendPath, `{"message":{"token":"a"}}`)
	}
	var st Stats
	if get(t, url+"/stats", &st); st.Accepted < 50 || st.Accepted > 150 {
		t.Errorf("%d of 200 accepted; want about half", st.Accepted)
	}
}

// The journal has one line for each message, however the request was laid out.
func TestServer_journal(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	url := start(t, Options{Journal: journal})
	post(t, url+sendPath, "{\r\n \"message\": {\"token\": \"a\",\n \"data\": {\n \"k\" : \"v\\n\"\n}, \"notification\": {\"title\":\n\"t\"}}}")
	b, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	var m Message
	if err := json.Unmarshal(b, &m); err != nil || bytes.Count(b, []byte("\n")) != 1 || m.Token != "a" || m.Data["k"] != "v\n" ||
		m.Notification["title"] != "t" || m.At.IsZero() {
		t.Errorf("journal %q, %v", b, err)
	}
	var got struct{ Messages []Message }
	if get(t, url+"/received?token=a", &got); len(got.Messages) != 1 || got.Messages[0].Name != m.Name {
		t.Errorf("received %+v; want what the journal has", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"message":{"token":"a"}}`, `{"message":null}`, `[]`, `{"message":{"android":[]}}`, `{"_":{"__a_":1}}`,
		`{"message":{"token":"a","apns":{"payload":{"aps":{}}}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, bad := parse(b)
		if bad != nil {
			return
		}
		var want struct {
			Message struct{ Token, Topic, Condition string }
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Errorf("%q was accepted: %v", b, err)
		}
		line, err := m.line([]byte(`"name"`), time.Now())
		if err != nil || bytes.Count(line, []byte("\n")) != 1 || json.Unmarshal(line, new(Message)) != nil {
			t.Errorf("%q makes the line %q, %v", b, line, err)
		}
		if m.token == "" && m.topic == "" && m.condition == "" {
			t.Errorf("%q was accepted without a target", b)
		}
	})
}
