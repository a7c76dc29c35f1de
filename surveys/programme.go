package surveys

import (
	"time"

	"github.com/balagh/balagh/surveys/form"
)

// What a case must come to for its citizen to be asked about it: After.On.
const (
	OnClosed    = "closed" // or resolved, whichever comes first
	OnOverdue   = "overdue"
	OnRejected  = "rejected"
	OnWithdrawn = "withdrawn"
)

// Programme says who is asked, what, when and how. After and Every exclude each other. Nobody who works on reports chooses who is
// asked: a programme has rules, and administrators write them. Those asked after cases within a month are a round as well.
type Programme struct {
	Code           string    `json:"code"`
	Rev            int64     `json:"rev"`
	Names          form.Text `json:"names"`
	Active         bool      `json:"active"`
	Questionnaire  string    `json:"questionnaire"`
	Version        int       `json:"version,omitempty"`   // of the questionnaire; 0 for the newest when a round begins
	Anonymous      bool      `json:"anonymous,omitempty"` // no link from an answer to its person is kept
	After          *After    `json:"after,omitempty"`
	Every          *Every    `json:"every,omitempty"`
	Frame          Frame     `json:"frame"`
	Sample         Sample    `json:"sample"` // of a round
	Weighting      Weighting `json:"weighting"`
	QuarantineDays int       `json:"quarantine_days"` // nobody is invited within so many days of their last invitation to any programme
	OpenDays       int       `json:"open_days"`       // how long an invitation, or a round, can be answered
	Reminders      []int     `json:"reminders"`       // days after the invitation, ascending, before OpenDays
	Channels       []string  `json:"channels"`        // push, sms, email, in the order in which they are tried; empty: as the policy says
	By             string    `json:"by,omitempty"`
	At             time.Time `json:"at,omitzero"`
	Next           time.Time `json:"next,omitzero"` // when the next round begins; zero for none
}

// After asks the citizen of a case some days after it came to one of the points.
type After struct {
	On   []string `json:"on"`
	Days int      `json:"days"`
}

// Every makes rounds. Rule and Hijri exclude each other.
type Every struct {
	Rule       string    `json:"rule,omitempty"`  // RFC 5545, without DTSTART: FREQ=MONTHLY;BYMONTHDAY=1
	Hijri      *HijriDay `json:"hijri,omitempty"` // each Hijri year, by Umm al-Qura
	Start      string    `json:"start"`           // day of the first occurrence at the earliest, 2006-01-02
	Hour       int       `json:"hour"`            // of the day, in the zone of the service: when a round begins
	WindowDays int       `json:"window_days"`     // how long before a round its frame looks back
}

// HijriDay is a day of each Hijri year.
type HijriDay struct {
	Month int `json:"month"` // 1 to 12
	Day   int `json:"day"`   // 1 to 30; in a month of 29 days the 30th is the 29th
}

// Frame narrows who can be drawn. Empty lists stand for every value.
type Frame struct {
	Centres     []string `json:"centres,omitempty"`
	Regions     []string `json:"regions,omitempty"`
	Departments []string `json:"departments,omitempty"`
	Categories  []string `json:"categories,omitempty"`
	Channels    []string `json:"channels,omitempty"`
	Genders     []string `json:"genders,omitempty"`
	Residencies []string `json:"residencies,omitempty"`
	Company     *bool    `json:"company,omitempty"`
}

// Methods of drawing, and allocations.
const (
	DrawAll        = "all"
	DrawRandom     = "random"
	DrawStratified = "stratified"

	Proportional = "proportional"
	Fixed        = "fixed"
)

// Sample says how many are drawn, and how. Size is computed when it is 0: the answers that Margin needs at Confidence, divided
// by the expected response rate.
type Sample struct {
	Method       string         `json:"method"`
	By           []Dimension    `json:"by,omitempty"`         // of the strata
	Allocation   string         `json:"allocation,omitempty"` // of a stratified sample
	Fixed        map[string]int `json:"fixed,omitempty"`      // by key of the stratum (see Stratum), with Fixed
	Size         int            `json:"size,omitempty"`       // invitations in all
	Margin       float64        `json:"margin,omitempty"`     // half width of the interval, such as 0.03
	Confidence   float64        `json:"confidence,omitempty"` // such as 0.95
	ExpectedRate float64        `json:"expected_rate,omitempty"`
}

// How answers are weighted.
const (
	Unweighted   = "none"
	PostStratify = "poststratify" // by the cells of By together
	Rake         = "rake"         // over the margins of By
)

// Weighting to the frame of the round.
type Weighting struct {
	Method string      `json:"method"` // Unweighted when empty
	By     []Dimension `json:"by,omitempty"`
}
