package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
)

const phone = "+966512345678"

func TestService_SignInWithCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent, err := w.RequestCode(t.Context(), CodeRequest{Phone: "٠٥١٢٣٤٥٦٧٨", Language: "ur"})
	if err != nil || sent.ExpiresIn != 5*time.Minute || sent.ResendAfter != time.Minute {
		t.Fatalf("%+v, %v", sent, err)
	}
	if m := w.sms.last(); m.phone != phone || m.language != "ur" || len(m.code) != 6 {
		t.Fatalf("%+v", m)
	}
	if len(w.store.citizens) != 0 {
		t.Fatal("asking for a code made an account")
	}
	spaced := w.sms.last().code[:3] + " " + w.sms.last().code[3:]
	g, err := w.SignInWithCode(t.Context(), CodeSignIn{Phone: "0512345678", Code: spaced, Language: "ur"})
	if err != nil || !g.New || g.ExpiresIn != 15*time.Minute {
		t.Fatalf("%+v, %v", g, err)
	}
	c, err := w.Me(t.Context(), w.who(t, g))
	if err != nil || c.Phone != phone || c.Language != "ur" || !c.Preferences.Push || !c.Created.Equal(epoch) {
		t.Fatalf("%+v, %v", c, err)
	}
	if again, _ := w.signIn(t, phone, ""); again.New || again.Account != g.Account {
		t.Fatalf("a second account: %+v", again)
	}
}

func TestService_SignInWithCode_fields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		in   CodeSignIn
		path string
		why  fault.Reason
	}{
		{CodeSignIn{Code: "123456"}, "phone", fault.Required},
		{CodeSignIn{Phone: "hello", Code: "123456"}, "phone", fault.WrongFormat},
		{CodeSignIn{Phone: phone}, "code", fault.Required},
		{CodeSignIn{Phone: phone, Code: "12345"}, "code", fault.WrongFormat},
		{CodeSignIn{Phone: phone, Code: `{"$regex":"."}`}, "code", fault.WrongFormat},
		{CodeSignIn{Phone: phone, Code: "123456", Device: "x"}, "device_id", fault.WrongFormat},
		{CodeSignIn{Phone: phone, Code: "123456", Language: "fr"}, "language", fault.Unknown},
	} {
		_, err := w.SignInWithCode(t.Context(), c.in)
		wantField(t, err, c.path, c.why)
	}
	for number, why := range map[string]fault.Reason{"": fault.Required, "x": fault.WrongFormat, "0112345678": fault.NotAllowed} {
		_, err := w.RequestCode(t.Context(), CodeRequest{Phone: number})
		wantField(t, err, "phone", why)
	}
}

func TestService_SignInWithCode_refuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world) CodeSignIn{
		"never_asked": func(*world) CodeSignIn { return CodeSignIn{Phone: "+966500000000", Code: "123456"} },
		"wrong":       func(w *world) CodeSignIn { return CodeSignIn{Phone: phone, Code: wrongCode(w)} },
		"of_another":  func(w *world) CodeSignIn { return CodeSignIn{Phone: "+966500000000", Code: w.sms.last().code} },
		"expired": func(w *world) CodeSignIn {
			w.clock.pass(5 * time.Minute)
			return CodeSignIn{Phone: phone, Code: w.sms.last().code}
		},
		"used": func(w *world) CodeSignIn {
			in := CodeSignIn{Phone: phone, Code: w.sms.last().code}
			if _, err := w.SignInWithCode(context.Background(), in); err != nil {
				panic(err)
			}
			return in
		},
		"after_five_wrong_tries": func(w *world) CodeSignIn {
			for range 5 {
				_, _ = w.SignInWithCode(context.Background(), CodeSignIn{Phone: phone, Code: wrongCode(w)})
			}
			return CodeSignIn{Phone: phone, Code: w.sms.last().code}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if _, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone}); err != nil {
				t.Fatal(err)
			}
			in := spoil(w)
			_, err := w.SignInWithCode(t.Context(), in)
			wantCode(t, err, fault.CodeRefused)
		})
	}
}

func wrongCode(w *world) string {
	if w.sms.last().code == "000000" {
		return "000001"
	}
	return "000000"
}

// SECURITY.md: MISP CVE-2026-107276.
func TestSecurity_oneSessionOfTwoHundredCorrectCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	var in, out atomic.Int32
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, err := w.SignInWithCode(t.Context(), CodeSignIn{Phone: phone, Code: w.sms.last().code}); err == nil {
				in.Add(1)
			} else if fault.CodeOf(err) == fault.CodeRefused {
				out.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 || out.Load() != 199 || len(w.store.sessions) != 1 {
		t.Fatalf("%d in, %d refused, %d sessions", in.Load(), out.Load(), len(w.store.sessions))
	}
}

// SECURITY.md: rubygems GHSA-c55g-q6f4-5qxr. The tries are the code's, wherever they come from.
func TestSecurity_thousandGuessesKillTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() { _, _ = w.SignInWithCode(t.Context(), CodeSignIn{Phone: phone, Code: wrongCode(w)}) })
	}
	wg.Wait()
	if tries := w.store.codes[w.masked("code", phone)].Tries; tries != 5 {
		t.Fatalf("%d tries were compared", tries)
	}
	_, err := w.SignInWithCode(t.Context(), CodeSignIn{Phone: phone, Code: w.sms.last().code})
	wantCode(t, err, fault.CodeRefused)
}

