package mongo

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/surveys"
)

// Cases are read a page at a time, each of which begins behind the last id of the one before: no cursor has to live as long as a frame is
// read. The next page is read while this one is looked at.
const casePage = 5_000

// People reads the cases in the order of their citizens.
func (db *DB) People(ctx context.Context, frame surveys.Frame, from, to time.Time, visit func(*surveys.FramePerson) error) error {
	ctx, stop := context.WithCancel(ctx)
	pages := make(chan casesRead, 1)
	go db.readCases(ctx, pages)
	defer func() {
		stop()
		for range pages { // until the reader has gone
		}
	}()
	p := people{frame: &frame, from: millis(from), to: millis(to), visit: visit, seen: map[string]framed{}}
	for page := range pages {
		if page.err != nil {
			return fmt.Errorf("read the frame: %w", page.err)
		}
		for _, raw := range page.cases {
			if err := p.add(raw); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil { // the reader goes without a word then
		return err
	}
	return p.end()
}

// casesRead are documents.
type casesRead struct {
	cases []bson.Raw
	err   error
}

// readCases gives all cases in their order, a page at a time.
func (db *DB) readCases(ctx context.Context, pages chan<- casesRead) {
	defer close(pages)
	for after := ""; ; {
		page := db.casesAfter(ctx, after)
		if page.err == nil && len(page.cases) == 0 {
			return
		}
		select {
		case pages <- page:
		case <-ctx.Done():
			return
		}
		if page.err != nil || len(page.cases) < casePage {
			return
		}
		after = textIn(page.cases[len(page.cases)-1], "_id")
	}
}

var frameFields = bson.D{{Key: "received", Value: 1}, {Key: "employee", Value: 1}, {Key: "doc", Value: 1}}

func (db *DB) casesAfter(ctx context.Context, id string) (page casesRead) {
	page.cases = make([]bson.Raw, 0, casePage)
	page.err = db.scan(ctx, "cases", bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: id}}}}, func(raw bson.Raw) error {
		page.cases = append(page.cases, bytes.Clone(raw))
		return nil
	}, options.Find().SetProjection(frameFields).SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(casePage).SetBatchSize(casePage))
	return page
}

// seenValues is how many different snapshots are kept decoded.
const seenValues = 20_000

// framed is a decoded snapshot, and whether it fits the frame.
type framed struct {
	surveys.Snapshot
	fits bool
}

// people makes people of their cases.
type people struct {
	frame    *surveys.Frame
	from, to int64
	visit    func(*surveys.FramePerson) error
	seen     map[string]framed // by the bytes of the document
	citizen  string            // who is being read
	newest   int64             // of the cases in the window that fit
	found    bool              // there is one
	before   bool              // there is a case before the window
	person   surveys.FramePerson
}

func (p *people) add(raw bson.Raw) error {
	citizen, _, _ := strings.Cut(textIn(raw, "_id"), caseSeparator)
	if citizen != p.citizen {
		if err := p.end(); err != nil {
			return err
		}
		p.citizen, p.found, p.before = citizen, false, false
	}
	received := numberIn(raw, "received")
	if received < p.from {
		p.before = true
		return nil
	}
	if received >= p.to || p.found && received < p.newest {
		return nil
	}
	doc := raw.Lookup("doc")
	s, ok := p.seen[string(doc.Value)]
	if !ok {
		var err error
		if s.Snapshot, err = snapshotOf(doc); err != nil {
			return err
		}
		s.fits = p.frame.Fits(&s.Snapshot)
		if len(p.seen) >= seenValues { // forgets all others when they are too many
			clear(p.seen)
		}
		p.seen[string(doc.Value)] = s
	}
	if s.fits {
		p.found, p.newest, p.person.Snapshot = true, received, s.Snapshot
		p.person.Employee = textIn(raw, "employee")
	}
	return nil
}

// end visits who was read.
func (p *people) end() error {
	if !p.found {
		return nil
	}
	p.person.Citizen, p.person.First = p.citizen, !p.before
	return p.visit(&p.person)
}
