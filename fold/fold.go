// Package fold makes texts comparable that people write differently and mean alike, for search in Arabic, Urdu and English.
//
// It knows letters and digits alone: not what is searched, nor how.
package fold

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxTerms of a query are looked for; more narrow nothing down and cost time.
const maxTerms = 8

// Entries of the table that stand for no rune. NUL cannot come out of folding, as it is a control character.
const (
	dropped  = 0
	spelled  = 1 // has a compatibility decomposition of several runes
	tableEnd = 0x0700
)

// folded maps the runes of Latin, Greek, Cyrillic, Hebrew and Arabic, so nearly all of them, at the cost of one look-up.
var folded = func() (table [tableEnd]uint16) {
	for r := range rune(tableEnd) {
		switch d := norm.NFKD.PropertiesString(string(r)).Decomposition(); {
		case d == nil:
			table[r] = uint16(foldRune(r))
		default:
			table[r] = spelled
		}
	}
	// One letter and a mark that is dropped: what most decompositions come down to.
	for r := range rune(tableEnd) {
		if table[r] != spelled {
			continue
		}
		if out := foldDecomposed(nil, norm.NFKD.PropertiesString(string(r)).Decomposition()); utf8.RuneCount(out) == 1 {
			one, _ := utf8.DecodeRune(out)
			table[r] = uint16(one)
		}
	}
	return table
}()

// Text is the form of s in which it is stored for search and looked for, so that what people write differently and mean
// alike is the same: alef and hamza in all their forms, ta marbuta and heh, alef maqsura and yeh, the letters that Arabic
// and Urdu keyboards encode differently, digits, capital letters, presentation forms (NFKD). Diacritics, tatweel, Quranic
// marks and invisible characters fall away; whatever is neither letter nor digit is a space, and one space parts words.
// Folding what is folded changes nothing.
func Text(s string) string {
	var b []byte
	if len(s) > 0 {
		b = make([]byte, 0, len(s)+8)
	}
	for i, r := range s {
		if r < tableEnd {
			switch f := folded[r]; f {
			case dropped:
				continue
			case spelled:
			default:
				b = appendFolded(b, rune(f))
				continue
			}
		}
		if d := norm.NFKD.PropertiesString(s[i:]).Decomposition(); d != nil {
			b = foldDecomposed(b, d)
		} else {
			b = appendFolded(b, foldRune(r))
		}
	}
	if n := len(b); n > 0 && b[n-1] == ' ' {
		b = b[:n-1]
	}
	return string(b)
}

// Terms splits a query into at most eight distinct folded terms, in their order.
func Terms(query string) []string {
	var terms []string
	for term := range strings.FieldsSeq(Text(query)) {
		if !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
		if len(terms) == maxTerms {
			break
		}
	}
	return terms
}

func foldDecomposed(b, decomposition []byte) []byte {
	for _, r := range string(decomposition) {
		b = appendFolded(b, foldRune(r))
	}
	return b
}

// appendFolded adds a rune that foldRune gave, and no space at the beginning or after another.
func appendFolded(b []byte, r rune) []byte {
	switch {
	case r == dropped:
		return b
	case r == ' ':
		if len(b) == 0 || b[len(b)-1] == ' ' {
			return b
		}
		return append(b, ' ')
	case r < utf8.RuneSelf:
		return append(b, byte(r))
	case r < tableEnd: // two bytes: nearly every rune of an Arabic text
		return append(b, 0xC0|byte(r>>6), 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(b, r)
}

// letters that are written for one another; what Unicode decomposes (أ ؤ ئ ۂ …) is not listed.
var letters = map[rune]rune{
	'ٱ': 'ا', 'ٲ': 'ا', 'ٳ': 'ا', // wasla, wavy hamza
	'ة': 'ه', 'ۃ': 'ه', 'ہ': 'ه', 'ھ': 'ه', 'ە': 'ه',
	'ى': 'ي', 'ی': 'ي',
	'ک': 'ك', 'ڪ': 'ك',
	'ء': dropped, 'ٴ': dropped, 'ـ': dropped, // lone and high hamza, tatweel
}

// foldRune folds a rune that has no decomposition: dropped, ' ', or one rune.
func foldRune(r rune) rune {
	if to, ok := letters[r]; ok {
		return to
	}
	if d, ok := Digit(r); ok {
		return rune(d)
	}
	switch {
	case diacritic(r), unicode.Is(unicode.Cf, r) && r != '\u200b': // invisible, save the zero-width space
		return dropped
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
		return unicode.ToLower(r)
	}
	return ' '
}

// diacritic reports whether r is an accent, a vowel sign of Arabic or a Quranic mark. Vowel signs of other scripts stay:
// they are not optional there.
func diacritic(r rune) bool {
	switch {
	case r >= 0x0300 && r <= 0x036F:
		return true
	case r >= 0x0600 && r <= 0x06FF, r >= 0x0890 && r <= 0x08FF, r >= 0x10EC0 && r <= 0x10EFF:
		return unicode.Is(unicode.Mn, r) || r == 0x06E5 || r == 0x06E6 // small waw and yeh count as letters
	case r >= 0xFE00 && r <= 0xFE0F: // variation selectors
		return true
	}
	return false
}

// Digit is the ASCII form of an ASCII, Arabic-Indic, or Urdu and Persian digit.
func Digit(r rune) (byte, bool) {
	switch {
	case r >= '0' && r <= '9':
		return byte(r), true
	case r >= '٠' && r <= '٩':
		return byte(r - '٠' + '0'), true
	case r >= '۰' && r <= '۹':
		return byte(r - '۰' + '0'), true
	}
	return 0, false
}
