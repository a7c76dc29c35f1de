package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The chain of every kind of message, made short so that a play sees all of it.
const (
	pushWait   = 3 * time.Second // for an acknowledgement, before a text message goes
	askWait    = 2 * time.Second // likewise, of a questionnaire, which is soon over
	textWait   = 2 * time.Second
	stillTime  = pushWait + 2*time.Second // without news, when no chain has a step to take any more
	settleTime = 25 * time.Second
)

// passesQuiet are the kinds that do not wait for the end of quiet hours: somebody at the centre wants to know something.
var passesQuiet = []string{"waiting_for_citizen", "reply"}

type step struct {
	Channel string `json:"channel"`
	Wait    int    `json:"wait_seconds"`
}

// shorten sets how every kind of message goes out.
func (p *play) shorten(ctx context.Context) error {
	var policies struct {
		Items []struct {
			Kind     string `json:"kind"`
			Replaces bool   `json:"replaces"`
			TTL      int64  `json:"ttl_seconds"`
		} `json:"items"`
	}
	if _, err := p.admin.get(ctx, "listPolicies", "/v1/admin/policies", nil, &policies); err != nil {
		return err
	}
	for _, x := range policies.Items {
		waits := pushWait
		if strings.HasPrefix(x.Kind, "survey_") {
			waits = askWait
		}
		body := map[string]any{"urgent": slices.Contains(passesQuiet, x.Kind), "replaces": x.Replaces, "ttl_seconds": x.TTL,
			"steps": []step{{"push", int(waits.Seconds())}, {"sms", int(textWait.Seconds())}}}
		if err := p.admin.put(ctx, "putPolicy", "/v1/admin/policies/"+x.Kind, body, nil); err != nil {
			return fmt.Errorf("policy %s: %w", x.Kind, err)
		}
	}
	return nil
}

// notice is the body of createBroadcast.
var notice = map[string]any{"audience": everybody, "texts": map[string]any{
	"ar": map[string]string{"title": "أوقات العمل في الإجازة", "body": "يستقبل مركز الاتصال 1933 بلاغاتكم في الإجازة من 9 صباحًا إلى 5 مساءً."},
	"en": map[string]string{"title": "Holiday hours", "body": "During the holiday the contact centre 1933 takes your reports from 9 a.m. to 5 p.m."},
	"ur": map[string]string{"title": "تعطیلات کے اوقات", "body": "تعطیلات میں رابطہ مرکز 1933 صبح 9 سے شام 5 بجے تک آپ کی شکایات وصول کرے گا۔"},
}}

var everybody = map[string]any{"all": true}

// Broadcast is a notice to everybody, with what came of it.
type Broadcast struct {
	Counted   int // people, before it was made
	Planned   int // people whose message is in their inbox
	Accepted  int
	Delivered int
	Read      int
	Failed    int
}

// announce lets the administrator count everybody and send them a notice. It gives the id.
func (p *play) announce(ctx context.Context) (id string, counted int, err error) {
	var audience struct {
		People int `json:"people"`
	}
	count := call{operation: "countAudience", method: http.MethodPost, path: "/v1/admin/broadcasts/audience", body: everybody, plain: true}
	if _, err := p.admin.do(ctx, count, &audience); err != nil {
		return "", 0, err
	}
	var b struct {
		ID string `json:"id"`
	}
	err = p.admin.post(ctx, "createBroadcast", "/v1/admin/broadcasts", notice, &b)
	return b.ID, audience.People, err
}

func (p *play) outcome(ctx context.Context, id string, counted int) (b Broadcast, err error) {
	var r struct {
		Broadcast struct {
			Planned int `json:"planned"`
		} `json:"broadcast"`
		Outcomes []struct {
			State string `json:"state"`
			Count int    `json:"count"`
		} `json:"outcomes"`
	}
	if _, err := p.admin.get(ctx, "getBroadcast", "/v1/admin/broadcasts/"+id, nil, &r); err != nil {
		return b, err
	}
	b.Counted, b.Planned = counted, r.Broadcast.Planned
	of := map[string]*int{"accepted": &b.Accepted, "delivered": &b.Delivered, "read": &b.Read, "failed": &b.Failed}
	for _, o := range r.Outcomes {
		if n := of[o.State]; n != nil {
			*n = o.Count
		}
	}
	return b, nil
}

// ledger is the answer of insights/deliveries.
type ledger struct {
	Rows []struct {
		Channel string `json:"channel"`
		Outcome string `json:"outcome"`
		Reason  string `json:"reason"`
		Count   int    `json:"count"`
	} `json:"rows"`
	Delays []struct {
		Channel string `json:"channel"`
		Outcome string `json:"outcome"`
		P50     int    `json:"p50_ms"`
		P99     int    `json:"p99_ms"`
	} `json:"delays"`
	Unreached int `json:"unreached"`
}

// total is one number that changes when anything is sent, acknowledged or given up.
func (l ledger) total() (n int) {
	for _, r := range l.Rows {
		n += r.Count
	}
	return n + l.Unreached
}

func (p *play) ledger(ctx context.Context) (l ledger, err error) {
	_, err = p.admin.get(ctx, "deliveries", "/v1/insights/deliveries", nil, &l)
	return l, err
}

