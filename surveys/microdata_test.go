package surveys

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestMicrodata_tellsOnlyWhatManyShare: in random tables no combination of what is told is shared by fewer than MinCell responses.
func TestMicrodata_tellsOnlyWhatManyShare(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 2026))
	told := 0
	for range 300 {
		n := MinCell + r.IntN(120)
		data := &Microdata{Rows: make([]Microrow, n)}
		class := make([]int, n)
		for d := range 5 {
			var column dictionary
			for range n {
				column.add([]byte(strings.Repeat("v", r.IntN(1+r.IntN(5))))) // "" is among them
			}
			data.add(Dimension(fmt.Sprint(d)), &column, map[string]bool{"vv": r.IntN(3) == 0}, class)
		}
		shared := map[string]int{}
		for _, row := range data.Rows {
			shared[strings.Join(row.Known, "|")]++
			told += len(strings.ReplaceAll(strings.Join(row.Known, ""), "|", ""))
		}
		for known, n := range shared {
			if n < MinCell {
				t.Fatalf("%d responses alone are %q", n, known)
			}
		}
	}
	if told == 0 {
		t.Error("nothing is ever told")
	}
}

func TestMicrodata_tellsNothingThatIsHidden(t *testing.T) {
	t.Parallel()
	data := &Microdata{Rows: make([]Microrow, 60)}
	var column dictionary
	for i := range data.Rows {
		column.add([]byte{"abc"[i/20]})
	}
	data.add("x", &column, map[string]bool{"b": true}, make([]int, 60))
	for i, want := range map[int]string{0: "a", 20: "", 40: "c"} {
		if got := data.Rows[i].Known[0]; got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
}
