package api

import (
	"github.com/gofiber/fiber/v2"
)

const (
	csvCT  = "text/csv; charset=utf-8"
	textCT = "text/plain; charset=utf-8"
)

// download is the answer with a file, meant to be kept.
type download struct {
	name, media string
	body        []byte
	etag        *string
}

func (f download) send(c *fiber.Ctx) error {
	if f.etag != nil {
		c.Set(fiber.HeaderETag, *f.etag)
	}
	c.Set(fiber.HeaderContentType, f.media)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+f.name+`"`)
	return c.Send(f.body)
}

// bom is the mark by which some programs know UTF-8.
const bom = "\ufeff"

// marked puts the mark in front of a file, where it is wanted.
func marked(b []byte, wanted *bool) []byte {
	if !value(wanted) {
		return b
	}
	return append([]byte(bom), b...)
}

// VisitGetXlsformResponse makes it an answer of the contract.
func (f download) VisitGetXlsformResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitRoundResultsCsvResponse makes it an answer of the contract.
func (f download) VisitRoundResultsCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitRoundResultsXlsxResponse makes it an answer of the contract.
func (f download) VisitRoundResultsXlsxResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitRoundMethodsCsvResponse makes it an answer of the contract.
func (f download) VisitRoundMethodsCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitRoundResponsesCsvResponse makes it an answer of the contract.
func (f download) VisitRoundResponsesCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitRoundResponsesSpsResponse makes it an answer of the contract.
func (f download) VisitRoundResponsesSpsResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitRatingsCsvResponse makes it an answer of the contract.
func (f download) VisitRatingsCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitRatingsXlsxResponse makes it an answer of the contract.
func (f download) VisitRatingsXlsxResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitVolumesXlsxResponse makes it an answer of the contract.
func (f download) VisitVolumesXlsxResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitDeadlinesXlsxResponse makes it an answer of the contract.
func (f download) VisitDeadlinesXlsxResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitSatisfactionXlsxResponse makes it an answer of the contract.
func (f download) VisitSatisfactionXlsxResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitDeliveriesXlsxResponse makes it an answer of the contract.
func (f download) VisitDeliveriesXlsxResponse(c *fiber.Ctx) error { return f.send(c) }
