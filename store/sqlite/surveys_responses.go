package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// Nothing here leads from an anonymous response to who gave it: its tables have no rowid that would tell the order in which
// responses came, their keys are random, and what changes with each response is one number of the whole round. What is counted
// lies by itself, so that counting reads one range of narrow rows.
const responsesSchema = `
CREATE TABLE responses(
	id    BLOB PRIMARY KEY,
	doc   BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE response_rows(
	round BLOB NOT NULL,
	id    BLOB NOT NULL,
	row   BLOB NOT NULL,
	PRIMARY KEY(round, id)
) WITHOUT ROWID;
CREATE TABLE touches(
	round   BLOB PRIMARY KEY,
	touched INTEGER NOT NULL -- how often responses of the round were written: a row of its own, since each response writes it anew
) WITHOUT ROWID;
CREATE TABLE tallies(
	round   BLOB PRIMARY KEY,
	counted INTEGER NOT NULL, -- what touched was when doc was counted
	doc     BLOB NOT NULL
) WITHOUT ROWID;`

// Respond writes an invitation and its response.
func (db *DB) Respond(ctx context.Context, invitation string,
	change func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error)) error {
	return db.race(ctx, func() (func(*tx) (bool, error), error) {
		var r *surveys.Response
		var row []byte
		var words []surveys.Verbatim
		c, err := db.changeInvitation(ctx, invitation, func(i *surveys.Invitation) ([]event.Event, error) {
			old, err := db.Response(ctx, surveys.ResponseID(invitation))
			if err != nil && fault.CodeOf(err) != fault.NotFound {
				return nil, err
			}
			r, row, words, err = change(i, old)
			return nil, err
		})
		if err != nil {
			return nil, err
		}
		if r == nil {
			return func(t *tx) (bool, error) { return t.putInvitation(c) }, nil
		}
		doc, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encode a response: %w", err)
		}
		kept, err := verbatimRows(words)
		if err != nil {
			return nil, err
		}
		return func(t *tx) (bool, error) {
			if won, err := t.putInvitation(c); err != nil || !won {
				return false, err
			}
			return true, t.putResponse(r, doc, row, kept)
		}, nil
	})
}

// putResponse writes a response in the place of the one that has its id.
func (t *tx) putResponse(r *surveys.Response, doc, row []byte, words []verbatimRow) error {
	n, err := t.exec(`INSERT INTO responses(id, doc) VALUES(?,?) ON CONFLICT DO NOTHING`, key(r.ID), doc)
	if err != nil {
		return fmt.Errorf("write a response: %w", err)
	}
	if n == 0 {
		_, err1 := t.exec(`DELETE FROM response_rows WHERE round = ? AND id = ?`, key(r.Round), key(r.ID))
		_, err2 := t.exec(`DELETE FROM verbatims WHERE response = ?`, key(r.ID))
		_, err3 := t.exec(`UPDATE responses SET doc = ? WHERE id = ?`, doc, key(r.ID))
		if err := errors.Join(err1, err2, err3); err != nil {
			return fmt.Errorf("replace a response: %w", err)
		}
	}
	if len(row) > 0 {
		if _, err := t.exec(`INSERT INTO response_rows(round, id, row) VALUES(?,?,?)`, key(r.Round), key(r.ID), row); err != nil {
			return fmt.Errorf("write a response's row: %w", err)
		}
	}
	if err := t.addVerbatims(words); err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO touches(round, touched) VALUES(?, 1) ON CONFLICT DO UPDATE SET touched = touched + 1`, key(r.Round))
	return err
}

// Response reads one.
func (db *DB) Response(ctx context.Context, id string) (*surveys.Response, error) {
	return doc[surveys.Response](db.row(ctx, `SELECT doc FROM responses WHERE id = ?`, key(id)))
}

const rowsOfRound = `SELECT row FROM response_rows WHERE round = ?`

// ScanResponses reads one range of narrow rows.
func (db *DB) ScanResponses(ctx context.Context, round string, visit func(row []byte) error) error {
	rows, err := db.query(ctx, rowsOfRound, key(round))
	if err != nil {
		return fmt.Errorf("read responses: %w", err)
	}
	defer rows.Close()
	var row sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&row); err != nil {
			return err
		}
		if err := visit(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Touched counts what was written.
func (db *DB) Touched(ctx context.Context, round string) (n int64, err error) {
	err = db.row(ctx, `SELECT coalesce(max(touched), 0) FROM touches WHERE round = ?`, key(round)).Scan(&n)
	return n, err
}

// PutTally keeps a tally, unless there is one of more responses.
func (db *DB) PutTally(ctx context.Context, round string, touched int64, tally []byte) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO tallies(round, counted, doc) VALUES(?,?,?) ON CONFLICT DO UPDATE SET counted = excluded.counted, doc = excluded.doc
			WHERE counted <= excluded.counted`, key(round), touched, tally)
		return err
	})
}

// TallyOf reads it.
func (db *DB) TallyOf(ctx context.Context, round string) (touched int64, tally []byte, err error) {
	err = absent(db.row(ctx, `SELECT counted, doc FROM tallies WHERE round = ?`, key(round)).Scan(&touched,
		&tally))
	if fault.CodeOf(err) == fault.NotFound {
		return 0, nil, nil
	}
	return touched, tally, err
}
