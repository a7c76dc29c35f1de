package reports

import (
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"unicode"

	"github.com/balagh/balagh/fold"
)

// damm is the totally anti-symmetric quasigroup of order 10 of H. Michael Damm, "Total anti-symmetrische Quasigruppen",
// Marburg 2004: its check digit detects every wrong digit and every two neighbours that changed places.
var damm = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

// check is the Damm digit of a string of ASCII digits; of one that ends with its own check digit it is 0.
func check(digits string) byte {
	var state byte
	for i := range len(digits) {
		state = damm[state][digits[i]-'0']
	}
	return state
}

// NewNumber draws a report number: ten digits, the first not 0, the last a Damm check digit. The number is random (all
// 900,000,000 equally likely), so that nobody can count or guess reports; the store keeps it unique. A source of randomness
// that fails issues none.
func NewNumber(source io.Reader) (string, error) {
	n, err := rand.Int(source, big.NewInt(900_000_000))
	if err != nil {
		return "", fmt.Errorf("draw a report number: %w", err)
	}
	digits := strconv.FormatInt(n.Int64()+100_000_000, 10)
	return digits + string('0'+rune(check(digits))), nil
}

// ValidNumber reports whether s is a report number: ten ASCII digits, the first not 0, whose check digit is right.
func ValidNumber(s string) bool {
	if len(s) != 10 || s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return check(s) == 0
}

// ParseNumber reads a report number as people type and copy it: with spaces and dashes, Arabic-Indic (٠–٩) or Urdu and
// Persian (۰–۹) digits, and the invisible marks of direction that copying from a text brings along. It returns the plain
// form, and false for what is not a valid number.
func ParseNumber(s string) (string, bool) {
	var plain [10]byte
	n := 0
	for _, r := range s {
		d, isDigit := fold.Digit(r)
		switch {
		case isDigit && n == len(plain):
			return "", false
		case isDigit:
			plain[n] = d
			n++
		case !unicode.IsSpace(r) && !unicode.In(r, unicode.Pd, unicode.Cf) && r != '\u2212': // minus
			return "", false
		}
	}
	number := string(plain[:n])
	if !ValidNumber(number) {
		return "", false
	}
	return number, true
}
