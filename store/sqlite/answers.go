package sqlite

import (
	"context"
	"fmt"
	"time"
)

const answersSchema = `
CREATE TABLE answers(key TEXT PRIMARY KEY, at INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX answers_at ON answers(at);`

// Answer gives what an idempotent request was answered with, or fault.NotFound.
func (db *DB) Answer(ctx context.Context, key string) ([]byte, error) {
	var b []byte
	if err := db.row(ctx, `SELECT doc FROM answers WHERE key = ?`, key).Scan(&b); err != nil {
		return nil, absent(err)
	}
	return b, nil
}

// KeepAnswer keeps an answer; one that is there already stays.
func (db *DB) KeepAnswer(ctx context.Context, key string, answer []byte, at time.Time) error {
	err := db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO answers(key, at, doc) VALUES(?,?,?) ON CONFLICT DO NOTHING`, key, millis(at), answer)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

// SweepAnswers removes answers from before a moment, a thousand in one write so that nobody waits for it.
func (db *DB) SweepAnswers(ctx context.Context, before time.Time) error {
	for n := int64(1); n > 0; {
		err := db.write(ctx, func(t *tx) (err error) {
			n, err = t.exec(`DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE at < ? LIMIT 1000)`, millis(before))
			return err
		})
		if err != nil {
			return fmt.Errorf("sweep answers: %w", err)
		}
	}
	return nil
}
