package mongo

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	monitor "go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
)

// twoOf are two processes on one empty store.
func twoOf(t *testing.T) (one, other *DB) {
	t.Helper()
	one = fresh(t)
	other, err := Open(t.Context(), server+"/"+one.db.Name(), Options{Monitor: seen.monitor(), AsIs: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return one, other
}

func anInvitation(t *testing.T, db *DB, anonymous bool) *surveys.Invitation {
	t.Helper()
	i := surveys.Invitation{ID: event.Derive("invitation"), Rev: 1, Round: event.Derive("round"), Citizen: event.Derive("citizen"),
		Anonymous: anonymous, State: surveys.InvitationInvited, Invited: moment(1_000), Until: moment(9_000)}
	if n, err := db.AddInvitations(t.Context(), []surveys.Invitation{i}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	return &i
}

// says answers an invitation with words, which are the questions as well.
func says(response string, words ...string) answerChange {
	return func(i *surveys.Invitation, old *surveys.Response) (*surveys.Response, []byte, []surveys.Verbatim, error) {
		i.State = surveys.InvitationPartial
		r := &surveys.Response{ID: response, Round: i.Round, Rev: 1}
		if old != nil {
			r.Rev = old.Rev + 1
		}
		var all []surveys.Verbatim
		for _, w := range words {
			all = append(all, surveys.Verbatim{ID: event.Derive(r.ID, w), Round: r.Round, Response: r.ID, Question: w, Text: w, Folded: w, Day: "2026-03-01", State: surveys.VerbatimNew})
		}
		return r, fmt.Append(nil, r.Rev), all, nil
	}
}

// dies answers an invitation as a process does that dies before anything follows.
func dies(t *testing.T, db *DB, id string, change answerChange) {
	t.Helper()
	i, err := db.Invitation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	was := i.Rev
	e, err := db.answer(t.Context(), i, change)
	if err != nil {
		t.Fatal(err)
	}
	i.Rev++
	up, err := invitations.changed(i, e)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := db.in("invitations").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: id}, {Key: "rev", Value: was}}, up); err != nil || r.MatchedCount != 1 {
		t.Fatal(r, err)
	}
}

func stored(t *testing.T, db *DB, in, id string) bson.Raw {
	t.Helper()
	raw, err := db.in(in).FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// holdsAnswer fails unless just that response is there, with those words, and so many answers were counted.
func holdsAnswer(t *testing.T, db *DB, round, response string, rev int64, touched int64, words ...string) {
	t.Helper()
	r, err := db.Response(t.Context(), response)
	if err != nil || r.Rev != rev {
		t.Errorf("the response is %+v, %v; want rev %d", r, err, rev)
	}
	var rows []string
	if err := db.ScanResponses(t.Context(), round, func(row []byte) error { rows = append(rows, string(row)); return nil }); err != nil {
		t.Error(err)
	}
	if !slices.Equal(rows, []string{fmt.Sprint(rev)}) {
		t.Errorf("rows %q, want that of %d", rows, rev)
	}
	if n, err := db.Touched(t.Context(), round); err != nil || n != touched {
		t.Errorf("touched %d, %v; want %d", n, err, touched)
	}
	for _, q := range []surveys.VerbatimQuery{{Limit: 9}, {Round: round, Limit: 9}} {
		all, err := db.Verbatims(t.Context(), q)
		var got []string
		for _, v := range all {
			got = append(got, v.Text)
		}
		slices.Sort(got)
		if err != nil || !slices.Equal(got, words) {
			t.Errorf("words %q, %v; want %q", got, err, words)
		}
	}
}

// When the process dies between an answer and what follows of it, whoever looks next writes it, once.
func TestDB_Respond_dies(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(t *testing.T, db *DB, i *surveys.Invitation){
		"nobody reads it": func(t *testing.T, db *DB, _ *surveys.Invitation) {
			for range 2 {
				if err := db.FollowLate(t.Context(), time.Now().Add(time.Second)); err != nil {
					t.Fatal(err)
				}
			}
		},
		"it is read": func(t *testing.T, db *DB, i *surveys.Invitation) {
			if got, err := db.Invitation(t.Context(), i.ID); err != nil || got.State != surveys.InvitationPartial {
				t.Fatal(got, err)
			}
		},
		"it is listed": func(t *testing.T, db *DB, i *surveys.Invitation) {
			if got, err := db.InvitationsOf(t.Context(), i.Citizen, moment(2_000)); err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
		},
		"it is changed": func(t *testing.T, db *DB, i *surveys.Invitation) {
			if got, err := db.UpdateInvitation(t.Context(), i.ID, func(i *surveys.Invitation) ([]event.Event, error) { return nil, nil }); err != nil || got.Rev != 3 {
				t.Fatal(got, err)
			}
		},
		"it is changed with others": func(t *testing.T, db *DB, i *surveys.Invitation) {
			if err := db.UpdateInvitations(t.Context(), []string{i.ID}, func(i *surveys.Invitation) ([]event.Event, error) { i.Reminded++; return nil, nil }); err != nil {
				t.Fatal(err)
			}
			if got, err := db.Invitation(t.Context(), i.ID); err != nil || got.Reminded != 1 {
				t.Fatal(got, err)
			}
		},
		"several at once": func(t *testing.T, db *DB, i *surveys.Invitation) {
			raw := stored(t, db, "invitations", i.ID)
			var g group
			for range 8 {
				g.Go(func() error { return db.followUpNow(t.Context(), "invitations", raw) })
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, anonymous := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/anonymous %v", name, anonymous), func(t *testing.T) {
				t.Parallel()
				one, other := twoOf(t)
				i := anInvitation(t, one, anonymous)
				response := surveys.ResponseID(i.ID)
				if anonymous {
					response = event.Derive("random")
				}
				dies(t, one, i.ID, says(response, "a", "b"))
				if _, err := other.Response(t.Context(), response); fault.CodeOf(err) != fault.NotFound {
					t.Fatalf("it did not die: %v", err)
				}
				next(t, other, i)
				holdsAnswer(t, one, i.Round, response, 1, 1, "a", "b")
				raw := stored(t, one, "invitations", i.ID)
				if _, err := raw.LookupErr("then"); err == nil || raw.Lookup("then_at").Type != 0 {
					t.Errorf("something is to follow still: %v", raw)
				}
			})
		}
	}
}

