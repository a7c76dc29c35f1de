package photos

import (
	"context"
	"time"
)

// Store keeps the rows of photos. A stored photo is never changed in place: callers get copies.
type Store interface {
	// PutPhotos writes new photos, all or none. An id that is taken is fault.Exists; photos that carry a report are
	// fault.At("photos", TooMany) when it would have more than limit of one owner, however many write at once. A limit of 0
	// is none.
	PutPhotos(ctx context.Context, ps []*Photo, limit int) error

	// Photo is fault.NotFound when there is none.
	Photo(ctx context.Context, id string) (*Photo, error)

	// PhotosOf are a report's photos, oldest first.
	PhotosOf(ctx context.Context, report string) ([]*Photo, error)

	// UpdatePhoto changes one photo by a closure that is safe to run again, and counts its Rev up. It cannot move a photo
	// to another report.
	UpdatePhoto(ctx context.Context, id string, change func(*Photo) error) (*Photo, error)

	// AttachPhotos gives photos to a report, all or none; those that it has already stay as they are. An absent id is
	// fault.NotFound; a photo of another report fault.Conflict, and more than limit of one owner fault.At("photos", TooMany),
	// however many attach at once. A limit of 0 is none.
	AttachPhotos(ctx context.Context, report string, ids []string, limit int) ([]*Photo, error)

	// LoosePhotos are photos without a report that were made before a moment, by id, after the given one.
	LoosePhotos(ctx context.Context, before time.Time, after string, limit int) ([]*Photo, error)

	// DeletePhoto removes the row when its Rev is still rev; otherwise fault.Conflict. An absent one is no error.
	DeletePhoto(ctx context.Context, id string, rev int64) error
}
