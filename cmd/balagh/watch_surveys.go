package main

import (
	"context"
	"sync"
	"time"

	"github.com/balagh/balagh/surveys"
)

// surveyWatch tells how late the work on surveys is, and which rounds fail. What it saw last is what the metrics show.
type surveyWatch struct {
	asking *surveys.Programmes

	mu          sync.Mutex
	failing     int
	rounds      time.Duration // how long the first step of a round waits that is due
	invitations time.Duration // how long the first invitation, reminder or end waits that is due
}

func (w *surveyWatch) look(ctx context.Context) error {
	now := w.asking.Now()
	late := func(longest, due time.Time) time.Time {
		if due.IsZero() || !longest.IsZero() && longest.Before(due) {
			return longest
		}
		return due
	}
	all, err := w.asking.Store.Rounds(ctx, "")
	if err != nil {
		return err
	}
	var oldest time.Time
	failing := 0
	for _, r := range all {
		if oldest = late(oldest, r.Due); r.Failures > 0 {
			failing++
		}
	}
	programmes, err := w.asking.Store.Programmes(ctx)
	if err != nil {
		return err
	}
	for _, x := range programmes {
		if x.Active {
			oldest = late(oldest, x.Next)
		}
	}
	due, err := w.asking.Store.DueInvitations(ctx, now, 1)
	if err != nil {
		return err
	}
	var first time.Time
	for _, i := range due {
		first = i.Due
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing, w.rounds, w.invitations = failing, since(oldest, now), since(first, now)
	return nil
}

// since is how long ago something was due, 0 when it is not.
func since(due, now time.Time) time.Duration {
	if due.IsZero() {
		return 0
	}
	return max(0, now.Sub(due))
}

func (w *surveyWatch) read(value func() float64) func() float64 {
	return func() float64 {
		w.mu.Lock()
		defer w.mu.Unlock()
		return value()
	}
}

// watchSurveys shows in the metrics what the watch sees.
func (p *parts) watchSurveys() {
	w := &p.asked
	w.asking = p.server.Programmes
	p.metrics.Gauge("balagh_rounds_failing", "Rounds of surveys whose last step failed.", w.read(func() float64 { return float64(w.failing) }))
	p.metrics.Gauge("balagh_round_lag_seconds", "How long the first round that is due waits to begin or to go on.",
		w.read(func() float64 { return w.rounds.Seconds() }))
	p.metrics.Gauge("balagh_invitation_lag_seconds", "How long the first invitation, reminder or end of one that is due waits.",
		w.read(func() float64 { return w.invitations.Seconds() }))
}
