package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/accounts"
	"github.com/balagh/balagh/actor"
	"github.com/balagh/balagh/api/gen"
	"github.com/balagh/balagh/event"
	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/photos"
	"github.com/balagh/balagh/reports"
)

// formLimit bounds a report that comes with its photos in one request.
const formLimit = photos.MaxPerReport*photos.MaxBytes + bodyLimit

// FileReport takes a report: as JSON that names photos which were uploaded before, or as one form with everything, whose
// photos stream into the bucket while they arrive.
func (s *Server) FileReport(c *fiber.Ctx) error {
	op := s.operations["fileReport"]
	media, args, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	switch {
	case err != nil:
		return fault.New(fault.UnsupportedMedia)
	case media == jsonCT:
		return s.fileJSON(c, op)
	case media == multipart_ && args["boundary"] != "":
		return s.fileForm(c, op, args["boundary"])
	default:
		return fault.New(fault.UnsupportedMedia)
	}
}

func (s *Server) fileJSON(c *fiber.Ctx, op *operation) error {
	if err := op.readBody(c); err != nil {
		return err
	}
	n, err := newReport(c.Body())
	if err != nil {
		return err
	}
	n.DerivedID, n.Asked = s.newID(c.UserContext()), hashOf("", c.Body())
	return s.file(c, n)
}

// filed is what came in one request.
type filed struct {
	report []byte // JSON
	photos []*photos.Photo
	hash   string
}

func (s *Server) fileForm(c *fiber.Ctx, op *operation, boundary string) (err error) {
	if c.Request().Header.ContentLength() > formLimit {
		return fault.New(fault.TooLarge)
	}
	if s.Together != nil { // the rows of the photos go with the report's
		c.SetUserContext(s.Together(c.UserContext()))
	}
	ctx := c.UserContext()
	f, err := s.readForm(ctx, c, op, boundary)
	failed := true
	defer func() { // also after a panic
		if failed {
			err = errors.Join(err, s.Photos.Discard(ctx, f.photos...))
		}
	}()
	if err != nil {
		return err
	}
	n, err := newReport(f.report)
	if err != nil {
		return err
	}
	n.DerivedID, n.Asked = s.newID(ctx), f.hash
	if len(f.photos) > 0 {
		if len(n.Photos) > 0 {
			return fault.At("report/photos", fault.Contradicted)
		}
		if err := s.Photos.Save(ctx, cmp.Or(n.ID, n.DerivedID), f.photos...); err != nil {
			return err
		}
		for _, p := range f.photos {
			n.Attached = append(n.Attached, PhotoRef(p))
		}
	}
	if err := s.file(c, n); err != nil {
		return err
	}
	failed = false
	return nil
}

// readForm reads the parts: one "report" and up to eight "photo". What it has taken is in the form also when it fails.
func (s *Server) readForm(ctx context.Context, c *fiber.Ctx, op *operation, boundary string) (f filed, err error) {
	r := of(ctx)
	parts := multipart.NewReader(bounded(bodyOf(c), formLimit), boundary)
	sum := sha256.New()
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, formFault(err)
		}
		switch part.FormName() {
		case "report":
			if f.report != nil {
				return f, malformedAt("report", fault.Duplicate)
			}
			if f.report, err = readPart(part, op); err != nil {
				return f, err
			}
		case "photo":
			if len(f.photos) == photos.MaxPerReport {
				return f, fault.At("photo", fault.TooMany)
			}
			id := ""
			if r.key != "" {
				id = event.Derive(r.key, "photo", strconv.Itoa(len(f.photos)))
			}
			p, err := s.Photos.Prepare(ctx, r.actor, id, part)
			if err != nil {
				return f, atPhoto(err, len(f.photos))
			}
			f.photos = append(f.photos, p)
			sum.Write([]byte(p.SHA256))
		default:
			return f, malformedAt(printable(part.FormName()), fault.Unknown)
		}
	}
	if f.report == nil {
		return f, fault.At("report", fault.Required)
	}
	f.hash = hashOf(hex.EncodeToString(sum.Sum(nil)), f.report)
	return f, nil
}

func readPart(part io.Reader, op *operation) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(part, bodyLimit+1))
	switch {
	case err != nil:
		return nil, formFault(err)
	case len(b) > bodyLimit:
		return nil, fault.New(fault.TooLarge)
	}
	return b, checkJSON(op.body, b)
}

// atPhoto says which photo was refused.
func atPhoto(err error, i int) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || len(f.Fields) > 0 {
		return err
	}
	switch f.Code {
	case fault.PhotoRefused, fault.UnsupportedMedia, fault.TooLarge:
		told := *f
		told.Fields = []fault.Field{{Path: "photo/" + strconv.Itoa(i), Reason: fault.NotAllowed}}
		return &told
	}
	return err
}

