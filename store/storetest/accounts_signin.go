package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
)

func putCode(t *testing.T, s accounts.Store, key, mac string, expires time.Duration) {
	t.Helper()
	must(t, s.PutCode(t.Context(), &accounts.Code{Key: key, MAC: []byte(mac), Expires: accountsEpoch.Add(expires)}))
}

func spend(ctx context.Context, t *testing.T, s accounts.Store, key, mac string, at time.Duration) bool {
	t.Helper()
	ok, err := s.SpendCode(ctx, key, []byte(mac), 5, accountsEpoch.Add(at))
	if err != nil {
		t.Error(err)
	}
	return ok
}

func accountsCodeOnce(t *testing.T, s accounts.Store) {
	putCode(t, s, "k", "right", time.Minute)
	var right atomic.Int32
	atOnce(100, func(int) {
		if spend(t.Context(), t, s, "k", "right", 0) {
			right.Add(1)
		}
	})
	if right.Load() != 1 {
		t.Fatalf("%d of 100 spent one code", right.Load())
	}
}

func accountsCodeTries(t *testing.T, s accounts.Store) {
	putCode(t, s, "four", "right", time.Minute)
	for range 4 {
		spend(t.Context(), t, s, "four", "wrong", 0)
	}
	if !spend(t.Context(), t, s, "four", "right", 0) {
		t.Fatal("dead after four wrong tries")
	}
	putCode(t, s, "k", "right", time.Minute)
	atOnce(1000, func(int) { spend(t.Context(), t, s, "k", "wrong", 0) })
	if spend(t.Context(), t, s, "k", "right", 0) {
		t.Fatal("alive after a thousand wrong tries")
	}
}

func accountsCodeEnds(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	putCode(t, s, "k", "right", time.Minute)
	if spend(ctx, t, s, "k", "right", time.Minute) {
		t.Fatal("good when its time is over")
	}
	if spend(ctx, t, s, "unknown", "right", 0) {
		t.Fatal("good without a code")
	}
	for range 5 {
		spend(ctx, t, s, "k", "wrong", 0)
	}
	putCode(t, s, "k", "next", time.Minute)
	if spend(ctx, t, s, "k", "right", 0) {
		t.Fatal("the former code is good")
	}
	if !spend(ctx, t, s, "k", "next", 0) {
		t.Fatal("the new code has the tries of the former")
	}
}

func addSession(t *testing.T, s accounts.Store, id, account string, expires time.Duration) {
	t.Helper()
	must(t, s.AddSession(t.Context(), &accounts.Session{ID: id, Rev: 1, Kind: actor.Citizen, Account: account, Seed: []byte("seed"), Generation: 1,
		Expires: accountsEpoch.Add(expires)}))
}

func accountsSuccessor(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	addSession(t, s, "x", "a", time.Hour)
	late := errors.New("late")
	var first atomic.Int32
	atOnce(50, func(int) {
		_, err := s.UpdateSession(ctx, "x", func(x *accounts.Session) error {
			if x.Generation != 1 {
				return late
			}
			x.Generation++
			return nil
		})
		switch {
		case err == nil:
			first.Add(1)
		case !errors.Is(err, late):
			t.Error(err)
		}
	})
	if x, err := s.Session(ctx, "x"); err != nil || first.Load() != 1 || x.Generation != 2 || string(x.Seed) != "seed" {
		t.Fatalf("%d were first; %+v, %v", first.Load(), x, err)
	}
}

func accountsEndSessions(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	for _, id := range []string{"a1", "a2", "a3"} {
		addSession(t, s, id, "a", time.Hour)
	}
	addSession(t, s, "b1", "b", time.Hour)
	ids, err := s.EndSessions(ctx, "a", "a2", accountsEpoch)
	must(t, err)
	if len(ids) != 2 {
		t.Fatalf("ended %v", ids)
	}
	if ids, err = s.EndSessions(ctx, "a", "a2", accountsEpoch.Add(time.Hour)); err != nil || len(ids) != 0 {
		t.Fatalf("ended again: %v, %v", ids, err)
	}
	for id, want := range map[string]bool{"a1": true, "a2": false, "a3": true, "b1": false} {
		if x, err := s.Session(ctx, id); err != nil || x.Ended.IsZero() == want {
			t.Fatalf("%s: %+v, %v", id, x, err)
		}
	}
	ended, err := s.EndedSessions(ctx, accountsEpoch)
	must(t, err)
	if len(ended) != 2 || !ended["a1"].Equal(accountsEpoch) {
		t.Fatalf("%v", ended)
	}
	if ended, err = s.EndedSessions(ctx, accountsEpoch.Add(time.Millisecond)); err != nil || len(ended) != 0 {
		t.Fatalf("%v, %v", ended, err)
	}
	_, err = s.UpdateSession(ctx, "b1", func(x *accounts.Session) error { x.Ended = accountsEpoch.Add(time.Second); return nil })
	must(t, err)
	if ended, err = s.EndedSessions(ctx, accountsEpoch.Add(time.Millisecond)); err != nil || len(ended) != 1 {
		t.Fatalf("%v, %v", ended, err)
	}
}

