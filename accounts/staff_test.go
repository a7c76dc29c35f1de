package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

func (w *world) password(t testing.TB, email, password, second string) (*Grant, error) {
	t.Helper()
	return w.SignInWithPassword(t.Context(), PasswordSignIn{Email: email, Password: password, TOTP: second})
}

func TestService_SignInWithPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.hire(t, "Clerk@Example.org", actor.Clerk)
	x := w.store.staff[a.ID]
	if x.Email != "clerk@example.org" || !strings.HasPrefix(x.Password, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%+v", x)
	}
	g, err := w.password(t, " CLERK@example.org ", goodPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	w.clock.pass(11 * time.Hour)
	g = w.mustRefresh(t, g.RefreshToken, "")
	w.clock.pass(12 * time.Hour)
	_, err = w.Refresh(t.Context(), g.RefreshToken, "")
	wantCode(t, err, fault.Unauthenticated)

	for email, password := range map[string]string{"clerk@example.org": "wrong wrong wrong", "nobody@example.org": goodPassword, `{"$ne":1}`: "x"} {
		_, err := w.password(t, email, password, "")
		wantCode(t, err, fault.CredentialsRefused)
	}
	_, err = w.password(t, "", "x", "")
	wantField(t, err, "email", fault.Required)
	_, err = w.password(t, "a@example.org", "", "")
	wantField(t, err, "password", fault.Required)
	_, err = w.password(t, "a@example.org", strings.Repeat("x", 1<<20), "")
	wantField(t, err, "password", fault.TooLong)
}

// A flood of wrong passwords locks an e-mail, known or not, in the same way.
func TestSecurity_lockOutAfterTenWrongPasswords(t *testing.T) {
	t.Parallel()
	for _, email := range []string{"clerk@example.org", "nobody@example.org"} {
		t.Run(email, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.hire(t, "clerk@example.org", actor.Clerk)
			var refused, limited atomic.Int32
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					switch _, err := w.password(t, email, "wrong wrong wrong", ""); fault.CodeOf(err) {
					case fault.CredentialsRefused:
						refused.Add(1)
					case fault.TooManyRequests:
						limited.Add(1)
					}
				})
			}
			wg.Wait()
			if refused.Load() != 10 || limited.Load() != 40 {
				t.Fatalf("%d refused, %d limited", refused.Load(), limited.Load())
			}
			_, err := w.password(t, email, goodPassword, "")
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.TooManyRequests || e.RetryAfter != 15*time.Minute {
				t.Fatalf("the right password while locked: %v", err)
			}
			w.clock.pass(15 * time.Minute)
			if _, err = w.password(t, email, goodPassword, ""); (err == nil) != (email == "clerk@example.org") {
				t.Fatal(err)
			}
		})
	}
}

func TestService_SignInWithPassword_rightOneForgetsTheWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(t, "clerk@example.org", actor.Clerk)
	for range 5 {
		for range 9 {
			_, _ = w.password(t, "clerk@example.org", "wrong wrong wrong", "")
		}
		if _, err := w.password(t, "clerk@example.org", goodPassword, ""); err != nil {
			t.Fatal(err)
		}
	}
}

func TestService_SignInWithPassword_withoutALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Limits.Password.Max = -1; c.Limits.PasswordAddress.Max = 3 })
	w.hire(t, "clerk@example.org", actor.Clerk)
	for i, want := range []fault.Code{"", "", "", fault.TooManyRequests} { // a right one does not clear the address
		_, err := w.SignInWithPassword(t.Context(), PasswordSignIn{Email: "clerk@example.org", Password: goodPassword, Address: "198.51.100.7"})
		if fault.CodeOf(err) != want {
			t.Fatalf("sign-in %d: %v", i, err)
		}
	}
}

