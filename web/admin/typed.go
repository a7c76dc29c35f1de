package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balagh/balagh/hijri"
	"github.com/balagh/balagh/web/page"
)

// What is typed becomes the JSON that the API takes. What does not fit, such as letters for a number, goes there as it was typed: the API
// says what is wrong with it, and the form shows it again.

// typedAll reads fields of a form; at is where they are in it, with a point at its end, "" at the top.
func typedAll(v *page.Visit, fields []field, at string) map[string]any {
	m := map[string]any{}
	for _, x := range fields {
		if y := typed(v, x, at+x.name); y != nil {
			m[x.name] = y
		}
	}
	return m
}

// isOpen marks a row that somebody looks into while rows are moved: the mark moves with it, and is never sent.
const isOpen = "(open)"

// typed reads one; nil for nothing.
func typed(v *page.Visit, x field, at string) any {
	s := v.Form(at)
	switch x.kind {
	case yes:
		return s != ""
	case names, texts, messages:
		return inLanguages(v, x, at)
	case lines:
		all := []any{}
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
		return x.someOf(all)
	case numbers:
		all := []any{}
		for _, y := range strings.FieldsFunc(page.Digits(s), func(r rune) bool { return strings.ContainsRune(" ,،;\n\r\t", r) }) {
			all = append(all, numberOf(y))
		}
		return x.someOf(all)
	case several:
		all := []any{}
		for _, y := range v.Forms(at) {
			if y = strings.TrimSpace(y); y != "" {
				all = append(all, y)
			}
		}
		return x.someOf(all)
	case rows:
		all := []any{}
		for _, i := range v.Forms(at) {
			row := typedAll(v, x.parts, at+"."+i+".")
			if v.Form("do") != "look" && slices.Contains(v.Forms("open"), at+"."+i) {
				row[isOpen] = true
			}
			all = append(all, row)
		}
		return numbered(x, all)
	case group:
		if m := typedAll(v, x.parts, at+"."); bare(m) != nil || !x.optional {
			return m
		}
		return nil
	case position:
		return nil
	case either:
		if on, err := strconv.ParseBool(s); err == nil {
			return on
		}
		return nil
	}
	if s == "" {
		return nil
	}
	return x.value(v, s)
}

// someOf is a list; nothing where it is empty and need not be there.
func (x field) someOf(all []any) any {
	if len(all) == 0 && x.optional {
		return nil
	}
	return all
}

// value is what one text means.
func (x field) value(v *page.Visit, s string) any {
	switch x.kind {
	case secret:
		return s
	case number:
		return numberOf(s)
	case day:
		return dayOf(s)
	case moment:
		return momentOf(s, v.Now().Location())
	case area:
		return geometryOf(jsonOr(s))
	case raw:
		return jsonOr(s)
	case code:
		return page.Digits(s)
	}
	return s
}

func inLanguages(v *page.Visit, x field, at string) any {
	m := map[string]any{}
	for _, lang := range page.Languages {
		at := at + "." + lang
		if x.kind == messages {
			m[lang] = typedAll(v, messageParts, at+".")
		} else if s := v.Form(at); s != "" {
			m[lang] = s
		}
	}
	if x.optional && bare(m) == nil {
		return nil
	}
	return m
}

// messageParts are those of what is sent in one language.
var messageParts = []field{may(f("title", text)), f("body", long)}

// numbered gives the rows their positions.
func numbered(x field, all []any) []any {
	for _, part := range x.parts {
		if part.kind != position {
			continue
		}
		for i, row := range all {
			if m, ok := row.(map[string]any); ok {
				m[part.name] = float64(i + 1)
			}
		}
	}
	return all
}

// ordered are rows by their positions, each with what its parts know.
func ordered(x field, all []any) []any {
	out := make([]any, 0, len(all))
	for _, row := range all {
		m, _ := row.(map[string]any)
		out = append(out, known(x.parts, m))
	}
	for _, part := range x.parts {
		if part.kind == position {
			slices.SortStableFunc(out, func(a, b any) int {
				x, _ := a.(map[string]any)[part.name].(float64)
				y, _ := b.(map[string]any)[part.name].(float64)
				return cmp.Compare(x, y)
			})
		}
	}
	return numbered(x, out)
}

