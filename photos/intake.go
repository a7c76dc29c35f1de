package photos

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/fault"
)

const (
	jpegType = "image/jpeg"
	pngType  = "image/png"

	pngSignature = "\x89PNG\r\n\x1a\n"
)

// intake is what one upload needs of memory, whatever its size.
type intake struct {
	in   *bufio.Reader
	src  source
	hash hash.Hash
	jpeg jpegWalker
	png  pngWalker
}

var intakes = sync.Pool{New: func() any { return &intake{in: bufio.NewReaderSize(nil, 64<<10), hash: sha256.New()} }}

// source stops an upload that is too long, and remembers why reading ended.
type source struct {
	r   io.Reader
	n   int64
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if s.n += int64(n); s.n > MaxBytes {
		n, err = 0, fault.New(fault.TooLarge)
	}
	s.err = err
	return n, err
}

// failed is why an upload could not be read to its end, nil when it was.
func (s *source) failed() error {
	switch {
	case s.err == nil || s.err == io.EOF:
		return nil
	case fault.CodeOf(s.err) != fault.Internal:
		return s.err
	default:
		return fault.Newf(fault.Malformed, "read the upload: %w", s.err)
	}
}

// Prepare reads an upload, checks it and makes its bytes durable, without a row: Save writes that, Discard takes the bytes
// back, and Sweep does when neither came. With an id (a UUID) that a photo of the same owner has already, that photo is the
// answer when the bytes are the same, fault.KeyReused when not.
//
// Faults: TooLarge, UnsupportedMedia (neither JPEG nor PNG), PhotoRefused (truncated, damaged, too many pixels), Malformed
// (the upload broke off). None leaves anything behind.
func (s *Service) Prepare(ctx context.Context, owner actor.Actor, id string, r io.Reader) (*Photo, error) {
	k := intakes.Get().(*intake)
	defer intakes.Put(k)
	k.reset(r)
	defer k.reset(nil)
	if id != "" {
		p, err := s.repeated(ctx, owner, id, k)
		if p != nil || err != nil {
			return p, err
		}
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	p := &Photo{ID: id, Owner: owner.ID, CreatedAt: now, Rev: 1}
	if id == "" {
		p.ID = s.NewID()
	}
	p.Object = p.ID + "." + uuid.NewString()[:8] // a second attempt with the same id spoils nothing of the first
	w, err := k.begin(ctx, s.Bucket, p)
	if err != nil {
		return nil, err
	}
	if err := k.copy(p, w); err != nil {
		w.drop()
		return nil, err
	}
	if err := w.keep(); err != nil {
		return nil, err
	}
	k.note(p, s)
	p.stage = prepared
	return p, nil
}

func (k *intake) reset(r io.Reader) {
	k.src = source{r: r}
	k.in.Reset(&k.src)
	k.hash.Reset()
	k.jpeg.reset()
	k.png.reset()
}

// repeated answers for a photo that exists already.
func (s *Service) repeated(ctx context.Context, owner actor.Actor, id string, k *intake) (*Photo, error) {
	if u, err := uuid.Parse(id); err != nil || u.String() != id {
		return nil, fault.At("id", fault.WrongFormat)
	}
	p, err := s.Store.Photo(ctx, id)
	switch {
	case errors.Is(err, fault.New(fault.NotFound)):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for the photo: %w", err)
	case p.Owner != owner.ID:
		return nil, fault.New(fault.Exists)
	}
	if _, err := k.in.WriteTo(k.hash); err != nil {
		return nil, k.src.failed()
	}
	if hex.EncodeToString(k.hash.Sum(nil)) != p.SHA256 {
		return nil, fault.New(fault.KeyReused)
	}
	return p, nil
}

// begin tells the format by the first bytes, whatever name or type the upload came with.
func (k *intake) begin(ctx context.Context, b *Bucket, p *Photo) (*object, error) {
	head, _ := k.in.Peek(len(pngSignature))
	switch {
	case k.src.failed() != nil:
		return nil, k.src.failed()
	case bytes.HasPrefix(head, []byte{0xff, 0xd8, 0xff}):
		p.MediaType = jpegType
	case string(head) == pngSignature:
		p.MediaType = pngType
	default:
		return nil, fault.New(fault.UnsupportedMedia)
	}
	return b.createOriginal(ctx, p.originalKey(), p.MediaType)
}

// sink is where the bytes go: to the walker, the hash and the bucket.
type sink struct {
	walk walker
	hash hash.Hash
	to   io.Writer
	skip int   // bytes of a signature that the walker does not want
	err  error // of the bucket
}

func (s *sink) Write(p []byte) (int, error) {
	s.hash.Write(p)
	skip := min(s.skip, len(p))
	s.skip -= skip
	s.walk.walk(p[skip:])
	if _, err := s.to.Write(p); err != nil {
		s.err = fault.Newf(fault.Unavailable, "write to the bucket: %w", err)
		return 0, s.err
	}
	return len(p), nil
}

// copy reads the upload to its end, once.
func (k *intake) copy(p *Photo, w io.Writer) error {
	to := &sink{walk: &k.jpeg, hash: k.hash, to: w}
	config := jpeg.DecodeConfig
	if p.MediaType == pngType {
		to.walk, to.skip, config = &k.png, len(pngSignature), png.DecodeConfig
	}
	c, err := config(io.TeeReader(k.in, to))
	if err == nil {
		err = fits(c)
	}
	if err == nil {
		_, err = k.in.WriteTo(to)
	}
	switch {
	case to.err != nil:
		return to.err
	case k.src.failed() != nil:
		return k.src.failed()
	case err != nil:
		return fault.Newf(fault.PhotoRefused, "%w", err)
	case !to.walk.whole():
		return fault.Newf(fault.PhotoRefused, "the %s does not end", p.MediaType)
	}
	p.Width, p.Height, p.Bytes = c.Width, c.Height, k.src.n
	return nil
}

// fits refuses a picture that nobody could decode in reasonable memory.
func fits(c image.Config) error {
	if c.Width <= 0 || c.Height <= 0 || int64(c.Width)*int64(c.Height) > MaxPixels {
		return fmt.Errorf("%d × %d pixels", c.Width, c.Height)
	}
	return nil
}

// note writes down what the EXIF block says.
func (k *intake) note(p *Photo, s *Service) {
	var w walker = &k.jpeg
	if p.MediaType == pngType {
		w = &k.png
	}
	n := readEXIF(w.exif(), s.Zone, p.CreatedAt)
	p.Orientation, p.TakenAt, p.Place = n.orientation, n.taken, n.place
	if p.Orientation > 4 { // on its side
		p.Width, p.Height = p.Height, p.Width
	}
	p.SHA256 = hex.EncodeToString(k.hash.Sum(nil))
}
