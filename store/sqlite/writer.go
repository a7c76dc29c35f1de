package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

const (
	groupLimit        = 256       // writes that share one commit at the most
	checkpointCommits = 256       // after so many, the write-ahead log is copied into the file
	truncateBytes     = 256 << 20 // of log, after which writes wait until all of it is copied, readers or not
)

// writer owns the one connection that writes.
type writer struct {
	db        *sql.DB // one connection
	conn      *sql.Conn
	stmts     map[string]*sql.Stmt
	jobs      chan *job
	onCommit  func(int, time.Duration)
	published func()
	path      string
	closing   chan struct{}
	closed    sync.Once
	done      chan struct{}
	commits   int           // since the log was last copied
	check     chan struct{} // asks for copying it
	copied    chan struct{} // says that it was
	checked   chan struct{}
}

type job struct {
	ctx    context.Context
	do     func(*tx) error
	err    error
	done   chan struct{}
	events bool
}

// tx is what a write may do. It is valid only within the write.
type tx struct {
	w       *writer
	job     *job
	changed bool
}

func openWriter(ctx context.Context, path string, o Options) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	conn, err := db.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the store for writing: %w", err), db.Close())
	}
	w := &writer{db: db, conn: conn, stmts: map[string]*sql.Stmt{}, jobs: make(chan *job, 4*groupLimit), onCommit: o.OnCommit, path: path,
		closing: make(chan struct{}), done: make(chan struct{}), check: make(chan struct{}), copied: make(chan struct{}, 1), checked: make(chan struct{})}
	go w.run()
	go w.checkpoint()
	return w, nil
}

func (w *writer) close() error {
	w.closed.Do(func() { close(w.closing) })
	<-w.done
	<-w.checked
	_ = w.exec("PRAGMA wal_checkpoint(TRUNCATE)") // the log has the writes in their order, which nobody needs to know any more
	return errors.Join(w.conn.Close(), w.db.Close())
}

// write runs do in the next group commit and returns after it is on the disk. When do fails, nothing of it stays and the
// writes beside it are not touched. do runs on the writer's goroutine: it must be short and must not wait for anything; it may run
// twice, so it begins by forgetting what it noted the first time.
func (db *DB) write(ctx context.Context, do func(*tx) error) error {
	j := &job{ctx: ctx, do: do, done: make(chan struct{})}
	select {
	case <-db.writer.closing:
		return fault.Later(fault.Unavailable, time.Second)
	default:
	}
	select {
	case db.writer.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.writer.closing:
		return fault.Later(fault.Unavailable, time.Second)
	}
	select {
	case <-j.done:
		return j.err
	case <-db.writer.done: // closed between the look above and the send
		select {
		case <-j.done:
			return j.err
		default:
			return fault.Later(fault.Unavailable, time.Second)
		}
	}
}

// Together lets what a request writes beside its main write wait for that one and go with it, in the same savepoint and commit. When
// the main write never comes, nothing of it does.
func Together(ctx context.Context) context.Context {
	return context.WithValue(ctx, companyKey{}, &company{})
}

type companyKey struct{}

// company are writes that wait for the main one.
type company struct{ waiting []func(*tx) error }

// accompany writes with the main write of the request, where there is to be one, and at once where not.
func (db *DB) accompany(ctx context.Context, do func(*tx) error) error {
	if c, ok := ctx.Value(companyKey{}).(*company); ok {
		c.waiting = append(c.waiting, do)
		return nil
	}
	return db.write(ctx, do)
}

