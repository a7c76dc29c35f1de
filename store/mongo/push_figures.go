package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/push"
)

// figure is a row of the figures: how many deliveries that could go on a day came to an outcome, and how many of a broadcast did.
type figure struct {
	Day       string `bson:"day,omitempty"` // empty for what counts for the broadcast alone
	Centre    string `bson:"centre,omitempty"`
	Channel   string `bson:"channel,omitempty"`
	Outcome   string `bson:"outcome"`
	Reason    string `bson:"reason,omitempty"`
	Bucket    int    `bson:"bucket,omitempty"`
	Broadcast string `bson:"broadcast,omitempty"`
}

// counts are increments of the figures.
type counts map[figure]int64

func (c counts) add(d push.Delivery, s push.State, reason string, at time.Time) {
	c.put(d, s, reason, at, 1)
}

// take back that a delivery came to where it is.
func (c counts) take(d push.Delivery) { c.put(d, d.State, d.Reason, d.Changed, -1) }

// acknowledge counts what a phone said: who read a message has it, and what a phone has was sent to it or fetched.
func (c counts) acknowledge(d push.Delivery, to push.State, reason string, at time.Time) {
	if to == push.Suppressed {
		c.add(d, to, reason, at)
		return
	}
	if d.State.Open() {
		c.add(d, push.Accepted, "", at)
	}
	if d.State != push.Delivered {
		c.add(d, push.Delivered, "", at)
	}
	if to == push.Read {
		c.add(d, push.Read, "", at)
	}
}

// put finds the same class for what is read back, in milliseconds.
func (c counts) put(d push.Delivery, s push.State, reason string, at time.Time, n int64) {
	if d.Day != "" {
		c[figure{d.Day, d.Centre, d.Channel, string(s), reason, push.DelayBucket(at.Truncate(time.Millisecond).Sub(d.Planned)), d.Broadcast}] += n
	}
}

// queued counts that deliveries of broadcasts were queued.
func (c counts) queued(ds []push.Delivery) {
	for _, d := range ds {
		if d.Broadcast != "" {
			c[figure{Outcome: string(push.Queued), Broadcast: d.Broadcast}]++
		}
	}
}

// counted is a figure with how many more there are, as it waits in a document.
type counted struct {
	Figure figure `bson:",inline"`
	N      int64  `bson:"n"`
}

// entries are what a document keeps until it is counted.
func (c counts) entries() (all bson.A) {
	for f, n := range c {
		if n != 0 {
			all = append(all, counted{f, n})
		}
	}
	return all
}

// A change of a delivery is counted exactly once, although its counter lies in another document. The change is written with its figures
// beside it, and then batches of them are counted, one at a time in the whole store:
//
//  1. The document "batch" gets the next number, the figures of up to figuresBatch documents, and the rev that each had.
//  2. Each of these that has that rev and its figures still loses them and gets the number in counted. One that was changed meanwhile
//     keeps them for a later batch.
//  3. What the documents with that number had is added to the counters, each of which remembers the last number and takes none twice.
//  4. The batch is emptied.
//
// Who finds a batch that another left does 2 to 4, whether that one is dead or slow: once 2 was done by anybody nothing can change
// which documents have the number until 4 was, and a counter that has had a number takes nothing more of it.
//
//	batch:                 {n, at, figures, docs}
//	day/<day>/<centre>:    {seen, day, centre, n: {<channel>/<outcome>/<bucket>/<reason>: how many}}
//	broadcast/<broadcast>: {seen, n: {<outcome>: how many}}
const figuresIn = "figures"

const (
	figuresBatch = 500
	figuresLate  = 2 * time.Second // after which who began a batch is taken for dead
	figuresLook  = 5 * time.Second
	figuresRest  = 5 * time.Second // for which changes gather before they are counted unless somebody asks
	figuresAsked = 4               // batches that are counted before somebody gets an answer, and …
	figuresWait  = 3 * time.Second // … how long for
)

