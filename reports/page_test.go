package reports

import (
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
)

func TestPage_Cursor(t *testing.T) {
	t.Parallel()
	m := Mark{At: time.UnixMilli(1772600000123).UTC(), ID: "01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10"}
	c := m.cursor(byReceived)
	if got, ok := parseCursor(c, byReceived); !ok || got != m {
		t.Errorf("got %+v, %v", got, ok)
	}
	for name, bad := range map[string]string{"empty": "", "no base64": "!", "padded": c + "=", "short": c[:8], "of another order": m.cursor(byDeadline),
		"of no time": Mark{ID: m.ID}.cursor(byReceived)} {
		if got, ok := parseCursor(bad, byReceived); ok {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
	var faults fault.Fields
	Page{Cursor: "x", Limit: 0}.validate(&faults, byReceived)
	if len(faults) != 2 {
		t.Errorf("faults %v", faults)
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Mark{At: time.UnixMilli(1772600000123), ID: "01936f0e-6a53-7c3e-9d0e-5b1f4a2c7d10"}.cursor(byReceived))
	f.Add("")
	f.Add(`{"$gt":""}`)
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := parseCursor(s, byReceived)
		if !ok {
			return
		}
		if again := m.cursor(byReceived); again != s {
			t.Errorf("%q is read like %q", s, again)
		}
		if m.ID == "" || m.At.Unix() < 0 || m.At.Year() > 2200 {
			t.Errorf("%q is read as %+v", s, m)
		}
	})
}
