package push_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

// far is the far end of a channel.
type far struct {
	mu     sync.Mutex
	sent   []push.Notice
	answer push.Outcome
	ask    func(push.Notice) push.Outcome // instead of answer
}

func (f *far) Send(_ context.Context, n push.Notice) push.Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, n)
	if f.ask != nil {
		return f.ask(n)
	}
	return f.answer
}

func (f *far) answers(o push.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = o
}

func (f *far) got() []push.Notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}

// reach is a bench with push, SMS and e-mail, and a person "hind" who has them all. It looks at chains when told to.
type reach struct {
	bench
	push, sms, mail *far
}

const dest, address = "+966500000001", "hind@example.org"

// reachable is a bench whose gateway for SMS sends receipts, or does not.
func reachable(t *testing.T, receipts bool) reach {
	t.Helper()
	return reachableBy(t, setUp(t), receipts)
}

func reachableBy(t *testing.T, b bench, receipts bool) reach {
	t.Helper()
	ok := push.Outcome{Answer: push.Taken, Ref: "ref"}
	r := reach{b, &far{answer: ok}, &far{answer: ok}, &far{answer: ok}}
	r.Channels = map[string]bool{push.ChannelPush: true, push.ChannelSMS: receipts, push.ChannelEmail: false}
	r.people.set("hind", push.Contact{Name: "Hind", Language: "ur", Phone: dest, Email: address, Push: true, SMS: true, Mail: true,
		Devices: []push.Device{{ID: "phone", Token: "token-1", Platform: "android"}}})
	for name, c := range map[string]*far{push.ChannelPush: r.push, push.ChannelSMS: r.sms, push.ChannelEmail: r.mail} {
		r.run(t, nil, func(s *push.Sender) { s.Name, s.Channel = name, c })
	}
	return r
}

// tellHind that her report was resolved.
func (r reach) tellHind(t *testing.T) { r.tell(t, fact("e", event.ReportMoved, "hind", "resolved")) }

