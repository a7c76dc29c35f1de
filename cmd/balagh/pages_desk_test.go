package main

import (
	"fmt"
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
	_, repair := i.filed("+966500000002", `{"category":"maintenance","description":"انقطاع التكييف في مصلى النساء","place":{"latitude":24.7,"longitude":46.7,"source":"map"}}`)
	i.filed("+966500000003", strings.Replace(speakers, "46.6753", "43.9", 1)) // of another centre
	clerk := i.hire(actor.Clerk, "riyadh", "*")
	b := i.browse(t)
	b.signIn(clerk)
	b.latin()

	b.everywhere("/desk", "desk-queue")
	b.speak("ar")
	b.open("/desk", 1440)
	if got := b.rows(); len(got) != 1 && len(got) != 2 {
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
	_ = repair
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

func TestPages_Desk_Weight(t *testing.T) {
	t.Parallel()
	if n := page.AssetSize("desk.js", "desk.css"); n > 350<<10 || n == 0 {
		t.Errorf("the desk's script and style are %d bytes", n)
	}
	_ = fmt.Sprint
}
