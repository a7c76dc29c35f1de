package api

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

// variable is a column of responses.csv, as a statistics program knows it.
type variable struct {
	name    string // by the rules of SPSS
	format  string // of SPSS, by which the column is read
	label   form.Text
	values  []valueLabel
	missing []string // codes that are no answer
	cell    func(r *surveys.Microrow) any
}

type valueLabel struct {
	value string
	label form.Text
}

// RoundResponsesCsv gives single answers.
func (s *Server) RoundResponsesCsv(ctx context.Context,
	r gen.RoundResponsesCsvRequestObject) (gen.RoundResponsesCsvResponseObject, error) {
	data, err := s.Programmes.Microdata(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	b, _, err := responses(data)
	return download{name: responsesFile(data, "csv"), media: csvCT, body: marked(b, r.Params.Bom)}, err
}

// responses is the file, with its columns.
func responses(data *surveys.Microdata) ([]byte, []variable, error) {
	var t table
	all := variables(data)
	for _, v := range all {
		t.header = append(t.header, v.name)
	}
	for i := range data.Rows {
		line := make([]any, len(all))
		for j, v := range all {
			line[j] = v.cell(&data.Rows[i])
		}
		t.rows = append(t.rows, line)
	}
	b, err := t.csv()
	return b, all, err
}

func responsesFile(data *surveys.Microdata, kind string) string {
	return data.Round.Programme.Code + "-" + strconv.Itoa(data.Round.Number) + "-responses." + kind
}

// variables are the columns, in the order of the file.
func variables(data *surveys.Microdata) []variable {
	names := spssNames{}
	var all []variable
	for i, by := range data.Dimensions {
		all = append(all, variable{name: names.take(string(by)), format: "A64", label: words[string(by)],
			cell: func(r *surveys.Microrow) any { return r.Known[i] }})
	}
	all = append(all,
		variable{name: names.take("complete"), format: "F1.0", label: words["complete"],
			values: []valueLabel{{"1", yesNo[form.PackedYes]}, {"0", yesNo[form.PackedNo]}},
			cell: func(r *surveys.Microrow) any {
				if r.Complete {
					return 1
				}
				return 0
			}},
		variable{name: names.take("weight"), format: "F12.6", label: words["weight"],
			cell: func(r *surveys.Microrow) any { return r.Weight }})
	for i := range data.Questionnaire.Questions {
		all = append(all, questionVariables(&data.Questionnaire.Questions[i], i, names)...)
	}
	return all
}

// questionVariables are those of one question: several where an answer has several parts, none where it is in words.
func questionVariables(q *form.Question, at int, names spssNames) []variable {
	code := missingCodes(q)
	one := func(name string, label form.Text, values []valueLabel, of func(packed string) any) variable {
		v := variable{name: names.take(name), format: "F8.0", label: label, values: values}
		if q.DontKnow {
			v.values, v.missing = append(v.values, valueLabel{code.unknown, words["dont_know"]}), append(v.missing, code.unknown)
		}
		if q.ShowIf != nil {
			v.values, v.missing = append(v.values, valueLabel{code.hidden, words["not_asked"]}), append(v.missing, code.hidden)
		}
		v.cell = func(r *surveys.Microrow) any {
			switch packed := r.Answers[at]; packed {
			case form.PackedSkipped:
				return ""
			case form.PackedHidden:
				return number(code.hidden)
			case form.PackedDontKnow:
				return number(code.unknown)
			default:
				return of(packed)
			}
		}
		return v
	}
	switch q.Type {
	case form.Words:
		return nil
	case form.Date:
		v := one(q.Code, q.Label, nil, func(packed string) any { return packed })
		asked := v.cell
		v.format, v.values, v.missing = "SDATE10", nil, nil
		v.cell = func(r *surveys.Microrow) any {
			if day, ok := asked(r).(string); ok {
				return day
			}
			return ""
		}
		return []variable{v}
	case form.YesNo:
		return []variable{one(q.Code, q.Label, []valueLabel{{"1", yesNo[form.PackedYes]}, {"0", yesNo[form.PackedNo]}},
			func(packed string) any {
				return map[string]any{form.PackedYes: 1, form.PackedNo: 0}[packed]
			})}
	case form.Choice:
		return []variable{one(q.Code, q.Label, optionValues(q.Options), func(packed string) any { return place(q.Options, packed) })}
	case form.Choices, form.Ranking, form.Matrix:
		return partVariables(q, one)
	case form.Number:
		v := one(q.Code, q.Label, nil, func(packed string) any { return number(packed) })
		v.format = "F16.4"
		return []variable{v}
	}
	return []variable{one(q.Code, q.Label, levelValues(q.Options), func(packed string) any { return number(packed) })}
}

// partVariables are one for each option or row: chosen or not, the rank, or the level.
func partVariables(q *form.Question, one func(string, form.Text, []valueLabel, func(string) any) variable) []variable {
	parts, values := q.Options, []valueLabel{{"1", yesNo[form.PackedYes]}, {"0", yesNo[form.PackedNo]}}
	switch q.Type {
	case form.Matrix:
		parts, values = q.Rows, levelValues(q.Options)
	case form.Ranking:
		values = nil
	}
	var all []variable
	for i, part := range parts {
		label := form.Text{}
		for _, language := range form.Languages {
			label[language] = q.Label.In(language) + " – " + part.Label.In(language)
		}
		all = append(all, one(q.Code+"_"+part.Code, label, values[:len(values):len(values)], func(packed string) any {
			answers := strings.Split(packed, ",")
			switch q.Type {
			case form.Matrix:
				if i < len(answers) && answers[i] != "" {
					return number(answers[i])
				}
				return ""
			case form.Ranking:
				for rank, code := range answers {
					if code == part.Code {
						return rank + 1
					}
				}
				return ""
			}
			for _, code := range answers {
				if code == part.Code {
					return 1
				}
			}
			return 0
		}))
	}
	return all
}

func optionValues(options []form.Option) []valueLabel {
	all := make([]valueLabel, len(options))
	for i, o := range options {
		all[i] = valueLabel{strconv.Itoa(i + 1), o.Label}
	}
	return all
}

// levelValues are the labels of levels: their codes are the levels.
func levelValues(options []form.Option) []valueLabel {
	all := make([]valueLabel, len(options))
	for i, o := range options {
		all[i] = valueLabel{o.Code, o.Label}
	}
	return all
}

// place of an option, from 1; "" for one that there is not.
func place(options []form.Option, code string) any {
	for i, o := range options {
		if o.Code == code {
			return i + 1
		}
	}
	return ""
}

// number is a whole number as one, any other with its decimals.
func number(s string) any {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return ""
	}
	return f
}

// noAnswer are the codes that stand for no answer.
type noAnswer struct{ unknown, hidden string }

// missingCodes are 99 and 98, or more nines where an answer can be that large.
func missingCodes(q *form.Question) noAnswer {
	greatest := float64(len(q.Options))
	if q.Type == form.Number {
		greatest = 1e8
		if q.Max != nil && q.Min != nil {
			greatest = math.Max(math.Abs(*q.Max), math.Abs(*q.Min))
		}
	}
	code := 99
	for float64(code-1) <= greatest && code < 1e15 {
		code = 10*code + 9
	}
	return noAnswer{strconv.Itoa(code), strconv.Itoa(code - 1)}
}
