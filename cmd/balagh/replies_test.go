package main

import (
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestReplies: administrators keep templates, staff get those for a category in the language of a report, and all of it can be put back.
func TestReplies(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin, clerk := i.staff(actor.Admin, "*", "*"), i.staff(actor.Clerk, "riyadh", "*")
	body := func(text, categories string) string {
		return `{"names":{"ar":"اسم","en":"Name","ur":"نام"},"texts":{"ar":"` + text + `","en":"English ` + text + `","ur":"اردو"},"categories":[` + categories + `]}`
	}
	all := admin.do("PUT", "/v1/admin/replies/thanks", body("شكرًا", "")).want(200)
	admin.do("PUT", "/v1/admin/replies/sound", body("مكبر", `"loudspeakers"`)).want(200)
	for query, want := range map[string][]string{"": {"sound", "thanks"}, "?category=loudspeakers": {"sound", "thanks"}, "?category=maintenance": {"thanks"}} {
		a := clerk.do("GET", "/v1/desk/replies"+query, nil).want(200)
		var codes []string
		for n := range a.len("items") {
			codes = append(codes, a.str("items", n, "code"))
		}
		if strings.Join(codes, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", query, codes, want)
		}
	}
	if a := clerk.do("GET", "/v1/desk/replies?category=maintenance&language=en", nil).want(200); a.str("items", 0, "text") != "English شكرًا" || a.str("items", 0, "name") != "اسم" {
		t.Errorf("in English: %s", a.body)
	}
	for fault, wrong := range map[string]string{"categories/0": body("x", `"nothing"`), "categories/1": body("x", `"maintenance","maintenance"`), "texts/ar": body(" ", "")} {
		if a := admin.do("PUT", "/v1/admin/replies/wrong", wrong).refused(422, "validation_failed"); a.str("fields", 0, "path") != fault {
			t.Errorf("%s: %s", fault, a.body)
		}
	}
	old := all.header.Get("ETag")
	admin.do("PUT", "/v1/admin/replies/thanks", body("شكرًا جزيلًا", ""), "If-Match", old).want(200)
	admin.do("DELETE", "/v1/admin/replies/thanks", nil, "If-Match", old).refused(412, "precondition_failed")
	admin.do("DELETE", "/v1/admin/replies/thanks", nil).want(204)
	removed := newest(admin)
	admin.do("DELETE", "/v1/admin/replies/thanks", nil).refused(404, "not_found")
	if a := clerk.do("GET", "/v1/desk/replies", nil).want(200); a.len("items") != 1 {
		t.Errorf("after one was removed: %s", a.body)
	}
	revert(admin, removed).want(200)
	if a := admin.do("GET", "/v1/admin/replies/thanks", nil).want(200); a.str("texts", "ar") != "شكرًا جزيلًا" || a.header.Get("ETag") == old {
		t.Errorf("put back: %s", a.body)
	}
	revert(admin, removed).refused(412, "precondition_failed") // it is there again
	admin.do("PUT", "/v1/admin/replies/made", body("جديد", "")).want(200)
	revert(admin, newest(admin)).want(200) // what was made is deleted
	admin.do("GET", "/v1/admin/replies/made", nil).refused(404, "not_found")
}
