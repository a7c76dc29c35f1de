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

const (
	audienceLook  = 4_096  // reports looked at for a page, and those that its last person has besides
	audienceCount = 16_384 // reports, or citizens, looked at for a part of a count
)

// crowdOf is whom an audience is looked for among: citizens, or the people who filed something, in the order of the index that reports
// have for their citizens. An index by centre and citizen for this rare question would cost every report that is filed.
type crowdOf struct {
	in    string
	who   string // field with the person
	order bson.D
	also  bson.D // what a document must have besides for the person to belong
}

func crowdOfAudience(a push.Audience) crowdOf {
	if a.All {
		return crowdOf{in: "citizens", who: "_id", order: bson.D{{Key: "_id", Value: 1}}}
	}
	c := crowdOf{in: "reports", who: "citizen", order: bson.D{{Key: "citizen", Value: 1}, {Key: "seq", Value: 1}}}
	if a.Centre != "" {
		c.also = bson.D{{Key: "centre", Value: a.Centre}}
	} else {
		c.also = bson.D{{Key: "category", Value: a.Category}}
	}
	return c
}

// after finds the documents of the people after one and through another, or through the last when that is empty.
func (c crowdOf) after(after, through string) bson.D {
	bounds := bson.D{{Key: "$exists", Value: true}, {Key: "$gt", Value: after}}
	if c.who == "_id" { // which is there always
		bounds = bounds[1:]
	}
	if through != "" {
		bounds = append(bounds, bson.E{Key: "$lte", Value: through})
	}
	return bson.D{{Key: c.who, Value: bounds}}
}

// look is whose the n-th document after a person is: to look at the documents through that person's is to look at n and at what the
// person has besides. Empty when there are fewer.
func (c crowdOf) look(ctx context.Context, db *DB, after string, n int) (through string, err error) {
	raw, err := db.in(c.in).FindOne(ctx, c.after(after, ""),
		options.FindOne().SetSort(c.order).SetSkip(int64(n-1)).SetProjection(bson.D{{Key: c.who, Value: 1}})).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return "", nil
	}
	if err != nil {
		return "", failed(ctx, err)
	}
	through, _ = raw.Lookup(c.who).StringValueOK() // it is one: nothing else is greater than a string
	return through, nil
}

// AudiencePeople is a page of an audience.
func (db *DB) AudiencePeople(ctx context.Context, a push.Audience, after string, limit int) (people []string, next string, err error) {
	c := crowdOfAudience(a)
	if len(c.also) > 0 { // a page may have few of those who are looked at
		if next, err = c.look(ctx, db, after, audienceLook); err != nil {
			return nil, "", fmt.Errorf("read an audience: %w", err)
		}
	}
	found := 0
	err = db.scan(ctx, c.in, append(c.after(after, next), c.also...), func(raw bson.Raw) error {
		who, _ := raw.Lookup(c.who).StringValueOK()
		if found++; len(people) == 0 || people[len(people)-1] != who {
			people = append(people, who)
		}
		return nil
	}, options.Find().SetSort(c.order).SetLimit(int64(limit)).SetProjection(bson.D{{Key: c.who, Value: 1}}))
	if err != nil {
		return nil, "", fmt.Errorf("read an audience: %w", err)
	}
	if found == limit { // there may be more before the end of the look
		next = people[len(people)-1]
	}
	return people, next, nil
}

// CountPeople counts a part of an audience.
func (db *DB) CountPeople(ctx context.Context, a push.Audience, after string) (n int, next string, err error) {
	c := crowdOfAudience(a)
	if next, err = c.look(ctx, db, after, audienceCount); err != nil {
		return 0, "", fmt.Errorf("count an audience: %w", err)
	}
	if a.All && next != "" {
		return audienceCount, next, nil
	}
	count := driver.Pipeline{{{Key: "$match", Value: append(c.after(after, next), c.also...)}}}
	if !a.All {
		count = append(count, bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$" + c.who}}}})
	}
	count = append(count, bson.D{{Key: "$count", Value: "n"}})
	cursor, err := db.in(c.in).Aggregate(ctx, count)
	if err := scanned(ctx, cursor, err, func(raw bson.Raw) error {
		found, _ := raw.Lookup("n").AsInt64OK()
		n = int(found)
		return nil
	}); err != nil {
		return 0, "", fmt.Errorf("count an audience: %w", err)
	}
	return n, next, nil
}
