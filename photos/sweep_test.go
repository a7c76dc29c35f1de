package photos

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"
)

// sweepAll sweeps a whole round of hours from now on.
func sweepAll(t *testing.T, s *Service, now time.Time) (n int) {
	t.Helper()
	for range 256 {
		k, err := s.Sweep(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		n += k
		now = now.Add(time.Hour)
	}
	return n
}

func TestService_Sweep(t *testing.T) {
	t.Parallel()
	s, store := inFiles(t)
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
	if err := s.Bucket.WriteAll(t.Context(), young, []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys(t, s) { // files have the time of the machine
		if err := os.Chtimes(s.Bucket.path(k), epoch, epoch); err != nil {
			t.Fatal(err)
		}
	}
	later := epoch.Add(1000 * time.Hour)
	if err := os.Chtimes(s.Bucket.path(young), later, later); err != nil {
		t.Fatal(err)
	}

	if n, err := s.Sweep(t.Context(), epoch.Add(looseFor)); n > 0 || err != nil {
		t.Errorf("within the day %d were swept, %v", n, err)
	}
	if n := sweepAll(t, s, epoch.Add(looseFor+time.Second)); n != 3 {
		t.Errorf("%d were swept, want the loose photo, the bytes of %s and of the second attempt", n, lost.ID)
	}
	want := []string{kept.originalKey(), kept.servedKey(Full), kept.servedKey(Thumb), young}
	got := keys(t, s)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(store.byID) != 1 {
		t.Errorf("left are %v and %d rows, want %v and one row", got, len(store.byID), want)
	}
}
