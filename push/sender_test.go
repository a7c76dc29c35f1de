package push_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// channel is a push.Channel made of a function.
type channel func(push.Notice) push.Outcome

func (c channel) Send(_ context.Context, n push.Notice) push.Outcome { return c(n) }

func taken(push.Notice) push.Outcome { return push.Outcome{Answer: push.Taken, Ref: "ref"} }

// run starts a sender that looks every millisecond. stop asks it to stop, wait waits until it has.
func (b bench) run(t *testing.T, c channel, change func(*push.Sender)) (stop, wait func()) {
	t.Helper()
	s := &push.Sender{Service: b.Service, Name: push.ChannelPush, Channel: c, Steady: b.clock.watched(), Workers: 4, Batch: 16, Poll: time.Millisecond}
	if change != nil {
		change(s)
	}
	began, looked := make(chan struct{}), s.Steady
	begin := sync.OnceFunc(func() { close(began) })
	s.Steady = func() time.Duration { defer begin(); return looked() }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	wait = sync.OnceFunc(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wait() })
	<-began // by the clocks as they are now
	return cancel, wait
}

// idles waits until the senders have looked, and looked again, while nothing is under way.
func (b bench) idles(t *testing.T) {
	t.Helper()
	for i, n := range b.clock.looks {
		before := n.Load()
		eventually(t, fmt.Sprint("sender ", i, " looks"), func() bool { return n.Load() >= before+3 })
	}
}

func (b bench) await(t *testing.T, fact, device string, want push.State) push.Delivery {
	t.Helper()
	var d push.Delivery
	eventually(t, fact+" to "+device+" is "+string(want), func() bool {
		d = b.deliveries(t, fact)[device]
		return d.State == want
	})
	return d
}

func TestSender_Run_wakesAtOnce(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	got := make(chan push.Notice, 2)
	b.run(t, func(n push.Notice) push.Outcome { got <- n; return taken(n) }, func(s *push.Sender) { s.Poll = time.Hour })
	began := time.Now()
	b.tell(t, fact("e", event.ReportMoved, "noura", "resolved"))
	notices := map[string]push.Notice{}
	for range 2 {
		n := <-got
		notices[n.Device.Token] = n
	}
	t.Logf("%v from the fact to the channel", time.Since(began))
	text := func(lang string) push.Text {
		return b.Wording().Text(push.Resolved, push.ChannelPush, lang, push.Vars{Number: "1234567890"})
	}
	want := push.Notice{ID: event.Derive("e", "inbox"), Delivery: event.Derive(event.Derive("e", "inbox"), "push", "phone"), Kind: push.Resolved, Report: "r",
		Number: "1234567890", To: "token-1", Language: "ar", Device: push.Device{ID: "phone", Token: "token-1", Platform: "android"}, Text: text("ar"),
		Collapse: "r", TTL: push.DefaultExpiry}
	if notices["token-1"] != want {
		t.Errorf("sent %+v; want %+v", notices["token-1"], want)
	}
	if n := notices["token-2"]; n.Language != "en" || n.Text != text("en") {
		t.Errorf("the device's own language: %+v", n)
	}
	if d := b.await(t, "e", "phone", push.Accepted); d.Ref != "ref" {
		t.Errorf("accepted without its name: %+v", d)
	}
}

// What waited for the morning goes in no order: none of it takes the place of another.
func TestSender_Run_afterQuietHours(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.people.set("noura", push.Contact{Push: true, Quiet: push.Quiet{From: 8 * time.Hour, To: 10 * time.Hour, Zone: time.UTC},
		Devices: []push.Device{{ID: "phone", Token: "token-1"}}})
	got := make(chan push.Notice, 2)
	b.tell(t, fact("e1", event.ReportMoved, "noura", "assigned"))
	b.tell(t, fact("e2", event.ReportMoved, "noura", "in_progress"))
	b.clock.advance(time.Hour)
	b.run(t, func(n push.Notice) push.Outcome { got <- n; return taken(n) }, nil)
	for range 2 {
		if n := <-got; n.Collapse != "" {
			t.Errorf("%s would take the place of the other: %q", n.Kind, n.Collapse)
		}
	}
}

