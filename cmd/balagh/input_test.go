package main

import (
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/balagh/balagh/actor"
)

// TestBadInput_Report sends what phones with bugs and people with ill will send; each gets its status and code, and nothing is written.
func TestBadInput_Report(t *testing.T) {
	t.Parallel()
	i := install(t)
	c := i.citizen("+966500000041")
	with := func(old, new string) string { return strings.Replace(speakers, old, new, 1) }
	for _, x := range []struct {
		name, body string
		status     int
		code, path string
	}{
		{"no JSON", `{"category":`, 400, "malformed_request", ""},
		{"two values", speakers + speakers, 400, "malformed_request", ""},
		{"a list", `[` + speakers + `]`, 400, "malformed_request", ""},
		{"null", `null`, 400, "malformed_request", ""},
		{"nothing", ``, 400, "malformed_request", ""},
		{"not UTF-8", with("العليا", "\xff\xfe"), 400, "malformed_request", ""},
		{"an unknown field", with(`{`, `{"colour":"red",`), 400, "malformed_request", "colour"},
		{"a wrong type", with(`24.7136`, `"24.7136"`), 400, "malformed_request", "place/latitude"},
		{"an operator", with(`"loudspeakers"`, `{"$ne":""}`), 400, "malformed_request", "category"},
		{"NaN", with(`24.7136`, `NaN`), 400, "malformed_request", ""},
		{"infinite", with(`24.7136`, `1e999`), 400, "malformed_request", ""},
		{"no description", with(`"description":"`, `"description":"","language":"ar","x":"`), 400, "malformed_request", "x"},
		{"an empty description", `{"category":"loudspeakers","description":"","place":{"latitude":24.7,"longitude":46.6,"source":"gps"},"attributes":{"mosque_name":"م"}}`, 422, "validation_failed", "description"},
		{"4,001 characters", with("مكبر", strings.Repeat("م", 4001)), 422, "validation_failed", "description"},
		{"a NUL", with("مكبر", `\u0000`), 422, "validation_failed", "description"},
		{"north of the pole", with(`24.7136`, `91`), 422, "validation_failed", "place/latitude"},
		{"in the sea", with(`24.7136`, `0`), 422, "outside_served_area", ""},
		{"no such category", with("loudspeakers", "nothing"), 422, "validation_failed", "category"},
		{"a missing attribute", with(`"mosque_name"`, `"other"`), 422, "validation_failed", "attributes/mosque_name"},
		{"a photo of nobody", with(`{`, `{"photos":["01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10"],`), 422, "validation_failed", "photos/0"},
		{"nine photos", with(`{`, `{"photos":["1","2","3","4","5","6","7","8","9"],`), 422, "validation_failed", "photos"},
		{"a channel of the desk", with(`{`, `{"channel":"phone",`), 422, "validation_failed", "channel"},
		{"an id that is none", with(`{`, `{"id":"1",`), 422, "validation_failed", "id"},
		{"very large", with("مكبر", strings.Repeat("م", 300_000)), 413, "too_large", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			a := (&client{i: i, t: t, token: c.token}).do("POST", "/v1/reports", x.body).refused(x.status, x.code)
			found := x.path == ""
			for n := range a.len("fields") {
				found = found || a.str("fields", n, "path") == x.path && a.str("fields", n, "message") != ""
			}
			if !found {
				t.Errorf("no word of %s: %s", x.path, a.body)
			}
			if strings.Contains(string(a.body), "goroutine") || strings.Contains(string(a.body), "json:") {
				t.Errorf("an internal text: %s", a.body)
			}
		})
	}
	if l := c.do("GET", "/v1/reports", nil).want(200); l.len("items") != 0 {
		t.Errorf("something was written: %s", l.body)
	}
	for lang, want := range map[string]string{"ar": "بعض البيانات", "en": "Some of the data", "ur": "کچھ معلومات", "fr": "بعض البيانات", "en-GB,en;q=0.9": "Some of the data"} {
		a := c.do("POST", "/v1/reports", with("loudspeakers", "nothing"), "Accept-Language", lang).refused(422, "validation_failed")
		if !strings.HasPrefix(a.str("title"), want) {
			t.Errorf("%s: %s", lang, a.body)
		}
	}
}

