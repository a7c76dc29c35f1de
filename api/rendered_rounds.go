package api

import (
	"slices"
	"sync"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/surveys"
)

// renderedBytes is how much JSON of figures is kept: a round of every breakdown of twenty questions has 6 MB.
const renderedBytes = 32 << 20

// renderedFigures are the results of a round as JSON, without the labels, which depend on who asks and when.
type renderedFigures struct {
	mark   string // of what they are made of; empty for figures that still move
	body   []byte // an object
	groups map[surveys.Dimension]map[string]bool
}

// renderedRounds keeps figures that do not move any more, those that were asked for last. They are known by what they are made of, and
// whoever asks has been asked whether he may: nothing in here is ever out of date, or anybody's who may not see it.
type renderedRounds struct {
	mu    sync.Mutex
	kept  []*renderedFigures // the last one asked for at the end
	bytes int
}

// of is what is kept under a mark, nil for nothing. The caller must not change it.
func (x *renderedRounds) of(mark string) *renderedFigures {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.place(mark)
	if i < 0 {
		return nil
	}
	f := x.kept[i]
	x.kept = append(slices.Delete(x.kept, i, i+1), f)
	return f
}

func (x *renderedRounds) place(mark string) int {
	return slices.IndexFunc(x.kept, func(f *renderedFigures) bool { return f.mark == mark })
}

// keep keeps figures that have a mark, and forgets those that nobody has asked for the longest time.
func (x *renderedRounds) keep(f *renderedFigures) {
	if f.mark == "" || len(f.body) > renderedBytes {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.place(f.mark) >= 0 {
		return
	}
	x.kept, x.bytes = append(x.kept, f), x.bytes+len(f.body)
	for x.bytes > renderedBytes {
		x.bytes -= len(x.kept[0].body)
		x.kept = slices.Delete(x.kept, 0, 1)
	}
}

// renderedResults are figures and their labels, both as JSON.
type renderedResults struct{ figures, labels []byte }

// VisitRoundResultsResponse writes them as one object.
func (r renderedResults) VisitRoundResultsResponse(c *fiber.Ctx) error {
	const first = `{"labels":`
	b := make([]byte, 0, len(first)+len(r.labels)+len(r.figures))
	b = append(append(append(append(b, first...), r.labels...), ','), r.figures[1:]...)
	c.Set(fiber.HeaderContentType, jsonCT)
	c.Response().SetBodyRaw(b)
	return nil
}
