package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	readers      = 8   // clients that list
	readersHave  = 200 // reports each
	readTime     = 5 * time.Second
	slowerByPlan = 2. // times the p99 of before
)

// measureBroadcast lets citizens list their reports before a broadcast is planned and while it is: once while it is sent as well, and
// once while FCM takes nothing, so that only the planning is beside them.
func measureBroadcast(ctx context.Context, c *chain) ([]figure, error) {
	tokens := make([]string, readers)
	began := time.Now()
	if err := c.enrol(ctx, max(0, c.people-readers), 1, nil); err != nil {
		return nil, err
	}
	all := []figure{told("people", "%d, signed up at %.0f/s through the API", c.people,
		float64(c.enrolled)/time.Since(began).Seconds())}
	crowd := c.enrolled
	err := c.enrol(ctx, readers, 1, func(_ context.Context, i int, citizen client) error { // last: a token is good for minutes
		tokens[i-crowd] = citizen.token
		return nil
	})
	if err != nil {
		return nil, err
	}
	file, _ := workNamed("file")
	if _, err := drive(ctx, c.balagh.address, file, tokens, readers, limit{requests: readers * readersHave}); err != nil {
		return nil, err
	}
	if err := c.quiet(ctx); err != nil {
		return nil, err
	}
	if _, err := c.read(ctx, tokens, limit{time: readTime / 5}); err != nil { // warm
		return nil, err
	}
	before, err := c.read(ctx, tokens, limit{time: readTime})
	if err != nil {
		return nil, err
	}
	all = append(all, told("8 clients list, before", "%.0f/s, p50 %s, p99 %s, most %s", before.rate(), ms(before.quantile(.5)),
		ms(before.quantile(.99)), ms(before.quantile(1))))
	for _, way := range []struct {
		name  string
		fault object
	}{{"planning and sending", object{}}, {"planning alone", object{"status": 429, "retry_after": "3600"}}} {
		if err := c.quiet(ctx); err != nil {
			return nil, err
		}
		if err := c.fcm.fail(ctx, way.fault); err != nil {
			return nil, err
		}
		got, err := c.planUnder(ctx, tokens, way.name, before)
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
	}
	return all, nil
}

func (c *chain) read(ctx context.Context, tokens []string, l limit) (result, error) {
	list, _ := workNamed("list")
	l.library = c.library
	return drive(ctx, c.balagh.address, list, tokens, readers, l)
}

// planUnder plans a broadcast while clients list.
func (c *chain) planUnder(ctx context.Context, tokens []string, name string, before result) ([]figure, error) {
	var done atomic.Bool
	var during result
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		during, failed = c.read(ctx, tokens, limit{until: &done})
	}()
	id, err := c.announce(ctx)
	var b broadcast
	looks := 0
	if err == nil {
		b, err = c.planned(ctx, id, func(broadcast) { looks++ })
	}
	done.Store(true)
	<-ended
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	took := b.Broadcast.Ended.Sub(b.Broadcast.Started)
	slower := ratio(float64(during.quantile(.99)), float64(before.quantile(.99)))
	return []figure{
		told(name, "%d people in %s, %.0f/s; its progress was seen %d times; FCM took %d meanwhile", b.Broadcast.Planned,
			took.Round(10*time.Millisecond), float64(b.Broadcast.Planned)/max(took.Seconds(), 1e-3), looks, b.count("accepted")),
		{name + ", p99 of the list", fmt.Sprintf("%s, %.1f × that of before; p50 %s, most %s, %.0f/s", ms(during.quantile(.99)), slower,
			ms(during.quantile(.5)), ms(during.quantile(1)), during.rate()),
			fmt.Sprintf("≤ %.0f ×", slowerByPlan), atMost(slower, slowerByPlan)},
	}, nil
}
