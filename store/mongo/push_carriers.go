package mongo

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// carrier is a document with deliveries as it was read. Whoever changes it changes entries and state; what differs is written, if
// nobody else wrote meanwhile.
type carrier struct {
	in, id  string
	rev     bson.RawValue // as it lies there
	state   messageState
	entries []entry
	added   []push.Delivery // new ones, which are not written together with changes of others
	by      int64           // the call that adds them
	figures counts
	stuck   bool // the server refuses to write it: somebody spoilt it by hand
	was     carrierStored
}

// messageState is what changes of a message beside its deliveries. 0 and "" are not there. A broadcast has none.
type messageState struct {
	delivered, read int64
	step, since     int64
	chain, chainBy  int64
	unreached       int64
	why             string
	receipts        []string // call-backs that were heard, the last ones
}

// carrierStored is what lies in the store.
type carrierStored struct {
	state   messageState
	entries []entry
	due     map[string]int64 // by channel
	refs    []string
}

// entry is a delivery in its document.
type entry struct {
	push.Delivery
	bulk   bool
	open   bool  // Due is there
	by     int64 // the call that leased or queued it
	broken bool  // cannot be read; ids, channel, step, state and due are right as far as they are there
	void   bool  // not even a document: nothing can be written into it
	other  bool  // its doc is to be written as well
}

// carrierOnly leaves out what is not needed to change deliveries.
var carrierOnly = bson.D{{Key: "doc", Value: 0}, {Key: "figures", Value: 0}}

func readCarrier(in string, raw bson.Raw) *carrier {
	c := &carrier{in: in, rev: raw.Lookup("deliveries_rev"), figures: counts{}}
	c.id, _ = raw.Lookup("_id").StringValueOK()
	c.rev.Value = slices.Clone(c.rev.Value)
	if in == "messages" {
		c.state = readState(raw)
	}
	if list, ok := raw.Lookup("deliveries").ArrayOK(); ok {
		values, _ := list.Values()
		c.entries = make([]entry, len(values))
		for i, v := range values {
			c.entries[i] = readEntry(c.id, v)
		}
	}
	c.was = carrierStored{state: c.state, entries: slices.Clone(c.entries), due: map[string]int64{}, refs: texts(raw.Lookup("refs"))}
	for channel, field := range dueFields {
		if v, err := raw.LookupErr(field); err == nil {
			at, ok := v.AsInt64OK()
			if !ok {
				at = -1
			}
			c.was.due[channel] = at
		}
	}
	return c
}

func readState(raw bson.Raw) messageState {
	number := func(field string) int64 {
		n, _ := raw.Lookup(field).AsInt64OK()
		return n
	}
	why, _ := raw.Lookup("why").StringValueOK()
	return messageState{delivered: number("delivered"), read: number("read"), step: number("step"), since: number("since"), chain: number("chain"),
		chainBy: number("chain_by"), unreached: number("unreached"), why: why, receipts: texts(raw.Lookup("receipts"))}
}

func texts(v bson.RawValue) (all []string) {
	list, ok := v.ArrayOK()
	if !ok {
		return nil
	}
	values, _ := list.Values()
	for _, v := range values {
		if s, ok := v.StringValueOK(); ok {
			all = append(all, s)
		}
	}
	return all
}

// readEntry reads as much as can be read.
func readEntry(message string, v bson.RawValue) (e entry) {
	e.Message = message
	raw, ok := v.DocumentOK()
	elements, err := raw.Elements()
	if !ok || err != nil {
		e.broken, e.void = true, true
		return e
	}
	var doc deliveryDoc
	for _, x := range elements {
		v := x.Value()
		switch x.Key() {
		case "id":
			e.text(v, &e.ID)
		case "message":
			e.text(v, &e.Message)
		case "channel":
			e.text(v, &e.Channel)
		case "bulk":
			e.bulk, ok = v.BooleanOK()
			e.broken = e.broken || !ok
		case "step":
			e.Step = int(e.number(v))
		case "device":
			e.text(v, &e.Target)
		case "at":
			e.At = moment(e.number(v))
		case "planned":
			e.Planned = moment(e.number(v))
		case "deadline":
			e.Deadline = moment(e.number(v))
		case "state":
			var s string
			e.text(v, &s)
			e.State = push.State(s)
		case "due":
			e.open, e.Due = true, moment(e.number(v))
		case "fence":
			e.Fence = e.number(v)
		case "attempts":
			e.Attempts = int(e.number(v))
		case "reason":
			e.text(v, &e.Reason)
		case "ref":
			e.text(v, &e.Ref)
		case "changed":
			e.Changed = moment(e.number(v))
		case "by":
			e.by = e.number(v)
		case "doc":
			d, ok := v.DocumentOK()
			if !ok || decode(d, &doc) != nil {
				e.broken = true
			}
		}
	}
	if _, err := raw.LookupErr("doc"); err != nil {
		e.broken = true
	}
	e.Citizen, e.Kind, e.Report, e.Number, e.Centre, e.Broadcast = doc.Citizen, doc.Kind, doc.Report, doc.Number, doc.Centre, doc.Broadcast
	e.Collapse, e.Urgent, e.Day, e.Survey = doc.Collapse, doc.Urgent, doc.Day, doc.Survey
	return e
}

