package demo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

const (
	photoWidth, photoHeight = 1280, 960
	scenes                  = 12
	largestPhoto            = 12 << 20
)

// picture is a file as a phone has it.
type picture struct {
	bytes     []byte
	mediaType string
}

// album is what the phones take their pictures from.
type album struct {
	pictures []picture
	real     bool // from a folder, to be sent as they are
	next     atomic.Int64
}

// newAlbum reads the files of a folder, or makes pictures when there is none.
func newAlbum(folder string, rng *rand.Rand) (*album, error) {
	if folder != "" {
		return readAlbum(folder)
	}
	a := &album{}
	for range scenes {
		b, err := scene(rng)
		if err != nil {
			return nil, err
		}
		a.pictures = append(a.pictures, picture{b, "image/jpeg"})
	}
	return a, nil
}

// readAlbum takes every file of a folder, whatever it is: what is wrong with one is for the server to say.
func readAlbum(folder string) (*album, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("the photos of the folder %s cannot be read: %w", folder, errors.Unwrap(err))
	}
	a := &album{real: true}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(f.Name(), ".") || info.Size() > 2*largestPhoto {
			continue
		}
		b, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("the photo %s cannot be read: %w", filepath.Join(folder, f.Name()), errors.Unwrap(err))
		}
		a.pictures = append(a.pictures, picture{b, mediaType(f.Name(), b)})
	}
	if len(a.pictures) == 0 {
		return nil, fmt.Errorf("there are no photos in the folder %s", folder)
	}
	return a, nil
}

// mediaType is what a phone would call the file: by its name where the system does not know its bytes.
func mediaType(name string, b []byte) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".heic":
		return "image/heic"
	case ".heif":
		return "image/heif"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	}
	return http.DetectContentType(b)
}

// take gives the next picture, each of a folder in its turn. One that was made gets the moment, and sometimes the place, at
// which it was taken, so that no two are the same.
func (a *album) take(rng *rand.Rand, at time.Time, where point) picture {
	i := int(a.next.Add(1)-1) % len(a.pictures)
	p := a.pictures[i]
	if a.real {
		return p
	}
	var gps *point
	if rng.Float64() < .6 {
		gps = &where
	}
	return picture{withEXIF(p.bytes, at, rng.IntN(1000), gps), p.mediaType}
}

// scene draws a mosque under a sky, with as much grain as a telephone's camera leaves: 80 to 200 KB.
func scene(rng *rand.Rand) ([]byte, error) {
	m := image.NewYCbCr(image.Rect(0, 0, photoWidth, photoHeight), image.YCbCrSubsampleRatio420)
	horizon := photoHeight*3/4 + rng.IntN(60)
	hue := rng.IntN(24)
	mosque := outline(rng, horizon)
	for y := range photoHeight {
		for x := range photoWidth {
			c := color.RGBA{uint8(120 + y/10), uint8(165 + y/14), uint8(235 - y/20), 255} // sky
			switch {
			case y > horizon:
				c = color.RGBA{uint8(196 - hue), 178, uint8(140 + hue), 255} // ground
			case mosque(x, y):
				c = color.RGBA{uint8(225 - hue), uint8(215 - y/30), 190, 255}
			}
			luma, cb, cr := color.RGBToYCbCr(c.R, c.G, c.B)
			grain := int(rng.Uint32()>>28) - 8
			m.Y[m.YOffset(x, y)] = uint8(min(255, max(0, int(luma)+grain)))
			if o := m.COffset(x, y); x%2 == 0 && y%2 == 0 {
				m.Cb[o], m.Cr[o] = cb, cr
			}
		}
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 66 + rng.IntN(10)})
	return b.Bytes(), err
}

// outline is a hall with a dome and a minaret.
func outline(rng *rand.Rand, horizon int) func(x, y int) bool {
	left := 200 + rng.IntN(200)
	width := 420 + rng.IntN(160)
	roof := horizon - 220 - rng.IntN(60)
	tower := left + width + 30 + rng.IntN(90)
	radius := float64(width) / 3.2
	return func(x, y int) bool {
		hall := x > left && x < left+width && y > roof
		dome := y <= roof && math.Hypot(float64(x-left-width/2), float64(y-roof)) < radius
		minaret := x > tower && x < tower+46 && y > horizon-560
		return hall || dome || minaret
	}
}

