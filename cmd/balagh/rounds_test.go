package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/balagh/balagh/actor"
)

const xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

func inAll(s string) map[string]any { return map[string]any{"ar": s, "en": s, "ur": s} }

type object = map[string]any

// serviceQuestions ask once of each kind that the journey needs. The second is asked of those who found it hard.
func serviceQuestions() object {
	return object{"title": inAll("الخدمة"), "questions": []object{
		{"code": "easy", "type": "effort", "label": inAll("سهولة التقديم"), "required": true},
		{"code": "why", "type": "text", "label": inAll("ما الصعوبة؟"), "max_length": 100, "show_if": object{"question": "easy", "op": "le", "value": 3}},
		{"code": "channel", "type": "choice", "label": inAll("القناة"), "options": []object{{"code": "app", "label": inAll("=التطبيق")}, {"code": "phone", "label": inAll("الهاتف")}}},
		{"code": "again", "type": "yes_no", "label": inAll("هل تستخدمها ثانية؟"), "dont_know": true},
	}}
}

func serviceProgramme() object {
	return object{"names": inAll("الاستبيان السنوي"), "active": true, "questionnaire": "service", "every": object{"rule": "FREQ=YEARLY", "start": "2030-01-01", "hour": 9, "window_days": 30},
		"frame": object{}, "sample": object{"method": "all"}, "weighting": object{"method": "none"}, "quarantine_days": 0, "open_days": 7, "reminders": []int{3}, "channels": []string{"push"}}
}

// fields are the faults of a problem document by their paths.
func (a *answer) fields() map[string]string {
	a.t.Helper()
	all := map[string]string{}
	list, _ := a.at("fields").([]any)
	for _, f := range list {
		f := f.(map[string]any)
		all[f["path"].(string)] = f["reason"].(string)
	}
	return all
}

func (a *answer) tells(want ...string) *answer {
	a.t.Helper()
	got := a.fields()
	for _, path := range want {
		if got[path] == "" {
			a.t.Errorf("%s: nothing is said of %s: %v", a.what, path, got)
		}
	}
	return a
}

func TestQuestionnaires(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin, manager := i.staff(actor.Admin, "*", "*"), i.staff(actor.Manager, "*", "*")
	const path = "/v1/admin/questionnaires/service"

	bad := serviceQuestions()
	q := bad["questions"].([]object)
	q[0]["label"] = object{"ar": "س", "en": "q"}
	q[1]["show_if"] = object{"all": []object{{"question": "nowhere", "op": "eq", "value": 1}, {"not": object{"question": "again", "op": "answered"}}}}
	q[2]["type"] = "riddle"
	q[3]["code"] = "easy"
	admin.do("PUT", path, bad).refused(422, "validation_failed").
		tells("questions/0/label/ur", "questions/1/show_if/all/0/question", "questions/1/show_if/all/1/not/question", "questions/2/type", "questions/3/code")
	q[3]["surprise"] = 1
	admin.do("PUT", path, bad).refused(400, "malformed_request").tells("questions/3/surprise")

	admin.do("PUT", path+"?dry_run=true", serviceQuestions()).want(200)
	admin.do("GET", path, nil).refused(404, "not_found")
	if first := admin.do("PUT", path, serviceQuestions()).want(200); first.at("version") != 1.0 || first.header.Get("ETag") != `"1"` || first.str("by_name") == "" {
		t.Errorf("%s", first.body)
	}
	if again := admin.do("PUT", path, serviceQuestions()).want(200); again.at("version") != 1.0 {
		t.Errorf("the same again became a version: %s", again.body)
	}
	next := serviceQuestions()
	next["title"] = inAll("الخدمة الجديدة")
	admin.do("PUT", path, next, "If-Match", `"7"`).refused(412, "precondition_failed")
	admin.do("PUT", path, next, "If-Match", `"1"`).want(200)
	if all := manager.do("GET", path+"/versions", nil).want(200); all.len("items") != 2 || all.at("items", 0, "version") != 2.0 {
		t.Errorf("%s", all.body)
	}
	if old := manager.do("GET", path+"/versions/1", nil).want(200); old.str("title", "ar") != "الخدمة" {
		t.Errorf("%s", old.body)
	}
	manager.do("GET", path+"/versions/9", nil).refused(404, "not_found")
	if all := manager.do("GET", "/v1/admin/questionnaires", nil).want(200); all.len("items") != 1 {
		t.Errorf("%s", all.body)
	}
}

