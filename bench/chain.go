package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fcmLatency is how long the stand-in for FCM takes for an answer.
const fcmLatency = 60 * time.Millisecond

// chainWork measures how messages get out: the server, a stand-in for FCM as a third process, and nothing beside them.
type chainWork struct {
	name, title string
	measure     func(context.Context, *chain) ([]figure, error)
	journal     bool // the stand-in writes down what arrives when
}

var chainWorks = []chainWork{
	{"push", "the queue drains", measurePush, false},
	{"latency", "from a change to FCM", measureLatency, true},
	{"faults", "FCM or the server fails", measureFaults, false},
	{"broadcast", "a broadcast is planned", measureBroadcast, false},
	{"surveys", "a round is answered", measureSurveys, false},
}

// figure is a line of a chain work: what was measured and what is asked.
type figure struct {
	what, got string
	asked     string // empty for what is told only
	verdict   string
}

func told(what, format string, args ...any) figure {
	return figure{what: what, got: fmt.Sprintf(format, args...)}
}

// chain is an installation with its stand-in.
type chain struct {
	options
	dir      string
	fcm      standin
	balagh   *process
	admin    client
	since    time.Time // of the administrator's token
	enrolled int       // people that were signed up
}

// startChain starts the stand-in and the server, and sets up an organisation.
func startChain(ctx context.Context, o options, dir string, journal bool) (_ *chain, err error) {
	c := &chain{options: o, dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{"standin", "--address=" + address, "--latency=" + fcmLatency.String()}
	if journal {
		c.fcm.journal = filepath.Join(dir, "fcm.jsonl")
		args = append(args, "--journal="+c.fcm.journal)
	}
	if c.fcm.process, err = start(ctx, address, "/stats", filepath.Join(dir, "standin.log"), nil, o.server, args...); err != nil {
		return nil, err
	}
	if err := c.serve(ctx); err != nil {
		return nil, err
	}
	c.admin = client{base: "http://" + c.balagh.address}
	return c, c.admin.organise(ctx, c.balagh)
}

func (c *chain) stop() {
	for _, p := range []*process{c.balagh, c.fcm.process} {
		if p != nil {
			p.stop()
		}
	}
}

// serve starts the server with its defaults, and with what more is set. That many phones sign in from one address is of the bench.
func (c *chain) serve(ctx context.Context, more ...string) (err error) {
	c.balagh, err = startBalagh(ctx, c.server, c.dir, append([]string{"BALAGH_CODES_PER_CLIENT=100000000", "BALAGH_FCM_PROJECT=bench",
		"BALAGH_FCM_ENDPOINT=http://" + c.fcm.address + "/v1"}, more...)...)
	if err == nil && c.admin.base != "" {
		c.admin.base = "http://" + c.balagh.address
	}
	return err
}

// restart stops the server gracefully and starts it again.
func (c *chain) restart(ctx context.Context, more ...string) error {
	c.balagh.stop()
	return c.serve(ctx, more...)
}

// enrol signs people up, each with so many phones, and lets each do one more thing.
func (c *chain) enrol(ctx context.Context, people, devices int, also func(ctx context.Context, i int, citizen client) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	bar := progress{of: people, what: "people signed up"}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range c.clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= people {
					return
				}
				if err := c.join(ctx, c.enrolled+i, devices, also); err != nil {
					cancel(fmt.Errorf("sign up: %w", err))
				}
				bar.step()
			}
		})
	}
	wg.Wait()
	bar.end()
	c.enrolled += people
	return context.Cause(ctx)
}

func (c *chain) join(ctx context.Context, i, devices int, also func(context.Context, int, client) error) error {
	citizen := client{base: c.admin.base}
	var err error
	if citizen.token, err = citizen.signIn(ctx, fmt.Sprintf("+9665%08d", i)); err != nil {
		return err
	}
	for d := range devices {
		// as long as a token of FCM
		phone := object{"platform": "android", "push_token": fmt.Sprintf("%022d:APA91b%0113d", i, d), "language": "ar"}
		if err := citizen.call(ctx, "PUT", fmt.Sprintf("/v1/me/devices/%08x-0000-4000-8000-%012x", d, i), phone, nil); err != nil {
			return err
		}
	}
	if also == nil {
		return nil
	}
	return also(ctx, i, citizen)
}

// logIn renews the administrator's token in time.
func (c *chain) logIn(ctx context.Context) (err error) {
	if time.Since(c.since) > 5*time.Minute {
		c.since = time.Now()
		c.admin.token, err = c.admin.logIn(ctx, adminEmail)
	}
	return err
}

type broadcast struct {
	Broadcast struct {
		ID, State string
		Planned   int
		Started   time.Time `json:"started_at"`
		Ended     time.Time `json:"ended_at"`
	}
	Outcomes []struct {
		State string
		Count int
	}
}

func (b *broadcast) count(state string) (n int) {
	for _, o := range b.Outcomes {
		if o.State == state {
			n += o.Count
		}
	}
	return n
}

