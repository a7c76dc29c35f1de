package reports

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/fault"
)

// DeadlineDimensions are what deadlines may be counted by.
var DeadlineDimensions = []Dimension{ByCategory, ByCentre, ByRegion, ByDepartment, ByChannel, ByMonth}

// DeadlinesSearch is a question of how promptly reports were handled.
type DeadlinesSearch struct {
	By Dimension // one of DeadlineDimensions; "" for the total alone
	Selection
}

// AgeBands are where the bands of ages of open reports end, each of which is below it; the last band has no end.
var AgeBands = []time.Duration{24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 30 * 24 * time.Hour}

// Handling says how promptly reports were handled.
type Handling struct {
	Key         string // of the dimension
	Received    int
	Open        int   // now
	Ages        []int // of the open ones since their receipt, by AgeBands and one more
	FirstAnswer Promptness
	Resolution  Promptness
}

// Promptness says how a deadline was kept. A report that came to another end before its deadline counts in none of these: one that is
// withdrawn, merged or, for the resolution, rejected; after its deadline it has missed it. One that was reopened counts by its new
// deadline, and its time runs from its receipt to the last resolution.
type Promptness struct {
	Due     int // had a deadline that is over or was met: Met and Missed
	Met     int
	Missed  int
	Overdue int // of those that missed it: still awaited
	N       int // took a time: were answered, or are resolved
	Median  int // whole minutes from receipt that they took: nearest rank, so that it is the time of one of them; 0 of none
	P90     int // 90th percentile, likewise
}

// DeadlinesFigures is the answer to a DeadlinesSearch.
type DeadlinesFigures struct {
	At    time.Time  // the moment of the figures
	Rows  []Handling // in the order of their keys; none without a dimension
	Total Handling
}

// Deadlines says how promptly the reports of a selection were handled, as it is now, within the scope of a manager or administrator.
func (s *Service) Deadlines(ctx context.Context, a actor.Actor, q DeadlinesSearch) (*DeadlinesFigures, error) {
	if err := manages(a); err != nil {
		return nil, err
	}
	var faults fault.Fields
	if q.By != "" && !slices.Contains(DeadlineDimensions, q.By) {
		faults.Add("by", fault.Unknown)
	}
	s.days(&faults, q.From, q.Through)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	f, groups, all := &DeadlinesFigures{At: s.now()}, map[string]*handled{}, newHandled("")
	if err := s.scan(ctx, a, q.Selection, func(d *figuresDay) { d.handle(q.By, f.At, groups) }); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		g := groups[key]
		all.add(g)
		if q.By != "" {
			f.Rows = append(f.Rows, g.figures())
		}
	}
	f.Total = all.figures()
	return f, nil
}

// handle adds the day's rows to their groups.
func (d *figuresDay) handle(by Dimension, now time.Time, groups map[string]*handled) {
	v := d.view(by)
	of := make([]*handled, len(v.keys))
	open := make([]bool, len(d.Texts[rowStatus]))
	for i, status := range d.Texts[rowStatus] {
		open[i] = Open(Status(status))
	}
	since := now.Sub(d.zero())
	for row := range d.Len() {
		if !d.counts(row) {
			continue
		}
		at := v.at(row)
		if of[at] == nil {
			key := v.keys[at]
			if groups[key] == nil {
				groups[key] = newHandled(key)
			}
			of[at] = groups[key]
		}
		of[at].count(d.Page, row, open[d.Text(row, rowStatus)], since)
	}
}

// handled is Handling while it is counted.
type handled struct {
	Handling
	answer, resolution took
}

func newHandled(key string) *handled {
	return &handled{Handling: Handling{Key: key, Ages: make([]int, len(AgeBands)+1)}}
}

