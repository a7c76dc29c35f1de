package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/store/teststore"
)

var photoCitizen = actor.Actor{Kind: actor.Citizen, ID: "0197b0a2-7c1e-4f00-8000-000000000001"}

// photoDesk is a server with the routes of photos alone, for a caller who is known already.
type photoDesk struct {
	s   *Server
	app *fiber.App
	who actor.Actor
}

func newPhotoDesk(t *testing.T) *photoDesk {
	t.Helper()
	store := teststore.Open(t)
	bucket, err := photos.OpenBucket(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() })
	d := &photoDesk{s: &Server{Photos: photos.New(store, bucket), Now: time.Now, Log: slog.New(slog.DiscardHandler), Answers: store}, who: photoCitizen}
	d.s.idempotency = &idempotency{answers: store, now: time.Now, flight: map[string]bool{}}
	d.app = fiber.New(fiber.Config{Immutable: true, StreamRequestBody: true, DisablePreParseMultipartForm: true, BodyLimit: bodyLimit})
	upload := &operation{id: "uploadPhoto", streams: true, idempotent: true}
	d.app.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(context.WithValue(context.Background(), requestKey, &request{actor: d.who, language: "en"}))
		var err error
		if c.Get(idempotencyHeader) != "" {
			err = d.s.once(c, upload)
		} else {
			err = c.Next()
		}
		if err != nil {
			refuse(c, err)
		}
		return nil
	})
	d.app.Post("/v1/photos", d.s.UploadPhoto)
	d.app.Get("/v1/photos/:id/image", d.s.GetPhotoImage)
	return d
}

