package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// age makes an ascending order of the newest day first. folded begins with a blank, so that a blank before a term finds
// beginnings of words.
const verbatimsSchema = `
CREATE TABLE verbatims(
	id       BLOB PRIMARY KEY,
	response BLOB NOT NULL,
	round    BLOB,
	age      INTEGER NOT NULL, -- days until 1970
	question TEXT NOT NULL,
	state    TEXT NOT NULL,
	snapshot BLOB NOT NULL,
	folded   TEXT NOT NULL,
	doc      BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX verbatims_round ON verbatims(round, age, id);
CREATE INDEX verbatims_age ON verbatims(age, id);
CREATE INDEX verbatims_response ON verbatims(response);`

// verbatimRow is a verbatim on its way to the store.
type verbatimRow []any

func verbatimRows(words []surveys.Verbatim) ([]verbatimRow, error) {
	rows := make([]verbatimRow, len(words))
	for n := range words {
		v := &words[n]
		doc, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode a verbatim: %w", err)
		}
		day, err := time.Parse(time.DateOnly, v.Day)
		if err != nil {
			return nil, fmt.Errorf("the day of a verbatim: %w", err)
		}
		rows[n] = verbatimRow{key(v.ID), key(v.Response), key(v.Round), -day.Unix() / 86_400, v.Question, v.State,
			packSnapshot(nil, &v.Snapshot), " " + v.Folded, doc}
	}
	return rows, nil
}

func (t *tx) addVerbatims(rows []verbatimRow) error {
	for _, r := range rows {
		if _, err := t.exec(`INSERT INTO verbatims(id, response, round, age, question, state, snapshot, folded, doc) VALUES(?,?,?,?,?,?,?,?,?)`, r...); err != nil {
			return fmt.Errorf("write a verbatim: %w", err)
		}
	}
	return nil
}

const (
	verbatimPosition = `SELECT age FROM verbatims WHERE id = ?`
	verbatimFilter   = ` AND (?3 = '' OR question = ?3) AND (?4 IS NULL OR state IN (SELECT value FROM json_each(?4)))
		AND NOT EXISTS(SELECT 1 FROM json_each(?5) WHERE instr(folded, value) = 0) ORDER BY age, id`
	verbatimsOfRound = `SELECT snapshot, doc FROM verbatims WHERE round = ?6 AND (age, id) > (?1, ?2)` + verbatimFilter
	verbatimsOfAll   = `SELECT snapshot, doc FROM verbatims INDEXED BY verbatims_age WHERE (age, id) > (?1, ?2)` + verbatimFilter
)

// Verbatims is a page of them. It reads on until the page is full.
func (db *DB) Verbatims(ctx context.Context, q surveys.VerbatimQuery) ([]surveys.Verbatim, error) {
	age, id := int64(-1<<40), any("")
	if q.After != "" {
		id = key(q.After)
		if err := absent(db.row(ctx, verbatimPosition, id).Scan(&age)); err != nil {
			return nil, err
		}
	}
	terms := make([]string, len(q.Terms))
	for n, term := range q.Terms {
		terms[n] = " " + term
	}
	args := []any{age, id, q.Question, nil, jsonList(terms)}
	if len(q.States) > 0 {
		args[3] = jsonList(q.States)
	}
	statement := verbatimsOfAll
	if q.Round != "" {
		statement, args = verbatimsOfRound, append(args, key(q.Round))
	}
	rows, err := db.query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("read verbatims: %w", err)
	}
	defer rows.Close()
	var all []surveys.Verbatim
	for len(all) < q.Limit && rows.Next() {
		var packed, b []byte
		if err := rows.Scan(&packed, &b); err != nil {
			return nil, err
		}
		if q.By != "" {
			if s, err := unpackSnapshot(packed); err != nil {
				return nil, err
			} else if s.Value(q.By) != q.Value {
				continue
			}
		}
		var v surveys.Verbatim
		if err := json.Unmarshal(b, &v); err != nil {
			return nil, fmt.Errorf("stored verbatim: %w", err)
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// UpdateVerbatim changes one within the write: those who moderate are few.
func (db *DB) UpdateVerbatim(ctx context.Context, id string, change func(*surveys.Verbatim) error) (*surveys.Verbatim, error) {
	var v *surveys.Verbatim
	err := db.write(ctx, func(t *tx) (err error) {
		if v, err = doc[surveys.Verbatim](t.row(`SELECT doc FROM verbatims WHERE id = ?`, key(id))); err != nil {
			return err
		}
		if err := change(v); err != nil {
			return err
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode a verbatim: %w", err)
		}
		n, err := t.exec(`UPDATE verbatims SET state = ?, doc = ? WHERE id = ?`, v.State, b, key(id))
		if err == nil && n != 1 {
			return fault.New(fault.NotFound)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}