func TestBadInput_Query(t *testing.T) {
	t.Parallel()
	i := install(t)
	c, clerk := i.citizen("+966500000042"), i.staff(actor.Clerk, "*", "*")
	for path, code := range map[string]string{
		"/v1/reports?limit=0":                                      "validation_failed",
		"/v1/reports?limit=many":                                   "malformed_request",
		"/v1/reports?sort=citizen":                                 "malformed_request",
		"/v1/reports?cursor=%22%7D":                                "validation_failed",
		"/v1/reports?status=nothing":                               "validation_failed",
		"/v1/reports?status[$ne]=received":                         "malformed_request",
		"/v1/reports/nearby?latitude=NaN&longitude=46":             "malformed_request",
		"/v1/reports/nearby?latitude=24&longitude=46&radius_m=1e9": "validation_failed",
		"/v1/reports/nearby?latitude=24":                           "validation_failed",
		"/v1/reports/not-an-id":                                    "",
	} {
		a := c.do("GET", path, nil)
		if a.status != 400 && a.status != 422 && a.status != 404 || code != "" && a.str("code") != code {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, q := range []string{`"`, `*`, `NEAR(a b)`, `a AND`, `{"$regex":"."}`, `' OR 1=1 --`, `%00`, `col:x`, "\u202e"} {
		if a := clerk.do("GET", "/v1/desk/reports?q="+strings.NewReplacer(" ", "+", `"`, "%22", "%00", "%00").Replace(q), nil); a.status != 200 && a.status != 400 && a.status != 422 {
			t.Errorf("q=%s: %d %s", q, a.status, a.body)
		}
	}
	c.do("DELETE", "/v1/reports", nil).refused(405, "method_not_allowed")
	c.do("GET", "/v1/nothing", nil).refused(404, "not_found")
	c.do("POST", "/v1/reports", speakers, "Content-Type", "text/plain").refused(415, "unsupported_media_type")
	c.do("POST", "/v1/reports", speakers, "Idempotency-Key", "short").refused(422, "validation_failed")
}

// TestBadInput_Token shows tokens that prove nothing to every operation that wants one.
func TestBadInput_Token(t *testing.T) {
	t.Parallel()
	i := install(t)
	good := i.citizen("+966500000043").token
	parts := strings.Split(good, ".")
	decode := func(s string) (m map[string]any) {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || json.Unmarshal(b, &m) != nil {
			t.Fatal("a token that cannot be read")
		}
		return m
	}
	encode := func(m map[string]any) string {
		b, _ := json.Marshal(m)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	changed := func(part int, key string, v any) string {
		p := append([]string(nil), parts...)
		m := decode(p[part])
		m[key] = v
		p[part] = encode(m)
		return strings.Join(p, ".")
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(method jwt.SigningMethod, key any, change map[string]any) string {
		claims := jwt.MapClaims(decode(parts[1]))
		for k, v := range change {
			claims[k] = v
		}
		x := jwt.NewWithClaims(method, claims)
		x.Header = decode(parts[0])
		x.Header["alg"] = method.Alg()
		s, err := x.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	jwks := (&client{i: i, t: t}).do("GET", "/.well-known/jwks.json", nil).want(200).body
	bad := map[string]string{
		"alg none":                 encode(map[string]any{"alg": "none", "typ": "at+jwt"}) + "." + parts[1] + ".",
		"a stripped signature":     parts[0] + "." + parts[1] + ".",
		"another's signature":      sign(jwt.SigningMethodES256, own, nil),
		"HS256 by the public key":  sign(jwt.SigningMethodHS256, jwks, nil),
		"expired and badly signed": sign(jwt.SigningMethodES256, own, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		"a later end":              changed(1, "exp", time.Now().Add(time.Hour).Unix()),
		"another person":           changed(1, "sub", i.parts.server.Reports.NewID()),
		"of staff":                 changed(1, "aud", "balagh-desk"),
		"another kind of token":    changed(0, "typ", "JWT"),
		"a key from elsewhere":     changed(0, "jku", "http://127.0.0.1/"),
		"no token":                 "x",
		"two tokens":               good + "." + good,
		"very long":                strings.Repeat("a", 8000),
	}
	for _, r := range routes(t) {
		if slices.Contains([]string{"requestCode", "createToken", "pushKey", "receiveSms"}, r.op.OperationID) { // they look at no token
			continue
		}
		for name, token := range bad {
			a := (&client{i: i, t: t, token: token}).do(r.method, r.with(i.parts.server.Reports.NewID()), r.body)
			if a.status != 401 || a.str("code") != "unauthenticated" {
				t.Errorf("%s with %s: %d %s", r.op.OperationID, name, a.status, a.body)
			}
		}
	}
}

// TestCode_ManyAtOnce: two hundred times the right code at once opens one session.
func TestCode_ManyAtOnce(t *testing.T) {
	t.Parallel()
	i := install(t)
	phone := "+966500000044"
	c := &client{i: i, t: t}
	c.do("POST", "/v1/auth/otp", map[string]any{"phone": "٠٥٠٠٠٠٠٠٤٤"}).want(202)
	code := i.code(phone)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			b, _ := json.Marshal(map[string]any{"grant_type": "otp", "phone": phone, "code": code})
			res, err := http.Post(i.url+"/v1/auth/token", "application/json", bytes.NewReader(b))
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body)
			mu.Lock()
			got[res.StatusCode]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if got[200] != 1 || got[200]+got[401] != 200 {
		t.Fatalf("answers: %v", got)
	}
}

// TestForwardedFor_Forged: an address that the caller writes itself gives no new count, as long as no proxy is trusted.
func TestForwardedFor_Forged(t *testing.T) {
	t.Parallel()
	i := install(t, func(s *settings) { s.CodesPerClient = 5 })
	c := &client{i: i, t: t}
	refused := 0
	for n := range 10 {
		a := c.do("POST", "/v1/auth/otp", map[string]any{"phone": fmt.Sprintf("+96650000%04d", 500+n)}, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n))
		if a.status == 429 {
			refused++
			if a.header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	if refused != 5 {
		t.Fatalf("%d of 10 refused, want 5", refused)
	}
}

func TestMinAppVersion(t *testing.T) {
	t.Parallel()
	i := install(t, func(s *settings) { s.MinAppVersion = "2.10.0" })
	c := &client{i: i, t: t}
	for v, status := range map[string]int{"2.9.9": 426, "2.10.0": 200, "3": 200, "": 200, "2": 426} {
		if a := c.do("GET", "/v1/categories", nil, "X-App-Version", v); a.status != status {
			t.Errorf("version %q: %d", v, a.status)
		}
	}
}

// form is one multipart request.
func form(t *testing.T, report string, photos ...[]byte) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part := func(name, kind string, content []byte) {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"; filename="x.jpg"`}, "Content-Type": {kind}}
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	part("report", "application/json", []byte(report))
	for _, p := range photos {
		part("photo", "image/jpeg", p)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// flood is a PNG of 400 KB that declares 20,000 × 20,000 pixels.
func flood(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(data)))
		b.WriteString(name)
		b.Write(data)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(name), data...)))
	}
	head := make([]byte, 13)
	binary.BigEndian.PutUint32(head, 20_000)
	binary.BigEndian.PutUint32(head[4:], 20_000)
	head[8] = 8
	chunk("IHDR", head)
	var z bytes.Buffer
	w, err := zlib.NewWriterLevel(&z, zlib.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 400<<10)); err != nil { // nobody gets as far as the end of it
		t.Fatal(err)
	}
	_ = w.Close()
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return b.Bytes()
}

// TestBadInput_Photo is not parallel: it looks at the memory of the process.
func TestBadInput_Photo(t *testing.T) {
	i := install(t)
	c := i.citizen("+966500000045")
	good := picture(t, 640, 480)
	var before, after runtime.MemStats
	for name, x := range map[string]struct {
		photo  []byte
		status int
		code   string
	}{
		"a pixel flood":             {flood(t), 422, "photo_refused"},
		"a text":                    {[]byte("this is no photo at all, whatever its name says"), 415, "unsupported_media_type"},
		"SVG":                       {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), 415, "unsupported_media_type"},
		"HTML":                      {[]byte("<!doctype html><script>alert(1)</script>"), 415, "unsupported_media_type"},
		"a GIF that asks for 4 GiB": {[]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x44"), 415, "unsupported_media_type"},
		"a truncated JPEG":          {good[:len(good)/2], 422, "photo_refused"},
		"nothing":                   {nil, 415, "unsupported_media_type"},
		"13 MB":                     {append(good[:len(good)-2:len(good)-2], make([]byte, 13<<20)...), 413, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &client{i: i, t: t, token: c.token}
			runtime.GC()
			runtime.ReadMemStats(&before)
			c.do("POST", "/v1/photos", x.photo, "Content-Type", "image/jpeg").refused(x.status, x.code)
			body, kind := form(t, speakers, good, x.photo)
			a := c.do("POST", "/v1/reports", body, "Content-Type", kind).refused(x.status, x.code)
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 && len(x.photo) < 1<<20 { // the sender holds large ones itself
				t.Errorf("memory grew by %d MB", grown>>20)
			}
			if a.str("fields", 0, "path") != "photo/1" {
				t.Errorf("which photo? %s", a.body)
			}
		})
	}
	if l := c.do("GET", "/v1/reports", nil).want(200); l.len("items") != 0 {
		t.Errorf("something was written: %s", l.body)
	}
	if n, err := countObjects(i); err != nil || n != 0 {
		t.Errorf("%d objects are left in the bucket, %v", n, err)
	}
}

