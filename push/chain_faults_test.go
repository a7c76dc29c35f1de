package push_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// A policy that lost steps while a message was at one of them ends the chain there.
func TestService_Chains_policyIsShorter(t *testing.T) {
	t.Parallel()
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}}
	for name, c := range map[string]struct {
		steps []push.Step
		sms   push.Outcome
		why   string
	}{
		"push alone":          {[]push.Step{{Channel: push.ChannelPush, Wait: time.Minute}}, taken(push.Notice{}), ""},
		"the inbox alone":     {nil, taken(push.Notice{}), ""},
		"and SMS was refused": {[]push.Step{{Channel: push.ChannelPush, Wait: time.Minute}}, refused, push.NotAcknowledged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reachable(t, false)
			r.sms.answers(c.sms)
			r.tellHind(t)
			r.comes(t, push.ChannelPush, push.Accepted)
			r.clock.advance(10 * time.Minute)
			if _, err := r.Chains(t.Context()); err != nil { // to the SMS
				t.Fatal(err)
			}
			p := r.Wording().Policy(push.Resolved)
			p.Steps = c.steps
			if _, err := r.PutPolicy(t.Context(), admin, p, nil, false); err != nil {
				t.Fatal(err)
			}
			if c.sms == refused {
				r.comes(t, push.ChannelSMS, push.Failed)
			} else {
				r.comes(t, push.ChannelSMS, push.Accepted)
			}
			r.pass(t, time.Hour)
			r.over(t, c.why)
			r.sent(t, 1, 1, 0)
		})
	}
}

// A policy for the inbox alone plans nothing and misses nobody.
func TestService_On_inboxAlone(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	p := r.Wording().Policy(push.Resolved)
	p.Steps = nil
	if _, err := r.PutPolicy(t.Context(), actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}}, p, nil, false); err != nil {
		t.Fatal(err)
	}
	r.tellHind(t)
	r.over(t, "")
	if items := r.inbox(t, "hind").Items; len(items) != 1 {
		t.Errorf("inbox %+v", items)
	}
	r.sent(t, 0, 0, 0)
}

// Nobody is told after the account is deleted, and nobody is missed.
func TestService_Chains_accountDeleted(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.push.answers(push.Outcome{Reason: "unavailable", After: time.Hour})
	r.tellHind(t)
	eventually(t, "it is tried", func() bool { return len(r.push.got()) == 1 })
	r.comes(t, push.ChannelPush, push.Queued)
	r.people.forget("hind")
	r.pass(t, 10*time.Minute)
	r.over(t, "")
	r.pass(t, time.Hour)
	if d := r.comes(t, push.ChannelPush, push.Suppressed); d.Reason != "no_account" {
		t.Errorf("%+v", d)
	}
	r.over(t, "")
	r.sent(t, 1, 0, 0)
}

// While nobody can say how to reach people, chains are leased and given up, and taken again when the lease is over.
func TestService_Chains_directoryOut(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.tellHind(t)
	r.comes(t, push.ChannelPush, push.Accepted)
	r.clock.advance(10 * time.Minute)
	r.people.fail(errors.New("out of reach"))
	if _, err := r.Chains(t.Context()); err == nil {
		t.Error("no error")
	}
	r.people.fail(nil)
	r.pass(t, 0)
	r.sent(t, 1, 0, 0)
	r.pass(t, 30*time.Second)
	r.comes(t, push.ChannelSMS, push.Accepted)
}

// Two processes on one store, and a phone that acknowledges while they plan: nobody gets two SMS.
func TestService_RunChains_twoOnOneStore(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	const facts = 40
	for i := range facts {
		r.tell(t, fact(strconv.Itoa(i), event.ReportMoved, "hind", "resolved"))
	}
	eventually(t, "all were pushed", func() bool { return len(r.push.got()) == facts })
	other := push.New(r.store, r.people)
	other.Now, other.Channels = r.Now, r.Channels
	r.clock.advance(10 * time.Minute)
	var acknowledging, running sync.WaitGroup
	acknowledging.Go(func() {
		for i := 0; i < facts; i += 4 {
			if err := r.Acknowledge(context.Background(), as("hind", "phone"), event.Derive(strconv.Itoa(i), "inbox"), false); err != nil {
				t.Error(err)
			}
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	for _, s := range []*push.Service{r.Service, other} {
		running.Go(func() {
			if err := s.RunChains(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	defer running.Wait()
	defer stop()
	acknowledging.Wait()
	eventually(t, "all that wait have an SMS", func() bool {
		at, any, err := r.store.NextChain(t.Context())
		return err == nil && (!any || at.After(r.clock.Now()))
	})
	eventually(t, "all are sent", func() bool { return r.queued(t) == 0 })
	times := map[string]int{}
	for _, n := range r.sms.got() {
		times[n.ID]++
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("%d SMS about %s", n, id)
		}
	}
	if n := len(times); n < facts*3/4 || n > facts {
		t.Errorf("%d SMS; want one for each that was not acknowledged", n)
	}
}

// queued counts what is open.
func (r reach) queued(t *testing.T) (n int) {
	t.Helper()
	all, err := r.store.QueueDepth(t.Context(), r.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		n += d.Open
	}
	return n
}

// A delivery that failed wakes the chain at once: nobody waits for the next look.
func TestService_RunChains_isPoked(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var commits atomic.Int64
	b.Store = countingStore{b.Store, &commits}
	r := reachableBy(t, b, false)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = r.RunChains(ctx) })
	defer running.Wait()
	defer stop()
	r.push.answers(refused)
	r.tellHind(t)
	r.comes(t, push.ChannelSMS, push.Accepted)
	if n := commits.Load(); n == 0 || n > 3 {
		t.Errorf("%d leases of chains; want one for what failed", n)
	}
}

// countingStore counts leases of chains.
type countingStore struct {
	push.Store
	leases *atomic.Int64
}

func (s countingStore) LeaseChains(ctx context.Context, now time.Time, ttl time.Duration, limit int) ([]push.Chain, error) {
	s.leases.Add(1)
	return s.Store.LeaseChains(ctx, now, ttl, limit)
}
