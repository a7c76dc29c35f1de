package page

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/language"

	"github.com/balagh/balagh/api/gen"
)

// Languages of the pages, Arabic first.
var Languages = []string{"ar", "en", "ur"}

var matcher = language.NewMatcher([]language.Tag{language.Arabic, language.English, language.Urdu})

// Cookies of what somebody prefers. Scripts may read them.
const (
	languageCookie = "balagh-language"
	digitsCookie   = "balagh-digits"   // latn or native
	calendarCookie = "balagh-calendar" // hijri or gregorian
	preferredFor   = 365 * 24 * time.Hour
)

// Visit is one request for a page, and what is known of who makes it.
type Visit struct {
	Format
	Me gen.Staff // who is signed in

	site   *Site
	c      *fiber.Ctx
	access string
	form   url.Values
}

func (s *Site) visit(c *fiber.Ctx) *Visit {
	v := &Visit{site: s, c: c, Format: Format{Lang: c.Cookies(languageCookie), Native: c.Cookies(digitsCookie) != "latn",
		Hijri: c.Cookies(calendarCookie) == "hijri", Zone: s.Zone}}
	if !slices.Contains(Languages, v.Lang) {
		v.Lang = Languages[0]
		if tags, _, err := language.ParseAcceptLanguage(c.Get(fiber.HeaderAcceptLanguage)); err == nil && len(tags) > 0 {
			if _, i, confidence := matcher.Match(tags...); confidence > language.No {
				v.Lang = Languages[i]
			}
		}
	}
	return v
}

func (v *Visit) setLanguage(lang string) {
	if slices.Contains(Languages, lang) {
		v.Lang = lang
		v.prefer(languageCookie, lang)
	}
}

func (v *Visit) prefer(cookie, value string) {
	v.c.Cookie(&fiber.Cookie{Name: cookie, Value: value, Path: "/", MaxAge: int(preferredFor / time.Second), Secure: !v.site.Insecure, SameSite: fiber.CookieSameSiteLaxMode})
}

// set keeps what somebody prefers, and goes back to where they were.
func (s *Site) set(v *Visit) error {
	for field, cookie := range map[string]string{"language": languageCookie, "digits": digitsCookie, "calendar": calendarCookie} {
		allowed := map[string][]string{"language": Languages, "digits": {"latn", "native"}, "calendar": {"hijri", "gregorian"}}[field]
		if x := v.Form(field); slices.Contains(allowed, x) {
			v.prefer(cookie, x)
		}
	}
	return v.Redirect(localPath(v.Form("next")))
}

// Query is a parameter of the address.
func (v *Visit) Query(name string) string { return v.c.Query(name) }

// Queries are all of them.
func (v *Visit) Queries() url.Values {
	q, err := url.ParseQuery(string(v.c.Context().QueryArgs().QueryString()))
	if err != nil {
		return url.Values{}
	}
	return q
}

// Param is a part of the path.
func (v *Visit) Param(name string) string { return v.c.Params(name) }

// Form is a field of the form that was sent, without space around it.
func (v *Visit) Form(name string) string { return strings.TrimSpace(v.form.Get(name)) }

// Forms are all values of a field.
func (v *Visit) Forms(name string) []string { return v.form[name] }

// Typed is the form as it was sent.
func (v *Visit) Typed() url.Values { return v.form }

// Path of the page, and its address with the query.
func (v *Visit) Path() string    { return v.c.Path() }
func (v *Visit) Address() string { return v.c.OriginalURL() }

// Now is the moment of the request, in the zone in which days begin.
func (v *Visit) Now() time.Time { return v.site.Now().In(v.site.Zone) }

// Tiles is the address of map tiles; "" for none.
func (v *Visit) Tiles() string { return v.site.Tiles }

// Header sets one of the answer.
func (v *Visit) Header(name, value string) { v.c.Set(name, value) }

// Status of the answer.
func (v *Visit) Status(code int) { v.c.Status(code) }

func (v *Visit) readForm() error {
	kind, _, err := mime.ParseMediaType(v.c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEApplicationForm {
		return &Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media", Title: v.T("went_wrong")}
	}
	body := v.c.Body()
	if len(body) > bodyLimit {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Title: v.T("too_large")}
	}
	if v.form, err = url.ParseQuery(string(body)); err != nil {
		return &Problem{Status: http.StatusBadRequest, Code: "malformed", Title: v.T("went_wrong")}
	}
	return nil
}

// Redirect to a page of this site, to be read with GET.
func (v *Visit) Redirect(to string) error {
	return v.c.Redirect(to, http.StatusSeeOther)
}

// Refused is the problem document in err when it is about what was typed (4xx, and no lost session); nil for any other error.
func Refused(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) && p.Status >= 400 && p.Status < 500 && !p.lost() {
		return p
	}
	return nil
}

// In is what is wrong with a field; "" for nothing. Fields of an array are asked for by their path, such as options.2.code.
func (p *Problem) In(path string) string {
	if p == nil {
		return ""
	}
	for _, f := range p.Fields {
		if f.Path == path || strings.ReplaceAll(strings.TrimPrefix(f.Path, "/"), "/", ".") == path {
			return f.Message
		}
	}
	return ""
}

// shown is what the frame shows around the contents.
type shown struct {
	*Visit
	Title string
	Name  string
	Data  any
	Nav   []link
}

type link struct {
	Href, Text string
	Here       bool
}

// area of the site, and whose it is.
type area struct {
	path, word string
	roles      []string
}

// areas of the one who is signed in, of those that this site has; where they begin is the first.
func (v *Visit) areas() (mine []area) {
	for _, a := range areas {
		if slices.Contains(a.roles, string(v.Me.Role)) && v.site.mounted[a.path] {
			mine = append(mine, a)
		}
	}
	return mine
}

var areas = []area{
	{"/manage", "management", []string{"manager", "admin"}},
	{"/desk", "desk", []string{"clerk", "officer", "supervisor", "manager", "admin"}},
	{"/admin", "administration", []string{"admin"}},
}

// Render shows one of the templates of this package.
func (v *Visit) Render(name, title string, data any) error {
	return v.Show(own[name], name, title, data)
}

// Show writes a page.
func (v *Visit) Show(t *template.Template, name, title string, data any) error {
	x := shown{Visit: v, Title: title, Name: name, Data: data}
	for _, a := range v.areas() {
		x.Nav = append(x.Nav, link{a.path, v.T(a.word), v.Path() == a.path || strings.HasPrefix(v.Path(), a.path+"/")})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, x); err != nil {
		return fmt.Errorf("write the page %s: %w", name, err)
	}
	v.c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	v.c.Set(fiber.HeaderContentLanguage, v.Lang)
	return v.c.Send(b.Bytes())
}