// batch is one that is being counted.
type batch struct {
	N       int64      `bson:"n"`
	At      int64      `bson:"at,omitempty"`
	Figures []figure   `bson:"figures,omitempty"`
	Docs    []batchDoc `bson:"docs,omitempty"`
}

type batchDoc struct {
	In  string        `bson:"in"`
	ID  string        `bson:"id"`
	Rev bson.RawValue `bson:"rev,omitempty"`
	Of  []int64       `bson:"of,omitempty"` // which of the batch's figures, and how many more, by turns
}

// lateFigures does so from time to time.
func (db *DB) lateFigures() {
	tick := time.NewTicker(figuresLook)
	defer tick.Stop()
	for {
		select {
		case <-db.closing:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), operationTime)
		for more := true; more && ctx.Err() == nil; {
			select {
			case <-db.closing:
				more = false
			default:
				more, _ = db.countBatch(ctx, time.Now().Add(-figuresRest)) // an error passes, and the next look does it
			}
		}
		cancel()
	}
}

// countFigures counts what waits, as far as that can be waited for.
func (db *DB) countFigures(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, figuresWait)
	defer cancel()
	for range figuresAsked {
		more, err := db.countBatch(ctx, moment(never))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// countBatch counts a batch of the figures from before a moment, and says whether there may be more. One that another counts it waits for.
func (db *DB) countBatch(ctx context.Context, before time.Time) (more bool, err error) {
	for try := 0; ; try++ {
		b, err := db.batch(ctx)
		if err != nil {
			return false, err
		}
		left := len(b.Docs) > 0
		if !left {
			found, err := db.uncounted(ctx, before)
			if err != nil || len(found) == 0 {
				return false, err
			}
			var won bool
			if b, won, err = db.beginBatch(ctx, b.N, found); err != nil {
				return false, err
			} else if !won {
				continue
			}
		} else if age := time.Since(moment(b.At)); age > -figuresLate && age < figuresLate {
			if pause(ctx, try+1); ctx.Err() != nil {
				return false, ctx.Err()
			}
			continue
		}
		return left || len(b.Docs) == figuresBatch, db.finishBatch(ctx, b)
	}
}

// batch reads it.
func (db *DB) batch(ctx context.Context) (b batch, err error) {
	err = db.in(figuresIn).FindOne(ctx, bson.D{{Key: "_id", Value: "batch"}}).Decode(&b)
	if errors.Is(err, driver.ErrNoDocuments) {
		return b, nil
	}
	return b, failed(ctx, err)
}

// uncounted is a document with figures.
type uncounted struct {
	in   string
	ID   string        `bson:"_id"`
	Rev  bson.RawValue `bson:"deliveries_rev"`
	Rows bson.RawValue `bson:"figures"`
}

func (db *DB) uncounted(ctx context.Context, before time.Time) (all []uncounted, err error) {
	filter := bson.D{{Key: "uncounted", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: int64(0)}, {Key: "$lte", Value: millis(before)}}}}
	for _, in := range deliveryCarriers {
		err := db.scan(ctx, in, filter, func(raw bson.Raw) error {
			u := uncounted{in: in}
			if err := bson.Unmarshal(slices.Clone(raw), &u); err == nil {
				all = append(all, u)
			}
			return nil
		}, options.Find().SetProjection(bson.D{{Key: "deliveries_rev", Value: 1}, {Key: "figures", Value: 1}}).SetSort(bson.D{{Key: "uncounted", Value: 1}}).
			SetHint(inOrderOf("uncounted")).SetLimit(figuresBatch))
		if err != nil {
			return nil, err
		}
	}
	return all[:min(len(all), figuresBatch)], nil
}

