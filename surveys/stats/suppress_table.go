package stats

import "slices"

// SuppressTable is Suppress for a table of two properties, all of whose margins (the totals of rows and of columns) are
// published. Each row has as many cells as the first. In every row and column the hidden cells are none, or at least two and k
// respondents, as long as there is a cell left to hide; and each hidden cell has a way round: other hidden cells along which
// one respondent could be moved from or to it with every margin as before. So one who knows all that is published, and that
// counts are whole numbers from 0, cannot tell a hidden count, unless the margins alone tell it (a line of nobody, say).
// Margins below k are the caller's to hide, by Suppress of each; the margins of a table of a single line are its own cells, and
// it is treated as that line. A negative cell is one that everybody knows to be of nobody, as in Suppress; one without another
// in its row or column is told by that margin, and so protects no other.
func SuppressTable(n [][]int64, k int64) [][]bool { return SuppressTableBeside(n, boolsOf(n), k) }

// SuppressTableBeside is SuppressTable where some cells are hidden already, for another reason.
func SuppressTableBeside(n [][]int64, already [][]bool, k int64) [][]bool {
	all := table{n, boolsOf(n)}
	for i := range n {
		copy(all.hidden[i], already[i])
	}
	if len(n) == 0 || len(n[0]) == 0 {
		return all.hidden
	}
	all.hideBelow(k)
	rest := table{untold(n), all.hidden} // what the margins tell protects nothing
	for free := boolsOf(n); all.hideInLines(k) || rest.hideInLines(k) || rest.hideRound(free); {
	}
	return all.hidden
}

// untold is a table without the cells that the margins tell: those of a line of nobody, and one that is alone in its line, and then
// again.
func untold(n [][]int64) [][]int64 {
	rest, rows, columns := make([][]int64, len(n)), make([]int, len(n)), make([]int, len(n[0]))
	empty := make([]bool, len(n[0]))
	for j := range empty {
		empty[j] = slices.Max(column(n, j)) <= 0
	}
	for i, row := range n {
		rest[i] = slices.Repeat([]int64{-1}, len(row))
		if slices.Max(row) <= 0 {
			continue
		}
		for j, x := range row {
			if x >= 0 && !empty[j] {
				rest[i][j] = x
				rows[i]++
				columns[j]++
			}
		}
	}
	for more := true; more; {
		more = false
		for i, row := range rest {
			for j, x := range row {
				if x >= 0 && (rows[i] == 1 || columns[j] == 1) {
					row[j], more = -1, true
					rows[i]--
					columns[j]--
				}
			}
		}
	}
	return rest
}

func column[T any](rows [][]T, j int) []T {
	c := make([]T, len(rows))
	for i, row := range rows {
		c[i] = row[j]
	}
	return c
}

type table struct {
	n      [][]int64
	hidden [][]bool
}

func (t table) hideBelow(k int64) {
	for i, row := range t.n {
		for j, x := range row {
			t.hidden[i][j] = t.hidden[i][j] || 0 <= x && x < k
		}
	}
}

// hideInLines does for each line what Suppress does, once, and says whether that hid anything.
func (t table) hideInLines(k int64) (more bool) {
	for i, row := range t.n {
		for exposed(row, t.hidden[i], k) && hideNext(row, t.hidden[i]) {
			more = true
		}
	}
	return t.hideInColumns(k) || more
}

func (t table) hideInColumns(k int64) (more bool) {
	for j := range t.n[0] {
		n, hidden := column(t.n, j), column(t.hidden, j)
		for exposed(n, hidden, k) && hideNext(n, hidden) {
			more = true
		}
		for i, h := range hidden {
			t.hidden[i][j] = h
		}
	}
	return more
}

func boolsOf[T any](n [][]T) [][]bool {
	all := make([][]bool, len(n))
	for i, row := range n {
		all[i] = make([]bool, len(row))
	}
	return all
}

