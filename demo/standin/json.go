package standin

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// The functions here read JSON that json.Valid has passed, in place: at thousands of requests a second, maps of decoded values
// cost more than everything else that the stand-in does.

var null = []byte("null")

// absent says whether a value is missing or null, which FCM takes for the same.
func absent(raw []byte) bool { return len(raw) == 0 || bytes.Equal(raw, null) }

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

// text is a string's value; not ok when raw is something else. Absent is "".
func text(raw []byte) (s string, ok bool) {
	if absent(raw) {
		return "", true
	}
	if raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1]), true
	}
	err := json.Unmarshal(raw, &s) // escapes, and what is no UTF-8
	return s, err == nil
}

// texts says whether raw is an object of strings, or absent.
func texts(raw []byte) bool {
	if absent(raw) {
		return true
	}
	return isObject(raw) && each(raw, func(_, value []byte) bool { return absent(value) || value[0] == '"' })
}

// each calls f with the fields of an object until it returns false; it returns what the last f did. A name comes with its quotes.
func each(object []byte, f func(name, value []byte) bool) bool {
	for i := space(object, 1); object[i] != '}'; {
		end := skip(object, i)
		name := object[i:end]
		i = space(object, end)
		i = space(object, i+1) // the colon
		end = skip(object, i)
		if !f(name, object[i:end]) {
			return false
		}
		if i = space(object, end); object[i] == ',' {
			i = space(object, i+1)
		}
	}
	return true
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skip is where the value that begins at i ends.
func skip(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // of the object around a number, true, false or null
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}
