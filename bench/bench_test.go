package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sent reads a request as a server does.
func sent(t *testing.T, r *request) *http.Request {
	t.Helper()
	r.fill()
	got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(bytes.Clone(r.raw))))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRequest_fill(t *testing.T) {
	t.Parallel()
	for _, w := range works {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			r := w.request("token")
			one, two := sent(t, r), sent(t, r)
			if one.Header.Get("Authorization") != "Bearer token" {
				t.Error("no token")
			}
			a, b := one.Header.Get("Idempotency-Key"), two.Header.Get("Idempotency-Key")
			if one.Method == http.MethodPost && (len(a) != 32 || a == b) {
				t.Errorf("keys %q and %q", a, b)
			}
			body, err := io.ReadAll(one.Body)
			if err != nil || int64(len(body)) != max(one.ContentLength, 0) {
				t.Errorf("%d bytes of %d, %v", len(body), one.ContentLength, err)
			}
			for _, place := range []string{keyPlace, latitudePlace, longitudePlace, photoPlace} {
				if bytes.Contains(r.raw, []byte(place)) {
					t.Errorf("%s was not filled", place)
				}
			}
		})
	}
}

func TestPhotoRequest_isWhatAPhoneSends(t *testing.T) {
	t.Parallel()
	r := sent(t, formRequest("token", photograph()))
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(r.Body, params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Category string
		Place    struct{ Latitude, Longitude float64 }
	}
	err = json.Unmarshal([]byte(form.Value["report"][0]), &report)
	if err != nil || report.Category != category || report.Place.Latitude < 24 {
		t.Errorf("report %+v, %v", report, err)
	}
	h := form.File["photo"][0]
	if h.Size < 150_000 || h.Size > 170_000 {
		t.Errorf("the photo has %d bytes", h.Size)
	}
	f, err := h.Open()
	if err != nil {
		t.Fatal(err)
	}
	if m, err := jpeg.Decode(f); err != nil || m.Bounds().Dx() != 1280 {
		t.Errorf("the photo is none: %v", err)
	}
}

func TestDrive(t *testing.T) {
	t.Parallel()
	for name, library := range map[string]bool{"raw": false, "library": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n, good atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err == nil && json.Valid(b) && len(r.Header.Get("Idempotency-Key")) == 32 && r.URL.Path == "/v1/reports" {
					good.Add(1)
				}
				if n.Add(1) == 7 {
					http.Error(w, "no", http.StatusTooManyRequests)
					return
				}
				w.WriteHeader(http.StatusCreated)
			}))
			defer s.Close()
			w, _ := workNamed("file")
			got, err := drive(context.Background(), strings.TrimPrefix(s.URL, "http://"), w, []string{"a", "b"}, 4, limit{requests: 50, library: library})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.times) != 49 || got.failed != 1 || !strings.HasPrefix(got.refusal, "429 no") || n.Load() != 50 || good.Load() != 50 {
				t.Errorf("%d answered, %d failed with %q, %d arrived, %d whole", len(got.times), got.failed, got.refusal, n.Load(), good.Load())
			}
		})
	}
}

func TestDrive_serverGone(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer s.Close()
	w, _ := workNamed("list")
	_, err := drive(context.Background(), strings.TrimPrefix(s.URL, "http://"), w, []string{"a"}, 4, limit{requests: 50})
	if err == nil {
		t.Error("a server that hangs up passed for one that answers")
	}
}

func TestTable_print(t *testing.T) {
	t.Parallel()
	w, _ := workNamed("list")
	of := func(n int, each time.Duration) result {
		r := result{took: time.Second}
		for range n {
			r.times = append(r.times, each)
		}
		return r
	}
	out := table{cold: 2 * time.Second, idle: 40 << 20,
		rows: []row{{w, "nosync", of(1000, time.Millisecond), of(400, 4*time.Millisecond)}}}
	var b strings.Builder
	out.print(&b)
	for _, want := range []string{"40 %", "MISSED by 20 %", "4.0 ×", "MISSED by 33 %", "MISSED by 100 %", "40 MB, target < 80 MB, met"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
