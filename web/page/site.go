// Package page is what every page for staff has: the session of a browser, the words, numbers and dates of three languages, the frame
// around the contents, forms that keep what was typed, and the assets.
//
// Pages are clients of the API in the same process: they call it with the token of the session, over no network. So what a page shows and
// does is what the contract says, with its checks, its authorization and its problem documents, and this package knows no service and no
// store. What lives in a page calls the same API from the browser, with the session's cookie.
package page

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Site serves pages. The exported fields are set before Mount.
type Site struct {
	API      fasthttp.RequestHandler // the whole application; may be set after Mount
	Log      *slog.Logger
	Now      func() time.Time
	Zone     *time.Location
	Insecure bool   // cookies also without TLS; for development
	Tiles    string // address of map tiles with {z}, {x} and {y}; "" for none

	headers map[string]string
	mounted map[string]bool // routes of pages
}

const (
	bodyLimit = 1 << 20 // bytes of a form
	operation = "operation"
)

// Handler shows one page or takes one form.
type Handler func(v *Visit) error

// Mount adds the sign-in, the account of who is signed in, and the assets.
func (s *Site) Mount(app *fiber.App) {
	images := "'self' data: blob:"
	if origin := originOf(s.Tiles); origin != "" {
		images += " " + origin
	}
	s.headers = map[string]string{
		fiber.HeaderContentSecurityPolicy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src " + images + "; font-src 'self'; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		fiber.HeaderReferrerPolicy:      "same-origin",
		fiber.HeaderCacheControl:        "no-store",
		fiber.HeaderXContentTypeOptions: "nosniff",
		"X-Robots-Tag":                  "noindex, nofollow",
		"Cross-Origin-Opener-Policy":    "same-origin",
		fiber.HeaderVary:                fiber.HeaderCookie + ", " + fiber.HeaderAcceptLanguage,
	}
	app.Get("/assets/:version/+", s.asset)
	s.public(app, fiber.MethodGet, "/signin", s.askSignIn)
	s.public(app, fiber.MethodPost, "/signin", s.signIn)
	s.Handle(app, fiber.MethodPost, "/signout", nil, signOut)
	s.public(app, fiber.MethodPost, "/settings", s.set)
	s.Handle(app, fiber.MethodGet, "/account", nil, account)
	s.Handle(app, fiber.MethodPost, "/account/password", nil, changePassword)
	s.Handle(app, fiber.MethodPost, "/account/totp", nil, enrolTOTP)
	s.Handle(app, fiber.MethodPost, "/account/totp/confirm", nil, confirmTOTP)
	s.Handle(app, fiber.MethodGet, "/", nil, home)
}

// originOf a template of addresses: scheme and host.
func originOf(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// Handle adds a page for staff with one of the roles; none for every role. Who is not signed in is asked to, and comes back.
func (s *Site) Handle(app *fiber.App, method, route string, roles []string, do Handler) {
	if s.mounted == nil {
		s.mounted = map[string]bool{}
	}
	s.mounted[route] = true
	s.public(app, method, route, func(v *Visit) error {
		if err := v.enter(); err != nil {
			return err
		}
		if len(roles) > 0 && !slices.Contains(roles, string(v.Me.Role)) {
			return &Problem{Status: http.StatusForbidden, Code: "forbidden", Title: v.T("forbidden")}
		}
		return do(v)
	})
}

func (s *Site) public(app *fiber.App, method, route string, do Handler) {
	app.Add(method, route, func(c *fiber.Ctx) error {
		c.Locals(operation, method+" "+route)
		for k, x := range s.headers {
			c.Set(k, x)
		}
		v := s.visit(c)
		if err := s.take(v); err != nil {
			return s.failed(v, err)
		}
		if err := do(v); err != nil {
			return s.failed(v, err)
		}
		return nil
	})
}

// take reads a form, and refuses one that another site sent.
func (s *Site) take(v *Visit) error {
	c := v.c
	if c.Method() != fiber.MethodPost {
		return nil
	}
	if !sameOrigin(c) {
		return &Problem{Status: http.StatusForbidden, Code: "cross_site", Title: v.T("cross_site")}
	}
	return v.readForm()
}

// failed makes a page of an error.
func (s *Site) failed(v *Visit, err error) error {
	var p *Problem
	if !errors.As(err, &p) {
		s.Log.Error("page", "route", v.c.Locals(operation), "error", err)
		p = &Problem{Status: http.StatusInternalServerError, Code: "internal", Title: v.T("went_wrong")}
	}
	if p.lost() {
		return v.askToSignIn("")
	}
	v.c.Status(p.Status)
	return v.Render("problem", p.Title, p)
}

// Templates of a page: those files define "content", and may define "head" for what they load.
func Templates(files interface {
	ReadFile(string) ([]byte, error)
}, names ...string) map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range names {
		b, err := files.ReadFile(name + ".html")
		if err != nil {
			panic(err)
		}
		all[name] = template.Must(template.Must(frame.Clone()).Parse(string(b)))
	}
	return all
}
