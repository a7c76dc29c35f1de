package api

import (
	"context"
	"slices"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/balagh/balagh/openapi"
)

// Check is one thing that must work for the program to be of use.
type Check struct {
	Name string
	Do   func(context.Context) error
}

// DevText is one text that a development server would have sent.
type DevText struct {
	To   string    `json:"to"`
	Text string    `json:"text"`
	Code string    `json:"code,omitempty"`
	At   time.Time `json:"at"`
}

// operate adds the routes for those who run the program.
func (s *Server) operate(app *fiber.App, doc *openapi3.T) {
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) })
	app.Get("/readyz", s.readyz)
	app.Get("/metrics", adaptor.HTTPHandler(promhttp.HandlerFor(s.Metrics.Registry, promhttp.HandlerOpts{})))
	app.Get("/.well-known/jwks.json", func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(c.UserContext(), requestTime)
		defer cancel()
		b, err := s.Accounts.JWKS(ctx)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderCacheControl, "public, max-age=300")
		c.Set(fiber.HeaderContentType, jsonCT)
		return c.Send(b)
	})
	app.Get("/openapi.yaml", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/yaml")
		return c.Send(openapi.YAML)
	})
	app.Get("/docs", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		c.Set(fiber.HeaderContentSecurityPolicy, openapi.DocsPolicy)
		return c.Send(openapi.Docs())
	})
	if s.Outbox != nil {
		app.Get("/dev/outbox", func(c *fiber.Ctx) error {
			to := c.Query("to")
			items := slices.DeleteFunc(s.Outbox(), func(t DevText) bool { return to != "" && t.To != to })
			return c.JSON(fiber.Map{"items": items})
		})
	}
}

// readyz says of each part whether it works, and never why not: that is in the log.
func (s *Server) readyz(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 3*time.Second)
	defer cancel()
	parts, status := fiber.Map{}, "ok"
	for _, check := range s.Ready {
		if err := check.Do(ctx); err != nil {
			s.Log.Warn("not ready", "part", check.Name, "error", err)
			parts[check.Name], status = "failing", "failing"
			c.Status(fiber.StatusServiceUnavailable).Set(fiber.HeaderRetryAfter, "5")
			continue
		}
		parts[check.Name] = "ok"
	}
	return c.JSON(fiber.Map{"status": status, "checks": parts})
}
