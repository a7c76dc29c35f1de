package page

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/balagh/balagh/api/gen"
)

// The session of a browser is that of the API: an access token and a refresh token, in cookies that no script can read and that no other
// site's form or picture brings along (SameSite). What changes something must besides come from this site: see sameOrigin.

func (s *Site) cookieNames() (access, refresh string) {
	if s.Insecure {
		return "balagh-access", "balagh-refresh"
	}
	return "__Host-balagh-access", "__Host-balagh-refresh"
}

const early = 30 * time.Second // before its end an access token is renewed

func (s *Site) keep(c *fiber.Ctx, t *gen.Tokens) {
	access, refresh := s.cookieNames()
	s.cookie(c, access, t.AccessToken, max(time.Second, time.Duration(t.ExpiresIn)*time.Second-early))
	s.cookie(c, refresh, t.RefreshToken, 0)
}

func (s *Site) forget(c *fiber.Ctx) {
	access, refresh := s.cookieNames()
	s.cookie(c, access, "", -1)
	s.cookie(c, refresh, "", -1)
}

// cookie sets one: for a time, with 0 until the browser is closed, and with less it is removed.
func (s *Site) cookie(c *fiber.Ctx, name, value string, life time.Duration) {
	k := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(k)
	k.SetKey(name)
	k.SetValue(value)
	k.SetPath("/")
	k.SetHTTPOnly(true)
	k.SetSecure(!s.Insecure)
	k.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	switch {
	case life > 0:
		k.SetMaxAge(int(life / time.Second))
	case life < 0:
		k.SetExpire(fasthttp.CookieExpireDelete)
	}
	c.Context().Response.Header.SetCookie(k)
}

// sameOrigin says whether a request comes from a page of this site, or from no page at all. Every browser of the last years says so in
// Sec-Fetch-Site; older ones in Origin. One that says neither is refused.
func sameOrigin(c *fiber.Ctx) bool {
	switch site := c.Get("Sec-Fetch-Site"); site {
	case "same-origin", "none":
		return true
	case "":
		u, err := url.Parse(c.Get(fiber.HeaderOrigin))
		return err == nil && u.Host != "" && u.Host == string(c.Context().Host())
	default:
		return false
	}
}

// Session lets a browser call the API: the cookie of a session stands for the token. It comes before the API's routes.
func (s *Site) Session(c *fiber.Ctx) error {
	if !strings.HasPrefix(c.Path(), "/v1/") || c.Get(fiber.HeaderAuthorization) != "" || strings.HasPrefix(c.Path(), "/v1/auth/") {
		return c.Next()
	}
	token := s.token(c)
	if token == "" {
		return c.Next()
	}
	if m := c.Method(); m != fiber.MethodGet && m != fiber.MethodHead && !sameOrigin(c) {
		return c.Next() // without a token: the API refuses it
	}
	c.Request().Header.Set(fiber.HeaderAuthorization, "Bearer "+token)
	return c.Next()
}

// token of the session, renewed when its time is over; "" without a session.
func (s *Site) token(c *fiber.Ctx) string {
	access, refresh := s.cookieNames()
	if t := c.Cookies(access); t != "" {
		return t
	}
	renew := c.Cookies(refresh)
	if renew == "" {
		return ""
	}
	v := &Visit{site: s, c: c, Format: Format{Lang: "en"}}
	var t gen.Tokens
	if err := v.Send(http.MethodPost, "/v1/auth/token", gen.TokenRequest{GrantType: gen.TokenRequestGrantTypeRefreshToken, RefreshToken: &renew}, &t); err != nil {
		s.forget(c)
		return ""
	}
	s.keep(c, &t)
	return t.AccessToken
}

// enter finds out who is signed in.
func (v *Visit) enter() error {
	if v.access = v.site.token(v.c); v.access == "" {
		return &Problem{Status: http.StatusUnauthorized, Code: "unauthenticated"}
	}
	if err := v.Get("/v1/desk/me", nil, &v.Me); err != nil {
		return err
	}
	if v.c.Cookies(languageCookie) == "" {
		v.setLanguage(string(v.Me.Language))
	}
	return nil
}

// signInPage is what the sign-in shows.
type signInPage struct {
	Email, Next string
	Kept        string // the form that was sent without a session, as JSON
	Wrong       string
}

func (s *Site) askSignIn(v *Visit) error {
	if v.enter() == nil {
		return v.Redirect(localPath(v.Query("next")))
	}
	return v.Render("signin", v.T("sign_in"), signInPage{Next: localPath(v.Query("next"))})
}

// askToSignIn shows the sign-in in place of a page. A form that was sent is kept, and shown again afterwards.
func (v *Visit) askToSignIn(wrong string) error {
	p := signInPage{Next: v.c.OriginalURL(), Wrong: wrong}
	if v.c.Method() == fiber.MethodPost {
		b, err := json.Marshal(v.form)
		if err != nil {
			return err
		}
		p.Kept = string(b)
	} else if v.c.Path() == "/" {
		return v.Redirect("/signin")
	}
	v.c.Status(http.StatusUnauthorized)
	return v.Render("signin", v.T("sign_in"), p)
}

func (s *Site) signIn(v *Visit) error {
	p := signInPage{Email: v.Form("email"), Next: localPath(v.Form("next")), Kept: v.Form("kept")}
	ask := gen.TokenRequest{GrantType: gen.TokenRequestGrantTypePassword, Email: new(gen.Email(strings.TrimSpace(p.Email))), Password: new(v.Form("password"))}
	if code := Digits(strings.ReplaceAll(v.Form("totp"), " ", "")); code != "" {
		ask.Totp = &code
	}
	var t gen.Tokens
	if err := v.Send(http.MethodPost, "/v1/auth/token", ask, &t); err != nil {
		problem, ok := err.(*Problem)
		if !ok || problem.Status >= 500 {
			return err
		}
		p.Wrong = problem.Title
		v.c.Status(problem.Status)
		return v.Render("signin", v.T("sign_in"), p)
	}
	s.keep(v.c, &t)
	if p.Kept != "" {
		return v.Render("resend", v.T("signed_in_again"), resendPage(p))
	}
	return v.Redirect(p.Next)
}

// resendPage shows what was typed before the session was lost, to be sent again.
func resendPage(p signInPage) any {
	var form url.Values
	if err := json.Unmarshal([]byte(p.Kept), &form); err != nil {
		form = nil
	}
	return struct {
		Action string
		Form   url.Values
	}{p.Next, form}
}

func signOut(v *Visit) error {
	err := v.Send(http.MethodPost, "/v1/auth/logout", struct{}{}, nil)
	v.site.forget(v.c)
	if err != nil {
		return err
	}
	return v.Redirect("/signin")
}

// home is where somebody begins.
func home(v *Visit) error {
	if mine := v.areas(); len(mine) > 0 {
		return v.Redirect(mine[0].path)
	}
	return v.Redirect("/account")
}

// localPath of this site, "/" for anything else.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(next, `\`) {
		return "/"
	}
	return u.RequestURI()
}
