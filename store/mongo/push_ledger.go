package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/push"
)

// A delivery that fails or expires gets a row in the collection dead, which staff page through: a message may have several, and no
// index lists them one by one. The row is written before the change, so none is missing when a process dies in between; a row whose
// delivery is not dead, or died at another time, is passed over, and removed when it is old.
//
//	{_id: message/delivery/changed, message, delivery, changed, centre (absent without one), channel, reason, written}
var ledgerIndexes = []index{
	{in: "dead", keys: bson.D{{Key: "changed", Value: 1}, {Key: "delivery", Value: 1}}, serves: "dead letters"},
	{in: "dead", keys: bson.D{{Key: "centre", Value: 1}, {Key: "changed", Value: 1}, {Key: "delivery", Value: 1}}, serves: "dead letters of a centre"},
}

const deadGhost = time.Hour // after which who wrote a row has written the change as well, or never will

func isDead(s push.State) bool { return s == push.Failed || s == push.Expired }

// dead are the rows of what dies with the write.
func (c *carrier) dead() (rows []bson.D) {
	for i, e := range c.entries {
		was := c.was.entries[i]
		if !isDead(e.State) || was.State == e.State && was.Changed.Equal(e.Changed) {
			continue
		}
		row := bson.D{{Key: "_id", Value: deadID(e.Delivery)}, {Key: "v", Value: docVersion}, {Key: "message", Value: e.Message}, {Key: "delivery", Value: e.ID},
			{Key: "changed", Value: millis(e.Changed)}, {Key: "channel", Value: e.Channel}, {Key: "reason", Value: e.Reason}, {Key: "written", Value: time.Now().UnixMilli()}}
		if e.Centre != "" && !e.broken {
			row = append(row, bson.E{Key: "centre", Value: e.Centre})
		}
		rows = append(rows, row)
	}
	return rows
}

func deadID(d push.Delivery) string {
	return d.Message + "/" + d.ID + "/" + strconv.FormatInt(millis(d.Changed), 10)
}

func (db *DB) putDead(ctx context.Context, rows []bson.D) error {
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(a, b bson.D) int { return cmp.Compare(a[0].Value.(string), b[0].Value.(string)) }) // see writeAsRead
	_, err := db.in("dead").InsertMany(ctx, rows, options.InsertMany().SetOrdered(false))
	var bulk driver.BulkWriteException
	if errors.As(err, &bulk) && bulk.WriteConcernError == nil && !slices.ContainsFunc(bulk.WriteErrors, func(e driver.BulkWriteError) bool { return e.Code != 11000 }) {
		return nil // those are there already
	}
	return failed(ctx, err)
}

// ReportTrails are those of a citizen about a report.
func (db *DB) ReportTrails(ctx context.Context, citizen, report string) ([]push.Trail, error) {
	all := []push.Trail{}
	filter := bson.D{{Key: "citizen", Value: citizen}, {Key: "report", Value: report}}
	err := db.scan(ctx, "messages", filter, func(raw bson.Raw) error {
		m, err := messages.of(raw)
		if err != nil {
			return nil
		}
		s := m.state
		all = append(all, push.Trail{Message: m.Message, Step: int(s.step), Next: moment(s.chain), Since: moment(s.unreached), Unreached: s.why,
			Deliveries: readCarrier("messages", raw).deliveries(m.ID)})
		return nil
	}, options.Find().SetSort(bson.D{{Key: "at", Value: 1}, {Key: "_id", Value: 1}}).SetHint(inOrderOf("citizen", "at", "_id")))
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return all, nil
}

// ofCentres reads a page of a list for each centre, or with nil once for every one, and merges them.
func ofCentres[T any](centres []string, limit int, read func(centre *string) ([]T, error), at func(T) push.Position) ([]T, error) {
	if centres == nil {
		return read(nil)
	}
	var all []T
	for _, c := range centres {
		some, err := read(&c)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b T) int {
		return cmp.Or(at(b).At.Compare(at(a).At), cmp.Compare(at(b).ID, at(a).ID))
	})
	return all[:min(len(all), limit)], nil
}

