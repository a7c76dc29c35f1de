// Package web serves the pages that people open in a browser: here the page behind the link of a survey.
//
// It is plain HTML without scripts, so that it works on an old phone and with a screen reader. What is said about an answer, and
// whether one is taken, is decided by surveys; this package shows questions and reads forms. It knows no store, and no token
// but the one in the address, which it puts into no log.
package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/language"

	"github.com/balagh/balagh/fault"
	"github.com/balagh/balagh/surveys"
	"github.com/balagh/balagh/surveys/form"
)

const (
	bodyLimit   = 64 << 10  // bytes of a form
	restLimit   = 256 << 10 // of one that is refused
	requestTime = 15 * time.Second
	operation   = "operation" // the name under which the log and the metrics know a request: the route, never the path
)

// Survey is the page behind the link of an invitation.
type Survey struct {
	Programmes *surveys.Programmes
	Log        *slog.Logger
}

// Mount adds its routes to an application.
func (s Survey) Mount(app *fiber.App) {
	for route, handlers := range map[string][2]func(context.Context, *fiber.Ctx, string) error{
		"/s/:token":        {s.show, s.take},
		"/s/:token/refuse": {s.askRefusal, s.takeRefusal},
	} {
		app.Get(route, s.serve("GET "+route, handlers[0]))
		app.Post(route, s.serve("POST "+route, handlers[1]))
	}
}

// serve sets what every answer has, and makes a page of an error.
func (s Survey) serve(name string, do func(context.Context, *fiber.Ctx, string) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Locals(operation, name)
		for k, v := range headers {
			c.Set(k, v)
		}
		defer settle(c)
		ctx, cancel := context.WithTimeout(c.UserContext(), requestTime)
		defer cancel()
		lang := languageOf(c)
		err := do(ctx, c, lang)
		if err == nil {
			return nil
		}
		code := fault.CodeOf(err)
		f, known := failures[code]
		if !known {
			f = failures[fault.Internal]
			s.Log.Error("the page of a survey", "route", name, "error", err)
		}
		return send(c, f.status, page{Lang: lang, Kind: f.kind})
	}
}

// settle reads what a refused form still sends, so that the next request on the connection is not taken for the rest of it. A
// long rest is not waited for.
func settle(c *fiber.Ctx) {
	if stream := c.Context().RequestBodyStream(); stream != nil {
		if _, err := io.CopyN(io.Discard, stream, restLimit); !errors.Is(err, io.EOF) {
			c.Context().SetConnectionClose()
		}
	}
}

// failures are the pages for errors.
var failures = map[fault.Code]struct {
	status int
	kind   string
}{
	fault.NotFound:         {fiber.StatusNotFound, "missing"},
	fault.Malformed:        {fiber.StatusBadRequest, "broken"},
	fault.TooLarge:         {fiber.StatusRequestEntityTooLarge, "broken"},
	fault.UnsupportedMedia: {fiber.StatusUnsupportedMediaType, "broken"},
	fault.Internal:         {fiber.StatusInternalServerError, "broken"},
}

// languageOf the page: as the address says, else as the browser does.
func languageOf(c *fiber.Ctx) string {
	if l := c.Query("lang"); texts[l] != nil {
		return l
	}
	tags, _, err := language.ParseAcceptLanguage(c.Get(fiber.HeaderAcceptLanguage))
	if err != nil || len(tags) == 0 {
		return form.Languages[0]
	}
	_, i, _ := spoken.Match(tags...)
	return form.Languages[i]
}

var spoken = language.NewMatcher([]language.Tag{language.Arabic, language.English, language.Urdu}) // form.Languages

// asked reads the invitation; done says that there is nothing left to answer, and that its page was sent.
func (s Survey) asked(ctx context.Context, c *fiber.Ctx, lang string) (a *surveys.Asked, done bool, err error) {
	a, err = s.Programmes.AskedBy(ctx, c.Params("token"))
	if a == nil {
		return nil, false, err
	}
	p := page{Lang: lang, Title: a.Questionnaire.Title.In(lang), Languages: languages(lang, false)}
	switch code := fault.CodeOf(err); {
	case code == fault.Gone:
		p.Kind = "gone"
		return a, true, send(c, fiber.StatusGone, p)
	case code == fault.Conflict && a.Invitation.State == surveys.InvitationRefused:
		p.Kind = "refused"
		return a, true, send(c, fiber.StatusOK, p)
	case code == fault.Conflict:
		p.Kind = "stopped"
		return a, true, send(c, fiber.StatusGone, p)
	case err != nil:
		return nil, false, err
	case a.Invitation.State == surveys.InvitationComplete:
		p.Kind, p.Message = "thanks", a.Questionnaire.Thanks.In(lang)
		return a, true, send(c, fiber.StatusOK, p)
	}
	return a, false, nil
}

