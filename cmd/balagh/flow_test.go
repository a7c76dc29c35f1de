package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

const speakers = `{"category":"loudspeakers","description":"مكبر الصوت الخارجي لا يعمل منذ أسبوع","place":{"latitude":24.7136,"longitude":46.6753,"source":"gps","accuracy_m":12,"address":"حي العليا"},"attributes":{"mosque_name":"جامع الملك خالد"}}`

// TestJourney is the main job, from the one-time code to the percentage that management reads.
func TestJourney(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen := i.citizen("+966500000001")
	clerk := i.staff(actor.Clerk, "riyadh", "*")
	officer := i.staff(actor.Officer, "riyadh", "sound")
	manager := i.staff(actor.Manager, "*", "*")

	filed := citizen.do("POST", "/v1/reports", speakers, "Idempotency-Key", "journey-1").want(201)
	id, number := filed.str("id"), filed.str("number")
	if filed.str("centre", "code") != "riyadh" || filed.str("department", "code") != "sound" || len(number) != 10 {
		t.Fatalf("routed wrongly: %s", filed.body)
	}
	if loc := filed.header.Get("Location"); loc != "/v1/reports/"+id {
		t.Fatalf("Location: %s", loc)
	}

	if q := clerk.do("GET", "/v1/desk/reports?status=received&q=%D9%85%D9%83%D8%A8%D9%8E%D9%91%D8%B1", nil).want(200); q.len("items") > 1 {
		t.Fatalf("the queue: %s", q.body)
	}
	clerk.do("POST", "/v1/desk/reports/"+id+"/assign", map[string]any{"assignee": officer.id}).want(200)
	officer.do("POST", "/v1/desk/reports/"+id+"/notes", map[string]any{"text": "ملاحظة داخلية سرية"}).want(201)
	officer.do("POST", "/v1/desk/reports/"+id+"/transitions", map[string]any{"to": "in_progress"}).want(200)
	officer.do("POST", "/v1/desk/reports/"+id+"/transitions", map[string]any{"to": "waiting_for_citizen", "text": "أي مكبر؟"}).want(200)
	citizen.do("POST", "/v1/reports/"+id+"/comments", map[string]any{"text": "الخارجي فوق المنارة"}).want(201)
	officer.do("POST", "/v1/desk/reports/"+id+"/transitions", map[string]any{"to": "resolved", "text": "تم إصلاح المكبر"}).want(200)

	eventually(t, "the occasion to rate", func() bool {
		return citizen.do("GET", "/v1/reports/"+id, nil).want(200).at("can", "rate") == true
	})
	seen := citizen.do("GET", "/v1/reports/"+id, nil).want(200)
	if seen.str("status") != "resolved" || seen.at("can", "reopen") != true {
		t.Fatalf("the citizen sees: %s", seen.body)
	}
	if strings.Contains(string(seen.body), "سرية") || strings.Contains(string(seen.body), officer.id) {
		t.Fatalf("an internal note or a name of staff reached the citizen: %s", seen.body)
	}

	eventually(t, "six messages in the inbox", func() bool { // received, assigned, in progress, waiting, resolved; the comment is their own
		return citizen.do("GET", "/v1/inbox", nil).want(200).len("items") == 5
	})
	first := citizen.do("GET", "/v1/inbox?limit=1", nil).want(200)
	if first.str("items", 0, "kind") != "resolved" || !strings.Contains(first.str("items", 0, "body"), number) {
		t.Fatalf("the newest message: %s", first.body)
	}
	citizen.do("POST", "/v1/inbox/"+first.str("items", 0, "id")+"/read", nil).want(204)

	rating := map[string]any{"level": 5, "solved": true, "reasons": []string{"fast"}, "comment": "شكرًا"}
	citizen.do("POST", "/v1/reports/"+id+"/rating", rating).want(201)
	citizen.do("POST", "/v1/reports/"+id+"/rating", rating).want(409)
	if r := citizen.do("GET", "/v1/reports/"+id, nil).want(200); r.at("can", "rate") != false {
		t.Fatalf("it may be rated twice: %s", r.body)
	}

	s := manager.do("GET", "/v1/insights/satisfaction?by=department", nil).want(200)
	if s.len("rows") != 1 || s.at("total", "suppressed") != true || s.at("total", "n") != 0.0 || s.str("formula") == "" { // of one person nothing is told
		t.Fatalf("satisfaction: %s", s.body)
	}
	v := manager.do("GET", "/v1/insights/volumes?by=category&by=status", nil).want(200)
	if v.at("total") != 1.0 || v.len("rows") != 1 {
		t.Fatalf("volumes: %s", v.body)
	}
	if f := manager.do("GET", "/v1/insights/volumes.csv?by=centre", nil).want(200); f.header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		f.header.Get("Content-Disposition") != `attachment; filename="volumes.csv"` {
		t.Errorf("the file: %v", f.header)
	}
	manager.do("GET", "/v1/insights/satisfaction.csv?by=centre", nil).want(200)
	for _, query := range []string{"by=hijri_month&by=department&region=SA-01", "channel=app&department=sound"} {
		manager.do("GET", "/v1/insights/volumes.xlsx?"+query, nil).want(200)
	}
	if v := manager.do("GET", "/v1/insights/volumes?channel=phone", nil).want(200); v.at("total") != 0.0 {
		t.Errorf("by phone: %s", v.body)
	}
	manager.do("GET", "/v1/insights/volumes?region=%22", nil).refused(422, "validation_failed").tells("region")
	d := manager.do("GET", "/v1/insights/deadlines?by=department", nil).want(200)
	if d.len("rows") != 1 || d.at("total", "received") != 1.0 || d.at("total", "open") != 0.0 || d.at("rows", 0, "first_answer", "met") != 1.0 ||
		d.at("total", "resolution", "n") != 1.0 || d.at("total", "resolution", "median_minutes") != 0.0 {
		t.Errorf("deadlines: %s", d.body)
	}
	manager.do("GET", "/v1/insights/deadlines?by=gender", nil).refused(422, "validation_failed").tells("by")
	if f := manager.do("GET", "/v1/insights/deadlines.csv", nil).want(200); strings.Count(string(f.body), "\r\n") != 2 {
		t.Errorf("the file: %s", f.body)
	}
	manager.do("GET", "/v1/insights/deadlines.xlsx?by=month", nil).want(200)
}

