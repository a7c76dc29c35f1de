package main

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/web/page"
)

// rated is an installation in which some reports were rated: 14 of Riyadh, all but two well, and 11 of Qassim, of which six were.
func rated(t *testing.T) *installation {
	t.Helper()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	for centre, x := range map[string][2]string{"riyadh": {"SA-01", square(45, 23, 48, 26)}, "qassim": {"SA-05", square(42, 23, 45, 26)}} {
		admin.do("PUT", "/v1/admin/centres/"+centre, `{"names":{"ar":"مركز `+centre+` (فرع 2)","en":"Centre `+centre+`","ur":"مرکز"},"active":true,"region":"`+x[0]+`","area":`+x[1]+`}`,
			"If-Match", `"1"`).want(200)
	}
	officer, citizen := i.staff(actor.Supervisor, "*", "*"), i.citizen("+966500000077")
	life := func(body string, level int) {
		t.Helper()
		id := citizen.do("POST", "/v1/reports", body).want(201).str("id")
		for _, to := range []string{"assigned", "in_progress", "resolved"} {
			officer.do("POST", "/v1/desk/reports/"+id+"/transitions", map[string]any{"to": to, "text": "تم"}).want(200)
		}
		eventually(t, "the occasion to rate", func() bool { return citizen.do("GET", "/v1/reports/"+id, nil).want(200).at("can", "rate") == true })
		citizen.do("POST", "/v1/reports/"+id+"/rating", map[string]any{"level": level, "solved": level > 3}).want(201)
	}
	qassim := strings.Replace(speakers, "46.6753", "43.6753", 1)
	for n := range 14 {
		life(speakers, map[bool]int{true: 1, false: 4 + n%2}[n < 2])
	}
	for n := range 11 {
		life(qassim, map[bool]int{true: 5, false: 2 + n%2}[n < 6])
	}
	citizen.do("POST", "/v1/reports", speakers).want(201)
	return i
}

// drawn waits for the charts, and for the map.
func drawn() chromedp.Action[chromedp.Void] {
	return script(`new Promise((done) => {
		const look = () => document.querySelector("[data-chart]:not([data-drawn]), [data-map]:not([data-drawn])") ? setTimeout(look, 20) : done();
		look();
	})`, chromedp.EvalAwaitPromise)
}

func (b *tab) see(path string, width int64) {
	b.t.Helper()
	b.open(path, width)
	b.do(drawn())
}

// option is a part of what ECharts was told to draw.
func option[T any](b *tab, figure, part string) T {
	b.t.Helper()
	return read(b, chromedp.Evaluate[T](`(() => { const o = document.querySelector("#`+figure+` [data-chart]").chart.getOption(); return o.`+part+`; })()`))
}

func TestManage(t *testing.T) {
	t.Parallel()
	i := rated(t)
	manager := i.staff(actor.Manager, "*", "*")
	email := i.hire(actor.Manager, "*", "*")
	for name, path := range map[string]string{"overview": "/manage", "satisfaction": "/manage/satisfaction?by=centre", "regions": "/manage/satisfaction?by=region",
		"volumes": "/manage/volumes?by=category&and=month", "timeliness": "/manage/timeliness", "deliveries": "/manage/deliveries", "rounds": "/manage/rounds"} {
		t.Run("everywhere/"+name, func(t *testing.T) {
			b := i.browse(t)
			b.signIn(email)
			b.everywhere(path, "manage-"+name)
		})
	}
	t.Run("filter", func(t *testing.T) { manageFilter(t, i, manager, email) })
	t.Run("charts", func(t *testing.T) { manageCharts(t, i, manager, email) })
	t.Run("keyboard", func(t *testing.T) { manageKeyboard(t, i, email) })
	t.Run("print", func(t *testing.T) { managePrint(t, i, email) })
	t.Run("wall", func(t *testing.T) { manageWall(t, i, email) })
	t.Run("forbidden", func(t *testing.T) {
		b := i.browse(t)
		b.signIn(i.hire(actor.Clerk, "*", "*"))
		for _, path := range []string{"/manage", "/manage/satisfaction", "/manage/rounds", "/manage/accounts/1933"} {
			if status := read(b, chromedp.Evaluate[int](`fetch("`+path+`").then((r) => r.status)`, chromedp.EvalAwaitPromise)); status != 403 {
				t.Errorf("a clerk gets %d at %s", status, path)
			}
		}
	})
}

