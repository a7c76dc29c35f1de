// Package surveys asks the people whom the reports are about, and makes figures of their answers that can be believed.
//
// Today it holds ratings: when a report is resolved or closed, its citizen gets one occasion to rate how it was handled.
// An occasion keeps what was true at that moment (centre, department, category, employee, who reports), so that a later
// change of the organisation never moves an old figure. Whoever works on a report chooses neither who is asked nor who
// is not: occasions are made from facts alone.
//
// The package learns of reports only by event facts. It must not know how reports are stored or moved, how people are
// told, or how its own records are kept.
package surveys

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/balagh/balagh/fault"
)

// Limits of an answer.
const (
	Levels          = 5    // 1 very dissatisfied … 5 very satisfied
	MaxCommentRunes = 1000 // of Answer.Comment
)

// Reason is one of the ready-made reasons for a level. It is a code; what a person reads is a label in their language.
type Reason string

// The reasons.
const (
	Slow       Reason = "slow"
	Unfriendly Reason = "unfriendly"
	NotSolved  Reason = "not_solved"
	Unclear    Reason = "unclear"
	Fast       Reason = "fast"
	Friendly   Reason = "friendly"
	Clear      Reason = "clear"
	Helpful    Reason = "helpful"
)

var reasons = map[Reason]bool{Slow: true, Unfriendly: true, NotSolved: true, Unclear: true, Fast: true, Friendly: true,
	Clear: true, Helpful: true}

// Occasion is the opportunity to rate one closure of one report, and the answer when there is one: one document.
type Occasion struct {
	ID          string    `json:"id"` // derived from report and closure: there is one for each
	Rev         int64     `json:"rev"`
	Report      string    `json:"report"`
	Closure     int       `json:"closure"` // 1 for the first time the report was resolved, 2 after a reopening …
	Citizen     string    `json:"citizen"`
	Centre      string    `json:"centre"`
	Region      string    `json:"region,omitempty"` // of the centre
	Department  string    `json:"department"`
	Category    string    `json:"category"`
	Channel     string    `json:"channel"`
	Employee    string    `json:"employee,omitempty"`
	Gender      string    `json:"gender,omitempty"`    // male, female; empty when unknown
	Residency   string    `json:"residency,omitempty"` // citizen, resident; empty when unknown
	Company     bool      `json:"company,omitempty"`   // the report was filed for a company or establishment
	Opened      time.Time `json:"opened"`
	Day         string    `json:"day"`          // of Opened in the zone of the service, 2006-01-02: under which it is counted
	Until       time.Time `json:"until"`        // the first moment at which it is too late to rate
	ReopenUntil time.Time `json:"reopen_until"` // the first moment at which it is too late to reopen the report
	Ended       time.Time `json:"ended,omitzero"`
	Given       *Given    `json:"given,omitempty"`
}

// Given is an answer and when it was given.
type Given struct {
	Answer
	At     time.Time `json:"at"`
	Day    string    `json:"day,omitempty"`    // of At, as Occasion.Day
	Device string    `json:"device,omitempty"` // derived from the id of the phone, and the same for every answer from it; empty without one
}

// State of an occasion at a moment.
type State string

// The states. An occasion that was rated stays so for ever; one that ended or lapsed without an answer still counts as an
// opportunity in the response rate.
const (
	Open   State = "open"
	Rated  State = "rated"
	Ended  State = "ended"  // the report was reopened before anybody rated
	Lapsed State = "lapsed" // the days are over
)

// StateAt is the state at now.
func (o *Occasion) StateAt(now time.Time) State {
	switch {
	case o.Given != nil:
		return Rated
	case !o.Ended.IsZero():
		return Ended
	case !now.Before(o.Until):
		return Lapsed
	}
	return Open
}

// Answer is what a citizen says of a closure.
type Answer struct {
	Level   int      `json:"level"`  // 1 to 5
	Solved  bool     `json:"solved"` // whether the matter is solved, whatever the level
	Reasons []Reason `json:"reasons"`
	Comment string   `json:"comment,omitempty"` // up to MaxCommentRunes
}

// Bad reports whether the answer says that the matter needs another look.
func (a Answer) Bad() bool { return a.Level <= 2 || !a.Solved }

// clean checks an answer and gives it back without the white space around the comment.
func (a Answer) clean() (Answer, error) {
	var faults fault.Fields
	if a.Level < 1 || a.Level > Levels {
		faults.Add("level", fault.OutOfRange)
	}
	if len(a.Reasons) > len(reasons) {
		faults.Add("reasons", fault.TooMany)
		a.Reasons = nil
	}
	for i, r := range a.Reasons {
		path := fmt.Sprintf("reasons/%d", i)
		switch {
		case !reasons[r]:
			faults.Add(path, fault.Unknown)
		case slices.Contains(a.Reasons[:i], r):
			faults.Add(path, fault.Duplicate)
		case r == NotSolved && a.Solved:
			faults.Add(path, fault.Contradicted)
		}
	}
	a.Reasons = append([]Reason{}, a.Reasons...)
	a.Comment = strings.TrimSpace(a.Comment)
	switch {
	case !utf8.ValidString(a.Comment) || strings.ContainsFunc(a.Comment, unreadable):
		faults.Add("comment", fault.WrongFormat)
	case utf8.RuneCountInString(a.Comment) > MaxCommentRunes:
		faults.Add("comment", fault.TooLong)
	}
	return a, faults.Err()
}

func unreadable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }

// Rating is an answer as its citizen reads it.
type Rating struct {
	ReportID    string
	Closure     int
	Level       int
	Solved      bool
	Reasons     []Reason
	Comment     string
	RatedAt     time.Time
	MayReopen   bool      // the rating is bad, and the report can still be reopened
	ReopenUntil time.Time // with MayReopen: the first moment at which that is too late
}

// rating is the answer of o as seen at now; o was rated.
func (o *Occasion) rating(now time.Time) *Rating {
	g := o.Given
	r := &Rating{ReportID: o.Report, Closure: o.Closure, Level: g.Level, Solved: g.Solved, Reasons: g.Reasons, Comment: g.Comment,
		RatedAt: g.At}
	if g.Bad() && o.Ended.IsZero() && now.Before(o.ReopenUntil) {
		r.MayReopen, r.ReopenUntil = true, o.ReopenUntil
	}
	return r
}
