package mongo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/store/storetest"
)

func TestPhotos(t *testing.T) {
	t.Parallel()
	storetest.TestPhotos(t, func(t *testing.T) photos.Store { return fresh(t) })
}

func aPhoto(id, report string) *photos.Photo {
	return &photos.Photo{ID: id, Rev: 1, Owner: "owner", Report: report, Object: id + ".00", CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
}

func aFew(report string, ids ...string) (all []*photos.Photo) {
	for _, id := range ids {
		all = append(all, aPhoto(id, report))
	}
	return all
}

func wantOf(t *testing.T, db *DB, report string, want ...string) {
	t.Helper()
	all, err := db.PhotosOf(t.Context(), report)
	fails(t, err)
	ids := []string{}
	for _, p := range all {
		ids = append(ids, p.ID)
		if p.Report != report {
			t.Errorf("%+v is found for %s", p, report)
		}
	}
	if slices.Sort(ids); !slices.Equal(ids, want) {
		t.Errorf("%s has %v, want %v", report, ids, want)
	}
}

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// What waits for the report comes with it, in its album too, and twice is once.
func TestTogether(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ctx := Together(t.Context())
	fails(t, db.PutPhotos(ctx, aFew("r", "1", "2"), 3))
	fails(t, db.PutPhotos(ctx, aFew("", "loose"), 3))
	wantCode(t, db.PutPhotos(ctx, aFew("r", "3", "4"), 3), fault.Invalid)
	wantOf(t, db, "r")
	if _, err := db.Photo(ctx, "loose"); err != nil {
		t.Error(err)
	}
	then, err := packFollows(accompanied(ctx))
	fails(t, err)
	_, err = db.in("reports").InsertOne(ctx, bson.D{{Key: "_id", Value: "r"}, {Key: "then", Value: then}, {Key: "then_at", Value: 1}})
	fails(t, err)
	raw, err := db.in("reports").FindOne(ctx, bson.D{{Key: "_id", Value: "r"}}).Raw()
	fails(t, err)
	// The process dies before it does what follows, and the report gets more photos: those of the report are counted.
	_, err = db.AttachPhotos(t.Context(), "r", []string{"loose"}, 2)
	wantCode(t, err, fault.Invalid)
	wantOf(t, db, "r", "1", "2")
	_, err = db.UpdatePhoto(ctx, "1", func(p *photos.Photo) error { p.Broken = true; return nil })
	fails(t, err)
	fails(t, db.followUpNow(ctx, "reports", raw))
	if p, err := db.Photo(ctx, "1"); err != nil || !p.Broken || p.Rev != 2 {
		t.Errorf("done twice: %+v, %v", p, err)
	}
	_, err = db.AttachPhotos(t.Context(), "r", []string{"loose"}, 3)
	fails(t, err)
	wantOf(t, db, "r", "1", "2", "loose")
	if all := accompanied(t.Context()); all != nil {
		t.Errorf("without company: %v", all)
	}
}

func TestDB_PutPhotos_noneWhenOneIsTaken(t *testing.T) {
	t.Parallel()
	db, ctx := fresh(t), t.Context()
	fails(t, db.PutPhotos(ctx, aFew("r", "1"), 3))
	other := aFew("r", "2", "1", "3")
	other[1].Object = "another"
	wantCode(t, db.PutPhotos(ctx, other, 3), fault.Exists)
	wantOf(t, db, "r", "1")
	fails(t, db.PutPhotos(ctx, aFew("r", "4", "5"), 3)) // the places are free again
	fails(t, db.DeletePhoto(ctx, "4", 1))
	fails(t, db.PutPhotos(ctx, aFew("r", "6"), 3))
	wantOf(t, db, "r", "1", "5", "6")
}

// A process that dies between the place and the photo blocks nobody for ever.
func TestDB_AttachPhotos_placesFallFree(t *testing.T) {
	t.Parallel()
	db, ctx := fresh(t), t.Context()
	fails(t, db.PutPhotos(ctx, aFew("", "1", "2", "3", "4"), 0))
	lost := aFew("r", "1", "2")
	_, err := db.reserve(ctx, lost, 2)
	fails(t, err)
	_, err = db.AttachPhotos(ctx, "r", []string{"3"}, 2)
	wantCode(t, err, fault.Invalid) // it may be about to attach them
	_, err = db.AttachPhotos(ctx, "r", []string{"1"}, 2)
	fails(t, err) // its own call again
	ago := time.Now().Add(-2 * placeHeld).UnixMilli()
	_, err = db.in("albums").UpdateOne(ctx, bson.D{{Key: "_id", Value: "r"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "doc.places.0.at", Value: ago}, {Key: "doc.places.1.at", Value: ago}}}})
	fails(t, err)
	_, err = db.AttachPhotos(ctx, "r", []string{"3"}, 2)
	fails(t, err)
	_, err = db.AttachPhotos(ctx, "r", []string{"4"}, 2)
	wantCode(t, err, fault.Invalid)
	wantOf(t, db, "r", "1", "3")
}

