package api

import (
	"testing"

	"github.com/balagh/balagh/fault"
)

func TestRevisionOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header string
		rev    int64 // 0 for any
		code   fault.Code
	}{
		{header: `"7"`, rev: 7}, {header: ` "7" `, rev: 7}, {header: "*"},
		{header: "7", code: fault.PreconditionFailed}, {header: `W/"7"`, code: fault.PreconditionFailed},
		{header: `""`, code: fault.PreconditionFailed}, {header: `"`, code: fault.PreconditionFailed}, {header: `"x"`, code: fault.PreconditionFailed},
	} {
		rev, err := revisionOf(&c.header)
		if fault.CodeOf(err) != c.code || (rev != nil) != (c.rev != 0) || rev != nil && *rev != c.rev {
			t.Errorf("%s: %v, %v", c.header, rev, err)
		}
	}
	if rev, err := revisionOf(nil); rev != nil || err != nil {
		t.Errorf("without a header: %v, %v", rev, err)
	}
	if tag := revisionTag(7); *tag != `"7"` {
		t.Error(*tag)
	}
}

func FuzzAfterOf(f *testing.F) {
	f.Add("")
	f.Add(*cursorOf("0190f0a0-0000-7000-8000-000000000000"))
	f.Fuzz(func(t *testing.T, cursor string) {
		place, err := afterOf(&cursor)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		if again, err := afterOf(cursorOf(place)); err != nil || again != place {
			t.Fatalf("%q: %q, %v", cursor, again, err)
		}
	})
}
