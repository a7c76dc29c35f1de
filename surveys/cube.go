package surveys

import (
	"context"
	"maps"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/hijri"
)

// Tally is one group of occasions.
type Tally struct {
	Key      string // value of the dimension; empty with ByNone
	Eligible int64  // occasions
	Counts   Counts // of them rated, by level
	Flagged  int64  // of them rated from a device that gave ManyRatings or more on the day of the rating
}

func (t *Tally) add(other *Tally) {
	t.Eligible += other.Eligible
	t.Flagged += other.Flagged
	for i, n := range other.Counts {
		t.Counts[i] += n
	}
}

// cube counts the occasions of some days by several dimensions at once: what is asked and every table that suppression needs are sums
// of its cells.
type cube struct {
	dims  []Dimension
	keys  [][]string // the values of each dimension, in order
	cells []cell
}

// cell is of occasions with the same value in every dimension.
type cell struct {
	at     []int  // the place of its value among keys, for each dimension
	passed uint32 // for each dimension a bit: that it is not filtered by, or that this is the value asked for
	Tally
}

// asked says what is counted.
type asked struct {
	from, to string // days, both within
	actor    actor.Actor
	where    map[Dimension]string
	flags    bool // counts Flagged, which takes more time
}

// missable is by how many filters a cell may be missed: no table has more dimensions.
const missable = 2

// count reads the pages of the days once. dims are those that are filtered by and any others.
func (s *Service) count(ctx context.Context, q asked, dims []Dimension) (*cube, error) {
	pages, err := s.read(ctx, q.from, q.to)
	if err != nil {
		return nil, err
	}
	var many map[rating]bool
	if q.flags {
		if many, err = s.manyRatings(ctx, q.from, q.to, pages); err != nil {
			return nil, err
		}
	}
	c := &cube{dims: dims, keys: make([][]string, len(dims))}
	axes := make([]axis, len(dims))
	for i, d := range dims {
		axes[i] = newAxis(d, pages, q.where[d])
		c.keys[i] = axes[i].keys
	}
	centres, departments := scopeOf(ByCentre, pages, q.actor.Centres), scopeOf(ByDepartment, pages, q.actor.Departments)
	tree := newTree(axes)
	at := make([]int, len(axes))
	for n, page := range pages {
		for row := range page.Len() {
			if !centres.has(page, n, row) || !departments.has(page, n, row) {
				continue
			}
			passed, missed := uint32(0), 0
			for i := range axes {
				a := &axes[i]
				if at[i] = a.code(page, n, row); a.wanted < 0 || at[i] == a.wanted {
					passed |= 1 << i
				} else {
					missed++
				}
			}
			if missed > missable {
				continue
			}
			place := tree.leaf(at)
			if place == len(c.cells) {
				c.cells = append(c.cells, cell{at: slices.Clone(at), passed: passed})
			}
			x := &c.cells[place]
			x.Eligible++
			if level := page.Number(row, pageLevel); level >= 1 && level <= Levels {
				x.Counts[level-1]++
				if q.flags && many[ratingOf(page, row)] {
					x.Flagged++
				}
			}
		}
	}
	return c, nil
}

// tree finds the cell of a row in a few steps, a level for each dimension: among very many rows a map takes several times as long.
type tree struct {
	widths []int     // of the nodes of each level
	next   [][]int32 // for each level, for each node, for each value: the node of the next level, from 1; 0 for none yet
	leaves int
}

func newTree(axes []axis) *tree {
	t := &tree{widths: make([]int, len(axes)), next: make([][]int32, len(axes))}
	for i := range axes {
		t.widths[i] = len(axes[i].keys)
	}
	if len(axes) > 0 {
		t.next[0] = make([]int32, t.widths[0])
	}
	return t
}

// leaf numbers them as they come, from 0.
func (t *tree) leaf(at []int) int {
	node := int32(0)
	for i, value := range at {
		place := int(node)*t.widths[i] + value
		if t.next[i][place] == 0 {
			t.next[i][place] = t.grow(i + 1)
		}
		node = t.next[i][place] - 1
	}
	return int(node)
}

// grow adds a node to a level.
func (t *tree) grow(level int) int32 {
	if level == len(t.widths) {
		t.leaves++
		return int32(t.leaves)
	}
	t.next[level] = append(t.next[level], make([]int32, t.widths[level])...)
	return int32(len(t.next[level]) / t.widths[level])
}

