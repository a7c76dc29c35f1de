package mongo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/store/storetest"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	storetest.TestAccounts(t, func(t *testing.T) accounts.Store { return fresh(t) })
}

func TestAnswers(t *testing.T) {
	storetest.TestAnswers(t, func(t *testing.T) storetest.Answers { return fresh(t) })
}

// again opens the store once more, as another process does.
func again(t *testing.T, db *DB) *DB {
	t.Helper()
	other, err := Open(t.Context(), server+"/"+db.db.Name(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	return other
}

// fails says that nothing must.
func fails(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type lastCode struct {
	mu   sync.Mutex
	code string
}

func (l *lastCode) SendCode(_ context.Context, _, _, code string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.code = code
	return nil
}

// One hundred correct codes at once through the whole service, of two processes: one session (MISP CVE-2026-107276).
func TestAccounts_signInOnceOf100(t *testing.T) {
	t.Parallel()
	db, sms := fresh(t), &lastCode{}
	services := make([]*accounts.Service, 2)
	for i, store := range []*DB{db, again(t, db)} {
		var err error
		services[i], err = accounts.New(t.Context(), accounts.Config{Secret: make([]byte, 32)}, store, sms)
		fails(t, err)
	}
	_, err := services[0].RequestCode(t.Context(), accounts.CodeRequest{Phone: "0512345678", Address: "198.51.100.7"})
	fails(t, err)
	for _, in := range []string{"codes", "counters"} {
		fails(t, db.scan(t.Context(), in, bson.D{{Key: "_id", Value: bson.D{{Key: "$exists", Value: true}}}}, func(raw bson.Raw) error {
			for _, secret := range []string{"512345678", "198.51.100.7", sms.code} {
				if strings.Contains(raw.String(), secret) {
					t.Errorf("%s hold %q", in, secret)
				}
			}
			return nil
		}))
	}
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			_, _ = services[i%2].SignInWithCode(t.Context(), accounts.CodeSignIn{Phone: "0512345678", Code: sms.code})
		})
	}
	group.Wait()
	if n, err := db.in("sessions").CountDocuments(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$exists", Value: true}}}}); err != nil || n != 1 {
		t.Fatalf("%d sessions, %v", n, err)
	}
}

// Uses of two counters at once by two processes: neither limit is exceeded, and what one of them refused counts in none.
func TestDB_Take_severalProcesses(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	stores := []*DB{db, again(t, db)}
	now := time.Now()
	all := accounts.Quota{Key: "all", Limit: accounts.Limit{Max: 20, Window: time.Hour}}
	var allowed [4]atomic.Int32
	var group sync.WaitGroup
	for i := range 80 {
		group.Go(func() {
			mine := accounts.Quota{Key: fmt.Sprint("mine", i%4), Limit: accounts.Limit{Max: 7, Window: time.Hour}}
			wait, err := stores[i%2].Take(t.Context(), now, []accounts.Quota{all, mine})
			if err != nil {
				t.Error(err)
			} else if wait == 0 {
				allowed[i%4].Add(1)
			}
		})
	}
	group.Wait()
	found, err := db.counters(t.Context(), []accounts.Quota{all, {Key: "mine0"}, {Key: "mine1"}, {Key: "mine2"}, {Key: "mine3"}})
	fails(t, err)
	counted := func(key string) (n int) {
		for _, u := range found[key].Uses {
			n += u.N
		}
		return n
	}
	total := 0
	for i := range allowed {
		n := int(allowed[i].Load())
		if total += n; n > 7 || counted(fmt.Sprint("mine", i)) != n {
			t.Errorf("%d: %d allowed, %d counted", i, n, counted(fmt.Sprint("mine", i)))
		}
	}
	if total > 20 || total < 10 || counted("all") != total { // one that gives back may have refused another
		t.Errorf("%d allowed, %d counted", total, counted("all"))
	}
}

