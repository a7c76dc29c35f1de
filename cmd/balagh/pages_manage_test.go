package main

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/web/page"
)

// rated is an installation in which some reports were rated: 14 of Riyadh, all but two well, and 11 of Qassim, of which six were; three
// more of Riyadh came by phone.
func rated(t *testing.T) *installation {
	t.Helper()
	i := install(t)
	admin := i.staff(actor.Admin, "*", "*")
	for centre, x := range map[string][2]string{"riyadh": {"SA-01", square(45, 23, 48, 26)}, "qassim": {"SA-05", square(42, 23, 45, 26)}} {
		admin.do("PUT", "/v1/admin/centres/"+centre, `{"names":{"ar":"مركز `+centre+` (فرع 2)","en":"Centre `+centre+`","ur":"مرکز"},"active":true,"region":"`+x[0]+`","area":`+x[1]+`}`,
			"If-Match", `"1"`).want(200)
	}
	officer, citizen := i.staff(actor.Supervisor, "*", "*"), i.citizen("+966500000077")
	life := func(id string, level int) {
		t.Helper()
		for _, to := range []string{"assigned", "in_progress", "resolved"} {
			officer.do("POST", "/v1/desk/reports/"+id+"/transitions", map[string]any{"to": to, "text": "تم"}).want(200)
		}
		eventually(t, "the occasion to rate", func() bool { return citizen.do("GET", "/v1/reports/"+id, nil).want(200).at("can", "rate") == true })
		citizen.do("POST", "/v1/reports/"+id+"/rating", map[string]any{"level": level, "solved": level > 3}).want(201)
	}
	files := func(body string) string { return citizen.do("POST", "/v1/reports", body).want(201).str("id") }
	qassim := strings.Replace(speakers, "46.6753", "43.6753", 1)
	for n := range 14 {
		life(files(speakers), map[bool]int{true: 1, false: 4 + n%2}[n < 2])
	}
	for n := range 11 {
		life(files(qassim), map[bool]int{true: 5, false: 2 + n%2}[n < 6])
	}
	for range 3 {
		called := map[string]any{"category": "loudspeakers", "description": "مكبر الصوت لا يعمل", "channel": "phone", "citizen_phone": "+966500000077",
			"place": map[string]any{"latitude": 24.7136, "longitude": 46.6753, "source": "map"}, "attributes": map[string]any{"mosque_name": "جامع الملك خالد"}}
		life(officer.do("POST", "/v1/desk/reports", called).want(201).str("id"), 4)
	}
	files(speakers)
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
	t.Run("read", func(t *testing.T) {
		t.Run("first pages", func(t *testing.T) {
			t.Parallel()
			b := manageEverywhere(t, i, email, "overview", "/manage", "satisfaction", "/manage/satisfaction?by=centre", "regions", "/manage/satisfaction?by=region", "wall", "/manage?view=wall")
			manageForbidden(b, i)
		})
		t.Run("other pages", func(t *testing.T) {
			t.Parallel()
			managePrint(manageEverywhere(t, i, email, "volumes", "/manage/volumes?by=category&and=month", "timeliness", "/manage/timeliness", "deliveries", "/manage/deliveries"))
		})
		t.Run("figures", func(t *testing.T) { t.Parallel(); manageFigures(t, i, manager, email) })
		t.Run("keyboard", func(t *testing.T) { t.Parallel(); manageKeyboard(t, i, email) })
	})
	t.Run("wall", func(t *testing.T) { manageWall(t, i, email) }) // last, as it files a report
}

// manageEverywhere looks at pages, given by name and address, and takes what they offer to take.
func manageEverywhere(t *testing.T, i *installation, email string, pages ...string) *tab {
	b := i.browse(t)
	b.signIn(email)
	for n := 0; n < len(pages); n += 2 {
		b.everywhere(pages[n+1], "manage-"+pages[n])
		b.allTaken()
	}
	return b
}

// manageForbidden asks for pages as who may not see them.
func manageForbidden(b *tab, i *installation) {
	b.t.Helper()
	b.do(b.forget())
	b.signIn(i.hire(actor.Clerk, "*", "*"))
	for _, path := range []string{"/manage", "/manage/satisfaction", "/manage/rounds", "/manage/accounts/1933"} {
		if status := read(b, chromedp.Evaluate[int](`fetch("`+path+`").then((r) => r.status)`, chromedp.EvalAwaitPromise)); status != 403 {
			b.t.Errorf("a clerk gets %d at %s", status, path)
		}
	}
}