// UnreachedMessages is a page of them.
func (db *DB) UnreachedMessages(ctx context.Context, centres []string, why string, after push.Position, limit int) ([]push.Unreached, error) {
	all, err := ofCentres(centres, limit, func(centre *string) (some []push.Unreached, err error) {
		l := list{in: "messages", at: "unreached", id: "_id", hint: inOrderOf("unreached", "_id")}
		if centre != nil {
			l.same, l.hint = bson.D{{Key: "centre", Value: *centre}}, inOrderOf("centre", "unreached", "_id")
		}
		if why != "" {
			l.same = append(l.same, bson.E{Key: "why", Value: why})
		}
		err = db.page(ctx, l, after, limit, func(raw bson.Raw) (bool, error) {
			s := readState(raw)
			u := push.Unreached{Since: moment(s.unreached), Why: s.why}
			if m, err := messages.of(raw); err == nil {
				u.Message = m.Message
			} else { // by name at least
				at, _ := raw.Lookup("at").AsInt64OK()
				u.Message.Citizen, _ = raw.Lookup("citizen").StringValueOK()
				u.Message.ID, u.Message.At = raw.Lookup("_id").StringValue(), moment(at)
			}
			some = append(some, u)
			return true, nil
		})
		return some, err
	}, func(u push.Unreached) push.Position { return push.Position{At: u.Since, ID: u.Message.ID} })
	if err != nil {
		return nil, fmt.Errorf("read who was not reached: %w", err)
	}
	return all, nil
}

// GivenUp says why.
func (db *DB) GivenUp(ctx context.Context, ids []string) (map[string]string, error) {
	all := map[string]string{}
	err := db.scan(ctx, "messages", bson.D{{Key: "_id", Value: among(ids)}, {Key: "unreached", Value: bson.D{{Key: "$exists", Value: true}}}}, func(raw bson.Raw) error {
		all[raw.Lookup("_id").StringValue()], _ = raw.Lookup("why").StringValueOK()
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "why", Value: 1}}))
	if err != nil {
		return nil, fmt.Errorf("read which messages were given up: %w", err)
	}
	return all, nil
}

// CountUnreached counts them.
func (db *DB) CountUnreached(ctx context.Context, centres []string, from, to time.Time) (int, error) {
	if centres != nil && len(centres) == 0 {
		return 0, nil
	}
	filter := bson.D{{Key: "unreached", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: millis(from)}, {Key: "$lt", Value: millis(to)}}}}
	if centres != nil {
		filter = append(bson.D{{Key: "centre", Value: among(centres)}}, filter...)
	}
	n, err := db.in("messages").CountDocuments(ctx, filter)
	if err != nil {
		return 0, fmt.Errorf("count who was not reached: %w", failed(ctx, err))
	}
	return int(n), nil
}

// deadRow is a row of dead.
type deadRow struct {
	ID       string `bson:"_id"`
	Message  string `bson:"message"`
	Delivery string `bson:"delivery"`
	Changed  int64  `bson:"changed"`
	Written  int64  `bson:"written"`
}

// DeadDeliveries is a page of them.
func (db *DB) DeadDeliveries(ctx context.Context, f push.DeadFilter, after push.Position, limit int) ([]push.Delivery, error) {
	all, err := ofCentres(f.Centres, limit, func(centre *string) (some []push.Delivery, err error) {
		l := list{in: "dead", at: "changed", id: "delivery", hint: inOrderOf("changed", "delivery")}
		if centre != nil {
			l.same, l.hint = bson.D{{Key: "centre", Value: *centre}}, inOrderOf("centre", "changed", "delivery")
		}
		if f.Channel != "" {
			l.same = append(l.same, bson.E{Key: "channel", Value: f.Channel})
		}
		if f.Reason != "" {
			l.same = append(l.same, bson.E{Key: "reason", Value: f.Reason})
		}
		for after := after; len(some) < limit; { // some rows may be passed over
			var rows []deadRow
			if err := db.page(ctx, l, after, limit-len(some), func(raw bson.Raw) (bool, error) {
				var row deadRow
				if err := bson.Unmarshal(raw, &row); err != nil {
					return false, nil
				}
				rows = append(rows, row)
				return true, nil
			}); err != nil {
				return nil, err
			}
			full := len(rows) == limit-len(some)
			if len(rows) > 0 {
				last := rows[len(rows)-1]
				after = push.Position{At: moment(last.Changed), ID: last.Delivery}
			}
			found, err := db.deadOf(ctx, rows)
			if err != nil {
				return nil, err
			}
			if some = append(some, found...); !full {
				break
			}
		}
		return some, nil
	}, func(d push.Delivery) push.Position { return push.Position{At: d.Changed, ID: d.ID} })
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return all, nil
}

