package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// surveysClock names the file of a clock that a test sets: how far the rounds and the relay of a process are ahead of the time of the
// day.
const surveysClock = "BALAGH_TEST_SURVEYS_CLOCK"

// serveByClock is balagh serve, but for the clock of its rounds and facts: a test lets days pass for a process.
func serveByClock(file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var c struct {
		Serve settings `cmd:""`
	}
	parser, err := kong.New(&c, kong.DefaultEnvars("BALAGH"))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(os.Args[1:]); err != nil {
		return err
	}
	p, err := c.Serve.assemble(ctx, c.Serve.logger(os.Stderr))
	if err != nil {
		return err
	}
	defer p.close()
	now := func() time.Time {
		ahead, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		d, err := strconv.ParseInt(string(ahead), 10, 64)
		if err != nil {
			panic(fmt.Sprintf("the clock says %q", ahead))
		}
		return time.Now().Add(time.Duration(d))
	}
	p.server.Programmes.Now, p.relay.Now = now, now // so that also what the relay of a dead process holds is free soon
	return p.serve(ctx, &c.Serve, nil)
}
