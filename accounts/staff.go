package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Staff is somebody who works with reports.
type Staff struct {
	ID          string     `json:"id"`
	Rev         int64      `json:"rev"`
	Email       string     `json:"email"` // in small letters
	Name        string     `json:"name"`
	Password    string     `json:"password"` // PHC string of argon2id
	TOTP        *TOTP      `json:"totp,omitempty"`
	Role        actor.Role `json:"role"`
	Centres     []string   `json:"centres,omitempty"`     // codes, or actor.All
	Departments []string   `json:"departments,omitempty"` // likewise
	Language    string     `json:"language"`
	Active      bool       `json:"active"`
	Created     time.Time  `json:"created"`
	Filters     []Filter   `json:"filters,omitempty"` // by name
}

// HasTOTP reports whether a second factor is wanted at sign-in.
func (x *Staff) HasTOTP() bool { return x.TOTP != nil && x.TOTP.Confirmed }

// Administers reports whether x may set up the organisation: one of the staff must.
func (x *Staff) Administers() bool { return x.Active && x.Role == actor.Admin }

// sameRights reports whether a session that x opened is as good as one that y would open now.
func (x *Staff) sameRights(y *Staff) bool {
	return x.Active == y.Active && x.Password == y.Password && x.Role == y.Role &&
		slices.Equal(x.Centres, y.Centres) && slices.Equal(x.Departments, y.Departments)
}

// NewStaff is a member of staff to be.
type NewStaff struct {
	Email       string
	Name        string
	Password    string
	Role        actor.Role
	Centres     []string
	Departments []string
	Language    string // Arabic when empty
}

// StaffPatch changes what is not nil.
type StaffPatch struct {
	Name        *string
	Role        *actor.Role
	Centres     *[]string
	Departments *[]string
	Language    *string
	Active      *bool
	Password    *string
	ResetTOTP   bool
}

// PasswordSignIn signs staff in.
type PasswordSignIn struct {
	Email    string
	Password string
	TOTP     string // needed by those who have one
	Address  string // of the client; "" when there is none
}

