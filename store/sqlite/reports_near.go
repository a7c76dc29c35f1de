package sqlite

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
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
		slices.SortFunc(found, func(a, b reports.NearReport) int {
			return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
		})
		return found[:min(len(found), q.Limit)], nil
	}
}

// nearQuery reads the index alone. It gives one text instead of many rows: a row costs more on its way out of the library than its
// columns do. A line has its columns apart by spaces, of which none of them has any. The last condition leaves out most of what is
// in the cells and not in the circle; what is near its edge is measured afterwards.
const nearQuery = `SELECT group_concat(r.seq || ' ' || quote(r.id) || ' ' || r.number || ' ' || r.status || ' ' || r.category || ' ' || r.supports ||
	' ' || r.latitude || ' ' || r.longitude, char(10)) FROM json_each(?1) c CROSS JOIN reports r INDEXED BY reports_near
	WHERE r.cell >= 0 AND r.open IN (1, NOT ?2) AND r.cell BETWEEN c.value ->> 0 AND c.value ->> 1 AND (?3 = '' OR r.category = ?3)
	AND (r.latitude - ?4) * (r.latitude - ?4) + (r.longitude - ?5) * (r.longitude - ?5) * ?6 <= ?7`

// metresPerDegree of latitude, a little less than anywhere.
const metresPerDegree = 110_000

// within finds the reports of a circle.
func (db *DB) within(ctx context.Context, q reports.NearQuery, radius float64) ([]reports.NearReport, error) {
	var cells []byte
	for _, c := range reports.Cells(q.Point, radius) {
		cells = fmt.Appendf(cells, ",[%d,%d]", c.From, c.To)
	}
	cells = append(cells, ']')
	cells[0] = '['
	squeeze, reach := math.Cos(math.Abs(q.Point.Latitude)*math.Pi/180), radius/metresPerDegree*1.02
	if squeeze < .1 || math.Abs(q.Point.Longitude) > 179 { // where degrees are no plane
		squeeze, reach = 0, 360
	}
	var lines *string
	if err := db.row(ctx, nearQuery, string(cells), !q.Open, q.Category, q.Point.Latitude, q.Point.Longitude, squeeze*squeeze, reach*reach).
		Scan(&lines); err != nil || lines == nil {
		return nil, err
	}
	var found []reports.NearReport
	for line := range strings.SplitSeq(*lines, "\n") {
		r, err := nearLine(line)
		if err != nil {
			return nil, fmt.Errorf("a line of the index: %w", err)
		}
		if r.Distance = reports.Distance(q.Point, r.Point); r.Distance <= radius {
			found = append(found, r)
		}
	}
	return found, nil
}

func nearLine(line string) (r reports.NearReport, err error) {
	var c [8]string
	rest := line
	for i := range c {
		c[i], rest, _ = strings.Cut(rest, " ")
	}
	var errs [4]error
	var seq int64
	seq, errs[0] = strconv.ParseInt(c[0], 10, 64)
	r.ID, r.Number, r.Status, r.Category, r.ReceivedAt = unquoted(c[1]), c[2], reports.Status(c[3]), c[4], receivedAt(seq)
	r.Supports, errs[1] = strconv.Atoi(c[5])
	r.Point.Latitude, errs[2] = strconv.ParseFloat(c[6], 64)
	r.Point.Longitude, errs[3] = strconv.ParseFloat(c[7], 64)
	return r, errors.Join(errs[:]...)
}

// unquoted is the id in SQL's notation, X'…' of a key and '…' of a text.
func unquoted(literal string) string {
	if b, err := hex.DecodeString(strings.Trim(literal, "X'")); err == nil && literal[0] == 'X' {
		return unkey(b)
	}
	return strings.Trim(literal, "'")
}
