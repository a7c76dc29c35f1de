package push

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// The pace of retries.
const (
	firstRetry    = 10 * time.Second // full jitter: somewhere between now and then, doubled with each attempt
	lastRetry     = 10 * time.Minute
	throttleLeast = 60 * time.Second
	settleAgain   = 250 * time.Millisecond
	settleLinger  = 10 * time.Millisecond
	settleTries   = 20 // at the end; while it runs, results are held until the store takes them
	clockJump     = 2 * time.Second
)

// Sender leases deliveries of one channel and sends them. Any number of processes may run one on the same store.
//
// A lease outlasts the attempt that it is taken for. What another process has leased is taken over only when its lease has ended
// and this sender has seen a whole lease pass on a clock that nobody sets: neither a start nor a clock that jumps makes it send
// what somebody else is sending.
type Sender struct {
	Service   *Service
	Name      string // of the channel
	Channel   Channel
	Log       *slog.Logger
	Steady    func() time.Duration                      // a clock that is never set; the machine's when nil
	OnOutcome func(channel, outcome string)             // told of each attempt and each end, by a closed set of outcomes
	OnTaken   func(channel string, delay time.Duration) // told of each delivery that was accepted, with its time since it could go

	Workers int           // attempts at once; 1024 when 0
	Batch   int           // deliveries in one lease and in one write of results, at the most; 256 when 0
	Lease   time.Duration // three times Timeout when 0; longer than it
	Timeout time.Duration // of one attempt; 10 seconds when 0
	Poll    time.Duration // how often to look without being woken; 1 second when 0

	under   atomic.Int64  // attempts that are under way
	freed   chan struct{} // some of them have ended
	results chan Result
	paused  atomic.Int64 // until then, by Steady, nothing is sent

	wall  time.Time     // at the last look
	mark  time.Duration // by Steady
	holds time.Duration // until then, by Steady, no lease of others is taken over
	clean bool          // since then, leases that a wrong clock made too long were ended
}

func (s *Sender) defaults() {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&s.Workers, 1024)
	set(&s.Batch, 256)
	wait(&s.Timeout, 10*time.Second)
	wait(&s.Lease, 3*s.Timeout)
	wait(&s.Poll, time.Second)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Steady == nil {
		began := time.Now()
		s.Steady = func() time.Duration { return time.Since(began) }
	}
	if s.OnOutcome == nil {
		s.OnOutcome = func(string, string) {}
	}
	if s.OnTaken == nil {
		s.OnTaken = func(string, time.Duration) {}
	}
	s.freed, s.results = make(chan struct{}, 1), make(chan Result, s.Batch)
	s.wall, s.mark = s.Service.Now(), s.Steady()
	s.holds = s.mark + s.Lease
}

// Run sends until ctx ends. It then lets the attempts that are under way finish, gives back what it leased beyond them, and
// writes all results before it returns.
func (s *Sender) Run(ctx context.Context) error {
	s.defaults()
	var attempts, recorder sync.WaitGroup
	recorder.Go(func() { s.record(ctx) })
	s.dispatch(ctx, &attempts)
	attempts.Wait()
	close(s.results)
	recorder.Wait()
	return nil
}

// dispatch leases what is due whenever there is room for a fair share of attempts.
func (s *Sender) dispatch(ctx context.Context, attempts *sync.WaitGroup) {
	share := min(s.Batch, max(1, s.Workers/8))
	timer := time.NewTimer(0)
	defer timer.Stop()
	hungry := false // there was more than there was room for
	for ctx.Err() == nil {
		var freed chan struct{}
		if hungry {
			freed = s.freed
		}
		if free := s.Workers - int(s.under.Load()); !hungry || free < share {
			select {
			case <-ctx.Done():
				return
			case <-s.Service.wake[s.Name]:
			case <-timer.C:
				timer.Reset(s.Poll)
			case <-freed:
			}
		}
		room := min(s.Batch, s.Workers-int(s.under.Load()))
		if hungry = room < share && s.Workers > share; hungry {
			continue
		}
		began := s.Steady() // of the leases: the store may take its time with them
		batch, err := s.lease(ctx, room, hungry)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("lease deliveries", "channel", s.Name, "error", err)
		}
		if hungry = len(batch) == room && room > 0; len(batch) > 0 {
			s.under.Add(int64(len(batch)))
			attempts.Go(func() { s.send(ctx, batch, began, attempts) })
		}
	}
}

