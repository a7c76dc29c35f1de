package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
)

// Ids are random, so the table is its own index. The two others hold a photo each, never both: of a report, or loose.
const photosSchema = `
CREATE TABLE photos(
	id      TEXT PRIMARY KEY,
	report  TEXT NOT NULL,
	owner   TEXT NOT NULL,
	created INTEGER NOT NULL,
	rev     INTEGER NOT NULL,
	doc     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX photos_report ON photos(report, created, id, owner) WHERE report <> '';
CREATE INDEX photos_loose ON photos(id, created) WHERE report = '';`

var _ photos.Store = (*DB)(nil)

var errPhotoChanged = errors.New("the photo was changed by another write")

const photosCount = `SELECT count(*) FROM photos WHERE report = ? AND report <> '' AND owner = ?`

// PutPhotos writes new photos.
func (db *DB) PutPhotos(ctx context.Context, ps []*photos.Photo, limit int) error {
	docs, err := photoDocs(ps)
	if err != nil {
		return err
	}
	return db.accompany(ctx, func(t *tx) error {
		for i, p := range ps {
			_, err := t.exec(`INSERT INTO photos(id, report, owner, created, rev, doc) VALUES(?,?,?,?,?,?)`, p.ID, p.Report, p.Owner,
				millis(p.CreatedAt), p.Rev, docs[i])
			if unique(err) {
				return fault.New(fault.Exists)
			}
			if err != nil {
				return err
			}
		}
		return photosWithin(t, ps, limit)
	})
}

func photoDocs(ps []*photos.Photo) ([][]byte, error) {
	docs := make([][]byte, len(ps))
	for i, p := range ps {
		var err error
		if docs[i], err = json.Marshal(p); err != nil {
			return nil, fmt.Errorf("photo: %w", err)
		}
	}
	return docs, nil
}

// photosWithin counts after the write, in the same commit: one refusal takes all of it back.
func photosWithin(t *tx, ps []*photos.Photo, limit int) error {
	if limit == 0 {
		return nil
	}
	for i, p := range ps {
		if i > 0 && p.Report == ps[i-1].Report && p.Owner == ps[i-1].Owner {
			continue
		}
		var n int
		if err := t.row(photosCount, p.Report, p.Owner).Scan(&n); err != nil {
			return err
		}
		if n > limit {
			return fault.At("photos", fault.TooMany)
		}
	}
	return nil
}

// Photo reads one.
func (db *DB) Photo(ctx context.Context, id string) (*photos.Photo, error) {
	return doc[photos.Photo](db.row(ctx, `SELECT doc FROM photos WHERE id = ?`, id))
}

// PhotosOf reads a report's.
func (db *DB) PhotosOf(ctx context.Context, report string) ([]*photos.Photo, error) {
	return docs[photos.Photo](db.query(ctx, `SELECT doc FROM photos WHERE report = ? AND report <> '' ORDER BY created, id`, report))
}

// UpdatePhoto changes one.
func (db *DB) UpdatePhoto(ctx context.Context, id string, change func(*photos.Photo) error) (*photos.Photo, error) {
	for {
		p, err := db.Photo(ctx, id)
		if err != nil {
			return nil, err
		}
		report := p.Report
		if err := change(p); err != nil {
			return nil, err
		}
		p.ID, p.Report = id, report
		switch err := db.rewritePhotos(ctx, []*photos.Photo{p}, 0); {
		case err == nil:
			return p, nil
		case !errors.Is(err, errPhotoChanged):
			return nil, err
		}
	}
}

// AttachPhotos gives photos to a report.
func (db *DB) AttachPhotos(ctx context.Context, report string, ids []string, limit int) ([]*photos.Photo, error) {
	for {
		var all, changed []*photos.Photo
		for _, id := range ids {
			p, err := db.Photo(ctx, id)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
			switch p.Report {
			case report:
			case "":
				p.Report = report
				changed = append(changed, p)
			default:
				return nil, fault.New(fault.Conflict)
			}
		}
		if len(changed) == 0 {
			return all, nil
		}
		switch err := db.rewritePhotos(ctx, changed, limit); {
		case err == nil:
			return all, nil
		case !errors.Is(err, errPhotoChanged):
			return nil, err
		}
	}
}

// rewritePhotos writes photos that were read before and are still the same in the store, and counts their Rev up.
func (db *DB) rewritePhotos(ctx context.Context, ps []*photos.Photo, limit int) error {
	for _, p := range ps {
		p.Rev++
	}
	docs, err := photoDocs(ps)
	if err != nil {
		return err
	}
	return db.write(ctx, func(t *tx) error {
		for i, p := range ps {
			n, err := t.exec(`UPDATE photos SET report = ?, rev = ?, doc = ? WHERE id = ? AND rev = ?`, p.Report, p.Rev, docs[i], p.ID, p.Rev-1)
			if err != nil {
				return err
			}
			if n == 0 {
				return errPhotoChanged
			}
		}
		return photosWithin(t, ps, limit)
	})
}

// LoosePhotos lists photos without a report.
func (db *DB) LoosePhotos(ctx context.Context, before time.Time, after string, limit int) ([]*photos.Photo, error) {
	return docs[photos.Photo](db.query(ctx, `SELECT doc FROM photos WHERE report = '' AND id > ? AND created < ? ORDER BY id LIMIT ?+0`,
		after, millis(before), limit))
}

// DeletePhoto removes one that nobody has changed.
func (db *DB) DeletePhoto(ctx context.Context, id string, rev int64) error {
	return db.write(ctx, func(t *tx) error {
		n, err := t.exec(`DELETE FROM photos WHERE id = ? AND rev = ?`, id, rev)
		if err != nil || n > 0 {
			return err
		}
		var there int
		if err := t.row(`SELECT count(*) FROM photos WHERE id = ?`, id).Scan(&there); err != nil {
			return err
		}
		if there > 0 {
			return fault.New(fault.Conflict)
		}
		return nil
	})
}
