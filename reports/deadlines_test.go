package reports

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTook_nearestRank(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, longest := range []uint32{0, 1, 100, 5_000, 1 << 18, 1 << 25} { // minutes; from the last but one on some are above all classes
		for _, n := range []int{0, 1, 2, 9, 10, 11, 1000} {
			var sorted []uint32
			all := &took{}
			for _, n := range []int{n, n / 2} {
				times := &took{}
				for range n {
					minutes := r.Uint32N(longest + 1)
					times.count(minutes*60 + r.Uint32N(60) + 1)
					sorted = append(sorted, minutes)
				}
				times.count(0)
				all.add(times)
			}
			slices.Sort(sorted)
			for _, percent := range []int{1, 50, 90, 100} {
				want := 0
				if n > 0 {
					want = int(sorted[(len(sorted)*percent+99)/100-1])
				}
				if got := all.nearestRank(percent); got != want || all.n() != len(sorted) {
					t.Errorf("%d %% of %d up to %d: %d, want %d", percent, len(sorted), longest, got, want)
				}
			}
		}
	}
}
