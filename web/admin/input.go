package admin

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/web/page"
)

// input is one field as the form shows it.
type input struct {
	*page.Visit
	ID, Name, Label, Hint, Wrong string
	Kind                         kind
	Value                        string
	On, Optional                 bool
	Lang                         string // of what is typed, where it has one
	Choices                      []option
	Parts                        []input // languages, rows and what rows consist of
	Row                          int     // from 1; of rows
	Open, Focus                  bool
	First, Last                  bool
}

type option struct {
	Value, Text string
	Chosen      bool
}

// drawing makes the inputs of one form, and what values look like.
type drawing struct {
	*page.Visit
	wrong *page.Problem
	told  map[string]bool // fields whose problem stands beside an input
	about string          // rows that a button was about
	codes map[string][]option
}

func draw(v *page.Visit, wrong *page.Problem) *drawing {
	return &drawing{Visit: v, wrong: wrong, told: map[string]bool{}, codes: map[string][]option{}}
}

// inputs of fields with what value has.
func (d *drawing) inputs(fields []field, at string, value map[string]any) (all []input) {
	for _, x := range fields {
		if x.kind != position {
			all = append(all, d.input(x, at+x.name, value[x.name]))
		}
	}
	return all
}

func (d *drawing) input(x field, name string, value any) input {
	in := input{Visit: d.Visit, ID: "f-" + name, Name: name, Kind: x.kind, Label: d.Either("field_"+x.name, x.name), Optional: x.optional}
	if d.Has("hint_" + x.name) {
		in.Hint = d.T("hint_" + x.name)
	}
	switch x.kind {
	case rows:
		in.Wrong = d.wrongAt(name, false)
		d.rows(&in, x, value)
	case group:
		in.Wrong = d.wrongAt(name, false)
		m, _ := value.(map[string]any)
		in.Parts = d.inputs(x.parts, name+".", m)
	case names, texts, messages:
		in.Wrong = d.wrongAt(name, false)
		d.languages(&in, x, value)
	case yes:
		in.On, _ = value.(bool)
		in.Wrong = d.wrongAt(name, true)
	default:
		in.Value = typedAs(x, value, d.Now().Location())
		in.Choices = d.choices(x, value)
		in.Wrong = d.wrongAt(name, true)
		if x.kind == day && in.Value != "" {
			in.Hint = d.bothCalendars(in.Value)
		}
	}
	return in
}

// bothCalendars writes a day in each.
func (d *drawing) bothCalendars(s string) string {
	here, there := d.Format, d.Format
	there.Hijri = !here.Hijri
	return here.Day(s) + " · " + there.Day(s)
}

func (d *drawing) languages(in *input, x field, value any) {
	m, _ := value.(map[string]any)
	for _, lang := range page.Languages {
		name := in.Name + "." + lang
		one := input{Visit: d.Visit, ID: "f-" + name, Name: name, Label: d.T("lang_" + lang), Lang: lang, Kind: map[kind]kind{names: text, texts: long, messages: group}[x.kind]}
		if x.kind == messages {
			of, _ := m[lang].(map[string]any)
			one.Parts = d.inputs(messageParts, name+".", of)
			for i := range one.Parts {
				one.Parts[i].Lang = lang
			}
			one.Wrong = d.wrongAt(name, false)
		} else {
			one.Value, _ = m[lang].(string)
			one.Wrong = d.wrongAt(name, true)
		}
		in.Parts = append(in.Parts, one)
	}
}

func (d *drawing) rows(in *input, x field, value any) {
	all, _ := value.([]any)
	for i, row := range all {
		name := in.Name + "." + strconv.Itoa(i)
		m, _ := row.(map[string]any)
		one := input{Visit: d.Visit, ID: "f-" + name, Name: name, Label: d.titleOf(m), Value: strconv.Itoa(i), Row: i + 1, First: i == 0, Last: i == len(all)-1}
		one.Parts = d.inputs(x.parts, name+".", m)
		one.Focus = d.about == name
		open, _ := m[isOpen].(bool)
		one.Open = open || one.Focus || strings.HasPrefix(d.about, name+".") || d.wrongWithin(name)
		in.Parts = append(in.Parts, one)
	}
	in.Focus = d.about == in.Name
}

