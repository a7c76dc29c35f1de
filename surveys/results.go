package surveys

import (
	"time"

	"github.com/balagh/balagh/surveys/form"
)

// MinCell is how many respondents a published cell has at least (k).
const MinCell = 10

// MinEmployee is how many answers a published figure of an employee has at least.
const MinEmployee = 30

// Results of a round: everything that is published, and how it came about.
type Results struct {
	Round        string           `json:"round"`
	Programme    string           `json:"programme"`
	Names        form.Text        `json:"names"`
	Number       int              `json:"number"`
	State        RoundState       `json:"state"`
	Final        bool             `json:"final"` // published; before that the figures still move
	From         time.Time        `json:"from"`
	To           time.Time        `json:"to"`
	Opened       time.Time        `json:"opened,omitzero"`
	Closes       time.Time        `json:"closes"`
	Dispositions Dispositions     `json:"dispositions"`
	Rates        Rates            `json:"rates"`
	Respondents  int64            `json:"respondents"`          // complete and partial
	FirstTime    *Share           `json:"first_time,omitempty"` // of the respondents, who had never had a report before the window
	Weighting    WeightingResult  `json:"weighting"`
	Questions    []QuestionResult `json:"questions"`
	Methods      Methods          `json:"methods"`
	Comparison   *Comparison      `json:"comparison,omitempty"`
}

// Dispositions of the invitations, by AAPOR.
type Dispositions struct {
	Complete   int `json:"complete"`    // I
	Partial    int `json:"partial"`     // P
	Refused    int `json:"refused"`     // R
	NonContact int `json:"non_contact"` // NC: did not arrive
	Other      int `json:"other"`       // O: dropped after the draw
	Unknown    int `json:"unknown"`     // U: nothing came back
	Open       int `json:"open"`        // can still be answered; 0 when the round is over. Counted as Unknown in the rates
}

// Rates are AAPOR's response rates; nil where the denominator is 0.
type Rates struct {
	RR1 *float64 `json:"rr1"`
	RR2 *float64 `json:"rr2"`
	RR3 *float64 `json:"rr3"`
	RR5 *float64 `json:"rr5"`
	E   float64  `json:"e"` // the assumed eligible share of Unknown in RR3: that among the invitations of which it is known
}

// Share is a proportion with its interval.
type Share struct {
	Count    int64     `json:"count"`
	N        int64     `json:"n"`
	Share    *float64  `json:"share"`
	Interval *Interval `json:"interval"`
	Weighted *Weighted `json:"weighted,omitempty"`
}

// Weighted is an estimate by weights, beside the one without. All of it is rounded, shares to four decimals, and the interval
// is made of the rounded estimate and n_eff.
type Weighted struct {
	Estimate float64   `json:"estimate"`
	Interval *Interval `json:"interval,omitempty"`
	Deff     float64   `json:"deff"`  // Kish
	NEff     float64   `json:"n_eff"` // n/deff
}

// WeightingResult is how the answers were weighted.
type WeightingResult struct {
	Method     string      `json:"method"`
	By         []Dimension `json:"by"`
	Deff       *float64    `json:"deff"`
	NEff       *float64    `json:"n_eff"`
	Iterations int         `json:"iterations,omitempty"`
	Converged  bool        `json:"converged"`
	Joined     bool        `json:"joined,omitempty"`  // values of a dimension that are hidden were weighted as one
	Problem    string      `json:"problem,omitempty"` // see ProblemEmpty; then there are no weights
}

// QuestionResult is what was answered to a question. Which figures there are depends on its type.
type QuestionResult struct {
	Code      string               `json:"code"`
	Type      form.Type            `json:"type"`
	Label     form.Text            `json:"label"`
	Row       string               `json:"row,omitempty"` // of a matrix: each row is a result of its own
	RowLabel  form.Text            `json:"row_label,omitempty"`
	Break     string               `json:"break,omitempty"` // with a comparison: why the two are not compared, see form.Break and BreakAbsent
	Total     Cell                 `json:"total"`
	Breakdown map[Dimension][]Cell `json:"breakdown"` // by value
}

