package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// exported are the results of a round with everything that a file of them needs.
type exported struct {
	*resultsBody
	asked    *form.Questionnaire
	language string
}

// RoundResultsCsv is the results as a tidy file: each line is one figure of one question in one group.
func (s *Server) RoundResultsCsv(ctx context.Context, r gen.RoundResultsCsvRequestObject) (gen.RoundResultsCsvResponseObject,
	error) {
	x, err := s.export(ctx, r.Id, text(r.Params.Compare))
	if err != nil {
		return nil, err
	}
	b, err := x.figures(figureColumns, func(*figure) bool { return true }).csv()
	return download{name: x.file("results.csv"), media: csvCT, body: marked(b, r.Params.Bom)}, err
}

// RoundMethodsCsv is how the results came about.
func (s *Server) RoundMethodsCsv(ctx context.Context, r gen.RoundMethodsCsvRequestObject) (gen.RoundMethodsCsvResponseObject,
	error) {
	x, err := s.export(ctx, r.Id, "")
	if err != nil {
		return nil, err
	}
	b, err := x.methods(methodColumns).csv()
	return download{name: x.file("methods.csv"), media: csvCT, body: marked(b, r.Params.Bom)}, err
}

func (s *Server) export(ctx context.Context, round, compare string) (*exported, error) {
	body, err := s.results(ctx, round, compare)
	if err != nil {
		return nil, err
	}
	q, err := s.Programmes.Questionnaire(ctx, actorOf(ctx), body.Methods.Questionnaire, body.Methods.Version)
	if err != nil {
		return nil, err
	}
	return &exported{body, q, languageOf(ctx)}, nil
}

// file names one of the round's files.
func (x *exported) file(kind string) string {
	return fmt.Sprintf("%s-%d-%s", x.Programme, x.Number, kind)
}

// figure is one line: what a question comes to in a group, under one formula, or for one option.
type figure struct {
	question     *surveys.QuestionResult
	by           surveys.Dimension // "" in the total
	cell         *surveys.Cell
	name         string // of the formula, or "option"
	option       string
	count, n     *int64
	value        *float64
	interval     *surveys.Interval
	weighted     *surveys.Weighted
	optionLabels map[string]form.Text
}

// figureColumns are the columns of results.csv.
var figureColumns = []string{"round", "programme", "question", "row", "label", "type", "dimension", "key", "name", "figure",
	"option", "option_label",
	"asked", "answered", "dont_know", "skipped", "count", "n", "value", "low", "high", "level", "method", "weighted",
	"weighted_low", "weighted_high",
	"deff", "n_eff", "suppressed", "version", "invited", "rr1", "from", "to"}

// figures is the table of those that are wanted.
func (x *exported) figures(header []string, wanted func(*figure) bool) table {
	t := table{header: header}
	for i := range x.Questions {
		r := &x.Questions[i]
		labels := x.optionLabels(r)
		add := func(by surveys.Dimension, c *surveys.Cell) {
			for _, f := range cellFigures(r, by, c) {
				if f.optionLabels = labels; wanted(&f) {
					t.rows = append(t.rows, x.line(&f))
				}
			}
		}
		add("", &r.Total)
		for _, by := range surveys.SnapshotDimensions {
			for j := range r.Breakdown[by] {
				add(by, &r.Breakdown[by][j])
			}
		}
	}
	return t
}

func (x *exported) line(f *figure) []any {
	q, c := f.question, f.cell
	label := q.Label.In(x.language)
	if q.Row != "" {
		label += " – " + q.RowLabel.In(x.language)
	}
	suppressed := 0
	if c.Suppressed {
		suppressed = 1
	}
	line := []any{x.Round, x.Programme, q.Code, q.Row, label, string(q.Type), string(f.by), c.Key, x.Labels[f.by][c.Key], f.name,
		f.option,
		f.optionLabels[f.option].In(x.language)}
	if c.Suppressed {
		line = append(line, "", "", "", "")
	} else {
		line = append(line, c.Asked, c.N, c.DontKnow, c.Skipped)
	}
	line = append(append(line, f.count, f.n, f.value), intervalCells(f.interval)...)
	if w := f.weighted; w == nil {
		line = append(line, "", "", "", "", "")
	} else {
		line = append(append(append(line, w.Estimate), intervalCells(w.Interval)[:2]...), w.Deff, w.NEff)
	}
	line = append(line, suppressed)
	if v := x.Methods.Formulas[f.name]; v > 0 {
		line = append(line, v)
	} else {
		line = append(line, "")
	}
	return append(line, x.Methods.Drawn.Sampled, x.Rates.RR1, moment(x.From), moment(x.To))
}

