package demo

import (
	"context"
	"fmt"
	"net/url"
)

// setUp loads the organisation over the administration of the API. What is there already is replaced by the same, and
// nobody is employed twice. It gives everybody who works there.
func setUp(ctx context.Context, admin *client, o Organisation) ([]colleague, error) {
	if err := admin.put(ctx, "putCalendar", "/v1/admin/calendar", o.Calendar, nil); err != nil {
		return nil, err
	}
	for _, d := range o.Departments {
		if err := admin.put(ctx, "adminPutDepartment", "/v1/admin/departments/"+d.Code, d.Body, nil); err != nil {
			return nil, fmt.Errorf("department %s: %w", d.Code, err)
		}
	}
	for _, c := range o.Centres {
		if err := admin.put(ctx, "adminPutCentre", "/v1/admin/centres/"+c.Code, c.Body, nil); err != nil {
			return nil, fmt.Errorf("centre %s: %w", c.Code, err)
		}
	}
	for _, c := range o.Categories {
		if err := admin.put(ctx, "adminPutCategory", "/v1/admin/categories/"+c.Code, c.Body, nil); err != nil {
			return nil, fmt.Errorf("category %s: %w", c.Code, err)
		}
	}
	there, err := staff(ctx, admin)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, x := range there {
		known[x.Email] = true
	}
	for _, s := range o.Staff {
		if known[s.Email] {
			continue
		}
		var x colleague
		if err := admin.post(ctx, "createStaff", "/v1/admin/staff", s, &x); err != nil {
			return nil, fmt.Errorf("a member of staff: %w", err)
		}
		there = append(there, x)
	}
	return there, nil
}

// staff is everybody who works there.
func staff(ctx context.Context, admin *client) (all []colleague, err error) {
	query := url.Values{"limit": {"100"}}
	for {
		var page struct {
			Items []colleague `json:"items"`
			Next  string      `json:"next"`
		}
		if _, err := admin.get(ctx, "listStaff", "/v1/admin/staff", query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}
