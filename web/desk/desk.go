// Package desk has the pages on which clerks, officers and supervisors work: the queue, a report, and the registration of what somebody called
// for. Like every page it is a client of the API, and knows the contract alone.
package desk

import (
	"embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/web/page"
)

//go:embed *.html words.json
var files embed.FS

var templates = page.Templates(files, "queue", "report", "new", "receipt")

func init() {
	words, err := files.ReadFile("words.json")
	if err != nil {
		panic(err)
	}
	page.AddWords(words)
}

// Roles: everybody of the staff reads, and these work.
var workers = []string{string(gen.RoleClerk), string(gen.RoleOfficer), string(gen.RoleSupervisor)}

// Mount adds the pages.
func Mount(site *page.Site, app *fiber.App) {
	site.Handle(app, http.MethodGet, "/desk", nil, showQueue)
	site.Handle(app, http.MethodPost, "/desk/filters", nil, keepFilter)
	site.Handle(app, http.MethodGet, "/desk/reports/:id", nil, showReport)
	site.Handle(app, http.MethodGet, "/desk/reports/:id/receipt", nil, showReceipt)
	site.Handle(app, http.MethodGet, "/desk/new", workers, newCall)
	site.Handle(app, http.MethodPost, "/desk/new", workers, register)
	site.Handle(app, http.MethodGet, "/desk/new/caller", workers, showCaller)
	site.Handle(app, http.MethodGet, "/desk/new/near", workers, showNear)
	for form, act := range acts {
		site.Handle(app, http.MethodPost, "/desk/reports/:id/"+form, workers, func(v *page.Visit) error { return do(v, form, act) })
	}
}

// office is what the desk chooses from, in the language of who asks.
type office struct {
	Categories  []gen.Category
	Centres     []gen.Centre
	Departments []gen.Department
}

func readOffice(v *page.Visit) (*office, error) {
	var (
		categories  gen.CategoryList
		centres     gen.CentreList
		departments gen.DepartmentList
	)
	for path, into := range map[string]any{"categories": &categories, "centres": &centres, "departments": &departments} {
		if err := v.Get("/v1/admin/"+path, nil, into); err != nil {
			return nil, err
		}
	}
	return &office{categories.Items, centres.Items, departments.Items}, nil
}

// category with a code; nil for none.
func (o *office) category(code string) *gen.Category {
	for i := range o.Categories {
		if o.Categories[i].Code == code {
			return &o.Categories[i]
		}
	}
	return nil
}

// count writes a number of minutes, hours or days, in the form that the number asks for: Arabic has five.
func count(v *page.Visit, unit string, n int) string {
	form := "other"
	switch {
	case n == 1:
		form = "one"
	case n == 2:
		form = "two"
	case n%100 >= 3 && n%100 <= 10:
		form = "few"
	case n%100 >= 11:
		form = "many"
	}
	return strings.Replace(v.T("desk_"+unit+"_"+form), "%d", v.N(n), 1)
}

// span writes how long something takes, to the unit that matters.
func span(v *page.Visit, d time.Duration) string {
	switch {
	case d < time.Hour:
		return count(v, "minute", int(d/time.Minute))
	case d < 48*time.Hour:
		return count(v, "hour", int(d/time.Hour))
	}
	return count(v, "day", int(d/(24*time.Hour)))
}

// clock writes seconds as minutes and seconds, as a stopwatch does.
func clock(seconds int) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

// late says how far a deadline is away, or how late it is; "" for none.
func late(v *page.Visit, deadline *time.Time) string {
	if deadline == nil {
		return ""
	}
	if d := v.Now().Sub(*deadline); d > 0 {
		return v.T("desk_late", span(v, d))
	}
	return v.T("desk_left", span(v, deadline.Sub(v.Now())))
}

// until is the last moment before a deadline: what ends with a day is due on that day, and not on the next.
func until(deadline time.Time) time.Time { return deadline.Add(-time.Second) }

// where a place is, in words if there are any.
func where(v *page.Visit, p *gen.Place) string {
	switch {
	case p == nil:
		return "—"
	case p.Address != nil && *p.Address != "":
		return *p.Address
	}
	return coordinates(p.Latitude, p.Longitude)
}

// coordinates are written in Latin digits: others turn the two round in a line from left to right.
func coordinates(latitude, longitude float64) string {
	return fmt.Sprintf("%.5f, %.5f", latitude, longitude)
}

// open reports whether somebody still has to work on a report of that status.
func open(s gen.Status) bool {
	switch s {
	case gen.StatusReceived, gen.StatusAssigned, gen.StatusInProgress, gen.StatusWaitingForCitizen, gen.StatusReopened:
		return true
	}
	return false
}
