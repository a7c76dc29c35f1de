package surveys

import (
	"math"
	"slices"

	"github.com/balagh/balagh/surveys/stats"
)

// smallest number of respondents in a group of a dimension whose figures are published.
func smallest(by Dimension) int64 {
	if by == ByEmployee {
		return MinEmployee
	}
	return MinCell
}

// members says which groups each response belongs to, one of each dimension; every response belongs to group 0 besides.
type members struct {
	groups []group
	dims   int
	of     []uint32 // by response and then by dimension
}

func (m *members) row(i int) []uint32 { return m.of[i*m.dims : (i+1)*m.dims] }

// hide says which groups must not be published, of those responses for which counts is true: groups that are too small, and
// others so that no subtraction gives those back, neither within a breakdown nor of one breakdown from another (regions and
// their centres, say). Groups that are hidden already stay so.
func (m *members) hide(counts func(i int) bool, before []bool) []bool {
	sizes, rows := make([]int64, len(m.groups)), make([]int32, 0, len(m.of)/m.dims)
	for i := range cap(rows) {
		if !counts(i) {
			continue
		}
		rows = append(rows, int32(i))
		for _, g := range m.row(i) {
			sizes[g]++
		}
	}
	sizes[0] = int64(len(rows))
	hidden := slices.Clone(before)
	if sizes[0] < MinCell {
		for g := range hidden {
			hidden[g] = true
		}
		return hidden
	}
	m.hideInBreakdowns(sizes, hidden)
	if slices.Equal(hidden, before) {
		return hidden
	}
	overlaps := m.overlaps(rows)
	for overlaps.hideBetween(sizes, hidden) {
		m.hideInBreakdowns(sizes, hidden)
	}
	return hidden
}

// hideInBreakdowns hides in each dimension what stats.Suppress says. What is hidden already only makes it safer: those are
// either below the smallest, and hidden by it as well, or at least as many.
func (m *members) hideInBreakdowns(sizes []int64, hidden []bool) {
	for from := 1; from < len(m.groups); {
		to := from
		for to < len(m.groups) && m.groups[to].By == m.groups[from].By {
			to++
		}
		for i, h := range stats.Suppress(sizes[from:to], smallest(m.groups[from].By)) {
			hidden[from+i] = hidden[from+i] || h
		}
		if alone := slices.Index(hidden[from:to], true); alone >= 0 && !slices.Contains(hidden[from+alone+1:to], true) {
			hideSmallest(sizes[from:to], hidden[from:to])
		}
		from = to
	}
}

// hideSmallest hides the smallest group that is shown.
func hideSmallest(sizes []int64, hidden []bool) {
	least := -1
	for i, h := range hidden {
		if !h && (least < 0 || sizes[i] < sizes[least]) {
			least = i
		}
	}
	if least >= 0 {
		hidden[least] = true
	}
}

// overlap is by two groups how many respondents belong to both: the scalar products of the groups as vectors of respondents.
type overlap [][]float64

func (m *members) overlaps(rows []int32) overlap {
	n := len(m.groups)
	both := make([]int32, n*n)
	for _, i := range rows {
		row := m.row(int(i))
		for x, g := range row {
			line := both[int(g)*n : (int(g)+1)*n]
			for _, h := range row[x:] {
				line[h]++
			}
		}
	}
	o := make(overlap, n)
	for g := range o {
		o[g] = make([]float64, n)
	}
	for g := 1; g < n; g++ {
		for h := g; h < n; h++ { // groups are in the order of dimensions
			o[g][h] = float64(both[g*n+h])
			o[h][g] = o[g][h]
		}
		o[0][g], o[g][0] = o[g][g], o[g][g]
	}
	o[0][0] = float64(len(rows))
	return o
}

// almost0 is what rounding leaves of a squared length of 0, as a share of the length before.
const almost0 = 1e-7

// hideBetween looks for hidden groups that can be had by adding and subtracting groups that are shown, of whatever breakdowns:
// as vectors of respondents they lie in the span of those. Of the groups that give one away it hides the smallest, and says
// whether there was any.
func (o overlap) hideBetween(sizes []int64, hidden []bool) (more bool) {
	var base []int // of the span: groups that are shown and no sum of those before
	var lower [][]float64
	for g, h := range hidden {
		if h || sizes[g] == 0 {
			continue
		}
		if y, rest := o.project(g, base, lower); rest > almost0*o[g][g] {
			base, lower = append(base, g), append(lower, append(y, math.Sqrt(rest)))
		}
	}
	exposing := slices.Clone(hidden)
	for g, h := range hidden {
		if !h || sizes[g] == 0 {
			continue
		}
		y, rest := o.project(g, base, lower)
		if rest > almost0*o[g][g] {
			continue
		}
		least := -1
		for i, c := range combination(y, lower) {
			if b := base[i]; math.Abs(c) > almost0 && b != 0 && (least < 0 || sizes[b] < sizes[least]) {
				least = b
			}
		}
		if least >= 0 {
			exposing[least], more = true, true
		}
	}
	copy(hidden, exposing)
	return more
}

// project gives the coordinates of a group in the span of base (a step of Cholesky's decomposition of their products), and the
// squared length of what lies outside of it.
func (o overlap) project(g int, base []int, lower [][]float64) (y []float64, rest float64) {
	y, rest = make([]float64, len(base), len(base)+1), o[g][g]
	for i, b := range base {
		x, row := o[g][b], lower[i]
		for j, l := range row[:i] {
			x -= l * y[j]
		}
		y[i] = x / row[i]
		rest -= y[i] * y[i]
	}
	return y, rest
}

// combination gives the factors with which the groups of the base add up to the group that has the coordinates y.
func combination(y []float64, lower [][]float64) []float64 {
	x := slices.Clone(y)
	for i := len(x) - 1; i >= 0; i-- {
		x[i] /= lower[i][i]
		for j := range i {
			x[j] -= lower[i][j] * x[i]
		}
	}
	return x
}