// An unknown e-mail costs as many hashes as a known one.
func TestSecurity_unknownEmailCostsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.hire(t, "clerk@example.org", actor.Clerk)
	known, _, _, err := parsePHC(w.store.staff[a.ID].Password)
	if err != nil {
		t.Fatal(err)
	}
	decoy, salt, key, err := parsePHC(w.decoy)
	if err != nil || known != decoy || len(salt) != 16 || len(key) != 32 {
		t.Fatalf("%+v, %+v, %v", known, decoy, err)
	}
	full := len(w.hashing)
	for range cap(w.hashing) { // with every place taken, both wait
		w.hashing <- struct{}{}
	}
	for _, email := range []string{"clerk@example.org", "nobody@example.org"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.SignInWithPassword(ctx, PasswordSignIn{Email: email, Password: goodPassword}); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s did not hash: %v (%d)", email, err, full)
		}
	}
}

// enrolled hires somebody with a second factor.
func (w *world) enrolled(t testing.TB, email string, role actor.Role) (actor.Actor, string) {
	t.Helper()
	_, a := w.hire(t, email, role)
	e, err := w.EnrolTOTP(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ConfirmTOTP(t.Context(), a, w.code(t, e.Secret, 0)); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(time.Minute)
	return a, e.Secret
}

func (w *world) code(t testing.TB, secret string, later time.Duration) string {
	t.Helper()
	c, err := totp.GenerateCode(secret, w.clock.now().Add(later))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestService_TOTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	email := "admin@example.org"
	a, seed := w.enrolled(t, email, actor.Admin)
	if held := string(w.store.staff[a.ID].TOTP.Seal); strings.Contains(held, seed) {
		t.Fatal("the secret is stored in the open")
	}
	_, err := w.password(t, email, goodPassword, "")
	wantCode(t, err, fault.SecondFactorNeeded)
	_, err = w.password(t, email, "wrong wrong wrong", w.code(t, seed, 0))
	wantCode(t, err, fault.CredentialsRefused)
	for _, late := range []time.Duration{-90 * time.Second, 90 * time.Second} {
		_, err = w.password(t, email, goodPassword, w.code(t, seed, late))
		wantCode(t, err, fault.CredentialsRefused)
	}
	code := w.code(t, seed, -30*time.Second)
	if _, err := w.password(t, email, goodPassword, code); err != nil {
		t.Fatal(err)
	}
	_, err = w.EnrolTOTP(t.Context(), a) // a stolen token does not replace it
	wantCode(t, err, fault.Conflict)
	wantCode(t, w.ConfirmTOTP(t.Context(), a, code), fault.Conflict)
}

func TestSecurity_totpStepOnlyOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, seed := w.enrolled(t, "clerk@example.org", actor.Clerk)
	code := w.code(t, seed, 0)
	var in atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := w.password(t, "clerk@example.org", goodPassword, code); err == nil {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Fatalf("one code of the second factor let %d in", in.Load())
	}
	_, err := w.password(t, "clerk@example.org", goodPassword, w.code(t, seed, -30*time.Second))
	wantCode(t, err, fault.CredentialsRefused) // nor an earlier one
}

func TestService_ConfirmTOTP_wrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.hire(t, "clerk@example.org", actor.Clerk)
	wantCode(t, w.ConfirmTOTP(t.Context(), a, "123456"), fault.Conflict)
	e, err := w.EnrolTOTP(t.Context(), a)
	if err != nil || !strings.HasPrefix(e.URI, "otpauth://totp/Balagh:clerk@example.org?") {
		t.Fatalf("%+v, %v", e, err)
	}
	wantField(t, w.ConfirmTOTP(t.Context(), a, w.code(t, e.Secret, time.Hour)), "code", fault.NotAllowed)
	if _, err := w.password(t, "clerk@example.org", goodPassword, ""); err != nil {
		t.Fatalf("an unconfirmed second factor is asked for: %v", err)
	}
}

