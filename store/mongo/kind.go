package mongo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

// kind says how an aggregate lies in its collection: {_id, v, rev, doc, and beside doc the fields that queries need}.
type kind[T any] struct {
	in     string
	id     func(*T) string
	rev    func(*T) *int64
	fields func(*T) (bson.D, error) // beside the document; one whose value is nil is not there
	read   func(*T, bson.Raw) error // takes what lies beside the document only; nil for nothing
	reads  bson.D                   // the projection of what get and update need besides then; nil for the whole document
}

// docVersion is the version of the form of documents. See schema.go.
const docVersion = 1

// effects are what a write causes, and what is written with it.
type effects struct {
	events []event.Event
	then   []follow
}

// fresh is the document of a new aggregate.
func (k kind[T]) fresh(v *T, e effects) (bson.D, error) {
	doc, err := encode(v)
	if err != nil {
		return nil, fmt.Errorf("encode for %s: %w", k.in, err)
	}
	d := bson.D{{Key: "_id", Value: k.id(v)}, {Key: "v", Value: docVersion}}
	if k.rev != nil {
		d = append(d, bson.E{Key: "rev", Value: *k.rev(v)})
	}
	if k.fields != nil {
		fields, err := k.fields(v)
		if err != nil {
			return nil, err
		}
		for _, f := range fields {
			if f.Value != nil {
				d = append(d, f)
			}
		}
	}
	d = append(d, bson.E{Key: "doc", Value: doc})
	if slices.Contains(carriers, k.in) { // facts that are added later need it too
		d = append(d, bson.E{Key: "relay_fence", Value: rand.Int64N(1 << 62)})
	}
	if len(e.events) > 0 {
		entries, err := outboxEntries(e.events)
		if err != nil {
			return nil, err
		}
		d = append(d, bson.E{Key: "outbox", Value: entries}, bson.E{Key: "relay_due", Value: outboxDue(e.events)})
	}
	if len(e.then) > 0 {
		then, err := packFollows(e.then)
		if err != nil {
			return nil, err
		}
		d = append(d, bson.E{Key: "then", Value: then}, bson.E{Key: "then_at", Value: time.Now().UnixMilli()})
	}
	return d, nil
}

// insert adds a new one. A key that is taken is an error for which taken is true.
func (k kind[T]) insert(ctx context.Context, db *DB, v *T, e effects) error {
	d, err := k.fresh(v, e)
	if err != nil {
		return err
	}
	_, err = db.in(k.in).InsertOne(ctx, d)
	for try := 1; clashed(err) && try < clashes; try++ {
		pause(ctx, try)
		_, err = db.in(k.in).InsertOne(ctx, d)
	}
	if err != nil {
		return failed(ctx, err)
	}
	db.published(e.events)
	if len(e.then) > 0 {
		db.followUp(ctx, k.in, k.id(v))
	}
	return nil
}

// add is insert, for which a taken key is that fault.
func (k kind[T]) add(ctx context.Context, db *DB, v *T, e effects, whenTaken fault.Code) error {
	err := k.insert(ctx, db, v, e)
	if taken(err) {
		return fault.New(whenTaken)
	}
	return err
}

// addAll adds those whose ids are new and says which were.
func (k kind[T]) addAll(ctx context.Context, db *DB, all []*T) (added []*T, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	docs := make([]any, len(all))
	for i, v := range all {
		if docs[i], err = k.fresh(v, effects{}); err != nil {
			return nil, err
		}
	}
	_, err = db.in(k.in).InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var bulk driver.BulkWriteException
	if errors.As(err, &bulk) && bulk.WriteConcernError == nil {
		there := map[int]bool{}
		for _, e := range bulk.WriteErrors {
			if e.Code != 11000 {
				return nil, failed(ctx, err)
			}
			there[e.Index] = true
		}
		for i, v := range all {
			if !there[i] {
				added = append(added, v)
			}
		}
		return added, nil
	}
	if err != nil {
		return nil, failed(ctx, err)
	}
	return all, nil
}

