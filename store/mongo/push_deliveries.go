package mongo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// Deliveries lie in the document that they belong to: those of a message in it, and those to topics, which have no message, in their
// broadcast's. Beside the document's own fields it has:
//
//	deliveries:     [{id, message (of a topic), channel, bulk, step, device, at, planned, deadline, state, due, fence, attempts,
//	                reason, ref, changed, by, doc}, …]; due is absent when nothing is left to do, by names the call that leased or queued it
//	deliveries_rev: one more with each write of any of this; every write filters by it, or only adds
//	due_push, …:    for each channel the least due of its open deliveries, bulk ones behind all others (see bulkDue); absent without any
//	refs:           under which names SMS were accepted; absent without any
//	figures:        changes of the figures that are not counted yet, see push_figures.go; uncounted: since when (a name that began with
//	                that of an array would be taken for one by DocumentDB's indexes); counted: the last batch
var deliveryCarriers = []string{"messages", "broadcasts"}

// carriersOf a channel. Only push has topics.
func carriersOf(channel string) []string {
	if channel == push.ChannelPush {
		return deliveryCarriers
	}
	return deliveryCarriers[:1]
}

var deliveryIndexes = func() (all []index) {
	for _, channel := range push.Channels {
		for _, in := range carriersOf(channel) {
			all = append(all, index{in: in, keys: bson.D{{Key: dueFields[channel], Value: 1}}, exists: dueFields[channel], serves: "the sender of " + channel + ": what is due"})
		}
	}
	for _, in := range deliveryCarriers {
		all = append(all, index{in: in, keys: bson.D{{Key: "uncounted", Value: 1}}, exists: "uncounted", serves: "the figures: what is not counted yet"})
	}
	return append(all, index{in: "broadcasts", keys: bson.D{{Key: "deliveries.message", Value: 1}}, exists: "deliveries", serves: "the deliveries of a topic"},
		index{in: "messages", keys: bson.D{{Key: "refs", Value: 1}}, exists: "refs", serves: "call-backs of an SMS gateway"})
}()

// bulkDue is added to the due of bulk deliveries, which go after all others: one index in one order holds both.
const bulkDue = 1 << 52

// dueFields has the field of each channel. Keys never come from what is stored or sent.
var dueFields = map[string]string{push.ChannelPush: "due_push", push.ChannelWeb: "due_web", push.ChannelSMS: "due_sms", push.ChannelEmail: "due_email"}

// deliveryDoc is what no field of a delivery holds.
type deliveryDoc struct {
	Citizen   string       `json:"citizen,omitempty"`
	Kind      push.Kind    `json:"kind"`
	Report    string       `json:"report,omitempty"`
	Number    string       `json:"number,omitempty"`
	Centre    string       `json:"centre,omitempty"`
	Broadcast string       `json:"broadcast,omitempty"`
	Collapse  string       `json:"collapse,omitempty"`
	Urgent    bool         `json:"urgent,omitempty"`
	Day       string       `json:"day"`
	Survey    *push.Survey `json:"survey,omitempty"`
}

func deliveryDocOf(d push.Delivery) (bson.Raw, error) {
	doc, err := encode(deliveryDoc{d.Citizen, d.Kind, d.Report, d.Number, d.Centre, d.Broadcast, d.Collapse, d.Urgent, d.Day, d.Survey})
	if err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	return doc, nil
}

// deliveryEntries are new deliveries as they lie in the array deliveries.
func deliveryEntries(ds []push.Delivery) (bson.A, error) {
	all := make(bson.A, len(ds))
	for i, d := range ds {
		doc, err := deliveryDocOf(d)
		if err != nil {
			return nil, err
		}
		e := bson.D{{Key: "id", Value: d.ID}}
		if d.Citizen == "" { // a topic, whose message is no document
			e = append(e, bson.E{Key: "message", Value: d.Message})
		}
		all[i] = append(e, bson.E{Key: "channel", Value: d.Channel}, bson.E{Key: "bulk", Value: d.Bulk()}, bson.E{Key: "step", Value: d.Step},
			bson.E{Key: "device", Value: d.Target}, bson.E{Key: "at", Value: millis(d.At)}, bson.E{Key: "planned", Value: millis(d.Planned)},
			bson.E{Key: "deadline", Value: millis(d.Deadline)}, bson.E{Key: "state", Value: string(push.Queued)}, bson.E{Key: "due", Value: millis(d.Due)},
			bson.E{Key: "fence", Value: int64(0)}, bson.E{Key: "doc", Value: doc})
	}
	return all, nil
}

