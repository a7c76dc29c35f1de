package photos

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos/objectstore"
	"github.com/balagh/balagh/photos/phototest"
)

var (
	epoch   = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	citizen = actor.Actor{Kind: actor.Citizen, ID: "citizen-1"}
	other   = actor.Actor{Kind: actor.Citizen, ID: "citizen-2"}
	clerk   = actor.Actor{Kind: actor.Staff, ID: "staff-1", Role: actor.Clerk}
)

// rows is a Store in memory, enough for one test; storetest holds the contract.
type rows struct {
	mu   sync.Mutex
	byID map[string]Photo
	fail error // of the next PutPhotos
}

func (m *rows) PutPhotos(_ context.Context, ps []*Photo, _ int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, p := range ps {
		m.byID[p.ID] = *p
		q := m.byID[p.ID]
		q.stage = stored
		m.byID[p.ID] = q
	}
	return nil
}

func (m *rows) Photo(_ context.Context, id string) (*Photo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.byID[id]; ok {
		return &p, nil
	}
	return nil, fault.New(fault.NotFound)
}

func (m *rows) list(keep func(Photo) bool) (all []*Photo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.byID {
		if keep(p) {
			all = append(all, &p)
		}
	}
	slices.SortFunc(all, func(a, b *Photo) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return all
}

func (m *rows) PhotosOf(_ context.Context, report string) ([]*Photo, error) {
	return m.list(func(p Photo) bool { return p.Report == report && report != "" }), nil
}

func (m *rows) UpdatePhoto(_ context.Context, id string, change func(*Photo) error) (*Photo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.byID[id]
	if err := change(&p); err != nil {
		return nil, err
	}
	p.Rev++
	m.byID[id] = p
	return &p, nil
}

func (m *rows) AttachPhotos(ctx context.Context, report string, ids []string, _ int) (all []*Photo, err error) {
	for _, id := range ids {
		p, err := m.UpdatePhoto(ctx, id, func(p *Photo) error { p.Report = report; return nil })
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (m *rows) LoosePhotos(_ context.Context, before time.Time, after string, limit int) ([]*Photo, error) {
	all := m.list(func(p Photo) bool { return p.Report == "" && p.ID > after && p.CreatedAt.Before(before) })
	return all[:min(limit, len(all))], nil
}

func (m *rows) DeletePhoto(_ context.Context, id string, rev int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.byID[id]; ok && p.Rev != rev {
		return fault.New(fault.Conflict)
	}
	delete(m.byID, id)
	return nil
}

func TestMain(m *testing.M) {
	if !phototest.Prepare(fmt.Println) {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// kinds are the buckets that a test must pass on: each opens one with nothing in it.
func kinds() map[string]func(testing.TB) (*Service, *rows) {
	all := map[string]func(testing.TB) (*Service, *rows){"files": inFiles}
	if os.Getenv(phototest.S3) != "" {
		all["s3"] = inS3
	}
	return all
}

// everywhere runs a test on every kind of bucket.
func everywhere(t *testing.T, test func(t *testing.T, s *Service, store *rows)) {
	for kind, open := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, store := open(t)
			test(t, s, store)
		})
	}
}

func inS3(t testing.TB) (*Service, *rows) {
	t.Helper()
	b, err := objectstore.Open(t.Context(), phototest.Address(t), "")
	if err != nil {
		t.Fatal(err)
	}
	return serviceOn(t, NewBucket(b.Bucket, b))
}

func newService(t testing.TB, address string) (*Service, *rows) {
	t.Helper()
	b, err := OpenBucket(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return serviceOn(t, b)
}

func serviceOn(t testing.TB, b *Bucket) (*Service, *rows) {
	t.Helper()
	t.Cleanup(func() { _ = b.Close() })
	m := &rows{byID: map[string]Photo{}}
	s := New(m, b)
	s.Now = func() time.Time { return epoch }
	return s, m
}

func inFiles(t testing.TB) (*Service, *rows) { return newService(t, "file://"+t.TempDir()) }

// keys are the names of all objects.
func keys(t testing.TB, s *Service) (all []string) {
	t.Helper()
	for o, err := range s.Bucket.Keys(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o.Key)
	}
	return all
}

// lose deletes an object behind the service's back.
func lose(t testing.TB, s *Service, key string) {
	t.Helper()
	if err := s.Bucket.Delete(context.Background(), key); err != nil {
		t.Fatal(err)
	}
}

// quarters is a picture whose corners are, from the top left clockwise, red, green, blue and white.
func quarters(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [2][2]color.RGBA{{{255, 0, 0, 255}, {0, 255, 0, 255}}, {{255, 255, 255, 255}, {0, 0, 255, 255}}}[2*y/h][2*x/w]
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func jpegOf(m image.Image, segments ...[]byte) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		panic(err)
	}
	return slices.Concat(b.Bytes()[:2], slices.Concat(segments...), b.Bytes()[2:])
}

func pngOf(m image.Image, chunks ...[]byte) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	const head = 8 + 25 // signature and IHDR
	return slices.Concat(b.Bytes()[:head], slices.Concat(chunks...), b.Bytes()[head:])
}

