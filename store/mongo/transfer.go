package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/store/transfer"
)

var _ transfer.Target = (*DB)(nil)

// moved says how the records of a kind lie in a collection.
type moved struct {
	in     string
	filter bson.D // of the documents that are records; nil for all
	// read makes the records of a document, nearly always one.
	read func(ctx context.Context, db *DB, raw bson.Raw) ([]any, error)
	// put makes the writes of a record.
	put func(record json.RawMessage) ([]placed, error)
	// further collections that hold records of the kind as well
	also []string
}

// placed is a write of a collection.
type placed struct {
	in    string
	write driver.WriteModel
}

func movedOf(kind string) (*moved, error) {
	m, ok := movedKinds[kind]
	if !ok {
		return nil, fmt.Errorf("no such kind of records: %s", kind)
	}
	return m, nil
}

// CountRecords of a kind.
func (db *DB) CountRecords(ctx context.Context, kind string) (int64, error) {
	m, err := movedOf(kind)
	if err != nil {
		return 0, err
	}
	if err := db.settleAll(ctx); err != nil {
		return 0, err
	}
	var all int64
	for _, in := range append([]string{m.in}, m.also...) {
		filter := m.filter
		if filter == nil {
			filter = bson.D{}
		}
		n, err := db.in(in).CountDocuments(ctx, filter)
		if err != nil {
			return 0, failed(ctx, err)
		}
		all += n
	}
	return all, nil
}

// settleAll does what follows writes and was not done yet, and counts what is not counted.
func (db *DB) settleAll(ctx context.Context) error {
	if err := db.FollowLate(ctx, time.Now().Add(time.Minute)); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = db.countBatch(ctx, moment(never)); err != nil {
			return err
		}
	}
	return nil
}

// Records are the next after a position, which is a collection and the _id of a document.
func (db *DB) Records(ctx context.Context, kind, after string, limit int) (records []json.RawMessage, next string, err error) {
	m, err := movedOf(kind)
	if err != nil {
		return nil, "", err
	}
	collections := append([]string{m.in}, m.also...)
	filter := m.filter
	if in, id, found := strings.Cut(after, " "); found {
		collections = collections[max(0, slices.Index(collections, in)):]
		if id != "" {
			var at bson.D
			if err := bson.UnmarshalExtJSON([]byte(id), true, &at); err != nil || len(at) != 1 {
				return nil, "", fmt.Errorf("%s: no such position", kind)
			}
			filter = append(bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: at[0].Value}}}}, filter...)
		}
	}
	if filter == nil {
		filter = bson.D{}
	}
	n, last := 0, bson.RawValue{}
	err = db.scan(ctx, collections[0], filter, func(raw bson.Raw) error {
		n++
		id := raw.Lookup("_id")
		last = bson.RawValue{Type: id.Type, Value: slices.Clone(id.Value)}
		all, err := m.read(ctx, db, raw)
		if err != nil {
			return err
		}
		for _, v := range all {
			record, err := transfer.Encode(v)
			if err != nil {
				return err
			}
			records = append(records, record)
		}
		return nil
	}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)))
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("read %s: %w", kind, err)
	case n == limit:
		b, err := bson.MarshalExtJSON(bson.D{{Key: "_id", Value: last}}, true, false)
		if err != nil {
			return nil, "", err
		}
		next = collections[0] + " " + string(b)
	case len(collections) > 1:
		next = collections[1] + " "
	}
	return records, next, nil
}

// PutRecords writes records in the place of those that are the same one.
func (db *DB) PutRecords(ctx context.Context, kind string, records []json.RawMessage) error {
	m, err := movedOf(kind)
	if err != nil {
		return err
	}
	writes := map[string][]driver.WriteModel{}
	for _, r := range records {
		all, err := m.put(r)
		if err != nil {
			return fmt.Errorf("write %s: %w", kind, err)
		}
		for _, p := range all {
			writes[p.in] = append(writes[p.in], p.write)
		}
	}
	for in, all := range writes {
		if err := db.inOrder(ctx, in, all); err != nil {
			return fmt.Errorf("write %s: %w", kind, err)
		}
	}
	return nil
}

// CopyState is what was kept of a copy into this store.
func (db *DB) CopyState(ctx context.Context) (string, error) {
	var s struct {
		State string `bson:"state"`
	}
	err := db.in("copy_state").FindOne(ctx, bson.D{{Key: "_id", Value: "copy"}}).Decode(&s)
	if errors.Is(err, driver.ErrNoDocuments) {
		return "", nil
	}
	return s.State, failed(ctx, err)
}

// SetCopyState keeps it.
func (db *DB) SetCopyState(ctx context.Context, state string) error {
	_, err := db.in("copy_state").UpdateOne(ctx, bson.D{{Key: "_id", Value: "copy"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: state}}}}, options.UpdateOne().SetUpsert(true))
	return failed(ctx, err)
}

// replaced is a document in the place of the one that has its _id.
func replaced(in string, d bson.D) placed {
	return placed{in, driver.NewReplaceOneModel().SetFilter(bson.D{{Key: "_id", Value: d[0].Value}}).SetReplacement(d).SetUpsert(true)}
}

// movedKind are aggregates that are records as they are.
func movedKind[T any](k kind[T]) *moved {
	return &moved{in: k.in, read: func(_ context.Context, _ *DB, raw bson.Raw) ([]any, error) {
		v, err := k.of(raw)
		return []any{v}, err
	}, put: func(record json.RawMessage) ([]placed, error) {
		v, err := transfer.Decode[T](record)
		if err != nil {
			return nil, err
		}
		d, err := k.fresh(v, effects{})
		return []placed{replaced(k.in, d)}, err
	}}
}
