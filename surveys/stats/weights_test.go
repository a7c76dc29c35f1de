package stats_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/balagh/balagh/surveys/stats"
)

// The published case of the package survey, "kalton" (G. Kalton and I. Flores-Cervantes, "Weighting methods", Journal of Official
// Statistics 19 (2003)): cells a = 1 … 4 within b = 1 … 3.
var (
	kaltonSample     = []int{20, 50, 100, 30, 40, 140, 50, 100, 40, 310, 50, 70}
	kaltonPopulation = []float64{80, 60, 170, 55, 40, 150, 60, 165, 55, 340, 200, 125}
)

// kalton gives the cell, a and b of each respondent.
func kalton() (cell, a, b []int32) {
	for c, n := range kaltonSample {
		for range n {
			cell, a, b = append(cell, int32(c)), append(a, int32(c%4)), append(b, int32(c/4))
		}
	}
	return cell, a, b
}

func kaltonMargins() []stats.Margin {
	_, a, b := kalton()
	pa, pb := make([]float64, 4), make([]float64, 3)
	for c, n := range kaltonPopulation {
		pa[c%4] += n
		pb[c/4] += n
	}
	return []stats.Margin{{Level: a, Population: pa}, {Level: b, Population: pb}}
}

func TestPostStratify_Kalton(t *testing.T) {
	t.Parallel()
	cell, _, _ := kalton()
	w, err := stats.PostStratify(cell, kaltonPopulation)
	if err != nil {
		t.Fatal(err)
	}
	for b, want := range []float64{4, 1, 1.38} { // of row a = 1
		near(t, "weight", w[slices.Index(cell, int32(4*b))], want, .005)
	}
}

func TestRake_Kalton(t *testing.T) {
	t.Parallel()
	r, err := stats.Rake(kaltonMargins())
	if err != nil {
		t.Fatal(err)
	}
	if !r.Converged || r.Iterations > 20 {
		t.Errorf("converged %v in %d sweeps", r.Converged, r.Iterations)
	}
	cell, _, _ := kalton()
	var sums stats.Sums
	for _, w := range r.Weights {
		sums.Add(w, 1, 1)
	}
	for b, want := range []float64{1.81080509, 1.45282194, 2.01677551} {
		near(t, "weight", r.Weights[slices.Index(cell, int32(4*b))], want, 6e-9)
	}
	near(t, "deff", sums.Deff(), 1.09968068, 6e-9)
}

func TestWeights_Refused(t *testing.T) {
	t.Parallel()
	var e *stats.CellsError
	if _, err := stats.PostStratify([]int32{0, 0, 2}, []float64{3, 4, 5, 6, 0}); !errors.As(err, &e) ||
		!slices.Equal(e.Empty, []int{1, 3}) || e.Foreign != nil {
		t.Errorf("cells without answers: %v", err)
	}
	if _, err := stats.PostStratify([]int32{0, 1}, []float64{3, 0}); !errors.As(err, &e) || !slices.Equal(e.Foreign, []int{1}) {
		t.Errorf("a cell without people: %v", err)
	}
	for _, cell := range [][]int32{{0, 2}, {-1, 0}} {
		if _, err := stats.PostStratify(cell, []float64{1, 1}); err == nil {
			t.Errorf("%v is of two cells", cell)
		}
	}
	for _, n := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := stats.PostStratify([]int32{0}, []float64{n}); err == nil {
			t.Errorf("a population of %v", n)
		}
	}
	if _, err := stats.PostStratify(nil, []float64{1}); !errors.As(err, &e) {
		t.Errorf("nobody: %v", err)
	}
	halves := stats.Margin{Level: []int32{0, 1}, Population: []float64{5, 5}}
	if _, err := stats.Rake([]stats.Margin{halves, {Level: []int32{0, 1}, Population: []float64{5, 6}}}); !errors.Is(err,
		stats.ErrTotals) {
		t.Errorf("margins of 10 and 11: %v", err)
	}
	if _, err := stats.Rake([]stats.Margin{halves, {Level: []int32{0}, Population: []float64{10}}}); err == nil {
		t.Error("margins of two and of one respondent")
	}
	if _, err := stats.Rake([]stats.Margin{halves, {Level: []int32{1, 1}, Population: []float64{5, 5}}}); !errors.As(err, &e) ||
		e.Margin != 1 || !slices.Equal(e.Empty, []int{0}) {
		t.Errorf("an empty level of the second margin: %v", err)
	}
	if _, err := stats.Rake(nil); err == nil {
		t.Error("no margins")
	}
}