// deliveryFields are what goes beside new deliveries in a document that has none so far, with the figures of what was queued.
func deliveryFields(ds []push.Delivery) bson.D {
	fields := bson.D{{Key: "deliveries_rev", Value: int64(1)}}
	fields = append(fields, leastDue(ds)...)
	if f := queuedFigures(ds); len(f) > 0 {
		fields = append(fields, bson.E{Key: "figures", Value: f}, bson.E{Key: "uncounted", Value: time.Now().UnixMilli()})
	}
	return fields
}

// deliveriesAdded are the operators of an update that adds new deliveries to a document, whether it has some or none. None of their
// ids may be there yet.
func deliveriesAdded(ds []push.Delivery) (bson.D, error) {
	entries, err := deliveryEntries(ds)
	if err != nil {
		return nil, err
	}
	added := bson.D{{Key: "deliveries", Value: bson.D{{Key: "$each", Value: entries}}}}
	least := leastDue(ds)
	if f := queuedFigures(ds); len(f) > 0 {
		added = append(added, bson.E{Key: "figures", Value: bson.D{{Key: "$each", Value: f}}})
		least = append(least, bson.E{Key: "uncounted", Value: time.Now().UnixMilli()})
	}
	up := bson.D{{Key: "$push", Value: added}, {Key: "$inc", Value: bson.D{{Key: "deliveries_rev", Value: int64(1)}}}}
	if len(least) > 0 {
		up = append(up, bson.E{Key: "$min", Value: least})
	}
	return up, nil
}

// leastDue are the fields due_… of queued deliveries.
func leastDue(ds []push.Delivery) (fields bson.D) {
	for _, channel := range push.Channels {
		least := int64(-1)
		for _, d := range ds {
			if at := dueOf(d.Bulk(), millis(d.Due)); d.Channel == channel && (least < 0 || at < least) {
				least = at
			}
		}
		if least >= 0 {
			fields = append(fields, bson.E{Key: dueFields[channel], Value: least})
		}
	}
	return fields
}

func dueOf(bulk bool, due int64) int64 {
	if bulk {
		return due + bulkDue
	}
	return due
}

// queuedFigures counts the deliveries of broadcasts that were queued.
func queuedFigures(ds []push.Delivery) bson.A {
	c := counts{}
	c.queued(ds)
	return c.entries()
}

// Deliveries of a message.
func (db *DB) Deliveries(ctx context.Context, message string) ([]push.Delivery, error) {
	all, err := db.carriers(ctx, []string{message}, true)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0].deliveries(message), nil
}

