package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
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
// it made the first time. Keeping the answer therefore need not delay it.
type idempotency struct {
	answers Answers
	now     func() time.Time
	log     *slog.Logger
	mu      sync.Mutex
	flight  map[string]*Answer // nil while it is being worked on, then until it is kept
	keeping sync.WaitGroup
}

func newIdempotency(a Answers, now func() time.Time, log *slog.Logger) *idempotency {
	return &idempotency{answers: a, now: now, log: log, flight: map[string]*Answer{}}
}

// scoped is the hash under which a caller's key is known: nobody meets another's.
func scoped(op *operation, r *request, key string) string {
	return event.Derive("idempotency", op.id, string(r.actor.Kind), r.actor.ID, key)
}

// begin claims key. It gives the answer of an earlier request, if there was one.
func (i *idempotency) begin(ctx context.Context, key string) (*Answer, error) {
	i.mu.Lock()
	kept, working := i.flight[key]
	if !working {
		i.flight[key] = nil
	}
	i.mu.Unlock()
	switch {
	case kept != nil:
		return kept, nil
	case working:
		return nil, fault.Later(fault.InFlight, time.Second)
	}
	b, err := i.answers.Answer(ctx, key)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil
	}
	i.forget(key)
	if err != nil {
		return nil, err
	}
	kept = new(Answer)
	if err := json.Unmarshal(b, kept); err != nil {
		return nil, fmt.Errorf("a kept answer: %w", err)
	}
	return kept, nil
}

func (i *idempotency) forget(key string) {
	i.mu.Lock()
	delete(i.flight, key)
	i.mu.Unlock()
}

// end keeps what a request that began was answered with, or lets go of its key when it failed.
func (i *idempotency) end(key, hash string, c *fiber.Ctx, failed bool) {
	status := c.Response().StatusCode()
	if failed || status < 200 || status > 299 {
		i.forget(key)
		return
	}
	a := &Answer{Request: hash, Status: status, Type: string(c.Response().Header.ContentType()),
		Location: string(c.Response().Header.Peek(fiber.HeaderLocation)), Body: bytes.Clone(c.Response().Body())}
	i.mu.Lock()
	i.flight[key] = a
	i.mu.Unlock()
	i.keeping.Go(func() {
		b, err := json.Marshal(a)
		if err == nil {
			err = i.answers.KeepAnswer(context.Background(), key, b, i.now())
		}
		if err != nil {
			i.log.Error("keep an answer", "error", err)
		}
		i.forget(key)
	})
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
	return c.Status(a.Status).Send(a.Body)
}

// hashOf is the hash of a body that was read whole: of its JSON value where it is JSON, so that spaces do not matter.
func hashOf(path string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(path))
	h.Write([]byte{0})
	if json.Valid(body) {
		var compact bytes.Buffer
		_ = json.Compact(&compact, body)
		h.Write(compact.Bytes())
	} else {
		h.Write(body)
	}
	return hex.EncodeToString(h.Sum(nil))
}