func TestSender_Run_answers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answer  push.Outcome
		state   push.State
		reason  string
		least   time.Duration
		most    time.Duration
		dropped bool
	}{
		{"gone", push.Outcome{Answer: push.Gone, Reason: "unregistered"}, push.Failed, "unregistered", 0, 0, true},
		{"foreign", push.Outcome{Answer: push.Foreign, Reason: "sender_id_mismatch"}, push.Failed, "sender_id_mismatch", 0, 0, false},
		{"refused", push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}, push.Failed, "invalid_argument", 0, 0, false},
		{"later", push.Outcome{Reason: "unavailable"}, push.Queued, "unavailable", 0, 10 * time.Second, false},
		{"later, as asked", push.Outcome{Reason: "unavailable", After: time.Minute}, push.Queued, "unavailable", time.Minute, time.Minute, false},
		{"throttled", push.Outcome{Answer: push.Throttled, Reason: "throttled"}, push.Queued, "throttled", time.Minute, time.Minute, false},
		{"throttled, as asked", push.Outcome{Answer: push.Throttled, Reason: "throttled", After: time.Hour}, push.Queued, "throttled", time.Hour, time.Hour, false},
		{"too late to try again", push.Outcome{Reason: "unavailable", After: 24 * time.Hour}, push.Expired, "unavailable", 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setUp(t)
			var once sync.Once
			sent := make(chan struct{})
			b.run(t, func(push.Notice) push.Outcome { once.Do(func() { close(sent) }); return c.answer }, func(s *push.Sender) { s.Workers = 1 })
			b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "token-1"}}})
			b.tell(t, fact("e", event.ReportReplied, "noura", ""))
			<-sent
			d := b.await(t, "e", "phone", c.state)
			if wait := d.Due.Sub(epoch); d.Reason != c.reason || c.state == push.Queued && (wait < c.least || wait > c.most || d.Attempts != 1) {
				t.Errorf("%+v after %v; want %s within %v to %v", d, wait, c.reason, c.least, c.most)
			}
			if p := b.people.get("noura"); (p.Devices[0].Token == "") != c.dropped {
				t.Errorf("token %q; dropped should be %t", p.Devices[0].Token, c.dropped)
			}
			if aside := b.people.setAside(); (len(aside) == 1 && aside[0] == "noura token-1") != (c.answer.Answer == push.Foreign) {
				t.Errorf("set aside: %v", aside)
			}
		})
	}
}

func TestSender_Run_throttledWaitsAsAWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ asked, pause time.Duration }{{0, time.Minute}, {time.Second, time.Minute}, {2 * time.Minute, 2 * time.Minute}} {
		t.Run(c.asked.String(), func(t *testing.T) {
			t.Parallel()
			b := setUp(t)
			var sent atomic.Int64
			var open atomic.Bool
			b.run(t, func(n push.Notice) push.Outcome {
				sent.Add(1)
				if open.Load() {
					return taken(n)
				}
				return push.Outcome{Answer: push.Throttled, Reason: "throttled", After: c.asked}
			}, func(s *push.Sender) { s.Workers = 2 })
			const facts = 20
			for i := range facts {
				b.tell(t, fact(strconv.Itoa(i), event.ReportReplied, "noura", ""))
			}
			eventually(t, "it is throttled", func() bool { return sent.Load() > 0 })
			eventually(t, "no lease is left", func() bool { return b.count(t, facts)[push.Queued] == 2*facts })
			before := sent.Load()
			if before > 2 {
				t.Errorf("%d attempts with 2 workers after the first 429", before)
			}
			b.clock.set(24*time.Hour - time.Minute) // the pause is kept by a clock that nobody sets
			b.idles(t)
			b.clock.set(-24*time.Hour + time.Minute)
			b.clock.advance(c.pause - time.Millisecond)
			b.tell(t, fact("late", event.ReportReplied, "noura", ""))
			b.idles(t)
			if sent.Load() != before || b.deliveries(t, "late")["phone"].Fence != 0 {
				t.Error("sent within the pause")
			}
			open.Store(true)
			b.clock.advance(time.Millisecond)
			eventually(t, "all is sent", func() bool { return b.count(t, facts)[push.Accepted] == 2*facts })
		})
	}
}

// count the deliveries of the facts 0 to n-1 by state.
func (b bench) count(t *testing.T, n int) map[push.State]int {
	t.Helper()
	states := map[push.State]int{}
	for i := range n {
		for _, d := range b.deliveries(t, strconv.Itoa(i)) {
			states[d.State]++
		}
	}
	return states
}

func TestSender_Run_survivesPanics(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var sent atomic.Int64
	b.run(t, func(n push.Notice) push.Outcome {
		if sent.Add(1); n.ID == event.Derive("bad", "inbox") {
			panic("boom")
		}
		return taken(n)
	}, nil)
	b.tell(t, fact("bad", event.ReportReplied, "noura", ""), fact("good", event.ReportReplied, "noura", ""))
	for _, dev := range []string{"phone", "second"} {
		if d := b.await(t, "bad", dev, push.Failed); d.Reason != "panic" {
			t.Errorf("reason %q", d.Reason)
		}
		b.await(t, "good", dev, push.Accepted)
	}
	b.clock.advance(time.Hour)
	b.idles(t)
	if n := sent.Load(); n != 4 {
		t.Errorf("%d attempts; want 4: what panics is not tried again", n)
	}
}

