package mongo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/surveys"
)

// An answer is one write of its invitation, in which the response, its words and the touch of its round travel. They are written right
// after it, before Respond returns. A process that dies before leaves them to whoever reads or changes the invitation next, or to
// FollowLate, so each can be written twice.
//
// The response to an invitation that is not anonymous has an id that derives from it, and may be replaced. Somebody who slept over
// writing an older one must not undo a newer one; therefore the response and its words have of_rev, the rev of the invitation
// that they came with, and nothing is written over a higher one. words are the ids of all its words ever: those that are not said any more
// stay as documents without anything in them, which whoever slept cannot make anew.
//
// Nothing leads from an anonymous response to who gave it. Its id is random, so it is never replaced and has no of_rev. The invitation
// holds it until it is written, and then nothing of it: neither then nor then_at. What changes with each response is a number of the
// whole round, and the random numbers of the last touches, which lie nowhere else. Responses and words lie in the order of their ids
// (see clustered), and their indexes end in the id, so nothing gives them in the order in which they came. A server that
// keeps documents in another order than that of a clustered collection, as FerretDB does, tells it to whoever asks for $natural. What
// SQLite's log of writes is to a file, the oplog and the journal are here, and where the server keeps old versions of documents,
// those: they hold the latest writes in their order, the invitation's with the response in it, until the server needs the room.
//
// Beside a response lie round; row, which is what is counted of it, absent when that is nothing; of_rev and words.
var responses = kind[surveys.Response]{
	in: "responses",
	id: func(r *surveys.Response) string { return r.ID },
	fields: func(r *surveys.Response) (bson.D, error) {
		return bson.D{{Key: "round", Value: r.Round}}, nil
	},
}

var responseIndexes = []index{
	{in: "responses", keys: bson.D{{Key: "round", Value: 1}, {Key: "_id", Value: 1}}, serves: "counting: the rows of a round"},
}

const (
	touchesKept = 64      // numbers of touches that a round remembers
	rowsBatch   = 10_000  // rows that come at once
	tallyPart   = 8 << 20 // bytes of a tally in one document
)

// Respond writes an invitation and what follows of it.
func (db *DB) Respond(ctx context.Context, invitation string, change answerChange) error {
	a := &answering{ctx: ctx, change: change}
	// In one process one after the other: each is given the response of the one before it.
	err := db.crowd.join(ctx, "respond/"+invitation, a, func(jobs []any) {
		for _, j := range jobs {
			a := j.(*answering)
			a.err = db.respond(a.ctx, invitation, a.change)
		}
	})
	if err != nil {
		return err
	}
	return a.err
}

type answering struct {
	ctx    context.Context
	change answerChange
	err    error
}

type answerChange = func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error)

func (db *DB) respond(ctx context.Context, invitation string, change answerChange) error {
	_, err := invitations.update(ctx, db, invitation, func(i *surveys.Invitation) (effects, error) { return db.answer(ctx, i, change) })
	return err
}

// answer changes an invitation and says what follows of it.
func (db *DB) answer(ctx context.Context, i *surveys.Invitation, change answerChange) (e effects, err error) {
	invitation, rev, id := i.ID, i.Rev, surveys.ResponseID(i.ID)
	var old *surveys.Response
	var said []string
	if !i.Anonymous {
		if old, said, err = db.oldResponse(ctx, id); err != nil {
			return e, err
		}
	}
	r, row, words, err := change(i, old)
	i.ID, i.Rev = invitation, rev
	if err != nil || r == nil {
		return e, err
	}
	w := answer{r, row, words}
	if r.ID == id {
		e.then, err = w.replacing(rev+1, said)
	} else {
		e.then, err = w.once()
	}
	e.then = append(e.then, touch(r.Round))
	return e, err
}

// oldResponse is the response that a new one would replace, and the ids of its words; nil without one.
func (db *DB) oldResponse(ctx context.Context, id string) (*surveys.Response, []string, error) {
	raw, err := db.in("responses").FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, failed(ctx, err)
	}
	old, err := responses.of(raw)
	if err != nil {
		return nil, nil, err
	}
	var beside struct {
		Words []string `bson:"words"`
	}
	if err := bson.Unmarshal(raw, &beside); err != nil {
		return nil, nil, unreadable{fmt.Errorf("the words of a response: %w", err)}
	}
	return old, beside.Words, nil
}

// answer is what is written of a response.
type answer struct {
	*surveys.Response
	row   []byte
	words []surveys.Verbatim
}

