package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
)

const (
	idempotencyHeader = "Idempotency-Key"
	replayedHeader    = "Idempotency-Replayed"
	answersKept       = 7 * 24 * time.Hour
)

// Answer is what a creating request was answered with, kept so that the same request gets the same answer again.
type Answer struct {
	Request  string `json:"request"` // hash of what was asked
	Status   int    `json:"status"`
	Type     string `json:"type"` // Content-Type
	Location string `json:"location,omitempty"`
	Tag      string `json:"tag,omitempty"` // ETag
	Body     []byte `json:"body"`
}

// Answers keeps them for seven days.
type Answers interface {
	// Answer gives the answer kept under key, or fault.NotFound.
	Answer(ctx context.Context, key string) ([]byte, error)
	// KeepAnswer keeps one; under a key that has one already it keeps that one.
	KeepAnswer(ctx context.Context, key string, answer []byte, at time.Time) error
	// SweepAnswers removes those from before a moment.
	SweepAnswers(ctx context.Context, before time.Time) error
}

// idempotency makes a request that is sent twice happen once.
//
// Three things together do it. In this process a second request with the key of one that is being worked on is refused with
// InFlight. An answered one is answered again from the store. And the ids of what is created derive from the key, so that
// a request whose answer was not kept (a crash between the two writes, another process at the same moment) finds what
// it made the first time. Filing a report needs no more than that: the report itself tells what was asked and answered.
type idempotency struct {
	answers Answers
	now     func() time.Time
	mu      sync.Mutex
	flight  map[string]bool // keys that are being worked on
}

// scoped is the hash under which a caller's key is known: nobody meets another's.
func scoped(op *operation, r *request, key string) string {
	return event.Derive("idempotency", op.id, string(r.actor.Kind), r.actor.ID, key)
}

// claim takes a key for one request; release gives it back.
func (i *idempotency) claim(key string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.flight[key] {
		return fault.Later(fault.InFlight, time.Second)
	}
	i.flight[key] = true
	return nil
}

func (i *idempotency) release(key string) {
	i.mu.Lock()
	delete(i.flight, key)
	i.mu.Unlock()
}

// kept is the answer of an earlier request with that key, nil when there was none.
func (i *idempotency) kept(ctx context.Context, key string) (*Answer, error) {
	b, err := i.answers.Answer(ctx, key)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := new(Answer)
	if err := json.Unmarshal(b, a); err != nil {
		return nil, fmt.Errorf("a kept answer: %w", err)
	}
	return a, nil
}

// keep stores what a request was answered with.
func (i *idempotency) keep(ctx context.Context, key, hash string, c *fiber.Ctx) error {
	b, err := json.Marshal(Answer{Request: hash, Status: c.Response().StatusCode(), Type: string(c.Response().Header.ContentType()),
		Location: string(c.Response().Header.Peek(fiber.HeaderLocation)), Tag: string(c.Response().Header.Peek(fiber.HeaderETag)),
		Body: c.Response().Body()})
	if err != nil {
		return err
	}
	return i.answers.KeepAnswer(ctx, key, b, i.now())
}

// replay answers as before, when the same was asked.
func replay(c *fiber.Ctx, a *Answer, hash string) error {
	if a.Request != hash {
		return fault.New(fault.KeyReused)
	}
	c.Set(replayedHeader, "true")
	c.Set(fiber.HeaderContentType, a.Type)
	if a.Location != "" {
		c.Set(fiber.HeaderLocation, a.Location)
	}
	if a.Tag != "" {
		c.Set(fiber.HeaderETag, a.Tag)
	}
	return c.Status(a.Status).Send(a.Body)
}

// hashOf is the hash of what was asked: of the body as it came, since a phone that tries again sends the same bytes.
func hashOf(path string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(path))
	h.Write([]byte{0})
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}
