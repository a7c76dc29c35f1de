package api

import (
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
)

func TestPeriodOf(t *testing.T) {
	t.Parallel()
	riyadh := time.FixedZone("Asia/Riyadh", 3*60*60)
	now := time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC) // already the 21st in Riyadh
	for name, c := range map[string]struct {
		first, last         string
		wantFirst, wantLast string
		from, to            string
	}{
		"both":      {"2026-10-01", "2026-10-31", "2026-10-01", "2026-10-31", "2026-09-30T21:00:00Z", "2026-10-31T21:00:00Z"},
		"one day":   {"2026-10-01", "2026-10-01", "2026-10-01", "2026-10-01", "2026-09-30T21:00:00Z", "2026-10-01T21:00:00Z"},
		"first":     {"2026-10-01", "", "2026-10-01", "2026-11-21", "2026-09-30T21:00:00Z", "2026-11-21T21:00:00Z"},
		"last":      {"", "2026-10-31", "2025-11-01", "2026-10-31", "2025-10-31T21:00:00Z", "2026-10-31T21:00:00Z"},
		"neither":   {"", "", "2025-11-22", "2026-11-21", "2025-11-21T21:00:00Z", "2026-11-21T21:00:00Z"},
		"leap year": {"2028-02-29", "2028-02-29", "2028-02-29", "2028-02-29", "2028-02-28T21:00:00Z", "2028-02-29T21:00:00Z"},
	} {
		got, err := periodOf(optional(c.first), optional(c.last), now, riyadh)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.first != c.wantFirst || got.last != c.wantLast || got.from.Format(time.RFC3339) != c.from || got.to.Format(time.RFC3339) != c.to {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for want, c := range map[string][2]string{
		"validation_failed: from wrong_format":                  {"2026-02-30", "2026-10-01"},
		"validation_failed: to wrong_format":                    {"2026-02-01", "2026-13-01"},
		"validation_failed: to wrong_format, from wrong_format": {"yesterday", "2026-11-31"},
		"validation_failed: to contradictory":                   {"2026-10-02", "2026-10-01"},
	} {
		if _, err := periodOf(optional(c[0]), optional(c[1]), now, riyadh); fault.CodeOf(err) != fault.Invalid || err.Error() != want {
			t.Errorf("%v: %v, want %s", c, err, want)
		}
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
