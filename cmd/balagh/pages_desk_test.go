package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/web/page"
)

// filed is a report by a citizen, with photos.
func (i *installation) filed(phone string, body string) (id, number string) {
	i.t.Helper()
	r := i.citizen(phone).do("POST", "/v1/reports", body).want(201)
	return r.str("id"), r.str("number")
}

// rows are the numbers of the queue that is open.
func (b *tab) rows() []string {
	b.t.Helper()
	return read(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#queue td.number a")].map((a) => a.textContent)`))
}

// latin has the digits of the pages written as the API writes them.
func (b *tab) latin() {
	b.t.Helper()
	b.do(script(`document.cookie = "balagh-digits=latn; path=/"`))
}

func TestPages_Desk_Queue(t *testing.T) {
	t.Parallel()
	i := install(t)
	_, sound := i.filed("+966500000001", speakers)
	i.filed("+966500000002", `{"category":"maintenance","description":"انقطاع التكييف في مصلى النساء","place":{"latitude":24.7,"longitude":46.7,"source":"map"}}`)
	i.filed("+966500000003", strings.Replace(speakers, "46.6753", "43.9", 1)) // of another centre
	clerk := i.hire(actor.Clerk, "riyadh", "*")
	b := i.browse(t)
	b.signIn(clerk)
	b.latin()

	b.everywhere("/desk", "desk-queue")
	b.speak("ar")
	b.open("/desk", 1440)
	if got := b.rows(); len(got) != 2 {
		t.Fatalf("the queue of Riyadh: %v", got)
	}
	b.open("/desk?category=loudspeakers", 1440)
	if got := b.rows(); len(got) != 1 || got[0] != sound {
		t.Errorf("by category: %v", got)
	}
	b.do(chromedp.Click("details.more summary"), chromedp.WaitVisible("#channel"))
	b.open("/desk?q=%D8%A7%D9%84%D8%AA%D9%83%D9%8A%D9%8A%D9%81&status=closed", 1440)
	if got := b.rows(); len(got) != 0 {
		t.Errorf("closed ones: %v", got)
	}
	b.open("/desk?from=2026-13-45", 1440)
	if b.text("p.wrong") == "" || read(b, chromedp.Value("#from")) != "" && !strings.Contains(read(b, chromedp.Location()), "2026-13-45") {
		t.Error("a day that is none is not refused")
	}
}

func TestPages_Desk_Filters(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.filed("+966500000001", speakers)
	b := i.browse(t)
	b.signIn(i.hire(actor.Clerk, "riyadh", "*"))
	b.speak("ar")
	b.open("/desk?category=loudspeakers&status=received&sort=due", 1440)
	b.do(chromedp.SendKeys("#keep-name", "المكبرات / الجديدة"), chromedp.Click(".keep button"), chromedp.WaitVisible(".keep .wrong"))
	if kept := read(b, chromedp.Value("#keep-name")); kept != "المكبرات / الجديدة" {
		t.Errorf("a name that is refused is %q now", kept)
	}
	b.do(script(`document.getElementById("keep-name").value = "المكبرات الجديدة"`), chromedp.Click(".keep button"), chromedp.WaitVisible(`.keep button[value="forget"]`))
	b.whole()
	b.open("/desk", 1440)
	b.do(chromedp.Click(".subnav a:last-child"), chromedp.WaitVisible(`.keep button[value="forget"]`))
	if category, sort := read(b, chromedp.Evaluate[string](`document.getElementById("category").value`)), read(b, chromedp.Value("#sort")); category != "loudspeakers" || sort != "due" {
		t.Errorf("the kept filter asks for %q by %q", category, sort)
	}
	b.do(chromedp.Click(`.keep button[value="forget"]`), chromedp.WaitNotPresent(`.keep`))
	if n := read(b, chromedp.Evaluate[int](`document.querySelectorAll(".subnav a").length`)); n != 4 {
		t.Errorf("after it was forgotten %d views are left", n)
	}
}

func TestPages_Desk_Templates(t *testing.T) {
	t.Parallel()
	i := install(t)
	id, _ := i.filed("+966500000001", speakers)
	i.staff(actor.Admin, "*", "*").do("PUT", "/v1/admin/replies/on-site", `{"names":{"ar":"في الموقع","en":"On site","ur":"موقع پر"},"texts":{"ar":"وصل الفريق.","en":"The team is there.","ur":"ٹیم پہنچ گئی۔"}}`).want(200)
	b := i.browse(t)
	b.signIn(i.hire(actor.Clerk, "riyadh", "*"))
	b.open("/desk/reports/"+id, 1440)
	b.do(chromedp.WaitVisible(`select[data-into="reply-text"]`),
		script(`(() => { const s = document.querySelector('select[data-into="reply-text"]'); s.selectedIndex = 1; s.dispatchEvent(new Event("change")); })()`))
	if text := read(b, chromedp.Value("#reply-text")); text != "وصل الفريق." { // the report is in Arabic, whatever staff read
		t.Errorf("the template gave %q", text)
	}
	b.whole()
	b.do(chromedp.Click("#reply button.primary"), chromedp.WaitVisible("p.done"))
	if got := b.text(".timeline"); !strings.Contains(got, "وصل الفريق.") {
		t.Errorf("the timeline: %s", got)
	}
}

func TestPages_Desk_Keys(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.filed("+966500000001", speakers)
	id, _ := i.filed("+966500000002", speakers)
	b := i.browse(t)
	b.signIn(i.hire(actor.Supervisor, "*", "*"))
	b.open("/desk", 1440)
	b.do(chromedp.KeyEvent("?"), chromedp.WaitVisible("dialog#keys[open]"), chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent("dialog#keys[open]"))
	b.do(chromedp.KeyEvent("/"))
	if at := read(b, chromedp.Evaluate[string](`document.activeElement.id`)); at != "q" {
		t.Errorf("/ went to %q", at)
	}
	b.do(script(`document.activeElement.blur()`), chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.Enter),
		chromedp.WaitVisible(".sheet"))
	if where := read(b, chromedp.Location()); !strings.HasSuffix(where, "/desk/reports/"+id) {
		t.Errorf("Enter opened %s", where)
	}
}

