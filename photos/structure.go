package photos

import (
	"bytes"
	"encoding/binary"
)

// The walkers follow the outer structure of a file while it streams by, without decoding a pixel: they see that it ends
// where its format says, and keep its EXIF block. What comes after the end is of no interest: several makers of phones
// put further pictures there.

const (
	maxEXIF  = 64 << 10
	maxScans = 100 // of one JPEG; cameras use up to about ten, and each costs a pass over all blocks when it is decoded
)

// walker is fed the bytes of a file in pieces of any size.
type walker interface {
	walk(p []byte)
	whole() bool  // reached the end that the format asks for, with a picture before it
	exif() []byte // a TIFF block, nil when there is none
}

// field gathers n bytes that may arrive in pieces; the rest of p is returned.
func gather(to *[]byte, n int, p []byte) (rest []byte, full bool) {
	take := min(n-len(*to), len(p))
	*to = append(*to, p[:take]...)
	return p[take:], len(*to) == n
}

type jpegState int

const (
	jpegMarker  jpegState = iota // awaits FF, then a code
	jpegLength                   // of a segment, 2 bytes
	jpegSegment                  // is passed over
	jpegEXIF                     // is kept
	jpegScan                     // entropy-coded data, up to a marker
	jpegEnd
	jpegBroken
)

type jpegWalker struct {
	state  jpegState
	ff     bool // the last byte was FF
	code   byte
	left   int    // bytes of the segment to pass over
	small  []byte // a field in pieces
	block  []byte // EXIF with its six-byte name
	want   int    // length of block
	frames int
	scans  int
	data   bool // some entropy-coded data was seen
}

var exifName = []byte("Exif\x00\x00")

func (w *jpegWalker) reset() { *w = jpegWalker{small: w.small[:0], block: w.block[:0]} }

func (w *jpegWalker) whole() bool { return w.state == jpegEnd }

func (w *jpegWalker) exif() []byte {
	if w.want == 0 || len(w.block) < w.want || !bytes.HasPrefix(w.block, exifName) {
		return nil
	}
	return w.block[len(exifName):]
}

func (w *jpegWalker) walk(p []byte) {
	for len(p) > 0 {
		switch w.state {
		case jpegMarker:
			p = w.marker(p)
		case jpegLength:
			var full bool
			if p, full = gather(&w.small, 2, p); full {
				w.segment(int(binary.BigEndian.Uint16(w.small)) - 2)
			}
		case jpegSegment:
			n := min(w.left, len(p))
			p, w.left = p[n:], w.left-n
			if w.left == 0 {
				w.after()
			}
		case jpegEXIF:
			var full bool
			if p, full = gather(&w.block, w.want, p); full {
				w.state = jpegMarker
				if !bytes.HasPrefix(w.block, exifName) { // XMP: the next APP1 may be it
					w.block, w.want = w.block[:0], 0
				}
			}
		case jpegScan:
			p = w.scan(p)
		default:
			return
		}
	}
}

// marker reads FF, any number of fill bytes FF, and a code. Before the picture, stray bytes are passed over as every decoder
// does; behind its first scan they say that the scan is damaged.
func (w *jpegWalker) marker(p []byte) []byte {
	c := p[0]
	switch {
	case c == 0xff:
		w.ff = true
	case w.scans == 0 && (!w.ff || c == 0):
		w.ff = false
	case !w.ff:
		w.state = jpegBroken
	default:
		w.ff = false
		w.begin(c)
	}
	return p[1:]
}

func (w *jpegWalker) begin(code byte) {
	w.code, w.small = code, w.small[:0]
	switch {
	case code == 0xd9: // EOI
		w.state = jpegBroken
		if w.frames == 1 && w.scans > 0 && w.data {
			w.state = jpegEnd
		}
	case code == 0xd8 || code == 0x01 || 0xd0 <= code && code <= 0xd7: // stand alone
	case code == 0:
		w.state = jpegBroken
	default:
		w.state = jpegLength
	}
}

func (w *jpegWalker) segment(n int) {
	w.left, w.state = n, jpegSegment
	switch {
	case n < 0:
		w.state = jpegBroken
		return
	case w.code == 0xe1 && w.want == 0 && n > len(exifName) && w.frames == 0:
		w.want, w.state = n, jpegEXIF
		return
	case 0xc0 <= w.code && w.code <= 0xcf && w.code != 0xc4 && w.code != 0xc8 && w.code != 0xcc: // SOF
		w.frames++
	case w.code == 0xda: // SOS
		w.scans++
	}
	if w.frames > 1 || w.scans > maxScans || w.scans > 0 && w.frames == 0 {
		w.state = jpegBroken
	} else if n == 0 {
		w.after()
	}
}

func (w *jpegWalker) after() {
	w.state = jpegMarker
	if w.code == 0xda {
		w.state = jpegScan
	}
}

// scan passes over entropy-coded data: in it FF is followed by 0 or by a restart marker.
func (w *jpegWalker) scan(p []byte) []byte {
	if !w.ff {
		i := bytes.IndexByte(p, 0xff)
		if i != 0 {
			w.data = true
		}
		if i < 0 {
			return nil
		}
		w.ff = true
		return p[i+1:]
	}
	switch c := p[0]; {
	case c == 0xff:
	case c == 0 || 0xd0 <= c && c <= 0xd7:
		w.ff, w.data = false, true
	default:
		w.ff = false
		w.state = jpegMarker
		w.begin(c)
	}
	return p[1:]
}

type pngState int

const (
	pngHead  pngState = iota // length and type of a chunk, 8 bytes
	pngChunk                 // data and checksum are passed over
	pngEXIF                  // is kept
	pngEnd
	pngBroken
)

// pngWalker is fed what follows the eight bytes of the signature.
type pngWalker struct {
	state pngState
	left  int
	small []byte
	block []byte // data of eXIf and its checksum
	want  int
	kind  string
	data  bool // IDAT was seen
}

func (w *pngWalker) reset() { *w = pngWalker{small: w.small[:0], block: w.block[:0]} }

func (w *pngWalker) whole() bool { return w.state == pngEnd }

func (w *pngWalker) exif() []byte {
	if w.want == 0 || len(w.block) < w.want {
		return nil
	}
	return bytes.TrimPrefix(w.block[:w.want-4], exifName)
}

func (w *pngWalker) walk(p []byte) {
	for len(p) > 0 {
		switch w.state {
		case pngHead:
			var full bool
			if p, full = gather(&w.small, 8, p); full {
				w.chunk()
			}
		case pngChunk:
			n := min(w.left, len(p))
			p, w.left = p[n:], w.left-n
			if w.left == 0 {
				w.after()
			}
		case pngEXIF:
			var full bool
			if p, full = gather(&w.block, w.want, p); full {
				w.after()
			}
		default:
			return
		}
	}
}

func (w *pngWalker) chunk() {
	n := int(binary.BigEndian.Uint32(w.small))
	w.kind = string(w.small[4:])
	w.small = w.small[:0]
	w.left, w.state = n+4, pngChunk
	switch {
	case n > MaxBytes:
		w.state = pngBroken
	case w.kind == "IDAT" && n > 0:
		w.data = true
	case w.kind == "eXIf" && w.want == 0 && n <= maxEXIF:
		w.want, w.state = n+4, pngEXIF
	}
}

func (w *pngWalker) after() {
	w.state = pngHead
	if w.kind == "IEND" {
		w.state = pngBroken
		if w.data {
			w.state = pngEnd
		}
	}
}