// beginBatch makes a batch of documents, after the one with number n.
func (db *DB) beginBatch(ctx context.Context, n int64, found []uncounted) (b batch, won bool, err error) {
	b = batch{N: n + 1, At: time.Now().UnixMilli()}
	at := map[figure]int64{}
	for _, u := range found {
		x := batchDoc{In: u.in, ID: u.ID, Rev: u.Rev}
		for f, n := range rowsOf(u.Rows) {
			i, ok := at[f]
			if !ok {
				i = int64(len(b.Figures))
				at[f], b.Figures = i, append(b.Figures, f)
			}
			x.Of = append(x.Of, i, n)
		}
		b.Docs = append(b.Docs, x)
	}
	slices.SortFunc(b.Docs, func(a, b batchDoc) int { return cmp.Compare(a.ID, b.ID) })
	filter := bson.D{{Key: "_id", Value: "batch"}, {Key: "n", Value: n}, {Key: "docs", Value: bson.D{{Key: "$exists", Value: false}}}}
	r, err := db.in(figuresIn).UpdateOne(ctx, filter, bson.D{{Key: "$set", Value: b}}, options.UpdateOne().SetUpsert(n == 0))
	if taken(err) {
		return b, false, nil
	}
	if err != nil {
		return b, false, failed(ctx, err)
	}
	return b, r.MatchedCount+r.UpsertedCount == 1, nil
}

// rowsOf reads the figures that wait in a document, as far as they can be read.
func rowsOf(v bson.RawValue) counts {
	all := counts{}
	list, ok := v.ArrayOK()
	if !ok {
		return all
	}
	values, _ := list.Values()
	for _, v := range values {
		var x counted
		if v.Unmarshal(&x) == nil {
			all[x.Figure] += x.N
		}
	}
	return all
}

// finishBatch counts it and empties it.
func (db *DB) finishBatch(ctx context.Context, b batch) error {
	held, err := db.takeBatch(ctx, b)
	if err != nil {
		return err
	}
	if err := db.addBatch(ctx, b.N, held); err != nil {
		return err
	}
	_, err = db.in(figuresIn).UpdateOne(ctx, bson.D{{Key: "_id", Value: "batch"}, {Key: "n", Value: b.N}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "at", Value: ""}, {Key: "figures", Value: ""}, {Key: "docs", Value: ""}}}})
	return failed(ctx, err)
}

// takeBatch takes the figures out of the documents and adds up what it took, or another did for the same batch.
func (db *DB) takeBatch(ctx context.Context, b batch) (counts, error) {
	all := counts{}
	for _, in := range deliveryCarriers {
		var writes []revWrite
		var ids []string
		of := map[string][]int64{}
		for _, d := range b.Docs {
			if d.In == in {
				ids = append(ids, d.ID)
				of[d.ID] = d.Of
				writes = append(writes, revWrite{d.ID, d.Rev, bson.D{{Key: "$set", Value: bson.D{{Key: "counted", Value: b.N}}},
					{Key: "$unset", Value: bson.D{{Key: "figures", Value: ""}, {Key: "uncounted", Value: ""}}}}})
			}
		}
		if len(writes) == 0 {
			continue
		}
		matched, _, err := db.writeAsRead(ctx, in, writes, bson.E{Key: "uncounted", Value: bson.D{{Key: "$exists", Value: true}}})
		if err != nil {
			return nil, err
		}
		if matched < len(ids) {
			held := ids[:0]
			if err := db.scan(ctx, in, bson.D{{Key: "_id", Value: among(slices.Clone(ids))}, {Key: "counted", Value: b.N}}, func(raw bson.Raw) error {
				held = append(held, raw.Lookup("_id").StringValue())
				return nil
			}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}})); err != nil {
				return nil, err
			}
			ids = held
		}
		for _, id := range ids {
			for x := of[id]; len(x) > 1; x = x[2:] {
				if x[0] >= 0 && int(x[0]) < len(b.Figures) {
					all[b.Figures[x[0]]] += x[1]
				}
			}
		}
	}
	return all, nil
}

