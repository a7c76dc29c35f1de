package main

import (
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

// texts are a template in three languages, with the Arabic body as given.
func texts(arabic string) map[string]any {
	return map[string]any{"texts": map[string]any{
		"ar": map[string]any{"title": "بلاغك", "body": arabic},
		"en": map[string]any{"title": "Your report", "body": "Report {number} is done."},
		"ur": map[string]any{"title": "آپ کی شکایت", "body": "شکایت {number} مکمل ہو گئی۔"},
	}}
}

func TestTemplates_Edit(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin, manager, citizen := i.staff(actor.Admin, "*", "*"), i.staff(actor.Manager, "*", "*"), i.citizen("+966500000301")
	const path = "/v1/admin/templates/received/push"
	supplied := manager.do("GET", path, nil).want(200)
	if supplied.header.Get("ETag") != `"0"` || supplied.at("version") != 0.0 || supplied.at("by") != nil {
		t.Fatalf("what comes with the program: %s", supplied.body)
	}
	const arabic = "وصل بلاغك {number} وسنعود إليك"

	dry := admin.do("PUT", path+"?dry_run=true", texts(arabic)).want(200)
	if dry.str("texts", "ar", "body") != arabic {
		t.Errorf("the dry run shows %s", dry.body)
	}
	if after := manager.do("GET", path, nil).want(200); string(after.body) != string(supplied.body) {
		t.Errorf("a dry run changed it: %s", after.body)
	}
	preview := manager.do("POST", path+"/preview", texts(arabic)).want(200)
	if preview.len("items") != 3 || !strings.Contains(preview.str("items", 0, "body"), "\u2068") {
		t.Errorf("the preview: %s", preview.body)
	}

	put := admin.do("PUT", path, texts(arabic), "If-Match", `"0"`).want(200)
	if put.header.Get("ETag") != `"1"` || put.str("by", "id") != admin.id || put.str("by", "name") == "" {
		t.Errorf("stored: %s", put.body)
	}
	admin.do("PUT", path, texts("نص آخر {number}"), "If-Match", `"0"`).refused(412, "precondition_failed")
	if v := manager.do("GET", path+"/versions", nil).want(200); v.len("items") != 2 || v.at("items", 0, "version") != 1.0 || v.at("items", 1, "version") != 0.0 {
		t.Errorf("the versions: %s", v.body)
	}
	if all := manager.do("GET", "/v1/admin/templates", nil).want(200); all.len("items") != 13*3 {
		t.Errorf("%d templates, want one of each kind and channel", all.len("items"))
	}

	number := citizen.do("POST", "/v1/reports", speakers).want(201).str("number")
	eventually(t, "a message", func() bool { return citizen.do("GET", "/v1/inbox", nil).want(200).len("items") == 1 })
	if m := citizen.do("GET", "/v1/inbox", nil); m.str("items", 0, "body") != "وصل بلاغك \u2068"+number+"\u2069 وسنعود إليك" {
		t.Errorf("the citizen reads: %s", m.body)
	}
}

func TestBadInput_Template(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	without := func(lang string) map[string]any {
		b := texts("بلاغ {number}")
		delete(b["texts"].(map[string]any), lang)
		return b
	}
	stranger := texts("بلاغ {number}")
	stranger["texts"].(map[string]any)["fr"] = map[string]any{"body": "x"}
	for _, x := range []struct {
		name, path string
		body       any
		status     int
		code, at   string
	}{
		{"an unknown variable", "resolved/push", texts("بلاغ {name}"), 422, "validation_failed", "texts/ar/body/5 unknown"},
		{"an unclosed brace", "resolved/push", texts("بلاغ {number"), 422, "validation_failed", "texts/ar/body/5 wrong_format"},
		{"a brace too many", "resolved/push", texts("بلاغ {number}}"), 422, "validation_failed", "texts/ar/body/13 wrong_format"},
		{"a missing language", "resolved/push", without("ur"), 422, "validation_failed", "texts/ur required"},
		{"a language of elsewhere", "resolved/push", stranger, 400, "malformed_request", "texts/fr unknown"},
		{"an empty text", "resolved/push", texts(""), 422, "validation_failed", "texts/ar/body required"},
		{"without the number that the others have", "resolved/push", texts("بلاغ"), 422, "validation_failed", "texts/ar/body contradictory"},
		{"a title on an SMS", "resolved/sms", texts("بلاغ {number}"), 422, "validation_failed", "texts/en/title not_allowed"},
		{"too long", "resolved/push", texts("بلاغ {number}" + strings.Repeat("م", 600)), 422, "validation_failed", "texts/ar/body too_long"},
		{"of announcements", "announcement/push", texts("بلاغ {number}"), 422, "validation_failed", "kind unknown"},
		{"of no channel", "resolved/web", texts("بلاغ {number}"), 422, "validation_failed", "channel unknown"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := &client{i: i, t: t, token: admin.token}
			for _, how := range [][2]string{{"PUT", ""}, {"PUT", "?dry_run=true"}, {"POST", "/preview"}} {
				a := c.do(how[0], "/v1/admin/templates/"+x.path+how[1], x.body).refused(x.status, x.code)
				if !a.names(x.at) {
					t.Errorf("%s%s: no word of %s: %s", how[0], how[1], x.at, a.body)
				}
			}
		})
	}
	if v := admin.do("GET", "/v1/admin/templates/resolved/push/versions", nil).want(200); v.len("items") != 1 {
		t.Errorf("something was written: %s", v.body)
	}
}