func TestSender_Run_asksBeforeItSends(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var outcomes sync.Map
	b.tell(t, fact("read", event.ReportReplied, "noura", ""), fact("out", event.ReportReplied, "noura", ""))
	if err := b.Acknowledge(t.Context(), as("noura", "other"), event.Derive("read", "inbox"), true); err != nil {
		t.Fatal(err)
	}
	b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "second"}}}) // signed out on the phone
	b.people.set("faisal", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "token-1"}}})
	b.run(t, func(n push.Notice) push.Outcome { t.Errorf("sent %s", n.ID); return taken(n) },
		func(s *push.Sender) { s.OnOutcome = func(ch, o string) { outcomes.Store(ch+"/"+o, true) } })
	b.await(t, "out", "phone", push.Suppressed)
	if d := b.await(t, "out", "second", push.Suppressed); d.Reason != "no_address" {
		t.Errorf("reason %q", d.Reason)
	}
	if _, ok := outcomes.Load("push/suppressed_no_address"); !ok {
		t.Error("the outcome was not counted")
	}
	if ds := b.deliveries(t, "read"); ds["phone"].State != push.Suppressed || ds["phone"].Fence != 0 {
		t.Errorf("read elsewhere: %+v", ds["phone"])
	}
}

// What is read while others are being sent is not sent: no more is leased than is attempted at once.
func TestSender_Run_readWhileOthersAreSent(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "token-1"}}})
	b.tell(t, fact("0", event.ReportReplied, "noura", ""))
	b.clock.advance(time.Second)
	b.tell(t, fact("1", event.ReportReplied, "noura", ""))
	sending, goOn := make(chan struct{}), make(chan struct{})
	b.run(t, func(n push.Notice) push.Outcome {
		if n.ID != event.Derive("0", "inbox") {
			t.Errorf("sent after it was read")
			return taken(n)
		}
		close(sending)
		<-goOn
		return taken(n)
	}, func(s *push.Sender) { s.Workers = 1 })
	<-sending
	err := b.Acknowledge(t.Context(), as("noura", ""), event.Derive("1", "inbox"), true)
	close(goOn)
	if err != nil {
		t.Fatal(err)
	}
	b.await(t, "0", "phone", push.Accepted)
	b.await(t, "1", "phone", push.Suppressed)
}

// A phone that was quicker than the answer of the channel stays the one that knows better.
func TestSender_Run_readWhileBeingSent(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "token-1"}}})
	var sent atomic.Bool
	b.run(t, func(n push.Notice) push.Outcome {
		if err := b.Acknowledge(context.Background(), as("noura", "phone"), n.ID, true); err != nil {
			t.Error(err)
		}
		sent.Store(true)
		return taken(n)
	}, nil)
	b.tell(t, fact("0", event.ReportReplied, "noura", ""))
	b.await(t, "0", "phone", push.Read)
	eventually(t, "it is sent", sent.Load)
	b.idles(t)
	if d := b.deliveries(t, "0")["phone"]; d.State != push.Read {
		t.Errorf("set back to %s", d.State)
	}
}

func TestSender_Run_expires(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	b.clock.advance(push.DefaultExpiry)
	b.run(t, func(n push.Notice) push.Outcome { t.Error("sent after its deadline"); return taken(n) }, nil)
	b.await(t, "e", "phone", push.Expired)
}