// of makes an aggregate of a stored document.
func (k kind[T]) of(raw bson.Raw) (*T, error) {
	doc, ok := raw.Lookup("doc").DocumentOK()
	if !ok {
		return nil, unreadable{fmt.Errorf("a document of %s has no doc", k.in)}
	}
	v := new(T)
	if err := decode(doc, v); err != nil {
		return nil, unreadable{fmt.Errorf("stored in %s: %w", k.in, err)}
	}
	if k.read != nil {
		if err := k.read(v, raw); err != nil {
			return nil, unreadable{err}
		}
	}
	return v, nil
}

// unreadable is an error of a document that cannot be decoded.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// get reads one by its id; fault.NotFound.
func (k kind[T]) get(ctx context.Context, db *DB, id string) (*T, error) {
	return k.one(ctx, db, bson.D{{Key: "_id", Value: id}}, k.whole())
}

// whole is what is read of one document.
func (k kind[T]) whole() *options.FindOneOptionsBuilder {
	o := options.FindOne()
	if k.reads != nil {
		o.SetProjection(append(slices.Clip(k.reads), bson.E{Key: "then", Value: 1}))
	}
	return o
}

// one reads the first that the filter finds; fault.NotFound.
func (k kind[T]) one(ctx context.Context, db *DB, filter bson.D, o ...options.Lister[options.FindOneOptions]) (*T, error) {
	raw, err := db.in(k.in).FindOne(ctx, filter, o...).Raw()
	if err != nil {
		return nil, failed(ctx, err)
	}
	return k.of(raw)
}

// all reads what the filter finds. Use each when there may be many.
func (k kind[T]) all(ctx context.Context, db *DB, filter bson.D, o ...options.Lister[options.FindOptions]) ([]*T, error) {
	var all []*T
	err := k.each(ctx, db, filter, func(v *T, _ bson.Raw) error {
		all = append(all, v)
		return nil
	}, o...)
	return all, err
}

// each visits what the filter finds, with the whole document, which is valid during the call only.
func (k kind[T]) each(ctx context.Context, db *DB, filter bson.D, visit func(*T, bson.Raw) error, o ...options.Lister[options.FindOptions]) error {
	return db.scan(ctx, k.in, filter, func(raw bson.Raw) error {
		v, err := k.of(raw)
		if err != nil {
			return err
		}
		return visit(v, raw)
	}, o...)
}

// scan visits documents.
func (db *DB) scan(ctx context.Context, in string, filter any, visit func(bson.Raw) error, o ...options.Lister[options.FindOptions]) error {
	cursor, err := db.in(in).Find(ctx, filter, o...)
	return scanned(ctx, cursor, err, visit)
}

