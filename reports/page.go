package reports

import (
	"encoding/base64"
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
)

// MaxPage is the most that one page of a list holds.
const MaxPage = 100

// Page is a part of a list: Limit from 1 to MaxPage, Cursor "" for the beginning.
type Page struct {
	Cursor string
	Limit  int
}

// The orders that a cursor can belong to: one of a list in another order is refused.
const (
	byReceived byte = iota + 1
	byDeadline
)

// validate gives the place after which the page begins.
func (p Page) validate(faults *fault.Fields, order byte) Mark {
	if p.Limit < 1 || p.Limit > MaxPage {
		faults.Add("limit", fault.OutOfRange)
	}
	if p.Cursor == "" {
		return Mark{}
	}
	m, ok := parseCursor(p.Cursor, order)
	if !ok {
		faults.Add("cursor", fault.WrongFormat)
	}
	return m
}

// cut makes a page of up to limit items out of one more, and the cursor of the next.
func cut(items []Summary, limit int, order byte) ([]Summary, string) {
	if len(items) <= limit {
		return items, ""
	}
	items = items[:limit]
	last := items[limit-1]
	m := Mark{At: last.ReceivedAt, ID: last.ID}
	if order == byDeadline {
		m.At = last.Deadline
	}
	return items, m.cursor(order)
}

func (m Mark) cursor(order byte) string {
	b := binary.BigEndian.AppendUint64([]byte{order}, uint64(m.At.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(b, m.ID...))
}

func parseCursor(s string, order byte) (Mark, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) < 10 || len(b) > 9+64 || b[0] != order || !utf8.Valid(b[9:]) {
		return Mark{}, false
	}
	ms := int64(binary.BigEndian.Uint64(b[1:]))
	if ms <= 0 || ms >= 1<<42 {
		return Mark{}, false
	}
	return Mark{At: time.UnixMilli(ms).UTC(), ID: string(b[9:])}, true
}
