package surveys

import (
	"strings"
	"time"
)

// RoundState says how far a round is.
type RoundState string

// The states, in their order.
const (
	RoundDrawing   RoundState = "drawing"   // the frame is read and the sample drawn; a crash begins it again, with the same result
	RoundInviting  RoundState = "inviting"  // the people drawn are invited, a batch at a time; answers are taken
	RoundOpen      RoundState = "open"      // all are invited
	RoundClosing   RoundState = "closing"   // no answer is taken; what became of each invitation is settled
	RoundPublished RoundState = "published" // the figures are final
	RoundStopped   RoundState = "stopped"   // by an administrator, before it was published
)

// Round is one occurrence of a programme, with everything that makes its figures reproducible.
type Round struct {
	ID        string     `json:"id"` // derived from programme and occurrence
	Rev       int64      `json:"rev"`
	Programme Programme  `json:"programme"` // as it was; its Version is the questionnaire's that is asked
	Number    int        `json:"number"`    // of the programme's rounds, from 1
	State     RoundState `json:"state"`
	Seed      string     `json:"seed"` // 32 random bytes, hexadecimal; published with the results
	From      time.Time  `json:"from"` // the window of the frame, [From, To)
	To        time.Time  `json:"to"`
	Opened    time.Time  `json:"opened,omitzero"`
	Closes    time.Time  `json:"closes"`
	Published time.Time  `json:"published,omitzero"`
	Due       time.Time  `json:"due,omitzero"` // when the runner looks at it, or the lease of one ends; zero when there is nothing to do
	Drawn     Drawn      `json:"drawn"`
	Warnings  []string   `json:"warnings,omitempty"` // codes: see Forecast
	Failures  int        `json:"failures,omitempty"` // of the runner, one after the other: a round that fails holds up no other
}

// Drawn is how the sample came about.
type Drawn struct {
	Population int                          `json:"population"` // people in the frame, before exclusions
	Excluded   map[string]int               `json:"excluded"`   // by rule: "quarantine", "account_gone" …; counted and shown
	Eligible   int                          `json:"eligible"`   // Population less Excluded
	Sampled    int                          `json:"sampled"`
	Strata     []DrawnStratum               `json:"strata"`  // by key; one with the key "" without strata
	Margins    map[Dimension]map[string]int `json:"margins"` // of the population, by dimension and value: what raking weights to
	Cells      map[string]int               `json:"cells"`   // of the population, by key of the dimensions of Weighting.By together
}

// DrawnStratum is a stratum of the sample.
type DrawnStratum struct {
	Key        string `json:"key"` // see Stratum
	Population int    `json:"population"`
	Eligible   int    `json:"eligible"`
	Sampled    int    `json:"sampled"`
}

// Stratum is the key of a snapshot under some dimensions: their values joined by "|".
func Stratum(s *Snapshot, by []Dimension) string {
	values := make([]string, len(by))
	for i, d := range by {
		values[i] = s.Value(d)
	}
	return strings.Join(values, "|")
}
