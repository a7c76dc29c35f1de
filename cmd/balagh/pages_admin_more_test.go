package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/push"
)

// agree clicks a button that asks whether one is sure.
func (b *tab) agree(button, then string) {
	b.t.Helper()
	b.do(script(`window.confirm = () => true`), chromedp.Click(button), chromedp.WaitVisible(then))
}

// TestAdmin_Audit puts back a change from its entry, and is told when it cannot be.
func TestAdmin_Audit(t *testing.T) {
	t.Parallel()
	i := install(t)
	b, admin := i.administer(t), i.staff(actor.Admin, "*", "*")
	b.open("/admin/departments/sound", 1440)
	b.fill("names.ar", "الصوتيات", "names.en", "Sound")
	b.do(chromedp.Click(`[name="active"]`))
	b.save(saved)
	b.do(chromedp.Click(`a[href^="/admin/audit?path="]`), chromedp.WaitVisible(`tbody a`)) // its own history
	if said := b.text("tbody"); !strings.Contains(said, "sound") || strings.Contains(said, "riyadh") {
		t.Errorf("the history of one department: %s", said)
	}
	b.do(chromedp.Click(`tbody tr:first-child a`), chromedp.WaitVisible("#aside table"))
	entry := strings.TrimPrefix(read(b, chromedp.Location()), i.url)
	if said := b.text("#aside table"); !strings.Contains(said, "Name") || !strings.Contains(said, "Sound") || !strings.Contains(said, "الصوتيات") || strings.Contains(said, "rev") {
		t.Errorf("before and after: %s", said)
	}
	b.agree("#actions button", saved)
	d := admin.do("GET", "/v1/admin/departments/sound", nil).want(200)
	if d.str("names", "en") != "Name" || d.at("active") != true {
		t.Errorf("it was put back as %s", d.body)
	}
	b.open(entry, 1440)
	b.agree("#actions button", "div.wrong") // it was changed since
	if said := b.text("div.wrong"); said == "" {
		t.Error("a refusal says nothing")
	}
	b.open("/admin/audit?path=/v1/admin/centres&from=1448-01-01&to=2030-01-01", 390)
	if said := b.text("tbody"); strings.Contains(said, "sound") || !strings.Contains(said, "riyadh") {
		t.Errorf("filtered by resource and days of two calendars: %s", said)
	}
}

// TestAdmin_Templates sees a text as it will be sent while it is typed, and takes an old version back.
func TestAdmin_Templates(t *testing.T) {
	t.Parallel()
	i := install(t)
	b, admin := i.administer(t), i.staff(actor.Admin, "*", "*")
	first := admin.do("GET", "/v1/admin/templates/resolved/sms", nil).want(200).str("texts", "en", "body")
	b.open("/admin/templates/resolved/sms", 1440)
	b.fill("texts.en.body", "It is done: {number}.")
	read(b, chromedp.Poll[bool](`document.querySelector("#aside").innerText.includes("It is done: ")`))
	b.fill("texts.ar.body", "انتهى {nomber}")
	b.save(`[id="f-texts.ar.body-wrong"]`)
	if b.value("texts.en.body") != "It is done: {number}." {
		t.Error("what was typed is lost")
	}
	b.fill("texts.ar.body", "انتهى {number}")
	b.save(saved)
	if now := admin.do("GET", "/v1/admin/templates/resolved/sms", nil).want(200); now.str("texts", "en", "body") != "It is done: {number}." || now.at("version") != 1.0 {
		t.Errorf("the text in force: %s", now.body)
	}
	b.do(chromedp.Click(`#aside a[href$="version=0"]`), chromedp.WaitVisible("p.note"))
	b.save(saved)
	if now := admin.do("GET", "/v1/admin/templates/resolved/sms", nil).want(200); now.str("texts", "en", "body") != first || now.at("version") != 2.0 {
		t.Errorf("the old text is back as %s", now.body)
	}
}

