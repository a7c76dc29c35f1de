package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balagh/balagh/surveys"
)

// A row that SQLite hands over costs more than reading it does, so it hands over many cases in one; and the next ones are read while
// these are looked at.
const (
	casePage     = 1_000 // a quarter of a megabyte
	casesInOrder = `SELECT CAST(group_concat(packed, '') AS BLOB) FROM
		(SELECT packed FROM cases WHERE (citizen, report) > (?, ?) ORDER BY citizen, report LIMIT ?+0)`
)

// People reads the cases in the order of their citizens.
func (db *DB) People(ctx context.Context, frame surveys.Frame, from, to time.Time, visit func(*surveys.FramePerson) error) error {
	ctx, stop := context.WithCancel(ctx)
	pages := make(chan casesRead, 2)
	go db.readCases(ctx, pages)
	defer func() {
		stop()
		for range pages { // until the reader has gone
		}
	}()
	p := people{frame: &frame, from: millis(from), to: millis(to), visit: visit, seen: map[string]framed{}, names: map[string]string{}}
	for page := range pages {
		if page.err != nil {
			return fmt.Errorf("read the frame: %w", page.err)
		}
		for cases := (packed{rest: page.cases}); len(cases.rest) > 0; {
			c, err := cases.nextCase()
			if err != nil {
				return err
			}
			if err := p.add(&c); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil { // the reader goes without a word then
		return err
	}
	return p.end()
}

// casesRead are packed cases, one behind the other.
type casesRead struct {
	cases []byte
	err   error
}

// readCases gives all cases in their order, a page at a time.
func (db *DB) readCases(ctx context.Context, pages chan<- casesRead) {
	defer close(pages)
	var citizen, report any = "", ""
	for {
		page := db.casesAfter(ctx, citizen, report)
		if page.err == nil && len(page.cases) == 0 {
			return
		}
		if page.err == nil {
			citizen, report, page.err = lastCase(page.cases)
		}
		select {
		case pages <- page:
		case <-ctx.Done():
			return
		}
		if page.err != nil {
			return
		}
	}
}

func (db *DB) casesAfter(ctx context.Context, citizen, report any) (page casesRead) {
	rows, err := db.query(ctx, casesInOrder, citizen, report, casePage)
	if err != nil {
		return casesRead{err: err}
	}
	defer rows.Close()
	if rows.Next() {
		page.err = rows.Scan(&page.cases)
	}
	if page.err == nil {
		page.err = rows.Err()
	}
	return page
}

// lastCase is where the next page begins.
func lastCase(cases []byte) (citizen, report any, err error) {
	var last packedCase
	for p := (packed{rest: cases}); len(p.rest) > 0; {
		whole, _ := p.next()
		if p.damaged {
			return nil, nil, p.err()
		}
		if len(p.rest) == 0 {
			if last, err = (&packed{rest: whole}).nextCase(); err != nil {
				return nil, nil, err
			}
		}
	}
	return key(wholeText(last.citizen)), key(wholeText(last.report)), nil
}

// seenValues is how many different snapshots, and employees, are kept unpacked.
const seenValues = 20_000

// framed is an unpacked snapshot, and whether it fits the frame.
type framed struct {
	surveys.Snapshot
	fits bool
}

// people makes people of their cases.
type people struct {
	frame    *surveys.Frame
	from, to int64
	visit    func(*surveys.FramePerson) error
	seen     map[string]framed // by how it is packed
	names    map[string]string // of employees, likewise
	citizen  []byte            // who is being read
	employee []byte
	newest   int64 // of the cases in the window that fit
	found    bool  // there is one
	before   bool  // there is a case before the window
	person   surveys.FramePerson
}

func (p *people) add(c *packedCase) error {
	if !bytes.Equal(c.citizen, p.citizen) {
		if err := p.end(); err != nil {
			return err
		}
		p.citizen, p.found, p.before = append(p.citizen[:0], c.citizen...), false, false
	}
	if c.received < p.from {
		p.before = true
		return nil
	}
	if c.received >= p.to || p.found && c.received < p.newest {
		return nil
	}
	s, ok := p.seen[string(c.common)]
	if !ok {
		var err error
		if s.Snapshot, err = unpackCommon(c.common); err != nil {
			return err
		}
		s.fits = fits(p.frame, &s.Snapshot)
		keep(p.seen, c.common, s)
	}
	if s.fits {
		p.found, p.newest, p.person.Snapshot, p.employee = true, c.received, s.Snapshot, append(p.employee[:0], c.employee...)
	}
	return nil
}

// keep notes a value, and forgets all others when they are too many.
func keep[V any](seen map[string]V, key []byte, v V) {
	if len(seen) >= seenValues {
		clear(seen)
	}
	seen[string(key)] = v
}

// end visits who was read.
func (p *people) end() error {
	if !p.found {
		return nil
	}
	employee, ok := p.names[string(p.employee)]
	if !ok {
		employee = wholeText(p.employee)
		keep(p.names, p.employee, employee)
	}
	p.person.Citizen, p.person.Employee, p.person.First = wholeText(p.citizen), employee, !p.before
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
