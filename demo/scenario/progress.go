package scenario

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const lineEvery = 3 * time.Second // where there is no terminal

// progress shows how far the loading is: a bar for each phase on a terminal, a line now and then elsewhere.
type progress struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	bar      *progressbar.ProgressBar
	name     string
	done     int
	all      int
	began    time.Time
	said     time.Time
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, began: time.Now()}
	if out == nil {
		p.out = io.Discard
	}
	f, ok := out.(*os.File)
	p.terminal = ok && term.IsTerminal(int(f.Fd()))
	return p
}

// phase begins another, with so many steps; 0 for a phase that is not counted.
func (p *progress) phase(name string, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.name, p.done, p.all, p.said = name, 0, all, time.Now()
	if p.terminal {
		p.bar = progressbar.NewOptions(max(all, 1), progressbar.OptionSetWriter(p.out), progressbar.OptionSetWidth(32), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription(fmt.Sprintf("%-13s", name)), progressbar.OptionUseANSICodes(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "▕", BarEnd: "▏"}))
		return
	}
	p.say()
}

func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if p.bar != nil {
		_ = p.bar.Add(n)
		return
	}
	if time.Since(p.said) >= lineEvery || p.done == p.all {
		p.said = time.Now()
		p.say()
	}
}

func (p *progress) say() {
	fmt.Fprintf(p.out, "%5.1f s  %-13s", time.Since(p.began).Seconds(), p.name)
	if p.all > 0 {
		fmt.Fprintf(p.out, " %6d of %d", p.done, p.all)
	}
	fmt.Fprintln(p.out)
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}
