package admin

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/balagh/balagh/web/page"
)

// resource is something that administrators keep: a list, and a form for each one, over operations of the API. Its words are res_<name> for
// all of them, and hint_<name> where there is something to say; those of its fields are field_<name>.
type resource struct {
	name     string
	path     string   // of the list in the API, "" where there is none; each one is at item/<keys>
	item     string   // the same unless said
	parent   string   // resource to whose list it belongs, where it has none of its own
	single   bool     // there is one alone, without a list
	paged    bool     // the list comes in pages
	keys     []string // fields that find one
	in       string   // field of the answer that has it, beside others that aside shows; "" for the answer itself
	heading  string   // field that is the heading of its page, where a name is not
	columns  []string
	filters  []field
	fields   []field
	make     string // method that makes one, "" where none is made by hand: PUT at its code, POST at the list
	change   string // method that changes one, "" for what stays as it was made: PUT all of it, PATCH what differs
	confirms bool   // takes warnings that were read
	versions bool   // keeps them: an old one can be taken into the form
	pageless bool   // has a list alone
	actions  []action
	all      string                      // action for all that the filters leave, by POST at path/<all>
	aside    func(s *sheet) (any, error) // what is shown beside the form, by the template "aside" of the file <name>.html
}

// action does something with one by POST at item/<keys>/<name>, or by another method at item/<keys>. Its words are do_<name> and sure_<name>.
type action struct {
	name   string
	method string
	when   func(value map[string]any) bool
	danger bool
}

// kind says how a field is typed.
type kind string

const (
	text     kind = "text"
	code     kind = "code" // text from left to right
	long     kind = "long" // text of several lines
	secret   kind = "secret"
	number   kind = "number"
	day      kind = "day"      // of either calendar
	moment   kind = "moment"   // day and time where the organisation is
	yes      kind = "yes"      // or no
	either   kind = "either"   // yes, no, or nothing said
	numbers  kind = "numbers"  // several
	named    kind = "named"    // somebody or something that is only shown, by its name
	names    kind = "names"    // a text in each language
	texts    kind = "texts"    // the same with lines
	messages kind = "messages" // title and body in each language
	lines    kind = "lines"    // several texts, one a line
	choice   kind = "choice"
	several  kind = "several"  // choices
	rows     kind = "rows"     // objects in an order
	group    kind = "group"    // one object; none where all of it is empty
	position kind = "position" // number of a row, from 1; nobody types it
	area     kind = "area"     // GeoJSON
	raw      kind = "raw"      // JSON
)

// field is one value of a resource.
type field struct {
	name     string
	kind     kind
	optional bool
	choices  []string // that the contract names; what they are called is word + choice
	word     string
	of       string // resource whose codes are the choices
	all      bool   // * for all of them is a choice
	parts    []field
	only     string // "make" or "change": not in the other; "show": in no form
}

func f(name string, k kind) field { return field{name: name, kind: k} }

func may(x field) field { x.optional = true; return x }

func when(only string, x field) field { x.only = only; return x }

func pick(name, word string, choices ...string) field {
	return field{name: name, kind: choice, word: word, choices: choices}
}

func codeOf(name, resource string) field { return field{name: name, kind: choice, of: resource} }

// many makes a choice one of several.
func many(x field) field { x.kind = several; return x }

func orAll(x field) field { x.all = true; return x }

func rowsOf(name string, parts ...field) field { return field{name: name, kind: rows, parts: parts} }

func groupOf(name string, parts ...field) field { return field{name: name, kind: group, parts: parts} }

func shown(x field) field { x.only = "show"; return x }

// find a field by its name; one that nothing is known of for others.
func find(all []field, name string) field {
	for _, x := range all {
		if x.name == name {
			return x
		}
	}
	return field{name: name}
}

// asked are the fields of the form that makes one, or changes one.
func (r *resource) asked(making bool) (all []field) {
	for _, x := range r.fields {
		if x.only == "" || (x.only == "make") == making {
			all = append(all, x)
		}
	}
	return all
}

// keyOf is what finds one, of the parts of the address; "" for one that is not there yet.
func (r *resource) keyOf(v *page.Visit) string {
	var parts []string
	for _, k := range r.keys {
		if x := v.Param(k); x != "" {
			parts = append(parts, url.PathEscape(x))
		}
	}
	return strings.Join(parts, "/")
}

// keyIn is what finds the one that value is; "" where it has no page.
func (r *resource) keyIn(value map[string]any) string {
	var parts []string
	for _, k := range r.keys {
		s, _ := value[k].(string)
		if s == "" {
			return ""
		}
		parts = append(parts, url.PathEscape(s))
	}
	return strings.Join(parts, "/")
}

// at is where one is in the API.
func (r *resource) at(key string) string {
	if r.single {
		return r.path
	}
	if r.item != "" {
		return r.item + "/" + key
	}
	return r.path + "/" + key
}

// page is where one is on this site.
func (r *resource) page(key string) string {
	if r.single {
		return "/admin/" + r.name
	}
	return "/admin/" + r.name + "/" + key
}

// read gives one, the whole answer, and its ETag.
func (r *resource) read(v *page.Visit, key string) (value, answer map[string]any, tag string, err error) {
	a, err := v.Call("GET", r.at(key), nil, nil, nil, &answer)
	if err != nil {
		return nil, nil, "", err
	}
	value = answer
	if r.in != "" {
		value, _ = answer[r.in].(map[string]any)
	}
	return value, answer, a.ETag, nil
}

// known is the part of value that fields describe, each list of rows in its order.
func known(fields []field, value map[string]any) map[string]any {
	part := map[string]any{}
	for _, x := range fields {
		switch y := value[x.name].(type) {
		case nil:
		case map[string]any:
			if part[x.name] = y; x.kind == group {
				part[x.name] = known(x.parts, y)
			}
		case []any:
			if part[x.name] = y; x.kind == rows {
				part[x.name] = ordered(x, y)
			}
		default:
			part[x.name] = y
		}
	}
	return part
}

// same says whether two values mean the same: what is absent means no, and nothing.
func same(a, b any) bool {
	x, _ := json.Marshal(bare(a)) // keys in order
	y, _ := json.Marshal(bare(b))
	return string(x) == string(y)
}

// bare leaves out what means nothing.
func bare(value any) any {
	switch x := value.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, y := range x {
			if y = bare(y); y != nil {
				m[k] = y
			}
		}
		if len(m) == 0 {
			return nil
		}
		return m
	case []any:
		var all []any
		for _, y := range x {
			all = append(all, bare(y))
		}
		if len(all) == 0 {
			return nil
		}
		return all
	case bool:
		if !x {
			return nil
		}
	case string:
		if x == "" {
			return nil
		}
	}
	return value
}

// resourceAt is the resource whose operations are at a path of the API, and the rest of it; nil for none.
func resourceAt(path string) (*resource, string) {
	for _, r := range resources {
		at := r.item
		if at == "" {
			at = r.path
		}
		if path == at || path == r.path {
			return r, ""
		}
		if key, ok := strings.CutPrefix(path, at+"/"); ok {
			return r, key
		}
	}
	return nil, ""
}
