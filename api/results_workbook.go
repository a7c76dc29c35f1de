package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
)

// RoundResultsXlsx is the results as a workbook, with the sheet of methods in it.
func (s *Server) RoundResultsXlsx(ctx context.Context, r gen.RoundResultsXlsxRequestObject) (gen.RoundResultsXlsxResponseObject,
	error) {
	x, err := s.export(ctx, r.Id, text(r.Params.Compare))
	if err != nil {
		return nil, err
	}
	b, err := workbook(x.language, x.sheets())
	return download{name: x.file("results.xlsx"), media: xlsxCT, body: b}, err
}

func (x *exported) sheets() []sheet {
	header := translated(figureColumns, x.language)
	named := func(code string, t table) sheet { return sheet{word(code, x.language), t} }
	all := []sheet{
		named("results", x.figures(header, func(f *figure) bool { return f.by == "" })),
		named("breakdowns", x.figures(header, func(f *figure) bool { return f.by != "" })),
	}
	if x.Comparison != nil {
		all = append(all, named("comparison", x.comparison()))
	}
	return append(all, named("methods", x.methods(translated(methodColumns, x.language))))
}

// comparisonColumns are the columns of the sheet with an earlier round beside this one.
var comparisonColumns = []string{"compared_round", "question", "row", "label", "figure", "now", "then", "difference", "low",
	"high", "level", "method", "z", "p", "break"}

func (x *exported) comparison() table {
	t := table{header: translated(comparisonColumns, x.language)}
	labels := map[string]string{}
	for i := range x.Questions {
		labels[x.Questions[i].Code] = x.Questions[i].Label.In(x.language)
	}
	for _, c := range x.Comparison.Questions {
		line := []any{x.Comparison.Number, c.Code, c.Row, labels[c.Code], c.Headline, c.Now, c.Then, c.Difference}
		t.rows = append(t.rows, append(append(line, intervalCells(c.Interval)...), c.Z, c.P, c.Break))
	}
	return t
}
