package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/push"
)

func pushLeaseChains(t *testing.T, s push.Store, now time.Time, limit int) []push.Chain {
	t.Helper()
	xs, err := s.LeaseChains(t.Context(), now, time.Minute, limit)
	must(t, err)
	return xs
}

func pushMove(t *testing.T, s push.Store, want int, moves ...push.ChainMove) {
	t.Helper()
	if n, err := s.MoveChains(t.Context(), moves); n != want || err != nil {
		t.Fatalf("MoveChains: %d, %v; want %d", n, err, want)
	}
}

// pushNextStep is the SMS of a chain.
func pushNextStep(x push.Chain, now time.Time) push.ChainMove {
	return push.ChainMove{Chain: x, Plan: push.Plan{Step: 1, Since: now, Due: now.Add(time.Hour),
		Deliveries: []push.Delivery{pushDelivery(x.Message, push.ChannelSMS, "", 1)}}}
}

func pushChainsDue(t *testing.T, s push.Store) {
	if got := pushNextChain(t, s); got != -1 {
		t.Fatalf("an empty store: %v", got)
	}
	m := pushPlan(t, s, "first", "c", pushEpoch, "a")
	pushPlan(t, s, "second", "d", pushEpoch.Add(time.Minute), "a")
	over := pushPlanned("over", "c", pushEpoch, "a")
	over.Plan.Due = time.Time{}
	pushPut(t, s, over)
	if got := pushNextChain(t, s); got != 10*time.Minute {
		t.Errorf("next after %v", got)
	}
	due := pushEpoch.Add(10 * time.Minute)
	if xs := pushLeaseChains(t, s, due.Add(-time.Millisecond), 9); len(xs) != 0 {
		t.Errorf("leased before it was due: %+v", xs)
	}
	xs := pushLeaseChains(t, s, due, 9)
	if len(xs) != 1 || xs[0].Message != m || xs[0].Step != 0 || !xs[0].Since.Equal(pushEpoch) || !xs[0].Due.Equal(due.Add(time.Minute)) {
		t.Fatalf("leased %+v", xs)
	}
	if ds := xs[0].Deliveries; len(ds) != 1 || ds[0].State != push.Queued || ds[0].Target != "a" {
		t.Errorf("with %+v", ds)
	}
	if xs := pushLeaseChains(t, s, due.Add(59*time.Second), 9); len(xs) != 0 {
		t.Errorf("leased twice: %+v", xs)
	}
	if xs := pushLeaseChains(t, s, due.Add(time.Minute), 1); len(xs) != 1 {
		t.Errorf("%d leased; want as many as asked for", len(xs))
	}
}

func pushChainContenders(t *testing.T, s push.Store) {
	const all = 40
	for i := range all {
		pushPlan(t, s, fmt.Sprintf("m%02d", i), "c", pushEpoch, "a")
	}
	var mu sync.Mutex
	took := map[string]int{}
	atOnce(4, func(int) {
		for {
			xs, err := s.LeaseChains(context.Background(), pushEpoch.Add(time.Hour), time.Minute, 7)
			if err != nil {
				t.Error(err)
			}
			if len(xs) == 0 {
				return
			}
			mu.Lock()
			for _, x := range xs {
				took[x.Message.ID]++
			}
			mu.Unlock()
		}
	})
	for id, n := range took {
		if n != 1 {
			t.Errorf("%s was leased %d times", id, n)
		}
	}
	if len(took) != all {
		t.Errorf("%d of %d leased", len(took), all)
	}
}

func pushMoveChains(t *testing.T, s push.Store) {
	pushPlan(t, s, "m", "c", pushEpoch, "a")
	now := pushEpoch.Add(10 * time.Minute)
	x := pushLeaseChains(t, s, now, 9)[0]
	pushMove(t, s, 1, pushNextStep(x, now))
	if d := pushState(t, s, "m", ""); d.Channel != push.ChannelSMS || d.State != push.Queued || d.Step != 1 {
		t.Errorf("planned %+v", d)
	}
	if got := pushNextChain(t, s); got != 70*time.Minute {
		t.Errorf("looked at again after %v", got)
	}
	pushMove(t, s, 0, pushNextStep(x, now)) // by one that was slow: its lease is over
	x = pushLeaseChains(t, s, now.Add(time.Hour), 9)[0]
	if x.Step != 1 || !x.Since.Equal(now) || len(x.Deliveries) != 2 {
		t.Errorf("leased %+v", x)
	}
	pushSettle(t, s, pushLeaseOf(t, s, push.ChannelSMS, now, 9, true)[0], push.Result{State: push.Accepted, At: now})
	if n, err := s.MoveChains(t.Context(), []push.ChainMove{pushNextStep(x, now.Add(time.Hour))}); err != nil {
		t.Fatal(n, err)
	}
	if ds, err := s.Deliveries(t.Context(), "m"); err != nil || len(ds) != 2 || pushState(t, s, "m", "").State != push.Accepted {
		t.Errorf("the same step again: %+v, %v", ds, err)
	}
	pushMove(t, s, 0)
}

func pushMoveLost(t *testing.T, s push.Store) {
	for _, id := range []string{"again", "held", "read"} {
		pushPlan(t, s, id, id, pushEpoch, "a")
	}
	now := pushEpoch.Add(10 * time.Minute)
	var moves []push.ChainMove
	for _, x := range pushLeaseChains(t, s, now, 9) {
		moves = append(moves, pushNextStep(x, now))
	}
	pushAck(t, s, "read", "a", now, true, "read")
	if xs := pushLeaseChains(t, s, now.Add(time.Minute), 1); len(xs) != 1 {
		t.Fatal("the lease did not end")
	}
	pushMove(t, s, 1, moves...)
	total := 0
	for _, id := range []string{"again", "held", "read"} {
		ds, err := s.Deliveries(t.Context(), id)
		must(t, err)
		total += len(ds)
		if id == "read" && len(ds) != 1 {
			t.Errorf("read meanwhile: %+v", ds)
		}
	}
	if total != 4 {
		t.Errorf("%d deliveries; want one more", total)
	}
}

// Whoever was counted as not reached and then opens the app is reached.
func pushAckEndsChain(t *testing.T, s push.Store) {
	for _, read := range []bool{false, true} {
		for _, unreached := range []string{"", push.NotAcknowledged} {
			id := fmt.Sprint(read, unreached)
			p := pushPlanned(id, "c", pushEpoch, "a", "b")
			if unreached != "" {
				p.Plan.Due, p.Plan.Unreached = time.Time{}, unreached
			}
			pushPut(t, s, p)
			pushAck(t, s, "c", "a", pushEpoch, read, id)
			if got := pushNextChain(t, s); got != -1 {
				t.Errorf("%s: the chain goes on after %v", id, got)
			}
			if b, want := pushState(t, s, id, "b").State, map[bool]push.State{false: push.Queued, true: push.Suppressed}[read]; b != want {
				t.Errorf("%s: the other device's is %s; want %s", id, b, want)
			}
		}
	}
}
