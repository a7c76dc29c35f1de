package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// formulaStarts are the characters with which spreadsheets let a formula begin, also behind an import that trims white
// space, and in the full-width forms that some of them take for the same.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// csvFile is the answer with a table: told to be UTF-8, or else Arabic would be read as something else, and meant to be kept.
type csvFile struct {
	name string
	body []byte
}

func (f csvFile) send(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+f.name+`"`)
	return c.Send(f.body)
}

// VisitVolumesCsvResponse makes it an answer of the contract.
func (f csvFile) VisitVolumesCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitDeadlinesCsvResponse makes it an answer of the contract.
func (f csvFile) VisitDeadlinesCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitSatisfactionCsvResponse makes it an answer of the contract.
func (f csvFile) VisitSatisfactionCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// VisitDeliveriesCsvResponse makes it an answer of the contract.
func (f csvFile) VisitDeliveriesCsvResponse(c *fiber.Ctx) error { return f.send(c) }

// table is what a CSV file holds: a header and rows of string, int, int64, *int64, float64 or *float64 (nil is an empty cell).
type table struct {
	header []string
	rows   [][]any
}

// csv writes the table as RFC 4180 has it, in UTF-8. Text that a spreadsheet would run as a formula gets an apostrophe in
// front; numbers stay numbers, also negative ones.
func (t table) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if err := w.Write(t.header); err != nil {
		return nil, fmt.Errorf("csv: %w", err)
	}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cell, err := csvCell(v)
			if err != nil {
				return nil, err
			}
			cells[i] = cell
		}
		if err := w.Write(cells); err != nil {
			return nil, fmt.Errorf("csv: %w", err)
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func csvCell(v any) (string, error) {
	switch v := v.(type) {
	case string:
		if r, ok := firstRune(v); ok && strings.ContainsRune(formulaStarts, r) {
			return "'" + v, nil
		}
		return v, nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case *int64:
		if v == nil {
			return "", nil
		}
		return strconv.FormatInt(*v, 10), nil
	case float64:
		return csvNumber(v), nil
	case *float64:
		if v == nil {
			return "", nil
		}
		return csvNumber(*v), nil
	}
	return "", fmt.Errorf("csv: a cell of type %T", v)
}

// csvNumber has six decimals: more than any figure needs, and no exponent that a reader could take for text.
func csvNumber(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }

func firstRune(s string) (rune, bool) {
	for _, r := range s {
		return r, true
	}
	return 0, false
}
