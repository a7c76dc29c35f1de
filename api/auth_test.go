package api

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/reports"
	"github.com/balagh/balagh/store/teststore"
)

const (
	somePhone    = "+966512345678"
	someDevice   = "0190f0a0-0000-4000-8000-00000000000a"
	somePassword = "correct horse battery"
)

func TestMain(m *testing.M) { teststore.Main(m) }

// codes keeps the last one-time code.
type codes struct{ last string }

func (c *codes) SendCode(_ context.Context, _, _, code string) error {
	c.last = code
	return nil
}

// staffed is a server with accounts only.
func staffed(t *testing.T) (*Server, *codes) {
	t.Helper()
	db := teststore.Open(t)
	sent := &codes{}
	people, err := accounts.New(t.Context(), accounts.Config{Secret: make([]byte, 32), PasswordCost: accounts.PasswordCost{MemoryKiB: 64, Passes: 1}}, db, sent)
	if err != nil {
		t.Fatal(err)
	}
	return &Server{Accounts: people, Now: time.Now}, sent
}

// tokens exchanges something for tokens.
func tokens(t *testing.T, s *Server, b gen.TokenRequest) gen.Tokens {
	t.Helper()
	r, err := s.CreateToken(asked(t, actor.Actor{}, "ur"), gen.CreateTokenRequestObject{Body: &b})
	if err != nil {
		t.Fatal(err)
	}
	answer := gen.Tokens(r.(gen.CreateToken200JSONResponse))
	conforms(t, "Tokens", answer)
	return answer
}

// holder is the context of whoever has the tokens.
func holder(t *testing.T, s *Server, g gen.Tokens) context.Context {
	t.Helper()
	a, err := s.Accounts.Verify(t.Context(), g.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return asked(t, a, "ar")
}

func byCode(t *testing.T, s *Server, sent *codes) gen.Tokens {
	t.Helper()
	r, err := s.RequestCode(asked(t, actor.Actor{}, "en"), gen.RequestCodeRequestObject{Body: &gen.CodeRequest{Phone: somePhone}})
	if err != nil {
		t.Fatal(err)
	}
	if c := r.(gen.RequestCode202JSONResponse); c.ExpiresIn != 300 || c.ResendAfter != 60 {
		t.Fatalf("%+v", c)
	}
	return tokens(t, s, gen.TokenRequest{GrantType: "otp", Phone: new(somePhone), Code: &sent.last, DeviceId: new(someDevice)})
}

// keys are the fields that an answer shows.
func keys(t *testing.T, body any) string {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return strings.Join(slices.Sorted(maps.Keys(m)), " ")
}

func TestServer_CreateToken(t *testing.T) {
	t.Parallel()
	s, sent := staffed(t)
	g := byCode(t, s, sent)
	if g.ExpiresIn != 900 || g.TokenType != "Bearer" || g.Account.Kind != "citizen" || g.Account.New == nil || !*g.Account.New {
		t.Fatalf("%+v", g)
	}
	if c, err := s.Accounts.Me(t.Context(), actorOf(holder(t, s, g))); err != nil || c.Language != "ur" {
		t.Fatalf("the language of whoever signed in: %+v, %v", c, err)
	}
	next := tokens(t, s, gen.TokenRequest{GrantType: "refresh_token", RefreshToken: &g.RefreshToken, DeviceId: new(someDevice)})
	if next.Account.Id != g.Account.Id || next.RefreshToken == g.RefreshToken {
		t.Fatalf("%+v", next)
	}
	if again := byCode(t, s, sent); *again.Account.New || again.Account.Id != g.Account.Id {
		t.Fatalf("%+v", again)
	}
}

func TestServer_CreateToken_saysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s, _ := staffed(t)
	for grant, want := range map[gen.TokenRequestGrantType]string{
		"otp": "phone code", "password": "email password", "refresh_token": "refresh_token", "magic": "grant_type",
	} {
		_, err := s.CreateToken(asked(t, actor.Actor{}, "ar"), gen.CreateTokenRequestObject{Body: &gen.TokenRequest{GrantType: grant}})
		var paths []string
		if f := asFault(err); f.Code == fault.Invalid {
			for _, field := range f.Fields {
				paths = append(paths, field.Path)
			}
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("%s: %v", grant, err)
		}
	}
}

