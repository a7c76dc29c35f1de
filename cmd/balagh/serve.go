package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

type serveCommand struct{ settings }

// Run serves until it is told to stop, and then finishes what it has begun.
func (c *serveCommand) Run(ctx context.Context, std stdio) error {
	log := c.logger(std.err)
	p, err := c.assemble(ctx, log)
	if err != nil {
		return err
	}
	return errors.Join(p.serve(ctx, &c.settings, nil), p.close())
}

// serve listens until ctx ends. Then no new request is taken, those under way are answered, what they made is handed on as far as
// it was begun, and the rest waits in the store for the next start. ready is told the address, when it is not nil.
func (p *parts) serve(ctx context.Context, s *settings, ready func(addr string)) error {
	app, err := p.pages(s)
	if err != nil {
		return err
	}
	app.Server().CloseOnShutdown = true
	tcp, err := net.Listen("tcp", s.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Address, err)
	}
	listener := newListener(tcp)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // the heap is small: collecting it half as often costs little memory
	}
	if os.Getenv("GOMAXPROCS") == "" {
		// The goroutine that commits waits for the disk most of the time. With one more processor than there are, it need not queue
		// behind every request when it comes back; measured, a tenth more is filed, and the slowest hundredth waits a quarter less.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var jobs, links sync.WaitGroup
	linked, unlink := context.WithCancel(context.WithoutCancel(ctx)) // for longer than there is work, which needs them
	defer unlink()
	if p.outlets.smpp != nil {
		links.Go(func() { _ = p.outlets.smpp.Run(linked) })
	}
	p.start(work, &jobs)
	heard, hush := context.WithCancel(work) // streams of events end before the server waits for what is under way
	defer hush()
	jobs.Go(func() { p.server.Feed.Run(heard) })
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener) }()
	p.log.Info("listening", "address", listener.Addr().String(), "version", version)
	if ready != nil {
		ready(listener.Addr().String())
	}
	debug.FreeOSMemory() // reading the contract took memory that serving does not need
	select {
	case err = <-served:
	case <-ctx.Done():
		p.log.Info("stopping")
		listener.hangUp()
		hush()
		err = app.ShutdownWithTimeout(s.ShutdownTime)
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("requests were still under way after %v", s.ShutdownTime)
		}
	}
	stop()
	jobs.Wait()
	unlink()
	links.Wait()
	p.log.Info("stopped")
	return err
}

// start runs what works beside the requests.
func (p *parts) start(ctx context.Context, jobs *sync.WaitGroup) {
	jobs.Go(func() { p.relay.Run(ctx) })
	jobs.Go(func() { _ = p.told.RunChains(ctx) })
	jobs.Go(func() { _ = p.told.RunBroadcasts(ctx) })
	jobs.Go(func() { _ = p.server.Programmes.RunRounds(ctx) })
	jobs.Go(func() { _ = p.server.Programmes.RunInvitations(ctx) })
	for _, s := range p.senders {
		jobs.Go(func() { _ = s.Run(ctx) })
	}
	p.every(ctx, jobs, 2*time.Second, "refresh the texts", p.told.RefreshWording)
	if err := p.watch.look(ctx); err != nil { // the metrics are to be true from the first
		p.log.Error("look at the deliveries", "error", err)
	}
	p.every(ctx, jobs, watchPause, "look at the deliveries", p.watch.look)
	p.every(ctx, jobs, watchPause, "look at the surveys", p.asked.look)
	p.every(ctx, jobs, 2*time.Second, "refresh the catalogue", p.server.Reports.Refresh)
	p.every(ctx, jobs, time.Minute, "close resolved reports", func(ctx context.Context) error {
		n, err := p.server.Reports.CloseResolved(ctx, time.Now())
		if n > 0 {
			p.log.Info("closed resolved reports", "reports", n)
		}
		return err
	})
	p.every(ctx, jobs, 2*time.Second, "enter ratings into the figures", p.settle("ratings", p.server.Surveys.Settle))
	p.every(ctx, jobs, 2*time.Second, "enter reports into the figures", p.settle("reports", p.server.Reports.SettleFigures))
	p.every(ctx, jobs, time.Hour, "sweep accounts", p.server.Accounts.Sweep)
	p.every(ctx, jobs, time.Hour, "sweep answers", p.server.Sweep)
	p.every(ctx, jobs, time.Hour, "sweep photos", func(ctx context.Context) error {
		_, err := p.server.Photos.Sweep(ctx, time.Now())
		return err
	})
}

// settle enters what was written into the figures, and then rests for twenty times as long as it took: nobody waits for it. After an
// upgrade or a copy that is all that there is, and it says how far it is.
func (p *parts) settle(what string, settle func(context.Context, func(entered int)) error) func(context.Context) error {
	const many = 20_000
	var rested time.Time
	return func(ctx context.Context) error {
		began := time.Now()
		if began.Before(rested) {
			return nil
		}
		entered, told := 0, 0
		err := settle(ctx, func(n int) {
			if entered = n; n >= told+many {
				told = n
				p.log.Info("entering "+what+" into the figures", what, n)
			}
		})
		if told > 0 && err == nil {
			p.log.Info("entered "+what+" into the figures", what, entered)
		}
		rested = time.Now().Add(20 * time.Since(began))
		return err
	}
}

// every runs a job now and then; one that fails or panics is run again the next time.
func (p *parts) every(ctx context.Context, jobs *sync.WaitGroup, pause time.Duration, name string, do func(context.Context) error) {
	once := func() {
		defer func() {
			if x := recover(); x != nil {
				p.log.Error("a job panicked", "job", name, "panic", fmt.Sprint(x))
			}
		}()
		if err := do(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("a job failed", "job", name, "error", err)
		}
	}
	jobs.Go(func() {
		t := time.NewTicker(pause)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				once()
			case <-ctx.Done():
				return
			}
		}
	})
}

type healthCommand struct {
	URL string `default:"http://127.0.0.1:8080/readyz" help:"What to ask."`
}

// Run asks once.
func (c *healthCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", res.Status)
	}
	return nil
}
