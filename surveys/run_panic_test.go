package surveys_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/surveys"
)

// trap panics the first time that a runner asks it for work.
type trap struct {
	surveys.RoundStore
	asked atomic.Int32
	again chan struct{}
}

func (x *trap) spring() {
	switch x.asked.Add(1) {
	case 1:
		panic("a bug")
	case 2:
		close(x.again)
	}
}

func (x *trap) LeaseRound(ctx context.Context, now time.Time, ttl time.Duration) (*surveys.Round, error) {
	x.spring()
	return x.RoundStore.LeaseRound(ctx, now, ttl)
}

func (x *trap) DueInvitations(ctx context.Context, now time.Time, limit int) ([]*surveys.Invitation, error) {
	x.spring()
	return x.RoundStore.DueInvitations(ctx, now, limit)
}

// A panic in either runner ends neither the process nor the runner: it looks again.
func TestProgrammes_run_survivesPanics(t *testing.T) {
	t.Parallel()
	w := newAsker(t)
	for name, run := range map[string]func(*surveys.Programmes, context.Context) error{
		"rounds": (*surveys.Programmes).RunRounds, "invitations": (*surveys.Programmes).RunInvitations,
	} {
		x := &trap{RoundStore: w.db, again: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- run(w.process(x), ctx) }()
		select {
		case <-x.again:
		case <-time.After(30 * time.Second):
			t.Errorf("%s: it does not look again", name)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
