package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/surveys"
)

// Beside an invitation lie:
//
//	citizen, state
//	round: absent after a case until its day has come
//	asked: when it was sent; toBeAsked when that is ahead; absent when it never was and never will be
//	due:   absent for never
//	wrote: the batches that wrote it last (see UpdateInvitations)
var invitations = kind[surveys.Invitation]{
	in:  "invitations",
	id:  func(i *surveys.Invitation) string { return i.ID },
	rev: func(i *surveys.Invitation) *int64 { return &i.Rev },
	fields: func(i *surveys.Invitation) (bson.D, error) {
		return bson.D{{Key: "citizen", Value: i.Citizen}, {Key: "round", Value: textOrNone(i.Round)}, {Key: "state", Value: string(i.State)},
			{Key: "asked", Value: askedField(i)}, {Key: "due", Value: orNone(i.Due)}}, nil
	},
}

var invitationIndexes = []index{
	{in: "invitations", keys: bson.D{{Key: "citizen", Value: 1}, {Key: "asked", Value: 1}, {Key: "round", Value: 1}},
		serves: "a citizen's invitations, and by itself the quarantine, of one citizen and of all in their order"},
	{in: "invitations", keys: bson.D{{Key: "round", Value: 1}, {Key: "state", Value: 1}, {Key: "_id", Value: 1}},
		serves: "pages and counts of a round's invitations by state"},
	{in: "invitations", keys: bson.D{{Key: "due", Value: 1}, {Key: "_id", Value: 1}}, exists: "due", serves: "invitations that the runner looks at"},
}

const (
	toBeAsked       = int64(math.MaxInt64)
	dropInvitations = 1_000 // in one write
	invitationBatch = 500   // changed in one write
	wroteLast       = 8     // batches that an invitation remembers
	invitedPage     = 5_000
	countTime       = time.Minute
)

func askedField(i *surveys.Invitation) any {
	if i.State == surveys.InvitationDrawn || i.State == surveys.InvitationPlanned {
		return toBeAsked
	}
	return orNone(i.Invited)
}

// AddInvitations keeps those that are new.
func (db *DB) AddInvitations(ctx context.Context, all []surveys.Invitation) (int, error) {
	list := make([]*surveys.Invitation, len(all))
	for n := range all {
		list[n] = &all[n]
	}
	added, err := invitations.addAll(ctx, db, list)
	if err != nil {
		return 0, fmt.Errorf("add invitations: %w", err)
	}
	return len(added), nil
}

// DropDrawn removes those that were drawn, a batch at a time: removing a whole country takes longer than one operation may.
func (db *DB) DropDrawn(ctx context.Context, round string, below int64) error {
	drawn := bson.D{{Key: "round", Value: round}, {Key: "state", Value: string(surveys.InvitationDrawn)}, {Key: "rev", Value: bson.D{{Key: "$lt", Value: below}}}}
	for {
		var ids []string
		err := db.scan(ctx, "invitations", drawn, func(raw bson.Raw) error {
			ids = append(ids, raw.Lookup("_id").StringValue())
			return nil
		}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetLimit(dropInvitations).SetBatchSize(dropInvitations+1))
		if err != nil || len(ids) == 0 {
			return err
		}
		// One that was invited meanwhile is not drawn any more.
		if _, err := db.in("invitations").DeleteMany(ctx, append(bson.D{{Key: "_id", Value: among(ids)}}, drawn...)); err != nil {
			return failed(ctx, err)
		}
		if len(ids) < dropInvitations {
			return nil
		}
	}
}

// invitationOf makes an invitation of a document, after what its last change caused: who reads that it was answered finds the response.
func (db *DB) invitationOf(ctx context.Context, raw bson.Raw) (*surveys.Invitation, error) {
	if err := db.followUpNow(ctx, "invitations", raw); err != nil {
		return nil, err
	}
	return invitations.of(raw)
}

// Invitation reads one.
func (db *DB) Invitation(ctx context.Context, id string) (*surveys.Invitation, error) {
	raw, err := db.in("invitations").FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Raw()
	if err != nil {
		return nil, failed(ctx, err)
	}
	return db.invitationOf(ctx, raw)
}

