package surveys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/balagh/balagh/surveys/form"
)

// How a row begins, and what parts its fields. A row is stratum, the values of SnapshotDimensions, complete (0 or 1), how and
// language, then each question as form.Pack gives it.
const (
	rowVersion = '1'
	rowBreak   = '\x1f'
	rowBefore  = 4 // fields beside the snapshot's and the questions'
)

// packRow is what is counted of a response, so that very many can be read without decoding their documents.
func packRow(r *Response, q *form.Questionnaire) []byte {
	row := make([]byte, 1, 256)
	row[0] = rowVersion
	row = appendField(row, r.Stratum)
	for _, d := range SnapshotDimensions {
		row = appendField(append(row, rowBreak), r.Snapshot.Value(d))
	}
	row = append(row, rowBreak, "01"[btoi(r.Complete)])
	row = appendField(append(row, rowBreak), r.How)
	row = appendField(append(row, rowBreak), r.Language)
	visible := q.Visible(r.Answers)
	for i := range q.Questions {
		x := &q.Questions[i]
		row = append(append(row, rowBreak), form.Pack(x, visible[x.Code], r.Answers[x.Code])...)
	}
	return row
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// appendField adds a value without what would end it.
func appendField(row []byte, value string) []byte {
	return append(row, strings.ReplaceAll(value, string(rowBreak), "")...)
}

// What a column holds for a response that gave no answer; from answered on it is the answer's code, or answered itself where the
// answer is in words, a number, a day or several options.
const (
	notAsked uint16 = iota // hidden; also what a partial response does not answer
	skipped
	unknown // "don't know"
	answered
)

// table is what rows hold, column by column.
type table struct {
	n         int
	dims      []dictionary // by SnapshotDimensions
	how       dictionary
	languages dictionary
	complete  int64
	items     []*column
}

func newTable(q *form.Questionnaire) *table {
	return &table{dims: make([]dictionary, len(SnapshotDimensions)), items: columns(q)}
}

// dictionary is a column of values that come again and again.
type dictionary struct {
	codes  map[string]uint32
	values []string
	rows   []uint32
}

func (d *dictionary) add(value []byte) {
	code, ok := d.codes[string(value)]
	if !ok {
		if d.codes == nil {
			d.codes = map[string]uint32{}
		}
		code = uint32(len(d.values))
		d.values = append(d.values, string(value))
		d.codes[d.values[code]] = code
	}
	d.rows = append(d.rows, code)
}

// sort puts the values into their order, whatever the order of the rows was.
func (d *dictionary) sort() {
	old := slices.Clone(d.values)
	slices.Sort(d.values)
	to := make([]uint32, len(old))
	for i, v := range d.values {
		to[d.codes[v]] = uint32(i)
	}
	for i, code := range d.rows {
		d.rows[i] = to[code]
	}
	for i, v := range d.values {
		d.codes[v] = uint32(i)
	}
}

// counts are how many rows have each value.
func (d *dictionary) counts() map[string]int64 {
	n := make([]int64, len(d.values))
	for _, code := range d.rows {
		n[code]++
	}
	all := make(map[string]int64, len(n))
	for i, v := range d.values {
		all[v] = n[i]
	}
	return all
}

// column holds the answers to a question, or to a row of a matrix.
type column struct {
	question *form.Question
	row      int      // of a matrix, −1 otherwise
	codes    []string // that are counted
	low      int      // of levels
	rows     []uint16 // by response
	// picks are the options of choices and rankings, as indices of codes, those of response i from ends[i−1] to ends[i].
	picks            []uint8
	ends             []uint32
	numbers          []float64 // by response; 0 where rows has no answer
	earliest, latest string
}

func columns(q *form.Questionnaire) []*column {
	var all []*column
	for i := range q.Questions {
		x := &q.Questions[i]
		low, _, _ := x.Type.Levels()
		if x.Type != form.Matrix {
			all = append(all, &column{question: x, row: -1, codes: x.Codes(), low: low})
			continue
		}
		for r := range x.Rows {
			all = append(all, &column{question: x, row: r, codes: x.Codes(), low: low})
		}
	}
	return all
}

// several says whether an answer is a list of options.
func (c *column) several() bool {
	return c.question.Type == form.Choices || c.question.Type == form.Ranking
}

// single says whether an answer is exactly one of the codes.
func (c *column) single() bool { return len(c.codes) > 0 && !c.several() }

// stride is how many different things a response can be counted as.
func (c *column) stride() int {
	switch {
	case c.several():
		return int(answered) + 1 + len(c.codes)
	case c.single():
		return int(answered) + len(c.codes)
	}
	return int(answered) + 1
}

var errRow = errors.New("the row of a response does not fit the questionnaire")

// add takes what a response answers.
func (c *column) add(packed []byte, complete bool) error {
	state, err := c.read(packed)
	if err != nil {
		return err
	}
	if state == skipped && !complete {
		state = notAsked
	}
	c.rows = append(c.rows, state)
	if c.several() {
		c.ends = append(c.ends, uint32(len(c.picks)))
	}
	if c.question.Type == form.Number && len(c.numbers) < len(c.rows) {
		c.numbers = append(c.numbers, 0)
	}
	return nil
}

func (c *column) read(packed []byte) (uint16, error) {
	switch string(packed) {
	case form.PackedSkipped:
		return skipped, nil
	case form.PackedHidden:
		return notAsked, nil
	case form.PackedDontKnow:
		return unknown, nil
	}
	switch c.question.Type {
	case form.Words:
		return answered, nil
	case form.Date:
		if day := string(packed); c.earliest == "" || day < c.earliest {
			c.earliest = day
		}
		if string(packed) > c.latest {
			c.latest = string(packed)
		}
		return answered, nil
	case form.Number:
		x, err := strconv.ParseFloat(string(packed), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, errRow
		}
		c.numbers = append(c.numbers, x)
		return answered, nil
	case form.Choices, form.Ranking:
		for code := range bytes.SplitSeq(packed, []byte{','}) {
			i, ok := c.index(code)
			if !ok {
				return 0, errRow
			}
			c.picks = append(c.picks, uint8(i))
		}
		return answered, nil
	}
	i, ok := c.index(packed)
	if !ok {
		return 0, errRow
	}
	return answered + uint16(i), nil
}

// index of a code among those that are counted.
func (c *column) index(code []byte) (int, bool) {
	if _, _, levels := c.question.Type.Levels(); levels {
		level := 0
		for _, d := range code {
			if d < '0' || d > '9' || level > 9 {
				return 0, false
			}
			level = 10*level + int(d-'0')
		}
		return level - c.low, len(code) > 0 && level >= c.low && level-c.low < len(c.codes)
	}
	for i := range c.codes {
		if c.codes[i] == string(code) {
			return i, true
		}
	}
	return 0, false
}

// add takes a row into the columns.
func (t *table) add(row []byte, fields [][]byte) error {
	if len(row) == 0 || row[0] != rowVersion {
		return errRow
	}
	fields = fields[:0]
	for rest, more := row[1:], true; more; {
		var field []byte
		field, rest, more = bytes.Cut(rest, []byte{rowBreak})
		fields = append(fields, field)
	}
	if len(fields) != rowBefore+len(SnapshotDimensions)+t.questions() {
		return errRow
	}
	for i := range t.dims {
		t.dims[i].add(fields[1+i])
	}
	fields = fields[1+len(t.dims):]
	complete := string(fields[0]) == "1"
	t.complete += int64(btoi(complete))
	t.how.add(fields[1])
	t.languages.add(fields[2])
	t.n++
	return t.answers(fields[3:], complete)
}

// questions is how many the rows hold: one for all rows of a matrix.
func (t *table) questions() (n int) {
	for _, c := range t.items {
		if c.row <= 0 {
			n++
		}
	}
	return n
}

// answers takes the fields of the questions.
func (t *table) answers(fields [][]byte, complete bool) error {
	next := -1
	var levels []byte // of a matrix that are left
	for _, c := range t.items {
		if c.row <= 0 {
			next++
			levels = fields[next]
		}
		packed := fields[next]
		if c.row >= 0 && bytes.IndexByte(fields[next], ',') >= 0 {
			packed, levels, _ = bytes.Cut(levels, []byte{','})
		}
		if err := c.add(packed, complete); err != nil {
			return err
		}
	}
	return nil
}

// batchBytes is how many bytes of rows are handed from the reading to the columns at once.
const batchBytes = 1 << 18

// readTable reads the responses of a round into columns: the store reads on while the columns are filled.
func (p *Programmes) readTable(ctx context.Context, r *Round, q *form.Questionnaire) (*table, error) {
	t := newTable(q)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type batch struct {
		rows []byte
		ends []int
	}
	batches, filled := make(chan batch, 4), make(chan error, 1)
	go func() {
		fields := make([][]byte, 0, 128)
		var failed error
		for b := range batches {
			from := 0
			for _, end := range b.ends {
				if failed == nil {
					failed = t.add(b.rows[from:end], fields)
				}
				from = end
			}
			if failed != nil {
				cancel()
			}
		}
		filled <- failed
	}()
	var b batch
	err := p.Store.ScanResponses(ctx, r.ID, func(row []byte) error {
		if len(b.rows)+len(row) > batchBytes {
			batches <- b
			b = batch{}
		}
		if b.rows == nil {
			b.rows = make([]byte, 0, batchBytes)
		}
		b.rows, b.ends = append(b.rows, row...), append(b.ends, len(b.rows)+len(row))
		return nil
	})
	batches <- b
	close(batches)
	if failed := <-filled; failed != nil {
		return nil, fmt.Errorf("count the responses of a round: %w", failed)
	}
	if err != nil {
		return nil, fmt.Errorf("read the responses of a round: %w", err)
	}
	for i := range t.dims {
		t.dims[i].sort()
	}
	t.how.sort()
	t.languages.sort()
	return t, nil
}
