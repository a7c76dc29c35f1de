// Package manage has the pages for management: how satisfied people are, how many reports come, how promptly they are handled, what became
// of messages, and what rounds of surveys found.
//
// Every figure is the API's, with its interval, its number of answers and its formula; each chart has its table, and both can be taken away
// as files of the API with the same filters. The package computes nothing that the API publishes: it chooses, arranges and writes.
package manage

import (
	"embed"
	"html/template"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/web/page"
)

//go:embed *.html
var files embed.FS

//go:embed words.json
var words []byte

// templates of the pages, each with the parts that they share.
var templates = func() map[string]*template.Template {
	parts, err := files.ReadFile("parts.html")
	if err != nil {
		panic(err)
	}
	all := page.Templates(files, "overview", "print", "wall", "figures", "rounds", "round", "account")
	for _, t := range all {
		template.Must(t.Parse(string(parts)))
	}
	return all
}()

func init() { page.AddWords(words) }

// Mount adds the pages. Managers see what is within their centres and departments, as the API has it.
func Mount(site *page.Site, app *fiber.App) {
	roles := []string{"manager", "admin"}
	for path, show := range map[string]page.Handler{
		"/manage":                overview,
		"/manage/satisfaction":   satisfactionPage,
		"/manage/volumes":        volumesPage,
		"/manage/timeliness":     timelinessPage,
		"/manage/deliveries":     deliveriesPage,
		"/manage/rounds":         roundsPage,
		"/manage/rounds/:id":     roundPage,
		"/manage/accounts/:name": accountPage,
	} {
		site.Handle(app, fiber.MethodGet, path, roles, withinDays(show))
	}
}

// withinDays asks for other days when those that were typed are refused: not everything is counted over any length of time.
func withinDays(show page.Handler) page.Handler {
	return func(v *page.Visit) error {
		err := show(v)
		wrong := page.Refused(err)
		if wrong.In("from") == "" && wrong.In("to") == "" {
			return err
		}
		f, err := filters(v)
		if err != nil {
			return err
		}
		f.Wrong = wrong
		v.Status(wrong.Status)
		return (&shown{Filter: f}).show(v, "figures", v.T("management"))
	}
}

// tab leads to one of the pages.
type tab struct {
	Href, Text string
	Here       bool
}

// tabs keep the filters from page to page.
func tabs(v *page.Visit, f *filter) []tab {
	var all []tab
	for _, x := range [][2]string{{"/manage", "overview"}, {"/manage/satisfaction", "satisfaction"}, {"/manage/volumes", "volumes"},
		{"/manage/timeliness", "timeliness"}, {"/manage/deliveries", "deliveries"}, {"/manage/rounds", "rounds"}} {
		href := x[0]
		if f != nil && x[1] != "rounds" {
			href = f.href(x[0])
		}
		all = append(all, tab{href, v.T("manage_" + x[1]), v.Path() == x[0]})
	}
	return all
}

// shown is what every page of this package shows.
type shown struct {
	Tabs    []tab
	Filter  *filter
	By      []choice // by what the page divides its figures
	Facts   []fact
	Figures []figure
	Notes   []string
	More    any // what only one page has
}

// Headline of the page; nil for none.
func (s *shown) Headline() any {
	if h, ok := s.More.(headline); ok {
		return h
	}
	return nil
}

// TwoChoices are by what two dimensions the page divides its figures; nil for none.
func (s *shown) TwoChoices() [][]choice {
	two, _ := s.More.([][]choice)
	return two
}

// divide offers the dimensions that a page divides its figures by, and gives the one that was asked for; the first, when none was.
func (s *shown) divide(v *page.Visit, offered []string) string {
	by := v.Query("by")
	if !slices.Contains(offered, by) {
		by = offered[0]
	}
	for _, d := range offered {
		s.By = append(s.By, choice{Value: d, Text: v.T("manage_by_" + d), Here: d == by, Href: s.Filter.href(v.Path(), "by", d)})
	}
	return by
}

// fact is one large number with what it is of.
type fact struct{ Label, Value, Note string }

func (s *shown) show(v *page.Visit, name, title string) error {
	s.Tabs = tabs(v, s.Filter)
	return v.Show(templates[name], name, title, s)
}