// withEXIF puts an EXIF block behind the first marker of a JPEG: the moment, and the place unless that is nil.
func withEXIF(jpg []byte, at time.Time, thousandths int, gps *point) []byte {
	main := []tag{ascii(0x010f, "Balagh"), ascii(0x0110, "Demo Phone"), short(0x0112, 1)}
	exif := []tag{ascii(0x9003, at.Format("2006:01:02 15:04:05")), ascii(0x9011, at.Format("-07:00")), ascii(0x9291, fmt.Sprintf("%03d", thousandths))}
	var place []tag
	if gps != nil {
		ns, ew := "N", "E"
		if gps.Latitude < 0 {
			ns = "S"
		}
		if gps.Longitude < 0 {
			ew = "W"
		}
		place = []tag{ascii(1, ns), degrees(2, gps.Latitude), ascii(3, ew), degrees(4, gps.Longitude)}
	}
	block := append([]byte("Exif\x00\x00"), tiff(main, exif, place)...)
	out := append([]byte{}, jpg[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(block)+2))
	out = append(out, block...)
	return append(out, jpg[2:]...)
}

// tag is one entry of a TIFF directory.
type tag struct {
	id, kind uint16
	count    uint32
	value    []byte
}

func ascii(id uint16, s string) tag { return tag{id, 2, uint32(len(s) + 1), append([]byte(s), 0)} }

func short(id, v uint16) tag { return tag{id, 3, 1, binary.LittleEndian.AppendUint16(nil, v)} }

func long(id uint16, v uint32) tag { return tag{id, 4, 1, binary.LittleEndian.AppendUint32(nil, v)} }

// degrees are three rationals: degrees, minutes and seconds in ten-thousandths.
func degrees(id uint16, d float64) tag {
	tenThousandths := uint32(math.Round(math.Abs(d) * 3600 * 1e4))
	var b []byte
	for _, v := range []uint32{tenThousandths / 36e6, 1, tenThousandths / 6e5 % 60, 1, tenThousandths % 6e5, 1e4} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return tag{id, 5, 3, b}
}

// tiff writes the main directory, which points to the one of EXIF and, when there is a place, to that of GPS.
func tiff(main, exif, gps []tag) []byte {
	const header = 8
	main = append(main, long(0x8769, 0))
	if gps != nil {
		main = append(main, long(0x8825, 0))
	}
	atEXIF := header + len(directory(main, 0))
	atGPS := atEXIF + len(directory(exif, 0))
	main[3] = long(0x8769, uint32(atEXIF))
	if gps != nil {
		main[4] = long(0x8825, uint32(atGPS))
	}
	out := []byte("II*\x00\x08\x00\x00\x00")
	out = append(out, directory(main, header)...)
	out = append(out, directory(exif, atEXIF)...)
	if gps != nil {
		out = append(out, directory(gps, atGPS)...)
	}
	return out
}

// directory is one directory at an offset, followed by the values that do not fit into their entries.
func directory(tags []tag, offset int) []byte {
	out := binary.LittleEndian.AppendUint16(nil, uint16(len(tags)))
	var values []byte
	free := offset + 2 + 12*len(tags) + 4
	for _, x := range tags {
		out = binary.LittleEndian.AppendUint16(out, x.id)
		out = binary.LittleEndian.AppendUint16(out, x.kind)
		out = binary.LittleEndian.AppendUint32(out, x.count)
		if len(x.value) <= 4 {
			out = append(out, append(x.value, 0, 0, 0, 0)[:4]...)
			continue
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(free+len(values)))
		values = append(values, x.value...)
		if len(values)%2 == 1 {
			values = append(values, 0)
		}
	}
	return append(append(out, 0, 0, 0, 0), values...)
}