// pass lets time pass and takes the steps that are due.
func (r reach) pass(t *testing.T, d time.Duration) {
	t.Helper()
	r.clock.advance(d)
	for {
		n, err := r.Chains(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// comes waits until Hind's delivery through a channel, to her phone with push, is in a state.
func (r reach) comes(t *testing.T, channel string, want push.State) push.Delivery {
	t.Helper()
	var got push.Delivery
	eventually(t, channel+" is "+string(want), func() bool {
		for _, d := range r.all(t) {
			if d.Channel == channel && (d.Target == "" || d.Target == "phone") {
				got = d
			}
		}
		return got.State == want
	})
	return got
}

func (r reach) all(t *testing.T) []push.Delivery {
	t.Helper()
	ds, err := r.store.Deliveries(t.Context(), event.Derive("e", "inbox"))
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// sent checks how many notices each channel got, after all senders have looked.
func (r reach) sent(t *testing.T, toPush, toSMS, toMail int) {
	t.Helper()
	r.idles(t)
	if got, want := [3]int{len(r.push.got()), len(r.sms.got()), len(r.mail.got())}, [3]int{toPush, toSMS, toMail}; got != want {
		t.Errorf("sent by push, SMS and e-mail %v; want %v", got, want)
	}
}

// over checks how the chain ended: why Hind was not reached, or "".
func (r reach) over(t *testing.T, why string) {
	t.Helper()
	if at, any, err := r.store.NextChain(t.Context()); any || err != nil {
		t.Errorf("the chain is looked at again after %v, %v", at.Sub(epoch), err)
	}
	r.missed(t, why)
}

func (r reach) missed(t *testing.T, why string) {
	t.Helper()
	clerk := actor.Actor{Kind: actor.Staff, Role: actor.Clerk, Centres: []string{actor.All}}
	all, _, err := r.Service.Unreached(t.Context(), clerk, push.UnreachedQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if why == "" && len(all) != 0 || why != "" && (len(all) != 1 || all[0].Why != why || all[0].Message.Citizen != "hind") {
		t.Errorf("not reached: %+v; want %q", all, why)
	}
}

// next checks when the chain is looked at again, from the epoch on.
func (r reach) next(t *testing.T, want time.Duration) {
	t.Helper()
	if at, any, err := r.store.NextChain(t.Context()); !any || err != nil || at.Sub(epoch) != want {
		t.Errorf("looked at again after %v (%t, %v); want %v", at.Sub(epoch), any, err, want)
	}
}

func (r reach) acknowledge(t *testing.T, read bool) {
	t.Helper()
	if err := r.Acknowledge(t.Context(), as("hind", "phone"), event.Derive("e", "inbox"), read); err != nil {
		t.Fatal(err)
	}
}

var (
	refused     = push.Outcome{Answer: push.Refused, Reason: "invalid_argument"}
	unavailable = push.Outcome{Reason: "unavailable"}
)

// No phone says that it has the push: an SMS goes after the wait, in the person's language, and ends the chain when its gateway
// tells no more.
func TestService_Chains_toSMS(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.tellHind(t)
	r.comes(t, push.ChannelPush, push.Accepted)
	r.pass(t, 10*time.Minute-time.Millisecond)
	r.sent(t, 1, 0, 0)
	r.pass(t, time.Millisecond)
	d := r.comes(t, push.ChannelSMS, push.Accepted)
	n := r.sms.got()[0]
	want := push.Notice{ID: event.Derive("e", "inbox"), Delivery: event.Derive(event.Derive("e", "inbox"), push.ChannelSMS, ""), Kind: push.Resolved, Report: "r",
		Number: "1234567890", To: dest, Language: "ur", Text: r.Wording().Text(push.Resolved, push.ChannelSMS, "ur", push.Vars{Number: "1234567890"}),
		TTL: push.DefaultExpiry}
	if n != want || n.Text.Body == "" {
		t.Errorf("sent %+v; want %+v", n, want)
	}
	if d.Step != 1 || !d.Planned.Equal(epoch.Add(10*time.Minute)) || !d.At.Equal(epoch) {
		t.Errorf("delivery %+v", d)
	}
	r.next(t, 70*time.Minute)
	r.pass(t, time.Hour)
	r.over(t, "")
	r.pass(t, 48*time.Hour)
	r.sent(t, 1, 1, 0)
	if s := r.comes(t, push.ChannelPush, push.Accepted); s.Reason != "" {
		t.Errorf("the push is %+v", s)
	}
}

// A gateway that sends receipts is waited for; without one, e-mail is the last step.
func TestService_Chains_receipts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		receipt push.State
		wait    time.Duration
		mails   int
	}{"delivered": {push.Delivered, 0, 0}, "failed": {push.Failed, 0, 1}, "nothing final": {"", time.Hour, 1}, "late": {"", time.Hour - time.Millisecond, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reachable(t, true)
			r.sms.answers(push.Outcome{Answer: push.Taken, Ref: "sms-1"})
			r.tellHind(t)
			r.comes(t, push.ChannelPush, push.Accepted)
			r.pass(t, 10*time.Minute)
			r.comes(t, push.ChannelSMS, push.Accepted)
			if err := r.Receive(t.Context(), push.Receipt{Channel: push.ChannelSMS, Ref: "sms-1", State: c.receipt, Reason: "absent", At: r.clock.Now()}); err != nil {
				t.Fatal(err)
			}
			r.pass(t, c.wait)
			if c.mails > 0 {
				r.comes(t, push.ChannelEmail, push.Accepted)
				if n := r.mail.got()[0]; n.To != address || n.Name != "Hind" || n.Language != "ur" || n.Text.Title == "" {
					t.Errorf("mailed %+v", n)
				}
			}
			r.sent(t, 1, 1, c.mails)
			if c.receipt == push.Delivered {
				r.over(t, "")
			}
		})
	}
}

func TestService_Chains_acknowledged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		read bool
		sent bool // before it was acknowledged
	}{"in time": {false, true}, "read": {true, true}, "read before it went": {true, false}, "fetched before it went": {false, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reachable(t, false)
			toPush := 0
			if !c.sent {
				r.people.change("hind", func(x *push.Contact) { // held back until later
					x.Quiet = push.Quiet{From: 11 * time.Hour, To: 13 * time.Hour, Zone: riyadh}
				})
			}
			r.tellHind(t)
			if c.sent {
				toPush = 1
				r.comes(t, push.ChannelPush, push.Accepted)
				r.pass(t, 9*time.Minute)
			}
			r.acknowledge(t, c.read)
			r.over(t, "")
			r.pass(t, 48*time.Hour)
			r.sent(t, toPush, 0, 0)
		})
	}
}

