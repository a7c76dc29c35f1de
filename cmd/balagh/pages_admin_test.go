package main

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/web/page"
)

// administer signs in an administrator at a browser.
func (i *installation) administer(t *testing.T) *tab {
	t.Helper()
	b := i.browse(t)
	b.signIn(i.hire(actor.Admin, "*", "*"))
	return b
}

// everywhereOf looks at pages in each language and width.
func (i *installation) everywhereOf(t *testing.T, pages map[string]string) {
	t.Helper()
	b := i.administer(t)
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		b.everywhere(pages[name], name)
	}
}

func TestAdmin_Everywhere(t *testing.T) {
	t.Parallel()
	install(t).everywhereOf(t, map[string]string{"admin": "/admin", "admin-category": "/admin/categories/loudspeakers", "admin-centre": "/admin/centres/riyadh", "admin-list": "/admin/categories"})
}

func TestAdmin_EverywhereBeside(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	admin.do("PUT", "/v1/admin/departments/sound", `{"names":{"ar":"الصوتيات","en":"Sound","ur":"آواز"},"active":true}`).want(200)
	i.everywhereOf(t, map[string]string{"admin-staff": "/admin/staff", "admin-template": "/admin/templates/resolved/sms", "admin-programme": "/admin/new/programmes",
		"admin-audit": "/admin/audit/" + newest(admin).str("id")})
}

const saveButton = "#save"

// fill types into fields by their names.
func (b *tab) fill(fields ...string) {
	b.t.Helper()
	for n := 0; n+1 < len(fields); n += 2 {
		at := `[name="` + fields[n] + `"]`
		b.do(chromedp.WaitVisible(at), script(`document.querySelector('`+at+`').value = ""`), chromedp.SendKeys(at, fields[n+1]))
	}
}

// value of a field by its name.
func (b *tab) value(name string) string {
	b.t.Helper()
	return read(b, chromedp.Evaluate[string](`document.querySelector('[name="`+name+`"]').value`))
}

// set a field that is chosen.
func (b *tab) set(name, value string) {
	b.t.Helper()
	b.do(script(`document.querySelector('[name="` + name + `"]').value = "` + value + `"`))
}

// press a button that changes rows.
func (b *tab) press(do string) {
	b.t.Helper()
	b.do(chromedp.Click(`button[value="`+do+`"]`), chromedp.WaitReady(`form[data-form]:not([aria-busy])`))
}

// save the form and wait for what follows.
func (b *tab) save(then string) {
	b.t.Helper()
	b.do(chromedp.Click(saveButton), chromedp.WaitVisible(then))
}

const saved = "p.done"

