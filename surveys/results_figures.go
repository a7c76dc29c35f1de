package surveys

import (
	"math"

	"github.com/balagh/balagh/surveys/form"
	"github.com/balagh/balagh/surveys/stats"
)

// figures makes what is published of counts. It keeps nothing but the memory that very many small figures share.
type figures struct {
	y          *tally
	weighted   bool
	suppressed int // cells so far
	floats     slab[float64]
	intervals  slab[Interval]
	weights    slab[Weighted]
}

// slab hands out values that lie together.
type slab[T any] []T

func (s *slab[T]) put(v T) *T {
	if len(*s) == cap(*s) {
		*s = make([]T, 0, 256)
	}
	*s = append(*s, v)
	return &(*s)[len(*s)-1]
}

func newFigures(y *tally) *figures { return &figures{y: y, weighted: y.Weighting.Deff != nil} }

// question gives all cells of an item.
func (f *figures) question(c *column, x *item) QuestionResult {
	q := QuestionResult{Code: c.question.Code, Type: c.question.Type, Label: c.question.Label, Breakdown: map[Dimension][]Cell{}}
	if c.row >= 0 {
		q.Row, q.RowLabel = c.question.Rows[c.row].Code, c.question.Rows[c.row].Label
	}
	hidden := x.hiddenGroups(f.y.Groups)
	q.Total = f.cell(c, x, 0, hidden[0])
	if q.Total.Suppressed {
		return q
	}
	if c.question.Type == form.Number {
		q.Total.Min, q.Total.Max = x.Min, x.Max
	}
	q.Total.Earliest, q.Total.Latest = x.Earliest, x.Latest
	for from := 1; from < len(f.y.Groups); {
		by, to := f.y.Groups[from].By, from+1
		for to < len(f.y.Groups) && f.y.Groups[to].By == by {
			to++
		}
		if to > from+1 || f.y.Groups[from].Value != "" { // otherwise nothing is known of the dimension
			cells := make([]Cell, 0, to-from)
			for g := from; g < to; g++ {
				cells = append(cells, f.cell(c, x, g, hidden[g]))
			}
			q.Breakdown[by] = cells
		}
		from = to
	}
	return q
}

// hiddenGroups of the item: those of every question and its own.
func (x *item) hiddenGroups(groups []group) []bool {
	hidden := make([]bool, len(groups))
	for g := range groups {
		hidden[g] = groups[g].Hidden
	}
	for _, g := range x.Hidden {
		if g < len(hidden) {
			hidden[g] = true
		}
	}
	return hidden
}

// cell gives the figures of a group. A hidden one has nothing but its key.
func (f *figures) cell(c *column, x *item, g int, hidden bool) Cell {
	if hidden {
		f.suppressed++
		return Cell{Key: f.y.Groups[g].Value, Suppressed: true}
	}
	counts, n := x.of(g), x.answered(g)
	cell := Cell{Key: f.y.Groups[g].Value, N: n.N, DontKnow: counts[unknown].N, Skipped: counts[skipped].N}
	cell.Asked = cell.N + cell.DontKnow + cell.Skipped
	options := counts[answered:]
	if x.picked {
		options = counts[answered+1:]
	}
	if len(c.codes) > 0 {
		cell.Options = make([]OptionResult, len(c.codes))
		for i, code := range c.codes {
			cell.Options[i] = OptionResult{Code: code, Share: f.share(options[i], n)}
		}
	}
	switch c.question.Type {
	case form.Rating, form.Matrix:
		f.rating(&cell, options, n)
	case form.NPS:
		cell.NPS = f.nps(options, n)
	case form.Effort:
		cell.Effort = f.effort(options, n, c.question.Hard)
	case form.Number:
		cell.Mean = f.number(&x.numbers[g])
	case form.Ranking:
		cell.Ranks = make(map[string]float64, len(c.codes))
		for i, code := range c.codes {
			cell.Ranks[code] = float64(x.ranks[g*len(c.codes)+i]) / float64(n.N)
		}
	}
	return cell
}