func TestSender_Run_twoOnOneStore(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	const facts = 100
	var mu sync.Mutex
	sent := map[string]int{}
	c := func(n push.Notice) push.Outcome {
		mu.Lock()
		defer mu.Unlock()
		sent[n.ID+n.Device.ID]++
		return taken(n)
	}
	b.run(t, c, nil)
	b.run(t, c, nil)
	for i := range facts {
		b.tell(t, fact(strconv.Itoa(i), event.ReportReplied, "noura", ""))
	}
	eventually(t, "all is sent", func() bool { return b.count(t, facts)[push.Accepted] == 2*facts })
	for id, n := range sent {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

func TestSender_Run_bounded(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	const facts = 50
	for i := range facts {
		b.tell(t, fact(strconv.Itoa(i), event.ReportReplied, "noura", ""))
	}
	goOn, full := make(chan struct{}), make(chan struct{})
	var sent, now, most atomic.Int64
	stop, wait := b.run(t, func(n push.Notice) push.Outcome {
		at := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); at > m && !most.CompareAndSwap(m, at); m = most.Load() {
		}
		if sent.Add(1) == 4 {
			close(full)
		}
		<-goOn
		return taken(n)
	}, nil)
	<-full
	b.clock.advance(time.Second) // and look again, with no worker free
	leased := b.count(t, facts)[push.Leased]
	stop()
	close(goOn)
	wait()
	if leased != 4 || most.Load() != 4 {
		t.Errorf("%d leased, %d sent at once; want as many as workers", leased, most.Load())
	}
	got := b.count(t, facts)
	if n := sent.Load(); got[push.Accepted] != int(n) || got[push.Queued] != 2*facts-int(n) || n > 16 {
		t.Errorf("after the stop %v, %d sent; want what was under way accepted, the others queued", got, n)
	}
}

// What was leased and not begun when it was told to stop is given back as it was, for others to send at once.
func TestSender_Run_givesBack(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "token-1"}}})
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	asking, goOn := make(chan struct{}, 1), make(chan struct{})
	b.Directory = &slowDirectory{Directory: b.people, asking: asking, goOn: goOn}
	stop, wait := b.run(t, func(n push.Notice) push.Outcome { t.Error("sent after the stop"); return taken(n) }, nil)
	<-asking
	if d := b.deliveries(t, "e")["phone"]; d.State != push.Leased {
		t.Errorf("not leased: %+v", d)
	}
	stop()
	close(goOn)
	wait()
	if d := b.deliveries(t, "e")["phone"]; d.State != push.Queued || d.Attempts != 0 || !d.Due.Equal(epoch) || d.Fence != 1 {
		t.Errorf("after the stop %+v", d)
	}
}

// slowDirectory says that it is asked, and answers when told to.
type slowDirectory struct {
	push.Directory
	asking, goOn chan struct{}
}

func (d *slowDirectory) Contacts(ctx context.Context, ids []string) (map[string]push.Contact, error) {
	select {
	case d.asking <- struct{}{}:
	default:
	}
	<-d.goOn
	return d.Directory.Contacts(ctx, ids)
}

// brokenStore refuses the first writes of results.
type brokenStore struct {
	push.Store
	left atomic.Int64
}

func (s *brokenStore) SettleDeliveries(ctx context.Context, rs []push.Result) error {
	if s.left.Add(-1) >= 0 {
		return errors.New("the disk is full")
	}
	return s.Store.SettleDeliveries(ctx, rs)
}

func TestSender_Run_keepsResults(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	broken := &brokenStore{Store: b.store}
	broken.left.Store(2)
	b.Store = broken
	var sent atomic.Int64
	b.run(t, func(n push.Notice) push.Outcome { sent.Add(1); return taken(n) }, nil)
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	b.await(t, "e", "phone", push.Accepted)
	b.await(t, "e", "second", push.Accepted)
	if sent.Load() != 2 {
		t.Errorf("%d attempts; want 2", sent.Load())
	}
}

// While nobody can say whom a delivery is for, it waits like one that a channel could not take.
func TestSender_Run_directoryOut(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	b.people.fail(errors.New("out of reach"))
	b.run(t, taken, nil)
	eventually(t, "it is tried", func() bool { return b.deliveries(t, "e")["phone"].Attempts > 0 })
	b.await(t, "e", "phone", push.Queued)
	if d := b.deliveries(t, "e")["phone"]; d.Reason != "directory" {
		t.Errorf("%+v", d)
	}
	b.people.fail(nil)
	eventually(t, "it is sent", func() bool {
		b.clock.advance(10 * time.Second)
		ds := b.deliveries(t, "e")
		return ds["phone"].State == push.Accepted && ds["second"].State == push.Accepted
	})
}

// The phone may have registered anew while the answer about its old token was on its way.
func TestSender_Run_dropsOnlyTheDeadToken(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "old"}}})
	b.run(t, func(n push.Notice) push.Outcome {
		b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "new"}}}) // registered meanwhile
		return push.Outcome{Answer: push.Gone, Reason: "unregistered"}
	}, nil)
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	b.await(t, "e", "phone", push.Failed)
	if got := b.people.get("noura").Devices[0].Token; got != "new" {
		t.Errorf("token %q; want the new one kept", got)
	}
}

func TestSender_Run_timeout(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "phone", Token: "token-1"}}})
	b.run(t, nil, func(s *push.Sender) { s.Channel, s.Timeout = hanging{}, 5*time.Millisecond })
	b.tell(t, fact("e", event.ReportReplied, "noura", ""))
	eventually(t, "it is tried", func() bool { return b.deliveries(t, "e")["phone"].Attempts > 0 })
	if d := b.await(t, "e", "phone", push.Queued); d.Reason != "timeout" {
		t.Errorf("%+v", d)
	}
}

// hanging is a channel that never answers.
type hanging struct{}

func (hanging) Send(ctx context.Context, _ push.Notice) push.Outcome {
	<-ctx.Done()
	return push.Outcome{Reason: "timeout"}
}
