package photos

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"
)

var riyadh = time.FixedZone("AST", 3*3600)

func TestReadEXIF(t *testing.T) {
	t.Parallel()
	le, be := binary.LittleEndian, binary.BigEndian
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		block       []byte
		orientation int
		taken       time.Time
		lat, lon    float64
	}{
		"north_east":      {block(le, 6, "N", "E", "+05:00"), 6, noon.Add(-5 * time.Hour), 24.7136, 46.6753},
		"south_west":      {block(be, 1, "S", "W", ""), 1, noon.Add(-3 * time.Hour), -24.7136, -46.6753},
		"utc":             {block(be, 8, "N", "W", "Z"), 8, noon, 24.7136, -46.6753},
		"bad_offset":      {block(be, 3, "S", "E", "x"), 3, noon.Add(-3 * time.Hour), -24.7136, 46.6753},
		"no_place":        {block(le, 1, "", "", "+00:00"), 1, noon, 0, 0},
		"no_such_side":    {block(le, 1, "X", "E", "+00:00"), 1, noon, 0, 0},
		"orientation_9":   {block(le, 9, "N", "E", "+00:00"), 1, noon, 24.7136, 46.6753},
		"empty":           {nil, 1, time.Time{}, 0, 0},
		"not_a_directory": {[]byte("II*\x00\xff\xff\xff\xff"), 1, time.Time{}, 0, 0},
		"cut":             {block(le, 6, "N", "E", "+00:00")[:30], 6, time.Time{}, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := readEXIF(tt.block, riyadh, epoch)
			if n.orientation != tt.orientation {
				t.Errorf("orientation %d, want %d", n.orientation, tt.orientation)
			}
			if got := n.taken; got == nil != tt.taken.IsZero() || got != nil && !got.Equal(tt.taken) {
				t.Errorf("taken at %v, want %v", got, tt.taken)
			}
			if (n.place == nil) != (tt.lat == 0) {
				t.Fatalf("place %v, want %v, %v", n.place, tt.lat, tt.lon)
			}
			if n.place != nil && (math.Abs(n.place.Latitude-tt.lat) > 1e-6 || math.Abs(n.place.Longitude-tt.lon) > 1e-6) {
				t.Errorf("place %v, want %v, %v", n.place, tt.lat, tt.lon)
			}
		})
	}
}

func TestReadEXIF_senseless(t *testing.T) {
	t.Parallel()
	x := tiff{order: binary.BigEndian}
	for name, gps := range map[string][]entry{
		"null_island":  {ascii(1, "N"), x.rational(2, 0, 1, 0, 1, 0, 1), ascii(3, "E"), x.rational(4, 0, 1, 0, 1, 0, 1)},
		"off_the_map":  {ascii(1, "N"), x.rational(2, 91, 1, 0, 1, 0, 1), ascii(3, "E"), x.rational(4, 46, 1, 0, 1, 0, 1)},
		"by_zero":      {ascii(1, "N"), x.rational(2, 24, 0, 0, 0, 0, 0), ascii(3, "E"), x.rational(4, 46, 1, 0, 1, 0, 1)},
		"another_kind": {x.short(1, 7), ascii(2, "24.7"), x.short(3, 7), ascii(4, "46.6")},
	} {
		x.gps = gps
		if n := readEXIF(x.bytes(), riyadh, epoch); n.place != nil {
			t.Errorf("%s: place %v, want none", name, n.place)
		}
	}
	for _, at := range []string{"2026:11:23 12:00:00", "1970:01:01 00:00:00", "0000:00:00 00:00:00", "yesterday"} {
		x.exifIF = []entry{ascii(0x9003, at)}
		if n := readEXIF(x.bytes(), riyadh, epoch); n.taken != nil {
			t.Errorf("%q: taken at %v, want no moment", at, n.taken)
		}
	}
}

// cyclic is a block of 64 KB whose one directory names itself in every way that the reader follows.
func cyclic() []byte {
	order := binary.LittleEndian
	const entries = 5400
	b := order.AppendUint32([]byte("II*\x00"), 8)
	b = order.AppendUint16(b, entries)
	for i := range entries {
		tag := []uint16{0x014a, 0x8769, 0x8825, 0xa005}[i%4]
		b = order.AppendUint16(b, tag)
		b = order.AppendUint16(b, 4)
		b = order.AppendUint32(b, 64)
		b = order.AppendUint32(b, uint32(10+12*entries))
	}
	for range 64 {
		b = order.AppendUint32(b, 8)
	}
	return b
}

func TestReadEXIF_cyclic(t *testing.T) {
	t.Parallel()
	self := block(binary.BigEndian, 1, "N", "E", "")
	binary.BigEndian.PutUint32(self[8+2+12+8:], 8) // the first directory is its own EXIF directory
	for _, b := range [][]byte{self, cyclic()} {
		began := time.Now()
		readEXIF(b, riyadh, epoch)
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("%d bytes took %v, want less than 200 ms", len(b), took)
		}
	}
}

func FuzzEXIF(f *testing.F) {
	f.Add(block(binary.LittleEndian, 6, "N", "E", "+03:00"))
	f.Add(block(binary.BigEndian, 8, "S", "W", ""))
	f.Add(cyclic())
	f.Add([]byte("II*\x00\x08\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		began := time.Now()
		n := readEXIF(b[:min(len(b), maxEXIF)], riyadh, epoch)
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
		if n.orientation < 1 || n.orientation > 8 {
			t.Errorf("orientation %d", n.orientation)
		}
		if p := n.place; p != nil && !(math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180) {
			t.Errorf("place %v", *p)
		}
	})
}

func BenchmarkReadEXIF(b *testing.B) {
	for name, data := range map[string][]byte{"phone": block(binary.LittleEndian, 6, "N", "E", "+03:00"), "cyclic": cyclic()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				readEXIF(bytes.Clone(data), riyadh, epoch)
			}
		})
	}
}
