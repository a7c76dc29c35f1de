package accounts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

func TestService_Verify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, a := w.signIn(t, phone, deviceA)
	if a.Kind != actor.Citizen || a.ID != g.Account || a.Device != deviceA || a.Session == "" || a.Role != "" {
		t.Fatalf("%+v", a)
	}
	s, b := w.hire(t, "clerk@example.org", actor.Clerk)
	if b.Kind != actor.Staff || b.ID != s.Account || b.Role != actor.Clerk || !b.Sees("riyadh", "any") || b.Sees("makkah", "any") {
		t.Fatalf("%+v", b)
	}
	w.clock.pass(15*time.Minute - time.Second)
	for _, token := range []string{g.AccessToken, s.AccessToken} {
		if _, err := w.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.pass(time.Second)
	for _, s := range []*Service{w.Service, w.another(t)} { // from memory, and from the token itself
		_, err := s.Verify(t.Context(), g.AccessToken)
		wantCode(t, err, fault.TokenExpired)
	}
}

// SECURITY.md: alg none, stripped signature, another purpose (Formbricks CVE-2025-59934); expired AND badly signed
// (golang-jwt CVE-2024-51744).
func TestSecurity_tokensThatProveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, a := w.signIn(t, phone, "")
	own := w.ring.Load().keys[0]
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&own.private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	forge := func(method jwt.SigningMethod, key any, change func(header map[string]any, c jwt.MapClaims)) string {
		c := jwt.MapClaims{"iss": "balagh", "sub": a.ID, "aud": AudienceApp, "sid": a.Session, "exp": epoch.Add(time.Minute).Unix()}
		tok := jwt.NewWithClaims(method, c)
		tok.Header["typ"], tok.Header["kid"] = "at+jwt", own.ID
		if change != nil {
			change(tok.Header, c)
		}
		s, err := tok.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	genuine := func(change func(map[string]any, jwt.MapClaims)) string {
		return forge(jwt.SigningMethodES256, own.private, change)
	}
	if _, err := w.Verify(t.Context(), genuine(nil)); err != nil {
		t.Fatalf("the forger's tools do not work: %v", err)
	}
	parts := strings.Split(g.AccessToken, ".")
	past := epoch.Add(-time.Minute).Unix()
	for name, token := range map[string]string{
		"empty": "", "words": "not a token", "dots": "..", "refresh_token": g.RefreshToken,
		"alg_none":            forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"hs256_of_public_key": forge(jwt.SigningMethodHS256, public, nil),
		"stripped_signature":  parts[0] + "." + parts[1] + ".",
		"two_parts":           parts[0] + "." + parts[1],
		"foreign_key":         forge(jwt.SigningMethodES256, foreign, nil),
		"unknown_kid":         genuine(func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "other" }),
		"no_kid":              genuine(func(h map[string]any, _ jwt.MapClaims) { delete(h, "kid") }),
		"kid_not_a_string":    genuine(func(h map[string]any, _ jwt.MapClaims) { h["kid"] = []int{1} }),
		"other_purpose":       genuine(func(h map[string]any, _ jwt.MapClaims) { h["typ"] = "JWT" }),
		"other_issuer":        genuine(func(_ map[string]any, c jwt.MapClaims) { c["iss"] = "evil" }),
		"other_audience":      genuine(func(_ map[string]any, c jwt.MapClaims) { c["aud"] = "balagh-mail" }),
		"two_audiences":       genuine(func(_ map[string]any, c jwt.MapClaims) { c["aud"] = []string{AudienceApp, AudienceDesk} }),
		"desk_without_role":   genuine(func(_ map[string]any, c jwt.MapClaims) { c["aud"] = AudienceDesk }),
		"desk_unknown_role":   genuine(func(_ map[string]any, c jwt.MapClaims) { c["aud"], c["role"] = AudienceDesk, "root" }),
		"no_expiry":           genuine(func(_ map[string]any, c jwt.MapClaims) { delete(c, "exp") }),
		"no_subject":          genuine(func(_ map[string]any, c jwt.MapClaims) { delete(c, "sub") }),
		"no_session":          genuine(func(_ map[string]any, c jwt.MapClaims) { delete(c, "sid") }),
		"expired_and_foreign": forge(jwt.SigningMethodES256, foreign, func(_ map[string]any, c jwt.MapClaims) { c["exp"] = past }),
		"expired_and_issuer":  genuine(func(_ map[string]any, c jwt.MapClaims) { c["exp"], c["iss"] = past, "evil" }),
		"changed_claims": parts[0] + "." + base64.RawURLEncoding.EncodeToString(
			[]byte(`{"iss":"balagh","sub":"other","aud":["balagh-desk"],"role":"admin","sid":"x","exp":99999999999}`)) + "." + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.Verify(t.Context(), token)
			wantCode(t, err, fault.Unauthenticated)
		})
	}
	_, err = w.Verify(t.Context(), genuine(func(_ map[string]any, c jwt.MapClaims) { c["exp"] = past }))
	wantCode(t, err, fault.TokenExpired)
}

