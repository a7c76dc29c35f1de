// Package stats is the arithmetic of surveys: scores with their standard errors, intervals, weights, sample sizes, response rates,
// comparisons, and which cells of a table may be published.
//
// Pure functions of numbers, so that anyone with the published counts gets the same figures; R judges them in the tests. It must not
// know what was asked, of whom, or how anything is kept.
package stats

// Names of the formulas that a published figure carries, with their versions. A formula that changes gets a new version,
// never a new meaning under the old one.
const (
	FormulaTop2    = "top2"    // (n4+n5)/n, the headline
	FormulaMean100 = "mean100" // Σ 25·(level−1)·n_level / n
	FormulaNet     = "net"     // (n5+n4−n2−n1)/n

	FormulaVersion = 1 // of each of the three
)

// Levels of a rating: 1 very dissatisfied … 5 very satisfied.
const Levels = 5

// Counts are answers by level: Counts[0] of level 1, very dissatisfied, to Counts[4] of level 5, very satisfied. Figures
// are kept as counts; percentages are made when they are read.
type Counts [Levels]int64

// N is the number of answers.
func (c Counts) N() int64 {
	var n int64
	for _, k := range c {
		n += k
	}
	return n
}

// Top2 is the share of levels 4 and 5 among the answers, (n4+n5)/n in [0, 1]: "percent satisfied". NaN without answers.
func Top2(c Counts) float64 { return float64(c[3]+c[4]) / float64(c.N()) }

// Mean100 is the mean on a scale from 0 (all very dissatisfied) to 100 (all very satisfied), Σ 25·(level−1)·n_level / n:
// the convention of the UK Government Digital Service for user satisfaction. NaN without answers.
func Mean100(c Counts) float64 {
	var sum int64
	for i, k := range c {
		sum += 25 * int64(i) * k
	}
	return float64(sum) / float64(c.N())
}

// Net is the share of satisfied less the share of dissatisfied answers, (n5+n4−n2−n1)/n in [−1, 1]. NaN without answers.
func Net(c Counts) float64 { return float64(c[4]+c[3]-c[1]-c[0]) / float64(c.N()) }
