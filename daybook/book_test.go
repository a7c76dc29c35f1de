package daybook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/balagh/balagh/fault"
)

// memory is a store, with the documents of which it is told.
type memory struct {
	mu     sync.Mutex
	docs   map[string]Marked // as they are now
	marks  map[string]bool
	pages  map[string]Kept
	handed int // pages with bytes

	afterMarked, beforePut, beforeUnmark func() // called outside of mu, and nil
	refuse                               error  // of Unmark
}

func newMemory() *memory {
	return &memory{docs: map[string]Marked{}, marks: map[string]bool{}, pages: map[string]Kept{}}
}

// write is one of a document, with its mark.
func (m *memory) write(id, day, a string, n uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.docs[id] = Marked{Day: day, Row: row(id, m.docs[id].Rev+1, a, "", n)}
	m.marks[id] = true
}

func call(f func()) {
	if f != nil {
		f()
	}
}

func (m *memory) Marked(_ context.Context, limit int) (all []Marked, err error) {
	defer call(m.afterMarked)
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.marks {
		if len(all) < limit {
			all = append(all, m.docs[id])
		}
	}
	return all, nil
}

func (m *memory) Unmark(_ context.Context, all []Marked) error {
	call(m.beforeUnmark)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range all {
		if m.refuse == nil && m.docs[x.ID].Rev == x.Rev {
			delete(m.marks, x.ID)
		}
	}
	return m.refuse
}

func (m *memory) Pages(_ context.Context, from, through string, known map[string]int64) (all []Kept, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, day := range slices.Sorted(maps.Keys(m.pages)) {
		if k := m.pages[day]; day >= from && (through == "" || day <= through) {
			if known[day] == k.Rev {
				k.Packed = nil
			} else {
				m.handed++
			}
			all = append(all, k)
		}
	}
	return all, nil
}

func (m *memory) PutPage(_ context.Context, p Kept) (bool, error) {
	call(m.beforePut)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages[p.Day].Rev != p.Rev-1 {
		return false, nil
	}
	m.pages[p.Day] = p
	return true, nil
}

func (m *memory) marked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.marks)
}

