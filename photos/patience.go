package photos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/balagh/balagh/fault"
)

// silence is how long a bucket may take for one step. An object store that hangs must not hold a request, or a picture that is
// being drawn, for ever. Whoever sends or reads slowly at the other end has all the time that a request has.
const silence = 20 * time.Second

// patience ends what takes too long.
type patience struct {
	time.Duration
	cancel context.CancelFunc
}

func (p patience) with(step func()) {
	t := time.AfterFunc(p.Duration, p.cancel)
	defer t.Stop()
	step()
}

// impatientWriter gives a step of writing up.
type impatientWriter struct {
	w io.WriteCloser
	patience
}

func (w *impatientWriter) Write(p []byte) (n int, err error) {
	w.with(func() { n, err = w.w.Write(p) })
	return n, err
}

// Close waits until the object is kept. The writer of Azure panics when it is closed after its upload failed, as one that was broken
// off does (gocloud.dev v0.47.0: it sets the pipe to nil that it closes).
func (w *impatientWriter) Close() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the driver panicked: %v", v)
		}
	}()
	w.with(func() { err = w.w.Close() })
	return err
}

// Reader reads an object.
type Reader interface {
	io.ReadCloser
	Size() int64
}

// impatientReader gives a step of reading up. It has no WriteTo on purpose: that would be one step of any length.
type impatientReader struct {
	r *blob.Reader
	patience
}

func (r *impatientReader) Read(p []byte) (n int, err error) {
	r.with(func() { n, err = r.r.Read(p) })
	return n, err
}

// Close ends the reading.
func (r *impatientReader) Close() error {
	defer r.cancel()
	return r.r.Close()
}

// Size is that of the whole object.
func (r *impatientReader) Size() int64 { return r.r.Size() }

// Open reads an object.
func (b *Bucket) Open(ctx context.Context, key string) (Reader, error) {
	if b.dir != "" {
		r, err := b.NewReader(ctx, key, nil)
		if err != nil {
			return nil, fmt.Errorf("read from the bucket: %w", err)
		}
		return r, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	within := patience{b.silence, cancel}
	var r *blob.Reader
	var err error
	within.with(func() { r, err = b.NewReader(ctx, key, nil) })
	if err != nil {
		cancel()
		return nil, b.unread(err)
	}
	return &impatientReader{r, within}, nil
}

// has says whether there is such an object.
func (b *Bucket) has(ctx context.Context, key string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, b.silence)
	defer cancel()
	ok, err := b.Exists(ctx, key)
	if err != nil {
		return false, b.unread(err)
	}
	return ok, nil
}

// unread is why an object could not be read. A bucket of files that fails has no better times ahead.
func (b *Bucket) unread(err error) error {
	if b.dir != "" || absent(err) {
		return fmt.Errorf("read from the bucket: %w", err)
	}
	return fault.Newf(fault.Unavailable, "read from the bucket: %w", err)
}

func absent(err error) bool { return gcerrors.Code(err) == gcerrors.NotFound }

// Keys goes through the objects whose names begin with prefix.
func (b *Bucket) Keys(ctx context.Context, prefix string) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		list := b.List(&blob.ListOptions{Prefix: prefix})
		next := func() (*blob.ListObject, error) {
			ctx, cancel := context.WithTimeout(ctx, b.silence)
			defer cancel()
			return list.Next(ctx)
		}
		for {
			o, err := next()
			if errors.Is(err, io.EOF) || !yield(o, err) || err != nil {
				return
			}
		}
	}
}