// SignInWithPassword signs staff in. The same answer, after the same work, tells that the e-mail is unknown, the password
// or second factor wrong, or the account not active: CredentialsRefused. With the right password and no second factor
// where one is wanted it is SecondFactorNeeded; after too many wrong ones, TooManyRequests.
func (s *Service) SignInWithPassword(ctx context.Context, in PasswordSignIn) (*Grant, error) {
	var wrong fault.Fields
	email := foldEmail(in.Email)
	switch {
	case email == "":
		wrong.Add("email", fault.Required)
	case len(email) > 254:
		wrong.Add("email", fault.TooLong)
	}
	switch {
	case in.Password == "":
		wrong.Add("password", fault.Required)
	case len(in.Password) > passwordBytes:
		wrong.Add("password", fault.TooLong)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	quotas := []Quota{{s.masked("passwords", email), s.Limits.Password}}
	if in.Address != "" {
		quotas = append(quotas, Quota{s.masked("passwords by address", in.Address), s.Limits.PasswordAddress})
	}
	if err := s.take(ctx, quotas...); err != nil {
		return nil, err
	}
	x, err := s.store.StaffByEmail(ctx, email)
	phc := s.decoy
	switch {
	case err == nil:
		phc = x.Password
	case !errors.Is(err, fault.New(fault.NotFound)):
		return nil, fmt.Errorf("staff by e-mail: %w", err)
	}
	right, err := s.passwordIs(ctx, phc, in.Password)
	if err != nil {
		return nil, err
	}
	if !right || x == nil || !x.Active {
		return nil, fault.New(fault.CredentialsRefused)
	}
	if err := s.secondFactor(ctx, x, in.TOTP); err != nil {
		return nil, err
	}
	return s.grantStaff(ctx, x, quotas[0].Key)
}

// secondFactor spends a code of the second factor, if x has one.
func (s *Service) secondFactor(ctx context.Context, x *Staff, code string) error {
	switch {
	case !x.HasTOTP():
		return nil
	case code == "":
		return fault.New(fault.SecondFactorNeeded)
	}
	_, err := s.store.UpdateStaff(ctx, x.ID, func(x *Staff) error {
		if x.TOTP == nil {
			return fault.New(fault.CredentialsRefused)
		}
		ok, err := s.useTOTP(x, code)
		if err == nil && !ok {
			err = fault.New(fault.CredentialsRefused)
		}
		return err
	})
	return err
}

// grantStaff opens the session of somebody who has proved who they are. It looks at the account again afterwards: whoever
// deactivates it ends the sessions that are there, so one that opens meanwhile is seen by one of the two.
func (s *Service) grantStaff(ctx context.Context, x *Staff, counter string) (*Grant, error) {
	if err := s.store.ForgetCounter(ctx, counter); err != nil {
		return nil, fmt.Errorf("forget a counter: %w", err)
	}
	g, err := s.begin(ctx, actor.Actor{Kind: actor.Staff, ID: x.ID, Role: x.Role, Centres: x.Centres, Departments: x.Departments})
	if err != nil {
		return nil, err
	}
	now, err := s.store.Staff(ctx, x.ID)
	if err != nil {
		return nil, fmt.Errorf("staff of a session: %w", err)
	}
	if !now.sameRights(x) {
		return nil, errors.Join(fault.New(fault.CredentialsRefused), s.endAll(ctx, x.ID, ""))
	}
	return g, nil
}

// StaffMe is the caller's own account.
func (s *Service) StaffMe(ctx context.Context, a actor.Actor) (*Staff, error) {
	if err := employee(a); err != nil {
		return nil, err
	}
	return s.store.Staff(ctx, a.ID)
}

// ChangePassword replaces the caller's password and ends their other sessions. A wrong current one is CredentialsRefused
// and counts as a wrong one at sign-in.
func (s *Service) ChangePassword(ctx context.Context, a actor.Actor, current, next string) error {
	x, err := s.StaffMe(ctx, a)
	if err != nil {
		return err
	}
	var wrong fault.Fields
	if current == "" {
		wrong.Add("current", fault.Required)
	} else if len(current) > passwordBytes {
		wrong.Add("current", fault.TooLong)
	}
	checkPassword(&wrong, "new", next, x.Email)
	if err := wrong.Err(); err != nil {
		return err
	}
	counter := s.masked("passwords", x.Email)
	if err := s.take(ctx, Quota{counter, s.Limits.Password}); err != nil {
		return err
	}
	right, err := s.passwordIs(ctx, x.Password, current)
	if err != nil {
		return err
	}
	if !right {
		return fault.New(fault.CredentialsRefused)
	}
	phc, err := s.hashPassword(ctx, next)
	if err != nil {
		return err
	}
	_, err = s.store.UpdateStaff(ctx, a.ID, func(now *Staff) error {
		if now.Password != x.Password {
			return fault.New(fault.CredentialsRefused) // changed meanwhile
		}
		now.Password = phc
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.store.ForgetCounter(ctx, counter); err != nil {
		return fmt.Errorf("forget a counter: %w", err)
	}
	return s.endAll(ctx, a.ID, a.Session)
}

// CreateStaff adds a member of staff.
func (s *Service) CreateStaff(ctx context.Context, a actor.Actor, n NewStaff) (*Staff, error) {
	if err := administrator(a); err != nil {
		return nil, err
	}
	var wrong fault.Fields
	n.Email = foldEmail(*checkEmail(&wrong, "email", &n.Email, true))
	n.Name = *checkName(&wrong, "name", &n.Name, true)
	checkPassword(&wrong, "password", n.Password, n.Email)
	checkRole(&wrong, n.Role)
	checkCodes(&wrong, "centres", n.Centres)
	checkCodes(&wrong, "departments", n.Departments)
	n.Language = orArabic(n.Language)
	checkLanguage(&wrong, n.Language)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	phc, err := s.hashPassword(ctx, n.Password)
	if err != nil {
		return nil, err
	}
	x := &Staff{ID: s.NewID(), Rev: 1, Email: n.Email, Name: n.Name, Password: phc, Role: n.Role, Centres: n.Centres,
		Departments: n.Departments, Language: n.Language, Active: true, Created: s.Now().UTC()}
	if err := s.store.AddStaff(ctx, x); err != nil {
		return nil, err
	}
	return x, nil
}

// GetStaff gives one member.
func (s *Service) GetStaff(ctx context.Context, a actor.Actor, id string) (*Staff, error) {
	if err := administrator(a); err != nil {
		return nil, err
	}
	return s.store.Staff(ctx, id)
}

// ListStaff gives up to limit members, in the order in which they were created, after the one with that id ("" from the
// start), and the id after which the next page begins, "" at the end.
func (s *Service) ListStaff(ctx context.Context, a actor.Actor, after string, limit int) (items []*Staff, next string, err error) {
	if err := administrator(a); err != nil {
		return nil, "", err
	}
	limit = min(max(limit, 1), 100)
	items, err = s.store.ListStaff(ctx, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list staff: %w", err)
	}
	if len(items) > limit {
		items = items[:limit]
		next = items[limit-1].ID
	}
	return items, next, nil
}

// UpdateStaff changes a member; with rev it must still be the version that the caller has seen, else PreconditionFailed.
// Whatever takes rights away works at once: deactivating, a new password, role or scope end the member's sessions.
// Administrators cannot deactivate themselves, and the last one stays one.
func (s *Service) UpdateStaff(ctx context.Context, a actor.Actor, id string, rev *int64, p StaffPatch) (*Staff, error) {
	if err := administrator(a); err != nil {
		return nil, err
	}
	s.staffMu.Lock()
	defer s.staffMu.Unlock()
	old, err := s.store.Staff(ctx, id)
	if err != nil {
		return nil, err
	}
	phc, err := s.checkPatch(ctx, a, old, &p)
	if err != nil {
		return nil, err
	}
	ends := false
	x, err := s.store.UpdateStaff(ctx, id, func(x *Staff) error {
		if rev != nil && *rev != x.Rev {
			return fault.New(fault.PreconditionFailed)
		}
		before := *x
		p.apply(x)
		if phc != "" {
			x.Password = phc
		}
		ends = p.ResetTOTP || !x.sameRights(&before)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.names.Delete(id)
	if ends {
		return x, s.endAll(ctx, id, "")
	}
	return x, nil
}

func (p StaffPatch) apply(x *Staff) {
	replace(&x.Name, p.Name)
	replace(&x.Language, p.Language)
	if p.Role != nil {
		x.Role = *p.Role
	}
	if p.Centres != nil {
		x.Centres = *p.Centres
	}
	if p.Departments != nil {
		x.Departments = *p.Departments
	}
	if p.Active != nil {
		x.Active = *p.Active
	}
	if p.ResetTOTP {
		x.TOTP = nil
	}
}

// checkPatch checks what a patch would make of old, and gives the hash of its password, if it has one.
func (s *Service) checkPatch(ctx context.Context, a actor.Actor, old *Staff, p *StaffPatch) (phc string, err error) {
	var wrong fault.Fields
	p.Name = checkName(&wrong, "name", p.Name, true)
	if p.Language != nil {
		checkLanguage(&wrong, *p.Language)
	}
	if p.Role != nil {
		checkRole(&wrong, *p.Role)
	}
	if p.Centres != nil {
		checkCodes(&wrong, "centres", *p.Centres)
	}
	if p.Departments != nil {
		checkCodes(&wrong, "departments", *p.Departments)
	}
	if p.Password != nil {
		checkPassword(&wrong, "password", *p.Password, old.Email)
	}
	if p.Active != nil && !*p.Active && a.ID == old.ID {
		wrong.Add("active", fault.NotAllowed)
	}
	next := *old
	p.apply(&next)
	if old.Administers() && !next.Administers() && len(wrong) == 0 {
		n, err := s.store.Admins(ctx)
		if err != nil {
			return "", fmt.Errorf("count administrators: %w", err)
		}
		if n <= 1 {
			wrong.Add(map[bool]string{true: "role", false: "active"}[next.Active], fault.NotAllowed)
		}
	}
	if err := wrong.Err(); err != nil || p.Password == nil {
		return "", err
	}
	return s.hashPassword(ctx, *p.Password)
}

type staffName struct {
	name  string
	until time.Time
}

// Colleague is a member of staff as an actor with the rights of this moment. The fault NotFound says that nobody of that id works here.
func (s *Service) Colleague(ctx context.Context, id string) (actor.Actor, error) {
	x, err := s.store.Staff(ctx, id)
	if err != nil {
		return actor.Actor{}, fmt.Errorf("look up a colleague: %w", err)
	}
	if !x.Active {
		return actor.Actor{}, fault.New(fault.NotFound)
	}
	return actor.Actor{Kind: actor.Staff, ID: x.ID, Role: x.Role, Centres: x.Centres, Departments: x.Departments}, nil
}

// StaffName is the name of a member, at most a minute old; "" when there is none.
func (s *Service) StaffName(ctx context.Context, id string) (string, error) {
	now := s.Now()
	if v, ok := s.names.Load(id); ok && now.Before(v.(staffName).until) {
		return v.(staffName).name, nil
	}
	x, err := s.store.Staff(ctx, id)
	switch {
	case errors.Is(err, fault.New(fault.NotFound)):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("name of staff: %w", err)
	}
	s.names.Store(id, staffName{x.Name, now.Add(time.Minute)})
	return x.Name, nil
}

func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func checkRole(wrong *fault.Fields, r actor.Role) {
	switch {
	case r == "":
		wrong.Add("role", fault.Required)
	case !slices.Contains(actor.Roles, r):
		wrong.Add("role", fault.Unknown)
	}
}

// checkCodes checks the form of a scope; whether a code names something is for the domain that has the centres.
func checkCodes(wrong *fault.Fields, path string, codes []string) {
	if len(codes) > 100 {
		wrong.Add(path, fault.TooMany)
		return
	}
	seen := map[string]bool{}
	for i, c := range codes {
		at := fmt.Sprintf("%s/%d", path, i)
		switch {
		case c == "" || utf8.RuneCountInString(c) > 64 || strings.ContainsFunc(c, func(r rune) bool { return r <= ' ' || r > '~' }):
			wrong.Add(at, fault.WrongFormat)
		case seen[c]:
			wrong.Add(at, fault.Duplicate)
		}
		seen[c] = true
	}
}
