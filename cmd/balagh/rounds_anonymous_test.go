package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

// TestSurveys_anonymous: answers come whole or not at all, are never shown again, and their words have neither a day nor a person.
func TestSurveys_anonymous(t *testing.T) {
	t.Parallel()
	p := poll(t, func(x object) { x["anonymous"] = true })
	for n, c := range p.citizens[:11] {
		path := asked(c)
		if shown := c.do("GET", path, nil).want(200); n == 0 && !slices.Equal(keys(t, shown.body), strings.Fields(surveyKeys)) {
			t.Errorf("other fields are shown than those that somebody has read: %v", keys(t, shown.body))
		}
		answers := object{"answers": object{"easy": 2, "why": "لم أجد التصنيف المناسب"}, "complete": false}
		c.do("PUT", path+"/response", answers).refused(409, "conflict")
		answers["complete"] = true
		if done := c.do("PUT", path+"/response", answers).want(200); done.at("answers") != nil || done.str("state") != "complete" {
			t.Errorf("%s", done.body)
		}
		c.do("PUT", path+"/response", answers).refused(409, "already_exists")
	}
	p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
	p.is("published")
	path := "/v1/insights/rounds/" + p.round
	moderate(t, p, path)
	if e := p.admin.do("GET", path, nil).want(200); strings.Contains(string(e.body), `"employee":[`) {
		t.Errorf("employees have figures: %s", e.body)
	}
	file := string(p.admin.do("GET", path+"/responses.csv", nil).want(200).body)
	for _, c := range p.citizens {
		if strings.Contains(file, c.id) || strings.Contains(file, "أجد") {
			t.Errorf("the file tells of a person: %s", file)
		}
	}
}

const surveyKeys = `anonymous id invited_at questionnaire questionnaire/at questionnaire/code questionnaire/questions questionnaire/questions[]/code
	questionnaire/questions[]/dont_know questionnaire/questions[]/label questionnaire/questions[]/label/ar questionnaire/questions[]/label/en
	questionnaire/questions[]/label/ur questionnaire/questions[]/max_length questionnaire/questions[]/options questionnaire/questions[]/options[]/code
	questionnaire/questions[]/options[]/label questionnaire/questions[]/options[]/label/ar questionnaire/questions[]/options[]/label/en
	questionnaire/questions[]/options[]/label/ur questionnaire/questions[]/required questionnaire/questions[]/show_if questionnaire/questions[]/show_if/op
	questionnaire/questions[]/show_if/question questionnaire/questions[]/show_if/value questionnaire/questions[]/type questionnaire/title
	questionnaire/title/ar questionnaire/title/en questionnaire/title/ur questionnaire/version state until`

func moderate(t *testing.T, p *polled, path string) {
	t.Helper()
	supervisor, manager := p.staff(actor.Supervisor, "*", "*"), p.staff(actor.Manager, "*", "*")
	page := supervisor.do("GET", path+"/verbatims?question=why&limit=4", nil).want(200)
	if page.len("items") != 4 || page.str("items", 0, "state") != "new" || page.at("items", 0, "day") != nil {
		t.Fatalf("%s\n%s", page.body, p.admin.do("GET", path, nil).body)
	}
	seen := page.len("items")
	for next := page.str("next"); next != ""; {
		page := supervisor.do("GET", path+"/verbatims?question=why&limit=4&cursor="+next, nil).want(200)
		seen, next = seen+page.len("items"), page.str("next")
	}
	if seen != 11 {
		t.Errorf("%d of 11 on all pages", seen)
	}
	id := page.str("items", 0, "id")
	if shown := manager.do("GET", path+"/verbatims", nil).want(200); shown.len("items") != 0 {
		t.Errorf("managers see what nobody approved: %s", shown.body)
	}
	done := supervisor.do("PUT", "/v1/insights/verbatims/"+id, object{"state": "approved"}).want(200)
	if done.str("state") != "approved" || done.str("by", "id") != supervisor.id {
		t.Errorf("%s", done.body)
	}
	if shown := manager.do("GET", path+"/verbatims?q=التصنيف", nil).want(200); shown.len("items") != 1 || shown.str("items", 0, "id") != id {
		t.Errorf("%s", shown.body)
	}
	if shown := manager.do("GET", path+"/verbatims?q=المسجد", nil).want(200); shown.len("items") != 0 {
		t.Errorf("%s", shown.body)
	}
	supervisor.do("PUT", "/v1/insights/verbatims/"+p.round, object{"state": "hidden"}).refused(404, "not_found")
}

