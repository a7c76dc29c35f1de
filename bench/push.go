package main

import (
	"context"
	"fmt"
	"time"
)

const (
	pushRate     = 6000. // messages a second
	phonesEach   = 20    // of one person, the most that there may be
	pushPeople   = 1000  // each broadcast is a message to each of their phones
	memoryGrowth = 1.1   // of the resident size in the second half of the drain, as far as it counts as flat: in the first the heap fills
	patience     = 90 * time.Second
)

// look is what was seen at one moment of the drain.
type look struct {
	stats
	memory      int64
	server, fcm time.Duration // of processor time
}

// measurePush fills the queue while FCM takes nothing, and then lets a server with its defaults drain it.
func measurePush(ctx context.Context, c *chain) ([]figure, error) {
	if err := c.enrol(ctx, max(1, min(pushPeople, c.queued/phonesEach)), phonesEach, nil); err != nil {
		return nil, err
	}
	if err := c.hold(ctx); err != nil {
		return nil, err
	}
	q, err := c.fill(ctx, c.queued)
	if err != nil {
		return nil, err
	}
	if err := c.fcm.fail(ctx, object{}); err != nil {
		return nil, err
	}
	if err := c.serve(ctx); err != nil {
		return nil, err
	}
	before, err := c.balagh.cost()
	if err != nil {
		return nil, err
	}
	looks, after, err := c.drain(ctx, q)
	if err != nil {
		return nil, err
	}
	all, err := drained(looks, q)
	if err != nil {
		return nil, err
	}
	after.add(before, -1)
	return append(all, told("commits", "%.0f, %.1f ms each on average, %.2f s in all", after.commits,
		1000*ratio(after.disk, after.commits), after.disk)), nil
}

// drain looks at both processes until everything has arrived, and says what the server had used when all but what is late had.
func (c *chain) drain(ctx context.Context, q queue) (looks []look, used cost, err error) {
	bar := progress{of: q.messages, what: "messages accepted"}
	defer bar.end()
	var failed error
	err = c.fcm.watch(ctx, 100*time.Millisecond, patience, func(s stats) bool {
		l := look{stats: s, memory: c.balagh.memory()}
		var err error
		if l.server, err = c.balagh.processor(); err == nil {
			l.fcm, err = c.fcm.processor()
		}
		if n := s.Accepted - q.before.Accepted; err == nil && n >= q.messages-q.late && used == (cost{}) {
			used, err = c.balagh.cost()
		}
		if err != nil {
			failed = err
			return true
		}
		looks = append(looks, l)
		bar.set(s.Unique - q.before.Unique)
		return s.Unique-q.before.Unique >= q.messages
	})
	if err == nil {
		err = failed
	}
	return looks, used, err
}

// drained are the figures of a drain, without its first and its last second.
func drained(looks []look, q queue) ([]figure, error) {
	first, last := looks[0], looks[len(looks)-1]
	var run []look // while there was something to send beside what the filling had put off
	for _, l := range looks {
		if l.Accepted > q.before.Accepted {
			run = append(run, l)
		}
		if l.Accepted-q.before.Accepted >= q.messages-q.late {
			break
		}
	}
	if len(run) == 0 {
		return nil, fmt.Errorf("nothing was accepted in %v", last.at.Sub(first.at))
	}
	from, to := run[0], run[len(run)-1]
	took := to.at.Sub(from.at)
	for _, l := range run {
		if took > 4*time.Second && l.at.Sub(run[0].at) <= time.Second {
			from = l
		}
		if took > 4*time.Second && run[len(run)-1].at.Sub(l.at) >= time.Second {
			to = l
		}
	}
	window := max(to.at.Sub(from.at), time.Millisecond).Seconds()
	rate := float64(to.Accepted-from.Accepted) / window
	most := int64(0)
	for _, l := range run {
		most = max(most, l.memory)
	}
	middle := run[len(run)/2]
	growth := ratio(float64(to.memory), float64(middle.memory))
	lost, twice := q.messages-(last.Unique-q.before.Unique), last.Duplicates-q.before.Duplicates
	return []figure{
		told("queued", "%d messages; %d of them were put off while the queue was filled", q.messages, q.late),
		{"sustained at FCM", fmt.Sprintf("%.0f/s over %.1f s", rate, window), fmt.Sprintf("≥ %.0f/s", pushRate), atLeast(rate, pushRate)},
		told("all but those put off", "after %s, %.0f/s with the start", took.Round(10*time.Millisecond),
			float64(q.messages-q.late)/max(took.Seconds(), 1e-3)),
		{"memory of the server", fmt.Sprintf("%d MB at the beginning, %d in the middle, %d at the end, %d at most",
			from.memory>>20, middle.memory>>20, to.memory>>20, most>>20),
			fmt.Sprintf("flat: end ≤ %.1f × middle", memoryGrowth), atMost(growth, memoryGrowth)},
		told("processors", "%.2f of the server, %.2f of the stand-in; %.0f µs of the server for a message",
			(to.server-from.server).Seconds()/window, (to.fcm-from.fcm).Seconds()/window,
			float64((to.server-from.server).Microseconds())/max(1, float64(to.Accepted-from.Accepted))),
		none("lost", lost), none("sent twice", twice),
	}, nil
}

// none is a figure that has to be zero.
func none(what string, n int) figure {
	f := figure{what, fmt.Sprint(n), "0", "met"}
	if n != 0 {
		f.verdict = "MISSED"
	}
	return f
}
