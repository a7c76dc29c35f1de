package photos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob" // mem://, for tests and trials
	"gocloud.dev/gcerrors"

	"github.com/balagh/balagh/fault"
)

// Bucket holds the bytes. A write that was acknowledged survives a loss of power: object stores promise that themselves, and
// files are synced.
type Bucket struct {
	*blob.Bucket
	dir string // of a bucket of files
}

// The folders of a bucket. Each has 256 more, by the last byte of the photo's id.
const (
	originals = "originals"
	served    = "served"
)

// OpenBucket opens file:///var/lib/balagh/photos, file://./data/photos, mem:// or any scheme that the program has registered
// with gocloud.dev/blob. Folders of files are made when they are missing.
func OpenBucket(ctx context.Context, rawURL string) (*Bucket, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the bucket's address: %w", err)
	}
	if u.Scheme != fileblob.Scheme {
		b, err := blob.OpenBucket(ctx, rawURL)
		if err != nil {
			return nil, fmt.Errorf("open the bucket: %w", err)
		}
		return &Bucket{Bucket: b}, nil
	}
	dir := filepath.FromSlash(u.Path)
	switch u.Host {
	case "", "localhost":
	case ".":
		dir = strings.TrimPrefix(dir, string(filepath.Separator))
	default:
		return nil, fmt.Errorf("the bucket's address %s names a host: write file:///PATH, or file://./PATH for a relative one", rawURL)
	}
	if err := errors.Join(makeFolder(dir), makeFolder(filepath.Join(dir, originals))); err != nil {
		return nil, fmt.Errorf("make the folders of the bucket: %w", err)
	}
	b, err := fileblob.OpenBucket(dir, &fileblob.Options{DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("open the bucket: %w", err)
	}
	return &Bucket{Bucket: b, dir: dir}, nil
}

// makeFolder makes a folder, and those that it lies in, and makes it durable.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncFile(filepath.Dir(filepath.Clean(dir)))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (p *Photo) originalKey() string { return folder(originals, p.ID) + p.Object }
func (p *Photo) servedKey(z Size) string {
	return folder(served, p.ID) + p.ID + "-" + string(z) + ".jpg"
}
func folder(kind, id string) string { return kind + "/" + id[len(id)-2:] + "/" }

// photoOf is the id of the photo that a key belongs to: each name begins with a UUID.
func photoOf(key string) string {
	name := key[strings.LastIndexByte(key, '/')+1:]
	return name[:min(36, len(name))]
}

// object is being written. It counts only after keep.
type object struct {
	io.WriteCloser
	b      *Bucket
	key    string
	file   *os.File // of an original in a bucket of files
	ctx    context.Context
	cancel context.CancelFunc
}

// create begins an object that appears whole or not at all.
func (b *Bucket) create(ctx context.Context, key, mediaType string) (*object, error) {
	wctx, cancel := context.WithCancel(ctx)
	w, err := b.NewWriter(wctx, key, &blob.WriterOptions{ContentType: mediaType, DisableContentTypeDetection: true})
	if err != nil {
		cancel()
		return nil, fault.Newf(fault.Unavailable, "write to the bucket: %w", err)
	}
	return &object{WriteCloser: w, b: b, key: key, ctx: ctx, cancel: cancel}, nil
}

// createOriginal begins an object that nobody looks for before its row is written. So a file needs no second name while it
// grows, which is a third of what storing it costs: see docs/decisions/0005-photos.md.
func (b *Bucket) createOriginal(ctx context.Context, key, mediaType string) (*object, error) {
	if b.dir == "" {
		return b.create(ctx, key, mediaType)
	}
	path := b.path(key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrNotExist) { // the first photo of its folder
		if err = makeFolder(filepath.Dir(path)); err == nil {
			f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
	}
	if err != nil {
		return nil, fault.Newf(fault.Unavailable, "write to the bucket: %w", err)
	}
	return &object{WriteCloser: f, b: b, key: key, file: f, ctx: ctx, cancel: func() {}}, nil
}

// path of an object in a bucket of files. Keys hold nothing that fileblob would escape.
func (b *Bucket) path(key string) string { return filepath.Join(b.dir, filepath.FromSlash(key)) }

// keep makes the object durable, or leaves nothing. The sync of a file commits its name too where the journal holds both
// (ext4, xfs, btrfs), so one is enough.
func (o *object) keep() error {
	defer o.cancel()
	var err error
	if o.file != nil {
		err = errors.Join(o.file.Sync(), o.Close())
	} else if err = o.Close(); err == nil && o.b.dir != "" {
		err = syncFile(o.b.path(o.key))
	}
	if err != nil {
		return errors.Join(fault.Newf(fault.Unavailable, "write to the bucket: %w", err), o.b.remove(o.ctx, o.key))
	}
	return nil
}

// drop leaves nothing of the object.
func (o *object) drop() {
	o.cancel()
	_ = o.Close() // of a blob: says that it was cancelled
	if o.file != nil {
		_ = os.Remove(o.file.Name())
	}
}

// remove deletes an object, also one that is not there.
func (b *Bucket) remove(ctx context.Context, key string) error {
	if err := b.Delete(context.WithoutCancel(ctx), key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete from the bucket: %w", err)
	}
	return nil
}
