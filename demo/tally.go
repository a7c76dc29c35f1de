package demo

import (
	"slices"
	"sync"
	"time"
)

// figure is something that the players count.
type figure int

const (
	photosTaken figure = iota
	anonymous
	sentTwice
	supported
	notModified
	registered
	ratings
	reopenedReports
	pushesShown
	messagesRead
	tokensDropped
	lostRaces
	figures
)

// tally is what the players saw. Many count at once.
type tally struct {
	mu       sync.Mutex
	figures  [figures]int
	refusals map[string]int // of photos, by code
	troubles map[string]int // what went wrong, by what
	times    []time.Duration
}

func (t *tally) add(f figure, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.figures[f] += n
}

func (t *tally) count(f figure, yes bool) {
	if yes {
		t.add(f, 1)
	}
}

func (t *tally) of(f figure) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.figures[f]
}

// refuse counts a photo that the server did not take.
func (t *tally) refuse(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refusals == nil {
		t.refusals = map[string]int{}
	}
	t.refusals[code]++
}

// trouble counts what should not happen.
func (t *tally) trouble(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.troubles == nil {
		t.troubles = map[string]int{}
	}
	t.troubles[err.Error()]++
}

// filing notes how long a phone waited for the number of its report.
func (t *tally) filing(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = append(t.times, d)
}

// quantile is the time that a share q of the filings did not exceed.
func (t *tally) quantile(q float64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.times))
	return sorted[int(q*float64(len(sorted)-1))]
}
