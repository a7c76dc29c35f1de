package fcm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/balagh/balagh/demo/standin"
	"github.com/balagh/balagh/store/teststore"
)

// fewer is what the numbers of messages are divided by: also on a server each takes many times as long as in a file.
var fewer = func() int {
	if teststore.OnMongoDB() {
		return 8
	}
	return raced
}()

var facts = 2000 / fewer

// FCM is out of order in every way that it can be, and has taken nothing meanwhile: each fault costs one request, and every message
// arrives exactly once.
func TestFaults_FCM(t *testing.T) {
	t.Parallel()
	for _, f := range []standin.Fault{{Status: 500, Count: facts / 2}, {Status: 503, Count: facts / 2}, {Status: 503, RetryAfter: "30", Count: facts / 2},
		{Status: 429, Count: facts / 10}, {Status: 429, RetryAfter: "120", Count: facts / 10}, {Mode: "cut", Count: facts / 2}, {Mode: "garbage", Count: facts / 2},
		{Mode: "hang", Count: 64}} {
		t.Run(fmt.Sprintf("%d%s%s", f.Status, f.Mode, f.RetryAfter), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			timeout := 20 * time.Second
			if f.Mode == "hang" {
				timeout = 10 * time.Second
			}
			w.fcm.fail(t, f)
			p := w.join(w.fcm.url, timeout)
			ids := w.tell(p, "riyadh", facts)
			w.drain(p)
			w.arrived(p, ids, nil)
			if n := w.fcm.requests(t); n != facts+f.Count {
				t.Errorf("%d requests; want one for each of %d messages and %d faults", n, facts, f.Count)
			}
		})
	}
}

// FCM took it, and the answer was lost: nobody can know, so it is sent again, once for each such answer. Nothing else is.
func TestFaults_lostAnswers(t *testing.T) {
	t.Parallel()
	for mode, count := range map[string]int{"cut": facts / 4, "half": facts / 4, "garbage": facts / 4, "hang": 64 / fewer} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.line(mode, int64(count))
			close(l.bad)
			close(l.held)
			p := w.join(l.url, 10*time.Second)
			ids := w.tell(p, "riyadh", facts)
			w.drain(p)
			lost := l.losses()
			n := 0
			for _, k := range lost {
				n += k
			}
			if n < count {
				t.Errorf("%d answers were lost; want %d", n, count)
			}
			w.arrived(p, ids, lost)
		})
	}
}

// A 429 silences the whole channel for what it asks for and for a minute at the least, whatever the clock on the wall is set to
// meanwhile; then it goes on.
func TestFaults_throttled(t *testing.T) {
	t.Parallel()
	for after, pause := range map[string]time.Duration{"": time.Minute, "5": time.Minute, "120": 2 * time.Minute} {
		t.Run("after "+after, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fcm.fail(t, standin.Fault{Status: 429, RetryAfter: after})
			p := w.join(w.fcm.url, 20*time.Second)
			ids := w.tell(p, "riyadh", facts)
			until(t, "the channel stops", func() bool { return w.gate.leased.Load() == 0 && w.fcm.requests(t) > 0 })
			w.looks(p)
			n := w.fcm.requests(t)
			if n > 64 {
				t.Errorf("%d requests before it stopped; want no more than were under way at once", n)
			}
			for _, move := range []func(){func() { w.clocks.set(time.Hour) }, func() { w.clocks.pass(pause - time.Second) },
				func() { w.clocks.set(-2 * time.Hour) }, func() { w.clocks.set(time.Hour) }, func() { w.clocks.pass(time.Second - time.Millisecond) }} {
				move()
				w.looks(p)
				if got := w.fcm.requests(t); got != n {
					t.Fatalf("%d requests within the pause", got-n)
				}
			}
			w.fcm.fail(t, standin.Fault{})
			w.clocks.pass(time.Millisecond)
			until(t, "it goes on at once", func() bool { return w.fcm.requests(t) > n })
			w.drain(p)
			w.arrived(p, ids, nil)
		})
	}
}

// The clock on the wall jumps by an hour while attempts hang, in two processes on one store: nothing is sent twice, nothing is stuck.
func TestFaults_clockJumps(t *testing.T) {
	t.Parallel()
	for name, jumps := range map[string][]time.Duration{"forward": {time.Hour}, "back": {-time.Hour}, "forward and back": {time.Hour, -time.Hour},
		"back and forward": {-time.Hour, time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.line("", 0)
			both := []*process{w.join(l.url, 40*time.Second), w.join(l.url, 40*time.Second)}
			w.clocks.pass(time.Minute) // what holds at a start is over
			w.looks(both...)
			const few = 40 // so many that each process has room for more, and looks for it
			ids := w.tell(both[0], "riyadh", few)
			until(t, "all hang", func() bool { return l.holds() == few })
			for _, by := range jumps {
				w.clocks.set(by)
				w.looks(both...)
				w.clocks.pass(9 * time.Second) // an attempt lasts ten at the most
				w.looks(both...)
			}
			if n := l.holds(); n != few {
				t.Errorf("%d requests; want none but those that hang", n)
			}
			ids = append(ids, w.tell(both[1], "qassim", facts)...)
			close(l.held)
			w.drain(both[0])
			w.arrived(both[1], ids, nil)
			for _, p := range both {
				if p.taken.Load() == 0 {
					t.Error("one of the processes sent nothing")
				}
			}
		})
	}
}

// A process stalls for longer than its leases last. What it had under way is in doubt and goes out once more from whoever takes it
// over; what the stalled one finds out at last changes nothing any more.
func TestFaults_stalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const few = 40
	l := w.line("cut", few)
	both := []*process{w.join(l.url, 40*time.Second), w.join(l.url, 40*time.Second)}
	w.clocks.pass(time.Minute)
	w.looks(both...)
	ids := w.tell(both[0], "riyadh", few)
	until(t, "all hang", func() bool { return l.holds() == few })
	w.clocks.pass(59 * time.Second)
	w.looks(both...)
	if n := l.holds(); n != few {
		t.Errorf("%d requests; want none but those that hang", n)
	}
	w.clocks.pass(time.Second)
	until(t, "they are taken over", func() bool { return l.holds() == 2*few })
	close(l.bad)
	until(t, "the stalled process has noted what it found", func() bool { return w.gate.leased.Load() == few })
	ids = append(ids, w.tell(both[1], "qassim", facts)...)
	close(l.held)
	w.drain(both[0])
	w.arrived(both[1], ids, l.losses())
	if n := w.fcm.requests(t); n != len(ids)+few {
		t.Errorf("%d requests; want one for each of %d messages and %d in doubt", n, len(ids), few)
	}
}
