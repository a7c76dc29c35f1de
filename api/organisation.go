package api

import (
	"context"

	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
)

// AdminListCentres lists the centres, without their areas.
func (s *Server) AdminListCentres(ctx context.Context, _ gen.AdminListCentresRequestObject) (gen.AdminListCentresResponseObject, error) {
	all := s.Reports.Catalogue().Centres
	items := make([]gen.Centre, len(all))
	for i, c := range all {
		c.Area = nil
		items[i] = centreBody(c, languageOf(ctx))
	}
	return gen.AdminListCentres200JSONResponse{Items: items}, nil
}

// AdminGetCentre reads a centre with its area.
func (s *Server) AdminGetCentre(ctx context.Context, r gen.AdminGetCentreRequestObject) (gen.AdminGetCentreResponseObject, error) {
	c, ok := s.Reports.Catalogue().Centre(r.Code)
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return gen.AdminGetCentre200JSONResponse{Body: centreBody(c, languageOf(ctx)),
		Headers: gen.AdminGetCentre200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

// AdminPutCentre creates or replaces one.
func (s *Server) AdminPutCentre(ctx context.Context, r gen.AdminPutCentreRequestObject) (gen.AdminPutCentreResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c, err := s.Reports.PutCentre(ctx, actorOf(ctx), reports.Centre{Code: r.Code, Names: r.Body.Names, Parent: text(r.Body.Parent),
		Region: text(r.Body.Region), Area: r.Body.Area, Active: r.Body.Active}, rev)
	if err != nil {
		return nil, err
	}
	return gen.AdminPutCentre200JSONResponse{Body: centreBody(c, languageOf(ctx)),
		Headers: gen.AdminPutCentre200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

func centreBody(c reports.Centre, language string) gen.Centre {
	return gen.Centre{Code: c.Code, Name: c.Names[language], Names: c.Names, Parent: orNil(c.Parent), Region: orNil(c.Region), Area: c.Area,
		Active: c.Active, Rev: &c.Rev}
}

// AdminListDepartments lists the departments.
func (s *Server) AdminListDepartments(ctx context.Context, _ gen.AdminListDepartmentsRequestObject) (gen.AdminListDepartmentsResponseObject, error) {
	all := s.Reports.Catalogue().Departments
	items := make([]gen.Department, len(all))
	for i, d := range all {
		items[i] = departmentBody(d, languageOf(ctx))
	}
	return gen.AdminListDepartments200JSONResponse{Items: items}, nil
}

// AdminGetDepartment reads one.
func (s *Server) AdminGetDepartment(ctx context.Context, r gen.AdminGetDepartmentRequestObject) (gen.AdminGetDepartmentResponseObject, error) {
	d, ok := s.Reports.Catalogue().Department(r.Code)
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return gen.AdminGetDepartment200JSONResponse{Body: departmentBody(d, languageOf(ctx)),
		Headers: gen.AdminGetDepartment200ResponseHeaders{ETag: revisionTag(d.Rev)}}, nil
}

// AdminPutDepartment creates or replaces one.
func (s *Server) AdminPutDepartment(ctx context.Context, r gen.AdminPutDepartmentRequestObject) (gen.AdminPutDepartmentResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	d, err := s.Reports.PutDepartment(ctx, actorOf(ctx), reports.Department{Code: r.Code, Names: r.Body.Names, Active: r.Body.Active}, rev)
	if err != nil {
		return nil, err
	}
	return gen.AdminPutDepartment200JSONResponse{Body: departmentBody(d, languageOf(ctx)),
		Headers: gen.AdminPutDepartment200ResponseHeaders{ETag: revisionTag(d.Rev)}}, nil
}

func departmentBody(d reports.Department, language string) gen.Department {
	return gen.Department{Code: d.Code, Name: d.Names[language], Names: d.Names, Active: d.Active, Rev: &d.Rev}
}

// GetCalendar reads on which days the service works.
func (s *Server) GetCalendar(context.Context, gen.GetCalendarRequestObject) (gen.GetCalendarResponseObject, error) {
	c := s.Reports.Catalogue().Calendar
	return gen.GetCalendar200JSONResponse{Body: calendarBody(c), Headers: gen.GetCalendar200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

// PutCalendar replaces it.
func (s *Server) PutCalendar(ctx context.Context, r gen.PutCalendarRequestObject) (gen.PutCalendarResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c := reports.Calendar{Weekend: reports.Weekdays{}, Holidays: make([]reports.Holiday, len(r.Body.Holidays)), ReopenDays: r.Body.ReopenDays,
		RatingDays: r.Body.RatingDays}
	for _, name := range r.Body.Weekend {
		day, ok := reports.ParseWeekday(string(name))
		if !ok {
			return nil, fault.At("weekend", fault.Unknown)
		}
		c.Weekend = append(c.Weekend, day)
	}
	for i, h := range r.Body.Holidays {
		c.Holidays[i] = reports.Holiday{Date: h.Date, Name: h.Name}
	}
	if c, err = s.Reports.PutCalendar(ctx, actorOf(ctx), c, rev); err != nil {
		return nil, err
	}
	return gen.PutCalendar200JSONResponse{Body: calendarBody(c), Headers: gen.PutCalendar200ResponseHeaders{ETag: revisionTag(c.Rev)}}, nil
}

func calendarBody(c reports.Calendar) gen.Calendar {
	body := gen.Calendar{Weekend: make([]gen.Weekday, len(c.Weekend)), Holidays: make([]gen.Holiday, len(c.Holidays)), ReopenDays: c.ReopenDays,
		RatingDays: c.RatingDays, Rev: &c.Rev}
	for i, day := range c.Weekend {
		body.Weekend[i] = weekdays[day]
	}
	for i, h := range c.Holidays {
		body.Holidays[i] = gen.Holiday{Date: h.Date, Name: h.Name}
	}
	return body
}

var weekdays = [...]gen.Weekday{gen.WeekdaySunday, gen.WeekdayMonday, gen.WeekdayTuesday, gen.WeekdayWednesday, gen.WeekdayThursday, gen.WeekdayFriday, gen.WeekdaySaturday}