func settled(t *testing.T, b *Book) {
	t.Helper()
	if err := b.Settle(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// wantRead compares what the days of a book hold.
func wantRead(t *testing.T, what string, b *Book, from, through string, want ...string) {
	t.Helper()
	days, err := b.Read(t.Context(), from, through)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range days {
		got = append(got, fmt.Sprint(d.Date, contents(d.Page)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestBook_Read(t *testing.T) {
	t.Parallel()
	m := newMemory()
	b, other := &Book{Schema: schema, Store: m}, &Book{Schema: schema, Store: m}
	wantRead(t, "nothing", b, "", "")
	m.write("1", "2026-03-01", "a", 1)
	m.write("2", "2026-03-02", "a", 2)
	wantRead(t, "nothing is entered", b, "", "", "2026-03-01[a  1]", "2026-03-02[a  2]")
	settled(t, b)
	m.write("1", "2026-03-01", "b", 3)
	m.write("3", "2026-03-03", "a", 4)
	for range 2 {
		for _, b := range []*Book{b, other} {
			wantRead(t, "some are entered", b, "", "", "2026-03-01[b  3]", "2026-03-02[a  2]", "2026-03-03[a  4]")
			wantRead(t, "from a day", b, "2026-03-02", "", "2026-03-02[a  2]", "2026-03-03[a  4]")
			wantRead(t, "through a day", b, "", "2026-03-02", "2026-03-01[b  3]", "2026-03-02[a  2]")
		}
		settled(t, other)
	}
	if n := m.marked(); n > 0 {
		t.Errorf("%d are still marked", n)
	}
}

// A reader who stands still between marks and pages sees what is entered meanwhile, and never the row that it read before.
func TestBook_Read_meanwhile(t *testing.T) {
	t.Parallel()
	m := newMemory()
	reader, settler := &Book{Schema: schema, Store: m}, &Book{Schema: schema, Store: m}
	m.write("1", "2026-03-01", "a", 1)
	m.afterMarked = func() {
		m.afterMarked = nil
		m.write("1", "2026-03-01", "b", 2)
		settled(t, settler)
	}
	wantRead(t, "entered meanwhile", reader, "", "", "2026-03-01[b  2]")
}

// A settler who stood still enters old news last; what it does not know stays marked.
func TestBook_Settle_oldNews(t *testing.T) {
	t.Parallel()
	m := newMemory()
	slow, fast := &Book{Schema: schema, Store: m}, &Book{Schema: schema, Store: m}
	m.write("1", "2026-03-01", "a", 1)
	m.afterMarked = func() {
		m.afterMarked = nil
		m.write("1", "2026-03-01", "b", 2)
		settled(t, fast)
	}
	settled(t, slow)
	wantRead(t, "the later one is there", slow, "", "", "2026-03-01[b  2]")
	m.beforeUnmark = func() {
		m.beforeUnmark = nil
		m.write("1", "2026-03-01", "c", 3)
	}
	m.write("1", "2026-03-01", "b", 2)
	settled(t, slow)
	if n := m.marked(); n != 1 {
		t.Errorf("%d marked after a write that the settler did not see", n)
	}
	wantRead(t, "it is seen all the same", fast, "", "", "2026-03-01[c  3]")
}

func TestBook_Settle_crash(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.refuse = errors.New("crashed")
	m.write("1", "2026-03-01", "a", 1)
	for range 2 {
		if err := (&Book{Schema: schema, Store: m}).Settle(t.Context(), nil); !errors.Is(err, m.refuse) {
			t.Fatal(err)
		}
		wantRead(t, "crashed", &Book{Schema: schema, Store: m}, "", "", "2026-03-01[a  1]")
	}
	m.refuse = nil
	b := &Book{Schema: schema, Store: m}
	settled(t, b)
	wantRead(t, "settled", b, "", "", "2026-03-01[a  1]")
}

// Several settle while others write and read: each reads its own writes, and in the end each document is there once, as it is.
func TestBook_contention(t *testing.T) {
	t.Parallel()
	m := newMemory()
	const writers, each, days = 4, 200, 3
	reader := &Book{Schema: schema, Store: m}
	done := make(chan struct{})
	var settling, writing sync.WaitGroup
	for range 4 {
		b := &Book{Schema: schema, Store: m}
		settling.Go(func() {
			for {
				if err := b.Settle(t.Context(), nil); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				m.write(fmt.Sprint(w, " ", i%50), fmt.Sprint("2026-03-0", 1+i%50%days), fmt.Sprint("writer ", w), uint32(i))
				if i%10 > 0 {
					continue
				}
				all, err := reader.Read(t.Context(), "", "")
				if err != nil || !holds(all, fmt.Sprint("writer ", w, "  ", i)) {
					t.Errorf("writer %d does not read its %d, %v", w, i, err)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	settling.Wait()
	settled(t, reader)
	want := map[string][]string{}
	for _, d := range m.docs {
		want[d.Day] = append(want[d.Day], fmt.Sprint(d.Texts[0], "  ", d.Numbers[0]))
	}
	for _, b := range []*Book{reader, {Schema: schema, Store: m}} {
		all, err := b.Read(t.Context(), "", "")
		if err != nil || len(all) != days {
			t.Fatal(len(all), err)
		}
		for _, d := range all {
			slices.Sort(want[d.Date])
			if got := contents(d.Page); !slices.Equal(got, want[d.Date]) {
				t.Errorf("%s: %q, want %q", d.Date, got, want[d.Date])
			}
		}
	}
}

func holds(all []Day, line string) bool {
	return slices.ContainsFunc(all, func(d Day) bool { return slices.Contains(contents(d.Page), line) })
}

// Others who always put the page first are an error in the end, and leave the marks.
func TestBook_Settle_othersAreFaster(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.write("1", "2026-03-01", "a", 1)
	faster := 0
	m.beforePut = func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if k := m.pages["2026-03-01"]; faster > 0 {
			faster--
			m.pages["2026-03-01"] = Kept{Day: "2026-03-01", Rev: k.Rev + 1, Packed: k.Packed}
		}
	}
	b := &Book{Schema: schema, Store: m}
	faster = tries
	if err := b.Settle(t.Context(), nil); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("always: %v", err)
	}
	faster = tries - 1
	settled(t, b)
	wantRead(t, "once not", b, "", "", "2026-03-01[a  1]")
	if n := m.marked(); n > 0 {
		t.Errorf("%d are still marked", n)
	}
}

func TestBook_Settle_many(t *testing.T) {
	t.Parallel()
	m := newMemory()
	const n = 2*patched + 1
	for i := range n {
		m.write(fmt.Sprint(i), fmt.Sprintf("2026-03-%02d", 1+i%28), "a", 1)
	}
	b := &Book{Schema: schema, Store: m}
	count := func() (sum int) {
		t.Helper()
		days, err := b.Read(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range days {
			sum += d.Len()
		}
		return sum
	}
	if got := count(); got != n || m.marked() >= patched {
		t.Errorf("a reader counts %d of %d and leaves %d", got, n, m.marked())
	}
	for i := range n {
		m.write(fmt.Sprint(i), fmt.Sprintf("2026-03-%02d", 1+i%28), "b", 1)
	}
	var told []int
	if err := b.Settle(t.Context(), func(entered int) { told = append(told, entered) }); err != nil {
		t.Fatal(err)
	}
	if want := []int{2000, 4000, 6000, 8000, n}; !slices.Equal(told, want) || m.marked() > 0 {
		t.Errorf("told %v, want %v; %d are left", told, want, m.marked())
	}
	if got := count(); got != n {
		t.Errorf("%d of %d", got, n)
	}
}

// A book reads a page again only when it was replaced, or forgotten because others took its room.
func TestBook_Remember(t *testing.T) {
	t.Parallel()
	m := newMemory()
	for day := 1; day <= 4; day++ {
		m.write(fmt.Sprint(day), fmt.Sprint("2026-03-0", day), "a", uint32(day))
	}
	settled(t, &Book{Schema: schema, Store: m})
	all := []string{"2026-03-01[a  1]", "2026-03-02[a  2]", "2026-03-03[a  3]", "2026-03-04[a  4]"}
	size := len(m.pages["2026-03-01"].Packed)
	for _, c := range []struct {
		room, handed int // the second time
	}{{0, 0}, {4 * size, 0}, {3 * size, 1}, {1, 3}} {
		b := &Book{Schema: schema, Store: m, Remember: c.room}
		wantRead(t, "first", b, "", "", all...)
		m.handed = 0
		wantRead(t, "second", b, "", "", all...)
		if m.handed != c.handed {
			t.Errorf("with room for %d bytes %d pages were read again, want %d", c.room, m.handed, c.handed)
		}
	}
	b := &Book{Schema: schema, Store: m}
	wantRead(t, "first", b, "", "", all...)
	m.write("4", "2026-03-04", "b", 5)
	settled(t, &Book{Schema: schema, Store: m})
	m.handed, all[3] = 0, "2026-03-04[b  5]"
	wantRead(t, "replaced", b, "", "", all...)
	if m.handed != 1 {
		t.Errorf("%d pages were read when one was replaced", m.handed)
	}
}