func TestService_ChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g, a := w.hire(t, "clerk@example.org", actor.Clerk)
	other, err := w.password(t, "clerk@example.org", goodPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	const next = "a much better passphrase"
	wantCode(t, w.ChangePassword(t.Context(), a, "wrong wrong wrong", next), fault.CredentialsRefused)
	if err := w.ChangePassword(t.Context(), a, goodPassword, next); err != nil {
		t.Fatal(err)
	}
	w.who(t, g)
	_, err = w.Verify(t.Context(), other.AccessToken)
	wantCode(t, err, fault.Unauthenticated)
	_, err = w.password(t, "clerk@example.org", goodPassword, "")
	wantCode(t, err, fault.CredentialsRefused)
	if _, err := w.password(t, "clerk@example.org", next, ""); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		_ = w.ChangePassword(t.Context(), a, "wrong wrong wrong", next)
	}
	wantCode(t, w.ChangePassword(t.Context(), a, next, goodPassword), fault.TooManyRequests)
}

func TestService_CreateStaff_fields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := NewStaff{Email: "a@example.org", Name: "A", Password: goodPassword, Role: actor.Clerk}
	for _, c := range []struct {
		spoil func(*NewStaff)
		path  string
		why   fault.Reason
	}{
		{func(n *NewStaff) { n.Email = "" }, "email", fault.Required},
		{func(n *NewStaff) { n.Email = "A <a@example.org>" }, "email", fault.WrongFormat},
		{func(n *NewStaff) { n.Email = "a@localhost" }, "email", fault.WrongFormat},
		{func(n *NewStaff) { n.Name = " " }, "name", fault.Required},
		{func(n *NewStaff) { n.Name = "a\x00" }, "name", fault.WrongFormat},
		{func(n *NewStaff) { n.Name = strings.Repeat("م", 101) }, "name", fault.TooLong},
		{func(n *NewStaff) { n.Password = "" }, "password", fault.Required},
		{func(n *NewStaff) { n.Password = "elevenchars" }, "password", fault.TooShort},
		{func(n *NewStaff) { n.Password = strings.Repeat("long", 40) }, "password", fault.TooLong},
		{func(n *NewStaff) { n.Password = "Password123456" }, "password", fault.NotAllowed},
		{func(n *NewStaff) { n.Password = "P@ssw0rd2026!" }, "password", fault.NotAllowed},
		{func(n *NewStaff) { n.Password = "aaaaaaaaaaaaaaa" }, "password", fault.NotAllowed},
		{func(n *NewStaff) { n.Password = "123456789012" }, "password", fault.NotAllowed},
		{func(n *NewStaff) { n.Password = "a@example.org" }, "password", fault.NotAllowed},
		{func(n *NewStaff) { n.Role = "" }, "role", fault.Required},
		{func(n *NewStaff) { n.Role = "root" }, "role", fault.Unknown},
		{func(n *NewStaff) { n.Centres = []string{"a", "b c"} }, "centres/1", fault.WrongFormat},
		{func(n *NewStaff) { n.Departments = []string{"a", "a"} }, "departments/1", fault.Duplicate},
		{func(n *NewStaff) { n.Language = "fr" }, "language", fault.Unknown},
	} {
		n := good
		c.spoil(&n)
		_, err := w.CreateStaff(t.Context(), system, n)
		wantField(t, err, c.path, c.why)
	}
	if _, err := w.CreateStaff(t.Context(), system, good); err != nil {
		t.Fatal(err)
	}
	good.Email = "A@Example.org"
	_, err := w.CreateStaff(t.Context(), system, good)
	wantCode(t, err, fault.Exists)
}

func ptr[T any](v T) *T { return &v }

func TestService_UpdateStaff_takesRightsAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patch StaffPatch
		ends  bool
	}{
		"deactivated":    {StaffPatch{Active: ptr(false)}, true},
		"demoted":        {StaffPatch{Role: ptr(actor.Clerk)}, true},
		"narrowed":       {StaffPatch{Centres: ptr([]string{"makkah"})}, true},
		"new_password":   {StaffPatch{Password: ptr("another long passphrase")}, true},
		"totp_reset":     {StaffPatch{ResetTOTP: true}, true},
		"only_renamed":   {StaffPatch{Name: ptr("New")}, false},
		"nothing_at_all": {StaffPatch{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			g, a := w.hire(t, "s@example.org", actor.Supervisor)
			if _, err := w.UpdateStaff(t.Context(), system, a.ID, nil, c.patch); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Verify(t.Context(), g.AccessToken); (fault.CodeOf(err) == fault.Unauthenticated) != c.ends {
				t.Fatal(err)
			}
			if _, err := w.Refresh(t.Context(), g.RefreshToken, ""); (fault.CodeOf(err) == fault.Unauthenticated) != c.ends {
				t.Fatal(err)
			}
		})
	}
}

