package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/balagh/balagh/surveys"
)

type surveysCommand struct {
	Recount recountCommand `cmd:"" help:"Compare what is counted of the ratings of every day with what citizens answered, and mend what differs; the exit status tells."`
}

// recountCommand proves the pages of ratings. It may run beside a server: what the server is about to enter is no difference.
type recountCommand struct {
	storage
	Check bool `help:"Say what differs, and leave it as it is."`
}

// Run counts.
func (c *recountCommand) Run(ctx context.Context, std stdio) error {
	db, err := c.openExisting(ctx) // in an empty one all is well
	if err != nil {
		return err
	}
	defer db.Close()
	s := &surveys.Service{Store: db, Now: time.Now, NewID: uuid.NewString}
	bar, different, days := newProgress(std.err, "days"), 0, 0
	err = s.Verify(ctx, !c.Check, func(done, all int, found []surveys.Difference) {
		days = all
		for _, d := range found {
			bar.clear()
			fmt.Fprintf(std.out, "%s %s: kept %s, in truth %s\n", d.Day, keyText(d.Raw.DayKey), countText(d.Kept), countText(d.Raw))
		}
		different += len(found)
		bar.show(done, all)
	})
	bar.clear()
	if err != nil {
		return err
	}
	switch {
	case different > 0 && c.Check:
		return fmt.Errorf("%d counts of %d days differ from what citizens answered", different, days)
	case different > 0:
		return fmt.Errorf("%d counts of %d days differed from what citizens answered; they are mended", different, days)
	}
	fmt.Fprintf(std.out, "%d days counted anew, no difference\n", days)
	return nil
}

func keyText(k surveys.DayKey) string {
	named := slices.Clone(k[:])
	for i, v := range named {
		named[i] = cmp.Or(v, "–")
	}
	return strings.Join(named, " · ")
}

func countText(c surveys.DayCount) string {
	return fmt.Sprintf("%d of %d closures rated %v, %d from devices", c.Counts.N(), c.Eligible, c.Counts, c.Devices)
}

// progress shows how far a command is: a bar on a terminal, elsewhere a line at each tenth.
type progress struct {
	to    io.Writer
	tenth int
	bar   *progressbar.ProgressBar // nil elsewhere
}

func newProgress(to io.Writer, what string) *progress {
	p := &progress{to: to}
	if f, ok := to.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(1, progressbar.OptionSetWriter(to), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(40),
			progressbar.OptionShowCount(), progressbar.OptionUseANSICodes(true), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

func (p *progress) show(done, all int) {
	if p.bar != nil {
		p.bar.ChangeMax(all)
		_ = p.bar.Set(done)
		return
	}
	if tenth := 10 * done / all; tenth > p.tenth {
		p.tenth = tenth
		fmt.Fprintf(p.to, "%d of %d\n", done, all)
	}
}

// clear takes the bar away, so that something can be printed in its place.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
