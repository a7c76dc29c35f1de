package photos

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

func TestService_Take_accepts(t *testing.T) {
	t.Parallel()
	m := quarters(64, 48)
	upright := block(binary.LittleEndian, 1, "N", "E", "+03:00")
	aside := block(binary.BigEndian, 6, "S", "W", "")
	for name, tt := range map[string]struct {
		data      []byte
		w, h      int
		place     bool
		mediaType string
	}{
		"jpeg":        {jpegOf(m), 64, 48, false, jpegType},
		"exif":        {jpegOf(m, exifSegment(upright)), 64, 48, true, jpegType},
		"on_its_side": {jpegOf(m, exifSegment(aside)), 48, 64, true, jpegType},
		"xmp_first":   {jpegOf(m, xmpSegment(), app(2, "ICC_PROFILE\x00"), exifSegment(aside)), 48, 64, true, jpegType},
		"bad_exif":    {jpegOf(m, exifSegment([]byte("nonsense"))), 64, 48, false, jpegType},
		"two_exif":    {jpegOf(m, exifSegment(upright), exifSegment(aside)), 64, 48, true, jpegType},
		"fill_bytes":  {jpegOf(m, []byte{0xff, 0xff, 0xff}, exifSegment(upright)), 64, 48, true, jpegType},
		"stray_bytes": {jpegOf(m, app(0, "JFIF\x00"), []byte{0, 1, 0xff, 0, 2}, exifSegment(upright)), 64, 48, true, jpegType},
		"behind_the_end": {append(jpegOf(m, exifSegment(upright)), "more pictures of a maker"...), 64, 48, true,
			jpegType},
		"png":      {pngOf(m), 64, 48, false, pngType},
		"png_exif": {pngOf(m, chunk("eXIf", aside), chunk("tEXt", []byte("Author\x00x"))), 48, 64, true, pngType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, open := range kinds() {
				s, store := open(t)
				r := io.Reader(bytes.NewReader(tt.data))
				if kind == "files" {
					r = iotest.OneByteReader(r)
				}
				p, err := s.Take(t.Context(), citizen, "", r)
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				sum := sha256.Sum256(tt.data)
				if p.Width != tt.w || p.Height != tt.h || (p.Place != nil) != tt.place || p.MediaType != tt.mediaType || p.Owner != citizen.ID ||
					p.Bytes != int64(len(tt.data)) || p.SHA256 != hex.EncodeToString(sum[:]) || !p.CreatedAt.Equal(epoch) {
					t.Errorf("%s: %+v", kind, p)
				}
				kept, err := s.Bucket.ReadAll(t.Context(), p.originalKey())
				if err != nil || !bytes.Equal(kept, tt.data) {
					t.Errorf("%s: kept %d bytes of %d, %v", kind, len(kept), len(tt.data), err)
				}
				if _, err := store.Photo(t.Context(), p.ID); err != nil || len(keys(t, s)) != 1 {
					t.Errorf("%s: row %v, objects %v", kind, err, keys(t, s))
				}
			}
		})
	}
}

func TestService_Take_refuses(t *testing.T) {
	t.Parallel()
	whole, drawn := jpegOf(noise(64, 64), exifSegment(block(binary.BigEndian, 1, "N", "E", ""))), pngOf(quarters(64, 48))
	lossless := bytes.Clone(whole)
	lossless[bytes.Index(lossless, []byte{0xff, 0xc0})+1] = 0xc3
	scans := slices.Concat(whole[:len(whole)-2], bytes.Repeat([]byte{0xff, 0xda, 0, 2, 1}, maxScans), whole[len(whole)-2:])
	for name, tt := range map[string]struct {
		data []byte
		want fault.Code
	}{
		"empty":               {nil, fault.UnsupportedMedia},
		"text":                {[]byte("not a picture, whatever its name says"), fault.UnsupportedMedia},
		"svg":                 {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), fault.UnsupportedMedia},
		"html":                {[]byte("<!doctype html><script>alert(1)</script>"), fault.UnsupportedMedia},
		"heic":                {[]byte("\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1"), fault.UnsupportedMedia},
		"gif_of_4_gib":        {[]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02"), fault.UnsupportedMedia},
		"jpeg_magic_only":     {whole[:3], fault.PhotoRefused},
		"jpeg_cut_in_exif":    {whole[:40], fault.PhotoRefused},
		"jpeg_cut_in_scan":    {whole[:len(whole)/2], fault.PhotoRefused},
		"jpeg_without_eoi":    {whole[:len(whole)-2], fault.PhotoRefused},
		"jpeg_without_scan":   {append(bytes.Clone(whole[:bytes.Index(whole, []byte{0xff, 0xda})]), 0xff, 0xd9), fault.PhotoRefused},
		"jpeg_damaged_scan":   {slices.Concat(whole[:len(whole)-200], []byte{0xff, 0xe5, 0, 4, 1, 2, 3, 4}, whole[len(whole)-200:]), fault.PhotoRefused},
		"jpeg_lossless":       {lossless, fault.PhotoRefused},
		"jpeg_of_many_scans":  {scans, fault.PhotoRefused},
		"jpeg_65535_x_65535":  {hugeJPEG(whole), fault.PhotoRefused},
		"png_cut":             {drawn[:len(drawn)-20], fault.PhotoRefused},
		"png_without_iend":    {drawn[:len(drawn)-12], fault.PhotoRefused},
		"png_without_data":    {append(bytes.Clone(drawn[:33]), drawn[len(drawn)-12:]...), fault.PhotoRefused},
		"png_20000_x_20000":   {hugePNG(400 << 10), fault.PhotoRefused},
		"png_of_long_chunk":   {append(bytes.Clone(drawn[:33]), 0xff, 0xff, 0xff, 0xff, 'I', 'D', 'A', 'T'), fault.PhotoRefused},
		"longer_than_allowed": {append(bytes.Clone(whole), make([]byte, MaxBytes)...), fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, open := range kinds() {
				s, store := open(t)
				if _, err := s.Take(t.Context(), citizen, "", bytes.NewReader(tt.data)); fault.CodeOf(err) != tt.want {
					t.Errorf("%s: got %v, want %s", kind, err, tt.want)
				}
				if left := keys(t, s); len(left)+len(store.byID) > 0 {
					t.Errorf("%s: left behind: %v, %v", kind, left, store.byID)
				}
			}
		})
	}
}