// lease takes a batch. It looks before it writes, so that an idle sender costs the store no commit.
func (s *Sender) lease(ctx context.Context, room int, sure bool) ([]Delivery, error) {
	now, steady := s.Service.Now(), s.Steady()
	if jump := now.Sub(s.wall) - (steady - s.mark); jump.Abs() > clockJump {
		s.Log.Warn("the clock was set", "by", jump.Round(time.Millisecond).String())
		s.holds, s.clean = steady+s.Lease, false
	}
	s.wall, s.mark = now, steady
	if steady >= s.holds && !s.clean {
		if err := s.Service.Store.EndLeases(ctx, s.Name, now, s.Lease); err != nil {
			return nil, err
		}
		s.clean = true
	}
	if room == 0 || int64(steady) < s.paused.Load() {
		return nil, nil
	}
	if !sure {
		due, any, err := s.Service.Store.NextDelivery(ctx, s.Name)
		if err != nil || !any || due.After(now) {
			return nil, err
		}
	}
	return s.Service.Store.LeaseDeliveries(ctx, s.Name, now, s.Lease, room, steady >= s.holds)
}

// send looks up whom a batch is for, and makes its attempts beside each other.
func (s *Sender) send(ctx context.Context, batch []Delivery, leased time.Duration, attempts *sync.WaitGroup) {
	ids := make([]string, 0, len(batch))
	for _, d := range batch {
		if d.Citizen != "" {
			ids = append(ids, d.Citizen)
		}
	}
	var people map[string]Contact
	var err error
	if len(ids) > 0 {
		if people, err = s.Service.Directory.Contacts(context.WithoutCancel(ctx), ids); err != nil {
			s.Log.Error("look up whom to tell", "channel", s.Name, "error", err)
		}
	}
	for _, d := range batch {
		attempts.Go(func() {
			switch {
			case err != nil:
				s.done(s.settle(d, Outcome{Reason: "directory"}))
			case s.Steady()-leased > s.Lease-s.Timeout: // too late to be finished within the lease
				s.done(s.back(d, s.Service.Now()))
			default:
				s.done(s.attempt(ctx, d, people))
			}
		})
	}
}

// done hands a result to the recorder and makes room for another attempt.
func (s *Sender) done(r Result) {
	s.results <- r
	s.under.Add(-1)
	signal(s.freed)
}

// attempt makes one attempt, whatever happens in it. What makes it panic would do so again, so it is set aside.
func (s *Sender) attempt(ctx context.Context, d Delivery, people map[string]Contact) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("a send panicked", "channel", s.Name, "delivery", d.ID, "panic", fmt.Sprintf("%T", p))
			r = s.end(d, Failed, "panic")
		}
	}()
	now := s.Service.Now()
	switch paused := time.Duration(s.paused.Load()) - s.Steady(); {
	case paused > 0:
		return s.back(d, now.Add(paused))
	case ctx.Err() != nil:
		return s.back(d, now) // stopping
	case !now.Before(d.Deadline):
		return s.end(d, Expired, "deadline")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
	defer cancel()
	n, v := s.Service.compose(ctx, d, people, now)
	switch {
	case v.err != nil:
		s.Log.Error("compose a notice", "channel", s.Name, "delivery", d.ID, "error", v.err)
		return s.settle(d, Outcome{Reason: "texts"})
	case v.pointless != "":
		return s.end(d, Suppressed, v.pointless)
	case v.notBefore.After(now):
		return s.back(d, v.notBefore)
	}
	o := s.Channel.Send(ctx, n)
	if err := s.prune(ctx, d, n, o.Answer); err != nil {
		o = Outcome{Reason: "directory"}
	}
	return s.settle(d, o)
}