func hashOnly(_ context.Context, _ actor.Actor, _ string, r io.Reader) (*photos.Photo, error) {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, photos.MaxBytes+1))
	switch {
	case err != nil:
		return nil, formFault(err)
	case n > photos.MaxBytes:
		return nil, fault.New(fault.TooLarge)
	}
	return &photos.Photo{SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// file hands a report to the domain and answers with it.
func (s *Server) file(c *fiber.Ctx, n reports.NewReport) error {
	ctx := c.UserContext()
	a := actorOf(ctx)
	if n.Language == "" {
		n.Language = languageOf(ctx)
	}
	if a.Kind == actor.Nobody {
		if err := s.Accounts.Count(ctx, "anonymous report", clientAddress(ctx), s.AnonymousLimit); err != nil {
			return err
		}
	}
	// A phone that names the report itself may show its key with another name: then the answer has to be remembered.
	key := keyOf(ctx)
	if n.ID == "" {
		key = ""
	}
	if key != "" {
		kept, err := s.idempotency.kept(ctx, key)
		if err != nil {
			return err
		}
		if kept != nil {
			return replay(c, kept, n.Asked)
		}
	}
	if a.Kind == actor.Citizen {
		c, err := s.Accounts.Me(ctx, a)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
		company := n.Reporter.Company
		n.Reporter = reporterOf(c)
		n.Reporter.Company = company
	}
	r, existing, err := s.Reports.File(ctx, a, n)
	if err != nil {
		return err
	}
	if existing {
		c.Set(replayedHeader, "true")
		r = r.AsFiled()
	}
	answer, err := s.report(ctx, r)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/v1/reports/"+r.ID)
	if err := c.Status(fiber.StatusCreated).JSON(answer); err != nil || key == "" {
		return err
	}
	return s.idempotency.keep(context.WithoutCancel(ctx), key, n.Asked, c)
}

// reporterOf is what the account of a person, if there is one, says of who reports.
func reporterOf(c *accounts.Citizen) reports.Reporter {
	if c == nil {
		return reports.Reporter{}
	}
	return reports.Reporter{Gender: c.Gender, Residency: c.Residency}
}

// newID is derived from the idempotency key, where there is one, so that the same request makes the same report.
func (s *Server) newID(ctx context.Context) string {
	if key := keyOf(ctx); key != "" {
		return event.Derive(key, "report")
	}
	return s.Reports.NewID()
}

// newReport reads a body that the contract has passed.
func newReport(body []byte) (reports.NewReport, error) {
	var g gen.NewReport
	if err := json.Unmarshal(body, &g); err != nil {
		return reports.NewReport{}, fault.Newf(fault.Malformed, "a report: %w", err)
	}
	return newReportOf(g), nil
}

func newReportOf(g gen.NewReport) reports.NewReport {
	n := reports.NewReport{Category: g.Category, Description: g.Description, Photos: g.Photos, Channel: reports.App, Place: placeOf(g.Place),
		Reporter: reports.Reporter{Company: value(g.OnBehalfOfCompany)}}
	if g.Id != nil {
		n.ID = *g.Id
	}
	if g.Channel != nil {
		n.Channel = reports.Channel(*g.Channel)
	}
	if g.Attributes != nil {
		n.Attributes = *g.Attributes
	}
	if g.Language != nil {
		n.Language = string(*g.Language)
	}
	if g.ObservedAt != nil {
		n.ObservedAt = g.ObservedAt.UTC().Truncate(time.Millisecond)
	}
	if g.Contact != nil {
		n.Contact = &reports.Contact{Phone: value(g.Contact.Phone), Email: value(g.Contact.Email)}
		if e164, ok := accounts.ParsePhone(n.Contact.Phone); ok { // what is none the service refuses
			n.Contact.Phone = e164
		}
	}
	return n
}

func placeOf(g *gen.Place) *reports.Place {
	if g == nil {
		return nil
	}
	return &reports.Place{Latitude: g.Latitude, Longitude: g.Longitude, Accuracy: value(g.AccuracyM), Address: value(g.Address), Source: string(g.Source)}
}

// PhotoRef is what a report keeps of a photo.
func PhotoRef(p *photos.Photo) reports.PhotoRef {
	width, height := p.Served()
	return reports.PhotoRef{ID: p.ID, Width: width, Height: height, Bytes: p.Bytes, MediaType: p.MediaType, CreatedAt: p.CreatedAt}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
