package mongo

import (
	"context"
	"regexp"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/fault"
)

// audit: {_id, v, doc, at (milliseconds), staff, path, before, after}; the last two are bytes, which lists leave alone.
var audits = kind[audit.Entry]{in: "audit", id: func(e *audit.Entry) string { return e.ID },
	fields: func(e *audit.Entry) (bson.D, error) {
		return bson.D{{Key: "at", Value: millis(e.At)}, {Key: "staff", Value: e.Staff}, {Key: "path", Value: e.Path},
			{Key: "before", Value: bytesOrAbsent(e.Before)}, {Key: "after", Value: bytesOrAbsent(e.After)}}, nil
	},
	read: func(e *audit.Entry, raw bson.Raw) error {
		_, e.Before, _ = raw.Lookup("before").BinaryOK()
		_, e.After, _ = raw.Lookup("after").BinaryOK()
		return nil
	}}

var auditIndexes = []index{
	{in: "audit", keys: bson.D{{Key: "at", Value: -1}, {Key: "_id", Value: -1}}, serves: "the audit, newest first"},
	{in: "audit", keys: bson.D{{Key: "staff", Value: 1}, {Key: "at", Value: -1}, {Key: "_id", Value: -1}}, serves: "what one administrator changed"},
}

const (
	byAuditAt    = "at_-1__id_-1"
	byAuditStaff = "staff_1_at_-1__id_-1"
)

var _ audit.Store = (*DB)(nil)

func bytesOrAbsent(b []byte) any {
	if b == nil {
		return nil
	}
	return bson.Binary{Data: b}
}

// BeginAudit adds an entry.
func (db *DB) BeginAudit(ctx context.Context, e *audit.Entry) error {
	return audits.add(ctx, db, e, effects{}, fault.Exists)
}

// CompleteAudit writes how a change ended, over what an earlier try wrote of it.
func (db *DB) CompleteAudit(ctx context.Context, id string, end audit.End) error {
	set := bson.D{{Key: "doc.outcome", Value: string(end.Outcome)}, {Key: "doc.status", Value: int64(end.Status)}, {Key: "doc.code", Value: end.Code},
		{Key: "doc.tag", Value: end.Tag}}
	if end.After != nil {
		set = append(set, bson.E{Key: "after", Value: bson.Binary{Data: end.After}})
	}
	r, err := db.in(audits.in).UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: set}})
	if err == nil && r.MatchedCount == 0 {
		return fault.New(fault.NotFound)
	}
	return failed(ctx, err)
}

// AuditEntry reads one of them.
func (db *DB) AuditEntry(ctx context.Context, id string) (*audit.Entry, error) {
	return audits.get(ctx, db, id)
}

// AuditEntries is a range of an index. The path is looked at on the way: there are few entries, and a page of them is soon full.
func (db *DB) AuditEntries(ctx context.Context, q audit.Query) ([]*audit.Entry, error) {
	var w where
	hint := byAuditAt
	if q.Staff != "" {
		w.equal("staff", q.Staff)
		hint = byAuditStaff
	}
	w.add("at", "$gte", millis(q.From))
	if !q.To.IsZero() {
		w.add("at", "$lt", millis(q.To))
	}
	if q.Path != "" {
		w.add("path", "$regex", "^"+regexp.QuoteMeta(q.Path))
	}
	filter := bson.D(w)
	if q.After.ID != "" {
		at := millis(q.After.At)
		w.add("at", "$lte", at)
		filter = append(bson.D(w), bson.E{Key: "$or", Value: bson.A{bson.D{{Key: "at", Value: bson.D{{Key: "$lt", Value: at}}}},
			bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: q.After.ID}}}}}})
	}
	return audits.all(ctx, db, filter, options.Find().SetHint(hint).SetProjection(only("doc")).SetSort(bson.D{{Key: "at", Value: -1}, {Key: "_id", Value: -1}}).SetLimit(int64(q.Limit)))
}
