package reports

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/balagh/balagh/daybook"
)

// rowSchema is what figures need of a report. See daybook.Schema for how it may change.
var rowSchema = daybook.Schema{Version: 1, Texts: 7, Numbers: 6}

// The columns of texts.
const (
	rowCategory = iota
	rowCentre
	rowDepartment
	rowChannel
	rowStatus
	rowGender
	rowResidency
)

// The columns of numbers. Moments are counted from 24 hours before the midnight in UTC of the report's day, so that none is negative in
// any zone.
const (
	rowFlags         = iota
	rowReceived      // moment of receipt, milliseconds
	rowAnswered      // first answer, seconds after the receipt, + 1; 0 for none
	rowResolved      // resolution, likewise; of one that was resolved several times, the last
	rowAnswerDue     // deadline of the first answer: moment, seconds, + 1; 0 for none. Deadlines are midnights
	rowResolutionDue // deadline of the resolution, likewise
)

// The flags. A deadline of which neither is set is still open, or there is none.
const (
	flagCompany = 1 << iota
	flagAnswerMet
	flagAnswerMissed
	flagResolutionMet
	flagResolutionMissed
)

// marked is r as it lies in the page of its day. That no store holds a report whose day is none is not left to hope: one would keep all
// others from being counted.
func marked(r *Report) daybook.Marked {
	day, err := time.Parse(time.DateOnly, r.Day)
	if err != nil {
		day = r.ReceivedAt.UTC().Truncate(24 * time.Hour)
	}
	zero := rowZero(day)
	flags, ended := uint32(0), r.ended()
	if r.Reporter.Company {
		flags = flagCompany
	}
	flags |= met(r.Due.FirstAnswer, r.FirstAnswer, ended, flagAnswerMet, flagAnswerMissed)
	flags |= met(r.Due.Resolution, r.ResolvedAt, ended, flagResolutionMet, flagResolutionMissed)
	return daybook.Marked{Day: day.Format(time.DateOnly), Row: daybook.Row{ID: r.ID, Rev: r.Rev,
		Texts: []string{r.Category, r.Centre, r.Department, string(r.Channel), string(r.Status), r.Reporter.Gender, r.Reporter.Residency},
		Numbers: []uint32{flags, within32(r.ReceivedAt.Sub(zero).Milliseconds()), after(r.ReceivedAt, r.FirstAnswer), after(r.ReceivedAt, r.ResolvedAt),
			after(zero, r.Due.FirstAnswer), after(zero, r.Due.Resolution)}}}
}

// rowZero is the moment from which those of a day's rows are counted.
func rowZero(day time.Time) time.Time { return day.AddDate(0, 0, -1) }

// met says what became of a deadline: yes when it was done in time, no when it was done late, or when the report came to another end after
// it, and 0 when that is open, or will never be said.
func met(due, done, ended time.Time, yes, no uint32) uint32 {
	if done.IsZero() {
		done, yes = ended, 0
	}
	switch {
	case due.IsZero() || done.IsZero():
		return 0
	case done.After(due):
		return no
	}
	return yes
}

// ended is when r came to an end on which nobody works any more; zero while somebody has to.
func (r *Report) ended() time.Time {
	if Open(r.Status) {
		return time.Time{}
	}
	for _, e := range slices.Backward(r.Timeline) {
		if e.To == r.Status {
			return e.At
		}
	}
	return r.UpdatedAt
}

// after is how many seconds, and one, a moment lies after another; 0 for none.
func after(begin, t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return 1 + within32(int64(t.Sub(begin)/time.Second))
}

func within32(n int64) uint32 { return uint32(min(max(n, 0), math.MaxUint32-1)) }

// figureStore keeps the pages of reports.
type figureStore struct{ FigureStore }

// Marked are the rows of marked reports.
func (s figureStore) Marked(ctx context.Context, limit int) ([]daybook.Marked, error) {
	all, err := s.MarkedReports(ctx, limit)
	rows := make([]daybook.Marked, len(all))
	for i, r := range all {
		rows[i] = marked(r)
	}
	return rows, err
}

// Unmark takes marks away.
func (s figureStore) Unmark(ctx context.Context, all []daybook.Marked) error {
	revs := make(map[string]int64, len(all))
	for _, m := range all {
		revs[m.ID] = m.Rev
	}
	return s.UnmarkReports(ctx, revs)
}

// Pages reads pages.
func (s figureStore) Pages(ctx context.Context, from, through string, known map[string]int64) ([]daybook.Kept, error) {
	return s.ReportPages(ctx, from, through, known)
}

// PutPage keeps one.
func (s figureStore) PutPage(ctx context.Context, p daybook.Kept) (bool, error) {
	return s.PutReportPage(ctx, p)
}
