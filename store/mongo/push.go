package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/push"
)

// A message is one document with its deliveries (see push_deliveries.go) and its place in its chain. Beside its own JSON it has:
//
//	citizen, at, kind, report, centre: of it; report and centre are absent without one
//	delivered, read:  when; absent until then
//	step, since:      of the chain; chain: when it is looked at, absent when that is over; chain_by: the lease
//	unreached, why:   since when, and why, nobody was reached; absent while that is not so
//	receipts:         call-backs of a gateway that were heard
type message struct {
	push.Message
	plan  push.Plan
	state messageState
}

var messages = kind[message]{in: "messages", id: func(m *message) string { return m.ID }, fields: (*message).fields, read: func(m *message, raw bson.Raw) error {
	m.state = readState(raw)
	m.DeliveredAt, m.ReadAt = moment(m.state.delivered), moment(m.state.read)
	return nil
}}

var messageIndexes = []index{
	{in: "messages", keys: bson.D{{Key: "citizen", Value: 1}, {Key: "at", Value: 1}, {Key: "_id", Value: 1}}, serves: "an inbox"},
	{in: "messages", keys: bson.D{{Key: "chain", Value: 1}}, exists: "chain", serves: "the chains that are due"},
	{in: "messages", keys: bson.D{{Key: "unreached", Value: 1}, {Key: "_id", Value: 1}}, exists: "unreached", serves: "who was not reached"},
	{in: "messages", keys: bson.D{{Key: "centre", Value: 1}, {Key: "unreached", Value: 1}, {Key: "_id", Value: 1}}, exists: "unreached", serves: "who was not reached by a centre"},
}

func (m *message) fields() (bson.D, error) {
	some := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	p := m.plan
	entries, err := deliveryEntries(p.Deliveries)
	if err != nil {
		return nil, err
	}
	d := bson.D{{Key: "citizen", Value: m.Citizen}, {Key: "at", Value: millis(m.At)}, {Key: "kind", Value: string(m.Kind)}, {Key: "report", Value: some(m.Report)},
		{Key: "centre", Value: some(m.Centre)}, {Key: "step", Value: int64(p.Step)}, {Key: "since", Value: orNone(p.Since)}, {Key: "chain", Value: orNone(p.Due)},
		{Key: "why", Value: some(p.Unreached)}, {Key: "deliveries", Value: entries}}
	if at := unreachedSince(p); at > 0 {
		d = append(d, bson.E{Key: "unreached", Value: at})
	}
	return append(d, deliveryFields(p.Deliveries)...), nil
}

// unreachedSince is 0 for what is not given up.
func unreachedSince(p push.Plan) int64 {
	if p.Unreached == "" {
		return 0
	}
	return max(1, millis(p.Since))
}

// PlanMessages writes messages with their deliveries, each once, in the order of their ids (see writeAsRead).
func (db *DB) PlanMessages(ctx context.Context, planned []push.Planned) (n int, err error) {
	all := make([]*message, len(planned))
	for i, p := range planned {
		all[i] = &message{Message: p.Message, plan: p.Plan}
	}
	slices.SortStableFunc(all, func(a, b *message) int { return strings.Compare(a.ID, b.ID) })
	added, err := messages.addAll(ctx, db, all)
	if err != nil {
		return 0, fmt.Errorf("plan messages: %w", err)
	}
	for _, m := range added {
		n += len(m.plan.Deliveries)
	}
	return n, nil
}

// Messages is a page of an inbox.
func (db *DB) Messages(ctx context.Context, citizen string, after push.Position, limit int, unreadOnly bool) (all []push.Message, err error) {
	same := bson.D{{Key: "citizen", Value: citizen}}
	if unreadOnly {
		same = append(same, bson.E{Key: "read", Value: bson.D{{Key: "$exists", Value: false}}})
	}
	err = db.page(ctx, list{in: "messages", same: same, at: "at", id: "_id", hint: inOrderOf("citizen", "at", "_id")}, after, limit, func(raw bson.Raw) (bool, error) {
		m, err := messages.of(raw)
		if errors.As(err, &unreadable{}) {
			return false, nil
		}
		if err == nil {
			all = append(all, m.Message)
		}
		return err == nil, err
	})
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return all, nil
}

// list is one from the newest to the oldest.
type list struct {
	in     string
	same   bson.D // for all of it
	at, id string // the fields that give the order
	hint   string // the index that has it
}

