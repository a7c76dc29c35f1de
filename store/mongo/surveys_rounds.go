package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// rounds: {_id, v, rev, programme, due, busy, doc}
//
// due is when the runner looks at a round, absent when there is nothing to do for it; busy is there while it is worked on, so that no due
// of it may be far away.
var rounds = kind[surveys.Round]{in: "rounds", id: func(r *surveys.Round) string { return r.ID }, rev: func(r *surveys.Round) *int64 { return &r.Rev },
	fields: func(r *surveys.Round) (bson.D, error) {
		busy := r.State == surveys.RoundDrawing || r.State == surveys.RoundInviting || r.State == surveys.RoundClosing
		return bson.D{{Key: "programme", Value: r.Programme.Code}, {Key: "due", Value: orNone(r.Due)}, {Key: "busy", Value: trueOrNone(busy)}}, nil
	}}

var roundsIndexes = []index{
	{in: "rounds", keys: bson.D{{Key: "programme", Value: 1}}, serves: "the rounds of a programme"},
	{in: "rounds", keys: bson.D{{Key: "due", Value: 1}}, exists: "due", serves: "the runner: a round that is due"},
}

// CreateRound adds one.
func (db *DB) CreateRound(ctx context.Context, r *surveys.Round) error {
	return rounds.add(ctx, db, r, effects{}, fault.Exists)
}

// Round reads one.
func (db *DB) Round(ctx context.Context, id string) (*surveys.Round, error) {
	return rounds.get(ctx, db, id)
}

// Rounds reads those of a programme, or all: some hundreds, which are put in order here.
func (db *DB) Rounds(ctx context.Context, programme string) ([]*surveys.Round, error) {
	filter := bson.D{}
	if programme != "" {
		filter = bson.D{{Key: "programme", Value: programme}}
	}
	all, err := rounds.all(ctx, db, filter)
	slices.SortFunc(all, func(a, b *surveys.Round) int { return cmp.Or(b.To.Compare(a.To), cmp.Compare(b.ID, a.ID)) })
	return all, err
}

// UpdateRound changes one.
func (db *DB) UpdateRound(ctx context.Context, id string, change func(*surveys.Round) error) (*surveys.Round, error) {
	return rounds.change(ctx, db, id, func(r *surveys.Round) error {
		err := change(r)
		r.ID = id
		return err
	})
}

// LeaseRound takes one that is due, or one whose lease is longer than any that is taken now. It reads before it writes: nearly always
// there is none.
func (db *DB) LeaseRound(ctx context.Context, now time.Time, ttl time.Duration) (*surveys.Round, error) {
	until := now.Add(ttl)
	for try := 0; ; try++ {
		raw, err := db.dueRound(ctx, millis(now), millis(until))
		if none(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("lease a round: %w", failed(ctx, err))
		}
		r, won, err := db.leaseRound(ctx, raw, until)
		if err != nil {
			return nil, fmt.Errorf("lease a round: %w", err)
		}
		if won {
			return r, nil
		}
		pause(ctx, try)
	}
}

func (db *DB) dueRound(ctx context.Context, now, until int64) (bson.Raw, error) {
	first := options.FindOne().SetSort(bson.D{{Key: "due", Value: 1}})
	raw, err := db.in(rounds.in).FindOne(ctx, bson.D{{Key: "due", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lte", Value: now}}}}, first).Raw()
	if none(err) {
		raw, err = db.in(rounds.in).FindOne(ctx, bson.D{{Key: "due", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gt", Value: until}}}, {Key: "busy", Value: true}}, first).Raw()
	}
	return raw, err
}

// leaseRound moves the due of one that was read. One that nobody can read is due no more: it must not hold up the others.
func (db *DB) leaseRound(ctx context.Context, raw bson.Raw, until time.Time) (r *surveys.Round, won bool, err error) {
	filter := bson.D{{Key: "_id", Value: raw.Lookup("_id")}, {Key: "due", Value: raw.Lookup("due")}}
	up := bson.D{{Key: "$unset", Value: bson.D{{Key: "due", Value: ""}}}}
	r, err = rounds.of(raw)
	if bad := (unreadable{}); errors.As(err, &bad) {
		r = nil
	} else if err != nil {
		return nil, false, err
	} else {
		filter = append(filter, bson.E{Key: "rev", Value: r.Rev})
		r.Due = moment(millis(until))
		r.Rev++
		if up, err = rounds.changed(r, effects{}); err != nil {
			return nil, false, err
		}
	}
	w, err := db.in(rounds.in).UpdateOne(ctx, filter, up)
	if err != nil {
		return nil, false, failed(ctx, err)
	}
	return r, r != nil && w.MatchedCount == 1, nil
}