// manageFilter filters, drills down and exports, and compares with the API.
func manageFilter(t *testing.T, i *installation, manager *client, email string) {
	b := i.browse(t)
	b.signIn(email)
	b.speak("en")
	b.see("/manage/satisfaction?by=region", 1440)
	percent := func(query string) string {
		share, _ := manager.do("GET", "/v1/insights/satisfaction?"+query, nil).want(200).at("total", "top2").(float64)
		return fmt.Sprintf("%.1f%%", 100*share)
	}
	if got, want := b.text(".headline"), percent("by=none"); got != want {
		t.Errorf("the headline is %s, and the API says %s", got, want)
	}
	b.do(chromedp.Click("#bars tbody tr a"), chromedp.WaitVisible("nav a[aria-current=true][href*='by=centre']"), drawn())
	at, err := url.Parse(read(b, chromedp.Location()))
	if err != nil || at.Query().Get("region") != "SA-01" || at.Query().Get("by") != "centre" {
		t.Errorf("drilled down to %s", at)
	}
	if got, want := b.text(".headline"), percent("centre=riyadh"); got != want {
		t.Errorf("of Riyadh the headline is %s, and the API says %s", got, want)
	}
	b.do(chromedp.SetValue("#filter-centre", "qassim"), chromedp.SetValue("#filter-region", ""), chromedp.Click("form.filters button.primary"), chromedp.WaitVisible("#filter-centre"), drawn())
	if got, want := b.text(".headline"), percent("centre=qassim"); got != want {
		t.Errorf("of Qassim the headline is %s, and the API says %s", got, want)
	}
	taken := read(b, chromedp.Evaluate[string](`fetch(document.querySelector("#bars a[download]").href).then((r) => r.text())`, chromedp.EvalAwaitPromise))
	href := read(b, chromedp.Evaluate[string](`document.querySelector("#bars a[download]").getAttribute("href")`))
	if want := manager.do("GET", href, nil).want(200).body; taken == "" || taken != string(want) || !strings.Contains(href, "centre=qassim") {
		t.Errorf("taken away: %q, want %q", taken, want)
	}

	b.see("/manage/satisfaction?by=employee", 1440)
	if why := b.text("#bars tbody td"); !strings.Contains(why, "Hidden") {
		t.Errorf("a suppressed cell says %q", why)
	}
	b.open("/manage?from=2026-13-45&to=today", 1440)
	if wrong, typed := b.text("p.wrong"), read(b, chromedp.Value("#from")); !strings.Contains(wrong, "1448") || typed != "2026-13-45" {
		t.Errorf("of a wrong day: %q, and %q was kept", wrong, typed)
	}
	b.see("/manage/volumes?by=centre&from=15%2F2%2F1440&to=2100-01-01", 1440)
	if total := b.text("#volumes tfoot td"); total != "26" {
		t.Errorf("%s reports since a Hijri day", total)
	}
}