func (d *photoDesk) do(t *testing.T, method, path, contentType string, body []byte, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if contentType != "" {
		r.Header.Set(fiber.HeaderContentType, contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w, err := d.app.Test(r, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w, b
}

func smallJPEG(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// photoForm is a form with parts, of name and content in turn.
func photoForm(t *testing.T, parts ...string) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		p, err := w.CreateFormFile(parts[i], "photo.jpg")
		if err == nil {
			_, err = io.WriteString(p, parts[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

func TestServer_UploadPhoto(t *testing.T) {
	t.Parallel()
	picture := string(smallJPEG(t, 64, 48))
	form := func(parts ...string) []string { ct, b := photoForm(t, parts...); return []string{ct, string(b)} }
	cut := form("photo", picture)
	cut[1] = cut[1][:len(cut[1])-200]
	for name, tt := range map[string]struct {
		request []string // Content-Type and body
		status  int
		field   string
	}{
		"raw":           {[]string{"image/jpeg", picture}, 201, ""},
		"raw_misnamed":  {[]string{"image/png", picture}, 201, ""},
		"form":          {form("photo", picture), 201, ""},
		"no_type":       {[]string{"", picture}, 415, ""},
		"octets":        {[]string{"application/octet-stream", picture}, 415, ""},
		"text_as_jpeg":  {[]string{"image/jpeg", "a text"}, 415, ""},
		"html_in_form":  {form("photo", "<!doctype html>"), 415, ""},
		"empty":         {[]string{"image/jpeg", ""}, 415, ""},
		"truncated":     {[]string{"image/jpeg", picture[:len(picture)-2]}, 422, ""},
		"form_cut":      {cut, 400, ""},
		"no_boundary":   {[]string{"multipart/form-data", picture}, 415, ""},
		"empty_form":    {form(), 422, "photo"},
		"another_part":  {form("picture", picture), 400, "picture"},
		"part_behind":   {form("photo", picture, "note", "x"), 400, "note"},
		"two_photos":    {form("photo", picture, "photo", picture), 400, "photo"},
		"too_large":     {[]string{"image/jpeg", picture + strings.Repeat("x", photos.MaxBytes)}, 413, ""},
		"form_too_long": {form("photo", picture+strings.Repeat("x", photos.MaxBytes)), 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newPhotoDesk(t)
			w, b := d.do(t, http.MethodPost, "/v1/photos", tt.request[0], []byte(tt.request[1]))
			if w.StatusCode != tt.status {
				t.Fatalf("%d %s, want %d", w.StatusCode, b, tt.status)
			}
			if tt.status == http.StatusCreated {
				var p gen.Photo
				if err := json.Unmarshal(b, &p); err != nil || p.Width != 64 || p.Height != 48 || w.Header.Get("Location") != "/v1/photos/"+p.Id {
					t.Errorf("%s, %v, at %s", b, err, w.Header.Get("Location"))
				}
				return
			}
			var got problem
			if err := json.Unmarshal(b, &got); err != nil || got.Title == "" {
				t.Fatalf("no problem document: %s", b)
			}
			if tt.field != "" && (len(got.Fields) != 1 || got.Fields[0].Path != tt.field) {
				t.Errorf("fields %v, want %s", got.Fields, tt.field)
			}
			if _, err := d.s.Photos.Bucket.List(nil).Next(t.Context()); err != io.EOF {
				t.Errorf("something was left behind: %v", err)
			}
		})
	}
}

func TestServer_UploadPhoto_again(t *testing.T) {
	t.Parallel()
	d := newPhotoDesk(t)
	picture := smallJPEG(t, 64, 48)
	key := []string{idempotencyHeader, "a-key-of-the-phone"}
	_, first := d.do(t, http.MethodPost, "/v1/photos", "image/jpeg", picture, key...)
	ct, form := photoForm(t, "photo", string(picture))
	for kind, again := range map[string][]string{"raw": {"image/jpeg", string(picture)}, "form": {ct, string(form)}} {
		w, b := d.do(t, http.MethodPost, "/v1/photos", again[0], []byte(again[1]), key...)
		if w.StatusCode != http.StatusCreated || !bytes.Equal(b, first) || w.Header.Get(replayedHeader) != "true" {
			t.Errorf("%s: %d %s, want %s once more", kind, w.StatusCode, b, first)
		}
	}
	w, b := d.do(t, http.MethodPost, "/v1/photos", "image/jpeg", smallJPEG(t, 48, 64), key...)
	if w.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(b), string(fault.KeyReused)) {
		t.Errorf("another photo: %d %s", w.StatusCode, b)
	}
	if err := d.s.Photos.Store.DeletePhoto(t.Context(), "absent", 1); err != nil {
		t.Error(err)
	}
	list := d.s.Photos.Bucket.List(nil)
	for n := 0; ; n++ {
		if _, err := list.Next(t.Context()); err == io.EOF {
			if n != 1 {
				t.Errorf("%d objects, want one", n)
			}
			break
		}
	}
}

func TestServer_GetPhotoImage(t *testing.T) {
	t.Parallel()
	d := newPhotoDesk(t)
	p, err := d.s.Photos.Take(t.Context(), photoCitizen, "", bytes.NewReader(smallJPEG(t, 640, 480)))
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/photos/" + p.ID + "/image"
	for size, want := range map[string]image.Point{"": {640, 480}, "?size=full": {640, 480}, "?size=thumb": {320, 240}} {
		w, b := d.do(t, http.MethodGet, path+size, "", nil)
		c, err := jpeg.DecodeConfig(bytes.NewReader(b))
		if w.StatusCode != 200 || err != nil || c.Width != want.X || c.Height != want.Y {
			t.Fatalf("%s: %d, %v, %d × %d, want %v", size, w.StatusCode, err, c.Width, c.Height, want)
		}
		for name, value := range map[string]string{"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "private, max-age=86400", "Content-Security-Policy": "default-src 'none'", "Content-Length": fmt.Sprint(len(b))} {
			if got := w.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", size, name, got, value)
			}
		}
		if w, b := d.do(t, http.MethodGet, path+size, "", nil, "If-None-Match", w.Header.Get("ETag")); w.StatusCode != 304 || len(b) > 0 {
			t.Errorf("%s: with its own ETag %d and %d bytes, want 304", size, w.StatusCode, len(b))
		}
	}
	for _, who := range []actor.Actor{{}, {Kind: actor.Citizen, ID: "another"}, {Kind: actor.Staff, ID: "staff", Role: actor.Manager}} {
		d.who = who
		if w, b := d.do(t, http.MethodGet, path, "", nil); w.StatusCode != 404 || bytes.HasPrefix(b, []byte{0xff, 0xd8}) {
			t.Errorf("%v got %d", who, w.StatusCode)
		}
	}
}

func TestPhotoBody_whose(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	p := &photos.Photo{ID: "id", Owner: photoCitizen.ID, Width: 4000, Height: 3000, TakenAt: &at, Place: &photos.Place{Latitude: 24.7, Longitude: 46.7}}
	for who, sees := range map[*actor.Actor]bool{
		{Kind: actor.Citizen, ID: photoCitizen.ID}:               true,
		{Kind: actor.Staff, ID: "staff", Role: actor.Supervisor}: true,
		{Kind: actor.Citizen, ID: "another"}:                     false,
		{}:                                                       false,
	} {
		body := photoBody(*who, p)
		if (body.Place != nil) != sees || (body.TakenAt != nil) != sees || body.Width != 2560 || body.Height != 1920 {
			t.Errorf("%v sees %+v", who, body)
		}
	}
}
