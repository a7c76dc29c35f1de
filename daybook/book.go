package daybook

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/balagh/balagh/fault"
)

// Marked is the row of a document that was written since it was last entered.
type Marked struct {
	Row
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
	// Marked reads up to limit documents that have a mark, in any order; the fewer days they are of, the less is to be written.
	Marked(ctx context.Context, limit int) ([]Marked, error)
	// Unmark takes the marks away from those that still have the rev that was read.
	Unmark(ctx context.Context, all []Marked) error
	// Pages reads the pages of days, both within, "" for an open end, in the order of days. known are the revs that the asker has.
	Pages(ctx context.Context, from, through string, known map[string]int64) ([]Kept, error)
	// PutPage keeps p if the page of its day has the rev before, none for 1, and says whether it had.
	PutPage(ctx context.Context, p Kept) (bool, error)
}

// Book counts documents of one kind.
type Book struct {
	Schema   Schema
	Store    Store
	Remember int // bytes of pages that are kept in memory; 0 for 512 MiB

	mu    sync.Mutex
	cache map[string]*remembered // by day
	bytes int
	clock int64
}

// Day is a day that has documents, and their rows.
type Day struct {
	Date string // as 2006-01-02
	*Page
}

const (
	batch    = 2_000 // documents that are entered together
	patched  = 4_000 // documents that a reader enters for itself; of more it leaves the pages in order for everybody
	tries    = 20    // of pages that others put too
	remember = 512 << 20
)

// Settle enters every document that was marked when it began. Any number of processes may do it at once. progress, which may be nil, is
// told how many were entered so far.
func (b *Book) Settle(ctx context.Context, progress func(entered int)) error {
	for entered, lost := 0, 0; ; {
		marked, err := b.Store.Marked(ctx, batch)
		if err != nil || len(marked) == 0 {
			return wrap("look for what is not entered", err)
		}
		done, err := b.enterAll(ctx, marked)
		if err != nil {
			return err
		}
		if len(done) == 0 { // others were faster with every page: maybe they entered these too
			if lost++; lost == tries {
				return fault.Newf(fault.Unavailable, "others are always faster")
			}
			pause(ctx, lost)
			continue
		}
		lost = 0
		if err := b.Store.Unmark(ctx, done); err != nil {
			return wrap("note what is entered", err)
		}
		if entered += len(done); progress != nil {
			progress(entered)
		}
		if len(marked) < batch && len(done) == len(marked) {
			return nil
		}
	}
}

// enterAll puts documents into the pages of their days, and says which: others may put the same pages.
func (b *Book) enterAll(ctx context.Context, marked []Marked) (done []Marked, err error) {
	for day, some := range byDay(marked) {
		put, err := b.enter(ctx, day, some)
		if err != nil {
			return nil, fmt.Errorf("the page of %s: %w", day, err)
		}
		if put {
			done = append(done, some...)
		}
	}
	return done, nil
}

func (b *Book) enter(ctx context.Context, day string, marked []Marked) (put bool, err error) {
	kept := Kept{Day: day}
	all, err := b.Store.Pages(ctx, day, day, nil)
	if err != nil {
		return false, wrap("read", err)
	}
	if len(all) > 0 {
		kept = all[0]
	}
	page, err := b.Schema.Open(kept.Packed)
	if err != nil {
		return false, err
	}
	packed, err := b.Schema.Patch(page, rowsOf(marked))
	if err != nil {
		return false, err
	}
	put, err = b.Store.PutPage(ctx, Kept{Day: day, Rev: kept.Rev + 1, Packed: packed})
	return put, wrap("keep", err)
}

func byDay(marked []Marked) map[string][]Marked {
	all := map[string][]Marked{}
	for _, m := range marked {
		all[m.Day] = append(all[m.Day], m)
	}
	return all
}

func rowsOf(marked []Marked) []Row {
	rows := make([]Row, len(marked))
	for i, m := range marked {
		rows[i] = m.Row
	}
	return rows
}

