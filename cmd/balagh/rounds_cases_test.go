package main

import (
	"fmt"
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestRounds_afterCases: people are asked about their cases, and the month is a round like any other.
func TestRounds_afterCases(t *testing.T) {
	t.Parallel()
	p := &polled{installation: install(t)}
	p.admin = p.staff(actor.Admin, "*", "*")
	p.admin.do("PUT", "/v1/admin/questionnaires/service", serviceQuestions()).want(200)
	x := serviceProgramme()
	delete(x, "every")
	x["after"], x["sample"] = object{"on": []string{"withdrawn"}, "days": 0}, object{}
	const programme = "/v1/admin/programmes/yearly"
	p.admin.do("PUT", programme+"?confirm=no_quarantine&confirm=asks_nobody&confirm=no_channel", x).want(200)
	p.admin.do("POST", programme+"/rounds", nil).refused(409, "conflict") // it has a round when somebody is asked
	for n := range 12 {
		c := p.citizen(fmt.Sprintf("+9665000007%02d", n))
		id := c.do("POST", "/v1/reports", speakers).want(201).str("id")
		c.do("POST", "/v1/reports/"+id+"/withdraw", object{"reason": "تم الإصلاح"}).want(200)
		p.citizens = append(p.citizens, c)
	}
	eventually(t, "all are asked", func() bool {
		all := p.admin.do("GET", programme+"/rounds", nil).want(200)
		if all.len("items") == 0 {
			return false
		}
		p.round = all.str("items", 0, "id")
		return p.admin.do("GET", "/v1/admin/rounds/"+p.round, nil).want(200).at("invitations", "invited") == 12.0
	})
	p.answered()
	manager, path := p.staff(actor.Manager, "*", "*"), "/v1/insights/rounds/"+p.round
	if r := manager.do("GET", path, nil).want(200); r.at("final") != false || r.at("dispositions", "open") != 1.0 || r.at("methods", "drawn", "sampled") != 12.0 {
		t.Errorf("%s", r.body)
	}
	p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
	p.is("published")
	r := manager.do("GET", path, nil).want(200)
	if r.at("respondents") != 11.0 || r.at("dispositions", "complete") != 11.0 || r.at("questions", 0, "total", "effort", "count") != 10.0 ||
		r.at("methods", "drawn", "population") != 12.0 || r.at("rates", "rr1") != 11.0/12 {
		t.Errorf("%s", r.body)
	}
	files(t, p, manager, path)
}
