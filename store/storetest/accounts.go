package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

var accountsEpoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// TestAccounts is what every backend must do with accounts, codes, sessions, keys and counters.
func TestAccounts(t *testing.T, open func(t *testing.T) accounts.Store) {
	for name, f := range map[string]func(*testing.T, accounts.Store){
		"AddCitizen/phone_is_unique":            accountsPhone,
		"UpdateCitizen/lost_races":              accountsRaces,
		"Citizens/those_that_there_are":         accountsCitizens,
		"PushDevices/with_a_token":              accountsPushDevices,
		"PutDevice/token_moves":                 accountsTokenMoves,
		"PutDevice/token_at_once":               accountsTokenAtOnce,
		"DropPushToken/only_if_still_the_one":   accountsDropToken,
		"SetTokenAside/until_it_is_put_again":   accountsTokenAside,
		"Devices/last_seen_first":               accountsDevices,
		"SpendCode/right_once_of_100_at_once":   accountsCodeOnce,
		"SpendCode/five_tries_of_1000":          accountsCodeTries,
		"SpendCode/expired_replaced_or_unknown": accountsCodeEnds,
		"UpdateSession/one_successor_at_once":   accountsSuccessor,
		"EndSessions/all_but_one":               accountsEndSessions,
		"EndSessions/beats_an_update":           accountsEndBeatsUpdate,
		"AddStaff/email_is_unique":              accountsEmail,
		"ListStaff/pages":                       accountsStaffPages,
		"Admins/active_only":                    accountsAdmins,
		"Keys/added_and_dropped":                accountsKeys,
		"Take/never_more_at_once":               accountsTakeAtOnce,
		"Take/all_or_none_and_slides":           accountsTakeSlides,
		"SweepAccounts/only_what_is_over":       accountsSweep,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

// atOnce runs f n times at the same moment.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func addCitizen(t *testing.T, s accounts.Store, id, phone string) *accounts.Citizen {
	t.Helper()
	c := &accounts.Citizen{ID: id, Rev: 1, Phone: phone, Language: "ar", Created: accountsEpoch, Preferences: accounts.Preferences{Push: true}}
	must(t, s.AddCitizen(t.Context(), c))
	return c
}

func accountsPhone(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	var added, taken atomic.Int32
	atOnce(20, func(i int) {
		err := s.AddCitizen(ctx, &accounts.Citizen{ID: fmt.Sprint("c", i), Rev: 1, Phone: "+966500000001"})
		switch fault.CodeOf(err) {
		case "":
			added.Add(1)
		case fault.Exists:
			taken.Add(1)
		}
	})
	if added.Load() != 1 || taken.Load() != 19 {
		t.Fatalf("%d added, %d taken", added.Load(), taken.Load())
	}
	c, err := s.CitizenByPhone(ctx, "+966500000001")
	must(t, err)
	if same, err := s.Citizen(ctx, c.ID); err != nil || same.Phone != c.Phone {
		t.Fatalf("%+v, %v", same, err)
	}
	if _, err := s.Citizen(ctx, "nobody"); !isNotFound(err) {
		t.Fatal(err)
	}
	if _, err := s.CitizenByPhone(ctx, "+966500000002"); !isNotFound(err) {
		t.Fatal(err)
	}
	addCitizen(t, s, "other", "+966500000002")
	_, err = s.UpdateCitizen(ctx, "other", func(c *accounts.Citizen) error { c.Phone = "+966500000001"; return nil })
	if fault.CodeOf(err) != fault.Exists {
		t.Fatalf("took a taken phone: %v", err)
	}
}

func accountsRaces(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	addCitizen(t, s, "c", "+966500000001")
	atOnce(30, func(int) {
		if _, err := s.UpdateCitizen(ctx, "c", func(c *accounts.Citizen) error { c.Name += "x"; return nil }); err != nil {
			t.Error(err)
		}
	})
	c, err := s.Citizen(ctx, "c")
	must(t, err)
	if len(c.Name) != 30 || c.Rev != 31 {
		t.Fatalf("%d updates stayed, rev %d", len(c.Name), c.Rev)
	}
	no := errors.New("no")
	if _, err := s.UpdateCitizen(ctx, "c", func(c *accounts.Citizen) error { c.Name = "no"; return no }); !errors.Is(err, no) {
		t.Fatal(err)
	}
	if c, _ = s.Citizen(ctx, "c"); c.Name == "no" || c.Rev != 31 {
		t.Fatalf("a refused change stayed: %+v", c)
	}
	if _, err := s.UpdateCitizen(ctx, "nobody", func(*accounts.Citizen) error { return nil }); !isNotFound(err) {
		t.Fatal(err)
	}
}

func accountsCitizens(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	for i := range 5 {
		addCitizen(t, s, fmt.Sprint("c", i), fmt.Sprint("+96650000000", i))
	}
	for _, c := range []struct{ ask, want []string }{
		{[]string{"c1", "nobody", "c3", "c1"}, []string{"c1", "c3"}},
		{[]string{"nobody"}, nil},
		{nil, nil},
		{[]string{"c4", "c3", "c2", "c1", "c0"}, []string{"c0", "c1", "c2", "c3", "c4"}},
	} {
		all, err := s.Citizens(ctx, c.ask)
		must(t, err)
		var got []string
		for _, x := range all {
			got = append(got, x.ID)
			if x.Phone != "+96650000000"+x.ID[1:] || x.Language != "ar" || !x.Preferences.Push {
				t.Errorf("%+v", x)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("asked for %v: %v; want %v", c.ask, got, c.want)
		}
	}
}

func accountsPushDevices(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	putDevice(t, s, "a", "old", "T1", 0)
	putDevice(t, s, "a", "new", "T2", time.Hour)
	putDevice(t, s, "a", "signed_out", "", 2*time.Hour)
	putDevice(t, s, "b", "only", "T3", time.Minute)
	putDevice(t, s, "c", "other", "T4", 0)
	must(t, s.PutDevice(ctx, &accounts.Device{Citizen: "b", ID: "browser", Platform: "web", PushToken: "https://push.example.org/1",
		WebPush: &accounts.WebPush{P256dh: "key", Auth: "secret"}, Seen: accountsEpoch}))
	all, err := s.PushDevices(ctx, []string{"a", "nobody", "b", "a"})
	must(t, err)
	got := map[string][]string{}
	for _, d := range all {
		got[d.Citizen] = append(got[d.Citizen], d.ID+" "+d.PushToken)
		if (d.ID == "browser") != (d.WebPush != nil && d.WebPush.P256dh == "key" && d.WebPush.Auth == "secret") {
			t.Errorf("%+v", d)
		}
	}
	if len(got) != 2 || !slices.Equal(got["a"], []string{"new T2", "old T1"}) || !slices.Equal(got["b"], []string{"only T3", "browser https://push.example.org/1"}) {
		t.Errorf("%v", got)
	}
	if all, err := s.PushDevices(ctx, nil); len(all) != 0 || err != nil {
		t.Errorf("asked for nobody: %v, %v", all, err)
	}
}

func putDevice(t *testing.T, s accounts.Store, citizen, id, token string, seen time.Duration) {
	t.Helper()
	must(t, s.PutDevice(t.Context(), &accounts.Device{Citizen: citizen, ID: id, Platform: "android", PushToken: token, Seen: accountsEpoch.Add(seen)}))
}

// tokens gives the push token of each device of a citizen.
func tokens(t *testing.T, s accounts.Store, citizen string) map[string]string {
	t.Helper()
	ds, err := s.Devices(t.Context(), citizen)
	must(t, err)
	m := map[string]string{}
	for _, d := range ds {
		m[d.ID] = d.PushToken
	}
	return m
}

func accountsTokenMoves(t *testing.T, s accounts.Store) {
	putDevice(t, s, "a", "phone", "T", 0)
	putDevice(t, s, "b", "phone", "T", 0) // the same phone in another hand
	if a, b := tokens(t, s, "a"), tokens(t, s, "b"); a["phone"] != "" || b["phone"] != "T" {
		t.Fatalf("a %v, b %v", a, b)
	}
	putDevice(t, s, "b", "tablet", "T", 0) // the same person, restored on another device
	if b := tokens(t, s, "b"); b["phone"] != "" || b["tablet"] != "T" {
		t.Fatalf("b %v", b)
	}
	putDevice(t, s, "b", "tablet", "T", 0) // again
	putDevice(t, s, "b", "phone", "", 0)   // without a token there is nothing to move
	putDevice(t, s, "a", "phone", "", 0)
	if b := tokens(t, s, "b"); b["phone"] != "" || b["tablet"] != "T" {
		t.Fatalf("b %v", b)
	}
}

func accountsTokenAtOnce(t *testing.T, s accounts.Store) {
	atOnce(20, func(i int) {
		if err := s.PutDevice(t.Context(), &accounts.Device{Citizen: fmt.Sprint("c", i), ID: "phone", PushToken: "T"}); err != nil {
			t.Error(err)
		}
	})
	holders := 0
	for i := range 20 {
		if tokens(t, s, fmt.Sprint("c", i))["phone"] == "T" {
			holders++
		}
	}
	if holders != 1 {
		t.Fatalf("%d people have the token", holders)
	}
}

func accountsDropToken(t *testing.T, s accounts.Store) {
	putDevice(t, s, "a", "phone", "new", 0)
	must(t, s.DropPushToken(t.Context(), "a", "old"))
	must(t, s.DropPushToken(t.Context(), "b", "new")) // it is another's
	if a := tokens(t, s, "a"); a["phone"] != "new" {
		t.Fatalf("a %v", a)
	}
	must(t, s.DropPushToken(t.Context(), "a", "new"))
	if a := tokens(t, s, "a"); a["phone"] != "" {
		t.Fatalf("a %v", a)
	}
}

func accountsTokenAside(t *testing.T, s accounts.Store) {
	aside := func() time.Time {
		ds, err := s.PushDevices(t.Context(), []string{"a"})
		must(t, err)
		if len(ds) != 1 || ds[0].PushToken != "new" {
			t.Fatalf("%+v", ds)
		}
		return ds[0].Aside
	}
	putDevice(t, s, "a", "phone", "new", 0)
	must(t, s.SetTokenAside(t.Context(), "a", "old", accountsEpoch))
	must(t, s.SetTokenAside(t.Context(), "b", "new", accountsEpoch)) // it is another's
	if at := aside(); !at.IsZero() {
		t.Fatalf("set aside since %v", at)
	}
	must(t, s.SetTokenAside(t.Context(), "a", "new", accountsEpoch))
	if at := aside(); !at.Equal(accountsEpoch) {
		t.Fatalf("set aside since %v", at)
	}
	putDevice(t, s, "a", "phone", "new", 0)
	if at := aside(); !at.IsZero() {
		t.Fatalf("registered again, and set aside since %v", at)
	}
}

func accountsDevices(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	putDevice(t, s, "a", "one", "1", time.Minute)
	putDevice(t, s, "a", "two", "2", time.Hour)
	putDevice(t, s, "b", "one", "3", 0)
	ds, err := s.Devices(ctx, "a")
	must(t, err)
	if len(ds) != 2 || ds[0].ID != "two" || ds[1].ID != "one" || ds[0].PushToken != "2" || !ds[0].Seen.Equal(accountsEpoch.Add(time.Hour)) {
		t.Fatalf("%+v", ds)
	}
	must(t, s.DeleteDevice(ctx, "a", "one"))
	if err := s.DeleteDevice(ctx, "a", "one"); !isNotFound(err) {
		t.Fatal(err)
	}
	if b := tokens(t, s, "b"); b["one"] != "3" {
		t.Fatalf("another's device: %v", b)
	}
}

func addStaff(t *testing.T, s accounts.Store, id string, role actor.Role) {
	t.Helper()
	must(t, s.AddStaff(t.Context(), &accounts.Staff{ID: id, Rev: 1, Email: id + "@example.org", Role: role, Active: true, Centres: []string{"riyadh"}}))
}

func accountsEmail(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	addStaff(t, s, "a", actor.Clerk)
	if err := s.AddStaff(ctx, &accounts.Staff{ID: "b", Rev: 1, Email: "a@example.org"}); fault.CodeOf(err) != fault.Exists {
		t.Fatal(err)
	}
	x, err := s.StaffByEmail(ctx, "a@example.org")
	if err != nil || x.ID != "a" || x.Centres[0] != "riyadh" {
		t.Fatalf("%+v, %v", x, err)
	}
	for _, err := range []error{
		second(s.Staff(ctx, "b")), second(s.StaffByEmail(ctx, "b@example.org")),
		second(s.UpdateStaff(ctx, "b", func(*accounts.Staff) error { return nil })),
	} {
		if !isNotFound(err) {
			t.Fatal(err)
		}
	}
	// A step of the second factor is used up by one of many.
	used := errors.New("used")
	var first atomic.Int32
	atOnce(20, func(int) {
		_, err := s.UpdateStaff(ctx, "a", func(x *accounts.Staff) error {
			if x.TOTP != nil {
				return used
			}
			x.TOTP = &accounts.TOTP{Step: 1}
			return nil
		})
		if err == nil {
			first.Add(1)
		} else if !errors.Is(err, used) {
			t.Error(err)
		}
	})
	if first.Load() != 1 {
		t.Fatalf("%d used one step", first.Load())
	}
}

func second[T any](_ T, err error) error { return err }

func accountsStaffPages(t *testing.T, s accounts.Store) {
	for i := range 5 {
		addStaff(t, s, fmt.Sprint("s", i), actor.Clerk)
	}
	got := ""
	for after := ""; ; {
		page, err := s.ListStaff(t.Context(), after, 2)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, x := range page {
			got += x.ID
			after = x.ID
		}
	}
	if got != "s0s1s2s3s4" {
		t.Fatal(got)
	}
}

func accountsAdmins(t *testing.T, s accounts.Store) {
	ctx := t.Context()
	count := func(want int) {
		t.Helper()
		if n, err := s.Admins(ctx); err != nil || n != want {
			t.Fatalf("%d, %v; want %d", n, err, want)
		}
	}
	count(0)
	addStaff(t, s, "a", actor.Admin)
	addStaff(t, s, "b", actor.Admin)
	addStaff(t, s, "c", actor.Clerk)
	count(2)
	must(t, second(s.UpdateStaff(ctx, "a", func(x *accounts.Staff) error { x.Active = false; return nil })))
	must(t, second(s.UpdateStaff(ctx, "b", func(x *accounts.Staff) error { x.Role = actor.Clerk; return nil })))
	must(t, second(s.UpdateStaff(ctx, "c", func(x *accounts.Staff) error { x.Role = actor.Admin; return nil })))
	count(1)
}
