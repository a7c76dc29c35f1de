// Package daybook keeps one packed table for each day beside the documents that figures are made of, so that a year of a million
// documents is counted in milliseconds, exactly, and on every store in the same way.
//
// A row is what figures need of one document; it lies in the page of the day to which the document belongs for good. A write marks its
// document in the same atomic write. Whoever settles enters marked documents into their pages and takes the marks away; whoever counts
// reads the marked documents first and the pages then, so that every acknowledged write is in the count. Pages are never added to:
// entering a document again replaces its row, so neither a crash nor a second time counts anything twice.
//
// The package knows neither what the rows mean nor how pages are kept.
package daybook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
)

// Schema says what the rows of a book hold. One that changes gets another version, and a migration of the store that drops every page
// and marks every document.
type Schema struct {
	Version int
	Texts   int // columns of short texts that repeat, codes above all: up to 65,536 different ones a day in each
	Numbers int // columns of 0 to 4,294,967,295
}

// Row of one document, as it is now. There is no way to take one out again, or news that come late could bring it back: what is no longer
// to be counted says so in a column.
type Row struct {
	ID      string // of the document
	Rev     int64  // of the document; one that is lower than what is there is old news
	Texts   []string
	Numbers []uint32
}

// A packed page is
//
//	version, number of rows              2 × uvarint
//	the texts of each column             for each: how many, then length and bytes of each
//	the rows, each of the same width     8 bytes for the id, 4 of the rev, 2 for each text (its place among the column's), 4 for each number
//
// with all fixed numbers in little endian. The order of the rows means nothing.

var errPage = errors.New("a packed page is damaged, or of another version")

// Page is the table of a day, for reading.
type Page struct {
	Texts [][]string // of each column, the different ones; rows name them by their places
	rows  []byte
	width int
	texts int
	n     int
}

// Len is the number of rows.
func (p *Page) Len() int { return p.n }

// Text is the place in Texts[column] of the text of row i.
func (p *Page) Text(i, column int) int {
	return int(binary.LittleEndian.Uint16(p.rows[i*p.width+headBytes+2*column:]))
}

// Number of row i.
func (p *Page) Number(i, column int) uint32 {
	return binary.LittleEndian.Uint32(p.rows[i*p.width+headBytes+2*p.texts+4*column:])
}

const headBytes = 8 + 4 // of a row: id and rev

func (s Schema) width() int { return headBytes + 2*s.Texts + 4*s.Numbers }

// key stands for an id among the rows of one day. (64 bits: with a million documents on one day, two with the same key are to be expected
// once in 37 million such days.)
func key(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// Open reads a packed page, which it goes on using. No bytes are an empty page.
func (s Schema) Open(packed []byte) (*Page, error) {
	p := &Page{Texts: make([][]string, s.Texts), width: s.width(), texts: s.Texts}
	if len(packed) == 0 {
		return p, nil
	}
	u := unpacker{b: packed}
	if u.uvarint() != uint64(s.Version) {
		return nil, errPage
	}
	n := u.uvarint()
	for i := range p.Texts {
		for range min(u.uvarint(), 1<<16) {
			p.Texts[i] = append(p.Texts[i], string(u.bytes(u.uvarint())))
		}
	}
	if u.failed || n > uint64(len(u.b)/p.width) || len(u.b) != int(n)*p.width {
		return nil, errPage
	}
	p.rows, p.n = u.b, int(n)
	for i := range p.n {
		for c := range p.texts {
			if p.Text(i, c) >= len(p.Texts[c]) {
				return nil, errPage
			}
		}
	}
	return p, nil
}

type unpacker struct {
	b      []byte
	failed bool
}

func (u *unpacker) uvarint() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.failed, u.b = true, nil
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) bytes(n uint64) []byte {
	if n > uint64(len(u.b)) {
		u.failed, u.b = true, nil
		return nil
	}
	b := u.b[:n]
	u.b = u.b[n:]
	return b
}

