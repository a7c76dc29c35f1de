package push_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/push"
	"github.com/balagh/balagh/store/storetest"
)

// town is one of people who all have a phone; every second one reported something at the centre "riyadh", the others at "makkah".
func town(t *testing.T, n int) bench {
	t.Helper()
	return settled(t, n, func(i int) (string, string) { return [2]string{"riyadh", "makkah"}[i%2], "loudspeakers" })
}

// crowd is a town of people who reported nothing.
func crowd(t *testing.T, n int) bench {
	t.Helper()
	return settled(t, n, func(int) (string, string) { return "", "" })
}

// page of people for whom a broadcast is planned at once: few, so that a town of some dozens has several.
const page = 32

func settled(t *testing.T, n int, filed func(int) (string, string)) bench {
	t.Helper()
	b := setUp(t)
	b.Page = page
	storetest.Populate(t, b.store, n, filed)
	for i := range n {
		b.people.set(storetest.Townsman(i), push.Contact{Language: push.Languages[i%3], Push: true,
			Devices: []push.Device{{ID: "phone", Token: "token-" + storetest.Townsman(i), Platform: "android"}}})
	}
	return b
}

func herald(centres ...string) actor.Actor {
	return actor.Actor{Kind: actor.Staff, ID: "staff-1", Role: actor.Admin, Centres: centres}
}

// notice is a broadcast that is right in all respects.
func notice(change ...func(*push.Broadcast)) push.Broadcast {
	b := push.Broadcast{Audience: push.Audience{All: true}, Texts: map[string]push.Text{"ar": {Title: "تنبيه", Body: "أمطار غزيرة"},
		"en": {Title: "Notice", Body: "Heavy rain"}, "ur": {Title: "اطلاع", Body: "تیز بارش"}}}
	for _, c := range change {
		c(&b)
	}
	return b
}

func (b bench) broadcast(t *testing.T, change ...func(*push.Broadcast)) string {
	t.Helper()
	x, err := b.CreateBroadcast(t.Context(), herald(actor.All), notice(change...))
	if err != nil {
		t.Fatal(err)
	}
	return x.ID
}

