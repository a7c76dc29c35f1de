package api

import (
	"context"
	"strconv"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
)

// DeskMe reads the account of the member of staff who asks.
func (s *Server) DeskMe(ctx context.Context, _ gen.DeskMeRequestObject) (gen.DeskMeResponseObject, error) {
	x, err := s.Accounts.StaffMe(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return gen.DeskMe200JSONResponse(staffBody(x)), nil
}

// EnrolTotp gives the caller a second factor to confirm.
func (s *Server) EnrolTotp(ctx context.Context, _ gen.EnrolTotpRequestObject) (gen.EnrolTotpResponseObject, error) {
	e, err := s.Accounts.EnrolTOTP(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return gen.EnrolTotp200JSONResponse{Secret: e.Secret, Uri: e.URI}, nil
}

// ConfirmTotp makes the second factor count.
func (s *Server) ConfirmTotp(ctx context.Context, r gen.ConfirmTotpRequestObject) (gen.ConfirmTotpResponseObject, error) {
	if err := s.Accounts.ConfirmTOTP(ctx, actorOf(ctx), r.Body.Code); err != nil {
		return nil, err
	}
	return gen.ConfirmTotp204Response{}, nil
}

// ChangePassword replaces the caller's password.
func (s *Server) ChangePassword(ctx context.Context, r gen.ChangePasswordRequestObject) (gen.ChangePasswordResponseObject, error) {
	if err := s.Accounts.ChangePassword(ctx, actorOf(ctx), r.Body.Current, r.Body.New); err != nil {
		return nil, err
	}
	return gen.ChangePassword204Response{}, nil
}

// ListStaff gives a page of staff.
func (s *Server) ListStaff(ctx context.Context, r gen.ListStaffRequestObject) (gen.ListStaffResponseObject, error) {
	after, err := afterOf(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	all, next, err := s.Accounts.ListStaff(ctx, actorOf(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items := make([]gen.Staff, 0, len(all))
	for _, x := range all {
		items = append(items, staffBody(x))
	}
	return gen.ListStaff200JSONResponse{Items: items, Next: cursorOf(next)}, nil
}

// CreateStaff adds a member of staff.
func (s *Server) CreateStaff(ctx context.Context, r gen.CreateStaffRequestObject) (gen.CreateStaffResponseObject, error) {
	b := r.Body
	if err := s.checkScope(ctx, b.Centres, b.Departments); err != nil {
		return nil, err
	}
	x, err := s.Accounts.CreateStaff(ctx, actorOf(ctx), accounts.NewStaff{Email: b.Email, Name: b.Name, Password: b.Password,
		Role: actor.Role(b.Role), Centres: b.Centres, Departments: b.Departments, Language: text(b.Language)})
	if err != nil {
		return nil, err
	}
	location := "/v1/admin/staff/" + x.ID
	return gen.CreateStaff201JSONResponse{Body: staffBody(x),
		Headers: gen.CreateStaff201ResponseHeaders{ETag: revisionTag(x.Rev), Location: &location}}, nil
}

// checkScope refuses codes that nobody has: who is given a mistyped one would see nothing, and nobody would know why.
func (s *Server) checkScope(ctx context.Context, centres, departments []string) error {
	if len(centres)+len(departments) == 0 || !actorOf(ctx).Is(actor.Admin) { // others the service refuses; they learn nothing of the organisation
		return nil
	}
	cat := s.Reports.Catalogue()
	var wrong fault.Fields
	for i, code := range centres {
		if _, ok := cat.Centre(code); !ok && code != actor.All {
			wrong.Add("centres/"+strconv.Itoa(i), fault.Unknown)
		}
	}
	for i, code := range departments {
		if _, ok := cat.Department(code); !ok && code != actor.All {
			wrong.Add("departments/"+strconv.Itoa(i), fault.Unknown)
		}
	}
	return wrong.Err()
}

// GetStaff reads a member of staff.
func (s *Server) GetStaff(ctx context.Context, r gen.GetStaffRequestObject) (gen.GetStaffResponseObject, error) {
	x, err := s.Accounts.GetStaff(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return gen.GetStaff200JSONResponse{Body: staffBody(x), Headers: gen.GetStaff200ResponseHeaders{ETag: revisionTag(x.Rev)}}, nil
}

// UpdateStaff changes a member of staff.
func (s *Server) UpdateStaff(ctx context.Context, r gen.UpdateStaffRequestObject) (gen.UpdateStaffResponseObject, error) {
	rev, err := revisionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	b := r.Body
	p := accounts.StaffPatch{Name: b.Name, Role: (*actor.Role)(b.Role), Active: b.Active, Password: b.Password,
		ResetTOTP: b.ResetTotp != nil && *b.ResetTotp}
	if b.Centres != nil {
		p.Centres = &b.Centres
	}
	if b.Departments != nil {
		p.Departments = &b.Departments
	}
	if err := s.checkScope(ctx, b.Centres, b.Departments); err != nil {
		return nil, err
	}
	x, err := s.Accounts.UpdateStaff(ctx, actorOf(ctx), r.Id, rev, p)
	if err != nil {
		return nil, err
	}
	return gen.UpdateStaff200JSONResponse{Body: staffBody(x), Headers: gen.UpdateStaff200ResponseHeaders{ETag: revisionTag(x.Rev)}}, nil
}

// staffBody shows nothing of the password or the second factor but that there is one.
func staffBody(x *accounts.Staff) gen.Staff {
	return gen.Staff{Id: x.ID, Rev: &x.Rev, Email: gen.Email(x.Email), Name: x.Name, Role: gen.Role(x.Role), Centres: orEmpty(x.Centres),
		Departments: orEmpty(x.Departments), Language: gen.Language(x.Language), Totp: x.HasTOTP(), Active: x.Active, CreatedAt: x.Created}
}

// orEmpty makes an absent list one without items, because it is shown as [] and not as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
