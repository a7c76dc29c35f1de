package surveys

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// membersOf are respondents of whom only the first dimensions are known: one slice of values for each respondent.
func membersOf(people [][]int, by []Dimension) *members {
	m := &members{groups: []group{{}}, dims: len(by), of: make([]uint32, len(people)*len(by))}
	for d := range by {
		values := map[int]uint32{}
		for i := range people {
			g, ok := values[people[i][d]]
			if !ok {
				g = uint32(len(m.groups))
				values[people[i][d]] = g
				m.groups = append(m.groups, group{By: by[d], Value: fmt.Sprint(people[i][d])})
			}
			m.of[i*len(by)+d] = g
		}
	}
	return m
}

func everybody(int) bool { return true }

// told says whether adding and subtracting the groups that are shown gives the group, by exact elimination.
func (m *members) told(people int, hidden []bool, target int) bool {
	var kinds [][]uint32 // those of one kind are in the same groups
	for i := range people {
		if !slices.ContainsFunc(kinds, func(k []uint32) bool { return slices.Equal(k, m.row(i)) }) {
			kinds = append(kinds, m.row(i))
		}
	}
	var vectors [][]*big.Rat
	vector := func(g int) []*big.Rat {
		v := make([]*big.Rat, len(kinds))
		for i := range v {
			v[i] = new(big.Rat)
			if g == 0 || slices.Contains(kinds[i], uint32(g)) {
				v[i].SetInt64(1)
			}
		}
		return v
	}
	reduce := func(v []*big.Rat) (lead int) {
		for _, b := range vectors {
			at := slices.IndexFunc(b, func(x *big.Rat) bool { return x.Sign() != 0 })
			f := new(big.Rat).Quo(v[at], b[at])
			for i := range v {
				v[i].Sub(v[i], new(big.Rat).Mul(f, b[i]))
			}
		}
		return slices.IndexFunc(v, func(x *big.Rat) bool { return x.Sign() != 0 })
	}
	for g := range m.groups {
		if v := vector(g); !hidden[g] && reduce(v) >= 0 {
			vectors = append(vectors, v)
		}
	}
	return reduce(vector(target)) < 0
}

func checkHidden(t interface{ Fatalf(string, ...any) }, m *members, people int, hidden []bool) {
	sizes := make([]int64, len(m.groups))
	sizes[0] = int64(people)
	for i := range people {
		for _, g := range m.row(i) {
			sizes[g]++
		}
	}
	count, sum := map[Dimension]int{}, map[Dimension]int64{}
	for g, h := range hidden {
		by := m.groups[g].By
		switch {
		case !h && sizes[g] < smallest(by):
			t.Fatalf("%s %s of %d is shown", by, m.groups[g].Value, sizes[g])
		case h:
			count[by]++
			sum[by] += sizes[g]
		}
	}
	if hidden[0] {
		return
	}
	for by, n := range count {
		if n == 1 && by != "" || sum[by] < smallest(by) && sum[by] < sizes[0] {
			t.Fatalf("%s: %d hidden, of %d people", by, n, sum[by])
		}
	}
	for g, h := range hidden {
		if h && sizes[g] < sizes[0] && m.told(people, hidden, g) {
			t.Fatalf("%s %s of %d can be had from what is shown: %v of %v", m.groups[g].By, m.groups[g].Value, sizes[g], hidden, sizes)
		}
	}
}

// No adding and subtracting of what is shown gives a hidden group: regions with their centres, and whatever else people divide by.
func TestMembers_Hide_NoSubtractionTells(t *testing.T) {
	t.Parallel()
	by := []Dimension{ByCentre, ByRegion, ByGender, ByChannel}
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SliceOfN(rapid.IntRange(0, 2), 6, 6).Draw(t, "region of a centre")
		kinds := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 5), 3, 3), 1, 8).Draw(t, "kinds of people")
		var people [][]int
		for _, k := range kinds {
			for range rapid.IntRange(1, 25).Draw(t, "so many") {
				people = append(people, []int{k[0], region[k[0]], k[1] % 2, k[2]})
			}
		}
		m := membersOf(people, by)
		checkHidden(t, m, len(people), m.hide(everybody, make([]bool, len(m.groups))))
	})
}

// The centre of five is the region less the other centre, though it is hidden with one of another region.
func TestMembers_Hide_NestedBreakdowns(t *testing.T) {
	t.Parallel()
	var people [][]int
	for centre, n := range []int{5, 60, 12, 70} { // the first two are one region, the others another
		for range n {
			people = append(people, []int{centre, centre / 2})
		}
	}
	m := membersOf(people, []Dimension{ByCentre, ByRegion})
	before := make([]bool, len(m.groups))
	alone := slices.Clone(before)
	m.hideInBreakdowns([]int64{147, 5, 60, 12, 70, 65, 82}, alone)
	if !m.told(len(people), alone, 1) {
		t.Fatal("each breakdown by itself would have hidden the centre")
	}
	checkHidden(t, m, len(people), m.hide(everybody, before))
}

func TestMembers_Hide_KeepsHidden(t *testing.T) {
	t.Parallel()
	var people [][]int
	for i := range 100 {
		people = append(people, []int{i % 4})
	}
	m := membersOf(people, []Dimension{ByCentre})
	before := []bool{false, true, true, false, false}
	if got := m.hide(func(i int) bool { return i%4 != 3 || i < 20 }, before); got[0] || !got[1] || !got[2] || !got[4] {
		t.Errorf("hidden: %v", got)
	}
	if got := m.hide(func(i int) bool { return i < 9 }, before); slices.Contains(got, false) {
		t.Errorf("of nine: %v", got)
	}
}

// An employee is shown from thirty answers on.
func TestMembers_Hide_Employees(t *testing.T) {
	t.Parallel()
	var people [][]int
	for employee, n := range []int{29, 30, 31, 40} {
		for range n {
			people = append(people, []int{employee})
		}
	}
	m := membersOf(people, []Dimension{ByEmployee})
	if got, want := m.hide(everybody, make([]bool, 5)), []bool{false, true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("hidden: %v, want %v", got, want)
	}
}
