package stats

import "slices"

// Suppress says which cells of a breakdown are hidden: n are the respondents in each of its groups, whose total is published
// too; a negative one is a group that everybody knows to be of nobody, for which there is nothing to hide. A cell below k is
// hidden, one in which nobody happened to respond as well (shown, it would say something of each of its people). When just one
// is, or all that are come to fewer than k together, or each has k−1, which their sum would tell, then the smallest of the
// others is hidden too, and all that equal it, until none of this is so.
//
// It protects against subtracting the cells shown from the total: no hidden count can be told, not even by one who knows this
// rule and whether every hidden cell is below k, and what can be told of all hidden cells together, in every figure whose total
// is published (counts of options, means), is of k respondents at least. A total below k is not for
// publishing: everything is hidden then, and the caller hides the total. It does not protect against subtracting within another
// breakdown that this one divides further (see SuppressNested, SuppressWithin, SuppressTable), nor against comparing figures
// from before and after one more person has answered.
func Suppress(n []int64, k int64) []bool {
	hidden := make([]bool, len(n))
	for i, x := range n {
		hidden[i] = 0 <= x && x < k
	}
	for exposed(n, hidden, k) && hideNext(n, hidden) {
	}
	return hidden
}

// exposed says whether the hidden cells of a line are too few to hide each other.
func exposed(n []int64, hidden []bool, k int64) bool {
	var count, sum, largest int64
	for i, h := range hidden {
		if h {
			count++
			sum += n[i]
			largest = max(largest, n[i])
		}
	}
	return count == 1 || count > 0 && (sum < k || largest < k && sum == count*(k-1))
}

// hideNext hides the smallest cells that are shown, if any are. Were one of equal ones left, it would say that no other is larger.
func hideNext(n []int64, hidden []bool) bool {
	least := int64(-1)
	for i, h := range hidden {
		if !h && n[i] >= 0 && (least < 0 || n[i] < least) {
			least = n[i]
		}
	}
	for i, h := range hidden {
		hidden[i] = h || least >= 0 && n[i] == least
	}
	return least >= 0
}

// SuppressNested is Suppress for two breakdowns of which one divides the other, such as regions and their centres: n are the
// respondents in each part, and whole is the index of the whole that each belongs to, of so many wholes. Both breakdowns and
// the total are published. The parts of a whole that is shown protect each other; those of a hidden one are all hidden.
func SuppressNested(n []int64, whole []int, wholes int, k int64) (hiddenWholes, hiddenParts []bool) {
	sums, parts := make([]int64, wholes), make([][]int, wholes)
	for i, w := range whole {
		sums[w] += n[i]
		parts[w] = append(parts[w], i)
	}
	hiddenWholes, hiddenParts = Suppress(sums, k), make([]bool, len(n))
	for w, of := range parts {
		line := make([]int64, len(of))
		for j, i := range of {
			line[j] = n[i]
		}
		hidden := Suppress(line, k)
		for j, i := range of {
			hiddenParts[i] = hiddenWholes[w] || hidden[j]
		}
	}
	return hiddenWholes, hiddenParts
}

// SuppressTable is Suppress for a table of two properties, all of whose margins (the totals of rows and of columns) are
// published. Each row has as many cells as the first. In every row and column the hidden cells are none, or at least two and k
// respondents, as long as there is a cell left to hide; and each hidden cell has a way round: other hidden cells along which
// one respondent could be moved from or to it with every margin as before. So one who knows all that is published, and that
// counts are whole numbers from 0, cannot tell a hidden count, unless the margins alone tell it (a line of nobody, say).
// Margins below k are the caller's to hide, by Suppress of each; the margins of a table of a single line are its own cells, and
// it is treated as that line. A negative cell is one that everybody knows to be of nobody, as in Suppress; one without another
// in its row or column is told by that margin, and so protects no other.
func SuppressTable(n [][]int64, k int64) [][]bool {
	hidden := make([][]bool, len(n))
	for i, row := range n {
		hidden[i] = make([]bool, len(row))
	}
	switch {
	case len(n) == 0 || len(n[0]) == 0:
		return hidden
	case len(n) == 1:
		hidden[0] = Suppress(n[0], k)
		return hidden
	case len(n[0]) == 1:
		for i, h := range Suppress(column(n, 0), k) {
			hidden[i][0] = h
		}
		return hidden
	}
	t := table{untold(n), hidden}
	t.hideBelow(k)
	for t.hideInLines(k) || t.hideRound() {
	}
	t.n = n
	t.hideBelow(k)
	return hidden
}