// TestAdmin_Staff adds somebody, who signs in, and stops them.
func TestAdmin_Staff(t *testing.T) {
	t.Parallel()
	i := install(t)
	b, admin := i.administer(t), i.staff(actor.Admin, "*", "*")
	b.open("/admin/new/staff", 1440)
	b.fill("name", "سارة", "email", "sara@example.sa", "password", "too short")
	b.set("role", "officer")
	b.do(chromedp.Click(`[name="centres"][value="riyadh"]`), chromedp.Click(`[name="departments"][value="*"]`))
	b.save("#f-password-wrong")
	if b.value("email") != "sara@example.sa" || !read(b, chromedp.Evaluate[bool](`document.querySelector('[name="centres"][value="riyadh"]').checked`)) {
		t.Error("what was typed is lost")
	}
	b.fill("password", staffPassword)
	b.save(saved)
	(&client{i: i, t: t}).signIn("sara@example.sa")
	b.do(chromedp.Click(`[name="active"]`))
	b.set("role", "supervisor")
	b.save(saved)
	id := read(b, chromedp.Evaluate[string](`location.pathname.split("/").pop()`))
	x := admin.do("GET", "/v1/admin/staff/"+id, nil).want(200)
	if x.at("active") != false || x.str("role") != "supervisor" || x.str("centres", 0) != "riyadh" {
		t.Errorf("the account: %s", x.body)
	}
	if e := newest(admin); e.at("reversible") != true { // only what differs was sent, no password
		t.Errorf("the entry of the change: %s", e.body)
	}
}

// TestAdmin_Broadcasts counts an audience, sends a notice later, and stops it.
func TestAdmin_Broadcasts(t *testing.T) {
	t.Parallel()
	i := install(t)
	c := i.citizen("+966501110001")
	c.do("POST", "/v1/reports", `{"category":"maintenance","description":"مصباح","channel":"app","place":{"latitude":24.7,"longitude":46.7,"source":"map"}}`).want(201)
	b := i.administer(t)
	b.open("/admin/new/broadcasts", 1440)
	b.set("audience.centre", "riyadh")
	b.fill("at", "2")
	b.do(script(`document.querySelector("[name=at]").value = new Date(Date.now() + 864e5).toISOString().slice(0, 16)`))
	for _, lang := range []string{"ar", "en", "ur"} {
		b.fill("texts."+lang+".title", "Notice", "texts."+lang+".body", "The centre is closed.")
	}
	b.press("look")
	if said := b.text("#aside"); !strings.ContainsAny(said, "1١") {
		t.Errorf("the audience: %s", said)
	}
	b.save(saved)
	b.whole()
	b.accessible()
	b.shoot("admin-broadcast")
	b.agree("#actions button.danger", saved)
	id := read(b, chromedp.Evaluate[string](`location.pathname.split("/").pop()`))
	if x := i.staff(actor.Admin, "*", "*").do("GET", "/v1/admin/broadcasts/"+id, nil).want(200); x.str("broadcast", "state") != "stopped" || x.str("broadcast", "audience", "centre") != "riyadh" {
		t.Errorf("the broadcast: %s", x.body)
	}
}