// The first step that leads to the person is taken at once.
func TestService_Chains_firstStep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change           func(*push.Contact)
		push, sms, mails int
		why              string
	}{
		"no device":        {func(c *push.Contact) { c.Devices = nil }, 0, 1, 0, ""},
		"signed out":       {func(c *push.Contact) { c.Devices[0].Token = "" }, 0, 1, 0, ""},
		"wants no push":    {func(c *push.Contact) { c.Push = false }, 0, 1, 0, ""},
		"e-mail alone":     {func(c *push.Contact) { c.Push, c.SMS = false, false }, 0, 0, 1, ""},
		"no number either": {func(c *push.Contact) { c.Devices, c.Phone = nil, "" }, 0, 0, 1, ""},
		"no address":       {func(c *push.Contact) { c.Devices, c.Phone, c.Email = nil, "", "" }, 0, 0, 0, push.NoChannel},
		"wants nothing":    {func(c *push.Contact) { c.Push, c.SMS, c.Mail = false, false, false }, 0, 0, 0, push.NoChannel},
		"by web push, which is not there": {func(c *push.Contact) {
			c.Devices = []push.Device{{ID: "browser", Token: "https://push.example.org/x", Keys: push.WebKeys{P256dh: "k", Auth: "a"}}}
		}, 0, 1, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reachable(t, false)
			r.people.change("hind", c.change)
			r.tellHind(t)
			eventually(t, "it is sent", func() bool {
				return len(r.push.got()) == c.push && len(r.sms.got()) == c.sms && len(r.mail.got()) == c.mails
			})
			r.sent(t, c.push, c.sms, c.mails)
			r.missed(t, c.why)
			r.pass(t, 48*time.Hour)
			r.over(t, c.why)
			r.sent(t, c.push, c.sms, c.mails)
		})
	}
}

// What a channel will never take lets the next step be taken at once.
func TestService_Chains_refused(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.push.answers(push.Outcome{Answer: push.Gone, Reason: "unregistered"})
	r.tellHind(t)
	if d := r.comes(t, push.ChannelPush, push.Failed); d.Reason != "unregistered" {
		t.Errorf("%+v", d)
	}
	if c := r.people.get("hind"); c.Devices[0].Token != "" {
		t.Error("the dead token stayed")
	}
	r.pass(t, 0)
	r.comes(t, push.ChannelSMS, push.Accepted)
	r.sent(t, 1, 1, 0)
}

func TestService_Chains_allRefused(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	for _, f := range []*far{r.push, r.sms, r.mail} {
		f.answers(refused)
	}
	r.tellHind(t)
	for _, c := range []string{push.ChannelPush, push.ChannelSMS, push.ChannelEmail} {
		r.comes(t, c, push.Failed)
		r.pass(t, 0)
	}
	r.over(t, push.AllFailed)
	r.sent(t, 1, 1, 1)
	r.acknowledge(t, false) // in the inbox, later
	r.over(t, "")
}

// While another phone of the person took it, there is time until the end of the wait.
func TestService_Chains_anotherPhone(t *testing.T) {
	t.Parallel()
	for _, acknowledged := range []bool{false, true} {
		t.Run(fmt.Sprint(acknowledged), func(t *testing.T) {
			t.Parallel()
			r := reachable(t, false)
			r.people.change("hind", func(c *push.Contact) {
				c.Devices = append(c.Devices, push.Device{ID: "other", Token: "token-2", Platform: "ios"})
			})
			r.push.ask = func(n push.Notice) push.Outcome {
				if n.Device.ID == "phone" {
					return push.Outcome{Answer: push.Gone, Reason: "unregistered"}
				}
				return taken(n)
			}
			r.tellHind(t)
			r.comes(t, push.ChannelPush, push.Failed)
			r.await(t, "e", "other", push.Accepted)
			r.pass(t, time.Minute)
			r.sent(t, 2, 0, 0)
			r.next(t, 10*time.Minute)
			if acknowledged {
				if err := r.Acknowledge(t.Context(), as("hind", "other"), event.Derive("e", "inbox"), false); err != nil {
					t.Fatal(err)
				}
			}
			r.pass(t, 9*time.Minute)
			if !acknowledged {
				r.comes(t, push.ChannelSMS, push.Accepted)
				r.sent(t, 2, 1, 0)
				return
			}
			r.sent(t, 2, 0, 0)
			r.over(t, "")
		})
	}
}

