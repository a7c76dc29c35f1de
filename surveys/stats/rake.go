package stats

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	rakeTolerance  = 1e-10   // the largest relative change of a weight by a sweep over all margins
	rakeIterations = 500     // sweeps, after which it is given up
	rakeTable      = 1 << 11 // cells of a group of margins: its sums and factors stay in the nearest cache
	rakeChunk      = 1 << 16 // rows that are added up on their own; fixed, so that every machine rounds in the same way
)

// Raked is what Rake comes to.
type Raked struct {
	Weights    []float64 // of each respondent; positive, adding up to the population
	Iterations int       // sweeps over all margins
	Converged  bool      // to a largest relative change below 1e-10; when not, the weights fit the last margin only
}

// Rake weights respondents so that they fit the population in each margin: iterative proportional fitting, which
// post-stratifies by one margin after the other, again and again, until no weight changes by 1e-10 of itself in a sweep. W. E.
// Deming and F. F. Stephan, "On a least squares adjustment of a sampled frequency table when the expected marginal totals are
// known", Annals of Mathematical Statistics 11 (1940), 427–444; as survey::rake in R with a small epsilon. A *CellsError names
// levels without answers; ErrTotals: the margins contradict each other.
//
// Neighbouring margins are taken together as one column of their joint cells: the rows are then added up once for all of them,
// and the steps from margin to margin are done on the table of cells, with the same result.
func Rake(margins []Margin) (*Raked, error) {
	if err := checkMargins(margins); err != nil {
		return nil, err
	}
	groups := group(margins)
	weights := make([]float64, len(margins[0].Level))
	for i := range weights {
		weights[i] = 1
	}
	r := &Raked{Weights: weights}
	var before *rakeGroup // whose factors the weights still lack
	for r.Iterations < rakeIterations && !r.Converged {
		r.Iterations++
		var change float64
		for _, g := range groups {
			g.sum(weights, before)
			change += g.fit()
			before = g
		}
		if math.IsNaN(change) || math.IsInf(change, 0) {
			break
		}
		r.Converged = change < rakeTolerance
	}
	before.apply(weights)
	return r, nil
}

func checkMargins(margins []Margin) error {
	if len(margins) == 0 || len(margins[0].Level) == 0 {
		return &CellsError{}
	}
	total := margins[0].total()
	for i, m := range margins {
		if len(m.Level) != len(margins[0].Level) {
			return ErrTotals
		}
		if _, err := m.respondents(i); err != nil {
			return err
		}
		if math.Abs(m.total()-total) > 1e-9*total {
			return ErrTotals
		}
	}
	return nil
}

// rakeGroup are margins that are fitted together. A cell is a combination of their levels.
type rakeGroup struct {
	margins []Margin
	stride  []int     // of each margin: cell/stride%levels is its level
	cell    []int32   // of each row
	table   []float64 // sum of the weights by cell
	factor  []float64 // by cell: what the weights are to be multiplied by
	partial [][]float64
}

// group joins margins, in their order, for as long as the table stays small.
func group(margins []Margin) []*rakeGroup {
	var groups []*rakeGroup
	for first := 0; first < len(margins); {
		g, cells := &rakeGroup{}, 1
		for ; first < len(margins); first++ {
			m := margins[first]
			if len(g.margins) > 0 && cells*len(m.Population) > rakeTable {
				break
			}
			g.margins, g.stride = append(g.margins, m), append(g.stride, cells)
			cells *= len(m.Population)
		}
		g.table, g.factor = make([]float64, cells), make([]float64, cells)
		g.cell = make([]int32, len(g.margins[0].Level))
		g.partial = make([][]float64, chunks(len(g.cell)))
		inChunks(len(g.cell), func(chunk, from, to int) {
			g.partial[chunk] = make([]float64, cells)
			column := g.cell[from:to]
			copy(column, g.margins[0].Level[from:to])
			for j := 1; j < len(g.margins); j++ {
				stride := int32(g.stride[j])
				for i, l := range g.margins[j].Level[from:to] {
					column[i] += stride * l
				}
			}
		})
		groups = append(groups, g)
	}
	return groups
}

// sum adds up the weights by cell, after it has multiplied them by the factors of the group before.
func (g *rakeGroup) sum(weights []float64, before *rakeGroup) {
	inChunks(len(weights), func(chunk, from, to int) {
		w, cell, sums := weights[from:to], g.cell[from:to], g.partial[chunk]
		clear(sums)
		if before == nil {
			for i, c := range cell {
				sums[c] += w[i]
			}
			return
		}
		factor, of := before.factor, before.cell[from:to]
		w, of = w[:len(cell)], of[:len(cell)]
		for i, c := range cell {
			x := w[i] * factor[of[i]]
			w[i] = x
			sums[c] += x
		}
	})
	clear(g.table)
	for _, sums := range g.partial {
		for c, x := range sums {
			g.table[c] += x
		}
	}
}

// fit fits the table to each margin in turn, keeps the factors of that, and says how much a weight has changed at the most.
func (g *rakeGroup) fit() (change float64) {
	for c := range g.factor {
		g.factor[c] = 1
	}
	for j, m := range g.margins {
		stride, levels := g.stride[j], len(m.Population)
		ratio := make([]float64, levels)
		for c, x := range g.table {
			ratio[c/stride%levels] += x
		}
		var largest float64
		for l, n := range m.Population {
			if n > 0 {
				ratio[l] = n / ratio[l]
				largest = max(largest, math.Abs(ratio[l]-1))
			}
		}
		change += largest
		for c := range g.table {
			f := ratio[c/stride%levels]
			g.table[c] *= f
			g.factor[c] *= f
		}
	}
	return change
}

func (g *rakeGroup) apply(weights []float64) {
	inChunks(len(weights), func(_, from, to int) {
		for i := from; i < to; i++ {
			weights[i] *= g.factor[g.cell[i]]
		}
	})
}

func chunks(n int) int { return (n + rakeChunk - 1) / rakeChunk }

// inChunks runs do for each chunk of n rows, on as many processors as there are.
func inChunks(n int, do func(chunk, from, to int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	work := func() {
		for {
			c := int(next.Add(1)) - 1
			if c >= chunks(n) {
				return
			}
			do(c, c*rakeChunk, min(n, (c+1)*rakeChunk))
		}
	}
	for range min(runtime.GOMAXPROCS(0), chunks(n)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
