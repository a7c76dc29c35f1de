package mongo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/transfer"
	"github.com/balagh/balagh/surveys"
)

var movedKinds map[string]*moved

func init() { // the functions of the table lead back to it
	movedKinds = map[string]*moved{
		transfer.Organisations:  movedKind(organisation),
		transfer.Keys:           movedKind(signingKeys),
		transfer.Staff:          movedKind(staff),
		transfer.Citizens:       movedKind(citizens),
		transfer.Devices:        movedKind(devices),
		transfer.Sessions:       movedKind(sessions),
		transfer.Photos:         movedKind(pictures),
		transfer.Occasions:      movedKind(occasions),
		transfer.Questionnaires: movedKind(questionnaires),
		transfer.Programmes:     movedKind(programmes),
		transfer.Rounds:         movedKind(rounds),
		transfer.Invitations:    movedKind(invitations),
		transfer.Templates:      movedKind(templates),
		transfer.Policies:       movedKind(policies),
		transfer.Answers:        movedAnswers,
		transfer.Reports:        movedReports,
		transfer.Facts:          movedFacts,
		transfer.Parked:         movedParked,
		transfer.Cases:          movedCases,
		transfer.Responses:      movedResponses,
		transfer.Verbatims:      movedVerbatims,
		transfer.Broadcasts:     movedBroadcasts,
		transfer.Messages:       movedMessages,
		transfer.Figures:        movedFigures,
		transfer.Spendings:      movedSpendings,
		transfer.Audits:         movedAudits,
	}
}

var movedAnswers = &moved{in: "answers", read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
	_, b, _ := raw.Lookup("answer").BinaryOK()
	return []any{transfer.Answer{Key: textIn(raw, "_id"), At: moment(numberIn(raw, "expires")).Add(-answersKept), Answer: b}}, nil
}, put: func(record json.RawMessage) ([]placed, error) {
	a, err := transfer.Decode[transfer.Answer](record)
	if err != nil {
		return nil, err
	}
	expires := a.At.Add(answersKept)
	return []placed{replaced("answers", bson.D{{Key: "_id", Value: a.Key}, {Key: "v", Value: docVersion}, {Key: "expires", Value: millis(expires)},
		{Key: "gone", Value: gone(expires)}, {Key: "answer", Value: a.Answer}})}, nil
}}

var movedAudits = &moved{in: audits.in, read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
	e, err := audits.of(raw)
	if err != nil {
		return nil, err
	}
	return []any{transfer.Audit{Entry: e, Before: e.Before, After: e.After}}, nil
}, put: func(record json.RawMessage) ([]placed, error) {
	x, err := transfer.Decode[transfer.Audit](record)
	if err != nil {
		return nil, err
	}
	x.Entry.Before, x.Entry.After = x.Before, x.After
	d, err := audits.fresh(x.Entry, effects{})
	return []placed{replaced(audits.in, d)}, err
}}

var movedReports = &moved{in: "reports", read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
	r, err := reportKind.of(raw)
	all := texts(raw.Lookup("supporters"))
	slices.Sort(all)
	return []any{transfer.Report{Report: r, Supporters: all}}, err
}, put: func(record json.RawMessage) ([]placed, error) {
	r, err := transfer.Decode[transfer.Report](record)
	if err != nil {
		return nil, err
	}
	d, err := reportKind.fresh(r.Report, effects{})
	if len(r.Supporters) > 0 {
		d = append(d, bson.E{Key: "supporters", Value: r.Supporters}, bson.E{Key: "supports", Value: len(r.Supporters)})
	}
	return []placed{replaced("reports", d)}, err
}}

