// Package photos takes photos in and serves them.
//
// An upload is read once: while it streams into the bucket its kind, size, pixels and structure are checked, and what its
// EXIF says of place and time is noted. The original stays private; what is served is a new JPEG, the right side up, with
// nothing in it but the picture. The package does not know what a report is: it keeps a report's id and asks its caller who
// may see it.
package photos

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

// Limits of what is taken.
const (
	MaxBytes     = 12 << 20   // of one upload
	MaxPixels    = 50_000_000 // width × height
	MaxPerReport = 8          // of one citizen; staff add as many as their work needs
)

// Photo is what is known of a photo; its bytes are in the bucket.
type Photo struct {
	ID          string     `json:"id"`
	Rev         int64      `json:"rev"`
	Owner       string     `json:"owner,omitempty"`  // account that uploaded it; empty with an anonymous report
	Report      string     `json:"report,omitempty"` // that it is attached to
	Object      string     `json:"object"`           // name of the original in the bucket, without its folder
	MediaType   string     `json:"media_type"`       // of the original
	Bytes       int64      `json:"bytes"`            // of the original
	Width       int        `json:"width"`            // in pixels, the right side up
	Height      int        `json:"height"`
	Orientation int        `json:"orientation"` // EXIF, 1–8
	SHA256      string     `json:"sha256"`      // of the original, hexadecimal
	TakenAt     *time.Time `json:"taken_at,omitempty"`
	Place       *Place     `json:"place,omitempty"`
	Broken      bool       `json:"broken,omitempty"` // it was tried and cannot be decoded
	CreatedAt   time.Time  `json:"created_at"`

	stage stage
}

// stage of a photo that Prepare returned; whatever comes from the store is stored.
type stage int

const (
	stored   stage = iota
	prepared       // bytes without a row
	saved          // by this very call: Discard takes the row back too
)

// Place is where a photo says that it was taken, in degrees (WGS 84).
type Place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Service takes photos in and serves them. Make one with New; the exported fields may be set before its first use.
type Service struct {
	Store  Store
	Bucket *Bucket
	Now    func() time.Time
	NewID  func() string  // of a photo, when the caller brings none
	Zone   *time.Location // of cameras that do not say theirs; UTC by default

	decoding *semaphore.Weighted
	drawing  singleflight.Group
}

// New makes a service.
func New(store Store, bucket *Bucket) *Service {
	return &Service{Store: store, Bucket: bucket, Now: time.Now, NewID: uuid.NewString, Zone: time.UTC,
		decoding: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)) * decodeShare)}
}

// Take takes an upload in: Prepare and Save.
func (s *Service) Take(ctx context.Context, owner actor.Actor, id string, r io.Reader) (*Photo, error) {
	p, err := s.Prepare(ctx, owner, id, r)
	if err != nil {
		return nil, err
	}
	if err := s.Save(ctx, "", p); err != nil {
		return nil, errors.Join(err, s.Discard(ctx, p))
	}
	return p, nil
}

// Save writes the rows of prepared photos, attached to the report when one is named. Photos that Prepare found stored are
// attached only. When Save fails, the caller discards them.
func (s *Service) Save(ctx context.Context, report string, ps ...*Photo) error {
	var fresh []*Photo
	var old []string
	for _, p := range ps {
		if p.stage != prepared {
			old = append(old, p.ID)
			continue
		}
		p.Report = report
		fresh = append(fresh, p)
	}
	if len(fresh) > 0 {
		if err := s.Store.PutPhotos(ctx, fresh, MaxPerReport); err != nil {
			return fmt.Errorf("store photos: %w", err)
		}
		for _, p := range fresh {
			p.stage = saved
		}
	}
	if report == "" || len(old) == 0 {
		return nil
	}
	if _, err := s.Store.AttachPhotos(ctx, report, old, MaxPerReport); err != nil {
		return fmt.Errorf("attach photos: %w", err)
	}
	return nil
}

