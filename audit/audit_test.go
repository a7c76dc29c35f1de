package audit

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/balagh/balagh/fault"
)

func TestPack(t *testing.T) {
	t.Parallel()
	area := bytes.Repeat([]byte(`[46.6753,24.7136],`), 100_000)
	packed := pack(area)
	if len(packed) > len(area)/4 {
		t.Errorf("%d bytes of %d", len(packed), len(area))
	}
	for _, b := range [][]byte{nil, []byte(`{"a":1}`), area} {
		if back, err := unpack(pack(b)); err != nil || !bytes.Equal(back, b) || (back == nil) != (b == nil) {
			t.Errorf("%d bytes came back as %d: %v", len(b), len(back), err)
		}
	}
	if _, err := unpack([]byte("no")); err == nil {
		t.Error("what is damaged was unpacked")
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte("2026-11-21T05:00:00.001Z 01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10")))
	f.Add(base64.RawURLEncoding.EncodeToString([]byte("-1 x")))
	f.Fuzz(func(t *testing.T, cursor string) {
		m, err := parseCursor(cursor)
		if err != nil && fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v", cursor, err)
		}
		if err == nil && cursor != "" && (m.ID == "" || m.At.IsZero()) {
			t.Errorf("%q: %+v", cursor, m)
		}
	})
}
