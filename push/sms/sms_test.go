package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/balagh/balagh/push"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const body = `{"recipients":["{to}"],"body":"{text}","sender":"Balagh","flash":false,"n":1}`

var notice = push.Notice{ID: "m", Delivery: "d-1", To: "+966512345678", Text: push.Text{Title: "t", Body: "hello"}}

// gateway is a Gateway to a server on a real socket, which waits for nothing between attempts.
func gateway(t *testing.T, c Config, h http.HandlerFunc) *Gateway {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c.URL, c.Dev = s.URL+"/send?key=secret", true
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.client.CloseIdleConnections)
	g.wait = func(context.Context, time.Duration) error { return nil }
	return g
}

func TestGateway_SendCode(t *testing.T) {
	t.Parallel()
	var got map[string]any
	g := gateway(t, Config{Key: "token", Body: body}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(b, &got); err != nil {
			t.Error(err)
		}
		if r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
		w.WriteHeader(http.StatusCreated)
	})
	if err := g.SendCode(t.Context(), "+966512345678", "ar", "012345"); err != nil {
		t.Fatal(err)
	}
	if to := got["recipients"].([]any)[0]; to != "966512345678" || got["body"] != CodeText("ar", "012345") || got["flash"] != false || got["n"] != 1.0 {
		t.Errorf("the gateway got %v", got)
	}
}

// What a person may have typed cannot change the shape of the request.
func TestGateway_Send_quotes(t *testing.T) {
	t.Parallel()
	n := notice
	n.Text.Body = "\"},{text}{to}{key}\n\\&to=1"
	g := gateway(t, Config{Body: body}, func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]any
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m["body"] != n.Text.Body || len(m) != 5 || r.Header["Authorization"] != nil {
			t.Errorf("%v, %v, %v", m, err, r.Header)
		}
	})
	if o := g.Send(t.Context(), n); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
	u := gateway(t, Config{Profile: "unifonic", Key: "k", Sender: "S"}, func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("Body") != n.Text.Body || r.PostFormValue("to") != "" {
			t.Errorf("%v", r.PostForm)
		}
		_, _ = w.Write([]byte(`{"success":"true","data":{"MessageID":1}}`))
	})
	if o := u.Send(t.Context(), n); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
}

func TestGateway_SendCode_faults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []int // 0: the connection is cut
		tries   int32
		ok      bool
	}{
		{"once 500", []int{500, 200}, 2, true},
		{"twice cut", []int{0, 0, 204}, 3, true},
		{"down", []int{503, 502, 500, 200}, 3, false},
		{"refused", []int{400, 200}, 1, false},
		{"not allowed", []int{401, 200}, 1, false},
		{"throttled", []int{429, 200}, 1, false},
		{"redirect", []int{302, 302, 302}, 3, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			g := gateway(t, Config{Key: "secret"}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("a redirect was followed")
				}
				a := c.answers[n.Add(1)-1]
				if a == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(a)
			})
			err := g.SendCode(t.Context(), "+966512345678", "en", "012345")
			if (err == nil) != c.ok || n.Load() != c.tries {
				t.Errorf("%v after %d tries; want ok %t after %d", err, n.Load(), c.ok, c.tries)
			}
			if err != nil && (strings.Contains(err.Error(), "9665") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "012345")) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// One Send is one request, whatever the answer.
