package mongo

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

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
//	figures:        changes of the figures that are not counted yet, see push_figures.go; figures_at: since when; counted: the last batch
var deliveryCarriers = []string{"messages", "broadcasts"}

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
		fields = append(fields, bson.E{Key: "figures", Value: f}, bson.E{Key: "figures_at", Value: time.Now().UnixMilli()})
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
		least = append(least, bson.E{Key: "figures_at", Value: time.Now().UnixMilli()})
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

// queuedFigures counts the deliveries of a broadcast that were queued.
func queuedFigures(ds []push.Delivery) (all bson.A) {
	queued := map[string]int64{}
	for _, d := range ds {
		if d.Broadcast != "" {
			queued[d.Broadcast]++
		}
	}
	for b, n := range queued {
		all = append(all, bson.D{{Key: "broadcast", Value: b}, {Key: "outcome", Value: string(push.Queued)}, {Key: "n", Value: n}})
	}
	return all
}