// count adds a row. since is how long ago the moments of its day are counted from.
func (h *handled) count(p *daybook.Page, row int, open bool, since time.Duration) {
	h.Received++
	if open {
		h.Open++
		age := since - time.Duration(p.Number(row, rowReceived))*time.Millisecond
		band := 0
		for band < len(AgeBands) && age >= AgeBands[band] {
			band++
		}
		h.Ages[band]++
	}
	flags := p.Number(row, rowFlags)
	done, resolved := p.Number(row, rowAnswered), p.Number(row, rowResolved)
	h.FirstAnswer.count(flags&flagAnswerMet > 0, flags&flagAnswerMissed > 0, open && done == 0 && over(p.Number(row, rowAnswerDue), since))
	h.Resolution.count(flags&flagResolutionMet > 0, flags&flagResolutionMissed > 0, open && resolved == 0 && over(p.Number(row, rowResolutionDue), since))
	h.answer.count(done)
	h.resolution.count(resolved)
}

// over says whether a deadline, as it is in a row, has passed.
func over(due uint32, since time.Duration) bool {
	return due > 0 && since > time.Duration(due-1)*time.Second
}

func (x *Promptness) count(met, missed, overdue bool) {
	switch {
	case met:
		x.Met++
	case missed:
		x.Missed++
	case overdue:
		x.Missed++
		x.Overdue++
	}
}

// add what was counted of others.
func (h *handled) add(g *handled) {
	h.Received, h.Open = h.Received+g.Received, h.Open+g.Open
	for i, n := range g.Ages {
		h.Ages[i] += n
	}
	for _, x := range []struct{ to, of *Promptness }{{&h.FirstAnswer, &g.FirstAnswer}, {&h.Resolution, &g.Resolution}} {
		x.to.Met, x.to.Missed, x.to.Overdue = x.to.Met+x.of.Met, x.to.Missed+x.of.Missed, x.to.Overdue+x.of.Overdue
	}
	h.answer.add(&g.answer)
	h.resolution.add(&g.resolution)
}

// figures are what was counted.
func (h *handled) figures() Handling {
	h.FirstAnswer.finish(&h.answer)
	h.Resolution.finish(&h.resolution)
	return h.Handling
}

func (x *Promptness) finish(times *took) {
	x.Due, x.N = x.Met+x.Missed, times.n()
	x.Median, x.P90 = times.nearestRank(50), times.nearestRank(90)
}

// took are the whole minutes that something took, in parts of any order, and how many of them are in each class: a class is of 64 minutes,
// the last one of all that took longer than half a year.
type took struct {
	classes [1 << 12]uint32
	parts   [][]uint32
}

const classBits = 6 // of a class

func classOf(minutes uint32) uint32 { return min(minutes>>classBits, uint32(len(took{}.classes)-1)) }

// count one of what a row has: seconds, and one; 0 for none.
func (t *took) count(done uint32) {
	if done == 0 {
		return
	}
	minutes := (done - 1) / 60
	last := len(t.parts) - 1
	if last < 0 || len(t.parts[last]) == cap(t.parts[last]) { // a new one instead of a longer one, into which all would be copied
		t.parts, last = append(t.parts, make([]uint32, 0, 1<<10)), last+1
	}
	t.parts[last] = append(t.parts[last], minutes)
	t.classes[classOf(minutes)]++
}

func (t *took) add(of *took) {
	t.parts = append(t.parts, of.parts...)
	for i, n := range of.classes {
		t.classes[i] += n
	}
}

func (t *took) n() (n int) {
	for _, part := range t.parts {
		n += len(part)
	}
	return n
}

// nearestRank of so many percent is the ⌈percent/100 × n⌉-th smallest; 0 of none. It is looked for among those of its class: all of them,
// of which there may be a million, are not sorted.
func (t *took) nearestRank(percent int) int {
	rank, class := uint32((t.n()*percent+99)/100), uint32(0)
	if rank == 0 {
		return 0
	}
	for ; rank > t.classes[class]; class++ {
		rank -= t.classes[class]
	}
	all := make([]uint32, 0, t.classes[class])
	for _, part := range t.parts {
		for _, minutes := range part {
			if classOf(minutes) == class {
				all = append(all, minutes)
			}
		}
	}
	slices.Sort(all)
	return int(all[rank-1])
}
