package mongo

import (
	"context"
	"sync"
)

// crowdLimit is how many changes of one document share a write at the most.
const crowdLimit = 256

// crowd brings those together who want to change the same document at the same time in this process: of a thousand who each read it and
// wrote it, nearly all would lose, again and again.
type crowd struct {
	mu     sync.Mutex
	queues map[string]*queue
}

type queue struct {
	waiting []*member
}

type member struct {
	job  any
	done chan struct{}
}

// join waits until the job was done together with others of its key. When ctx ends before, the job may be done all the same.
func (c *crowd) join(ctx context.Context, key string, job any, do func(jobs []any)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m := &member{job: job, done: make(chan struct{})}
	c.mu.Lock()
	if c.queues == nil {
		c.queues = map[string]*queue{}
	}
	q, running := c.queues[key]
	if !running {
		q = &queue{}
		c.queues[key] = q
	}
	q.waiting = append(q.waiting, m)
	c.mu.Unlock()
	if !running {
		go c.run(key, q, do)
	}
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *crowd) run(key string, q *queue, do func([]any)) {
	for {
		c.mu.Lock()
		n := min(len(q.waiting), crowdLimit)
		if n == 0 {
			delete(c.queues, key)
			c.mu.Unlock()
			return
		}
		group := q.waiting[:n:n]
		q.waiting = q.waiting[n:]
		c.mu.Unlock()
		jobs := make([]any, n)
		for i, m := range group {
			jobs[i] = m.job
		}
		do(jobs)
		for _, m := range group {
			close(m.done)
		}
	}
}
