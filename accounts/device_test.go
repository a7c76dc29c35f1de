package accounts

import (
	"fmt"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

func (w *world) put(t testing.TB, a actor.Actor, id, token string) {
	t.Helper()
	if _, err := w.PutDevice(t.Context(), a, Device{ID: id, Platform: "android", PushToken: token}); err != nil {
		t.Fatal(err)
	}
}

// pushTokens are what push would send to.
func (w *world) pushTokens(t testing.TB, a actor.Actor) (tokens []string) {
	t.Helper()
	all, err := w.Contacts(t.Context(), []string{a.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all[a.ID].Devices {
		tokens = append(tokens, d.PushToken)
	}
	return tokens
}

// SECURITY.md, push: after logout nothing more for the first (chatwoot#7241).
func TestSecurity_logoutSilencesTheDevice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		session, device, named string
		all                    bool
	}{
		"bound_session":          {session: deviceA, device: deviceA},
		"unbound_session":        {device: deviceA},
		"registered_under_other": {session: deviceB, device: deviceA},
		"named_at_logout":        {device: deviceA, named: deviceA},
		"everywhere":             {session: deviceA, device: deviceA, all: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, a := w.signIn(t, phone, c.session)
			w.put(t, a, c.device, "T")
			if err := w.Logout(t.Context(), a, c.all, c.named); err != nil {
				t.Fatal(err)
			}
			if left := w.pushTokens(t, a); len(left) != 0 {
				t.Fatalf("still reached at %v", left)
			}
		})
	}
}

func TestService_Logout_leavesOtherDevicesReachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, deviceA)
	w.put(t, a, deviceA, "A")
	_, b := w.signIn(t, phone, deviceB)
	w.put(t, b, deviceB, "B")
	if err := w.Logout(t.Context(), a, false, ""); err != nil {
		t.Fatal(err)
	}
	if left := w.pushTokens(t, a); len(left) != 1 || left[0] != "B" {
		t.Fatalf("%v", left)
	}
	if err := w.Logout(t.Context(), b, true, ""); err != nil {
		t.Fatal(err)
	}
	if left := w.pushTokens(t, a); len(left) != 0 {
		t.Fatalf("%v", left)
	}
}

// A registration that was on its way when the person logged out does not bring the device back.
func TestSecurity_registrationThatALogoutOvertakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, deviceA)
	if err := w.Logout(t.Context(), a, false, ""); err != nil {
		t.Fatal(err)
	}
	_, err := w.PutDevice(t.Context(), a, Device{ID: deviceA, Platform: "ios", PushToken: "T"})
	wantCode(t, err, fault.Unauthenticated)
	if left := w.pushTokens(t, a); len(left) != 0 {
		t.Fatalf("still reached at %v", left)
	}
}

// SECURITY.md, push: the same token registers for another person (chatwoot#7241).
func TestSecurity_tokenLeavesTheFirstPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, deviceA)
	_, b := w.signIn(t, "+966500000000", deviceA)
	w.put(t, a, deviceA, "T")
	w.put(t, b, deviceA, "T")
	if first, second := w.pushTokens(t, a), w.pushTokens(t, b); len(first) != 0 || len(second) != 1 {
		t.Fatalf("first %v, second %v", first, second)
	}
	// What push learns late about the first must not silence the second.
	if err := w.DropPushToken(t.Context(), a.ID, "T"); err != nil {
		t.Fatal(err)
	}
	if second := w.pushTokens(t, b); len(second) != 1 {
		t.Fatalf("second %v", second)
	}
	if err := w.DropPushToken(t.Context(), b.ID, "T"); err != nil {
		t.Fatal(err)
	}
	if second := w.pushTokens(t, b); len(second) != 0 {
		t.Fatalf("second %v", second)
	}
}

// A token that is another sender's rests for a week, or until the phone registers again.
func TestService_SetTokenAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, deviceA)
	w.put(t, a, deviceA, "T")
	aside := func() {
		t.Helper()
		if err := w.SetTokenAside(t.Context(), a.ID, "T"); err != nil {
			t.Fatal(err)
		}
		if left := w.pushTokens(t, a); len(left) != 0 {
			t.Fatalf("still reached at %v", left)
		}
	}
	aside()
	w.put(t, a, deviceA, "T")
	if back := w.pushTokens(t, a); len(back) != 1 {
		t.Fatalf("registered again, and reached at %v", back)
	}
	aside()
	w.clock.pass(asideFor + time.Second)
	if back := w.pushTokens(t, a); len(back) != 1 {
		t.Fatalf("after a week: %v", back)
	}
}

func TestService_PutDevice_keepsTwenty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, "")
	for i := range 25 {
		w.clock.pass(time.Second)
		w.put(t, a, fmt.Sprintf("0190f0a0-0000-4000-8000-0000000000%02d", i), fmt.Sprint("T", i))
	}
	ds, err := w.Devices(t.Context(), a)
	if err != nil || len(ds) != 20 || ds[0].PushToken != "T24" || ds[19].PushToken != "T5" {
		t.Fatalf("%d devices, %v", len(ds), err)
	}
	if err := w.DeleteDevice(t.Context(), a, ds[0].ID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, w.DeleteDevice(t.Context(), a, ds[0].ID), fault.NotFound)
	_, b := w.signIn(t, "+966500000000", "")
	wantCode(t, w.DeleteDevice(t.Context(), b, ds[1].ID), fault.NotFound)
}

func TestService_PutDevice_fields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.signIn(t, phone, "")
	for _, c := range []struct {
		d    Device
		path string
		why  fault.Reason
	}{
		{Device{Platform: "ios"}, "device_id", fault.Required},
		{Device{ID: "x", Platform: "ios"}, "device_id", fault.WrongFormat},
		{Device{ID: deviceA, Platform: "symbian"}, "platform", fault.Unknown},
		{Device{ID: deviceA, Platform: "ios", Language: "fr"}, "language", fault.Unknown},
		{Device{ID: deviceA, Platform: "ios", PushToken: "a b"}, "push_token", fault.WrongFormat},
		{Device{ID: deviceA, Platform: "ios", PushToken: string(make([]byte, 5000))}, "push_token", fault.TooLong},
		{Device{ID: deviceA, Platform: "ios", Model: "a\x00b"}, "model", fault.WrongFormat},
	} {
		_, err := w.PutDevice(t.Context(), a, c.d)
		wantField(t, err, c.path, c.why)
	}
}
