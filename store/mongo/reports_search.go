package mongo

import (
	"context"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fold"
	"github.com/balagh/balagh/reports"
)

// Settle has nothing to wait for: words are written with their report.
func (db *DB) Settle(context.Context) error { return nil }

const (
	fewWords    = 50  // reports that are read to see how rare a word is
	fewPrefixes = 300 // likewise of a word's beginning, of which there is no newest one

	lastRune = "\U0010FFFF" // behind every one that a word goes on with
)

// search narrows to reports with all of the terms, the last by its beginning unless it is a number. Only what folding leaves of a term
// is looked for: words of letters and digits. No report has none, so that nothing is found without any.
//
// A list of reports that has a word costs what the word is common, when it is read for another word that is in few of them. So the
// words are tried first: where one is in a few reports only, these are all that is looked at; otherwise the rarest word is the index
// that the list is read from. (One that is in the newest reports all over is common, one whose newest go far back is rare.) The beginning
// of words has no order: when it is common, so is what it finds on the way through everything.
func (db *DB) search(ctx context.Context, w *where, terms []string, sort reports.Sort) (index string, some bool, err error) {
	words := strings.Fields(fold.Text(strings.Join(terms, " ")))
	if len(words) == 0 {
		return "", false, nil
	}
	var prefix string
	if last := words[len(words)-1]; strings.Trim(last, "0123456789") != "" {
		words, prefix = words[:len(words)-1], last
	}
	var tried []trial
	if prefix != "" {
		tried = append(tried, trial{is: bson.E{Key: "$elemMatch", Value: bson.D{{Key: "$gte", Value: prefix}, {Key: "$lt", Value: prefix + lastRune}}}})
	}
	for _, word := range words {
		tried = append(tried, trial{word: word, is: bson.E{Key: "$eq", Value: word}})
	}
	if err := db.try(ctx, tried); err != nil {
		return "", false, err
	}
	rarest := slices.MinFunc(tried, rarer)
	if rarest.word != "" { // the first is the one by which the index is read
		words = append([]string{rarest.word}, slices.DeleteFunc(words, func(s string) bool { return s == rarest.word })...)
	}
	if len(words) > 0 {
		w.add("words", "$all", words)
	}
	if prefix != "" {
		w.add("words", tried[0].is.Key, tried[0].is.Value)
	}
	switch {
	case rarest.whole:
		w.add("_id", "$in", rarest.ids)
		return byID, len(rarest.ids) > 0, nil
	case rarest.word != "" && sort != reports.ByDue:
		return byWords, true, nil
	}
	return "", true, nil
}

// trial is a word, or the beginning of one, and the newest reports that have it, or some.
type trial struct {
	word  string
	is    bson.E
	ids   []string
	whole bool  // these are all
	span  int64 // how far back they go
}

// rarer compares two by how rare they are.
func rarer(a, b trial) int {
	switch {
	case a.whole && b.whole:
		return len(a.ids) - len(b.ids)
	case a.whole || b.word == "" && !b.whole:
		return -1
	case b.whole || a.word == "":
		return 1
	case a.span > b.span:
		return -1
	}
	return 1
}

func (db *DB) try(ctx context.Context, all []trial) error {
	if len(all) == 1 && all[0].word != "" {
		return nil
	}
	var g group
	for i := range all {
		g.Go(func() error {
			t := &all[i]
			limit, o := fewPrefixes, options.Find()
			if t.word != "" {
				limit, o = fewWords, o.SetSort(bson.D{{Key: "seq", Value: -1}})
			}
			var first, last int64
			err := db.scan(ctx, "reports", bson.D{{Key: "words", Value: bson.D{t.is}}}, func(raw bson.Raw) error {
				id, _ := raw.Lookup("_id").StringValueOK()
				last, _ = raw.Lookup("seq").AsInt64OK()
				if t.ids = append(t.ids, id); len(t.ids) == 1 {
					first = last
				}
				return nil
			}, o.SetHint(byWords).SetProjection(bson.D{{Key: "seq", Value: 1}}).SetLimit(int64(limit)).SetBatchSize(int32(limit+1)))
			t.whole, t.span = len(t.ids) < limit, first-last
			return err
		})
	}
	return g.Wait()
}
