package api

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/fault"
)

// observe gives the request its id, language and address, survives a panic, and tells log and metrics what came of it. The log
// holds the operation and never a path, a query, a body or an address: those have personal data.
func (s *Server) observe(c *fiber.Ctx) (err error) {
	if in, ok := c.Locals(insideLocal).(*inside); ok {
		return in.serve(c)
	}
	began := time.Now()
	r := &request{id: hex16(rand.Uint64()), language: negotiate(c.Get(fiber.HeaderAcceptLanguage)), address: addressOf(c, s.TrustedProxies)}
	c.SetUserContext(context.WithValue(context.Background(), requestKey, r))
	c.Set(fiber.HeaderXRequestID, r.id)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	func() {
		defer func() {
			if p := recover(); p != nil {
				s.Log.Error("panic", "request", r.id, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				err = fault.Newf(fault.Internal, "panic")
			}
		}()
		err = c.Next()
	}()
	var f *fault.Error
	if err != nil {
		f = refuse(c, err)
		settle(c)
	}
	id := "none"
	switch op := c.Locals(operationLocal).(type) {
	case *operation:
		id = op.id
	case string: // a page, by its route
		id = op
	}
	took := time.Since(began)
	status := c.Response().StatusCode()
	s.Metrics.request(id, status, took)
	s.tell(c, r, f, id, status, took)
	return nil
}

func (s *Server) tell(c *fiber.Ctx, r *request, f *fault.Error, op string, status int, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
	case c.Method() == fiber.MethodGet && status < 400 && took < time.Second:
		level = slog.LevelDebug
	}
	if !s.Log.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("request", r.id), slog.String("operation", op), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000)}
	if r.actor.Kind != "" {
		attrs = append(attrs, slog.String("actor", string(r.actor.Kind)))
	}
	if f != nil {
		attrs = append(attrs, slog.String("code", string(f.Code)))
		if f.Cause != nil && status >= 500 {
			attrs = append(attrs, slog.String("cause", f.Cause.Error()))
		}
	}
	s.Log.LogAttrs(context.Background(), level, "request", attrs...)
}

// failed is for what goes wrong before observe: a request that is no HTTP, or headers that are too long.
func (s *Server) failed(c *fiber.Ctx, err error) {
	f := refuse(c, err)
	s.Metrics.request("none", c.Response().StatusCode(), 0)
	if f.Code == fault.Internal {
		s.Log.Error("request", "cause", err.Error())
	}
}
