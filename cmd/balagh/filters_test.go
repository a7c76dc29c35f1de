package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestFilters: staff keep questions to the queue under names of their own, and see nobody else's.
func TestFilters(t *testing.T) {
	t.Parallel()
	i := install(t)
	clerk, other, admin := i.staff(actor.Clerk, "*", "*"), i.staff(actor.Clerk, "*", "*"), i.staff(actor.Admin, "*", "*")
	path := func(name string) string { return "/v1/desk/me/filters/" + url.PathEscape(name) }
	arabic := strings.Repeat("ب", 60)
	for _, name := range []string{"mine", "بلاغات متأخرة", arabic, "a.b$c %"} {
		clerk.do("PUT", path(name), `{"status":["received"],"q":"مكبر"}`).want(200)
		if a := clerk.do("GET", path(name), nil).want(200); a.str("name") != name || a.str("query", "q") != "مكبر" || a.str("query", "status", 0) != "received" || a.at("query", "centre") != nil {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	clerk.do("PUT", path("mine"), `{"overdue":true,"sort":"due","assignee":"me","from":"2026-01-01"}`).want(200)
	if a := clerk.do("GET", "/v1/desk/me/filters", nil).want(200); a.len("items") != 4 || a.str("items", 1, "name") != "mine" || a.at("items", 1, "query", "overdue") != true {
		t.Errorf("all: %s", a.body)
	}
	if a := other.do("GET", "/v1/desk/me/filters", nil).want(200); a.len("items") != 0 {
		t.Errorf("of somebody else: %s", a.body)
	}
	other.do("GET", path("mine"), nil).refused(404, "not_found")
	other.do("DELETE", path("mine"), nil).refused(404, "not_found")
	for _, body := range []string{`{"cursor":"x"}`, `{"limit":5}`, `{"status":"received"}`} {
		clerk.do("PUT", path("mine"), body).refused(400, "malformed_request")
	}
	clerk.do("PUT", path("mine"), `{"status":["nothing"]}`).refused(422, "validation_failed")
	for _, name := range []string{arabic + "x", " mine", "a/b", "\x01"} {
		clerk.do("PUT", path(name), `{}`).refused(422, "validation_failed")
	}
	clerk.do("DELETE", path("mine"), nil).want(204)
	clerk.do("GET", path("mine"), nil).refused(404, "not_found")
	for n := range 27 {
		clerk.do("PUT", path(fmt.Sprint("f", n)), `{}`).want(200)
	}
	clerk.do("PUT", path("one too many"), `{}`).refused(422, "validation_failed")
	clerk.do("PUT", path("f1"), `{"q":"x"}`).want(200) // one that is there may change

	// What an administrator changed can be put back, although the account was written since.
	admin.do("PATCH", "/v1/admin/staff/"+other.id, map[string]any{"name": "آخر"}).want(200)
	changed := newest(admin)
	other.do("PUT", path("mine"), `{}`).want(200)
	if a := revert(admin, changed).want(200); a.str("after", "name") != "موظف" {
		t.Errorf("put back: %s", a.body)
	}
	if a := other.do("GET", path("mine"), nil).want(200); a.str("name") != "mine" {
		t.Errorf("a revert took a filter: %s", a.body)
	}
}
