// Package admin has the pages on which administrators keep the organisation. Each resource is described once, in resources.go; one list,
// one form and one set of handlers serve them all, over the operations of the API.
package admin

import (
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/web/page"
)

//go:embed *.html
var files embed.FS

//go:embed words*.json
var words embed.FS

var administrators = []string{"admin"}

// parted gives a page together with the parts that all of them use, and those with something beside the form also with the form.
type parted struct{}

func (parted) ReadFile(name string) ([]byte, error) {
	names := []string{"nav.html", "input.html"}
	if r := resources[strings.TrimSuffix(name, ".html")]; r != nil {
		names = append(names, "form.html")
	} else if name == "form.html" {
		names = append(names, "noaside.html")
	}
	var all []byte
	for _, n := range append(names, name) {
		b, err := files.ReadFile(n)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// templates by the names of pages, set by Mount.
var templates map[string]*template.Template

// contents of a page, beside the ways to the others.
type contents struct {
	Nav  []way
	Page any
}

type way struct {
	Href, Text string
	Here       bool
}

func show(v *page.Visit, name, title string, data any) error {
	c := contents{Page: data}
	for _, name := range sections {
		w := way{"/admin/" + name, v.T("res_" + name), false}
		if name == "" {
			w = way{"/admin", v.T("adm_overview"), v.Path() == "/admin"}
		} else {
			w.Here = v.Path() == w.Href || strings.HasPrefix(v.Path(), w.Href+"/") || v.Path() == "/admin/new/"+name
		}
		c.Nav = append(c.Nav, w)
	}
	return v.Show(templates[name], "admin", title, c)
}

// Mount adds the pages.
func Mount(site *page.Site, app *fiber.App) {
	for _, r := range described {
		r.mount(site, app)
	}
	site.Handle(app, http.MethodGet, "/admin", administrators, overview)
	site.Handle(app, http.MethodPost, "/admin/new/workbook", administrators, takeWorkbook)
	site.Handle(app, http.MethodPost, "/admin/questionnaires/:code/workbook", administrators, takeWorkbook)
}

func (r *resource) mount(site *page.Site, app *fiber.App) {
	list, one := "/admin/"+r.name, "/admin/"+r.name
	for _, k := range r.keys {
		one += "/:" + k
	}
	handle := func(method, route string, do page.Handler) { site.Handle(app, method, route, administrators, do) }
	switch {
	case r.single:
		handle(http.MethodGet, list, r.one)
		handle(http.MethodPost, list, r.save)
		return
	case r.path != "":
		handle(http.MethodGet, list, r.list)
	}
	if r.make != "" {
		handle(http.MethodGet, "/admin/new/"+r.name, r.empty)
		handle(http.MethodPost, "/admin/new/"+r.name, r.save)
	}
	if !r.pageless {
		handle(http.MethodGet, one, r.one)
	}
	if r.change != "" {
		handle(http.MethodPost, one, r.save)
	}
	if r.all != "" {
		handle(http.MethodPost, "/admin/all/"+r.name, r.forAll)
	}
	if r.actions != nil {
		handle(http.MethodPost, one+"/do/:action", r.act)
	}
}

func init() {
	all, err := words.ReadDir(".")
	if err != nil {
		panic(err)
	}
	for _, x := range all {
		b, err := words.ReadFile(x.Name())
		if err != nil {
			panic(err)
		}
		page.AddWords(b)
	}
	described = append(described, surveys...)
	for _, r := range described {
		resources[r.name] = r
	}
	names := []string{"list", "form", "home"}
	for _, r := range described {
		if r.aside != nil {
			names = append(names, r.name)
		}
	}
	templates = page.Templates(parted{}, slices.Compact(names)...)
}
