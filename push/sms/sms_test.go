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
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

const body = `{"recipients":["{to}"],"body":"{text}","sender":"Balagh","flash":false,"n":1}`

// gateway is a Gateway to a server on a real socket, which waits for nothing between attempts.
func gateway(t *testing.T, h http.HandlerFunc) *Gateway {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	g, err := New(Config{URL: s.URL + "/send?key=secret", Token: "token", Headers: map[string]string{"X-App": "balagh"}, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	g.wait = func(context.Context, time.Duration) error { return nil }
	return g
}

func TestGateway_SendCode(t *testing.T) {
	t.Parallel()
	var got map[string]any
	g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(b, &got); err != nil {
			t.Error(err)
		}
		if r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("X-App") != "balagh" || r.Header.Get("Content-Type") != "application/json" {
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
	const text = "\"},{text}{to}\n\\"
	g := gateway(t, func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]any
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m["body"] != text || len(m) != 5 {
			t.Errorf("%v, %v", m, err)
		}
	})
	if err := g.Send(t.Context(), "+966512345678", text); err != nil {
		t.Fatal(err)
	}
}

func TestGateway_Send_faults(t *testing.T) {
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
		{"redirect", []int{302, 200}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
				a := c.answers[n.Add(1)-1]
				if a == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(a)
			})
			err := g.Send(t.Context(), "+966512345678", "hello")
			if (err == nil) != c.ok || n.Load() != c.tries {
				t.Errorf("%v after %d tries; want ok %t after %d", err, n.Load(), c.ok, c.tries)
			}
			if err != nil && (strings.Contains(err.Error(), "9665") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "hello")) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

func TestGateway_Send_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := gateway(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	if err := g.Send(ctx, "+966512345678", "hello"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"URL":      {URL: "gateway", Body: body},
		"not JSON": {URL: "https://gateway.example", Body: `{to} {text}`},
		"{to}":     {URL: "https://gateway.example", Body: `{"t":"{text}"}`},
		"{text}":   {URL: "https://gateway.example", Body: `{"t":"{to}"}`},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q in it", c, err, want)
		}
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
		if strings.Count(x, "012345") != 1 || strings.ContainsAny(x, "{}") || utf8.RuneCountInString(x) > 70 {
			t.Errorf("%s: %q has %d characters; want the code once within 70", l, x, utf8.RuneCountInString(x))
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
	for i := range 1000 {
		if err := d.SendCode(t.Context(), "+966512345678", "en", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	got := d.Texts()
	if len(got) != 200 || got[0].Text != CodeText("en", "999") || got[199].Text != CodeText("en", "800") || got[0].To != "+966512345678" || got[0].Code != "999" {
		t.Errorf("%d texts, %+v … %+v", len(got), got[0], got[len(got)-1])
	}
	if !strings.Contains(log.String(), CodeText("en", "999")[:10]) {
		t.Error("the text is not in the log")
	}
}