var plainNumbers = strings.NewReplacer("٬", "", ",", "", "٫", ".", "−", "-")

func numberOf(s string) any {
	if n, err := strconv.ParseFloat(plainNumbers.Replace(page.Digits(s)), 64); err == nil && n == n && n-n == 0 { // neither NaN nor infinite
		return n
	}
	return s
}

// dayOf reads 2026-09-23, or a day of Umm al-Qura such as 1448-04-12.
func dayOf(s string) string {
	s = strings.ReplaceAll(page.Digits(s), "/", "-")
	var d hijri.Date
	if n, err := fmt.Sscanf(s, "%d-%d-%d", &d.Year, &d.Month, &d.Day); n != 3 || err != nil || d.Year > 1900 {
		return s
	}
	if !hijri.Known(d.Year) || d.Month < 1 || d.Month > 12 || d.Day < 1 || d.Day > hijri.MonthLength(d.Year, d.Month) {
		return strings.ReplaceAll(s, "-", "/") // no such day: the API refuses it, and takes it for no day of that Gregorian year
	}
	year, month, day := d.ToGregorian()
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
}

// localMoment is how a browser's field of a day and a time has it.
const localMoment = "2006-01-02T15:04"

func momentOf(s string, zone *time.Location) string {
	if t, err := time.ParseInLocation(localMoment, page.Digits(s), zone); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return s
}

// jsonOr is what s is as JSON, s itself where it is none.
func jsonOr(s string) any {
	var x any
	if json.Unmarshal([]byte(s), &x) != nil {
		return s
	}
	return x
}

// geometryOf is the area in GeoJSON of any form: programmes for maps write features, and collections of them.
func geometryOf(x any) any {
	m, ok := x.(map[string]any)
	if !ok {
		return x
	}
	switch m["type"] {
	case "Feature":
		return geometryOf(m["geometry"])
	case "FeatureCollection", "GeometryCollection":
		all, _ := cmp.Or(m["features"], m["geometries"]).([]any)
		if len(all) == 1 {
			return geometryOf(all[0])
		}
		return joined(all)
	}
	return map[string]any{"type": m["type"], "coordinates": m["coordinates"]}
}

// joined makes one area of several.
func joined(all []any) any {
	polygons := []any{}
	for _, x := range all {
		m, _ := geometryOf(x).(map[string]any)
		at, _ := m["coordinates"].([]any)
		switch m["type"] {
		case "Polygon":
			polygons = append(polygons, at)
		case "MultiPolygon":
			polygons = append(polygons, at...)
		}
	}
	return map[string]any{"type": "MultiPolygon", "coordinates": polygons}
}

// edit changes the rows at a path of names and numbers within value.
func edit(value any, path []string, do func(rows []any) []any) any {
	if len(path) == 0 {
		all, _ := value.([]any)
		return do(all)
	}
	switch x := value.(type) {
	case nil:
		return edit(map[string]any{}, path, do)
	case map[string]any:
		x[path[0]] = edit(x[path[0]], path[1:], do)
	case []any:
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(x) {
			x[i] = edit(x[i], path[1:], do)
		}
	}
	return value
}

// rearrange does what a button beside rows says, and tells which row it was about: add:attributes, remove:attributes.2, up:… and down:….
func rearrange(value map[string]any, act, at string) (about string) {
	path := strings.Split(at, ".")
	if act == "add" {
		edit(value, path, func(all []any) []any {
			about = at + "." + strconv.Itoa(len(all))
			return append(all, map[string]any{})
		})
		return about
	}
	last := len(path) - 1
	i, err := strconv.Atoi(path[last])
	if err != nil {
		return ""
	}
	edit(value, path[:last], func(all []any) []any {
		to := i + map[string]int{"up": -1, "down": 1}[act]
		about = strings.Join(path[:last], ".")
		if i < 0 || i >= len(all) || to < 0 || to >= len(all) {
			return all
		}
		if act == "remove" {
			return slices.Delete(all, i, i+1)
		}
		all[i], all[to] = all[to], all[i]
		about += "." + strconv.Itoa(to)
		return all
	})
	return about
}