func (e *entry) text(v bson.RawValue, into *string) {
	s, ok := v.StringValueOK()
	if *into = s; !ok {
		e.broken = true
	}
}

func (e *entry) number(v bson.RawValue) int64 {
	n, ok := v.AsInt64OK()
	if !ok {
		e.broken = true
	}
	return n
}

// of finds the place of a delivery, -1 when it is not there or cannot be read.
func (c *carrier) of(message, id string) int {
	return slices.IndexFunc(c.entries, func(e entry) bool { return e.ID == id && e.Message == message && !e.broken })
}

// end brings a delivery into a state in which nothing is left to do.
func (c *carrier) end(i int, s push.State, reason string, at time.Time) {
	e := &c.entries[i]
	e.State, e.Reason, e.Changed, e.Due, e.open = s, reason, at, time.Time{}, false
}

// spoil fails a delivery that cannot be read.
func (c *carrier) spoil(i int, at time.Time) {
	c.end(i, push.Failed, unreadableReason, at)
}

const unreadableReason = "unreadable"

// hurry lets the chain be looked at now.
func (c *carrier) hurry(at time.Time) {
	if c.state.chain > millis(at) {
		c.state.chain = millis(at)
	}
}

// update is the write of what differs, nil when nothing does.
func (c *carrier) update(now time.Time) (bson.D, error) {
	var set, unset bson.D
	put := func(key string, v any) { set = append(set, bson.E{Key: key, Value: v}) }
	number := func(key string, was, is int64) {
		if is == was {
			return
		}
		if is == 0 {
			unset = append(unset, bson.E{Key: key, Value: ""})
		} else {
			put(key, is)
		}
	}
	for i, e := range c.entries {
		was, at := c.was.entries[i], "deliveries."+strconv.Itoa(i)+"."
		if e.void {
			continue
		}
		if e.State != was.State {
			put(at+"state", string(e.State))
		}
		if !e.open && was.open {
			unset = append(unset, bson.E{Key: at + "due", Value: ""})
		} else if e.open && (!was.open || !e.Due.Equal(was.Due)) {
			put(at+"due", millis(e.Due))
		}
		number(at+"fence", was.Fence, e.Fence)
		number(at+"attempts", int64(was.Attempts), int64(e.Attempts))
		number(at+"changed", millis(was.Changed), millis(e.Changed))
		number(at+"deadline", millis(was.Deadline), millis(e.Deadline))
		number(at+"by", was.by, e.by)
		if e.Reason != was.Reason {
			put(at+"reason", e.Reason)
		}
		if e.Ref != was.Ref {
			put(at+"ref", e.Ref)
		}
		if e.other {
			doc, err := deliveryDocOf(e.Delivery)
			if err != nil {
				return nil, err
			}
			put(at+"doc", doc)
		}
	}
	for _, channel := range push.Channels {
		was, there := c.was.due[channel]
		switch is, open := c.due(channel); {
		case !open && there:
			unset = append(unset, bson.E{Key: dueFields[channel], Value: ""})
		case open && (!there || is != was):
			put(dueFields[channel], is)
		}
	}
	s, was := c.state, c.was.state
	number("delivered", was.delivered, s.delivered)
	number("read", was.read, s.read)
	number("step", was.step, s.step)
	number("since", was.since, s.since)
	number("chain", was.chain, s.chain)
	number("chain_by", was.chainBy, s.chainBy)
	number("unreached", was.unreached, s.unreached)
	if s.why != was.why && s.why != "" {
		put("why", s.why)
	} else if s.why != was.why {
		unset = append(unset, bson.E{Key: "why", Value: ""})
	}
	if !slices.Equal(s.receipts, was.receipts) {
		put("receipts", s.receipts)
	}
	if refs := c.refs(); len(refs) == 0 && c.was.refs != nil {
		unset = append(unset, bson.E{Key: "refs", Value: ""})
	} else if !slices.Equal(refs, c.was.refs) {
		put("refs", refs)
	}
	figures := c.figures.entries()
	if len(set)+len(unset)+len(figures)+len(c.added) == 0 {
		return nil, nil
	}
	rev, _ := c.rev.AsInt64OK()
	put("deliveries_rev", rev+1)
	up := bson.D{{Key: "$set", Value: set}}
	if len(unset) > 0 {
		up = append(up, bson.E{Key: "$unset", Value: unset})
	}
	var more bson.D
	if len(figures) > 0 {
		more = append(more, bson.E{Key: "figures", Value: bson.D{{Key: "$each", Value: figures}}})
		up = append(up, bson.E{Key: "$min", Value: bson.D{{Key: "uncounted", Value: now.UnixMilli()}}})
	}
	if len(c.added) > 0 {
		entries, err := deliveryEntries(c.added)
		if err != nil {
			return nil, err
		}
		for i, e := range entries {
			entries[i] = append(e.(bson.D), bson.E{Key: "by", Value: c.by})
		}
		more = append(more, bson.E{Key: "deliveries", Value: bson.D{{Key: "$each", Value: entries}}})
	}
	if len(more) > 0 {
		up = append(up, bson.E{Key: "$push", Value: more})
	}
	return up, nil
}