// manageFigures filters, drills down and takes away, and compares with the API; then it holds what is drawn to the rules of right to left.
func manageFigures(t *testing.T, i *installation, manager *client, email string) {
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
	b.do(chromedp.SetValue("#filter-centre", "qassim"), chromedp.SetValue("#filter-region", ""), chromedp.Click("form.filters button.primary"),
		chromedp.WaitReady("option[value=qassim][selected]"), drawn())
	if got, want := b.text(".headline"), percent("centre=qassim"); got != want {
		t.Errorf("of Qassim the headline is %s, and the API says %s", got, want)
	}
	b.takenAway(manager)
	b.suppressed(manager)
	b.narrowed(manager)

	b.open("/manage?from=2026-13-45&to=today", 1440)
	if wrong, typed := b.text("p.wrong"), read(b, chromedp.Value("#from")); !strings.Contains(wrong, "1448") || typed != "2026-13-45" {
		t.Errorf("of a wrong day: %q, and %q was kept", wrong, typed)
	}
	manageCharts(b, manager)
}

// takenAway compares the files of a chart with the API's, and with what the table of the page shows.
func (b *tab) takenAway(manager *client) {
	b.t.Helper()
	hrefs := read(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#bars a[download]")].map((a) => a.getAttribute("href"))`))
	if len(hrefs) != 2 || !strings.Contains(hrefs[0], ".csv?") || !strings.Contains(hrefs[1], ".xlsx?") || !strings.Contains(hrefs[0], "centre=qassim") {
		b.t.Fatalf("to take away: %v", hrefs)
	}
	take := func(href string) []byte {
		b.t.Helper()
		text := read(b, chromedp.Evaluate[string](`fetch("`+href+`").then((r) => r.arrayBuffer()).then((x) => btoa(String.fromCharCode(...new Uint8Array(x))))`, chromedp.EvalAwaitPromise))
		file, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			b.t.Fatal(err)
		}
		return file
	}
	file := take(hrefs[0])
	if want := manager.do("GET", hrefs[0], nil, "Accept-Language", "en").want(200).body; !bytes.Equal(file, want) {
		b.t.Errorf("taken away: %q, want %q", file, want)
	}
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff")))).ReadAll()
	if err != nil || len(lines) != 3 {
		b.t.Fatalf("%v: %q", err, file)
	}
	col := func(line int, name string) string { return lines[line][slices.Index(lines[0], name)] }
	cells := read(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#bars tbody tr:first-child > *")].map((x) => x.textContent)`))
	top2 := strings.TrimSuffix(strings.ReplaceAll(cells[1], ".", ""), "%") // 54.5% is 0.545…
	want := []string{col(1, "name"), cells[1], cells[2], col(1, "n"), col(1, "eligible"), "100.0%", "70.5"}
	want = append(want, col(1, "very_dissatisfied"), col(1, "dissatisfied"), col(1, "neutral"), col(1, "satisfied"), col(1, "very_satisfied"))
	if !slices.Equal(cells, want) || !strings.HasPrefix(col(1, "top2"), "0."+top2) {
		b.t.Errorf("the page shows %q, and the file has %q", cells, lines[1])
	}
	if book, want := unpacked(b.t, take(hrefs[1])), unpacked(b.t, manager.do("GET", hrefs[1], nil, "Accept-Language", "en").want(200).body); book != want ||
		!strings.Contains(book, "<v>"+cells[3]+"</v>") || !strings.Contains(book, cells[0]) {
		b.t.Errorf("the workbook is not what the page shows")
	}
}

// suppressed rows say why they have no figure.
func (b *tab) suppressed(manager *client) {
	b.t.Helper()
	b.see("/manage/satisfaction?by=channel", 1440)
	r := manager.do("GET", "/v1/insights/satisfaction?by=channel", nil).want(200)
	why := map[string]string{"too_few": "fewer than", "protects_another": "subtraction"}
	for n := range r.len("rows") {
		reason := r.str("rows", n, "reason")
		if reason == "" {
			b.t.Errorf("channel %s is not suppressed: %s", r.str("rows", n, "key"), r.body)
		}
		if said := b.text("#bars tbody"); why[reason] == "" || !strings.Contains(said, why[reason]) {
			b.t.Errorf("%s: %q", reason, said)
		}
	}
	if drawn := read(b, chromedp.Evaluate[bool](`document.querySelector("#bars [data-chart]") !== null`)); drawn {
		b.t.Error("there is a chart of nothing that may be shown")
	}
	b.see("/manage/satisfaction?by=employee", 1440)
	if why := b.text("#bars"); !strings.Contains(why, "30") {
		b.t.Errorf("of employees it says %q", why)
	}
}

// narrowed asks for pages with each filter in their address, and compares their totals with the API's.
func (b *tab) narrowed(manager *client) {
	b.t.Helper()
	for _, x := range []struct{ page, api string }{
		{"channel=phone", "channel=phone"}, {"category=loudspeakers", "category=loudspeakers"}, {"category=maintenance", "category=maintenance"}, {"region=SA-05", "region=SA-05"},
		{"centre=riyadh&channel=app", "centre=riyadh&channel=app"}, {"from=15%2F2%2F1440&to=2100-01-01", "from=2018-10-24&to=2100-01-01"},
		{"from=%D9%A1%D9%A4%D9%A4%D9%A0-%D9%A0%D9%A2-%D9%A1%D9%A5&to=1442-02-15", "from=2018-10-24&to=2020-10-02"}, // in Arabic-Indic digits
		{"from=2018-10-24&to=2020-10-02", "from=2018-10-24&to=2020-10-02"},
	} {
		want := manager.do("GET", "/v1/insights/volumes?by=centre&"+x.api, nil).want(200).at("total")
		got := read(b, chromedp.Evaluate[[]string](`fetch("/manage/volumes?by=centre&`+x.page+`").then((r) => r.text()).then((html) => {
			const d = new DOMParser().parseFromString(html, "text/html");
			return [d.querySelector(".figure b").textContent, d.querySelector("a[download]").getAttribute("href"), d.querySelector("#volumes tfoot td")?.textContent ?? ""];
		})`, chromedp.EvalAwaitPromise))
		if got[0] != fmt.Sprint(want) || (got[2] != "" && got[2] != got[0]) {
			b.t.Errorf("%s: %q, and the API says %v", x.page, got, want)
		}
		asked, _ := url.ParseQuery(x.api)
		taken, err := url.Parse(got[1])
		for name, values := range asked {
			if err != nil || taken.Query().Get(name) != values[0] {
				b.t.Errorf("%s: its file is asked for with %s", x.page, got[1])
			}
		}
	}
}

// manageCharts holds charts to the rules of texts from right to left, and to the API's figures.
func manageCharts(b *tab, manager *client) {
	t := b.t
	top2, _ := manager.do("GET", "/v1/insights/satisfaction?by=centre&centre=riyadh", nil).want(200).at("total", "top2").(float64)
	for _, lang := range []string{"ar", "en"} {
		side := map[string]string{"ar": "right", "en": "left"}[lang]
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
		b.inOrder(lang == "ar")
	}
	b.see("/manage", 1440)
	if dir := read(b, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("[data-chart]")).direction`)); dir != "ltr" {
		t.Errorf("the container runs %s", dir)
	}
	before := option[bool](b, "trend", "xAxis[0].inverse")
	b.do(chromedp.Click("#trend [data-reverse]"))
	if after := option[bool](b, "trend", "xAxis[0].inverse"); after == before || before {
		t.Error("the axis of time was not reversed, or did not run from left to right")
	}
}

// inOrder measures where the parts of an interval stand on the screen: the lower end is read first, and no sign has changed its side.
func (b *tab) inOrder(arabic bool) {
	b.t.Helper()
	x := read(b, chromedp.Evaluate[[]float64](`(() => {
		const text = document.querySelector(".why bdi").firstChild;
		const at = (i) => { const r = document.createRange(); r.setStart(text, i); r.setEnd(text, i + 1); return r.getBoundingClientRect().left; };
		const s = text.data, sign = s.search(/[%٪]/), last = s.length - 1;
		return [at(0), at(sign - 1), at(sign), at(last - 1), at(last)];
	})()`))
	low, lowEnds, lowSign, highEnds, highSign := x[0], x[1], x[2], x[3], x[4]
	if low >= lowEnds {
		b.t.Errorf("the digits of a number are mirrored: %v", x)
	}
	if arabic != (low > highEnds) || arabic != (lowSign < low) || arabic != (highSign < highEnds) {
		b.t.Errorf("in Arabic digits %v: the interval stands at %v", arabic, x)
	}
}

func TestManage_weight(t *testing.T) {
	t.Parallel()
	if n := page.AssetSize("manage.js", "manage.css", "page.js", "page.css"); n == 0 || n > 350_000 {
		t.Errorf("scripts and styles are %d bytes", n)
	}
}