// share of some among those who answered.
func (f *figures) share(some, n sums) Share {
	s := Share{Count: some.N, N: n.N}
	if n.N == 0 {
		return s
	}
	s.Share = f.floats.put(float64(some.N) / float64(n.N))
	low, high := stats.WilsonOf(some.N, n.N)
	s.Interval = f.intervals.put(Interval{low, high, stats.Level95, stats.MethodWilson})
	if f.weighted {
		w := Weighted{Estimate: rounded(some.W/n.W, 4)}
		w.Deff, w.NEff = effective(n)
		low, high := stats.Wilson(min(1, w.Estimate), w.NEff, stats.Z95)
		w.Interval = f.intervals.put(Interval{low, high, stats.Level95, stats.MethodWilson})
		s.Weighted = f.weights.put(w)
	}
	return s
}

// effective is Kish's design effect and the effective sample size, rounded as they are published. Weighted figures are all
// rounded, and their intervals are made of the rounded ones: exact ones would be one more equation for the counts of cells that
// are not published.
func effective(n sums) (deff, nEff float64) {
	s := stats.Sums{N: n.N, W: n.W, W2: n.W2}
	return rounded(s.Deff(), 2), rounded(s.NEff(), 1)
}

func rounded(x float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}

// together adds up options, by their indices.
func together(options []sums, from, to int) (s sums) {
	for _, o := range options[from:to] {
		s.N += o.N
		s.W += o.W
		s.W2 += o.W2
	}
	return s
}

// scale is how levels are valued, and between which ends their mean lies.
type scale struct {
	values    []float64
	low, high float64
	decimals  int // of the weighted mean
}

var (
	levels  = scale{[]float64{1, 2, 3, 4, 5}, 1, 5, 4}
	percent = scale{[]float64{0, 25, 50, 75, 100}, 0, 100, 2}
	balance = scale{[]float64{-1, -1, 0, 1, 1}, -1, 1, 4}
	nps     = scale{[]float64{-100, -100, -100, -100, -100, -100, -100, 0, 0, 100, 100}, -100, 100, 2}
)

func (f *figures) rating(cell *Cell, options []sums, n sums) {
	cell.Top2 = new(f.share(together(options, 3, 5), n))
	cell.Mean = f.mean(options, levels)
	cell.Mean100 = f.mean(options, percent)
	cell.Net = f.mean(options, balance)
}

// mean of levels, each valued, with the interval by its standard error.
func (f *figures) mean(options []sums, s scale) *Estimate {
	var plain, weighted stats.Sums
	for i, o := range options {
		y := s.values[i]
		plain.Add(1, y, o.N)
		weighted.Merge(stats.Sums{N: o.N, W: o.W, W2: o.W2, Origin: y})
	}
	return f.estimate(plain.Mean(), plain.SE(), &weighted, s)
}

// estimate puts the figures together; nil when nobody answered.
func (f *figures) estimate(value, se float64, weighted *stats.Sums, s scale) *Estimate {
	if weighted.N == 0 {
		return nil
	}
	e := &Estimate{Value: value}
	if !math.IsNaN(se) {
		e.SE, e.Interval = f.floats.put(se), f.intervals.put(around(value, se, s))
	}
	if f.weighted {
		w := Weighted{Estimate: rounded(weighted.Mean(), s.decimals)}
		w.Deff, w.NEff = effective(sums{weighted.N, weighted.W, weighted.W2})
		if se := weighted.SE(); !math.IsNaN(se) {
			w.Interval = f.intervals.put(around(w.Estimate, rounded(se, s.decimals), s))
		}
		e.Weighted = f.weights.put(w)
	}
	return e
}

func around(value, se float64, s scale) Interval {
	low, high := stats.Estimate{Value: value, SE: se}.Interval(stats.Z95)
	return Interval{max(s.low, low), min(s.high, high), stats.Level95, stats.MethodSE}
}

func (f *figures) nps(options []sums, n sums) *Estimate {
	e := f.mean(options, nps)
	if e == nil {
		return nil
	}
	var counts [11]int64
	for i := range counts {
		counts[i] = options[i].N
	}
	exact := stats.NPSOf(counts) // its standard error divides by n, the mean's by n−1
	e.Value, e.SE = exact.Value, f.floats.put(exact.SE)
	e.Interval = f.intervals.put(around(exact.Value, exact.SE, nps))
	return e
}

func (f *figures) effort(options []sums, n sums, hard bool) *Share {
	easy := together(options, 4, 7)
	if hard {
		easy = together(options, 0, 3)
	}
	return new(f.share(easy, n))
}

func (f *figures) number(s *numberSum) *Estimate {
	return f.estimate(s.plain.Mean(), s.plain.SE(), &s.weighted, scale{low: math.Inf(-1), high: math.Inf(1), decimals: 4})
}