// A use that cannot be had in one counter is given back in the other, but not of a counter that began anew.
func TestCounter_giveBack(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_000_000)
	limit := accounts.Limit{Max: 5, Window: time.Minute}
	c := counter{there: true, rev: 7}
	for _, after := range []time.Duration{0, 0, time.Second} {
		if c.Take(at.Add(after), limit) != 0 {
			t.Fatal("refused")
		}
	}
	for _, step := range []struct {
		u    use
		want string
	}{
		{use{now: at, rev: 8}, "[{1000000 2} {1001000 1}]"},        // of a counter that was there after this one
		{use{now: at, rev: -1 << 40}, "[{1000000 2} {1001000 1}]"}, // before it
		{use{now: at, rev: 5}, "[{1000000 1} {1001000 1}]"},
		{use{now: at.Add(time.Second), rev: 7}, "[{1000000 1}]"},
		{use{now: at, rev: 7}, "[]"},
	} {
		if c.giveBack(&step.u); fmt.Sprint(c.Uses) != step.want {
			t.Errorf("%v, want %s", c.Uses, step.want)
		}
	}
}

// What a session that is ended by one process is changed to by another stays ended, also when both changes share a write.
func TestDB_UpdateSession_endedBeside(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	other := again(t, db)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Millisecond)
	fails(t, db.AddSession(ctx, &accounts.Session{ID: "x", Rev: 1, Kind: actor.Citizen, Account: "a", Expires: now.Add(time.Hour)}))
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			if i == 20 {
				if ids, err := other.EndSessions(ctx, "a", "", now); err != nil || len(ids) != 1 {
					t.Errorf("ended %v, %v", ids, err)
				}
				return
			}
			if _, err := db.UpdateSession(ctx, "x", func(x *accounts.Session) error { x.Generation++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if x, err := db.Session(ctx, "x"); err != nil || !x.Ended.Equal(now) || x.Generation != 39 {
		t.Errorf("%+v, %v", x, err)
	}
	if ids, err := db.EndSessions(ctx, "a", "", now); err != nil || len(ids) != 0 {
		t.Errorf("ended again: %v, %v", ids, err)
	}
}

// Of changes that share a write, one that wants a taken key hinders no other.
func TestDB_UpdateStaff_takenKeyAlone(t *testing.T) {
	t.Parallel()
	db, ctx := fresh(t), t.Context()
	for _, id := range []string{"a", "b"} {
		fails(t, db.AddStaff(ctx, &accounts.Staff{ID: id, Rev: 1, Email: id + "@example.org"}))
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			_, err := db.UpdateStaff(ctx, "a", func(x *accounts.Staff) error {
				if x.Name += "x"; i%2 == 0 {
					x.Email = "b@example.org"
				}
				return nil
			})
			if want := map[bool]fault.Code{true: fault.Exists}[i%2 == 0]; fault.CodeOf(err) != want {
				t.Errorf("%d: %v, want %q", i, err, want)
			}
		})
	}
	group.Wait()
	if x, err := db.Staff(ctx, "a"); err != nil || len(x.Name) != 10 || x.Email != "a@example.org" || x.Rev != 11 {
		t.Errorf("%+v, %v", x, err)
	}
}

// One token among many devices at once, of two processes.
func TestDB_PutDevice_severalProcesses(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	stores := []*DB{db, again(t, db)}
	token := strings.Repeat("long", 1024)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if err := stores[i%2].PutDevice(t.Context(), &accounts.Device{Citizen: fmt.Sprint("c", i%5), ID: fmt.Sprint("d", i%3), PushToken: token}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	held := 0
	for i := range 5 {
		all, err := db.Devices(t.Context(), fmt.Sprint("c", i))
		fails(t, err)
		for _, d := range all {
			if d.PushToken != "" {
				held++
			}
		}
	}
	if held != 1 {
		t.Errorf("%d devices have the token", held)
	}
}

// What is worth something for a time only is not removed by the server before its hour, whatever the clock said that wrote it.
func TestGone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, expires := range []time.Time{{}, now.AddDate(-1, 0, 0), now, now.AddDate(1, 0, 0)} {
		if at := gone(expires).Time(); at.Before(now.Add(spare).Truncate(time.Millisecond)) || at.Before(expires.Add(spare).Truncate(time.Millisecond)) {
			t.Errorf("what expires at %v is removed at %v", expires, at)
		}
	}
}