// deliveries of a message in the order of their ids, without those that cannot be read: they are failed when they are leased.
func (c *carrier) deliveries(message string) (all []push.Delivery) {
	for _, e := range c.entries {
		if e.Message == message && !e.broken {
			all = append(all, e.Delivery)
		}
	}
	slices.SortFunc(all, func(a, b push.Delivery) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// SettleDeliveries writes results.
func (db *DB) SettleDeliveries(ctx context.Context, results []push.Result) error {
	if len(results) == 0 {
		return nil
	}
	of, topics := map[string][]push.Result{}, false
	var messages []string
	for _, r := range results {
		m := r.Delivery.Message
		if of[m] == nil {
			messages = append(messages, m)
		}
		of[m] = append(of[m], r)
		topics = topics || r.Delivery.Citizen == ""
	}
	err := db.changeCarriers(ctx, func(ctx context.Context) ([]*carrier, error) { return db.carriers(ctx, messages, topics) }, func(c *carrier) {
		for _, m := range c.messages() {
			for _, r := range of[m] {
				c.settle(r)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("settle deliveries: %w", err)
	}
	return nil
}

func (c *carrier) settle(r push.Result) {
	d := r.Delivery
	i := c.of(d.Message, d.ID)
	if i < 0 || c.entries[i].Fence != d.Fence || c.entries[i].State != push.Leased {
		return
	}
	if r.State == push.Queued && c.told(d) {
		r.State, r.Reason = push.Suppressed, "told_otherwise"
	}
	c.end(i, r.State, r.Reason, r.At)
	e := &c.entries[i]
	if e.Ref = r.Ref; r.Attempted {
		e.Attempts++
	}
	if r.State == push.Queued {
		e.Due, e.open = r.Due, true
		return
	}
	c.figures.add(d, r.State, r.Reason, r.At)
	switch {
	case r.State != push.Accepted:
		c.hurry(r.At)
	case d.Step > 0: // the person is told by other means now
		for i, e := range c.entries {
			if e.Message == d.Message && e.Step < d.Step && e.State == push.Queued && !e.void {
				c.suppress(i, "told_otherwise", r.At)
			}
		}
	}
}

// suppress ends a delivery that need not go, and counts it unless it cannot be read.
func (c *carrier) suppress(i int, reason string, at time.Time) {
	c.end(i, push.Suppressed, reason, at)
	if e := c.entries[i]; !e.broken {
		c.figures.add(e.Delivery, push.Suppressed, reason, at)
	}
}

// told says whether the person learned by other means, while d was leased, what it would say: a later step's channel took it, or with
// an SMS or e-mail the app has the message.
func (c *carrier) told(d push.Delivery) bool {
	byApp := d.Channel != push.ChannelSMS && d.Channel != push.ChannelEmail
	return !byApp && c.state.delivered > 0 || slices.ContainsFunc(c.entries, func(e entry) bool {
		return e.Message == d.Message && e.Step > d.Step && (e.State == push.Accepted || e.State == push.Delivered || e.State == push.Read)
	})
}

// withdraw suppresses what is queued of messages.
func (db *DB) withdraw(ctx context.Context, messages []string, reason string, now time.Time) error {
	err := db.changeCarriers(ctx, func(ctx context.Context) ([]*carrier, error) { return db.carriers(ctx, messages, true) }, func(c *carrier) {
		for i, e := range c.entries {
			if e.State == push.Queued && !e.void && slices.Contains(messages, e.Message) {
				c.suppress(i, reason, now)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("withdraw deliveries: %w", err)
	}
	return nil
}

// receiptsKept is how many call-backs of a message are known; a gateway makes a few.
const receiptsKept = 32

// Receive notes what a gateway says later. That a call was heard lies in the document that it changes, and is written with the change:
// a call whose answer was lost is known, and one that died before the write is heard again.
func (db *DB) Receive(ctx context.Context, r push.Receipt) error {
	if r.Channel != push.ChannelSMS || r.Ref == "" {
		return fault.New(fault.NotFound)
	}
	var outcome error
	err := db.changeCarriers(ctx, func(ctx context.Context) ([]*carrier, error) {
		outcome = fault.New(fault.NotFound)
		return db.carriersBy(ctx, "messages", bson.D{{Key: "refs", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: r.Ref}}}}, options.Find().SetLimit(1))
	}, func(c *carrier) { outcome = c.receive(r) })
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return outcome
}

func (c *carrier) receive(r push.Receipt) error {
	i := slices.IndexFunc(c.entries, func(e entry) bool { return e.Channel == push.ChannelSMS && e.Ref == r.Ref && !e.broken })
	if i < 0 {
		return fault.New(fault.NotFound)
	}
	if r.Once != "" {
		if slices.Contains(c.state.receipts, r.Once) {
			return fault.New(fault.Exists)
		}
		c.state.receipts = append(slices.Clone(c.state.receipts[max(0, len(c.state.receipts)-receiptsKept+1):]), r.Once)
	}
	d := c.entries[i].Delivery
	if d.State != push.Accepted || r.State == "" {
		return nil
	}
	c.end(i, r.State, r.Reason, r.At)
	if r.State == push.Failed {
		c.figures.take(d) // it was not accepted after all
	}
	c.figures.add(d, r.State, r.Reason, r.At)
	if r.State == push.Delivered {
		c.state.chain, c.state.chainBy, c.state.unreached, c.state.why = 0, 0, 0, ""
	} else {
		c.hurry(r.At)
	}
	return nil
}