// once is for a response whose id is its own: it is written when it is not there.
func (a answer) once() ([]follow, error) {
	d, err := responses.fresh(a.Response, effects{})
	if err != nil {
		return nil, err
	}
	if len(a.row) > 0 {
		d = append(d, bson.E{Key: "row", Value: bson.Binary{Data: a.row}})
	}
	all := []follow{{In: "responses", Filter: d[:1], Update: bson.D{{Key: "$setOnInsert", Value: d[1:]}}}}
	for n := range a.words {
		f, err := verbatimOnce(&a.words[n])
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// replacing is for one that is written over older ones, whose words have those ids.
func (a answer) replacing(rev int64, said []string) ([]follow, error) {
	up, err := responses.changed(a.Response, effects{})
	if err != nil {
		return nil, err
	}
	says := make([]string, len(a.words))
	for n := range a.words {
		says[n] = a.words[n].ID
	}
	gone := slices.DeleteFunc(slices.Clone(said), func(id string) bool { return slices.Contains(says, id) })
	set, unset := bson.D{{Key: "of_rev", Value: rev}}, bson.D{}
	if len(a.row) > 0 {
		set = append(set, bson.E{Key: "row", Value: bson.Binary{Data: a.row}})
	} else {
		unset = append(unset, bson.E{Key: "row", Value: ""})
	}
	if all := slices.Concat(says, gone); len(all) > 0 {
		set = append(set, bson.E{Key: "words", Value: all})
	}
	all := []follow{{In: "responses", Filter: older(a.ID, rev), Update: with(up, set, unset)}}
	for _, id := range gone {
		all = append(all, verbatimGone(id, rev))
	}
	for n := range a.words {
		f, err := verbatimReplacing(&a.words[n], rev)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// older finds what came with an older write of the invitation, or nothing tells with which.
func older(id string, rev int64) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "of_rev", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$gte", Value: rev}}}}}}
}

// with is an update that sets and unsets more than it did.
func with(up, set, unset bson.D) bson.D {
	for _, e := range up {
		switch e.Key {
		case "$set":
			set = append(slices.Clip(e.Value.(bson.D)), set...)
		case "$unset":
			unset = append(slices.Clip(e.Value.(bson.D)), unset...)
		}
	}
	up = bson.D{{Key: "$set", Value: set}}
	if len(unset) > 0 {
		up = append(up, bson.E{Key: "$unset", Value: unset})
	}
	return up
}

// touch counts a write of a round's responses, once: a number that is among the last is counted already. In a round that was touched
// more often meanwhile one that is done again counts again, and does no harm.
func touch(round string) follow {
	number := rand.Int64()
	return follow{In: "touches", Filter: bson.D{{Key: "_id", Value: round}, {Key: "last", Value: bson.D{{Key: "$ne", Value: number}}}},
		Update: pushed(bson.D{{Key: "$inc", Value: bson.D{{Key: "touched", Value: int64(1)}}}, {Key: "$set", Value: bson.D{{Key: "v", Value: docVersion}}}},
			"last", number, touchesKept)}
}

// Response reads one.
func (db *DB) Response(ctx context.Context, id string) (*surveys.Response, error) {
	return responses.get(ctx, db, id)
}

// ScanResponses reads one range of an index, in its order: see responses.
func (db *DB) ScanResponses(ctx context.Context, round string, visit func(row []byte) error) error {
	return db.scan(ctx, "responses", bson.D{{Key: "round", Value: round}, {Key: "row", Value: bson.D{{Key: "$exists", Value: true}}}}, func(raw bson.Raw) error {
		_, row, _ := raw.Lookup("row").BinaryOK()
		return visit(row)
	}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: "row", Value: 1}}).
		SetSort(bson.D{{Key: "_id", Value: 1}}).SetBatchSize(rowsBatch))
}

// Touched counts what was written.
func (db *DB) Touched(ctx context.Context, round string) (int64, error) {
	var t struct {
		Touched int64 `bson:"touched"`
	}
	err := db.in("touches").FindOne(ctx, bson.D{{Key: "_id", Value: round}}).Decode(&t)
	if errors.Is(err, driver.ErrNoDocuments) {
		return 0, nil
	}
	return t.Touched, failed(ctx, err)
}

// tallyPiece is a piece of a tally: that of a round with thousands of groups may be more than fits into a document. Pieces that were not
// written together are no tally, and the responses are counted again.
type tallyPiece struct {
	ID      string `bson:"_id"` // round/000 …
	V       int    `bson:"v"`
	Counted int64  `bson:"counted"`
	Write   int64  `bson:"write"`
	Pieces  int    `bson:"pieces"`
	Tally   []byte `bson:"tally"`
}

// PutTally keeps a tally, unless there is one of more responses.
func (db *DB) PutTally(ctx context.Context, round string, touched int64, tally []byte) error {
	parts := slices.Collect(slices.Chunk(tally, tallyPart))
	if len(parts) == 0 {
		parts = [][]byte{{}}
	}
	write := rand.Int64()
	for n, part := range parts {
		p := tallyPiece{ID: tallyID(round, n), V: docVersion, Counted: touched, Write: write, Pieces: len(parts), Tally: part}
		filter := bson.D{{Key: "_id", Value: p.ID}, {Key: "counted", Value: bson.D{{Key: "$lte", Value: touched}}}}
		_, err := db.in("tallies").ReplaceOne(ctx, filter, p, options.Replace().SetUpsert(true))
		if taken(err) { // by one of more responses, or by one that was kept in this moment
			_, err = db.in("tallies").ReplaceOne(ctx, filter, p)
		}
		if err != nil {
			return fmt.Errorf("keep a tally: %w", failed(ctx, err))
		}
	}
	return nil
}

func tallyID(round string, n int) string { return fmt.Sprintf("%s/%03d", round, n) }

// TallyOf reads it.
func (db *DB) TallyOf(ctx context.Context, round string) (touched int64, tally []byte, err error) {
	var first tallyPiece
	n, whole := 0, true
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: round + "/"}, {Key: "$lt", Value: round + "0"}}}}
	err = db.scan(ctx, "tallies", filter, func(raw bson.Raw) error {
		var p tallyPiece
		if err := bson.Unmarshal(raw, &p); err != nil {
			whole = false
			return nil
		}
		if n == 0 {
			first, tally = p, make([]byte, 0, p.Pieces*len(p.Tally))
		}
		if n < first.Pieces { // those behind are of a longer one before
			whole = whole && p.Write == first.Write && p.ID == tallyID(round, n)
			tally = append(tally, p.Tally...)
		}
		n++
		return nil
	}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return 0, nil, fmt.Errorf("read a tally: %w", err)
	}
	if n == 0 || !whole || n < first.Pieces {
		return 0, nil, nil
	}
	return first.Counted, tally, nil
}
