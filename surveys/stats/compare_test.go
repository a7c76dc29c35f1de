package stats_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/balagh/balagh/surveys/stats"
)

func TestNPS_ReferenceValues(t *testing.T) {
	t.Parallel()
	e := stats.NPS(162, 108, 54) // ½, ⅓, ⅙ of 324
	near(t, "NPS", e.Value, 100./3, 1e-12)
	near(t, "variance", e.Variance/1e4, 5./9, 1e-12)
	near(t, "SE", e.SE, 4.14, .005)
	if same := stats.NPSOf([11]int64{0: 20, 6: 34, 7: 100, 8: 8, 9: 12, 10: 150}); same != e {
		t.Errorf("by answers %+v, by kinds %+v", same, e)
	}
	for _, c := range []struct {
		p, m, d int64
		want    float64
	}{{5, 0, 0, 100}, {0, 0, 5, -100}, {0, 5, 0, 0}} {
		if e := stats.NPS(c.p, c.m, c.d); e.Value != c.want || e.SE != 0 {
			t.Errorf("%+v: %+v", c, e)
		}
	}
	if e := stats.NPS(0, 0, 0); !math.IsNaN(e.Value) {
		t.Errorf("without answers %v", e.Value)
	}
}

func TestEffort_Direction(t *testing.T) {
	t.Parallel()
	levels := [7]int64{1, 2, 3, 4, 5, 6, 7}
	if easy, n := stats.Effort(levels, false); easy != 18 || n != 28 {
		t.Errorf("%d of %d made it easy", easy, n)
	}
	if easy, n := stats.Effort(levels, true); easy != 6 || n != 28 {
		t.Errorf("%d of %d found it not hard", easy, n)
	}
}

func TestMean_ReferenceValues(t *testing.T) {
	t.Parallel()
	e := stats.Mean([]float64{2, 4, 5, 7, 9}, []int64{1, 3, 2, 1, 1})
	near(t, "mean", e.Value, 5, 1e-15)
	near(t, "variance", e.Variance, 32./7, 1e-14)
	near(t, "SE", e.SE, math.Sqrt(32./7/8), 1e-15)
	low, high := e.Interval(2)
	near(t, "low", low, 5-2*e.SE, 1e-15)
	near(t, "high", high, 5+2*e.SE, 1e-15)
	if e := stats.Mean([]float64{3}, []int64{1}); e.Value != 3 || !math.IsNaN(e.SE) {
		t.Errorf("of one answer %+v", e)
	}
	near(t, "mean of levels", stats.MeanOf(stats.Counts{23, 46, 153, 419, 528}).Value, 1+79.58*4/100, 5e-4)
	// Years lie close together and far from 0.
	e = stats.Mean([]float64{1e9, 1e9 + 1, 1e9 + 2}, []int64{1, 1, 1})
	near(t, "variance far from 0", e.Variance, 1, 1e-15)
}

func TestSums_MergeIsAdd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var whole, a, b stats.Sums
		for range rapid.IntRange(0, 20).Draw(t, "answers") {
			w, y := rapid.Float64Range(.1, 10).Draw(t, "w"), rapid.Float64Range(-100, 100).Draw(t, "y")
			n := rapid.Int64Range(0, 3).Draw(t, "n")
			whole.Add(w, y, n)
			if rapid.Bool().Draw(t, "part") {
				a.Add(w, y, n)
			} else {
				b.Add(w, y, n)
			}
		}
		a.Merge(b)
		same := func(x, y float64) bool {
			return math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-6*max(1, math.Abs(x))
		}
		if a.N != whole.N || !same(a.Mean(), whole.Mean()) || !same(a.SE(), whole.SE()) || !same(a.NEff(), whole.NEff()) {
			t.Fatalf("%+v, in parts %+v", whole, a)
		}
	})
}

func TestTwoProportions_ReferenceValues(t *testing.T) {
	t.Parallel()
	z, p := stats.TwoProportions(7, 34, 1, 34)
	near(t, "z", z, 2.258318, 5e-7)
	near(t, "p", p, .0239258, 5e-8)
	low, high := stats.Newcombe(7./34, 34, 1./34, 34, stats.Z95)
	near(t, "low", low, .019, .0005)
	near(t, "high", high, .34, .005)
	// The example of Newcombe's paper, method 10: 56/70 and 48/80.
	low, high = stats.Newcombe(56./70, 70, 48./80, 80, stats.Z95)
	near(t, "low", low, .0524, 5e-5)
	near(t, "high", high, .3339, 5e-5)
	if z, p := stats.TwoProportions(5, 5, 9, 9); z != 0 || p != 1 {
		t.Errorf("all and all: %v, %v", z, p)
	}
	if z, _ := stats.TwoProportions(0, 0, 1, 2); !math.IsNaN(z) {
		t.Errorf("nobody: %v", z)
	}
	if low, high := stats.Newcombe(math.NaN(), 0, .5, 8, stats.Z95); low != -1 || high != 1 {
		t.Errorf("nobody: [%v, %v]", low, high)
	}
}

func TestNewcombe_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		share := func(name string) (p, n float64) {
			k := rapid.IntRange(1, 100_000).Draw(t, name)
			return float64(rapid.IntRange(0, k).Draw(t, name)) / float64(k), float64(k)
		}
		p1, n1 := share("first")
		p2, n2 := share("second")
		low, high := stats.Newcombe(p1, n1, p2, n2, stats.Z95)
		if !(-1 <= low && low <= p1-p2 && p1-p2 <= high && high <= 1) {
			t.Fatalf("[%v, %v] around %v", low, high, p1-p2)
		}
		l, h := stats.Newcombe(p2, n2, p1, n1, stats.Z95)
		if math.Abs(l+high) > 1e-12 || math.Abs(h+low) > 1e-12 {
			t.Fatalf("[%v, %v], the other way round [%v, %v]", low, high, l, h)
		}
	})
}

