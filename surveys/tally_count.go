package surveys

import (
	"sync"
	"time"

	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/surveys/stats"
)

// tally is what the responses of a round come to: counts, from which every figure is made, and sums of weights beside them.
// Groups are the total, which is group 0, and then the values of each dimension.
type tally struct {
	At          time.Time
	Took        time.Duration
	Respondents int64
	Complete    int64
	Groups      []group
	How         map[string]int64
	Languages   map[string]int64
	Weighting   WeightingResult
	Formulas    map[string]int          // with their versions when it was counted
	States      map[InvitationState]int // of the invitations, once they are settled
	Items       []item
}

// group is the total, or those with a value of a dimension.
type group struct {
	By     Dimension `json:"by,omitempty"`
	Value  string    `json:"value,omitempty"`
	Hidden bool      `json:"hidden,omitempty"` // in every question
	People sums      `json:"-"`                // respondents
}

// sums of some responses.
type sums struct {
	N     int64
	W, W2 float64 // Σw and Σw²
}

func (s *sums) add(w float64) {
	s.N++
	s.W += w
	s.W2 += w * w
}

// item is a question, or a row of a matrix.
type item struct {
	Question string   `json:"question"`
	Row      string   `json:"row,omitempty"`
	Earliest string   `json:"earliest,omitempty"`
	Latest   string   `json:"latest,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	Hidden   []int    `json:"hidden,omitempty"` // groups that are not published, beside those that never are
	stride   int
	picked   bool        // an answer is several options: who answered is counted beside them
	cells    []sums      // by group: as what they are counted (see column.stride)
	ranks    []int64     // of a ranking: by group and option the sum of its ranks
	numbers  []numberSum // by group
}

// numberSum are the sums of a number's answers, each weighing 1 and each as it weighs.
type numberSum struct{ plain, weighted stats.Sums }

func (x *item) of(group int) []sums { return x.cells[group*x.stride : (group+1)*x.stride] }

// workers count at once: as many as the smallest machine has cores.
const workers = 2

// groups makes the groups of the table, and says which must not be published.
func (t *table) group() *members {
	m := &members{groups: []group{{}}, dims: len(t.dims), of: make([]uint32, t.n*len(t.dims))}
	for d, by := range SnapshotDimensions {
		first := uint32(len(m.groups))
		for _, v := range t.dims[d].values {
			m.groups = append(m.groups, group{By: by, Value: v})
		}
		for i, code := range t.dims[d].rows {
			m.of[i*m.dims+d] = first + code
		}
	}
	for g, hidden := range m.hide(func(int) bool { return true }, make([]bool, len(m.groups))) {
		m.groups[g].Hidden = hidden
	}
	return m
}

// count makes a tally of a table.
func (t *table) count(r *Round) *tally {
	m := t.group()
	weights, weighting := t.weigh(r, m)
	y := &tally{Respondents: int64(t.n), Complete: t.complete, How: t.how.counts(), Languages: t.languages.counts(), Groups: m.groups,
		Weighting: weighting, Formulas: formulas()}
	for i, w := range weights {
		y.Groups[0].People.add(w)
		for _, g := range m.row(i) {
			y.Groups[g].People.add(w)
		}
	}
	y.Items = make([]item, len(t.items))
	next := make(chan int, len(t.items))
	for i := range t.items {
		next <- i
	}
	close(next)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range next {
				y.Items[i] = t.items[i].count(m, weights)
			}
		})
	}
	all.Wait()
	return y
}

// count makes the cells of a column.
func (c *column) count(m *members, weights []float64) item {
	x := item{Question: c.question.Code, Earliest: c.earliest, Latest: c.latest, stride: c.stride()}
	if c.row >= 0 {
		x.Row = c.question.Rows[c.row].Code
	}
	x.cells = make([]sums, len(m.groups)*x.stride)
	stride := uint32(x.stride)
	for i, code := range c.rows {
		if code == notAsked {
			continue
		}
		w, at := weights[i], uint32(code)
		x.cells[at].add(w)
		for _, g := range m.row(i) {
			x.cells[g*stride+at].add(w)
		}
	}
	switch c.question.Type {
	case form.Choices, form.Ranking:
		c.countPicks(&x, m, weights)
	case form.Number:
		c.countNumbers(&x, m, weights)
	}
	x.Hidden = c.hidden(m, &x)
	return x
}

// hidden are the groups that are not published for this question although they are for others: those in which few answered it,
// and what would give them away.
func (c *column) hidden(m *members, x *item) (more []int) {
	before, few := make([]bool, len(m.groups)), false
	for g := range m.groups {
		before[g] = m.groups[g].Hidden
		few = few || !before[g] && x.answered(g).N < smallest(m.groups[g].By)
	}
	if !few {
		return nil
	}
	for g, hidden := range m.hide(func(i int) bool { return c.rows[i] >= answered }, before) {
		if hidden && !before[g] {
			more = append(more, g)
		}
	}
	return more
}

// answered adds up those of a group who answered.
func (x *item) answered(group int) (s sums) {
	cell := x.of(group)
	if x.picked {
		return cell[answered]
	}
	for _, o := range cell[answered:] {
		s.N += o.N
		s.W += o.W
		s.W2 += o.W2
	}
	return s
}

// countPicks counts each option of choices; of a ranking those put first, and the ranks of all.
func (c *column) countPicks(x *item, m *members, weights []float64) {
	x.picked = true
	ranking := c.question.Type == form.Ranking
	if ranking {
		x.ranks = make([]int64, len(m.groups)*len(c.codes))
	}
	from := uint32(0)
	for i, end := range c.ends {
		w := weights[i]
		for rank, option := range c.picks[from:end] {
			count := func(g uint32) {
				if !ranking || rank == 0 {
					x.cells[int(g)*x.stride+int(answered)+1+int(option)].add(w)
				}
				if ranking {
					x.ranks[int(g)*len(c.codes)+int(option)] += int64(rank + 1)
				}
			}
			count(0)
			for _, g := range m.row(i) {
				count(g)
			}
		}
		from = end
	}
}

func (c *column) countNumbers(x *item, m *members, weights []float64) {
	x.numbers = make([]numberSum, len(m.groups))
	var low, high float64
	for i, code := range c.rows {
		if code != answered {
			continue
		}
		v, w := c.numbers[i], weights[i]
		if x.numbers[0].plain.N == 0 {
			low, high = v, v
		}
		low, high = min(low, v), max(high, v)
		x.numbers[0].add(w, v)
		for _, g := range m.row(i) {
			x.numbers[g].add(w, v)
		}
	}
	if x.numbers[0].plain.N > 0 {
		x.Min, x.Max = &low, &high
	}
}

func (s *numberSum) add(w, v float64) {
	s.plain.Add(1, v, 1)
	s.weighted.Add(w, v, 1)
}
