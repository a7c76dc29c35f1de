package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
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