func TestVerifiedTokens_bounded(t *testing.T) {
	t.Parallel()
	var v verifiedTokens
	var sum [32]byte
	sum[0] = 3
	hot := sum
	v.put(hot, verifiedToken{actor: actor.Actor{ID: "hot"}})
	for i := range 5 * verifiedPerShard {
		sum[1], sum[2], sum[3] = 1, byte(i), byte(i>>8)
		v.put(sum, verifiedToken{})
		if _, ok := v.get(hot); !ok {
			t.Fatalf("a token in use was forgotten after %d others", i)
		}
	}
	s := &v.shards[3]
	if n := len(s.young) + len(s.old); n > 2*verifiedPerShard {
		t.Fatalf("%d tokens are remembered", n)
	}
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	g, _ := w.signIn(f, phone, "")
	f.Add(g.AccessToken)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if a, err := w.Verify(t.Context(), token); (err == nil) != (token == g.AccessToken) {
			t.Fatalf("%q: %+v, %v", token, a, err)
		}
	})
}

func TestService_RotateKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.another(t)
	old := w.ring.Load().keys[0].ID
	before, _ := w.signIn(t, phone, "")
	kid, err := w.RotateKey(t.Context(), system)
	if err != nil {
		t.Fatal(err)
	}
	wantKeys(t, w.Service, old, kid)
	w.clock.pass(9 * time.Minute)
	wantKeys(t, other, old, kid) // published in every process before it signs
	during, _ := w.signIn(t, phone, "")
	wantKid(t, during, old)
	w.clock.pass(time.Minute)
	after, _ := w.signIn(t, phone, "")
	wantKid(t, after, kid)
	for _, s := range []*Service{w.Service, other} {
		for _, g := range []*Grant{before, during, after} {
			if _, err := s.Verify(t.Context(), g.AccessToken); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.clock.pass(14 * time.Minute)
	if _, err := other.Verify(t.Context(), after.AccessToken); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, w.Service, old, kid)
	w.clock.pass(4 * time.Minute)
	wantKeys(t, w.Service, kid)
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.store.keys) != 1 {
		t.Fatalf("%d keys are kept", len(w.store.keys))
	}
	_, err = w.RotateKey(t.Context(), actor.Actor{Kind: actor.Citizen})
	wantCode(t, err, fault.Forbidden)
}

func wantKid(t *testing.T, g *Grant, kid string) {
	t.Helper()
	tok, _, err := jwt.NewParser().ParseUnverified(g.AccessToken, jwt.MapClaims{})
	if err != nil || tok.Header["kid"] != kid || tok.Header["typ"] != "at+jwt" || tok.Header["alg"] != "ES256" {
		t.Fatalf("%v, %v; want %s", tok.Header, err, kid)
	}
}

// wantKeys reads a JWKS as a stranger would.
func wantKeys(t *testing.T, s *Service, kids ...string) {
	t.Helper()
	b, err := s.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(b, &set); err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, k := range set.Keys {
		got = append(got, k["kid"])
		if len(k) != 7 || k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["use"] != "sig" || len(k["x"]) != 43 || len(k["y"]) != 43 {
			t.Fatalf("%v", k)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(kids) {
		t.Fatalf("published %v, want %v", got, kids)
	}
}

func TestNew_refusesAnotherSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := New(t.Context(), Config{Secret: []byte("too short")}, newMemory(), w.sms); err == nil {
		t.Fatal("a short secret is taken")
	}
	_, err := New(t.Context(), Config{Secret: []byte("another secret of thirty-two bytes and more"), PasswordCost: cheap}, w.store, w.sms)
	if err == nil || !strings.Contains(err.Error(), "secret") {
		t.Fatalf("keys of another secret: %v", err)
	}
	for _, k := range w.store.keys {
		if der, err := x509.ParsePKCS8PrivateKey(k.Seal); err == nil {
			t.Fatalf("a key is stored in the open: %T", der)
		}
	}
}

func TestService_Verify_readsTheStoreOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, _ := w.signIn(t, phone, "")
	reads := w.store.reads
	for range 100 {
		w.who(t, g)
	}
	if w.store.reads != reads {
		t.Fatalf("%d reads", w.store.reads-reads)
	}
	w.clock.pass(time.Minute)
	for range 100 {
		w.who(t, g)
	}
	if w.store.reads != reads+1 {
		t.Fatalf("%d reads", w.store.reads-reads)
	}
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	w.Now = time.Now
	g, _ := w.signIn(b, phone, deviceA)
	b.Run("seen", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Verify(b.Context(), g.AccessToken); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := w.check(b.Context(), g.AccessToken); err != nil {
				b.Fatal(err)
			}
		}
	})
}
