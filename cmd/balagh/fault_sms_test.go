//go:build !race

// What is raced here are processes: the race detector sees nothing of it, and takes minutes to see it.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/push/email"
	"github.com/balagh/balagh/push/fcm"
	"github.com/balagh/balagh/push/sms"
	"github.com/balagh/balagh/store/teststore"
)

// timetable is a store with a clock that moves on when nothing is under way. While it is locked nothing is leased.
type timetable struct {
	push.Store
	mu     sync.RWMutex
	leased atomic.Int64
	began  time.Time
	passed atomic.Int64
}

func (c *timetable) now() time.Time        { return c.began.Add(c.steady()) }
func (c *timetable) steady() time.Duration { return time.Duration(c.passed.Load()) }

func (c *timetable) LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int, takeOver bool) ([]push.Delivery, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ds, err := c.Store.LeaseDeliveries(ctx, channel, now, ttl, limit, takeOver)
	c.leased.Add(int64(len(ds)))
	return ds, err
}

func (c *timetable) SettleDeliveries(ctx context.Context, results []push.Result) error {
	err := c.Store.SettleDeliveries(ctx, results)
	if err == nil {
		c.leased.Add(-int64(len(results)))
	}
	return err
}

// next is when something is due, a delivery or a chain.
func (c *timetable) next(t *testing.T) (first time.Time, any bool) {
	t.Helper()
	look := func(at time.Time, there bool, err error) {
		if err != nil {
			t.Error(err)
		}
		if there && (!any || at.Before(first)) {
			first, any = at, true
		}
	}
	for _, channel := range push.Channels {
		look(c.NextDelivery(context.Background(), channel))
	}
	look(c.NextChain(context.Background()))
	return first, any
}

// play lets time pass until a moment, or until nothing is left to do.
func (c *timetable) play(t *testing.T, until time.Duration) {
	t.Helper()
	ask(t, "time passes", 10*time.Millisecond, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		at, any := c.next(t)
		switch wait := at.Sub(c.now()); {
		case !any:
			return c.leased.Load() == 0
		case wait > 0 && c.leased.Load() == 0:
			c.passed.Add(int64(min(max(wait, 5*time.Second), until-c.steady())))
		}
		return c.steady() == until
	})
}

// gateway takes text messages, when it is up.
type gateway struct {
	address string
	mu      sync.Mutex
	got     map[string]int // by number
}

func (g *gateway) comeUp(t *testing.T) {
	t.Helper()
	var l net.Listener
	eventually(t, "the address is free", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", g.address)
		return err == nil
	})
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ To string }
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		g.mu.Lock()
		g.got[m.To]++
		g.mu.Unlock()
		_, _ = fmt.Fprintf(w, `{"id":"text-%s"}`, m.To)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
}

// smtpServer speaks as much SMTP as a mail takes, and counts the mails by address.
func smtpServer(t *testing.T) (port int, got func() map[string]int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	mails := map[string]int{}
	serve := func(c net.Conn) {
		defer c.Close()
		say := func(s string) { _, _ = fmt.Fprintf(c, "%s\r\n", s) }
		say("220 mail.example.sa")
		to, data := "", false
		for lines := bufio.NewScanner(c); lines.Scan(); {
			verb, rest, _ := strings.Cut(lines.Text(), " ")
			switch {
			case data && lines.Text() == ".":
				data = false
				mu.Lock()
				mails[to]++
				mu.Unlock()
				say("250 taken")
			case data:
			case verb == "RCPT":
				to = strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")
				say("250 fine")
			case verb == "DATA":
				data = true
				say("354 go on")
			case verb == "QUIT":
				say("221 goodbye")
				return
			default:
				say("250 fine")
			}
		}
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	return l.Addr().(*net.TCPAddr).Port, func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return mails
	}
}

