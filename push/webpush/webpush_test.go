package webpush_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/webpush"
)

func TestClient_Send(t *testing.T) {
	t.Parallel()
	s := startService(t, nil)
	c := s.client(t)
	n := s.notice()
	n.Urgent, n.Collapse = true, "report:0193fa66"
	if o := c.Send(t.Context(), n); o != (push.Outcome{Answer: push.Taken, Ref: s.URL + "/m/1"}) {
		t.Fatalf("outcome %+v", o)
	}
	got := s.seen(t)
	if len(got) != 1 {
		t.Fatalf("received %+v", got)
	}
	g := got[0]
	if in := time.Until(time.Unix(g.claims.Exp, 0)); g.claims.Aud != s.URL || g.claims.Sub != "mailto:reports@balagh.example" || in <= 0 || in > 24*time.Hour {
		t.Errorf("claims %+v", g.claims)
	}
	if g.public != c.PublicKey() {
		t.Errorf("signed with %s; browsers were told %s", g.public, c.PublicKey())
	}
	if g.header.Get("TTL") != "86400" || g.header.Get("Urgency") != "high" || len(g.header.Get("Topic")) != 32 || strings.Trim(g.header.Get("Topic"),
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("header %v", g.header)
	}
	want := `{"title":"تمت معالجة بلاغك","body":` + quoted(t, n.Text.Body) + `,"lang":"ar","dir":"rtl","tag":"report:0193fa66","data":{` +
		`"notification_id":"0193fa66-0000-8000-8000-000000000000","report_id":"0193fa66-0000-7000-8000-000000000001","report_number":"1234567890","kind":"resolved"}}`
	if string(g.text) != want {
		t.Errorf("text %s\nwant %s", g.text, want)
	}
	if g.size != 4096 { // the length shows nothing
		t.Errorf("%d bytes", g.size)
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestClient_Send_plain(t *testing.T) {
	t.Parallel()
	s := startService(t, nil)
	n := s.notice()
	n.Language, n.TTL = "en", 365*24*time.Hour
	if o := s.client(t).Send(t.Context(), n); o.Answer != push.Taken {
		t.Fatalf("outcome %+v", o)
	}
	g := s.seen(t)[0]
	_, topic := g.header["Topic"]
	if g.header.Get("TTL") != "2419200" || g.header.Get("Urgency") != "normal" || topic {
		t.Errorf("header %v", g.header)
	}
	if !strings.Contains(string(g.text), `"dir":"ltr","tag":"`+n.ID+`"`) {
		t.Errorf("text %s", g.text)
	}
}

// Each answer is exactly one request.
func TestClient_Send_answers(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat)
	for _, k := range []struct {
		code        int
		after, body string
		want        push.Outcome
	}{
		{200, "", "", push.Outcome{Answer: push.Taken}},
		{202, "", "", push.Outcome{Answer: push.Taken}},
		{307, "", "", push.Outcome{Reason: "unintelligible"}},
		{400, "", `{"reason":"BadTtl"}`, push.Outcome{Answer: push.Refused, Reason: "invalid_request"}},
		{400, "", `{"reason":"VapidPkHashMismatch"}`, push.Outcome{Answer: push.Foreign, Reason: "vapid_refused"}},
		{401, "", `{"errno":109,"message":"Invalid VAPID token"}`, push.Outcome{Reason: "unauthorized"}},
		{401, "", `{"errno":109,"message":"VAPID public key mismatch"}`, push.Outcome{Answer: push.Foreign, Reason: "vapid_refused"}},
		{403, "", "the VAPID credentials do not correspond", push.Outcome{Answer: push.Foreign, Reason: "vapid_refused"}},
		{403, "", "permission denied: invalid JWT provided", push.Outcome{Reason: "unauthorized"}},
		{403, "", `{"reason":"BadJwtToken"}`, push.Outcome{Reason: "unauthorized"}},
		{404, "", "", push.Outcome{Answer: push.Gone, Reason: "unsubscribed"}},
		{410, "", "", push.Outcome{Answer: push.Gone, Reason: "unsubscribed"}},
		{413, "", "", push.Outcome{Answer: push.Refused, Reason: "payload_too_large"}},
		{418, "", "", push.Outcome{Reason: "unintelligible"}},
		{429, "", "", push.Outcome{Reason: "throttled"}},
		{429, "90", "", push.Outcome{Reason: "throttled", After: 90 * time.Second}},
		{429, soon, "", push.Outcome{Reason: "throttled", After: 30 * time.Minute}},
		{500, "", "", push.Outcome{Reason: "unavailable"}},
		{503, "20", "", push.Outcome{Reason: "unavailable", After: 20 * time.Second}},
		{503, "-1", "", push.Outcome{Reason: "unavailable"}},
		{503, "99999999999", "", push.Outcome{Reason: "unavailable", After: 24 * time.Hour}},
		{503, "soon", "", push.Outcome{Reason: "unavailable"}},
	} {
		s := startService(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", k.after)
			if k.code == http.StatusTemporaryRedirect {
				w.Header().Set("Location", "/elsewhere")
			}
			w.WriteHeader(k.code)
			_, _ = w.Write([]byte(k.body))
		})
		got := s.client(t).Send(t.Context(), s.notice())
		if k.after == soon && got.After > 29*time.Minute && got.After <= 30*time.Minute {
			got.After = 30 * time.Minute
		}
		if got != k.want {
			t.Errorf("%d %q %q: %+v; want %+v", k.code, k.after, k.body, got, k.want)
		}
		if len(s.seen(t)) != 1 || s.count() != 1 {
			t.Errorf("%d: %d requests", k.code, s.count())
		}
	}
}