func intervalCells(i *surveys.Interval) []any {
	if i == nil {
		return []any{"", "", "", ""}
	}
	return []any{i.Low, i.High, i.Level, i.Method}
}

// cellFigures are all of a cell; one without any when it is suppressed.
func cellFigures(q *surveys.QuestionResult, by surveys.Dimension, c *surveys.Cell) []figure {
	base := figure{question: q, by: by, cell: c}
	if c.Suppressed {
		return []figure{base}
	}
	var all []figure
	share := func(name, option string, s *surveys.Share) {
		if s == nil {
			return
		}
		f := base
		f.name, f.option, f.count, f.n, f.value, f.interval, f.weighted = name, option, &s.Count, &s.N, s.Share, s.Interval, s.Weighted
		all = append(all, f)
	}
	estimate := func(name string, e *surveys.Estimate) {
		if e == nil {
			return
		}
		f := base
		f.name, f.n, f.value, f.interval, f.weighted = name, &c.N, &e.Value, e.Interval, e.Weighted
		all = append(all, f)
	}
	number := func(name, option string, v *float64) {
		if v == nil && option == "" {
			return
		}
		f := base
		f.name, f.option, f.n, f.value = name, option, &c.N, v
		all = append(all, f)
	}
	for i := range c.Options {
		share("option", c.Options[i].Code, &c.Options[i].Share)
	}
	share("top2", "", c.Top2)
	estimate("mean100", c.Mean100)
	estimate("net", c.Net)
	estimate("mean", c.Mean)
	estimate("nps", c.NPS)
	share("effort", "", c.Effort)
	for _, option := range slices.Sorted(maps.Keys(c.Ranks)) {
		number("mean_rank", option, new(c.Ranks[option]))
	}
	number("min", "", c.Min)
	number("max", "", c.Max)
	if len(all) == 0 { // words and days have counts alone
		f := base
		f.name, f.n = "answered", &c.N
		all = append(all, f)
	}
	number("earliest", c.Earliest, nil)
	number("latest", c.Latest, nil)
	return all
}

// optionLabels are what the options of a question are called, those of yes and no as well.
func (x *exported) optionLabels(r *surveys.QuestionResult) map[string]form.Text {
	all := map[string]form.Text{}
	if r.Type == form.YesNo {
		maps.Copy(all, yesNo)
	}
	for i := range x.asked.Questions {
		if q := &x.asked.Questions[i]; q.Code == r.Code {
			for _, o := range q.Options {
				all[o.Code] = o.Label
			}
		}
	}
	return all
}

var yesNo = map[string]form.Text{
	form.PackedYes: {"ar": "نعم", "en": "Yes", "ur": "ہاں"},
	form.PackedNo:  {"ar": "لا", "en": "No", "ur": "نہیں"},
}

// methodColumns are the columns of methods.csv.
var methodColumns = []string{"section", "key", "subkey", "name", "value"}

// methods is the sheet that goes with the figures: an outsider who has the counts gets the same figures by it.
func (x *exported) methods(header []string) table {
	t := table{header: header}
	add := func(section, key, subkey, name string, value any) {
		t.rows = append(t.rows, []any{section, key, subkey, name, value})
	}
	m := &x.Methods
	for _, v := range []struct {
		key   string
		value any
	}{
		{"id", x.Round}, {"programme", x.Programme}, {"name", x.Names.In(x.language)}, {"number", x.Number}, {"state", string(x.State)},
		{"final", strconv.FormatBool(x.Final)}, {"opened", moment(x.Opened)}, {"closes", moment(x.Closes)},
		{"window_from", moment(m.From)},
		{"window_to", moment(m.To)}, {"questionnaire", m.Questionnaire}, {"version", m.Version}, {"seed", m.Seed},
		{"respondents", x.Respondents},
	} {
		add("round", v.key, "", "", v.value)
	}
	x.frame(add)
	x.drawn(add)
	x.rates(add)
	counts(add, "languages", m.Languages)
	counts(add, "how", m.How)
	counts(add, "formulas", m.Formulas)
	add("publishing", "confidence", "", "", m.Confidence)
	add("publishing", "min_cell", "", "", m.MinCell)
	add("publishing", "min_employee", "", "", m.MinEmployee)
	add("publishing", "suppressed_cells", "", "", m.Suppressed)
	for _, note := range m.Notes {
		add("note", note, "", word(note, x.language), "")
	}
	return t
}