// TestAdmin_Categories makes a category with questions by the form, and files a report with it.
func TestAdmin_Categories(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.administer(t)
	b.open("/admin/new/categories", 1440)
	b.save("div.wrong") // without a code
	b.fill("code", "cleaning", "names.ar", "النظافة", "names.en", "Cleaning", "first_answer_days", "کل", "resolution_days", "٩٩٩")
	b.set("department", "maintenance")
	b.do(chromedp.Click(`[name="anonymous"]`))
	b.press("add:attributes")
	b.press("add:attributes")
	b.fill("attributes.1.code", "kind", "attributes.1.labels.ar", "نوع المشكلة", "attributes.1.labels.en", "Kind", "attributes.1.labels.ur", "قسم")
	b.set("attributes.1.datatype", "singlevaluelist")
	b.press("add:attributes.1.values")
	b.press("add:attributes.1.values")
	b.fill("attributes.1.values.0.key", "dust", "attributes.1.values.0.names.ar", "غبار", "attributes.1.values.0.names.en", "Dust", "attributes.1.values.0.names.ur", "گرد")
	b.fill("attributes.1.values.1.key", "water", "attributes.1.values.1.names.ar", "ماء", "attributes.1.values.1.names.en", "Water", "attributes.1.values.1.names.ur", "پانی")
	b.press("remove:attributes.0") // the empty one
	b.press("up:attributes.0.values.1")
	b.save("div.wrong")
	for name, want := range map[string]string{"code": "cleaning", "names.ar": "النظافة", "names.ur": "", "first_answer_days": "کل", "resolution_days": "999", "department": "maintenance",
		"attributes.0.code": "kind", "attributes.0.datatype": "singlevaluelist", "attributes.0.values.0.key": "water", "attributes.0.values.1.names.ur": "گرد"} {
		if got := b.value(name); got != want {
			t.Errorf("after a refusal %s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"names.ur", "first_answer_days", "resolution_days"} {
		if said := b.text(`[id="f-` + name + `-wrong"]`); said == "" {
			t.Errorf("nothing is said beside %s", name)
		}
	}
	b.shoot("admin-category-refused")
	b.whole()
	b.accessible()
	b.fill("names.ur", "صفائی", "first_answer_days", "۲", "resolution_days", "9")
	b.save(saved)

	admin := i.staff(actor.Admin, "*", "*")
	c := admin.do("GET", "/v1/admin/categories/cleaning", nil).want(200)
	if c.str("attributes", 0, "code") != "kind" || c.str("attributes", 0, "values", 0, "key") != "water" || c.at("first_answer_days") != 2.0 || c.at("anonymous") != true || c.at("active") != true {
		t.Errorf("what was made: %s", c.body)
	}
	report := `{"category":"cleaning","description":"غبار كثير في المصلى","channel":"web","place":{"latitude":24.7,"longitude":46.7,"source":"map"},"attributes":{"kind":"dust"}}`
	(&client{i: i, t: t}).do("POST", "/v1/reports", report).want(201)

	b.open("/admin/new/categories", 1440) // the same code again
	b.fill("code", "cleaning", "names.ar", "آخر", "names.en", "Another", "names.ur", "اور", "first_answer_days", "1", "resolution_days", "2")
	b.set("department", "sound")
	b.save("#f-code-wrong")
}

// TestAdmin_Meanwhile has two administrators at the same centre.
func TestAdmin_Meanwhile(t *testing.T) {
	t.Parallel()
	i := install(t)
	b, colleague := i.administer(t), i.staff(actor.Admin, "*", "*")
	b.open("/admin/centres/riyadh", 1440)
	b.fill("names.en", "Mine", "region", "SA-01")
	theirs := func(name string) {
		colleague.do("PUT", "/v1/admin/centres/riyadh", `{"names":{"ar":"`+name+`","en":"Theirs","ur":"نام"},"active":true,"parent":"qassim"}`).want(200)
	}
	theirs("لهم")
	b.save("#beside")
	if said := b.text("#beside table"); !strings.Contains(said, "Mine") || !strings.Contains(said, "Theirs") || !strings.Contains(said, "SA-01") || !strings.Contains(said, "لهم") {
		t.Errorf("what differs: %s", said)
	}
	b.whole()
	b.accessible()
	b.shoot("admin-meanwhile")
	if b.value("names.en") != "Mine" || b.value("region") != "SA-01" {
		t.Error("what was typed is lost")
	}
	b.press("theirs:parent")
	if b.value("parent") != "qassim" || b.value("names.en") != "Mine" {
		t.Error("one field was to be theirs")
	}
	theirs("مرة أخرى")
	b.save("#beside") // and again, meanwhile
	b.save(saved)
	c := colleague.do("GET", "/v1/admin/centres/riyadh", nil).want(200)
	if c.str("names", "en") != "Mine" || c.str("names", "ar") != "اسم" || c.str("region") != "SA-01" || c.str("parent") != "qassim" || c.at("area") == nil {
		t.Errorf("saved over theirs: %s", c.body)
	}
}

// TestAdmin_Calendar takes holidays of either calendar.
func TestAdmin_Calendar(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.administer(t)
	b.open("/admin/calendar", 390)
	b.press("add:holidays")
	b.fill("holidays.0.date", "١٤٤٨-٠١-٣١", "holidays.0.name", "رأس السنة")
	b.save(`[id="f-holidays.0.date-wrong"]`) // Muharram has no 31st
	b.fill("holidays.0.date", "١٤٤٨-٠١-٠١")
	b.save(saved)
	c := i.staff(actor.Admin, "*", "*").do("GET", "/v1/admin/calendar", nil).want(200)
	if c.str("holidays", 0, "date") != "2026-06-16" {
		t.Errorf("1 Muharram 1448 is stored as %s", c.body)
	}
}

// TestAdmin_Area shows an area on a map, from a file of any form.
func TestAdmin_Area(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.administer(t)
	b.open("/admin/new/centres", 1440)
	b.fill("code", "makkah", "names.ar", "مكة", "names.en", "Makkah", "names.ur", "مکہ")
	file := filepath.Join(t.TempDir(), "makkah.geojson")
	if err := os.WriteFile(file, []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":`+square(38, 20, 41, 22)+`},
		{"type":"Feature","properties":{},"geometry":`+square(42, 20, 43, 21)+`}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles(`.upload input`, []string{file}), chromedp.WaitVisible(".map path"))
	b.whole()
	b.accessible()
	b.shoot("admin-area")
	b.save(saved)
	if kind := i.staff(actor.Admin, "*", "*").do("GET", "/v1/admin/centres/makkah", nil).want(200).str("area", "type"); kind != "MultiPolygon" {
		t.Errorf("the area is a %s", kind)
	}
	b.open("/admin/centres/makkah", 1440)
	b.do(script(`document.querySelector("textarea[name=area]").value = "{not JSON"`))
	b.save(`[id="f-area-wrong"]`)
	if b.value("area") != "{not JSON" {
		t.Error("the area that was typed is lost")
	}
}

// TestAdmin_Forbidden: the pages are for administrators alone, on the server.
func TestAdmin_Forbidden(t *testing.T) {
	t.Parallel()
	i := install(t)
	for _, role := range []actor.Role{actor.Clerk, actor.Officer, actor.Supervisor, actor.Manager} {
		c := i.staff(role, "*", "*")
		for _, at := range []string{"GET ", "GET /categories", "GET /new/categories", "POST /new/categories", "GET /centres/riyadh", "POST /centres/riyadh", "GET /calendar", "POST /calendar",
			"GET /staff", "POST /new/staff", "POST /templates/resolved/sms", "POST /policies/resolved", "POST /replies/x/do/delete", "POST /new/broadcasts", "POST /all/dead-letters",
			"POST /questionnaires/x/workbook", "POST /programmes/x/do/rounds", "POST /all/keys", "GET /audit", "POST /audit/x/do/revert"} {
			method, path, _ := strings.Cut(at, " ")
			req, err := http.NewRequestWithContext(t.Context(), method, i.url+"/admin"+path, strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			req.AddCookie(&http.Cookie{Name: "balagh-access", Value: c.token})
			res, err := unled.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if res.Body.Close(); res.StatusCode != http.StatusForbidden {
				t.Errorf("a %s at %s: %d", role, at, res.StatusCode)
			}
		}
	}
}

func TestAdmin_Weight(t *testing.T) {
	t.Parallel()
	if n := page.AssetSize("page.js", "page.css", "admin.js", "admin.css"); n == 0 || n > 350<<10 {
		t.Errorf("a page loads %d bytes", n)
	}
}
