package mongo

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/reports"
)

// Figures of reports are counted from
//
//	reports:      mark: the report's day, as 2006-01-02, from each write until it is entered; never there for those that are in no figure
//	report_pages: {_id: day, rev, packed}: see package daybook. A document holds 16 MB, which is a day of 300,000 reports
const reportPages = "report_pages"

var reportMarks = index{in: reportKind.in, keys: bson.D{{Key: "mark", Value: 1}}, exists: "mark", serves: "reports that are not entered into the figures"}

// MarkedReports reads them day by day.
func (db *DB) MarkedReports(ctx context.Context, limit int) ([]*reports.Report, error) {
	return reportKind.all(ctx, db, bson.D{{Key: "mark", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$gte", Value: ""}}}},
		options.Find().SetSort(reportMarks.keys).SetHint(reportMarks.name()).SetLimit(int64(limit)).SetProjection(reportKind.reads))
}

// UnmarkReports takes marks away, of those of one rev together.
func (db *DB) UnmarkReports(ctx context.Context, revs map[string]int64) error {
	byRev := map[int64][]string{}
	for id, rev := range revs {
		byRev[rev] = append(byRev[rev], id)
	}
	for rev, ids := range byRev {
		slices.Sort(ids) // in one order: who waits for another is waited for by none
		filter, forget := bson.D{{Key: "_id", Value: among(ids)}, {Key: "rev", Value: rev}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "mark", Value: ""}}}}
		_, err := db.in(reportKind.in).UpdateMany(ctx, filter, forget)
		for try := 1; clashed(err) && try < clashes; try++ {
			pause(ctx, try)
			_, err = db.in(reportKind.in).UpdateMany(ctx, filter, forget)
		}
		if err != nil {
			return failed(ctx, err)
		}
	}
	return nil
}

// ReportPages reads the pages of reports.
func (db *DB) ReportPages(ctx context.Context, from, through string, known map[string]int64) ([]daybook.Kept, error) {
	return db.pages(ctx, reportPages, from, through, known)
}

// PutReportPage keeps a page of reports.
func (db *DB) PutReportPage(ctx context.Context, p daybook.Kept) (bool, error) {
	return db.putPage(ctx, reportPages, p)
}

// pagesRead is how many pages are read at once.
const pagesRead = 32

// pages of a collection of them: their revs first. One that is replaced in between is read as it is then.
func (db *DB) pages(ctx context.Context, in, from, through string, known map[string]int64) (all []daybook.Kept, err error) {
	days := bson.D{{Key: "$gte", Value: from}}
	if through != "" {
		days = append(days, bson.E{Key: "$lte", Value: through})
	}
	var missing []string
	places := map[string]int{}
	err = db.scan(ctx, in, bson.D{{Key: "_id", Value: days}}, func(raw bson.Raw) error {
		k := daybook.Kept{Day: textIn(raw, "_id"), Rev: numberIn(raw, "rev")}
		if known[k.Day] != k.Rev {
			missing = append(missing, k.Day)
		}
		places[k.Day] = len(all)
		all = append(all, k)
		return nil
	}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetProjection(bson.D{{Key: "rev", Value: 1}}))
	for some := range slices.Chunk(missing, pagesRead) {
		if err != nil {
			return nil, err
		}
		err = db.scan(ctx, in, bson.D{{Key: "_id", Value: among(some)}}, func(raw bson.Raw) error {
			k := &all[places[textIn(raw, "_id")]]
			_, packed, _ := raw.Lookup("packed").BinaryOK()
			k.Rev, k.Packed = numberIn(raw, "rev"), slices.Clone(packed)
			return nil
		})
	}
	return all, err
}

// putPage into a collection of them.
func (db *DB) putPage(ctx context.Context, in string, p daybook.Kept) (bool, error) {
	d := bson.D{{Key: "v", Value: docVersion}, {Key: "rev", Value: p.Rev}, {Key: "packed", Value: p.Packed}}
	if p.Rev == 1 {
		_, err := db.in(in).InsertOne(ctx, append(bson.D{{Key: "_id", Value: p.Day}}, d...))
		if taken(err) || clashed(err) {
			return false, nil
		}
		return err == nil, failed(ctx, err)
	}
	r, err := db.in(in).UpdateOne(ctx, bson.D{{Key: "_id", Value: p.Day}, {Key: "rev", Value: p.Rev - 1}}, bson.D{{Key: "$set", Value: d}})
	if clashed(err) {
		return false, nil
	}
	return err == nil && r.MatchedCount == 1, failed(ctx, err)
}

// intoFigures marks every report that an earlier program wrote, which knows no marks but writes day: when the first program that knows them
// starts, and again when no earlier one is left. Then day goes, and the index of all that was counted by with it.
var intoFigures = migration{
	before: func(ctx context.Context, db *DB) error { return db.markByDay(ctx, nil) },
	after: func(ctx context.Context, db *DB) error {
		if err := db.markByDay(ctx, []string{"day", "gender", "residency", "company"}); err != nil {
			return err
		}
		err := db.in(reportKind.in).Indexes().DropOne(ctx, "day_1_category_1_centre_1_department_1_channel_1_status_1_gender_1_residency_1_company_1")
		var command driver.CommandError
		if errors.As(err, &command) && command.Code == 27 { // IndexNotFound
			return nil
		}
		return failed(ctx, err)
	},
}

// markByDay marks what has a day, which is a number such as 20060102, and takes fields away.
func (db *DB) markByDay(ctx context.Context, unset []string) error {
	digits := bson.D{{Key: "$toString", Value: "$day"}}
	part := func(from, n int) bson.D { return bson.D{{Key: "$substrBytes", Value: bson.A{digits, from, n}}} }
	mark := driver.Pipeline{{{Key: "$set", Value: bson.D{{Key: "mark", Value: bson.D{{Key: "$concat", Value: bson.A{part(0, 4), "-", part(4, 2), "-", part(6, 2)}}}}}}}}
	if len(unset) > 0 {
		mark = append(mark, bson.D{{Key: "$unset", Value: unset}})
	}
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTime)
	defer cancel()
	_, err := db.in(reportKind.in).UpdateMany(patient, bson.D{{Key: "day", Value: bson.D{{Key: "$gte", Value: 0}}}}, mark)
	return failed(ctx, err)
}
