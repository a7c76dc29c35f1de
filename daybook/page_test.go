package daybook

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var schema = Schema{Version: 3, Texts: 2, Numbers: 1}

func row(id string, rev int64, a, b string, n uint32) Row {
	return Row{ID: id, Rev: rev, Texts: []string{a, b}, Numbers: []uint32{n}}
}

// contents of a page, in the order of their texts.
func contents(p *Page) []string {
	all := []string{}
	for i := range p.Len() {
		all = append(all, fmt.Sprint(p.Texts[0][p.Text(i, 0)], " ", p.Texts[1][p.Text(i, 1)], " ", p.Number(i, 0)))
	}
	slices.Sort(all)
	return all
}

func patch(t *testing.T, p *Page, with ...Row) *Page {
	t.Helper()
	packed, err := schema.Patch(p, with)
	if err != nil {
		t.Fatal(err)
	}
	next, err := schema.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestSchema_Patch(t *testing.T) {
	t.Parallel()
	empty, err := schema.Open(nil)
	if err != nil || empty.Len() != 0 {
		t.Fatal(empty, err)
	}
	one := patch(t, empty, row("1", 1, "riyadh", "app", 7), row("2", 1, "", "phone", 1<<32-1), row("2", 2, "مكة", "phone", 8))
	two := patch(t, one, row("1", 2, "jeddah", "app", 9), row("3", 1, "jeddah", "app", 9))
	three := patch(t, two, row("1", 1, "old", "news", 0), row("3", 3, "", "visit", 1), row("3", 2, "old", "news", 0), row("2", 2, "مكة", "phone", 5))
	for i, c := range []struct {
		page *Page
		want []string
	}{
		{empty, []string{}},
		{one, []string{"riyadh app 7", "مكة phone 8"}},
		{two, []string{"jeddah app 9", "jeddah app 9", "مكة phone 8"}},
		{three, []string{" visit 1", "jeddah app 9", "مكة phone 5"}}, // of one rev the later one: it was read later
	} {
		if got := contents(c.page); !slices.Equal(got, c.want) {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
	if slices.Contains(two.Texts[0], "riyadh") {
		t.Errorf("a text that no row has is kept: %q", two.Texts)
	}
	if _, err := schema.Patch(empty, []Row{{ID: "5", Texts: []string{"one"}}}); err == nil {
		t.Error("a row of another form was taken")
	}
}

func TestSchema_Open_damaged(t *testing.T) {
	t.Parallel()
	empty, _ := schema.Open(nil)
	packed, err := schema.Patch(empty, []Row{row("1", 1, "riyadh", "app", 7), row("2", 1, "jeddah", "app", 7)})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(packed); n++ {
		if _, err := schema.Open(packed[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken for a page", n, len(packed))
		}
	}
	if _, err := (Schema{Version: 4, Texts: 2, Numbers: 1}).Open(packed); err == nil {
		t.Error("a page of another version was taken")
	}
}

func FuzzSchema_Open(f *testing.F) {
	empty, _ := schema.Open(nil)
	packed, _ := schema.Patch(empty, []Row{row("1", 1, "riyadh", "app", 7), row("2", 1, "jeddah", "app", 7)})
	f.Add(packed)
	f.Add([]byte{3, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := schema.Open(b)
		if err != nil {
			return
		}
		before := contents(p)
		again := patch(t, p)
		if !slices.Equal(contents(again), before) {
			t.Errorf("%q became %q", before, contents(again))
		}
	})
}

func BenchmarkPage_scan(b *testing.B) {
	s := Schema{Version: 1, Texts: 5, Numbers: 6}
	p, _ := s.Open(nil)
	var all []Row
	for i := range 100_000 {
		texts := make([]string, s.Texts)
		for c := range texts {
			texts[c] = fmt.Sprint("code-", rand.IntN(20))
		}
		all = append(all, Row{ID: fmt.Sprint(i), Texts: texts, Numbers: make([]uint32, s.Numbers)})
	}
	packed, err := s.Patch(p, all)
	if err != nil {
		b.Fatal(err)
	}
	if p, err = s.Open(packed); err != nil {
		b.Fatal(err)
	}
	var counts [20]int
	for b.Loop() {
		for i := range p.Len() {
			if p.Number(i, 2) == 0 {
				counts[p.Text(i, 3)]++
			}
		}
	}
	b.ReportMetric(float64(len(packed))/float64(p.Len()), "bytes/row")
}
