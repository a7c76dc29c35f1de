package reports

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTook_nearestRanks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, longest := range []uint32{1, 10, 4095, 4096, 1_000_000, 1<<32 - 1} {
		for _, n := range []int{0, 1, 2, 9, 10, 11, 1000} {
			times := took{make([]uint32, n), make([]uint32, n/2)}
			for _, part := range times {
				for i := range part {
					part[i] = uint32(r.Uint64N(uint64(longest) + 1))
				}
			}
			sorted := slices.Concat(times...)
			slices.Sort(sorted)
			got := times.nearestRanks(1, 50, 90, 100)
			for i, percent := range []int{1, 50, 90, 100} {
				want := 0
				if n > 0 {
					want = int(sorted[(len(sorted)*percent+99)/100-1])
				}
				if got[i] != want {
					t.Errorf("%d %% of %d up to %d: %d, want %d", percent, len(sorted), longest, got[i], want)
				}
			}
		}
	}
}
