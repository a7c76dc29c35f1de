package push

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// LedgerStore answers staff what became of messages. Lists of centres are nil for every centre; what concerns no centre lies in none.
type LedgerStore interface {
	// ReportTrails are a citizen's messages about a report with all their deliveries, oldest first, without Text and NextChannel.
	ReportTrails(ctx context.Context, citizen, report string) ([]Trail, error)

	// UnreachedMessages are the messages that reached nobody, after a position, newest first by Since and then by id; why filters
	// unless it is empty.
	UnreachedMessages(ctx context.Context, centres []string, why string, after Position, limit int) ([]Unreached, error)
	// CountUnreached counts those of them that were given up in [from, to).
	CountUnreached(ctx context.Context, centres []string, from, to time.Time) (int, error)

	// DeadDeliveries are the failed and the expired ones after a position, newest first by Changed and then by id. One that cannot
	// be read has no more than its ids, its channel and its state.
	DeadDeliveries(ctx context.Context, f DeadFilter, after Position, limit int) ([]Delivery, error)
	// RetryDeliveries queues dead deliveries again, each in one atomic write, and says how many. It opens the chain of a message
	// that was given up, and takes the delivery's end out of the figures. One that changed since it was read is left alone, and so
	// is one whose message has a chain that ended well.
	RetryDeliveries(ctx context.Context, retries []Retry, now time.Time) (int, error)

	// GivenUp says why nobody was reached by these messages, by id; those that were not given up are not in it.
	GivenUp(ctx context.Context, messages []string) (map[string]string, error)

	// CountDeliveries adds up the figures.
	CountDeliveries(ctx context.Context, f CountFilter) ([]DeliveryCount, error)
}

// Trail is what was sent of one message.
type Trail struct {
	Message     Message
	Text        Text       // as it would be sent by push now
	Deliveries  []Delivery // in the order of the chain
	Step        int        // that the chain has come to
	Next        time.Time  // when the chain is looked at again; zero when it is over
	NextChannel string     // which step is taken then unless the person has the message; empty when none is left that leads to them
	Unreached   string     // why it was given up; empty when it was not
	Since       time.Time  // with Unreached
}

// ReportTrail is what was sent to a citizen about a report, oldest first, in the language of who asks. Whether they may see the
// report is for the caller to say; an anonymous report has no trail.
func (s *Service) ReportTrail(ctx context.Context, citizen, report, lang string) ([]Trail, error) {
	if citizen == "" {
		return []Trail{}, nil
	}
	trails, err := s.Store.ReportTrails(ctx, citizen, report)
	if err != nil {
		return nil, fmt.Errorf("read what was sent about a report: %w", err)
	}
	var people map[string]Contact // asked for once, and only when a chain is open
	w, now := s.Wording(), s.now()
	for i := range trails {
		t := &trails[i]
		t.Text = s.textOf(ctx, t.Message, ChannelPush, language(lang))
		slices.SortFunc(t.Deliveries, func(a, b Delivery) int {
			return cmp.Or(cmp.Compare(a.Step, b.Step), a.Planned.Compare(b.Planned), cmp.Compare(a.ID, b.ID))
		})
		if t.Next.IsZero() {
			continue
		}
		if people == nil {
			if people, err = s.Directory.Contacts(ctx, []string{citizen}); err != nil {
				return nil, fmt.Errorf("look up how to tell: %w", err)
			}
		}
		if c, there := people[citizen]; there {
			p := s.policyOf(w, t.Message, t.Deliveries)
			if plan := s.plan(t.Message, c, p, t.Step+1, now); len(plan.Deliveries) > 0 {
				t.NextChannel = p.Steps[plan.Step].Channel
			}
		}
	}
	return trails, nil
}

// Unreached is a message that reached nobody.
type Unreached struct {
	Message Message
	Since   time.Time // when that was found
	Why     string    // NoChannel, AllFailed, TooLate or NotAcknowledged
}

// UnreachedQuery asks for them. Empty filters stand for every value.
type UnreachedQuery struct {
	Centre string
	Why    string
	Cursor string
	Limit  int // 0: DefaultLimit
}

// Unreached lists the people who could not be told something, newest first, within the centres of a clerk, supervisor, manager or
// administrator. Who has read the message in the app since is not among them any more. Errors: fault.Forbidden, fault.Invalid.
func (s *Service) Unreached(ctx context.Context, a actor.Actor, q UnreachedQuery) (items []Unreached, next string, err error) {
	if err := staff(a, actor.Clerk, actor.Supervisor, actor.Manager, actor.Admin); err != nil {
		return nil, "", err
	}
	var bad fault.Fields
	if q.Why != "" && !slices.Contains([]string{NoChannel, AllFailed, TooLate, NotAcknowledged}, q.Why) {
		bad.Add("reason", fault.Unknown)
	}
	after, limit := pageOf(&bad, q.Cursor, q.Limit)
	if err := bad.Err(); err != nil {
		return nil, "", err
	}
	items, err = s.Store.UnreachedMessages(ctx, centresOf(a, q.Centre), q.Why, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list who was not reached: %w", err)
	}
	if len(items) > limit {
		items = items[:limit]
		next = cursorOf(Message{At: items[limit-1].Since, ID: items[limit-1].Message.ID})
	}
	return items, next, nil
}

// UnreachedToday counts the messages of every centre that were given up today and have reached nobody yet.
func (s *Service) UnreachedToday(ctx context.Context) (int, error) {
	now := s.now().In(s.Zone)
	from := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.Zone)
	return s.Store.CountUnreached(ctx, nil, from, from.AddDate(0, 0, 1))
}

// staff says whether a is staff with one of the roles.
func staff(a actor.Actor, roles ...actor.Role) error {
	switch {
	case a.Is(roles...):
		return nil
	case a.Kind == actor.Nobody:
		return fault.New(fault.Unauthenticated)
	}
	return fault.New(fault.Forbidden)
}

// centresOf staff that a question is about, as a LedgerStore takes them: the one that it names, or all that they work for.
func centresOf(a actor.Actor, named string) []string {
	all := slices.Contains(a.Centres, actor.All)
	switch {
	case named == "" && all:
		return nil
	case named == "":
		return append([]string{}, a.Centres...)
	case all || slices.Contains(a.Centres, named):
		return []string{named}
	}
	return []string{}
}
