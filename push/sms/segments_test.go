package sms

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestSegments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		n          int
		encoding   string
	}{
		{"nothing", "", 0, GSM7},
		{"one character", "a", 1, GSM7},
		{"160", strings.Repeat("a", 160), 1, GSM7},
		{"161", strings.Repeat("a", 161), 2, GSM7},
		{"two full", strings.Repeat("a", 306), 2, GSM7},
		{"one more than two full", strings.Repeat("a", 307), 3, GSM7},
		{"Greek and accents of the alphabet", strings.Repeat("Δé@ñ", 40), 1, GSM7},
		{"80 extended", strings.Repeat("€", 80), 1, GSM7},
		{"81 extended", strings.Repeat("€", 81), 2, GSM7},
		{"extended at the edge of one", strings.Repeat("a", 159) + "{", 2, GSM7},
		{"extended at the edge of a part", strings.Repeat("a", 152) + "[" + strings.Repeat("a", 152), 3, GSM7},
		{"extended before the edge of a part", strings.Repeat("a", 151) + "[" + strings.Repeat("a", 153), 2, GSM7},
		{"all that is extended", "\f^{}\\[~]|€", 1, GSM7},
		{"an escape is no character", "\x1b", 1, UCS2},
		{"a back-tick is not of the alphabet", "`", 1, UCS2},
		{"ç is not, Ç is", "ç", 1, UCS2},
		{"70 Arabic", strings.Repeat("ب", 70), 1, UCS2},
		{"71 Arabic", strings.Repeat("ب", 71), 2, UCS2},
		{"two full Arabic", strings.Repeat("ب", 134), 2, UCS2},
		{"one more", strings.Repeat("ب", 135), 3, UCS2},
		{"one Arabic letter makes it all UCS-2", strings.Repeat("a", 70) + "ب", 2, UCS2},
		{"35 emoji", strings.Repeat("🕌", 35), 1, UCS2},
		{"36 emoji", strings.Repeat("🕌", 36), 2, UCS2},
		{"66 in two, for none is cut", strings.Repeat("🕌", 66), 2, UCS2},
		{"67 in three", strings.Repeat("🕌", 67), 3, UCS2},
		{"no UTF-8", "\xff", 1, UCS2},
	} {
		if n, e := Segments(c.text); n != c.n || e != c.encoding {
			t.Errorf("%s: %d %s, want %d %s", c.name, n, e, c.n, c.encoding)
		}
	}
}

func TestGSM_table(t *testing.T) {
	t.Parallel()
	if len(gsm) != 127 { // 128 places, one of which is the escape
		t.Errorf("%d characters", len(gsm))
	}
	for r, want := range map[rune]byte{'@': 0, '\n': 10, '\r': 13, '_': 0x11, 'Ξ': 0x1a, 'É': 0x1f, ' ': 0x20, '¤': 0x24, '0': '0', '¡': 0x40, 'A': 'A', 'Ä': 0x5b,
		'§': 0x5f, '¿': 0x60, 'a': 'a', 'ä': 0x7b, 'à': 0x7f} {
		if gsm[r] != want {
			t.Errorf("%q is %#x, want %#x", r, gsm[r], want)
		}
	}
}

// joined puts segments together again.
func joined(parts [][]byte, encoding string) string {
	all := bytes.Join(parts, nil)
	if encoding == UCS2 {
		var units []uint16
		for i := 0; i+1 < len(all); i += 2 {
			units = append(units, uint16(all[i])<<8|uint16(all[i+1]))
		}
		return string(utf16.Decode(units))
	}
	plain, extended := map[byte]rune{}, map[byte]rune{}
	for r, c := range gsm {
		plain[c] = r
	}
	for r, c := range extension {
		extended[c] = r
	}
	var b strings.Builder
	for i := 0; i < len(all); i++ {
		if all[i] != escape {
			b.WriteRune(plain[all[i]])
			continue
		}
		i++
		b.WriteRune(extended[all[i]])
	}
	return b.String()
}

func FuzzSegments(f *testing.F) {
	for _, s := range []string{"", "hello", strings.Repeat("€", 81), strings.Repeat("🕌ب", 40), "\xff\x1b`", strings.Repeat("a", 152) + "[b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, encoding := segment(s)
		one, several := 160, 153
		if encoding == UCS2 {
			one, several = 140, 134
		}
		for i, p := range parts {
			if len(p) == 0 || len(parts) == 1 && len(p) > one || len(parts) > 1 && len(p) > several {
				t.Errorf("part %d of %d has %d octets", i, len(parts), len(p))
			}
			if encoding == GSM7 && p[len(p)-1] == escape {
				t.Error("an extended character is split")
			}
			if u := uint16(p[0]) << 8; encoding == UCS2 && u >= 0xdc00 && u < 0xe000 {
				t.Error("a surrogate pair is split")
			}
		}
		if utf8.ValidString(s) && joined(parts, encoding) != s {
			t.Errorf("%q came back as %q", s, joined(parts, encoding))
		}
	})
}