func TestGateway_Send_answers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, profile string
		status        int // 0: the connection is cut
		body          string
		want          push.Outcome
	}{
		{"taken", "generic", 200, `{"id":"7"}`, push.Outcome{Answer: push.Taken, Ref: "7"}},
		{"taken, without a name", "generic", 204, ``, push.Outcome{Answer: push.Taken}},
		{"cut", "generic", 0, ``, push.Outcome{Reason: "unreachable"}},
		{"out of order", "generic", 503, ``, push.Outcome{Reason: "unavailable", After: 7 * time.Second}},
		{"throttled", "generic", 429, ``, push.Outcome{Answer: push.Throttled, Reason: "throttled", After: 7 * time.Second}},
		{"wrong key", "generic", 401, ``, push.Outcome{Reason: "unauthorized", After: 7 * time.Second}},
		{"a proxy's 404", "generic", 404, `<html>`, push.Outcome{Reason: "unavailable", After: 7 * time.Second}},
		{"refused", "generic", 400, ``, push.Outcome{Answer: push.Refused, Reason: "refused"}},
		{"redirect", "generic", 302, ``, push.Outcome{Reason: "unintelligible"}},

		{"taken", "unifonic", 200, `{"success":true,"message":"","errorCode":"ER-00","data":{"MessageID":42000348806924,"Status":"Sent"}}`,
			push.Outcome{Answer: push.Taken, Ref: "42000348806924"}},
		{"taken, in words", "unifonic", 200, `{"success":"true","errorCode":"ER-00","data":{"MessageID":"5"}}`, push.Outcome{Answer: push.Taken, Ref: "5"}},
		{"too short", "unifonic", 200, `{"success":false,"message":"Dest num is too short","errorCode":"ER-04","data":{}}`,
			push.Outcome{Answer: push.Refused, Reason: "bad_number", After: 7 * time.Second}},
		{"no such number", "unifonic", 482, `{"success":"false","errorCode":"ER-482"}`, push.Outcome{Answer: push.Refused, Reason: "bad_number", After: 7 * time.Second}},
		{"sender not ours", "unifonic", 480, ``, push.Outcome{Reason: "unauthorized", After: 7 * time.Second}},
		{"too long", "unifonic", 412, ``, push.Outcome{Answer: push.Refused, Reason: "refused"}},
		{"too many", "unifonic", 200, `{"success":"false","errorCode":"ER-429"}`, push.Outcome{Answer: push.Throttled, Reason: "throttled", After: 7 * time.Second}},
		{"an error of no list", "unifonic", 200, `{"success":"false","errorCode":"ER-777"}`, push.Outcome{Reason: "not_accepted", After: 7 * time.Second}},
		{"a page", "unifonic", 200, `<html>success</html>`, push.Outcome{Reason: "unintelligible"}},
		{"cut off", "unifonic", 200, `{"success":true`, push.Outcome{Reason: "unintelligible"}},
		{"endless", "unifonic", 200, `{"success":true,"x":"` + strings.Repeat("x", maxAnswer) + `"}`, push.Outcome{Reason: "unintelligible"}},

		{"taken", "taqnyat", 201, `{"statusCode":201,"messageId":5452899970,"accepted":"[966512345678,]","rejected":"[]"}`,
			push.Outcome{Answer: push.Taken, Ref: "5452899970"}},
		{"rejected", "taqnyat", 201, `{"statusCode":201,"messageId":5452899970,"accepted":"[]","rejected":"[966512345678,]"}`,
			push.Outcome{Answer: push.Refused, Reason: "bad_number", After: 7 * time.Second}},
		{"wrong token", "taqnyat", 401, `{"statusCode":401,"message":"invalid credentials information."}`, push.Outcome{Reason: "unauthorized", After: 7 * time.Second}},
		{"sender not active", "taqnyat", 400, `{"statusCode":400,"message":"Sender Name not active ."}`, push.Outcome{Reason: "unauthorized", After: 7 * time.Second}},
		{"wrong", "taqnyat", 400, `{"statusCode":400,"message":"?"}`, push.Outcome{Answer: push.Refused, Reason: "refused"}},
	} {
		t.Run(c.profile+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			g := gateway(t, Config{Profile: c.profile, Key: "k", Sender: "S"}, func(w http.ResponseWriter, _ *http.Request) {
				n.Add(1)
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			if o := g.Send(t.Context(), notice); o != c.want || n.Load() != 1 {
				t.Errorf("%+v after %d requests, want %+v after 1", o, n.Load(), c.want)
			}
		})
	}
}

// What the ready profiles send is what the gateways' documentation shows.
func TestGateway_Send_profiles(t *testing.T) {
	t.Parallel()
	u := gateway(t, Config{Profile: "unifonic", Key: "app", Sender: "Balagh"}, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		want := url.Values{"AppSid": {"app"}, "SenderID": {"Balagh"}, "Recipient": {"966512345678"}, "Body": {"hello"}, "CorrelationID": {"d-1"}, "responseType": {"JSON"}}
		if r.PostForm.Encode() != want.Encode() || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Method != http.MethodPost {
			t.Errorf("%s %v %v", r.Method, r.Header, r.PostForm)
		}
	})
	u.Send(t.Context(), notice)
	q := gateway(t, Config{Profile: "taqnyat", Key: "tok", Sender: "Balagh"}, func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if string(b) != `{"body":"hello","recipients":["966512345678"],"sender":"Balagh"}` || r.Header.Get("Authorization") != "Bearer tok" {
			t.Errorf("%v %s", r.Header, b)
		}
	})
	q.Send(t.Context(), notice)
}

