package surveys

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// The frame of a round may hold millions of people. It is read once, in the order of their ids and beside the list of those
// whom the quarantine takes, and handed on in chunks to whoever counts and draws, who works beside the reading. What is known
// of a person is numbers then: each value of a dimension stands in one table.

const (
	chunkPeople = 2_048
	chunksAhead = 4
	dimensionsN = 10 // len(SnapshotDimensions)
)

// values of one person, by the place of the dimension in SnapshotDimensions: each is a place in the table of values.
type values [dimensionsN]uint32

// chunk is some people of the frame.
type chunk struct {
	ids         []byte // one after the other
	ends        []int  // of each in ids
	values      []values
	quarantined []bool
	table       []string // of values, as long as this chunk needs it; it only grows
}

// id of the i-th person; valid until the chunk is read again.
func (c *chunk) id(i int) []byte {
	if i == 0 {
		return c.ids[:c.ends[0]]
	}
	return c.ids[c.ends[i-1]:c.ends[i]]
}

func (c *chunk) clear() {
	c.ids, c.ends, c.values, c.quarantined = c.ids[:0], c.ends[:0], c.values[:0], c.quarantined[:0]
}

// framing is which people are read.
type framing struct {
	programme *Programme
	from, to  time.Time
	round     string // whose own invitations put nobody into quarantine
}

var (
	errEnough = errors.New("enough")
	errOrder  = errors.New("people are not read in the order of their ids")
)

// readFrame gives the people of the frame to use, chunk by chunk. use runs beside the reading; its error ends it.
func (p *Programmes) readFrame(ctx context.Context, f framing, use func(*chunk) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	full, free := make(chan *chunk, chunksAhead), make(chan *chunk, chunksAhead+2)
	read := make(chan error, 1)
	defer func() { // the reading ends before the caller goes on
		cancel()
		for range full {
		}
		if e := <-read; err == nil && e != nil {
			err = fmt.Errorf("read the frame: %w", e)
		}
	}()
	go func() {
		defer close(full)
		defer func() {
			if x := recover(); x != nil {
				read <- fmt.Errorf("panic: %v", x)
			}
		}()
		read <- p.chunks(ctx, f, full, free)
	}()
	for c := range full {
		if err := use(c); err != nil {
			return err
		}
		c.clear()
		free <- c
	}
	return nil
}

// chunks reads the frame and the quarantine beside each other.
func (p *Programmes) chunks(ctx context.Context, f framing, full chan<- *chunk, free <-chan *chunk) error {
	resting := p.quarantine(ctx, f)
	defer resting.end()
	codes, table := map[string]uint32{"": 0}, []string{""}
	var before values // of the person before: many values are the same again
	var c *chunk
	send := func() error {
		c.table = table
		select {
		case full <- c:
			c = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var last []byte
	err := p.Store.People(ctx, f.programme.Frame, f.from, f.to, func(who *FramePerson) error {
		if len(last) > 0 && who.Citizen <= string(last) {
			return errOrder
		}
		last = append(last[:0], who.Citizen...)
		if c == nil {
			select {
			case c = <-free:
			default:
				c = &chunk{}
			}
		}
		var v values
		for i, d := range SnapshotDimensions {
			s := who.Value(d)
			if v[i] = before[i]; s == table[v[i]] {
				continue
			}
			code, known := codes[s]
			if !known {
				code = uint32(len(table))
				s = string([]byte(s)) // it is the store's
				codes[s], table = code, append(table, s)
			}
			v[i] = code
		}
		before = v
		rests, err := resting.has(who.Citizen)
		if err != nil {
			return err
		}
		c.ids = append(c.ids, who.Citizen...)
		c.ends, c.values, c.quarantined = append(c.ends, len(c.ids)), append(c.values, v), append(c.quarantined, rests)
		if len(c.ends) == chunkPeople {
			return send()
		}
		return nil
	})
	if err == nil && c != nil {
		err = send()
	}
	return err
}

// resting are those whom the quarantine takes, in the order of their ids.
type resting struct {
	next func() (string, bool)
	end  func()
	err  error
	who  string
	more bool
}

func (p *Programmes) quarantine(ctx context.Context, f framing) *resting {
	r := &resting{end: func() {}}
	if f.programme.QuarantineDays == 0 {
		return r
	}
	var stop func()
	r.next, stop = iter.Pull(func(yield func(string) bool) {
		r.err = p.Store.InvitedSince(ctx, p.daysBefore(f.to, f.programme.QuarantineDays), f.round, func(citizen string) error {
			if !yield(citizen) {
				return errEnough
			}
			return nil
		})
	})
	r.end = stop
	r.who, r.more = r.next()
	return r
}

// has says whether the citizen is among them. The citizens that it is asked about ascend.
func (r *resting) has(citizen string) (bool, error) {
	for r.more && r.who < citizen {
		last := r.who
		if r.who, r.more = r.next(); r.more && r.who <= last {
			return false, errOrder
		}
	}
	if !r.more && r.err != nil {
		return false, fmt.Errorf("read the quarantine: %w", r.err)
	}
	return r.more && r.who == citizen, nil
}

// place of a dimension in a person's values.
func place(d Dimension) int { return slices.Index(SnapshotDimensions, d) }
