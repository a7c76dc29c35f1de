package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/push"
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

// strike types keys one after the other, as who has no mouse.
func (b *tab) strike(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

// at is the name or id of what has the focus, or what it is.
func (b *tab) at() string {
	b.t.Helper()
	return read(b, chromedp.Evaluate[string](`document.activeElement.name || document.activeElement.id || document.activeElement.tagName`))
}

// typed is the value of a field.
func (b *tab) typed(selector string) string {
	b.t.Helper()
	return read(b, chromedp.Value(selector))
}

// put a value into a field, as if it was chosen or typed.
func (b *tab) put(id, value string) {
	b.t.Helper()
	b.do(script(`(() => { const x = document.getElementById("` + id + `"); x.value = "` + value + `"; for (const e of ["input", "change"]) x.dispatchEvent(new Event(e, {bubbles: true})); })()`))
}

func TestPages_Desk_Queue(t *testing.T) {
	t.Parallel()
	i := install(t)
	id, sound := i.filed("+966500000001", speakers)
	first, _ := i.filed("+966500000002", `{"category":"maintenance","description":"انقطاع التكييف في مصلى النساء","place":{"latitude":24.7,"longitude":46.7,"source":"map"}}`)
	others, _ := i.filed("+966500000003", strings.Replace(speakers, "46.6753", "43.9", 1)) // of another centre
	clerk := i.hire(actor.Clerk, "riyadh", "*")
	b := i.browse(t)
	b.signIn(clerk)
	b.latin()
	b.everywhere("/desk", "desk-queue")
	b.speak("ar")

	b.open("/desk?category=loudspeakers", 1440)
	if got := b.rows(); len(got) != 1 || got[0] != sound {
		t.Errorf("by category: %v", got)
	}
	b.open("/desk?q=%D8%A7%D9%84%D8%AA%D9%83%D9%8A%D9%8A%D9%81&status=closed", 1440)
	if got := b.rows(); len(got) != 0 {
		t.Errorf("closed ones: %v", got)
	}
	b.open("/desk?from=2026-13-45", 1440)
	if b.text("p.wrong") == "" || b.typed("#from") != "" && !strings.Contains(read(b, chromedp.Location()), "2026-13-45") {
		t.Error("a day that is none is not refused")
	}
	for _, path := range []string{"/desk/reports/" + others, "/desk/reports/" + others + "/receipt"} {
		if got := read(b, chromedp.Evaluate[int](`fetch("`+path+`").then((r) => r.status)`, chromedp.EvalAwaitPromise)); got != 404 {
			t.Errorf("another centre's report is %d at %s", got, path)
		}
	}
	b.keeps()
	b.walks(first)
	b.hears(id)
}

// keeps a filter under a name, which is refused at first, and forgets it.
func (b *tab) keeps() {
	b.t.Helper()
	b.open("/desk?category=loudspeakers&status=received&sort=due", 1440)
	b.do(chromedp.SendKeys("#keep-name", "المكبرات / الجديدة"), chromedp.Click(".keep button"), chromedp.WaitVisible(".keep .wrong"))
	if kept := b.typed("#keep-name"); kept != "المكبرات / الجديدة" {
		b.t.Errorf("a name that is refused is %q now", kept)
	}
	b.put("keep-name", "المكبرات الجديدة")
	b.do(chromedp.Click(".keep button"), chromedp.WaitVisible(`.keep button[value="forget"]`))
	b.whole()
	b.open("/desk", 1440)
	b.do(chromedp.Click(".subnav a:last-child"), chromedp.WaitVisible(`.keep button[value="forget"]`))
	if category, sort := b.typed("#category"), b.typed("#sort"); category != "loudspeakers" || sort != "due" {
		b.t.Errorf("the kept filter asks for %q by %q", category, sort)
	}
	b.do(chromedp.Click(`.keep button[value="forget"]`), chromedp.WaitNotPresent(`.keep`))
	if n := read(b, chromedp.Evaluate[int](`document.querySelectorAll(".subnav a").length`)); n != 4 {
		b.t.Errorf("after it was forgotten %d views are left", n)
	}
}

// walks through the queue by keys alone, to the report that came last.
func (b *tab) walks(last string) {
	b.t.Helper()
	b.open("/desk", 1440)
	b.strike("?")
	b.do(chromedp.WaitVisible("dialog#keys[open]"))
	b.accessible()
	b.strike(kb.Escape)
	b.do(chromedp.WaitNotPresent("dialog#keys[open]"))
	b.strike("/")
	if at := b.at(); at != "q" {
		b.t.Errorf("/ went to %q", at)
	}
	b.do(script(`document.activeElement.blur()`))
	b.strike("j", "j", "k", kb.ArrowDown, kb.ArrowUp, kb.Enter)
	b.do(chromedp.WaitVisible(".sheet"))
	if where := read(b, chromedp.Location()); !strings.HasSuffix(where, "/desk/reports/"+last) {
		b.t.Errorf("Enter opened %s", where)
	}
}

// hears of what changes while the queue is open, and moves nothing.
func (b *tab) hears(id string) {
	b.t.Helper()
	b.open("/desk", 1440)
	b.do(chromedp.WaitReady("#live[data-live]"))
	before := b.rows()
	b.i.staff(actor.Clerk, "riyadh", "*").do("POST", "/v1/desk/reports/"+id+"/notes", map[string]any{"text": "ملاحظة"}).want(201)
	b.do(chromedp.WaitVisible(`tr.changed[data-id="` + id + `"]`))
	b.i.filed("+966500000004", speakers)
	eventually(b.t, "word of the new report", func() bool { return strings.Contains(b.text("#live"), "وردت") })
	if got := b.rows(); strings.Join(got, " ") != strings.Join(before, " ") {
		b.t.Errorf("the open queue moved from %v to %v", before, got)
	}
	b.accessible()
	b.shoot("desk-live-ar-1440")
	b.do(chromedp.Click("#live button"), chromedp.WaitNotPresent("#live button"))
	if n := len(b.rows()); n != len(before)+1 {
		b.t.Errorf("shown are %d reports, want %d", n, len(before)+1)
	}
}

func TestPages_Desk_Report(t *testing.T) {
	t.Parallel()
	i := install(t)
	citizen := i.citizen("+966500000001")
	photo := citizen.do("POST", "/v1/photos", picture(t, 640, 480), "Content-Type", "image/jpeg").want(201).str("id")
	r := citizen.do("POST", "/v1/reports", strings.Replace(speakers, `{"category"`, `{"photos":["`+photo+`"],"category"`, 1)).want(201)
	id, number := r.str("id"), r.str("number")
	i.staff(actor.Admin, "*", "*").do("PUT", "/v1/admin/replies/on-site", `{"names":{"ar":"في الموقع","en":"On site","ur":"موقع پر"},"texts":{"ar":"وصل الفريق.","en":"The team is there.","ur":"ٹیم پہنچ گئی۔"}}`).want(200)
	i.sent(citizen.id, id, push.ChannelEmail, "", push.Result{State: push.Failed, Reason: "undelivered"})
	colleague := i.staff(actor.Supervisor, "riyadh", "*")
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
	b.zooms()

	// What failed on its way is sent once more.
	if got := b.text("#messages"); !strings.Contains(got, "undelivered") || !strings.Contains(got, "تعذر الإرسال") {
		t.Errorf("the deliveries: %s", got)
	}
	b.do(chromedp.Click(`form[action$="/again"] button`), chromedp.WaitVisible("p.done"))
	if got := b.text("#messages"); strings.Contains(got, "تعذر الإرسال") {
		t.Errorf("the deliveries, after one was sent again: %s", got)
	}

	// A template for a reply is in the report's language, whatever staff read.
	b.do(script(`(() => { const s = document.querySelector('select[data-into="reply-text"]'); s.selectedIndex = 1; s.dispatchEvent(new Event("change")); })()`))
	if text := b.typed("#reply-text"); text != "وصل الفريق." {
		t.Errorf("the template gave %q", text)
	}
	b.do(chromedp.Click("#reply button.primary"), chromedp.WaitVisible("p.done"))
	if got := b.text(".timeline"); !strings.Contains(got, "وصل الفريق.") {
		t.Errorf("the timeline: %s", got)
	}

	me := colleague.do("GET", "/v1/desk/me", nil).want(200)
	b.put("assign-assignee", me.str("id"))
	b.do(chromedp.Click("#assign button.primary"), chromedp.WaitVisible("p.done"))
	if got := b.text(".side .facts"); !strings.Contains(got, me.str("name")) {
		t.Errorf("it lies with nobody: %s", got)
	}
	b.meets(colleague, id)

	// A duplicate goes into the first report.
	second, _ := i.filed("+966500000002", speakers)
	b.open("/desk/reports/"+second, 1440)
	b.do(script(`window.confirm = () => true`), chromedp.SendKeys("#into", "1111111111"), chromedp.Click("#merge button.primary"), chromedp.WaitVisible("#merge .wrong"))
	if kept := b.typed("#into"); kept != "1111111111" {
		t.Errorf("the number that is none is %q now", kept)
	}
	b.put("into", number)
	b.do(script(`window.confirm = () => true`), chromedp.Click("#merge button.primary"), chromedp.WaitVisible("p.done"))
	if got := b.text("p.note"); !strings.Contains(got, number) {
		t.Errorf("merged: %s", got)
	}
}

// zooms into the photo of the report that is open, by keys.
func (b *tab) zooms() {
	b.t.Helper()
	drawn := func(selector string) float64 {
		return read(b, chromedp.Evaluate[float64](`((x) => x.complete ? x.naturalWidth : 0)(document.querySelector("`+selector+`"))`))
	}
	b.do(chromedp.ScrollIntoView("a[data-photo] img"))
	eventually(b.t, "the thumbnail", func() bool { return drawn("a[data-photo] img") == 320 })
	b.do(chromedp.Focus("a[data-photo]"))
	b.strike(kb.Enter)
	b.do(chromedp.WaitVisible("dialog#photo[open]"))
	eventually(b.t, "the photo", func() bool { return drawn("dialog#photo img") == 640 })
	wide := func() float64 {
		return read(b, chromedp.Evaluate[float64](`document.querySelector("dialog#photo img").clientWidth`))
	}
	small := wide()
	b.strike("+", "+")
	if large := wide(); large < 1.5*small {
		b.t.Errorf("zoomed from %v to %v", small, large)
	}
	b.accessible()
	b.shoot("desk-photo-ar-1440")
	b.strike(kb.Escape)
	b.do(chromedp.WaitNotPresent("dialog#photo[open]"))
}

// meets a colleague who works on the same report at the same time: the second is told what changed, and keeps what was typed.
func (b *tab) meets(colleague *client, id string) {
	b.t.Helper()
	b.open("/desk/reports/"+id, 1440)
	b.do(chromedp.WaitReady("#live[data-live]"))
	colleague.do("POST", "/v1/desk/reports/"+id+"/notes", map[string]any{"text": "اتصلت بالإمام"}).want(201)
	b.do(chromedp.WaitVisible("#live button")) // told at once, and nothing moved
	b.do(chromedp.Click(`#move input[value="rejected"]`), chromedp.SendKeys("#move-text", "ليس من اختصاصنا"), chromedp.Click("#move button.primary"), chromedp.WaitVisible("#move .wrong"))
	if said := b.text("#move .wrong"); !strings.Contains(said, "اتصلت بالإمام") {
		b.t.Errorf("the second is not told what changed: %s", said)
	}
	if kept, chosen := b.typed("#move-text"), read(b, chromedp.Evaluate[bool](`document.querySelector('#move input[value="rejected"]').checked`)); kept != "ليس من اختصاصنا" || !chosen {
		b.t.Errorf("what was typed is %q now, and chosen %v", kept, chosen)
	}
	b.whole()
	b.accessible()
	b.shoot("desk-two-at-once-ar-1440")
	b.do(chromedp.SendKeys("#reply-text", "شكرًا"))
	colleague.do("POST", "/v1/desk/reports/"+id+"/replies", map[string]any{"text": "نراجع بلاغك"}).want(201)
	b.do(chromedp.Click("#reply button.primary"), chromedp.WaitVisible("#reply .wrong"))
	if said, kept := b.text("#reply .wrong"), b.typed("#reply-text"); !strings.Contains(said, "نراجع بلاغك") || kept != "شكرًا" {
		b.t.Errorf("a second reply: told %q, kept %q", said, kept)
	}
	b.do(chromedp.Click("#reply button.primary"), chromedp.WaitVisible("p.done")) // having read it
}

func TestPages_Desk_Weight(t *testing.T) {
	t.Parallel()
	if n := page.AssetSize("desk.js", "desk.css"); n > 350<<10 || n == 0 {
		t.Errorf("the desk's script and style are %d bytes", n)
	}
}
