package demo

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// entries reads a TIFF directory: the kind, count and raw value of each tag.
func entries(t *testing.T, b []byte, at uint32) map[uint16][]byte {
	t.Helper()
	le := binary.LittleEndian
	found := map[uint16][]byte{}
	sizes := map[uint16]uint32{2: 1, 3: 2, 4: 4, 5: 8}
	for i := range uint32(le.Uint16(b[at:])) {
		e := b[at+2+12*i:]
		size := sizes[le.Uint16(e[2:])] * le.Uint32(e[4:])
		value := e[8:12]
		if size > 4 {
			value = b[le.Uint32(e[8:]):]
		}
		found[le.Uint16(e)] = value[:size]
	}
	return found
}

func degreesOf(b []byte) (d float64) {
	for i, unit := range []float64{1, 60, 3600} {
		d += float64(binary.LittleEndian.Uint32(b[8*i:])) / float64(binary.LittleEndian.Uint32(b[8*i+4:])) / unit
	}
	return d
}

func TestAlbum_Take(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	a, err := newAlbum("", rng)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 17, 4, 5, 0, time.FixedZone("", 3*3600))
	where := point{24.694912, 46.685307}
	placed := 0
	seen := map[string]bool{}
	for range 40 {
		p := a.take(rng, at, where)
		if n := len(p.bytes); n < 80<<10 || n > 200<<10 {
			t.Errorf("a photo of %d bytes", n)
		}
		seen[string(p.bytes)] = true
		if c, err := jpeg.DecodeConfig(bytes.NewReader(p.bytes)); err != nil || c.Width != photoWidth || c.Height != photoHeight {
			t.Fatalf("%+v %v", c, err)
		}
		if !bytes.HasPrefix(p.bytes[2:], []byte{0xff, 0xe1}) || string(p.bytes[6:12]) != "Exif\x00\x00" {
			t.Fatal("there is no EXIF block where readers look for it")
		}
		block := p.bytes[12 : 4+int(binary.BigEndian.Uint16(p.bytes[4:]))]
		main := entries(t, block, binary.LittleEndian.Uint32(block[4:]))
		exif := entries(t, block, binary.LittleEndian.Uint32(main[0x8769]))
		if got := string(exif[0x9003]) + string(exif[0x9011]); got != "2026:11:21 17:04:05\x00+03:00\x00" {
			t.Errorf("taken at %q", got)
		}
		if main[0x8825] == nil {
			continue
		}
		placed++
		gps := entries(t, block, binary.LittleEndian.Uint32(main[0x8825]))
		if lat, lon := degreesOf(gps[2]), degreesOf(gps[4]); math.Abs(lat-where.Latitude) > 1e-6 || math.Abs(lon-where.Longitude) > 1e-6 ||
			string(gps[1]) != "N\x00" || string(gps[3]) != "E\x00" {
			t.Errorf("place %v %v", lat, lon)
		}
	}
	if placed == 0 || placed == 40 || len(seen) != 40 {
		t.Errorf("%d of 40 photos have a place, %d are different", placed, len(seen))
	}
	if _, err := jpeg.Decode(bytes.NewReader(a.take(rng, at, where).bytes)); err != nil {
		t.Error(err)
	}
}

func TestNewAlbum_Folder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	if _, err := newAlbum(filepath.Join(folder, "nowhere"), rng); err == nil {
		t.Error("a folder that is not there was read")
	}
	if _, err := newAlbum(folder, rng); err == nil {
		t.Error("an empty folder is an album")
	}
	for name, content := range map[string]string{"a.HEIC": "x", "b.jpg": "no JPEG", "c.png": "\x89PNG\r\n\x1a\n", ".hidden": "x"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := newAlbum(folder, rng)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 4 {
		got = append(got, a.take(rng, time.Time{}, point{}).mediaType)
	}
	if want := "image/heic image/jpeg image/png image/heic"; want != got[0]+" "+got[1]+" "+got[2]+" "+got[3] {
		t.Errorf("got %v", got)
	}
}
