package stats

import "math"

// Sums are what figures of weighted answers are made of; the zero value has none. Answers that weigh 1 give the unweighted figures.
// Sums of parts of the answers are joined by Merge, so nothing needs all of them at once.
//
// Values are taken from an origin, the first one that was added, lest squares of large and nearly equal values (years, sums of
// money) lose their differences.
type Sums struct {
	N      int64   // answers
	W      float64 // Σw
	W2     float64 // Σw²
	Origin float64
	WY     float64 // Σw(y−origin)
	W2Y    float64 // Σw²(y−origin)
	W2Y2   float64 // Σw²(y−origin)²
}

// Add adds n answers of value y that weigh w each. For a proportion y is 1 or 0.
func (s *Sums) Add(w, y float64, n int64) {
	if n == 0 {
		return
	}
	if s.N == 0 {
		s.Origin = y
	}
	k, d := float64(n), y-s.Origin
	s.N += n
	s.W += k * w
	s.W2 += k * w * w
	s.WY += k * w * d
	s.W2Y += k * w * w * d
	s.W2Y2 += k * w * w * d * d
}

// Merge adds what other has.
func (s *Sums) Merge(other Sums) {
	if other.N == 0 {
		return
	}
	if s.N == 0 {
		*s = other
		return
	}
	d := other.Origin - s.Origin
	s.N += other.N
	s.W += other.W
	s.W2 += other.W2
	s.WY += other.WY + d*other.W
	s.W2Y += other.W2Y + d*other.W2
	s.W2Y2 += other.W2Y2 + 2*d*other.W2Y + d*d*other.W2
}

// Mean is Σwy/Σw; of values 1 and 0 the weighted proportion. NaN without answers.
func (s Sums) Mean() float64 { return s.Origin + s.WY/s.W }

// SE of Mean by linearisation, √(n/(n−1) · Σ(w(y−ȳ))²) / Σw, as svymean gives it for a design without strata and clusters (W. G.
// Cochran, "Sampling Techniques", 3rd ed., 6.3; T. Lumley, R package survey). With equal weights s/√n. NaN with fewer than two
// answers.
func (s Sums) SE() float64 {
	if s.N < 2 {
		return math.NaN()
	}
	m := s.WY / s.W // from the origin
	squares := max(0, s.W2Y2-2*m*s.W2Y+m*m*s.W2)
	n := float64(s.N)
	return math.Sqrt(n/(n-1)*squares) / s.W
}

// Deff is Kish's design effect of unequal weights, n·Σw²/(Σw)²: L. Kish, "Survey Sampling" (1965), 11.7. NaN without answers.
func (s Sums) Deff() float64 { return max(1, float64(s.N)*s.W2/(s.W*s.W)) }

// NEff is the effective sample size, n/deff. 0 without answers.
func (s Sums) NEff() float64 {
	if s.N == 0 {
		return 0
	}
	return float64(s.N) / s.Deff()
}

// Wilson is the interval of the weighted proportion, with the effective sample size for n.
func (s Sums) Wilson(z float64) (low, high float64) {
	return Wilson(min(1, max(0, s.Mean())), s.NEff(), z)
}