func TestClient_Send_cutAndHang(t *testing.T) {
	t.Parallel()
	release, reached := make(chan struct{}), make(chan struct{})
	s := startService(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/hang":
			reached <- struct{}{}
			<-release
		}
	})
	defer close(release)
	c := s.client(t)
	for path, want := range map[string]string{"/cut": "unreachable", "/hang": "timeout"} {
		for range 2 { // the second time on a connection that is kept
			n := s.notice()
			if o := c.Send(t.Context(), n); o.Answer != push.Taken {
				t.Fatalf("outcome %+v", o)
			}
			before := s.count()
			n.To = s.URL + path
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if path == "/hang" {
				go func() { <-reached; cancel() }()
			}
			if o := c.Send(ctx, n); o != (push.Outcome{Reason: want}) {
				t.Errorf("%s: %+v", path, o)
			}
			cancel()
			if n := s.count() - before; n != 1 {
				t.Errorf("%s: %d requests", path, n)
			}
		}
	}
	n := s.notice()
	s.CloseClientConnections()
	s.Listener.Close()
	if o := c.Send(t.Context(), n); o != (push.Outcome{Reason: "unreachable"}) {
		t.Errorf("nobody there: %+v", o)
	}
}

func TestClient_Send_refused(t *testing.T) {
	t.Parallel()
	s := startService(t, nil)
	c := s.client(t)
	for _, k := range []struct {
		name   string
		change func(*push.Notice)
		want   string
	}{
		{"elsewhere", func(n *push.Notice) { n.To = "https://example.com/send" }, "endpoint_refused"},
		{"no keys", func(n *push.Notice) { n.Device.Keys = push.WebKeys{} }, "bad_keys"},
		{"not base64", func(n *push.Notice) { n.Device.Keys.P256dh = "?" }, "bad_keys"},
		{"not on the curve", func(n *push.Notice) {
			n.Device.Keys.P256dh = b64.EncodeToString(append([]byte{4}, make([]byte, 64)...))
		}, "bad_keys"},
		{"short secret", func(n *push.Notice) { n.Device.Keys.Auth = b64.EncodeToString([]byte("short")) }, "bad_keys"},
		{"too long", func(n *push.Notice) { n.Text.Body = strings.Repeat("ب", 2000) }, "payload_too_large"},
	} {
		n := s.notice()
		k.change(&n)
		if o := c.Send(t.Context(), n); o != (push.Outcome{Answer: push.Refused, Reason: k.want}) {
			t.Errorf("%s: %+v; want %s", k.name, o, k.want)
		}
	}
	if s.count() != 0 {
		t.Errorf("%d requests", s.count())
	}
}

