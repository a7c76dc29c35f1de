package accounts

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const (
	deviceA = "0190f0a0-0000-4000-8000-00000000000a"
	deviceB = "0190f0a0-0000-4000-8000-00000000000b"
)

func (w *world) mustRefresh(t testing.TB, token, device string) *Grant {
	t.Helper()
	g, err := w.Refresh(t.Context(), token, device)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestService_Refresh_rotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, a := w.signIn(t, phone, deviceA)
	w.clock.pass(59 * 24 * time.Hour)
	next := w.mustRefresh(t, g.RefreshToken, deviceA)
	if next.RefreshToken == g.RefreshToken || next.Account != g.Account {
		t.Fatalf("%+v", next)
	}
	if b := w.who(t, next); b.ID != a.ID || b.Session != a.Session || b.Device != deviceA {
		t.Fatalf("%+v", b)
	}
	w.clock.pass(59 * 24 * time.Hour) // expiry slides
	last := w.mustRefresh(t, next.RefreshToken, "")
	w.clock.pass(60 * 24 * time.Hour)
	_, err := w.Refresh(t.Context(), last.RefreshToken, "")
	wantCode(t, err, fault.Unauthenticated)
}

func TestService_Refresh_replayGivesTheSameSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, _ := w.signIn(t, phone, deviceA)
	next := w.mustRefresh(t, g.RefreshToken, deviceA)
	w.clock.pass(time.Minute)
	if again := w.mustRefresh(t, g.RefreshToken, deviceA); again.RefreshToken != next.RefreshToken {
		t.Fatal("another successor")
	}
	w.mustRefresh(t, next.RefreshToken, deviceA)
}

func TestService_Refresh_atOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, _ := w.signIn(t, phone, deviceA)
	got := make([]string, 50)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = w.mustRefresh(t, g.RefreshToken, deviceA).RefreshToken })
	}
	wg.Wait()
	for _, token := range got {
		if token != got[0] {
			t.Fatal("two successors of one token")
		}
	}
}

// SECURITY.md: a used refresh token again is 401 (Parse CVE-2026-31875), and a copied one ends the whole session.
func TestSecurity_reusedRefreshTokenEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, reuse := range map[string]func(w *world, first, second *Grant) (token, device string){
		"after_the_window": func(w *world, first, _ *Grant) (string, string) {
			w.clock.pass(61 * time.Second)
			return first.RefreshToken, deviceA
		},
		"older_than_the_last": func(w *world, first, second *Grant) (string, string) {
			w.mustRefresh(t, second.RefreshToken, deviceA)
			return first.RefreshToken, deviceA
		},
		"old_from_another_device":     func(_ *world, first, _ *Grant) (string, string) { return first.RefreshToken, deviceB },
		"current_from_another_device": func(_ *world, _, second *Grant) (string, string) { return second.RefreshToken, deviceB },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first, _ := w.signIn(t, phone, deviceA)
			second := w.mustRefresh(t, first.RefreshToken, deviceA)
			token, device := reuse(w, first, second)
			_, err := w.Refresh(t.Context(), token, device)
			wantCode(t, err, fault.Unauthenticated)
			_, err = w.Refresh(t.Context(), second.RefreshToken, deviceA)
			wantCode(t, err, fault.Unauthenticated)
			_, err = w.Verify(t.Context(), second.AccessToken)
			wantCode(t, err, fault.Unauthenticated)
		})
	}
}

func TestService_Refresh_forged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, a := w.signIn(t, phone, deviceA)
	other, _ := w.signIn(t, "+966500000000", "")
	x, err := w.store.Session(t.Context(), a.Session)
	if err != nil {
		t.Fatal(err)
	}
	future, err := w.refreshToken(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"x", "....", strings.Repeat("A", 70), strings.Repeat("A", 1<<16), g.AccessToken, g.RefreshToken + "A",
		g.RefreshToken[:27] + other.RefreshToken[27:], future, `{"$ne":null}`} {
		_, err := w.Refresh(t.Context(), token, deviceA)
		wantCode(t, err, fault.Unauthenticated)
	}
	_, err = w.Refresh(t.Context(), "", deviceA)
	wantField(t, err, "refresh_token", fault.Required)
	w.mustRefresh(t, g.RefreshToken, deviceA) // a guess does not end somebody's session
}

func FuzzParseRefreshToken(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("A", 70))
	f.Add(strings.Repeat("A", 64) + "\n" + strings.Repeat("A", 6))
	f.Fuzz(func(t *testing.T, token string) {
		if id, _, ok := parseRefreshToken(token); ok && (len(token) != 70 || len(id) != 36) {
			t.Fatalf("%q", token)
		}
	})
}

func TestService_Logout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, a := w.signIn(t, phone, deviceA)
	other, b := w.signIn(t, phone, deviceB)
	if err := w.Logout(t.Context(), a, false, ""); err != nil {
		t.Fatal(err)
	}
	_, err := w.Verify(t.Context(), g.AccessToken) // at once, although it was verified before
	wantCode(t, err, fault.Unauthenticated)
	_, err = w.Refresh(t.Context(), g.RefreshToken, deviceA)
	wantCode(t, err, fault.Unauthenticated)
	w.mustRefresh(t, other.RefreshToken, deviceB)

	third, _ := w.signIn(t, phone, "")
	if err := w.Logout(t.Context(), b, true, ""); err != nil {
		t.Fatal(err)
	}
	for _, g := range []*Grant{other, third} {
		_, err := w.Verify(t.Context(), g.AccessToken)
		wantCode(t, err, fault.Unauthenticated)
	}
	wantCode(t, w.Logout(t.Context(), actor.Actor{}, false, ""), fault.Unauthenticated)
}

func TestService_Logout_reachesOtherProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, a := w.signIn(t, phone, "")
	other := w.another(t)
	if _, err := other.Verify(t.Context(), g.AccessToken); err != nil {
		t.Fatal(err)
	}
	if err := w.Logout(t.Context(), a, false, ""); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(time.Minute)
	_, err := other.Verify(t.Context(), g.AccessToken)
	wantCode(t, err, fault.Unauthenticated)
	_, err = w.another(t).Verify(t.Context(), g.AccessToken) // one that starts afterwards
	wantCode(t, err, fault.Unauthenticated)
}