// Two people who differ in both margins alike cannot fit margins that differ from each other.
func TestRake_NeverFits(t *testing.T) {
	t.Parallel()
	r, err := stats.Rake([]stats.Margin{{Level: []int32{0, 1}, Population: []float64{5, 5}},
		{Level: []int32{0, 1}, Population: []float64{4, 6}}})
	if err != nil || r.Converged {
		t.Errorf("%+v, %v", r, err)
	}
}

// tables of respondents whose margins fit, since they are those of a weighted copy of themselves.
func drawMargins(t *rapid.T) []stats.Margin {
	rows := rapid.IntRange(1, 300).Draw(t, "rows")
	margins := make([]stats.Margin, rapid.IntRange(1, 6).Draw(t, "margins"))
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	for j := range margins {
		levels := rapid.IntRange(1, 12).Draw(t, "levels")
		margins[j] = stats.Margin{Level: make([]int32, rows), Population: make([]float64, levels)}
		for i := range margins[j].Level {
			margins[j].Level[i] = int32(rng.IntN(levels))
		}
	}
	for i := range rows {
		w := .2 + 3*rng.Float64()
		for _, m := range margins {
			m.Population[m.Level[i]] += w
		}
	}
	return margins
}

func TestWeights_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		margins := drawMargins(t)
		r, err := stats.Rake(margins)
		if err != nil {
			t.Fatal(err)
		}
		if r.Converged {
			fits(t, "raked", margins, r.Weights, 1e-8)
		}
		fits(t, "raked", margins[len(margins)-1:], r.Weights, 1e-8)
		w, err := stats.PostStratify(margins[0].Level, margins[0].Population)
		if err != nil {
			t.Fatal(err)
		}
		fits(t, "post-stratified", margins[:1], w, 1e-12)
		var sums stats.Sums
		for i, x := range r.Weights {
			sums.Add(x, float64(margins[0].Level[i]%2), 1)
		}
		p := sums.Mean()
		low, high := sums.Wilson(stats.Z95)
		if !(0 <= low && low <= p+1e-12 && p-1e-12 <= high && high <= 1) || sums.NEff() > float64(len(w)) || sums.Deff() < 1 {
			t.Fatalf("[%v, %v] around %v, n_eff %v of %d", low, high, p, sums.NEff(), len(w))
		}
	})
}

// fits says whether weights are positive, add up to the population and fit each margin.
func fits(t interface{ Fatalf(string, ...any) }, what string, margins []stats.Margin, weights []float64, tolerance float64) {
	for j, m := range margins {
		sums := make([]float64, len(m.Population))
		var all, total float64
		for i, w := range weights {
			if !(w > 0) {
				t.Fatalf("%s: weight %v", what, w)
			}
			sums[m.Level[i]] += w
			all += w
		}
		for l, n := range m.Population {
			total += n
			if math.Abs(sums[l]-n) > tolerance*n {
				t.Fatalf("%s: level %d of margin %d weighs %v, want %v", what, l, j, sums[l], n)
			}
		}
		if math.Abs(all-total) > tolerance*total {
			t.Fatalf("%s: %v in all, want %v", what, all, total)
		}
	}
}

// many is 20 margins of 10 levels that hang together, and a population that differs from the respondents in each.
func many(rows int) []stats.Margin {
	rng := rand.New(rand.NewPCG(1, 2))
	margins := make([]stats.Margin, 20)
	for j := range margins {
		margins[j] = stats.Margin{Level: make([]int32, rows), Population: make([]float64, 10)}
	}
	for i := range rows {
		kind := rng.IntN(10) // what makes properties of a person go together
		w := 1.
		for j := range margins {
			l := rng.IntN(10)
			if rng.IntN(4) == 0 {
				l = kind
			}
			margins[j].Level[i] = int32(l)
			w *= 1 + .2*float64((l+j)%3-1)
		}
		w = min(20, w+.05)
		for j := range margins {
			margins[j].Population[margins[j].Level[i]] += w
		}
	}
	return margins
}

func TestRake_ManyMargins(t *testing.T) {
	t.Parallel()
	margins := many(3 << 16)
	r, err := stats.Rake(margins)
	if err != nil || !r.Converged {
		t.Fatalf("%v in %d sweeps, %v", r.Converged, r.Iterations, err)
	}
	fits(t, "raked", margins, r.Weights, 1e-9)
}

func BenchmarkRake(b *testing.B) {
	margins := many(1_000_000)
	for b.Loop() {
		r, err := stats.Rake(margins)
		if err != nil || !r.Converged {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Iterations), "sweeps")
	}
}