func app(n byte, data string) []byte {
	return slices.Concat([]byte{0xff, 0xe0 + n}, binary.BigEndian.AppendUint16(nil, uint16(len(data)+2)), []byte(data))
}

func exifSegment(block []byte) []byte { return app(1, "Exif\x00\x00"+string(block)) }

func xmpSegment() []byte {
	return app(1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><exif:GPSLatitude>24,42.8N</exif:GPSLatitude></x:xmpmeta>")
}

func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// noise is a picture that compresses badly, about as large a JPEG as asked for.
func noise(w, h int) image.Image {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	x := uint32(1)
	for i := range m.Y {
		x = x*1664525 + 1013904223
		m.Y[i] = byte(i>>4) + byte(x>>30)<<3
	}
	return m
}

// tiff builds EXIF blocks: directories of entries, with values behind them.
type tiff struct {
	order  binary.AppendByteOrder
	ifd0   []entry
	exifIF []entry
	gps    []entry
}

type entry struct {
	tag, kind uint16
	count     uint32
	value     []byte
}

func (x tiff) short(tag, v uint16) entry { return entry{tag, 3, 1, x.order.AppendUint16(nil, v)} }

func ascii(tag uint16, s string) entry { return entry{tag, 2, uint32(len(s) + 1), []byte(s + "\x00")} }

func (x tiff) rational(tag uint16, v ...uint32) entry {
	var b []byte
	for _, n := range v {
		b = x.order.AppendUint32(b, n)
	}
	return entry{tag, 5, uint32(len(v) / 2), b}
}

func (x tiff) bytes() []byte {
	mark := "MM"
	if fmt.Sprint(x.order) == fmt.Sprint(binary.LittleEndian) {
		mark = "II"
	}
	size := func(es []entry) int {
		n := 6 + 12*len(es)
		for _, e := range es {
			if len(e.value) > 4 {
				n += len(e.value) + len(e.value)%2
			}
		}
		return n
	}
	first := slices.Concat(x.ifd0, []entry{{0x8769, 4, 1, nil}, {0x8825, 4, 1, nil}})
	at := 8 + size(first)
	first[len(first)-2].value = x.order.AppendUint32(nil, uint32(at))
	first[len(first)-1].value = x.order.AppendUint32(nil, uint32(at+size(x.exifIF)))
	b := x.order.AppendUint16([]byte(mark), 42)
	b = x.order.AppendUint32(b, 8)
	for _, es := range [][]entry{first, x.exifIF, x.gps} {
		values := len(b) + 6 + 12*len(es)
		var behind []byte
		b = x.order.AppendUint16(b, uint16(len(es)))
		for _, e := range es {
			b = x.order.AppendUint16(b, e.tag)
			b = x.order.AppendUint16(b, e.kind)
			b = x.order.AppendUint32(b, e.count)
			if len(e.value) <= 4 {
				b = append(b, append(slices.Clone(e.value), 0, 0, 0, 0)[:4]...)
				continue
			}
			b = x.order.AppendUint32(b, uint32(values+len(behind)))
			behind = append(behind, append(slices.Clone(e.value), make([]byte, len(e.value)%2)...)...)
		}
		b = append(x.order.AppendUint32(b, 0), behind...)
	}
	return b
}

// block is an EXIF block of Riyadh mirrored to where ns and ew say, at noon on the given offset.
func block(order binary.AppendByteOrder, orientation uint16, ns, ew, offset string) []byte {
	x := tiff{order: order}
	x.ifd0 = []entry{x.short(0x0112, orientation)}
	x.exifIF = []entry{ascii(0x9003, "2026:11:20 12:00:00")}
	if offset != "" {
		x.exifIF = append(x.exifIF, ascii(0x9011, offset))
	}
	if ns != "" {
		x.gps = []entry{ascii(1, ns), x.rational(2, 24, 1, 42, 1, 4896, 100), ascii(3, ew), x.rational(4, 46, 1, 40, 1, 3108, 100)}
	}
	return x.bytes()
}
