package sqlite

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/balagh/balagh/store/transfer"
)

var _ transfer.Target = (*DB)(nil)

// moved says how the records of a kind lie in a table.
type moved struct {
	table string
	keys  []string // whose order is the order of handing over, and which name a row
	cols  string   // what read gets besides the keys
	where string
	read  func(ctx context.Context, db *DB, keys []any, row scanner) (any, error)
	put   func(t *tx, record json.RawMessage) error
}

// scan reads a row of the keys and then cols.
func (m *moved) scan(row scanner, keys []any) scanner { return keyed{row, keys} }

// keyed reads the keys of a row before the rest.
type keyed struct {
	row  scanner
	keys []any
}

func (k keyed) Scan(into ...any) error {
	all := make([]any, 0, len(k.keys)+len(into))
	for i := range k.keys {
		all = append(all, &k.keys[i])
	}
	return k.row.Scan(append(all, into...)...)
}

// CountRecords of a kind.
func (db *DB) CountRecords(ctx context.Context, kind string) (n int64, err error) {
	m, err := movedOf(kind)
	if err != nil {
		return 0, err
	}
	err = db.reader.QueryRowContext(ctx, `SELECT count(*) FROM `+m.table+m.where).Scan(&n)
	return n, err
}

func movedOf(kind string) (*moved, error) {
	m, ok := movedKinds[kind]
	if !ok {
		return nil, fmt.Errorf("no such kind of records: %s", kind)
	}
	return m, nil
}

// Records are the next after a position.
func (db *DB) Records(ctx context.Context, kind, after string, limit int) (records []json.RawMessage, next string, err error) {
	m, err := movedOf(kind)
	if err != nil {
		return nil, "", err
	}
	order, where := strings.Join(m.keys, ", "), m.where
	var args []any
	if after != "" {
		if args, err = parsePosition(after); err != nil || len(args) != len(m.keys) {
			return nil, "", fmt.Errorf("%s: no such position", kind)
		}
		if where == "" {
			where = " WHERE "
		} else {
			where += " AND "
		}
		where += "(" + order + ") > (" + strings.TrimSuffix(strings.Repeat("?,", len(args)), ",") + ")"
	}
	cols := order
	if m.cols != "" {
		cols += ", " + m.cols
	}
	rows, err := db.reader.QueryContext(ctx, `SELECT `+cols+` FROM `+m.table+where+` ORDER BY `+order+` LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", kind, err)
	}
	defer rows.Close()
	for rows.Next() {
		keys := make([]any, len(m.keys))
		v, err := m.read(ctx, db, keys, m.scan(rows, keys))
		if err != nil {
			return nil, "", fmt.Errorf("read %s: %w", kind, err)
		}
		record, err := transfer.Encode(v)
		if err != nil {
			return nil, "", err
		}
		records, next = append(records, record), position(keys)
	}
	if len(records) < limit {
		next = ""
	}
	return records, next, rows.Err()
}

// position is a row's key as a text.
func position(keys []any) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		switch k := k.(type) {
		case []byte:
			parts[i] = "b" + hex.EncodeToString(k)
		case int64:
			parts[i] = "i" + strconv.FormatInt(k, 10)
		case string:
			parts[i] = "s" + hex.EncodeToString([]byte(k))
		}
	}
	return strings.Join(parts, " ")
}

func parsePosition(s string) ([]any, error) {
	var keys []any
	for part := range strings.SplitSeq(s, " ") {
		if part == "" {
			return nil, strconv.ErrSyntax
		}
		b, err := hex.DecodeString(part[1:])
		switch part[0] {
		case 'i':
			n, err := strconv.ParseInt(part[1:], 10, 64)
			if err != nil {
				return nil, err
			}
			keys = append(keys, n)
			continue
		case 's':
			keys = append(keys, string(b))
		case 'b':
			keys = append(keys, b)
		default:
			return nil, strconv.ErrSyntax
		}
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// PutRecords writes records in the place of those that are the same one.
func (db *DB) PutRecords(ctx context.Context, kind string, records []json.RawMessage) error {
	m, err := movedOf(kind)
	if err != nil {
		return err
	}
	err = db.write(ctx, func(t *tx) error {
		for _, r := range records {
			if err := m.put(t, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return nil
}

const copyStateSchema = `CREATE TABLE copy_state(id INTEGER PRIMARY KEY CHECK(id = 1), state TEXT NOT NULL);`

// CopyState is what was kept of a copy into this store.
func (db *DB) CopyState(ctx context.Context) (state string, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT coalesce(max(state), '') FROM copy_state`).Scan(&state)
	return state, err
}

// SetCopyState keeps it.
func (db *DB) SetCopyState(ctx context.Context, state string) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO copy_state VALUES(1, ?) ON CONFLICT DO UPDATE SET state = excluded.state`, state)
		return err
	})
}

// documents are a table whose doc is the record. put gives the columns that stand beside it, in the order of the table.
func documents[T any](table string, keys []string, columns func(*T) []any) *moved {
	return &moved{table: table, keys: keys, cols: "doc",
		read: func(_ context.Context, _ *DB, _ []any, row scanner) (any, error) { return doc[T](row) },
		put: func(t *tx, record json.RawMessage) error {
			v, err := transfer.Decode[T](record)
			if err != nil {
				return err
			}
			b, err := json.Marshal(v)
			if err != nil {
				return err
			}
			return t.replace(table, append(columns(v), b)...)
		}}
}

// replace writes a whole row in the place of the one that has its key.
func (t *tx) replace(table string, values ...any) error {
	_, err := t.exec(`INSERT OR REPLACE INTO `+table+` VALUES(`+strings.TrimSuffix(strings.Repeat("?,", len(values)), ",")+`)`, values...)
	return err
}

// rowsOf are a table whose columns are the record.
func rowsOf[T any](table string, keys []string, cols string, read func(v *T, keys []any, row scanner) error, columns func(*T) []any) *moved {
	return &moved{table: table, keys: keys, cols: cols,
		read: func(_ context.Context, _ *DB, keys []any, row scanner) (any, error) {
			v := new(T)
			return v, read(v, keys, row)
		},
		put: func(t *tx, record json.RawMessage) error {
			v, err := transfer.Decode[T](record)
			if err != nil {
				return err
			}
			return t.replace(table, columns(v)...)
		}}
}

func stringOf(k any) string {
	switch k := k.(type) {
	case []byte:
		return unkey(k)
	case string:
		return k
	}
	return ""
}
