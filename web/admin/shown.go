package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leaf is one value at the end of a path, as it is shown.
type leaf struct{ path, label, text string }

// difference is a field in which two differ, with what differs within it.
type difference struct {
	Field, Label string
	Parts        []part
}

// part of a field: what it is called within it, and what the two have; "—" for nothing.
type part struct{ Label, One, Other string }

// differences between two, field by field in the order of fields, others after them.
func (d *drawing) differences(fields []field, one, other map[string]any) (all []difference) {
	for _, name := range inOrder(fields, one, other) {
		if same(one[name], other[name]) {
			continue
		}
		x := find(fields, name)
		all = append(all, difference{Field: name, Label: d.Either("field_"+name, name),
			Parts: d.parts(d.leaves(x, "", "", one[name]), d.leaves(x, "", "", other[name]))})
	}
	return all
}

// parts pairs the leaves of two that differ.
func (d *drawing) parts(one, other []leaf) (all []part) {
	has := map[string]leaf{}
	for _, x := range other {
		has[x.path] = x
	}
	for _, x := range one {
		y, ok := has[x.path]
		if delete(has, x.path); !ok {
			y.text = "—"
		}
		if x.text != y.text {
			all = append(all, part{x.label, x.text, y.text})
		}
	}
	for _, y := range other {
		if _, ok := has[y.path]; ok {
			all = append(all, part{y.label, "—", y.text})
		}
	}
	return all
}

// facts are what one has, for pages that change nothing.
func (d *drawing) facts(fields []field, value map[string]any) (all []difference) {
	for _, name := range inOrder(fields, value) {
		x := difference{Field: name, Label: d.Either("field_"+name, name)}
		for _, l := range d.leaves(find(fields, name), "", "", value[name]) {
			x.Parts = append(x.Parts, part{Label: l.label, One: l.text})
		}
		if len(x.Parts) > 0 {
			all = append(all, x)
		}
	}
	return all
}

func inOrder(fields []field, values ...map[string]any) (all []string) {
	for _, x := range fields {
		all = append(all, x.name)
	}
	for _, value := range values {
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// leaves of a value: lists of objects and objects are gone into, what means nothing has none.
func (d *drawing) leaves(x field, path, label string, value any) []leaf {
	if b, ok := value.(bool); ok {
		return []leaf{{path, label, d.show(x, b)}}
	}
	switch y := bare(value).(type) {
	case nil:
		return nil
	case map[string]any:
		if geometry(y) || x.kind == named {
			break
		}
		var all []leaf
		for _, name := range inOrder(x.parts, y) {
			z := find(x.parts, name)
			if x.kind == messages {
				z.kind, z.parts = group, messageParts
			}
			all = append(all, d.leaves(z, path+"."+name, within(label, d.keyWord(name)), y[name])...)
		}
		return all
	case []any:
		if _, ok := y[0].(map[string]any); !ok {
			break
		}
		var all []leaf
		for i, z := range y {
			all = append(all, d.leaves(field{kind: group, parts: x.parts}, path+"."+strconv.Itoa(i), within(label, d.N(i+1)), z)...)
		}
		return all
	}
	return []leaf{{path, label, d.show(x, value)}}
}

// keyWord is what a name within a value is called; in many it is a language.
func (d *drawing) keyWord(name string) string {
	return d.Either("lang_"+name, d.Either("field_"+name, name))
}

func within(label, more string) string {
	if label == "" {
		return more
	}
	return label + " › " + more
}

func geometry(m map[string]any) bool { return m["coordinates"] != nil && m["type"] != nil }

// show writes a value for people; "—" for nothing.
func (d *drawing) show(x field, value any) string {
	if x.kind == secret && value != nil { // it is on no page
		return "••••••"
	}
	switch y := value.(type) {
	case nil:
		return "—"
	case bool:
		return d.T(map[bool]string{true: "yes", false: "no"}[y])
	case float64:
		if y == float64(int64(y)) {
			return d.N(y)
		}
		return d.In(strconv.FormatFloat(y, 'f', -1, 64))
	case string:
		return d.showText(x, y)
	case []any:
		var all []string
		for _, z := range y {
			all = append(all, d.show(x, z))
		}
		if len(all) == 0 {
			return "—"
		}
		return strings.Join(all, d.T("comma"))
	case map[string]any:
		if geometry(y) {
			return d.T("adm_area_of", pointsOf(y["coordinates"]))
		}
		if title := d.titleOf(y); title != "" {
			return title
		}
		b, _ := json.Marshal(y)
		return string(b)
	}
	return fmt.Sprint(value)
}

func (d *drawing) showText(x field, s string) string {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return d.Moment(t)
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return d.Day(s)
	}
	if s == "*" {
		return d.T("all")
	}
	if x.name == "path" {
		return d.place(s)
	}
	if x.word != "" {
		return d.Either(x.word+s, s)
	}
	if x.of != "" {
		for _, o := range d.of(x.of) {
			if o.Value == s {
				return o.Text
			}
		}
	}
	return s
}

// pointsOf coordinates at any depth.
func pointsOf(x any) (n int) {
	all, _ := x.([]any)
	if len(all) > 0 {
		if _, ok := all[0].(float64); ok {
			return 1
		}
	}
	for _, y := range all {
		n += pointsOf(y)
	}
	return n
}

// place is what a path of the API is about.
func (d *drawing) place(path string) string {
	r, key := resourceAt(path)
	if r == nil {
		return path
	}
	if key == "" {
		return d.T("res_" + r.name)
	}
	return d.T("res_"+r.name) + ": " + key
}
