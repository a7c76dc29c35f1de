package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/fault"
)

// answers: {_id: key, v, expires, gone, answer}; expires is answersKept after the answer was given. answer is the bytes that were handed
// over, not a document.
var answersIndexes = []index{{in: "answers", keys: bson.D{{Key: "gone", Value: 1}}, expire: true, serves: "the end of kept answers"}}

// answersKept is how long one is kept when nobody sweeps.
const answersKept = 7 * 24 * time.Hour

// Answer gives what an idempotent request was answered with, or fault.NotFound.
func (db *DB) Answer(ctx context.Context, key string) ([]byte, error) {
	raw, err := db.in("answers").FindOne(ctx, bson.D{{Key: "_id", Value: key}}, options.FindOne().SetProjection(only("answer"))).Raw()
	if err != nil {
		return nil, failed(ctx, err)
	}
	_, b, ok := raw.Lookup("answer").BinaryOK()
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return b, nil
}

// KeepAnswer keeps an answer; one that is there already stays.
func (db *DB) KeepAnswer(ctx context.Context, key string, answer []byte, at time.Time) error {
	expires := at.Add(answersKept)
	_, err := db.in("answers").InsertOne(ctx, bson.D{{Key: "_id", Value: key}, {Key: "v", Value: docVersion}, {Key: "expires", Value: millis(expires)},
		{Key: "gone", Value: gone(expires)}, {Key: "answer", Value: answer}})
	if err != nil && !taken(err) {
		return fmt.Errorf("keep an answer: %w", failed(ctx, err))
	}
	return nil
}

// SweepAnswers removes answers from before a moment.
func (db *DB) SweepAnswers(ctx context.Context, before time.Time) error {
	if err := db.sweep(ctx, "answers", over(before.Add(answersKept))); err != nil {
		return fmt.Errorf("sweep answers: %w", err)
	}
	return nil
}
