package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/audit"
	"github.com/balagh/balagh/fault"
)

// newest is the latest entry of the audit.
func newest(admin *client) *answer {
	id := admin.do("GET", "/v1/admin/audit?limit=1", nil).want(200).str("items", 0, "id")
	return admin.do("GET", "/v1/admin/audit/"+id, nil).want(200)
}

func revert(admin *client, e *answer) *answer {
	return admin.do("POST", "/v1/admin/audit/"+e.str("id")+"/revert", nil)
}

// bodyOf is what a path gives, without what every write changes.
func contentOf(a *answer) any {
	m, ok := a.at().(map[string]any)
	if ok {
		for _, name := range []string{"rev", "version", "at", "by", "by_name", "created", "id"} {
			delete(m, name)
		}
	}
	return m
}

// TestAudit_Revert writes everything that can be written by PUT or PATCH, writes it again in another way, and puts the first back.
func TestAudit_Revert(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	colleague := i.staff(actor.Clerk, "riyadh", "*")
	names := func(ar string) string { return `"names":{"ar":"` + ar + `","en":"Name","ur":"نام"}` }
	questionnaire := func(title string) string {
		return `{"title":{"ar":"` + title + `","en":"Service","ur":"سروس"},"questions":[{"code":"score","type":"effort","label":{"ar":"التقييم","en":"Score","ur":"درجہ"},"required":true}]}`
	}
	programme := func(days int) string {
		return fmt.Sprintf(`{%s,"active":false,"questionnaire":"service","every":{"hijri":{"month":1,"day":15},"start":"2030-12-01","hour":9,"window_days":365},"frame":{},"sample":{"method":"all"},"quarantine_days":90,"open_days":%d,"reminders":[3],"channels":["push"]}`, names("برنامج"), days)
	}
	for _, x := range []struct{ method, path, first, second string }{
		{"PUT", "departments/cleaning", `{` + names("نظافة") + `,"active":true}`, `{` + names("تنظيف") + `,"active":false}`},
		{"PUT", "centres/makkah", `{` + names("مكة") + `,"active":true,"region":"west","area":` + square(38, 20, 41, 22) + `}`, `{` + names("مكة") + `,"active":true,"parent":"riyadh"}`},
		{"PUT", "categories/cleaning", `{` + names("نظافة") + `,"keywords":["نظافة"],"group":"a","department":"maintenance","first_answer_days":1,"resolution_days":5,"anonymous":true,"active":true,"order":3,
			"descriptions":{"ar":"وصف"},"attributes":[{"code":"kind","labels":{"ar":"نوع","en":"Kind","ur":"قسم"},"datatype":"singlevaluelist","required":true,"order":1,"values":[{"key":"a","names":{"ar":"أ","en":"A","ur":"ا"}},{"key":"b","names":{"ar":"ب","en":"B","ur":"ب"}}]}]}`,
			`{` + names("نظافة") + `,"keywords":[],"department":"sound","first_answer_days":2,"resolution_days":6,"anonymous":false,"active":false,"attributes":[]}`},
		{"PUT", "calendar", `{"weekend":["friday","saturday"],"holidays":[{"date":"2026-09-23","name":"اليوم الوطني"}],"reopen_days":7,"rating_days":14}`, `{"weekend":["friday"],"holidays":[],"reopen_days":3,"rating_days":4}`},
		{"PATCH", "staff/" + colleague.id, `{"name":"أول","role":"officer","centres":["riyadh"],"departments":["sound"]}`, `{"name":"ثان","role":"clerk","departments":["*"]}`},
		{"PUT", "templates/resolved/sms", `{"texts":{"ar":{"body":"حُل {number}"},"en":{"body":"Done {number}"},"ur":{"body":"حل {number}"}}}`, `{"texts":{"ar":{"body":"تم {number}"},"en":{"body":"Solved {number}"},"ur":{"body":"حل {number}"}}}`},
		{"PUT", "policies/resolved", `{"steps":[{"channel":"push","wait_seconds":600},{"channel":"sms","wait_seconds":60}],"urgent":false,"replaces":true,"ttl_seconds":86400}`, `{"steps":[{"channel":"push","wait_seconds":60}],"urgent":true,"replaces":false,"ttl_seconds":3600}`},
		{"PUT", "questionnaires/service", questionnaire("الخدمة"), questionnaire("خدمتنا")},
		{"PUT", "programmes/yearly", programme(14), programme(10)},
	} {
		t.Run(x.path, func(t *testing.T) {
			c := &client{i: i, t: t, token: admin.token, id: admin.id}
			path := "/v1/admin/" + x.path
			c.do(x.method, path, x.first).want(200)
			first := c.do("GET", path, nil).want(200)
			c.do(x.method, path, x.second, "If-Match", first.header.Get("ETag")).want(200)
			second := c.do("GET", path, nil).want(200)
			entry := newest(c)
			if entry.str("outcome") != "done" || entry.str("staff", "id") != admin.id || entry.str("path") != path || entry.at("status") != 200.0 || entry.at("reversible") != true ||
				!reflect.DeepEqual(entry.at("before"), first.at()) || !reflect.DeepEqual(entry.at("after"), second.at()) {
				t.Fatalf("the entry: %s\nbefore: %s\nafter: %s", entry.body, first.body, second.body)
			}
			reverted := revert(c, entry).want(200)
			now := c.do("GET", path, nil).want(200)
			if !reflect.DeepEqual(contentOf(now), contentOf(first)) {
				t.Errorf("it came back as %s, was %s", now.body, first.body)
			}
			if reverted.str("reverts") != entry.str("id") || reverted.str("operation") != entry.str("operation") || !reflect.DeepEqual(reverted.at("after"), now.at()) {
				t.Errorf("the entry of the revert: %s", reverted.body)
			}
			revert(c, entry).refused(412, "precondition_failed") // it was changed since
			revert(c, reverted).want(200)                        // a revert has a way back too
			if again := c.do("GET", path, nil).want(200); !reflect.DeepEqual(contentOf(again), contentOf(second)) {
				t.Errorf("the revert was reverted to %s, want %s", again.body, second.body)
			}
		})
	}
}

