package reports

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestNewNumber(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2000 {
		n, err := NewNumber(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !ValidNumber(n) {
			t.Fatalf("issued %q, which is not valid", n)
		}
		seen[n] = true
	}
	if len(seen) < 1999 { // two of 2,000 out of 900,000,000 meet about once in 450 runs, three practically never
		t.Errorf("2000 draws gave %d numbers", len(seen))
	}
}

func TestNewNumber_AFailingSourceIssuesNone(t *testing.T) {
	t.Parallel()
	broken := errors.New("no randomness")
	if n, err := NewNumber(iotest.ErrReader(broken)); n != "" || !errors.Is(err, broken) {
		t.Errorf("issued %q, %v", n, err)
	}
	if n, err := NewNumber(strings.NewReader("ab")); n != "" || err == nil {
		t.Errorf("issued %q, %v from a source that ends", n, err)
	}
}

func TestValidNumber_DetectsEveryWrongDigitAndEverySwap(t *testing.T) {
	t.Parallel()
	for range 200 {
		n, err := NewNumber(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(n) {
			for d := byte('0'); d <= '9'; d++ {
				wrong := []byte(n)
				wrong[i] = d
				if d != n[i] && ValidNumber(string(wrong)) {
					t.Errorf("%s passes for %s", wrong, n)
				}
			}
			if i > 0 && n[i] != n[i-1] {
				swapped := []byte(n)
				swapped[i], swapped[i-1] = n[i-1], n[i]
				if ValidNumber(string(swapped)) {
					t.Errorf("%s passes for %s", swapped, n)
				}
			}
		}
	}
}

// The quasigroup itself, for all states: what the sampling above could miss.
func TestDamm_IsTotallyAntiSymmetric(t *testing.T) {
	t.Parallel()
	for c := range damm {
		if damm[c][c] != 0 {
			t.Errorf("digit %d does not check itself", c)
		}
		for x := range damm {
			for y := range x {
				if damm[c][x] == damm[c][y] {
					t.Errorf("after %d, %d and %d look alike", c, x, y)
				}
				if damm[damm[c][x]][y] == damm[damm[c][y]][x] {
					t.Errorf("after %d, %d%d and %d%d look alike", c, x, y, y, x)
				}
			}
		}
	}
}

func TestParseNumber(t *testing.T) {
	t.Parallel()
	const number = "5724123492" // check digit worked out by hand: 572412349 → 2
	for _, c := range []struct{ name, in string }{
		{"plain", number},
		{"spaces and dashes", " 572-412 34–92\t"},
		{"no-break and thin spaces", "572\u00a0412\u20093492"},
		{"Arabic-Indic digits", "٥٧٢٤١٢٣٤٩٢"},
		{"Urdu digits", "۵۷۲۴۱۲۳۴۹۲"},
		{"mixed digits", "٥٧٢412۳۴٩٢"},
		{"isolates", "\u2066" + number + "\u2069"},
		{"marks of direction", "\u200f\u202b" + number + "\u202c\u061c"},
	} {
		if got, ok := ParseNumber(c.in); !ok || got != number {
			t.Errorf("%s: %q, %v", c.name, got, ok)
		}
	}
	for _, bad := range []string{
		"", "-", "572412349", "57241234929", "5724123493", "0000000000", "0724123492", "+5724123492", "572412349a", "#5724123492",
		"572412349२", "\xff5724123492", "x5724123492", strings.Repeat("1", 1000),
	} {
		if got, ok := ParseNumber(bad); ok || got != "" {
			t.Errorf("%q was read as %q", bad, got)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"5724123492", "٥٧٢٤-١٢٣٤ ٩٢", "\u2066۵۷۲۴۱۲۳۴۹۲\u2069", "0000000000", "\xff\xfe", "1e9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := ParseNumber(s)
		if ok != (n != "") || ok && !ValidNumber(n) {
			t.Fatalf("%q: %q, %v", s, n, ok)
		}
		if again, ok2 := ParseNumber(n); ok && (!ok2 || again != n) {
			t.Fatalf("%q became %q", n, again)
		}
		if ValidNumber(s) && n != s {
			t.Fatalf("%q is valid and was read as %q", s, n)
		}
	})
}