// TestAssign_outOfReach: a report is given to nobody who could not open it, or who works here no more.
func TestAssign_outOfReach(t *testing.T) {
	t.Parallel()
	i := install(t)
	clerk, admin := i.staff(actor.Clerk, "riyadh", "*"), i.staff(actor.Admin, "*", "*")
	id := i.citizen("+966500000041").do("POST", "/v1/reports", speakers).want(201).str("id")
	give := func(to *client) *answer {
		return clerk.do("POST", "/v1/desk/reports/"+id+"/assign", map[string]any{"assignee": to.id})
	}
	for _, other := range []*client{i.staff(actor.Officer, "qassim", "sound"), i.staff(actor.Officer, "riyadh", "maintenance")} {
		if a := give(other).refused(422, "validation_failed"); a.str("fields", 0, "path") != "assignee" || a.str("fields", 0, "reason") != "not_allowed" {
			t.Errorf("given out of reach: %s", a.body)
		}
	}
	gone := i.staff(actor.Officer, "riyadh", "sound")
	admin.do("PATCH", "/v1/admin/staff/"+gone.id, map[string]any{"active": false}).want(200)
	give(gone).refused(422, "validation_failed")
	if r := clerk.do("GET", "/v1/desk/reports/"+id, nil).want(200); r.str("status") != "received" || r.len("timeline") != 1 {
		t.Errorf("a refusal left something: %s", r.body)
	}
	give(i.staff(actor.Officer, "riyadh", "sound")).want(200)
}

// TestAnonymous_contact: somebody without an account writes the number as people do, and staff see one that can be called.
func TestAnonymous_contact(t *testing.T) {
	t.Parallel()
	i := install(t)
	nobody, clerk := &client{i: i, t: t}, i.staff(actor.Clerk, "riyadh", "*")
	const body = `{"category":"maintenance","description":"تسرب","place":{"latitude":24.7,"longitude":46.7,"source":"gps"},"contact":{"phone":"%s"}}`
	id := nobody.do("POST", "/v1/reports", fmt.Sprintf(body, "٠٥٠ ١٢٣ ٤٥٩٥")).want(201).str("id")
	if r := clerk.do("GET", "/v1/desk/reports/"+id, nil).want(200); r.str("citizen", "phone") != "+966501234595" {
		t.Errorf("the contact: %s", r.body)
	}
	if a := nobody.do("POST", "/v1/reports", fmt.Sprintf(body, "nowhere")).refused(422, "validation_failed"); a.str("fields", 0, "path") != "contact/phone" {
		t.Errorf("refused for %s", a.body)
	}
}

