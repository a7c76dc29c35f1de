package main

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gofiber/fiber/v2"
)

// bare is the limit: what Fiber itself can do with the same requests when nothing is checked, stored or looked up. Only a
// photo is written, with or without waiting for the disk.
type bare struct {
	address, dir string
	sync         bool
	written      atomic.Int64
}

type bareReport struct {
	Category    string `json:"category"`
	Description string `json:"description"`
	Place       struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Accuracy  float64 `json:"accuracy_m"`
		Source    string  `json:"source"`
	} `json:"place"`
	Language string `json:"language"`
}

type bareAnswer struct {
	ID     string `json:"id"`
	Number string `json:"number"`
	Status string `json:"status"`
	bareReport
}

func (b *bare) run() error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	app := fiber.New(fiber.Config{BodyLimit: 32 << 20, DisableStartupMessage: true})
	app.Get("/readyz", func(c *fiber.Ctx) error { return c.SendStatus(fiber.StatusOK) })
	app.Post("/v1/reports", b.file)
	app.Get("/v1/reports", constant(`{"id":"0198f0f0-0000-7000-8000-000000000000","number":"1234567890","status":"received",`+
		`"description":"`+strings.Repeat("م", 200)+`","place":{"latitude":24.7,"longitude":46.6}}`, 20))
	app.Get("/v1/reports/nearby", constant(`{"id":"0198f0f0-0000-7000-8000-000000000000","number":"1234567890","status":"received",`+
		`"place":{"latitude":24.7,"longitude":46.6},"distance_m":250.5,"supports":0}`, 9))
	return app.Listen(b.address)
}

func (b *bare) file(c *fiber.Ctx) error {
	answer := bareAnswer{ID: "0198f0f0-0000-7000-8000-000000000000", Number: "1234567890", Status: "received"}
	if !strings.HasPrefix(c.Get(fiber.HeaderContentType), fiber.MIMEMultipartForm) {
		if err := c.BodyParser(&answer.bareReport); err != nil {
			return err
		}
		return c.Status(fiber.StatusCreated).JSON(answer)
	}
	form, err := c.MultipartForm()
	if err != nil {
		return err
	}
	for _, h := range form.File["photo"] {
		in, err := h.Open()
		if err != nil {
			return err
		}
		out, err := os.Create(filepath.Join(b.dir, strconv.FormatInt(b.written.Add(1), 10)))
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		if b.sync {
			if err := out.Sync(); err != nil {
				return err
			}
		}
		if err := out.Close(); err != nil {
			return err
		}
		if err := in.Close(); err != nil {
			return err
		}
	}
	return c.Status(fiber.StatusCreated).JSON(answer)
}

func constant(item string, n int) fiber.Handler {
	list := `{"items":[` + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + `]}`
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.SendString(list)
	}
}