// scanned visits what a cursor gives and closes it.
func scanned(ctx context.Context, cursor *driver.Cursor, err error, visit func(bson.Raw) error) error {
	if err != nil {
		return failed(ctx, err)
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	for cursor.Next(ctx) {
		if err := visit(cursor.Current); err != nil {
			return err
		}
	}
	return failed(ctx, cursor.Err())
}

// update changes one. Changes of one document that are asked for at the same time in this process are written together, in the order
// in which they came; a change of another process in between lets them run again. A change that fails changes nothing, and none of
// the others.
func (k kind[T]) update(ctx context.Context, db *DB, id string, change func(*T) (effects, error)) (*T, error) {
	j := &change1[T]{do: change}
	err := db.crowd.join(ctx, k.in+"/"+id, j, func(jobs []any) { k.write(context.WithoutCancel(ctx), db, id, jobs) })
	if err != nil {
		return nil, err
	}
	return j.v, j.err
}

type change1[T any] struct {
	do  func(*T) (effects, error)
	v   *T
	err error
}

// write does what one or several asked for, in one write.
func (k kind[T]) write(ctx context.Context, db *DB, id string, jobs []any) {
	ctx, cancel := context.WithTimeout(ctx, operationTime)
	defer cancel()
	fail := func(err error) {
		for _, j := range jobs {
			if j := j.(*change1[T]); j.err == nil {
				j.v, j.err = nil, err
			}
		}
	}
	for try := 0; ctx.Err() == nil; try++ {
		won, err := k.attempt(ctx, db, id, jobs)
		if taken(err) && len(jobs) > 1 { // one of them wants a key that is taken; the others do not
			for i := range jobs {
				k.write(ctx, db, id, jobs[i:i+1])
			}
			return
		}
		if err != nil {
			fail(err)
			return
		}
		if won {
			return
		}
		pause(ctx, try)
	}
	fail(fault.Later(fault.Unavailable, retryAfter))
}

// pause lets others go first who change the same document.
func pause(ctx context.Context, try int) {
	if try == 0 {
		return
	}
	t := time.NewTimer(rand.N(time.Duration(min(try, 20)) * 2 * time.Millisecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (k kind[T]) attempt(ctx context.Context, db *DB, id string, jobs []any) (won bool, err error) {
	raw, err := db.in(k.in).FindOne(ctx, bson.D{{Key: "_id", Value: id}}, k.whole()).Raw()
	if err != nil {
		return false, failed(ctx, err)
	}
	if _, err := raw.LookupErr("then"); err == nil { // what an earlier write caused comes before
		return false, db.followUpNow(ctx, k.in, raw)
	}
	was, _ := raw.Lookup("rev").AsInt64OK()
	current, all := raw, effects{}
	var last *T
	for _, j := range jobs {
		j := j.(*change1[T])
		j.v, j.err = nil, nil
		v, err := k.of(current)
		if err != nil {
			return false, err
		}
		e, err := guarded(v, j.do)
		if err != nil {
			j.err = err
			continue
		}
		*k.rev(v)++
		doc, err := encode(v)
		if err != nil {
			j.err = fmt.Errorf("encode for %s: %w", k.in, err)
			continue
		}
		j.v, last = v, v
		all.events, all.then = append(all.events, e.events...), append(all.then, e.then...)
		current = withDoc(raw, doc)
	}
	if last == nil {
		return true, nil // each was refused
	}
	up, err := k.changed(last, all)
	if err != nil {
		return false, err
	}
	r, err := db.in(k.in).UpdateOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "rev", Value: was}}, up)
	if clashed(err) {
		return false, nil
	}
	if err != nil {
		return false, failed(ctx, err)
	}
	if r.MatchedCount == 0 {
		return false, nil
	}
	db.published(all.events)
	if len(all.then) > 0 {
		db.followUp(ctx, k.in, id)
	}
	return true, nil
}

func guarded[T any](v *T, change func(*T) (effects, error)) (e effects, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write panicked: %v", p)
		}
	}()
	return change(v)
}

// withDoc is the document with another doc. What lies beside it stays as it was: it is not what changes read.
func withDoc(raw, doc bson.Raw) bson.Raw {
	elements, _ := raw.Elements()
	d := bson.D{}
	for _, e := range elements {
		if e.Key() == "doc" {
			d = append(d, bson.E{Key: "doc", Value: doc})
		} else {
			d = append(d, bson.E{Key: e.Key(), Value: e.Value()})
		}
	}
	b, _ := bson.Marshal(d) // of what was read and encoded just now
	return b
}

// changed is the update that writes an aggregate over the one that is there.
func (k kind[T]) changed(v *T, e effects) (bson.D, error) {
	doc, err := encode(v)
	if err != nil {
		return nil, fmt.Errorf("encode for %s: %w", k.in, err)
	}
	set, unset := bson.D{{Key: "v", Value: docVersion}, {Key: "doc", Value: doc}}, bson.D{}
	if k.rev != nil {
		set = append(set, bson.E{Key: "rev", Value: *k.rev(v)})
	}
	if k.fields != nil {
		fields, err := k.fields(v)
		if err != nil {
			return nil, err
		}
		for _, f := range fields {
			if f.Value == nil {
				unset = append(unset, bson.E{Key: f.Key, Value: ""})
			} else {
				set = append(set, f)
			}
		}
	}
	if len(e.then) > 0 {
		then, err := packFollows(e.then)
		if err != nil {
			return nil, err
		}
		set = append(set, bson.E{Key: "then", Value: then}, bson.E{Key: "then_at", Value: time.Now().UnixMilli()})
	}
	up := bson.D{{Key: "$set", Value: set}}
	if len(unset) > 0 {
		up = append(up, bson.E{Key: "$unset", Value: unset})
	}
	if len(e.events) > 0 {
		push, err := outboxPush(e.events)
		if err != nil {
			return nil, err
		}
		up = append(up, push...)
	}
	return up, nil
}

// ids are what a filter gets for one of several.
func among[S ~string](of []S) bson.D {
	list := make(bson.A, len(of))
	for i, s := range slices.All(of) {
		list[i] = string(s)
	}
	return bson.D{{Key: "$in", Value: list}}
}
