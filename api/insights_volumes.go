package api

import (
	"context"
	"slices"
	"strings"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/reports"
)

// Volumes tells how many reports came.
func (s *Server) Volumes(ctx context.Context, r gen.VolumesRequestObject) (gen.VolumesResponseObject, error) {
	body, err := s.volumes(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	return gen.Volumes200JSONResponse(*body), nil
}

// VolumesCsv is the same as a file: codes, names and counts.
func (s *Server) VolumesCsv(ctx context.Context, r gen.VolumesCsvRequestObject) (gen.VolumesCsvResponseObject, error) {
	body, err := s.volumes(ctx, gen.VolumesParams(r.Params))
	if err != nil {
		return nil, err
	}
	b, err := volumesTable(body).csv()
	if err != nil {
		return nil, err
	}
	return csvFile{"volumes.csv", b}, nil
}

// VolumesXlsx is the same as a workbook.
func (s *Server) VolumesXlsx(ctx context.Context, r gen.VolumesXlsxRequestObject) (gen.VolumesXlsxResponseObject, error) {
	body, err := s.volumes(ctx, gen.VolumesParams(r.Params))
	if err != nil {
		return nil, err
	}
	b, err := figuresWorkbook(languageOf(ctx), "volumes", volumesTable(body))
	return download{name: "volumes.xlsx", media: xlsxCT, body: b}, err
}

// figuresWorkbook has one sheet, with its header in the caller's language. A column with codes that has one with names beside it says so.
func figuresWorkbook(language, name string, t table) ([]byte, error) {
	header := make([]string, len(t.header))
	for i, column := range t.header {
		header[i] = word(strings.TrimSuffix(column, nameColumn), language)
		if i+1 < len(t.header) && t.header[i+1] == column+nameColumn {
			header[i] += " (" + word("key", language) + ")"
		}
	}
	return workbook(language, []sheet{{word(name, language), table{header: header, rows: t.rows}}})
}

func (s *Server) volumes(ctx context.Context, p gen.VolumesParams) (*gen.Volumes, error) {
	days, err := periodOf(p.From, p.To, s.Now(), s.Reports.Zone)
	if err != nil {
		return nil, err
	}
	if len(p.By) == 0 {
		p.By = gen.VolumesBy{gen.VolumesDimension(reports.ByCategory)}
	}
	q := reports.VolumesSearch{Selection: reports.Selection{From: days.first, Through: days.last, Centre: text(p.Centre), Region: text(p.Region),
		Department: text(p.Department), Category: text(p.Category), Channel: reports.Channel(given(p.Channel))}}
	for _, by := range p.By {
		q.By = append(q.By, reports.Dimension(by))
	}
	rows, total, err := s.Reports.Volumes(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	n := s.names(ctx)
	body := &gen.Volumes{From: days.first, To: days.last, By: p.By, Rows: make([]gen.VolumesRow, len(rows)), Total: total}
	for i, row := range rows {
		names := make([]string, len(row.Keys))
		for j, key := range row.Keys {
			names[j] = n.dimension(q.By[j], key)
		}
		body.Rows[i] = gen.VolumesRow{Keys: row.Keys, Names: names, Count: row.Count}
	}
	return body, nil
}

// reporters are the names of who reports, by what volumes are counted by and its keys.
var reporters = map[reports.Dimension]map[string]map[string]string{
	reports.ByGender: {
		"male":   {"ar": "رجال", "en": "Men", "ur": "مرد"},
		"female": {"ar": "نساء", "en": "Women", "ur": "خواتین"},
	},
	reports.ByResidency: {
		"citizen":  {"ar": "مواطنون", "en": "Citizens", "ur": "شہری"},
		"resident": {"ar": "مقيمون", "en": "Residents", "ur": "مقیم"},
	},
	reports.ByCompany: {
		"yes": {"ar": "شركات ومؤسسات", "en": "Companies and establishments", "ur": "کمپنیاں اور ادارے"},
		"no":  {"ar": "أفراد", "en": "Persons", "ur": "افراد"},
	},
}

var unstated = map[string]string{"ar": "غير مذكور", "en": "Not stated", "ur": "درج نہیں"}

// dimension names a key of a row; days, months and regions name themselves.
func (n names) dimension(by reports.Dimension, key string) string {
	if key == "" {
		return unstated[n.language]
	}
	switch by {
	case reports.ByCategory:
		return n.category(key).Name
	case reports.ByCentre:
		return n.centre(key).Name
	case reports.ByDepartment:
		return n.department(key).Name
	case reports.ByChannel:
		return n.named(key, channels[key]).Name
	case reports.ByStatus:
		return reports.Status(key).Name(n.language)
	case reports.ByGender, reports.ByResidency, reports.ByCompany:
		return n.named(key, reporters[by][key]).Name
	}
	return key
}

// nameColumn ends the name of a column with the names of the codes in the one before it.
const nameColumn = "_name"

// volumesTable has, for what has names, a column with them beside the one with codes.
func volumesTable(v *gen.Volumes) table {
	var t table
	for _, by := range v.By {
		t.header = append(t.header, string(by))
		if !dated(by) {
			t.header = append(t.header, string(by)+nameColumn)
		}
	}
	t.header = append(t.header, "count")
	for _, row := range v.Rows {
		var line []any
		for i, key := range row.Keys {
			line = append(line, key)
			if !dated(v.By[i]) {
				line = append(line, row.Names[i])
			}
		}
		t.rows = append(t.rows, append(line, row.Count))
	}
	return t
}

func dated(by gen.VolumesDimension) bool {
	return slices.Contains([]reports.Dimension{reports.ByDay, reports.ByMonth, reports.ByHijriMonth}, reports.Dimension(by))
}
