package mongo

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// The document of a report has beside doc what reports are looked for by, each under the name that it has in doc, and
//
//	seq:        the moment of receipt and a tie-breaker, by which lists are sorted: see seqOf
//	number:     as a number
//	open:       whether somebody still has to work on it
//	near, past: its place, of public ones: near while it is open, past after that
//	deadline:   the next one that counts (milliseconds)
//	resolved:   since when, of those in that status (milliseconds)
//	mark:       see reports_figures.go
//	words:      what it says, folded, each word once
//	written:    when it was written last (milliseconds): see reports_changes.go
//	supporters: who supports it, and supports: how many do. They change without a new rev
var reportKind = kind[reports.Report]{
	in:     "reports",
	id:     func(r *reports.Report) string { return r.ID },
	rev:    func(r *reports.Report) *int64 { return &r.Rev },
	fields: reportFields,
	read: func(r *reports.Report, raw bson.Raw) error {
		r.Supports = supports(raw)
		return nil
	},
	reads: bson.D{{Key: "rev", Value: 1}, {Key: "supports", Value: 1}, {Key: "doc", Value: 1}},
}

var _ reports.ReportStore = (*DB)(nil)

const tieBits = 21

// seqOf is the place of a report in the order of receipt: the milliseconds of its receipt, then bits of its id. That two share one is
// so rare that no list needs the id in its index: see byReceipt.
func seqOf(received time.Time, id string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return received.UnixMilli()<<tieBits | int64(h.Sum32()&(1<<tieBits-1))
}

func receivedAt(seq int64) time.Time { return moment(seq >> tieBits) }

func reportFields(r *reports.Report) (bson.D, error) {
	number, err := strconv.ParseInt(r.Number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("a report's number is none")
	}
	var near, past, resolved, mark any
	switch open := reports.Open(r.Status); {
	case r.Public() && open:
		near = geoPoint(r.Place.Point())
	case r.Public():
		past = geoPoint(r.Place.Point())
	}
	if r.Status == reports.Resolved {
		resolved = r.ResolvedAt.UnixMilli()
	}
	if !r.SelfFiled {
		mark = r.Day
	}
	return bson.D{{Key: "seq", Value: seqOf(r.ReceivedAt, r.ID)}, {Key: "number", Value: number}, {Key: "status", Value: string(r.Status)},
		{Key: "open", Value: reports.Open(r.Status)}, {Key: "category", Value: r.Category}, {Key: "centre", Value: r.Centre},
		{Key: "department", Value: r.Department}, {Key: "channel", Value: string(r.Channel)}, {Key: "citizen", Value: orAbsent(r.Citizen)}, {Key: "assignee", Value: orAbsent(r.Assignee)}, {Key: "near", Value: near},
		{Key: "past", Value: past}, {Key: "deadline", Value: orNone(r.Deadline())}, {Key: "resolved", Value: resolved}, {Key: "mark", Value: mark},
		{Key: "words", Value: reportWords(r)}, {Key: "written", Value: time.Now().UnixMilli()}}, nil
}

// orAbsent is a value as a field holds it, nil for the zero value: then the field is not there.
func orAbsent[V comparable](v V) any {
	var zero V
	if v == zero {
		return nil
	}
	return v
}

func geoPoint(p reports.Point) bson.D {
	return bson.D{{Key: "type", Value: "Point"}, {Key: "coordinates", Value: bson.A{p.Longitude, p.Latitude}}}
}

// reportWords are the words of what a report says, each once.
func reportWords(r *reports.Report) any {
	words := strings.Fields(r.SearchText())
	slices.Sort(words)
	if words = slices.Compact(words); len(words) == 0 {
		return nil
	}
	return words
}

// CreateReport writes a new report, its events and its words.
func (db *DB) CreateReport(ctx context.Context, r *reports.Report, events []event.Event) error {
	r.Rev = 1
	ctx, cancel := context.WithTimeout(ctx, operationTime) // what takes longer would be written later than it says: see reports_changes.go
	defer cancel()
	for try := 0; ; try++ {
		err := reportKind.insert(ctx, db, r, effects{events: events, then: accompanied(ctx)})
		if !taken(err) {
			return err
		}
		if err := db.whichIsTaken(ctx, r); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		pause(ctx, try) // whoever has it wrote it a moment ago: it is not yet where readers see it, or will never be
	}
}

// whichIsTaken says which of a report's keys another report has.
func (db *DB) whichIsTaken(ctx context.Context, r *reports.Report) error {
	fields, err := reportFields(r)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		key   bson.E
		means error
	}{{bson.E{Key: "_id", Value: r.ID}, fault.New(fault.Exists)}, {fields[1], reports.ErrNumberTaken}} {
		_, err := db.in("reports").FindOne(ctx, bson.D{c.key}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
		if err == nil {
			return c.means
		}
		if !errors.Is(err, driver.ErrNoDocuments) {
			return failed(ctx, err)
		}
	}
	return nil
}

// Report reads one.
func (db *DB) Report(ctx context.Context, id string) (*reports.Report, error) {
	return reportKind.get(ctx, db, id)
}

// UpdateReport changes one.
func (db *DB) UpdateReport(ctx context.Context, id string, change func(*reports.Report) ([]event.Event, error)) (*reports.Report, error) {
	return reportKind.update(ctx, db, id, func(r *reports.Report) (effects, error) {
		events, err := change(r)
		return effects{events: events}, err
	})
}

// Support adds supporters and counts them.
func (db *DB) Support(ctx context.Context, report string, citizens []string) (int, error) {
	return db.changeSupporters(ctx, report, "$setUnion", citizens)
}

// Unsupport takes one away.
func (db *DB) Unsupport(ctx context.Context, report, citizen string) (int, error) {
	return db.changeSupporters(ctx, report, "$setDifference", []string{citizen})
}

// changeSupporters counts those that are left in the same write: asked for again, it changes nothing.
func (db *DB) changeSupporters(ctx context.Context, report, operator string, citizens []string) (int, error) {
	if citizens == nil {
		citizens = []string{}
	}
	now := bson.D{{Key: operator, Value: bson.A{bson.D{{Key: "$ifNull", Value: bson.A{"$supporters", bson.A{}}}}, bson.D{{Key: "$literal", Value: citizens}}}}}
	raw, err := db.in("reports").FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: report}}, driver.Pipeline{
		{{Key: "$set", Value: bson.D{{Key: "supporters", Value: now}}}},
		{{Key: "$set", Value: bson.D{{Key: "supports", Value: bson.D{{Key: "$size", Value: "$supporters"}}}}}},
	}, options.FindOneAndUpdate().SetReturnDocument(options.After).SetProjection(bson.D{{Key: "supports", Value: 1}})).Raw()
	if err != nil {
		return 0, failed(ctx, err)
	}
	return supports(raw), nil
}

func supports(raw bson.Raw) int {
	n, _ := raw.Lookup("supports").AsInt64OK()
	return int(n)
}

// Supporters lists them.
func (db *DB) Supporters(ctx context.Context, report string) ([]string, error) {
	var r struct {
		Supporters []string `bson:"supporters"`
	}
	err := db.in("reports").FindOne(ctx, bson.D{{Key: "_id", Value: report}}, options.FindOne().SetProjection(bson.D{{Key: "supporters", Value: 1}})).Decode(&r)
	if errors.Is(err, driver.ErrNoDocuments) {
		return nil, nil
	}
	return r.Supporters, failed(ctx, err)
}