// A wish that was switched off after the push was planned counts, and the next way that is wanted is taken.
func TestService_Chains_wishSwitchedOff(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.people.change("hind", func(c *push.Contact) { c.Quiet = push.Quiet{From: 11 * time.Hour, To: 13 * time.Hour, Zone: riyadh} })
	r.tellHind(t)
	r.people.change("hind", func(c *push.Contact) { c.Push, c.Quiet = false, push.Quiet{} })
	r.clock.advance(time.Hour)
	if d := r.comes(t, push.ChannelPush, push.Suppressed); d.Reason != "not_wanted" {
		t.Errorf("%+v", d)
	}
	r.pass(t, 0)
	r.comes(t, push.ChannelSMS, push.Accepted)
	r.sent(t, 0, 1, 0)
}

// Accepted by the last step and never acknowledged is not reached, until a phone says so after all.
func TestService_Chains_neverAcknowledged(t *testing.T) {
	t.Parallel()
	for _, read := range []bool{false, true} {
		r := reachable(t, false)
		r.people.change("hind", func(c *push.Contact) { c.Phone, c.Email = "", "" })
		r.tellHind(t)
		r.comes(t, push.ChannelPush, push.Accepted)
		r.pass(t, 10*time.Minute)
		r.over(t, push.NotAcknowledged)
		r.acknowledge(t, read)
		r.over(t, "")
		r.comes(t, push.ChannelPush, map[bool]push.State{false: push.Delivered, true: push.Read}[read])
	}
}

// FCM is out for longer than the wait: the SMS goes, and then the push that still waits does not.
func TestService_Chains_pushIsOut(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.push.answers(push.Outcome{Reason: "unavailable", After: time.Hour})
	r.tellHind(t)
	eventually(t, "it is tried", func() bool { return len(r.push.got()) == 1 })
	r.comes(t, push.ChannelPush, push.Queued)
	r.pass(t, 10*time.Minute)
	r.comes(t, push.ChannelSMS, push.Accepted)
	if d := r.comes(t, push.ChannelPush, push.Suppressed); d.Reason != "told_otherwise" {
		t.Errorf("%+v", d)
	}
	r.pass(t, time.Hour)
	r.over(t, "")
	r.pass(t, 48*time.Hour)
	r.sent(t, 1, 1, 0)
}

// Both are out: the push goes when FCM is back, and a person with nothing else is given up when its time is over.
func TestService_Chains_allOut(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.people.change("hind", func(c *push.Contact) { c.Email = "" })
	r.push.answers(unavailable)
	r.sms.answers(unavailable)
	r.tellHind(t)
	for range 23 {
		r.pass(t, time.Hour)
		r.missed(t, "")
	}
	r.pass(t, 2*time.Hour)
	r.comes(t, push.ChannelPush, push.Expired)
	r.comes(t, push.ChannelSMS, push.Expired)
	r.pass(t, 0)
	r.over(t, push.TooLate)
}

// What was held up until something newer was said about the report goes no more, and nobody is missed because of it; what the newer
// message does not replace goes all the same.
func TestService_Chains_replaced(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.people.change("hind", func(c *push.Contact) {
		c.Devices, c.Quiet = nil, push.Quiet{From: 11 * time.Hour, To: 13 * time.Hour, Zone: riyadh}
	})
	for i, e := range []event.Event{fact("e", event.ReportMoved, "hind", "assigned"), fact("reply", event.ReportReplied, "hind", ""),
		fact("newer", event.ReportMoved, "hind", "in_progress")} {
		e.At = epoch.Add(time.Duration(i) * time.Minute)
		r.tell(t, e)
	}
	r.pass(t, time.Hour) // the quiet hours are over
	if d := r.comes(t, push.ChannelSMS, push.Suppressed); d.Reason != push.Replaced {
		t.Errorf("suppressed because of %q", d.Reason)
	}
	eventually(t, "the newer text and the reply are sent, and written down as sent", func() bool {
		for _, e := range []string{"reply", "newer"} {
			ds, err := r.store.Deliveries(t.Context(), event.Derive(e, "inbox"))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(ds, func(d push.Delivery) bool { return d.Channel == push.ChannelSMS && d.State == push.Accepted }) {
				return false
			}
		}
		return true
	})
	for _, n := range r.sms.got() {
		if n.Kind != push.InProgress && n.Kind != push.Reply {
			t.Errorf("sent %s", n.Kind)
		}
	}
	r.pass(t, 2*time.Hour)
	r.over(t, "")
	if len(r.mail.got()) != 0 {
		t.Errorf("mailed %+v", r.mail.got())
	}
}