func TestService_UpdateStaff_deactivatedCannotSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.hire(t, "s@example.org", actor.Clerk)
	x, err := w.UpdateStaff(t.Context(), system, a.ID, ptr(int64(1)), StaffPatch{Active: ptr(false)})
	if err != nil || x.Rev != 2 {
		t.Fatalf("%+v, %v", x, err)
	}
	_, err = w.password(t, "s@example.org", goodPassword, "")
	wantCode(t, err, fault.CredentialsRefused)
	_, err = w.UpdateStaff(t.Context(), system, a.ID, ptr(int64(1)), StaffPatch{Active: ptr(true)})
	wantCode(t, err, fault.PreconditionFailed)
}

// A sign-in that a deactivation overtakes, after the password was checked and before the session is there.
func TestSecurity_deactivationOvertakesASignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.hire(t, "s@example.org", actor.Clerk)
	w.store.adding = func() {
		if _, err := w.UpdateStaff(t.Context(), system, a.ID, nil, StaffPatch{Active: ptr(false)}); err != nil {
			t.Error(err)
		}
	}
	g, err := w.password(t, "s@example.org", goodPassword, "")
	if wantCode(t, err, fault.CredentialsRefused); g != nil {
		t.Fatal("tokens for somebody who was deactivated")
	}
	for _, x := range w.store.sessions {
		if x.Ended.IsZero() {
			t.Fatal("a session of somebody who was deactivated lives")
		}
	}
}

func TestService_UpdateStaff_lastAdministrator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.hire(t, "a@example.org", actor.Admin)
	_, b := w.hire(t, "b@example.org", actor.Admin)
	_, err := w.UpdateStaff(t.Context(), a, a.ID, nil, StaffPatch{Active: ptr(false)})
	wantField(t, err, "active", fault.NotAllowed)
	var changed atomic.Int32
	var wg sync.WaitGroup
	for _, pair := range [][2]actor.Actor{{a, b}, {b, a}} { // two administrators who demote each other
		wg.Go(func() {
			if _, err := w.UpdateStaff(t.Context(), pair[0], pair[1].ID, nil, StaffPatch{Role: ptr(actor.Clerk)}); err == nil {
				changed.Add(1)
			}
		})
	}
	wg.Wait()
	if n, _ := w.store.Admins(t.Context()); changed.Load() != 1 || n != 1 {
		t.Fatalf("%d demoted, %d administrators left", changed.Load(), n)
	}
	for _, x := range w.store.staff {
		if x.Role == actor.Admin {
			_, err := w.UpdateStaff(t.Context(), system, x.ID, nil, StaffPatch{Role: ptr(actor.Clerk)})
			wantField(t, err, "role", fault.NotAllowed)
			_, err = w.UpdateStaff(t.Context(), system, x.ID, nil, StaffPatch{Active: ptr(false)})
			wantField(t, err, "active", fault.NotAllowed)
		}
	}
}

func TestService_ListStaff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.hire(t, fmt.Sprintf("s%d@example.org", i), actor.Clerk)
	}
	n, after := 0, ""
	for pages := 1; ; pages++ {
		items, next, err := w.ListStaff(t.Context(), system, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if n += len(items); next == "" {
			if pages != 3 || n != 5 {
				t.Fatalf("%d pages, %d members", pages, n)
			}
			break
		}
		after = next
	}
}

