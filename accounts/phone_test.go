package accounts

import (
	"strings"
	"testing"
)

func TestParsePhone(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"0512345678": "+966512345678", "512345678": "+966512345678", "٠٥١٢٣٤٥٦٧٨": "+966512345678", "۰۵۱۲۳۴۵۶۷۸": "+966512345678",
		"00966512345678": "+966512345678", "+966 51 234-5678": "+966512345678", "966512345678": "+966512345678", "٠٠٩٦٦٥١٢٣٤٥٦٧٨": "+966512345678",
		" \u202a+966512345678\u202c ": "+966512345678", "+92 300 1234567": "+923001234567", "+1 (202) 555-0143": "+12025550143",
		"0112345678": "+966112345678",
		"":           "", "05": "", "05123456789": "", "1-800-FLOWERS": "", "0512345678;ext=1": "", "0512345678 x5": "", "tel:0512345678": "",
		`{"$regex":"."}`: "", "0512345678\x00": "", "+999123456789": "", strings.Repeat("0", 1<<16): "", "\xff\xfe": "",
	} {
		if got, ok := ParsePhone(written); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", written, got, ok, want)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"0512345678", "٠٥١٢٣٤٥٦٧٨", "00966512345678", "+92 300 1234567", "+٩", "((", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, written string) {
		e164, ok := ParsePhone(written)
		if !ok {
			return
		}
		if len(e164) > 16 || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" {
			t.Fatalf("%q gives %q", written, e164)
		}
		if again, ok := ParsePhone(e164); !ok || again != e164 {
			t.Fatalf("%q gives %q gives %q", written, e164, again)
		}
	})
}

func FuzzSixDigits(f *testing.F) {
	for _, s := range []string{"123456", "١٢٣ ٤٥٦", "12345", "1234567", "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, written string) {
		if code, ok := sixDigits(written); ok && (len(code) != 6 || strings.Trim(code, "0123456789") != "") {
			t.Fatalf("%q gives %q", written, code)
		}
	})
}
