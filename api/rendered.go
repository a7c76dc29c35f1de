package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/reports"
)

// renderedMost is how many summaries a generation holds: about 8 MB of them.
const renderedMost = 8_000

// rendered keeps the JSON of summaries, which are what lists are made of and hardly change between two looks. A summary is
// known by everything that its JSON depends on, so nothing in here is ever out of date. There are two generations: when the younger
// is full it becomes the older, and what the older held and nobody asked for is forgotten.
type rendered struct {
	mu           sync.RWMutex
	young, older map[renderedKey][]byte
}

type renderedKey struct {
	id             string
	rev, catalogue int64
	supports       int
	language       string
}

// summary is the JSON of r. The caller must not change it.
func (x *rendered) summary(n names, r *reports.Summary) ([]byte, error) {
	key := renderedKey{r.ID, r.Rev, n.catalogue.Rev, r.Supports, n.language}
	x.mu.RLock()
	b, ok := x.young[key]
	if !ok {
		b = x.older[key]
	}
	x.mu.RUnlock()
	if ok {
		return b, nil
	}
	if b == nil {
		var err error
		if b, err = json.Marshal(n.summary(r)); err != nil {
			return nil, fmt.Errorf("render a summary: %w", err)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.young == nil || len(x.young) >= renderedMost {
		x.young, x.older = make(map[renderedKey][]byte, renderedMost/8), x.young
	}
	x.young[key] = b
	return b, nil
}

// renderedPage is a page whose items are JSON already.
type renderedPage struct {
	items [][]byte
	next  string
}

// VisitListReportsResponse writes the page as gen.ReportPage would be written.
func (p renderedPage) VisitListReportsResponse(c *fiber.Ctx) error {
	size := len(p.next) + 32
	for _, item := range p.items {
		size += len(item) + 1
	}
	b := append(make([]byte, 0, size), `{"items":[`...)
	for i, item := range p.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item...)
	}
	b = append(b, ']')
	if p.next != "" {
		b = strconv.AppendQuote(append(b, `,"next":`...), p.next) // cursors are base64
	}
	c.Set(fiber.HeaderContentType, jsonCT)
	c.Response().SetBodyRaw(append(b, '}'))
	return nil
}
