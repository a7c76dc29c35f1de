package reports

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Organisation is everything that administrators set up for reports: one small document.
type Organisation struct {
	Rev         int64                 `json:"rev"`
	Categories  map[string]Category   `json:"categories,omitempty"` // by code
	Centres     map[string]Centre     `json:"centres,omitempty"`
	Departments map[string]Department `json:"departments,omitempty"`
	Replies     map[string]Reply      `json:"replies,omitempty"`
	Calendar    Calendar              `json:"calendar"` // with Rev 0: none was set yet
}

// Catalogue is an organisation made ready for use. It never changes: the Service replaces it as a whole, so that filing a
// report reads nothing from the store.
type Catalogue struct {
	Rev         int64
	ETag        string // a hash of what it holds, without quotes
	Categories  []Category
	Centres     []Centre
	Departments []Department
	Replies     []Reply
	Calendar    Calendar

	categories map[string]*Category
	centres    map[string]*Centre
	depts      map[string]*Department
	index      *Index
}

// newCatalogue makes an organisation ready. Entries come in their order, then by code.
func newCatalogue(o *Organisation) (*Catalogue, error) {
	c := &Catalogue{Rev: o.Rev, Calendar: o.Calendar,
		Categories: sorted(o.Categories, func(a, b Category) int {
			return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Code, b.Code))
		}),
		Centres:     sorted(o.Centres, func(a, b Centre) int { return cmp.Compare(a.Code, b.Code) }),
		Departments: sorted(o.Departments, func(a, b Department) int { return cmp.Compare(a.Code, b.Code) }),
		Replies:     sorted(o.Replies, func(a, b Reply) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Code, b.Code)) }),
		categories:  map[string]*Category{}, centres: map[string]*Centre{}, depts: map[string]*Department{}}
	if c.Calendar.Rev == 0 {
		c.Calendar = DefaultCalendar()
	}
	for i := range c.Categories {
		c.categories[c.Categories[i].Code] = &c.Categories[i]
	}
	for i := range c.Departments {
		c.depts[c.Departments[i].Code] = &c.Departments[i]
	}
	areas := map[string]*Area{}
	for i := range c.Centres {
		centre := &c.Centres[i]
		c.centres[centre.Code] = centre
		if !centre.Active || len(centre.Area) == 0 {
			continue
		}
		area, err := ParseArea(centre.Area)
		if err != nil {
			return nil, fmt.Errorf("area of centre %s: %w", centre.Code, err)
		}
		areas[centre.Code] = area
	}
	c.index = NewIndex(areas)
	b, err := json.Marshal([]any{c.Categories, c.Centres, c.Departments, c.Calendar})
	if err != nil {
		return nil, fmt.Errorf("hash the catalogue: %w", err)
	}
	sum := sha256.Sum256(b)
	c.ETag = hex.EncodeToString(sum[:12])
	return c, nil
}

func sorted[V any](m map[string]V, compare func(a, b V) int) []V {
	return slices.SortedFunc(maps.Values(m), compare)
}

// Category with that code; false when there is none. Inactive ones too.
func (c *Catalogue) Category(code string) (Category, bool) { return deref(c.categories[code]) }

// Centre with that code; false when there is none. Inactive ones too.
func (c *Catalogue) Centre(code string) (Centre, bool) { return deref(c.centres[code]) }

// Department with that code; false when there is none. Inactive ones too.
func (c *Catalogue) Department(code string) (Department, bool) { return deref(c.depts[code]) }

func deref[V any](p *V) (v V, ok bool) {
	if p == nil {
		return v, false
	}
	return *p, true
}

// Catalogue is what is in force. The caller must not change it.
func (s *Service) Catalogue() *Catalogue {
	if c := s.snapshot.Load(); c != nil {
		return c
	}
	c, _ := newCatalogue(&Organisation{}) // an empty one has nothing that could fail
	return c
}

// Refresh takes over what another process changed, if anything. It must succeed once before the first report is filed.
func (s *Service) Refresh(ctx context.Context) error {
	rev, err := s.Store.OrganisationRev(ctx)
	if err != nil {
		return fmt.Errorf("look for changes of the catalogue: %w", err)
	}
	if c := s.snapshot.Load(); c != nil && c.Rev == rev {
		return nil
	}
	o, err := s.Store.Organisation(ctx)
	if err != nil {
		return fmt.Errorf("read the catalogue: %w", err)
	}
	return s.use(o)
}

// Beside is another Service over the same store, whose clock can be another: it begins with the catalogue that is in force here, which
// costs nothing.
func (s *Service) Beside() *Service {
	b := &Service{Store: s.Store, Photos: s.Photos, Zone: s.Zone, Now: s.Now, NewID: s.NewID, Rand: s.Rand}
	b.snapshot.Store(s.snapshot.Load())
	return b
}

// use puts an organisation in force unless a newer one is.
func (s *Service) use(o *Organisation) error {
	c, err := newCatalogue(o)
	if err != nil {
		return err
	}
	for {
		old := s.snapshot.Load()
		if old != nil && old.Rev > c.Rev || s.snapshot.CompareAndSwap(old, c) {
			return nil
		}
	}
}