// An answer that came to a process that died is what the next one replaces.
func TestDB_Respond_afterOneThatDied(t *testing.T) {
	t.Parallel()
	one, other := twoOf(t)
	i := anInvitation(t, one, false)
	response := surveys.ResponseID(i.ID)
	dies(t, one, i.ID, says(response, "a", "b"))
	if err := other.Respond(t.Context(), i.ID, says(response, "b", "c")); err != nil {
		t.Fatal(err)
	}
	holdsAnswer(t, one, i.Round, response, 2, 2, "b", "c")
}

// Whoever slept over what follows of an answer does it again, when it was done and a newer answer was given: nothing of that is undone.
func TestDB_Respond_slept(t *testing.T) {
	t.Parallel()
	one, other := twoOf(t)
	i := anInvitation(t, one, false)
	response := surveys.ResponseID(i.ID)
	dies(t, one, i.ID, says(response, "a", "b"))
	slept := stored(t, one, "invitations", i.ID)
	for n, words := range [][]string{{"b", "c"}, {}, {"a"}} {
		if err := other.Respond(t.Context(), i.ID, says(response, words...)); err != nil {
			t.Fatal(err)
		}
		if err := one.followUpNow(t.Context(), "invitations", slept); err != nil {
			t.Fatal(err)
		}
		holdsAnswer(t, one, i.Round, response, int64(n+2), int64(n+2), words...)
	}
	if _, err := one.UpdateVerbatim(t.Context(), event.Derive(response, "b"), func(*surveys.Verbatim) error { return nil }); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a word that is not said any more: %v", err)
	}
	if raw := stored(t, one, "verbatims", event.Derive(response, "b")); raw.Lookup("folded").Type != 0 || len(raw.Lookup("doc").Document()) != 5 {
		t.Errorf("a word that is not said any more is there still: %v", raw)
	}
}

// Whoever slept does not undo what was decided about a word either, and counts nothing twice.
func TestDB_Respond_sleptAndModerated(t *testing.T) {
	t.Parallel()
	for _, response := range []string{surveys.ResponseID(event.Derive("invitation")), event.Derive("random")} {
		t.Run(response, func(t *testing.T) {
			t.Parallel()
			one, other := twoOf(t)
			i := anInvitation(t, one, response == event.Derive("random"))
			dies(t, one, i.ID, says(response, "a"))
			slept := stored(t, one, "invitations", i.ID)
			if _, err := other.Invitation(t.Context(), i.ID); err != nil {
				t.Fatal(err)
			}
			word := event.Derive(response, "a")
			if _, err := other.UpdateVerbatim(t.Context(), word, func(v *surveys.Verbatim) error { v.State = surveys.VerbatimHidden; return nil }); err != nil {
				t.Fatal(err)
			}
			if err := one.followUpNow(t.Context(), "invitations", slept); err != nil {
				t.Fatal(err)
			}
			holdsAnswer(t, one, i.Round, response, 1, 1, "a")
			if all, err := one.Verbatims(t.Context(), surveys.VerbatimQuery{States: []string{surveys.VerbatimHidden}, Terms: []string{"a"}, Limit: 9}); err != nil || len(all) != 1 {
				t.Errorf("what was hidden is %v, %v", all, err)
			}
		})
	}
}

