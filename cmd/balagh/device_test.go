package main

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push/webpush"
)

// TestDevice_WebPush: a browser gives its subscription, which is sent to known push services only and shown to nobody else.
func TestDevice_WebPush(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen, other := i.citizen("+966500000341"), i.citizen("+966500000342")
	const id, endpoint = "5f0c7a52-93c1-4b0f-8f6e-1d2a3b4c5d6e", "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABn"
	const key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	auth := base64.RawURLEncoding.EncodeToString(make([]byte, 16))
	browser := func(endpoint, key, auth string) map[string]any {
		return map[string]any{"platform": "web", "web_push": map[string]any{"endpoint": endpoint, "p256dh": key, "auth": auth}}
	}
	put := func(c *client, body map[string]any) *answer { return c.do("PUT", "/v1/me/devices/"+id, body) }

	(&client{i: i, t: t}).do("GET", "/v1/push/key", nil).refused(404, "not_found")
	if a := put(citizen, browser(endpoint, key, auth)).refused(422, "validation_failed"); !a.names("web_push not_allowed") {
		t.Errorf("where Web Push is off: %s", a.body)
	}
	private, err := webpush.KeyFromSecret([]byte("a secret of an installation, long enough"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := webpush.New(webpush.Config{Subject: "mailto:push@example.sa", PrivateKey: private})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	i.parts.server.CheckEndpoint, i.parts.server.WebPushKey = w.CheckEndpoint, w.PublicKey()
	if a := (&client{i: i, t: t}).do("GET", "/v1/push/key", nil).want(200); a.str("vapid_public_key") != w.PublicKey() {
		t.Errorf("the key: %s", a.body)
	}

	with := func(name string, value any) map[string]any {
		b := browser(endpoint, key, auth)
		b[name] = value
		return b
	}
	for _, x := range []struct {
		name, at string
		body     map[string]any
	}{
		{"with a push token as well", "web_push contradictory", with("push_token", "t")},
		{"of a phone", "platform contradictory", with("platform", "android")},
		{"without TLS", "web_push/endpoint wrong_format", browser("http://updates.push.services.mozilla.com/x", key, auth)},
		{"no URL", "web_push/endpoint wrong_format", browser("updates.push.services.mozilla.com/x", key, auth)},
		{"of this machine", "web_push/endpoint not_allowed", browser("https://127.0.0.1/x", key, auth)},
		{"of a cloud", "web_push/endpoint not_allowed", browser("https://169.254.169.254/latest/meta-data", key, auth)},
		{"of a service that nobody knows", "web_push/endpoint not_allowed", browser("https://push.example.com/x", key, auth)},
		{"too long", "web_push/endpoint too_long", browser(endpoint+strings.Repeat("x", 2048), key, auth)},
		{"a short key", "web_push/p256dh wrong_format", browser(endpoint, auth, auth)},
		{"a key that is no point", "web_push/p256dh wrong_format", browser(endpoint, "B"+strings.Repeat("A", 86), auth)},
		{"a long secret", "web_push/auth too_long", browser(endpoint, key, key)},
		{"a short secret", "web_push/auth wrong_format", browser(endpoint, key, "AAAA")},
		{"without a secret", "web_push/auth required", with("web_push", map[string]any{"endpoint": endpoint, "p256dh": key})},
	} {
		if a := put(citizen, x.body).refused(422, "validation_failed"); !a.names(x.at) {
			t.Errorf("%s: no word of %s: %s", x.name, x.at, a.body)
		}
	}
	if l := citizen.do("GET", "/v1/me/devices", nil).want(200); l.len("items") != 0 {
		t.Fatalf("something was written: %s", l.body)
	}

	put(citizen, browser(endpoint, key, auth)).want(200)
	l := citizen.do("GET", "/v1/me/devices", nil).want(200)
	if l.str("items", 0, "web_push", "endpoint") != endpoint || l.str("items", 0, "web_push", "p256dh") != key || l.str("items", 0, "push_token") != "" {
		t.Errorf("to its owner: %s", l.body)
	}
	if l := other.do("GET", "/v1/me/devices", nil).want(200); l.len("items") != 0 {
		t.Errorf("to somebody else: %s", l.body)
	}
	put(other, browser(endpoint, key, auth)).want(200) // the next person at the same browser
	if l := citizen.do("GET", "/v1/me/devices", nil).want(200); strings.Contains(string(l.body), endpoint) {
		t.Errorf("it is still the former's: %s", l.body)
	}
}

// TestAppCheck: who files or signs in by code shows that the app is genuine, where that is demanded; staff at browsers need not.
func TestAppCheck(t *testing.T) {
	t.Parallel()
	i := install(t)
	const phone, header = "+966500000343", "X-Firebase-AppCheck"
	nobody, citizen := &client{i: i, t: t}, i.citizen("+966500000344")
	i.parts.server.AppCheck = func(_ context.Context, token string) error {
		switch token {
		case "genuine":
			return nil
		case "no-keys":
			return fault.New(fault.Unavailable)
		}
		return fault.New(fault.Unauthenticated)
	}
	for _, x := range []struct {
		name, path string
		who        *client
		body       any
	}{
		{"asks for a code", "/v1/auth/otp", nobody, map[string]any{"phone": phone}},
		{"signs in by code", "/v1/auth/token", nobody, map[string]any{"grant_type": "otp", "phone": phone, "code": "000000"}},
		{"files", "/v1/reports", citizen, speakers},
	} {
		x.who.do("POST", x.path, x.body).refused(401, "app_check_refused")
		if a := x.who.do("POST", x.path, x.body, header, "forged", "Accept-Language", "en").refused(401, "app_check_refused"); !strings.Contains(a.str("title"), "app") {
			t.Errorf("%s: %s", x.name, a.body)
		}
		x.who.do("POST", x.path, x.body, header, "no-keys").refused(503, "temporarily_unavailable")
		if a := x.who.do("POST", x.path, x.body, header, "genuine"); a.str("code") == "app_check_refused" {
			t.Errorf("%s, and is refused: %s", x.name, a.body)
		}
	}
	nobody.do("POST", "/v1/auth/token", map[string]any{"grant_type": "password", "email": "nobody@example.sa", "password": "wrong"}).refused(401, "credentials_refused")
	nobody.do("POST", "/v1/auth/token", map[string]any{"grant_type": "refresh_token", "refresh_token": "not-a-token-at-all"}).refused(401, "unauthenticated")
	if l := citizen.do("GET", "/v1/reports", nil).want(200); l.len("items") != 1 {
		t.Errorf("of four reports one came with proof: %s", l.body)
	}
}
