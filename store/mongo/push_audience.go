package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/push"
)

// audienceLook is how many people are looked at for a page, or for a part of a count.
const audienceLook = 4_096

// audienceOrder is the order of the index that reports have for their citizens. The people of a centre or category are found in it, person by
// person: an index for this rare question would cost every report that is filed.
var audienceOrder = bson.D{{Key: "citizen", Value: 1}, {Key: "seq", Value: 1}}

// peopleAfter finds citizens after one and through another, or through the last when that is empty.
func peopleAfter(after, through string) bson.D {
	bounds := bson.D{{Key: "$gt", Value: after}}
	if through != "" {
		bounds = append(bounds, bson.E{Key: "$lte", Value: through})
	}
	return bounds
}

// reportsOfAudience finds those for which people after one and through another belong to an audience.
func reportsOfAudience(a push.Audience, after, through string) bson.D {
	filter := bson.D{{Key: "citizen", Value: append(bson.D{{Key: "$exists", Value: true}}, peopleAfter(after, through)...)}}
	if a.Centre != "" {
		return append(filter, bson.E{Key: "centre", Value: a.Centre})
	}
	return append(filter, bson.E{Key: "category", Value: a.Category})
}

// look is the last of the next people after one, as many as are looked at; empty when there are fewer.
func (db *DB) look(ctx context.Context, after string) (through string, err error) {
	raw, err := db.in("citizens").FindOne(ctx, bson.D{{Key: "_id", Value: peopleAfter(after, "")}},
		options.FindOne().SetSort(bson.D{{Key: "_id", Value: 1}}).SetSkip(audienceLook-1).SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return "", nil
	}
	if err != nil {
		return "", failed(ctx, err)
	}
	through, _ = raw.Lookup("_id").StringValueOK() // it is one: nothing else is greater than a text
	return through, nil
}

// AudiencePeople is a page of an audience.
func (db *DB) AudiencePeople(ctx context.Context, a push.Audience, after string, limit int) (page []string, next string, err error) {
	in, who, filter := "citizens", "_id", bson.D{{Key: "_id", Value: peopleAfter(after, "")}}
	o := options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})
	if !a.All {
		if next, err = db.look(ctx, after); err != nil {
			return nil, "", fmt.Errorf("read an audience: %w", err)
		}
		in, who, filter = "reports", "citizen", reportsOfAudience(a, after, next)
		o = options.Find().SetSort(audienceOrder).SetHint(audienceOrder)
	}
	found := 0
	err = db.scan(ctx, in, filter, func(raw bson.Raw) error {
		id, _ := raw.Lookup(who).StringValueOK()
		if found++; len(page) == 0 || page[len(page)-1] != id {
			page = append(page, id)
		}
		return nil
	}, o.SetLimit(int64(limit)).SetProjection(bson.D{{Key: who, Value: 1}}))
	if err != nil {
		return nil, "", fmt.Errorf("read an audience: %w", err)
	}
	if found == limit { // there may be more among those who are looked at
		next = page[len(page)-1]
	}
	return page, next, nil
}

// CountPeople counts a part of an audience.
func (db *DB) CountPeople(ctx context.Context, a push.Audience, after string) (n int, next string, err error) {
	if next, err = db.look(ctx, after); err != nil {
		return 0, "", fmt.Errorf("count an audience: %w", err)
	}
	in, o := "citizens", options.Aggregate()
	count := driver.Pipeline{{{Key: "$match", Value: bson.D{{Key: "_id", Value: peopleAfter(after, "")}}}}}
	switch {
	case a.All && next != "":
		return audienceLook, next, nil
	case !a.All:
		in, o = "reports", o.SetHint(audienceOrder)
		count = driver.Pipeline{{{Key: "$match", Value: reportsOfAudience(a, after, next)}}, {{Key: "$group", Value: bson.D{{Key: "_id", Value: "$citizen"}}}}}
	}
	cursor, err := db.in(in).Aggregate(ctx, append(count, bson.D{{Key: "$count", Value: "n"}}), o)
	if err := scanned(ctx, cursor, err, func(raw bson.Raw) error {
		found, _ := raw.Lookup("n").AsInt64OK()
		n = int(found)
		return nil
	}); err != nil {
		return 0, "", fmt.Errorf("count an audience: %w", err)
	}
	return n, next, nil
}