// A change of a word that was read before its answer was given anew is lost to that.
func TestDB_UpdateVerbatim_overtaken(t *testing.T) {
	t.Parallel()
	one, other := twoOf(t)
	i := anInvitation(t, one, false)
	response := surveys.ResponseID(i.ID)
	if err := one.Respond(t.Context(), i.ID, says(response, "a")); err != nil {
		t.Fatal(err)
	}
	tries := 0
	v, err := one.UpdateVerbatim(t.Context(), event.Derive(response, "a"), func(v *surveys.Verbatim) error {
		if tries++; tries == 1 {
			if err := other.Respond(t.Context(), i.ID, says(response, "a")); err != nil {
				t.Error(err)
			}
		}
		v.State = surveys.VerbatimApproved
		return nil
	})
	if err != nil || tries != 2 || v.State != surveys.VerbatimApproved {
		t.Errorf("%+v, %v, in %d tries", v, err, tries)
	}
}

// Of answers and changes in two processes none is lost, and each is counted once.
func TestDB_Respond_processes(t *testing.T) {
	t.Parallel()
	one, other := twoOf(t)
	i := anInvitation(t, one, false)
	response := surveys.ResponseID(i.ID)
	remind := func(i *surveys.Invitation) ([]event.Event, error) { i.Reminded++; return nil, nil }
	var all sync.WaitGroup
	for _, db := range []*DB{one, other} {
		for range 5 {
			for _, do := range []func() error{
				func() error { return db.Respond(t.Context(), i.ID, says(response, "a", "b")) },
				func() error { _, err := db.UpdateInvitation(t.Context(), i.ID, remind); return err },
				func() error { return db.UpdateInvitations(t.Context(), []string{i.ID}, remind) },
			} {
				all.Go(func() {
					if err := do(); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	all.Wait()
	holdsAnswer(t, one, i.Round, response, 10, 10, "a", "b")
	if got, err := one.Invitation(t.Context(), i.ID); err != nil || got.Reminded != 20 || got.Rev != 31 {
		t.Errorf("%+v, %v; want 20 reminders and 30 changes", got, err)
	}
}

// An invitation that nobody can decode hinders no other.
func TestDB_DueInvitations_poisoned(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var all []surveys.Invitation
	var ids []string
	for n := range 3 {
		ids = append(ids, event.Derive(fmt.Sprint(n)))
		all = append(all, surveys.Invitation{ID: ids[n], Rev: 1, Round: "r", Citizen: "c", State: surveys.InvitationInvited, Invited: moment(1), Until: moment(1_000),
			Due: moment(int64(n + 1))})
	}
	if _, err := db.AddInvitations(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for n, damage := range []bson.D{{{Key: "doc", Value: bson.D{{Key: "rev", Value: "x"}}}}, {{Key: "then", Value: bson.Binary{Data: []byte("x")}}, {Key: "then_at", Value: 1}}} {
		if _, err := db.in("invitations").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: ids[n]}}, bson.D{{Key: "$set", Value: damage}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, list := range map[string]func() ([]*surveys.Invitation, error){
		"due":          func() ([]*surveys.Invitation, error) { return db.DueInvitations(t.Context(), moment(10), 9) },
		"of a citizen": func() ([]*surveys.Invitation, error) { return db.InvitationsOf(t.Context(), "c", moment(10)) },
		"of a round": func() ([]*surveys.Invitation, error) {
			return db.RoundInvitations(t.Context(), "r", []surveys.InvitationState{surveys.InvitationInvited}, "", 9)
		},
	} {
		if got, err := list(); err != nil || len(got) != 1 || got[0].ID != ids[2] {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if err := db.UpdateInvitations(t.Context(), ids, func(i *surveys.Invitation) ([]event.Event, error) { i.Due = time.Time{}; return nil, nil }); err != nil {
		t.Error(err)
	}
	if i, err := db.Invitation(t.Context(), ids[2]); err != nil || !i.Due.IsZero() {
		t.Errorf("%+v, %v", i, err)
	}
	for _, id := range ids[:2] {
		if _, err := db.Invitation(t.Context(), id); err == nil {
			t.Error("one that nobody can decode was read")
		}
	}
	dies(t, db, ids[2], says(event.Derive("random"), "a"))
	if err := db.FollowLate(t.Context(), time.Now().Add(time.Second)); err == nil {
		t.Error("what nobody can decode was done")
	}
	holdsAnswer(t, db, "r", event.Derive("random"), 1, 1, "a")
}

// The quarantine of a country is read in pages, and nobody is left out or told twice where one ends.
func TestDB_InvitedSince_pages(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var all []surveys.Invitation
	var want []string
	for n := range invitedPage/2 + 2 {
		citizen := fmt.Sprintf("%09d", n)
		want = append(want, citizen)
		for round := range 2 {
			all = append(all, surveys.Invitation{ID: event.Derive(citizen, fmt.Sprint(round)), Rev: 1, Citizen: citizen, Round: fmt.Sprint(round), State: surveys.InvitationDrawn})
		}
	}
	all = all[1:] // so that a page ends between two of one citizen
	if _, err := db.AddInvitations(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for _, except := range []string{"", "0"} {
		var got []string
		if err := db.InvitedSince(t.Context(), time.Now(), except, func(c string) error { got = append(got, c); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("but for %q: %d citizens, want %d in order", except, len(got), len(want))
		}
	}
}

// A tally that does not fit into a document is kept in pieces, which are one or none.
func TestDB_PutTally_pieces(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	long := slices.Repeat([]byte{7}, 2*tallyPart+5)
	kept := func(touched int64, want []byte) {
		t.Helper()
		if n, b, err := db.TallyOf(t.Context(), "r"); err != nil || n != touched || !reflect.DeepEqual(b, want) {
			t.Errorf("kept %d bytes at %d, %v; want %d at %d", len(b), n, err, len(want), touched)
		}
	}
	if err := db.PutTally(t.Context(), "r", 2, long); err != nil {
		t.Fatal(err)
	}
	kept(2, long)
	if err := db.PutTally(t.Context(), "r", 1, long[:9]); err != nil { // counted earlier, and late
		t.Fatal(err)
	}
	kept(2, long)
	if _, err := db.in("tallies").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: tallyID("r", 1)}}, bson.D{{Key: "$set", Value: bson.D{{Key: "write", Value: int64(1)}}}}); err != nil {
		t.Fatal(err)
	}
	kept(0, nil)
	if err := db.PutTally(t.Context(), "r", 3, long[:9]); err != nil {
		t.Fatal(err)
	}
	kept(3, long[:9])
}

// Responses are given in the order of their ids, which is none, also where the server would give another one.
func TestDB_ScanResponses_order(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	docs := []any{}
	for n := range 300 {
		docs = append(docs, bson.D{{Key: "_id", Value: event.Derive(fmt.Sprint(n))}, {Key: "round", Value: "r"}, {Key: "row", Value: bson.Binary{Data: []byte(event.Derive(fmt.Sprint(n)))}}})
	}
	if _, err := db.in("responses").InsertMany(t.Context(), docs, options.InsertMany()); err != nil {
		t.Fatal(err)
	}
	var rows []string
	if err := db.ScanResponses(t.Context(), "r", func(row []byte) error { rows = append(rows, string(row)); return nil }); err != nil || len(rows) != 300 || !slices.IsSorted(rows) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// Of a batch in which somebody else was faster with one, and changes another one before it is known which, each is changed once.
func TestDB_UpdateInvitations_overtaken(t *testing.T) {
	t.Parallel()
	other := fresh(t)
	remind := func(i *surveys.Invitation) ([]event.Event, error) { i.Reminded++; return nil, nil }
	var after sync.Once
	one, err := Open(t.Context(), server+"/"+other.db.Name(), Options{AsIs: true, Monitor: &monitor.CommandMonitor{Succeeded: func(_ context.Context, e *monitor.CommandSucceededEvent) {
		if e.CommandName != "update" {
			return
		}
		after.Do(func() {
			if err := other.UpdateInvitations(t.Context(), []string{"won"}, remind); err != nil {
				t.Error(err)
			}
		})
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if _, err := other.AddInvitations(t.Context(), []surveys.Invitation{{ID: "lost", Rev: 1}, {ID: "won", Rev: 1}, {ID: "kept", Rev: 1}}); err != nil {
		t.Fatal(err)
	}
	var before sync.Once
	if err := one.UpdateInvitations(t.Context(), []string{"lost", "won", "kept"}, func(i *surveys.Invitation) ([]event.Event, error) {
		before.Do(func() {
			if _, err := other.UpdateInvitation(t.Context(), "lost", remind); err != nil {
				t.Error(err)
			}
		})
		return remind(i)
	}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int{"lost": 2, "won": 2, "kept": 1} {
		if i, err := other.Invitation(t.Context(), id); err != nil || i.Reminded != want {
			t.Errorf("%s: %+v, %v; want %d", id, i, err, want)
		}
	}
}
