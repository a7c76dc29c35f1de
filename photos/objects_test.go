package photos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos/objectstore"
	"github.com/balagh/balagh/photos/phototest"
)

// TestBucket holds every kind of bucket to what the package needs of it.
func TestBucket(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, _ *rows) {
		b, ctx := s.Bucket, t.Context()
		for name, create := range map[string]func(context.Context, string, string) (*object, error){"original": b.createOriginal, "served": b.create} {
			key := "originals/00/" + name
			dropped, err := create(ctx, key, jpegType)
			if err == nil {
				_, err = dropped.Write(make([]byte, 1<<20))
			}
			if err != nil {
				t.Fatal(err)
			}
			dropped.drop()
			if ok, err := b.Exists(ctx, key); ok || err != nil {
				t.Errorf("%s: what was dropped is there: %v, %v", name, ok, err)
			}
			kept, err := create(ctx, key, jpegType)
			if err == nil {
				_, err = kept.Write([]byte("kept"))
			}
			if err = errors.Join(err, kept.keep()); err != nil {
				t.Fatal(err)
			}
			r, err := b.Open(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err = errors.Join(err, r.Close()); err != nil || string(got) != "kept" || r.Size() != 4 {
				t.Errorf("%s: %q of %d bytes, %v", name, got, r.Size(), err)
			}
			for range 2 { // also when it is gone
				if err := b.remove(ctx, key); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := b.Open(ctx, key); !absent(err) || fault.CodeOf(err) != fault.Internal {
				t.Errorf("%s: what was removed: %v", name, err)
			}
		}
		if ok, err := b.IsAccessible(ctx); !ok || err != nil {
			t.Errorf("it is not accessible: %v", err)
		}
		empty, err := b.create(ctx, "served/00/empty", jpegType)
		if err != nil || empty.keep() != nil {
			t.Fatal("an empty object", err)
		}
		if got := keys(t, s); len(got) != 1 || got[0] != "served/00/empty" {
			t.Errorf("the list is %v", got)
		}
	})
}

// TestBucket_large: the longest upload comes back whole, in however many parts an object store takes it.
func TestBucket_large(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, _ *rows) {
		data := append(jpegOf(noise(64, 64)), make([]byte, MaxBytes-1<<20)...)
		p := take(t, s, data)
		r, err := s.Bucket.Open(t.Context(), p.originalKey())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(data), err)
		}
	})
}

func TestService_Link(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, _ *rows) {
		p := take(t, s, jpegOf(quarters(640, 480)))
		link, err := s.Link(t.Context(), p, Thumb, time.Minute)
		origin, unsigned := s.Bucket.Signs(t.Context(), time.Minute)
		if s.Bucket.dir != "" {
			if gcerrors.Code(err) != gcerrors.Unimplemented || unsigned == nil {
				t.Fatalf("files sign: %s, %v", link, err)
			}
			return
		}
		if err != nil || unsigned != nil || !strings.HasPrefix(link, origin+"/") || strings.Count(origin, "/") != 2 {
			t.Fatalf("%s leads to %s: %v, %v", link, origin, err, unsigned)
		}
		res, b := get(t, link)
		if res.StatusCode != http.StatusOK || !bytes.Equal(b, servedBytes(t, s, p, Thumb)) {
			t.Fatalf("%d and %d bytes", res.StatusCode, len(b))
		}
		for name, want := range map[string]string{"Content-Type": jpegType, "Cache-Control": pictureCaching, "Content-Disposition": pictureDisposition} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if strings.Contains(link, originals) {
			t.Errorf("it leads to an original: %s", link)
		}
		for _, other := range []string{strings.Replace(link, "-thumb", "-full", 1), strings.Replace(link, served, originals, 1)} {
			if res, _ := get(t, other); other == link || res.StatusCode != http.StatusForbidden {
				t.Errorf("the same signature opens another object: %d", res.StatusCode)
			}
		}
		if _, err := s.Link(t.Context(), p, "original", time.Minute); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("another size: %v, want %s", err, fault.NotFound)
		}
		p.Broken = true
		if _, err := s.Link(t.Context(), p, Full, time.Minute); fault.CodeOf(err) != fault.PhotoRefused {
			t.Errorf("a broken one: %v, want %s", err, fault.PhotoRefused)
		}
	})
}

func get(t *testing.T, address string) (*http.Response, []byte) {
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

// TestBucket_silent: an object store that hangs holds nobody up for longer than it may.
func TestBucket_silent(t *testing.T) {
	t.Parallel()
	address := phototest.Address(t)
	if address == "" {
		return
	}
	w := newWire(t, address)
	b, err := objectstore.Open(t.Context(), phototest.With(t, address, "endpoint", "http://"+w.Addr().String()), TrialKey())
	if err != nil {
		t.Fatal(err)
	}
	s, store := serviceOn(t, NewBucket(b.Bucket, b))
	p, drawn := take(t, s, jpegOf(noise(640, 480))), take(t, s, jpegOf(quarters(64, 48)))
	servedBytes(t, s, drawn, Full)
	w.cut()
	s.Bucket.silence = 50 * time.Millisecond
	for what, do := range map[string]func() error{
		"taking": func() error {
			_, err := s.Take(t.Context(), citizen, "", bytes.NewReader(jpegOf(quarters(8, 8))))
			return err
		},
		"showing":  func() error { _, err := s.Image(context.Background(), drawn, Full); return err },
		"drawing":  func() error { _, err := s.Image(context.Background(), p, Full); return err },
		"linking":  func() error { _, err := s.Link(context.Background(), p, Full, time.Minute); return err },
		"removing": func() error { return s.Bucket.remove(context.Background(), p.originalKey()) },
		"sweeping": func() error { _, err := s.Sweep(context.Background(), epoch); return err },
	} {
		err := do()
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		if c := fault.CodeOf(err); c != fault.Unavailable && what != "removing" && what != "sweeping" {
			t.Errorf("%s: %v, want %s", what, err, fault.Unavailable)
		}
	}
	if q, err := store.Photo(t.Context(), p.ID); err != nil || q.Broken || len(store.byID) != 2 {
		t.Errorf("the rows: %+v, %v", q, err)
	}
	w.mend()
	s.Bucket.silence = silence
	servedBytes(t, s, p, Full)
}

// wire is a way to the object store that can be cut: then nothing comes through, and nobody is told.
type wire struct {
	net.Listener
	state chan chan struct{} // holds one; closed: what comes goes through
}

func newWire(t *testing.T, address string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, state: make(chan chan struct{}, 1)}
	open := make(chan struct{})
	close(open)
	w.state <- open
	t.Cleanup(func() { _ = l.Close(); w.mend() })
	_, to, _ := strings.Cut(address, "endpoint=http%3A%2F%2F")
	to, _, _ = strings.Cut(to, "&")
	to = strings.ReplaceAll(to, "%3A", ":")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = c.Close()
				continue
			}
			go w.carry(c, far)
			go w.carry(far, c)
		}
	}()
	return w
}

func (w *wire) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		through := <-w.state
		w.state <- through
		<-through
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) cut() {
	<-w.state
	w.state <- make(chan struct{})
}

func (w *wire) mend() {
	through := <-w.state
	select {
	case <-through:
	default:
		close(through)
	}
	w.state <- through
}
