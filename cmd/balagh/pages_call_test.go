package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/balagh/balagh/actor"
)

func TestPages_Desk_Registration(t *testing.T) {
	t.Parallel()
	i := install(t)
	_, before := i.filed("+966500000009", speakers)
	clerk := i.hire(actor.Clerk, "riyadh", "*")
	b := i.browse(t)
	b.signIn(clerk)
	b.latin()
	b.everywhere("/desk/new", "desk-new")
	b.speak("ar")

	// By the keyboard alone: n on the queue, then from field to field.
	b.open("/desk", 1440)
	b.strike("n")
	b.do(chromedp.WaitVisible("form#call"))
	if at := b.at(); at != "citizen_phone" {
		t.Fatalf("the form begins at %q", at)
	}
	b.strike("0500000009", kb.Enter)
	b.do(chromedp.WaitVisible("#caller [data-phone]"))
	if known := b.text("#caller"); !strings.Contains(known, before) {
		t.Errorf("the caller's reports lack %s: %s", before, known)
	}
	eventually(t, "the focus on the name", func() bool { return b.at() == "citizen_name" })
	b.strike("نورة")
	var way []string
	for b.at() != "category" && len(way) < 8 {
		b.strike(kb.Tab)
		way = append(way, b.at())
	}
	if want := []string{"A", "SUMMARY", "category"}; !slices.Equal(way, want) {
		t.Fatalf("from the name Tab goes to %v, want %v", way, want)
	}
	b.put("category", "loudspeakers")
	for _, x := range []struct{ field, typed string }{{"attributes.mosque_name", "جامع الراجحي"}, {"description", "المكبر لا يعمل"}, {"address", "حي الملز"}, {"coordinates", "٢٤٫٧١٤٠، ٤٦٫٦٧٥٠"}} {
		b.strike(kb.Tab)
		if at := b.at(); at != x.field {
			t.Fatalf("Tab goes to %q, want %q", at, x.field)
		}
		b.strike(x.typed)
	}
	b.strike(kb.Tab)
	b.do(chromedp.WaitVisible("#near li"))
	if near := b.text("#near"); !strings.Contains(near, before) {
		t.Errorf("the report nearby is not shown: %s", near)
	}
	b.whole()
	b.accessible()
	b.shoot("desk-new-filled-ar-1440")
	b.do(chromedp.Focus("#coordinates"), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.WaitVisible(".receipt"))
	b.receives()
	b.loses(clerk)
}

// receives the receipt of what was registered, which tells of the SMS without being opened again.
func (b *tab) receives() {
	b.t.Helper()
	number := b.text(".receipt .headline")
	if len(number) != 10 || b.text("#took") == "" {
		b.t.Errorf("the receipt: number %q after %q", number, b.text("#took"))
	}
	if got := b.text(".receipt .facts"); !strings.Contains(got, "هـ") || !strings.Contains(got, "م") {
		b.t.Errorf("the receipt does not show the day in both calendars: %s", got)
	}
	eventually(b.t, "the acknowledgement by SMS", func() bool { return strings.Contains(b.text("#told"), number) })
	b.everywhere(strings.TrimPrefix(read(b, chromedp.Location()), b.i.url), "desk-receipt")
	b.speak("ar")
}

// loses the session while a form is typed that was refused before: nothing of it is lost.
func (b *tab) loses(clerk string) {
	b.t.Helper()
	b.open("/desk/new", 390)
	typed := map[string]string{"description": "ماء على الطريق", "address": "طريق الملك 5", "coordinates": "10.5, 20.5", "phone": "0500000001", "category": "maintenance"}
	for id, value := range typed {
		b.put(id, value)
	}
	b.do(script(`document.getElementById("call").requestSubmit()`), chromedp.WaitVisible("#refused"))
	for id, want := range typed {
		if got := b.typed("#" + id); got != want {
			b.t.Errorf("what was typed into %s is %q now", id, got)
		}
	}
	b.whole()
	b.accessible()
	b.shoot("desk-new-refused-ar-390")
	b.put("coordinates", "24.7, 46.7")
	b.do(b.forget(), script(`document.getElementById("call").requestSubmit()`), chromedp.WaitVisible("#email"))
	b.do(chromedp.SendKeys("#email", clerk), chromedp.SendKeys("#password", staffPassword), chromedp.Click("form[action='/signin'] button.primary"),
		chromedp.WaitVisible("form[action='/desk/new'] button"), chromedp.Click("form[action='/desk/new'] button"), chromedp.WaitVisible(".receipt"))
	b.do(chromedp.Click(`a[href^="/desk/reports/"]`), chromedp.WaitVisible(".sheet"))
	if got := b.text(".sheet"); !strings.Contains(got, typed["description"]) || !strings.Contains(got, typed["address"]) {
		b.t.Errorf("registered after signing in again: %s", got)
	}
}

