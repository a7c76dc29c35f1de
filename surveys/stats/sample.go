package stats

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// slack keeps what is whole but for rounding from being rounded up by one.
const slack = 1e-9

// SampleSize is how many answers an estimate of the proportion p needs, so that the half width of its interval is margin at that
// confidence, out of a population: n₀ = z²·p(1−p)/margin², n = n₀/(1 + (n₀−1)/population), rounded up. W. G. Cochran, "Sampling
// Techniques", 3rd ed. (1977), 4.4. p = ½ is the safe assumption. Never more than the population, and 0 of nobody.
func SampleSize(margin, confidence, p float64, population int) int {
	if population <= 0 {
		return 0
	}
	z := NormalQuantile(confidence)
	n0 := z * z * p * (1 - p) / (margin * margin)
	n := n0 / (1 + (n0-1)/float64(population))
	if !(n < float64(population)) { // also margin 0
		return population
	}
	return max(1, int(math.Ceil(n*(1-slack))))
}

// Invitations is how many must be invited for so many answers when the expected response rate is rate, in (0, 1]: answers/rate,
// rounded up. The caller cuts it to the people there are. MaxInt32 when the rate is not above 0.
func Invitations(answers int, rate float64) int {
	n := math.Ceil(float64(answers) / rate * (1 - slack))
	if !(rate > 0) || n > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(n)
}

// Allocate divides total among strata of those sizes in proportion, by largest remainder (A. Hamilton's method); equal
// remainders go to the larger stratum, then to the earlier one. It is exact, adds up to total, and gives no stratum more than
// it has: when total is more than all strata have, each gets what it has.
func Allocate(total int, strata []int) []int {
	var all uint64
	for _, n := range strata {
		all += uint64(max(0, n))
	}
	shares := make([]int, len(strata))
	if all == 0 || total <= 0 {
		return shares
	}
	if uint64(total) >= all {
		for i, n := range strata {
			shares[i] = max(0, n)
		}
		return shares
	}
	left, remainders, order := total, make([]uint64, len(strata)), make([]int, len(strata))
	for i, n := range strata {
		hi, lo := bits.Mul64(uint64(total), uint64(max(0, n)))
		share, remainder := bits.Div64(hi, lo, all) // total < all, and so the quotient is below n
		shares[i], remainders[i], order[i] = int(share), remainder, i
		left -= int(share)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(remainders[b], remainders[a]), cmp.Compare(strata[b], strata[a]))
	})
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares
}
