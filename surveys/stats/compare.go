package stats

import "math"

// Names of the methods of a comparison, for where it is published.
const (
	MethodNewcombe = "newcombe"
	MethodSE       = "standard_error" // estimate ± z·SE
)

// TwoProportions tests whether x1 of n1 and x2 of n2 are of the same proportion: z of the difference by the pooled standard
// error, and its two-sided p. As prop.test(c(x1, x2), c(n1, n2), correct = FALSE) in R, whose X-squared is z². When both are
// all or nothing there is no difference to test: 0 and 1. NaN when one of the two has no answers.
func TwoProportions(x1, n1, x2, n2 int64) (z, p float64) {
	if n1 <= 0 || n2 <= 0 {
		return math.NaN(), math.NaN()
	}
	a, b := float64(n1), float64(n2)
	pooled := float64(x1+x2) / (a + b)
	variance := pooled * (1 - pooled) * (1/a + 1/b)
	if !(variance > 0) {
		return 0, 1
	}
	z = (float64(x1)/a - float64(x2)/b) / math.Sqrt(variance)
	return z, twoSided(z)
}

func twoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// Newcombe is the interval of the difference p1 − p2 of two independent proportions that were seen among n1 and n2, from their
// Wilson intervals: method 10 of R. G. Newcombe, "Interval estimation for the difference between independent proportions",
// Statistics in Medicine 17 (1998), 873–890, without continuity correction. Like there, n may be an effective sample size.
func Newcombe(p1, n1, p2, n2, z float64) (low, high float64) {
	l1, u1 := Wilson(p1, n1, z)
	l2, u2 := Wilson(p2, n2, z)
	if !(n1 > 0) || !(n2 > 0) {
		return -1, 1
	}
	d := p1 - p2
	return max(-1, d-math.Hypot(p1-l1, u2-p2)), min(1, d+math.Hypot(u1-p1, p2-l2))
}

// Difference of two independent estimates, a − b, such as the NPS of two rounds: the variances of the two add up. z is 0 and p
// is 1 when neither varies and both are the same; p is NaN when a standard error is.
func Difference(a, b Estimate) (d Estimate, z, p float64) {
	d = Estimate{Value: a.Value - b.Value, Variance: math.NaN(), SE: math.Hypot(a.SE, b.SE)}
	if d.Value == 0 {
		return d, 0, 1
	}
	z = d.Value / d.SE
	return d, z, twoSided(z)
}
