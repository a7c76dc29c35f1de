package mongo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/surveys"
)

// A case has no document within its document but the snapshot, and that without the employee: few cases are told apart by it, so that
// whoever reads millions need not decode each.
//
//	cases: {_id: citizen report, v, report, received, changed, status, due, employee, doc: snapshot}
//
// The id begins with the citizen, so that a frame is one pass over the ids in their order. Whose a report is never changes.
var caseIndexes = []index{
	{in: "cases", keys: bson.D{{Key: "due", Value: 1}, {Key: "report", Value: 1}}, exists: "due", serves: "overdue cases, and that one is no more"},
}

// A blank is less than every character of an id, so that no citizen comes between the cases of another.
const caseSeparator = " "

func caseID(citizen, report string) string { return citizen + caseSeparator + report }

// casesOf finds the cases of a citizen.
func casesOf(citizen string) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: caseID(citizen, "")}, {Key: "$lt", Value: citizen + "!"}}}} // the character after the blank
}

// PutCase replaces a case unless a newer one is there, whose id is taken then; or one that another process wrote just now, whichever it is.
func (db *DB) PutCase(ctx context.Context, c surveys.Case) error {
	d, err := caseDocument(c)
	if err != nil {
		return err
	}
	filter := bson.D{{Key: "_id", Value: caseID(c.Citizen, c.Report)}, {Key: "changed", Value: bson.D{{Key: "$lte", Value: millis(c.Changed)}}}}
	_, err = db.in("cases").ReplaceOne(ctx, filter, d, options.Replace().SetUpsert(true))
	for try := 1; taken(err) || clashed(err) && try < clashes; try++ {
		pause(ctx, try-1)
		_, err = db.in("cases").ReplaceOne(ctx, filter, d, options.Replace().SetUpsert(!taken(err)))
	}
	if err != nil {
		return fmt.Errorf("keep a case: %w", failed(ctx, err))
	}
	return nil
}

func caseDocument(c surveys.Case) (bson.D, error) {
	common := c.Snapshot
	common.Employee = ""
	snapshot, err := encode(common)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	d := bson.D{{Key: "_id", Value: caseID(c.Citizen, c.Report)}, {Key: "v", Value: docVersion}, {Key: "report", Value: c.Report},
		{Key: "received", Value: millis(c.Received)}, {Key: "changed", Value: millis(c.Changed)}, {Key: "status", Value: c.Status}}
	if due := orNone(c.Due); due != nil {
		d = append(d, bson.E{Key: "due", Value: due})
	}
	if c.Employee != "" {
		d = append(d, bson.E{Key: "employee", Value: c.Employee})
	}
	return append(d, bson.E{Key: "doc", Value: snapshot}), nil
}

func caseOf(raw bson.Raw) (c surveys.Case, err error) {
	citizen, _, _ := strings.Cut(textIn(raw, "_id"), caseSeparator)
	c = surveys.Case{Report: textIn(raw, "report"), Citizen: citizen, Received: moment(numberIn(raw, "received")),
		Changed: moment(numberIn(raw, "changed")), Status: textIn(raw, "status"), Due: moment(numberIn(raw, "due"))}
	c.Snapshot, err = snapshotOf(raw.Lookup("doc"))
	c.Employee = textIn(raw, "employee")
	return c, err
}

func snapshotOf(v bson.RawValue) (s surveys.Snapshot, err error) {
	doc, ok := v.DocumentOK()
	if !ok {
		return s, unreadable{fmt.Errorf("a case has no snapshot")}
	}
	if err := decode(doc, &s); err != nil {
		return s, unreadable{fmt.Errorf("the snapshot of a case: %w", err)}
	}
	return s, nil
}

// OverdueCases reads a handful.
func (db *DB) OverdueCases(ctx context.Context, now time.Time, limit int) ([]surveys.Case, error) {
	var all []surveys.Case
	err := db.scan(ctx, "cases", bson.D{{Key: "due", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$lt", Value: millis(now)}}}}, func(raw bson.Raw) error {
		c, err := caseOf(raw)
		all = append(all, c)
		return err
	}, options.Find().SetSort(bson.D{{Key: "due", Value: 1}, {Key: "report", Value: 1}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, fmt.Errorf("read overdue cases: %w", err)
	}
	return all, nil
}

// FirstReceived looks at all cases of a citizen, who never has many.
func (db *DB) FirstReceived(ctx context.Context, citizen string) (first time.Time, err error) {
	err = db.scan(ctx, "cases", casesOf(citizen), func(raw bson.Raw) error {
		if received := moment(numberIn(raw, "received")); first.IsZero() || received.Before(first) {
			first = received
		}
		return nil
	}, options.Find().SetProjection(bson.D{{Key: "received", Value: 1}}))
	if err != nil {
		return time.Time{}, fmt.Errorf("read the cases of a citizen: %w", err)
	}
	return first, nil
}

// ForgetDue forgets it unless it is another by now.
func (db *DB) ForgetDue(ctx context.Context, report string, due time.Time) error {
	_, err := db.in("cases").UpdateOne(ctx, bson.D{{Key: "due", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$eq", Value: millis(due)}}}, {Key: "report", Value: report}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "due", Value: ""}}}})
	return failed(ctx, err)
}
