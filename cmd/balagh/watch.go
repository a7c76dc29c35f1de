package main

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/balagh/balagh/push"
)

// watchPause is how often the deliveries are looked at. Counting a million of them takes a tenth of a second.
const watchPause = 15 * time.Second

// deliveryWatch tells of deliveries that wait too long. What it saw last is what the metrics show, so that reading them costs nothing.
type deliveryWatch struct {
	told   *push.Service
	budget *push.Budget // nil without a price
	log    *slog.Logger
	limit  time.Duration

	mu        sync.Mutex
	depth     map[string]push.Depth
	late      map[string]bool
	unreached int
	spent     map[string]float64
}

func (w *deliveryWatch) look(ctx context.Context) error {
	depth, err := w.told.Store.QueueDepth(ctx, time.Now())
	if err != nil {
		return err
	}
	unreached, err := w.told.UnreachedToday(ctx)
	if err != nil {
		return err
	}
	var spent map[string]float64
	if w.budget != nil {
		if spent, err = w.budget.Used(ctx); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.depth, w.unreached, w.spent = depth, unreached, spent
	before := maps.Clone(w.late)
	w.late = map[string]bool{}
	for channel, d := range depth {
		w.late[channel] = d.Oldest > w.limit
		switch {
		case w.late[channel] && !before[channel]:
			w.log.Error("deliveries wait too long", "channel", channel, "waiting", d.Open, "oldest", d.Oldest.Round(time.Second).String())
		case !w.late[channel] && before[channel]:
			w.log.Info("deliveries go out again", "channel", channel)
		}
	}
	return nil
}

func (w *deliveryWatch) read(value func() float64) func() float64 {
	return func() float64 {
		w.mu.Lock()
		defer w.mu.Unlock()
		return value()
	}
}

// watchDeliveries shows in the metrics what the watch sees.
func (p *parts) watchDeliveries(limit time.Duration) {
	w := &p.watch
	w.told, w.budget, w.log, w.limit = p.told, p.outlets.budget, p.log, limit
	for channel := range p.outlets.channels {
		p.metrics.Gauge("balagh_deliveries_open", "Deliveries that wait or are under way.", w.read(func() float64 { return float64(w.depth[channel].Open) }), "channel", channel)
		p.metrics.Gauge("balagh_delivery_lag_seconds", "How long the first delivery that is due waits.",
			w.read(func() float64 { return w.depth[channel].Oldest.Seconds() }), "channel", channel)
		p.metrics.Gauge("balagh_delivery_alarm", "1 while a delivery waits longer than it should.", w.read(func() float64 {
			if w.late[channel] {
				return 1
			}
			return 0
		}), "channel", channel)
	}
	p.metrics.Gauge("balagh_unreached", "Messages of today that reached nobody.", w.read(func() float64 { return float64(w.unreached) }))
	p.metrics.Gauge("balagh_sms_spent_ratio", "Part of today's limit that text messages have cost.", w.read(func() float64 { return w.spent[push.TotalScope] }), "scope", "all")
}
