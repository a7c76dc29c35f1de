package mongo

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/event"
)

// Facts wait in the document whose change they tell of:
//
//	outbox:       [{seq, attempts, event}, …], in the order in which they were written; absent without any
//	relay_due:   from when on a relay may take them (milliseconds): a lease or a wait ends then; absent without any
//	relay_fence: counts the leases; begins at random, so that a document that is made anew is no trap for who held the one before
//	relay_by:    the lease
//
// (Their names do not begin with that of the array: DocumentDB would take them for fields of it, and give them in no order.)
//
// A lease is of the document: facts of one document, and so of one subject, are handed on in order, those of different ones beside
// each other. Facts that no aggregate goes with have documents of their own in the collection outbox, one for each subject.
var carriers = []string{"reports", "occasions", "invitations", "outbox"}

var outboxIndexes = func() (all []index) {
	for _, in := range carriers {
		all = append(all, index{in: in, keys: bson.D{{Key: "relay_due", Value: 1}}, exists: "relay_due", serves: "the relay: facts that are due"})
	}
	return all
}()

var _ event.Outbox = (*DB)(nil)

// Wake is signalled after a write of this process that wrote facts.
func (db *DB) Wake() <-chan struct{} { return db.wake }

func (db *DB) published(events []event.Event) {
	if len(events) == 0 {
		return
	}
	select {
	case db.wake <- struct{}{}:
	default:
	}
}

var lastSeq atomic.Int64

// nextSeq orders the facts that this process writes by when it wrote them, and those of different processes by their clocks.
func nextSeq() int64 {
	for {
		last := lastSeq.Load()
		next := max(last+1, time.Now().UnixMicro()<<10|rand.Int64N(1<<10))
		if lastSeq.CompareAndSwap(last, next) {
			return next
		}
	}
}

func outboxEntries(events []event.Event) (bson.A, error) {
	entries := make(bson.A, len(events))
	for i, e := range events {
		doc, err := encode(e)
		if err != nil {
			return nil, fmt.Errorf("event: %w", err)
		}
		entries[i] = bson.D{{Key: "seq", Value: nextSeq()}, {Key: "attempts", Value: 0}, {Key: "event", Value: doc}}
	}
	return entries, nil
}

// outboxDue is when facts may go: at once, also by a clock that is behind.
func outboxDue(events []event.Event) int64 {
	return min(millis(events[0].At), time.Now().UnixMilli())
}

// outboxPush are the operators that add facts. A lease or a wait that the document has stays.
func outboxPush(events []event.Event) (bson.D, error) {
	entries, err := outboxEntries(events)
	if err != nil {
		return nil, err
	}
	return bson.D{{Key: "$push", Value: bson.D{{Key: "outbox", Value: bson.D{{Key: "$each", Value: entries}}}}},
		{Key: "$max", Value: bson.D{{Key: "relay_due", Value: outboxDue(events)}}}}, nil
}

// Publish writes facts that no aggregate goes with.
func (db *DB) Publish(ctx context.Context, events ...event.Event) error {
	for _, e := range events {
		push, err := outboxPush([]event.Event{e})
		if err != nil {
			return err
		}
		push = append(push, bson.E{Key: "$setOnInsert", Value: bson.D{{Key: "v", Value: docVersion}, {Key: "relay_fence", Value: rand.Int64N(1 << 62)}}})
		for {
			_, err := db.in("outbox").UpdateOne(ctx, bson.D{{Key: "_id", Value: e.Subject}}, push, options.UpdateOne().SetUpsert(true))
			if err == nil {
				break
			}
			if !taken(err) { // two made it at the same time
				return failed(ctx, err)
			}
		}
	}
	db.published(events)
	return nil
}

// waiting is a document with facts.
type waiting struct {
	in     string
	ID     string        `bson:"_id"`
	Due    int64         `bson:"relay_due"`
	Fence  int64         `bson:"relay_fence"`
	By     string        `bson:"relay_by"`
	Outbox []waitingFact `bson:"outbox"`
}

type waitingFact struct {
	Seq      int64    `bson:"seq"`
	Attempts int      `bson:"attempts"`
	Event    bson.Raw `bson:"event"`
}

