package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/surveys"
)

// Cases lie in the order of their citizens, so that a frame is one pass over the table, from which nothing else is read. Whose a
// report is never changes.
const casesSchema = `
CREATE TABLE cases(
	citizen  BLOB NOT NULL,
	report   BLOB NOT NULL,
	received INTEGER NOT NULL,
	snapshot BLOB NOT NULL, -- see packSnapshot
	changed  INTEGER NOT NULL,
	status   TEXT NOT NULL,
	due      INTEGER,
	PRIMARY KEY(citizen, report)
) WITHOUT ROWID;
CREATE INDEX cases_due ON cases(due, report) WHERE due IS NOT NULL;`

// PutCase writes a case unless it knows better.
func (db *DB) PutCase(ctx context.Context, c surveys.Case) error {
	packed := packSnapshot(&c.Snapshot)
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO cases(citizen, report, received, snapshot, changed, status, due) VALUES(?,?,?,?,?,?,?) ON CONFLICT DO UPDATE
			SET received = excluded.received, snapshot = excluded.snapshot, changed = excluded.changed, status = excluded.status, due = excluded.due
			WHERE excluded.changed >= changed`,
			key(c.Citizen), key(c.Report), millis(c.Received), packed, millis(c.Changed), c.Status, orNull(c.Due))
		return err
	})
}

const overdueCases = `SELECT citizen, report, received, snapshot, changed, status, due FROM cases WHERE due < ? ORDER BY due, report LIMIT ?+0`

// OverdueCases reads a handful.
func (db *DB) OverdueCases(ctx context.Context, now time.Time, limit int) ([]surveys.Case, error) {
	rows, err := db.query(ctx, overdueCases, millis(now), limit)
	if err != nil {
		return nil, fmt.Errorf("read overdue cases: %w", err)
	}
	defer rows.Close()
	var all []surveys.Case
	for rows.Next() {
		var c surveys.Case
		var citizen, report any
		var packed []byte
		var received, changed, due int64
		if err := rows.Scan(&citizen, &report, &received, &packed, &changed, &c.Status, &due); err != nil {
			return nil, err
		}
		c.Citizen, c.Report, c.Received, c.Changed, c.Due = unkey(citizen), unkey(report), moment(received), moment(changed), moment(due)
		if c.Snapshot, err = unpackSnapshot(packed); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

const forgetDue = `UPDATE cases SET due = NULL WHERE due = ? AND report = ?`

// ForgetDue forgets it unless it is another by now.
func (db *DB) ForgetDue(ctx context.Context, report string, due time.Time) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.exec(forgetDue, millis(due), key(report))
		return err
	})
}

// Bits of the first byte of a packed snapshot.
const (
	packedCompany = 1 << iota
	packedFirst
)

// packSnapshot is a byte of what is so or not, and then the values, each behind its length.
func packSnapshot(s *surveys.Snapshot) []byte {
	b := make([]byte, 1, 96)
	if s.Company {
		b[0] |= packedCompany
	}
	if s.First {
		b[0] |= packedFirst
	}
	for _, v := range []string{s.Centre, s.Region, s.Department, s.Category, s.Channel, s.Gender, s.Residency, s.Employee} {
		b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
	}
	return b
}

var errPacked = errors.New("a packed snapshot is damaged")

func unpackSnapshot(b []byte) (s surveys.Snapshot, err error) {
	if len(b) == 0 {
		return s, errPacked
	}
	s.Company, s.First = b[0]&packedCompany != 0, b[0]&packedFirst != 0
	b = b[1:]
	for _, v := range []*string{&s.Centre, &s.Region, &s.Department, &s.Category, &s.Channel, &s.Gender, &s.Residency, &s.Employee} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return s, errPacked
		}
		*v, b = string(b[used:used+int(n)]), b[used+int(n):]
	}
	return s, nil
}

const casesInOrder = `SELECT citizen, received, snapshot FROM cases WHERE received < ? ORDER BY citizen, report`

// People reads the cases in the order of their citizens.
func (db *DB) People(ctx context.Context, frame surveys.Frame, from, to time.Time, visit func(*surveys.FramePerson) error) error {
	rows, err := db.query(ctx, casesInOrder, millis(to))
	if err != nil {
		return fmt.Errorf("read the frame: %w", err)
	}
	defer rows.Close()
	p := people{frame: &frame, from: millis(from), visit: visit, seen: map[string]framed{}}
	for rows.Next() {
		var citizen, packed sql.RawBytes
		var received int64
		if err := rows.Scan(&citizen, &received, &packed); err != nil {
			return err
		}
		if err := p.add(citizen, received, packed); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return p.end()
}

// seenSnapshots is how many different snapshots are kept unpacked.
const seenSnapshots = 20_000

// framed is an unpacked snapshot, and whether it fits the frame.
type framed struct {
	surveys.Snapshot
	fits bool
}

// people makes people of their cases.
type people struct {
	frame   *surveys.Frame
	from    int64
	visit   func(*surveys.FramePerson) error
	seen    map[string]framed // by how it is packed
	citizen []byte            // who is being read
	newest  int64             // of the cases in the window that fit
	found   bool              // there is one
	before  bool              // there is a case before the window
	person  surveys.FramePerson
}

func (p *people) add(citizen []byte, received int64, packed []byte) error {
	if string(citizen) != string(p.citizen) {
		if err := p.end(); err != nil {
			return err
		}
		p.citizen, p.found, p.before = append(p.citizen[:0], citizen...), false, false
	}
	if received < p.from {
		p.before = true
		return nil
	}
	if p.found && received < p.newest {
		return nil
	}
	s, ok := p.seen[string(packed)]
	if !ok {
		var err error
		if s.Snapshot, err = unpackSnapshot(packed); err != nil {
			return err
		}
		s.fits = fits(p.frame, &s.Snapshot)
		if len(p.seen) >= seenSnapshots {
			clear(p.seen)
		}
		p.seen[string(packed)] = s
	}
	if s.fits {
		p.found, p.newest, p.person.Snapshot = true, received, s.Snapshot
	}
	return nil
}

// end visits who was read.
func (p *people) end() error {
	if !p.found {
		return nil
	}
	p.person.Citizen, p.person.First = unkey(p.citizen), !p.before
	return p.visit(&p.person)
}

func fits(f *surveys.Frame, s *surveys.Snapshot) bool {
	for _, d := range []struct {
		allowed []string
		is      string
	}{{f.Centres, s.Centre}, {f.Regions, s.Region}, {f.Departments, s.Department}, {f.Categories, s.Category}, {f.Channels, s.Channel},
		{f.Genders, s.Gender}, {f.Residencies, s.Residency}} {
		if len(d.allowed) > 0 && !slices.Contains(d.allowed, d.is) {
			return false
		}
	}
	return f.Company == nil || *f.Company == s.Company
}