// Facts of one subject lie together in the order of their seqs, which is the order in which records of facts come.
var movedFacts = &moved{in: carriers[0], also: carriers[1:], filter: bson.D{{Key: "relay_due", Value: bson.D{{Key: "$exists", Value: true}}}},
	read: func(_ context.Context, _ *DB, raw bson.Raw) (all []any, err error) {
		var w waiting
		if err := bson.Unmarshal(raw, &w); err != nil {
			return nil, fmt.Errorf("facts: %w", err)
		}
		for _, f := range w.Outbox {
			x := transfer.Fact{Seq: f.Seq, Attempts: f.Attempts}
			if err := decode(f.Event, &x.Event); err != nil {
				return nil, err
			}
			all = append(all, x)
		}
		return all, nil
	},
	put: func(record json.RawMessage) ([]placed, error) {
		f, err := transfer.Decode[transfer.Fact](record)
		if err != nil {
			return nil, err
		}
		e, err := encode(f.Event)
		if err != nil {
			return nil, err
		}
		entry := bson.D{{Key: "seq", Value: f.Seq}, {Key: "attempts", Value: f.Attempts}, {Key: "event", Value: e}}
		filter := bson.D{{Key: "_id", Value: f.Event.Subject}, {Key: "outbox.seq", Value: bson.D{{Key: "$ne", Value: f.Seq}}}}
		return []placed{{"outbox", driver.NewUpdateOneModel().SetFilter(filter).SetUpsert(true).SetUpdate(bson.D{{Key: "$push", Value: bson.D{{Key: "outbox", Value: entry}}},
			{Key: "$max", Value: bson.D{{Key: "relay_due", Value: int64(1)}}}, {Key: "$setOnInsert", Value: bson.D{{Key: "v", Value: docVersion}, {Key: "relay_fence", Value: int64(1)}}}})}}, nil
	}}

var movedParked = &moved{in: "parked", read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
	f := transfer.Fact{Seq: numberIn(raw, "_id"), Attempts: int(numberIn(raw, "attempts"))}
	doc, _ := raw.Lookup("event").DocumentOK()
	err := decode(doc, &f.Event)
	return []any{f}, err
}, put: func(record json.RawMessage) ([]placed, error) {
	f, err := transfer.Decode[transfer.Fact](record)
	if err != nil {
		return nil, err
	}
	e, err := encode(f.Event)
	return []placed{replaced("parked", bson.D{{Key: "_id", Value: f.Seq}, {Key: "v", Value: docVersion}, {Key: "of", Value: "outbox/" + f.Event.Subject},
		{Key: "attempts", Value: f.Attempts}, {Key: "event", Value: e}})}, err
}}

var movedCases = &moved{in: "cases", read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
	c, err := caseOf(raw)
	return []any{c}, err
}, put: func(record json.RawMessage) ([]placed, error) {
	c, err := transfer.Decode[surveys.Case](record)
	if err != nil {
		return nil, err
	}
	d, err := caseDocument(*c)
	return []placed{replaced("cases", d)}, err
}}

var movedResponses = &moved{in: "responses", read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
	r, err := responses.of(raw)
	_, row, _ := raw.Lookup("row").BinaryOK()
	return []any{transfer.Response{Response: r, Row: row}}, err
}, put: func(record json.RawMessage) ([]placed, error) {
	x, err := transfer.Decode[transfer.Response](record)
	if err != nil {
		return nil, err
	}
	d, err := responses.fresh(x.Response, effects{})
	if len(x.Row) > 0 {
		d = append(d, bson.E{Key: "row", Value: bson.Binary{Data: x.Row}})
	}
	return []placed{replaced("responses", d)}, err
}}

var movedVerbatims = &moved{in: "verbatims", filter: bson.D{{Key: "gone", Value: bson.D{{Key: "$exists", Value: false}}}},
	read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
		v, err := verbatims.of(raw)
		if err != nil {
			return nil, err
		}
		return []any{transfer.Verbatim{Verbatim: v.Verbatim, Folded: strings.Join(texts(raw.Lookup("folded")), " ")}}, nil
	},
	put: func(record json.RawMessage) ([]placed, error) {
		x, err := transfer.Decode[transfer.Verbatim](record)
		if err != nil {
			return nil, err
		}
		x.Verbatim.Folded = x.Folded
		d, err := verbatims.fresh(newVerbatim(&x.Verbatim), effects{})
		// A response that may be replaced knows its words. An anonymous one never is.
		said := driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: x.Response}, {Key: "doc.invitation", Value: bson.D{{Key: "$exists", Value: true}}}}).
			SetUpdate(bson.D{{Key: "$addToSet", Value: bson.D{{Key: "words", Value: x.ID}}}})
		return []placed{replaced("verbatims", d), {"responses", said}}, err
	}}

