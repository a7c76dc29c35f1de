package accounts

import (
	"sync"
	"testing"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

func TestService_UpdateMe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, "")
	c, err := w.UpdateMe(t.Context(), a, ptr(int64(1)), CitizenPatch{Name: ptr("  نورة "), Email: ptr("n@example.org"), Language: ptr("en")})
	if err != nil || c.Name != "نورة" || c.Email != "n@example.org" || c.Language != "en" || c.Rev != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	_, err = w.UpdateMe(t.Context(), a, ptr(int64(1)), CitizenPatch{Name: ptr("late")})
	wantCode(t, err, fault.PreconditionFailed)
	c, err = w.UpdateMe(t.Context(), a, nil, CitizenPatch{Email: ptr("")})
	if err != nil || c.Email != "" || c.Name != "نورة" {
		t.Fatalf("%+v, %v", c, err)
	}
	for path, p := range map[string]CitizenPatch{"name": {Name: ptr("a\nb")}, "email": {Email: ptr("@")}} {
		_, err := w.UpdateMe(t.Context(), a, nil, p)
		wantField(t, err, path, fault.WrongFormat)
	}
	c, err = w.UpdateMe(t.Context(), a, nil, CitizenPatch{Gender: ptr("male"), Residency: ptr("citizen")})
	if err != nil || c.Gender != "male" || c.Residency != "citizen" || c.Name != "نورة" {
		t.Fatalf("%+v, %v", c, err)
	}
	if c, err = w.UpdateMe(t.Context(), a, nil, CitizenPatch{Gender: ptr("")}); err != nil || c.Gender != "" || c.Residency != "citizen" {
		t.Fatalf("what a person takes back: %+v, %v", c, err)
	}
	_, err = w.UpdateMe(t.Context(), a, nil, CitizenPatch{Gender: ptr("m"), Residency: ptr("Citizen")})
	wantField(t, err, "gender", fault.Unknown)
	wantField(t, err, "residency", fault.Unknown)
	_, err = w.UpdateMe(t.Context(), a, nil, CitizenPatch{Language: ptr("")})
	wantField(t, err, "language", fault.Unknown)
}

func TestService_PutPreferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, "")
	want := Preferences{SMS: true, QuietFrom: "22:00", QuietTo: "07:00", TimeZone: "Asia/Karachi"}
	if c, err := w.PutPreferences(t.Context(), a, want); err != nil || c.Preferences != want {
		t.Fatalf("%+v, %v", c, err)
	}
	all, err := w.Contacts(t.Context(), []string{a.ID, "nobody"})
	if c := all[a.ID]; err != nil || len(all) != 1 || c.Preferences != want || c.Phone != phone {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, c := range []struct {
		p    Preferences
		path string
		why  fault.Reason
	}{
		{Preferences{QuietFrom: "22:00"}, "quiet_to", fault.Required},
		{Preferences{QuietTo: "22:00"}, "quiet_from", fault.Required},
		{Preferences{QuietFrom: "24:00", QuietTo: "07:00"}, "quiet_from", fault.WrongFormat},
		{Preferences{QuietFrom: "22:00", QuietTo: "7:00"}, "quiet_to", fault.WrongFormat},
		{Preferences{TimeZone: "Mars/Olympus"}, "time_zone", fault.Unknown},
		{Preferences{TimeZone: "Local"}, "time_zone", fault.Unknown},
		{Preferences{TimeZone: "../etc/passwd"}, "time_zone", fault.Unknown},
	} {
		_, err := w.PutPreferences(t.Context(), a, c.p)
		wantField(t, err, c.path, c.why)
	}
}

func TestService_EnsureCitizen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clerk := actor.Actor{Kind: actor.Staff, Role: actor.Clerk}
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			c, err := w.EnsureCitizen(t.Context(), clerk, Caller{Phone: "٠٥١٢٣٤٥٦٧٨", Name: "Caller", Language: "en", Residency: "resident"})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = c.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("two accounts of one number")
		}
	}
	g, a := w.signIn(t, phone, "")
	if g.Account != ids[0] || g.New {
		t.Fatalf("%+v", g)
	}
	for range 2 { // what the account does not say is filled in, and nothing else
		c, err := w.EnsureCitizen(t.Context(), clerk, Caller{Phone: phone, Name: "Other", Language: "ur", Gender: "female", Residency: "citizen"})
		if err != nil || c.Gender != "female" || c.Residency != "resident" || c.Rev != 2 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if c, err := w.Me(t.Context(), a); err != nil || c.Name != "Caller" || c.Language != "en" || c.Gender != "female" || c.Residency != "resident" {
		t.Fatalf("%+v, %v", c, err)
	}
	_, err := w.EnsureCitizen(t.Context(), clerk, Caller{Phone: "x", Gender: "m", Residency: "tourist"})
	wantField(t, err, "citizen_phone", fault.WrongFormat)
	wantField(t, err, "citizen_gender", fault.Unknown)
	wantField(t, err, "citizen_residency", fault.Unknown)
}