// TestStaff_unknownScope: a mistyped centre or department is told at once, and makes nobody.
func TestStaff_unknownScope(t *testing.T) {
	t.Parallel()
	admin := install(t).staff(actor.Admin, "*", "*")
	body := map[string]any{"email": "new@example.sa", "name": "موظف", "password": staffPassword, "role": "officer",
		"centres": []string{"riyadh", "riyad"}, "departments": []string{"sond"}}
	a := admin.do("POST", "/v1/admin/staff", body).refused(422, "validation_failed")
	if a.len("fields") != 2 || a.str("fields", 0, "path") != "centres/1" || a.str("fields", 1, "path") != "departments/0" {
		t.Errorf("refused for %s", a.body)
	}
	body["centres"], body["departments"] = []string{"riyadh"}, []string{"*"}
	made := admin.do("POST", "/v1/admin/staff", body).want(201)
	admin.do("PATCH", "/v1/admin/staff/"+made.str("id"), map[string]any{"centres": []string{"riyad"}}).refused(422, "validation_failed")
}

// TestRating_early: before there is anything to rate, one's own report is not unknown.
func TestRating_early(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen, other := i.citizen("+966500000042"), i.citizen("+966500000043")
	id := citizen.do("POST", "/v1/reports", speakers).want(201).str("id")
	rating := map[string]any{"level": 5, "solved": true}
	citizen.do("POST", "/v1/reports/"+id+"/rating", rating).refused(409, "conflict")
	other.do("POST", "/v1/reports/"+id+"/rating", rating).refused(404, "not_found")
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen, other := i.citizen("+966500000002"), i.citizen("+966500000003")
	first := citizen.do("POST", "/v1/reports", speakers, "Idempotency-Key", "the-same-key").want(201)
	again := citizen.do("POST", "/v1/reports", speakers, "Idempotency-Key", "the-same-key").want(201)
	if string(first.body) != string(again.body) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Fatalf("not the same answer:\n%s\n%s", first.body, again.body)
	}
	citizen.do("POST", "/v1/reports", strings.Replace(speakers, "أسبوع", "شهر", 1), "Idempotency-Key", "the-same-key").refused(422, "idempotency_key_reused")
	if o := other.do("POST", "/v1/reports", speakers, "Idempotency-Key", "the-same-key").want(201); o.str("id") == first.str("id") {
		t.Fatal("one person's key gave another's report")
	}
	if l := citizen.do("GET", "/v1/reports", nil).want(200); l.len("items") != 1 {
		t.Fatalf("filed twice: %s", l.body)
	}
	id := i.parts.server.Reports.NewID()
	withID := strings.Replace(speakers, `{`, `{"id":"`+id+`",`, 1)
	a, b := citizen.do("POST", "/v1/reports", withID).want(201), citizen.do("POST", "/v1/reports", withID).want(201)
	if a.str("id") != id || a.str("number") != b.str("number") {
		t.Fatalf("the phone's own id: %s\n%s", a.body, b.body)
	}
	if o := other.do("POST", "/v1/reports", withID); o.status != 409 || strings.Contains(string(o.body), a.str("number")) {
		t.Fatalf("another's id: %d %s", o.status, o.body)
	}
}

// TestIdempotency_Crash: the answer of a request was not kept, because the process died first. Asked again, nothing is done twice.
func TestIdempotency_Crash(t *testing.T) {
	t.Parallel()
	i := install(t)
	c, officer := i.citizen("+966500000004"), i.staff(actor.Supervisor, "*", "*")
	id := c.do("POST", "/v1/reports", speakers).want(201).str("id")
	citizen := actor.Actor{Kind: actor.Citizen, ID: c.id, Request: "a request of the citizen"}
	staff := actor.Actor{Kind: actor.Staff, ID: officer.id, Role: actor.Supervisor, Centres: []string{"*"}, Departments: []string{"*"}, Request: "one of staff"}
	reports := i.parts.server.Reports
	for range 3 {
		if _, e, err := reports.Comment(t.Context(), citizen, id, "ما زال معطلًا"); err != nil || e.Text == "" {
			t.Fatalf("%+v, %v", e, err)
		}
		if _, e, err := reports.Reply(t.Context(), staff, id, "سنصلحه"); err != nil || e.Text == "" {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	if r := c.do("GET", "/v1/reports/"+id, nil).want(200); r.len("timeline") != 3 {
		t.Fatalf("something was done twice: %s", r.body)
	}
	eventually(t, "two messages", func() bool { return c.do("GET", "/v1/inbox", nil).want(200).len("items") == 2 })
}
