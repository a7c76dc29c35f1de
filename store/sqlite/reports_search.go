package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/balagh/balagh/fold"
)

// The words of reports, by seq. Their text is not kept a second time, and neither are places of words: all the search asks is
// whether a word is there. What is folded holds only letters, digits and single spaces, so the simplest tokenizer does.
//
// Words are indexed beside the filing, not within it: that would cost more than all the rest of it, and many reports together cost
// far less each. A new report waits in unindexed and is found by the search within about a second; under a flood of new reports
// indexing takes at most a fifth of the writer's time, and catches up after it. What a report says never changes, so each is
// indexed once.
const searchSchema = `
CREATE VIRTUAL TABLE report_words USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii');
CREATE TABLE unindexed(seq INTEGER PRIMARY KEY);`

const (
	indexBatch = 256
	indexPause = 200 * time.Millisecond // in which more reports come together
)

// indexer keeps the search up to date in the background.
type indexer struct {
	db     *DB
	woken  chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	mu     sync.Mutex // one batch at a time
}

func newIndexer(db *DB) *indexer {
	x := &indexer{db: db, woken: make(chan struct{}, 1), done: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	x.wake() // what waited when the program ended
	go x.run()
	return x
}

func (x *indexer) wake() {
	select {
	case x.woken <- struct{}{}:
	default:
	}
}

func (x *indexer) close() {
	x.cancel()
	<-x.done
}

func (x *indexer) run() {
	defer close(x.done)
	for {
		select {
		case <-x.ctx.Done():
			return
		case <-x.woken:
		}
		if !x.sleep(indexPause) {
			return
		}
		for {
			began := time.Now()
			n, err := x.batch(x.ctx)
			if err != nil && x.ctx.Err() == nil {
				x.sleep(time.Second) // they wait in the table
				x.wake()
				break
			}
			if n < indexBatch {
				break
			}
			if !x.sleep(4 * time.Since(began)) {
				return
			}
		}
	}
}

func (x *indexer) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.ctx.Done():
		return false
	}
}

// batch indexes reports that wait, and says how many it found waiting.
func (x *indexer) batch(ctx context.Context) (n int, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("indexing panicked: %v", p)
		}
	}()
	rows, err := x.db.query(ctx, `SELECT u.seq, r.doc FROM unindexed u JOIN reports r ON r.seq = u.seq ORDER BY u.seq LIMIT ?+0`, indexBatch)
	if err != nil {
		return 0, fmt.Errorf("read what is not indexed: %w", err)
	}
	defer rows.Close()
	var seqs []int64
	var words []string
	for rows.Next() {
		var seq int64
		var doc []byte
		if err := rows.Scan(&seq, &doc); err != nil {
			return 0, err
		}
		var r headOf
		if err := json.Unmarshal(doc, &r); err != nil {
			return 0, fmt.Errorf("stored report: %w", err)
		}
		seqs, words = append(seqs, seq), append(words, r.SearchText())
	}
	if err := rows.Err(); err != nil || len(seqs) == 0 {
		return 0, err
	}
	return len(seqs), x.db.write(ctx, func(t *tx) error {
		for i, seq := range seqs {
			n, err := t.exec(`DELETE FROM unindexed WHERE seq = ?`, seq)
			if err != nil {
				return err
			}
			if n == 0 { // another process was faster
				continue
			}
			if _, err := t.exec(`INSERT INTO report_words(rowid, words) VALUES(?,?)`, seq, words[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Settle indexes all that waits, at once.
func (db *DB) Settle(ctx context.Context) error {
	for {
		n, err := db.search.batch(ctx)
		if err != nil || n < indexBatch {
			return err
		}
	}
}

// match is the FTS5 query for all of the terms, the last by its beginning unless it is a number. Only what folding leaves of a
// term gets into it: words of letters and digits.
func match(terms []string) string {
	words := strings.Fields(fold.Text(strings.Join(terms, " ")))
	if len(words) == 0 {
		return `""` // nothing
	}
	last := words[len(words)-1]
	query := `"` + strings.Join(words, `" AND "`) + `"`
	if strings.Trim(last, "0123456789") != "" {
		query += "*"
	}
	return query
}