// TestPages_EndToEnd: a clerk registers what somebody calls for, an officer takes it and resolves it, and the manager's figures have moved by one.
func TestPages_EndToEnd(t *testing.T) {
	t.Parallel()
	i := install(t)
	manager := i.staff(actor.Manager, "*", "*")
	figures := func(received, resolved, registered float64) func() bool {
		return func() bool {
			v := manager.do("GET", "/v1/insights/volumes?by=category&channel=phone", nil).want(200)
			d := manager.do("GET", "/v1/insights/deadlines?by=category&channel=phone", nil).want(200)
			return v.at("total") == received && d.at("total", "resolution", "n") == resolved && d.at("total", "registration", "n") == registered
		}
	}
	eventually(t, "no figures yet", figures(0, 0, 0))
	management := i.browse(t)
	management.signIn(i.hire(actor.Manager, "*", "*"))
	shown := func() string {
		management.open("/manage/timeliness?channel=phone", 1440)
		return management.text(".figure b")
	}
	before := shown()

	clerk := i.browse(t)
	clerk.signIn(i.hire(actor.Clerk, "riyadh", "*"))
	clerk.open("/desk/new", 1440)
	for id, value := range map[string]string{"phone": "0500000077", "name": "نورة", "description": "انقطاع التكييف", "coordinates": "24.7, 46.7", "category": "maintenance"} {
		clerk.put(id, value)
	}
	eventually(t, "a second on the stopwatch", func() bool { return !strings.HasSuffix(clerk.text("#stopwatch"), "٠٠") })
	clerk.do(chromedp.Click("#call button.primary"), chromedp.WaitVisible(".receipt"))
	id := strings.Split(read(clerk, chromedp.Location()), "/")[5]
	eventually(t, "one report more", figures(1, 0, 1))
	clerk.open("/desk/reports/"+id, 1440)
	clerk.do(chromedp.Click(`#move input[value="assigned"]`), chromedp.Click("#move button.primary"), chromedp.WaitVisible("p.done"))
	if n := read(clerk, chromedp.Evaluate[int](`document.querySelectorAll("#move").length`)); n != 0 {
		t.Error("a clerk is offered a step of an assigned report")
	}

	// Only what the lifecycle allows is offered.
	officer := i.browse(t)
	officer.signIn(i.hire(actor.Officer, "riyadh", "*"))
	officer.open("/desk", 1440)
	officer.do(chromedp.Click("#queue td.number a"), chromedp.WaitVisible(".sheet"), chromedp.Click(`#assign form:first-of-type button`), chromedp.WaitVisible("p.done"))
	for _, x := range []struct{ offered, next string }{{"in_progress", "in_progress"}, {"waiting_for_citizen resolved", "resolved"}} {
		officer.open("/desk/reports/"+id, 1440)
		if got := read(officer, chromedp.Evaluate[string](`[...document.querySelectorAll("#move input[type=radio]")].map((x) => x.value).join(" ")`)); got != x.offered {
			t.Errorf("offered are %q, want %q", got, x.offered)
		}
		officer.do(chromedp.Click(`#move input[value="`+x.next+`"]`), chromedp.SendKeys("#move-text", "تم"), chromedp.Click("#move button.primary"), chromedp.WaitVisible("p.done"))
	}
	if got := officer.text(".timeline"); !strings.Contains(got, "تمت المعالجة") || !strings.Contains(got, "موظف") {
		t.Errorf("the timeline: %s", got)
	}
	eventually(t, "one resolution more", figures(1, 1, 1))
	if after := shown(); !strings.Contains(before, "٠") || !strings.Contains(after, "١") {
		t.Errorf("management is shown %q, and before the call %q", after, before)
	}
}