// hugePNG declares 20,000 × 20,000 pixels in n bytes.
func hugePNG(n int) []byte {
	b := pngOf(image.NewGray(image.Rect(0, 0, 1, 1)))
	head := binary.BigEndian.AppendUint32(nil, 20000)
	head = append(binary.BigEndian.AppendUint32(head, 20000), 8, 0, 0, 0, 0)
	return slices.Concat(b[:8], chunk("IHDR", head), chunk("IDAT", make([]byte, n)), chunk("IEND", nil))
}

func hugeJPEG(whole []byte) []byte {
	b := bytes.Clone(whole)
	copy(b[bytes.Index(b, []byte{0xff, 0xc0})+5:], "\xff\xff\xff\xff")
	return b
}

// Not parallel: it measures the memory of the process.
func TestService_Take_bombs(t *testing.T) {
	s, _ := newService(t, "mem://")
	for _, data := range [][]byte{
		[]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02"),
		hugePNG(400 << 10), hugeJPEG(jpegOf(noise(64, 64))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.Take(t.Context(), citizen, "", bytes.NewReader(data))
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; err == nil || grown > 8<<20 {
			t.Errorf("%d bytes: %v after allocating %d bytes; want a refusal below 8 MB", len(data), err, grown)
		}
	}
}

func TestService_Take_brokenOff(t *testing.T) {
	t.Parallel()
	whole := jpegOf(noise(256, 256))
	everywhere(t, func(t *testing.T, s *Service, _ *rows) {
		for _, n := range []int{0, 5, 1000, len(whole)} {
			r := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
			if _, err := s.Take(t.Context(), citizen, "", r); fault.CodeOf(err) != fault.Malformed {
				t.Errorf("after %d bytes: %v, want %s", n, err, fault.Malformed)
			}
			if left := keys(t, s); len(left) > 0 {
				t.Errorf("after %d bytes: left behind %v", n, left)
			}
		}
	})
}

func TestService_Take_storeFails(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, store *rows) {
		store.fail = errors.New("no disk")
		if _, err := s.Take(t.Context(), citizen, "", bytes.NewReader(jpegOf(quarters(8, 8)))); !errors.Is(err, store.fail) {
			t.Errorf("got %v", err)
		}
		if left := keys(t, s); len(left) > 0 {
			t.Errorf("left behind %v", left)
		}
	})
}

func TestService_Take_again(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, _ *rows) {
		const id = "0197b0a2-7c1e-4f00-8000-00000000abcd"
		data := jpegOf(quarters(64, 48))
		first, err := s.Take(t.Context(), citizen, id, bytes.NewReader(data))
		if err != nil || first.ID != id {
			t.Fatal(first, err)
		}
		again, err := s.Take(t.Context(), citizen, id, bytes.NewReader(data))
		if err != nil || again.Object != first.Object || len(keys(t, s)) != 1 {
			t.Errorf("the same again: %+v, %v, objects %v", again, err, keys(t, s))
		}
		if err := s.Discard(t.Context(), again); err != nil || len(keys(t, s)) != 1 {
			t.Errorf("discarding a repetition: %v, objects %v", err, keys(t, s))
		}
		for name, tt := range map[string]struct {
			who  actor.Actor
			id   string
			data []byte
			want fault.Code
		}{
			"other_bytes":  {citizen, id, jpegOf(quarters(48, 64)), fault.KeyReused},
			"other_person": {other, id, data, fault.Exists},
			"not_a_uuid":   {citizen, "../../etc/passwd", data, fault.Invalid},
			"not_its_form": {citizen, "{0197b0a2-7c1e-4f00-8000-00000000abcd}", data, fault.Invalid},
		} {
			if _, err := s.Take(t.Context(), tt.who, tt.id, bytes.NewReader(tt.data)); fault.CodeOf(err) != tt.want {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
		if got := keys(t, s); len(got) != 1 {
			t.Errorf("objects %v, want the first only", got)
		}
	})
}

