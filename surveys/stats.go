package surveys

import "math"

// Names of the formulas that a published figure carries, with their versions. A formula that changes gets a new version,
// never a new meaning under the old one.
const (
	FormulaTop2    = "top2"    // (n4+n5)/n, the headline
	FormulaMean100 = "mean100" // Σ 25·(level−1)·n_level / n
	FormulaNet     = "net"     // (n5+n4−n2−n1)/n

	FormulaVersion = 1 // of each of the three

	MethodWilson = "wilson"
)

// Level95 is the confidence level of published intervals; Z95 is its two-sided quantile of the standard normal
// distribution, Φ⁻¹(0.975), as qnorm(0.975) in R gives it.
const (
	Level95 = 0.95
	Z95     = 1.959963984540054
)

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

// Wilson is the score interval of a proportion p in [0, 1] that was seen among n independent answers, clamped to [0, 1]:
//
//	(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)
//
// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209–212; without
// continuity correction, as prop.test(x, n, correct = FALSE) in R. n need not be whole: a weighted proportion takes the
// effective sample size. Without answers nothing is known, and the interval is [0, 1].
func Wilson(p, n, z float64) (low, high float64) {
	if !(n > 0) {
		return 0, 1
	}
	z2 := z * z
	centre := p + z2/(2*n)
	margin := z * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	scale := 1 + z2/n
	low, high = (centre-margin)/scale, (centre+margin)/scale
	// The ends of the scale are exact; rounding must not say otherwise, nor put the estimate outside by its last bit.
	return max(0, min(low, p)), min(1, max(high, p))
}
