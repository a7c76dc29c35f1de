package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/balagh/balagh/actor"
)

// sameOrigin says what browsers say of a form of the same site.
type sameOrigin struct{}

func (sameOrigin) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return http.DefaultTransport.RoundTrip(r)
}

// browserOf is signed in: a browser without scripts, as far as cookies and forms go.
func (i *installation) browserOf(email string) *http.Client {
	i.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		i.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: sameOrigin{}}
	res, err := c.PostForm(i.url+"/signin", url.Values{"email": {email}, "password": {staffPassword}, "next": {"/account"}})
	if err != nil {
		i.t.Fatal(err)
	}
	if body := readAll(i.t, res); res.StatusCode != http.StatusOK || res.Request.URL.Path != "/account" {
		i.t.Fatalf("%d at %s\n%s", res.StatusCode, res.Request.URL, body)
	}
	return c
}

func readAll(t testing.TB, res *http.Response) []byte {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPages_CrossSite: what another site's page sends with the cookies of somebody changes nothing, and a session that was there before
// somebody signed in is not theirs afterwards.
func TestPages_CrossSite(t *testing.T) {
	t.Parallel()
	i := install(t)
	admin := i.browserOf(i.hire(actor.Admin, "*", "*"))
	ask := func(c *http.Client, method, path, body string, headers map[string]string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, i.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, res)
		return res
	}
	bare := &http.Client{Jar: admin.Jar, CheckRedirect: unled.CheckRedirect} // sends no more than it is told
	const form, js = "application/x-www-form-urlencoded", "application/json"
	for name, from := range map[string]map[string]string{
		"another site":       {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"a sister site":      {"Sec-Fetch-Site": "same-site", "Origin": "https://sister.example"},
		"an old browser":     {"Origin": "https://evil.example"},
		"a page without one": {"Origin": "null"},
		"nobody says":        {},
	} {
		from["Content-Type"] = js
		if res := ask(bare, "PUT", "/v1/admin/departments/evil", `{"names":{"ar":"x","en":"x","ur":"x"},"active":true}`, from); res.StatusCode/100 != 4 {
			t.Errorf("%s, PUT by the API: %d", name, res.StatusCode)
		}
		for path, body := range map[string]string{"/admin/new/departments": "code=evil&names.ar=x&names.en=x&names.ur=x", "/settings": "language=en", "/signout": ""} {
			from["Content-Type"] = form
			if res := ask(bare, "POST", path, body, from); res.StatusCode != http.StatusForbidden || res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s, POST %s: %d, %q", name, path, res.StatusCode, res.Header.Get("Set-Cookie"))
			}
		}
		if res := ask(bare, "GET", "/v1/desk/me", "", from); res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may read: %v", name, res.Header)
		}
	}
	i.staff(actor.Admin, "*", "*").do("GET", "/v1/admin/departments/evil", nil).refused(404, "not_found")

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(i.url)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "balagh-access", Value: "planted"}, {Name: "balagh-refresh", Value: "planted"}})
	victim := &http.Client{Jar: jar, Transport: sameOrigin{}, CheckRedirect: unled.CheckRedirect}
	signIn := url.Values{"email": {i.hire(actor.Clerk, "*", "*")}, "password": {staffPassword}}.Encode()
	if res := ask(victim, "POST", "/signin", signIn, map[string]string{"Content-Type": form}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in: %d", res.StatusCode)
	}
	for _, c := range jar.Cookies(at) {
		if c.Value == "planted" {
			t.Errorf("the session that was planted goes on: %s", c.Name)
		}
	}
}

// TestPages_DaysRefused: what the API does not count over so long a time is said beside the day, and what was typed is kept.
func TestPages_DaysRefused(t *testing.T) {
	t.Parallel()
	i := install(t)
	manager := i.browserOf(i.hire(actor.Manager, "*", "*"))
	ask := func(path string) (int, string) {
		res, err := manager.Get(i.url + path + "?period=days&from=2018-10-25&to=2020-10-16&channel=phone")
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(readAll(t, res))
	}
	if status, body := ask("/manage/deliveries"); status != http.StatusUnprocessableEntity || !strings.Contains(body, `value="٢٠١٨-١٠-٢٥"`) || !strings.Contains(body, `aria-invalid="true"`) ||
		!strings.Contains(body, `<option value="phone" selected>`) {
		t.Errorf("two years of deliveries: %d\n%s", status, body)
	}
	if status, body := ask("/manage"); status != http.StatusOK || !strings.Contains(body, "تُعدّ الرسائل لفترة لا تتجاوز سنة") {
		t.Errorf("two years in all: %d\n%s", status, body)
	}
}

// TestPages_SecondFactor enrols one on the account's page and signs in with its code, in the digits of either keyboard.
func TestPages_SecondFactor(t *testing.T) {
	t.Parallel()
	i := install(t)
	email := i.hire(actor.Officer, "riyadh", "*")
	c := i.browserOf(email)
	send := func(c *http.Client, path string, form url.Values) (int, string) {
		t.Helper()
		res, err := c.PostForm(i.url+path, form)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(readAll(t, res))
	}
	_, page := send(c, "/account/totp", nil)
	found := regexp.MustCompile(`name="secret" value="([A-Z2-7]+)"`).FindStringSubmatch(page)
	if found == nil || !strings.Contains(page, "data:image/png") {
		t.Fatalf("no secret, or no picture of it:\n%s", page)
	}
	code := func(ago time.Duration) string {
		s, err := totp.GenerateCode(found[1], time.Now().Add(-ago))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	eastern := strings.NewReplacer("0", "٠", "1", "١", "2", "٢", "3", "٣", "4", "٤", "5", "٥", "6", "٦", "7", "٧", "8", "٨", "9", "٩")
	if status, page := send(c, "/account/totp/confirm", url.Values{"secret": {found[1]}, "totp": {"000 000"}, "uri": {"otpauth://totp/x"}}); status/100 != 4 || !strings.Contains(page, found[1]) {
		t.Errorf("a wrong code: %d\n%s", status, page)
	}
	used := code(0)
	if status, page := send(c, "/account/totp/confirm", url.Values{"secret": {found[1]}, "totp": {eastern.Replace(used)}}); status != http.StatusOK || !strings.Contains(page, `class="done"`) {
		t.Fatalf("its first code: %d\n%s", status, page)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	next := &http.Client{Jar: jar, Transport: sameOrigin{}, CheckRedirect: unled.CheckRedirect}
	for what, x := range map[string]struct {
		code string
		want int
	}{"no code": {"", http.StatusUnauthorized}, "one that was used": {used, http.StatusUnauthorized}} {
		if status, page := send(next, "/signin", url.Values{"email": {email}, "password": {staffPassword}, "totp": {x.code}}); status != x.want || !strings.Contains(page, email) {
			t.Errorf("%s: %d\n%s", what, status, page)
		}
	}
	// That of the next step, which a clock that is ahead shows: none is good twice.
	if status, page := send(next, "/signin", url.Values{"email": {email}, "password": {staffPassword}, "totp": {eastern.Replace(code(-30 * time.Second))}}); status != http.StatusSeeOther {
		t.Errorf("signing in with it: %d\n%s", status, page)
	}
}
