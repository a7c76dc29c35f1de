package mongo

import (
	"context"
	"crypto/hmac"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/fault"
)

// codes:    {_id: key, v, mac, tries, expires, gone}
// sessions: {_id, v, rev, live: account, ended, expires, gone, doc}; live and ended are never there both
//
// EndSessions writes beside the document and counts rev up, so that a change that is under way loses its race. A session is read with
// the later rev and the end of the two places.
var sessions = kind[accounts.Session]{in: "sessions", id: func(x *accounts.Session) string { return x.ID }, rev: func(x *accounts.Session) *int64 { return &x.Rev },
	fields: func(x *accounts.Session) (bson.D, error) {
		live := textOrNone(x.Account)
		if !x.Ended.IsZero() {
			live = nil
		}
		return bson.D{{Key: "live", Value: live}, {Key: "ended", Value: orNone(x.Ended)}, {Key: "expires", Value: millis(x.Expires)}, {Key: "gone", Value: gone(x.Expires)}}, nil
	},
	read: func(x *accounts.Session, raw bson.Raw) error {
		rev, _ := raw.Lookup("rev").AsInt64OK()
		x.Rev = max(x.Rev, rev)
		if ended, ok := raw.Lookup("ended").AsInt64OK(); ok && x.Ended.IsZero() {
			x.Ended = moment(ended)
		}
		return nil
	}}

// signing_keys: {_id, v, doc}; there is a handful.
var signingKeys = kind[accounts.Key]{in: "signing_keys", id: func(k *accounts.Key) string { return k.ID }}

// PutCode replaces the code of its key.
func (db *DB) PutCode(ctx context.Context, c *accounts.Code) error {
	for {
		_, err := db.in("codes").UpdateOne(ctx, bson.D{{Key: "_id", Value: c.Key}}, bson.D{{Key: "$set", Value: bson.D{{Key: "v", Value: docVersion},
			{Key: "mac", Value: c.MAC}, {Key: "tries", Value: c.Tries}, {Key: "expires", Value: millis(c.Expires)}, {Key: "gone", Value: gone(c.Expires)}}}},
			options.UpdateOne().SetUpsert(true))
		if !taken(err) { // else two made it at the same time
			return failed(ctx, err)
		}
	}
}

// SpendCode counts a try, compares, and removes the code if it was right: that very one, which a single one of many can. When the
// process dies between the two, a try is used up.
func (db *DB) SpendCode(ctx context.Context, key string, mac []byte, tries int, now time.Time) (bool, error) {
	var c struct {
		MAC []byte `bson:"mac"`
	}
	err := db.in("codes").FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: key}, {Key: "tries", Value: bson.D{{Key: "$lt", Value: tries}}},
		{Key: "expires", Value: bson.D{{Key: "$gt", Value: millis(now)}}}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "tries", Value: 1}}}},
		options.FindOneAndUpdate().SetProjection(only("mac"))).Decode(&c)
	if none(err) {
		return false, nil
	}
	if err != nil {
		return false, failed(ctx, err)
	}
	if !hmac.Equal(c.MAC, mac) {
		return false, nil
	}
	r, err := db.in("codes").DeleteOne(ctx, bson.D{{Key: "_id", Value: key}, {Key: "mac", Value: c.MAC}})
	if err != nil {
		return false, failed(ctx, err)
	}
	return r.DeletedCount == 1, nil
}

// AddSession adds one.
func (db *DB) AddSession(ctx context.Context, x *accounts.Session) error {
	return sessions.add(ctx, db, x, effects{}, fault.Exists)
}

// Session reads one.
func (db *DB) Session(ctx context.Context, id string) (*accounts.Session, error) {
	return sessions.get(ctx, db, id)
}

// UpdateSession changes one; one that was ended meanwhile is changed as that.
func (db *DB) UpdateSession(ctx context.Context, id string, change func(*accounts.Session) error) (*accounts.Session, error) {
	return changeAccount(ctx, db, sessions, id, change)
}

// EndSessions ends those of an account that live at this moment. When the process dies in the middle, the rest live until it is asked
// again.
func (db *DB) EndSessions(ctx context.Context, account, except string, now time.Time) ([]string, error) {
	var ids []string
	note := func(raw bson.Raw) error {
		ids = append(ids, idOf(raw))
		return nil
	}
	justID := options.Find().SetProjection(only("_id"))
	live := bson.E{Key: "live", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: account}}}
	err := db.scan(ctx, sessions.in, bson.D{live, {Key: "_id", Value: bson.D{{Key: "$ne", Value: except}}}}, note, justID)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	by := bson.NewObjectID()
	r, err := db.in(sessions.in).UpdateMany(ctx, bson.D{{Key: "_id", Value: among(ids)}, live},
		bson.D{{Key: "$set", Value: bson.D{{Key: "ended", Value: millis(now)}, {Key: "ended_by", Value: by}}}, {Key: "$unset", Value: bson.D{{Key: "live", Value: ""}}},
			{Key: "$inc", Value: bson.D{{Key: "rev", Value: 1}}}})
	if err != nil {
		return nil, failed(ctx, err)
	}
	if int(r.ModifiedCount) < len(ids) { // somebody else ended some
		found := among(ids)
		ids = nil
		err = db.scan(ctx, sessions.in, bson.D{{Key: "_id", Value: found}, {Key: "ended_by", Value: by}}, note, justID)
	}
	return ids, err
}

// EndedSessions reads those that ended since.
func (db *DB) EndedSessions(ctx context.Context, since time.Time) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	err := db.scan(ctx, sessions.in, bson.D{{Key: "ended", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: millis(since)}}}}, func(raw bson.Raw) error {
		ended, _ := raw.Lookup("ended").AsInt64OK()
		all[idOf(raw)] = moment(ended)
		return nil
	}, options.Find().SetProjection(only("ended")))
	return all, err
}

// AddKey adds a signing key.
func (db *DB) AddKey(ctx context.Context, k *accounts.Key) error {
	return signingKeys.add(ctx, db, k, effects{}, fault.Exists)
}

// Keys reads all signing keys.
func (db *DB) Keys(ctx context.Context) ([]*accounts.Key, error) {
	return signingKeys.all(ctx, db, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
}

// DropKey removes a signing key.
func (db *DB) DropKey(ctx context.Context, id string) error {
	_, err := db.in(signingKeys.in).DeleteOne(ctx, bson.D{{Key: "_id", Value: id}})
	return failed(ctx, err)
}