// TestAudit_NoWayBack: what cannot be put back says so, and shows no secret.
func TestAudit_NoWayBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	const secret = "a secret of nobody else"
	made := admin.do("POST", "/v1/admin/staff", map[string]any{"email": "new@example.sa", "name": "جديد", "password": secret, "role": "clerk", "centres": []string{"riyadh"}, "departments": []string{"*"}}).want(201)
	if e := newest(admin); e.at("before") != nil || e.str("after", "id") != made.str("id") || e.at("reversible") != false {
		t.Errorf("the entry of a new account: %s", e.body)
	} else {
		revert(admin, e).refused(409, "not_reversible")
	}
	for _, change := range []map[string]any{{"password": secret + "!"}, {"reset_totp": true}, {"name": "آخر", "password": secret + "?"}} {
		admin.do("PATCH", "/v1/admin/staff/"+made.str("id"), change).want(200)
		revert(admin, newest(admin)).refused(409, "not_reversible")
	}
	admin.do("PUT", "/v1/admin/departments/new", `{"names":{"ar":"اسم","en":"Name","ur":"نام"},"active":true}`).want(200)
	if e := newest(admin); e.at("before") != nil || e.str("after", "code") != "new" {
		t.Errorf("the entry of a new department: %s", e.body)
	} else {
		revert(admin, e).refused(409, "not_reversible") // a department cannot be deleted
	}
	admin.do("PATCH", "/v1/admin/staff/"+made.str("id"), map[string]any{"role": "officer"}, "If-Match", `"1"`).refused(412, "precondition_failed")
	if e := newest(admin); e.str("outcome") != "refused" || e.str("code") != "precondition_failed" || e.at("after") != nil {
		t.Errorf("the entry of a refused change: %s", e.body)
	} else {
		revert(admin, e).refused(409, "not_reversible")
	}
	if totp := admin.do("POST", "/v1/desk/me/totp", nil).want(200).str("secret"); totp == "" {
		t.Fatal("no secret of a second factor")
	} else if e := newest(admin); e.str("operation") != "enrolTotp" || e.at("fields") != nil || e.at("after") != nil || strings.Contains(string(e.body), totp) {
		t.Errorf("the entry of a second factor: %s", e.body)
	}
	admin.do("POST", "/v1/desk/me/password", map[string]any{"current": staffPassword, "new": secret}).want(204)
	revert(admin, newest(admin)).refused(409, "not_reversible")
	n := admin.do("GET", "/v1/admin/audit", nil).want(200).len("items")
	admin.do("POST", "/v1/admin/templates/resolved/sms/preview", `{"texts":{"ar":{"body":"حُل {number}"},"en":{"body":"Done {number}"},"ur":{"body":"حل {number}"}}}`).want(200)
	admin.do("PUT", "/v1/admin/policies/resolved?dry_run=true", `{"steps":[{"channel":"push","wait_seconds":60}],"urgent":true,"replaces":false,"ttl_seconds":3600}`).want(200)
	if all := admin.do("GET", "/v1/admin/audit", nil).want(200); all.len("items") != n {
		t.Errorf("previews left entries: %s", all.body)
	}
	for _, x := range admin.do("GET", "/v1/admin/audit?limit=100", nil).want(200).at("items").([]any) {
		whole := admin.do("GET", "/v1/admin/audit/"+x.(map[string]any)["id"].(string), nil).want(200)
		if strings.Contains(string(whole.body), secret) || strings.Contains(string(whole.body), "argon2id") {
			t.Errorf("a secret: %s", whole.body)
		}
	}
}