// page reads after a position until so many were taken. What has the moment of the position is read first, and apart: one range of the
// index each.
func (db *DB) page(ctx context.Context, l list, after push.Position, limit int, take func(bson.Raw) (bool, error)) error {
	at, id, ties := int64(math.MaxInt64), "", !after.At.IsZero()
	if ties {
		at, id = millis(after.At), after.ID
	}
	for limit > 0 {
		filter := append(slices.Clip(l.same), bson.E{Key: l.at, Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lt", Value: at}}})
		sort := bson.D{{Key: l.at, Value: -1}, {Key: l.id, Value: -1}}
		if ties {
			filter = append(slices.Clip(l.same), bson.E{Key: l.at, Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: at}}}, bson.E{Key: l.id, Value: bson.D{{Key: "$lt", Value: id}}})
		}
		asked, read := limit, 0
		if err := db.scan(ctx, l.in, filter, func(raw bson.Raw) error {
			read++
			at, _ = raw.Lookup(l.at).AsInt64OK()
			id, _ = raw.Lookup(l.id).StringValueOK()
			taken, err := take(raw)
			if taken {
				limit--
			}
			return err
		}, options.Find().SetSort(sort).SetHint(l.hint).SetLimit(int64(asked))); err != nil {
			return err
		}
		switch {
		case read == asked: // there may be more of that moment
			ties = true
		case !ties:
			return nil
		default:
			ties = false
		}
	}
	return nil
}

// RecentReports reads until it has seen enough.
func (db *DB) RecentReports(ctx context.Context, citizen string, since time.Time, limit int) (all []string, err error) {
	enough := errors.New("enough")
	filter := bson.D{{Key: "citizen", Value: citizen}, {Key: "at", Value: bson.D{{Key: "$gte", Value: millis(since)}}}}
	err = db.scan(ctx, "messages", filter, func(raw bson.Raw) error {
		report, _ := raw.Lookup("report").StringValueOK()
		if report != "" && !slices.Contains(all, report) {
			all = append(all, report)
		}
		if len(all) >= limit {
			return enough
		}
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "report", Value: 1}}).SetSort(bson.D{{Key: "at", Value: 1}, {Key: "_id", Value: 1}}).SetHint(inOrderOf("citizen", "at", "_id")))
	if err != nil && err != enough {
		return nil, fmt.Errorf("read recent messages: %w", err)
	}
	return all, nil
}

// NewerMessage looks at what the citizen was told since: a few messages.
func (db *DB) NewerMessage(ctx context.Context, citizen, report string, after time.Time, kinds []push.Kind) (bool, error) {
	newer := false
	filter := bson.D{{Key: "citizen", Value: citizen}, {Key: "at", Value: bson.D{{Key: "$gt", Value: millis(after)}}}, {Key: "report", Value: report}, {Key: "kind", Value: among(kinds)}}
	err := db.scan(ctx, "messages", filter, func(bson.Raw) error {
		newer = true
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetLimit(1))
	return newer, err
}

// UnreadMessages counts them.
func (db *DB) UnreadMessages(ctx context.Context, citizen string) (int, error) {
	n, err := db.in("messages").CountDocuments(ctx, bson.D{{Key: "citizen", Value: citizen}, {Key: "read", Value: bson.D{{Key: "$exists", Value: false}}}})
	return int(n), failed(ctx, err)
}

// AcknowledgeMessages notes that messages arrived, or were read.
func (db *DB) AcknowledgeMessages(ctx context.Context, citizen string, ids []string, device string, at time.Time, read bool) (known []string, err error) {
	err = db.changeCarriers(ctx, func(ctx context.Context) ([]*carrier, error) {
		known = known[:0]
		return db.carriersBy(ctx, "messages", bson.D{{Key: "_id", Value: among(ids)}, {Key: "citizen", Value: citizen}})
	}, func(c *carrier) {
		known = append(known, c.id)
		c.acknowledge(device, at, read)
	})
	if err != nil {
		return nil, fmt.Errorf("acknowledge messages: %w", err)
	}
	return known, nil
}

func (c *carrier) acknowledge(device string, at time.Time, read bool) {
	s := &c.state
	if s.read > 0 {
		return
	}
	s.delivered = cmp.Or(s.delivered, millis(at))
	if read {
		s.read = millis(at)
	}
	s.chain, s.chainBy, s.unreached, s.why = 0, 0, 0, ""
	for i, e := range c.entries {
		to := e.AfterAcknowledgement(device, read)
		if e.broken || to == e.State {
			continue
		}
		reason := ""
		switch {
		case to == push.Suppressed && read:
			reason = "read_already"
		case to == push.Suppressed:
			reason = "told_otherwise"
		}
		c.figures.acknowledge(e.Delivery, to, reason, at)
		c.end(i, to, reason, at)
	}
}
