package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
)

// Ratings tells how closed reports were rated lately.
func (s *Server) Ratings(ctx context.Context, r gen.RatingsRequestObject) (gen.RatingsResponseObject, error) {
	body, err := s.ratings(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	return gen.Ratings200JSONResponse(*body), nil
}

// RatingsCsv is the same as a file.
func (s *Server) RatingsCsv(ctx context.Context, r gen.RatingsCsvRequestObject) (gen.RatingsCsvResponseObject, error) {
	body, err := s.ratings(ctx, gen.RatingsParams{By: r.Params.By, Days: (*gen.RatingsParamsDays)(r.Params.Days)})
	if err != nil {
		return nil, err
	}
	b, err := ratingsTable(body, ratingColumns).csv()
	return download{name: "ratings.csv", media: csvCT, body: marked(b, r.Params.Bom)}, err
}

// RatingsXlsx is the same as a workbook.
func (s *Server) RatingsXlsx(ctx context.Context, r gen.RatingsXlsxRequestObject) (gen.RatingsXlsxResponseObject, error) {
	body, err := s.ratings(ctx, gen.RatingsParams{By: r.Params.By, Days: (*gen.RatingsParamsDays)(r.Params.Days)})
	if err != nil {
		return nil, err
	}
	language := languageOf(ctx)
	b, err := workbook(language, []sheet{{word("ratings", language), ratingsTable(body, translated(ratingColumns, language))}})
	return download{name: "ratings.xlsx", media: xlsxCT, body: b}, err
}

func (s *Server) ratings(ctx context.Context, p gen.RatingsParams) (*gen.Ratings, error) {
	found, err := s.Surveys.Ratings(ctx, actorOf(ctx),
		surveys.RatingQuery{By: surveys.Dimension(value(p.By)), Days: int(value(p.Days))})
	if err != nil {
		return nil, err
	}
	body := &gen.Ratings{By: gen.RatingDimension(found.By), Days: found.Days, From: found.From, To: found.To,
		Formula: found.Formula, Version: found.Version,
		MinCell: found.MinCell, ManyRatings: found.ManyRatings, Rows: make([]gen.RatingRow, len(found.Rows)),
		Total: ratingRow(&found.Total)}
	for i := range found.Rows {
		row := &found.Rows[i]
		name, err := s.groupName(ctx, found.By, row.Key)
		if err != nil {
			return nil, err
		}
		body.Rows[i] = ratingRow(row)
		body.Rows[i].Key, body.Rows[i].Name = &row.Key, &name
	}
	return body, nil
}

func ratingRow(r *surveys.RatingRow) gen.RatingRow {
	if r.Suppressed {
		return gen.RatingRow{Suppressed: true, Counts: make([]int64, surveys.Levels)}
	}
	row := gen.RatingRow{Counts: r.Counts[:], N: r.N, Eligible: r.Eligible, ResponseRate: r.ResponseRate, Top2: r.Top2,
		Mean100: r.Mean100, Net: r.Net,
		Interval: figureInterval(r.Interval), Flagged: r.Flagged}
	if t := r.Trend; t != nil {
		row.Trend = &gen.RatingTrend{Top2: t.Top2, N: t.N, Difference: t.Difference, Interval: figureInterval(&t.Interval)}
	}
	return row
}

func figureInterval(i *surveys.Interval) *gen.FigureInterval {
	if i == nil {
		return nil
	}
	return &gen.FigureInterval{Low: i.Low, High: i.High, Level: i.Level, Method: i.Method}
}

// ratingColumns are the columns of ratings.csv.
var ratingColumns = []string{"dimension", "key", "name", "suppressed", "very_dissatisfied", "dissatisfied", "neutral",
	"satisfied", "very_satisfied", "n",
	"eligible", "response_rate", "top2", "mean100", "net", "low", "high", "level", "method", "flagged", "before_top2", "before_n",
	"difference",
	"difference_low", "difference_high", "formula", "version", "from", "to"}

// ratingsTable has a line for each row and the total in the last line, without a key.
func ratingsTable(r *gen.Ratings, header []string) table {
	t := table{header: header}
	for _, row := range append(r.Rows[:len(r.Rows):len(r.Rows)], r.Total) {
		line := []any{string(r.By), value(row.Key), value(row.Name), b2i(row.Suppressed)}
		figures := []any{}
		for _, n := range row.Counts {
			figures = append(figures, n)
		}
		figures = append(figures, row.N, row.Eligible, row.ResponseRate, row.Top2, row.Mean100, row.Net)
		figures = append(append(figures, bounds(row.Interval)...), row.Flagged)
		if x := row.Trend; x != nil {
			figures = append(append(figures, x.Top2, x.N, x.Difference), bounds(x.Interval)[:2]...)
		} else {
			figures = append(figures, "", "", "", "", "")
		}
		if row.Suppressed {
			for i := range figures {
				figures[i] = ""
			}
		}
		t.rows = append(t.rows, append(append(line, figures...), r.Formula, r.Version, r.From, r.To))
	}
	return t
}

func bounds(i *gen.FigureInterval) []any {
	if i == nil {
		return []any{"", "", "", ""}
	}
	return []any{i.Low, i.High, i.Level, i.Method}
}
