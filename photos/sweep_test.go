package photos

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
)

// written is when the bucket says that an object came.
func written(t *testing.T, s *Service, key string) time.Time {
	t.Helper()
	a, err := s.Bucket.Attributes(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return a.ModTime
}

// put writes an object. Buckets tell time by their own clock, some in whole seconds: it is written again until it is younger than
// the moment given.
func put(t *testing.T, s *Service, key string, after time.Time) time.Time {
	t.Helper()
	for {
		if err := s.Bucket.WriteAll(t.Context(), key, []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		if at := written(t, s, key); at.After(after) {
			return at
		}
	}
}

func TestService_Sweep(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *Service, store *rows) {
		s.Now = time.Now
		loose, kept := take(t, s, jpegOf(quarters(8, 8))), take(t, s, jpegOf(quarters(8, 8)))
		if _, err := s.Attach(t.Context(), citizen, "report-1", kept.ID); err != nil {
			t.Fatal(err)
		}
		servedBytes(t, s, loose, Full)
		servedBytes(t, s, kept, Thumb)
		lost, err := s.Prepare(t.Context(), citizen, "", bytes.NewReader(jpegOf(quarters(8, 8))))
		if err != nil {
			t.Fatal(err)
		}
		second := *kept // bytes of a second attempt with the same id
		second.Object = kept.ID + ".ffffffff"
		if err := s.Bucket.WriteAll(t.Context(), second.originalKey(), []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		young := folder(originals, kept.ID) + lost.ID + ".young" // an upload that is still being stored
		before := put(t, s, young, written(t, s, second.originalKey()))

		if n, err := s.Sweep(t.Context(), before.Add(-time.Hour).Add(looseFor)); n > 0 || err != nil {
			t.Errorf("within the day %d were swept, %v", n, err)
		}
		n, err := s.sweepLoose(t.Context(), before)
		for _, kind := range []string{originals, served} {
			for i := range 256 {
				k, e := s.sweepFolder(t.Context(), sweptAt(kind, i), before)
				if n += k; e != nil {
					err = e
				}
			}
		}
		if n != 3 || err != nil {
			t.Errorf("%d were swept, %v; want the loose photo, the bytes of %s and of the second attempt", n, err, lost.ID)
		}
		want := []string{kept.originalKey(), kept.servedKey(Full), kept.servedKey(Thumb), young}
		got := keys(t, s)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) || len(store.byID) != 1 {
			t.Errorf("left are %v and %d rows, want %v and one row", got, len(store.byID), want)
		}
	})
}

// TestService_Sweep_round: within 256 hours each folder has its turn, whatever lies in it.
func TestService_Sweep_round(t *testing.T) {
	t.Parallel()
	s, _ := newService(t, "mem://")
	for _, kind := range []string{originals, served} {
		for i := range 256 {
			if err := s.Bucket.WriteAll(t.Context(), fmt.Sprintf("%s/%02x/0197b0a2-7c1e-4f00-8000-0000000000%02x", kind, i, i), []byte("x"), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := time.Now().Add(looseFor + time.Hour)
	for h := range 256 {
		if n, err := s.Sweep(t.Context(), now.Add(time.Duration(h)*time.Hour)); n != 2 || err != nil {
			t.Fatalf("in hour %d %d were swept, %v; want one of each kind", h, n, err)
		}
	}
	if left := keys(t, s); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	trial := TrialKey()
	if _, err := s.Store.Photo(t.Context(), photoOf(trial)); fault.CodeOf(err) != fault.NotFound || len(photoOf(trial)) != 36 {
		t.Errorf("what tries a bucket looks like a photo: %s", trial)
	}
}
