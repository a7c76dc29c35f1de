package sms

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/balagh/balagh/push"
)

const devTexts = 5_000

// Text that a Dev sender kept.
type Text struct {
	To   string    `json:"to"`
	Text string    `json:"text"`
	Code string    `json:"code,omitempty"` // when the text is a one-time code
	At   time.Time `json:"at"`
}

// Dev sends nothing: it logs texts and keeps the last 5,000 of them. It is for development only, because both show codes. It is
// a push.Channel that takes everything.
type Dev struct {
	Log *slog.Logger // nil for none
	Now func() time.Time

	mu    sync.Mutex
	texts []Text
}

var _ push.Channel = (*Dev)(nil)

// SendCode keeps a one-time code.
func (d *Dev) SendCode(ctx context.Context, phone, language, code string) error {
	d.keep(ctx, Text{To: phone, Text: CodeText(language, code), Code: code})
	return nil
}

// Send keeps the text of a notice, which is known by the id of its delivery.
func (d *Dev) Send(ctx context.Context, n push.Notice) push.Outcome {
	if _, err := Number(n.To); err != nil {
		return push.Outcome{Answer: push.Refused, Reason: reasonNumber}
	}
	d.keep(ctx, Text{To: n.To, Text: n.Text.Body})
	return push.Outcome{Answer: push.Taken, Ref: n.Delivery}
}

func (d *Dev) keep(ctx context.Context, t Text) {
	now := time.Now
	if d.Now != nil {
		now = d.Now
	}
	d.mu.Lock()
	t.At = now().UTC()
	d.texts = append(d.texts, t)
	if len(d.texts) >= 2*devTexts {
		d.texts = slices.Clone(d.texts[len(d.texts)-devTexts:])
	}
	d.mu.Unlock()
	if d.Log != nil {
		d.Log.InfoContext(ctx, "sms (development)", "to", masked(t.To), "text", t.Text)
	}
}

// Texts are the last 5,000, the newest first.
func (d *Dev) Texts() []Text {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := slices.Clone(d.texts[max(0, len(d.texts)-devTexts):])
	slices.Reverse(last)
	return last
}

// masked is a number that a log may show.
func masked(phone string) string {
	return "…" + phone[max(0, len(phone)-3):]
}