func TestDifference_NPS(t *testing.T) {
	t.Parallel()
	a, b := stats.NPS(162, 108, 54), stats.NPS(100, 100, 100)
	d, z, p := stats.Difference(a, b)
	near(t, "difference", d.Value, 100./3, 1e-12)
	near(t, "SE", d.SE, math.Sqrt(1e4*(5./9/324+2./3/300)), 1e-12)
	near(t, "z", z, d.Value/d.SE, 1e-12)
	near(t, "p", p, math.Erfc(z/math.Sqrt2), 1e-15)
	if _, z, p := stats.Difference(stats.NPS(4, 0, 0), stats.NPS(9, 0, 0)); z != 0 || p != 1 {
		t.Errorf("all promoters twice: %v, %v", z, p)
	}
}

func TestResponseRates_ReferenceValues(t *testing.T) {
	t.Parallel()
	d := stats.Dispositions{Complete: 4, Partial: 2, Refused: 1, NonContact: 1, Other: 1, Unknown: 2}
	near(t, "RR1", d.RR1(), .364, .0005)
	near(t, "RR2", d.RR2(), .545, .0005)
	near(t, "RR3", d.RR3(.5), .4, 1e-15)
	near(t, "RR4", d.RR4(.5), .6, 1e-15)
	near(t, "RR5", d.RR5(), .444, .0005)
	near(t, "RR6", d.RR6(), .667, .0005)
	if d := (stats.Dispositions{Unknown: 3}); d.RR1() != 0 || !math.IsNaN(d.RR5()) {
		t.Errorf("nobody known to be eligible: %v, %v", d.RR1(), d.RR5())
	}
}

func TestSampleSize_ReferenceValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		margin        float64
		population, n int
	}{{.03, 88162, 1055}, {.05, 10000, 370}, {.05, 1, 1}, {.05, 0, 0}, {0, 77, 77}, {.99, 1000, 1}, {.05, 1 << 40, 385}} {
		if n := stats.SampleSize(c.margin, .95, .5, c.population); n != c.n {
			t.Errorf("±%v of %d: %d, want %d", c.margin, c.population, n, c.n)
		}
	}
	for _, c := range []struct {
		answers int
		rate    float64
		n       int
	}{{370, 1, 370}, {370, .37, 1000}, {370, .4, 925}, {1055, .3, 3517}, {5, 0, math.MaxInt32}, {0, .5, 0}} {
		if n := stats.Invitations(c.answers, c.rate); n != c.n {
			t.Errorf("%d answers at %v: %d, want %d", c.answers, c.rate, n, c.n)
		}
	}
}

// Quantiles as qnorm((1 + confidence)/2) in R prints them.
func TestNormalQuantile(t *testing.T) {
	t.Parallel()
	for confidence, want := range map[float64]float64{.5: 0.6744897501960817, .8: 1.2815515655446004, .9: 1.6448536269514722,
		.95: stats.Z95,
		.98: 2.3263478740408408, .99: 2.5758293035489004, .999: 3.2905267314919255} {
		near(t, "z", stats.NormalQuantile(confidence), want, 1e-13)
	}
}

func TestAllocate_Cases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		total         int
		strata, wants []int
	}{
		{10, []int{50, 30, 20}, []int{5, 3, 2}},
		{10, []int{53, 33, 14}, []int{5, 3, 2}},    // the largest remainder is .4
		{1, []int{5, 5}, []int{1, 0}},              // equal ones: the earlier
		{3, []int{3, 1, 6, 10}, []int{0, 0, 1, 2}}, // of .45, .15, .9 and 1.5
		{99, []int{5, 0, 2}, []int{5, 0, 2}},
		{0, []int{5}, []int{0}},
		{4, nil, []int{}},
		{3_000_000_000, []int{4_000_000_000_000, 2_000_000_000_000}, []int{2_000_000_000, 1_000_000_000}},
	} {
		if got := stats.Allocate(c.total, c.strata); !slices.Equal(got, c.wants) {
			t.Errorf("%d among %v: %v, want %v", c.total, c.strata, got, c.wants)
		}
	}
}

func TestAllocate_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		strata := rapid.SliceOf(rapid.IntRange(0, 2000)).Draw(t, "strata")
		total := rapid.IntRange(0, 5000).Draw(t, "total")
		var all, sum int
		for _, n := range strata {
			all += n
		}
		for i, n := range stats.Allocate(total, strata) {
			sum += n
			if exact := float64(total) * float64(strata[i]) / float64(all); n > strata[i] || total < all && math.Abs(float64(n)-exact) >= 1 {
				t.Fatalf("%d among %v: %d for %d", total, strata, n, strata[i])
			}
		}
		if sum != min(total, all) {
			t.Fatalf("%d among %v: %d in all", total, strata, sum)
		}
	})
}

func TestCellsError_Text(t *testing.T) {
	t.Parallel()
	_, err := stats.PostStratify([]int32{0}, []float64{1, 2})
	var e *stats.CellsError
	if !errors.As(err, &e) || e.Error() != "no weights: margin 0, cells without answers [1], cells without people []" {
		t.Error(err)
	}
}
