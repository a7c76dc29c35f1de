package photos

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"sync"
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

func take(t testing.TB, s *Service, data []byte) *Photo {
	t.Helper()
	p, err := s.Take(context.Background(), citizen, "", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func servedBytes(t testing.TB, s *Service, p *Photo, z Size) []byte {
	t.Helper()
	r, err := s.Image(context.Background(), p, z)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// markers are the codes of a JPEG's segments up to its picture.
func markers(t testing.TB, b []byte) (codes []byte) {
	t.Helper()
	for i := 2; i+4 <= len(b); i += 2 + int(binary.BigEndian.Uint16(b[i+2:])) {
		if b[i] != 0xff {
			t.Fatalf("no marker at %d", i)
		}
		if codes = append(codes, b[i+1]); b[i+1] == 0xda {
			return codes
		}
	}
	t.Fatal("no picture")
	return nil
}

// bare fails unless b is a JPEG with nothing in it but the picture.
func bare(t testing.TB, b []byte) image.Image {
	t.Helper()
	for _, c := range markers(t, b) {
		if 0xe1 <= c && c <= 0xef || c == 0xfe {
			t.Errorf("what is served has a segment %#x", c)
		}
	}
	for _, word := range []string{"Exif", "xmp", "GPS", "ICC_PROFILE", "Author"} {
		if bytes.Contains(b, []byte(word)) {
			t.Errorf("what is served has the word %s", word)
		}
	}
	if !bytes.HasSuffix(b, []byte{0xff, 0xd9}) {
		t.Error("what is served goes on behind its end")
	}
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func near(a, b color.Color) bool {
	r, g, bl, _ := a.RGBA()
	R, G, B, _ := b.RGBA()
	far := func(x, y uint32) bool { return max(x, y)-min(x, y) > 0x3000 }
	return !far(r, R) && !far(g, G) && !far(bl, B)
}

// corners are those of m from the top left clockwise, a bit inside.
func corners(m image.Image) [4]color.Color {
	r := m.Bounds()
	x, y := r.Dx()/8, r.Dy()/8
	return [4]color.Color{m.At(x, y), m.At(r.Dx()-1-x, y), m.At(r.Dx()-1-x, r.Dy()-1-y), m.At(x, r.Dy()-1-y)}
}

func TestService_Image_upright(t *testing.T) {
	t.Parallel()
	red, green, blue, white := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}, color.RGBA{255, 255, 255, 255}
	for orientation, want := range map[int][4]color.Color{ // of a picture stored as red green / white blue
		1: {red, green, blue, white},
		2: {green, red, white, blue},
		3: {blue, white, red, green},
		4: {white, blue, green, red},
		5: {red, white, blue, green},
		6: {white, red, green, blue},
		7: {blue, green, red, white},
		8: {green, blue, white, red},
	} {
		t.Run(fmt.Sprint(orientation), func(t *testing.T) {
			t.Parallel()
			s, _ := inFiles(t)
			exif := block(binary.LittleEndian, uint16(orientation), "N", "E", "+03:00")
			for kind, data := range map[string][]byte{
				"jpeg": jpegOf(quarters(640, 480), exifSegment(exif), xmpSegment(), app(2, "ICC_PROFILE\x00"), []byte{0xff, 0xfe, 0, 8, 'A', 'u', 't', 'h', 'o', 'r'}),
				"png":  pngOf(quarters(640, 480), chunk("eXIf", exif), chunk("tEXt", []byte("Author\x00x"))),
			} {
				p := take(t, s, data)
				for z, side := range map[Size]int{Full: 640, Thumb: 320} {
					m := bare(t, servedBytes(t, s, p, z))
					if got := corners(m); !near(got[0], want[0]) || !near(got[1], want[1]) || !near(got[2], want[2]) || !near(got[3], want[3]) {
						t.Errorf("%s %s: corners %v, want %v", kind, z, got, want)
					}
					if w, h := p.Served(); z == Full && m.Bounds() != image.Rect(0, 0, w, h) {
						t.Errorf("%s is %v, said to be %d × %d", kind, m.Bounds(), w, h)
					}
					if b := m.Bounds(); max(b.Dx(), b.Dy()) != side || (b.Dx() > b.Dy()) != (p.Width > p.Height) {
						t.Errorf("%s %s is %v of a photo of %d × %d, want the longer side to be %d", kind, z, b, p.Width, p.Height, side)
					}
				}
			}
		})
	}
}

func TestService_Image_transparent(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, _ *rows) {
		p := take(t, s, pngOf(image.NewNRGBA(image.Rect(0, 0, 3000, 2))))
		m := bare(t, servedBytes(t, s, p, Full))
		if m.Bounds() != image.Rect(0, 0, 2560, 2) || !near(m.At(1000, 1), color.White) {
			t.Errorf("served as %v of colour %v, want 2560 × 2 of white", m.Bounds(), m.At(1000, 1))
		}
	})
}

func TestService_Image_together(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, _ *rows) {
		p := take(t, s, jpegOf(quarters(400, 300)))
		var g sync.WaitGroup
		for range 16 {
			for _, z := range []Size{Full, Thumb} {
				g.Go(func() { bare(t, servedBytes(t, s, p, z)) })
			}
		}
		g.Wait()
		if got := keys(t, s); len(got) != 3 {
			t.Errorf("objects %v, want the original and two sizes", got)
		}
		if _, err := s.Image(t.Context(), p, "original"); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("another size: %v, want %s", err, fault.NotFound)
		}
	})
}