func TestGateway_Send_get(t *testing.T) {
	t.Parallel()
	g := gateway(t, Config{}, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.RawQuery != "key=secret&m=hello&n=966512345678" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
	})
	p, err := parseProfile("p", []byte(`{"method":"GET","form":{"m":"{text}","n":"{to}"},"success":{"statuses":["200"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	g.profile = p
	if o := g.Send(t.Context(), notice); o.Answer != push.Taken {
		t.Errorf("%+v", o)
	}
}

func TestGateway_Send_badNotice(t *testing.T) {
	t.Parallel()
	g := gateway(t, Config{}, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for want, n := range map[string]push.Notice{
		"bad_number": {To: "0512345678", Text: push.Text{Body: "x"}},
		"bad_text":   {To: "+966512345678"},
	} {
		if o := g.Send(t.Context(), n); o.Answer != push.Refused || o.Reason != want {
			t.Errorf("%+v, want %s", o, want)
		}
	}
}

func TestGateway_Send_timeout(t *testing.T) {
	t.Parallel()
	g := gateway(t, Config{Timeout: 20 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	if o := g.Send(t.Context(), notice); o != (push.Outcome{Reason: "timeout"}) {
		t.Errorf("%+v", o)
	}
}

func TestGateway_SendCode_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := gateway(t, Config{}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	if err := g.SendCode(ctx, "+966512345678", "en", "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]string{"+966512345678": "966512345678", "00966512345678": "966512345678", "0512345678": "", "966512345678": "",
		"+0512345678": "", "": "", "+9665123x5678": "", "+٩٦٦٥١٢٣٤٥٦٧٨": "", "+123": "", "+1234567890123456": ""} {
		if got, err := Number(phone); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", phone, got, err, want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add("+966512345678")
	f.Add("00")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Number(s)
		if err == nil && (len(n) < 7 || strings.Trim(n, "0123456789") != "") {
			t.Errorf("%q gives %q", s, n)
		}
	})
}

func TestCodeText(t *testing.T) {
	t.Parallel()
	for _, l := range []string{"ar", "en", "ur"} {
		x := CodeText(l, "012345")
		if n, _ := Segments(x); n != 1 || strings.Count(x, "012345") != 1 || strings.ContainsAny(x, "{}") || utf8.RuneCountInString(x) > 70 {
			t.Errorf("%s: %q is %d segments; want the code once within one", l, x, n)
		}
	}
	if CodeText("fr", "1") != CodeText("ar", "1") {
		t.Error("an unknown language is not Arabic")
	}
}

func TestDev_Texts(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	d := &Dev{Log: slog.New(slog.NewTextHandler(&log, nil))}
	const sent = 3 * devTexts
	for i := range sent {
		if err := d.SendCode(t.Context(), "+966512345678", "en", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	got := d.Texts()
	newest, oldest := strconv.Itoa(sent-1), CodeText("en", strconv.Itoa(sent-devTexts))
	if len(got) != devTexts || got[0].Text != CodeText("en", newest) || got[devTexts-1].Text != oldest || got[0].To != "+966512345678" || got[0].Code != newest {
		t.Errorf("%d texts, %+v … %+v", len(got), got[0], got[len(got)-1])
	}
	if !strings.Contains(log.String(), CodeText("en", "999")[:10]) || strings.Contains(log.String(), "96651234") {
		t.Error("the text is not in the log, or the number is in full")
	}
}

func TestDev_Send(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	d := &Dev{Now: func() time.Time { return at }}
	if o := d.Send(t.Context(), notice); o != (push.Outcome{Answer: push.Taken, Ref: "d-1"}) {
		t.Errorf("%+v", o)
	}
	if o := d.Send(t.Context(), push.Notice{To: "1"}); o.Answer != push.Refused {
		t.Errorf("%+v", o)
	}
	if got := d.Texts(); len(got) != 1 || got[0] != (Text{To: "+966512345678", Text: "hello", At: at}) {
		t.Errorf("%+v", got)
	}
}
