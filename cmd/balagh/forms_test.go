package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

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
		for path, body := range map[string]string{"/admin/new/departments": "code=evil&names.ar=x&names.en=x&names.ur=x", "/settings": "language=en", "/signout": ""} {
			from["Content-Type"] = form
			if res := ask(bare, "POST", path, body, from); res.StatusCode != http.StatusForbidden || res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s, POST %s: %d, %q", name, path, res.StatusCode, res.Header.Get("Set-Cookie"))
			}
		}
		from["Content-Type"] = js
		if res := ask(bare, "PUT", "/v1/admin/departments/evil", `{"names":{"ar":"x","en":"x","ur":"x"},"active":true}`, from); res.StatusCode/100 != 4 {
			t.Errorf("%s, PUT by the API: %d", name, res.StatusCode)
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
