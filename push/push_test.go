package push_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/teststore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(teststore.Tests{M: m}) }

var epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// clocks that the test moves: the one on the wall, which somebody may set, and the one that only runs.
type clocks struct {
	mu     sync.Mutex
	now    time.Time
	steady time.Duration
	looks  []*atomic.Int64 // of each sender at the steady one
}

func (c *clocks) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clocks) Steady() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steady
}

// watched is Steady for one more sender, whose looks are counted.
func (c *clocks) watched() func() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := new(atomic.Int64)
	c.looks = append(c.looks, n)
	return func() time.Duration {
		defer n.Add(1)
		return c.Steady()
	}
}

// advance lets time pass.
func (c *clocks) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.steady = c.now.Add(d), c.steady+d
}

// set the clock on the wall by d; no time passes.
func (c *clocks) set(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// people is a Directory.
type people struct {
	mu       sync.Mutex
	contacts map[string]push.Contact
	aside    []string // citizen and token
	asked    int
	err      error // to answer instead
}

func (p *people) Contacts(_ context.Context, citizens []string) (map[string]push.Contact, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.err != nil {
		return nil, p.err
	}
	all := map[string]push.Contact{}
	for _, id := range citizens {
		if c, ok := p.contacts[id]; ok {
			c.Devices = slices.Clone(c.Devices)
			all[id] = c
		}
	}
	return all, nil
}

func (p *people) setAside() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.aside)
}

func (p *people) SetAside(_ context.Context, citizen, token string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aside = append(p.aside, citizen+" "+token)
	return nil
}

func (p *people) DropToken(_ context.Context, citizen, token string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, d := range p.contacts[citizen].Devices {
		if d.Token == token {
			p.contacts[citizen].Devices[i].Token = ""
		}
	}
	return nil
}

func (p *people) get(citizen string) push.Contact {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.contacts[citizen]
}

func (p *people) set(citizen string, c push.Contact) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.contacts[citizen] = c
}

// change what is known of a citizen.
func (p *people) change(citizen string, f func(*push.Contact)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.contacts[citizen]
	c.Devices = slices.Clone(c.Devices)
	f(&c)
	p.contacts[citizen] = c
}

func (p *people) forget(citizen string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.contacts, citizen)
}

func (p *people) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

type bench struct {
	*push.Service
	people *people
	clock  *clocks
	store  teststore.Store
}

// setUp is a service with citizen "noura", who has two phones and a tablet without a token, and "faisal", who has none.
func setUp(t *testing.T) bench {
	t.Helper()
	db := teststore.Open(t)
	p := &people{contacts: map[string]push.Contact{
		"noura": {Language: "ar", Push: true, Devices: []push.Device{{ID: "phone", Token: "token-1", Platform: "android"},
			{ID: "second", Token: "token-2", Platform: "ios", Language: "en"}, {ID: "tablet"}}},
		"faisal": {Language: "ur", Push: true},
		"silent": {Language: "ar", Devices: []push.Device{{ID: "quiet", Token: "token-3"}}},
	}}
	c := &clocks{now: epoch}
	s := push.New(db, p)
	s.Now = c.Now
	return bench{Service: s, people: p, clock: c, store: db}
}

func fact(id string, typ event.Type, citizen, to string) event.Event {
	return event.Event{ID: id, Type: typ, Subject: "report/r", At: epoch, Report: &event.Report{ID: "r", Number: "1234567890", Citizen: citizen, To: to}}
}

func as(citizen, device string) actor.Actor {
	return actor.Actor{Kind: actor.Citizen, ID: citizen, Device: device}
}

func (b bench) tell(t *testing.T, es ...event.Event) {
	t.Helper()
	for _, e := range es {
		if err := b.On(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func (b bench) inbox(t *testing.T, citizen string) push.Page {
	t.Helper()
	p, err := b.Inbox(t.Context(), as(citizen, ""), "ar", "", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b bench) deliveries(t *testing.T, fact string) map[string]push.Delivery {
	t.Helper()
	ds, err := b.store.Deliveries(t.Context(), event.Derive(fact, "inbox"))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]push.Delivery{}
	for _, d := range ds {
		m[d.Target] = d
	}
	return m
}

// eventually waits until ok, looking again and again.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, again := time.After(2*time.Minute), time.NewTicker(2*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within two minutes", what)
		case <-again.C:
		}
	}
}

