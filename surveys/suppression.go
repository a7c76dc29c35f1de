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
// by, the first of the cube's, and of each of these and one that it is nested in, with the other filters as they are.
func (c *cube) hide(by, asked int, where map[Dimension]string) hiding {
	var h hiding
	if by >= 0 {
		h.rows = make([]string, len(c.keys[by]))
	}
	total, _ := c.sum(-1)
	if total.Counts.N() < MinCell {
		h.total = TooFew
	}
	wanted := func(x int) int {
		if x < 0 || where[c.dims[x]] == "" {
			return -1
		}
		return slices.Index(c.keys[x], where[c.dims[x]])
	}
	for x := range asked {
		for y := -1; y < len(c.dims); y++ {
			if y == x || y >= 0 && y < asked && y > x || y >= asked && !slices.Contains(nestedIn[c.dims[x]], c.dims[y]) {
				continue
			}
			s := c.secrets(x, y)
			i, j := wanted(x), wanted(y)
			switch line := y < 0 || y >= asked; {
			case line && i >= 0:
				hide(&h.total, s.row(i))
			case line:
				for i := range h.rows {
					hide(&h.rows[i], s.row(i))
				}
			case i >= 0 && j >= 0:
				hide(&h.total, s.cell(i, j))
			default:
				for r := range h.rows {
					hide(&h.rows[r], s.cell(orElse(i, r), orElse(j, r)))
				}
			}
		}
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

func (s *secrets) row(i int) string { return s.because(s.rows[i]) }

func (s *secrets) cell(i, j int) string {
	return s.because(s.rows[i] || s.columns[j] || s.cells[i][j])
}

func (s *secrets) because(hidden bool) string {
	if hidden {
		return s.why
	}
	return ""
}

// secrets of the table of two dimensions, or of one with −1 for the other.
func (c *cube) secrets(x, y int) secrets {
	n, k := c.table(x, y), smallest(c.dims[x])
	if y < 0 {
		hidden := stats.Suppress(totals(n), k)
		return secrets{rows: hidden, why: why(totals(n), hidden, k)}
	}
	k = max(k, smallest(c.dims[y]))
	s := secrets{rows: stats.Suppress(totals(n), smallest(c.dims[x])), columns: stats.Suppress(totals(transposed(n)), smallest(c.dims[y]))}
	switch {
	case slices.Contains(nestedIn[c.dims[x]], c.dims[y]):
		s.cells = s.nested(n, s.rows, s.columns, k)
	case slices.Contains(nestedIn[c.dims[y]], c.dims[x]):
		s.cells = transposed(s.nested(transposed(n), s.columns, s.rows, k))
	default:
		s.cells = stats.SuppressTable(n, k)
	}
	var all []int64
	var hidden []bool
	for i := range n {
		for j, x := range n[i] {
			all, hidden = append(all, x), append(hidden, x >= 0 && (s.rows[i] || s.columns[j] || s.cells[i][j]))
		}
	}
	s.why = why(all, hidden, k)
	return s
}

// nested hides cells, and the inner groups that are such a cell or lie in a hidden outer group.
func (*secrets) nested(n [][]int64, inner, outer []bool, k int64) [][]bool {
	cells, single := stats.SuppressWithin(n, k)
	for i, row := range n {
		alone := -1
		for j, x := range row {
			switch {
			case x < 0:
			case alone >= 0:
				alone = len(row)
			default:
				alone = j
			}
		}
		inner[i] = inner[i] || single[i] || alone >= 0 && alone < len(row) && outer[alone]
	}
	return cells
}

// why is TooFew if each that is hidden has fewer than k, or nothing is shown beside.
func why(n []int64, hidden []bool, k int64) string {
	shown, others := false, false
	for i, x := range n {
		shown = shown || x >= 0 && !hidden[i]
		others = others || hidden[i] && x >= k
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
