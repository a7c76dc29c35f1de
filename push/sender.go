package push

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balagh/balagh/fault"
)

// The pace of retries.
const (
	firstRetry    = 10 * time.Second // full jitter: somewhere between now and then, doubled with each attempt
	lastRetry     = 10 * time.Minute
	throttleLeast = 60 * time.Second
	settleAgain   = 250 * time.Millisecond
	settleTries   = 20 // at the end; while it runs, results are held until the store takes them
)

// Sender leases deliveries of one channel and sends them. Any number of processes may run one on the same store.
type Sender struct {
	Store     Store
	Directory Directory
	Name      string // of the channel
	Channel   Channel
	Wake      <-chan struct{} // signalled when deliveries were planned
	Now       func() time.Time
	Log       *slog.Logger
	OnOutcome func(channel, outcome string) // told of each attempt and each end, by a closed set of outcomes

	Workers int           // attempts at once; 64 when 0
	Batch   int           // deliveries in one lease and in one write of results; 256 when 0
	Lease   time.Duration // 2 minutes when 0: longer than a batch takes on a channel that hangs
	Timeout time.Duration // of one attempt; 10 seconds when 0
	Poll    time.Duration // how often to look without being woken; 1 second when 0

	paused atomic.Int64 // until then, in Unix milliseconds, nothing is sent
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
	set(&s.Workers, 64)
	set(&s.Batch, 256)
	wait(&s.Lease, 2*time.Minute)
	wait(&s.Timeout, 10*time.Second)
	wait(&s.Poll, time.Second)
	if s.Name == "" {
		s.Name = ChannelPush
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.OnOutcome == nil {
		s.OnOutcome = func(string, string) {}
	}
}

// Run sends until ctx ends. It then lets the attempts that are under way finish, gives back what it leased beyond them, and
// writes all results before it returns.
func (s *Sender) Run(ctx context.Context) error {
	s.defaults()
	jobs := make(chan Delivery, s.Batch)
	results := make(chan Result, s.Batch)
	var workers, recorder sync.WaitGroup
	for range s.Workers {
		workers.Go(func() {
			for d := range jobs {
				results <- s.attempt(ctx, d)
			}
		})
	}
	recorder.Go(func() { s.record(ctx, results) })
	s.dispatch(ctx, jobs)
	close(jobs)
	workers.Wait()
	close(results)
	recorder.Wait()
	return nil
}

// dispatch leases what is due whenever the workers have room for it.
func (s *Sender) dispatch(ctx context.Context, jobs chan<- Delivery) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.Wake:
		case <-timer.C:
		}
		again, err := s.lease(ctx, jobs)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("lease deliveries", "channel", s.Name, "error", err)
		}
		if again {
			timer.Reset(0)
		} else {
			timer.Reset(s.Poll)
		}
	}
}

// lease hands one batch to the workers and reports whether there may be more. It looks before it writes: an idle sender
// costs the store no commit.
func (s *Sender) lease(ctx context.Context, jobs chan<- Delivery) (more bool, err error) {
	now := s.Now()
	if now.UnixMilli() < s.paused.Load() {
		return false, nil
	}
	due, any, err := s.Store.NextDelivery(ctx, s.Name)
	if err != nil || !any || due.After(now) {
		return false, err
	}
	batch, err := s.Store.LeaseDeliveries(ctx, s.Name, now, s.Lease, s.Batch)
	if err != nil {
		return false, err
	}
	for _, d := range batch {
		jobs <- d // the workers always drain it, also after ctx has ended
	}
	return len(batch) > 0, nil
}

// attempt makes one attempt, whatever happens in it.
func (s *Sender) attempt(ctx context.Context, d Delivery) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("a send panicked", "channel", s.Name, "delivery", d.ID, "panic", fmt.Sprintf("%T", p))
			r = s.settle(d, Outcome{Reason: "panic"})
		}
	}()
	now := s.Now()
	switch paused := s.paused.Load(); {
	case now.UnixMilli() < paused:
		return s.back(d, time.UnixMilli(paused))
	case ctx.Err() != nil || !now.Add(s.Timeout).Before(d.Due):
		return s.back(d, now) // stopping, or too late to be finished within the lease
	case !now.Before(d.Deadline):
		return s.end(d, Expired, "deadline")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
	defer cancel()
	held, err := s.Store.HoldsDelivery(ctx, d)
	if err != nil {
		return s.settle(d, Outcome{Reason: "store"})
	}
	if !held { // read meanwhile, or taken over: the result is refused by its fence, and only counted
		return s.end(d, Suppressed, "not_needed")
	}
	n, err := s.notice(ctx, d, now)
	if err != nil {
		return s.settle(d, Outcome{Reason: "directory"})
	}
	if n.Device.Token == "" {
		return s.end(d, Suppressed, "no_token")
	}
	o := s.Channel.Send(ctx, n)
	if o.Answer == Gone {
		if err := s.Directory.DropToken(ctx, d.Citizen, n.Device.Token); err != nil {
			o = Outcome{Reason: "directory"}
		}
	}
	return s.settle(d, o)
}