// titleOf is what somebody calls a row or one of a list: its name in the language of the page, else a code.
func (d *drawing) titleOf(m map[string]any) string {
	for _, key := range []string{"names", "labels", "label", "title", "texts"} {
		if in, ok := m[key].(map[string]any); ok {
			for _, lang := range append([]string{d.Lang}, page.Languages...) {
				switch s := in[lang].(type) {
				case string:
					return s
				case map[string]any:
					if t, ok := s["title"].(string); ok {
						return t
					}
				}
			}
		}
	}
	for _, key := range []string{"name", "by_name", "email", "code", "key", "date"} {
		if s, ok := m[key].(string); ok {
			return s
		}
	}
	var said []string
	for key, word := range map[string]string{"kind": "msg_", "channel": "via_"} {
		if s, ok := m[key].(string); ok {
			said = append(said, d.Either(word+s, s))
		}
	}
	slices.Sort(said)
	return strings.Join(said, " · ")
}

// wrongAt is what is wrong with the field of a name; where it is one input alone, also with what is within it.
func (d *drawing) wrongAt(name string, alone bool) (message string) {
	if d.wrong == nil {
		return ""
	}
	for _, x := range d.wrong.Fields {
		path := dotted(x.Path)
		if path == name || (alone && strings.HasPrefix(path, name+".")) {
			d.told[x.Path] = true
			if message == "" {
				message = x.Message
			}
		}
	}
	return message
}

func (d *drawing) wrongWithin(name string) bool {
	return d.wrong != nil && slices.ContainsFunc(d.wrong.Fields, func(x page.Field) bool { return strings.HasPrefix(dotted(x.Path)+".", name+".") })
}

func dotted(path string) string { return strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".") }

// untold is what is wrong beside all inputs.
func (d *drawing) untold() (all []page.Field) {
	if d.wrong != nil {
		for _, x := range d.wrong.Fields {
			if !d.told[x.Path] {
				all = append(all, x)
			}
		}
	}
	return all
}

// typedAs is a value as somebody types it.
func typedAs(x field, value any, zone *time.Location) string {
	switch y := value.(type) {
	case nil:
		return ""
	case string:
		if t, err := time.Parse(time.RFC3339, y); err == nil && x.kind == moment {
			return t.In(zone).Format(localMoment)
		}
		return y
	case float64:
		return strconv.FormatFloat(y, 'f', -1, 64)
	case []any:
		if between := map[kind]string{lines: "\n", numbers: ", "}[x.kind]; between != "" {
			var all []string
			for _, z := range y {
				all = append(all, fmt.Sprint(z))
			}
			return strings.Join(all, between)
		}
	}
	b, _ := json.Marshal(value)
	return string(b)
}

// choices of a field, with what is chosen among them even where it is not one of them any more.
func (d *drawing) choices(x field, value any) (all []option) {
	if x.kind == either {
		on, said := value.(bool)
		return []option{{"true", d.T("yes"), said && on}, {"false", d.T("no"), said && !on}}
	}
	if x.kind != choice && x.kind != several {
		return nil
	}
	if x.all {
		all = append(all, option{Value: "*", Text: d.T("all")})
	}
	for _, c := range x.choices {
		all = append(all, option{Value: c, Text: d.showText(x, c)})
	}
	if x.of != "" {
		all = append(all, d.of(x.of)...)
	}
	chosen, ok := value.([]any)
	if !ok && value != nil {
		chosen = []any{value}
	}
	for _, c := range chosen {
		s := fmt.Sprint(c)
		i := slices.IndexFunc(all, func(o option) bool { return o.Value == s })
		if i < 0 {
			i, all = len(all), append(all, option{Value: s, Text: d.showText(field{name: x.name}, s)})
		}
		all[i].Chosen = true
	}
	return all
}

// of are the codes of another resource with their names; none where they cannot be read.
func (d *drawing) of(name string) []option {
	all, ok := d.codes[name]
	if !ok {
		for _, x := range everything(d.Visit, "/v1/admin/"+name, resources[name].paged) {
			o := option{Text: d.titleOf(x)}
			if o.Value, ok = x["code"].(string); !ok {
				o.Value, _ = x["id"].(string)
			}
			if active, ok := x["active"].(bool); ok && !active {
				o.Text += " (" + d.T("adm_retired") + ")"
			}
			all = append(all, o)
		}
		d.codes[name] = all
	}
	return slices.Clone(all)
}

// mostPages of a list are read to choose from it.
const mostPages = 20

// everything in a list of the API; less where it cannot be read.
func everything(v *page.Visit, path string, paged bool) (all []map[string]any) {
	q := url.Values{}
	if paged {
		q.Set("limit", "100")
	}
	for range mostPages {
		var list listed
		if err := v.Get(path, q, &list); err != nil {
			break
		}
		if all = append(all, list.Items...); list.Next == "" {
			break
		}
		q.Set("cursor", list.Next)
	}
	return all
}

// Broad inputs take the whole width of a form.
func (in input) Broad() bool {
	return slices.Contains([]kind{names, texts, messages, rows, group, several, area, raw, lines, long}, in.Kind)
}
