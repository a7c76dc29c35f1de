package fcm_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/demo/standin"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/teststore"
)

var epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// people is a Directory: citizen N has one phone, with the token that tokens says.
type people struct {
	mu     sync.Mutex
	tokens map[string]string
}

func (p *people) Contacts(_ context.Context, citizens []string) (map[string]push.Contact, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]push.Contact{}
	for _, id := range citizens {
		all[id] = push.Contact{Language: "ar", Push: true, Devices: []push.Device{{ID: "phone", Token: p.tokens[id], Platform: "android"}}}
	}
	return all, nil
}

func (p *people) token(citizen string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens[citizen]
}

func (*people) SetAside(context.Context, string, string) error { return nil }

func (p *people) DropToken(_ context.Context, citizen, token string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tokens[citizen] == token {
		p.tokens[citizen] = ""
	}
	return nil
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Steady is a clock that nobody sets; neither does the test.
func (c *clock) Steady() time.Duration { return c.Now().Sub(epoch) }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, again := time.After(2*time.Minute), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 2 min", what)
		case <-again.C:
		}
	}
}

// accepted counts the messages in the journal of the stand-in by their id.
func (f *fake) accepted(t *testing.T) map[string]int {
	t.Helper()
	file, err := os.Open(f.journal)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ids := map[string]int{}
	for s := bufio.NewScanner(file); s.Scan(); {
		var m standin.Message
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			continue // the line that is being written
		}
		ids[m.Data["notification_id"]]++
	}
	return ids
}

// chain is store, service, sender and FCM, as in production but for the clock.
type chain struct {
	*push.Service
	db     teststore.Store
	people *people
	clock  *clock
	fcm    *fake
}

