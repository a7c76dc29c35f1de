package main

import (
	"bytes"
	"image/jpeg"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/photos/phototest"
	"github.com/balagh/balagh/store/teststore"
)

// TestObjectStore files a report with a photo into an object store, and fetches it back: through the server, and by a signed address.
func TestObjectStore(t *testing.T) {
	t.Parallel()
	for _, urls := range []string{"stream", signedURLs} {
		address := phototest.Address(t)
		if address == "" {
			return
		}
		t.Run(urls, func(t *testing.T) {
			t.Parallel()
			i := install(t, func(s *settings) { s.Bucket, s.PhotoURLs, s.PhotoURLTime = address, urls, time.Minute })
			c := i.citizen("+966500000171")
			body, kind := form(t, speakers, picture(t, 640, 480))
			filed := c.do("POST", "/v1/reports", body, "Content-Type", kind).want(201)
			image, thumb := filed.str("photos", 0, "url"), filed.str("photos", 0, "thumbnail_url")
			if n, err := countObjects(i); err != nil || n != 1 {
				t.Errorf("%d originals in the bucket, %v", n, err)
			}
			for _, path := range []string{image, thumb} {
				shown := shown(t, c, path, urls)
				if _, err := jpeg.Decode(bytes.NewReader(shown)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			i.citizen("+966500000172").do("GET", image, nil).refused(404, "not_found")
			(&client{i: i, t: t}).do("GET", image, nil).refused(401, "unauthenticated")
			i.staff(actor.Officer, "qassim", "*").do("GET", image, nil).refused(404, "not_found")
			shown(t, i.staff(actor.Officer, "riyadh", "sound"), image, urls)

			showsOn(t, i, filed.str("id"))

			ready := c.do("GET", "/readyz", nil).want(200)
			if ready.str("checks", "bucket") != "ok" {
				t.Errorf("the bucket is not ready: %s", ready.body)
			}
			if strings.Contains(i.log.String(), "X-Amz") {
				t.Error("a signed address is in the log")
			}
		})
	}
}

// showsOn looks at the report's photo on its page, whose policy must let the browser follow to the object store.
func showsOn(t *testing.T, i *installation, id string) {
	t.Helper()
	email := i.hire(actor.Officer, "riyadh", "*")
	b := i.browse(t)
	b.signIn(email)
	b.open("/desk/reports/"+id, 1440)
	eventually(t, "the photo on the page", func() bool {
		return read(b, chromedp.Evaluate[int](`(() => { const x = document.querySelector("a[data-photo] img"); x.loading = "eager"; return x.naturalWidth; })()`)) > 0
	})
	b.forgive("asked another host: ")
}

// shown is a picture as its reader gets it.
func shown(t *testing.T, c *client, path, urls string) []byte {
	t.Helper()
	if urls == "stream" {
		a := c.do("GET", path, nil).want(200)
		return a.body
	}
	a := c.do("GET", path, nil).want(307)
	link := a.header.Get("Location")
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" || len(a.body) > 0 {
		t.Errorf("the redirect: %v %s", a.header, a.body)
	}
	if !strings.Contains(link, "/served/") || strings.Contains(link, c.token) {
		t.Errorf("it leads to %s", link)
	}
	c.do("GET", path, nil, "If-None-Match", a.header.Get("ETag")).want(304)
	res, b := fetch(t, link)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/jpeg" || res.Header.Get("Cache-Control") != "private, max-age=86400" {
		t.Errorf("the bucket answered %d, %v", res.StatusCode, res.Header)
	}
	head, err := http.NewRequestWithContext(t.Context(), http.MethodHead, c.i.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	head.Header.Set("Authorization", "Bearer "+c.token)
	res, err = unled.Do(head)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ContentLength != int64(len(b)) {
		t.Errorf("HEAD: %d of %d bytes, want %d", res.StatusCode, res.ContentLength, len(b))
	}
	return b
}

func fetch(t *testing.T, address string) (*http.Response, []byte) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

// TestObjectStore_expired: a signed address is refused by the bucket when its time is over.
func TestObjectStore_expired(t *testing.T) {
	t.Parallel()
	address := phototest.Address(t)
	if address == "" {
		return
	}
	i := install(t, func(s *settings) { s.Bucket, s.PhotoURLs, s.PhotoURLTime = address, signedURLs, time.Second })
	c := i.citizen("+966500000173")
	p := c.do("POST", "/v1/photos", picture(t, 64, 48), "Content-Type", "image/jpeg").want(201)
	link := c.do("GET", p.str("url"), nil).want(307).header.Get("Location")
	eventually(t, "the end of the address", func() bool {
		res, b := fetch(t, link)
		return res.StatusCode == http.StatusForbidden && !bytes.HasPrefix(b, []byte{0xff, 0xd8})
	})
	c.do("GET", p.str("url"), nil).want(307) // for another one
}

// TestObjectStore_backup copies a bucket, and brings it back as files.
func TestObjectStore_backup(t *testing.T) {
	t.Parallel()
	address := phototest.Address(t)
	if address == "" {
		return
	}
	from := teststore.SQLite(t) // a store on MongoDB has the server's own tools
	i := install(t, func(s *settings) { s.Bucket, s.Store = address, from })
	c := i.citizen("+966500000174")
	data := picture(t, 320, 240)
	c.do("POST", "/v1/photos", data, "Content-Type", "image/jpeg").want(201)
	folder := filepath.Join(t.TempDir(), "copy")
	if out, err := call(t, "backup", folder, "--store="+from, "--bucket="+address); err != nil || !strings.Contains(out, "1 photo files") {
		t.Fatalf("%v\n%s", err, out)
	}
	elsewhere := phototest.Address(t)
	store := "--store=sqlite:" + filepath.Join(t.TempDir(), "balagh.db")
	if out, err := call(t, "backup", "restore", folder, store, "--bucket="+elsewhere); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := (&storage{Bucket: elsewhere}).open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for o, err := range b.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.ReadAll(t.Context(), o.Key); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s came back as %d bytes, %v", o.Key, len(got), err)
		}
	}
	if _, err := call(t, "serve", "--dev", "--address=127.0.0.1:0", store, "--bucket="+strings.Replace(address, "//", "//no-such-", 1)); err == nil ||
		!strings.Contains(err.Error(), "--bucket: there is no bucket no-such-") {
		t.Errorf("a bucket that is not there: %v", err)
	}
}