// isDue finds documents whose facts may go. A wait that is longer than any was written by a clock that was wrong.
func isDue(now time.Time) []bson.D {
	never := now.Add(event.LongestWait).UnixMilli()
	return []bson.D{{{Key: "relay_due", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lte", Value: now.UnixMilli()}}}},
		{{Key: "relay_due", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gt", Value: never}}}}}
}

var outboxOnly = bson.D{{Key: "outbox", Value: 1}, {Key: "relay_due", Value: 1}, {Key: "relay_fence", Value: 1}, {Key: "relay_by", Value: 1}}

// Lease takes the facts that are due, of as many documents as are needed.
func (db *DB) Lease(ctx context.Context, now time.Time, ttl time.Duration, limit int) ([]event.Leased, error) {
	found, err := db.dueFacts(ctx, now, limit)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	by := bson.NewObjectID().Hex()
	until := now.Add(ttl).UnixMilli()
	var mu sync.Mutex
	var held []waiting
	err = eachCarrier(found, func(in string, docs []waiting) error {
		slices.SortFunc(docs, func(a, b waiting) int { return strings.Compare(a.ID, b.ID) }) // two that meet must not block each other
		models := make([]driver.WriteModel, len(docs))
		for i, w := range docs {
			models[i] = driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: w.ID}, {Key: "relay_fence", Value: w.Fence}, {Key: "relay_due", Value: w.Due}}).
				SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "relay_due", Value: until}, {Key: "relay_by", Value: by}, {Key: "relay_fence", Value: w.Fence + 1}}}})
		}
		r, err := db.in(in).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
		if err != nil {
			return failed(ctx, err)
		}
		if int(r.MatchedCount) < len(docs) { // somebody else was faster with some
			if docs, err = db.leasedBy(ctx, in, docs, by); err != nil {
				return err
			}
		} else {
			for i := range docs {
				docs[i].Fence++
			}
		}
		mu.Lock()
		defer mu.Unlock()
		held = append(held, docs...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lease events: %w", err)
	}
	return db.facts(ctx, held, limit)
}

// dueFacts finds documents that together have limit facts that are due, the longest waiting first.
func (db *DB) dueFacts(ctx context.Context, now time.Time, limit int) ([]waiting, error) {
	var mu sync.Mutex
	var all []waiting
	var g group
	for _, in := range carriers {
		for _, filter := range isDue(now) {
			g.Go(func() error {
				return db.scan(ctx, in, filter, func(raw bson.Raw) error {
					w := waiting{in: in}
					if err := bson.Unmarshal(raw, &w); err != nil || len(w.Outbox) == 0 {
						return nil // it spoils no other
					}
					mu.Lock()
					defer mu.Unlock()
					all = append(all, w)
					return nil
				}, options.Find().SetProjection(outboxOnly).SetSort(bson.D{{Key: "relay_due", Value: 1}}).SetHint(inOrderOf("relay_due")).SetLimit(int64(limit)))
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("look for events: %w", err)
	}
	slices.SortFunc(all, func(a, b waiting) int { return cmp.Compare(a.Outbox[0].Seq, b.Outbox[0].Seq) })
	n := 0
	for i, w := range all {
		if n >= limit {
			return all[:i], nil
		}
		n += len(w.Outbox)
	}
	return all, nil
}

func (db *DB) leasedBy(ctx context.Context, in string, docs []waiting, by string) (held []waiting, err error) {
	ids := make([]string, len(docs))
	for i, w := range docs {
		ids[i] = w.ID
	}
	err = db.scan(ctx, in, bson.D{{Key: "_id", Value: among(ids)}, {Key: "relay_by", Value: by}}, func(raw bson.Raw) error {
		w := waiting{in: in}
		if err := bson.Unmarshal(raw, &w); err != nil {
			return nil
		}
		held = append(held, w)
		return nil
	}, options.Find().SetProjection(outboxOnly))
	return held, err
}

// facts are those of the documents that were leased, in the order in which they were written. One that nobody can read is parked: it must
// not stop the others.
func (db *DB) facts(ctx context.Context, held []waiting, limit int) ([]event.Leased, error) {
	slices.SortFunc(held, func(a, b waiting) int { return cmp.Compare(a.Outbox[0].Seq, b.Outbox[0].Seq) })
	var all []event.Leased
	for _, w := range held {
		// Of the last document no more than there is room for: the rest is due as soon as these are done.
		for _, f := range w.Outbox[:min(len(w.Outbox), max(limit-len(all), 0))] {
			l := event.Leased{Seq: f.Seq, Fence: w.Fence, Attempts: f.Attempts, Place: w.in + "/" + w.ID}
			if err := decode(f.Event, &l.Event); err != nil {
				if err := db.park(ctx, w.in, w.ID, w.Fence, f.Seq); err != nil {
					return nil, err
				}
				continue
			}
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b event.Leased) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

// park sets a fact aside, which is done twice without harm.
func (db *DB) park(ctx context.Context, in, id string, fence, seq int64) error {
	var w waiting
	if err := db.in(in).FindOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "relay_fence", Value: fence}}, options.FindOne().SetProjection(outboxOnly)).Decode(&w); err != nil {
		if err == driver.ErrNoDocuments {
			return nil
		}
		return failed(ctx, err)
	}
	for _, f := range w.Outbox {
		if f.Seq != seq {
			continue
		}
		_, err := db.in("parked").UpdateOne(ctx, bson.D{{Key: "_id", Value: seq}}, bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "v", Value: docVersion},
			{Key: "of", Value: in + "/" + id}, {Key: "attempts", Value: f.Attempts + 1}, {Key: "event", Value: f.Event}}}}, options.UpdateOne().SetUpsert(true))
		if err != nil && !taken(err) {
			return failed(ctx, err)
		}
	}
	return db.done(ctx, in, []handed{{id, fence, []int64{seq}}})
}

