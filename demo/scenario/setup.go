package scenario

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// administrator sets up and asks on behalf of whoever runs the program.
var administrator = actor.Actor{Kind: actor.Staff, Role: actor.Admin, Centres: []string{actor.All}, Departments: []string{actor.All}}

// setUp makes the organisation: what administrators would type in.
func (l *loader) setUp(ctx context.Context, s *reports.Service) error {
	l.show.phase("organisation", 0)
	var calendar reports.Calendar
	if err := as(l.org.Calendar, &calendar); err != nil {
		return err
	}
	if _, err := s.PutCalendar(ctx, administrator, calendar, nil); err != nil {
		return fmt.Errorf("calendar: %w", err)
	}
	for _, x := range l.org.Departments {
		d := reports.Department{Code: x.Code, Names: x.Body.Names, Active: x.Body.Active}
		if _, err := s.PutDepartment(ctx, administrator, d, nil); err != nil {
			return fmt.Errorf("department %s: %w", x.Code, err)
		}
	}
	for _, x := range l.org.Centres {
		b := x.Body
		c := reports.Centre{Code: x.Code, Names: b.Names, Parent: b.Parent, Region: b.Region, Area: b.Area, Active: b.Active}
		if _, err := s.PutCentre(ctx, administrator, c, nil); err != nil {
			return fmt.Errorf("centre %s: %w", x.Code, err)
		}
	}
	for _, x := range l.org.Categories {
		var c reports.Category
		if err := as(x.Body, &c); err != nil {
			return err
		}
		c.Code = x.Code
		if _, err := s.PutCategory(ctx, administrator, c, nil); err != nil {
			return fmt.Errorf("category %s: %w", x.Code, err)
		}
	}
	return l.employ(ctx)
}

// as reads what is written for the API as a type of the domain: both have the names of the contract.
func as(from, to any) error {
	b, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	return err
}

func (l *loader) employ(ctx context.Context) error {
	for _, x := range l.org.Staff {
		n := accounts.NewStaff{Email: x.Email, Name: x.Name, Password: x.Password, Role: actor.Role(x.Role), Centres: x.Centres,
			Departments: x.Departments, Language: x.Language}
		made, err := l.Accounts.CreateStaff(ctx, actor.Actor{Kind: actor.System}, n)
		if fault.CodeOf(err) == fault.Exists { // the administrator of the program
			continue
		}
		if err != nil {
			return fmt.Errorf("a member of staff: %w", err)
		}
		l.staff = append(l.staff, actor.Actor{Kind: actor.Staff, ID: made.ID, Role: made.Role, Centres: made.Centres, Departments: made.Departments})
	}
	return nil
}