// TestFaults_SMSForAnHour: nobody's phone can be pushed to, and the SMS gateway refuses connections for an hour. Texts that may wait
// arrive when it is up again, each once; those that are not worth it any more expire and their people are listed as not reached; and
// who is to be mailed after a while is mailed, and gets no text later.
func TestFaults_SMSForAnHour(t *testing.T) {
	t.Parallel()
	each := many(100)
	db := teststore.Open(t)
	c := &timetable{Store: db, began: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	people := phones{}
	told := push.New(c, people)
	told.Now, told.Channels = c.now, map[string]bool{push.ChannelPush: true, push.ChannelSMS: false, push.ChannelEmail: false}

	url, _ := standinProcess(t)
	pushes, err := fcm.New(t.Context(), fcm.Config{ProjectID: "demo", Endpoint: url + "/v1", Workers: 16})
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{address: freePort(t), got: map[string]int{}}
	texts, err := sms.New(sms.Config{URL: "http://" + g.address + "/send", Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	port, mails := smtpServer(t)
	mailer, err := email.New(email.Config{Host: "127.0.0.1", Port: port, From: "reports@example.sa", TLS: email.None, Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	poll := 5 * time.Millisecond
	if teststore.OnMongoDB() {
		poll *= 8 // a look costs the server something
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for name, channel := range map[string]push.Channel{push.ChannelPush: pushes, push.ChannelSMS: texts, push.ChannelEmail: mailer} {
		s := &push.Sender{Service: told, Name: name, Channel: channel, Workers: 16, Poll: poll, Steady: c.steady}
		running.Go(func() { _ = s.Run(ctx) })
	}
	running.Go(func() { _ = told.RunChains(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		mailer.Close()
		http.DefaultClient.CloseIdleConnections()
	})

	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}}
	kinds := []push.Kind{push.Resolved, push.Closed, push.InProgress}
	for n, p := range []push.Policy{ // may wait, worth nothing after half an hour, mailed after twenty minutes
		{TTL: 24 * time.Hour, Steps: []push.Step{{Channel: push.ChannelPush, Wait: time.Minute}, {Channel: push.ChannelSMS, Wait: 3 * time.Hour}}},
		{TTL: 30 * time.Minute, Steps: []push.Step{{Channel: push.ChannelPush, Wait: time.Minute}, {Channel: push.ChannelSMS, Wait: 3 * time.Hour}}},
		{TTL: 24 * time.Hour, Steps: []push.Step{{Channel: push.ChannelPush, Wait: time.Minute}, {Channel: push.ChannelSMS, Wait: 20 * time.Minute}, {Channel: push.ChannelEmail, Wait: time.Hour}}},
	} {
		p.Kind = kinds[n]
		if _, err := told.PutPolicy(t.Context(), admin, p, nil, false); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 * each {
		id := fmt.Sprintf("%03d", n)
		people[id] = push.Contact{Language: "ar", Push: true, SMS: true, Mail: true, Phone: "+966500000" + id, Email: id + "@example.sa",
			Devices: []push.Device{{ID: "phone", Token: "dead-" + id, Platform: "android"}}}
	}
	for n := range 3 * each {
		id := fmt.Sprintf("%03d", n)
		if err := told.On(t.Context(), event.Event{ID: "fact-" + id, Type: event.ReportMoved, At: c.began,
			Report: &event.Report{ID: "r", Number: "1234567890", Citizen: id, To: string(kinds[n%3])}}); err != nil {
			t.Fatal(err)
		}
	}
	c.play(t, time.Hour)
	g.comeUp(t)
	c.play(t, 48*time.Hour)

	g.mu.Lock()
	defer g.mu.Unlock()
	posted := mails()
	for n := range 3 * each {
		id := fmt.Sprintf("%03d", n)
		wanted := [3]int{1, 0, 0}[n%3]
		if got := g.got["966500000"+id]; got != wanted {
			t.Errorf("%s got %d texts; want %d", id, got, wanted)
		}
		wanted = [3]int{0, 0, 1}[n%3]
		if got := posted[id+"@example.sa"]; got != wanted {
			t.Errorf("%s got %d mails; want %d", id, got, wanted)
		}
	}
	f, err := told.DeliveryFigures(t.Context(), admin, push.DeliveryQuery{From: "2026-11-21", Through: "2026-11-22"})
	if err != nil || f.Unreached != each {
		t.Errorf("%d are not reached, %v; want %d", f.Unreached, err, each)
	}
	rows := map[string]int{}
	for _, r := range f.Rows {
		rows[r.Channel+" "+string(r.Outcome)+" "+r.Reason] = int(r.N)
	}
	for row, n := range map[string]int{"push failed unregistered": 3 * each, "sms accepted ": each, "sms suppressed told_otherwise": each, "email accepted ": each} {
		if rows[row] != n {
			t.Errorf("%s: %d; want %d", row, rows[row], n)
		}
	}
	late := rows["sms expired unreachable"] + rows["sms expired deadline"] // found out at an attempt, or before the next
	if late != each || rows["sms expired unreachable"] == 0 {
		t.Errorf("%d expired; want %d", late, each)
	}
	delete(rows, "sms expired deadline")
	if len(rows) != 5 {
		t.Errorf("the figures %v", rows)
	}
}