// handed are facts of one document that are over.
type handed struct {
	id    string
	fence int64
	seqs  []int64
}

// Done removes what was handed on.
func (db *DB) Done(ctx context.Context, done []event.Leased) error {
	byCarrier := map[string][]handed{}
	at := map[string]int{} // place → index in its carrier
	for _, l := range done {
		in, id := placeOf(l)
		i, ok := at[l.Place]
		if !ok {
			i = len(byCarrier[in])
			at[l.Place] = i
			byCarrier[in] = append(byCarrier[in], handed{id: id, fence: l.Fence})
		}
		byCarrier[in][i].seqs = append(byCarrier[in][i].seqs, l.Seq)
	}
	var g group
	for in, all := range byCarrier {
		g.Go(func() error { return db.done(ctx, in, all) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("remove events: %w", err)
	}
	return nil
}

// done empties the outboxes that hold nothing else, and takes the facts out of the others, which are due at once.
func (db *DB) done(ctx context.Context, in string, all []handed) error {
	slices.SortFunc(all, func(a, b handed) int { return strings.Compare(a.id, b.id) }) // as Lease does
	var empty, pull []driver.WriteModel
	for _, h := range all {
		filter := bson.D{{Key: "_id", Value: h.id}, {Key: "relay_fence", Value: h.fence}, {Key: "outbox.seq", Value: bson.D{{Key: "$in", Value: h.seqs}}}}
		whole := append(slices.Clip(filter), bson.E{Key: "outbox", Value: bson.D{{Key: "$size", Value: len(h.seqs)}}})
		if in == "outbox" {
			empty = append(empty, driver.NewDeleteOneModel().SetFilter(whole))
		} else {
			empty = append(empty, driver.NewUpdateOneModel().SetFilter(whole).SetUpdate(bson.D{{Key: "$unset",
				Value: bson.D{{Key: "outbox", Value: ""}, {Key: "relay_due", Value: ""}, {Key: "relay_by", Value: ""}}}}))
		}
		taken := bson.E{Key: "$pull", Value: bson.D{{Key: "outbox", Value: bson.D{{Key: "seq", Value: bson.D{{Key: "$in", Value: h.seqs}}}}}}}
		leased := append(slices.Clip(filter), bson.E{Key: "relay_by", Value: bson.D{{Key: "$exists", Value: true}}})
		pull = append(pull, driver.NewUpdateOneModel().SetFilter(leased).SetUpdate(bson.D{taken, {Key: "$set", Value: bson.D{{Key: "relay_due", Value: 1}}}}),
			driver.NewUpdateOneModel().SetFilter(filter).SetUpdate(bson.D{taken})) // one that was put back waits as long as it was told to
	}
	r, err := db.in(in).BulkWrite(ctx, empty, options.BulkWrite().SetOrdered(false))
	if err != nil {
		return failed(ctx, err)
	}
	if int(r.ModifiedCount+r.DeletedCount) == len(all) {
		return nil
	}
	if _, err = db.in(in).BulkWrite(ctx, pull); err != nil { // in order: a second one finds nothing where the first did
		return failed(ctx, err)
	}
	select {
	case db.wake <- struct{}{}:
	default:
	}
	return nil
}

func placeOf(l event.Leased) (in, id string) {
	for i := range l.Place {
		if l.Place[i] == '/' {
			return l.Place[:i], l.Place[i+1:]
		}
	}
	return "outbox", l.Place
}

// Retry lets a fact and those behind it wait, or parks it.
func (db *DB) Retry(ctx context.Context, failure event.Leased, behind []event.Leased, at time.Time, park bool) error {
	in, id := placeOf(failure)
	for _, l := range behind { // of the same subject in another document
		if l.Place == failure.Place {
			continue
		}
		due := at.UnixMilli()
		if park {
			due = 1
		}
		in, id := placeOf(l)
		if _, err := db.in(in).UpdateOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "relay_fence", Value: l.Fence}}, bson.D{{Key: "$set", Value: bson.D{{Key: "relay_due", Value: due}}}, {Key: "$unset", Value: bson.D{{Key: "relay_by", Value: ""}}}}); err != nil {
			return fmt.Errorf("put events back: %w", failed(ctx, err))
		}
	}
	if park {
		if err := db.park(ctx, in, id, failure.Fence, failure.Seq); err != nil {
			return fmt.Errorf("park an event: %w", err)
		}
		return nil
	}
	_, err := db.in(in).UpdateOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "relay_fence", Value: failure.Fence}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "relay_due", Value: at.UnixMilli()}}}, {Key: "$unset", Value: bson.D{{Key: "relay_by", Value: ""}}},
			{Key: "$inc", Value: bson.D{{Key: "outbox.$[failed].attempts", Value: 1}}}},
		options.UpdateOne().SetArrayFilters([]any{bson.D{{Key: "failed.seq", Value: failure.Seq}}}))
	if err != nil {
		return fmt.Errorf("put events back: %w", failed(ctx, err))
	}
	return nil
}