// TestAdmin_Surveys writes a questionnaire, takes it through a workbook, and makes a programme whose warnings are read first.
func TestAdmin_Surveys(t *testing.T) {
	t.Parallel()
	i := install(t)
	b, admin := i.administer(t), i.staff(actor.Admin, "*", "*")
	b.open("/admin/new/questionnaires", 1440)
	b.fill("code", "service", "title.ar", "الخدمة", "title.en", "Service", "title.ur", "سروس")
	b.press("add:questions")
	b.fill("questions.0.code", "easy", "questions.0.label.ar", "سهل؟", "questions.0.label.en", "Easy?", "questions.0.label.ur", "آسان؟", "questions.0.show_if", "{not JSON")
	b.set("questions.0.type", "effort")
	b.save(`[id="f-questions.0.show_if-wrong"]`)
	b.fill("questions.0.show_if", " ")
	b.press("look")
	b.do(chromedp.WaitVisible("#aside p.done"))
	b.save(saved)

	file := filepath.Join(t.TempDir(), "service.xlsx")
	if err := os.WriteFile(file, i.workbook(admin, "service"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles("#workbook", []string{file}), chromedp.Click(`form[action$="/workbook"] button`), chromedp.WaitVisible(saved))
	if err := os.WriteFile(file, []byte("no workbook"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles("#workbook", []string{file}), chromedp.Click(`form[action$="/workbook"] button`), chromedp.WaitVisible("div.wrong"))

	b.open("/admin/new/programmes", 1440)
	b.fill("code", "after", "names.ar", "بعد", "names.en", "After", "names.ur", "بعد", "after.days", "2", "quarantine_days", "0", "open_days", "14", "reminders", "٣، ٧")
	b.set("questionnaire", "service")
	b.set("sample.method", "all")
	b.set("weighting.method", "none")
	b.do(chromedp.Click(`[name="after.on"][value="closed"]`))
	b.save("fieldset.warn")
	b.do(script(`document.querySelectorAll("[name=confirm]").forEach((x) => (x.checked = true))`))
	b.save(saved)
	p := admin.do("GET", "/v1/admin/programmes/after", nil).want(200)
	if p.at("active") != true || fmt.Sprint(p.at("reminders")) != "[3 7]" || p.str("after", "on", 0) != "closed" {
		t.Errorf("the programme: %s", p.body)
	}
}

// workbook of a questionnaire.
func (i *installation) workbook(admin *client, questionnaire string) []byte {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, i.url+"/v1/admin/questionnaires/"+questionnaire+"/xlsform", nil)
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+admin.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || !bytes.HasPrefix(b, []byte("PK")) {
		i.t.Fatalf("the workbook: %v %.100q", err, b)
	}
	return b
}

// TestAdmin_Replies removes a reply, and puts it back from the audit.
func TestAdmin_Replies(t *testing.T) {
	t.Parallel()
	i := install(t)
	b, admin := i.administer(t), i.staff(actor.Admin, "*", "*")
	b.open("/admin/new/replies", 390)
	b.fill("code", "thanks", "names.ar", "شكر", "names.en", "Thanks", "names.ur", "شکریہ", "texts.ar", "شكرًا", "texts.en", "Thank you", "texts.ur", "شکریہ")
	b.do(chromedp.Click(`[name="categories"][value="maintenance"]`))
	b.save(saved)
	b.agree("#actions button.danger", saved)
	admin.do("GET", "/v1/admin/replies/thanks", nil).refused(404, "not_found")
	b.open("/admin/audit/"+newest(admin).str("id"), 390)
	b.agree("#actions button", saved)
	if x := admin.do("GET", "/v1/admin/replies/thanks", nil).want(200); x.str("texts", "en") != "Thank you" || x.str("categories", 0) != "maintenance" {
		t.Errorf("it came back as %s", x.body)
	}
}

// TestAdmin_DeadLetters lists what failed, and tries it again.
func TestAdmin_DeadLetters(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.administer(t)
	b.open("/admin/dead-letters?channel=sms&reason=No Such", 1440)
	if said := b.text("#f-reason-wrong"); said == "" {
		t.Error("nothing is said beside the filter")
	}
	b.open("/admin/dead-letters?channel=sms", 390)
	b.whole()
	b.accessible()
	b.agree(`form[action="/admin/all/dead-letters"] button`, saved)
	if said := b.text(saved); !strings.Contains(said, "٠") {
		t.Errorf("how many are tried again: %s", said)
	}
	b.open("/admin/keys", 390)
	b.agree(`form[action="/admin/all/keys"] button`, saved)
	if n := read(b, chromedp.Evaluate[int](`document.querySelectorAll("tbody tr").length`)); n != 2 {
		t.Errorf("%d keys", n)
	}
}

// TestAdmin_Keyboard makes a department without a mouse.
func TestAdmin_Keyboard(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.administer(t)
	b.open("/admin/departments", 1440)
	reach := func(selector string) {
		t.Helper()
		for range 60 {
			b.do(chromedp.KeyEvent(kb.Tab))
			if read(b, chromedp.Evaluate[bool](`document.activeElement.matches('`+selector+`')`)) {
				return
			}
		}
		t.Fatalf("no key leads to %s", selector)
	}
	reach(`a[href="/admin/new/departments"]`)
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#f-code"))
	for _, x := range [][2]string{{`[name="code"]`, "gardens"}, {`[name="names.ar"]`, "الحدائق"}, {`[name="names.en"]`, "Gardens"}, {`[name="names.ur"]`, "باغات"}} {
		reach(x[0])
		b.do(chromedp.KeyEvent(x[1]))
	}
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(saved))
	i.staff(actor.Admin, "*", "*").do("GET", "/v1/admin/departments/gardens", nil).want(200)
}

