package stats

import "math"

// MethodWilson names the interval of Wilson where a figure is published.
const MethodWilson = "wilson"

// Level95 is the confidence level of published intervals; Z95 is its two-sided quantile of the standard normal
// distribution, Φ⁻¹(0.975), as qnorm(0.975) in R gives it.
const (
	Level95 = 0.95
	Z95     = 1.959963984540054
)

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

// WilsonOf is the 95 % interval of count among n.
func WilsonOf(count, n int64) (low, high float64) {
	return Wilson(float64(count)/float64(n), float64(n), Z95)
}

// NormalQuantile is the z whose interval [−z, z] holds that share of the standard normal distribution, such as 1.96 for 0.95;
// +Inf for 1.
func NormalQuantile(confidence float64) float64 {
	if confidence == Level95 {
		return Z95
	}
	return math.Sqrt2 * math.Erfinv(confidence)
}
