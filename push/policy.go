package push

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Step of a chain: a channel, and how long it has to bring an acknowledgement before the next step is taken.
type Step struct {
	Channel string        // ChannelPush, ChannelSMS or ChannelEmail
	Wait    time.Duration // whole seconds
}

type stepJSON struct {
	Channel string `json:"channel"`
	Wait    int64  `json:"wait_seconds"`
}

// MarshalJSON writes {"channel": …, "wait_seconds": …}.
func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(stepJSON{s.Channel, int64(s.Wait / time.Second)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Step) UnmarshalJSON(b []byte) error {
	var j stepJSON
	err := json.Unmarshal(b, &j)
	*s = Step{j.Channel, seconds(j.Wait)}
	return err
}

// seconds is a duration, the longest when there are too many.
func seconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Second)
	return time.Duration(min(max(n, -most), most)) * time.Second
}

// Policy says how the messages of a kind go out.
type Policy struct {
	Kind     Kind
	Rev      int64         // 0 for the one that comes with the program
	Steps    []Step        // taken one after the other until the person has it; may be empty: inbox only
	Urgent   bool          // passes quiet hours
	Replaces bool          // a newer one about the same report takes the place of one that was held up
	TTL      time.Duration // how long it is worth delivering, in whole seconds
	By       string        // id of the member of staff who wrote it
	At       time.Time
}

type policyJSON struct {
	Kind     Kind      `json:"kind"`
	Rev      int64     `json:"rev"`
	Steps    []Step    `json:"steps"`
	Urgent   bool      `json:"urgent"`
	Replaces bool      `json:"replaces"`
	TTL      int64     `json:"ttl_seconds"`
	By       string    `json:"by,omitempty"`
	At       time.Time `json:"at,omitzero"`
}

// MarshalJSON writes it with ttl_seconds.
func (p Policy) MarshalJSON() ([]byte, error) {
	return json.Marshal(policyJSON{p.Kind, p.Rev, p.Steps, p.Urgent, p.Replaces, int64(p.TTL / time.Second), p.By, p.At})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Policy) UnmarshalJSON(b []byte) error {
	var j policyJSON
	err := json.Unmarshal(b, &j)
	*p = Policy{j.Kind, j.Rev, j.Steps, j.Urgent, j.Replaces, seconds(j.TTL), j.By, j.At}
	return err
}

// Limits of a policy.
const (
	MinWait = time.Second
	MaxWait = 7 * 24 * time.Hour
	MinTTL  = time.Minute
	MaxTTL  = 28 * 24 * time.Hour // FCM keeps nothing longer
)

// defaultPolicy of a kind: what happens to a report goes by push, after ten minutes without an acknowledgement by SMS, and where
// that fails by e-mail. What concerns everybody goes by push alone. Who is asked to answer has more time before the next channel is
// tried.
func defaultPolicy(k Kind) Policy {
	p := Policy{Kind: k, TTL: DefaultExpiry, Replaces: k != Received && k != Reply && k != Announcement,
		Steps: []Step{{ChannelPush, 10 * time.Minute}, {ChannelSMS, time.Hour}, {ChannelEmail, time.Hour}}}
	switch k {
	case Announcement:
		p.Steps = p.Steps[:1]
	case SurveyInvitation, SurveyReminder:
		p.Steps = []Step{{ChannelPush, 6 * time.Hour}, {ChannelSMS, 24 * time.Hour}, {ChannelEmail, 24 * time.Hour}}
		p.TTL, p.Replaces = 3*24*time.Hour, false
	}
	return p
}

// check says what is wrong with a policy.
func (p Policy) check() error {
	var bad fault.Fields
	if !slices.Contains(Kinds, p.Kind) {
		bad.Add("kind", fault.Unknown)
	}
	if len(p.Steps) > len(TemplateChannels) {
		bad.Add("steps", fault.TooMany)
		return bad.Err()
	}
	for i, x := range p.Steps {
		before := func(y Step) bool { return y.Channel == x.Channel }
		switch {
		case !slices.Contains(TemplateChannels, x.Channel):
			bad.Add(fmt.Sprintf("steps/%d/channel", i), fault.Unknown)
		case slices.ContainsFunc(p.Steps[:i], before):
			bad.Add(fmt.Sprintf("steps/%d/channel", i), fault.Duplicate)
		}
		if x.Wait < MinWait || x.Wait > MaxWait {
			bad.Add(fmt.Sprintf("steps/%d/wait_seconds", i), fault.OutOfRange)
		}
	}
	if p.TTL < MinTTL || p.TTL > MaxTTL {
		bad.Add("ttl_seconds", fault.OutOfRange)
	}
	return bad.Err()
}

// Policies are the present ones of every kind. Managers and administrators read them.
func (s *Service) Policies(ctx context.Context, a actor.Actor) ([]Policy, error) {
	if err := allowed(a, actor.Manager, actor.Admin); err != nil {
		return nil, err
	}
	stored, err := s.Store.Policies(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	all := make([]Policy, len(Kinds))
	for i, k := range Kinds {
		all[i] = present(stored, k)
	}
	return all, nil
}

// PutPolicy writes p and answers it; its Rev, By and At are set here. With rev, that must be the present one:
// fault.PreconditionFailed otherwise, and when two write at once for one of them. A dry run does everything but write. What is
// under way already takes its next step by the new policy. Only administrators may.
func (s *Service) PutPolicy(ctx context.Context, a actor.Actor, p Policy, rev *int64, dryRun bool) (Policy, error) {
	if err := allowedForAll(a); err != nil {
		return Policy{}, err
	}
	if err := p.check(); err != nil {
		return Policy{}, err
	}
	stored, err := s.Store.Policies(ctx)
	if err != nil {
		return Policy{}, fmt.Errorf("read the policies: %w", err)
	}
	now := present(stored, p.Kind).Rev
	if rev != nil && *rev != now {
		return Policy{}, fault.New(fault.PreconditionFailed)
	}
	p.Rev, p.By, p.At = now+1, a.ID, s.now()
	p.TTL, p.Steps = p.TTL.Truncate(time.Second), append([]Step{}, p.Steps...)
	for i := range p.Steps {
		p.Steps[i].Wait = p.Steps[i].Wait.Truncate(time.Second)
	}
	if dryRun {
		return p, nil
	}
	if err := s.Store.AddPolicy(ctx, p); err != nil {
		return Policy{}, fmt.Errorf("write a policy: %w", err)
	}
	s.rewrote(ctx)
	return p, nil
}

// present policy of a kind, or the one that comes with the program.
func present(stored []Policy, k Kind) Policy {
	if i := slices.IndexFunc(stored, func(p Policy) bool { return p.Kind == k }); i >= 0 {
		return stored[i]
	}
	return defaultPolicy(k)
}