// TestRounds_compared: another round of the same questionnaire is compared question by question.
func TestRounds_compared(t *testing.T) {
	t.Parallel()
	p := poll(t, nil)
	first := p.round
	answer := func(level int) {
		t.Helper()
		for _, c := range p.citizens {
			list := c.do("GET", "/v1/surveys", nil).want(200)
			for n := range list.len("items") {
				if list.str("items", n, "state") == "open" {
					c.do("PUT", "/v1/surveys/"+list.str("items", n, "id")+"/response", object{"answers": object{"easy": level}, "complete": true}).want(200)
				}
			}
		}
		p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
		p.is("published")
	}
	answer(2)
	p.admin.do("PUT", "/v1/admin/programmes/other?confirm=no_quarantine&confirm=asks_everybody_often&confirm=no_channel", serviceProgramme()).want(200)
	p.round = p.admin.do("POST", "/v1/admin/programmes/other/rounds", nil).want(201).str("id")
	p.is("open")
	answer(7)
	r := p.admin.do("GET", "/v1/insights/rounds/"+p.round+"?compare="+first, nil).want(200)
	if r.str("comparison", "round") != first || r.at("comparison", "questions", 0, "now") != 1.0 || r.at("comparison", "questions", 0, "then") != 0.0 ||
		r.at("comparison", "questions", 0, "difference") != 1.0 || r.at("comparison", "questions", 0, "interval") == nil {
		t.Errorf("%s", r.body)
	}
	p.admin.do("GET", "/v1/insights/rounds/"+p.round+"/results.xlsx?compare="+first, nil).want(200)
}

// everyQuestion has one of each type.
func everyQuestion() object {
	options := []object{{"code": "a", "label": inAll("أ")}, {"code": "b", "label": inAll("ب")}}
	q := []object{{"code": "number", "type": "number", "label": inAll("عدد"), "min": 0, "max": 50}, {"code": "matrix", "type": "matrix", "label": inAll("جدول"), "rows": options}}
	for _, kind := range []string{"rating", "nps", "effort", "yes_no", "date", "text"} {
		q = append(q, object{"code": kind, "type": kind, "label": inAll("س")})
	}
	for _, kind := range []string{"choice", "choices", "ranking"} {
		q = append(q, object{"code": kind, "type": kind, "label": inAll("س"), "options": options})
	}
	return object{"title": inAll("كل الأنواع"), "questions": q}
}

// TestRounds_everyType: the figures and files of every type of question keep to the contract, weighted as well.
func TestRounds_everyType(t *testing.T) {
	t.Parallel()
	p := poll(t, func(x object) {
		x["questionnaire"], x["weighting"] = "every", object{"method": "poststratify", "by": []string{"centre"}}
	})
	for n, c := range p.citizens {
		c.do("PUT", asked(c)+"/response", object{"complete": true, "answers": object{"number": n, "matrix": object{"a": 1 + n%5, "b": 3}, "rating": 1 + n%5, "nps": n % 11,
			"effort": 1 + n%7, "yes_no": n%2 == 0, "date": "2026-11-01", "text": "نص", "choice": "a", "choices": []string{"a", "b"}, "ranking": []string{"b", "a"}}}).want(200)
	}
	p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
	p.is("published")
	path := "/v1/insights/rounds/" + p.round
	r := p.admin.do("GET", path, nil).want(200)
	if r.len("questions") != 12 || r.at("weighting", "deff") != 1.0 || r.at("respondents") != 12.0 {
		t.Errorf("%s", r.body)
	}
	for _, file := range []string{"results.csv", "results.xlsx", "methods.csv", "responses.sps"} {
		p.admin.do("GET", path+"/"+file, nil).want(200)
	}
	lines := strings.Split(strings.TrimSpace(string(p.admin.do("GET", path+"/responses.csv", nil).want(200).body)), "\r\n")
	if len(lines) != 13 || !strings.Contains(lines[0], "number,matrix_a,matrix_b,rating,nps,effort,yes_no,date,choice,choices_a,choices_b,ranking_a,ranking_b") ||
		!strings.HasSuffix(lines[1], ",1,1,1,2,1") {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
}

func TestRatings(t *testing.T) {
	t.Parallel()
	i := install(t)
	manager := i.staff(actor.Manager, "*", "*")
	for _, by := range []string{"centre", "department", "category", "employee"} {
		r := manager.do("GET", "/v1/insights/ratings?days=90&by="+by, nil).want(200)
		if r.str("by") != by || r.at("days") != 90.0 || r.at("total") == nil {
			t.Errorf("%s", r.body)
		}
	}
	manager.do("GET", "/v1/insights/ratings?days=31", nil).refused(422, "validation_failed").tells("days")
	manager.do("GET", "/v1/insights/ratings.csv?by=employee&bom=true", nil).want(200)
	manager.do("GET", "/v1/insights/ratings.xlsx", nil).want(200)
}