func TestServer_Logout(t *testing.T) {
	t.Parallel()
	s, sent := staffed(t)
	one, two := byCode(t, s, sent), byCode(t, s, sent)
	if _, err := s.Logout(holder(t, s, one), gen.LogoutRequestObject{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accounts.Verify(t.Context(), one.AccessToken); fault.CodeOf(err) != fault.Unauthenticated {
		t.Fatal(err)
	}
	if _, err := s.Logout(holder(t, s, two), gen.LogoutRequestObject{Body: &gen.Logout{All: new(true), DeviceId: new(someDevice)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accounts.Verify(t.Context(), two.AccessToken); fault.CodeOf(err) != fault.Unauthenticated {
		t.Fatal(err)
	}
}

func TestServer_Me(t *testing.T) {
	t.Parallel()
	s, sent := staffed(t)
	ctx := holder(t, s, byCode(t, s, sent))
	r, err := s.GetMe(ctx, gen.GetMeRequestObject{})
	if err != nil {
		t.Fatal(err)
	}
	me := r.(gen.GetMe200JSONResponse)
	conforms(t, "Me", me.Body)
	if got := keys(t, me.Body); got != "created_at id language phone" {
		t.Fatal(got)
	}
	patch := gen.UpdateMeRequestObject{Params: gen.UpdateMeParams{IfMatch: me.Headers.ETag},
		Body: &gen.MePatch{Name: new("نورة"), Email: new("n@example.org"), Language: new(gen.Language("en")),
			Gender: new("female"), Residency: new("citizen")}}
	u, err := s.UpdateMe(ctx, patch)
	if err != nil {
		t.Fatal(err)
	}
	now := u.(gen.UpdateMe200JSONResponse)
	conforms(t, "Me", now.Body)
	if *now.Body.Name != "نورة" || *now.Body.Email != "n@example.org" || now.Body.Language != "en" || *now.Body.Gender != "female" ||
		*now.Body.Residency != "citizen" || *now.Headers.ETag == *me.Headers.ETag {
		t.Fatalf("%+v", now)
	}
	if _, err := s.UpdateMe(ctx, patch); fault.CodeOf(err) != fault.PreconditionFailed {
		t.Fatal(err)
	}
}

func TestServer_Devices(t *testing.T) {
	t.Parallel()
	s, sent := staffed(t)
	ctx := holder(t, s, byCode(t, s, sent))
	list := func() []gen.Device {
		t.Helper()
		r, err := s.ListDevices(ctx, gen.ListDevicesRequestObject{})
		if err != nil {
			t.Fatal(err)
		}
		conforms(t, "DeviceList", r)
		return r.(gen.ListDevices200JSONResponse).Items
	}
	if list() == nil {
		t.Fatal("no devices are null, not []")
	}
	r, err := s.PutDevice(ctx, gen.PutDeviceRequestObject{DeviceId: someDevice, Body: &gen.NewDevice{Platform: "android", PushToken: new("T"),
		Language: new(gen.Language("ur")), AppVersion: new("1.2.3"), Model: new("Pixel")}})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "Device", r)
	if all := list(); len(all) != 1 || keys(t, all[0]) != "app_version id language model platform push_token seen_at" || *all[0].PushToken != "T" {
		t.Fatalf("%+v", all)
	}
	if _, err := s.DeleteDevice(ctx, gen.DeleteDeviceRequestObject{DeviceId: someDevice}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteDevice(ctx, gen.DeleteDeviceRequestObject{DeviceId: someDevice}); fault.CodeOf(err) != fault.NotFound {
		t.Fatal(err)
	}
}

func TestServer_Preferences(t *testing.T) {
	t.Parallel()
	s, sent := staffed(t)
	ctx := holder(t, s, byCode(t, s, sent))
	want := gen.Preferences{Sms: true, QuietFrom: new("22:00"), QuietTo: new("07:00"), TimeZone: new("Asia/Riyadh")}
	if _, err := s.PutPreferences(ctx, gen.PutPreferencesRequestObject{Body: &want}); err != nil {
		t.Fatal(err)
	}
	r, err := s.GetPreferences(ctx, gen.GetPreferencesRequestObject{})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "Preferences", r)
	if p := r.(gen.GetPreferences200JSONResponse); !p.Sms || p.Push || p.Email || *p.QuietFrom != "22:00" || *p.QuietTo != "07:00" || *p.TimeZone != "Asia/Riyadh" {
		t.Fatalf("%+v", p)
	}
}

func TestServer_Staff(t *testing.T) {
	t.Parallel()
	s, _ := staffed(t)
	s.Reports = reports.New(nil, nil, nil)
	ctx := asked(t, actor.Actor{Kind: actor.Staff, ID: "root", Role: actor.Admin}, "ar")
	r, err := s.CreateStaff(ctx, gen.CreateStaffRequestObject{Body: &gen.NewStaff{Email: "Clerk@example.org", Name: "موظف", Password: somePassword,
		Role: "clerk", Centres: []string{actor.All}}})
	if err != nil {
		t.Fatal(err)
	}
	made := r.(gen.CreateStaff201JSONResponse)
	conforms(t, "Staff", made.Body)
	if got := keys(t, made.Body); got != "active centres created_at departments email id language name rev role totp" {
		t.Fatal(got)
	}
	if *made.Headers.Location != "/v1/admin/staff/"+made.Body.Id || *made.Headers.ETag != `"1"` || made.Body.Departments == nil {
		t.Fatalf("%+v", made)
	}
	id := made.Body.Id
	u, err := s.UpdateStaff(ctx, gen.UpdateStaffRequestObject{Id: id, Params: gen.UpdateStaffParams{IfMatch: made.Headers.ETag},
		Body: &gen.StaffPatch{Role: new(gen.Role("officer")), Centres: []string{}, Departments: []string{actor.All}}})
	if err != nil {
		t.Fatal(err)
	}
	if x := u.(gen.UpdateStaff200JSONResponse).Body; x.Role != "officer" || len(x.Centres) != 0 || x.Departments[0] != actor.All || x.Name != "موظف" || !x.Active {
		t.Fatalf("%+v", x)
	}
	g, err := s.GetStaff(ctx, gen.GetStaffRequestObject{Id: id})
	if err != nil || *g.(gen.GetStaff200JSONResponse).Headers.ETag != `"2"` {
		t.Fatalf("%+v, %v", g, err)
	}
	if _, err := s.GetStaff(ctx, gen.GetStaffRequestObject{Id: someDevice}); fault.CodeOf(err) != fault.NotFound {
		t.Fatal(err)
	}
}

func TestServer_ListStaff(t *testing.T) {
	t.Parallel()
	s, _ := staffed(t)
	ctx := asked(t, actor.Actor{Kind: actor.Staff, ID: "root", Role: actor.Admin}, "ar")
	for _, email := range []string{"a@example.org", "b@example.org", "c@example.org"} {
		if _, err := s.CreateStaff(ctx, gen.CreateStaffRequestObject{Body: &gen.NewStaff{Email: email, Name: "N", Password: somePassword, Role: "clerk"}}); err != nil {
			t.Fatal(err)
		}
	}
	got, params := "", gen.ListStaffParams{Limit: new(2)}
	for {
		r, err := s.ListStaff(ctx, gen.ListStaffRequestObject{Params: params})
		if err != nil {
			t.Fatal(err)
		}
		conforms(t, "StaffPage", r)
		page := r.(gen.ListStaff200JSONResponse)
		for _, x := range page.Items {
			got += x.Email[:1]
		}
		if params.Cursor = page.Next; page.Next == nil {
			break
		}
	}
	if got != "abc" {
		t.Fatal(got)
	}
	if _, err := s.ListStaff(ctx, gen.ListStaffRequestObject{Params: gen.ListStaffParams{Cursor: new("?")}}); fault.CodeOf(err) != fault.Invalid {
		t.Fatal(err)
	}
}

func TestServer_DeskMe(t *testing.T) {
	t.Parallel()
	s, _ := staffed(t)
	admin := asked(t, actor.Actor{Kind: actor.Staff, ID: "root", Role: actor.Admin}, "ar")
	if _, err := s.CreateStaff(admin, gen.CreateStaffRequestObject{Body: &gen.NewStaff{Email: "a@example.org", Name: "N", Password: somePassword, Role: "clerk"}}); err != nil {
		t.Fatal(err)
	}
	signIn := gen.TokenRequest{GrantType: "password", Email: new("a@example.org"), Password: new(somePassword)}
	first := tokens(t, s, signIn)
	if first.Account.Kind != "staff" || first.Account.New != nil {
		t.Fatalf("%+v", first)
	}
	ctx := holder(t, s, first)
	e, err := s.EnrolTotp(ctx, gen.EnrolTotpRequestObject{})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "TotpSecret", e)
	code, err := totp.GenerateCode(e.(gen.EnrolTotp200JSONResponse).Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ConfirmTotp(ctx, gen.ConfirmTotpRequestObject{Body: &gen.TotpCode{Code: code}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateToken(admin, gen.CreateTokenRequestObject{Body: &signIn}); fault.CodeOf(err) != fault.SecondFactorNeeded {
		t.Fatal(err)
	}
	if _, err := s.ChangePassword(ctx, gen.ChangePasswordRequestObject{Body: &gen.PasswordChange{Current: somePassword, New: "another long passphrase"}}); err != nil {
		t.Fatal(err)
	}
	r, err := s.DeskMe(ctx, gen.DeskMeRequestObject{})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "Staff", r)
	if x := r.(gen.DeskMe200JSONResponse); !x.Totp || x.Email != "a@example.org" {
		t.Fatalf("%+v", x)
	}
}
