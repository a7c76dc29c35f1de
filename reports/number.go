package reports

import "io"

// NewNumber draws a report number: ten digits, the first not 0, the last a Damm check digit. The number is random, so that
// nobody can count or guess reports; the store keeps it unique. A failing source of randomness issues none.
func NewNumber(source io.Reader) (string, error) { panic("being written") }

// ValidNumber reports whether s is a report number: ten ASCII digits, the first not 0, whose check digit is right.
func ValidNumber(s string) bool { panic("being written") }

// ParseNumber reads a report number as people type and copy it.
func ParseNumber(s string) (string, bool) { panic("being written") }