func TestQuestionnaires_XLSForm(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	const path = "/v1/admin/questionnaires/service"
	admin.do("PUT", path, serviceQuestions()).want(200)
	put := func(body []byte, query string) *answer {
		t.Helper()
		return admin.do("PUT", path+"/xlsform"+query, body, "Content-Type", xlsx)
	}
	file := admin.do("GET", path+"/xlsform?version=1", nil).want(200)
	if file.header.Get("Content-Type") != xlsx || !strings.Contains(file.header.Get("Content-Disposition"), "service.xlsx") {
		t.Errorf("%v", file.header)
	}
	if back := put(file.body, "").want(200); back.at("version") != 1.0 {
		t.Errorf("what was given is taken for something else: %s", back.body)
	}
	riddle := rewritten(t, file.body, ">text<", ">riddle<") // the second question, in row 3
	faults := put(riddle, "?dry_run=true").refused(422, "validation_failed").fields()
	if !slices.ContainsFunc(slices.Collect(maps.Keys(faults)), func(p string) bool { return strings.HasPrefix(p, "survey/3/") }) {
		t.Errorf("row 3 is not named: %v", faults)
	}
	put([]byte("no workbook"), "").refused(422, "validation_failed")
	put(make([]byte, 2<<20+1), "").refused(413, "too_large")
	admin.do("PUT", path+"/xlsform", "{}").refused(415, "unsupported_media_type")
	admin.do("GET", path+"/xlsform?version=5", nil).refused(404, "not_found")
}