// accompanied does what waits for the main write.
func (t *tx) accompanied(ctx context.Context) error {
	c, ok := ctx.Value(companyKey{}).(*company)
	if !ok {
		return nil
	}
	for _, do := range c.waiting {
		if err := do(t); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) run() {
	defer close(w.done)
	group := make([]*job, 0, groupLimit)
	for {
		group = group[:0]
		select {
		case j := <-w.jobs:
			group = append(group, j)
		case <-w.closing:
			select {
			case j := <-w.jobs:
				group = append(group, j)
			default:
				return
			}
		}
	gather:
		for len(group) < groupLimit {
			select {
			case j := <-w.jobs:
				group = append(group, j)
			default:
				break gather
			}
		}
		w.commit(group)
	}
}

// commit runs a group and makes it durable with one fsync. Hardly ever does a write fail after it has changed something, so the
// group is run without savepoints first, which would cost a copy of each page; when one does fail, the whole group is undone
// and run again, each write within a savepoint of its own.
func (w *writer) commit(group []*job) {
	began := time.Now()
	err := w.exec("BEGIN IMMEDIATE")
	if err == nil && !w.together(group) {
		if err = w.exec("ROLLBACK"); err == nil {
			err = w.exec("BEGIN IMMEDIATE")
		}
		for _, j := range group {
			if err == nil {
				j.err = w.apart(j)
			}
		}
	}
	if err == nil {
		if err = w.exec("COMMIT"); err != nil {
			_ = w.exec("ROLLBACK")
		}
	}
	events := false
	for _, j := range group {
		if err != nil {
			j.err = fault.Newf(fault.Unavailable, "commit: %w", err)
		}
		events = events || j.events && j.err == nil
		close(j.done)
	}
	if w.onCommit != nil {
		w.onCommit(len(group), time.Since(began))
	}
	if events && w.published != nil {
		w.published()
	}
	w.tend()
}

// together runs writes one after the other, until one fails that has changed something.
func (w *writer) together(group []*job) bool {
	for _, j := range group {
		t := &tx{w: w, job: j}
		if j.err = t.do(); j.err != nil && t.changed {
			return false
		}
	}
	return true
}

// apart runs a write within a savepoint.
func (w *writer) apart(j *job) error {
	if err := w.exec("SAVEPOINT job"); err != nil {
		return err
	}
	j.events = false
	err := (&tx{w: w, job: j}).do()
	if err != nil {
		j.events = false
		err = errors.Join(err, w.exec("ROLLBACK TO job"))
	}
	return errors.Join(err, w.exec("RELEASE job"))
}

func (t *tx) do() (err error) {
	if err := t.job.ctx.Err(); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write panicked: %v", p)
		}
	}()
	return t.job.do(t)
}

// tend keeps the write-ahead log short. Most of it is copied into the file beside the writes, which takes long; what came to it in
// the meantime is copied between two writes, which takes a moment, and then the log begins anew.
func (w *writer) tend() {
	w.commits++
	select {
	case <-w.copied:
		_ = w.exec("PRAGMA wal_checkpoint(PASSIVE)")
		if fi, err := os.Stat(w.path + "-wal"); err == nil && fi.Size() > truncateBytes {
			_ = w.exec("PRAGMA wal_checkpoint(TRUNCATE)")
		}
	default:
	}
	if w.commits < checkpointCommits {
		return
	}
	select {
	case w.check <- struct{}{}:
		w.commits = 0
	default: // one is under way
	}
}

func (w *writer) checkpoint() {
	defer close(w.checked)
	db, err := sql.Open("sqlite", dsn(w.path))
	if err != nil {
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for {
		select {
		case <-w.check:
			_, _ = db.Exec("PRAGMA wal_checkpoint(PASSIVE)")
			select {
			case w.copied <- struct{}{}:
			default:
			}
		case <-w.done:
			return
		}
	}
}

func (w *writer) exec(q string) error {
	s, err := w.prepared(q)
	if err != nil {
		return err
	}
	_, err = s.Exec()
	return err
}

func (w *writer) prepared(q string) (*sql.Stmt, error) {
	if s, ok := w.stmts[q]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), q)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	w.stmts[q] = s
	return s, nil
}

// exec runs a statement and says how many rows it changed.
func (t *tx) exec(q string, args ...any) (int64, error) {
	s, err := t.w.prepared(q)
	if err != nil {
		return 0, err
	}
	r, err := s.Exec(args...)
	if err != nil {
		return 0, err // a statement that fails leaves nothing
	}
	n, err := r.RowsAffected()
	t.changed = t.changed || n > 0
	return n, err
}

// row reads at most one row, with what the write has written so far.
func (t *tx) row(q string, args ...any) scanner {
	s, err := t.w.prepared(q)
	if err != nil {
		return failed{err}
	}
	return s.QueryRow(args...)
}

// query reads rows, with what the write has written so far.
func (t *tx) query(q string, args ...any) (*sql.Rows, error) {
	s, err := t.w.prepared(q)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

// publish writes facts into the outbox, in the same commit.
func (t *tx) publish(events []event.Event) error {
	for _, e := range events {
		b, err := e.Marshal()
		if err != nil {
			return fmt.Errorf("event: %w", err)
		}
		if _, err := t.exec(`INSERT INTO outbox(subject, at, fence, doc) VALUES(?,?,?,?)`, e.Subject, millis(e.At), rand.Int64N(1<<62), b); err != nil {
			return fmt.Errorf("outbox: %w", err)
		}
		t.job.events = true
	}
	return nil
}
