package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balagh/balagh/reports"
)

// Mine walks the index of the citizen backwards. (LIMIT ?+0: for the value of LIMIT ? alone, SQLite prepares a query anew each time,
// which doubles what a short one costs.)
func (db *DB) Mine(ctx context.Context, q reports.MineQuery) ([]reports.Summary, error) {
	before, err := db.seqAfter(ctx, q.After, true)
	if err != nil {
		return nil, err
	}
	if len(q.Statuses) == 0 {
		return db.summaries(db.query(ctx, `SELECT seq, rev, supports FROM reports WHERE citizen = ? AND seq < ? ORDER BY seq DESC LIMIT ?+0`,
			key(q.Citizen), before, q.Limit))
	}
	return db.summaries(db.query(ctx, `SELECT seq, rev, supports FROM reports INDEXED BY reports_citizen WHERE citizen = ? AND seq < ?
		AND status IN (SELECT value FROM json_each(?)) ORDER BY seq DESC LIMIT ?+0`, key(q.Citizen), before, list(q.Statuses), q.Limit))
}

const lastSeq = 1<<63 - 1

// seqAfter is the place of the last report of the page before, or the place from which the first page is read.
func (db *DB) seqAfter(ctx context.Context, m reports.Mark, descending bool) (seq int64, err error) {
	if m.ID == "" {
		if descending {
			return lastSeq, nil
		}
		return -1, nil
	}
	err = db.row(ctx, `SELECT seq FROM reports WHERE id = ?`, key(m.ID)).Scan(&seq)
	if absent(err) != err { // it is gone: its place is not
		return seqOf(m.At, m.ID), nil
	}
	return seq, err
}

// list is a parameter for json_each.
func list[T ~string](of []T) string {
	b, _ := json.Marshal(of) // strings always encode
	return string(b)
}

// Queue narrows by whatever was asked.
func (db *DB) Queue(ctx context.Context, q reports.QueueQuery) ([]reports.Summary, error) {
	descending := q.Sort != reports.Oldest && q.Sort != reports.ByDue
	after, err := db.seqAfter(ctx, q.After, descending)
	if err != nil {
		return nil, err
	}
	var w where
	w.scope(q.Scope)
	if len(q.Statuses) > 0 {
		w.and("status IN (SELECT value FROM json_each(?))", list(q.Statuses))
		if !slices.ContainsFunc(q.Statuses, func(s reports.Status) bool { return !reports.Open(s) }) {
			w.and("open = 1")
		}
	}
	w.equal("centre", q.Centre)
	w.equal("department", q.Department)
	w.equal("category", q.Category)
	w.equal("channel", string(q.Channel))
	if q.Assignee != "" {
		w.and("assignee = ?", key(q.Assignee))
	}
	if !q.OverdueAt.IsZero() {
		w.and("deadline < ?", q.OverdueAt.UnixMilli())
	}
	if !q.From.IsZero() {
		w.and("seq >= ?", q.From.UnixMilli()<<tieBits)
	}
	if !q.To.IsZero() {
		w.and("seq < ?", q.To.UnixMilli()<<tieBits)
	}
	if q.Number != "" {
		w.and("number = CAST(? AS INTEGER)", q.Number)
	}
	from, place := "reports", "seq"
	if q.Citizen != "" {
		from = "reports INDEXED BY reports_citizen"
		w.and("citizen = ?", key(q.Citizen))
	}
	if q.IDs != nil {
		from = "reports INDEXED BY reports_id"
		w.among("id", q.IDs)
	}
	switch {
	case len(q.Terms) > 0 && q.IDs != nil: // few: each is looked up in the index of words
		from += " CROSS JOIN report_words ON report_words.rowid = seq"
		w.and("report_words MATCH ?", match(q.Terms))
	case len(q.Terms) > 0:
		// The index of words gives its matches in the order of seq: a page of the newest or oldest stops when it is full.
		from, place = "report_words CROSS JOIN reports ON seq = report_words.rowid", "report_words.rowid"
		w.and("report_words MATCH ?", match(q.Terms))
	}
	var order string
	switch {
	case q.Sort == reports.ByDue:
		order = "deadline, seq"
		w.and("deadline IS NOT NULL")
		if q.After.ID != "" {
			w.and("(deadline, seq) > (?, ?)", q.After.At.UnixMilli(), after)
		}
	case descending:
		order = place + " DESC"
		w.and(place+" < ?", after)
	default:
		order = place
		w.and(place+" > ?", after)
	}
	// Not kept prepared: there are many forms of it, and staff are few.
	return db.summaries(db.reader.QueryContext(ctx, `SELECT seq, rev, supports FROM `+from+` WHERE `+w.String()+
		` ORDER BY `+order+` LIMIT ?`, append(w.args, q.Limit)...))
}

