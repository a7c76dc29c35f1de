package main

import (
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/push"
)

// notice is a broadcast to an audience.
func notice(audience map[string]any) map[string]any {
	return map[string]any{"audience": audience, "texts": map[string]any{
		"ar": map[string]any{"title": "تنبيه", "body": "تتوقف خدمات المركز غدًا."},
		"en": map[string]any{"title": "Notice", "body": "The services of the centre pause tomorrow."},
		"ur": map[string]any{"title": "اطلاع", "body": "مرکز کی خدمات کل بند رہیں گی۔"},
	}}
}

func later() string { return time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339) }

func TestBroadcasts_Administer(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin, manager := i.staff(actor.Admin, "*", "*"), i.staff(actor.Manager, "riyadh", "*")
	i.citizen("+966500000311").do("POST", "/v1/reports", speakers).want(201)
	riyadh := map[string]any{"centre": "riyadh"}
	for _, x := range []struct {
		audience map[string]any
		people   float64
	}{{riyadh, 1}, {map[string]any{"centre": "qassim"}, 0}, {map[string]any{"category": "loudspeakers"}, 1}, {map[string]any{"all": true}, 1}} {
		if n := admin.do("POST", "/v1/admin/broadcasts/audience", x.audience).want(200); n.at("people") != x.people || n.at("at_least") != false {
			t.Errorf("%v: %s", x.audience, n.body)
		}
	}

	wanted := notice(riyadh)
	wanted["at"] = later()
	made := admin.do("POST", "/v1/admin/broadcasts", wanted, "Idempotency-Key", "broadcast-1").want(201)
	id := made.str("id")
	if made.str("state") != "scheduled" || made.at("people") != 1.0 || made.str("by", "id") != admin.id || made.header.Get("Location") != "/v1/admin/broadcasts/"+id {
		t.Fatalf("made: %s", made.body)
	}
	if again := admin.do("POST", "/v1/admin/broadcasts", wanted, "Idempotency-Key", "broadcast-1").want(201); again.str("id") != id {
		t.Errorf("the same request made another: %s", again.body)
	}
	if l := manager.do("GET", "/v1/admin/broadcasts", nil).want(200); l.len("items") != 1 || l.str("items", 0, "id") != id {
		t.Errorf("the list: %s", l.body)
	}
	admin.do("POST", "/v1/admin/broadcasts/"+id+"/pause", nil).refused(409, "conflict")
	admin.do("POST", "/v1/admin/broadcasts/"+id+"/stop", nil).want(200)
	admin.do("POST", "/v1/admin/broadcasts/"+id+"/stop", nil).refused(409, "conflict")
	if r := manager.do("GET", "/v1/admin/broadcasts/"+id, nil).want(200); r.str("broadcast", "state") != "stopped" || r.str("broadcast", "ended_at") == "" {
		t.Errorf("stopped: %s", r.body)
	}
	admin.do("POST", "/v1/admin/broadcasts/"+i.parts.server.Reports.NewID()+"/stop", nil).refused(404, "not_found")
	i.staff(actor.Manager, "qassim", "*").do("GET", "/v1/admin/broadcasts/"+id, nil).refused(404, "not_found")

	// one that runs, and that the runner does not look at yet
	now := time.Now().UTC().Truncate(time.Millisecond)
	running := &push.Broadcast{ID: i.parts.server.Reports.NewID(), Rev: 1, State: push.Running, By: admin.id, At: now, Created: now, Due: now.Add(time.Hour),
		Audience: push.Audience{Centre: "riyadh"}, Texts: map[string]push.Text{"ar": {Title: "ت", Body: "ن"}, "en": {Title: "t", Body: "b"}, "ur": {Title: "ت", Body: "ن"}}}
	if err := i.parts.store.CreateBroadcast(t.Context(), running); err != nil {
		t.Fatal(err)
	}
	one := "/v1/admin/broadcasts/" + running.ID
	admin.do("POST", one+"/resume", nil).refused(409, "conflict")
	if p := admin.do("POST", one+"/pause", nil).want(200); p.str("state") != "paused" {
		t.Errorf("paused: %s", p.body)
	}
	if p := admin.do("POST", one+"/resume", nil).want(200); p.str("state") != "running" {
		t.Errorf("resumed: %s", p.body)
	}
}

