package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/reports"
)

// Deadlines tells how promptly reports were handled.
func (s *Server) Deadlines(ctx context.Context, r gen.DeadlinesRequestObject) (gen.DeadlinesResponseObject, error) {
	body, err := s.deadlines(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	return gen.Deadlines200JSONResponse(*body), nil
}

// DeadlinesCsv is the same as a file.
func (s *Server) DeadlinesCsv(ctx context.Context, r gen.DeadlinesCsvRequestObject) (gen.DeadlinesCsvResponseObject, error) {
	body, err := s.deadlines(ctx, gen.DeadlinesParams(r.Params))
	if err != nil {
		return nil, err
	}
	b, err := deadlinesTable(body).csv()
	if err != nil {
		return nil, err
	}
	return csvFile{"deadlines.csv", b}, nil
}

// DeadlinesXlsx is the same as a workbook.
func (s *Server) DeadlinesXlsx(ctx context.Context, r gen.DeadlinesXlsxRequestObject) (gen.DeadlinesXlsxResponseObject, error) {
	body, err := s.deadlines(ctx, gen.DeadlinesParams(r.Params))
	if err != nil {
		return nil, err
	}
	b, err := figuresWorkbook(languageOf(ctx), "deadlines", deadlinesTable(body))
	return download{name: "deadlines.xlsx", media: xlsxCT, body: b}, err
}

func (s *Server) deadlines(ctx context.Context, p gen.DeadlinesParams) (*gen.Deadlines, error) {
	days, err := periodOf(p.From, p.To, s.Now(), s.Reports.Zone)
	if err != nil {
		return nil, err
	}
	by := given(p.By)
	if by == "" {
		by = gen.DeadlinesDimensionNone
	}
	q := reports.DeadlinesSearch{Selection: reports.Selection{From: days.first, Through: days.last, Centre: text(p.Centre), Region: text(p.Region),
		Department: text(p.Department), Category: text(p.Category), Channel: reports.Channel(given(p.Channel))}}
	if by != gen.DeadlinesDimensionNone {
		q.By = reports.Dimension(by)
	}
	found, err := s.Reports.Deadlines(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	n := s.names(ctx)
	body := &gen.Deadlines{From: days.first, To: days.last, AsOf: found.At, By: by, Rows: make([]gen.DeadlinesRow, len(found.Rows)),
		Total: deadlinesRow(&found.Total)}
	for i := range found.Rows {
		row := &found.Rows[i]
		body.Rows[i] = deadlinesRow(row)
		body.Rows[i].Key, body.Rows[i].Name = &row.Key, new(n.dimension(q.By, row.Key))
	}
	return body, nil
}

func deadlinesRow(h *reports.Handling) gen.DeadlinesRow {
	return gen.DeadlinesRow{Received: h.Received, Open: h.Open, Ages: h.Ages, FirstAnswer: promptness(h.FirstAnswer), Resolution: promptness(h.Resolution)}
}

func promptness(p reports.Promptness) gen.Promptness {
	body := gen.Promptness{Due: p.Due, Met: p.Met, Missed: p.Missed, Overdue: p.Overdue, N: p.N}
	if p.N > 0 {
		body.MedianMinutes, body.P90Minutes = new(int64(p.Median)), new(int64(p.P90))
	}
	return body
}

// deadlinesTable has a line for each row and the total in the last line, without a key.
func deadlinesTable(d *gen.Deadlines) table {
	key := string(d.By)
	if d.By == gen.DeadlinesDimensionNone {
		key = "key"
	}
	t := table{header: []string{key, "name", "received", "open", "open_under_1_day", "open_1_to_3_days", "open_3_to_7_days", "open_7_to_14_days",
		"open_14_to_30_days", "open_over_30_days"}}
	for _, what := range []string{"first_answer", "resolution"} {
		for _, figure := range []string{"due", "met", "missed", "overdue", "n", "median_minutes", "p90_minutes"} {
			t.header = append(t.header, what+"_"+figure)
		}
	}
	t.header = append(t.header, "from", "to", "as_of")
	for _, r := range append(d.Rows[:len(d.Rows):len(d.Rows)], d.Total) {
		line := []any{given(r.Key), given(r.Name), r.Received, r.Open}
		for _, n := range r.Ages {
			line = append(line, n)
		}
		for _, p := range []gen.Promptness{r.FirstAnswer, r.Resolution} {
			line = append(line, p.Due, p.Met, p.Missed, p.Overdue, p.N, p.MedianMinutes, p.P90Minutes)
		}
		t.rows = append(t.rows, append(line, d.From, d.To, moment(d.AsOf)))
	}
	return t
}
