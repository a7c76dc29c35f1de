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
func Suppress(n []int64, k int64) []bool { return SuppressBeside(n, make([]bool, len(n)), k) }

// SuppressBeside is Suppress where some cells are hidden already, for another reason.
func SuppressBeside(n []int64, already []bool, k int64) []bool {
	hidden := make([]bool, len(n))
	for i, x := range n {
		hidden[i] = x >= 0 && (already[i] || x < k)
	}
	for exposed(n, hidden, k) && hideNext(n, hidden) {
	}
	return hidden
}

// exposed says whether the hidden cells of a line are too few to hide each other.
func exposed(n []int64, hidden []bool, k int64) bool {
	var count, sum, largest int64
	for i, h := range hidden {
		if h && n[i] >= 0 {
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

// SuppressWithin is SuppressNested for a breakdown whose groups, the rows, may lie within several groups of another, the columns,
// and nearly all lie within one. Negative cells are those of nobody, as in Suppress; some may be hidden already, for another reason.
// The totals of columns are published, and those of rows; that of a row of one cell is the cell itself, and rows says which such
// rows are hidden with it.
func SuppressWithin(n [][]int64, already [][]bool, k int64) (cells [][]bool, rows []bool) {
	cells, rows = boolsOf(n), make([]bool, len(n))
	if len(n) == 0 {
		return cells, rows
	}
	for i := range n {
		copy(cells[i], already[i])
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