// SuppressWithin is SuppressNested for a breakdown whose groups, the rows, may lie within several groups of another, the columns,
// and nearly all lie within one. Negative cells are those of nobody, as in Suppress. The totals of columns are published, and those
// of rows; that of a row of one cell is the cell itself, and rows says which such rows are hidden with it.
func SuppressWithin(n [][]int64, k int64) (cells [][]bool, rows []bool) {
	cells, rows = make([][]bool, len(n)), make([]bool, len(n))
	for i := range n {
		cells[i] = make([]bool, len(n[i]))
	}
	if len(n) == 0 {
		return cells, rows
	}
	t := table{n, cells}
	t.hideBelow(k)
	for more := true; more; {
		more = false
		for i, row := range n {
			if present(row) > 1 {
				for exposed(row, cells[i], k) && hideNext(row, cells[i]) {
					more = true
				}
			}
		}
		more = t.hideInColumns(k) || more
	}
	for i, row := range n {
		rows[i] = present(row) == 1 && slices.Contains(cells[i], true)
	}
	return cells, rows
}

func present(line []int64) (n int) {
	for _, x := range line {
		if x >= 0 {
			n++
		}
	}
	return n
}

// untold is a table without the cells that the margins tell: one that is alone in its line, and then again.
func untold(n [][]int64) [][]int64 {
	rest, rows, columns := make([][]int64, len(n)), make([]int, len(n)), make([]int, len(n[0]))
	for i, row := range n {
		rest[i] = slices.Clone(row)
		for j, x := range row {
			if x >= 0 {
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

// hideRound hides what gives the first fixed cell a way round, and says whether it hid anything. The shortest way is a
// rectangle; it takes the one that hides fewest respondents more, and when there is none, the smallest cell of all that are
// shown.
func (t table) hideRound() bool {
	for i, row := range t.hidden {
		for j, h := range row {
			if !h || !t.fixed(i, j) {
				continue
			}
			if r, c := t.rectangle(i, j); r >= 0 {
				t.hidden[i][c], t.hidden[r][j], t.hidden[r][c] = true, true, true
				return true
			}
			if t.hideLeast() {
				return true
			}
		}
	}
	return false
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

// hideLeast hides the smallest cell shown of the whole table.
func (t table) hideLeast() bool {
	r, c := -1, -1
	for i, row := range t.hidden {
		for j, h := range row {
			if !h && t.n[i][j] >= 0 && (r < 0 || t.n[i][j] < t.n[r][c]) {
				r, c = i, j
			}
		}
	}
	if r >= 0 {
		t.hidden[r][c] = true
	}
	return r >= 0
}

// fixed says whether the hidden cell (i, j) has the same count in every table that has the margins and the cells shown of this
// one. Another such table differs along rounds of hidden cells that take turns to gain and to give: a walk that goes from a row
// to a column by a hidden cell that gains, and from a column to a row by one that has something to give. (i, j) can gain if
// such a walk leads from its column back to its row, and give if it leads from its row to its column, without (i, j) itself.
func (t table) fixed(i, j int) bool {
	rows := len(t.n)
	gains := t.leads(rows+j, i, i, j)
	gives := t.n[i][j] > 0 && t.leads(i, rows+j, i, j)
	return !gains && !gives
}

// leads says whether a walk leads from one line to another without the cell (i, j). Lines are numbered, rows first.
func (t table) leads(from, to, i, j int) bool {
	rows, columns := len(t.n), len(t.n[0])
	seen := make([]bool, rows+columns)
	seen[from] = true
	for next := []int{from}; len(next) > 0; next = next[1:] {
		line := next[0]
		if line == to {
			return true
		}
		visit := func(r, c, other int, may bool) {
			if may && t.hidden[r][c] && !(r == i && c == j) && !seen[other] {
				seen[other] = true
				next = append(next, other)
			}
		}
		if line < rows {
			for c := range columns {
				visit(line, c, rows+c, true)
			}
		} else {
			for r := range rows {
				visit(r, line-rows, r, t.n[r][line-rows] > 0)
			}
		}
	}
	return false
}
