package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/store/teststore"
)

// Pages are tested in a real browser: Debian's Chromium, one for all tests, a profile of its own for each.

const (
	withoutBrowser = "the browser half is left out; to have it: apt-get install chromium"
	browserTime    = 4 * time.Minute
	screens        = "../../data/screens" // pictures of every page, for people to look at
)

// widths of a phone and of a desk, in CSS pixels.
var widths = []int64{390, 1440}

var chromium = sync.OnceValues(func() (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "ar"), chromedp.WSURLReadTimeout(time.Minute))
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(ctx)
	closeBrowser = stop
	return ctx, chromedp.Do(ctx)
})

// closeBrowser ends it after all tests.
var closeBrowser = func() {}

// browsed runs tests and ends the browser.
type browsed struct{ goleak.TestingM }

func (b browsed) Run() int {
	defer func() { closeBrowser() }()
	return b.TestingM.Run()
}

// tab is a person at a browser.
type tab struct {
	t    testing.TB
	i    *installation
	ctx  context.Context
	mu   sync.Mutex
	said []string // errors on the console, and requests to other hosts
}

// browse opens a browser on an installation, as nobody yet. At its end no page may have had an error or asked another host.
func (i *installation) browse(t testing.TB) *tab {
	t.Helper()
	if teststore.OnMongoDB() {
		t.Skip("pages call the API, whose own tests run on both stores")
	}
	parent, err := chromium()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s (%v)", withoutBrowser, err)
		}
		t.Skip(withoutBrowser)
	}
	b := &tab{t: t, i: i}
	ctx, closeTab := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(ctx, browserTime)
	b.ctx = ctx
	t.Cleanup(func() {
		stop()
		closeTab()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, x := range b.said {
			t.Error(x)
		}
	})
	return b
}

func (b *tab) listen(e any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := e.(type) {
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, fmt.Sprintf("a script failed: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.said = append(b.said, fmt.Sprintf("on the console: %+v", e.Args))
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" && u.Scheme != "blob" && !strings.HasSuffix(b.i.url, "//"+u.Host) {
			b.said = append(b.said, "asked another host: "+e.Request.URL)
		}
	}
}

// forgive what a test expects of its pages.
func (b *tab) forgive(said string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = slices.DeleteFunc(b.said, func(x string) bool { return strings.HasPrefix(x, said) })
}

// do runs actions, and fails the test when one fails.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		ctx, stop := context.WithTimeout(context.WithoutCancel(b.ctx), 5*time.Second)
		defer stop()
		where, _ := chromedp.Run(ctx, chromedp.Location())
		text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
		b.shoot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("at %s: %v\n%s", where, err, text)
	}
	b.settle()
}

// settle waits until the page is there to its end, with its scripts: what an action waits for may be visible before. A page that is being left has no
// end, which is no fault.
func (b *tab) settle() {
	ctx, stop := context.WithTimeout(b.ctx, 10*time.Second)
	defer stop()
	_ = chromedp.Do(ctx, script(`new Promise((done) => document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", () => done()) : done())`, chromedp.EvalAwaitPromise))
}

// read runs an action that gives something.
func read[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	var x T
	b.do(func(ctx context.Context, t *chromedp.Target) (_ chromedp.Void, err error) {
		x, err = action(ctx, t)
		return
	})
	return x
}

// script runs JavaScript on the page.
func script(js string, how ...chromedp.EvaluateOption) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](js, how...)
}

// open a page of the installation, as wide as that.
func (b *tab) open(path string, width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(b.i.url+path), chromedp.WaitVisible("main#content"))
}

// signIn as staff with an e-mail, by the form.
func (b *tab) signIn(email string) {
	b.t.Helper()
	b.signInWith(email, staffPassword)
}

func (b *tab) signInWith(email, password string) {
	b.t.Helper()
	b.open("/signin?next=/account", 1440)
	b.do(chromedp.SendKeys("#email", email), chromedp.SendKeys("#password", password), chromedp.Click("form[action='/signin'] button.primary"), chromedp.WaitVisible("details.me"))
}

// speak sets the language by the frame's choice.
func (b *tab) speak(lang string) {
	b.t.Helper()
	if read(b, chromedp.Evaluate[string](`document.documentElement.lang`)) == lang {
		return
	}
	b.do(script(`(() => { const s = document.querySelector("select[name=language]"); s.value = "`+lang+`"; s.form.submit(); })()`),
		chromedp.WaitVisible("html[lang="+lang+"] #content"))
}

// text of the first element that a selector finds.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(read(b, chromedp.Text(selector)))
}

