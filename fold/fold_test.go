package fold

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"alef forms", "أحمد إحمد آحمد ٱحمد احمد", "احمد احمد احمد احمد احمد"},
		{"alef with a combining hamza", "ا\u0654حمد ا\u0653حمد", "احمد احمد"},
		{"ta marbuta", "مدرسة مدرسه", "مدرسه مدرسه"},
		{"alef maqsura", "مستشفى", "مستشفي"},
		{"hamza carriers", "مسؤول شاطئ", "مسوول شاطي"},
		{"lone hamza", "ماء ماءٌ", "ما ما"},
		{"diacritics", "مُحَمَّدٌ", "محمد"},
		{"tatweel", "مـــسـجد", "مسجد"},
		{"Quranic marks", "ٱلرَّحۡمَٰنِ ۖ ٱلرَّحِيمِۚ", "الرحمن الرحيم"},
		{"Arabic-Indic digits", "شارع ٢٠٣", "شارع 203"},
		{"Urdu digits", "گلی ۲۰۳", "گلي 203"},
		{"Urdu heh", "ہ ھ ۂ ۃ", "ه ه ه ه"},
		{"Urdu kaf and yeh", "کی", "كي"},
		{"presentation forms", "\ufee3\ufeb4\ufea0\ufeaa \ufefb", "مسجد لا"},
		{"a word in one rune", "\ufdf2 \ufdfa", "الله صلي الله عليه وسلم"},
		{"Latin", "King FAHD Café ﬁre", "king fahd cafe fire"},
		{"full width", "ＡＢ１２", "ab12"},
		{"punctuation", "  حفرة، كبيرة!!—قرب (المسجد) 50٪\n", "حفره كبيره قرب المسجد 50"},
		{"only punctuation", "؟!…", ""},
		{"invisible marks", "\u200fمس\u200cجد\u2069\ufeff", "مسجد"},
		{"zero-width space", "مسجد\u200bكبير", "مسجد كبير"},
		{"not UTF-8", "a\xffb", "a b"},
		{"NUL", "a\x00b", "a b"},
		{"other scripts keep their vowels", "हिन्दी 한국", "हिन्दी 한국"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%s: Text(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" ، ", nil},
		{"حُفرة كبيرة، حفره", []string{"حفره", "كبيره"}},
		{"a b c d e f g h i j", []string{"a", "b", "c", "d", "e", "f", "g", "h"}},
		{strings.Repeat("x ", 10) + "y", []string{"x", "y"}},
	} {
		if got := Terms(c.in); !slices.Equal(got, c.want) {
			t.Errorf("Terms(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func checkFolded(t interface{ Fatalf(string, ...any) }, s string) {
	f := Text(s)
	if again := Text(f); again != f {
		t.Fatalf("Text(%q) = %q, and of that %q", s, f, again)
	}
	if !utf8.ValidString(f) || strings.TrimSpace(f) != f || strings.Contains(f, "  ") {
		t.Fatalf("Text(%q) = %q is not tidy", s, f)
	}
}

func TestText_IsIdempotent(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune + 1) {
		checkFolded(t, string(r))
	}
	rapid.Check(t, func(t *rapid.T) {
		checkFolded(t, rapid.OneOf(
			rapid.String(),
			rapid.StringOf(rapid.RuneFrom(nil, unicode.Arabic, unicode.Mn, unicode.P, unicode.Nd)),
		).Draw(t, "s"))
	})
}

// A text and any part of it fold alike, rune by rune: so the fast way and the thorough one agree.
func TestText_JoinsAsItIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringOf(rapid.RuneFrom(nil, unicode.Arabic, unicode.Latin))).Draw(t, "words")
		var parts []string
		for _, w := range words {
			if f := Text(w); f != "" {
				parts = append(parts, f)
			}
		}
		if got, want := Text(strings.Join(words, " ")), strings.Join(parts, " "); got != want {
			t.Fatalf("%q, and word by word %q", got, want)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"أحمد ٢٠٣", "ﷺ", "ہھۂ", "a\xffb", "İstanbul", "\u0344\u1e9e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkFolded(t, s)
		terms := Terms(s)
		if len(terms) > maxTerms || slices.Contains(terms, "") {
			t.Fatalf("Terms(%q) = %q", s, terms)
		}
	})
}

func BenchmarkText(b *testing.B) {
	arabic := strings.Repeat("توجد حفرة كبيرة في الشارع العام أمام مدرسة ", 5)
	b.Run("arabic", func(b *testing.B) {
		s := string([]rune(arabic)[:200])
		b.ReportAllocs()
		for b.Loop() {
			Text(s)
		}
	})
	b.Run("english", func(b *testing.B) {
		s := strings.Repeat("A large hole in the road by the School. ", 5)
		b.ReportAllocs()
		for b.Loop() {
			Text(s)
		}
	})
	b.Run("presentation", func(b *testing.B) {
		s := strings.Repeat("\ufee3\ufeb4\ufea0\ufeaa ", 40)
		for b.Loop() {
			Text(s)
		}
	})
}