// newer says whether a rev is at least one that is kept, of which 32 bits are there.
func newer(rev int64, kept uint32) bool { return int32(uint32(rev)-kept) >= 0 }

// Patch makes the packed page that p is with rows in it, each in the place of the one that its document had. p stays as it is. Of several
// rows of one document that of the highest rev counts.
func (s Schema) Patch(p *Page, with []Row) ([]byte, error) {
	last := make(map[uint64]*Row, len(with))
	for i := range with {
		row := &with[i]
		if len(row.Texts) != s.Texts || len(row.Numbers) != s.Numbers {
			return nil, fmt.Errorf("a row of %d texts and %d numbers in a book of %d and %d", len(row.Texts), len(row.Numbers), s.Texts, s.Numbers)
		}
		if k := key(row.ID); last[k] == nil || newer(row.Rev, uint32(last[k].Rev)) {
			last[k] = row
		}
	}
	next := packer{Schema: s, places: make([]map[string]int, s.Texts), rows: make([]byte, 0, len(p.rows)+len(last)*s.width())}
	for c := range next.places {
		next.places[c] = map[string]int{}
	}
	if err := next.keep(p, last); err != nil {
		return nil, err
	}
	for _, k := range slices.Sorted(maps.Keys(last)) {
		if err := next.add(k, last[k]); err != nil {
			return nil, err
		}
	}
	return next.packed(), nil
}

// packer makes a packed page, row by row.
type packer struct {
	Schema
	places []map[string]int // of the texts of each column
	rows   []byte
}

// place of a text in its column, where it is put if it is new.
func (x *packer) place(column int, text string) (uint16, error) {
	at, ok := x.places[column][text]
	if !ok {
		if at = len(x.places[column]); at > 1<<16-1 {
			return 0, fmt.Errorf("more than %d different texts on a day", 1<<16)
		}
		x.places[column][text] = at
	}
	return uint16(at), nil
}

// keep takes over the rows of a page other than those that there is newer news of; what is older is taken out of the news.
func (x *packer) keep(p *Page, news map[uint64]*Row) error {
	moved := make([][]int, x.Texts) // where the texts of p are now, from 1; those that no row has any more are left behind
	for c := range moved {
		moved[c] = make([]int, len(p.Texts[c]))
	}
	for i := range p.n {
		row := p.rows[i*p.width:][:p.width]
		k := binary.LittleEndian.Uint64(row)
		if now, ok := news[k]; ok {
			if newer(now.Rev, binary.LittleEndian.Uint32(row[8:])) {
				continue
			}
			delete(news, k)
		}
		begin := len(x.rows)
		x.rows = append(x.rows, row...)
		for c := range x.Texts {
			was := p.Text(i, c)
			if moved[c][was] == 0 {
				at, err := x.place(c, p.Texts[c][was])
				if err != nil {
					return err
				}
				moved[c][was] = int(at) + 1
			}
			binary.LittleEndian.PutUint16(x.rows[begin+headBytes+2*c:], uint16(moved[c][was]-1))
		}
	}
	return nil
}

func (x *packer) add(k uint64, row *Row) error {
	x.rows = binary.LittleEndian.AppendUint64(x.rows, k)
	x.rows = binary.LittleEndian.AppendUint32(x.rows, uint32(row.Rev))
	for c, text := range row.Texts {
		at, err := x.place(c, text)
		if err != nil {
			return err
		}
		x.rows = binary.LittleEndian.AppendUint16(x.rows, at)
	}
	for _, n := range row.Numbers {
		x.rows = binary.LittleEndian.AppendUint32(x.rows, n)
	}
	return nil
}

func (x *packer) packed() []byte {
	b := binary.AppendUvarint(nil, uint64(x.Version))
	b = binary.AppendUvarint(b, uint64(len(x.rows)/x.width()))
	for _, column := range x.places {
		texts := make([]string, len(column))
		for text, at := range column {
			texts[at] = text
		}
		b = binary.AppendUvarint(b, uint64(len(texts)))
		for _, text := range texts {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	return append(b, x.rows...)
}