func accountsEndBeatsUpdate(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	addSession(t, s, "x", "a", time.Hour)
	runs := 0
	x, err := s.UpdateSession(ctx, "x", func(x *accounts.Session) error {
		if runs++; runs == 1 {
			if _, err := s.EndSessions(ctx, "a", "", accountsEpoch); err != nil {
				return err
			}
		}
		x.Generation++
		return nil
	})
	must(t, err)
	if runs != 2 || x.Ended.IsZero() || x.Generation != 2 {
		t.Fatalf("after %d runs: %+v", runs, x)
	}
}

func accountsKeys(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	for _, id := range []string{"k1", "k2"} {
		must(t, s.AddKey(ctx, &accounts.Key{ID: id, Seal: []byte{1, 2}, Signs: accountsEpoch}))
	}
	must(t, s.DropKey(ctx, "k1"))
	must(t, s.DropKey(ctx, "k1"))
	if ks, err := s.Keys(ctx); err != nil || len(ks) != 1 || ks[0].ID != "k2" || !ks[0].Signs.Equal(accountsEpoch) || len(ks[0].Seal) != 2 {
		t.Fatalf("%+v, %v", ks, err)
	}
}

func accountsTakeAtOnce(t *testing.T, s accounts.Store) {
	var allowed atomic.Int32
	quotas := []accounts.Quota{{Key: "k", Limit: accounts.Limit{Max: 3, Window: time.Minute}}}
	atOnce(100, func(int) {
		wait, err := s.Take(t.Context(), accountsEpoch, quotas)
		if err != nil {
			t.Error(err)
		} else if wait == 0 {
			allowed.Add(1)
		}
	})
	if allowed.Load() != 3 {
		t.Fatalf("%d allowed", allowed.Load())
	}
}

func accountsTakeSlides(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	one := accounts.Quota{Key: "one", Limit: accounts.Limit{Max: 1, Window: time.Minute}}
	two := accounts.Quota{Key: "two", Limit: accounts.Limit{Max: 2, Window: time.Minute}}
	take := func(at, want time.Duration, quotas ...accounts.Quota) {
		t.Helper()
		wait, err := s.Take(ctx, accountsEpoch.Add(at), quotas)
		if err != nil || wait != want {
			t.Fatalf("at %v: wait %v, %v; want %v", at, wait, err, want)
		}
	}
	take(0, 0, one, two)
	take(20*time.Second, 40*time.Second, one, two) // one is full
	take(20*time.Second, 0, two)                   // so two was not counted
	take(20*time.Second, 40*time.Second, two)
	take(time.Minute, 0, one, two)
	take(time.Minute, 20*time.Second, two)
	must(t, s.ForgetCounter(ctx, "two"))
	must(t, s.ForgetCounter(ctx, "never"))
	take(time.Minute, 0, two)
}

func accountsSweep(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	now := accountsEpoch.Add(time.Hour)
	putCode(t, s, "old", "m", 0)
	putCode(t, s, "new", "m", 2*time.Hour)
	addSession(t, s, "old", "a", 0)
	addSession(t, s, "new", "a", 2*time.Hour)
	addSession(t, s, "ended", "b", 2*time.Hour)
	must(t, second(s.EndSessions(ctx, "b", "", accountsEpoch)))
	for i := range 20 {
		must(t, second(s.Take(ctx, accountsEpoch, []accounts.Quota{{Key: fmt.Sprint("q", i), Limit: accounts.Limit{Max: 1, Window: time.Minute}}})))
	}
	kept := accounts.Quota{Key: "kept", Limit: accounts.Limit{Max: 1, Window: 2 * time.Hour}}
	must(t, second(s.Take(ctx, accountsEpoch, []accounts.Quota{kept})))
	must(t, s.SweepAccounts(ctx, now, accountsEpoch.Add(time.Minute)))
	if spend(ctx, t, s, "old", "m", -time.Minute) || !spend(ctx, t, s, "new", "m", time.Hour) {
		t.Fatal("the wrong code went")
	}
	for id, gone := range map[string]bool{"old": true, "new": false, "ended": true} {
		if _, err := s.Session(ctx, id); isNotFound(err) != gone {
			t.Fatalf("session %s: %v", id, err)
		}
	}
	if wait, err := s.Take(ctx, now, []accounts.Quota{kept}); err != nil || wait == 0 {
		t.Fatalf("a living counter went: %v, %v", wait, err)
	}
}