func TestService_Prepare_memory(t *testing.T) {
	s, _ := inFiles(t)
	data := slices.Concat(jpegOf(noise(64, 64)), make([]byte, 11<<20))
	if _, err := s.Take(t.Context(), citizen, "", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := s.Take(t.Context(), citizen, "", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("an upload of 11 MB allocated %d bytes, want less than 1 MB", grown)
	}
}

func FuzzTake(f *testing.F) {
	m := quarters(16, 12)
	whole := jpegOf(m, xmpSegment(), exifSegment(block(binary.LittleEndian, 6, "N", "E", "+03:00")))
	f.Add(whole)
	f.Add(whole[:len(whole)-2])
	f.Add(jpegOf(m, exifSegment(cyclic()[:60000])))
	f.Add(pngOf(m, chunk("eXIf", block(binary.BigEndian, 8, "S", "W", ""))))
	f.Add(hugePNG(100))
	f.Add([]byte("GIF89a"))
	s, store := newService(f, "mem://")
	f.Fuzz(func(t *testing.T, b []byte) {
		began := time.Now()
		p, err := s.Take(context.Background(), citizen, "", bytes.NewReader(b))
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
		if err != nil {
			if fault.CodeOf(err) == fault.Internal {
				t.Errorf("internal: %v", err)
			}
		} else {
			if p.Width*p.Height <= 1<<20 { // larger ones cost only time here
				if r, err := s.Image(context.Background(), p, Full); err == nil {
					_ = r.Close()
				} else if fault.CodeOf(err) != fault.PhotoRefused {
					t.Errorf("image: %v", err)
				}
			}
			p, _ = store.Photo(context.Background(), p.ID)
			if err := s.remove(context.Background(), p); err != nil {
				t.Error(err)
			}
		}
		if left := keys(t, s); len(left)+len(store.byID) > 0 {
			t.Errorf("left behind: %v, %v", left, store.byID)
		}
	})
}

// photo160 is a JPEG of about 160 KB with EXIF, as a phone sends.
func photo160() []byte {
	return jpegOf(noise(515, 515), exifSegment(block(binary.LittleEndian, 6, "N", "E", "+03:00")))
}

// thirtyTwo runs do b.N times by 32 goroutines.
func thirtyTwo(b *testing.B, do func(i int64) error) {
	var n atomic.Int64
	var g sync.WaitGroup
	b.ResetTimer()
	for range 32 {
		g.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	g.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "photos/s")
}

// BenchmarkTake is an upload of 160 KB to files beside what a bare handler does with it: create, write, sync.
func BenchmarkTake(b *testing.B) {
	data := photo160()
	root := b.TempDir() // of both, since ext4 is slow to give the inodes of files away that were just removed
	b.Run(fmt.Sprintf("bare/%dKB", len(data)>>10), func(b *testing.B) {
		thirtyTwo(b, func(i int64) error {
			f, err := os.Create(filepath.Join(root, fmt.Sprint(i)))
			if err != nil {
				return err
			}
			_, err = io.Copy(f, struct{ io.Reader }{bytes.NewReader(data)})
			return errors.Join(err, f.Sync(), f.Close())
		})
	})
	b.Run("take", func(b *testing.B) {
		s, _ := newService(b, "file://"+filepath.Join(root, "bucket"))
		for i := range 256 { // as in a bucket that was in use before
			if err := makeFolder(s.Bucket.path(fmt.Sprintf("%s/%02x", originals, i))); err != nil {
				b.Fatal(err)
			}
		}
		thirtyTwo(b, func(int64) error {
			_, err := s.Take(context.Background(), citizen, "", struct{ io.Reader }{bytes.NewReader(data)})
			return err
		})
	})
	b.Run("checks", func(b *testing.B) { // without a disk, on one processor
		s, _ := newService(b, "mem://")
		for b.Loop() {
			k := intakes.Get().(*intake)
			k.reset(bytes.NewReader(data))
			p := &Photo{MediaType: jpegType, CreatedAt: epoch}
			if err := k.copy(p, io.Discard); err != nil {
				b.Fatal(err)
			}
			k.note(p, s)
			intakes.Put(k)
		}
	})
}