// names says whether a problem document names "path reason".
func (a *answer) names(field string) bool {
	a.t.Helper()
	for n := range a.len("fields") {
		if a.str("fields", n, "path")+" "+a.str("fields", n, "reason") == field && a.str("fields", n, "message") != "" {
			return true
		}
	}
	return false
}

func TestPolicies_Edit(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin, manager := i.staff(actor.Admin, "*", "*"), i.staff(actor.Manager, "*", "*")
	const path = "/v1/admin/policies/resolved"
	policy := func(steps ...map[string]any) map[string]any {
		return map[string]any{"steps": steps, "urgent": true, "replaces": false, "ttl_seconds": 3600}
	}
	step := func(channel string, wait int) map[string]any {
		return map[string]any{"channel": channel, "wait_seconds": wait}
	}
	first := manager.do("GET", path, nil).want(200)
	if first.header.Get("ETag") != `"0"` || first.len("steps") == 0 {
		t.Fatalf("what comes with the program: %s", first.body)
	}
	wanted := policy(step("sms", 60), step("email", 600))
	admin.do("PUT", path+"?dry_run=true", wanted).want(200)
	if a := manager.do("GET", path, nil).want(200); string(a.body) != string(first.body) {
		t.Errorf("a dry run changed it: %s", a.body)
	}
	if a := admin.do("PUT", path, wanted, "If-Match", `"0"`).want(200); a.header.Get("ETag") != `"1"` {
		t.Errorf("ETag %s", a.header.Get("ETag"))
	}
	admin.do("PUT", path, wanted, "If-Match", `"0"`).refused(412, "precondition_failed")
	a := manager.do("GET", path, nil).want(200)
	if a.str("steps", 1, "channel") != "email" || a.at("steps", 1, "wait_seconds") != 600.0 || a.at("urgent") != true || a.at("ttl_seconds") != 3600.0 || a.str("by", "id") != admin.id {
		t.Errorf("stored: %s", a.body)
	}
	if all := manager.do("GET", "/v1/admin/policies", nil).want(200); all.len("items") != 14 {
		t.Errorf("%d policies, want one of each kind", all.len("items"))
	}
	for _, x := range []struct {
		name, at string
		body     map[string]any
	}{
		{"a channel twice", "steps/1/channel duplicate", policy(step("sms", 60), step("sms", 60))},
		{"Web Push by itself", "steps/0/channel unknown", policy(step("web", 60))},
		{"no time", "steps/0/wait_seconds out_of_range", policy(step("sms", 0))},
		{"four steps", "steps too_many", policy(step("sms", 1), step("push", 1), step("email", 1), step("push", 1))},
	} {
		if a := admin.do("PUT", path, x.body).refused(422, "validation_failed"); !a.names(x.at) {
			t.Errorf("%s: %s", x.name, a.body)
		}
	}
}
