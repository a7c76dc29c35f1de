package surveys

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

// What is told of a single response beside SnapshotDimensions.
const (
	ByHow      Dimension = "how"      // ByApp, ByLink, ByPhone
	ByLanguage Dimension = "language" // in which it was asked
)

// Microdata are the single answers of a round without anything that names a person, a day, an employee or words. What is known of
// respondents is told only where at least MinCell of them share all of it, and nothing that the results suppress.
type Microdata struct {
	Round         *Round
	Questionnaire *form.Questionnaire
	Dimensions    []Dimension // of Known
	Weighting     WeightingResult
	Rows          []Microrow // in the order of what they hold
}

// Microrow is one response.
type Microrow struct {
	Known    []string // by Dimensions; "" where it is not known or not told
	Complete bool
	Weight   float64  // the mean of those whom Known does not tell apart: one of its own would tell them apart
	Answers  []string // by question, as form.Pack gives them
}

// Microdata of a published round, for administrators. Before it is published, and with fewer than MinCell responses, it is
// fault.Conflict.
func (p *Programmes) Microdata(ctx context.Context, a actor.Actor, round string) (*Microdata, error) {
	if !a.Is(actor.Admin) {
		return nil, fault.New(fault.Forbidden)
	}
	r, err := p.Store.Round(ctx, round)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read a round: %w", err)
	case r.State != RoundPublished:
		return nil, fault.New(fault.Conflict)
	}
	q, err := p.questionnaire(ctx, r.Programme.Questionnaire, r.Programme.Version)
	if err != nil {
		return nil, fmt.Errorf("questionnaire of a round: %w", err)
	}
	t, rows, err := p.readMicrodata(ctx, r, q)
	switch {
	case err != nil:
		return nil, err
	case t.n < MinCell:
		return nil, fault.New(fault.Conflict)
	}
	m := t.group()
	weights, weighting := t.weigh(r, m)
	data := &Microdata{Round: r, Questionnaire: q, Weighting: weighting, Rows: rows}
	t.tell(data, m, weights)
	slices.SortFunc(data.Rows, func(x, y Microrow) int {
		return cmp.Or(slices.Compare(x.Known, y.Known), slices.Compare(x.Answers, y.Answers))
	})
	return data, nil
}

// readMicrodata reads the responses into columns, and their answers beside them in the same order.
func (p *Programmes) readMicrodata(ctx context.Context, r *Round, q *form.Questionnaire) (*table, []Microrow, error) {
	t := &table{dims: make([]dictionary, len(SnapshotDimensions)), items: columns(q)}
	var rows []Microrow
	var fields [][]byte
	err := p.Store.ScanResponses(ctx, r.ID, func(row []byte) error {
		if err := t.add(row, fields); err != nil {
			return err
		}
		packed := bytes.Split(row, []byte{rowBreak})[len(SnapshotDimensions)+1:]
		x := Microrow{Complete: string(packed[0]) == "1"}
		for _, answer := range packed[3:] {
			x.Answers = append(x.Answers, string(answer))
		}
		rows = append(rows, x)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the responses of a round: %w", err)
	}
	for i := range t.dims {
		t.dims[i].sort()
	}
	t.how.sort()
	t.languages.sort()
	return t, rows, nil
}

// tell fills in what is known of each response.
func (t *table) tell(data *Microdata, m *members, weights []float64) {
	class := make([]int, t.n) // of those whom nothing that is told yet tells apart
	for d, by := range SnapshotDimensions {
		if by == ByEmployee {
			continue
		}
		hidden := map[string]bool{}
		for _, g := range m.groups {
			hidden[g.Value] = hidden[g.Value] || g.By == by && g.Hidden
		}
		data.add(by, &t.dims[d], hidden, class)
	}
	data.add(ByHow, &t.how, nil, class)
	data.add(ByLanguage, &t.languages, nil, class)
	means := map[int]sums{}
	for i, w := range weights {
		s := means[class[i]]
		s.add(w)
		means[class[i]] = s
	}
	for i := range data.Rows {
		s := means[class[i]]
		data.Rows[i].Weight = s.W / float64(s.N)
	}
}

// part is a value within a class.
type part struct {
	class int
	code  uint32
}

// add tells a dimension where that leaves at least MinCell responses in each class, and divides the classes by it. Within each
// class values that too few have are not told; when those are too few together, the smallest of the others is not told either:
// it comes next.
func (data *Microdata) add(by Dimension, column *dictionary, hidden map[string]bool, class []int) {
	data.Dimensions = append(data.Dimensions, by)
	count := map[part]int{}
	for i, code := range column.rows {
		count[part{class[i], code}]++
	}
	parts := make(map[int][]part, len(count))
	for x := range count {
		parts[x.class] = append(parts[x.class], x)
	}
	told := map[part]bool{}
	for _, all := range parts {
		slices.SortFunc(all, func(x, y part) int { return cmp.Or(cmp.Compare(count[x], count[y]), cmp.Compare(x.code, y.code)) })
		untold := 0
		for _, x := range all {
			if value := column.values[x.code]; value == "" || hidden[value] || count[x] < MinCell || untold > 0 && untold < MinCell {
				untold += count[x]
			} else {
				told[x] = true
			}
		}
	}
	classes := map[part]int{}
	for i, code := range column.rows {
		x, value := part{class[i], code}, ""
		if told[x] {
			value, x.code = column.values[code], code+1
		} else {
			x.code = 0
		}
		data.Rows[i].Known = append(data.Rows[i].Known, value)
		next, ok := classes[x]
		if !ok {
			next = len(classes)
			classes[x] = next
		}
		class[i] = next
	}
}
