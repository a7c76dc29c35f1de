package sms

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

var (
	callSecret = []byte("0123456789abcdef")
	callTime   = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
)

func calledBack(t testing.TB, profile string) *Gateway {
	t.Helper()
	g, err := New(Config{Profile: profile, URL: "https://gateway.example", Key: "k", Sender: "S", CallbackSecret: string(callSecret)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func signed(s string) func(string) string {
	return func(name string) string {
		if name == "X-Balagh-Signature" {
			return s
		}
		return ""
	}
}

func TestGateway_Receipt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile, body, ref string
		state              push.State
		reason             string
	}{
		{"unifonic", `{"MessageID":42000348806924,"DLR":"Delivered","Recipient":"966512345678"}`, "42000348806924", push.Delivered, ""},
		{"unifonic", `{"MessageID":"42","DLR":"UNDELIVERABLE"}`, "42", push.Failed, "undelivered"},
		{"unifonic", `{"MessageID":"42","DLR":"Queued"}`, "42", "", ""},
		{"generic", `{"id":"a","status":"delivered"}`, "a", push.Delivered, ""},
		{"taqnyat", `{"id":"a","status":"a word of no list"}`, "a", "", ""},
	} {
		s := Sign(callSecret, []byte(c.body), callTime)
		r, err := calledBack(t, c.profile).Receipt(signed(s), []byte(c.body), callTime.Add(maxSkew))
		want := push.Receipt{Channel: push.ChannelSMS, Ref: c.ref, State: c.state, Reason: c.reason, At: callTime.Add(maxSkew), Once: s[len(s)-64:]}
		if err != nil || r != want {
			t.Errorf("%s %s: %+v, %v; want %+v", c.profile, c.body, r, err, want)
		}
	}
}

func TestGateway_Receipt_form(t *testing.T) {
	t.Parallel()
	g := calledBack(t, "generic")
	g.profile.Callback.Encoding, g.profile.Callback.Signature = "form", "X-Signed"
	b := []byte("status=Failed&id=a%20b")
	r, err := g.Receipt(func(name string) string {
		if name != "X-Signed" {
			t.Errorf("header %s", name)
		}
		return Sign(callSecret, b, callTime)
	}, b, callTime)
	if err != nil || r.Ref != "a b" || r.State != push.Failed {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestGateway_Receipt_refuses(t *testing.T) {
	t.Parallel()
	const b = `{"id":"a","status":"delivered"}`
	genuine := Sign(callSecret, []byte(b), callTime)
	g, closed := calledBack(t, "generic"), calledBack(t, "generic")
	closed.secret = nil
	for _, c := range []struct {
		name, header, body string
		g                  *Gateway
		at                 time.Time
		code               fault.Code
	}{
		{"genuine", genuine, b, g, callTime, ""},
		{"missing", "", b, g, callTime, fault.Unauthenticated},
		{"other secret", Sign([]byte("0123456789abcdeF"), []byte(b), callTime), b, g, callTime, fault.Unauthenticated},
		{"other body", genuine, strings.Replace(b, "a", "b", 1), g, callTime, fault.Unauthenticated},
		{"other time", strings.Replace(genuine, "t=1", "t=2", 1), b, g, callTime, fault.Unauthenticated},
		{"too old", genuine, b, g, callTime.Add(maxSkew + time.Second), fault.Unauthenticated},
		{"from the future", genuine, b, g, callTime.Add(-maxSkew - time.Second), fault.Unauthenticated},
		{"cut", genuine[:len(genuine)-2], b, g, callTime, fault.Unauthenticated},
		{"no hex", genuine[:len(genuine)-1] + "x", b, g, callTime, fault.Unauthenticated},
		{"nothing to compare", "t=1,v1=", b, g, callTime, fault.Unauthenticated},
		{"no secret configured", genuine, b, closed, callTime, fault.Unauthenticated},
		{"no JSON", Sign(callSecret, []byte("x"), callTime), "x", g, callTime, fault.Malformed},
		{"no id", Sign(callSecret, []byte(`{"status":"delivered"}`), callTime), `{"status":"delivered"}`, g, callTime, fault.Malformed},
		{"no status", Sign(callSecret, []byte(`{"id":"a","status":null}`), callTime), `{"id":"a","status":null}`, g, callTime, fault.Malformed},
		{"too large", Sign(callSecret, make([]byte, maxCall+1), callTime), string(make([]byte, maxCall+1)), g, callTime, fault.TooLarge},
	} {
		_, err := c.g.Receipt(signed(c.header), []byte(c.body), c.at)
		if fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
}

// The signature is what any other program computes, here OpenSSL.
func TestSign(t *testing.T) {
	t.Parallel()
	const want = "t=1795251600,v1=df175ee79773f63fc6f48a2630ca5eb9572531b6c3e457eb1d7e59ae8a3befad"
	if got := Sign(callSecret, []byte(`{"id":"a","status":"delivered"}`), callTime); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzGateway_Receipt(f *testing.F) {
	f.Add("t=1,v1=00", []byte(`{"MessageID":1,"DLR":"Delivered"}`))
	f.Add("t=-9223372036854775808,v1=", []byte(`[]`))
	g := calledBack(f, "unifonic")
	f.Fuzz(func(t *testing.T, header string, b []byte) {
		if _, err := g.Receipt(signed(header), b, callTime); !errors.Is(err, fault.New(fault.Unauthenticated)) && !errors.Is(err, fault.New(fault.TooLarge)) {
			t.Errorf("a forged one gives %v", err)
		}
		r, err := g.Receipt(signed(Sign(callSecret, b, callTime)), b, callTime)
		if err == nil && (r.Ref == "" || len(r.Ref) > maxRef || len(r.Once) != 64) {
			t.Errorf("%+v", r)
		}
	})
}
