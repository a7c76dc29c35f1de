package reports

import (
	"context"
	"errors"
	"time"

	"github.com/balagh/balagh/daybook"
	"github.com/balagh/balagh/event"
)

// ErrNumberTaken is what CreateReport answers when another report has the number.
var ErrNumberTaken = errors.New("the report number is taken")

// Store keeps reports and the catalogue.
type Store interface {
	CatalogueStore
	ReportStore
	QueryStore
	FigureStore
	ChangeStore
}

// CatalogueStore keeps the organisation as one document.
type CatalogueStore interface {
	// Organisation is the document; an empty one before the first update.
	Organisation(ctx context.Context) (*Organisation, error)
	// OrganisationRev is its rev, 0 before the first update. It is asked for often.
	OrganisationRev(ctx context.Context) (int64, error)
	// UpdateOrganisation changes it. change may run more than once; when it fails nothing is changed.
	UpdateOrganisation(ctx context.Context, change func(*Organisation) error) (*Organisation, error)
}

// ReportStore keeps reports, each as one document, with who supports them beside it.
type ReportStore interface {
	// CreateReport writes a new report and its events at once. fault.Exists says that the id is taken, ErrNumberTaken that
	// the number is. It gives the report its first rev.
	CreateReport(ctx context.Context, r *Report, events []event.Event) error
	// Report is the report with that id, or fault.NotFound.
	Report(ctx context.Context, id string) (*Report, error)
	// UpdateReport changes a report and writes the events at once. change may run more than once; when it fails nothing is
	// changed. The answer is the report as it was written.
	UpdateReport(ctx context.Context, id string, change func(*Report) ([]event.Event, error)) (*Report, error)
	// Support adds those who support a report, each once, and answers how many do.
	Support(ctx context.Context, report string, citizens []string) (int, error)
	// Unsupport takes one of them away and answers how many support it now.
	Unsupport(ctx context.Context, report, citizen string) (int, error)
	// Supporters are the account ids of those who support a report.
	Supporters(ctx context.Context, report string) ([]string, error)
}

// QueryStore answers questions over many reports. What a caller may see is part of the question.
type QueryStore interface {
	// Mine lists a citizen's reports, newest first.
	Mine(ctx context.Context, q MineQuery) ([]Summary, error)
	// Near lists public reports around a point, nearest first.
	Near(ctx context.Context, q NearQuery) ([]NearReport, error)
	// Queue lists reports for the desk.
	Queue(ctx context.Context, q QueueQuery) ([]Summary, error)
	// ResolvedBefore gives the ids of up to limit reports in the status resolved since before t, the oldest first.
	ResolvedBefore(ctx context.Context, t time.Time, limit int) ([]string, error)
}

// ChangeStore knows in which order reports were written, for the last minutes.
type ChangeStore interface {
	// ChangePosition is the place of the newest write in the order of writes: what becomes visible later is given by Changes after it.
	ChangePosition(ctx context.Context) (int64, error)
	// Changes gives the reports that were written after a position, each once and as it is now, in the order of positions. What was written
	// shortly before the position may be among them; those that are known are left out. whole is false when the store does not know any more what
	// was written since, or when it is more than the limit: then there is no list.
	Changes(ctx context.Context, q ChangesQuery) (list []Changed, whole bool, err error)
}

// ChangesQuery asks for what was written.
type ChangesQuery struct {
	After int64
	Known func(id string, rev int64) bool // nil for none
	Limit int
}

// Changed is a report that was written.
type Changed struct {
	Position   int64
	ID         string
	Number     string
	Rev        int64
	Status     Status
	Centre     string
	Department string
	Change     EntryKind // of the newest entry on its timeline
}

// Mark is the place in a list after which a page begins. The zero Mark is the beginning.
type Mark struct {
	At time.Time // the moment that the list is sorted by; zero for none
	ID string
}

// MineQuery asks for a page of a citizen's reports.
type MineQuery struct {
	Citizen  string
	Statuses []Status // none for all
	After    Mark
	Limit    int
}

// NearQuery asks for public reports around a point: see Report.Public.
type NearQuery struct {
	Point    Point
	Radius   float64 // metres
	Category string  // "" for all
	Open     bool    // only open ones
	Limit    int
}

// Scope narrows a question to what the asking staff may see. nil is everything, an empty list nothing.
type Scope struct {
	Centres     []string
	Departments []string
}

// Sort is the order of the desk's queue.
type Sort string

// The orders.
const (
	Newest Sort = "newest" // by the moment of receipt; those of one moment in any order that stays
	Oldest Sort = "oldest" // the reverse
	ByDue  Sort = "due"    // the next deadline first; those without one are left out
)

// QueueQuery asks for a page of the desk's queue. Empty fields do not narrow it.
type QueueQuery struct {
	Scope      Scope
	Statuses   []Status
	Centre     string
	Department string
	Category   string
	Channel    Channel
	Assignee   string
	OverdueAt  time.Time // only those whose Deadline is before it
	From, To   time.Time // received at or after From, before To
	Number     string    // of a report
	Citizen    string    // who filed it
	IDs        []string  // only these; nil for any
	Terms      []string  // of Report.SearchText: all must be found, the last by its beginning unless it is a number
	Sort       Sort
	After      Mark
	Limit      int
}

// FigureStore keeps what reports are counted from: see package daybook. Every write of a report that is in figures marks it, in the same
// atomic write.
type FigureStore interface {
	// MarkedReports reads up to limit reports that have a mark, in the order of receipt or of their days.
	MarkedReports(ctx context.Context, limit int) ([]*Report, error)
	// UnmarkReports takes the marks away from the reports with these ids that still have that rev.
	UnmarkReports(ctx context.Context, revs map[string]int64) error
	// ReportPages reads the pages of days, both within, "" for an open end, in their order; without the bytes where the rev is the known one.
	ReportPages(ctx context.Context, from, through string, known map[string]int64) ([]daybook.Kept, error)
	// PutReportPage keeps p if the page of its day has the rev before, none for 1, and says whether it had.
	PutReportPage(ctx context.Context, p daybook.Kept) (bool, error)
}
