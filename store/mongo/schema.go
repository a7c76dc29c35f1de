package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// index is one of a collection, with the query that needs it.
type index struct {
	in     string
	keys   bson.D
	unique bool
	exists string // holds only documents with this field
	expire bool   // documents go when the moment in the (only) key is past
	serves string
}

// indexes are all of them, declared beside the code that needs them.
func indexes() []index {
	return slices.Concat(outboxIndexes, followIndexes, accountsIndexes, answersIndexes, photosIndexes, questionnairesIndexes, roundsIndexes, reportIndexes, changeIndexes, messageIndexes, deliveryIndexes, ledgerIndexes, broadcastIndexes, auditIndexes, occasionIndexes, caseIndexes, invitationIndexes, responseIndexes, verbatimIndexes)
}

// clustered are collections that lie in the order of their ids: of others the server gives away the order in which documents came.
var clustered = []string{"responses", "verbatims"}

func (x index) name() string {
	var b strings.Builder
	for i, k := range x.keys {
		if i > 0 {
			b.WriteByte('_')
		}
		fmt.Fprintf(&b, "%s_%v", k.Key, k.Value)
	}
	return b.String()
}

func (x index) model() driver.IndexModel {
	o := options.Index().SetName(x.name())
	if x.unique {
		o.SetUnique(true)
	}
	if x.exists != "" {
		o.SetPartialFilterExpression(bson.D{{Key: x.exists, Value: bson.D{{Key: "$exists", Value: true}}}})
	}
	if x.expire {
		o.SetExpireAfterSeconds(0)
	}
	return driver.IndexModel{Keys: x.keys, Options: o}
}

// migration brings a store from one version to the next in two steps, so that programs of both versions can work on it meanwhile: before
// runs when the first new program starts and must leave what the old one understands, after runs (balagh store migrate --finish)
// when no old one is left. Both may run again after they were interrupted. A document says in v in which version's form it is.
type migration struct {
	before, after func(context.Context, *DB) error
}

// migrations[i] brings a store from version i+1 to i+2. A released one is never changed.
var migrations = []migration{intoFigures, ratingsIntoPages}

// wanted is the version that this program works with.
func (db *DB) wanted() int { return len(db.steps) + 1 }

// schema is what the store says of itself.
type schema struct {
	Version  int `bson:"version"`
	Finished int `bson:"finished"` // the version up to which the second steps were done; those before the first version count as done
}

func (db *DB) schema(ctx context.Context) (s schema, err error) {
	err = db.in("schema").FindOne(ctx, bson.D{{Key: "_id", Value: "schema"}}).Decode(&s)
	if errors.Is(err, driver.ErrNoDocuments) {
		return s, nil
	}
	return s, failed(ctx, err)
}

// ErrNewer says that a newer version of the program wrote the store.
var ErrNewer = errors.New("the store was written by a newer version of balagh")

// version is that of the store, 0 for one with nothing in it.
func (db *DB) version(ctx context.Context) (int, error) {
	s, err := db.schema(ctx)
	if err != nil {
		return 0, err
	}
	if s.Version > db.wanted() {
		return s.Version, fmt.Errorf("%w: it has schema %d, this program knows up to %d; use the newer program", ErrNewer, s.Version, db.wanted())
	}
	return s.Version, nil
}

// Version gives the schema that the store has, 0 for none yet, and the one that this program works with.
func (db *DB) Version(ctx context.Context) (is, wanted int, err error) {
	is, err = db.version(ctx)
	return is, db.wanted(), err
}

// Migrate makes what is missing: indexes, and the version. It is done twice, or by several programs at once, without harm.
func (db *DB) Migrate(ctx context.Context) error {
	version, err := db.version(ctx)
	if err != nil {
		return err
	}
	for v := max(version, 1); v < db.wanted(); v++ {
		if step := db.steps[v-1].before; step != nil && version > 0 {
			if err := step(ctx, db); err != nil {
				return fmt.Errorf("bring the store from schema %d to %d: %w", v, v+1, err)
			}
		}
	}
	if version == db.wanted() { // nearly always: looking is cheaper than making what is there
		if missing, err := db.Check(ctx); err != nil || len(missing) == 0 {
			return err
		}
	}
	if err := db.makeIndexes(ctx); err != nil {
		return err
	}
	_, err = db.in("schema").UpdateOne(ctx, bson.D{{Key: "_id", Value: "schema"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: db.wanted()},
		{Key: "at", Value: date(time.Now())}}}, {Key: "$setOnInsert", Value: bson.D{{Key: "finished", Value: db.wanted()}}}}, options.UpdateOne().SetUpsert(true))
	if taken(err) {
		return nil
	}
	return failed(ctx, err)
}

// Finish does the second steps of migrations, which programs of older versions would not understand: none may run any more. It says how
// many there were.
func (db *DB) Finish(ctx context.Context) (n int, err error) {
	s, err := db.schema(ctx)
	if err != nil {
		return 0, err
	}
	for v := max(s.Finished, 1); v < min(s.Version, db.wanted()); v++ {
		if step := db.steps[v-1].after; step != nil {
			if err := step(ctx, db); err != nil {
				return n, fmt.Errorf("finish bringing the store from schema %d to %d: %w", v, v+1, err)
			}
			n++
		}
		if _, err := db.in("schema").UpdateOne(ctx, bson.D{{Key: "_id", Value: "schema"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "finished", Value: v + 1}}}}); err != nil {
			return n, failed(ctx, err)
		}
	}
	return n, nil
}

func byCollection(all []index) map[string][]index {
	by := map[string][]index{}
	for _, x := range all {
		by[x.in] = append(by[x.in], x)
	}
	return by
}

const indexTime = 24 * time.Hour // of the indexes of a collection

func (db *DB) makeIndexes(ctx context.Context) error {
	for _, in := range clustered {
		key := bson.D{{Key: "key", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "unique", Value: true}}
		err := db.db.CreateCollection(ctx, in, options.CreateCollection().SetClusteredIndex(key))
		var command driver.CommandError
		if err != nil && !(errors.As(err, &command) && command.Code == 48) { // NamespaceExists
			return fmt.Errorf("make the collection %s: %w", in, failed(ctx, err))
		}
	}
	for in, all := range byCollection(indexes()) {
		models := make([]driver.IndexModel, len(all))
		for i, x := range all {
			models[i] = x.model()
		}
		// Over what is there already it may take long: what is under way is not broken off.
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTime)
		_, err := db.in(in).Indexes().CreateMany(patient, models)
		cancel()
		if err != nil {
			return fmt.Errorf("make the indexes of %s: %w", in, failed(ctx, err))
		}
	}
	return nil
}

// Check says what of the indexes is missing or not as declared, a sentence each.
func (db *DB) Check(ctx context.Context) ([]string, error) {
	var bad []string
	for in, all := range byCollection(indexes()) {
		there := map[string]*driver.IndexSpecification{}
		specs, err := db.in(in).Indexes().ListSpecifications(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the indexes of %s: %w", in, failed(ctx, err))
		}
		for i := range specs {
			there[specs[i].Name] = &specs[i]
		}
		for _, x := range all {
			s, ok := there[x.name()]
			switch {
			case !ok:
				bad = append(bad, fmt.Sprintf("%s has no index %s, which serves %s", in, x.name(), x.serves))
			case x.unique != (s.Unique != nil && *s.Unique), x.expire != (s.ExpireAfterSeconds != nil):
				bad = append(bad, fmt.Sprintf("the index %s of %s is not as it is declared: drop it and run balagh store migrate", x.name(), in))
			}
		}
	}
	slices.Sort(bad)
	return bad, nil
}
