package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
)

var photosEpoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// TestPhotos is what every backend must do with the rows of photos.
func TestPhotos(t *testing.T, open func(t *testing.T) photos.Store) {
	for name, f := range map[string]func(*testing.T, photos.Store){
		"PutPhotos/round_trip":        photosRoundTrip,
		"PutPhotos/all_or_none":       photosAllOrNone,
		"PutPhotos/limit":             photosPutLimit,
		"UpdatePhoto/changes":         photosUpdate,
		"UpdatePhoto/contenders":      photosUpdateContenders,
		"AttachPhotos/all_or_none":    photosAttach,
		"AttachPhotos/two_reports":    photosAttachRace,
		"AttachPhotos/limit":          photosAttachLimit,
		"AttachPhotos/limit_together": photosAttachLimitRace,
		"LoosePhotos/pages":           photosLoose,
		"DeletePhoto/changed":         photosDelete,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

func photoID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func photoNamed(i int, report string) *photos.Photo {
	id := photoID(i)
	return &photos.Photo{ID: id, Rev: 1, Owner: "owner", Report: report, Object: id + ".00000000", MediaType: "image/jpeg", Bytes: 160_000,
		Width: 640, Height: 480, Orientation: 1, SHA256: "00", CreatedAt: photosEpoch.Add(time.Duration(i) * time.Minute)}
}

func putPhotos(t *testing.T, s photos.Store, report string, from, to int) (ids []string) {
	t.Helper()
	var ps []*photos.Photo
	for i := from; i <= to; i++ {
		ps = append(ps, photoNamed(i, report))
		ids = append(ids, photoID(i))
	}
	must(t, s.PutPhotos(t.Context(), ps, 1000))
	return ids
}

func wantFault(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func wantPhotos(t *testing.T, got []*photos.Photo, err error, want ...int) {
	t.Helper()
	must(t, err)
	ids := []string{}
	for _, p := range got {
		ids = append(ids, p.ID)
	}
	wanted := []string{}
	for _, i := range want {
		wanted = append(wanted, photoID(i))
	}
	if !reflect.DeepEqual(ids, wanted) {
		t.Errorf("got %v, want %v", ids, wanted)
	}
}

func photosRoundTrip(t *testing.T, s photos.Store) {
	taken := photosEpoch.Add(-time.Hour)
	want := photoNamed(1, "")
	want.TakenAt, want.Place = &taken, &photos.Place{Latitude: -24.7136, Longitude: 46.6753}
	must(t, s.PutPhotos(t.Context(), []*photos.Photo{want}, 8))
	got, err := s.Photo(t.Context(), want.ID)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_, err = s.Photo(t.Context(), photoID(2))
	wantFault(t, err, fault.NotFound)
	putPhotos(t, s, "r", 5, 5)
	putPhotos(t, s, "r", 4, 4)
	putPhotos(t, s, "other", 6, 6)
	got2, err := s.PhotosOf(t.Context(), "r")
	wantPhotos(t, got2, err, 4, 5)
	none, err := s.PhotosOf(t.Context(), "")
	wantPhotos(t, none, err)
}

func photosAllOrNone(t *testing.T, s photos.Store) {
	putPhotos(t, s, "", 1, 1)
	wantFault(t, s.PutPhotos(t.Context(), []*photos.Photo{photoNamed(2, ""), photoNamed(1, "")}, 8), fault.Exists)
	_, err := s.Photo(t.Context(), photoID(2))
	wantFault(t, err, fault.NotFound)
}

func photosPutLimit(t *testing.T, s photos.Store) {
	putPhotos(t, s, "r", 1, 2)
	wantFault(t, s.PutPhotos(t.Context(), []*photos.Photo{photoNamed(3, "r"), photoNamed(4, "r")}, 3), fault.Invalid)
	must(t, s.PutPhotos(t.Context(), []*photos.Photo{photoNamed(5, "r"), photoNamed(6, ""), photoNamed(7, "")}, 3))
	got, err := s.PhotosOf(t.Context(), "r")
	wantPhotos(t, got, err, 1, 2, 5)
}

func photosUpdate(t *testing.T, s photos.Store) {
	putPhotos(t, s, "", 1, 1)
	got, err := s.UpdatePhoto(t.Context(), photoID(1), func(p *photos.Photo) error {
		p.Broken, p.Report = true, "smuggled"
		return nil
	})
	must(t, err)
	again, err := s.Photo(t.Context(), photoID(1))
	must(t, err)
	if !reflect.DeepEqual(got, again) || !again.Broken || again.Rev != 2 || again.Report != "" {
		t.Errorf("returned %+v and stored %+v, want broken, rev 2, no report", got, again)
	}
	_, err = s.UpdatePhoto(t.Context(), photoID(1), func(p *photos.Photo) error { p.Broken = false; return fault.New(fault.Conflict) })
	wantFault(t, err, fault.Conflict)
	if p, err := s.Photo(t.Context(), photoID(1)); err != nil || !p.Broken || p.Rev != 2 {
		t.Errorf("a refused change left %+v, %v", p, err)
	}
	_, err = s.UpdatePhoto(t.Context(), photoID(9), func(*photos.Photo) error { return nil })
	wantFault(t, err, fault.NotFound)
}

func photosUpdateContenders(t *testing.T, s photos.Store) {
	putPhotos(t, s, "", 1, 1)
	together(16, func(int) error {
		_, err := s.UpdatePhoto(t.Context(), photoID(1), func(p *photos.Photo) error { p.Bytes++; return nil })
		return err
	}, func(_ int, err error) { must(t, err) })
	if p, err := s.Photo(t.Context(), photoID(1)); err != nil || p.Bytes != 160_016 || p.Rev != 17 {
		t.Errorf("sixteen changes left %+v, %v", p, err)
	}
}

// together runs f n times at once and then hands each outcome over.
func together(n int, f func(int) error, outcome func(int, error)) {
	errs := make([]error, n)
	var g sync.WaitGroup
	for i := range n {
		g.Go(func() { errs[i] = f(i) })
	}
	g.Wait()
	for i, err := range errs {
		outcome(i, err)
	}
}

func photosAttach(t *testing.T, s photos.Store) {
	ids := putPhotos(t, s, "", 1, 3)
	got, err := s.AttachPhotos(t.Context(), "r", ids[:2], 8)
	wantPhotos(t, got, err, 1, 2)
	got, err = s.AttachPhotos(t.Context(), "r", ids[:2], 8)
	wantPhotos(t, got, err, 1, 2)
	for i, p := range got {
		if p.Report != "r" || p.Rev != 2 {
			t.Errorf("photo %d is %+v, want it attached once", i, p)
		}
	}
	_, err = s.AttachPhotos(t.Context(), "other", []string{ids[2], ids[0]}, 8)
	wantFault(t, err, fault.Conflict)
	_, err = s.AttachPhotos(t.Context(), "r", []string{ids[2], photoID(9)}, 8)
	wantFault(t, err, fault.NotFound)
	if p, err := s.Photo(t.Context(), ids[2]); err != nil || p.Report != "" {
		t.Errorf("refused with its neighbour, the third photo is %+v, %v", p, err)
	}
}

func photosAttachRace(t *testing.T, s photos.Store) {
	ids := putPhotos(t, s, "", 1, 2)
	won := ""
	together(12, func(i int) error {
		_, err := s.AttachPhotos(t.Context(), fmt.Sprint("r", i), ids, 8)
		return err
	}, func(i int, err error) {
		switch {
		case err == nil && won == "":
			won = fmt.Sprint("r", i)
		case err == nil:
			t.Errorf("report %d and %s both have the photos", i, won)
		default:
			wantFault(t, err, fault.Conflict)
		}
	})
	got, err := s.PhotosOf(t.Context(), won)
	wantPhotos(t, got, err, 1, 2)
}

func photosAttachLimit(t *testing.T, s photos.Store) {
	ids := putPhotos(t, s, "", 1, 4)
	_, err := s.AttachPhotos(t.Context(), "r", ids[:2], 3)
	must(t, err)
	_, err = s.AttachPhotos(t.Context(), "r", ids[2:], 3)
	wantFault(t, err, fault.Invalid)
	_, err = s.AttachPhotos(t.Context(), "r", ids[:3], 3)
	must(t, err)
	got, err := s.PhotosOf(t.Context(), "r")
	wantPhotos(t, got, err, 1, 2, 3)
	proof := photoNamed(9, "")
	proof.Owner = "staff"
	must(t, s.PutPhotos(t.Context(), []*photos.Photo{proof}, 3))
	_, err = s.AttachPhotos(t.Context(), "r", []string{proof.ID}, 3) // another owner has a count of its own
	must(t, err)
	_, err = s.AttachPhotos(t.Context(), "r", ids[3:], 0)
	must(t, err)
	got, err = s.PhotosOf(t.Context(), "r")
	wantPhotos(t, got, err, 1, 2, 3, 4, 9)
}

func photosAttachLimitRace(t *testing.T, s photos.Store) {
	ids := putPhotos(t, s, "", 1, 20)
	attached := 0
	together(20, func(i int) error {
		_, err := s.AttachPhotos(t.Context(), "r", ids[i:i+1], 8)
		return err
	}, func(_ int, err error) {
		if err == nil {
			attached++
			return
		}
		wantFault(t, err, fault.Invalid)
	})
	if got, err := s.PhotosOf(t.Context(), "r"); err != nil || len(got) != 8 || attached != 8 {
		t.Errorf("%d photos, %d said to be attached, %v; want 8", len(got), attached, err)
	}
}

func photosLoose(t *testing.T, s photos.Store) {
	putPhotos(t, s, "", 1, 5)
	putPhotos(t, s, "r", 6, 6)
	_, err := s.AttachPhotos(t.Context(), "r", []string{photoID(2)}, 8)
	must(t, err)
	before := photosEpoch.Add(5 * time.Minute) // the fifth is made at this moment
	got, err := s.LoosePhotos(t.Context(), before, "", 2)
	wantPhotos(t, got, err, 1, 3)
	got, err = s.LoosePhotos(t.Context(), before, photoID(3), 2)
	wantPhotos(t, got, err, 4)
	got, err = s.LoosePhotos(t.Context(), before, photoID(4), 2)
	wantPhotos(t, got, err)
}

func photosDelete(t *testing.T, s photos.Store) {
	ids := putPhotos(t, s, "", 1, 2)
	_, err := s.AttachPhotos(t.Context(), "r", ids[:1], 8)
	must(t, err)
	wantFault(t, s.DeletePhoto(t.Context(), ids[0], 1), fault.Conflict)
	must(t, s.DeletePhoto(t.Context(), ids[1], 1))
	must(t, s.DeletePhoto(t.Context(), ids[1], 1))
	_, err = s.Photo(t.Context(), ids[1])
	wantFault(t, err, fault.NotFound)
	if _, err := s.Photo(t.Context(), ids[0]); err != nil {
		t.Errorf("the photo that was attached meanwhile: %v", err)
	}
}
