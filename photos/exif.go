package photos

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

// noted is what an EXIF block says that Balagh keeps.
type noted struct {
	orientation int // 1–8
	taken       *time.Time
	place       *Place
}

// Bounds of the reader. A directory may name others, each once, in a list no longer than the largest value; so the longest
// walk through a block of 64 KB takes a few milliseconds.
const (
	maxTags     = 500
	maxTagBytes = 256
)

var wanted = map[string]string{ // tag → directory
	"Orientation":        "IFD0",
	"DateTimeOriginal":   "IFD0/ExifIFDP",
	"OffsetTime":         "IFD0/ExifIFDP",
	"OffsetTimeOriginal": "IFD0/ExifIFDP",
	"GPSLatitude":        "IFD0/GPSInfoIFD",
	"GPSLatitudeRef":     "IFD0/GPSInfoIFD",
	"GPSLongitude":       "IFD0/GPSInfoIFD",
	"GPSLongitudeRef":    "IFD0/GPSInfoIFD",
}

// readEXIF reads a TIFF block. What is missing, damaged or senseless is left out: a photo is taken without it. Moments
// without an offset are of zone; those before 1990 or more than a day after now are no moments.
func readEXIF(block []byte, zone *time.Location, now time.Time) noted {
	tags := map[string]any{}
	_, _ = imagemeta.Decode(imagemeta.Options{
		R:               bytes.NewReader(block),
		ImageFormat:     imagemeta.TIFF,
		Sources:         imagemeta.EXIF,
		LimitNumTags:    maxTags,
		LimitTagSize:    maxTagBytes,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return wanted[t.Tag] == t.Namespace },
		HandleTag: func(t imagemeta.TagInfo) error {
			if _, again := tags[t.Tag]; !again {
				tags[t.Tag] = t.Value
			}
			return nil
		},
	})
	n := noted{orientation: 1, taken: moment(tags, zone, now), place: place(tags)}
	if o, ok := tags["Orientation"].(uint16); ok && 1 <= o && o <= 8 {
		n.orientation = int(o)
	}
	return n
}

func moment(tags map[string]any, zone *time.Location, now time.Time) *time.Time {
	at, _ := tags["DateTimeOriginal"].(string)
	t, err := time.ParseInLocation("2006:01:02 15:04:05", strings.TrimSpace(at), zone)
	if err != nil {
		return nil
	}
	for _, tag := range []string{"OffsetTimeOriginal", "OffsetTime"} {
		offset, _ := tags[tag].(string)
		if with, err := time.Parse("2006:01:02 15:04:05Z07:00", strings.TrimSpace(at)+strings.TrimSpace(offset)); err == nil {
			t = with
			break
		}
	}
	if t = t.UTC(); t.Year() < 1990 || t.After(now.Add(24*time.Hour)) {
		return nil
	}
	return &t
}

func place(tags map[string]any) *Place {
	lat, ok := degrees(tags, "GPSLatitude", "N", "S", 90)
	if !ok {
		return nil
	}
	lon, ok := degrees(tags, "GPSLongitude", "E", "W", 180)
	if !ok || lat == 0 && lon == 0 { // what a phone writes that does not know
		return nil
	}
	return &Place{Latitude: lat, Longitude: lon}
}

func degrees(tags map[string]any, tag, plus, minus string, limit float64) (float64, bool) {
	v, ok := tags[tag].(float64)
	if !ok || math.IsNaN(v) || v < 0 || v > limit {
		return 0, false
	}
	ref, _ := tags[tag+"Ref"].(string)
	switch strings.ToUpper(strings.TrimSpace(ref)) {
	case plus:
		return v, true
	case minus:
		return -v, true
	}
	return 0, false
}
