package accounts

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const (
	homeRegion   = "SA"
	homeDialCode = 966
)

// ParsePhone gives the E.164 form of a number as people write it: "0512345678", "٠٥١٢٣٤٥٦٧٨", "00966 51 234 5678",
// "+92 300 1234567". A number without a country is a Saudi one. ok is false when no such number can exist.
func ParsePhone(written string) (e164 string, ok bool) {
	n, ok := parsePhone(written)
	if !ok {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

func parsePhone(written string) (*phonenumbers.PhoneNumber, bool) {
	if len(written) > 64 {
		return nil, false
	}
	strange := false
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', strings.ContainsRune("+ -().", r):
			return r
		case r == '\u200e' || r == '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			return -1 // direction marks come along when a number is copied out of Arabic text
		}
		if d := digit(r); d != r {
			return d
		}
		strange = true
		return r
	}, strings.TrimSpace(written))
	if strange {
		return nil, false
	}
	n, err := phonenumbers.Parse(plain, homeRegion)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return nil, false
	}
	return n, true
}

// textable reports whether a number may get text messages: landlines do not, and premium numbers cost.
func textable(n *phonenumbers.PhoneNumber) bool {
	t := phonenumbers.GetNumberType(n)
	return t == phonenumbers.MOBILE || t == phonenumbers.FIXED_LINE_OR_MOBILE
}

// digit makes an ASCII digit of an Arabic-Indic (٠) or Urdu (۰) one.
func digit(r rune) rune {
	switch {
	case r >= '٠' && r <= '٩':
		return r - '٠' + '0'
	case r >= '۰' && r <= '۹':
		return r - '۰' + '0'
	}
	return r
}
