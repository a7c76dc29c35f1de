package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/balagh/balagh/actor"
)

// TestManage_rounds reads a round that was answered: its rates, what each question found, its methods, what people wrote, how it compares.
func TestManage_rounds(t *testing.T) {
	t.Parallel()
	p := poll(t, func(x object) {
		x["questionnaire"], x["weighting"] = "every", object{"method": "poststratify", "by": []string{"centre"}}
	})
	earlier := p.round
	answered := func(shift int) {
		t.Helper()
		for n, c := range p.citizens[:11] {
			list := c.do("GET", "/v1/surveys", nil).want(200)
			for k := range list.len("items") {
				if list.str("items", k, "state") != "open" {
					continue
				}
				c.do("PUT", "/v1/surveys/"+list.str("items", k, "id")+"/response", object{"complete": true, "language": "ar", "answers": object{"number": n, "matrix": object{"a": 1 + n%5, "b": 3},
					"rating": min(5, 1+n%5+shift), "nps": n % 11, "effort": 1 + n%7, "yes_no": n%2 == 0, "date": "2026-11-01", "text": fmt.Sprintf("رأي %d (<b>مهم</b>)", n),
					"choice": "a", "choices": []string{"a", "b"}, "ranking": []string{"b", "a"}}}).want(200)
			}
		}
		p.admin.do("POST", "/v1/admin/rounds/"+p.round+"/close", nil).want(200)
		p.is("published")
	}
	answered(0)
	other := serviceProgramme()
	other["questionnaire"] = "every"
	p.admin.do("PUT", "/v1/admin/programmes/other?confirm=no_quarantine&confirm=asks_everybody_often&confirm=no_channel", other).want(200)
	p.round = p.admin.do("POST", "/v1/admin/programmes/other/rounds", nil).want(201).str("id")
	p.is("open")
	answered(2)
	api := "/v1/insights/rounds/" + p.round
	supervisor := p.staff(actor.Supervisor, "*", "*")
	id := supervisor.do("GET", api+"/verbatims?question=text", nil).want(200).str("items", 0, "id")
	approved := supervisor.do("PUT", "/v1/insights/verbatims/"+id, object{"state": "approved"}).want(200).str("text")

	b := p.browse(t)
	b.signIn(p.hire(actor.Manager, "*", "*"))
	b.everywhere("/manage/rounds", "manage-rounds")
	if rows := read(b, chromedp.Evaluate[int](`document.querySelectorAll("tbody tr").length`)); rows != 2 {
		t.Errorf("%d rounds", rows)
	}
	b.do(chromedp.Click("a[href='/manage/rounds/"+p.round+"']"), chromedp.WaitVisible("#verbatims"))
	b.everywhere("/manage/rounds/"+p.round+"?compare="+earlier, "manage-round")
	b.do(drawn())
	b.found(p.staff(actor.Manager, "*", "*"), api, earlier)
	if said := read(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".verbatims p")].map((x) => x.textContent)`)); !slices.Equal(said, []string{approved}) {
		t.Errorf("of what people wrote the page has %q, and %q was approved", said, approved)
	}
}

// found compares what is shown of a round with the API, and takes its files.
func (b *tab) found(manager *client, api, earlier string) {
	b.t.Helper()
	r := manager.do("GET", api+"?compare="+earlier, nil).want(200)
	percent := func(x any) string { f, _ := x.(float64); return fmt.Sprintf("%.1f%%", 100*f) }
	facts := read(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".figure b")].map((x) => x.textContent)`))
	want := []string{"11", percent(r.at("rates", "rr1")), percent(r.at("rates", "rr2")), percent(r.at("rates", "rr3")), percent(r.at("rates", "rr5"))}
	if len(facts) != 6 || !slices.Equal(facts[:5], want) {
		b.t.Errorf("the page says %q, and the API %q", facts, want)
	}
	for n := range r.len("questions") {
		id := fmt.Sprintf("#q%d", n)
		text := b.text(id)
		if top2 := r.at("questions", n, "total", "top2", "share"); top2 != nil && !strings.Contains(text, percent(top2)) {
			b.t.Errorf("%s does not have %s: %q", id, percent(top2), text)
		}
		options, _ := r.at("questions", n, "total", "options").([]any)
		shares := read(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("`+id+` > details:first-of-type tbody td:nth-child(3)")].map((x) => x.textContent.trim())`))
		for k := range options {
			if x := percent(r.at("questions", n, "total", "options", k, "share")); k >= len(shares) || shares[k] != x {
				b.t.Errorf("%s: option %d is %s, and the page has %q", id, k, x, shares)
			}
		}
	}
	if difference := r.at("comparison", "questions", 0, "difference"); r.len("comparison", "questions") == 0 || b.text("#comparison") == "" {
		b.t.Errorf("no comparison: %v", difference)
	}
	b.do(chromedp.Click("#methods summary"))
	if methods := b.text("#methods"); !strings.Contains(methods, r.str("methods", "seed")) || !strings.Contains(methods, "every v1") {
		b.t.Errorf("methods: %s", methods)
	}
	b.allTaken()
}

// allTaken asks for every file that the page offers.
func (b *tab) allTaken() {
	b.t.Helper()
	bad := read(b, chromedp.Evaluate[[]string](`Promise.all([...new Set([...document.querySelectorAll("a[download]")].map((a) => a.href))]
		.map((href) => fetch(href).then(async (r) => r.ok && (await r.arrayBuffer()).byteLength > 0 ? "" : href + ": " + r.status))).then((all) => all.filter((x) => x))`, chromedp.EvalAwaitPromise))
	for _, x := range bad {
		b.t.Errorf("cannot be taken away: %s", x)
	}
}