// invitationList reads several. One that nobody can decode hinders no other.
func (db *DB) invitationList(ctx context.Context, filter bson.D, o ...options.Lister[options.FindOptions]) (all []*surveys.Invitation, err error) {
	err = db.scan(ctx, "invitations", filter, func(raw bson.Raw) error {
		i, err := db.invitationOf(ctx, raw)
		if _, bad := errors.AsType[unreadable](err); bad {
			return nil
		}
		all = append(all, i)
		return err
	}, o...)
	return all, err
}

// wasAsked finds invitations that were sent.
var wasAsked = bson.D{{Key: "$lt", Value: toBeAsked}}

// InvitationsOf reads those of a citizen, who never has many.
func (db *DB) InvitationsOf(ctx context.Context, citizen string, now time.Time) ([]*surveys.Invitation, error) {
	all, err := db.invitationList(ctx, bson.D{{Key: "citizen", Value: citizen}, {Key: "asked", Value: wasAsked}})
	slices.SortFunc(all, func(a, b *surveys.Invitation) int {
		return cmp.Or(b.Invited.Compare(a.Invited), cmp.Compare(b.ID, a.ID))
	})
	return slices.DeleteFunc(all, func(i *surveys.Invitation) bool { return !i.Until.After(now) }), err
}

// LastInvited is a look at the end of a range.
func (db *DB) LastInvited(ctx context.Context, citizen string) (at time.Time, err error) {
	err = db.scan(ctx, "invitations", bson.D{{Key: "citizen", Value: citizen}, {Key: "asked", Value: wasAsked}}, func(raw bson.Raw) error {
		ms, _ := raw.Lookup("asked").AsInt64OK()
		at = moment(ms)
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: "asked", Value: 1}}).SetSort(bson.D{{Key: "asked", Value: -1}}).SetLimit(1))
	return at, err
}

// RoundInvitations reads a page of each state and merges them.
func (db *DB) RoundInvitations(ctx context.Context, round string, states []surveys.InvitationState, after string, limit int) ([]*surveys.Invitation, error) {
	var mu sync.Mutex
	var all []*surveys.Invitation
	var g group
	for _, s := range states {
		g.Go(func() error {
			some, err := db.invitationList(ctx, bson.D{{Key: "round", Value: round},
				{Key: "state", Value: string(s)}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}},
				options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)).SetBatchSize(int32(limit)+1))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, some...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("read invitations of a round: %w", err)
	}
	slices.SortFunc(all, func(a, b *surveys.Invitation) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(len(all), limit)], nil
}

// DueInvitations reads those that the runner looks at.
func (db *DB) DueInvitations(ctx context.Context, now time.Time, limit int) ([]*surveys.Invitation, error) {
	return db.invitationList(ctx, bson.D{{Key: "due", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lte", Value: now.UnixMilli()}}}},
		options.Find().SetSort(bson.D{{Key: "due", Value: 1}, {Key: "_id", Value: 1}}).SetLimit(int64(limit)).SetBatchSize(int32(limit)+1))
}

// CountInvitations counts in the index, which of a whole country takes longer than most.
func (db *DB) CountInvitations(ctx context.Context, round string) (map[surveys.InvitationState]int, error) {
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	all := map[surveys.InvitationState]int{}
	cursor, err := db.in("invitations").Aggregate(ctx, driver.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "round", Value: round}}}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$state"}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}}})
	err = scanned(ctx, cursor, err, func(raw bson.Raw) error {
		n, _ := raw.Lookup("n").AsInt64OK()
		all[surveys.InvitationState(raw.Lookup("_id").StringValue())] = int(n)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count invitations: %w", err)
	}
	return all, nil
}

// InvitedSince reads the index in its order, a page at a time: whoever is told may take longer over one than a cursor lives.
func (db *DB) InvitedSince(ctx context.Context, since time.Time, except string, visit func(citizen string) error) error {
	rest := bson.D{{Key: "asked", Value: bson.D{{Key: "$gte", Value: since.UnixMilli()}}}}
	if except != "" {
		rest = append(rest, bson.E{Key: "round", Value: bson.D{{Key: "$ne", Value: except}}})
	}
	o := options.Find().SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: "citizen", Value: 1}}).SetSort(bson.D{{Key: "citizen", Value: 1}}).
		SetLimit(invitedPage).SetBatchSize(invitedPage + 1)
	for n, last := invitedPage, ""; n == invitedPage; {
		n = 0
		var page []string
		err := db.scan(ctx, "invitations", append(bson.D{{Key: "citizen", Value: bson.D{{Key: "$gt", Value: last}}}}, rest...), func(raw bson.Raw) error {
			n++
			if c := raw.Lookup("citizen").StringValue(); len(page) == 0 || page[len(page)-1] != c {
				page = append(page, c)
			}
			return nil
		}, o)
		if err != nil {
			return fmt.Errorf("read who was invited: %w", err)
		}
		for _, last = range page {
			if err := visit(last); err != nil {
				return err
			}
		}
	}
	return nil
}

