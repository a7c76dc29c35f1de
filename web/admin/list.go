package admin

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/balagh/balagh/web/page"
)

// listed is a page of a list of the API.
type listed struct {
	Items []map[string]any `json:"items"`
	Next  string           `json:"next"`
}

// listPage is what the list shows.
type listPage struct {
	Name, New string
	Filters   []input
	Columns   []string
	Rows      []row
	Next      string // address of the page after this one
	Done      string
	Wrong     *page.Problem
	Actions   []string // for each row
	All, Once string   // action for all that the filters leave, and a key that makes it safe to ask again
}

type row struct {
	Href, Action string // its page, and where its actions are
	Cells        []cell
}

type cell struct {
	Text, Tag string // Tag is a class: good, bad, warn
	Number    bool
}

func (r *resource) list(v *page.Visit) error { return r.listWith(v, nil) }

func (r *resource) listWith(v *page.Visit, wrong *page.Problem) error {
	q, filters := url.Values{}, map[string]any{}
	for _, x := range r.filters {
		if s := v.Query(x.name); s != "" {
			q.Set(x.name, typedAs(x, x.value(v, s), v.Now().Location()))
			filters[x.name] = q.Get(x.name)
		}
	}
	if c := v.Query("cursor"); c != "" {
		q.Set("cursor", c)
	}
	var all listed
	err := v.Get(r.path, q, &all)
	if err != nil && page.Refused(err) == nil {
		return err
	}
	if err != nil {
		wrong = page.Refused(err)
	}
	if wrong != nil {
		v.Status(wrong.Status)
	}
	d := draw(v, wrong)
	p := listPage{Name: r.name, Columns: r.columns, Done: done(v), All: r.all, Once: rand.Text(), Wrong: wrong, Filters: d.inputs(r.filters, "", filters)}
	if r.make != "" {
		p.New = "/admin/new/" + r.name
	}
	if r.pageless {
		for _, a := range r.actions {
			p.Actions = append(p.Actions, a.name)
		}
	}
	for _, x := range all.Items {
		p.Rows = append(p.Rows, d.row(r, x))
	}
	if all.Next != "" {
		next := v.Queries()
		next.Set("cursor", all.Next)
		next.Del("done")
		p.Next = "?" + next.Encode()
	}
	return show(v, "list", v.T("res_"+r.name), p)
}

func (d *drawing) row(r *resource, x map[string]any) (one row) {
	key := r.keyIn(x)
	if one.Action = r.page(key); !r.pageless && key != "" {
		one.Href = one.Action
	}
	for _, name := range r.columns {
		one.Cells = append(one.Cells, d.cell(find(r.fields, name), x))
	}
	return one
}

// tags of what is worth seeing at once.
var tags = map[any]string{"failed": "bad", "expired": "bad", "stopped": "bad", "refused": "warn", "begun": "warn", "paused": "warn", "running": "good", "open": "good", "inviting": "good"}

func (d *drawing) cell(x field, value map[string]any) cell {
	y, ok := value[x.name]
	switch z := y.(type) {
	case bool:
		if x.name == "active" {
			return cell{Text: d.T(map[bool]string{true: "adm_in_force", false: "adm_retired"}[z]), Tag: map[bool]string{true: "good", false: "warn"}[z]}
		}
	case float64:
		return cell{Text: d.show(x, y), Number: true}
	case []any:
		if x.kind == rows {
			return cell{Text: d.N(len(z)), Number: true}
		}
	case string:
		return cell{Text: d.show(x, y), Tag: tags[z]}
	}
	if !ok && x.name == "name" {
		return cell{Text: d.titleOf(value)}
	}
	return cell{Text: d.show(x, y)}
}

// act does something with one, or with all that the filters leave.
func (r *resource) act(v *page.Visit) error {
	key, name := r.keyOf(v), v.Param("action")
	i := slices.IndexFunc(r.actions, func(a action) bool { return a.name == name })
	if i < 0 {
		return &page.Problem{Status: http.StatusNotFound, Code: "not_found", Title: v.T("adm_not_there")}
	}
	headers := map[string]string{}
	if once := v.Form("once"); once != "" {
		headers["Idempotency-Key"] = once
	}
	method, to := http.MethodPost, r.at(key)+"/"+name
	if a := r.actions[i]; a.method != "" {
		method, to, headers = a.method, r.at(key), map[string]string{"If-Match": v.Form("tag")}
	}
	_, err := v.Call(method, to, nil, headers, nil, nil)
	if wrong := page.Refused(err); wrong != nil {
		if r.pageless {
			return r.listWith(v, wrong)
		}
		return r.look(v, key, wrong)
	}
	if err != nil {
		return err
	}
	if r.pageless || method == http.MethodDelete {
		return v.Redirect("/admin/" + r.name + "?done=done_" + name)
	}
	return v.Redirect(r.page(key) + "?done=done_" + name)
}

// forAll does what the resource does with all that the filters leave.
func (r *resource) forAll(v *page.Visit) error {
	var body any
	if r.filters != nil {
		body = typedAll(v, r.filters, "")
	}
	var answer map[string]any
	if _, err := v.Call(http.MethodPost, r.path+"/"+r.all, nil, map[string]string{"Idempotency-Key": v.Form("once")}, body, &answer); err != nil {
		if wrong := page.Refused(err); wrong != nil {
			return r.listWith(v, wrong)
		}
		return err
	}
	q := url.Values{"done": {"done_all_" + r.name}}
	for _, x := range answer {
		if n, ok := x.(float64); ok {
			q.Set("n", strconv.Itoa(int(n)))
		}
	}
	return v.Redirect("/admin/" + r.name + "?" + q.Encode())
}

// done is what was done before somebody was led to this page.
func done(v *page.Visit) string {
	word := v.Query("done")
	if !v.Has(word) {
		return ""
	}
	if n, err := strconv.Atoi(v.Query("n")); err == nil {
		return v.T(word, n)
	}
	return v.T(word)
}
