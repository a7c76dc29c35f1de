package reports

import "context"

// Organisation is everything that administrators set up for reports: one small document.
type Organisation struct {
	Rev         int64                 `json:"rev"`
	Categories  map[string]Category   `json:"categories,omitempty"` // by code
	Centres     map[string]Centre     `json:"centres,omitempty"`
	Departments map[string]Department `json:"departments,omitempty"`
	Calendar    Calendar              `json:"calendar"`
	CalendarRev int64                 `json:"calendar_rev,omitempty"`
}

// Catalogue is an organisation made ready for use. It never changes: the Service replaces it as a whole.
type Catalogue struct {
	Rev         int64
	ETag        string // a hash of what it holds, without quotes
	Categories  []Category
	Centres     []Centre
	Departments []Department
	Calendar    Calendar
	CalendarRev int64
}

// Catalogue is what is in force, inactive entries too. The caller must not change it.
func (s *Service) Catalogue() *Catalogue { panic("not yet") }

// Refresh takes over what another process changed.
func (s *Service) Refresh(ctx context.Context) error { panic("not yet") }