func TestPages_Desk_Report(t *testing.T) {
	t.Parallel()
	i := install(t)
	id, number := i.filed("+966500000001", speakers)
	b := i.browse(t)
	b.signIn(i.hire(actor.Supervisor, "riyadh", "*"))
	b.latin()
	b.everywhere("/desk/reports/"+id, "desk-report")
	b.speak("ar")
	b.open("/desk/reports/"+id, 1440)
	if got := b.text("h1 bdi"); got != number {
		t.Errorf("the number: %q, want %q", got, number)
	}
	for _, want := range []string{"جامع الملك خالد", "حي العليا", "مكبر الصوت الخارجي"} {
		if !strings.Contains(b.text(".sheet"), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if at := read(b, chromedp.Evaluate[int](`document.querySelectorAll(".map path").length`)); at < 2 {
		t.Errorf("the map shows %d of the place and its area", at)
	}
}

// press types keys one after the other, as who has no mouse.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

// at is the name or id of what has the focus.
func (b *tab) at() string {
	b.t.Helper()
	return read(b, chromedp.Evaluate[string](`document.activeElement.name || document.activeElement.id || document.activeElement.tagName`))
}

func TestPages_Desk_Registration(t *testing.T) {
	t.Parallel()
	i := install(t)
	_, before := i.filed("+966500000009", speakers)
	clerk := i.hire(actor.Clerk, "riyadh", "*")
	officer := i.hire(actor.Officer, "riyadh", "*")
	b := i.browse(t)
	b.signIn(clerk)
	b.latin()
	b.everywhere("/desk/new", "desk-new")
	b.speak("ar")

	// By the keyboard alone: n on the queue, then from field to field.
	b.open("/desk", 1440)
	b.press("n")
	b.do(chromedp.WaitVisible("form#call"))
	if at := b.at(); at != "citizen_phone" {
		t.Fatalf("the form begins at %q", at)
	}
	b.press("0500000009", kb.Enter)
	b.do(chromedp.WaitVisible("#caller [data-phone]"))
	if known := b.text("#caller"); !strings.Contains(known, before) {
		t.Errorf("the caller's reports lack %s: %s", before, known)
	}
	eventually(t, "the focus on the name", func() bool { return b.at() == "citizen_name" })
	b.press("نورة")
	for n := 0; b.at() != "category"; n++ {
		if n > 8 {
			t.Fatal("no way to the category by Tab")
		}
		b.press(kb.Tab)
	}
	b.do(script(`(() => { const c = document.getElementById("category"); c.value = "loudspeakers"; c.dispatchEvent(new Event("change", {bubbles: true})); })()`))
	b.press(kb.Tab, "جامع الراجحي", kb.Tab, "المكبر لا يعمل", kb.Tab, "حي الملز", kb.Tab, "٢٤٫٧١٤٠، ٤٦٫٦٧٥٠", kb.Tab)
	b.do(chromedp.WaitVisible("#near li"))
	if near := b.text("#near"); !strings.Contains(near, before) {
		t.Errorf("the report nearby is not shown: %s", near)
	}
	b.whole()
	b.shoot("desk-new-filled-ar-1440")
	b.do(chromedp.Focus("#coordinates"), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.WaitVisible(".receipt"))
	number := b.text(".receipt .headline")
	if len(number) != 10 || b.text("#took") == "" {
		t.Errorf("the receipt: number %q after %q", number, b.text("#took"))
	}
	for _, want := range []string{"2026", "هـ"} {
		if got := b.text(".receipt .facts"); !strings.Contains(got, want) && want == "هـ" {
			t.Errorf("the receipt does not show the day in both calendars: %s", got)
		}
	}
	receipt := strings.TrimPrefix(read(b, chromedp.Location()), i.url)
	eventually(t, "the acknowledgement by SMS", func() bool {
		b.open(receipt, 1440)
		return strings.Contains(b.text("#told"), number)
	})
	b.everywhere(receipt, "desk-receipt")
	b.speak("ar")
	id := strings.Split(receipt, "/")[3]

	// The clerk assigns, an officer resolves; only what the lifecycle allows is offered.
	b.open("/desk/reports/"+id, 1440)
	b.do(chromedp.Click(`#move input[value="assigned"]`), chromedp.Click("#move button.primary"), chromedp.WaitVisible("p.done"))
	if n := read(b, chromedp.Evaluate[int](`document.querySelectorAll("#move").length`)); n != 0 {
		t.Error("a clerk is offered a step of an assigned report")
	}
	o := i.browse(t)
	o.signIn(officer)
	o.latin()
	steps := func() string {
		return read(o, chromedp.Evaluate[string](`[...document.querySelectorAll("#move input[type=radio]")].map((x) => x.value).join(" ")`))
	}
	for _, x := range []struct{ offered, next string }{{"in_progress", "in_progress"}, {"waiting_for_citizen resolved", "resolved"}} {
		o.open("/desk/reports/"+id, 1440)
		if got := steps(); got != x.offered {
			t.Errorf("offered are %q, want %q", got, x.offered)
		}
		o.do(chromedp.Click(`#move input[value="`+x.next+`"]`), chromedp.SendKeys("#move-text", "تم"), chromedp.Click("#move button.primary"), chromedp.WaitVisible("p.done"))
	}
	if got := o.text(".timeline"); !strings.Contains(got, "تمت المعالجة") || !strings.Contains(got, "موظف") {
		t.Errorf("the timeline: %s", got)
	}
	if r := i.staff(actor.Manager, "*", "*").do("GET", "/v1/desk/reports/"+id, nil).want(200); r.str("status") != "resolved" || r.at("registration_seconds") == nil {
		t.Errorf("the API says: %s", r.body)
	}
}

func TestPages_Desk_Registration_refused(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.browse(t)
	b.signIn(i.hire(actor.Clerk, "*", "*"))
	b.speak("en")
	b.open("/desk/new", 390)
	b.do(chromedp.SendKeys("#description", "Water on the road"), chromedp.SendKeys("#address", "King Road 5"), chromedp.SendKeys("#coordinates", "10.5, 20.5"), chromedp.SendKeys("#phone", "0500000001"),
		script(`document.getElementById("category").value = "maintenance"; document.getElementById("call").requestSubmit()`), chromedp.WaitVisible("#refused"))
	for id, want := range map[string]string{"description": "Water on the road", "address": "King Road 5", "coordinates": "10.5, 20.5", "phone": "0500000001", "category": "maintenance"} {
		if got := read(b, chromedp.Value("#"+id)); got != want {
			t.Errorf("what was typed into %s is %q now", id, got)
		}
	}
	b.whole()
	b.shoot("desk-new-refused-en-390")
}

func TestPages_Desk_TwoAtOnce(t *testing.T) {
	t.Parallel()
	i := install(t)
	id, _ := i.filed("+966500000001", speakers)
	one, two := i.staff(actor.Supervisor, "riyadh", "*"), i.browse(t)
	two.signIn(i.hire(actor.Supervisor, "riyadh", "*"))
	two.speak("ar")
	two.open("/desk/reports/"+id, 1440)
	one.do("POST", "/v1/desk/reports/"+id+"/notes", map[string]any{"text": "اتصلت بالإمام"}).want(201)
	two.do(chromedp.WaitVisible("#live button")) // told at once, and nothing moved
	two.do(chromedp.Click(`#move input[value="rejected"]`), chromedp.SendKeys("#move-text", "ليس من اختصاصنا"), chromedp.Click("#move button.primary"), chromedp.WaitVisible("#move .wrong"))
	if said := two.text("#move .wrong"); !strings.Contains(said, "اتصلت بالإمام") {
		t.Errorf("the second is not told what changed: %s", said)
	}
	if kept := read(two, chromedp.Value("#move-text")); kept != "ليس من اختصاصنا" {
		t.Errorf("what was typed is %q now", kept)
	}
	two.whole()
	two.shoot("desk-two-at-once-ar-1440")
	two.do(chromedp.SendKeys("#reply-text", "شكرًا"), chromedp.Sleep(0))
	one.do("POST", "/v1/desk/reports/"+id+"/replies", map[string]any{"text": "نراجع بلاغك"}).want(201)
	two.do(chromedp.Click("#reply button.primary"), chromedp.WaitVisible("#reply .wrong"))
	if said, kept := two.text("#reply .wrong"), read(two, chromedp.Value("#reply-text")); !strings.Contains(said, "نراجع بلاغك") || kept != "شكرًا" {
		t.Errorf("a second reply: told %q, kept %q", said, kept)
	}
	two.do(chromedp.Click("#reply button.primary"), chromedp.WaitVisible("p.done")) // having read it
}

func TestPages_Desk_Others(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.filed("+966500000001", speakers)
	id, _ := i.filed("+966500000003", strings.Replace(speakers, "46.6753", "43.9", 1))
	b := i.browse(t)
	b.signIn(i.hire(actor.Officer, "riyadh", "*"))
	for _, path := range []string{"/desk/reports/" + id, "/desk/reports/" + id + "/receipt"} {
		if got := read(b, chromedp.Evaluate[int](`fetch("`+path+`").then((r) => r.status)`, chromedp.EvalAwaitPromise)); got != 404 {
			t.Errorf("another centre's report is %d at %s", got, path)
		}
	}
	b.said = nil // the console tells of the 404
	b.open("/desk", 1440)
	if n := len(b.rows()); n != 1 {
		t.Errorf("the queue shows %d reports, one of them another centre's", n)
	}
}

func TestPages_Desk_Photo(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen := i.citizen("+966500000001")
	photo := citizen.do("POST", "/v1/photos", picture(t, 640, 480), "Content-Type", "image/jpeg").want(201).str("id")
	id := citizen.do("POST", "/v1/reports", strings.Replace(speakers, `{"category"`, `{"photos":["`+photo+`"],"category"`, 1)).want(201).str("id")
	b := i.browse(t)
	b.signIn(i.hire(actor.Officer, "riyadh", "*"))
	b.open("/desk/reports/"+id, 1440)
	drawn := `document.querySelector("%s").complete && document.querySelector("%s").naturalWidth`
	b.do(chromedp.ScrollIntoView("a[data-photo] img"))
	eventually(t, "the thumbnail", func() bool {
		return read(b, chromedp.Evaluate[any](strings.ReplaceAll(drawn, "%s", "a[data-photo] img"))) == 320.0
	})
	b.do(chromedp.Focus("a[data-photo]"))
	b.press(kb.Enter)
	b.do(chromedp.WaitVisible("dialog#photo[open]"))
	eventually(t, "the photo", func() bool {
		return read(b, chromedp.Evaluate[any](strings.ReplaceAll(drawn, "%s", "dialog#photo img"))) == 640.0
	})
	small := read(b, chromedp.Evaluate[float64](`document.querySelector("dialog#photo img").clientWidth`))
	b.press("+", "+")
	if large := read(b, chromedp.Evaluate[float64](`document.querySelector("dialog#photo img").clientWidth`)); large < 1.5*small {
		t.Errorf("zoomed from %v to %v", small, large)
	}
	b.whole()
	b.press(kb.Escape)
	b.do(chromedp.WaitNotPresent("dialog#photo[open]"))
}

func TestPages_Desk_Live(t *testing.T) {
	t.Parallel()
	i := install(t)
	id, _ := i.filed("+966500000001", speakers)
	b := i.browse(t)
	b.signIn(i.hire(actor.Supervisor, "riyadh", "*"))
	b.open("/desk", 1440)
	before := b.rows()
	i.staff(actor.Clerk, "riyadh", "*").do("POST", "/v1/desk/reports/"+id+"/notes", map[string]any{"text": "ملاحظة"}).want(201)
	b.do(chromedp.WaitVisible(`tr.changed[data-id="` + id + `"]`))
	i.filed("+966500000002", speakers)
	b.do(chromedp.WaitVisible("#live button"))
	eventually(t, "word of the new report", func() bool {
		return len(b.rows()) == len(before) && strings.Contains(b.text("#live"), "وردت") || strings.Contains(b.text("#live"), "New")
	})
	b.do(chromedp.Click("#live button"), chromedp.WaitNotPresent("#live button"))
	if n := len(b.rows()); n != len(before)+1 {
		t.Errorf("shown are %d reports, want %d", n, len(before)+1)
	}
}

func TestPages_Desk_Weight(t *testing.T) {
	t.Parallel()
	if n := page.AssetSize("desk.js", "desk.css"); n > 350<<10 || n == 0 {
		t.Errorf("the desk's script and style are %d bytes", n)
	}
}
