package stats_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/balagh/balagh/surveys/stats"
)

func TestSuppress_Cases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n    []int64
		want []bool
	}{
		{nil, []bool{}},
		{[]int64{10, 25}, []bool{false, false}},
		{[]int64{12}, []bool{false}},
		{[]int64{9}, []bool{true}},
		{[]int64{40, 3, 20, 12}, []bool{false, true, false, true}}, // one hidden: the next smallest too
		{[]int64{40, 3, 20, 12, 4, 2}, []bool{false, true, false, true, true, true}},  // nine together: one more
		{[]int64{40, 3, 20, 12, 4, 3}, []bool{false, true, false, false, true, true}}, // ten together
		{[]int64{40, 0, 20}, []bool{false, true, true}},
		{[]int64{40, 0, 0, 20}, []bool{false, true, true, true}},
		{[]int64{30, 9, 30, 40}, []bool{true, true, true, false}}, // all of equal ones
		{[]int64{9, 9, 30, 40}, []bool{true, true, true, false}},  // 18 of two below ten are nine and nine
		{[]int64{3, 2}, []bool{true, true}},
		{[]int64{40, -1, 3, -1, 20}, []bool{false, false, true, false, true}}, // nothing to hide where nobody could be
	} {
		if got := stats.Suppress(c.n, 10); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.n, got, c.want)
		}
	}
}

// compositions calls yield with every way to write sum as that many whole numbers from 0.
func compositions(parts []int64, sum int64, yield func()) {
	if len(parts) == 0 {
		if sum == 0 {
			yield()
		}
		return
	}
	if len(parts) == 1 {
		parts[0] = sum
		yield()
		return
	}
	for x := range sum + 1 {
		parts[0] = x
		compositions(parts[1:], sum-x, yield)
	}
}

// An attacker knows the total, the cells shown, whether a cell is hidden that is not below k, and the rule itself: they try every
// table that the rule would have hidden in the same way. All breakdowns of two to five cells and up to 16 respondents (30, when there are few cells), for several k.
func TestSuppress_Attacked(t *testing.T) {
	t.Parallel()
	tried := 0
	for k := int64(2); k <= 6; k++ {
		for cells := 2; cells <= 5; cells++ {
			truth := make([]int64, cells)
			for total := k; total <= []int64{2: 30, 30, 22, 16}[cells]; total++ {
				seen := map[string][]map[int64]bool{} // by what is published: the values that each cell may have
				compositions(truth, total, func() {
					tried++
					hidden := stats.Suppress(truth, k)
					key, sum, why := "", int64(0), "each is"
					for i, h := range hidden {
						if h {
							key, sum = key+"?,", sum+truth[i]
							if truth[i] >= k {
								why = "another is"
							}
							continue
						}
						if truth[i] < k {
							t.Fatalf("k = %d, %v: %v shows a cell below k", k, truth, hidden)
						}
						key += fmt.Sprint(truth[i], ",")
					}
					if slices.Contains(hidden, true) && sum < k {
						t.Fatalf("k = %d, %v: %v hides %d together", k, truth, hidden, sum)
					}
					if slices.Contains(hidden, false) { // else it is not said
						key += " too small " + why
					}
					values := seen[key]
					if values == nil {
						values = make([]map[int64]bool, cells)
						for i := range values {
							values[i] = map[int64]bool{}
						}
						seen[key] = values
					}
					for i, h := range hidden {
						if h {
							values[i][truth[i]] = true
						}
					}
				})
				for key, values := range seen {
					for i, v := range values {
						if len(v) == 1 {
							t.Fatalf("k = %d, total %d: %s gives away cell %d: %v", k, total, key, i, v)
						}
					}
				}
			}
		}
	}
	t.Logf("%d breakdowns", tried)
}

