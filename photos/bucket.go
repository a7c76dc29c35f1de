package photos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
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
	dir     string // of a bucket of files
	closer  io.Closer
	silence time.Duration
}

// The folders of a bucket. Each has 256 more, by the last byte of the photo's id.
const (
	originals = "originals"
	served    = "served"
)

// NewBucket takes a bucket that was opened elsewhere, such as one of an object store. Closing it closes with.
func NewBucket(b *blob.Bucket, with io.Closer) *Bucket {
	return &Bucket{Bucket: b, closer: with, silence: silence}
}

// Close ends the use of the bucket.
func (b *Bucket) Close() error {
	if b.closer != nil {
		return b.closer.Close()
	}
	return b.Bucket.Close()
}

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
		return NewBucket(b, nil), nil
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
	return &Bucket{Bucket: b, dir: dir, silence: silence}, nil
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

// What an object store tells whoever comes with a signed URL, where the program itself cannot: the type, that the picture is to
// be shown, and that only the one who asked may keep it.
const (
	pictureCaching     = "private, max-age=86400"
	pictureDisposition = "inline"
)

// uploadBuffer is the part of an object that an SDK may hold back; without it, several of 8 or 16 MB.
const uploadBuffer = 5 << 20

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
	w, err := b.NewWriter(wctx, key, &blob.WriterOptions{ContentType: mediaType, DisableContentTypeDetection: true,
		CacheControl: pictureCaching, ContentDisposition: pictureDisposition, BufferSize: uploadBuffer, MaxConcurrency: 1})
	if err != nil {
		cancel()
		return nil, fault.Newf(fault.Unavailable, "write to the bucket: %w", err)
	}
	o := &object{WriteCloser: w, b: b, key: key, ctx: ctx, cancel: cancel}
	if b.dir == "" {
		o.WriteCloser = &impatientWriter{w, patience{b.silence, cancel}}
	}
	return o, nil
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.silence)
	defer cancel()
	if err := b.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete from the bucket: %w", err)
	}
	return nil
}

// sign makes an address of an object that is good for a while, for whoever has it.
func (b *Bucket) sign(ctx context.Context, key string, good time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.silence) // some clouds are asked for the signature
	defer cancel()
	u, err := b.SignedURL(ctx, key, &blob.SignedURLOptions{Expiry: good, Method: http.MethodGet})
	if err != nil {
		return "", fault.Newf(fault.Unavailable, "sign an address: %w", err)
	}
	return u, nil
}

// Signs is where the addresses lead that the bucket makes for others to open, as scheme and host; an error says why it cannot make any.
func (b *Bucket) Signs(ctx context.Context, good time.Duration) (origin string, err error) {
	signed, err := b.sign(ctx, TrialKey(), good)
	if gcerrors.Code(err) == gcerrors.Unimplemented {
		return "", errors.New("this bucket, or these credentials, cannot sign")
	}
	if err != nil {
		return "", err
	}
	u, err := url.Parse(signed)
	if err != nil {
		return "", errors.New("the bucket signs what is no address") // which nobody is to read
	}
	return u.Scheme + "://" + u.Host, nil
}

// TrialKey names an object by which a bucket is tried. Should one ever be left over, it is swept like an upload that was.
func TrialKey() string {
	id := uuid.NewString()
	return folder(originals, id) + id + ".trial"
}