func startChain(t *testing.T, timeout time.Duration) chain {
	t.Helper()
	db := teststore.Open(t)
	c := chain{db: db, people: &people{tokens: map[string]string{}}, clock: &clock{now: epoch}, fcm: startFCM(t)}
	c.Service = push.New(db, c.people)
	c.Now = c.clock.Now
	s := &push.Sender{Service: c.Service, Name: push.ChannelPush, Channel: c.fcm.client(t), Steady: c.clock.Steady, Workers: 8, Poll: 2 * time.Millisecond,
		Timeout: timeout, Lease: time.Minute} // longer than the steps in which the tests let time pass
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

// tell makes one fact for each of n citizens and gives the ids of their messages.
func (c chain) tell(t *testing.T, n int, token string) []string {
	t.Helper()
	ids := make([]string, n)
	var wg sync.WaitGroup
	turns := make(chan struct{}, 64)
	for i := range n {
		citizen := fmt.Sprintf("citizen-%d", i)
		c.people.mu.Lock()
		c.people.tokens[citizen] = fmt.Sprintf("%s-%d", token, i)
		c.people.mu.Unlock()
		e := event.Event{ID: fmt.Sprintf("e-%d", i), Type: event.ReportMoved, At: epoch,
			Report: &event.Report{ID: "r", Number: "1234567890", Citizen: citizen, To: "resolved"}}
		ids[i] = event.Derive(e.ID, "inbox")
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			if err := c.On(context.Background(), e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return ids
}

func (c chain) state(t *testing.T, id string) push.Delivery {
	t.Helper()
	ds, err := c.db.Deliveries(t.Context(), id)
	if err != nil || len(ds) != 1 {
		t.Fatalf("deliveries %+v, %v", ds, err)
	}
	return ds[0]
}

// underWay reports whether one of the messages is leased. While one is, the clock stands: on a slow machine it would end
// the lease.
func (c chain) underWay(t *testing.T, ids []string) bool {
	t.Helper()
	for _, id := range ids {
		if c.state(t, id).State == push.Leased {
			return true
		}
	}
	return false
}

// Whatever FCM does for a while, every message arrives, and exactly once.
func TestSender_losesNothing(t *testing.T) {
	t.Parallel()
	for _, f := range []standin.Fault{{Status: 500, Count: 40}, {Status: 503, Count: 40}, {Status: 503, RetryAfter: "30", Count: 40}, {Status: 429, Count: 40},
		{Status: 429, RetryAfter: "120", Count: 40}, {Mode: "cut", Count: 40}, {Mode: "garbage", Count: 40}, {Mode: "hang", Count: 16}} {
		t.Run(fmt.Sprintf("%d%s%s", f.Status, f.Mode, f.RetryAfter), func(t *testing.T) {
			t.Parallel()
			timeout := 10 * time.Second
			if f.Mode == "hang" {
				timeout = 2 * time.Second
			}
			c := startChain(t, timeout)
			c.fcm.fail(t, f)
			ids := c.tell(t, 100, "phone")
			eventually(t, "every message is accepted", func() bool {
				if !c.underWay(t, ids) {
					c.clock.advance(10 * time.Second)
				}
				return len(c.fcm.accepted(t)) == len(ids)
			})
			for _, id := range ids {
				eventually(t, "the ledger says so", func() bool { return c.state(t, id).State == push.Accepted })
			}
			for id, n := range c.fcm.accepted(t) {
				if n != 1 {
					t.Errorf("%s arrived %d times", id, n)
				}
			}
		})
	}
}

func TestSender_pausesAfter429(t *testing.T) {
	t.Parallel()
	c := startChain(t, 10*time.Second)
	c.fcm.fail(t, standin.Fault{Status: 429, RetryAfter: "5", Count: 1000})
	ids := c.tell(t, 100, "phone")
	eventually(t, "nothing is leased", func() bool { return !c.underWay(t, ids) && c.fcm.requests(t) > 0 })
	if n := c.fcm.requests(t); n > 8 {
		t.Errorf("%d requests; want no more than the workers", n)
	}
	before := c.fcm.requests(t)
	c.clock.advance(59 * time.Second)
	other := c.people
	other.mu.Lock()
	other.tokens["late"] = "late"
	other.mu.Unlock()
	e := event.Event{ID: "late", Type: event.ReportMoved, At: epoch, Report: &event.Report{ID: "r", Number: "1", Citizen: "late", To: "closed"}}
	if err := c.On(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if n := c.fcm.requests(t); n != before {
		t.Errorf("%d requests within the minute that a 429 costs", n-before)
	}
	c.fcm.fail(t, standin.Fault{})
	c.clock.advance(2 * time.Second)
	eventually(t, "all is accepted", func() bool { return len(c.fcm.accepted(t)) == len(ids)+1 })
}

func TestSender_tokens(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]struct {
		reason string
		kept   bool
	}{"dead": {"unregistered", false}, "foreign": {"sender_id_mismatch", true}, "bad": {"invalid_argument", true}} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			c := startChain(t, 10*time.Second)
			id := c.tell(t, 1, token)[0]
			eventually(t, "it failed", func() bool { return c.state(t, id).State == push.Failed })
			if d := c.state(t, id); d.Reason != want.reason {
				t.Errorf("reason %q; want %q", d.Reason, want.reason)
			}
			if token := c.people.token("citizen-0"); (token != "") != want.kept {
				t.Errorf("token %q; kept should be %t", token, want.kept)
			}
			c.clock.advance(48 * time.Hour)
			if n := c.fcm.requests(t); n != 1 {
				t.Errorf("%d requests; want 1", n)
			}
		})
	}
}

func TestSender_acknowledged(t *testing.T) {
	t.Parallel()
	c := startChain(t, 10*time.Second)
	id := c.tell(t, 1, "phone")[0]
	eventually(t, "the phone has it", func() bool { return len(c.fcm.received(t, "phone-0")) == 1 })
	a := actor.Actor{Kind: actor.Citizen, ID: "citizen-0", Device: "phone"}
	got := c.fcm.received(t, "phone-0")[0].Data["notification_id"]
	if err := c.Acknowledge(t.Context(), a, got, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivered", func() bool { return c.state(t, id).State == push.Delivered })
	if err := c.Acknowledge(t.Context(), a, got, true); err != nil {
		t.Fatal(err)
	}
	if s := c.state(t, id).State; s != push.Read {
		t.Errorf("state %s; want read", s)
	}
}
