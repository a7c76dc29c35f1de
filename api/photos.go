package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/reports"
)

const (
	photoLimit = photos.MaxBytes + 64<<10 // of an upload with the frame of its form
)

// takeFunc reads one photo to its end.
type takeFunc func(ctx context.Context, owner actor.Actor, id string, r io.Reader) (*photos.Photo, error)

// UploadPhoto takes a photo for a report that will name it.
func (s *Server) UploadPhoto(c *fiber.Ctx) error {
	p, err := s.receive(c)
	if p == nil || err != nil {
		return err
	}
	if err := s.Photos.Save(c.UserContext(), "", p); err != nil {
		return errors.Join(err, s.Photos.Discard(c.UserContext(), p))
	}
	return photoCreated(c, p)
}

// AddReportPhoto adds a photo to a report: one that comes now, or one that was uploaded before and is named in JSON.
func (s *Server) AddReportPhoto(c *fiber.Ctx) error {
	ctx := c.UserContext()
	a, id := actorOf(ctx), c.Params("id")
	if _, err := s.Reports.Get(ctx, a, id); err != nil { // before megabytes are read
		return err
	}
	if media, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); media == jsonCT {
		return s.addNamed(c, id)
	}
	p, err := s.receive(c)
	if p == nil || err != nil {
		return err
	}
	err = s.Photos.Save(ctx, id, p)
	if err == nil {
		_, _, err = s.Reports.AddPhoto(ctx, a, id, p.ID)
	}
	if err != nil {
		return errors.Join(err, s.Photos.Discard(ctx, p))
	}
	return photoCreated(c, p)
}

func (s *Server) addNamed(c *fiber.Ctx, id string) error {
	if err := s.operations["addReportPhoto"].readBody(c); err != nil {
		return err
	}
	ctx := c.UserContext()
	if r := of(ctx); r.key != "" {
		if r.asked = hashOf(c.Path(), c.Body()); r.kept != nil {
			return replay(c, r.kept, r.asked)
		}
	}
	var named gen.PhotoReference
	if err := json.Unmarshal(c.Body(), &named); err != nil {
		return fault.Newf(fault.Malformed, "a reference: %w", err)
	}
	if _, _, err := s.Reports.AddPhoto(ctx, actorOf(ctx), id, named.PhotoId); err != nil {
		return err
	}
	p, err := s.Photos.Photo(ctx, actorOf(ctx), named.PhotoId, nil)
	if err != nil {
		return err
	}
	return photoCreated(c, p)
}

// receive reads the one photo of a request, as it is or in a form, without a row in the store. It gives none when the request
// was answered before, and the answer is written.
func (s *Server) receive(c *fiber.Ctx) (p *photos.Photo, err error) {
	r := of(c.UserContext())
	take, id := s.Photos.Prepare, ""
	switch {
	case r.kept != nil: // what is sent now is compared with what was, and kept nowhere
		take = hashOnly
	case r.key != "":
		id = event.Derive(r.key, "photo")
	}
	p, err = receivePhoto(c, take, id)
	if err != nil {
		if p != nil {
			err = errors.Join(err, s.Photos.Discard(c.UserContext(), p))
		}
		return nil, err
	}
	if r.key != "" {
		r.asked = hashOf(c.Path(), []byte(p.SHA256))
	}
	if r.kept != nil {
		return nil, replay(c, r.kept, r.asked)
	}
	return p, nil
}

// receivePhoto gives what was taken also when something behind it is wrong.
func receivePhoto(c *fiber.Ctx, take takeFunc, id string) (*photos.Photo, error) {
	ctx := c.UserContext()
	if c.Request().Header.ContentLength() > photoLimit {
		return nil, fault.New(fault.TooLarge)
	}
	media, args, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	switch {
	case err != nil:
	case media == "image/jpeg", media == "image/png":
		return take(ctx, actorOf(ctx), id, bodyOf(c))
	case media == multipart_ && args["boundary"] != "":
		return photoPart(ctx, multipart.NewReader(bounded(bodyOf(c), photoLimit), args["boundary"]), take, id)
	}
	return nil, fault.New(fault.UnsupportedMedia)
}

// photoPart reads a form with one part, "photo".
func photoPart(ctx context.Context, parts *multipart.Reader, take takeFunc, id string) (p *photos.Photo, err error) {
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF) && p == nil:
			return nil, fault.At("photo", fault.Required)
		case errors.Is(err, io.EOF):
			return p, nil
		case err != nil:
			return p, formFault(err)
		case part.FormName() != "photo":
			return p, malformedAt(printable(part.FormName()), fault.Unknown)
		case p != nil:
			return p, malformedAt("photo", fault.TooMany)
		}
		if p, err = take(ctx, actorOf(ctx), id, part); err != nil {
			return nil, err
		}
	}
}