// axis is a dimension in pages.
type axis struct {
	column int      // among the texts of pages; −1 for a dimension of time, of which a page has one value
	keys   []string // its values, in order
	codes  [][]int  // for each page, for each text of the column: the place among keys
	wanted int      // the place of the value that is filtered by; −1 without a filter
}

func (a *axis) code(page daybook.Day, n, row int) int {
	if a.column < 0 {
		return a.codes[n][0]
	}
	return a.codes[n][page.Text(row, a.column)]
}

func newAxis(d Dimension, pages []daybook.Day, wanted string) axis {
	a := axis{column: slices.Index(pageDimensions[:], d), codes: make([][]int, len(pages)), wanted: -1}
	seen := map[string]int{} // in the order in which they come
	if wanted != "" {
		seen[wanted] = 0
	}
	for n, page := range pages {
		var texts []string
		if a.column >= 0 {
			texts = page.Texts[a.column]
		} else {
			texts = []string{periods[d](page.Date)}
		}
		a.codes[n] = make([]int, len(texts))
		for i, text := range texts {
			code, ok := seen[text]
			if !ok {
				code = len(seen)
				seen[text] = code
			}
			a.codes[n][i] = code
		}
	}
	a.keys = slices.Sorted(maps.Keys(seen))
	place := make([]int, len(seen))
	for i, key := range a.keys {
		place[seen[key]] = i
	}
	for _, codes := range a.codes {
		for i, code := range codes {
			codes[i] = place[code]
		}
	}
	if wanted != "" {
		a.wanted = place[0]
	}
	return a
}

// periods are the dimensions of time, with what a day is in each.
var periods = map[Dimension]func(day string) string{
	ByDay:   func(day string) string { return day },
	ByMonth: func(day string) string { return day[:min(len(day), len("2006-01"))] },
	ByHijriMonth: func(day string) string {
		t, err := parseDay(day)
		if err != nil {
			return ""
		}
		date := hijri.FromGregorian(t.Date()).String()
		return date[:len(date)-len("-02")]
	},
}

// scoped says which texts of a column are within the scope of an actor; everything when allowed is nil.
type scoped struct {
	column  int
	allowed [][]bool // for each page, for each text
}

func scopeOf(d Dimension, pages []daybook.Day, codes []string) scoped {
	s := scoped{column: slices.Index(pageDimensions[:], d)}
	if slices.Contains(codes, actor.All) {
		return s
	}
	s.allowed = make([][]bool, len(pages))
	for n, page := range pages {
		s.allowed[n] = make([]bool, len(page.Texts[s.column]))
		for i, text := range page.Texts[s.column] {
			s.allowed[n][i] = slices.Contains(codes, text)
		}
	}
	return s
}

func (s *scoped) has(page daybook.Day, n, row int) bool {
	return s.allowed == nil || s.allowed[n][page.Text(row, s.column)]
}

// sum of the cells that pass every filter, by the values of a dimension; by none with −1.
func (c *cube) sum(by int) (total Tally, rows []Tally) {
	if by >= 0 {
		rows = make([]Tally, len(c.keys[by]))
		for i := range rows {
			rows[i].Key = c.keys[by][i]
		}
	}
	for i := range c.cells {
		x := &c.cells[i]
		if x.passed != 1<<len(c.dims)-1 {
			continue
		}
		total.add(&x.Tally)
		if by >= 0 {
			rows[x.at[by]].add(&x.Tally)
		}
	}
	return total, rows
}

// table has the ratings by two dimensions, or by one with −1 for the other, as the filters leave them of which others has the bits; −1
// for what no occasion fits, which everybody may know.
func (c *cube) table(x, y int, others uint32) [][]int64 {
	columns := 1
	if y >= 0 {
		columns = len(c.keys[y])
	}
	n := make([][]int64, len(c.keys[x]))
	for i := range n {
		n[i] = slices.Repeat([]int64{-1}, columns)
	}
	for i := range c.cells {
		cell := &c.cells[i]
		if cell.passed&others != others {
			continue
		}
		column := 0
		if y >= 0 {
			column = cell.at[y]
		}
		into := &n[cell.at[x]][column]
		*into = max(*into, 0) + cell.Counts.N()
	}
	return n
}
