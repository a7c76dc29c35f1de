package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestScratch(t *testing.T) {
	url := os.Getenv("SCRATCH")
	if url == "" {
		t.Skip()
	}
	i := &installation{t: t, url: url, log: &logBuffer{}}
	b := i.browse(t)
	b.open("/signin?next=/account", 1440)
	b.do(chromedp.SendKeys("#email", "manager@demo.balagh.example"), chromedp.SendKeys("#password", "balagh-demo-1933"), chromedp.Click("form[action='/signin'] button.primary"), chromedp.WaitVisible("details.me"))
	for _, x := range strings.Split(os.Getenv("PAGES"), " ") {
		name, path, _ := strings.Cut(x, "=")
		for _, lang := range strings.Split(os.Getenv("LANGS"), " ") {
			b.open(path, 1440)
			b.speak(lang)
			for _, w := range widths {
				b.open(path, w)
				time.Sleep(700 * time.Millisecond)
				b.sound()
				b.shoot("x-" + name + "-" + lang + "-" + map[int64]string{390: "s", 1440: "w"}[w])
			}
		}
	}
}
