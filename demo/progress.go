package demo

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

var theme = progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "▕", BarEnd: "▏"}

// progress shows how far the play is: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where there is no terminal
	all   int
	lives int
	name  string
	said  time.Time
}

func newProgress(out io.Writer, citizens int) *progress {
	if out == nil {
		out = io.Discard
	}
	s := &progress{out: out, all: citizens}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.bar = progressbar.NewOptions(citizens, progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(32), progressbar.OptionShowCount(),
			progressbar.OptionUseANSICodes(true), progressbar.OptionSetTheme(theme), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false))
	}
	return s
}

// phase says what happens now.
func (s *progress) phase(name string, p *play) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
	s.said = time.Time{}
	s.say(p)
}

// lived counts a citizen whose day is over.
func (s *progress) lived(p *play) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lives++
	if s.bar != nil {
		_ = s.bar.Add(1)
	}
	s.say(p)
}

func (s *progress) say(p *play) {
	counts := fmt.Sprintf("%-12s %4d photos  %4d ratings", s.name, p.tally.of(photosTaken), p.tally.of(ratings))
	if s.bar != nil {
		s.bar.Describe(counts)
		return
	}
	if time.Since(s.said) >= lineEvery {
		s.said = time.Now()
		fmt.Fprintf(s.out, "%s  %d of %d citizens\n", counts, s.lives, s.all)
	}
}

func (s *progress) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
	}
}