// TestBroadcasts_Right: who administers one region sends to that region only.
func TestBroadcasts_Right(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.citizen("+966500000312").do("POST", "/v1/reports", speakers).want(201)
	everywhere, riyadh, qassim := i.staff(actor.Admin, "*", "*"), i.staff(actor.Admin, "riyadh", "*"), i.staff(actor.Admin, "qassim", "*")
	own := notice(map[string]any{"centre": "riyadh"})
	own["at"] = later()
	for _, audience := range []map[string]any{{"centre": "qassim"}, {"category": "loudspeakers"}, {"all": true}} {
		riyadh.do("POST", "/v1/admin/broadcasts/audience", audience).refused(403, "forbidden")
		riyadh.do("POST", "/v1/admin/broadcasts", notice(audience)).refused(403, "forbidden")
	}
	id := riyadh.do("POST", "/v1/admin/broadcasts", own).want(201).str("id")
	qassim.do("POST", "/v1/admin/broadcasts", own).refused(403, "forbidden")
	for _, verb := range []string{"pause", "resume", "stop"} {
		qassim.do("POST", "/v1/admin/broadcasts/"+id+"/"+verb, nil).refused(404, "not_found")
	}
	if l := everywhere.do("GET", "/v1/admin/broadcasts", nil).want(200); l.len("items") != 1 || l.str("items", 0, "state") != "scheduled" {
		t.Errorf("what was refused did something: %s", l.body)
	}
	riyadh.do("POST", "/v1/admin/broadcasts/"+id+"/stop", nil).want(200)
}

func TestBadInput_Broadcast(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.citizen("+966500000313").do("POST", "/v1/reports", speakers).want(201)
	admin := i.staff(actor.Admin, "*", "*")
	riyadh := map[string]any{"centre": "riyadh"}
	body := func(change func(b, texts map[string]any)) map[string]any {
		b := notice(riyadh)
		change(b, b["texts"].(map[string]any))
		return b
	}
	for _, x := range []struct {
		name, at string
		body     map[string]any
	}{
		{"to nobody", "audience out_of_range", notice(map[string]any{"centre": "qassim"})},
		{"to no audience", "audience required", notice(map[string]any{})},
		{"to all, said false", "audience required", notice(map[string]any{"all": false})},
		{"to two audiences", "audience contradictory", notice(map[string]any{"centre": "riyadh", "all": true})},
		{"to a centre that is not there", "audience/centre unknown", notice(map[string]any{"centre": "atlantis"})},
		{"to a category that is not there", "audience/category unknown", notice(map[string]any{"category": "nothing"})},
		{"without a language", "texts/ur required", body(func(_, texts map[string]any) { delete(texts, "ur") })},
		{"without a title", "texts/en/title required", body(func(_, texts map[string]any) { texts["en"] = map[string]any{"body": "b"} })},
		{"with a variable", "texts/en/body wrong_format", body(func(_, texts map[string]any) { texts["en"] = map[string]any{"title": "t", "body": "{number}"} })},
		{"in the past", "at out_of_range", body(func(b, _ map[string]any) { b["at"] = "2020-01-01T00:00:00Z" })},
		{"in a year", "at out_of_range", body(func(b, _ map[string]any) { b["at"] = time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339) })},
	} {
		if a := admin.do("POST", "/v1/admin/broadcasts", x.body).refused(422, "validation_failed"); !a.names(x.at) {
			t.Errorf("%s: no word of %s: %s", x.name, x.at, a.body)
		}
	}
	if a := admin.do("POST", "/v1/admin/broadcasts/audience", map[string]any{"centre": "atlantis"}).refused(422, "validation_failed"); !a.names("centre unknown") {
		t.Errorf("the place: %s", a.body)
	}
	if l := admin.do("GET", "/v1/admin/broadcasts", nil).want(200); l.len("items") != 0 {
		t.Errorf("something was written: %s", l.body)
	}
}

// TestBroadcasts_Arrive: a notice comes into the inbox of those it is for, in their language, and of nobody else.
func TestBroadcasts_Arrive(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin, reporter, other := i.staff(actor.Admin, "riyadh", "*"), i.citizen("+966500000314"), i.citizen("+966500000315")
	reporter.do("POST", "/v1/reports", speakers).want(201)
	id := admin.do("POST", "/v1/admin/broadcasts", notice(map[string]any{"centre": "riyadh"})).want(201).str("id")
	eventually(t, "the end of the broadcast", func() bool {
		r := admin.do("GET", "/v1/admin/broadcasts/"+id, nil).want(200)
		return r.str("broadcast", "state") == "done" && r.at("broadcast", "planned") == 1.0
	})
	found := false
	reporter.lang = "ur"
	inbox := reporter.do("GET", "/v1/inbox", nil).want(200)
	for n := range inbox.len("items") {
		found = found || inbox.str("items", n, "kind") == "announcement" && inbox.str("items", n, "title") == "اطلاع" && inbox.str("items", n, "report_id") == ""
	}
	if !found {
		t.Errorf("the inbox: %s", inbox.body)
	}
	if l := other.do("GET", "/v1/inbox", nil).want(200); l.len("items") != 0 {
		t.Errorf("somebody else was told: %s", l.body)
	}
}
