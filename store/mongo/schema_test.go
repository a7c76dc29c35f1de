package mongo

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// The first step runs when the first new program starts, again when it was interrupted; the second when somebody says that no old program
// is left. An old program that runs goes on, and one that starts is refused.
func TestMigrate_twoSteps(t *testing.T) {
	t.Parallel()
	old := fresh(t)
	next := again(t, old)
	var done []string
	interrupted := errors.New("interrupted")
	note := func(what string, err error) func(context.Context, *DB) error {
		return func(context.Context, *DB) error {
			done = append(done, what)
			return err
		}
	}
	now, step := old.wanted(), migration{before: note("before", interrupted), after: note("after", nil)}
	next.steps = append(slices.Clone(migrations), step)
	if err := next.Migrate(t.Context()); !errors.Is(err, interrupted) {
		t.Fatal(err)
	}
	if is, _, err := next.Version(t.Context()); is != now || err != nil {
		t.Fatalf("interrupted, and at %d, %v", is, err)
	}
	next.steps[now-1].before = note("before", nil)
	for range 2 {
		fails(t, next.Migrate(t.Context()))
	}
	if _, _, err := old.Version(t.Context()); !errors.Is(err, ErrNewer) {
		t.Errorf("an old program that starts: %v", err)
	}
	if err := old.Ping(t.Context()); err != nil {
		t.Errorf("an old program that runs: %v", err)
	}
	for range 2 {
		if _, err := next.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"before", "before", "after"}; !slices.Equal(done, want) {
		t.Errorf("done %v, want %v", done, want)
	}
}