func TestService_Image_damaged(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, store *rows) {
		data := jpegOf(noise(256, 256))
		at := bytes.Index(data, []byte{0xff, 0xda})
		copy(data[at+20:], bytes.Repeat([]byte{0xff, 0}, 750)) // ones only are no code of any table
		p := take(t, s, data)
		if _, err := s.Image(t.Context(), p, Full); fault.CodeOf(err) != fault.PhotoRefused {
			t.Fatalf("got %v, want %s", err, fault.PhotoRefused)
		}
		p, err := store.Photo(t.Context(), p.ID)
		if err != nil || !p.Broken {
			t.Fatalf("the row is %+v, %v; want it broken", p, err)
		}
		lose(t, s, p.originalKey())
		if _, err := s.Image(t.Context(), p, Full); fault.CodeOf(err) != fault.PhotoRefused {
			t.Errorf("at the second view: %v, want %s without a look at the bytes", err, fault.PhotoRefused)
		}
	})
}

func TestService_Image_bucketFails(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, store *rows) {
		p := take(t, s, jpegOf(quarters(64, 48)))
		lose(t, s, p.originalKey())
		if _, err := s.Image(t.Context(), p, Full); fault.CodeOf(err) != fault.Internal {
			t.Errorf("got %v, want an internal error", err)
		}
		if p, err := store.Photo(t.Context(), p.ID); err != nil || p.Broken {
			t.Errorf("a bucket that fails marks the photo: %+v, %v", p, err)
		}
	})
}

func TestService_Photo_whose(t *testing.T) {
	t.Parallel()
	s, _ := inFiles(t)
	mine := take(t, s, jpegOf(quarters(8, 8)))
	given := take(t, s, jpegOf(quarters(8, 8)))
	if _, err := s.Attach(t.Context(), citizen, "report-1", given.ID); err != nil {
		t.Fatal(err)
	}
	ofNobody, err := s.Prepare(t.Context(), actor.Actor{}, "", bytes.NewReader(jpegOf(quarters(8, 8))))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), "report-2", ofNobody); err != nil {
		t.Fatal(err)
	}
	sees := func(report string) error {
		if report != "report-2" { // also none: what is not attached is not asked for
			return nil
		}
		return fault.New(fault.Forbidden)
	}
	for name, tt := range map[string]struct {
		who  actor.Actor
		id   string
		want fault.Code
	}{
		"owner":                     {citizen, mine.ID, ""},
		"owner_of_attached":         {citizen, given.ID, ""},
		"staff_of_the_report":       {clerk, given.ID, ""},
		"staff_of_another_report":   {clerk, ofNobody.ID, fault.NotFound},
		"staff_before_it_is_filed":  {clerk, mine.ID, fault.NotFound},
		"another_citizen":           {other, mine.ID, fault.NotFound},
		"nobody":                    {actor.Actor{}, given.ID, fault.NotFound},
		"nobody_of_an_anonymous":    {actor.Actor{}, ofNobody.ID, fault.NotFound},
		"absent":                    {citizen, "0197b0a2-7c1e-4f00-8000-00000000abcd", fault.NotFound},
		"owner_where_allowed_fails": {citizen, given.ID, ""},
	} {
		if _, err := s.Photo(t.Context(), tt.who, tt.id, sees); fault.CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestService_Attach_faults(t *testing.T) {
	t.Parallel()
	s, _ := inFiles(t)
	a, b := take(t, s, jpegOf(quarters(8, 8))), take(t, s, jpegOf(quarters(8, 8)))
	if _, err := s.Attach(t.Context(), citizen, "report-1", a.ID); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		who  actor.Actor
		ids  []string
		want string
	}{
		"again":        {citizen, []string{a.ID}, "<nil>"},
		"none":         {citizen, nil, "<nil>"},
		"twice":        {citizen, []string{b.ID, b.ID}, "validation_failed: photos/1 duplicate"},
		"absent":       {citizen, []string{b.ID, "x"}, "validation_failed: photos/1 unknown"},
		"someone_else": {other, []string{b.ID}, "validation_failed: photos/0 unknown"},
		"nobody":       {actor.Actor{}, []string{b.ID}, "validation_failed: photos/0 unknown"},
		"nine":         {citizen, make([]string, 9), "validation_failed: photos too_many"},
	} {
		if _, err := s.Attach(t.Context(), tt.who, "report-1", tt.ids...); fmt.Sprint(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if _, err := s.Attach(t.Context(), citizen, "report-2", a.ID); fmt.Sprint(err) != "validation_failed: photos/0 not_allowed" {
		t.Errorf("another report: %v", err)
	}
}

func BenchmarkImage(b *testing.B) {
	data := jpegOf(noise(4000, 3000), exifSegment(block(binary.LittleEndian, 6, "N", "E", "+03:00")))
	s, _ := inFiles(b)
	p := take(b, s, data)
	b.Run("decode12MP", func(b *testing.B) {
		for b.Loop() {
			if _, err := decodePicture(jpegType, bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("upright12MP", func(b *testing.B) {
		m, _ := decodePicture(jpegType, bytes.NewReader(data))
		for b.Loop() {
			upright(m, 6)
		}
	})
	b.Run("render12MP", func(b *testing.B) {
		for b.Loop() {
			if err := s.render(context.Background(), p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("served", func(b *testing.B) {
		for b.Loop() {
			r, err := s.Image(context.Background(), p, Thumb)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, r)
			_ = r.Close()
		}
	})
}
