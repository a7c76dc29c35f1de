package api

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
)

const (
	requestTime = 15 * time.Second // of a request without files
	uploadTime  = 5 * time.Minute  // of one with files, on a bad network
)

const (
	operationLocal = "operation"
	appCheckHeader = "X-Firebase-AppCheck"
)

// guard stands before the handler of an operation. What it refuses never reaches a service.
func (s *Server) guard(op *operation) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if c.Locals(operationLocal) != nil { // a route with a parameter that fits as well
			return c.Next()
		}
		c.Locals(operationLocal, op)
		limit := requestTime
		if op.streams && !strings.HasPrefix(c.Get(fiber.HeaderContentType), jsonCT) {
			limit = uploadTime
		}
		ctx, cancel := context.WithTimeout(c.UserContext(), limit)
		defer cancel()
		c.SetUserContext(ctx)
		if err := s.admit(c, op); err != nil {
			return err
		}
		if op.idempotent && c.Get(idempotencyHeader) != "" {
			if err := s.once(c, op); err != nil {
				return err
			}
		} else if err := s.proceed(c, op); err != nil {
			return err
		}
		return tag(c, op)
	}
}

// admit checks application, caller and input, in this order.
func (s *Server) admit(c *fiber.Ctx, op *operation) error {
	if s.MinAppVersion != "" && older(c.Get("X-App-Version"), s.MinAppVersion) {
		return fault.New(fault.UpgradeNeeded)
	}
	r := of(c.UserContext())
	if header := c.Get(fiber.HeaderAuthorization); header != "" && !op.tokenless {
		token, ok := strings.CutPrefix(header, "Bearer ")
		if !ok {
			return fault.New(fault.Unauthenticated)
		}
		a, err := s.Accounts.Verify(c.UserContext(), token)
		if err != nil {
			return err
		}
		r.actor = a
	}
	if !op.allows(r.actor) {
		if r.actor.Kind == actor.Nobody {
			return fault.New(fault.Unauthenticated)
		}
		return fault.New(fault.Forbidden)
	}
	if err := op.parameters(c); err != nil {
		return err
	}
	if !op.streams {
		if err := op.readBody(c); err != nil {
			return err
		}
	}
	return s.attest(c, op)
}

// attest demands proof that the app is genuine, where that is configured. Who signs in with a password sits at a browser, and who renews
// has shown it at the beginning.
func (s *Server) attest(c *fiber.Ctx, op *operation) error {
	if s.AppCheck == nil || !op.appCheck {
		return nil
	}
	if op.id == signIn {
		var b struct {
			Grant gen.TokenRequestGrantType `json:"grant_type"`
		}
		if err := json.Unmarshal(c.Body(), &b); err != nil {
			return fault.Newf(fault.Malformed, "not JSON")
		}
		if b.Grant != gen.TokenRequestGrantTypeOtp {
			return nil
		}
	}
	err := s.AppCheck(c.UserContext(), c.Get(appCheckHeader))
	if fault.CodeOf(err) == fault.Unauthenticated {
		return fault.Newf(fault.AppCheckRefused, "App Check: %w", err)
	}
	return err
}

// once runs the handler for a key that was not answered yet, and answers again for one that was.
func (s *Server) once(c *fiber.Ctx, op *operation) error {
	ctx := c.UserContext()
	r := of(ctx)
	r.key = scoped(op, r, c.Get(idempotencyHeader))
	r.actor.Request = r.key
	if err := s.idempotency.claim(r.key); err != nil {
		return err
	}
	defer s.idempotency.release(r.key)
	if op.id == filing { // finds by itself what was filed before
		return c.Next()
	}
	kept, err := s.idempotency.kept(ctx, r.key)
	if err != nil {
		return err
	}
	if op.streams {
		r.kept = kept // the handler knows what was asked only after it has read the body
	} else if r.asked = hashOf(c.Path(), c.Body()); kept != nil {
		return replay(c, kept, r.asked)
	}
	if err := s.proceed(c, op); err != nil || kept != nil || c.Response().StatusCode()/100 != 2 {
		return err
	}
	if err := s.idempotency.keep(context.WithoutCancel(ctx), r.key, r.asked, c); err != nil {
		s.Log.Error("keep an answer", "request", r.id, "error", err) // what was done is done, and is told
	}
	return nil
}

// tag gives what is read its language and an ETag, and answers 304 when the caller has it already. What is changed gets those of the
// two that the contract promises: the ETag is the one under which it is read next.
func tag(c *fiber.Ctx, op *operation) error {
	if c.Response().StatusCode()/100 != 2 || c.Response().IsBodyStream() {
		return nil
	}
	if m := c.Method(); m != fiber.MethodGet && m != fiber.MethodHead {
		if op.worded {
			c.Set(fiber.HeaderContentLanguage, languageOf(c.UserContext()))
		}
		if op.tagged && len(c.Response().Header.Peek(fiber.HeaderETag)) == 0 {
			c.Set(fiber.HeaderETag, bodyTag(c))
		}
		return nil
	}
	if c.Response().StatusCode() != fiber.StatusOK {
		return nil
	}
	c.Set(fiber.HeaderContentLanguage, languageOf(c.UserContext()))
	c.Vary(fiber.HeaderAcceptLanguage, fiber.HeaderAuthorization)
	if len(c.Response().Header.Peek(fiber.HeaderCacheControl)) == 0 {
		c.Set(fiber.HeaderCacheControl, "private, no-cache")
	}
	etag := string(c.Response().Header.Peek(fiber.HeaderETag))
	if etag == "" {
		etag = bodyTag(c)
		c.Set(fiber.HeaderETag, etag)
	}
	if none := c.Get(fiber.HeaderIfNoneMatch); none != "" && matches(none, etag) {
		c.Status(fiber.StatusNotModified)
		c.Response().ResetBody()
	}
	return nil
}

// bodyTag is the ETag of an answer that carries no version.
func bodyTag(c *fiber.Ctx) string { return `"` + hex16(xxhash.Sum64(c.Response().Body())) + `"` }

// matches compares weakly, as If-None-Match does.
func matches(header, etag string) bool {
	for v := range strings.SplitSeq(header, ",") {
		if v = strings.TrimSpace(v); v == "*" || strings.TrimPrefix(v, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

func hex16(n uint64) string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[15-i] = digits[n&15]
		n >>= 4
	}
	return string(b[:])
}

// older compares dotted versions number by number; an application that does not say is not refused.
func older(version, least string) bool {
	if version == "" {
		return false
	}
	v, l := strings.Split(version, "."), strings.Split(least, ".")
	for i := range l {
		var a, b int
		if i < len(v) {
			a = leading(v[i])
		}
		if b = leading(l[i]); a != b {
			return a < b
		}
	}
	return false
}

// leading is the number that s begins with, at most nine digits of it.
func leading(s string) int {
	n := 0
	for i := 0; i < len(s) && i < 9 && s[i] >= '0' && s[i] <= '9'; i++ {
		n = 10*n + int(s[i]-'0')
	}
	return n
}