// due is the least of the open deliveries of a channel.
func (c *carrier) due(channel string) (least int64, open bool) {
	for _, e := range c.entries {
		if at := dueOf(e.bulk, millis(e.Due)); e.open && e.Channel == channel && (!open || at < least) {
			least, open = at, true
		}
	}
	for _, d := range c.added {
		if at := dueOf(d.Bulk(), millis(d.Due)); d.Channel == channel && (!open || at < least) {
			least, open = at, true
		}
	}
	return least, open
}

func (c *carrier) refs() (all []string) {
	for _, e := range c.entries {
		if e.Channel == push.ChannelSMS && e.Ref != "" {
			all = append(all, e.Ref)
		}
	}
	return all
}

// carriers reads the documents of messages; topics says whether some of them may be topics', which lie in broadcasts.
func (db *DB) carriers(ctx context.Context, messages []string, topics bool) ([]*carrier, error) {
	all, err := db.carriersBy(ctx, "messages", bson.D{{Key: "_id", Value: among(messages)}})
	if err != nil || !topics || len(all) == len(messages) {
		return all, err
	}
	for _, c := range all {
		messages = slices.DeleteFunc(slices.Clone(messages), func(id string) bool { return id == c.id })
	}
	of, err := db.carriersBy(ctx, "broadcasts", bson.D{{Key: "deliveries", Value: bson.D{{Key: "$exists", Value: true}}}, {Key: "deliveries.message", Value: among(messages)}})
	return append(all, of...), err
}

func (db *DB) carriersBy(ctx context.Context, in string, filter bson.D, o ...options.Lister[options.FindOptions]) (all []*carrier, err error) {
	o = append([]options.Lister[options.FindOptions]{options.Find().SetProjection(carrierOnly)}, o...)
	err = db.scan(ctx, in, filter, func(raw bson.Raw) error {
		all = append(all, readCarrier(in, raw))
		return nil
	}, o...)
	return all, err
}

// putCarriers writes what differs, and says whether somebody else had changed some of the documents, which then stay as they are.
func (db *DB) putCarriers(ctx context.Context, all []*carrier) (lost bool, err error) {
	var dead []bson.D
	writes, of := map[string][]revWrite{}, map[string][]*carrier{}
	now := time.Now()
	for _, c := range all {
		up, err := c.update(now)
		if err != nil {
			return false, err
		}
		if up != nil {
			writes[c.in], of[c.in] = append(writes[c.in], revWrite{c.id, c.rev, up}), append(of[c.in], c)
			dead = append(dead, c.dead()...)
		}
	}
	if err := db.putDead(ctx, dead); err != nil {
		return false, err
	}
	for in, writes := range writes {
		matched, refused, err := db.writeAsRead(ctx, in, writes)
		if err != nil {
			return false, err
		}
		for _, i := range refused {
			of[in][i].stuck = true
		}
		lost = lost || matched+len(refused) < len(writes)
	}
	return lost, nil
}

// changeCarriers changes documents as nobody else does at the same time. A change is made again with what is there then when somebody
// was faster, or when it is not known whose write it was that is there: it must leave alone what it has changed already.
func (db *DB) changeCarriers(ctx context.Context, read func(context.Context) ([]*carrier, error), change func(*carrier)) error {
	ctx, cancel := context.WithTimeout(ctx, operationTime)
	defer cancel()
	for try := 0; ; try++ {
		all, err := read(ctx)
		if err != nil {
			return err
		}
		for _, c := range all {
			change(c)
		}
		if lost, err := db.putCarriers(ctx, all); err != nil || !lost {
			return err
		}
		if pause(ctx, try); ctx.Err() != nil {
			return fault.Later(fault.Unavailable, retryAfter)
		}
	}
}

// call is a name for what one call writes.
func call() int64 { return 1 + rand.Int64N(1<<62) }

// inOrderOf is a hint to read by an index, whose order is wanted: not every server sees for itself that sorting takes longer.
func inOrderOf(keys ...string) string { return strings.Join(keys, "_1_") + "_1" }