// notice is what goes out now. The token is the one that the device has now: after a log-out there is none, and after
// somebody else signed in on the phone it is theirs.
func (s *Sender) notice(ctx context.Context, d Delivery, now time.Time) (Notice, error) {
	n := Notice{ID: d.Message, Kind: d.Kind, Report: d.Report, Number: d.Number, TTL: d.Deadline.Sub(now)}
	c, err := s.Directory.Contact(ctx, d.Citizen)
	if fault.CodeOf(err) == fault.NotFound || err == nil && !c.Push {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	for _, dev := range c.Devices {
		if dev.ID == d.Device {
			n.Device = dev
		}
	}
	n.Language = n.Device.Language
	if n.Language == "" {
		n.Language = c.Language
	}
	n.Language = language(n.Language)
	n.Text = Render(d.Kind, n.Language, d.Number)
	return n, nil
}

// settle is the table of what happens on each answer.
func (s *Sender) settle(d Delivery, o Outcome) Result {
	now := s.Now()
	switch o.Answer {
	case Taken:
		r := s.end(d, Accepted, "")
		r.Ref = o.Ref
		return r
	case Gone, Foreign, Refused:
		return s.end(d, Failed, o.Reason)
	case Throttled:
		until := now.Add(max(o.After, throttleLeast)).UnixMilli()
		for {
			p := s.paused.Load()
			if until <= p || s.paused.CompareAndSwap(p, until) {
				break
			}
		}
		return s.again(d, o.Reason, max(o.After, throttleLeast))
	}
	return s.again(d, o.Reason, max(o.After, fullJitter(d.Attempts)))
}

// fullJitter is somewhere between 0 and 10 s, 20 s, 40 s … 10 min.
func fullJitter(attempts int) time.Duration {
	return rand.N(min(lastRetry, firstRetry<<min(attempts, 10)))
}

// again queues a delivery for another attempt, or ends it when that would be after its deadline.
func (s *Sender) again(d Delivery, reason string, after time.Duration) Result {
	now := s.Now()
	due := now.Add(after)
	if !due.Before(d.Deadline) {
		return s.end(d, Expired, reason)
	}
	s.OnOutcome(s.Name, "retry_"+reason)
	return Result{Message: d.Message, ID: d.ID, Fence: d.Fence, State: Queued, Due: due, Attempted: true, Reason: reason, At: now}
}

// back gives up a lease without an attempt.
func (s *Sender) back(d Delivery, due time.Time) Result {
	return Result{Message: d.Message, ID: d.ID, Fence: d.Fence, State: Queued, Due: due, Reason: d.Reason, At: s.Now()}
}

func (s *Sender) end(d Delivery, state State, reason string) Result {
	outcome := string(state)
	if reason != "" {
		outcome += "_" + reason
	}
	s.OnOutcome(s.Name, outcome)
	return Result{Message: d.Message, ID: d.ID, Fence: d.Fence, State: state, Reason: reason, At: s.Now()}
}

// record writes results in groups: those that gather while one write is on its way to the disk share the next. A result is
// kept until the store takes it, and the workers wait with it: nothing is sent that could not be noted.
func (s *Sender) record(ctx context.Context, results <-chan Result) {
	for r := range results {
		group := append(make([]Result, 0, s.Batch), r)
	gather:
		for len(group) < s.Batch {
			select {
			case r, ok := <-results:
				if !ok {
					break gather
				}
				group = append(group, r)
			default:
				break gather
			}
		}
		for try := 1; ; try++ {
			err := s.Store.SettleDeliveries(context.WithoutCancel(ctx), group)
			if err == nil {
				break
			}
			s.Log.Error("note deliveries", "channel", s.Name, "count", len(group), "error", err)
			if ctx.Err() != nil && try >= settleTries {
				break // their leases end by themselves
			}
			time.Sleep(settleAgain)
		}
	}
}