// manageCharts holds charts to the rules of texts from right to left, and to the API's figures.
func manageCharts(t *testing.T, i *installation, manager *client, email string) {
	b := i.browse(t)
	b.signIn(email)
	top2, _ := manager.do("GET", "/v1/insights/satisfaction?by=centre&centre=riyadh", nil).want(200).at("total", "top2").(float64)
	for lang, side := range map[string]string{"ar": "right", "en": "left"} {
		b.open("/account", 1440)
		b.speak(lang)
		b.see("/manage/satisfaction?by=centre", 390)
		if at := option[string](b, "bars", "yAxis[0].position"); at != side {
			t.Errorf("%s: categories are on the %s", lang, at)
		}
		if inverse := option[bool](b, "bars", "xAxis[0].inverse"); inverse != (side == "right") {
			t.Errorf("%s: the axis of values is inverse: %v", lang, inverse)
		}
		if align := option[string](b, "levels", "legend[0].align"); align != side {
			t.Errorf("%s: the legend is on the %s", lang, align)
		}
		if mode := option[string](b, "levels", "tooltip[0].renderMode"); mode != "richText" {
			t.Errorf("tooltips are %s", mode)
		}
		for _, name := range option[[]string](b, "bars", "yAxis[0].data") {
			for line := range strings.SplitSeq(name, "\n") {
				if first := map[string]string{"ar": "\u2067", "en": "\u2066"}[lang]; !strings.HasPrefix(line, first) || !strings.HasSuffix(line, "\u2069") {
					t.Errorf("%s: %q is not isolated", lang, line)
				}
			}
		}
		if got := option[[]float64](b, "bars", "series[0].data"); len(got) != 2 || got[0] != top2 {
			t.Errorf("%s: drawn %v, and the API says %v of the best", lang, got, top2)
		}
	}
	b.see("/manage", 1440)
	if dir := read(b, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("[data-chart]")).direction`)); dir != "ltr" {
		t.Errorf("the container runs %s", dir)
	}
	before := option[bool](b, "trend", "xAxis[0].inverse")
	b.do(chromedp.Click("#trend [data-reverse]"))
	if after := option[bool](b, "trend", "xAxis[0].inverse"); after == before {
		t.Error("the axis of time was not reversed")
	}
}

// manageKeyboard uses nothing but the keyboard.
func manageKeyboard(t *testing.T, i *installation, email string) {
	b := i.browse(t)
	b.signIn(email)
	b.speak("en")
	b.see("/manage/satisfaction?by=region", 1440)
	reach := func(selector string) {
		t.Helper()
		for range 120 {
			b.do(chromedp.KeyEvent(kb.Tab))
			if read(b, chromedp.Evaluate[bool](`document.activeElement.matches(`+"`"+selector+"`"+`)`)) {
				return
			}
		}
		t.Fatalf("no key leads to %s", selector)
	}
	reach("#filter-channel")
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	reach("form.filters button.primary")
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#map"), drawn())
	if at := read(b, chromedp.Location()); !strings.Contains(at, "channel=app") {
		t.Errorf("filtered to %s", at)
	}
	reach("#map path[role=link]")
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("nav a[aria-current=true][href*='by=centre']"))
	if at := read(b, chromedp.Location()); !strings.Contains(at, "region=SA-") {
		t.Errorf("the map led to %s", at)
	}
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// managePrint wants one sheet of A4, in each language.
func managePrint(t *testing.T, i *installation, email string) {
	b := i.browse(t)
	b.signIn(email)
	for _, lang := range []string{"ar", "en", "ur"} {
		b.open("/account", 1440)
		b.speak(lang)
		b.see("/manage?view=print", 800)
		b.sound()
		b.shoot("manage-print-" + lang)
		pdf := read(b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground()))
		if n := len(pdfPage.FindAll(bytes.ReplaceAll(pdf, []byte("/Type /Pages"), nil), -1)); n != 1 {
			t.Errorf("%s: %d sheets", lang, n)
		}
		if !regexp.MustCompile(`/MediaBox\s*\[\s*0 0 59[45][.0-9]* 84[12]`).Match(pdf) {
			t.Errorf("%s: not A4: %s", lang, regexp.MustCompile(`/MediaBox[^]]*`).Find(pdf))
		}
	}
}

// manageWall refreshes what changed, and leaves what is on the screen in its place.
func manageWall(t *testing.T, i *installation, email string) {
	b := i.browse(t)
	b.signIn(email)
	b.everywhere("/manage?view=wall", "manage-wall")
	b.see("/manage?view=wall", 1440)
	if nav := read(b, chromedp.Evaluate[bool](`[...document.querySelectorAll("nav, form")].some((e) => e.checkVisibility())`)); nav {
		t.Error("a wall has something to press")
	}
	before := b.text("#facts b")
	b.do(script(`document.querySelector("#trend-data").before = document.querySelector("canvas").before = true`))
	i.citizen("+966500000078").do("POST", "/v1/reports", speakers).want(201)
	eventually(t, "the new report on the wall", func() bool {
		b.do(script(`document.querySelector("[data-refresh]").dispatchEvent(new Event("refresh"))`))
		return b.text("#facts b") != before
	})
	if stays := read(b, chromedp.Evaluate[bool](`document.querySelector("canvas").before === true`)); !stays {
		t.Error("a chart was put anew: it flickers")
	}
}

func TestManage_weight(t *testing.T) {
	t.Parallel()
	if n := page.AssetSize("manage.js", "manage.css", "page.js", "page.css"); n == 0 || n > 350_000 {
		t.Errorf("scripts and styles are %d bytes", n)
	}
}
