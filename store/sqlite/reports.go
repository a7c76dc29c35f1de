package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// The row of a report is its document and the columns by which reports are looked for. seq holds the moment of receipt and a
// tie-breaker, so that the table itself, and every index, is in the order of receipt: no index needs the moment besides.
// Columns are NULL, and then in no index, where a report has nothing to be found by.
const reportsSchema = `
CREATE TABLE reports(
	seq        INTEGER PRIMARY KEY,
	rev        INTEGER NOT NULL,
	supports   INTEGER NOT NULL DEFAULT 0,
	id         BLOB NOT NULL,
	number     INTEGER NOT NULL,
	status     TEXT NOT NULL,
	open       INTEGER NOT NULL,
	category   TEXT NOT NULL,
	centre     TEXT NOT NULL,
	department TEXT NOT NULL,
	channel    TEXT NOT NULL,
	gender     TEXT NOT NULL,
	residency  TEXT NOT NULL,
	company    INTEGER NOT NULL,
	citizen    BLOB,
	assignee   BLOB,
	cell       INTEGER, -- of public ones
	latitude   REAL,
	longitude  REAL,
	deadline   INTEGER, -- the next one that counts
	resolved   INTEGER, -- since when, of those in that status
	day        INTEGER, -- of receipt, as 20060102; NULL for those that are out of every figure
	doc        BLOB NOT NULL
);
CREATE UNIQUE INDEX reports_id ON reports(id);
CREATE UNIQUE INDEX reports_number ON reports(number);
CREATE INDEX reports_citizen ON reports(citizen);
CREATE INDEX reports_assignee ON reports(assignee) WHERE assignee IS NOT NULL;
CREATE INDEX reports_near ON reports(open, cell, category, latitude, longitude, status, supports, number, id) WHERE cell IS NOT NULL;
CREATE INDEX reports_open ON reports(open) WHERE open = 1;
CREATE INDEX reports_deadline ON reports(deadline) WHERE deadline IS NOT NULL;
CREATE INDEX reports_resolved ON reports(resolved) WHERE resolved IS NOT NULL;
CREATE INDEX reports_volumes ON reports(day, category, centre, department, channel, status, gender, residency, company) WHERE day IS NOT NULL;
CREATE TABLE supports(
	report  INTEGER NOT NULL, -- seq
	citizen BLOB NOT NULL,
	PRIMARY KEY(report, citizen)
) WITHOUT ROWID;`

var _ reports.Store = (*DB)(nil)

const tieBits = 21

// seqOf is the place of a report in the table: the milliseconds of its receipt, then bits of its id.
func seqOf(received time.Time, id string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return received.UnixMilli()<<tieBits | int64(h.Sum32()&(1<<tieBits-1))
}

func receivedAt(seq int64) time.Time { return moment(seq >> tieBits) }

// key is the short form of an id: the 16 bytes of a UUID, any other text as it is, NULL for none.
func key(id string) any {
	if u, err := uuid.Parse(id); err == nil && u.String() == id {
		return u[:]
	}
	if id == "" {
		return nil
	}
	return id
}

// unkey is the id that a key was made of.
func unkey(k any) string {
	switch k := k.(type) {
	case []byte:
		if u, err := uuid.FromBytes(k); err == nil {
			return u.String()
		}
		return string(k)
	case string:
		return k
	}
	return ""
}

// reportColumns are what changes with a report, in the order of the UPDATE below.
func reportColumns(r *reports.Report) ([]any, error) {
	doc, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a report: %w", err)
	}
	var cell, latitude, longitude, deadline, resolved any
	if r.Public() {
		p := r.Place.Point()
		cell, latitude, longitude = reports.Cell(p), p.Latitude, p.Longitude
	}
	if d := r.Deadline(); !d.IsZero() {
		deadline = d.UnixMilli()
	}
	if r.Status == reports.Resolved {
		resolved = r.ResolvedAt.UnixMilli()
	}
	return []any{r.Rev, string(r.Status), reports.Open(r.Status), r.Category, r.Centre, r.Department, string(r.Channel),
		key(r.Citizen), key(r.Assignee), cell, latitude, longitude, deadline, resolved, doc}, nil
}