// show answers with the questions of a step, and records nothing.
func (s Survey) show(ctx context.Context, c *fiber.Ctx, lang string) error {
	a, done, err := s.asked(ctx, c, lang)
	if done || err != nil {
		return err
	}
	p := newPaper(a, lang)
	step := p.resume()
	if asked, err := strconv.Atoi(c.Query("step")); err == nil && asked >= 0 && asked <= step {
		step = asked
	}
	if step < p.end() {
		step = p.nearest(step, 1)
	}
	return send(c, fiber.StatusOK, p.page(c.Params("token"), step, nil, nil))
}

// take keeps what was answered in a step and goes on, or back; at the last step it hands in the answers.
func (s Survey) take(ctx context.Context, c *fiber.Ctx, lang string) error {
	posted, err := readForm(c)
	if err != nil {
		return err
	}
	if l := posted.Get("lang"); texts[l] != nil {
		lang = l
	}
	a, done, err := s.asked(ctx, c, lang)
	if done || err != nil {
		return err
	}
	p := newPaper(a, lang)
	step, problems := p.read(posted)
	goes := posted.Get("go")
	if l, switched := strings.CutPrefix(goes, "lang-"); switched {
		if _, there := texts[l]; there {
			p.lang = l
		}
		return s.turn(ctx, c, p, step, posted)
	}
	if goes == "back" {
		return s.turn(ctx, c, p, p.nearest(step-1, -1), nil)
	}
	if first, all := p.faulty(step, problems); len(all) > 0 {
		if first != step { // something before is missing, which the form did not show
			posted = nil
		}
		return send(c, fiber.StatusUnprocessableEntity, p.page(c.Params("token"), first, posted, all))
	}
	if next := p.nearest(step+1, 1); next > step {
		return s.turn(ctx, c, p, next, nil)
	}
	if goes == "next" && step < p.end() { // more might have come: nothing is handed in before somebody is told that this was all
		return s.turn(ctx, c, p, p.end(), nil)
	}
	_, err = s.Programmes.RespondBy(ctx, c.Params("token"), surveys.Submission{Answers: p.answers, Complete: true, Language: p.lang})
	switch fault.CodeOf(err) {
	case "", fault.Exists, fault.Gone, fault.Conflict: // the page says which
		return c.Redirect("?lang="+p.lang, fiber.StatusSeeOther)
	}
	return err
}

// turn to a step. Answers are kept until then, on the server; or within the page where nothing may be kept of who answers.
func (s Survey) turn(ctx context.Context, c *fiber.Ctx, p *paper, step int, typed url.Values) error {
	if p.asked.Invitation.Anonymous {
		return send(c, fiber.StatusOK, p.page(c.Params("token"), step, typed, nil))
	}
	if len(p.answers) > 0 || p.asked.Invitation.State == surveys.InvitationPartial {
		_, err := s.Programmes.RespondBy(ctx, c.Params("token"), surveys.Submission{Answers: p.answers, Language: p.lang})
		switch fault.CodeOf(err) {
		case "", fault.Exists, fault.Gone, fault.Conflict:
		default:
			return err
		}
	}
	return c.Redirect("?lang="+p.lang+"&step="+strconv.Itoa(step), fiber.StatusSeeOther)
}

// askRefusal asks whether that is meant.
func (s Survey) askRefusal(ctx context.Context, c *fiber.Ctx, lang string) error {
	a, done, err := s.asked(ctx, c, lang)
	if done || err != nil {
		return err
	}
	return send(c, fiber.StatusOK, page{Lang: lang, Kind: "refuse", Title: a.Questionnaire.Title.In(lang), Token: c.Params("token"),
		Languages: languages(lang, false)})
}

func (s Survey) takeRefusal(ctx context.Context, c *fiber.Ctx, lang string) error {
	switch err := s.Programmes.RefuseBy(ctx, c.Params("token")); fault.CodeOf(err) {
	case "", fault.Exists, fault.Gone, fault.Conflict:
		return c.Redirect("../"+url.PathEscape(c.Params("token"))+"?lang="+lang, fiber.StatusSeeOther)
	default:
		return err
	}
}

// readForm reads a form of limited size.
func readForm(c *fiber.Ctx) (url.Values, error) {
	if media, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); err != nil || media != fiber.MIMEApplicationForm {
		return nil, fault.New(fault.UnsupportedMedia)
	}
	if c.Request().Header.ContentLength() > bodyLimit {
		return nil, fault.New(fault.TooLarge)
	}
	if stream := c.Context().RequestBodyStream(); stream != nil {
		b, err := io.ReadAll(io.LimitReader(stream, bodyLimit+1))
		if err != nil {
			return nil, fault.Newf(fault.Malformed, "read a form: %w", err)
		}
		c.Request().SetBodyRaw(b)
	}
	body := c.Request().Body()
	if len(body) > bodyLimit {
		return nil, fault.New(fault.TooLarge)
	}
	posted, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.Malformed)
	}
	return posted, nil
}
