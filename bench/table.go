package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

const (
	idleTarget = 80 << 20
	coldTarget = time.Second
)

// row is one work beside one mode of the bare handler.
type row struct {
	work
	mode       string
	bare, ours result
}

// counts reports whether the row has targets: a work does beside the first of its modes, the others are for comparison.
func (r row) counts() bool { return r.mode == r.work.bare[0] }

// table is what is printed at the end.
type table struct {
	options       options
	rows          []row
	cold, stopped time.Duration
	idle, busy    int64
}

// chainTable is what a chain work found.
type chainTable struct {
	title         string
	before, after string // load averages
	figures       []figure
}

func (t *chainTable) print(to io.Writer) {
	fmt.Fprintf(to, "\n%s (load average %s before, %s after)\n\n", t.title, t.before, t.after)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tMEASURED\tASKED\t")
	for _, f := range t.figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.what, f.got, f.asked, f.verdict)
	}
	_ = w.Flush()
}

func (t *table) failed() bool {
	for _, r := range t.rows {
		if r.ours.failed+r.bare.failed > 0 {
			return true
		}
	}
	return false
}

func (t *table) print(to io.Writer) {
	o := t.options
	fmt.Fprintf(to, "\n%d clients, %s a side in %d turns, %d reports loaded, embedded store, each answered after its fsync, sent %s\n\n",
		o.clients, o.duration, o.rounds, o.reports, map[bool]string{false: "as prepared bytes", true: "with net/http"}[o.library])
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WORK\tBARE\tOPS/S\tP50\tP99\tBALAGH OPS/S\tP50\tP99\tRATIO\tTARGET\t\tP99 RATIO\tTARGET\t")
	for _, r := range t.rows {
		share := ratio(r.ours.rate(), r.bare.rate())
		tail := ratio(float64(r.ours.quantile(.99)), float64(r.bare.quantile(.99)))
		fmt.Fprintf(w, "%s\t%s\t", r.title, r.mode)
		for _, got := range []result{r.bare, r.ours} {
			fmt.Fprintf(w, "%.0f\t%s\t%s\t", got.rate(), ms(got.quantile(.5)), ms(got.quantile(.99)))
		}
		fmt.Fprintf(w, "%.0f %%\t", 100*share)
		if r.counts() {
			fmt.Fprintf(w, "≥ %.0f %%\t%s\t%.1f ×\t≤ %d ×\t%s", 100*r.target, atLeast(share, r.target), tail, slower, atMost(tail, slower))
		} else {
			fmt.Fprintf(w, "\t\t%.1f ×\t\t", tail)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	_ = w.Flush()
	for _, r := range t.rows {
		if n := r.ours.failed + r.bare.failed; n > 0 {
			fmt.Fprintf(to, "%s: %d requests failed, the first with %s%s\n", r.title, n, r.ours.refusal, r.bare.refusal)
		}
	}
	fmt.Fprintln(to, "Balagh used, background work of those seconds included:")
	for _, r := range t.rows {
		if r.counts() {
			fmt.Fprintf(to, "  %s: %s\n", r.title, &r.ours)
		}
	}
	fmt.Fprintln(to)
	fmt.Fprintf(to, "cold start over all of it, exec to ready   %s, target < %s, %s\n", ms(t.cold), coldTarget,
		atMost(t.cold.Seconds(), coldTarget.Seconds()))
	fmt.Fprintf(to, "memory at rest after that start            %d MB, target < %d MB, %s\n", t.idle>>20, idleTarget>>20,
		atMost(float64(t.idle), idleTarget))
	fmt.Fprintf(to, "memory after the load                      %d MB\n", t.busy>>20)
	fmt.Fprintf(to, "graceful stop                              %s\n", ms(t.stopped))
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

func atLeast(got, want float64) string {
	if got >= want {
		return "met"
	}
	return fmt.Sprintf("MISSED by %.0f %%", 100*(want-got)/want)
}

func atMost(got, want float64) string {
	if got <= want {
		return "met"
	}
	return fmt.Sprintf("MISSED by %.0f %%", 100*(got-want)/want)
}

// progress is a bar on the terminal; where there is none, a line at the end.
type progress struct {
	mu       sync.Mutex
	of, done int
	what     string
	shown    time.Time
}

func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if terminal() && time.Since(p.shown) > 100*time.Millisecond {
		p.shown = time.Now()
		full := 40 * p.done / max(p.of, 1)
		fmt.Fprintf(os.Stderr, "\r%s%s %d of %d %s", strings.Repeat("█", full), strings.Repeat("░", 40-full), p.done, p.of, p.what)
	}
}

// set says how far it is.
func (p *progress) set(done int) {
	p.mu.Lock()
	p.done = min(done, p.of) - 1
	p.mu.Unlock()
	p.step()
}

func (p *progress) end() {
	if terminal() {
		fmt.Fprint(os.Stderr, "\r\033[K")
	}
	fmt.Fprintf(os.Stderr, "%d %s\n", p.done, p.what)
}

var terminal = sync.OnceValue(func() bool {
	fi, err := os.Stderr.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
})