// prune takes a token out of use that leads nowhere.
func (s *Sender) prune(ctx context.Context, d Delivery, n Notice, answer Answer) error {
	switch {
	case d.Citizen == "": // a topic
		return nil
	case answer == Gone:
		return s.Service.Directory.DropToken(ctx, d.Citizen, n.To)
	case answer == Foreign:
		return s.Service.Directory.SetAside(ctx, d.Citizen, n.To)
	}
	return nil
}

// settle is the table of what happens on each answer.
func (s *Sender) settle(d Delivery, o Outcome) Result {
	switch o.Answer {
	case Taken:
		r := s.end(d, Accepted, "")
		r.Ref = o.Ref
		s.OnTaken(s.Name, r.At.Sub(d.Planned))
		return r
	case Gone, Foreign, Refused:
		return s.end(d, Failed, o.Reason)
	case Throttled: // the whole channel waits
		after := max(o.After, throttleLeast)
		for until := int64(s.Steady() + after); ; {
			p := s.paused.Load()
			if until <= p || s.paused.CompareAndSwap(p, until) {
				break
			}
		}
		return s.again(d, o.Reason, after)
	}
	return s.again(d, o.Reason, max(o.After, fullJitter(d.Attempts)))
}

// fullJitter is somewhere between 0 and 10 s, 20 s, 40 s … 10 min.
func fullJitter(attempts int) time.Duration {
	return rand.N(min(lastRetry, firstRetry<<min(attempts, 10)))
}

// again queues a delivery for another attempt, or ends it when that would be after its deadline.
func (s *Sender) again(d Delivery, reason string, after time.Duration) Result {
	now := s.Service.Now()
	due := now.Add(after)
	if !due.Before(d.Deadline) {
		return s.end(d, Expired, reason)
	}
	s.OnOutcome(s.Name, "retry_"+reason)
	return Result{Delivery: d, State: Queued, Due: due, Attempted: true, Reason: reason, At: now}
}

// back gives up a lease without an attempt.
func (s *Sender) back(d Delivery, due time.Time) Result {
	return Result{Delivery: d, State: Queued, Due: due, Reason: d.Reason, At: s.Service.Now()}
}

func (s *Sender) end(d Delivery, state State, reason string) Result {
	outcome := string(state)
	if reason != "" {
		outcome += "_" + reason
	}
	s.OnOutcome(s.Name, outcome)
	return Result{Delivery: d, State: state, Reason: reason, At: s.Service.Now()}
}

// record writes results in groups: those that gather while one write is on its way to the disk share the next. A result is
// kept until the store takes it, and the attempts wait with it: nothing is sent that could not be noted.
func (s *Sender) record(ctx context.Context) {
	for r := range s.results {
		group := s.gather(append(make([]Result, 0, s.Batch), r))
		for try := 1; ; try++ {
			err := s.Service.Store.SettleDeliveries(context.WithoutCancel(ctx), group)
			if err == nil {
				break
			}
			s.Log.Error("note deliveries", "channel", s.Name, "count", len(group), "error", err)
			if ctx.Err() != nil && try >= settleTries {
				break // their leases end by themselves
			}
			time.Sleep(settleAgain)
		}
		for _, r := range group {
			if r.State == Failed || r.State == Expired || r.State == Suppressed {
				signal(s.Service.poke) // another channel may be wanted
				break
			}
		}
	}
}

// gather adds the results that are there. While much is under way it waits a moment for more: fewer and larger commits leave the
// store more time, and nobody waits for them.
func (s *Sender) gather(group []Result) []Result {
	var late <-chan time.Time
	if s.under.Load() > int64(s.Workers/4) {
		late = time.After(settleLinger)
	}
	for len(group) < s.Batch {
		select {
		case r, ok := <-s.results:
			if !ok {
				return group
			}
			group = append(group, r)
			continue
		default:
		}
		if late == nil {
			return group
		}
		select {
		case r, ok := <-s.results:
			if !ok {
				return group
			}
			group = append(group, r)
		case <-late:
			return group
		}
	}
	return group
}
