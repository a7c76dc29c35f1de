package sms

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const devTexts = 200

// Text that a Dev sender kept.
type Text struct {
	To   string    `json:"to"`
	Text string    `json:"text"`
	Code string    `json:"code,omitempty"` // when the text is a one-time code
	At   time.Time `json:"at"`
}

// Dev sends nothing: it logs texts and keeps the last 200 of them. It is for development only, because both show codes.
type Dev struct {
	Log *slog.Logger // nil for none
	Now func() time.Time

	mu    sync.Mutex
	texts []Text
}

// SendCode keeps a one-time code.
func (d *Dev) SendCode(ctx context.Context, phone, language, code string) error {
	return d.keep(ctx, Text{To: phone, Text: CodeText(language, code), Code: code})
}

// Send keeps a text.
func (d *Dev) Send(ctx context.Context, phone, text string) error {
	return d.keep(ctx, Text{To: phone, Text: text})
}

func (d *Dev) keep(ctx context.Context, t Text) error {
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
		d.Log.InfoContext(ctx, "sms (development)", "to", t.To, "text", t.Text)
	}
	return nil
}

// Texts are the last 200, the newest first.
func (d *Dev) Texts() []Text {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := slices.Clone(d.texts[max(0, len(d.texts)-devTexts):])
	slices.Reverse(last)
	return last
}
