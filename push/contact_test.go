package push_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/push"
)

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

var riyadh, berlin = zone("Asia/Riyadh"), zone("Europe/Berlin")

func TestQuiet_Until(t *testing.T) {
	t.Parallel()
	hours := func(from, to float64, z *time.Location) push.Quiet {
		return push.Quiet{From: time.Duration(from * float64(time.Hour)), To: time.Duration(to * float64(time.Hour)), Zone: z}
	}
	night, noon := hours(22, 6, riyadh), hours(12, 14.5, riyadh)
	for name, c := range map[string]struct {
		q        push.Quiet
		at, want string // the same when it may go
	}{
		"before the night":              {night, "2026-11-21T18:59:59.999Z", "2026-11-21T18:59:59.999Z"},
		"as the night begins":           {night, "2026-11-21T19:00:00Z", "2026-11-22T03:00:00Z"},
		"before midnight":               {night, "2026-11-21T20:59:59Z", "2026-11-22T03:00:00Z"},
		"at midnight":                   {night, "2026-11-21T21:00:00Z", "2026-11-22T03:00:00Z"},
		"after midnight":                {night, "2026-11-21T22:00:00Z", "2026-11-22T03:00:00Z"},
		"as it ends":                    {night, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"},
		"a millisecond before":          {night, "2026-11-22T02:59:59.999Z", "2026-11-22T03:00:00Z"},
		"within the day":                {noon, "2026-11-21T09:00:00Z", "2026-11-21T11:30:00Z"},
		"after the day's":               {noon, "2026-11-21T11:30:00Z", "2026-11-21T11:30:00Z"},
		"before the day's":              {noon, "2026-11-21T08:59:00Z", "2026-11-21T08:59:00Z"},
		"until midnight":                {hours(20, 0, riyadh), "2026-11-21T18:00:00Z", "2026-11-21T21:00:00Z"},
		"from midnight on":              {hours(0, 6, riyadh), "2026-11-21T21:00:00Z", "2026-11-22T03:00:00Z"},
		"none":                          {push.Quiet{}, "2026-11-21T21:00:00Z", "2026-11-21T21:00:00Z"},
		"no zone":                       {push.Quiet{From: 0, To: time.Hour}, "2026-11-21T00:30:00Z", "2026-11-21T00:30:00Z"},
		"the end of a month":            {night, "2026-12-31T20:00:00Z", "2027-01-01T03:00:00Z"},
		"spring: an hour less":          {hours(22, 6, berlin), "2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"},
		"autumn: an hour more":          {hours(22, 6, berlin), "2026-10-24T21:00:00Z", "2026-10-25T05:00:00Z"},
		"autumn: the hour that is two":  {hours(2.5, 3.5, berlin), "2026-10-25T01:45:00Z", "2026-10-25T02:30:00Z"},
		"spring: ends in the lost hour": {hours(22, 2.5, berlin), "2026-03-29T00:59:00Z", "2026-03-29T01:30:00Z"},
		"on the day of the change":      {hours(12, 14, berlin), "2026-03-29T10:00:00Z", "2026-03-29T12:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.q.Until(at).UTC().Format(time.RFC3339Nano); got != c.want {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
	}
}

// FuzzQuiet_Until: it is never in the past, never more than a day and an hour off, and when it comes, it is not quiet.
func FuzzQuiet_Until(f *testing.F) {
	f.Add(int64(1795248000), 22*60, 6*60, true)
	f.Add(int64(1792886400), 150, 210, false)
	f.Fuzz(func(t *testing.T, at int64, from, to int, inRiyadh bool) {
		const day = 24 * 60
		q := push.Quiet{From: time.Duration(from%day) * time.Minute, To: time.Duration(to%day) * time.Minute, Zone: berlin}
		if inRiyadh {
			q.Zone = riyadh
		}
		if q.From < 0 || q.To < 0 || at < 0 || at > 1<<33 {
			return
		}
		now := time.Unix(at, 0).UTC()
		until := q.Until(now)
		if until.Before(now) || until.Sub(now) > 25*time.Hour || until.After(now) && !q.Until(until).Equal(until) {
			t.Errorf("%+v at %v: until %v, then until %v", q, now, until, q.Until(until))
		}
	})
}

// quietly has Hind sleep from 22 to 6 in Riyadh, and makes it 23 o'clock there.
func quietly(t *testing.T) reach {
	t.Helper()
	r := reachable(t, false)
	r.people.change("hind", func(c *push.Contact) { c.Quiet = push.Quiet{From: 22 * time.Hour, To: 6 * time.Hour, Zone: riyadh} })
	r.Zone = riyadh
	r.pass(t, 11*time.Hour)
	return r
}

// What happens at night is told in the morning, and the wait for an acknowledgement begins then.
func TestService_On_quietHours(t *testing.T) {
	t.Parallel()
	r := quietly(t)
	r.tellHind(t)
	r.next(t, 18*time.Hour+10*time.Minute)
	r.pass(t, 7*time.Hour-time.Millisecond)
	r.sent(t, 0, 0, 0)
	if d := r.comes(t, push.ChannelPush, push.Queued); d.Fence != 0 || d.Day != "2026-11-22" || !d.Planned.Equal(epoch.Add(18*time.Hour)) ||
		!d.Deadline.Equal(d.Planned.Add(push.DefaultExpiry)) {
		t.Errorf("%+v", d)
	}
	r.pass(t, time.Millisecond)
	r.comes(t, push.ChannelPush, push.Accepted)
	r.pass(t, 10*time.Minute-time.Millisecond)
	r.sent(t, 1, 0, 0)
	r.pass(t, time.Millisecond)
	r.comes(t, push.ChannelSMS, push.Accepted)
}

// An SMS that is due at night waits for the morning too.
func TestService_Chains_quietHours(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.people.change("hind", func(c *push.Contact) { c.Quiet = push.Quiet{From: 22 * time.Hour, To: 6 * time.Hour, Zone: riyadh} })
	r.pass(t, 10*time.Hour-time.Minute) // 21:59
	r.tellHind(t)
	r.comes(t, push.ChannelPush, push.Accepted)
	r.pass(t, 10*time.Minute)
	r.comes(t, push.ChannelSMS, push.Queued)
	r.next(t, 19*time.Hour)
	r.pass(t, 7*time.Hour+51*time.Minute-time.Millisecond)
	r.sent(t, 1, 0, 0)
	r.pass(t, time.Millisecond)
	r.comes(t, push.ChannelSMS, push.Accepted)
}

// Quiet hours that were set after it was planned hold it back as well, without an attempt.
func TestSender_Run_quietHours(t *testing.T) {
	t.Parallel()
	r := reachable(t, false)
	r.push.answers(push.Outcome{Reason: "unavailable", After: 11 * time.Hour})
	r.tellHind(t)
	eventually(t, "it is tried", func() bool { return len(r.push.got()) == 1 })
	r.comes(t, push.ChannelPush, push.Queued)
	r.people.change("hind", func(c *push.Contact) {
		c.Quiet, c.SMS = push.Quiet{From: 22 * time.Hour, To: 6 * time.Hour, Zone: riyadh}, false
	})
	r.push.answers(push.Outcome{Answer: push.Taken})
	r.clock.advance(11 * time.Hour)
	eventually(t, "it is held back", func() bool { return r.comes(t, push.ChannelPush, push.Queued).Due.Equal(epoch.Add(18 * time.Hour)) })
	if d := r.comes(t, push.ChannelPush, push.Queued); d.Attempts != 1 || d.Reason != "unavailable" {
		t.Errorf("%+v", d)
	}
	r.clock.advance(7 * time.Hour)
	r.comes(t, push.ChannelPush, push.Accepted)
	r.sent(t, 2, 0, 0)
}

func TestService_On_urgentPassesQuietHours(t *testing.T) {
	t.Parallel()
	r := quietly(t)
	admin := actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}}
	p := r.Wording().Policy(push.Resolved)
	p.Urgent = true
	if _, err := r.PutPolicy(t.Context(), admin, p, nil, false); err != nil {
		t.Fatal(err)
	}
	r.tellHind(t)
	r.comes(t, push.ChannelPush, push.Accepted)
	if n := r.push.got()[0]; !n.Urgent {
		t.Errorf("sent %+v", n)
	}
	r.pass(t, 10*time.Minute)
	r.comes(t, push.ChannelSMS, push.Accepted)
	r.tell(t, fact("other", event.ReportMoved, "hind", "closed"))
	if d := r.deliveries(t, "other")["phone"]; !d.Planned.Equal(epoch.Add(18 * time.Hour)) {
		t.Errorf("what is not urgent: %+v", d)
	}
}
