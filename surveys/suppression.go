package surveys

import (
	"slices"

	"github.com/balagh/balagh/surveys/stats"
)

// Reason codes of rows that are not published.
const (
	// TooFew says that each hidden row has too few ratings.
	TooFew = "too_few"
	// ProtectsAnother says that subtracting would give a row with too few ratings away if fewer rows were hidden. Which of them has too
	// few is not told: that would say too much of it.
	ProtectsAnother = "protects_another"
)

// nestedIn has the dimensions whose groups consist of whole groups of another, always or nearly so: subtracting from them tells a
// group even of one who filters by nothing.
var nestedIn = map[Dimension][]Dimension{
	ByCentre:   {ByRegion},
	ByCategory: {ByDepartment},
	ByEmployee: {ByCentre, ByRegion, ByDepartment},
}

// beside adds to dimensions those that they are nested in.
func beside(dims []Dimension) []Dimension {
	all := slices.Clone(dims)
	for _, d := range dims {
		for _, outer := range nestedIn[d] {
			if !slices.Contains(all, outer) {
				all = append(all, outer)
			}
		}
	}
	return all
}

// hiding is why rows, and the total of all of them, are not published: TooFew, ProtectsAnother, or nothing for those that are.
type hiding struct {
	rows  []string
	total string
}

func hide(because *string, why string) {
	if *because == "" || why == ProtectsAnother {
		*because = why
	}
}

// hide says what is hidden of an answer: its rows are the keys of a dimension, or none with −1. A filter must not tell what a breakdown
// hides, so what is asked is looked at as a cell of the tables that it belongs to: of each two dimensions that are divided or filtered
// by, the first of the cube's, with the other filters as they are.
func (c *cube) hide(by, asked int, where map[Dimension]string) hiding {
	var h hiding
	if by >= 0 {
		h.rows = make([]string, len(c.keys[by]))
	}
	if total, _ := c.sum(-1); total.Counts.N() < MinCell {
		h.total = TooFew
	}
	wanted := make([]int, asked)
	for x := range wanted {
		wanted[x] = -1
		if value := where[c.dims[x]]; value != "" {
			wanted[x] = slices.Index(c.keys[x], value)
		}
	}
	apply := func(x, y int, why func(i, j int) string) {
		if x != by && y != by || wanted[by] >= 0 { // of one key
			hide(&h.total, why(wanted[x], wanted[y]))
			return
		}
		for r := range h.rows {
			hide(&h.rows[r], why(orElse(wanted[x], r), orElse(wanted[y], r)))
		}
	}
	for x := range asked {
		for y := range x {
			s := c.secrets(x, y, uint32(1<<asked-1)&^(1<<x|1<<y))
			apply(x, y, s.cell)
		}
	}
	if asked == 1 {
		line := c.line(0, c.table(0, -1, 0), 0)
		apply(0, 0, func(i, _ int) string { return line.because(line.rows[i]) })
	}
	for i := range h.rows {
		if h.total != "" {
			hide(&h.rows[i], h.total)
		}
	}
	return h
}

func orElse(i, other int) int {
	if i < 0 {
		return other
	}
	return i
}

// secrets are what is hidden of a table, or of one line of it.
type secrets struct {
	cells         [][]bool
	rows, columns []bool
	why           string // of each that is hidden
}

func (s *secrets) cell(i, j int) string { return s.because(s.cells[i][j]) }

func (s *secrets) because(hidden bool) string {
	if hidden {
		return s.why
	}
	return ""
}

// line has the totals of a table by its first dimension as rows, as other filters leave them. Without any, those are hidden too that would
// be told of a group within another (see nestedIn), both breakdowns being published: with one those were tables of three dimensions.
func (c *cube) line(x int, n [][]int64, others uint32) secrets {
	sums, k := totals(n), smallest(c.dims[x])
	hidden := make([]bool, len(sums))
	for more := others == 0; more; {
		more = false
		for y, d := range c.dims {
			if !slices.Contains(nestedIn[c.dims[x]], d) {
				continue
			}
			for i, h := range c.inner(x, y, hidden) {
				more = more || h && !hidden[i] && sums[i] >= 0
				hidden[i] = hidden[i] || h
			}
		}
		closed := stats.SuppressBeside(sums, hidden, k)
		more = more || others == 0 && !slices.Equal(closed, hidden)
		hidden = closed
	}
	hidden = stats.SuppressBeside(sums, hidden, k)
	return secrets{rows: hidden, why: why(sums, hidden, k)}
}

// inner says which groups of a dimension are hidden because of another in which they lie: with a cell that is their all, and in a
// hidden one.
func (c *cube) inner(x, y int, hidden []bool) []bool {
	n := c.table(x, y, 0)
	outer := stats.Suppress(totals(transposed(n)), smallest(c.dims[y]))
	cells, rows := stats.SuppressWithin(n, linesOf(n, hidden, outer), smallest(c.dims[x]))
	for i := range rows {
		if present := presentIn(n[i]); len(present) == 1 {
			rows[i] = rows[i] || cells[i][present[0]] || outer[present[0]]
		}
	}
	return rows
}

// secrets of the table of two dimensions, as the other filters leave it.
func (c *cube) secrets(x, y int, others uint32) secrets {
	n, k := c.table(x, y, others), max(smallest(c.dims[x]), smallest(c.dims[y]))
	s := secrets{rows: c.line(x, n, others).rows, columns: c.line(y, transposed(n), others).rows}
	already := linesOf(n, s.rows, s.columns)
	switch {
	case slices.Contains(nestedIn[c.dims[x]], c.dims[y]):
		s.cells, _ = stats.SuppressWithin(n, already, k)
	case slices.Contains(nestedIn[c.dims[y]], c.dims[x]):
		s.cells, _ = stats.SuppressWithin(transposed(n), transposed(already), k)
		s.cells = transposed(s.cells)
	default:
		s.cells = stats.SuppressTableBeside(n, already, k)
	}
	s.why = why(slices.Concat(n...), slices.Concat(s.cells...), k)
	return s
}

// linesOf a table: the cells of its hidden rows and columns.
func linesOf(n [][]int64, rows, columns []bool) [][]bool {
	all := make([][]bool, len(n))
	for i := range n {
		all[i] = make([]bool, len(n[i]))
		for j, x := range n[i] {
			all[i][j] = x >= 0 && (rows[i] || columns[j])
		}
	}
	return all
}

func presentIn(line []int64) (places []int) {
	for j, x := range line {
		if x >= 0 {
			places = append(places, j)
		}
	}
	return places
}

// why is TooFew if each that is hidden has fewer than k, or nothing is shown beside.
func why(n []int64, hidden []bool, k int64) string {
	shown, others := false, false
	for i, x := range n {
		shown = shown || x >= 0 && !hidden[i]
		others = others || x >= k && hidden[i]
	}
	if shown && others {
		return ProtectsAnother
	}
	return TooFew
}

// totals of the rows of a table; −1 where there is nothing to add.
func totals(n [][]int64) []int64 {
	all := make([]int64, len(n))
	for i, row := range n {
		all[i] = -1
		for _, x := range row {
			if x >= 0 {
				all[i] = max(all[i], 0) + x
			}
		}
	}
	return all
}

func transposed[T any](rows [][]T) [][]T {
	if len(rows) == 0 {
		return nil
	}
	columns := make([][]T, len(rows[0]))
	for j := range columns {
		columns[j] = make([]T, len(rows))
		for i := range rows {
			columns[j][i] = rows[i][j]
		}
	}
	return columns
}