// Lag counts what waits.
func (db *DB) Lag(ctx context.Context, now time.Time) (event.Lag, error) {
	var mu sync.Mutex
	var lag event.Lag
	var g group
	for _, in := range carriers {
		g.Go(func() error {
			count := driver.Pipeline{{{Key: "$match", Value: bson.D{{Key: "relay_due", Value: bson.D{{Key: "$exists", Value: true}}}}}},
				{{Key: "$group", Value: bson.D{{Key: "_id", Value: nil}, {Key: "n", Value: bson.D{{Key: "$sum", Value: bson.D{{Key: "$size", Value: "$outbox"}}}}}}}}}
			cursor, err := db.in(in).Aggregate(ctx, count)
			return scanned(ctx, cursor, err, func(raw bson.Raw) error {
				n, _ := raw.Lookup("n").AsInt64OK()
				mu.Lock()
				defer mu.Unlock()
				lag.Pending += int(n)
				return nil
			})
		})
		g.Go(func() error {
			return db.scan(ctx, in, isDue(now)[0], func(raw bson.Raw) error {
				var w waiting
				var e event.Event
				if bson.Unmarshal(raw, &w) != nil || len(w.Outbox) == 0 || decode(w.Outbox[0].Event, &e) != nil {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				lag.Oldest = max(lag.Oldest, now.Sub(e.At))
				return nil
			}, options.Find().SetProjection(outboxOnly).SetSort(bson.D{{Key: "relay_due", Value: 1}}).SetHint(inOrderOf("relay_due")).SetLimit(1))
		})
	}
	g.Go(func() error {
		n, err := db.in("parked").EstimatedDocumentCount(ctx)
		mu.Lock()
		defer mu.Unlock()
		lag.Parked = int(n)
		return failed(ctx, err)
	})
	if err := g.Wait(); err != nil {
		return event.Lag{}, fmt.Errorf("count events: %w", err)
	}
	return lag, nil
}

func eachCarrier(all []waiting, do func(in string, docs []waiting) error) error {
	by := map[string][]waiting{}
	for _, w := range all {
		by[w.in] = append(by[w.in], w)
	}
	var g group
	for in, docs := range by {
		g.Go(func() error { return do(in, docs) })
	}
	return g.Wait()
}

// group runs things beside each other and keeps the first error.
type group struct {
	wg   sync.WaitGroup
	once sync.Once
	err  error
}

func (g *group) Go(do func() error) {
	g.wg.Go(func() {
		if err := do(); err != nil {
			g.once.Do(func() { g.err = err })
		}
	})
}

func (g *group) Wait() error {
	g.wg.Wait()
	return g.err
}