// Discard takes back what Prepare and Save made; photos that were stored before stay.
func (s *Service) Discard(ctx context.Context, ps ...*Photo) error {
	ctx = context.WithoutCancel(ctx)
	var all []error
	for _, p := range ps {
		switch p.stage {
		case prepared:
			all = append(all, s.Bucket.remove(ctx, p.originalKey()))
		case saved:
			all = append(all, s.remove(ctx, p))
		}
	}
	return errors.Join(all...)
}

// remove deletes the row and then the bytes: bytes without a row are swept, a row without bytes would be a lie.
func (s *Service) remove(ctx context.Context, p *Photo) error {
	if err := s.Store.DeletePhoto(ctx, p.ID, p.Rev); err != nil {
		return err
	}
	return errors.Join(s.Bucket.remove(ctx, p.originalKey()), s.Bucket.remove(ctx, p.servedKey(Full)),
		s.Bucket.remove(ctx, p.servedKey(Thumb)))
}

// Attach gives at most 8 photos of the actor's own to a report, all or none. Doing it again for the same report is no error.
//
// Faults, in the list "photos": TooMany, and at an element Duplicate, Unknown (absent or someone else's) or NotAllowed (of
// another report).
func (s *Service) Attach(ctx context.Context, a actor.Actor, report string, ids ...string) ([]*Photo, error) {
	if len(ids) > MaxPerReport {
		return nil, fault.At("photos", fault.TooMany)
	}
	var wrong fault.Fields
	var ps []*Photo
	done := true
	for i, id := range ids {
		at := fmt.Sprintf("photos/%d", i)
		p, err := s.Store.Photo(ctx, id)
		switch {
		case slices.Contains(ids[:i], id):
			wrong.Add(at, fault.Duplicate)
		case errors.Is(err, fault.New(fault.NotFound)) || err == nil && !owns(a, p):
			wrong.Add(at, fault.Unknown)
		case err != nil:
			return nil, fmt.Errorf("look for the photo: %w", err)
		case p.Report != "" && p.Report != report:
			wrong.Add(at, fault.NotAllowed)
		default:
			ps = append(ps, p)
			done = done && p.Report == report
		}
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if done {
		return ps, nil
	}
	limit := MaxPerReport
	if a.Kind == actor.Staff {
		limit = 0
	}
	ps, err := s.Store.AttachPhotos(ctx, report, ids, limit)
	if err != nil {
		return nil, fmt.Errorf("attach photos: %w", err)
	}
	return ps, nil
}

func owns(a actor.Actor, p *Photo) bool { return a.ID != "" && a.ID == p.Owner }

// Photo is one photo that the actor may see: its own; or one of a report that allowed lets it see, unless it has no account.
// Everything else is fault.NotFound.
func (s *Service) Photo(ctx context.Context, a actor.Actor, id string, allowed func(report string) error) (*Photo, error) {
	p, err := s.Store.Photo(ctx, id)
	if err != nil {
		return nil, err
	}
	if owns(a, p) {
		return p, nil
	}
	if p.Report == "" || a.Kind == actor.Nobody || allowed == nil {
		return nil, fault.New(fault.NotFound)
	}
	if err := allowed(p.Report); err != nil {
		if c := fault.CodeOf(err); c == fault.NotFound || c == fault.Forbidden {
			return nil, fault.New(fault.NotFound)
		}
		return nil, fmt.Errorf("may the report be seen: %w", err)
	}
	return p, nil
}

// Served is the size in pixels in which Full is served.
func (p *Photo) Served() (width, height int) {
	r := within(image.Rect(0, 0, p.Width, p.Height), fullSide)
	return r.Dx(), r.Dy()
}

// Of are the photos of a report, oldest first; the caller has decided that they may be seen.
func (s *Service) Of(ctx context.Context, report string) ([]*Photo, error) {
	ps, err := s.Store.PhotosOf(ctx, report)
	if err != nil {
		return nil, fmt.Errorf("list photos: %w", err)
	}
	return ps, nil
}