// TestAdmin_Overview says what is missing in an installation with nothing in it, and no more when it is there.
func TestAdmin_Overview(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.administer(t)
	b.open("/admin", 390)
	if said := b.text(".todo"); !strings.Contains(said, "كلمة مرور فقط") || strings.Contains(said, "بلا تصنيف") {
		t.Errorf("what is missing: %s", said)
	}
}

// post sends a form without fields, as a button does, and gives the page that follows.
func post(t *testing.T, c *http.Client, address string) string {
	t.Helper()
	res, err := c.PostForm(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := readAll(t, res)
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), `class="done"`) {
		t.Errorf("%s: %d\n%s", address, res.StatusCode, body)
	}
	return string(body)
}

// TestAdmin_Actions presses what stands beside the forms: none of it needs a script.
func TestAdmin_Actions(t *testing.T) {
	t.Parallel()
	p := poll(t, nil)
	c := p.browserOf(p.hire(actor.Admin, "*", "*"))
	if res, err := c.PostForm(p.url+"/admin/programmes/yearly/do/rounds", nil); err != nil || res.StatusCode != http.StatusConflict || !strings.Contains(string(readAll(t, res)), `class="wrong"`) {
		t.Errorf("a round while one is open: %v, %v", res, err)
	}
	post(t, c, p.url+"/admin/rounds/"+p.round+"/do/close")
	if state := p.admin.do("GET", "/v1/admin/rounds/"+p.round, nil).want(200).str("round", "state"); state == "open" {
		t.Errorf("the round is %s", state)
	}

	text := map[string]any{"title": "Notice", "body": "Heavy rain"}
	b := p.admin.do("POST", "/v1/admin/broadcasts", map[string]any{"audience": map[string]any{"all": true}, "texts": map[string]any{"ar": text, "en": text, "ur": text}}).want(201).str("id")
	state := func() string {
		return p.admin.do("GET", "/v1/admin/broadcasts/"+b, nil).want(200).str("broadcast", "state")
	}
	for _, x := range [][2]string{{"pause", "paused"}, {"resume", "running done"}, {"stop", "stopped"}} {
		post(t, c, p.url+"/admin/broadcasts/"+b+"/do/"+x[0])
		if now := state(); !strings.Contains(x[1], now) {
			t.Errorf("after %s the broadcast is %s", x[0], now)
		}
	}

	citizen := p.citizens[0]
	lost := p.sent(citizen.id, citizen.do("GET", "/v1/reports", nil).want(200).str("items", 0, "id"), push.ChannelEmail, "", push.Result{State: push.Failed, Reason: "undelivered"})
	post(t, c, p.url+"/admin/dead-letters/"+lost.Message+"/"+lost.ID+"/do/retry")
	if s := p.stateOf(lost.Message); s == push.Failed {
		t.Error("what failed is not tried again")
	}
}
