package mongo

import (
	"context"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
)

// What administrators wrote is few and is kept for ever. An id is what a text is of, then the version in so many digits that the order of
// the ids is that of the versions: closed/sms/0000000003.
var (
	templates = kind[push.Template]{in: "templates", id: func(t *push.Template) string {
		return versionsOf(string(t.Kind), t.Channel) + fmt.Sprintf("%010d", t.Version)
	}}
	policies = kind[push.Policy]{in: "policies", id: func(p *push.Policy) string {
		return versionsOf(string(p.Kind)) + fmt.Sprintf("%010d", p.Rev)
	}}
)

// versionsOf is how the ids of all versions begin.
func versionsOf(of ...string) string { return strings.Join(of, "/") + "/" }

// Templates are the newest versions.
func (db *DB) Templates(ctx context.Context) ([]push.Template, error) {
	return newest(ctx, db, templates)
}

// TemplateVersions are all versions for a kind and channel.
func (db *DB) TemplateVersions(ctx context.Context, k push.Kind, channel string) ([]push.Template, error) {
	begin := versionsOf(string(k), channel)
	end := begin[:len(begin)-1] + "0" // which comes after "/"
	return values(templates.all(ctx, db, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: begin}, {Key: "$lt", Value: end}}}},
		options.Find().SetSort(bson.D{{Key: "_id", Value: -1}})))
}

// AddTemplate writes a version.
func (db *DB) AddTemplate(ctx context.Context, t push.Template) error {
	return templates.add(ctx, db, &t, effects{}, fault.PreconditionFailed)
}

// Policies are those of the highest rev.
func (db *DB) Policies(ctx context.Context) ([]push.Policy, error) {
	return newest(ctx, db, policies)
}

// AddPolicy writes a rev.
func (db *DB) AddPolicy(ctx context.Context, p push.Policy) error {
	return policies.add(ctx, db, &p, effects{}, fault.PreconditionFailed)
}

// newest are the last versions, in the order of their ids. Of the others only the ids are read.
func newest[T any](ctx context.Context, db *DB, k kind[T]) ([]T, error) {
	var last []string
	sorted := options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})
	err := db.scan(ctx, k.in, bson.D{}, func(raw bson.Raw) error {
		id, _ := raw.Lookup("_id").StringValueOK()
		if n := len(last); n > 0 && last[n-1][:strings.LastIndex(last[n-1], "/")+1] == id[:strings.LastIndex(id, "/")+1] {
			last[n-1] = id
		} else {
			last = append(last, id)
		}
		return nil
	}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil || len(last) == 0 {
		return nil, err
	}
	return values(k.all(ctx, db, bson.D{{Key: "_id", Value: among(last)}}, sorted))
}

func values[T any](all []*T, err error) ([]T, error) {
	vs := make([]T, len(all))
	for i, v := range all {
		vs[i] = *v
	}
	return vs, err
}
