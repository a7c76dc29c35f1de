package demo

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serving gives a client of a server that answers one request after the other.
func serving(t *testing.T, answers ...http.HandlerFunc) (*client, *[]*http.Request) {
	t.Helper()
	var asked []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		if len(asked) > len(answers) {
			t.Errorf("%d requests, %d were expected", len(asked), len(answers))
			return
		}
		answers[len(asked)-1](w, r)
	}))
	t.Cleanup(s.Close)
	return &client{http: s.Client(), base: s.URL, language: "ur", token: "t"}, &asked
}

func problem(status int, code, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"code":"` + code + `","fields":[{"path":"place","reason":"required"}]}`))
	}
}

func fine(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("ETag", `"7"`)
	_, _ = w.Write([]byte(`{"number":"4821907356"}`))
}

func broken(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestClient_Do_sameKeyUntilAnswered(t *testing.T) {
	t.Parallel()
	c, asked := serving(t, problem(409, "request_in_flight", ""), broken, problem(503, "temporarily_unavailable", "0"), problem(429, "too_many_requests", ""), fine)
	var r report
	a, err := c.do(t.Context(), call{operation: "fileReport", method: "POST", path: "/v1/reports", body: map[string]string{"a": "b"}}, &r)
	if err != nil || r.Number != "4821907356" || a.etag != `"7"` {
		t.Fatalf("%+v %v", r, err)
	}
	for _, q := range *asked {
		if h := q.Header; h.Get("Idempotency-Key") != (*asked)[0].Header.Get("Idempotency-Key") || h.Get("Idempotency-Key") == "" || h.Get("Authorization") != "Bearer t" || h.Get("Accept-Language") != "ur" || h.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", h)
		}
	}
}

func TestClient_Do_refusedForGood(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		plain  bool
		want   string
	}{
		{"a fault", problem(422, "validation_failed", ""), false, "fileReport: 422 validation_failed place:required"},
		{"a conflict", problem(409, "transition_not_allowed", ""), false, "fileReport: 409 transition_not_allowed place:required"},
		{"a limit for long", problem(429, "too_many_requests", "3600"), false, "fileReport: 429 too_many_requests place:required"},
		{"no problem document", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "secret", http.StatusBadGateway) }, false, "fileReport: 502 not_a_problem_document"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, false, "fileReport: the answer is not what the contract says"},
		{"broken, and good only once", broken, true, "fileReport: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl, _ := serving(t, c.answer)
			_, err := cl.do(t.Context(), call{operation: "fileReport", method: "POST", path: "/v1/reports", plain: c.plain}, &report{})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLostRace(t *testing.T) {
	t.Parallel()
	if !lostRace(&Problem{Code: "precondition_failed"}) || lostRace(&Problem{Code: "internal"}) || lostRace(errors.New("precondition_failed")) || lostRace(nil) {
		t.Error("a lost race is not told from what is wrong")
	}
}

func TestTryAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		after  string
		want   time.Duration
	}{{409, "request_in_flight", "", 0}, {409, "conflict", "1", -1}, {429, "too_many_requests", "2", 2 * time.Second}, {429, "too_many_requests", "60", -1}, {500, "internal", "", -1}} {
		if got := tryAgain(&Problem{Status: c.status, Code: c.code}, c.after); got != c.want {
			t.Errorf("%d %s: %v, want %v", c.status, c.code, got, c.want)
		}
	}
}

func TestFateOf(t *testing.T) {
	t.Parallel()
	var n struct{ reject, merge, leave, ask int }
	count := func(yes bool, to *int) {
		if yes {
			*to++
		}
	}
	for i := range 4000 {
		r := &report{Description: "مكبر", Channel: "app", Place: &place{point: point{24 + float64(i)/1e4, 46}}}
		f := fateOf(r)
		if f != fateOf(r) {
			t.Fatal("two who look at a report decide differently")
		}
		count(f.reject, &n.reject)
		count(f.merge, &n.merge)
		count(f.leave, &n.leave)
		count(f.ask, &n.ask)
		if r.Channel = "phone"; fateOf(r).ask {
			t.Fatal("a caller is asked over the app")
		}
	}
	if n.reject < 80 || n.reject > 160 || n.merge < 80 || n.merge > 160 || n.leave < 150 || n.leave > 250 || n.ask < 300 || n.ask > 500 {
		t.Errorf("%+v of 4000", n)
	}
}

func TestPlay_Citizen_sameSeedSamePeople(t *testing.T) {
	t.Parallel()
	p, q := &play{seed: 1, run: 1, org: Load()}, &play{seed: 1, run: 2, org: Load()}
	phones := map[string]bool{}
	silent, dead, anonymous := 0, 0, 0
	for i := range 300 {
		a, b, other := p.citizen(i), p.citizen(i), q.citizen(i)
		if a.phone != b.phone || a.name != b.name || a.name != other.name || a.account != other.account || a.pushToken != b.pushToken {
			t.Fatalf("citizen %d differs", i)
		}
		if a.phone == other.phone {
			t.Errorf("citizen %d of another play has the same phone", i)
		}
		phones[a.phone] = true
		count := func(yes bool, n *int) {
			if yes {
				*n++
			}
		}
		count(a.device == "", &silent)
		count(a.way.deadToken(), &dead)
		count(!a.account, &anonymous)
	}
	if len(phones) != 300 || silent < 12 || silent > 36 || dead < 4 || dead > 24 || anonymous < 9 || anonymous > 36 {
		t.Errorf("%d phones, %d without a device, %d with a dead token, %d without an account", len(phones), silent, dead, anonymous)
	}
}
