package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// follow is a write of another document that a write causes. It travels in the document that is written:
//
//	then:    what is to follow, packed
//	then_at: since when (milliseconds)
//
// and is done right after it. When the process dies in between, whichever looks next does it; so each must be one that may be done
// twice, and, where it matters, one that a later write of the same document's is not undone by (a filter by rev). What follows a
// write is done before the next change of the document that carries it.
type follow struct {
	In     string `bson:"in"`
	Filter bson.D `bson:"filter"`
	Update bson.D `bson:"update,omitempty"` // an upsert; a key that is taken, by what the filter does not find, means that it was done, or overtaken
	Remove bool   `bson:"remove,omitempty"` // of all that the filter finds, instead
}

const (
	followLate  = 5 * time.Second // after which whoever wrote it is taken for dead
	followPoll  = 10 * time.Second
	followBatch = 100
)

// followers are the collections whose documents carry what is to follow.
var followers = []string{"reports", "invitations"}

var followIndexes = func() (all []index) {
	for _, in := range followers {
		all = append(all, index{in: in, keys: bson.D{{Key: "then_at", Value: 1}}, exists: "then_at", serves: "what did not follow a write yet"})
	}
	return all
}()

// packFollows makes bytes of them: their operators are not to be taken for those of the write that carries them.
func packFollows(all []follow) (bson.Binary, error) {
	b, err := bson.Marshal(struct {
		All []follow `bson:"all"`
	}{all})
	if err != nil {
		return bson.Binary{}, fmt.Errorf("pack what follows: %w", err)
	}
	return bson.Binary{Data: b}, nil
}

// followUp does what follows a write that was just made. That the write is safe is known already: an error is left to who looks next.
func (db *DB) followUp(ctx context.Context, in, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime)
	defer cancel()
	raw, err := db.in(in).FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Raw()
	if err == nil {
		_ = db.followUpNow(ctx, in, raw)
	}
}

// followUpNow does what follows and then forgets it.
func (db *DB) followUpNow(ctx context.Context, in string, raw bson.Raw) error {
	_, packed, ok := raw.Lookup("then").BinaryOK()
	if !ok {
		return nil
	}
	var then struct {
		All []follow `bson:"all"`
	}
	if err := bson.Unmarshal(packed, &then); err != nil {
		return unreadable{fmt.Errorf("what follows a write: %w", err)}
	}
	for begin := 0; begin < len(then.All); { // neighbours of one collection go together
		end := begin
		var models []driver.WriteModel
		for ; end < len(then.All) && then.All[end].In == then.All[begin].In; end++ {
			f := then.All[end]
			if f.Remove {
				models = append(models, driver.NewDeleteManyModel().SetFilter(f.Filter))
			} else {
				models = append(models, driver.NewUpdateOneModel().SetFilter(f.Filter).SetUpdate(f.Update).SetUpsert(true))
			}
		}
		if err := db.inOrder(ctx, then.All[begin].In, models); err != nil {
			return err
		}
		begin = end
	}
	_, err := db.in(in).UpdateOne(ctx, bson.D{{Key: "_id", Value: raw.Lookup("_id")}, {Key: "then", Value: raw.Lookup("then")}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "then", Value: ""}, {Key: "then_at", Value: ""}}}})
	return failed(ctx, err)
}

// inOrder does writes one after the other. A key that is taken stops none: maybe somebody else wrote it in this moment, so it is
// tried once more, with what is there now.
func (db *DB) inOrder(ctx context.Context, in string, models []driver.WriteModel) error {
	for len(models) > 0 {
		_, err := db.in(in).BulkWrite(ctx, models)
		if err == nil {
			return nil
		}
		bulk, ok := err.(driver.BulkWriteException)
		if !ok || !taken(err) || len(bulk.WriteErrors) == 0 {
			return failed(ctx, err)
		}
		models = models[bulk.WriteErrors[0].Index:]
		if up, ok := models[0].(*driver.UpdateOneModel); ok {
			if _, err := db.in(in).UpdateOne(ctx, up.Filter, up.Update); err != nil && !taken(err) {
				return failed(ctx, err)
			}
		}
		models = models[1:]
	}
	return nil
}

// follow looks from time to time for what did not follow because a process died.
func (db *DB) follow() {
	tick := time.NewTicker(followPoll)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), followPoll)
		_ = db.FollowLate(ctx, time.Now().Add(-followLate)) // an error passes, and the next look does it
		cancel()
		select {
		case <-db.closing:
			return
		case <-tick.C:
		}
	}
}

// FollowLate does what was to follow writes from before a moment and did not.
func (db *DB) FollowLate(ctx context.Context, before time.Time) error {
	var errs []error
	for _, in := range followers {
		var late []bson.Raw
		filter := bson.D{{Key: "then_at", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lt", Value: before.UnixMilli()}}}}
		if err := db.scan(ctx, in, filter, func(raw bson.Raw) error {
			late = append(late, append(bson.Raw(nil), raw...))
			return nil
		}, options.Find().SetSort(bson.D{{Key: "then_at", Value: 1}}).SetHint(inOrderOf("then_at")).SetLimit(followBatch)); err != nil {
			return err
		}
		for _, raw := range late {
			errs = append(errs, db.followUpNow(ctx, in, raw)) // one that fails holds up no other
		}
	}
	return errors.Join(errs...)
}