// UpdateInvitation changes one.
func (db *DB) UpdateInvitation(ctx context.Context, id string, change func(*surveys.Invitation) ([]event.Event, error)) (*surveys.Invitation, error) {
	return invitations.update(ctx, db, id, func(i *surveys.Invitation) (effects, error) {
		rev := i.Rev
		events, err := change(i)
		i.ID, i.Rev = id, rev
		return effects{events: events}, err
	})
}

// UpdateInvitations changes a batch in one write, and those that somebody else changed meanwhile in another.
func (db *DB) UpdateInvitations(ctx context.Context, ids []string, change func(*surveys.Invitation) ([]event.Event, error)) error {
	for try := 0; len(ids) > 0; try++ {
		pause(ctx, try)
		var again []string
		for some := range slices.Chunk(ids, invitationBatch) {
			lost, err := db.changeInvitations(ctx, some, change)
			if err != nil {
				return fmt.Errorf("change invitations: %w", err)
			}
			again = append(again, lost...)
		}
		ids = again
	}
	return nil
}

// changeInvitations says which were lost to somebody else. The answer to a batch is only how many were not: so each remembers the
// batches that wrote it last, by a number.
func (db *DB) changeInvitations(ctx context.Context, ids []string, change func(*surveys.Invitation) ([]event.Event, error)) (lost []string, err error) {
	batch := rand.Int64()
	var asked []string
	var models []driver.WriteModel
	var events []event.Event
	err = db.scan(ctx, "invitations", bson.D{{Key: "_id", Value: among(ids)}}, func(raw bson.Raw) error {
		id := raw.Lookup("_id").StringValue()
		if _, err := raw.LookupErr("then"); err == nil { // what an earlier write caused comes before
			err := db.followUpNow(ctx, "invitations", raw)
			if _, bad := errors.AsType[unreadable](err); bad {
				return nil
			}
			lost = append(lost, id)
			return err
		}
		i, err := invitations.of(raw)
		if err != nil {
			return nil // one that nobody can decode hinders no other
		}
		was, _ := raw.Lookup("rev").AsInt64OK()
		facts, err := change(i)
		if err != nil {
			return nil // it stays as it is
		}
		i.ID, i.Rev = id, was+1
		up, err := invitations.changed(i, effects{events: facts})
		if err != nil {
			return err
		}
		asked, events = append(asked, id), append(events, facts...)
		models = append(models, driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: id}, {Key: "rev", Value: was}}).SetUpdate(pushed(up, "wrote", batch, wroteLast)))
		return nil
	}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetBatchSize(int32(len(ids))+1))
	if err != nil || len(models) == 0 {
		return lost, err
	}
	r, err := db.in("invitations").BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if err != nil {
		return nil, failed(ctx, err)
	}
	db.published(events)
	if int(r.MatchedCount) == len(models) {
		return lost, nil
	}
	won := map[string]bool{}
	err = db.scan(ctx, "invitations", bson.D{{Key: "_id", Value: among(asked)}, {Key: "wrote", Value: batch}}, func(raw bson.Raw) error {
		won[raw.Lookup("_id").StringValue()] = true
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetBatchSize(int32(len(asked))+1))
	for _, id := range asked {
		if !won[id] {
			lost = append(lost, id)
		}
	}
	return lost, err
}

// pushed is an update that also adds a number to a list of the last ones.
func pushed(up bson.D, list string, number int64, last int) bson.D {
	item := bson.E{Key: list, Value: bson.D{{Key: "$each", Value: bson.A{number}}, {Key: "$slice", Value: -last}}}
	for i, e := range up {
		if e.Key == "$push" {
			up[i].Value = append(e.Value.(bson.D), item)
			return up
		}
	}
	return append(up, bson.E{Key: "$push", Value: bson.D{item}})
}