// stops ends a context as soon as a command of a name is sent.
func stops(t *testing.T, db *DB, command string) (*DB, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	other, err := Open(t.Context(), server+"/"+db.db.Name(), Options{Monitor: &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == command {
			cancel()
		}
	}}})
	fails(t, err)
	t.Cleanup(func() { _ = other.Close() })
	return other, ctx
}

// Whoever is cut off while it attaches leaves what the same call completes.
func TestDB_AttachPhotos_cutOff(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"insert", "update"} {
		db := fresh(t)
		fails(t, db.PutPhotos(t.Context(), aFew("", "1", "2", "3"), 0))
		other, ctx := stops(t, db, command)
		if _, err := other.AttachPhotos(ctx, "r", []string{"1", "2"}, 2); err == nil {
			t.Errorf("%s: not cut off", command)
		}
		_, err := db.AttachPhotos(t.Context(), "r", []string{"1", "2"}, 2)
		fails(t, err)
		_, err = db.AttachPhotos(t.Context(), "r", []string{"3"}, 2)
		wantCode(t, err, fault.Invalid)
		wantOf(t, db, "r", "1", "2")
	}
}

// Photos on trial elsewhere are waited for; those of a process that died are that report's.
func TestDB_AttachPhotos_trial(t *testing.T) {
	t.Parallel()
	db, ctx := fresh(t), t.Context()
	fails(t, db.PutPhotos(ctx, aFew("", "1", "2"), 0))
	trial := func(since time.Time) *attaching {
		a := &attaching{db: db, report: "a", ids: []string{"1"}, by: "a", held: map[string]bool{"another": true}}
		found, err := a.read(ctx)
		fails(t, err)
		if won, err := a.write(ctx, []*photos.Photo{found["1"].Photo}); !won || err != nil {
			t.Fatal(won, err)
		}
		_, err = db.in("photos").UpdateOne(ctx, bson.D{{Key: "_id", Value: "1"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "trial_at", Value: since.UnixMilli()}}}})
		fails(t, err)
		return a
	}
	a := trial(time.Now())
	if _, done, err := (&attaching{db: db, report: "b", ids: []string{"1", "2"}, by: "b", held: map[string]bool{}}).attempt(ctx); done || err != nil {
		t.Errorf("not waited: %v, %v", done, err)
	}
	a.release(ctx)
	if p, err := db.Photo(ctx, "1"); err != nil || p.Report != "" || p.Rev != 3 {
		t.Errorf("released: %+v, %v", p, err)
	}
	trial(time.Now().Add(-2 * trialLasts))
	_, err := db.AttachPhotos(ctx, "b", []string{"2", "1"}, 2)
	wantCode(t, err, fault.Conflict)
	wantOf(t, db, "a", "1")
	wantOf(t, db, "b")
	if all, err := db.LoosePhotos(ctx, time.Now().Add(time.Hour), "", 9); err != nil || len(all) != 1 || all[0].ID != "2" {
		t.Errorf("loose: %v, %v", all, err)
	}
}

// Reports of two processes want overlapping photos: each has all that it asked for, or none, and nobody who was told that it has them
// loses them.
func TestDB_AttachPhotos_overlapping(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	stores := []*DB{db, again(t, db)}
	for round := range 5 {
		id := func(i int) string { return fmt.Sprint(round, "-", i%4) }
		report := func(i int) string { return fmt.Sprint(round, "-r", i%3) }
		fails(t, db.PutPhotos(t.Context(), aFew("", id(0), id(1), id(2), id(3)), 0))
		has := make([][]string, 12)
		var group sync.WaitGroup
		for i := range has {
			group.Go(func() {
				ids := []string{id(i), id(i + 1), id(i + 2)}[:1+i%3]
				_, err := stores[i%2].AttachPhotos(t.Context(), report(i), ids, 8)
				if err == nil {
					has[i] = ids
				} else {
					wantCode(t, err, fault.Conflict)
				}
			})
		}
		group.Wait()
		want := make([][]string, 3)
		for i, ids := range has {
			want[i%3] = append(want[i%3], ids...)
		}
		for i := range want {
			slices.Sort(want[i])
			wantOf(t, db, report(i), slices.Compact(want[i])...)
		}
	}
}
