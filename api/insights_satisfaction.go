package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
)

// Satisfaction tells how satisfied those were who rated.
func (s *Server) Satisfaction(ctx context.Context, r gen.SatisfactionRequestObject) (gen.SatisfactionResponseObject, error) {
	body, err := s.satisfaction(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	return gen.Satisfaction200JSONResponse(*body), nil
}

// SatisfactionCsv is the same as a file. Each row carries what makes its figures reproducible: counts, formula and period.
func (s *Server) SatisfactionCsv(ctx context.Context, r gen.SatisfactionCsvRequestObject) (gen.SatisfactionCsvResponseObject, error) {
	body, err := s.satisfaction(ctx, gen.SatisfactionParams(r.Params))
	if err != nil {
		return nil, err
	}
	b, err := satisfactionTable(body).csv()
	if err != nil {
		return nil, err
	}
	return csvFile{"satisfaction.csv", b}, nil
}

// SatisfactionXlsx is the same as a workbook.
func (s *Server) SatisfactionXlsx(ctx context.Context, r gen.SatisfactionXlsxRequestObject) (gen.SatisfactionXlsxResponseObject, error) {
	body, err := s.satisfaction(ctx, gen.SatisfactionParams(r.Params))
	if err != nil {
		return nil, err
	}
	b, err := figuresWorkbook(languageOf(ctx), "satisfaction", satisfactionTable(body))
	return download{name: "satisfaction.xlsx", media: xlsxCT, body: b}, err
}

func (s *Server) satisfaction(ctx context.Context, p gen.SatisfactionParams) (*gen.Satisfaction, error) {
	days, err := periodOf(p.From, p.To, s.Now(), s.Reports.Zone)
	if err != nil {
		return nil, err
	}
	q := surveys.Query{From: days.first, To: days.last, By: surveys.Dimension(given(p.By)), Where: map[surveys.Dimension]string{
		surveys.ByCentre: given(p.Centre), surveys.ByRegion: given(p.Region), surveys.ByDepartment: given(p.Department),
		surveys.ByCategory: given(p.Category), surveys.ByChannel: string(given(p.Channel)), surveys.ByGender: string(given(p.Gender)),
		surveys.ByResidency: string(given(p.Residency))}}
	answer, err := s.Surveys.Satisfaction(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	body := &gen.Satisfaction{From: days.first, To: days.last, By: gen.SatisfactionDimension(answer.By), Formula: answer.Formula,
		Version: answer.Version, MinCell: answer.MinCell, Rows: make([]gen.SatisfactionRow, len(answer.Rows)), Total: satisfactionRow(answer.Total),
		Marks: make([]gen.SatisfactionMark, len(answer.Marks))}
	for i, row := range answer.Rows {
		name, err := s.groupName(ctx, answer.By, row.Key)
		if err != nil {
			return nil, err
		}
		body.Rows[i] = satisfactionRow(row)
		body.Rows[i].Key, body.Rows[i].Name = &row.Key, &name
	}
	for i, m := range answer.Marks {
		body.Marks[i] = gen.SatisfactionMark{Day: m.Day, Kind: gen.SatisfactionMarkKind(m.Kind), Code: m.Code, Version: m.Version}
	}
	return body, nil
}

// channels are the names of the ways in which a report comes.
var channels = map[string]map[string]string{
	"app":      {"ar": "التطبيق", "en": "App", "ur": "ایپ"},
	"web":      {"ar": "الموقع الإلكتروني", "en": "Web", "ur": "ویب سائٹ"},
	"phone":    {"ar": "الهاتف", "en": "Phone", "ur": "فون"},
	"email":    {"ar": "البريد الإلكتروني", "en": "E-mail", "ur": "ای میل"},
	"telegram": {"ar": "البرقية", "en": "Telegram", "ur": "تار"},
	"visit":    {"ar": "الحضور", "en": "Visit", "ur": "بالمشافہ"},
}

func satisfactionRow(r surveys.Row) gen.SatisfactionRow {
	if r.Suppressed {
		return gen.SatisfactionRow{Suppressed: true, Reason: orNil(gen.SatisfactionRowReason(r.Reason)), Counts: make([]int, surveys.Levels)}
	}
	row := gen.SatisfactionRow{Counts: make([]int, len(r.Counts)), N: int(r.N), Eligible: int(r.Eligible), ResponseRate: r.ResponseRate,
		Top2: r.Top2, Mean100: r.Mean100, Net: r.Net}
	for i, n := range r.Counts {
		row.Counts[i] = int(n)
	}
	if r.Interval != nil {
		row.Interval = &gen.Interval{Low: r.Interval.Low, High: r.Interval.High, Level: r.Interval.Level, Method: gen.IntervalMethod(r.Interval.Method)}
	}
	return row
}

// satisfactionTable has a line for each row and the total in the last line, without a key.
func satisfactionTable(s *gen.Satisfaction) table {
	key := string(s.By)
	if s.By == gen.SatisfactionDimensionNone {
		key = "key"
	}
	t := table{header: []string{key, "name", "very_dissatisfied", "dissatisfied", "neutral", "satisfied", "very_satisfied", "n", "eligible",
		"response_rate", "top2", "mean100", "net", "low", "high", "level", "method", "formula", "version", "from", "to", "suppressed", "reason"}}
	for _, r := range append(s.Rows[:len(s.Rows):len(s.Rows)], s.Total) {
		line := []any{given(r.Key), given(r.Name)}
		for _, n := range r.Counts {
			line = append(line, n)
		}
		line = append(line, r.N, r.Eligible, r.ResponseRate, r.Top2, r.Mean100, r.Net)
		if r.Interval == nil {
			line = append(line, "", "", "", "")
		} else {
			line = append(line, r.Interval.Low, r.Interval.High, r.Interval.Level, string(r.Interval.Method))
		}
		if r.Suppressed {
			for i := range line[2:] {
				line[2+i] = ""
			}
		}
		t.rows = append(t.rows, append(line, s.Formula, s.Version, s.From, s.To, b2i(r.Suppressed), string(given(r.Reason))))
	}
	return t
}

// given is what an optional parameter says, or its zero value.
func given[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