// Large breakdowns are too many to try, but what is hidden is always two cells and k respondents.
func TestSuppress_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SliceOfN(rapid.Int64Range(0, 40), 1, 30).Draw(t, "n")
		k := rapid.Int64Range(1, 12).Draw(t, "k")
		hidden := stats.Suppress(n, k)
		var count, sum, shown int64
		for i, h := range hidden {
			switch {
			case h:
				count++
				sum += n[i]
			case n[i] < k:
				t.Fatalf("%v: %v", n, hidden)
			default:
				shown++
			}
		}
		if count > 0 && shown > 0 && (count < 2 || sum < k) {
			t.Fatalf("%v: %v hides %d cells of %d together", n, hidden, count, sum)
		}
	})
}

func TestSuppressNested(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	const k = 10
	for range 5000 {
		wholes := 1 + rng.IntN(4)
		n, whole := make([]int64, 1+rng.IntN(9)), []int{}
		sums := make([]int64, wholes)
		for i := range n {
			n[i] = int64(rng.IntN(25))
			whole = append(whole, rng.IntN(wholes))
			sums[whole[i]] += n[i]
		}
		hiddenWholes, hiddenParts := stats.SuppressNested(n, whole, wholes, k)
		for w, h := range hiddenWholes {
			var count, sum int64
			for i, p := range hiddenParts {
				switch {
				case whole[i] != w:
				case h && !p:
					t.Fatalf("%v in %v: a part of the hidden %d is shown", n, whole, w)
				case p:
					count++
					sum += n[i]
				}
			}
			if !h && count > 0 && (count < 2 || sum < k) {
				t.Fatalf("%v in %v: %v and %v, less the parts shown of %d", n, whole, hiddenWholes, hiddenParts, w)
			}
		}
		if !slices.Equal(hiddenWholes, stats.Suppress(sums, k)) {
			t.Fatalf("%v: %v", sums, hiddenWholes)
		}
	}
}

// alternatives finds, for every hidden cell, the least and the largest count in all tables with the margins and the cells shown
// of n.
func alternatives(n [][]int64, hidden [][]bool) (least, largest [][]int64) {
	rows, columns := len(n), len(n[0])
	rowLeft, columnLeft := make([]int64, rows), make([]int64, columns)
	var cells [][2]int
	for i := range n {
		least, largest = append(least, make([]int64, columns)), append(largest, make([]int64, columns))
		for j := range n[i] {
			if hidden[i][j] {
				cells = append(cells, [2]int{i, j})
				rowLeft[i] += n[i][j]
				columnLeft[j] += n[i][j]
				least[i][j] = 1 << 40
			}
		}
	}
	lastOfRow, lastOfColumn := map[int]int{}, map[int]int{}
	for x, c := range cells {
		lastOfRow[c[0]], lastOfColumn[c[1]] = x, x
	}
	value := make([]int64, len(cells))
	var try func(x int)
	try = func(x int) {
		if x == len(cells) {
			for y, c := range cells {
				i, j := c[0], c[1]
				least[i][j], largest[i][j] = min(least[i][j], value[y]), max(largest[i][j], value[y])
			}
			return
		}
		i, j := cells[x][0], cells[x][1]
		from, to := int64(0), min(rowLeft[i], columnLeft[j])
		if lastOfRow[i] == x {
			from = rowLeft[i]
		}
		if lastOfColumn[j] == x {
			from = max(from, columnLeft[j])
		}
		for v := from; v <= to; v++ {
			if lastOfRow[i] == x && v != rowLeft[i] || lastOfColumn[j] == x && v != columnLeft[j] {
				break
			}
			value[x] = v
			rowLeft[i] -= v
			columnLeft[j] -= v
			try(x + 1)
			rowLeft[i] += v
			columnLeft[j] += v
		}
	}
	try(0)
	return least, largest
}

