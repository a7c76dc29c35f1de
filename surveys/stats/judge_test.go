package stats_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/balagh/balagh/surveys/stats"
)

// judged is a random table: respondents who say yes or no, with three properties and a cell of the first two, and a population.
type judged struct {
	y      []bool
	level  map[string][]int32
	people map[string][]float64
}

func drawJudged(rng *rand.Rand) judged {
	levels := []int{2 + rng.IntN(3), 2 + rng.IntN(3), 1 + rng.IntN(5)}
	t := judged{level: map[string][]int32{}, people: map[string][]float64{"a": make([]float64, levels[0]),
		"b": make([]float64, levels[1]),
		"c": make([]float64, levels[2]), "cell": make([]float64, levels[0]*levels[1])}}
	satisfied := rng.Float64()
	for a := range levels[0] {
		for b := range levels[1] {
			for c := range levels[2] {
				for range 1 + rng.IntN(8) { // somebody in each cell, so that everything can be fitted
					t.y = append(t.y, rng.Float64() < satisfied)
					weight := 1 + 3*rng.Float64()
					for name, l := range map[string]int{"a": a, "b": b, "c": c, "cell": a*levels[1] + b} {
						t.level[name] = append(t.level[name], int32(l))
						t.people[name][l] += weight
					}
				}
			}
		}
	}
	return t
}

func (t judged) margin(name string) stats.Margin {
	return stats.Margin{Level: t.level[name], Population: t.people[name]}
}

// figures are what R is asked for as well.
func (t judged) figures(tb testing.TB) map[string][]float64 {
	count := func(match func(i int) bool) (x, n int64) {
		for i, y := range t.y {
			if match(i) {
				if n++; y {
					x++
				}
			}
		}
		return x, n
	}
	pair := func(low, high float64) []float64 { return []float64{low, high} }
	f := map[string][]float64{"wilson": pair(stats.WilsonOf(count(func(int) bool { return true })))}
	x1, n1 := count(func(i int) bool { return t.level["a"][i] == 0 })
	x2, n2 := count(func(i int) bool { return t.level["a"][i] == 1 })
	z, p := stats.TwoProportions(x1, n1, x2, n2)
	f["two"] = []float64{z * z, p}
	f["newcombe"] = pair(stats.Newcombe(float64(x1)/float64(n1), float64(n1), float64(x2)/float64(n2), float64(n2), stats.Z95))
	post, err := stats.PostStratify(t.level["cell"], t.people["cell"])
	if err != nil {
		tb.Fatal(err)
	}
	raked, err := stats.Rake([]stats.Margin{t.margin("a"), t.margin("b"), t.margin("c")})
	if err != nil || !raked.Converged {
		tb.Fatal(raked, err)
	}
	for name, weights := range map[string][]float64{"poststratified": post, "raked": raked.Weights} {
		var sums stats.Sums
		for i, w := range weights {
			sums.Add(w, map[bool]float64{true: 1}[t.y[i]], 1)
		}
		f[name], f[name+"_mean"], f[name+"_deff"] = weights, []float64{sums.Mean(), sums.SE()}, []float64{sums.Deff()}
	}
	return f
}

// TestR has R compute the same figures of 200 random tables. CI has it; elsewhere the rest is tested.
func TestR(t *testing.T) {
	t.Parallel()
	if err := exec.Command("Rscript", "-e", "library(survey)").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI must have R: apt-get install r-base-core r-cran-survey")
		}
		t.Log("left out: there is no R with its package survey on this machine")
		return
	}
	rng := rand.New(rand.NewPCG(200, 2026))
	var respondents, population bytes.Buffer
	respondents.WriteString("table,y,a,b,c,cell\n")
	population.WriteString("table,variable,level,people\n")
	tables := make([]judged, 200)
	for n := range tables {
		x := drawJudged(rng)
		tables[n] = x
		for i, y := range x.y {
			fmt.Fprintf(&respondents, "%d,%d,%d,%d,%d,%d\n", n, map[bool]int{true: 1}[y], x.level["a"][i], x.level["b"][i],
				x.level["c"][i], x.level["cell"][i])
		}
		for name, people := range x.people {
			for l, k := range people {
				fmt.Fprintf(&population, "%d,%s,%d,%.17g\n", n, name, l, k)
			}
		}
	}
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "respondents.csv"), filepath.Join(dir, "population.csv")}
	for i, b := range []*bytes.Buffer{&respondents, &population} {
		if err := os.WriteFile(files[i], b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("Rscript", "--vanilla", "testdata/judge.R", files[0], files[1])
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.Bytes())
	}
	lines, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, tables, lines)
}

// compare reads lines of table, figure, index and value, and wants each of ours to be among them.
func compare(t *testing.T, tables []judged, lines [][]string) {
	t.Helper()
	want, compared := 0, 0
	ours := make([]map[string][]float64, len(tables))
	for n, x := range tables {
		ours[n] = x.figures(t)
		for _, values := range ours[n] {
			want += len(values)
		}
	}
	for _, line := range lines {
		n, _ := strconv.Atoi(line[0])
		i, _ := strconv.Atoi(line[2])
		r, err := strconv.ParseFloat(line[3], 64)
		if err != nil && line[3] != "NaN" {
			t.Fatal(line, err)
		}
		got := ours[n][line[1]][i]
		if line[1] == "two" && math.IsNaN(r) { // R does not test what is all or nothing in both
			r = []float64{0, 1}[i]
		}
		if compared++; !(math.Abs(got-r) <= 1e-9*math.Abs(r)+1e-15) {
			t.Errorf("table %d: %s[%d] = %.15g, in R %.15g", n, line[1], i, got, r)
		}
	}
	if compared != want {
		t.Errorf("R judged %d of %d figures", compared, want)
	}
	t.Logf("%d figures", compared)
}
