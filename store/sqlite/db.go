// Package sqlite is the embedded store: one file, nothing to install.
//
// Reads run beside each other on a pool of connections. Writes go through one goroutine that commits them in groups: the
// writes that arrive while a commit waits for the disk share the next one (see writer.go). Each aggregate is one JSON
// document with the columns that queries need beside it. The package knows how things are stored and never decides who may.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/balagh/balagh/fault"
)

// Options of a store. The zero value is right for a server.
type Options struct {
	OnCommit func(writes int, took time.Duration) // told of each group commit
}

// DB is an open store. It implements the Store interface of every domain and event.Outbox.
type DB struct {
	path   string
	reader *sql.DB
	stmts  sync.Map // query → *sql.Stmt of reader
	writer *writer
	wake   chan struct{}
	search *indexer
	seen   summaryCache
}

// Open opens the store in the file at path, makes it when there is none, and brings an older one up to date after a
// backup beside it. A store that a newer version wrote is refused.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the store: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE, 0o600) // SQLite would let others on the machine read it
	if err != nil {
		return nil, fmt.Errorf("make the store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("make the store: %w", err)
	}
	w, err := openWriter(ctx, path, o)
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, writer: w, wake: make(chan struct{}, 1)}
	w.published = func() {
		select {
		case db.wake <- struct{}{}:
		default:
		}
	}
	db.reader, err = sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		w.close()
		return nil, fmt.Errorf("open the store for reading: %w", err)
	}
	n := max(4, 2*runtime.GOMAXPROCS(0))
	db.reader.SetMaxOpenConns(n)
	db.reader.SetMaxIdleConns(n)
	db.search = newIndexer(db)
	return db, nil
}

func dsn(path string, pragmas ...string) string {
	v := url.Values{}
	for _, p := range append([]string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(0)",
		"temp_store(MEMORY)", "cache_size(-8000)", "wal_autocheckpoint(0)"}, pragmas...) {
		v.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
}

// Close lets the writes that were accepted finish and closes the file.
func (db *DB) Close() error {
	db.search.close()
	return errors.Join(db.writer.close(), db.reader.Close())
}

// Path is where the file is.
func (db *DB) Path() string { return db.path }

// Ping reads from the file.
func (db *DB) Ping(ctx context.Context) error {
	var n int
	return db.row(ctx, `SELECT version FROM schema`).Scan(&n)
}

// query runs a read; its statement is prepared once on each connection.
func (db *DB) query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	s, err := db.prepared(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// row runs a read that gives at most one row. It is short, so it is not interrupted when ctx ends: that would take two goroutines a
// read.
func (db *DB) row(ctx context.Context, q string, args ...any) scanner {
	s, err := db.prepared(ctx, q)
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), args...)
}

func (db *DB) prepared(ctx context.Context, q string) (*sql.Stmt, error) {
	if s, ok := db.stmts.Load(q); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := db.reader.PrepareContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if old, loaded := db.stmts.LoadOrStore(q, s); loaded {
		_ = s.Close()
		return old.(*sql.Stmt), nil
	}
	return s, nil
}

type scanner interface{ Scan(...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// doc reads a row whose only column is a JSON document; no row is fault.NotFound.
func doc[T any](r scanner) (*T, error) {
	var b []byte
	if err := r.Scan(&b); err != nil {
		return nil, absent(err)
	}
	v := new(T)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("stored document: %w", err)
	}
	return v, nil
}

// docs reads rows whose only column is a JSON document.
func docs[T any](rows *sql.Rows, err error) ([]*T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*T
	for rows.Next() {
		v, err := doc[T](rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// absent makes fault.NotFound of sql.ErrNoRows.
func absent(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound)
	}
	return err
}

// unique reports whether err says that a unique key is taken.
func unique(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// millis is how moments are kept in columns: milliseconds since 1970 in UTC; 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