func TestService_On(t *testing.T) {
	t.Parallel()
	own := fact("e", event.ReportMoved, "noura", "withdrawn")
	own.Report.ByCitizen = true
	filed := fact("e", event.ReportReceived, "noura", "received")
	filed.Report.ByCitizen = true
	answered := fact("e", event.ReportReplied, "noura", "")
	answered.Report.ByCitizen = true
	for _, c := range []struct {
		name       string
		e          event.Event
		kind       push.Kind
		deliveries int
	}{
		{"received is told to who filed it", filed, push.Received, 2},
		{"moved by staff", fact("e", event.ReportMoved, "noura", "resolved"), push.Resolved, 2},
		{"reply", fact("e", event.ReportReplied, "noura", ""), push.Reply, 2},
		{"no device", fact("e", event.ReportMoved, "faisal", "closed"), push.Closed, 0},
		{"push not wanted", fact("e", event.ReportMoved, "silent", "closed"), push.Closed, 0},
		{"moved by the citizen", own, "", 0},
		{"said by the citizen", answered, "", 0},
		{"assigned to somebody else", fact("e", event.ReportAssigned, "noura", "assigned"), "", 0},
		{"anonymous", fact("e", event.ReportReceived, "", "received"), "", 0},
		{"account gone", fact("e", event.ReportReceived, "nobody", "received"), "", 0},
		{"unknown status", fact("e", event.ReportMoved, "noura", "evaporated"), "", 0},
		{"not a status", fact("e", event.ReportMoved, "noura", "reply"), "", 0},
		{"a rating", event.Event{ID: "e", Type: event.ReportRated, At: epoch, Rating: &event.Rating{}}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setUp(t)
			b.tell(t, c.e)
			citizen := "noura"
			if c.e.Report != nil {
				citizen = c.e.Report.Citizen
			}
			p := b.inbox(t, citizen)
			if c.kind == "" {
				if len(p.Items) != 0 {
					t.Errorf("told %+v", p.Items)
				}
			} else if len(p.Items) != 1 || p.Items[0].Kind != c.kind || p.Items[0].ID != event.Derive("e", "inbox") || p.Unread != 1 {
				t.Errorf("inbox %+v; want one %s", p, c.kind)
			}
			if ds := b.deliveries(t, "e"); len(ds) != c.deliveries {
				t.Errorf("deliveries %+v; want %d", ds, c.deliveries)
			}
		})
	}
}

