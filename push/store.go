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

// Store keeps messages and deliveries.
type Store interface {
	// PlanMessage writes a message and its deliveries in one atomic write and says how many deliveries there are. A message
	// that is there already, by its id, is left as it is together with its deliveries, and 0 returned.
	PlanMessage(ctx context.Context, m Message, deliveries []Delivery) (int, error)

	// Messages of a citizen after a position, newest first; those of one moment in descending order of their ids.
	Messages(ctx context.Context, citizen string, after Position, limit int, unreadOnly bool) ([]Message, error)
	// UnreadMessages counts them.
	UnreadMessages(ctx context.Context, citizen string) (int, error)
	// AcknowledgeMessage notes, once, that a message of this citizen was delivered, or read, which is more: fault.NotFound
	// when the citizen has no such message. With it move, as Moves allows, the deliveries to the device, or when it was
	// read or device is empty all deliveries.
	AcknowledgeMessage(ctx context.Context, citizen, id, device string, at time.Time, read bool) error

	// Deliveries of a message, by id.
	Deliveries(ctx context.Context, message string) ([]Delivery, error)
	// NextDelivery is when the next delivery of the channel is due: queued ones at Due, leased ones when their lease ends.
	// False when none is open.
	NextDelivery(ctx context.Context, channel string) (time.Time, bool, error)
	// LeaseDeliveries takes up to limit deliveries of the channel that are due at now, until now+ttl; each lease of a
	// delivery has a higher fence. One that cannot be read is failed instead and spoils no other.
	LeaseDeliveries(ctx context.Context, channel string, now time.Time, ttl time.Duration, limit int) ([]Delivery, error)
	// HoldsDelivery says whether the delivery is still leased with its fence: nobody took it over, and no phone said that it
	// has the message.
	HoldsDelivery(ctx context.Context, d Delivery) (bool, error)
	// SettleDeliveries writes the results of leased deliveries. One whose lease was lost is left alone.
	SettleDeliveries(ctx context.Context, results []Result) error
}
