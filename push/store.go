package push

import (
	"context"
	"time"
)

// Position in an inbox, which runs from the newest message to the oldest. The zero value is its beginning.
type Position struct {
	At time.Time
	ID string
}

// Store keeps what people are told.
type Store interface {
	InboxStore
	DeliveryStore
	ChainStore
	LedgerStore
	BudgetStore
	BroadcastStore
	TextStore
}

// InboxStore keeps messages.
type InboxStore interface {
	// PlanMessages writes messages that are new, by their ids, each with its deliveries and its place in its chain in one atomic
	// write, and says how many deliveries there are. A message that is there already is left as it is.
	PlanMessages(ctx context.Context, planned []Planned) (int, error)

	// Messages of a citizen after a position, newest first; those of one moment in descending order of their ids.
	Messages(ctx context.Context, citizen string, after Position, limit int, unreadOnly bool) ([]Message, error)
	// UnreadMessages counts them.
	UnreadMessages(ctx context.Context, citizen string) (int, error)
	// RecentReports are the different reports that messages of the citizen from since on were about, at most limit, in the order
	// of their first message.
	RecentReports(ctx context.Context, citizen string, since time.Time, limit int) ([]string, error)
	// NewerMessage says whether the citizen has a message of one of the kinds about the report from after that moment.
	NewerMessage(ctx context.Context, citizen, report string, after time.Time, kinds []Kind) (bool, error)
	// AcknowledgeMessages notes, once, that messages of this citizen were delivered, or read, which is more, and answers the ids of
	// those that the citizen has. With a message move, as Moves allows, its deliveries to the device, or when it was read or device
	// is empty all its deliveries; its chain ends, and it is no longer unreached.
	AcknowledgeMessages(ctx context.Context, citizen string, ids []string, device string, at time.Time, read bool) (known []string, err error)
}

// Planned is a message with what is to be done for it.
type Planned struct {
	Message Message
	Plan    Plan
}

// DeliveryStore is the durable queue of each channel.
type DeliveryStore interface {
	// Deliveries of a message, by id.
	Deliveries(ctx context.Context, message string) ([]Delivery, error)
	// NextDelivery is when the next delivery of the channel is due: queued ones at Due, leased ones when their lease ends.
	// False when none is open.
	NextDelivery(ctx context.Context, channel string) (time.Time, bool, error)
	// LeaseDeliveries takes up to limit deliveries of the channel that are due at now, until now+ttl; each lease of a delivery has a
	// higher fence. What is queued goes in the order in which it is due, and bulk after everything else. With takeOver those
	// go as well whose lease has ended. A delivery that cannot be read is failed instead and spoils no other.
	LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int, takeOver bool) ([]Delivery, error)
	// EndLeases ends leases of the channel that last longer than until now+ttl, which no lease does unless a clock was wrong.
	EndLeases(ctx context.Context, channel string, now time.Time, ttl time.Duration) error
	// SettleDeliveries writes the results of leased deliveries; one whose lease was lost is left alone. One that ends without
	// success lets the chain of its message be looked at now; one that a later step's channel accepted suppresses what is
	// still queued of earlier steps. Each state that is not Queued is counted in the figures.
	SettleDeliveries(ctx context.Context, results []Result) error
	// Receive notes what a gateway says later of what it accepted under a name: Delivered ends the message's chain, Failed lets it be
	// looked at now. fault.NotFound when nothing was accepted under that name, fault.Exists when this very call was made before;
	// a delivery that is not accepted any more is left alone.
	Receive(ctx context.Context, r Receipt) error
	// QueueDepth counts the open deliveries of each channel, and says when the oldest that is due was due.
	QueueDepth(ctx context.Context, now time.Time) (map[string]Depth, error)
}

// Depth of a queue.
type Depth struct {
	Open   int
	Oldest time.Duration // how long the first that is due waits
}

// Receipt is what a gateway says later of what it accepted.
type Receipt struct {
	Channel string
	Ref     string // the gateway's name for it
	State   State  // Delivered or Failed; "" when it says nothing final
	Reason  string // with Failed, from a closed set
	At      time.Time
	Once    string // names this very call, so that it counts once; empty where the connection itself is trusted
}

// ChainStore knows which messages have to be looked at.
type ChainStore interface {
	// NextChain is when the next chain has to be looked at; false when none is open.
	NextChain(ctx context.Context) (time.Time, bool, error)
	// LeaseChains takes up to limit chains that are due at now, until now+ttl, each with the deliveries of its message.
	LeaseChains(ctx context.Context, now time.Time, ttl time.Duration, limit int) ([]Chain, error)
	// MoveChains writes what is to be done next, with the new deliveries, each in one atomic write, and says how many deliveries
	// there are. A chain that was acknowledged or leased again meanwhile is left alone.
	MoveChains(ctx context.Context, moves []ChainMove) (int, error)
}

// Chain of a message that is not known to have reached the person.
type Chain struct {
	Message    Message
	Step       int
	Since      time.Time // when the step began
	Due        time.Time // the lease ends
	Deliveries []Delivery
}

// ChainMove is what is to be done next for a chain.
type ChainMove struct {
	Chain Chain
	Plan  Plan
}
