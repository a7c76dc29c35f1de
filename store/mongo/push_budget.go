package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// spentDay is what was spent on a local day: all scopes in one document, so that both that an amount counts for are written at once. What
// is spent at the same time in one process shares a write; a write of another process in between lets it be counted again.
type spentDay struct {
	Day   string           `json:"-"`
	Rev   int64            `json:"-"`
	Spent map[string]int64 `json:"spent"` // by scope
}

var spentDays = kind[spentDay]{
	in:  "sms_spent",
	id:  func(d *spentDay) string { return d.Day },
	rev: func(d *spentDay) *int64 { return &d.Rev },
	read: func(d *spentDay, raw bson.Raw) error {
		var there bool
		if d.Rev, there = raw.Lookup("rev").AsInt64OK(); !there {
			return errors.New("what was spent has no rev")
		}
		d.Day, _ = raw.Lookup("_id").StringValueOK()
		return nil
	},
}

// errOver leaves what was spent as it is.
var errOver = errors.New("a limit is met")

// Spend adds to both scopes or to none.
func (db *DB) Spend(ctx context.Context, s push.Spending) (over string, err error) {
	spend := func(d *spentDay) (effects, error) {
		if over = d.over(s); over != "" && !s.Forced {
			return effects{}, errOver
		}
		d.add(s)
		return effects{}, nil
	}
	for {
		_, err = spentDays.update(ctx, db, s.Day, spend)
		if fault.CodeOf(err) == fault.NotFound { // nothing was spent on this day yet
			if err = spentDays.insert(ctx, db, &spentDay{Day: s.Day, Rev: 1, Spent: map[string]int64{}}, effects{}); err == nil || taken(err) {
				continue
			}
		}
		switch {
		case errors.Is(err, errOver):
			return over, nil
		case err != nil:
			return "", fmt.Errorf("count what was spent: %w", err)
		}
		return over, nil
	}
}

// over is the first scope whose limit an amount would pass.
func (d *spentDay) over(s push.Spending) string {
	passes := func(scope string, limit int64) bool {
		return s.Amount > 0 && limit > 0 && d.Spent[scope]+s.Amount > limit
	}
	switch {
	case passes(push.TotalScope, s.Limit):
		return push.TotalScope
	case s.Centre != "" && passes(s.Centre, s.PerCentre):
		return s.Centre
	}
	return ""
}

func (d *spentDay) add(s push.Spending) {
	if d.Spent == nil {
		d.Spent = map[string]int64{}
	}
	d.Spent[push.TotalScope] = max(0, d.Spent[push.TotalScope]+s.Amount)
	if s.Centre != "" {
		d.Spent[s.Centre] = max(0, d.Spent[s.Centre]+s.Amount)
	}
}

// Spent adds up by scope. The days are the keys of the collection.
func (db *DB) Spent(ctx context.Context, from, through string) (map[string]int64, error) {
	spent := map[string]int64{}
	err := spentDays.each(ctx, db, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: from}, {Key: "$lte", Value: through}}}}, func(d *spentDay, _ bson.Raw) error {
		for scope, n := range d.Spent {
			spent[scope] += n
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("add up what was spent: %w", err)
	}
	return spent, nil
}
