package sqlite

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/balagh/balagh/reports"
)

// nearFirst is the radius in metres that is looked at first: where reports lie dense, the nearest are all within it.
const nearFirst = 600

// Near looks at ever larger circles until enough is found.
func (db *DB) Near(ctx context.Context, q reports.NearQuery) ([]reports.NearReport, error) {
	for radius := min(nearFirst, q.Radius); ; radius = min(3*radius, q.Radius) {
		found, err := db.within(ctx, q, radius)
		if err != nil {
			return nil, fmt.Errorf("look around: %w", err)
		}
		if len(found) < q.Limit && radius < q.Radius {
			continue
		}
		slices.SortFunc(found, func(a, b nearby) int { return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.seq, b.seq)) })
		return db.describe(ctx, found[:min(len(found), q.Limit)])
	}
}

type nearby struct {
	seq      int64
	point    reports.Point
	distance float64
}

// Both queries give one text instead of many rows: a row costs more on its way out of the library than its columns do. A line has its
// columns apart by spaces, of which none of them has any.
const (
	nearQuery = `SELECT group_concat(r.seq || ' ' || r.latitude || ' ' || r.longitude, char(10)) FROM json_each(?1) c CROSS JOIN reports r INDEXED BY
		reports_near WHERE r.cell IS NOT NULL AND r.open IN (1, NOT ?2) AND r.cell BETWEEN c.value ->> 0 AND c.value ->> 1
		AND (?3 = '' OR r.category = ?3)`
	describeQuery = `SELECT group_concat(r.seq || ' ' || quote(r.id) || ' ' || r.number || ' ' || r.status || ' ' || r.category || ' ' || r.supports, char(10))
		FROM json_each(?) c CROSS JOIN reports r ON r.seq = c.value WHERE r.cell IS NOT NULL`
)

// within finds the reports of a circle in the index alone.
func (db *DB) within(ctx context.Context, q reports.NearQuery, radius float64) ([]nearby, error) {
	var cells []byte
	for _, c := range reports.Cells(q.Point, radius) {
		cells = fmt.Appendf(cells, ",[%d,%d]", c.From, c.To)
	}
	cells = append(cells, ']')
	cells[0] = '['
	var lines *string
	if err := db.row(ctx, nearQuery, string(cells), !q.Open, q.Category).Scan(&lines); err != nil || lines == nil {
		return nil, err
	}
	var found []nearby
	for line := range strings.SplitSeq(*lines, "\n") {
		seq, place, _ := strings.Cut(line, " ")
		latitude, longitude, _ := strings.Cut(place, " ")
		var n nearby
		var errs [3]error
		n.seq, errs[0] = strconv.ParseInt(seq, 10, 64)
		n.point.Latitude, errs[1] = strconv.ParseFloat(latitude, 64)
		n.point.Longitude, errs[2] = strconv.ParseFloat(longitude, 64)
		if err := cmp.Or(errs[:]...); err != nil {
			return nil, err
		}
		if n.distance = reports.Distance(q.Point, n.point); n.distance <= radius {
			found = append(found, n)
		}
	}
	return found, nil
}

// describe reads what is shown of the reports that were found. One that was withdrawn a moment ago is left out.
func (db *DB) describe(ctx context.Context, found []nearby) ([]reports.NearReport, error) {
	if len(found) == 0 {
		return nil, nil
	}
	seqs := make([]int64, len(found))
	for i, n := range found {
		seqs[i] = n.seq
	}
	var lines *string
	if err := db.row(ctx, describeQuery, jsonList(seqs)).Scan(&lines); err != nil || lines == nil {
		return nil, err
	}
	all := make([]reports.NearReport, 0, len(found))
	for line := range strings.SplitSeq(*lines, "\n") {
		columns := strings.Fields(line)
		seq, err := strconv.ParseInt(columns[0], 10, 64)
		if err != nil {
			return nil, err
		}
		i := slices.Index(seqs, seq)
		r := reports.NearReport{ID: unquoted(columns[1]), Number: columns[2], Status: reports.Status(columns[3]), Category: columns[4],
			Point: found[i].point, Distance: found[i].distance, ReceivedAt: receivedAt(seq)}
		if r.Supports, err = strconv.Atoi(columns[5]); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// unquoted is the id in SQL's notation, X'…' of a key and '…' of a text.
func unquoted(literal string) string {
	if b, err := hex.DecodeString(strings.Trim(literal, "X'")); err == nil && literal[0] == 'X' {
		return unkey(b)
	}
	return strings.Trim(literal, "'")
}