// SECURITY.md: Fiber CVE-2025-66630.
func TestSecurity_failingRandomnessIssuesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	source := &failing{}
	s := w.another(t, func(c *Config) { c.Rand = source })
	w.signIn(t, phone, "")
	if _, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	source.fail = true
	sent, sessions, codes := len(w.sms.sent), len(w.store.sessions), len(w.store.codes)
	if _, err := s.RequestCode(t.Context(), CodeRequest{Phone: "+966500000000"}); fault.CodeOf(err) != fault.Internal {
		t.Errorf("a code without randomness: %v", err)
	}
	if g, err := s.SignInWithCode(t.Context(), CodeSignIn{Phone: phone, Code: w.sms.last().code}); g != nil || fault.CodeOf(err) != fault.Internal {
		t.Errorf("a token without randomness: %v, %v", g, err)
	}
	if len(w.sms.sent) != sent || len(w.store.sessions) != sessions || len(w.store.codes) > codes {
		t.Error("something was issued")
	}
}

type failing struct{ fail bool }

func (f *failing) Read(b []byte) (int, error) {
	if f.fail {
		return 0, errors.New("no randomness")
	}
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}

// SECURITY.md: SMS caps by phone, address, dial code and day are never exceeded (CVE-2026-107830).
func TestSecurity_smsCaps(t *testing.T) {
	t.Parallel()
	few := func(c *Config) {
		c.Limits = Limits{Address: Limit{Max: 4}, DialCode: Limit{Max: 5}, Total: Limit{Max: 6}}
	}
	for name, c := range map[string]struct {
		ask  func(i int) CodeRequest
		want int
	}{
		"phone":   {func(i int) CodeRequest { return CodeRequest{Phone: phone, Address: fmt.Sprint(i)} }, 3},
		"address": {func(i int) CodeRequest { return CodeRequest{Phone: fmt.Sprintf("+9665123456%02d", i), Address: "a"} }, 4},
		"dial_code": {func(i int) CodeRequest {
			return CodeRequest{Phone: fmt.Sprintf("+9230012345%02d", i), Address: fmt.Sprint(i)}
		}, 5},
		"day": {func(i int) CodeRequest {
			return CodeRequest{Phone: fmt.Sprintf("+9665123456%02d", i), Address: fmt.Sprint(i)}
		}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, few)
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					_, err := w.RequestCode(t.Context(), c.ask(i))
					if e, ok := errors.AsType[*fault.Error](err); err != nil && (!ok || e.Code != fault.TooManyRequests || e.RetryAfter <= 0) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if len(w.sms.sent) != c.want {
				t.Fatalf("%d sent, want %d", len(w.sms.sent), c.want)
			}
		})
	}
}

func TestService_RequestCode_windows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent := 0
	for minute := range 24 * 60 { // somebody who asks every minute for a day
		if _, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone}); err == nil {
			sent++
			if sent <= 3 && minute >= 10 || sent > 3 && minute < 10 {
				t.Fatalf("code %d in minute %d", sent, minute)
			}
		}
		w.clock.pass(time.Minute)
	}
	if sent != 10 {
		t.Fatalf("%d codes in a day", sent)
	}
	w.clock.pass(time.Hour / 2) // the uses of a 64th of a day count at the time of the last of them
	if _, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone}); err != nil {
		t.Fatalf("the next day: %v", err)
	}
}

// SECURITY.md: known and unknown phone get the same (Fiber CVE-2026-44332): the same calls of the store, so the same time.
func TestSecurity_knownAndUnknownPhoneAreTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(t, phone, "")
	w.store.citizens = nil // asking for a code that looked would not find, and one that wrote would panic
	known, err1 := w.RequestCode(t.Context(), CodeRequest{Phone: phone})
	unknown, err2 := w.RequestCode(t.Context(), CodeRequest{Phone: "+966500000000"})
	if err1 != nil || err2 != nil || known != unknown {
		t.Fatalf("%+v %v, %+v %v", known, err1, unknown, err2)
	}
}

func TestService_RequestCode_senderFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sms.err = errors.New("gateway down")
	_, err := w.RequestCode(t.Context(), CodeRequest{Phone: phone})
	wantCode(t, err, fault.Unavailable)
}

func TestService_Count(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := Limit{Max: 2, Window: time.Hour}
	for i, want := range []fault.Code{"", "", fault.TooManyRequests} {
		if err := w.Count(t.Context(), "anonymous report", "198.51.100.7", l); fault.CodeOf(err) != want {
			t.Fatalf("use %d: %v", i, err)
		}
	}
	if err := w.Count(t.Context(), "anonymous report", "198.51.100.8", l); err != nil {
		t.Fatal(err)
	}
	if err := w.Count(t.Context(), "another purpose", "198.51.100.7", l); err != nil {
		t.Fatal(err)
	}
	for key := range w.store.counters {
		if strings.Contains(key, "198.51") {
			t.Fatal("an address is stored in the open")
		}
	}
}

func TestCounter_Take_neverMoreInAnyWindow(t *testing.T) {
	t.Parallel()
	var c Counter
	l := Limit{Max: 100, Window: time.Minute}
	var allowed []time.Time
	now := epoch
	for i := range 5000 {
		now = now.Add(time.Duration(i*7919%200) * time.Millisecond)
		wait := c.Take(now, l)
		if wait == 0 {
			allowed = append(allowed, now)
			if n := len(allowed); n > l.Max && now.Sub(allowed[n-1-l.Max]) < l.Window {
				t.Fatalf("%d in less than %v", l.Max+1, l.Window)
			}
		} else if wait < 0 || wait > l.Window {
			t.Fatalf("wait %v", wait)
		}
		if len(c.Uses) > 66 {
			t.Fatalf("%d entries", len(c.Uses))
		}
	}
	if len(allowed) < 700 {
		t.Fatalf("only %d allowed in %v", len(allowed), now.Sub(epoch))
	}
	if wait := c.Take(epoch.Add(-time.Hour), l); wait != 0 {
		t.Fatalf("a clock set back locks for %v", wait)
	}
}