// settle waits until nothing was sent, acknowledged or given up for longer than a step takes.
func (p *play) settle(ctx context.Context) error {
	until, total, since := time.Now().Add(settleTime), -1, time.Now()
	for time.Since(since) < stillTime && time.Now().Before(until) {
		l, err := p.ledger(ctx)
		if err != nil {
			return err
		}
		if n := l.total(); n != total {
			total, since = n, time.Now()
		}
		if !pause(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
	return nil
}

// Channel is what became of the deliveries of a channel. Who read has it delivered, and what was delivered was accepted.
type Channel struct {
	Name                      string
	Accepted, Delivered, Read int
	Ended                     []Bar         // the others, such as "failed unregistered"
	AcceptedHalf, Accepted99  time.Duration // upper ends of classes, since it might go
	DeliveredHalf             time.Duration
	Delivered99               time.Duration
}

func (l ledger) channels() (all []Channel) {
	of := func(name string) *Channel {
		i := slices.IndexFunc(all, func(c Channel) bool { return c.Name == name })
		if i < 0 {
			all = append(all, Channel{Name: name})
			i = len(all) - 1
		}
		return &all[i]
	}
	for _, r := range l.Rows {
		c := of(r.Channel)
		switch r.Outcome {
		case "accepted":
			c.Accepted += r.Count
		case "delivered":
			c.Delivered += r.Count
		case "read":
			c.Read += r.Count
		default:
			c.Ended = append(c.Ended, Bar{Code: r.Reason, Count: r.Count})
		}
	}
	for _, d := range l.Delays {
		c, half, most := of(d.Channel), time.Duration(d.P50)*time.Millisecond, time.Duration(d.P99)*time.Millisecond
		if d.Outcome == "accepted" {
			c.AcceptedHalf, c.Accepted99 = half, most
		} else {
			c.DeliveredHalf, c.Delivered99 = half, most
		}
	}
	return all
}

// Reached is how the messages of this play about reports went, as the desk sees them.
type Reached struct {
	Held        int // messages that wait for the end of quiet hours
	HeldPeople  int
	Passed      int // urgent ones that went to people in their quiet hours
	TextAtOnce  int // messages that went by SMS without a push to wait for
	TextInstead int // by SMS after a push that nobody acknowledged in time
}

// trail is what the desk sees of a report's messages.
type trail struct {
	Items []struct {
		Deliveries []struct {
			Channel string    `json:"channel"`
			State   string    `json:"state"`
			Planned time.Time `json:"planned_at"`
		} `json:"deliveries"`
	} `json:"items"`
}

func (p *play) reached(ctx context.Context, citizens []*citizen) (r Reached, err error) {
	var mu sync.Mutex
	atOnce(phonesAtOnce, citizens, func(c *citizen) {
		if c == nil || c.report == "" {
			return
		}
		var t trail
		_, failed := p.admin.get(ctx, "reportDeliveries", "/v1/desk/reports/"+c.report+"/deliveries", nil, &t)
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			err = failed
			return
		}
		r.add(t, c.way, time.Now())
	})
	return r, err
}

func (r *Reached) add(t trail, w way, now time.Time) {
	held := 0
	for _, m := range t.Items {
		pushed, failed, texted := 0, 0, false
		for _, d := range m.Deliveries {
			switch {
			case d.Channel == "sms":
				texted = true
			case d.State == "queued" && d.Planned.After(now):
				held++
			default:
				pushed++
				if d.State == "failed" {
					failed++
				}
			}
		}
		switch {
		case texted && pushed == failed:
			r.TextAtOnce++
		case texted:
			r.TextInstead++
		case w == asleep && pushed > 0:
			r.Passed++
		}
	}
	r.Held += held
	if held > 0 {
		r.HeldPeople++
	}
}

// Missed is a message that reached nobody, as the centre sees it.
type Missed struct {
	Reason, Kind, Number, Name string
}

// missed are the messages that reached nobody: how many for which reason, and the latest about a report for each reason.
func (p *play) missed(ctx context.Context) (by []Bar, latest []Missed, err error) {
	query := url.Values{"limit": {"100"}}
	for {
		var page struct {
			Items []struct {
				Kind    string `json:"kind"`
				Number  string `json:"report_number"`
				Reason  string `json:"reason"`
				Citizen struct {
					Name string `json:"name"`
				} `json:"citizen"`
			} `json:"items"`
			Next string `json:"next"`
		}
		if _, err := p.admin.get(ctx, "listUnreached", "/v1/desk/unreached", query, &page); err != nil {
			return nil, nil, err
		}
		for _, x := range page.Items {
			i := slices.IndexFunc(by, func(b Bar) bool { return b.Code == x.Reason })
			if i < 0 {
				i, by = len(by), append(by, Bar{Code: x.Reason})
			}
			by[i].Count++
			if x.Number != "" && !slices.ContainsFunc(latest, func(m Missed) bool { return m.Reason == x.Reason }) {
				latest = append(latest, Missed{x.Reason, x.Kind, x.Number, x.Citizen.Name})
			}
		}
		if page.Next == "" {
			return by, latest, nil
		}
		query.Set("cursor", page.Next)
	}
}