// hideRound hides what gives fixed cells a way round, and says whether it hid anything. The shortest way is a rectangle; it takes
// the one that hides fewest respondents more, and when there is none, another way. A cell without any is told by the margins. free
// are those that were looked at: what is hidden later takes no way away.
func (t table) hideRound(free [][]bool) (more bool) {
	for i, row := range t.hidden {
		for j, h := range row {
			if !h || free[i][j] || t.n[i][j] < 0 {
				continue
			}
			free[i][j] = true
			if t.cornered(i, j) || t.round(i, j, func(r, c int) bool { return t.hidden[r][c] }) != nil {
				continue
			}
			way := t.round(i, j, func(r, c int) bool { return t.n[r][c] >= 0 })
			if r, c := t.rectangle(i, j); r >= 0 {
				way = [][2]int{{i, c}, {r, j}, {r, c}}
			}
			for _, cell := range way {
				t.hidden[cell[0]][cell[1]], more = true, true
			}
		}
	}
	return more
}

// rectangle is the corner across from (i, j) of the cheapest one, or −1. One respondent can be moved along it if either both
// neighbours of (i, j) have one to give, or both (i, j) and the corner across do.
func (t table) rectangle(i, j int) (r, c int) {
	r, c = -1, -1
	least := int64(-1)
	for x := range t.n {
		for y := range t.n[x] {
			if x == i || y == j || t.n[i][y] < 0 || t.n[x][j] < 0 || t.n[x][y] < 0 || !(t.n[i][y] > 0 && t.n[x][j] > 0 || t.n[i][j] > 0 && t.n[x][y] > 0) {
				continue
			}
			var cost int64
			for _, cell := range [][2]int{{i, y}, {x, j}, {x, y}} {
				if !t.hidden[cell[0]][cell[1]] {
					cost += t.n[cell[0]][cell[1]] + 1
				}
			}
			if cost > 0 && (least < 0 || cost < least) {
				least, r, c = cost, x, y
			}
		}
	}
	return r, c
}

// cornered says whether a walk of the shortest kind leads round (i, j), a rectangle: in large tables that is found at once where there
// is one, and a longer walk is looked for long.
func (t table) cornered(i, j int) bool {
	for x := range t.n {
		if x == i || !t.hidden[x][j] {
			continue
		}
		for y, h := range t.hidden[x] {
			if h && y != j && t.hidden[i][y] && (t.n[x][j] > 0 && t.n[i][y] > 0 || t.n[i][j] > 0 && t.n[x][y] > 0) {
				return true
			}
		}
	}
	return false
}

// round is a way round a cell along cells that are open, without the cell itself: nil when there is none. With all hidden cells open,
// that says that the cell has the same count in every table that has the margins and the cells shown of this one. Another such table
// differs along rounds of hidden cells that take turns to gain and to give: a walk that goes from a row to a column by a cell that
// gains, and from a column to a row by one that has something to give. (i, j) can gain if such a walk leads from its column back to
// its row, and give if it leads from its row to its column.
func (t table) round(i, j int, open func(r, c int) bool) [][2]int {
	without := func(r, c int) bool { return open(r, c) && (r != i || c != j) }
	rows := len(t.n)
	if way := t.walk(rows+j, i, without); way != nil || t.n[i][j] <= 0 {
		return way
	}
	return t.walk(i, rows+j, without)
}

// walk finds the cells of a shortest walk from one line to another. Lines are numbered, rows first.
func (t table) walk(from, to int, open func(r, c int) bool) [][2]int {
	rows, columns := len(t.n), len(t.n[0])
	before := slices.Repeat([]int{-1}, rows+columns) // the line from which each was reached
	before[from] = from
	for next := []int{from}; len(next) > 0 && before[to] < 0; next = next[1:] {
		line := next[0]
		first, last := rows, rows+columns
		if line >= rows {
			first, last = 0, rows
		}
		for other := first; other < last; other++ {
			r, c := cellOf(line, other, rows)
			if before[other] < 0 && open(r, c) && (line < rows || t.n[r][c] > 0) {
				before[other] = line
				next = append(next, other)
			}
		}
	}
	var way [][2]int
	for line := to; before[to] >= 0 && line != from; line = before[line] {
		r, c := cellOf(line, before[line], rows)
		way = append(way, [2]int{r, c})
	}
	return way
}

// cellOf a row and a column, in whichever order.
func cellOf(a, b, rows int) (r, c int) {
	if a < rows {
		return a, b - rows
	}
	return b, a - rows
}
