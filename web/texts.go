package web

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys/form"
)

//go:embed survey.json
var textsJSON []byte

// texts of the page, by language.
var texts = func() map[string]map[string]string {
	var all map[string]map[string]string
	if err := json.Unmarshal(textsJSON, &all); err != nil {
		panic("web/survey.json: " + err.Error())
	}
	return all
}()

// digits writes a number as people of a language do.
func digits(lang, s string) string {
	zero := map[string]rune{"ar": '٠', "ur": '۰'}[lang]
	if zero == 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return zero + r - '0'
		case r == '.':
			return '٫'
		}
		return r
	}, s)
}

// sentence says what is wrong with an answer, and what to do.
func (p *paper) sentence(x problem) string {
	t := texts[p.lang]
	number := func(n *float64) string { return digits(p.lang, strconv.FormatFloat(*n, 'f', -1, 64)) }
	q := x.question
	switch {
	case x.reason == fault.Required && x.row != "":
		return t["row_required"]
	case x.reason == fault.Required:
		return t["required"]
	case q.Type == form.Ranking:
		return t["places"]
	case q.Type == form.Date:
		return t["date"]
	case q.Type == form.Words && x.reason == fault.TooLong:
		most := q.MaxLength
		if most == 0 {
			most = form.MaxLength
		}
		return strings.ReplaceAll(t["too_long"], "{n}", digits(p.lang, strconv.Itoa(most)))
	case q.Type == form.Number && q.Min != nil && q.Max != nil:
		return strings.NewReplacer("{min}", number(q.Min), "{max}", number(q.Max)).Replace(t["between"])
	case q.Type == form.Number && x.reason == fault.OutOfRange && q.Min != nil:
		return strings.ReplaceAll(t["at_least"], "{min}", number(q.Min))
	case q.Type == form.Number && x.reason == fault.OutOfRange && q.Max != nil:
		return strings.ReplaceAll(t["at_most"], "{max}", number(q.Max))
	case q.Type == form.Number:
		return t["number"]
	}
	return t["wrong"]
}