// CreateReport writes a new report, its events and its place in the search's queue.
func (db *DB) CreateReport(ctx context.Context, r *reports.Report, events []event.Event) error {
	number, err := strconv.ParseInt(r.Number, 10, 64)
	if err != nil {
		return fmt.Errorf("a report's number is none")
	}
	r.Rev = 1
	columns, err := reportColumns(r)
	if err != nil {
		return err
	}
	seq := seqOf(r.ReceivedAt, r.ID)
	for {
		err = db.write(ctx, func(t *tx) error {
			if _, err := t.exec(`INSERT INTO reports(seq, id, number, rev, status, open, category, centre, department, channel, citizen, assignee,
				cell, latitude, longitude, deadline, resolved, doc) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
				append([]any{seq, key(r.ID), number}, columns...)...); err != nil {
				return err
			}
			if err := t.markReport(seq, r); err != nil {
				return err
			}
			if _, err := t.exec(`INSERT INTO unindexed(seq) VALUES(?)`, seq); err != nil {
				return err
			}
			if err := t.wrote(seq); err != nil {
				return err
			}
			if err := t.publish(events); err != nil {
				return err
			}
			return t.accompanied(ctx)
		})
		if !unique(err) {
			break
		}
		var sameID, sameNumber bool
		if err := db.row(ctx, `SELECT EXISTS(SELECT 1 FROM reports WHERE id = ?), EXISTS(SELECT 1 FROM reports WHERE number = ?)`,
			key(r.ID), number).Scan(&sameID, &sameNumber); err != nil {
			return err
		}
		switch {
		case sameID:
			return fault.New(fault.Exists)
		case sameNumber:
			return reports.ErrNumberTaken
		}
		seq++ // two reports of one millisecond with the same bits
	}
	if err == nil {
		db.search.wake()
	}
	return err
}

const selectReport = `SELECT seq, supports, doc FROM reports WHERE id = ?`

// Report reads one.
func (db *DB) Report(ctx context.Context, id string) (*reports.Report, error) {
	r, _, err := scanReport(db.row(ctx, selectReport, key(id)))
	return r, err
}

func scanReport(row scanner) (r *reports.Report, seq int64, err error) {
	var doc []byte
	r = new(reports.Report)
	if err := row.Scan(&seq, &r.Supports, &doc); err != nil {
		return nil, 0, absent(err)
	}
	if err := json.Unmarshal(doc, r); err != nil {
		return nil, 0, fmt.Errorf("stored report: %w", err)
	}
	return r, seq, nil
}

// UpdateReport applies the change beside the writer first. When somebody was faster it is applied again within the write,
// where nobody can be: a thousand changes of one report at once are a thousand changes.
func (db *DB) UpdateReport(ctx context.Context, id string, change func(*reports.Report) ([]event.Event, error)) (*reports.Report, error) {
	u, err := applied(db.row(ctx, selectReport, key(id)), change)
	if err != nil {
		return nil, err
	}
	err = db.write(ctx, func(t *tx) error {
		done, err := u.write(t)
		if err != nil || done {
			return err
		}
		if u, err = applied(t.row(selectReport, key(id)), change); err != nil {
			return err
		}
		_, err = u.write(t)
		return err
	})
	if err != nil {
		return nil, err
	}
	return u.report, nil
}

// update is a change of a report that is ready to be written.
type update struct {
	report  *reports.Report
	seq     int64
	columns []any
	events  []event.Event
}

func applied(row scanner, change func(*reports.Report) ([]event.Event, error)) (*update, error) {
	r, seq, err := scanReport(row)
	if err != nil {
		return nil, err
	}
	events, err := change(r)
	if err != nil {
		return nil, err
	}
	r.Rev++
	u := &update{report: r, seq: seq, events: events}
	u.columns, err = reportColumns(r)
	return u, err
}

// write is not done when the report has another rev by now.
func (u *update) write(t *tx) (done bool, err error) {
	n, err := t.exec(`UPDATE reports SET rev = ?, status = ?, open = ?, category = ?, centre = ?, department = ?, channel = ?,
		citizen = ?, assignee = ?, cell = ?, latitude = ?, longitude = ?, deadline = ?, resolved = ?, doc = ? WHERE seq = ? AND rev = ?`,
		append(u.columns, u.seq, u.report.Rev-1)...)
	if err != nil || n == 0 {
		return false, err
	}
	if err := t.markReport(u.seq, u.report); err != nil {
		return false, err
	}
	if err := t.wrote(u.seq); err != nil {
		return false, err
	}
	return true, t.publish(u.events)
}

// Support adds supporters and counts them.
func (db *DB) Support(ctx context.Context, report string, citizens []string) (int, error) {
	return db.supports(ctx, report, func(t *tx, seq int64) (changed int64, err error) {
		for _, c := range citizens {
			n, err := t.exec(`INSERT INTO supports(report, citizen) VALUES(?,?) ON CONFLICT DO NOTHING`, seq, key(c))
			if err != nil {
				return 0, err
			}
			changed += n
		}
		return changed, nil
	})
}

// Unsupport takes one away.
func (db *DB) Unsupport(ctx context.Context, report, citizen string) (int, error) {
	return db.supports(ctx, report, func(t *tx, seq int64) (int64, error) {
		n, err := t.exec(`DELETE FROM supports WHERE report = ? AND citizen = ?`, seq, key(citizen))
		return -n, err
	})
}

func (db *DB) supports(ctx context.Context, report string, change func(*tx, int64) (int64, error)) (count int, err error) {
	err = db.write(ctx, func(t *tx) error {
		var seq int64
		if err := t.row(`SELECT seq, supports FROM reports WHERE id = ?`, key(report)).Scan(&seq, &count); err != nil {
			return absent(err)
		}
		n, err := change(t, seq)
		if err != nil || n == 0 {
			return err
		}
		count += int(n)
		_, err = t.exec(`UPDATE reports SET supports = ? WHERE seq = ?`, count, seq)
		return err
	})
	return count, err
}

// Supporters lists them.
func (db *DB) Supporters(ctx context.Context, report string) ([]string, error) {
	rows, err := db.query(ctx, `SELECT s.citizen FROM reports r JOIN supports s ON s.report = r.seq WHERE r.id = ?`, key(report))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var k any
		if err := rows.Scan(&k); err != nil {
			return nil, err
		}
		all = append(all, unkey(k))
	}
	return all, rows.Err()
}