// An attacker who knows all margins and the cells shown tries every table of whole numbers. What they can tell of a hidden cell
// they could tell from the margins alone.
func TestSuppressTable_Attacked(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	hiddenCells, shown := 0, 0
	for range 6000 {
		k := int64(2 + rng.IntN(3))
		n := make([][]int64, 2+rng.IntN(2))
		columns := 2 + rng.IntN(3)
		for i := range n {
			n[i] = make([]int64, columns)
			for j := range n[i] {
				if n[i][j] = int64(rng.IntN(6)); rng.IntN(4) == 0 {
					n[i][j] = int64(-rng.IntN(2)) // nobody did, or nobody could
				}
			}
		}
		hidden := stats.SuppressTable(n, k)
		all := make([][]bool, len(n))
		for i := range all {
			all[i] = make([]bool, columns)
			for j, x := range n[i] {
				all[i][j] = x >= 0
			}
		}
		least, largest := alternatives(n, hidden)
		var alone, most [][]int64
		for i := range n {
			for j, h := range hidden[i] {
				switch {
				case h && n[i][j] < 0:
					t.Fatalf("k = %d, %v: %v hides what is not there", k, n, hidden)
				case !h && n[i][j] >= 0 && n[i][j] < k:
					t.Fatalf("k = %d, %v: %v shows a cell below k", k, n, hidden)
				case !h:
					shown++
				case least[i][j] == largest[i][j]:
					if alone == nil {
						alone, most = alternatives(n, all)
					}
					if alone[i][j] != most[i][j] {
						t.Fatalf("k = %d, %v: %v gives away cell %d, %d", k, n, hidden, i, j)
					}
				default:
					hiddenCells++
				}
			}
		}
	}
	if hiddenCells < 1000 || shown < 1000 {
		t.Errorf("%d cells hidden, %d shown: nothing was tried", hiddenCells, shown)
	}
	t.Logf("%d cells hidden, %d shown", hiddenCells, shown)
}

// Each hidden cell, and each column less what is shown of it, has another hidden one beside it, while there is one to hide.
func TestSuppressWithin(t *testing.T) {
	t.Parallel()
	const T, F = true, false
	for _, c := range []struct {
		n     [][]int64
		cells [][]bool
		rows  []bool
	}{
		{nil, [][]bool{}, []bool{}},
		{[][]int64{{50, -1}, {3, -1}, {20, -1}, {-1, 30}, {-1, 40}}, [][]bool{{F, F}, {T, F}, {T, F}, {F, F}, {F, F}}, []bool{F, T, T, F, F}},
		{[][]int64{{50, 3}, {20, -1}, {-1, 30}, {-1, 40}}, [][]bool{{T, T}, {T, F}, {F, T}, {F, F}}, []bool{F, T, T, F}}, // 3 hides 50, and each of them the least beside
		{[][]int64{{50, -1}, {-1, 3}}, [][]bool{{F, F}, {F, T}}, []bool{F, T}},
	} {
		cells, rows := stats.SuppressWithin(c.n, stats.SuppressTable(c.n, 0), 10)
		if !slices.EqualFunc(cells, c.cells, slices.Equal) || !slices.Equal(rows, c.rows) {
			t.Errorf("%v: %v, %v; want %v, %v", c.n, cells, rows, c.cells, c.rows)
		}
	}
}

func TestSuppressTable_Cases(t *testing.T) {
	t.Parallel()
	const T, F = true, false
	for _, c := range []struct {
		n    [][]int64
		want [][]bool
	}{
		{nil, [][]bool{}},
		{[][]int64{{20, 3, 30}}, [][]bool{{T, T, F}}},
		{[][]int64{{20}, {3}, {30}}, [][]bool{{T}, {T}, {F}}},
		{[][]int64{{20, 30}, {40, 50}}, [][]bool{{F, F}, {F, F}}},
		{[][]int64{{3, 30, 15}, {40, 50, 20}, {60, 70, 80}}, [][]bool{{T, F, T}, {T, F, T}, {F, F, F}}}, // one round suffices
	} {
		got := stats.SuppressTable(c.n, 10)
		if !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%v: %v, want %v", c.n, got, c.want)
		}
	}
}

// A table of each day of a year by every centre is done while somebody waits.
func BenchmarkSuppressTable(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	n := make([][]int64, 365)
	for i := range n {
		n[i] = make([]int64, 90)
		for j := range n[i] {
			n[i][j] = int64(rng.ExpFloat64() * 30)
		}
	}
	for b.Loop() {
		stats.SuppressTable(n, 10)
	}
}
