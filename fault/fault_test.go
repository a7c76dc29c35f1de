package fault

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestError_Is(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("look for it: %w", Newf(NotFound, "row %d", 7))
	if !errors.Is(wrapped, New(NotFound)) || errors.Is(wrapped, New(Conflict)) {
		t.Error("a fault is known by its code, wherever it is wrapped")
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	for want, err := range map[Code]error{
		"":              nil,
		Internal:        errors.New("disk"),
		Gone:            New(Gone),
		Invalid:         fmt.Errorf("file: %w", At("place/latitude", OutOfRange)),
		TooManyRequests: Later(TooManyRequests, time.Minute),
	} {
		if got := CodeOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

func TestFields_Err(t *testing.T) {
	t.Parallel()
	var f Fields
	if f.Err() != nil {
		t.Error("nothing was collected")
	}
	f.Add("a", Required)
	f.Add("b/0", TooLong)
	if got, want := f.Err().Error(), "validation_failed: a required, b/0 too_long"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
