package fcm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push/fcm"
)

// issue has the stand-in issue a token of App Check.
func (f *fake) issue(t *testing.T, ask map[string]any) string {
	t.Helper()
	b, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(f.url+"/appcheck/token", "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Token == "" {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	return got.Token
}

func newAppCheck(t *testing.T, endpoint string) *fcm.AppCheck {
	t.Helper()
	a, err := fcm.NewAppCheck(t.Context(), fcm.Config{ProjectID: "demo", Endpoint: endpoint, Dev: true, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func claims(name string, v any) map[string]any {
	return map[string]any{"claims": map[string]any{name: v}}
}

func TestAppCheck_Verify(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	a := newAppCheck(t, f.url+"/v1")
	right := f.issue(t, map[string]any{})
	parts := strings.Split(right, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(head string) string {
		text := b64([]byte(head)) + "." + parts[1]
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + b64(signature)
	}
	other := strings.Split(f.issue(t, claims("sub", "1:1:ios:other")), ".")
	for _, c := range []struct {
		name, token string
		want        fault.Code
	}{
		{"right", right, ""},
		{"of another application of the project", f.issue(t, map[string]any{"app": "1:1:ios:1"}), ""},
		{"none", "", fault.Unauthenticated},
		{"garbage", "hello", fault.Unauthenticated},
		{"garbage with dots", "a.b.c", fault.Unauthenticated},
		{"very long", strings.Repeat("a.", 1<<16), fault.Unauthenticated},
		{"expired", f.issue(t, claims("exp", time.Now().Add(-time.Second).Unix())), fault.Unauthenticated},
		{"issued in the future", f.issue(t, claims("iat", time.Now().Add(time.Hour).Unix())), fault.Unauthenticated},
		{"another project", f.issue(t, map[string]any{"project": "other"}), fault.Unauthenticated},
		{"another issuer", f.issue(t, claims("iss", "https://accounts.google.com")), fault.Unauthenticated},
		{"no subject", f.issue(t, claims("sub", "")), fault.Unauthenticated},
		{"no expiry", f.issue(t, claims("exp", nil)), fault.Unauthenticated},
		{"no issuer", f.issue(t, claims("iss", nil)), fault.Unauthenticated},
		{"audience of another shape", f.issue(t, claims("aud", "projects/demo")), fault.Unauthenticated},
		{"forged with another key", signed(`{"alg":"RS256","kid":"standin-1","typ":"JWT"}`), fault.Unauthenticated},
		{"unknown key", signed(`{"alg":"RS256","kid":"other","typ":"JWT"}`), fault.Unauthenticated},
		{"another text under the signature", parts[0] + "." + other[1] + "." + parts[2], fault.Unauthenticated},
		{"alg none", b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + ".", fault.Unauthenticated},
		{"alg HS256", b64([]byte(`{"alg":"HS256","kid":"standin-1","typ":"JWT"}`)) + "." + parts[1] + "." + parts[2], fault.Unauthenticated},
		{"unsigned", parts[0] + "." + parts[1] + ".", fault.Unauthenticated},
	} {
		err := a.Verify(c.token)
		if fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
		if err != nil && c.token != "" && strings.Contains(err.Error(), parts[2]) {
			t.Errorf("%s: the error holds the token: %v", c.name, err)
		}
	}
}

// Without Google nobody is called a liar, and not every request waits for it.
func TestAppCheck_Verify_noKeys(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	for name, answer := range map[string]http.HandlerFunc{
		"503": func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); _, _ = w.Write([]byte("<html>")) },
		"hang":    func(_ http.ResponseWriter, r *http.Request) { asked.Add(1); <-r.Context().Done() },
	} {
		asked.Store(0)
		srv := httptest.NewServer(answer)
		a, err := fcm.NewAppCheck(t.Context(), fcm.Config{ProjectID: "demo", Endpoint: srv.URL + "/v1/", Dev: true, Timeout: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				err := a.Verify("a.b.c")
				if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.Unavailable || e.RetryAfter <= 0 {
					t.Errorf("%s: %v; want unavailable, and until when", name, err)
				}
			})
		}
		wg.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("%s: the keys were asked for %d times by 20 requests; want once", name, n)
		}
		a.Close()
		srv.Close()
	}
}

func TestAppCheck_Verify_atOnce(t *testing.T) {
	t.Parallel()
	f := startFCM(t)
	a, token := newAppCheck(t, f.url+"/v1"), f.issue(t, map[string]any{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := a.Verify(token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNewAppCheck_refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		conf fcm.Config
		want string
	}{
		{"no project", fcm.Config{}, "BALAGH_FCM_PROJECT"},
		{"stand-in in production", fcm.Config{ProjectID: "demo", Endpoint: "http://127.0.0.1:1/v1"}, "--dev"},
		{"no address", fcm.Config{ProjectID: "demo", Endpoint: "127.0.0.1:1", Dev: true}, "BALAGH_FCM_ENDPOINT"},
		{"no file", fcm.Config{CredentialsFile: "/nowhere/account.json"}, "BALAGH_FCM_CREDENTIALS"},
	} {
		if _, err := fcm.NewAppCheck(t.Context(), c.conf); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q in it", c.name, err, c.want)
		}
	}
}

// Making one, failing to get keys and closing leaves nothing behind. What stays after keys were there is the SDK's refresher.
func TestAppCheck_Close(t *testing.T) {
	before := goleak.IgnoreCurrent()
	refresher := goleak.IgnoreAnyFunction("github.com/MicahParks/keyfunc.(*JWKS).backgroundRefresh")
	srv := httptest.NewServer(http.NotFoundHandler())
	failing := newAppCheck(t, srv.URL)
	_ = failing.Verify("a.b.c")
	failing.Close()
	srv.Close()
	f := startFCM(t)
	working := newAppCheck(t, f.url+"/v1")
	if err := working.Verify(f.issue(t, map[string]any{})); err != nil {
		t.Error(err)
	}
	working.Close()
	f.kill()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(before, refresher); err != nil {
		t.Error(err)
	}
}