func malformedAt(path string, r fault.Reason) error {
	return &fault.Error{Code: fault.Malformed, Fields: []fault.Field{{Path: path, Reason: r}}}
}

// formFault is what is wrong with the frame of a form: too long, or not a form.
func formFault(err error) error {
	if fault.CodeOf(err) != fault.Internal {
		return err
	}
	return fault.Newf(fault.Malformed, "the form: %w", err)
}

// bounded refuses what is longer than n bytes.
func bounded(r io.Reader, n int64) io.Reader { return &boundedReader{r, n} }

type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fault.New(fault.TooLarge)
	}
	return n, err
}

func photoCreated(c *fiber.Ctx, p *photos.Photo) error {
	body := photoBody(actorOf(c.UserContext()), p)
	c.Set(fiber.HeaderLocation, "/v1/photos/"+p.ID)
	return c.Status(fiber.StatusCreated).JSON(body)
}

// photoBody is what a may know of a photo: place and time are for its owner and for staff.
func photoBody(a actor.Actor, p *photos.Photo) gen.Photo {
	url := "/v1/photos/" + p.ID + "/image"
	body := gen.Photo{Id: p.ID, Bytes: p.Bytes, MediaType: gen.PhotoMediaType(p.MediaType), CreatedAt: p.CreatedAt, Url: url,
		ThumbnailUrl: url + "?size=thumb"}
	body.Width, body.Height = p.Served()
	if a.Kind == actor.Staff || a.ID != "" && a.ID == p.Owner {
		body.TakenAt = p.TakenAt
		if p.Place != nil {
			body.Place = &gen.Point{Latitude: p.Place.Latitude, Longitude: p.Place.Longitude}
		}
	}
	return body
}

// photo is one that the caller may see: their own, or one on a report that they see.
func (s *Server) photo(ctx context.Context, id string) (*photos.Photo, error) {
	a := actorOf(ctx)
	return s.Photos.Photo(ctx, a, id, func(report string) error {
		r, err := s.Reports.Get(ctx, a, report)
		if err == nil && !slices.ContainsFunc(r.Photos, func(p reports.PhotoRef) bool { return p.ID == id }) {
			err = fault.New(fault.NotFound)
		}
		return err
	})
}

// GetPhoto says what is known of a photo.
func (s *Server) GetPhoto(ctx context.Context, r gen.GetPhotoRequestObject) (gen.GetPhotoResponseObject, error) {
	p, err := s.photo(ctx, r.Id)
	if err != nil {
		return nil, err
	}
	return gen.GetPhoto200JSONResponse{Body: photoBody(actorOf(ctx), p)}, nil
}

// GetPhotoImage serves the picture itself. It never changes, so a phone asks once a day at most.
func (s *Server) GetPhotoImage(c *fiber.Ctx) error {
	ctx := c.UserContext()
	p, err := s.photo(ctx, c.Params("id"))
	if err != nil {
		return err
	}
	size := photos.Size(c.Query("size", string(photos.Full)))
	etag := p.ETag(size)
	if none := c.Get(fiber.HeaderIfNoneMatch); none != "" && matches(none, etag) {
		pictureHeaders(c, etag)
		return c.SendStatus(fiber.StatusNotModified)
	}
	if s.PhotoLinks > 0 && c.Method() == fiber.MethodGet { // an address that is signed for GET answers no HEAD
		return s.redirect(c, p, size, etag)
	}
	picture, err := s.Photos.Image(context.WithoutCancel(ctx), p, size) // it is read after this function has returned
	if err != nil {
		return err
	}
	pictureHeaders(c, etag)
	c.Set(fiber.HeaderContentType, "image/jpeg")
	c.Context().SetBodyStream(picture, int(picture.Size()))
	return nil
}

// redirect sends the caller to the bucket. Who has the address has the picture, so nothing keeps it, and no page that it leads to is
// told where it came from.
func (s *Server) redirect(c *fiber.Ctx, p *photos.Photo, size photos.Size, etag string) error {
	link, err := s.Photos.Link(c.UserContext(), p, size, s.PhotoLinks)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, etag)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderLocation, link)
	c.Status(fiber.StatusTemporaryRedirect)
	return nil
}

func pictureHeaders(c *fiber.Ctx, etag string) {
	c.Set(fiber.HeaderETag, etag)
	c.Set(fiber.HeaderCacheControl, "private, max-age=86400")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Vary(fiber.HeaderAuthorization)
}