func countObjects(i *installation) (n int, err error) {
	return eachObject(i.t.Context(), i.parts.bucket, stdio{io.Discard, io.Discard}, func(string) error { return nil })
}

func TestPhotos_OneRequest(t *testing.T) {
	t.Parallel()
	i := install(t)
	c, other := i.citizen("+966500000046"), i.citizen("+966500000047")
	first, second := picture(t, 640, 480), picture(t, 480, 640)
	body, kind := form(t, speakers, first, second)
	filed := c.do("POST", "/v1/reports", body, "Content-Type", kind, "Idempotency-Key", "with-photos").want(201)
	if filed.len("photos") != 2 || filed.at("photo_count") != 2.0 {
		t.Fatalf("the photos: %s", filed.body)
	}
	body, kind = form(t, speakers, first, second) // another boundary
	if again := c.do("POST", "/v1/reports", body, "Content-Type", kind, "Idempotency-Key", "with-photos").want(201); string(again.body) != string(filed.body) {
		t.Fatalf("again: %s", again.body)
	}
	body, kind = form(t, speakers, second, first)
	c.do("POST", "/v1/reports", body, "Content-Type", kind, "Idempotency-Key", "with-photos").refused(422, "idempotency_key_reused")
	if n, err := countObjects(i); err != nil || n != 2 {
		t.Errorf("%d originals in the bucket, %v", n, err)
	}
	url := filed.str("photos", 0, "url")
	shown := c.do("GET", url, nil).want(200)
	if _, err := jpeg.Decode(bytes.NewReader(shown.body)); err != nil || shown.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the picture: %v, %v", err, shown.header)
	}
	other.do("GET", url, nil).refused(404, "not_found")
	(&client{i: i, t: t}).do("GET", url, nil).refused(401, "unauthenticated")
	i.staff(actor.Officer, "qassim", "*").do("GET", url, nil).refused(404, "not_found")
	i.staff(actor.Officer, "riyadh", "sound").do("GET", url, nil).want(200)

	nine := make([][]byte, 9)
	for n := range nine {
		nine[n] = first
	}
	body, kind = form(t, speakers, nine...)
	c.do("POST", "/v1/reports", body, "Content-Type", kind).refused(422, "validation_failed")
	anonymous := &client{i: i, t: t}
	body, kind = form(t, `{"category":"maintenance","description":"تسرب ماء","place":{"latitude":24.7,"longitude":46.6,"source":"map"}}`, first)
	anonymous.do("POST", "/v1/reports", body, "Content-Type", kind).want(201)
	anonymous.do("POST", "/v1/reports", speakers).refused(401, "unauthenticated")
}
