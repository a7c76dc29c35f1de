package admin

import (
	"slices"
	"time"

	"github.com/balagh/balagh/web/page"
)

// homePage is where administrators begin: what is not set up yet, and what is.
type homePage struct{ Missing, Ready []step }

// step of setting up, and where to do it. Its words are step_<name>, and step_<name>_why while it is not done.
type step struct{ Name, Href string }

func overview(v *page.Visit) error {
	var p homePage
	there := func(name, href string, done bool) {
		if done {
			p.Ready = append(p.Ready, step{name, href})
		} else {
			p.Missing = append(p.Missing, step{name, href})
		}
	}
	list := func(name string) []map[string]any {
		return everything(v, "/v1/admin/"+name, resources[name].paged)
	}
	used := said("active", true)
	staff := slices.DeleteFunc(list("staff"), func(x map[string]any) bool { return !used(x) })
	administrators := slices.DeleteFunc(slices.Clone(staff), func(x map[string]any) bool { return x["role"] != "admin" })
	there("departments", "/admin/departments", slices.ContainsFunc(list("departments"), used))
	there("categories", "/admin/categories", slices.ContainsFunc(list("categories"), used))
	there("centres", "/admin/centres", slices.ContainsFunc(list("centres"), used))
	there("areas", "/admin/centres", slices.ContainsFunc(list("centres"), func(x map[string]any) bool { return used(x) && hasArea(v, x) }))
	there("holidays", "/admin/calendar", hasHoliday(v))
	there("desk", "/admin/new/staff", slices.ContainsFunc(staff, is("role", "clerk")) && slices.ContainsFunc(staff, is("role", "officer")))
	there("deputy", "/admin/new/staff?role=admin", len(administrators) > 1)
	there("totp", "/account", !slices.ContainsFunc(administrators, said("totp", false)))
	there("questionnaires", "/admin/questionnaires", len(list("questionnaires")) > 0)
	there("programmes", "/admin/programmes", slices.ContainsFunc(list("programmes"), used))
	return show(v, "home", v.T("administration"), p)
}

func said(name string, want bool) func(map[string]any) bool {
	return func(value map[string]any) bool { return value[name] == want }
}

// hasArea reads the centre: lists come without their areas.
func hasArea(v *page.Visit, centre map[string]any) bool {
	value, _, _, err := resources["centres"].read(v, resources["centres"].keyIn(centre))
	return err == nil && value["area"] != nil
}

// hasHoliday says whether the year to come has one: a calendar without is a forgotten one.
func hasHoliday(v *page.Visit) bool {
	value, _, _, err := resources["calendar"].read(v, "")
	if err != nil {
		return false
	}
	today, end := v.Now().Format(time.DateOnly), v.Now().AddDate(1, 0, 0).Format(time.DateOnly)
	all, _ := value["holidays"].([]any)
	return slices.ContainsFunc(all, func(x any) bool {
		m, _ := x.(map[string]any)
		day, _ := m["date"].(string)
		return day >= today && day < end
	})
}
