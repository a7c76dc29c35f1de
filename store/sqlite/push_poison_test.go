package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// oneEach is a push.Directory: everybody has one phone.
type oneEach struct{}

func (oneEach) Contacts(_ context.Context, citizens []string) (map[string]push.Contact, error) {
	all := map[string]push.Contact{}
	for _, id := range citizens {
		all[id] = push.Contact{Language: "ar", Push: true, Devices: []push.Device{{ID: "phone", Token: "token", Platform: "android"}}}
	}
	return all, nil
}

func (oneEach) DropToken(context.Context, string, string) error { return nil }
func (oneEach) SetAside(context.Context, string, string) error  { return nil }

// takes is a channel that takes everything.
type takes struct {
	mu sync.Mutex
	n  map[string]int // by message
}

func (c *takes) Send(_ context.Context, n push.Notice) push.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[n.ID]++
	return push.Outcome{Answer: push.Taken, Ref: "ref"}
}

// elsewhere breaks rows as another program would, with a connection of its own.
func elsewhere(t *testing.T, path string, statements ...string) {
	t.Helper()
	other, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, q := range statements {
		r, err := other.ExecContext(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: %d rows, %v", q, n, err)
		}
	}
}

// Rows of the queue and of the inbox that nobody can read stand among a thousand sound ones: those all go out once, the broken
// deliveries have failed and are listed for staff, and neither an inbox nor the list of people who were not reached is lost for them.
func TestFaults_poisonedRows(t *testing.T) {
	t.Parallel()
	db, channel := fresh(t), &takes{n: map[string]int{}}
	s := push.New(db, oneEach{})
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return now }
	const citizens, facts = 20, 1000
	var telling sync.WaitGroup
	for k := range facts {
		telling.Go(func() {
			if err := s.On(context.Background(), event.Event{ID: fmt.Sprint(k), Type: event.ReportReplied, At: now.Add(time.Duration(k) * time.Millisecond),
				Report: &event.Report{ID: "r", Number: "1234567890", Citizen: fmt.Sprint(k % citizens), Centre: "riyadh"}}); err != nil {
				t.Error(err)
			}
		})
	}
	telling.Wait()
	id := func(k int) string { return event.Derive(fmt.Sprint(k), "inbox") }
	broken := map[string]bool{}
	var statements []string
	for k, doc := range []string{`'{'`, `'[]'`, `''`, `x'ff00fe'`, `'null,'`, `'{"id":7}'`, `'{"deadline":"soon"}'`, `'{}', attempts = 'many'`} {
		broken[id(k)] = true
		statements = append(statements, `UPDATE deliveries SET doc = `+doc+` WHERE hex(message) = upper(replace('`+id(k)+`', '-', ''))`)
	}
	const unlisted = 100 // whose message is broken, and whose delivery is sound
	statements = append(statements, `UPDATE messages SET doc = '{' WHERE id = '`+id(unlisted)+`'`,
		`UPDATE messages SET unreached = 4, why = 'failed', chain = NULL WHERE id = '`+id(unlisted+1)+`'`)
	elsewhere(t, db.path, statements...)

	sender := &push.Sender{Service: s, Name: push.ChannelPush, Channel: channel, Poll: 2 * time.Millisecond}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for any := true; any; <-tick.C {
		var err error
		if _, any, err = db.NextDelivery(t.Context(), push.ChannelPush); err != nil {
			t.Error(err)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for k := range facts {
		want := 1
		if broken[id(k)] {
			want = 0
		}
		if n := channel.n[id(k)]; n != want {
			t.Errorf("fact %d was sent %d times; want %d", k, n, want)
		}
	}
	a := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}}
	dead, _, err := s.DeadLetters(t.Context(), a, push.DeadQuery{Limit: 100})
	if err != nil || len(dead) != len(broken) {
		t.Fatalf("dead letters %+v, %v; want %d", dead, err, len(broken))
	}
	for _, d := range dead {
		if d.State != push.Failed || d.Reason != "unreadable" || !broken[d.Message] {
			t.Errorf("%+v; want one of those that were broken, unreadable", d)
		}
	}
	if p, err := s.Inbox(t.Context(), actor.Actor{Kind: actor.Citizen, ID: "0"}, "ar", "", 100, false); err != nil || len(p.Items) != facts/citizens-1 {
		t.Errorf("an inbox of %d, %v; want all but the one that is broken", len(p.Items), err)
	}
	if trails, err := s.ReportTrail(t.Context(), "0", "r", "ar"); err != nil || len(trails) != facts/citizens-1 {
		t.Errorf("%d trails, %v; want all but the one that is broken", len(trails), err)
	}
	if err := s.On(t.Context(), event.Event{ID: "later", Type: event.ReportMoved, At: now, Report: &event.Report{ID: "r", Number: "1", Citizen: "0", To: "resolved"}}); err != nil {
		t.Errorf("who has a broken message cannot be told anything more: %v", err)
	}
	if xs, err := db.LeaseChains(t.Context(), now.Add(time.Hour), time.Minute, 2*facts); err != nil || len(xs) != facts-1 { // and one that was told later
		t.Errorf("%d chains, %v; want all but what is broken or over", len(xs), err)
	}
	un, _, err := s.Unreached(t.Context(), a, push.UnreachedQuery{Limit: 100})
	if err != nil || len(un) != 2 || un[0].Message.ID != id(unlisted) || un[0].Message.Citizen != fmt.Sprint(unlisted%citizens) || un[1].Message.ID != id(unlisted+1) {
		t.Errorf("not reached: %+v, %v; want both, the broken one by name", un, err)
	}
}
