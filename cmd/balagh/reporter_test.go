package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestReporter: who reports is known from their account at that time, or from whom staff ask, and is counted without names.
func TestReporter(t *testing.T) {
	t.Parallel()
	i := install(t)
	clerk, manager := i.staff(actor.Clerk, "riyadh", "*"), i.staff(actor.Manager, "*", "*")
	citizen := i.citizen("+966500000201")
	citizen.do("POST", "/v1/reports", speakers).want(201) // nothing is known yet
	citizen.do("PATCH", "/v1/me", map[string]any{"gender": "man"}).refused(422, "validation_failed")
	if me := citizen.do("PATCH", "/v1/me", map[string]any{"gender": "female", "residency": "citizen"}).want(200); me.str("gender") != "female" {
		t.Fatalf("me: %s", me.body)
	}
	citizen.do("POST", "/v1/reports", speakers).want(201)
	citizen.do("POST", "/v1/reports", strings.Replace(speakers, `{"category"`, `{"on_behalf_of_company":true,"category"`, 1)).want(201)
	if me := citizen.do("PATCH", "/v1/me", map[string]any{"gender": ""}).want(200); me.at("gender") != nil || me.str("residency") != "citizen" {
		t.Fatalf("me: %s", me.body)
	}
	register := func(phone, gender, residency string) *answer {
		return clerk.do("POST", "/v1/desk/reports", map[string]any{"category": "loudspeakers", "description": "مكبر الصوت لا يعمل", "channel": "phone",
			"place": map[string]any{"latitude": 24.7136, "longitude": 46.6753, "source": "map"}, "citizen_phone": phone, "citizen_gender": gender,
			"citizen_residency": residency, "attributes": map[string]any{"mosque_name": "جامع الملك خالد"}})
	}
	register("0500000202", "male", "resident").want(201)
	register("0500000202", "female", "citizen").want(201) // the account has it already
	register("0500000202", "x", "citizen").refused(422, "validation_failed")
	for by, want := range map[string]string{"gender": "=1 female=2 male=2", "residency": "=1 citizen=2 resident=2", "company": "no=4 yes=1",
		"region": "=5"} {
		v := manager.do("GET", "/v1/insights/volumes?by="+by, nil).want(200)
		var got []string
		for n := range v.len("rows") {
			got = append(got, fmt.Sprintf("%s=%v", v.str("rows", n, "keys", 0), v.at("rows", n, "count")))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("by %s: %s", by, s)
		}
	}
	if f := manager.do("GET", "/v1/insights/volumes.csv?by=gender&by=company", nil).want(200); !strings.Contains(string(f.body), "female,نساء,yes,شركات ومؤسسات,1") {
		t.Errorf("the file: %s", f.body)
	}
	if log := i.log.String(); strings.Contains(log, "female") || strings.Contains(log, "resident") {
		t.Error("the log tells who reports")
	}
}