// shoot keeps a picture of the whole page.
func (b *tab) shoot(name string) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(context.WithoutCancel(b.ctx), 20*time.Second)
	defer stop()
	size, err := chromedp.Run(ctx, chromedp.Evaluate[[2]int64](`[innerWidth, Math.min(document.documentElement.scrollHeight, 12000)]`))
	if err == nil { // chromedp.FullScreenshot shifts pages that run from right to left
		err = chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[1]))
	}
	var png []byte
	if err == nil {
		png, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
	}
	if err != nil {
		b.t.Logf("no picture %s: %v", name, err)
		return
	}
	if err := os.MkdirAll(screens, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screens, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// whole holds the page that is open to what every page must keep: no word that is missing, nothing wider than the screen.
func (b *tab) whole() {
	b.t.Helper()
	missing := read(b, chromedp.Evaluate[string](`(document.body.innerText.match(/⟨[^⟩]*⟩/g) ?? []).join(" ")`))
	wide := read(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	if missing != "" {
		b.t.Errorf("words are missing: %s", missing)
	}
	if wide > 0 {
		b.t.Errorf("the page is %d px wider than the screen", wide)
	}
}

// accessible asks axe about the page that is open: it may find nothing serious.
func (b *tab) accessible() {
	b.t.Helper()
	axe, err := os.ReadFile("../../web/assets/node_modules/axe-core/axe.min.js")
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(script(string(axe)))
	found := read(b, chromedp.Evaluate[[]string](`axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + (n.any[0]?.message ?? ""))))`, chromedp.EvalAwaitPromise))
	for _, x := range found {
		b.t.Errorf("axe: %s", x)
	}
}

// everywhere looks at a page in Arabic and English on a phone and at a desk, and asks axe about one of each.
func (b *tab) everywhere(path, name string) {
	b.t.Helper()
	for i, lang := range []string{"ar", "en"} {
		b.open(path, widths[0])
		b.speak(lang)
		for k, width := range widths {
			if k > 0 {
				b.open(path, width)
			}
			b.whole()
			if i == k {
				b.accessible()
			}
			b.shoot(fmt.Sprintf("%s-%s-%d", name, lang, width))
		}
	}
}

// forget takes the cookies of the session away.
func (b *tab) forget() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
		return err
	})
}

// hire makes a member of staff and gives their e-mail.
func (i *installation) hire(role actor.Role, centre, department string) string {
	i.t.Helper()
	c := i.staff(role, centre, department)
	return c.do("GET", "/v1/desk/me", nil).want(200).str("email")
}

func TestPages_SignIn(t *testing.T) {
	t.Parallel()
	i := install(t)
	email := i.hire(actor.Manager, "*", "*")
	b := i.browse(t)
	b.everywhere("/signin", "signin")
	b.speak("ur")
	b.whole()
	b.accessible()
	b.shoot("signin-ur-1440")
	b.speak("ar")

	b.open("/account?x=1", 1440) // not signed in: asked to, and back
	b.do(chromedp.SendKeys("#email", email), chromedp.SendKeys("#password", "not the password"), chromedp.Click("form[action='/signin'] button.primary"),
		chromedp.WaitVisible("p.wrong"))
	if typed := read(b, chromedp.Value("#email")); typed != email {
		t.Errorf("the e-mail that was typed is lost: %q", typed)
	}
	b.do(chromedp.SendKeys("#password", staffPassword), chromedp.Click("form[action='/signin'] button.primary"), chromedp.WaitVisible("details.me"))
	if where := read(b, chromedp.Location()); !strings.HasSuffix(where, "/account?x=1") {
		t.Errorf("signed in, and at %s", where)
	}
	b.everywhere("/account", "account")
	b.speak("ar")

	// The session is lost while something is typed: it comes back.
	b.open("/account", 1440)
	b.do(chromedp.SendKeys("#current", "not this one"), chromedp.SendKeys("#new", "another long password"), chromedp.SendKeys("#again", "another long password"),
		b.forget(), chromedp.Click("form[action='/account/password'] button"), chromedp.WaitVisible("#email"))
	b.do(chromedp.SendKeys("#email", email), chromedp.SendKeys("#password", staffPassword), chromedp.Click("form[action='/signin'] button.primary"),
		chromedp.WaitVisible("form[action='/account/password'] button"), chromedp.Click("form[action='/account/password'] button"), chromedp.WaitVisible("#current"))
	if said := b.text("p.wrong"); said == "" {
		t.Error("what was typed before the session was lost was not sent again")
	}
	b.do(chromedp.Click("details.me summary"), chromedp.Click("form[action='/signout'] button"), chromedp.WaitVisible("#email"))
	b.signIn(email)
}
