package photos

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
)

// noted is what an EXIF block says that Balagh keeps.
type noted struct {
	orientation int // 1–8
	taken       *time.Time
	place       *Place
}

// The tags that are read, by EXIF 2.32 (CIPA DC-008).
const (
	tagOrientation        = 0x0112 // in the first directory
	tagEXIF               = 0x8769
	tagGPS                = 0x8825
	tagTaken              = 0x9003 // DateTimeOriginal, in the EXIF directory
	tagOffset             = 0x9010 // OffsetTime
	tagOffsetTaken        = 0x9011 // OffsetTimeOriginal
	tagLatitudeRef        = 1      // in the GPS directory, each followed by its three rationals
	tagLongitudeRef       = 3
	typeASCII             = 2
	typeShort             = 3
	typeLong              = 4
	typeRational          = 5
	maxEntries            = 512 // of a directory; cameras write about forty
	entrySize             = 12
	maxText         int64 = 64
)

// readEXIF reads a TIFF block: three directories, each once, so that one that names itself costs nothing. What is missing,
// damaged or senseless is left out: a photo is taken without it. Moments without an offset are of zone; those before 1990 or
// more than a day after now are no moments.
func readEXIF(block []byte, zone *time.Location, now time.Time) noted {
	n := noted{orientation: 1}
	b := tiffBlock{data: block}
	if len(block) < 8 {
		return n
	}
	switch string(block[:4]) {
	case "II*\x00":
		b.order = binary.LittleEndian
	case "MM\x00*":
		b.order = binary.BigEndian
	default:
		return n
	}
	first := b.directory(b.order.Uint32(block[4:]))
	if o := b.number(first[tagOrientation], typeShort); 1 <= o && o <= 8 {
		n.orientation = int(o)
	}
	if at := b.number(first[tagEXIF], typeLong); at > 0 {
		n.taken = b.taken(b.directory(at), zone, now)
	}
	if at := b.number(first[tagGPS], typeLong); at > 0 {
		n.place = b.place(b.directory(at))
	}
	return n
}

type tiffBlock struct {
	data  []byte
	order binary.ByteOrder
}

// directory is the entries at an offset by their tags: the first of each tag, 12 bytes long.
func (b tiffBlock) directory(at uint32) map[uint16][]byte {
	rest := b.from(at)
	if len(rest) < 2 {
		return nil
	}
	n := min(int(b.order.Uint16(rest)), maxEntries, (len(rest)-2)/entrySize)
	entries := make(map[uint16][]byte, min(n, 64))
	for e := rest[2:]; n > 0; e, n = e[entrySize:], n-1 {
		if tag := b.order.Uint16(e); entries[tag] == nil {
			entries[tag] = e[:entrySize:entrySize]
		}
	}
	return entries
}

func (b tiffBlock) from(at uint32) []byte { return b.data[min(int64(at), int64(len(b.data))):] }

func (b tiffBlock) is(entry []byte, kind uint16) bool {
	return entry != nil && b.order.Uint16(entry[2:]) == kind
}

// number is a single value; 0 when it is not of that kind.
func (b tiffBlock) number(entry []byte, kind uint16) uint32 {
	switch {
	case !b.is(entry, kind) || b.order.Uint32(entry[4:]) != 1:
		return 0
	case kind == typeShort:
		return uint32(b.order.Uint16(entry[8:]))
	}
	return b.order.Uint32(entry[8:])
}

// text is a short string, "" when there is none.
func (b tiffBlock) text(entry []byte) string {
	if !b.is(entry, typeASCII) {
		return ""
	}
	n := int64(b.order.Uint32(entry[4:]))
	at := entry[8:]
	if n > 4 {
		at = b.from(b.order.Uint32(at))
	}
	if n > maxText || n > int64(len(at)) {
		return ""
	}
	s, _, _ := strings.Cut(string(at[:n]), "\x00")
	return strings.TrimSpace(s)
}

func (b tiffBlock) taken(exif map[uint16][]byte, zone *time.Location, now time.Time) *time.Time {
	const layout = "2006:01:02 15:04:05"
	at := b.text(exif[tagTaken])
	t, err := time.ParseInLocation(layout, at, zone)
	if err != nil {
		return nil
	}
	for _, tag := range []uint16{tagOffsetTaken, tagOffset} {
		if with, err := time.Parse(layout+"Z07:00", at+b.text(exif[tag])); err == nil {
			t = with
			break
		}
	}
	if t = t.UTC(); t.Year() < 1990 || t.After(now.Add(24*time.Hour)) {
		return nil
	}
	return &t
}

func (b tiffBlock) place(gps map[uint16][]byte) *Place {
	lat, ok := b.degrees(gps, tagLatitudeRef, "N", "S", 90)
	if !ok {
		return nil
	}
	lon, ok := b.degrees(gps, tagLongitudeRef, "E", "W", 180)
	if !ok || lat == 0 && lon == 0 { // what a phone writes that does not know
		return nil
	}
	return &Place{Latitude: lat, Longitude: lon}
}

// degrees are three rationals: degrees, minutes and seconds.
func (b tiffBlock) degrees(gps map[uint16][]byte, ref uint16, plus, minus string, limit float64) (float64, bool) {
	entry := gps[ref+1]
	if !b.is(entry, typeRational) || b.order.Uint32(entry[4:]) != 3 {
		return 0, false
	}
	parts := b.from(b.order.Uint32(entry[8:]))
	if len(parts) < 24 {
		return 0, false
	}
	v := 0.0
	for i, share := range []float64{1, 60, 3600} {
		v += float64(b.order.Uint32(parts[8*i:])) / float64(b.order.Uint32(parts[8*i+4:])) / share
	}
	if math.IsNaN(v) || v > limit { // 0/0, or n/0
		return 0, false
	}
	switch strings.ToUpper(b.text(gps[ref])) {
	case plus:
		return v, true
	case minus:
		return -v, true
	}
	return 0, false
}