// deadOf are the deliveries of rows that are dead as the row says. One that cannot be read is listed as far as it can.
func (db *DB) deadOf(ctx context.Context, rows []deadRow) (all []push.Delivery, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Message
	}
	slices.Sort(ids)
	carriers, err := db.carriers(ctx, slices.Compact(ids), true)
	if err != nil {
		return nil, err
	}
	there := map[string]push.Delivery{}
	for _, c := range carriers {
		for _, e := range c.entries {
			if d := e.Delivery; isDead(d.State) {
				if e.broken {
					d = push.Delivery{ID: d.ID, Message: d.Message, Channel: d.Channel, State: d.State, Reason: d.Reason, Changed: d.Changed}
				}
				there[deadID(d)] = d
			}
		}
	}
	var ghosts bson.A
	for _, r := range rows {
		if d, ok := there[r.ID]; ok {
			all = append(all, d)
		} else if time.Since(moment(r.Written)) > deadGhost {
			ghosts = append(ghosts, r.ID)
		}
	}
	if len(ghosts) > 0 { // when that fails, the next look does it
		_, _ = db.in("dead").DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ghosts}}}})
	}
	return all, nil
}

// RetryDeliveries queues dead deliveries again.
func (db *DB) RetryDeliveries(ctx context.Context, retries []push.Retry, now time.Time) (n int, err error) {
	if len(retries) == 0 {
		return 0, nil
	}
	of, topics := map[string][]push.Retry{}, false
	var ids []string
	for _, r := range retries {
		m := r.Delivery.Message
		if of[m] == nil {
			ids = append(ids, m)
		}
		of[m] = append(of[m], r)
		topics = topics || r.Delivery.Citizen == ""
	}
	by := call()
	var rows bson.A
	err = db.changeCarriers(ctx, func(ctx context.Context) ([]*carrier, error) {
		n, rows = 0, nil
		return db.carriers(ctx, ids, topics)
	}, func(c *carrier) {
		for _, m := range c.messages() {
			for _, r := range of[m] {
				if c.retry(r, now, by) {
					n++
					rows = append(rows, deadID(r.Delivery))
				}
			}
		}
	})
	if err != nil {
		return 0, fmt.Errorf("retry deliveries: %w", err)
	}
	if len(rows) > 0 { // they are passed over already
		_, _ = db.in("dead").DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: rows}}}})
	}
	return n, nil
}

// messages whose deliveries the document has: one, or those to the topics of a broadcast.
func (c *carrier) messages() (all []string) {
	for _, e := range c.entries {
		if !slices.Contains(all, e.Message) {
			all = append(all, e.Message)
		}
	}
	return all
}

// retry says whether this call queues the delivery.
func (c *carrier) retry(r push.Retry, now time.Time, by int64) bool {
	d := r.Delivery
	i := c.of(d.Message, d.ID)
	if i < 0 {
		return false
	}
	e, s := &c.entries[i], &c.state
	if e.by == by { // in an earlier try
		return true
	}
	if e.State != d.State || millis(e.Changed) != millis(d.Changed) || !isDead(e.State) {
		return false
	}
	if d.Citizen != "" && s.chain == 0 && s.unreached == 0 { // a topic has no chain
		return false
	}
	e.State, e.Reason, e.Ref, e.Attempts, e.Changed, e.Due, e.open, e.by = push.Queued, "", "", 0, now, now, true, by
	e.Deadline, e.Collapse, e.other = r.Deadline, "", true // it must not take the place of what was said since
	if s.unreached != 0 {
		s.since, s.chain, s.chainBy, s.unreached, s.why = millis(now), millis(r.Chain), 0, 0, ""
	}
	c.figures.take(d)
	return true
}