// The largest text that is not refused arrives whole.
func TestClient_Send_largest(t *testing.T) {
	t.Parallel()
	s := startService(t, nil)
	c := s.client(t)
	n := s.notice()
	n.Text.Body = ""
	if o := c.Send(t.Context(), n); o.Answer != push.Taken {
		t.Fatalf("outcome %+v", o)
	}
	n.Text.Body = strings.Repeat("x", 3993-len(s.seen(t)[0].text))
	if o := c.Send(t.Context(), n); o.Answer != push.Taken {
		t.Fatalf("outcome %+v", o)
	}
	if g := s.seen(t)[1]; len(g.text) != 3993 || !strings.Contains(string(g.text), n.Text.Body) {
		t.Errorf("%d bytes", len(g.text))
	}
	n.Text.Body += "x"
	if o := c.Send(t.Context(), n); o.Reason != "payload_too_large" {
		t.Errorf("outcome %+v", o)
	}
}

func standard(t *testing.T, hosts ...string) *webpush.Client {
	t.Helper()
	c, err := webpush.New(webpush.Config{Subject: "https://balagh.example", PrivateKey: privateKey(t), Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClient_CheckEndpoint(t *testing.T) {
	t.Parallel()
	c := standard(t)
	for _, e := range []string{"https://fcm.googleapis.com/fcm/send/abc:DEF", "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
		"https://web.push.apple.com/QDe", "https://db5p.notify.windows.com/w/?token=BQ", "https://FCM.googleapis.com:443/fcm/send/x"} {
		if err := c.CheckEndpoint(e); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
	for _, e := range []string{"", "fcm.googleapis.com/x", "http://fcm.googleapis.com/x", "https:fcm.googleapis.com", "https://", "ftp://fcm.googleapis.com/x",
		"https://user@fcm.googleapis.com/x", "https://fcm.googleapis.com@example.com/", "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com:/x",
		"https://fcm.googleapis.com./x", "https://fcm.googleapis.com.example.com/x", "https://evilnotify.windows.com/", "https://notify.windows.com/",
		"https://.notify.windows.com/", "https://push.apple.com/", "https://fcm.googleapis.com/#x", "https://fcm.googleapis.com/x\r\nHost: y",
		"https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://169.254.169.254/latest", "https://2130706433/", "https://0x7f.1/",
		"https://fcm.googleapis.com\\@localhost/", "https://fcm.googleapis.com/" + strings.Repeat("x", 2048)} {
		if err := c.CheckEndpoint(e); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "web_push/endpoint") {
			t.Errorf("%q: %v", e, err)
		}
	}
}

// A name that is allowed and leads to this machine gets no connection: in production names are resolved by others.
func TestClient_Send_private(t *testing.T) {
	t.Parallel()
	s := startService(t, nil)
	n := s.notice()
	n.To = "https://localhost/send"
	if o := standard(t, "localhost").Send(t.Context(), n); o != (push.Outcome{Reason: "address_refused"}) {
		t.Errorf("outcome %+v", o)
	}
	for address, want := range map[string]bool{
		"142.250.186.42": true, "34.117.0.1": true, "17.188.143.34": true, "2a00:1450:4001:82f::200a": true, "64:ff9b::8efa:ba2a": true, "::ffff:142.250.186.42": true,
		"127.0.0.1": false, "127.1.2.3": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.100.100.200": false,
		"0.0.0.0": false, "0.1.2.3": false, "255.255.255.255": false, "224.0.0.1": false, "240.0.0.1": false, "192.0.0.192": false, "198.18.0.1": false,
		"168.63.129.16": false, "::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:100.100.100.200": false, "::7f00:1": false, "fe80::1": false,
		"fe80::1%lo": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "fec0::1": false, "2002:7f00:1::": false, "2001::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::7f00:1": false, "2001:db8::1": false,
	} {
		if got := webpush.Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		name   string
		change func(*webpush.Config)
		want   string
	}{
		{"no subject", func(c *webpush.Config) { c.Subject = "" }, "BALAGH_WEB_PUSH_SUBJECT"},
		{"an address only", func(c *webpush.Config) { c.Subject = "reports@example.sa" }, "BALAGH_WEB_PUSH_SUBJECT"},
		{"mail to nobody", func(c *webpush.Config) { c.Subject = "mailto:" }, "BALAGH_WEB_PUSH_SUBJECT"},
		{"http", func(c *webpush.Config) { c.Subject = "http://example.sa" }, "BALAGH_WEB_PUSH_SUBJECT"},
		{"no key", func(c *webpush.Config) { c.PrivateKey = "" }, "BALAGH_WEB_PUSH_KEY"},
		{"not base64", func(c *webpush.Config) { c.PrivateKey = "?" }, "BALAGH_WEB_PUSH_KEY"},
		{"a public key", func(c *webpush.Config) { c.PrivateKey = b64.EncodeToString(make([]byte, 65)) }, "BALAGH_WEB_PUSH_KEY"},
		{"zero", func(c *webpush.Config) { c.PrivateKey = b64.EncodeToString(make([]byte, 32)) }, "BALAGH_WEB_PUSH_KEY"},
		{"too large", func(c *webpush.Config) { c.PrivateKey = b64.EncodeToString([]byte(strings.Repeat("\xff", 32))) }, "BALAGH_WEB_PUSH_KEY"},
		{"any host", func(c *webpush.Config) { c.Hosts = []string{"*"} }, "BALAGH_WEB_PUSH_HOSTS"},
		{"any host of a country", func(c *webpush.Config) { c.Hosts = []string{"*.sa"} }, "BALAGH_WEB_PUSH_HOSTS"},
		{"URL", func(c *webpush.Config) { c.Hosts = []string{"https://push.example.sa"} }, "BALAGH_WEB_PUSH_HOSTS"},
	} {
		c := webpush.Config{Subject: "mailto:reports@example.sa", PrivateKey: privateKey(t), Hosts: []string{"push.example.sa"}}
		if _, err := webpush.New(c); err != nil {
			t.Fatal(err)
		}
		k.change(&c)
		if _, err := webpush.New(c); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%s: %v; want %q in it", k.name, err, k.want)
		}
	}
}

// The key of an installation never changes, or each browser would have to subscribe again.
func TestKeyFromSecret(t *testing.T) {
	t.Parallel()
	if key := privateKey(t); key != "8g7CReCs4yFIR77YkJnMWAfCnlp6mFZlJXBnKCwCnbQ" {
		t.Errorf("key %q", key)
	}
	other, err := webpush.KeyFromSecret([]byte("another secret of 32 characters "))
	if err != nil || other == privateKey(t) {
		t.Errorf("key %q, %v", other, err)
	}
	if _, err := webpush.KeyFromSecret([]byte("short")); err == nil {
		t.Error("a short secret was taken")
	}
	if public, err := b64.DecodeString(standard(t).PublicKey()); err != nil || len(public) != 65 || public[0] != 4 {
		t.Errorf("public key %x, %v", public, err)
	}
}

func FuzzClient_CheckEndpoint(f *testing.F) {
	for _, e := range []string{"https://fcm.googleapis.com/fcm/send/abc", "https://a.notify.windows.com:443/?x", "https://[::1%25lo]/", "https://a@b/"} {
		f.Add(e)
	}
	key, err := webpush.KeyFromSecret([]byte("a secret of at least 32 characters"))
	if err != nil {
		f.Fatal(err)
	}
	c, err := webpush.New(webpush.Config{Subject: "https://balagh.example", PrivateKey: key})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, e string) {
		if c.CheckEndpoint(e) != nil {
			return
		}
		r, err := http.NewRequest(http.MethodPost, e, nil) // as the library makes it
		if err != nil {
			return
		}
		host := strings.ToLower(r.URL.Hostname())
		known := host == "fcm.googleapis.com" || host == "updates.push.services.mozilla.com" || strings.HasSuffix(host, ".push.apple.com") ||
			strings.HasSuffix(host, ".notify.windows.com")
		if !known || r.URL.Scheme != "https" || r.URL.User != nil || r.Host != r.URL.Host {
			t.Errorf("%q goes to %v", e, (*url.URL)(r.URL))
		}
	})
}
