package surveys

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/balagh/balagh/surveys/stats"
)

// Why answers could not be weighted: WeightingResult.Problem.
const (
	ProblemEmpty    = "empty_cell"    // people of the frame in a cell that nobody answered for
	ProblemForeign  = "foreign_cell"  // answers in a cell that has no people in the frame
	ProblemTotals   = "totals"        // the margins of the frame contradict each other
	ProblemConverge = "not_converged" // raking did not come to an end
	ProblemNobody   = "no_answers"
)

// joined stands for all hidden values of a dimension.
const joined = "*"

// weigh gives each response its weight; all weigh 1 where nothing is weighted, or could be.
//
// Values of a dimension that are hidden count as one: the weighted total would otherwise be a second equation for what is
// hidden among them, beside the unweighted one. Small cells are joined with others for the sake of the weights anyway.
func (t *table) weigh(r *Round, m *members) ([]float64, WeightingResult) {
	w := r.Programme.Weighting
	result := WeightingResult{Method: w.Method, By: w.By}
	plain := make([]float64, t.n)
	for i := range plain {
		plain[i] = 1
	}
	switch {
	case w.Method == "" || w.Method == Unweighted || len(w.By) == 0:
		result.Method, result.By = Unweighted, []Dimension{}
		return plain, result
	case t.n == 0:
		result.Problem = ProblemNobody
		return plain, result
	}
	weights, err := t.weights(r, m, &result)
	if err != nil {
		result.Problem = problemOf(err)
		return plain, result
	}
	var all sums
	for _, w := range weights {
		all.add(w)
	}
	kish := stats.Sums{N: all.N, W: all.W, W2: all.W2}
	result.Deff, result.NEff, result.Converged = new(kish.Deff()), new(kish.NEff()), true
	return weights, result
}

var errConverge = errors.New("raking did not converge")

func problemOf(err error) string {
	if cells, ok := errors.AsType[*stats.CellsError](err); ok {
		if len(cells.Foreign) > 0 {
			return ProblemForeign
		}
		return ProblemEmpty
	}
	if errors.Is(err, errConverge) {
		return ProblemConverge
	}
	return ProblemTotals
}

func (t *table) weights(r *Round, m *members, result *WeightingResult) ([]float64, error) {
	by := r.Programme.Weighting.By
	columns := make([]weighted, len(by))
	for i, d := range by {
		columns[i] = t.weightedBy(d, m)
		result.Joined = result.Joined || columns[i].joins()
	}
	if r.Programme.Weighting.Method == PostStratify {
		margin := t.margin(columns, r.Drawn.Cells)
		return stats.PostStratify(margin.Level, margin.Population)
	}
	margins := make([]stats.Margin, len(by))
	for i, d := range by {
		margins[i] = t.margin(columns[i:i+1], r.Drawn.Margins[d])
	}
	raked, err := stats.Rake(margins)
	if err != nil {
		return nil, err
	}
	result.Iterations = raked.Iterations
	if !raked.Converged {
		return nil, errConverge
	}
	return raked.Weights, nil
}

// weighted is a dimension by which responses are weighted.
type weighted struct {
	column *dictionary
	names  map[string]string // of values: themselves, or joined
}

func (t *table) weightedBy(by Dimension, m *members) weighted {
	w := weighted{column: &t.dims[slices.Index(SnapshotDimensions, by)], names: map[string]string{}}
	for _, g := range m.groups {
		if g.By != by {
			continue
		}
		w.names[g.Value] = g.Value
		if g.Hidden {
			w.names[g.Value] = joined
		}
	}
	return w
}

func (w weighted) joins() bool {
	for _, name := range w.names {
		if name == joined {
			return true
		}
	}
	return false
}

// name of a value of the frame: one that nobody answered for keeps its own.
func (w weighted) name(value string) string {
	if name, ok := w.names[value]; ok {
		return name
	}
	return value
}

// margin puts the responses beside the people of the frame, whose keys are values of the dimensions joined by "|" (see Stratum).
func (t *table) margin(by []weighted, people map[string]int) stats.Margin {
	level := map[string]int32{}
	var m stats.Margin
	of := func(key string) int32 {
		l, ok := level[key]
		if !ok {
			l = int32(len(m.Population))
			level[key], m.Population = l, append(m.Population, 0)
		}
		return l
	}
	for _, key := range slices.Sorted(maps.Keys(people)) {
		values := strings.Split(key, "|")
		for i := range min(len(values), len(by)) {
			values[i] = by[i].name(values[i])
		}
		m.Population[of(strings.Join(values, "|"))] += float64(people[key])
	}
	m.Level = make([]int32, t.n)
	known := map[uint64]int32{} // by the codes of the values
	values := make([]string, len(by))
	for i := range m.Level {
		var codes uint64
		for _, w := range by {
			codes = codes*uint64(len(w.column.values)) + uint64(w.column.rows[i])
		}
		l, ok := known[codes]
		if !ok {
			for j, w := range by {
				values[j] = w.name(w.column.values[w.column.rows[i]])
			}
			l = of(strings.Join(values, "|"))
			known[codes] = l
		}
		m.Level[i] = l
	}
	return m
}