// Cell is a question's figures in one group. A suppressed one has nothing but its key.
type Cell struct {
	Key        string             `json:"key,omitempty"` // of a value; empty for a total, and for those of whom it is not known
	Suppressed bool               `json:"suppressed,omitempty"`
	Asked      int64              `json:"asked"`             // respondents to whom the question was shown
	N          int64              `json:"n"`                 // answered
	DontKnow   int64              `json:"dont_know"`         // not in any denominator
	Skipped    int64              `json:"skipped"`           // likewise
	Options    []OptionResult     `json:"options,omitempty"` // rating, matrix, nps, effort, yes_no, choice, choices; with ranking those ranked first
	Mean       *Estimate          `json:"mean,omitempty"`    // number; rating and matrix on 1 to 5; with ranking see Ranks
	Top2       *Share             `json:"top2,omitempty"`    // rating, matrix
	Mean100    *Estimate          `json:"mean100,omitempty"`
	Net        *Estimate          `json:"net,omitempty"`    // −1 to 1
	NPS        *Estimate          `json:"nps,omitempty"`    // −100 to 100
	Effort     *Share             `json:"effort,omitempty"` // the effortless share
	Ranks      map[string]float64 `json:"ranks,omitempty"`  // mean rank by option, 1 the best
	Min        *float64           `json:"min,omitempty"`    // number; of a published total only
	Max        *float64           `json:"max,omitempty"`
	Earliest   string             `json:"earliest,omitempty"` // date
	Latest     string             `json:"latest,omitempty"`
}

// OptionResult is how many chose an option.
type OptionResult struct {
	Code string `json:"code"`
	Share
}

// Estimate is a figure that is no proportion, with its interval.
type Estimate struct {
	Value    float64   `json:"value"`
	SE       *float64  `json:"se,omitempty"`
	Interval *Interval `json:"interval,omitempty"`
	Weighted *Weighted `json:"weighted,omitempty"`
}

// Comparison with an earlier round, question by question.
type Comparison struct {
	Round     string             `json:"round"`
	Number    int                `json:"number"`
	Questions []QuestionCompared `json:"questions"`
}

// QuestionCompared is the headline of a question in both rounds: top2, yes, effort or nps.
type QuestionCompared struct {
	Code       string    `json:"code"`
	Row        string    `json:"row,omitempty"`
	Break      string    `json:"break,omitempty"`
	Headline   string    `json:"headline,omitempty"` // name of the formula
	Now        *float64  `json:"now"`
	Then       *float64  `json:"then"`
	Difference *float64  `json:"difference"`
	Interval   *Interval `json:"interval"` // of the difference: Newcombe; of NPS by its standard error
	Z          *float64  `json:"z"`        // pooled
	P          *float64  `json:"p"`        // two-sided
}

// Methods is what an outsider needs to get the same figures from the counts.
type Methods struct {
	Frame         Frame            `json:"frame"`
	From          time.Time        `json:"from"`
	To            time.Time        `json:"to"`
	Sample        Sample           `json:"sample"`
	Drawn         Drawn            `json:"drawn"`
	Seed          string           `json:"seed"`
	Questionnaire string           `json:"questionnaire"`
	Version       int              `json:"version"`
	Languages     map[string]int64 `json:"languages"` // responses by the language in which they were asked
	How           map[string]int64 `json:"how"`       // responses by ByApp, ByLink, ByPhone
	Formulas      map[string]int   `json:"formulas"`  // name → version
	Confidence    float64          `json:"confidence"`
	MinCell       int              `json:"min_cell"`
	MinEmployee   int              `json:"min_employee"`
	Suppressed    int              `json:"suppressed"` // cells
	Notes         []string         `json:"notes"`      // codes of sentences that belong to the figures
}
