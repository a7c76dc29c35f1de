package push

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/event"
)

// Why somebody was not reached: the reasons of Plan.Unreached.
const (
	NoChannel       = "no_channel"       // no address, or none that the person wants to be told at
	AllFailed       = "failed"           // every channel refused
	TooLate         = "expired"          // no channel took it in time
	NotAcknowledged = "not_acknowledged" // taken by a channel, but no phone said that it has it
)

// Plan is what is to be done for a message.
type Plan struct {
	Deliveries []Delivery
	Step       int
	Since      time.Time // when the step begins; with Unreached, when that was found
	Due        time.Time // when to look again; zero when the chain is over
	Unreached  string    // why it is over without success
}

const (
	chainBatch = 256
	chainLease = 30 * time.Second
	chainPoll  = time.Second
	lookAgain  = time.Minute // at the least, when something is still under way
)

// plan takes the first step from the given one on that leads to the person.
func (s *Service) plan(m Message, c Contact, p Policy, step int, now time.Time) Plan {
	if len(p.Steps) == 0 {
		return Plan{} // for the inbox alone
	}
	start := now
	if !p.Urgent {
		start = c.Quiet.Until(now)
	}
	if m.Survey.over(start) {
		return Plan{Step: step, Since: now, Unreached: TooLate}
	}
	for ; step < len(p.Steps); step++ {
		targets := s.targets(p.Steps[step].Channel, c)
		if len(targets) == 0 {
			continue
		}
		plan := Plan{Step: step, Since: start, Due: start.Add(p.Steps[step].Wait)}
		for _, t := range targets {
			plan.Deliveries = append(plan.Deliveries, Delivery{ID: event.Derive(m.ID, t.channel, t.device), Message: m.ID, Citizen: m.Citizen, Target: t.device,
				Channel: t.channel, Kind: m.Kind, Report: m.Report, Number: m.Number, Centre: m.Centre, Broadcast: m.Broadcast, Survey: m.Survey, Step: step, Urgent: p.Urgent,
				At: m.At, Planned: start, Deadline: m.Survey.deadline(start.Add(p.TTL)), Day: start.In(s.Zone).Format(time.DateOnly), State: Queued, Due: start})
		}
		return plan
	}
	return Plan{Step: step, Since: now, Unreached: NoChannel}
}

type target struct{ channel, device string }

// targets are where a step leads to: every device of the person, or the one number or address.
func (s *Service) targets(step string, c Contact) []target {
	var all []target
	add := func(wanted bool, address, channel, device string) {
		if _, there := s.Channels[channel]; there && wanted && address != "" {
			all = append(all, target{channel, device})
		}
	}
	switch step {
	case ChannelPush:
		for _, d := range c.Devices {
			add(c.Push, d.Token, d.channel(), d.ID)
		}
	case ChannelSMS:
		add(c.SMS, c.Phone, ChannelSMS, "")
	case ChannelEmail:
		add(c.Mail, c.Email, ChannelEmail, "")
	}
	return all
}

// next says what is to be done for a chain that is due. Nobody has acknowledged the message so far: then the chain would be over.
func (s *Service) next(x Chain, c Contact, p Policy, now time.Time) Plan {
	var wait time.Duration
	if x.Step < len(p.Steps) { // the policy may have become shorter
		wait = p.Steps[x.Step].Wait
	}
	open, accepted, why := false, false, NoChannel
	for _, d := range x.Deliveries {
		switch {
		case d.State == Delivered || d.State == Read || d.State == Accepted && !s.Channels[d.Channel]:
			return Plan{Step: x.Step, Since: x.Since} // as far as the channel can tell, the person has it
		case d.State == Suppressed && d.Reason == Replaced: // the newer message has a chain of its own
			return Plan{Step: x.Step, Since: x.Since}
		case d.State == Accepted:
			accepted = true
		case d.State.Open():
			open = true
		case d.State == Expired && why != AllFailed:
			why = TooLate
		case d.State == Failed:
			why = AllFailed
		}
	}
	underWay := slices.ContainsFunc(x.Deliveries, func(d Delivery) bool { return d.Step == x.Step && (d.State.Open() || d.State == Accepted) })
	if until := x.Since.Add(wait); underWay && now.Before(until) {
		return Plan{Step: x.Step, Since: x.Since, Due: until} // one device of several is out
	}
	further := s.plan(x.Message, c, p, x.Step+1, now)
	switch {
	case len(further.Deliveries) > 0:
		return further
	case open:
		return Plan{Step: x.Step, Since: x.Since, Due: now.Add(max(wait, lookAgain))}
	case accepted:
		why = NotAcknowledged
	}
	if x.Message.Kind == Announcement {
		why = "" // it promises nobody an answer
	}
	return Plan{Step: x.Step, Since: now, Unreached: why}
}

// RunChains takes the next step for people whom the last one has not reached, until ctx ends. Any number of processes may run it on
// the same store.
func (s *Service) RunChains(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.poke:
		case <-timer.C:
		}
		n, err := s.chains(context.WithoutCancel(ctx))
		if err != nil {
			s.Log.Error("take the next steps", "error", err)
		}
		if err == nil && n == chainBatch {
			timer.Reset(0)
		} else {
			timer.Reset(chainPoll)
		}
	}
}

// chains looks at one batch of those that are due. It looks before it writes, so that idling costs no commit.
func (s *Service) chains(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, chainLease*3/4)
	defer cancel()
	now := s.now()
	due, any, err := s.Store.NextChain(ctx)
	if err != nil || !any || due.After(now) {
		return 0, err
	}
	all, err := s.Store.LeaseChains(ctx, now, chainLease, chainBatch)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	ids := make([]string, len(all))
	for i, x := range all {
		ids[i] = x.Message.Citizen
	}
	people, err := s.Directory.Contacts(ctx, ids)
	if err != nil {
		return 0, fmt.Errorf("look up whom to tell: %w", err)
	}
	w := s.Wording()
	moves := make([]ChainMove, len(all))
	for i, x := range all {
		moves[i].Chain = x
		if c, there := people[x.Message.Citizen]; there {
			moves[i].Plan = s.next(x, c, s.policyOf(w, x.Message, x.Deliveries), now)
		}
	}
	planned, err := s.Store.MoveChains(ctx, moves)
	if err != nil {
		return 0, fmt.Errorf("plan the next steps: %w", err)
	}
	if planned > 0 {
		for _, m := range moves {
			s.wakeFor(m.Plan)
		}
	}
	return len(all), nil
}

// policyOf a message: a broadcast is as urgent as it was when it was planned, and a survey goes by its programme's channels.
func (s *Service) policyOf(w *Wording, m Message, ds []Delivery) Policy {
	p := w.Policy(m.Kind)
	if m.Broadcast != "" {
		p.Urgent = slices.ContainsFunc(ds, func(d Delivery) bool { return d.Urgent })
	}
	if m.Survey != nil {
		p.Steps = m.Survey.steps(p.Steps, s.Link != nil)
	}
	return p
}
