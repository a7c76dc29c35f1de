package api

import (
	"strings"
	"testing"
)

func TestRenderedRounds(t *testing.T) {
	t.Parallel()
	var x renderedRounds
	of := func(mark string, share int) *renderedFigures {
		return &renderedFigures{mark: mark, body: make([]byte, renderedBytes/share)}
	}
	a, b := of("a", 3), of("b", 3)
	x.keep(a)
	x.keep(b)
	x.keep(of("b", 3)) // by another request at the same time
	x.keep(of("", 3))
	x.keep(&renderedFigures{mark: "huge", body: make([]byte, renderedBytes+1)})
	if x.of("a") != a || x.of("b") != b || x.of("") != nil || x.of("huge") != nil {
		t.Error("what is settled is not kept, or what moves or is too much is")
	}
	x.of("a")
	x.keep(of("c", 2))
	if x.of("a") != a || x.of("b") != nil || x.of("c") == nil {
		t.Error("not what nobody asked for the longest time was forgotten")
	}
	var marks []string
	total := 0
	for _, f := range x.kept {
		marks, total = append(marks, f.mark), total+len(f.body)
	}
	if total != x.bytes || total > renderedBytes {
		t.Errorf("%d bytes of %s, counted as %d", total, strings.Join(marks, ", "), x.bytes)
	}
}