// announce begins a broadcast to everybody.
func (c *chain) announce(ctx context.Context) (id string, err error) {
	if err := c.logIn(ctx); err != nil {
		return "", err
	}
	text := func(title, body string) object { return object{"title": title, "body": body} }
	var made struct{ ID string }
	err = c.admin.call(ctx, "POST", "/v1/admin/broadcasts", object{"audience": object{"all": true}, "texts": object{
		"ar": text("صيانة مجدولة", "تتوقف خدمات المركز من الثانية إلى الرابعة فجرًا."),
		"en": text("Scheduled maintenance", "The services of the centre pause from 2 to 4 a.m."),
		"ur": text("طے شدہ دیکھ بھال", "مرکز کی خدمات رات دو سے چار بجے تک بند رہیں گی۔")}}, &made)
	return made.ID, err
}

func (c *chain) broadcast(ctx context.Context, id string) (b broadcast, err error) {
	if err := c.logIn(ctx); err != nil {
		return b, err
	}
	err = c.admin.call(ctx, "GET", "/v1/admin/broadcasts/"+id, nil, &b)
	return b, err
}

// planned waits until a broadcast is planned, and tells of each look at it.
func (c *chain) planned(ctx context.Context, id string, each func(broadcast)) (broadcast, error) {
	for quiet, last := time.Now(), -1; ; {
		b, err := c.broadcast(ctx, id)
		if err != nil {
			return b, err
		}
		if each != nil {
			each(b)
		}
		if b.Broadcast.State == "done" {
			return b, nil
		}
		if b.Broadcast.Planned > last {
			quiet, last = time.Now(), b.Broadcast.Planned
		}
		if time.Since(quiet) > time.Minute {
			return b, fmt.Errorf("a broadcast stands at %d people for a minute, %s", last, b.Broadcast.State)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return b, err
		}
	}
}

// hold restarts the server so that it plans and hardly sends: FCM answers 429, and one worker tries once a minute.
func (c *chain) hold(ctx context.Context) error {
	if err := c.fcm.fail(ctx, object{"status": 429}); err != nil {
		return err
	}
	return c.restart(ctx, "BALAGH_FCM_WORKERS=1")
}

// queue is what hold and fill left.
type queue struct {
	messages int
	id       string // of the last broadcast
	late     int    // of the messages that were tried meanwhile, and are due up to a minute later
	before   stats
}

// fill queues at least so many messages by broadcasts to everybody while FCM answers 429, and starts the server again as it comes out
// of the box. FCM still answers 429 until it is told otherwise.
func (c *chain) fill(ctx context.Context, messages int) (q queue, err error) {
	before, err := c.fcm.stats(ctx)
	if err != nil {
		return q, err
	}
	bar := progress{of: messages, what: "messages queued"}
	for q.messages < messages {
		if q.id, err = c.announce(ctx); err != nil {
			return q, err
		}
		b, err := c.planned(ctx, q.id, func(b broadcast) { bar.set(q.messages + b.count("queued")) })
		if err != nil {
			return q, err
		}
		if b.count("queued") == 0 {
			return q, errors.New("a broadcast queued nothing")
		}
		q.messages += b.count("queued")
	}
	bar.set(q.messages)
	bar.end()
	c.balagh.stop()
	if q.before, err = c.fcm.stats(ctx); err != nil {
		return q, err
	}
	q.late = q.before.Requests - before.Requests
	return q, nil
}

// standin is the stand-in for FCM.
type standin struct {
	*process
	journal string
}

type stats struct {
	Requests, Accepted, Unique, Duplicates int
	Answers                                map[string]int
	at                                     time.Time
}

func (s *standin) stats(ctx context.Context) (got stats, err error) {
	err = client{base: "http://" + s.address}.call(ctx, "GET", "/stats", nil, &got)
	got.at = time.Now()
	return got, err
}

// answered is how many requests have their answer.
func (s *stats) answered() (n int) {
	for _, v := range s.Answers {
		n += v
	}
	return n
}

// fail sets a fault; an empty one ends it.
func (s *standin) fail(ctx context.Context, fault object) error {
	return client{base: "http://" + s.address}.call(ctx, "POST", "/control", fault, nil)
}

// watch looks at the stand-in until enough says so, or nothing was accepted for some time.
func (s *standin) watch(ctx context.Context, pause, patience time.Duration, enough func(stats) bool) error {
	for quiet, last := time.Now(), -1; ; {
		now, err := s.stats(ctx)
		if err != nil {
			return err
		}
		if enough(now) {
			return nil
		}
		if now.Accepted > last {
			quiet, last = now.at, now.Accepted
		}
		if now.at.Sub(quiet) > patience {
			return nil // what is missing counts as lost
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// arrived is a line of the journal.
type arrived struct {
	Data map[string]string
	At   time.Time // of the answer, before it is sent
}

// arrivals reads the journal from an offset, whole lines only, and gives the next offset.
func (s *standin) arrivals(from int64, each func(arrived)) (int64, error) {
	f, err := os.Open(s.journal)
	if err != nil {
		return from, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return from, err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return from, err
	}
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	for line := range bytes.Lines(b) {
		var a arrived
		if err := json.Unmarshal(line, &a); err != nil {
			return from, fmt.Errorf("read the journal: %w", err)
		}
		each(a)
	}
	return from + int64(len(b)), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// load is the load average of the last minute, on which the figures depend.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}