// entriesOf are deliveries as they lie in a document, with what lies beside them, and the rows of the dead ones.
func entriesOf(all []transfer.Delivery) (beside bson.D, dead []placed, err error) {
	ds, open := make([]push.Delivery, len(all)), []push.Delivery{}
	var refs []string
	for i, x := range all {
		ds[i] = x.Whole()
		if !ds[i].Due.IsZero() {
			open = append(open, ds[i])
		}
		if ds[i].Channel == push.ChannelSMS && ds[i].Ref != "" {
			refs = append(refs, ds[i].Ref)
		}
	}
	entries, err := deliveryEntries(ds)
	if err != nil {
		return nil, nil, err
	}
	for i, d := range ds {
		e := entries[i].(bson.D)
		e = slices.DeleteFunc(e, func(f bson.E) bool { return f.Key == "state" || f.Key == "due" || f.Key == "fence" })
		e = append(e, bson.E{Key: "state", Value: string(d.State)}, bson.E{Key: "fence", Value: d.Fence}, bson.E{Key: "attempts", Value: d.Attempts},
			bson.E{Key: "reason", Value: d.Reason}, bson.E{Key: "ref", Value: d.Ref})
		if !d.Due.IsZero() {
			e = append(e, bson.E{Key: "due", Value: millis(d.Due)})
		}
		if !d.Changed.IsZero() {
			e = append(e, bson.E{Key: "changed", Value: millis(d.Changed)})
		}
		entries[i] = e
		if isDead(d.State) {
			row := bson.D{{Key: "_id", Value: deadID(d)}, {Key: "v", Value: docVersion}, {Key: "message", Value: d.Message}, {Key: "delivery", Value: d.ID},
				{Key: "changed", Value: millis(d.Changed)}, {Key: "channel", Value: d.Channel}, {Key: "reason", Value: d.Reason}, {Key: "written", Value: time.Now().UnixMilli()}}
			if d.Centre != "" {
				row = append(row, bson.E{Key: "centre", Value: d.Centre})
			}
			dead = append(dead, replaced("dead", row))
		}
	}
	beside = append(bson.D{{Key: "deliveries", Value: entries}, {Key: "deliveries_rev", Value: int64(1)}}, leastDue(open)...)
	if len(refs) > 0 {
		beside = append(beside, bson.E{Key: "refs", Value: refs})
	}
	return beside, dead, nil
}

func deliveriesIn(in string, raw bson.Raw) (all []transfer.Delivery) {
	for _, e := range readCarrier(in, raw).entries {
		if !e.broken {
			all = append(all, transfer.DeliveryOf(e.Delivery))
		}
	}
	slices.SortFunc(all, func(a, b transfer.Delivery) int { return strings.Compare(a.ID, b.ID) })
	return all
}

var movedBroadcasts = &moved{in: "broadcasts", read: func(ctx context.Context, db *DB, raw bson.Raw) ([]any, error) {
	b, err := broadcasts.of(raw)
	if err != nil {
		return nil, err
	}
	x := transfer.Broadcast{Broadcast: b, Deliveries: deliveriesIn("broadcasts", raw)}
	x.Outcomes, err = db.broadcastOutcomes(ctx, b.ID)
	return []any{x}, err
}, put: func(record json.RawMessage) ([]placed, error) {
	x, err := transfer.Decode[transfer.Broadcast](record)
	if err != nil {
		return nil, err
	}
	d, err := broadcasts.fresh(x.Broadcast, effects{})
	if err != nil {
		return nil, err
	}
	var all []placed
	if len(x.Deliveries) > 0 {
		beside, dead, err := entriesOf(x.Deliveries)
		if err != nil {
			return nil, err
		}
		d, all = append(d, beside...), dead
	}
	n := bson.D{}
	for outcome, count := range x.Outcomes {
		n = append(n, bson.E{Key: escapeName(string(outcome)), Value: int64(count)})
	}
	if len(n) > 0 {
		all = append(all, replaced(figuresIn, bson.D{{Key: "_id", Value: "broadcast/" + x.Broadcast.ID}, {Key: "v", Value: docVersion}, {Key: "seen", Value: int64(0)}, {Key: "n", Value: n}}))
	}
	return append(all, replaced("broadcasts", d)), nil
}}

