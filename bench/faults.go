package main

import (
	"context"
	"fmt"
	"time"
)

const (
	faultMessages = 20_000
	faultTime     = 10 * time.Second
	faultAfter    = 5_000 // accepted messages
	retryAfter    = 10 * time.Second
	leastPause    = 60 * time.Second // that Balagh keeps after a 429, or longer when it asks for more
	underWay      = 512              // attempts at once, by default
)

// measureFaults lets FCM, and then the server, fail in the middle of a drain.
func measureFaults(ctx context.Context, c *chain) ([]figure, error) {
	messages := min(c.queued, faultMessages)
	if err := c.enrol(ctx, max(1, messages/phonesEach), phonesEach, nil); err != nil {
		return nil, err
	}
	var all []figure
	for _, f := range []func(context.Context, *chain, queue) ([]figure, error){outage, throttling, crash} {
		if err := c.hold(ctx); err != nil {
			return nil, err
		}
		q, err := c.fill(ctx, messages)
		if err != nil {
			return nil, err
		}
		if err := c.fcm.fail(ctx, object{}); err != nil {
			return nil, err
		}
		if err := c.serve(ctx); err != nil {
			return nil, err
		}
		got, err := f(ctx, c, q)
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
	}
	return all, nil
}

// some waits until a quarter of the queue was accepted.
func (c *chain) some(ctx context.Context, q queue) error {
	return c.fcm.watch(ctx, 10*time.Millisecond, patience, func(s stats) bool {
		return s.Accepted-q.before.Accepted >= min(faultAfter, q.messages/4)
	})
}

// finish waits until everything was accepted, and gives the moment when all but what the filling had put off was.
func (c *chain) finish(ctx context.Context, q queue) (last stats, recovered time.Time, err error) {
	err = c.fcm.watch(ctx, 50*time.Millisecond, patience, func(s stats) bool {
		last = s
		n := s.Unique - q.before.Unique
		if recovered.IsZero() && n >= q.messages-q.late {
			recovered = s.at
		}
		return n >= q.messages
	})
	if recovered.IsZero() {
		recovered = last.at
	}
	return last, recovered, err
}

func (q *queue) fate(fault string, last stats) []figure {
	return []figure{none(fault+": lost of "+fmt.Sprint(q.messages), q.messages-(last.Unique-q.before.Unique)),
		none(fault+": sent twice", last.Duplicates-q.before.Duplicates)}
}

// outage is ten seconds of 503.
func outage(ctx context.Context, c *chain, q queue) ([]figure, error) {
	if err := c.some(ctx, q); err != nil {
		return nil, err
	}
	if err := c.fcm.fail(ctx, object{"status": 503, "for": faultTime.String()}); err != nil {
		return nil, err
	}
	began := time.Now()
	last, recovered, err := c.finish(ctx, q)
	if err != nil {
		return nil, err
	}
	const name = "10 s of 503"
	return append(q.fate(name, last), told(name+": until all had gone", "%s after its end; %d attempts were refused",
		recovered.Sub(began.Add(faultTime)).Round(10*time.Millisecond), last.Answers["fault 503"]-q.before.Answers["fault 503"])), nil
}

// throttling is ten seconds of 429, which ask for ten seconds. Balagh waits for a minute at the least.
func throttling(ctx context.Context, c *chain, q queue) ([]figure, error) {
	if err := c.some(ctx, q); err != nil {
		return nil, err
	}
	fault := object{"status": 429, "retry_after": fmt.Sprint(int(retryAfter.Seconds())), "for": faultTime.String()}
	if err := c.fcm.fail(ctx, fault); err != nil {
		return nil, err
	}
	var refused, silent stats // the first look at which a 429 had been answered; the last at which a request had come since
	var woke time.Time
	err := c.fcm.watch(ctx, 5*time.Millisecond, patience, func(s stats) bool {
		switch {
		case refused.at.IsZero():
			if s.Answers["fault 429"] > q.before.Answers["fault 429"] {
				refused, silent = s, s
			}
		case s.Requests > silent.Requests && s.at.Sub(silent.at) > 5*time.Second:
			woke = s.at
			return true
		case s.Requests > silent.Requests:
			silent = s
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	last, recovered, err := c.finish(ctx, q)
	if err != nil {
		return nil, err
	}
	const name = "10 s of 429"
	stopped, pause := silent.at.Sub(refused.at), woke.Sub(silent.at)
	return append(q.fate(name, last),
		figure{name + ": until silence",
			fmt.Sprintf("%s after the first, %d requests came in it", ms(stopped), silent.Requests-refused.Requests),
			fmt.Sprintf("≤ %d, in flight", underWay), atMost(float64(silent.Requests-refused.Requests), underWay)},
		figure{name + ": silence", pause.Round(10 * time.Millisecond).String(), "≥ " + max(retryAfter, leastPause).String(),
			atLeast(pause.Seconds(), (max(retryAfter, leastPause) - time.Second/10).Seconds())},
		told(name+": until all had gone", "%s after the silence", recovered.Sub(woke).Round(10*time.Millisecond))), nil
}

// crash kills the server in the middle, and starts it again.
func crash(ctx context.Context, c *chain, q queue) ([]figure, error) {
	if err := c.some(ctx, q); err != nil {
		return nil, err
	}
	c.balagh.kill()
	killed := time.Now()
	at, err := c.fcm.stats(ctx)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, 5*fcmLatency); err != nil {
		return nil, err
	}
	before, err := c.fcm.stats(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.serve(ctx); err != nil {
		return nil, err
	}
	b, err := c.broadcast(ctx, q.id)
	if err != nil {
		return nil, err
	}
	last, recovered, err := c.finish(ctx, q)
	if err != nil {
		return nil, err
	}
	const name = "SIGKILL"
	twice := last.Duplicates - q.before.Duplicates
	unnoted := before.Unique - q.before.Unique - b.count("accepted")
	return []figure{q.fate(name, last)[0],
		{name + ": sent twice", fmt.Sprintf("%d; FCM had taken %d that were not noted, %d of them under way", twice, unnoted,
			at.Requests-at.answered()),
			fmt.Sprintf("≤ %d, in flight", unnoted), atMost(float64(twice), float64(unnoted))},
		told(name+": until all had gone", "%s after the kill, at %d accepted", recovered.Sub(killed).Round(10*time.Millisecond),
			before.Unique-q.before.Unique)}, nil
}
