package demo

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// way is how news reaches a citizen, or does not.
type way int

const (
	awake     way = iota // the phone shows pushes and says that it has them
	asleep               // it is quiet now: pushes wait, but for urgent ones
	noDevice             // there is no app to push to
	dead                 // the token is dead
	noPush               // pushes are switched off
	off                  // so is the phone: FCM takes pushes, and nobody says that they came
	offAlone             // likewise, and text messages are not wanted
	deadAlone            // a dead token, and text messages are not wanted
	nowhere              // neither an app nor the wish for text messages
)

// mix of the ways, of forty citizens who follow each other. Even a dozen have them all.
var mix = [40]way{1: noDevice, 2: asleep, 4: dead, 5: off, 7: nowhere, 8: offAlone, 9: deadAlone, 11: noPush, 20: off, 25: asleep, 30: noDevice}

// hears reports whether the phone takes pushes and says so.
func (w way) hears() bool { return w == awake || w == asleep }

// device reports whether there is an app that pushes go to.
func (w way) device() bool { return w != noDevice && w != nowhere }

// deadToken reports whether FCM knows the token no more.
func (w way) deadToken() bool { return w == dead || w == deadAlone }

// texted reports whether text messages come to the number.
func (w way) texted() bool { return w == noDevice || w == dead || w == noPush || w == off }

// alone reports whether nothing reaches the person.
func (w way) alone() bool { return w == offAlone || w == deadAlone || w == nowhere }

// zones where those who sleep are: it is night for them whatever the time is here, because they say when it is.
var zones = []string{"Asia/Riyadh", "Asia/Karachi", "Africa/Cairo", "Asia/Jakarta", "Europe/London"}

// wishes are the preferences that a citizen sets; none when all is as it comes.
func (c *citizen) wishes(now time.Time) (map[string]any, error) {
	wishes := map[string]any{"push": c.way != noPush, "sms": !c.way.alone(), "email": false, "time_zone": zones[0]}
	switch {
	case c.way == asleep:
		zone := pick(c.rng, zones)
		there, err := time.LoadLocation(zone)
		if err != nil {
			return nil, err
		}
		const clock = "15:04"
		wishes["time_zone"] = zone
		wishes["quiet_from"] = now.In(there).Add(-time.Hour).Format(clock)
		wishes["quiet_to"] = now.In(there).Add(5 * time.Hour).Format(clock)
	case c.way == awake || c.way == off || c.way == dead || c.way == noDevice:
		if c.way != awake || !c.rng.once(setsWishes) {
			return nil, nil
		}
		wishes["sms"] = c.rng.once(.3)
	}
	return wishes, nil
}

// hear is what a phone does by itself: it shows the pushes that came since the last time, and tells that it has them.
func (c *citizen) hear(ctx context.Context) (shown int, err error) {
	if !c.way.hears() || c.token == "" {
		return 0, nil
	}
	system := client{http: c.http, base: c.StandinURL}
	var got struct {
		Messages []struct {
			Data map[string]string `json:"data"`
		} `json:"messages"`
	}
	query := url.Values{"token": {c.pushToken}, "after": {strconv.Itoa(c.received)}}
	if _, err := system.get(ctx, "received", "/received", query, &got); err != nil {
		return 0, err
	}
	var ids []string
	for _, m := range got.Messages {
		if id := m.Data["survey_id"]; id != "" {
			c.survey.asks(m.Data["kind"], id, "")
		}
		if id := m.Data["notification_id"]; !slices.Contains(ids, id) { // what comes twice is shown once
			ids = append(ids, id)
		}
	}
	c.received += len(got.Messages)
	return len(got.Messages), c.acknowledge(ctx, "markAllDelivered", "/v1/inbox/delivered", ids)
}

// acknowledge says at once what became of messages.
func (c *citizen) acknowledge(ctx context.Context, operation, path string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return c.post(ctx, operation, path, map[string]any{"ids": ids}, nil)
}

// textsCame looks whether text messages came to the number, besides one-time codes.
func (c *citizen) textsCame(ctx context.Context) (bool, error) {
	texts, err := c.outbox(ctx)
	if err != nil {
		return false, err
	}
	n := 0
	for _, t := range texts {
		if t.Code != "" {
			continue
		}
		n++
		if link := c.linkIn(t.Text); link != "" && link == c.survey.link && n > c.texts {
			c.survey.asks("survey_reminder", "", link)
		} else if link != "" {
			c.survey.asks("survey_invitation", "", link)
		}
	}
	came := n != c.texts
	c.texts = n
	return came, nil
}

// pockets are the phones of those whose day is over. They still hear what comes, and their people answer to it.
type pockets struct {
	mu     sync.Mutex
	all    []*citizen
	texted []*citizen // on whose phones only text messages come: that they are asked anything
	done   chan struct{}
	stop   context.CancelFunc
}

const (
	pocketPause = 200 * time.Millisecond
	pocketHands = 8
)

// put gives a phone into its pocket; its person touches it no more until empty.
func (x *pockets) put(c *citizen) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case c.token == "":
	case c.way.hears():
		x.all = append(x.all, c)
	case c.way.texted():
		x.texted = append(x.texted, c)
	}
}

// wake lets also those look at their phones to whom only text messages come.
func (x *pockets) wake() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all, x.texted = append(x.all, x.texted...), nil
}

// listen lets the phones hear until empty.
func (x *pockets) listen(ctx context.Context, t *tally) {
	ctx, x.stop = context.WithCancel(ctx)
	x.done = make(chan struct{})
	go func() {
		defer close(x.done)
		for pause(ctx, pocketPause) {
			x.mu.Lock()
			all := slices.Clone(x.all)
			x.mu.Unlock()
			atOnce(pocketHands, all, func(c *citizen) {
				if err := c.glance(ctx); err != nil && ctx.Err() == nil {
					t.trouble(err)
				}
			})
		}
	}()
}

// empty takes all phones out of their pockets. It may be called again.
func (x *pockets) empty() {
	x.stop()
	<-x.done
}

// atOnce does something with each of all, some at a time.
func atOnce[T any](hands int, all []T, do func(T)) {
	next := make(chan T)
	var busy sync.WaitGroup
	for range hands {
		busy.Go(func() {
			for x := range next {
				do(x)
			}
		})
	}
	for _, x := range all {
		next <- x
	}
	close(next)
	busy.Wait()
}