// adder adds a line to the methods.
type adder func(section, key, subkey, name string, value any)

func (x *exported) frame(add adder) {
	f, s := &x.Methods.Frame, &x.Methods.Sample
	for _, v := range []struct {
		by     surveys.Dimension
		values []string
	}{
		{surveys.ByCentre, f.Centres}, {surveys.ByRegion, f.Regions}, {surveys.ByDepartment, f.Departments},
		{surveys.ByCategory, f.Categories},
		{surveys.ByChannel, f.Channels}, {surveys.ByGender, f.Genders}, {surveys.ByResidency, f.Residencies},
	} {
		for _, code := range v.values {
			add("frame", string(v.by), code, x.Labels[v.by][code], "")
		}
	}
	if f.Company != nil {
		add("frame", string(surveys.ByCompany), strconv.FormatBool(*f.Company), "", "")
	}
	add("sample", "method", "", "", s.Method)
	add("sample", "by", "", "", dimensions(s.By))
	add("sample", "allocation", "", "", s.Allocation)
	counts(func(_, key, _, _ string, n any) { add("sample", "fixed", key, "", n) }, "", s.Fixed)
	add("sample", "size", "", "", s.Size)
	add("sample", "margin", "", "", s.Margin)
	add("sample", "confidence", "", "", s.Confidence)
	add("sample", "expected_rate", "", "", s.ExpectedRate)
}

func (x *exported) drawn(add adder) {
	d := &x.Methods.Drawn
	add("drawn", "population", "", "", d.Population)
	counts(func(_, key, _, _ string, n any) { add("drawn", "excluded", key, "", n) }, "", d.Excluded)
	add("drawn", "eligible", "", "", d.Eligible)
	add("drawn", "sampled", "", "", d.Sampled)
	for _, s := range d.Strata {
		add("stratum", s.Key, "population", "", s.Population)
		add("stratum", s.Key, "eligible", "", s.Eligible)
		add("stratum", s.Key, "sampled", "", s.Sampled)
	}
	for _, by := range slices.Sorted(maps.Keys(d.Margins)) {
		for _, key := range slices.Sorted(maps.Keys(d.Margins[by])) {
			add("population", string(by), key, x.Labels[by][key], d.Margins[by][key])
		}
	}
	counts(add, "population_cell", d.Cells)
}

func (x *exported) rates(add adder) {
	d, r, w := &x.Dispositions, &x.Rates, &x.Weighting
	for _, v := range []struct {
		section, key string
		value        any
	}{
		{"disposition", "complete", d.Complete}, {"disposition", "partial", d.Partial}, {"disposition", "refused", d.Refused},
		{"disposition", "non_contact", d.NonContact}, {"disposition", "other", d.Other}, {"disposition", "unknown", d.Unknown},
		{"disposition", "open", d.Open}, {"rate", "rr1", r.RR1}, {"rate", "rr2", r.RR2}, {"rate", "rr3", r.RR3},
		{"rate", "rr5", r.RR5}, {"rate", "e", r.E},
		{"weighting", "method", w.Method}, {"weighting", "by", dimensions(w.By)}, {"weighting", "deff", w.Deff},
		{"weighting", "n_eff", w.NEff},
		{"weighting", "iterations", w.Iterations}, {"weighting", "converged", strconv.FormatBool(w.Converged)},
		{"weighting", "problem", w.Problem},
	} {
		add(v.section, v.key, "", "", v.value)
	}
}

// counts adds a line for each key, in their order.
func counts[N int | int64](add adder, section string, by map[string]N) {
	for _, key := range slices.Sorted(maps.Keys(by)) {
		add(section, key, "", "", by[key])
	}
}

func dimensions(by []surveys.Dimension) string {
	words := make([]string, len(by))
	for i, d := range by {
		words[i] = string(d)
	}
	return strings.Join(words, " ")
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
