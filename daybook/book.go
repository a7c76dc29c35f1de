package daybook

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/balagh/balagh/fault"
)

// Marked is a document that was written since it was last entered.
type Marked struct {
	Change
	Day string // to which it belongs for good, as 2006-01-02
}

// Kept is the page of a day as it is kept.
type Kept struct {
	Day    string
	Rev    int64  // 1 for the first, one more with each that replaces it
	Packed []byte // nil where the asker has this rev
}

// Store keeps the pages of one book, and the marks of its documents.
type Store interface {
	// Marked reads up to limit documents that have a mark, in any order.
	Marked(ctx context.Context, limit int) ([]Marked, error)
	// Unmark takes the marks away from those that still have the rev that was read.
	Unmark(ctx context.Context, all []Marked) error
	// Pages reads the pages of days, both within, "" for an open end, in the order of days; known are the revs of which the asker has the
	// bytes.
	Pages(ctx context.Context, from, through string, known map[string]int64) ([]Kept, error)
	// PutPage keeps p if the page of its day has the rev before, none for 1, and says whether it had.
	PutPage(ctx context.Context, p Kept) (bool, error)
}

// Book counts documents of one kind.
type Book struct {
	Schema Schema
	Store  Store

	mu    sync.Mutex
	cache map[string]*cached // by day
	bytes int
	clock int64
}

type cached struct {
	rev  int64
	page *Page
	size int
	used int64
}

const (
	batch      = 2_000     // documents that are entered together
	patched    = 4_000     // documents that a reader enters for itself; with more it settles first
	cacheBytes = 512 << 20 // of pages
	tries      = 20        // of a page that others put too
)

// Settle enters every marked document. Any number of processes may do it at once. progress, which may be nil, is told how many were
// entered so far.
func (b *Book) Settle(ctx context.Context, progress func(entered int)) error {
	for entered := 0; ; {
		n, err := b.settleSome(ctx)
		if err != nil {
			return err
		}
		entered += n
		if progress != nil && n > 0 {
			progress(entered)
		}
		if n < batch {
			return nil
		}
	}
}

func (b *Book) settleSome(ctx context.Context) (int, error) {
	marked, err := b.Store.Marked(ctx, batch)
	if err != nil || len(marked) == 0 {
		return 0, wrap("look for what is not entered", err)
	}
	for try := 0; ; try++ {
		var entered []Marked
		for day, some := range byDay(marked) {
			put, err := b.enter(ctx, day, some)
			if err != nil {
				return 0, err
			}
			if put {
				entered = append(entered, some...)
			}
		}
		if len(entered) > 0 {
			return len(entered), wrap("note what is entered", b.Store.Unmark(ctx, entered))
		}
		if try == tries {
			return 0, fault.Newf(fault.Unavailable, "others are always faster")
		}
	}
}

func byDay(marked []Marked) map[string][]Marked {
	all := map[string][]Marked{}
	for _, m := range marked {
		all[m.Day] = append(all[m.Day], m)
	}
	return all
}

// enter puts documents into the page of their day, and says whether nobody else put one meanwhile.
func (b *Book) enter(ctx context.Context, day string, marked []Marked) (bool, error) {
	kept := Kept{Day: day}
	all, err := b.Store.Pages(ctx, day, day, nil)
	if err != nil {
		return false, wrap("read a page", err)
	}
	if len(all) > 0 {
		kept = all[0]
	}
	page, err := b.Schema.Open(kept.Packed)
	if err != nil {
		return false, fmt.Errorf("the page of %s: %w", day, err)
	}
	packed, err := b.Schema.Patch(page, changes(marked))
	if err != nil {
		return false, fmt.Errorf("the page of %s: %w", day, err)
	}
	put, err := b.Store.PutPage(ctx, Kept{Day: day, Rev: kept.Rev + 1, Packed: packed})
	return put, wrap("keep a page", err)
}

func changes(marked []Marked) []Change {
	all := make([]Change, len(marked))
	for i, m := range marked {
		all[i] = m.Change
	}
	return all
}

// Read gives the pages of days, both within, "" for an open end, with every write in them that was acknowledged before.
func (b *Book) Read(ctx context.Context, from, through string) ([]*Page, error) {
	marked, err := b.Store.Marked(ctx, patched) // before the pages: one that is entered in between is in both
	if err != nil {
		return nil, wrap("look for what is not entered", err)
	}
	for len(marked) == patched {
		if err := b.Settle(ctx, nil); err != nil {
			return nil, err
		}
		if marked, err = b.Store.Marked(ctx, patched); err != nil {
			return nil, wrap("look for what is not entered", err)
		}
	}
	kept, err := b.Store.Pages(ctx, from, through, b.known())
	if err != nil {
		return nil, wrap("read pages", err)
	}
	pages := make(map[string]*Page, len(kept))
	for _, k := range kept {
		page, err := b.page(ctx, k)
		if err != nil {
			return nil, err
		}
		pages[k.Day] = page
	}
	for day, some := range byDay(marked) {
		if from != "" && day < from || through != "" && day > through {
			continue
		}
		page := pages[day]
		if page == nil {
			if page, err = b.Schema.Open(nil); err != nil {
				return nil, err
			}
		}
		packed, err := b.Schema.Patch(page, changes(some))
		if err != nil {
			return nil, fmt.Errorf("the page of %s: %w", day, err)
		}
		if pages[day], err = b.Schema.Open(packed); err != nil {
			return nil, fmt.Errorf("the page of %s: %w", day, err)
		}
	}
	all := make([]*Page, 0, len(pages))
	for _, day := range slices.Sorted(maps.Keys(pages)) {
		all = append(all, pages[day])
	}
	return all, nil
}

func (b *Book) known() map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	revs := make(map[string]int64, len(b.cache))
	for day, c := range b.cache {
		revs[day] = c.rev
	}
	return revs
}

// page of what the store has told: the one that is remembered where it told the rev only.
func (b *Book) page(ctx context.Context, k Kept) (*Page, error) {
	b.mu.Lock()
	b.clock++
	if c := b.cache[k.Day]; c != nil && c.rev == k.Rev {
		c.used = b.clock
		b.mu.Unlock()
		return c.page, nil
	}
	b.mu.Unlock()
	if k.Packed == nil { // it was forgotten meanwhile
		again, err := b.Store.Pages(ctx, k.Day, k.Day, nil)
		if err != nil || len(again) == 0 {
			return nil, wrap("read a page", err)
		}
		k = again[0]
	}
	page, err := b.Schema.Open(k.Packed)
	if err != nil {
		return nil, fmt.Errorf("the page of %s: %w", k.Day, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cache == nil {
		b.cache = map[string]*cached{}
	}
	if c := b.cache[k.Day]; c != nil {
		if c.rev > k.Rev {
			return page, nil
		}
		b.bytes -= c.size
	}
	b.cache[k.Day] = &cached{k.Rev, page, len(k.Packed), b.clock}
	b.bytes += len(k.Packed)
	for b.bytes > cacheBytes && len(b.cache) > 1 {
		var oldest string
		for day, c := range b.cache {
			if oldest == "" || c.used < b.cache[oldest].used {
				oldest = day
			}
		}
		b.bytes -= b.cache[oldest].size
		delete(b.cache, oldest)
	}
	return page, nil
}

// Run settles every so often until ctx ends. failed is told of errors, which the next time mends.
func (b *Book) Run(ctx context.Context, every time.Duration, failed func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := b.Settle(ctx, nil); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
