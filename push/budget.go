package push

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// TotalScope is what is spent in all, where the other scopes are codes of centres.
const TotalScope = "*"

// BudgetStore keeps what was spent, by local day and scope.
type BudgetStore interface {
	// Spend adds an amount to what was spent, in all and for its centre: to both or to none, atomically over all processes. It names
	// the scope that refused; when it is forced, none does and it names the one that is over its limit now. Nothing falls below 0.
	Spend(ctx context.Context, s Spending) (over string, err error)
	// Spent adds up what was spent from a day through another, by scope.
	Spent(ctx context.Context, from, through string) (map[string]int64, error)
}

// Spending is an amount to be counted. Amounts and limits are in millionths of the currency.
type Spending struct {
	Day       string // "2026-11-21"
	Centre    string // empty: it counts in all alone
	Amount    int64  // below 0: given back
	Limit     int64  // in all; 0: none
	PerCentre int64  // 0: none
	Forced    bool
}

// Budget is what SMS may cost in a day. What is sent is counted before it goes: after a crash one attempt too many may be counted,
// never one too few.
type Budget struct {
	Store     BudgetStore
	Zone      *time.Location // in which a day ends
	Now       func() time.Time
	Price     int64                           // of a segment, in millionths of the currency
	Limit     int64                           // in all, likewise; 0: none
	PerCentre int64                           // for each centre; 0: none
	Segments  func(text string) (int, string) // how many an SMS is sent as
	Alarm     func(scope string)              // told once a day and scope, in each process, when a limit is met; may be nil
	Log       *slog.Logger                    // may be nil

	mu      sync.Mutex
	alarmed map[string]string // day by scope
}

// Metered lets a channel spend what its Budget allows. Over it nothing is sent, and the chain goes on to the next channel.
type Metered struct {
	Channel
	*Budget
	// Unsure lists the reasons of an attempt that failed for now after which the channel may have sent it all the same, such as an
	// answer that did not come. Such an attempt stays counted.
	Unsure []string
}

// OverBudget is the reason of what a limit holds back.
const OverBudget = "over_budget"

// Send counts the notice, and sends it if that was within the limits. What was not taken is given back.
func (m *Metered) Send(ctx context.Context, n Notice) Outcome {
	s := m.spending(n.Centre, n.Text.Body)
	over, err := m.Store.Spend(ctx, s)
	if err != nil {
		m.log().Error("count what an SMS costs", "error", err)
		return Outcome{Reason: "budget"}
	}
	if over != "" {
		m.alarm(s.Day, over)
		return Outcome{Answer: Refused, Reason: OverBudget}
	}
	o := m.Channel.Send(ctx, n)
	if o.Answer == Taken || o.Answer == Later && slices.Contains(m.Unsure, o.Reason) {
		return o
	}
	s.Amount, s.Forced = -s.Amount, true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTime)
	defer cancel()
	if _, err := m.Store.Spend(ctx, s); err != nil {
		m.log().Error("give back what an SMS did not cost", "error", err)
	}
	return o
}

const giveBackTime = 5 * time.Second

// Spend counts a text that goes whatever was spent: a one-time code. The centre is empty when it concerns none.
func (b *Budget) Spend(ctx context.Context, centre, text string) error {
	s := b.spending(centre, text)
	s.Forced = true
	over, err := b.Store.Spend(ctx, s)
	if err != nil {
		return fmt.Errorf("count what an SMS costs: %w", err)
	}
	if over != "" {
		b.alarm(s.Day, over)
	}
	return nil
}

// Spent is what was spent on a local day, in all and by centre, in millionths of the currency.
func (b *Budget) Spent(ctx context.Context, day string) (total int64, centres map[string]int64, err error) {
	centres, err = b.Store.Spent(ctx, day, day)
	if err != nil {
		return 0, nil, fmt.Errorf("read what was spent: %w", err)
	}
	total = centres[TotalScope]
	delete(centres, TotalScope)
	return total, centres, nil
}

// Used is which part of each limit was spent today, by scope: 1 is all of it. A scope without a limit, or without a centre that
// spent, is left out.
func (b *Budget) Used(ctx context.Context) (map[string]float64, error) {
	total, centres, err := b.Spent(ctx, b.today())
	if err != nil {
		return nil, err
	}
	used := map[string]float64{}
	if b.Limit > 0 {
		used[TotalScope] = float64(total) / float64(b.Limit)
	}
	for c, n := range centres {
		if b.PerCentre > 0 {
			used[c] = float64(n) / float64(b.PerCentre)
		}
	}
	return used, nil
}

func (b *Budget) spending(centre, text string) Spending {
	segments, _ := b.Segments(text)
	return Spending{Day: b.today(), Centre: centre, Amount: int64(segments) * b.Price, Limit: b.Limit, PerCentre: b.PerCentre}
}

func (b *Budget) today() string { return b.Now().In(b.Zone).Format(time.DateOnly) }

// alarm once a day for each scope.
func (b *Budget) alarm(day, scope string) {
	b.mu.Lock()
	known := b.alarmed[scope] == day
	if b.alarmed == nil {
		b.alarmed = map[string]string{}
	}
	b.alarmed[scope] = day
	b.mu.Unlock()
	if !known && b.Alarm != nil {
		b.Alarm(scope)
	}
}

func (b *Budget) log() *slog.Logger {
	if b.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return b.Log
}
