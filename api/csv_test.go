package api

import (
	"encoding/csv"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTable_CSV(t *testing.T) {
	t.Parallel()
	share := -0.25
	got, err := table{header: []string{"key", "name", "n"}, rows: [][]any{
		{"sa-01", "مركز منطقة الرياض", 3},
		{"=1+1", "+966", int64(-4)},
		{"-x", "@SUM(A1)", -0.5},
		{"\tx", "\rx", (*float64)(nil)},
		{"＝1", `a "quoted", cell`, &share},
		{"a=b", "", 0.0},
	}}.csv()
	if err != nil {
		t.Fatal(err)
	}
	want := "key,name,n\r\n" +
		"sa-01,مركز منطقة الرياض,3\r\n" +
		"'=1+1,'+966,-4\r\n" +
		"'-x,'@SUM(A1),-0.500000\r\n" +
		"'\tx,\"'x\",\r\n" + // the writer leaves a lone carriage return out of a CRLF file
		"'＝1,\"a \"\"quoted\"\", cell\",-0.250000\r\n" +
		"a=b,,0.000000\r\n"
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := (table{rows: [][]any{{true}}}).csv(); err == nil {
		t.Error("a cell of an unknown type was written")
	}
}

func FuzzTable_CSV(f *testing.F) {
	for _, s := range []string{"", "=cmd|' /C calc'!A0", "+", "-1", "@", "\t=1", "\r\n=1", "＝1", "نص", "a,b\"c\"\r\nd", "\xff="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := table{header: []string{"a", "b"}, rows: [][]any{{s, s}}}.csv()
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
		if err != nil {
			t.Fatalf("%q cannot be read back: %v", b, err)
		}
		if len(rows) != 2 || len(rows[1]) != 2 {
			t.Fatalf("%q became %d rows", s, len(rows))
		}
		if r, _ := utf8.DecodeRuneInString(rows[1][0]); rows[1][0] != "" && strings.ContainsRune(formulaStarts, r) {
			t.Fatalf("%q begins like a formula", rows[1][0])
		}
		if !strings.ContainsRune(s, '\r') && strings.TrimPrefix(rows[1][0], "'") != strings.TrimPrefix(s, "'") || !reflect.DeepEqual(rows[1][0], rows[1][1]) {
			t.Fatalf("%q came back as %q", s, rows[1])
		}
	})
}
