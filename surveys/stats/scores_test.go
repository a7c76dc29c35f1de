package stats_test

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/balagh/balagh/surveys/stats"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// The expected values are those of binom.confint(x, n, methods = "wilson") in R.
func TestWilson_ReferenceValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ x, n, low, high, tolerance float64 }{
		{18, 20, 0.6989663548, 0.9721335188, 1e-10},
		{4, 200, 0.0078044264, 0.0502870869, 1e-10},
		{0, 30, 0, 0.11351339, 5e-9},
		{30, 30, 0.8864866, 1, 5e-8},
	} {
		low, high := stats.Wilson(c.x/c.n, c.n, stats.Z95)
		near(t, "low", low, c.low, c.tolerance)
		near(t, "high", high, c.high, c.tolerance)
	}
}

func TestWilson_Ends(t *testing.T) {
	t.Parallel()
	if low, high := stats.Wilson(0, 0, stats.Z95); low != 0 || high != 1 {
		t.Errorf("without answers [%v, %v], want [0, 1]", low, high)
	}
	for n := 1.0; n < 5000; n++ {
		if low, _ := stats.Wilson(0, n, stats.Z95); low != 0 {
			t.Fatalf("0/%v begins at %v", n, low)
		}
		if _, high := stats.Wilson(1, n, stats.Z95); high != 1 {
			t.Fatalf("%v/%v ends at %v", n, n, high)
		}
	}
}

func TestZ95_IsTheQuantile(t *testing.T) {
	t.Parallel()
	near(t, "Φ(z)", 0.5*(1+math.Erf(stats.Z95/math.Sqrt2)), 0.975, 1e-15)
}

func TestWilson_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1_000_000_000).Draw(t, "n")
		x := rapid.Int64Range(0, n).Draw(t, "x")
		p := float64(x) / float64(n)
		low, high := stats.Wilson(p, float64(n), stats.Z95)
		if !(0 <= low && low <= p && p <= high && high <= 1) {
			t.Fatalf("%d/%d: [%v, %v] around %v", x, n, low, high, p)
		}
		if x < n { // more successes never lower it
			l, h := stats.Wilson(float64(x+1)/float64(n), float64(n), stats.Z95)
			if l < low || h < high {
				t.Fatalf("%d/%d: [%v, %v], one more: [%v, %v]", x, n, low, high, l, h)
			}
		}
		// four times the answers with the same share never widen it
		if l, h := stats.Wilson(p, 4*float64(n), stats.Z95); h-l > high-low {
			t.Fatalf("%d/%d: width %v, with four times as many %v", x, n, high-low, h-l)
		}
		// the complement mirrors it
		l, h := stats.Wilson(1-p, float64(n), stats.Z95)
		if math.Abs(l-(1-high)) > 1e-9 || math.Abs(h-(1-low)) > 1e-9 {
			t.Fatalf("%d/%d: [%v, %v], complement [%v, %v]", x, n, low, high, l, h)
		}
	})
}

func TestScores_ReferenceMonth(t *testing.T) {
	t.Parallel()
	c := stats.Counts{23, 46, 153, 419, 528}
	if c.N() != 1169 {
		t.Errorf("n = %d", c.N())
	}
	near(t, "mean100", stats.Mean100(c), 79.58, 0.005)
	near(t, "top2", 100*stats.Top2(c), 81.01, 0.005)
	near(t, "net", stats.Net(c), float64(528+419-46-23)/1169, 1e-15)
}

// Published percentages of a public body come out of the counts by the formula that it used, and by that one only.
func TestScores_PublishedMonths(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/opg-satisfaction.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 10 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows[1:] {
		var c stats.Counts
		for i := range c {
			if c[i], err = strconv.ParseInt(row[2+i], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		published, err := strconv.ParseFloat(row[7], 64)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{stats.FormulaMean100: stats.Mean100(c), stats.FormulaTop2: 100 * stats.Top2(c)}
		if formula := row[8]; math.Round(got[formula]) != published {
			t.Errorf("%s %s: %s is %.2f, published %v", row[0], row[1], formula, got[formula], published)
		}
	}
}

func TestScores_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c stats.Counts
		for i := range c {
			c[i] = rapid.Int64Range(0, 1_000_000).Draw(t, "level")
		}
		if c.N() == 0 {
			if !math.IsNaN(stats.Top2(c)) || !math.IsNaN(stats.Mean100(c)) || !math.IsNaN(stats.Net(c)) {
				t.Fatal("figures without answers")
			}
			return
		}
		top2, mean, net := stats.Top2(c), stats.Mean100(c), stats.Net(c)
		if top2 < 0 || top2 > 1 || mean < 0 || mean > 100 || net < -1 || net > 1 {
			t.Fatalf("%v: top2 %v, mean100 %v, net %v", c, top2, mean, net)
		}
		// An answer that is raised by a level lowers nothing.
		from := rapid.IntRange(0, 3).Draw(t, "from")
		if c[from] == 0 {
			return
		}
		c[from]--
		c[from+1]++
		if stats.Top2(c) < top2 || stats.Mean100(c) <= mean || stats.Net(c) < net {
			t.Fatalf("%v: a better answer lowers a figure", c)
		}
	})
}
