package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/surveys"
)

// Limits of SPSS, in bytes. A line of syntax has at most 256.
const (
	spssName  = 64
	spssLabel = 200 // of a variable; 255 would make a line too long
	spssValue = 120 // of a value
)

// RoundResponsesSps is the SPSS syntax that reads responses.csv.
func (s *Server) RoundResponsesSps(ctx context.Context,
	r gen.RoundResponsesSpsRequestObject) (gen.RoundResponsesSpsResponseObject, error) {
	data, err := s.Programmes.Microdata(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	all := variables(data)
	for i, by := range data.Dimensions {
		if all[i].values, err = s.groupValues(ctx, by, data.Rows, i); err != nil {
			return nil, err
		}
	}
	return download{name: responsesFile(data, "sps"), media: textCT, body: syntax(data, all, languageOf(ctx))}, nil
}

// groupValues are the names of the groups that are told, by their codes.
func (s *Server) groupValues(ctx context.Context, by surveys.Dimension, rows []surveys.Microrow, at int) ([]valueLabel, error) {
	told := map[string]bool{}
	for i := range rows {
		told[rows[i].Known[at]] = true
	}
	delete(told, "")
	var all []valueLabel
	for code := range told {
		name, err := s.groupName(ctx, by, code)
		if err != nil {
			return nil, err
		}
		all = append(all, valueLabel{code, map[string]string{languageOf(ctx): name}})
	}
	slices.SortFunc(all, func(x, y valueLabel) int { return strings.Compare(x.value, y.value) })
	return all, nil
}

// syntax reads the file with the same name in the folder from which it is run.
func syntax(data *surveys.Microdata, all []variable, language string) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("* Encoding: UTF-8.")
	line("* Round %d of %s, published %s.", data.Round.Number, data.Round.Programme.Code, moment(data.Round.Published))
	line("* What fewer than %d respondents share is left out; weight is the mean of those who cannot be told apart.", surveys.MinCell)
	line("GET DATA")
	line("  /TYPE=TXT")
	line("  /FILE='%s'", responsesFile(data, "csv"))
	line("  /ENCODING='UTF8'")
	line("  /ARRANGEMENT=DELIMITED")
	line("  /FIRSTCASE=2")
	line("  /DELIMITERS=\",\"")
	line("  /QUALIFIER='\"'")
	line("  /VARIABLES=")
	for i, v := range all {
		line("    %s %s%s", v.name, v.format, end(i == len(all)-1))
	}
	line("VARIABLE LABELS")
	for i, v := range all {
		line("  %s%s", [2]string{"/", ""}[b2i(i == 0)], v.name)
		line("  %s%s", spssText(v.label.In(language), spssLabel), end(i == len(all)-1))
	}
	for _, v := range all {
		if len(v.values) == 0 {
			continue
		}
		line("VALUE LABELS %s", v.name)
		for i, x := range v.values {
			value := x.value
			if strings.HasPrefix(v.format, "A") {
				value = spssText(value, spssName)
			}
			line("  %s %s%s", value, spssText(x.label[language], spssValue), end(i == len(v.values)-1))
		}
	}
	for _, v := range all {
		if len(v.missing) > 0 {
			line("MISSING VALUES %s (%s).", v.name, strings.Join(v.missing, ", "))
		}
	}
	if data.Weighting.Deff != nil {
		line("WEIGHT BY weight.")
	}
	line("EXECUTE.")
	return []byte(b.String())
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func end(last bool) string {
	if last {
		return "."
	}
	return ""
}

// spssText is a text in quotes, on one line and not too long.
func spssText(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// spssNames are those that are taken. SPSS does not tell capitals from small letters, and keeps some words for itself.
type spssNames map[string]bool

var spssWords = []string{"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}

// take gives a name that is free, as near to the wanted one as can be.
func (taken spssNames) take(name string) string {
	for n := 1; ; n++ {
		free, suffix := name, ""
		if n > 1 || slices.Contains(spssWords, name) {
			suffix = fmt.Sprintf("_%d", n)
		}
		free = free[:min(len(free), spssName-len(suffix))] + suffix
		if !taken[free] {
			taken[free] = true
			return free
		}
	}
}
