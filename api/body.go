package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"
)

// restLimit is how much of a refused request is still read, so that a phone that is in the middle of sending gets to read why.
const restLimit = 32 << 20

// readAhead is how much of a body is asked of the network at once: the parser of forms would ask for five kilobytes each time.
const readAhead = 64 << 10

// body is what a request sends, and whether all of it was read.
type body struct {
	r     io.Reader
	ended bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF // asked again, a chunked stream would wait for the next request
	}
	n, err := b.r.Read(p)
	b.ended = errors.Is(err, io.EOF)
	return n, err
}

// bodyOf reads the body as it comes. All who read it do so through here.
func bodyOf(c *fiber.Ctx) io.Reader {
	r := of(c.UserContext())
	if r.body == nil {
		from := c.Context().RequestBodyStream()
		switch n := c.Request().Header.ContentLength(); {
		case from == nil:
			from = bytes.NewReader(c.Request().Body())
		case n < 0 || n > readAhead:
			from = bufio.NewReaderSize(from, readAhead)
		}
		r.body = &body{r: from}
	}
	return r.body
}

// settle reads what a refused request still sends, so that the next one on the connection is not taken for the rest of it. A very
// long rest is not waited for: the connection is closed.
func settle(c *fiber.Ctx) {
	if c.Context().RequestBodyStream() == nil {
		return
	}
	if _, err := io.CopyN(io.Discard, bodyOf(c), restLimit); !errors.Is(err, io.EOF) {
		c.Context().SetConnectionClose()
	}
}