// Read gives the days that have documents, both within, "" for an open end, in their order, with every write that was acknowledged before.
func (b *Book) Read(ctx context.Context, from, through string) ([]Day, error) {
	marked, err := b.unentered(ctx) // before the pages: what is entered in between is in both
	if err != nil {
		return nil, err
	}
	pages, err := b.pages(ctx, from, through)
	if err != nil {
		return nil, err
	}
	for day, some := range byDay(marked) {
		if from != "" && day < from || through != "" && day > through {
			continue
		}
		if pages[day], err = b.patch(pages[day], rowsOf(some)); err != nil {
			return nil, fmt.Errorf("the page of %s: %w", day, err)
		}
	}
	all := make([]Day, 0, len(pages))
	for _, day := range slices.Sorted(maps.Keys(pages)) {
		all = append(all, Day{day, pages[day]})
	}
	return all, nil
}

// unentered are the marked documents. When they are very many, they are entered first.
func (b *Book) unentered(ctx context.Context) ([]Marked, error) {
	for {
		marked, err := b.Store.Marked(ctx, patched)
		if err != nil || len(marked) < patched {
			return marked, wrap("look for what is not entered", err)
		}
		if err := b.Settle(ctx, nil); err != nil {
			return nil, err
		}
	}
}

// patch is a page, nil for none, with rows in it.
func (b *Book) patch(page *Page, with []Row) (_ *Page, err error) {
	if page == nil {
		if page, err = b.Schema.Open(nil); err != nil {
			return nil, err
		}
	}
	packed, err := b.Schema.Patch(page, with)
	if err != nil {
		return nil, err
	}
	return b.Schema.Open(packed)
}

// pages are those that are kept, by day. What did not change since it was last read is not read again.
func (b *Book) pages(ctx context.Context, from, through string) (map[string]*Page, error) {
	known, revs := b.known()
	kept, err := b.Store.Pages(ctx, from, through, revs)
	if err != nil {
		return nil, wrap("read pages", err)
	}
	pages := make(map[string]*Page, len(kept))
	for _, k := range kept {
		r := known[k.Day]
		if r == nil || r.rev != k.Rev {
			page, err := b.Schema.Open(k.Packed)
			if err != nil {
				return nil, fmt.Errorf("the page of %s: %w", k.Day, err)
			}
			r = &remembered{rev: k.Rev, page: page, size: len(k.Packed)}
		}
		b.keep(k.Day, r)
		pages[k.Day] = r.page
	}
	return pages, nil
}

// remembered is a page in memory.
type remembered struct {
	rev  int64
	page *Page
	size int
	used int64 // when
}

func (b *Book) known() (map[string]*remembered, map[string]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	revs := make(map[string]int64, len(b.cache))
	for day, r := range b.cache {
		revs[day] = r.rev
	}
	return maps.Clone(b.cache), revs
}

// keep remembers a page that was used, unless somebody read a later one meanwhile, and forgets those that were not used for longest.
func (b *Book) keep(day string, r *remembered) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cache == nil {
		b.cache = map[string]*remembered{}
	}
	b.clock++
	if was := b.cache[day]; was != nil {
		if was.rev > r.rev {
			return
		}
		b.bytes -= was.size
	}
	r.used = b.clock
	b.cache[day] = r
	b.bytes += r.size
	for limit := cmp.Or(b.Remember, remember); b.bytes > limit && len(b.cache) > 1; {
		var oldest string
		for day, r := range b.cache {
			if oldest == "" || r.used < b.cache[oldest].used {
				oldest = day
			}
		}
		b.bytes -= b.cache[oldest].size
		delete(b.cache, oldest)
	}
}

// pause lets others finish.
func pause(ctx context.Context, lost int) {
	t := time.NewTimer(rand.N(time.Duration(lost) * 2 * time.Millisecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
