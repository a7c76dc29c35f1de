package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/fault"
)

// What was before and after comes last: a list reads rows from their beginning, and these may be megabytes.
const auditSchema = `
CREATE TABLE audit(
	id     TEXT NOT NULL,
	at     INTEGER NOT NULL,
	staff  TEXT NOT NULL,
	path   TEXT NOT NULL,
	doc    BLOB NOT NULL,
	before BLOB,
	after  BLOB
);
CREATE UNIQUE INDEX audit_id ON audit(id);
CREATE INDEX audit_at ON audit(at, id);
CREATE INDEX audit_staff ON audit(staff, at, id);`

var _ audit.Store = (*DB)(nil)

// BeginAudit adds an entry.
func (db *DB) BeginAudit(ctx context.Context, e *audit.Entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode an entry of the audit: %w", err)
	}
	err = db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO audit(id, at, staff, path, doc, before) VALUES(?,?,?,?,?,?)`, e.ID, millis(e.At), e.Staff, e.Path, b, e.Before)
		return err
	})
	if unique(err) {
		return fault.New(fault.Exists)
	}
	return err
}

// CompleteAudit writes how a change ended.
func (db *DB) CompleteAudit(ctx context.Context, id string, end audit.End) error {
	return db.write(ctx, func(t *tx) error {
		e, err := doc[audit.Entry](t.row(`SELECT doc FROM audit WHERE id = ?`, id))
		if err != nil {
			return err
		}
		e.Apply(end)
		b, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode an entry of the audit: %w", err)
		}
		_, err = t.exec(`UPDATE audit SET doc = ?, after = ? WHERE id = ?`, b, end.After, id)
		return err
	})
}

// AuditEntry reads one of them.
func (db *DB) AuditEntry(ctx context.Context, id string) (*audit.Entry, error) {
	return auditEntry(db.row(ctx, `SELECT doc, before, after FROM audit WHERE id = ?`, id))
}

func auditEntry(row scanner) (*audit.Entry, error) {
	var b, before, after []byte
	if err := row.Scan(&b, &before, &after); err != nil {
		return nil, absent(err)
	}
	e := new(audit.Entry)
	if err := json.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("stored entry of the audit: %w", err)
	}
	e.Before, e.After = before, after
	return e, nil
}

// AuditEntries walks an index backwards.
func (db *DB) AuditEntries(ctx context.Context, q audit.Query) ([]*audit.Entry, error) {
	var w where
	w.and("at >= ?", millis(q.From))
	w.equal("staff", q.Staff)
	if q.Path != "" {
		w.and("substr(path, 1, length(?)) = ?", q.Path, q.Path)
	}
	if !q.To.IsZero() {
		w.and("at < ?", millis(q.To))
	}
	if q.After.ID != "" {
		w.and("(at, id) < (?, ?)", millis(q.After.At), q.After.ID)
	}
	// Not kept prepared: there are many forms of it, and administrators are few.
	return docs[audit.Entry](db.reader.QueryContext(ctx, `SELECT doc FROM audit WHERE `+w.String()+` ORDER BY at DESC, id DESC LIMIT ?`, append(w.args, q.Limit)...))
}
