package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

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
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitReady("option[value=app][selected]"), drawn())
	if at := read(b, chromedp.Location()); !strings.Contains(at, "channel=app") {
		t.Errorf("filtered to %s", at)
	}
	reach("#map path[role=link]")
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("nav a[aria-current=true][href*='by=centre']"), drawn())
	if at := read(b, chromedp.Location()); !strings.Contains(at, "region=SA-") {
		t.Errorf("the map led to %s", at)
	}
	reach("#bars summary")
	b.do(chromedp.KeyEvent(kb.Enter)) // closed, and open again
	if open := read(b, chromedp.Evaluate[bool](`document.querySelector("#bars details").open`)); open {
		t.Error("no key closes a table")
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	reach("#bars .scroll")
	reach("#bars tbody a")
	reach("#bars a[download]")
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// managePrint wants one sheet of A4, in each language.
func managePrint(b *tab) {
	b.t.Helper()
	for _, lang := range []string{"ar", "en", "ur"} {
		b.open("/account", 1440)
		b.speak(lang)
		b.see("/manage?view=print", 800)
		b.whole()
		b.accessible()
		b.shoot("manage-print-" + lang)
		pdf := read(b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground()))
		if n := len(pdfPage.FindAll(bytes.ReplaceAll(pdf, []byte("/Type /Pages"), nil), -1)); n != 1 {
			b.t.Errorf("%s: %d sheets", lang, n)
		}
		if !regexp.MustCompile(`/MediaBox\s*\[\s*0 0 59[45][.0-9]* 84[12]`).Match(pdf) {
			b.t.Errorf("%s: not A4: %s", lang, regexp.MustCompile(`/MediaBox[^]]*`).Find(pdf))
		}
	}
}

// manageWall refreshes what changed by itself, and leaves what is on the screen in its place.
func manageWall(t *testing.T, i *installation, email string) {
	b := i.browse(t)
	b.signIn(email)
	b.do(func(ctx context.Context, t *chromedp.Target) (_ chromedp.Void, err error) { // a minute passes in a fifth of a second
		_, err = cdp.Call(ctx, t, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{
			Source: `{ const real = setInterval; window.setInterval = (f, ms, ...x) => real(f, ms / 300, ...x); }`})
		return
	})
	b.see("/manage?view=wall", 1440)
	if nav := read(b, chromedp.Evaluate[bool](`[...document.querySelectorAll("nav, form")].some((e) => e.checkVisibility())`)); nav {
		t.Error("a wall has something to press")
	}
	reports := func() string { // at one moment: what is shown may be put anew at any time
		return read(b, chromedp.Evaluate[string](`document.querySelector("#facts b").textContent`))
	}
	before := reports()
	b.do(script(`document.querySelector("canvas").before = true`))
	i.citizen("+966500000078").do("POST", "/v1/reports", speakers).want(201)
	eventually(t, "the new report on the wall", func() bool { return reports() != before })
	if stays := read(b, chromedp.Evaluate[bool](`document.querySelector("canvas").before === true`)); !stays {
		t.Error("a chart was put anew: it flickers")
	}
}
