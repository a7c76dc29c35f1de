package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/balagh/balagh/demo/scenario"
	"github.com/balagh/balagh/event"
)

// account loads a published account, reads its figures back over HTTP, and stays up unless it is to exit.
func (c *demoCommand) account(ctx context.Context, std stdio) (err error) {
	account, err := scenario.New(c.Scenario, max(1, c.factor))
	if err != nil {
		return err
	}
	c.Store = cmp.Or(c.Store, "sqlite:./data/scenario-"+account.Name+"/balagh.db")
	s, err := c.settings("data/scenario-" + account.Name)
	if err != nil {
		return err
	}
	log, err := s.demoLog()
	if err != nil {
		return err
	}
	defer log.Close()
	p, err := s.assemble(ctx, s.logger(log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	began, collected := time.Now(), debug.SetGCPercent(400) // the heap is small, and what is loaded is garbage at once
	if err := account.Load(ctx, p.installation(std)); err != nil {
		if errors.Is(err, scenario.ErrNotEmpty) {
			err = fmt.Errorf("%s: %w; choose another one with --store, or remove this one (make clean removes what is in ./data)", s.shown(), err)
		}
		return err
	}
	if err := p.server.Reports.SettleFigures(ctx, nil); err != nil { // so many at once would keep the first to ask waiting
		return err
	}
	debug.SetGCPercent(collected)
	fmt.Fprintf(std.out, "Loaded in %.1f seconds.\n", time.Since(began).Seconds())
	if err := p.server.Reports.Refresh(ctx); err != nil {
		return err
	}
	return c.serve(ctx, p, s, func(ctx context.Context, url string) error { return c.tell(ctx, std, account, url) })
}

// installation is what an account is loaded through. Push takes no facts of it: nobody is rung for what was years ago.
func (p *parts) installation(std stdio) *scenario.Installation {
	quiet := slices.DeleteFunc(slices.Clone(p.relay.Consumers), func(x event.Consumer) bool { return x.Name == "push" })
	return &scenario.Installation{Accounts: p.server.Accounts, Store: p.store, Zone: p.server.Reports.Zone, Outbox: p.store, Consumers: quiet,
		Programmes: p.server.Programmes, Log: p.log, Out: std.out}
}

func (c *demoCommand) tell(ctx context.Context, std stdio, account *scenario.Scenario, url string) error {
	t, err := account.Read(ctx, url)
	if ctx.Err() != nil {
		return nil // somebody has seen enough
	}
	if err != nil {
		return fmt.Errorf("read the figures: %w", err)
	}
	fmt.Fprintf(std.out, "\n%s", t)
	if n := t.Wrong(); n > 0 {
		return fmt.Errorf("%d figures are not those that were published", n)
	}
	if c.Exit {
		return nil
	}
	fmt.Fprintf(std.out, "\nThe server listens on %s; it stays up until Ctrl-C.\n%s", url, links(url, [2]string{"the account", "/manage/accounts/" + account.Name}))
	<-ctx.Done()
	return nil
}