// announcing runs the planning until stop is called; stop waits for its end.
func announcing(t *testing.T, s *push.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.RunBroadcasts(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (b bench) report(t *testing.T, id string) *push.BroadcastReport {
	t.Helper()
	r, err := b.Broadcast(t.Context(), herald(actor.All), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// patiently is eventually for what is slow on purpose: planning gives way to everything else that the machine does.
func patiently(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, again := time.After(2*time.Minute), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 2 minutes", what)
		case <-again.C:
		}
	}
}

func (b bench) awaitState(t *testing.T, id string, want push.BroadcastState) *push.BroadcastReport {
	t.Helper()
	patiently(t, "the broadcast is "+string(want), func() bool { return b.report(t, id).State == want })
	return b.report(t, id)
}

// told counts the messages of each of the first n people.
func (b bench) told(t *testing.T, n int) (none, once, more int) {
	t.Helper()
	for i := range n {
		ms, err := b.store.Messages(t.Context(), storetest.Townsman(i), push.Position{}, 9, false)
		if err != nil {
			t.Fatal(err)
		}
		switch len(ms) {
		case 0:
			none++
		case 1:
			once++
		default:
			more++
		}
	}
	return none, once, more
}

func TestService_CreateBroadcast_refuses(t *testing.T) {
	t.Parallel()
	b := town(t, 4)
	long := strings.Repeat("ا", 501)
	for name, c := range map[string]struct {
		change func(*push.Broadcast)
		want   string
	}{
		"no audience":       {func(b *push.Broadcast) { b.Audience = push.Audience{} }, "audience required"},
		"two audiences":     {func(b *push.Broadcast) { b.Audience = push.Audience{All: true, Centre: "riyadh"} }, "audience contradictory"},
		"nobody there":      {func(b *push.Broadcast) { b.Audience = push.Audience{Centre: "tabuk"} }, "audience out_of_range"},
		"nobody in it":      {func(b *push.Broadcast) { b.Audience = push.Audience{Category: "tabuk"} }, "audience out_of_range"},
		"no text":           {func(b *push.Broadcast) { b.Texts = nil }, "texts/ar/title required, texts/ar/body required, texts/en/title required, texts/en/body required, texts/ur/title required, texts/ur/body required"},
		"a missing body":    {func(b *push.Broadcast) { b.Texts["ur"] = push.Text{Title: "اطلاع", Body: " \n"} }, "texts/ur/body required"},
		"a long title":      {func(b *push.Broadcast) { b.Texts["ar"] = push.Text{Title: long[:202], Body: "x"} }, "texts/ar/title too_long"},
		"a long body":       {func(b *push.Broadcast) { b.Texts["ar"] = push.Text{Title: "x", Body: long} }, "texts/ar/body too_long"},
		"a variable":        {func(b *push.Broadcast) { b.Texts["en"] = push.Text{Title: "x", Body: "report {number}"} }, "texts/en/body wrong_format"},
		"a control sign":    {func(b *push.Broadcast) { b.Texts["en"] = push.Text{Title: "a\nb", Body: "x"} }, "texts/en/title wrong_format"},
		"no such language":  {func(b *push.Broadcast) { b.Texts["fr"] = push.Text{Title: "a", Body: "x"} }, "texts/fr unknown"},
		"in the past":       {func(b *push.Broadcast) { b.At = epoch.Add(-time.Second) }, "at out_of_range"},
		"too far":           {func(b *push.Broadcast) { b.At = epoch.Add(push.MaxScheduled + time.Second) }, "at out_of_range"},
		"several at a time": {func(b *push.Broadcast) { b.At, b.Audience = epoch.Add(-time.Hour), push.Audience{} }, "audience required, at out_of_range"},
	} {
		_, err := b.CreateBroadcast(t.Context(), herald(actor.All), notice(c.change))
		if fault.CodeOf(err) != fault.Invalid || err.Error() != "validation_failed: "+c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	b.Channels = map[string]bool{push.ChannelSMS: true}
	if _, err := b.CreateBroadcast(t.Context(), herald(actor.All), notice(func(b *push.Broadcast) { b.Topic = true })); err == nil || err.Error() != "validation_failed: topic not_allowed" {
		t.Errorf("a topic without FCM: %v", err)
	}
	if all, _, err := b.Broadcasts(t.Context(), herald(actor.All), "", 0); err != nil || len(all) > 0 {
		t.Errorf("refused, and yet kept: %v, %v", all, err)
	}
	fits := notice(func(b *push.Broadcast) { b.Texts["ar"] = push.Text{Title: long[:200], Body: long[:1000]} })
	if _, err := b.CreateBroadcast(t.Context(), herald(actor.All), fits); err != nil {
		t.Errorf("100 and 500 characters: %v", err)
	}
}

func TestService_CreateBroadcast_sameRequestAgain(t *testing.T) {
	t.Parallel()
	b := town(t, 4)
	a := herald(actor.All)
	a.Request = "key"
	first, err := b.CreateBroadcast(t.Context(), a, notice(func(x *push.Broadcast) { x.At = epoch.Add(time.Minute) }))
	if err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Hour) // its time is past by now
	again, err := b.CreateBroadcast(t.Context(), a, notice(func(x *push.Broadcast) { x.At = epoch.Add(time.Minute) }))
	if err != nil || again.ID != first.ID {
		t.Errorf("again: %+v, %v; want %s", again, err, first.ID)
	}
	a.Request = "another"
	if other, err := b.CreateBroadcast(t.Context(), a, notice()); err != nil || other.ID == first.ID {
		t.Errorf("another request: %+v, %v", other, err)
	}
	if first.State != push.Scheduled || first.People != 4 || first.By != "staff-1" {
		t.Errorf("made: %+v", first)
	}
}

func TestService_CountAudience(t *testing.T) {
	t.Parallel()
	b := town(t, 11)
	for to, want := range map[push.Audience]int{{All: true}: 11, {Centre: "riyadh"}: 6, {Centre: "makkah"}: 5, {Category: "loudspeakers"}: 11, {Centre: "tabuk"}: 0} {
		if got, err := b.CountAudience(t.Context(), herald(actor.All), to); err != nil || got != (push.AudienceCount{People: want}) {
			t.Errorf("%+v: %+v, %v; want %d", to, got, err, want)
		}
	}
	if _, err := b.CountAudience(t.Context(), herald(actor.All), push.Audience{}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("of no audience: %v", err)
	}
}

func TestService_Broadcast_authorization(t *testing.T) {
	t.Parallel()
	b := town(t, 4)
	centre := b.broadcast(t, func(x *push.Broadcast) { x.Audience, x.At = push.Audience{Centre: "riyadh"}, epoch.Add(time.Hour) })
	all := b.broadcast(t, func(x *push.Broadcast) { x.At = epoch.Add(time.Hour) })
	staff := func(r actor.Role, centres ...string) actor.Actor {
		return actor.Actor{Kind: actor.Staff, ID: "staff-2", Role: r, Centres: centres}
	}
	const ok = fault.Code("")
	for _, c := range []struct {
		name                                       string
		a                                          actor.Actor
		readCentre, readAll, writeCentre, writeAll fault.Code
		listed                                     int
	}{
		{"nobody", actor.Actor{}, fault.Unauthenticated, fault.Unauthenticated, fault.Unauthenticated, fault.Unauthenticated, 0},
		{"a citizen", as("noura", ""), fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden, 0},
		{"a clerk", staff(actor.Clerk, actor.All), fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden, 0},
		{"an officer", staff(actor.Officer, actor.All), fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden, 0},
		{"a supervisor", staff(actor.Supervisor, "riyadh"), fault.Forbidden, fault.Forbidden, fault.Forbidden, fault.Forbidden, 0},
		{"a manager", staff(actor.Manager, actor.All), ok, ok, fault.Forbidden, fault.Forbidden, 2},
		{"a manager there", staff(actor.Manager, "riyadh"), ok, ok, fault.Forbidden, fault.Forbidden, 2},
		{"a manager elsewhere", staff(actor.Manager, "makkah"), fault.NotFound, ok, fault.Forbidden, fault.Forbidden, 1},
		{"an admin", herald(actor.All), ok, ok, ok, ok, 2},
		{"an admin there", herald("makkah", "riyadh"), ok, ok, ok, fault.Forbidden, 2},
		{"an admin elsewhere", herald("makkah"), fault.NotFound, ok, fault.Forbidden, fault.Forbidden, 1},
		{"an admin of nothing", herald(), fault.NotFound, ok, fault.Forbidden, fault.Forbidden, 1},
	} {
		check := func(what string, err error, want fault.Code) {
			t.Helper()
			if fault.CodeOf(err) != want {
				t.Errorf("%s, %s: %v, want %q", c.name, what, err, want)
			}
		}
		ctx := t.Context()
		_, err := b.Broadcast(ctx, c.a, centre)
		check("read a centre's", err, c.readCentre)
		_, err = b.Broadcast(ctx, c.a, all)
		check("read one to all", err, c.readAll)
		items, _, err := b.Broadcasts(ctx, c.a, "", 0)
		if len(items) != c.listed {
			t.Errorf("%s: %d listed, %v; want %d", c.name, len(items), err, c.listed)
		}
		_, err = b.CountAudience(ctx, c.a, push.Audience{Centre: "riyadh"})
		check("count a centre", err, c.writeCentre)
		_, err = b.CountAudience(ctx, c.a, push.Audience{Category: "loudspeakers"})
		check("count a category", err, c.writeAll)
		for audience, want := range map[push.Audience]fault.Code{{Centre: "riyadh"}: c.writeCentre, {All: true}: c.writeAll, {Category: "loudspeakers"}: c.writeAll} {
			if want == ok { // it would be listed from then on
				continue
			}
			_, err = b.CreateBroadcast(ctx, c.a, notice(func(x *push.Broadcast) { x.Audience = audience }))
			check("create", err, want)
		}
		for what, f := range map[string]func(context.Context, actor.Actor, string) (*push.Broadcast, error){
			"pause": b.PauseBroadcast, "resume": b.ResumeBroadcast, "stop": b.StopBroadcast} {
			if c.writeAll != ok {
				_, err = f(ctx, c.a, all)
				check(what+" one to all", err, c.writeAll)
			}
			if c.writeCentre != ok {
				_, err = f(ctx, c.a, centre)
				want := c.writeCentre
				if c.a.Is(actor.Admin) {
					want = fault.NotFound // an admin learns nothing of other centres
				}
				check(what+" a centre's", err, want)
			}
		}
	}
	if _, err := b.StopBroadcast(t.Context(), herald("riyadh"), centre); err != nil {
		t.Errorf("an admin there stops it: %v", err)
	}
}

func TestService_Broadcasts_pages(t *testing.T) {
	t.Parallel()
	b := town(t, 4)
	var want []string
	for i := range 9 {
		b.clock.advance(time.Second)
		id := b.broadcast(t, func(x *push.Broadcast) { x.Audience = push.Audience{Centre: [2]string{"riyadh", "makkah"}[i%2]} })
		if i%2 == 0 {
			want = append([]string{id}, want...)
		}
	}
	var got []string
	for cursor := ""; ; {
		items, next, err := b.Broadcasts(t.Context(), herald("riyadh"), cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range items {
			got = append(got, x.ID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for cursor, limit := range map[string]int{"x": 1, "": 101} {
		if _, _, err := b.Broadcasts(t.Context(), herald("riyadh"), cursor, limit); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("cursor %q, limit %d: %v", cursor, limit, err)
		}
	}
}

func TestService_Broadcast_moves(t *testing.T) {
	t.Parallel()
	acts := []string{"pause", "resume", "stop"}
	for state, allowed := range map[push.BroadcastState][]string{
		push.Scheduled: {"stop"},
		push.Running:   {"pause", "stop"},
		push.Paused:    {"resume", "stop"},
		push.Stopped:   nil,
		push.Done:      {"pause", "stop"}, // much of it may still wait
	} {
		for _, act := range acts {
			b := setUp(t)
			if err := b.store.CreateBroadcast(t.Context(), &push.Broadcast{ID: "b", State: state, Audience: push.Audience{All: true}, Created: epoch, Started: epoch}); err != nil {
				t.Fatal(err)
			}
			f := map[string]func(context.Context, actor.Actor, string) (*push.Broadcast, error){
				"pause": b.PauseBroadcast, "resume": b.ResumeBroadcast, "stop": b.StopBroadcast}[act]
			x, err := f(t.Context(), herald(actor.All), "b")
			switch {
			case !slices.Contains(allowed, act) && fault.CodeOf(err) != fault.Conflict:
				t.Errorf("%s what is %s: %v, %v; want a conflict", act, state, x, err)
			case slices.Contains(allowed, act) && (err != nil || !slices.Contains(push.BroadcastMoves[state], x.State)):
				t.Errorf("%s what is %s: %+v, %v", act, state, x, err)
			}
		}
	}
	b := setUp(t)
	done := push.Broadcast{ID: "done", State: push.Done, Audience: push.Audience{All: true}, Created: epoch, Started: epoch, Ended: epoch}
	if err := b.store.CreateBroadcast(t.Context(), &done); err != nil {
		t.Fatal(err)
	}
	for _, f := range []func(context.Context, actor.Actor, string) (*push.Broadcast, error){b.PauseBroadcast, b.ResumeBroadcast} {
		if _, err := f(t.Context(), herald(actor.All), "done"); err != nil {
			t.Fatal(err)
		}
	}
	if x := b.report(t, "done"); x.State != push.Done || !x.Due.IsZero() {
		t.Errorf("what was planned goes on as %+v", x)
	}
	if _, err := b.PauseBroadcast(t.Context(), herald(actor.All), "x"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an unknown one: %v", err)
	}
}
