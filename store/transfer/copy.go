package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Errors of Copy.
var (
	ErrNotEmpty = errors.New("the store to copy to is not empty")
	ErrOther    = errors.New("the store to copy to holds the beginning of another copy")
	ErrDiffers  = errors.New("the copy differs from what was copied")
)

// batch is how many records are read and written at a time.
const batch = 500

// Options of a copy.
type Options struct {
	From   string                             // a name of the source, the same when the copy is resumed; without secrets
	Resume bool                               // go on where that very copy ended
	Told   func(kind string, done, all int64) // of progress, at the beginning of each kind and after each batch; may be nil
	Check  func(kind string, done, all int64) // likewise while it is verified
}

// state is how far a copy has come. It is kept in the target.
type state struct {
	From string   `json:"from"`
	Done []string `json:"done"` // kinds
	Kind string   `json:"kind,omitempty"`
	At   string   `json:"at,omitempty"` // the source's position within the kind
	N    int64    `json:"n,omitempty"`
	Over bool     `json:"over,omitempty"` // and verified
}

// Verified is what a copy came to.
type Verified struct {
	Kind string
	Sum  Sum
}

// Copy hands over everything and then compares all of it. Nobody may write to either meanwhile. What was copied when it is cut off
// stays, and Resume goes on from there.
func Copy(ctx context.Context, from Source, to Target, o Options) ([]Verified, error) {
	s, err := begin(ctx, to, o)
	if err != nil {
		return nil, err
	}
	for _, kind := range Kinds {
		if slices.Contains(s.Done, kind) {
			continue
		}
		if err := copyKind(ctx, from, to, kind, s, o.Told); err != nil {
			return nil, err
		}
	}
	verified, err := verify(ctx, from, to, o.Check)
	if err != nil {
		return nil, err
	}
	s.Over = true
	return verified, s.keep(ctx, to)
}

func begin(ctx context.Context, to Target, o Options) (*state, error) {
	kept, err := to.CopyState(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for an earlier copy: %w", err)
	}
	s := &state{From: o.From}
	if kept != "" {
		if err := json.Unmarshal([]byte(kept), s); err != nil {
			return nil, fmt.Errorf("the state of an earlier copy: %w", err)
		}
		switch {
		case s.Over:
			return nil, ErrNotEmpty
		case s.From != o.From:
			return nil, fmt.Errorf("%w, from %s", ErrOther, s.From)
		case !o.Resume:
			return nil, fmt.Errorf("%w: it holds the beginning of this very copy, which can be resumed", ErrNotEmpty)
		}
		return s, nil
	}
	for _, kind := range Kinds {
		n, err := to.CountRecords(ctx, kind)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			return nil, fmt.Errorf("%w: it has %d %s", ErrNotEmpty, n, kind)
		}
	}
	return s, s.keep(ctx, to)
}

func (s *state) keep(ctx context.Context, to Target) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := to.SetCopyState(ctx, string(b)); err != nil {
		return fmt.Errorf("keep how far the copy has come: %w", err)
	}
	return nil
}

func copyKind(ctx context.Context, from Source, to Target, kind string, s *state, told func(string, int64, int64)) error {
	all, err := from.CountRecords(ctx, kind)
	if err != nil {
		return fmt.Errorf("count %s: %w", kind, err)
	}
	at, n := "", int64(0)
	if s.Kind == kind {
		at, n = s.At, s.N
	}
	for more := true; more; {
		if told != nil {
			told(kind, n, all)
		}
		records, next, err := from.Records(ctx, kind, at, batch)
		if err != nil {
			return err
		}
		if len(records) > 0 {
			if err := to.PutRecords(ctx, kind, records); err != nil {
				return err
			}
		}
		n += int64(len(records))
		s.Kind, s.At, s.N = kind, next, n
		at, more = next, next != ""
		if !more {
			s.Kind, s.At, s.N, s.Done = "", "", 0, append(s.Done, kind)
		}
		if err := s.keep(ctx, to); err != nil {
			return err
		}
	}
	if told != nil {
		told(kind, n, all)
	}
	return nil
}

// verify reads everything from both again.
func verify(ctx context.Context, from, to Source, told func(string, int64, int64)) ([]Verified, error) {
	var verified []Verified
	var differs []error
	for _, kind := range Kinds {
		all, err := from.CountRecords(ctx, kind)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", kind, err)
		}
		there, err := sumOf(ctx, from, kind, func(n int64) {
			if told != nil {
				told(kind, n, 2*all)
			}
		})
		if err != nil {
			return nil, err
		}
		here, err := sumOf(ctx, to, kind, func(n int64) {
			if told != nil {
				told(kind, all+n, 2*all)
			}
		})
		if err != nil {
			return nil, err
		}
		if there != here {
			differs = append(differs, fmt.Errorf("%w: %d %s with the sum %s became %d with %s; was somebody writing?", ErrDiffers, there.N, kind, &there, here.N, &here))
		}
		verified = append(verified, Verified{kind, here})
	}
	return verified, errors.Join(differs...)
}

func sumOf(ctx context.Context, of Source, kind string, told func(int64)) (s Sum, err error) {
	for at, more := "", true; more; {
		told(s.N)
		var records []json.RawMessage
		if records, at, err = of.Records(ctx, kind, at, batch); err != nil {
			return s, err
		}
		for _, r := range records {
			s.Add(r)
		}
		more = at != ""
	}
	told(s.N)
	return s, nil
}
