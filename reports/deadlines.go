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
	answer, resolution []uint32 // minutes that they took
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
	h.answer = h.FirstAnswer.count(h.answer, p.Number(row, rowAnswered), p.Number(row, rowAnswerDue), flags&flagAnswerMet > 0, flags&flagAnswerMissed > 0, open, since)
	h.resolution = h.Resolution.count(h.resolution, p.Number(row, rowResolved), p.Number(row, rowResolutionDue), flags&flagResolutionMet > 0,
		flags&flagResolutionMissed > 0, open, since)
}

// count adds one, done and due as they are in a row, and its time to times.
func (x *Promptness) count(times []uint32, done, due uint32, met, missed, open bool, since time.Duration) []uint32 {
	overdue := open && done == 0 && due > 0 && since > time.Duration(due-1)*time.Second
	switch {
	case met:
		x.Met++
	case missed || overdue:
		x.Missed++
	}
	if overdue {
		x.Overdue++
	}
	if done == 0 {
		return times
	}
	return append(times, (done-1)/60)
}

func (h *handled) add(g *handled) {
	h.Received += g.Received
	h.Open += g.Open
	for i, n := range g.Ages {
		h.Ages[i] += n
	}
	h.FirstAnswer.add(g.FirstAnswer)
	h.Resolution.add(g.Resolution)
	h.answer, h.resolution = append(h.answer, g.answer...), append(h.resolution, g.resolution...)
}

func (x *Promptness) add(y Promptness) {
	x.Met, x.Missed, x.Overdue = x.Met+y.Met, x.Missed+y.Missed, x.Overdue+y.Overdue
}

// figures are what was counted.
func (h *handled) figures() Handling {
	h.FirstAnswer.finish(h.answer)
	h.Resolution.finish(h.resolution)
	return h.Handling
}

func (x *Promptness) finish(times []uint32) {
	x.Due, x.N = x.Met+x.Missed, len(times)
	x.P90 = nearestRank(times, 90)
	x.Median = nearestRank(times, 50)
}

// nearestRank of so many percent is the ⌈percent/100 × n⌉-th smallest; 0 of none. It looks for that one byte by byte, which is several times
// as fast as sorting.
func nearestRank(of []uint32, percent int) int {
	rank := (len(of)*percent + 99) / 100
	if rank == 0 {
		return 0
	}
	found := uint32(0)
	for shift := 24; shift >= 0; shift -= 8 {
		var counts [256]int
		for _, x := range of {
			if x>>(shift+8) == found {
				counts[byte(x>>shift)]++
			}
		}
		digit := uint32(0)
		for ; rank > counts[digit]; digit++ {
			rank -= counts[digit]
		}
		found = found<<8 | digit
	}
	return int(found)
}
