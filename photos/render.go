package photos

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"github.com/balagh/balagh/fault"
)

// Size of a served picture.
type Size string

// The sizes, with the longest side in pixels.
const (
	Full  Size = "full"  // 2560
	Thumb Size = "thumb" // 320
)

const (
	fullSide, thumbSide       = 2560, 320
	fullQuality, thumbQuality = 85, 80

	decodeShare = 25_000_000 // pixels: as many pictures as processors are decoded at once, fewer when they are larger
	decodeLimit = 30 * time.Second
)

// ETag of a served picture. It changes only when the way of drawing does.
func (p *Photo) ETag(z Size) string { return `"` + p.SHA256[:24] + "-" + string(z) + `-1"` }

// Image opens a photo, which the caller may see, as a JPEG that is the right side up and has nothing in it but the picture.
// It is drawn at its first view. fault.PhotoRefused says that the original cannot be decoded, fault.NotFound that there is no
// such size.
func (s *Service) Image(ctx context.Context, p *Photo, z Size) (Reader, error) {
	if err := servable(p, z); err != nil {
		return nil, err
	}
	r, err := s.Bucket.Open(ctx, p.servedKey(z))
	if err == nil || !absent(err) {
		return r, err
	}
	if err := s.draw(ctx, p); err != nil {
		return nil, err
	}
	return s.Bucket.Open(ctx, p.servedKey(z))
}

// Link is an address of what Image opens, for whoever has it, good for the given time. The bucket has to be one that signs.
func (s *Service) Link(ctx context.Context, p *Photo, z Size, good time.Duration) (string, error) {
	if err := servable(p, z); err != nil {
		return "", err
	}
	drawn, err := s.Bucket.has(ctx, p.servedKey(z))
	if err == nil && !drawn {
		err = s.draw(ctx, p)
	}
	if err != nil {
		return "", err
	}
	return s.Bucket.sign(ctx, p.servedKey(z), good)
}

func servable(p *Photo, z Size) error {
	switch {
	case z != Full && z != Thumb:
		return fault.New(fault.NotFound)
	case p.Broken:
		return fault.New(fault.PhotoRefused)
	}
	return nil
}

// draw makes what is served of a photo, once for all who wait for it.
func (s *Service) draw(ctx context.Context, p *Photo) error {
	drawn := s.drawing.DoChan(p.ID, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decodeLimit)
		defer cancel()
		return nil, s.render(ctx, p)
	})
	select {
	case d := <-drawn:
		return d.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// render draws both sizes: who sees a list of thumbnails opens one of them next.
func (s *Service) render(ctx context.Context, p *Photo) error {
	weight := min(max(int64(p.Width)*int64(p.Height), decodeShare), MaxPixels)
	if err := s.decoding.Acquire(ctx, weight); err != nil {
		return fault.Newf(fault.Unavailable, "wait to decode a photo: %w", err)
	}
	defer s.decoding.Release(weight)
	full, err := s.decode(ctx, p)
	if errors.Is(err, fault.New(fault.PhotoRefused)) {
		_, e := s.Store.UpdatePhoto(ctx, p.ID, func(p *Photo) error { p.Broken = true; return nil })
		return errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	thumb := image.NewRGBA(within(full.Rect, thumbSide))
	draw.BiLinear.Scale(thumb, thumb.Rect, full, full.Rect, draw.Src, nil)
	return errors.Join(s.serve(ctx, p, Full, full, fullQuality), s.serve(ctx, p, Thumb, thumb, thumbQuality))
}

func (s *Service) serve(ctx context.Context, p *Photo, z Size, m image.Image, quality int) error {
	w, err := s.Bucket.create(ctx, p.servedKey(z), jpegType)
	if err != nil {
		return err
	}
	if err := jpeg.Encode(w, m, &jpeg.Options{Quality: quality}); err != nil {
		w.drop()
		return fmt.Errorf("write a picture: %w", err)
	}
	return w.keep()
}

// original reads an original and tells its own failures from those of the decoder, and ends with the context.
type original struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (o *original) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		o.err = err
		return 0, err
	}
	n, err := o.r.Read(p)
	if err != nil && err != io.EOF {
		o.err = err
	}
	return n, err
}

// decode gives the picture the right side up and small enough to be served.
func (s *Service) decode(ctx context.Context, p *Photo) (*image.RGBA, error) {
	r, err := s.Bucket.Open(ctx, p.originalKey())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	o := &original{ctx: ctx, r: r}
	m, err := decodePicture(p.MediaType, o)
	switch {
	case o.err != nil:
		return nil, s.Bucket.unread(o.err)
	case err != nil:
		return nil, fault.Newf(fault.PhotoRefused, "decode: %w", err)
	}
	return upright(m, p.Orientation), nil
}

func decodePicture(mediaType string, r io.Reader) (m image.Image, err error) {
	defer func() { // one picture must never end the process
		if v := recover(); v != nil {
			err = fmt.Errorf("the decoder panicked: %v", v)
		}
	}()
	if mediaType == pngType {
		return png.Decode(r)
	}
	return jpeg.Decode(r)
}

// within is the rectangle of r's proportions whose longest side is at most side.
func within(r image.Rectangle, side int) image.Rectangle {
	w, h := r.Dx(), r.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
	}
	return image.Rect(0, 0, w, h)
}

// upright scales m down to the largest size served and turns it as the EXIF orientation (1–8) says, in one pass. What was
// transparent becomes white.
func upright(m image.Image, orientation int) *image.RGBA {
	from := m.Bounds()
	to := within(from, fullSide)
	sx, sy := float64(to.Dx())/float64(from.Dx()), float64(to.Dy())/float64(from.Dy())
	w, h := float64(to.Dx()), float64(to.Dy())
	if orientation > 4 {
		to = image.Rect(0, 0, to.Dy(), to.Dx())
	}
	matrix := map[int]f64.Aff3{ // from a point of m, scaled, to the point where it is shown
		2: {-sx, 0, w, 0, sy, 0},
		3: {-sx, 0, w, 0, -sy, h},
		4: {sx, 0, 0, 0, -sy, h},
		5: {0, sy, 0, sx, 0, 0},
		6: {0, -sy, h, sx, 0, 0},
		7: {0, -sy, h, -sx, 0, w},
		8: {0, sy, 0, -sx, 0, w},
	}[orientation]
	if matrix == (f64.Aff3{}) {
		matrix = f64.Aff3{sx, 0, 0, 0, sy, 0}
	}
	dst := image.NewRGBA(to)
	op := draw.Src
	if o, ok := m.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		draw.Draw(dst, to, image.NewUniform(color.White), image.Point{}, draw.Src)
		op = draw.Over
	}
	draw.ApproxBiLinear.Transform(dst, matrix, m, from, op, nil)
	return dst
}