func TestService_StaffName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.hire(t, "s@example.org", actor.Clerk)
	for range 2 {
		if name, err := w.StaffName(t.Context(), a.ID); err != nil || name != "Name" {
			t.Fatalf("%q, %v", name, err)
		}
	}
	if _, err := w.UpdateStaff(t.Context(), system, a.ID, nil, StaffPatch{Name: ptr("New")}); err != nil {
		t.Fatal(err)
	}
	if name, _ := w.StaffName(t.Context(), a.ID); name != "New" {
		t.Fatal(name)
	}
	if name, err := w.StaffName(t.Context(), "nobody"); err != nil || name != "" {
		t.Fatalf("%q, %v", name, err)
	}
}

// Every method × every kind of caller: only those named get further.
func TestService_authorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := map[string]actor.Actor{"nobody": {}, "citizen": {Kind: actor.Citizen, ID: "c"}, "system": system}
	for _, r := range actor.Roles {
		who[string(r)] = actor.Actor{Kind: actor.Staff, ID: "s", Role: r}
	}
	staff := "clerk officer supervisor manager admin"
	for method, c := range map[string]struct {
		call  func(context.Context, actor.Actor) error
		allow string
	}{
		"Me": {func(ctx context.Context, a actor.Actor) error { _, err := w.Me(ctx, a); return err }, "citizen"},
		"UpdateMe": {func(ctx context.Context, a actor.Actor) error {
			_, err := w.UpdateMe(ctx, a, nil, CitizenPatch{})
			return err
		}, "citizen"},
		"PutPreferences": {func(ctx context.Context, a actor.Actor) error {
			_, err := w.PutPreferences(ctx, a, Preferences{})
			return err
		}, "citizen"},
		"Devices":        {func(ctx context.Context, a actor.Actor) error { _, err := w.Devices(ctx, a); return err }, "citizen"},
		"PutDevice":      {func(ctx context.Context, a actor.Actor) error { _, err := w.PutDevice(ctx, a, Device{}); return err }, "citizen"},
		"DeleteDevice":   {func(ctx context.Context, a actor.Actor) error { return w.DeleteDevice(ctx, a, deviceA) }, "citizen"},
		"StaffMe":        {func(ctx context.Context, a actor.Actor) error { _, err := w.StaffMe(ctx, a); return err }, staff},
		"EnrolTOTP":      {func(ctx context.Context, a actor.Actor) error { _, err := w.EnrolTOTP(ctx, a); return err }, staff},
		"ConfirmTOTP":    {func(ctx context.Context, a actor.Actor) error { return w.ConfirmTOTP(ctx, a, "123456") }, staff},
		"ChangePassword": {func(ctx context.Context, a actor.Actor) error { return w.ChangePassword(ctx, a, "x", "y") }, staff},
		"CreateStaff": {func(ctx context.Context, a actor.Actor) error {
			_, err := w.CreateStaff(ctx, a, NewStaff{})
			return err
		}, "admin system"},
		"GetStaff":  {func(ctx context.Context, a actor.Actor) error { _, err := w.GetStaff(ctx, a, "x"); return err }, "admin system"},
		"ListStaff": {func(ctx context.Context, a actor.Actor) error { _, _, err := w.ListStaff(ctx, a, "", 1); return err }, "admin system"},
		"UpdateStaff": {func(ctx context.Context, a actor.Actor) error {
			_, err := w.UpdateStaff(ctx, a, "x", nil, StaffPatch{})
			return err
		}, "admin system"},
		"EnsureCitizen": {func(ctx context.Context, a actor.Actor) error {
			_, err := w.EnsureCitizen(ctx, a, Caller{Phone: "x"})
			return err
		}, "clerk officer supervisor system"},
	} {
		for name, a := range who {
			code := fault.CodeOf(c.call(t.Context(), a))
			allowed := code != fault.Forbidden && code != fault.Unauthenticated
			if want := strings.Contains(" "+c.allow+" ", " "+name+" "); allowed != want {
				t.Errorf("%s by %s: %q", method, name, code)
			}
		}
	}
}