var movedMessages = &moved{in: "messages", read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
	m, err := messages.of(raw)
	if err != nil {
		return nil, err
	}
	s := m.state
	return []any{transfer.Message{Message: m.Message, Delivered: moment(s.delivered), Read: moment(s.read), Step: int(s.step), Since: moment(s.since), Chain: moment(s.chain),
		Unreached: moment(s.unreached), Why: s.why, Deliveries: deliveriesIn("messages", raw)}}, nil
}, put: func(record json.RawMessage) ([]placed, error) {
	x, err := transfer.Decode[transfer.Message](record)
	if err != nil {
		return nil, err
	}
	m := &message{Message: x.Message, plan: push.Plan{Step: x.Step, Since: x.Since, Due: x.Chain}}
	d, err := messages.fresh(m, effects{})
	if err != nil {
		return nil, err
	}
	beside, dead, err := entriesOf(x.Deliveries)
	if err != nil {
		return nil, err
	}
	for _, e := range []bson.E{{Key: "delivered", Value: orNone(x.Delivered)}, {Key: "read", Value: orNone(x.Read)}, {Key: "unreached", Value: orNone(x.Unreached)}, {Key: "why", Value: textOrNone(x.Why)}} {
		if e.Value != nil {
			beside = append(beside, e)
		}
	}
	d = slices.DeleteFunc(d, func(e bson.E) bool {
		return e.Key == "deliveries" || e.Key == "deliveries_rev" || e.Key == "figures" || e.Key == "uncounted" || strings.HasPrefix(e.Key, "due_")
	})
	return append(dead, replaced("messages", append(d, beside...))), nil
}}

var movedFigures = &moved{in: figuresIn, filter: bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: "day/"}, {Key: "$lt", Value: "day0"}}}},
	read: func(_ context.Context, _ *DB, raw bson.Raw) (all []any, err error) {
		eachCount(raw, func(key string, n int64) {
			if p := strings.SplitN(key, "/", 4); len(p) == 4 {
				bucket, _ := strconv.Atoi(p[2])
				all = append(all, transfer.Figure{Day: textIn(raw, "day"), Centre: textIn(raw, "centre"), Channel: p[0], Outcome: push.State(p[1]), Bucket: bucket, Reason: p[3], N: n})
			}
		})
		return all, nil
	},
	put: func(record json.RawMessage) ([]placed, error) {
		f, err := transfer.Decode[transfer.Figure](record)
		if err != nil {
			return nil, err
		}
		key := f.Channel + "/" + string(f.Outcome) + "/" + strconv.Itoa(f.Bucket) + "/" + f.Reason
		return []placed{{figuresIn, driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: "day/" + f.Day + "/" + f.Centre}}).SetUpsert(true).
			SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "n." + escapeName(key), Value: f.N}}},
				{Key: "$setOnInsert", Value: bson.D{{Key: "v", Value: docVersion}, {Key: "seen", Value: int64(0)}, {Key: "day", Value: f.Day}, {Key: "centre", Value: f.Centre}}}})}}, nil
	}}

var movedSpendings = &moved{in: "sms_spent", read: func(_ context.Context, _ *DB, raw bson.Raw) (all []any, err error) {
	d, err := spentDays.of(raw)
	if err != nil {
		return nil, err
	}
	for scope, amount := range d.Spent {
		if amount != 0 {
			all = append(all, transfer.Spending{Day: d.Day, Scope: scope, Amount: amount})
		}
	}
	return all, nil
}, put: func(record json.RawMessage) ([]placed, error) {
	s, err := transfer.Decode[transfer.Spending](record)
	if err != nil {
		return nil, err
	}
	return []placed{{"sms_spent", driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: s.Day}}).SetUpsert(true).
		SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "doc.spent." + escapeName(s.Scope), Value: s.Amount}}},
			{Key: "$setOnInsert", Value: bson.D{{Key: "v", Value: docVersion}, {Key: "rev", Value: int64(1)}}}})}}, nil
}}
