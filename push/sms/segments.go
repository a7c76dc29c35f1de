package sms

import (
	"encoding/binary"
	"unicode/utf16"
)

// The encodings of a text, as Segments names them.
const (
	GSM7 = "gsm7" // 7 bits for each character of the default alphabet, 14 for one of its extension
	UCS2 = "ucs2" // 16 bits for each UTF-16 unit: Arabic, Urdu and everything else
)

// escape says that the next septet is of the extension table.
const escape = 0x1b

// gsm is the default alphabet of GSM 03.38 (3GPP TS 23.038, 6.2.1): the place of a character is its code. The escape stands in
// its place, but is no character of a text.
var gsm = index("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")

// extension is its extension table (6.2.1.1).
var extension = map[rune]byte{'\f': 0x0a, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40, '€': 0x65}

func index(alphabet string) map[rune]byte {
	codes := map[rune]byte{}
	for i, r := range []rune(alphabet) {
		if r != escape {
			codes[r] = byte(i)
		}
	}
	return codes
}

// Segments says how many SMS a text is sent as, which is what it costs, and how it is encoded: "gsm7", 160 septets in one and
// 153 in each of several, or "ucs2", 70 and 67 UTF-16 units. What takes two of them, an extended character or one outside the
// basic plane, is never split. An empty text is none.
func Segments(text string) (n int, encoding string) {
	parts, encoding := segment(text)
	return len(parts), encoding
}

// segment is a text as its segments, one octet for each septet, or UTF-16 big endian.
func segment(text string) (parts [][]byte, encoding string) {
	if septets, ok := septets(text); ok {
		return pack(septets, 160, 153), GSM7
	}
	var units [][]byte
	for _, r := range text {
		var unit []byte
		for _, u := range utf16.AppendRune(nil, r) {
			unit = binary.BigEndian.AppendUint16(unit, u)
		}
		units = append(units, unit)
	}
	return pack(units, 2*70, 2*67), UCS2
}

// septets are the codes of a text's characters; false when one is in neither table.
func septets(text string) ([][]byte, bool) {
	all := make([][]byte, 0, len(text))
	for _, r := range text {
		if c, ok := gsm[r]; ok {
			all = append(all, []byte{c})
		} else if c, ok := extension[r]; ok {
			all = append(all, []byte{escape, c})
		} else {
			return nil, false
		}
	}
	return all, true
}

// pack puts characters into one segment when they fit, into several shorter ones otherwise: their header takes the rest.
func pack(characters [][]byte, one, several int) [][]byte {
	size := 0
	for _, c := range characters {
		size += len(c)
	}
	limit := one
	if size > one {
		limit = several
	}
	var parts [][]byte
	for _, c := range characters {
		last := len(parts) - 1
		if last < 0 || len(parts[last])+len(c) > limit {
			parts = append(parts, nil)
			last++
		}
		parts[last] = append(parts[last], c...)
	}
	return parts
}
