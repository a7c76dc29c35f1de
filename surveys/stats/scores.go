// Package stats is the arithmetic of surveys: scores with their standard errors, intervals, weights, sample sizes, response rates,
// comparisons, and which cells of a table may be published.
//
// Pure functions of numbers, so that anyone with the published counts gets the same figures; R judges them in the tests. It
// must not know what was asked, of whom, or how anything is kept.
package stats

import "math"

// Names of the formulas that a published figure carries, with their versions. A formula that changes gets a new version,
// never a new meaning under the old one.
const (
	FormulaTop2    = "top2"    // (n4+n5)/n, the headline
	FormulaMean100 = "mean100" // Σ 25·(level−1)·n_level / n
	FormulaNet     = "net"     // (n5+n4−n2−n1)/n
	FormulaNPS     = "nps"     // 100·(n9+n10 − n0−…−n6)/n
	FormulaEffort  = "effort"  // share of levels 5 to 7 of 7, or 1 to 3 where a high level means hard
	FormulaMean    = "mean"    // Σx/n

	FormulaVersion = 1 // of each of them
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

// Estimate is a figure that is no proportion, in its own unit. What cannot be computed is NaN.
type Estimate struct {
	Value    float64
	Variance float64 // of one answer, in the square of the unit
	SE       float64 // of Value
}

// Interval is Value ± z·SE, by the normal approximation. The caller clamps it to the scale, where there is one.
func (e Estimate) Interval(z float64) (low, high float64) { return e.Value - z*e.SE, e.Value + z*e.SE }

// Kinds of people by what they answered to "how likely are you to recommend us", 0 to 10.
const (
	PromoterFrom = 9 // to 10
	PassiveFrom  = 7 // to 8; below are detractors
)

// NPS is the net promoter score in points, −100 to 100: the percentage of promoters less that of detractors. One answer is worth
// 100, 0 or −100, so that the variance is 10⁴·((p+d) − (p−d)²) and SE = √(variance/n). F. Reichheld, "The one number you need to
// grow", HBR 81 (2003); the variance is that of a difference of two shares of a multinomial. NaN without answers.
func NPS(promoters, passives, detractors int64) Estimate {
	n := float64(promoters + passives + detractors)
	p, d := float64(promoters)/n, float64(detractors)/n
	e := Estimate{Value: 100 * (p - d), Variance: 1e4 * max(0, p+d-(p-d)*(p-d))}
	e.SE = math.Sqrt(e.Variance / n)
	return e
}

// NPSOf is NPS of the counts of the eleven answers from 0 to 10.
func NPSOf(answers [11]int64) Estimate {
	var kinds [3]int64
	for i, n := range answers {
		switch {
		case i >= PromoterFrom:
			kinds[0] += n
		case i >= PassiveFrom:
			kinds[1] += n
		default:
			kinds[2] += n
		}
	}
	return NPS(kinds[0], kinds[1], kinds[2])
}

// Effort counts those for whom it was easy: levels 5 to 7 of the seven answers to a wording such as "the centre made it easy", or
// levels 1 to 3 when hard says that a high level means hard. M. Dixon and others, "Stop trying to delight your customers", HBR 88
// (2010); as "CES 2.0", an agreement on seven levels. The share easy/n is a proportion: its interval is WilsonOf.
func Effort(levels [7]int64, hard bool) (easy, n int64) {
	for i, k := range levels {
		n += k
		if !hard && i >= 4 || hard && i <= 2 {
			easy += k
		}
	}
	return easy, n
}

// Mean of values that were each counted so many times: Σx/n, with the variance Σ(x−x̄)²/(n−1) and SE = √(variance/n). Value is NaN
// without answers, and the others with fewer than two.
func Mean(values []float64, counts []int64) Estimate {
	var s Sums
	for i, n := range counts {
		s.Add(1, values[i], n)
	}
	e := Estimate{Value: s.Mean(), SE: s.SE()}
	e.Variance = e.SE * e.SE * float64(s.N)
	return e
}

// MeanOf is Mean of levels 1 to 5.
func MeanOf(c Counts) Estimate { return Mean([]float64{1, 2, 3, 4, 5}, c[:]) }