func TestService_On_again(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	e := fact("e", event.ReportMoved, "noura", "resolved")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := b.On(context.Background(), e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	before := b.deliveries(t, "e")
	b.people.set("noura", push.Contact{Push: true, Devices: []push.Device{{ID: "new", Token: "token-9"}}})
	b.clock.advance(time.Hour)
	b.tell(t, e)
	if after := b.deliveries(t, "e"); len(b.inbox(t, "noura").Items) != 1 || len(after) != 2 || after["phone"] != before["phone"] {
		t.Errorf("changed by the same fact: %+v, was %+v", after, before)
	}
	if id := before["phone"].ID; id != event.Derive(event.Derive("e", "inbox"), "push", "phone") {
		t.Errorf("delivery id %s is not derived from the fact", id)
	}
}

func TestService_Inbox(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		b.tell(t, fact(id, event.ReportMoved, "faisal", "assigned"))
	}
	seen := map[string]bool{}
	cursor, pages := "", 0
	for {
		p, err := b.Inbox(t.Context(), as("faisal", ""), "ur", cursor, 2, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range p.Items {
			seen[m.ID] = true
			if m.Language != "ur" || m.Text != b.Wording().Text(push.Assigned, push.ChannelPush, "ur", push.Vars{Number: "1234567890"}) {
				t.Errorf("rendered %+v", m)
			}
		}
		pages++
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 5 || pages != 3 {
		t.Errorf("%d messages on %d pages; want 5 on 3", len(seen), pages)
	}
	for _, c := range []struct {
		name, cursor string
		limit        int
		a            actor.Actor
		want         fault.Code
	}{
		{"cursor", "!", 0, as("faisal", ""), fault.Invalid},
		{"limit", "", 101, as("faisal", ""), fault.Invalid},
		{"negative limit", "", -1, as("faisal", ""), fault.Invalid},
		{"nobody", "", 0, actor.Actor{}, fault.Unauthenticated},
		{"staff", "", 0, actor.Actor{Kind: actor.Staff, Role: actor.Admin, ID: "faisal"}, fault.Forbidden},
	} {
		if _, err := b.Inbox(t.Context(), c.a, "ar", c.cursor, c.limit, false); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
	}
}

func TestService_Acknowledge(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.tell(t, fact("e", event.ReportMoved, "noura", "resolved"))
	id := event.Derive("e", "inbox")
	for _, read := range []bool{false, true} {
		if err := b.Acknowledge(t.Context(), as("faisal", ""), id, read); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("read %t by another citizen: %v", read, err)
		}
		if err := b.Acknowledge(t.Context(), actor.Actor{Kind: actor.Staff, ID: "noura"}, id, read); fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("read %t by staff: %v", read, err)
		}
		if err := b.Acknowledge(t.Context(), actor.Actor{}, id, read); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("read %t by nobody: %v", read, err)
		}
		if err := b.Acknowledge(t.Context(), as("noura", ""), "none", read); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("read %t of no message: %v", read, err)
		}
	}
	if err := b.Acknowledge(t.Context(), as("noura", "phone"), id, false); err != nil {
		t.Fatal(err)
	}
	if ds := b.deliveries(t, "e"); ds["phone"].State != push.Delivered || ds["second"].State != push.Queued {
		t.Errorf("delivered to the phone: %+v", ds)
	}
	if err := b.Acknowledge(t.Context(), as("noura", "phone"), id, true); err != nil {
		t.Fatal(err)
	}
	n, err := b.Unread(t.Context(), as("noura", ""))
	if ds := b.deliveries(t, "e"); n != 0 || err != nil || ds["phone"].State != push.Read || ds["second"].State != push.Suppressed {
		t.Errorf("read: unread %d, %v, %+v", n, err, ds)
	}
}

func TestService_AcknowledgeAll(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.tell(t, fact("1", event.ReportReplied, "noura", ""), fact("2", event.ReportReplied, "noura", ""), fact("3", event.ReportReplied, "faisal", ""))
	mine, also, theirs := event.Derive("1", "inbox"), event.Derive("2", "inbox"), event.Derive("3", "inbox")
	for range 2 {
		unknown, err := b.AcknowledgeAll(t.Context(), as("noura", "phone"), []string{mine, theirs, also, "none"}, true)
		if err != nil || !slices.Equal(unknown, []string{theirs, "none"}) {
			t.Errorf("unknown %v, %v", unknown, err)
		}
	}
	if n, err := b.Unread(t.Context(), as("noura", "")); n != 0 || err != nil {
		t.Errorf("unread %d, %v", n, err)
	}
	if p := b.inbox(t, "faisal"); p.Unread != 1 {
		t.Errorf("somebody else's: %+v", p)
	}
	for name, c := range map[string]struct {
		a    actor.Actor
		ids  []string
		want fault.Code
	}{
		"none":          {as("noura", ""), nil, fault.Invalid},
		"too many":      {as("noura", ""), slices.Repeat([]string{mine}, push.MaxLimit+1), fault.Invalid},
		"as many as go": {as("noura", ""), slices.Repeat([]string{mine}, push.MaxLimit), ""},
		"nobody":        {actor.Actor{}, []string{mine}, fault.Unauthenticated},
		"staff":         {actor.Actor{Kind: actor.Staff, ID: "noura"}, []string{mine}, fault.Forbidden},
	} {
		if _, err := b.AcknowledgeAll(t.Context(), c.a, c.ids, false); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}