// where collects conditions and their arguments. Only constants go into its text.
type where struct {
	strings.Builder
	args []any
}

func (w *where) and(condition string, args ...any) {
	if w.Len() > 0 {
		w.WriteString(" AND ")
	}
	w.WriteString(condition)
	w.args = append(w.args, args...)
}

func (w *where) equal(column, value string) {
	if value != "" {
		w.and(column+" = ?", value)
	}
}

// among narrows to some ids.
func (w *where) among(column string, ids []string) {
	keys := make([]any, len(ids))
	for i, id := range ids {
		keys[i] = key(id)
	}
	w.and(column+" IN ("+strings.TrimSuffix(strings.Repeat("?,", len(ids)), ",")+")", keys...)
}

func (w *where) scope(s reports.Scope) {
	if s.Centres != nil {
		w.and("centre IN (SELECT value FROM json_each(?))", list(s.Centres))
	}
	if s.Departments != nil {
		w.and("department IN (SELECT value FROM json_each(?))", list(s.Departments))
	}
}

// summaries reads rows of seq, rev and supports. What was decoded lately is taken from memory, by its rev.
func (db *DB) summaries(rows *sql.Rows, err error) ([]reports.Summary, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type place struct {
		seq, rev int64
		supports int
	}
	var places []place
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.seq, &p.rev, &p.supports); err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	items := make([]reports.Summary, len(places))
	var missing []int64
	for i, p := range places {
		var ok bool
		if items[i], ok = db.seen.get(p.seq, p.rev); !ok {
			missing = append(missing, p.seq)
		}
		items[i].Supports = p.supports
	}
	if len(missing) == 0 {
		return items, nil
	}
	decoded, err := db.decode(missing)
	if err != nil {
		return nil, err
	}
	for i, p := range places {
		if s, ok := decoded[p.seq]; ok {
			s.Supports = p.supports
			items[i] = s
		}
	}
	return items, nil
}

// decode reads summaries from the documents, for this time and the next.
func (db *DB) decode(seqs []int64) (map[int64]reports.Summary, error) {
	b, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	rows, err := db.query(context.Background(), `SELECT seq, doc FROM reports WHERE seq IN (SELECT value FROM json_each(?))`, string(b))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[int64]reports.Summary, len(seqs))
	for rows.Next() {
		var seq int64
		var doc sql.RawBytes
		var r headOf
		if err := rows.Scan(&seq, &doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &r); err != nil {
			return nil, fmt.Errorf("stored report: %w", err)
		}
		s := r.Summary()
		db.seen.put(seq, s)
		all[seq] = s
	}
	return all, rows.Err()
}

// headOf is a report without what happened to it since, for those who do not ask for that.
type headOf struct {
	reports.Report
	Timeline unread `json:"timeline"`
}

type unread struct{}

func (*unread) UnmarshalJSON([]byte) error { return nil }

// summaryLimit bounds the memory for decoded summaries: about a kilobyte each.
const summaryLimit = 32768

// summaryCache holds decoded summaries by the place of their report.
type summaryCache struct {
	mu sync.RWMutex
	m  map[int64]reports.Summary
}

func (c *summaryCache) get(seq, rev int64) (reports.Summary, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s, ok := c.m[seq]
	return s, ok && s.Rev == rev
}

func (c *summaryCache) put(seq int64, s reports.Summary) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[int64]reports.Summary{}
	}
	if len(c.m) >= summaryLimit {
		drop := summaryLimit / 8
		for k := range c.m { // any: what is asked for often is soon back
			delete(c.m, k)
			if drop--; drop == 0 {
				break
			}
		}
	}
	c.m[seq] = s
}

// ResolvedBefore walks an index that holds only what is resolved.
func (db *DB) ResolvedBefore(ctx context.Context, t time.Time, limit int) ([]string, error) {
	rows, err := db.query(ctx, `SELECT id FROM reports WHERE resolved < ? ORDER BY resolved LIMIT ?+0`, t.UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var k any
		if err := rows.Scan(&k); err != nil {
			return nil, err
		}
		ids = append(ids, unkey(k))
	}
	return ids, rows.Err()
}
