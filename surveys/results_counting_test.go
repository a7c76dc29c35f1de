package surveys_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/surveys"
)

// slow is a store whose reading of responses takes half a second of the clock, and waits until it may.
type slow struct {
	surveys.RoundStore
	now  *atomic.Int64
	gate chan struct{}
	ends chan struct{}
}

func (s *slow) ScanResponses(ctx context.Context, round string, visit func([]byte) error) error {
	<-s.gate
	s.now.Add(int64(time.Second / 2))
	return s.RoundStore.ScanResponses(ctx, round, visit)
}

func (s *slow) PutTally(ctx context.Context, round string, touched int64, tally []byte) error {
	defer func() { s.ends <- struct{}{} }()
	return s.RoundStore.PutTally(ctx, round, touched, tally)
}

// TestResults_whileTheyAreCounted: nobody waits for a long count of an open round when there is one that is not old.
func TestResults_whileTheyAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var now atomic.Int64
	now.Store(answerTime.UnixNano())
	s := &slow{w.Store, &now, make(chan struct{}, 1), make(chan struct{}, 1)}
	w.Programmes.Store, w.Now = s, func() time.Time { return time.Unix(0, now.Load()).UTC() }
	respondents := func() int64 {
		t.Helper()
		r, err := w.Results(t.Context(), asManager, w.round.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		return r.Respondents
	}
	w.answer(t, w.round, 0, 20, nil)
	s.gate <- struct{}{}
	if n := respondents(); n != 20 {
		t.Errorf("%d at first", n)
	}
	<-s.ends
	w.answer(t, w.round, 20, 40, nil)
	if n := respondents(); n != 20 {
		t.Errorf("%d, though the count rests", n)
	}
	now.Add(int64(6 * time.Second))
	if n := respondents(); n != 20 { // and a count begins, which nothing lets go on yet
		t.Errorf("%d while they are counted", n)
	}
	s.gate <- struct{}{}
	<-s.ends
	if n := respondents(); n != 40 {
		t.Errorf("%d after they were counted", n)
	}
	w.answer(t, w.round, 40, 60, nil)
	now.Add(int64(time.Hour))
	s.gate <- struct{}{}
	if n := respondents(); n != 60 {
		t.Errorf("%d an hour later", n)
	}
	<-s.ends
}