// rewritten is a workbook with a text in its parts replaced.
func rewritten(t *testing.T, workbook []byte, old, replacement string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	each(t, workbook, func(name string, part []byte) {
		to, err := w.Create(name)
		if err == nil {
			_, err = to.Write(bytes.ReplaceAll(part, []byte(old), []byte(replacement)))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpacked is everything that a workbook holds.
func unpacked(t testing.TB, workbook []byte) string {
	t.Helper()
	var b strings.Builder
	each(t, workbook, func(_ string, part []byte) { b.Write(part) })
	return b.String()
}

func each(t testing.TB, workbook []byte, visit func(name string, part []byte)) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		part, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		visit(f.Name, part)
	}
}

// polled is an installation whose round is open: a dozen people are asked.
type polled struct {
	*installation
	admin    *client
	citizens []*client
	round    string
}

func poll(t *testing.T, change func(programme object)) *polled {
	t.Helper()
	p := &polled{installation: install(t)}
	p.admin = p.staff(actor.Admin, "*", "*")
	p.admin.do("PUT", "/v1/admin/questionnaires/service", serviceQuestions()).want(200)
	p.admin.do("PUT", "/v1/admin/questionnaires/every", everyQuestion()).want(200)
	for n := range 12 {
		c := p.citizen(fmt.Sprintf("+9665000004%02d", n))
		c.do("POST", "/v1/reports", speakers).want(201)
		p.citizens = append(p.citizens, c)
	}
	x := serviceProgramme()
	if change != nil {
		change(x)
	}
	p.admin.do("PUT", "/v1/admin/programmes/yearly?confirm=no_quarantine&confirm=asks_everybody_often&confirm=asks_nobody&confirm=no_channel", x).want(200)
	eventually(t, "cases of all", func() bool {
		return p.admin.do("GET", "/v1/admin/programmes/yearly/forecast", nil).want(200).at("population") == 12.0
	})
	started := p.admin.do("POST", "/v1/admin/programmes/yearly/rounds", nil).want(201)
	if p.round = started.str("id"); started.header.Get("Location") != "/v1/admin/rounds/"+p.round || started.str("seed") != "" {
		t.Errorf("%v", started.header)
	}
	p.is("open")
	if open := p.admin.do("GET", "/v1/admin/rounds/"+p.round, nil).want(200); open.at("round", "seed") != "" {
		t.Errorf("the seed of an open round is told: %s", open.body)
	}
	return p
}

// is waits until the round is in a state.
func (p *polled) is(state string) {
	p.t.Helper()
	eventually(p.t, "a round that is "+state, func() bool {
		return p.admin.do("GET", "/v1/admin/rounds/"+p.round, nil).want(200).str("round", "state") == state
	})
}

// asked is the one survey of a citizen.
func asked(c *client) string {
	c.t.Helper()
	list := c.do("GET", "/v1/surveys", nil).want(200)
	if list.len("items") != 1 {
		c.t.Fatalf("not one survey: %s", list.body)
	}
	return "/v1/surveys/" + list.str("items", 0, "id")
}

func TestProgrammes(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	admin.do("PUT", "/v1/admin/questionnaires/service", serviceQuestions()).want(200)
	const path = "/v1/admin/programmes/yearly"
	wrong := serviceProgramme()
	wrong["questionnaire"], wrong["open_days"], wrong["sample"] = "nothing", 0, object{"method": "chance"}
	admin.do("PUT", path, wrong).refused(422, "validation_failed").tells("questionnaire", "open_days", "sample/method")

	dry := admin.do("PUT", path+"?dry_run=true", serviceProgramme()).want(200)
	warned, _ := dry.at("forecast", "warnings").([]any)
	if !slices.Contains(warned, any("no_quarantine")) || !slices.Contains(warned, any("asks_nobody")) || dry.len("forecast", "next") == 0 {
		t.Errorf("%s", dry.body)
	}
	admin.do("GET", path, nil).refused(404, "not_found")
	refused := admin.do("PUT", path+"?confirm=no_quarantine", serviceProgramme()).refused(409, "conflict")
	if list, _ := refused.at("allowed").([]any); !slices.Contains(list, any("asks_nobody")) {
		t.Errorf("the warnings are not named: %s", refused.body)
	}
	confirm := path + "?"
	for _, w := range warned {
		confirm += "confirm=" + w.(string) + "&"
	}
	stored := admin.do("PUT", strings.TrimSuffix(confirm, "&"), serviceProgramme()).want(200)
	if stored.header.Get("ETag") != `"1"` || stored.str("programme", "next") == "" {
		t.Errorf("%v %s", stored.header, stored.body)
	}
	idle := serviceProgramme()
	idle["active"] = false
	admin.do("PUT", path, idle, "If-Match", `"9"`).refused(412, "precondition_failed")
	admin.do("PUT", path, idle, "If-Match", `"1"`).want(200)
	admin.do("POST", path+"/rounds", nil).refused(409, "conflict") // not active
	admin.do("GET", "/v1/admin/programmes/nothing/rounds", nil).refused(404, "not_found")
	after := serviceProgramme()
	delete(after, "every")
	after["after"], after["sample"], after["active"] = object{"on": []string{"closed", "rejected"}, "days": 3}, object{}, false
	if x := admin.do("PUT", "/v1/admin/programmes/after", after).want(200); x.str("programme", "sample", "method") != "all" {
		t.Errorf("everybody whose case is closed is asked: %s", x.body)
	}
	if all := i.staff(actor.Manager, "*", "*").do("GET", "/v1/admin/programmes", nil).want(200); all.len("items") != 2 || all.str("items", 1, "code") != "yearly" {
		t.Errorf("%s", all.body)
	}
}

func TestSurveys_answers(t *testing.T) {
	t.Parallel()
	p := poll(t, nil)
	p.admin.do("POST", "/v1/admin/programmes/yearly/rounds", nil).refused(409, "already_exists")
	c := p.citizens[0]
	path := asked(c)
	eventually(t, "the message", func() bool {
		m := c.do("GET", "/v1/inbox", nil).want(200)
		return m.str("items", 0, "kind") == "survey_invitation" && "/v1/surveys/"+m.str("items", 0, "survey_id") == path
	})
	respond := func(c *client, path string, complete bool, answers object) *answer {
		t.Helper()
		return c.do("PUT", path+"/response", object{"answers": answers, "complete": complete})
	}
	respond(c, path, true, object{"easy": "much", "channel": "fax", "again": 1, "why": "x", "nothing": 1}).refused(422, "validation_failed").
		tells("answers/easy", "answers/channel", "answers/again", "answers/nothing")
	respond(c, path, true, object{"easy": 7, "why": "هذا السؤال مخفي"}).refused(422, "validation_failed").tells("answers/why")
	respond(c, path, true, object{"channel": "app"}).refused(422, "validation_failed").tells("answers/easy")
	if kept := respond(c, path, false, object{"channel": "app"}).want(200); kept.str("state") != "partial" || kept.str("answers", "channel") != "app" {
		t.Errorf("%s", kept.body)
	}
	all := object{"easy": 2, "why": "لم أجد التصنيف", "channel": "phone", "again": "dont_know"}
	for range 2 {
		if done := respond(c, path, true, all).want(200); done.str("state") != "complete" || done.at("answers", "easy") != 2.0 {
			t.Errorf("%s", done.body)
		}
	}
	respond(c, path, true, object{"easy": 7}).refused(409, "already_exists")
	respond(p.citizens[1], path, true, all).refused(404, "not_found")
	p.citizens[1].do("GET", path, nil).refused(404, "not_found")
	p.citizens[1].do("POST", path+"/refuse", nil).refused(404, "not_found")

	clerk := p.staff(actor.Clerk, "*", "*")
	open := clerk.do("GET", "/v1/desk/surveys?phone=0500000402", nil).want(200)
	if open.len("items") != 1 || open.at("items", 0, "answers") != nil {
		t.Fatalf("%s", open.body)
	}
	if none := clerk.do("GET", "/v1/desk/surveys?phone=0500000998", nil).want(200); none.len("items") != 0 {
		t.Errorf("%s", none.body)
	}
	clerk.do("GET", "/v1/desk/surveys?phone=abc", nil).refused(422, "validation_failed").tells("phone")
	desk := "/v1/desk/surveys/" + open.str("items", 0, "id")
	if down := respond(clerk, desk, true, object{"easy": 5}).want(200); down.at("answers") != nil || down.str("state") != "complete" {
		t.Errorf("%s", down.body)
	}
	p.citizens[3].do("POST", asked(p.citizens[3])+"/refuse", nil).want(204)
	respond(p.citizens[3], asked(p.citizens[3]), true, all).refused(409, "conflict")
	if n := p.admin.do("GET", "/v1/admin/rounds/"+p.round, nil).want(200); n.at("invitations", "complete") != 2.0 || n.at("invitations", "refused") != 1.0 {
		t.Errorf("%s", n.body)
	}
	late := asked(p.citizens[4])
	p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/stop", nil).want(200)
	respond(p.citizens[4], late, true, all).refused(409, "conflict")
	p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).refused(409, "conflict")
}

// answered by eleven of twelve: one found it hard, and says why.
func (p *polled) answered() {
	p.t.Helper()
	for n, c := range p.citizens[:11] {
		answers := object{"easy": 7, "channel": "app", "again": true}
		if n == 0 {
			answers = object{"easy": 1, "why": "=لم أجد التصنيف", "channel": "phone", "again": "dont_know"}
		}
		c.do("PUT", asked(c)+"/response", object{"answers": answers, "complete": true, "language": "ar"}).want(200)
	}
}

func TestRounds_results(t *testing.T) {
	t.Parallel()
	p := poll(t, nil)
	p.answered()
	manager, path := p.staff(actor.Manager, "*", "*"), "/v1/insights/rounds/"+p.round
	p.admin.do("GET", path+"/responses.csv", nil).refused(409, "conflict")
	p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
	p.is("published")
	p.citizens[11].do("PUT", "/v1/surveys/"+p.round+"/response", object{"answers": object{"easy": 7}, "complete": true}).refused(404, "not_found")

	r := manager.do("GET", path, nil).want(200)
	if r.at("final") != true || r.at("respondents") != 11.0 || r.at("dispositions", "complete") != 11.0 || r.len("questions") != 4 ||
		r.at("questions", 0, "total", "effort", "count") != 10.0 || len(r.str("methods", "seed")) != 64 || r.str("labels", "centre", "riyadh") == "" {
		t.Errorf("%s", r.body)
	}
	if list := manager.do("GET", "/v1/insights/rounds?programme=yearly", nil).want(200); list.len("items") != 1 || list.str("items", 0, "id") != p.round {
		t.Errorf("%s", list.body)
	}
	manager.do("GET", path+"?compare="+p.round, nil).refused(422, "validation_failed").tells("compare")
	manager.do("GET", path+"?compare="+p.parts.server.Reports.NewID(), nil).refused(422, "validation_failed").tells("compare")
	p.staff(actor.Manager, "qassim", "*").do("GET", path, nil).refused(404, "not_found")
	p.staff(actor.Supervisor, "*", "*").do("GET", path, nil).refused(403, "forbidden")
	keptFigures(t, p, manager, path)
	files(t, p, manager, path)
}

// keptFigures: the figures of a round that is over are written once, but what its groups are called is asked each time.
func keptFigures(t *testing.T, p *polled, manager *client, path string) {
	t.Helper()
	before := manager.do("GET", path, nil).want(200)
	if again := manager.do("GET", path, nil).want(200); !bytes.Equal(before.body, again.body) {
		t.Errorf("%s\n%s", before.body, again.body)
	}
	named := object{"names": inAll("اسم جديد"), "active": true}
	p.admin.do("PUT", "/v1/admin/centres/riyadh", named).want(200)
	if r := manager.do("GET", path, nil).want(200); r.str("labels", "centre", "riyadh") != "اسم جديد" || r.at("respondents") != 11.0 {
		t.Errorf("%s", r.body)
	}
}

func files(t *testing.T, p *polled, manager *client, path string) {
	t.Helper()
	for _, name := range []string{"results.csv", "methods.csv", "responses.csv"} {
		file := p.admin.do("GET", path+"/"+name+"?bom=true", nil).want(200)
		text, marked := bytes.CutPrefix(file.body, []byte("\ufeff"))
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil || !marked || len(lines) < 2 || !strings.Contains(file.header.Get("Content-Disposition"), "yearly-1-"+name) {
			t.Errorf("%s: %v %v\n%s", name, err, file.header, file.body)
		}
		for _, line := range lines {
			for _, cell := range line {
				if cell != "" && strings.ContainsAny(cell[:1], "=+@\t\r") {
					t.Errorf("%s would run %q", name, cell)
				}
			}
		}
		if name == "responses.csv" && (len(lines) != 12 || strings.Contains(string(text), "أجد")) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if s := p.admin.do("GET", path+"/responses.sps", nil).want(200); !strings.Contains(string(s.body), "/FILE='yearly-1-responses.csv'") {
		t.Errorf("%s", s.body)
	}
	manager.do("GET", path+"/responses.csv", nil).refused(403, "forbidden")
	manager.lang = "ur"
	book := manager.do("GET", path+"/results.xlsx", nil).want(200).body
	if text := unpacked(t, book); !strings.Contains(text, ">سوال کا کوڈ<") || !strings.Contains(text, ">=التطبيق<") || strings.Contains(text, "<f>") {
		t.Errorf("%s", text)
	}
}
