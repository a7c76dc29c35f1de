package reports

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const (
	maxName     = 200 // characters
	maxKeywords = 50
	maxDays     = 365
)

// PutCategory creates or replaces a category. rev is the one that the caller saw: nil for any, 0 for none yet. Every fault
// is told at once.
func (s *Service) PutCategory(ctx context.Context, a actor.Actor, c Category, rev *int64) (Category, error) {
	return put(ctx, s, a, func(o *Organisation) (Category, error) {
		if err := matches(o.Categories[c.Code].Rev, rev); err != nil {
			return c, err
		}
		if err := c.validate(o); err != nil {
			return c, err
		}
		c.Rev = o.Categories[c.Code].Rev + 1
		set(&o.Categories, c.Code, c)
		return c, nil
	})
}

// PutCentre creates or replaces a centre, like PutCategory.
func (s *Service) PutCentre(ctx context.Context, a actor.Actor, c Centre, rev *int64) (Centre, error) {
	return put(ctx, s, a, func(o *Organisation) (Centre, error) {
		if err := matches(o.Centres[c.Code].Rev, rev); err != nil {
			return c, err
		}
		if err := c.validate(o); err != nil {
			return c, err
		}
		c.Rev = o.Centres[c.Code].Rev + 1
		set(&o.Centres, c.Code, c)
		return c, nil
	})
}

// PutDepartment creates or replaces a department, like PutCategory.
func (s *Service) PutDepartment(ctx context.Context, a actor.Actor, d Department, rev *int64) (Department, error) {
	return put(ctx, s, a, func(o *Organisation) (Department, error) {
		if err := matches(o.Departments[d.Code].Rev, rev); err != nil {
			return d, err
		}
		var faults fault.Fields
		validateCode(&faults, d.Code)
		validateNames(&faults, "names", d.Names, true)
		if err := faults.Err(); err != nil {
			return d, err
		}
		d.Rev = o.Departments[d.Code].Rev + 1
		set(&o.Departments, d.Code, d)
		return d, nil
	})
}

// PutCalendar replaces the calendar, like PutCategory. Deadlines that were told to citizens stay as they are.
func (s *Service) PutCalendar(ctx context.Context, a actor.Actor, c Calendar, rev *int64) (Calendar, error) {
	return put(ctx, s, a, func(o *Organisation) (Calendar, error) {
		if err := matches(o.Calendar.Rev, rev); err != nil {
			return c, err
		}
		if err := c.Validate(); err != nil {
			return c, err
		}
		c.Rev = o.Calendar.Rev + 1
		o.Calendar = c
		return c, nil
	})
}

// put changes the organisation and puts it in force at once.
func put[V any](ctx context.Context, s *Service, a actor.Actor, change func(*Organisation) (V, error)) (V, error) {
	var v V
	if !a.Is(actor.Admin) {
		return v, fault.New(fault.Forbidden)
	}
	o, err := s.Store.UpdateOrganisation(ctx, func(o *Organisation) (err error) {
		v, err = change(o)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("change the catalogue: %w", err)
	}
	return v, s.use(o)
}

func set[V any](m *map[string]V, code string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[code] = v
}

func matches(have int64, want *int64) error {
	if want != nil && *want != have {
		return fault.New(fault.PreconditionFailed)
	}
	return nil
}

func (c Category) validate(o *Organisation) error {
	var faults fault.Fields
	validateCode(&faults, c.Code)
	validateNames(&faults, "names", c.Names, true)
	validateNames(&faults, "descriptions", c.Descriptions, false)
	if len(c.Keywords) > maxKeywords {
		faults.Add("keywords", fault.TooMany)
	}
	for i, k := range c.Keywords {
		validateLine(&faults, fmt.Sprintf("keywords/%d", i), k, true)
	}
	validateLine(&faults, "group", c.Group, false)
	if _, ok := o.Departments[c.Department]; !ok {
		faults.Add("department", missing(c.Department))
	}
	if c.FirstAnswerDays < 0 || c.FirstAnswerDays > maxDays {
		faults.Add("first_answer_days", fault.OutOfRange)
	}
	if c.ResolutionDays < 0 || c.ResolutionDays > maxDays {
		faults.Add("resolution_days", fault.OutOfRange)
	}
	if err := gather(&faults, ValidateDefinitions(c.Attributes)); err != nil {
		return err
	}
	return faults.Err()
}

func (c Centre) validate(o *Organisation) error {
	var faults fault.Fields
	validateCode(&faults, c.Code)
	validateNames(&faults, "names", c.Names, true)
	validateLine(&faults, "region", c.Region, false)
	if c.Parent != "" {
		if _, ok := o.Centres[c.Parent]; !ok && c.Parent != c.Code {
			faults.Add("parent", fault.Unknown)
		}
		for up, n := c.Parent, 0; up != "" && n <= len(o.Centres); up, n = o.Centres[up].Parent, n+1 {
			if up == c.Code {
				faults.Add("parent", fault.Contradicted)
				break
			}
		}
	}
	if len(c.Area) > 0 {
		_, err := ParseArea(c.Area)
		if err := gather(&faults, err); err != nil {
			return err
		}
	}
	return faults.Err()
}

func validateCode(faults *fault.Fields, code string) {
	if code == "" {
		faults.Add("code", fault.Required)
		return
	}
	if len(code) > 64 {
		faults.Add("code", fault.TooLong)
		return
	}
	for i, r := range code {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || r != '-' && r != '_' && r != '.') {
			faults.Add("code", fault.WrongFormat)
			return
		}
	}
}

// validateNames checks a text in several languages; when it is required, all of them must be there.
func validateNames(faults *fault.Fields, path string, names map[string]string, required bool) {
	for _, l := range languages {
		if _, given := names[l]; given || required {
			validateLine(faults, path+"/"+l, names[l], required)
		}
	}
	for _, l := range slices.Sorted(maps.Keys(names)) {
		if !slices.Contains(languages, l) {
			faults.Add(path+"/"+l, fault.Unknown)
		}
	}
}

func validateLine(faults *fault.Fields, path, text string, required bool) {
	clean, ok := cleanText(text, false)
	switch {
	case !ok:
		faults.Add(path, fault.WrongFormat)
	case clean == "" && required:
		faults.Add(path, fault.Required)
	case utf8.RuneCountInString(clean) > maxName:
		faults.Add(path, fault.TooLong)
	}
}

func missing(code string) fault.Reason {
	if code == "" {
		return fault.Required
	}
	return fault.Unknown
}

// gather adds the fields of an Invalid fault to faults and gives every other error back.
func gather(faults *fault.Fields, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.Invalid {
		*faults = append(*faults, f.Fields...)
		return nil
	}
	return err
}