// auditFaults is a store whose audit fails.
type auditFaults struct {
	audit.Store
	begin, complete error
}

func (s *auditFaults) BeginAudit(ctx context.Context, e *audit.Entry) error {
	if s.begin != nil {
		return s.begin
	}
	return s.Store.BeginAudit(ctx, e)
}

func (s *auditFaults) CompleteAudit(ctx context.Context, id string, end audit.End) error {
	if s.complete != nil {
		return s.complete
	}
	return s.Store.CompleteAudit(ctx, id, end)
}

// TestAudit_Crash: no change without an entry, whichever of the two writes is the last before the end.
func TestAudit_Crash(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	faults := &auditFaults{Store: i.parts.store, begin: fault.New(fault.Unavailable)}
	i.parts.server.Audit.Store = faults
	const department = `{"names":{"ar":"اسم","en":"Name","ur":"نام"},"active":true}`
	admin.do("PUT", "/v1/admin/departments/first", department).refused(503, "temporarily_unavailable")
	admin.do("GET", "/v1/admin/departments/first", nil).refused(404, "not_found")
	faults.begin, faults.complete = nil, errors.New("killed")
	admin.do("PUT", "/v1/admin/departments/second", department).want(200)
	if e := newest(admin); e.str("outcome") != "begun" || e.str("path") != "/v1/admin/departments/second" || e.at("reversible") != false {
		t.Errorf("the entry of a change that was not completed: %s", e.body)
	}
}

// TestAudit_AtOnce: what is written down as before is what the change was made to, however many change it at once.
func TestAudit_AtOnce(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	done := make(chan int, 20)
	for n := range cap(done) {
		go func() {
			body := fmt.Sprintf(`{"names":{"ar":"%d","en":"Name","ur":"نام"},"active":true}`, n)
			req, _ := http.NewRequest("PUT", i.url+"/v1/admin/departments/sound", strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+admin.token)
			req.Header.Set("Content-Type", "application/json")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				done <- 0
				return
			}
			_ = res.Body.Close()
			done <- res.StatusCode
		}()
	}
	for range cap(done) {
		if status := <-done; status != 200 {
			t.Errorf("a change: %d", status)
		}
	}
	last := ""
	items := admin.do("GET", "/v1/admin/audit?limit=100&path=/v1/admin/departments/sound", nil).want(200).at("items").([]any)
	for _, x := range slices.Backward(items) {
		e := admin.do("GET", "/v1/admin/audit/"+x.(map[string]any)["id"].(string), nil).want(200)
		if before, _ := json.Marshal(e.at("before")); last != "" && string(before) != last {
			t.Errorf("before was %s, and after the last %s", before, last)
		}
		after, _ := json.Marshal(e.at("after"))
		last = string(after)
	}
	if len(items) != 21 {
		t.Errorf("%d entries", len(items))
	}
}

func TestAudit_List(t *testing.T) {
	t.Parallel()
	i := install(t)
	one, other := i.staff(actor.Admin, "*", "*"), i.staff(actor.Admin, "*", "*")
	for n := range 5 {
		one.do("PUT", fmt.Sprintf("/v1/admin/departments/d%d", n), `{"names":{"ar":"اسم","en":"Name","ur":"نام"},"active":true}`).want(200)
	}
	other.do("PUT", "/v1/admin/centres/c", `{"names":{"ar":"اسم","en":"Name","ur":"نام"},"active":true}`).want(200)
	for query, want := range map[string]int{"staff=" + one.id: 5, "staff=" + other.id: 1, "path=" + url.QueryEscape("/v1/admin/departments/d"): 5,
		"path=/v1/admin/centres/c&staff=" + one.id: 0, "from=2000-01-01&to=2000-12-31": 0, "from=2000-01-01": 12} {
		got := 0
		for cursor := ""; ; {
			page := one.do("GET", "/v1/admin/audit?limit=2&"+query+cursor, nil).want(200)
			got += page.len("items")
			if page.str("next") == "" {
				break
			}
			cursor = "&cursor=" + page.str("next")
		}
		if got != want {
			t.Errorf("%s: %d entries, want %d", query, got, want)
		}
	}
	one.do("GET", "/v1/admin/audit?cursor=abc", nil).refused(422, "validation_failed")
	one.do("GET", "/v1/admin/audit/"+i.parts.server.Reports.NewID(), nil).refused(404, "not_found")
	one.do("POST", "/v1/admin/audit/"+i.parts.server.Reports.NewID()+"/revert", nil).refused(404, "not_found")
}
