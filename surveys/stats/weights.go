package stats

import (
	"errors"
	"fmt"
	"math"
)

// CellsError names the cells (of a margin, with Rake) for which there are no weights.
type CellsError struct {
	Margin  int   // of Rake, from 0
	Empty   []int // the population has people in them, and nobody answered
	Foreign []int // somebody answered, and the population has nobody in them
}

func (e *CellsError) Error() string {
	return fmt.Sprintf("no weights: margin %d, cells without answers %v, cells without people %v", e.Margin, e.Empty, e.Foreign)
}

// ErrTotals says that the margins of a population add up to different numbers of people.
var ErrTotals = errors.New("the margins add up to different totals")

// Margin is how a population and the respondents divide by one property.
type Margin struct {
	Level      []int32   // of each respondent, an index of Population
	Population []float64 // people by level
}

func (m Margin) total() (sum float64) {
	for _, n := range m.Population {
		sum += n
	}
	return sum
}

// respondents by level. It checks that every level that has the one has the other.
func (m Margin) respondents(index int) ([]int64, error) {
	n := make([]int64, len(m.Population))
	for i, l := range m.Level {
		if l < 0 || int(l) >= len(n) {
			return nil, fmt.Errorf("respondent %d: level %d of margin %d, which has %d", i, l, index, len(n))
		}
		n[l]++
	}
	e := &CellsError{Margin: index}
	for l, people := range m.Population {
		switch {
		case people < 0 || math.IsNaN(people) || math.IsInf(people, 0):
			return nil, fmt.Errorf("level %d of margin %d: a population of %v", l, index, people)
		case people > 0 && n[l] == 0:
			e.Empty = append(e.Empty, l)
		case people == 0 && n[l] > 0:
			e.Foreign = append(e.Foreign, l)
		}
	}
	if e.Empty != nil || e.Foreign != nil {
		return nil, e
	}
	return n, nil
}

// PostStratify gives each respondent the weight N_h/n_h of their cell: people of the population by respondents. The weights are
// positive and add up to the population. D. Holt and T. M. F. Smith, "Post stratification", JRSS A 142 (1979), 33–46; as
// survey::postStratify in R. A *CellsError names cells without answers: they must be joined with others, or nothing is
// weighted.
func PostStratify(cell []int32, population []float64) ([]float64, error) {
	n, err := Margin{cell, population}.respondents(0)
	if err != nil {
		return nil, err
	}
	weights := make([]float64, len(cell))
	for i, h := range cell {
		weights[i] = population[h] / float64(n[h])
	}
	return weights, nil
}
