package stats_test

import (
	"math/rand/v2"
	"testing"

	"github.com/balagh/balagh/surveys/stats"
)

const rounds = 1000 // of a simulation

// covered wants a share of intervals to hold the truth that is 95 %, but for the luck of 1,000 rounds.
func covered(t *testing.T, hits int) {
	t.Helper()
	if share := float64(hits) / rounds; share < .93 || share > .97 {
		t.Errorf("%.1f %% of the intervals hold the truth, want 95 %%", 100*share)
	}
	t.Logf("%d of %d", hits, rounds)
}

// population of people in strata, each of them satisfied or not.
func population(rng *rand.Rand, sizes []int, satisfied []float64) (people [][]bool, truth float64) {
	var yes, all int
	for h, n := range sizes {
		people = append(people, make([]bool, n))
		for i := range n {
			if people[h][i] = rng.Float64() < satisfied[h]; people[h][i] {
				yes++
			}
		}
		all += n
	}
	return people, float64(yes) / float64(all)
}

// draw takes a simple random sample, and adds its answers.
func draw(rng *rand.Rand, people []bool, n int, w float64, sums *stats.Sums) {
	for i := range n {
		j := i + rng.IntN(len(people)-i)
		people[i], people[j] = people[j], people[i]
		sums.Add(w, map[bool]float64{true: 1}[people[i]], 1)
	}
}

func TestCoverage_SimpleRandomSample(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1933, 1))
	people, truth := population(rng, []int{20_000}, []float64{.94})
	hits := 0
	for range rounds {
		var sums stats.Sums
		draw(rng, people[0], 400, 1, &sums)
		if low, high := sums.Wilson(stats.Z95); low <= truth && truth <= high {
			hits++
		}
	}
	covered(t, hits)
}

// The small strata are drawn as often as the large ones, and the weights make up for it.
func TestCoverage_PostStratified(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1933, 2))
	sizes := []int{40_000, 10_000, 5_000, 20_000}
	people, truth := population(rng, sizes, []float64{.80, .70, .75, .85})
	var cell []int32
	for i := range 600 {
		cell = append(cell, int32(i%len(sizes)))
	}
	weights, err := stats.PostStratify(cell, []float64{40_000, 10_000, 5_000, 20_000})
	if err != nil {
		t.Fatal(err)
	}
	hits, unweighted := 0, 0
	for range rounds {
		var sums, plain stats.Sums
		for h := range people {
			draw(rng, people[h], len(cell)/len(sizes), weights[h], &sums)
			for _, yes := range people[h][:len(cell)/len(sizes)] {
				plain.Add(1, map[bool]float64{true: 1}[yes], 1)
			}
		}
		if low, high := sums.Wilson(stats.Z95); low <= truth && truth <= high {
			hits++
		}
		if low, high := plain.Wilson(stats.Z95); low <= truth && truth <= high {
			unweighted++
		}
	}
	covered(t, hits)
	if unweighted > 93*rounds/100 {
		t.Errorf("without weights %d hold it too: the sample has nothing to mend", unweighted)
	}
}