// addBatch adds to the counters what they have not had.
func (db *DB) addBatch(ctx context.Context, n int64, all counts) error {
	type counter struct{ fields, inc bson.D }
	counters := map[string]*counter{}
	add := func(id, key string, more int64, fields ...bson.E) {
		c := counters[id]
		if c == nil {
			c = &counter{fields: append(fields, bson.E{Key: "v", Value: docVersion})}
			counters[id] = c
		}
		key = "n." + escapeName(key)
		if i := slices.IndexFunc(c.inc, func(e bson.E) bool { return e.Key == key }); i >= 0 {
			more += c.inc[i].Value.(int64)
			c.inc[i].Value = more
			return
		}
		c.inc = append(c.inc, bson.E{Key: key, Value: more})
	}
	for f, more := range all {
		if f.Day != "" {
			add("day/"+f.Day+"/"+f.Centre, f.Channel+"/"+f.Outcome+"/"+strconv.Itoa(f.Bucket)+"/"+f.Reason, more, bson.E{Key: "day", Value: f.Day}, bson.E{Key: "centre", Value: f.Centre})
		}
		if f.Broadcast != "" {
			add("broadcast/"+f.Broadcast, f.Outcome, more)
		}
	}
	var models []driver.WriteModel
	for _, id := range slices.Sorted(maps.Keys(counters)) {
		c := counters[id]
		models = append(models, driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: id}, {Key: "seen", Value: bson.D{{Key: "$lt", Value: n}}}}).SetUpsert(true).
			SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "seen", Value: n}}}, {Key: "$inc", Value: c.inc}, {Key: "$setOnInsert", Value: c.fields}}))
	}
	return db.inOrder(ctx, figuresIn, models) // a key that is taken has had it
}

// eachCount visits the counts of a counter.
func eachCount(raw bson.Raw, visit func(key string, n int64)) {
	doc, ok := raw.Lookup("n").DocumentOK()
	if !ok {
		return
	}
	elements, _ := doc.Elements()
	for _, e := range elements {
		if n, ok := e.Value().AsInt64OK(); ok && n != 0 {
			visit(nameUnescapes.Replace(e.Key()), n)
		}
	}
}

// CountDeliveries adds up the counters of days.
func (db *DB) CountDeliveries(ctx context.Context, f push.CountFilter) ([]push.DeliveryCount, error) {
	if err := db.countFigures(ctx); err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: "day/" + f.From + "/"}, {Key: "$lt", Value: "day/" + f.Through + "0"}}}} // 0 comes after /
	if f.Centres != nil {
		filter = append(filter, bson.E{Key: "centre", Value: among(f.Centres)})
	}
	sums := map[push.DeliveryCount]int64{}
	err := db.scan(ctx, figuresIn, filter, func(raw bson.Raw) error {
		eachCount(raw, func(key string, n int64) {
			if p := strings.SplitN(key, "/", 4); len(p) == 4 && (f.Channel == "" || p[0] == f.Channel) {
				bucket, _ := strconv.Atoi(p[2])
				sums[push.DeliveryCount{Channel: p[0], Outcome: push.State(p[1]), Bucket: bucket, Reason: p[3]}] += n
			}
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	var all []push.DeliveryCount
	for c, n := range sums {
		if c.N = n; n != 0 {
			all = append(all, c)
		}
	}
	return all, nil
}

// broadcastOutcomes reads the counter of a broadcast.
func (db *DB) broadcastOutcomes(ctx context.Context, id string) (map[push.State]int, error) {
	if err := db.countFigures(ctx); err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	all := map[push.State]int{}
	err := db.scan(ctx, figuresIn, bson.D{{Key: "_id", Value: "broadcast/" + id}}, func(raw bson.Raw) error {
		eachCount(raw, func(key string, n int64) { all[push.State(key)] = int(n) })
		return nil
	})
	return all, err
}
