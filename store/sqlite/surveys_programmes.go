package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

const programmesSchema = `
CREATE TABLE programmes(
	code TEXT PRIMARY KEY,
	rev  INTEGER NOT NULL,
	doc  BLOB NOT NULL
) WITHOUT ROWID;`

// race changes a document that was read beside the writer: attempt reads and changes it, and gives what writes it unless
// somebody was faster, in which case it runs again.
func (db *DB) race(ctx context.Context, attempt func() (write func(*tx) (won bool, err error), err error)) error {
	for {
		write, err := attempt()
		if err != nil {
			return err
		}
		var won bool
		err = db.write(ctx, func(t *tx) (err error) {
			won, err = write(t)
			return err
		})
		if err != nil || won {
			return err
		}
	}
}

// Programmes reads every one.
func (db *DB) Programmes(ctx context.Context) ([]*surveys.Programme, error) {
	return docs[surveys.Programme](db.query(ctx, `SELECT doc FROM programmes ORDER BY code`))
}

// Programme reads one.
func (db *DB) Programme(ctx context.Context, code string) (*surveys.Programme, error) {
	return doc[surveys.Programme](db.row(ctx, `SELECT doc FROM programmes WHERE code = ?`, code))
}

// PutProgramme changes one, or makes it.
func (db *DB) PutProgramme(ctx context.Context, code string, change func(*surveys.Programme) error) (*surveys.Programme, error) {
	var p *surveys.Programme
	err := db.race(ctx, func() (func(*tx) (bool, error), error) {
		var err error
		if p, err = db.Programme(ctx, code); fault.CodeOf(err) == fault.NotFound {
			p = &surveys.Programme{Code: code}
		} else if err != nil {
			return nil, err
		}
		was := p.Rev
		if err := change(p); err != nil {
			return nil, err
		}
		p.Code, p.Rev = code, was+1
		b, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode a programme: %w", err)
		}
		return func(t *tx) (bool, error) {
			q, args := `UPDATE programmes SET rev = ?, doc = ? WHERE code = ? AND rev = ?`, []any{p.Rev, b, code, was}
			if was == 0 {
				q, args = `INSERT INTO programmes(code, rev, doc) VALUES(?,?,?) ON CONFLICT DO NOTHING`, []any{code, p.Rev, b}
			}
			n, err := t.exec(q, args...)
			return n == 1, err
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}
