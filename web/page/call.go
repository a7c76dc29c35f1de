package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Problem is a problem document of the API, or what a page has to say instead.
type Problem struct {
	Status     int      `json:"status"`
	Code       string   `json:"code"`
	Title      string   `json:"title"`
	Fields     []Field  `json:"fields"`
	Allowed    []string `json:"allowed"`
	Instance   string   `json:"instance"`
	RetryAfter string   `json:"-"` // seconds
}

// Field says what is wrong with a field of what was sent.
type Field struct {
	Path    string `json:"path"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s", p.Status, p.Code) }

// Answer of the API.
type Answer struct {
	Status int
	ETag   string
	Body   []byte
	Type   string
}

// Raw is a body that is no JSON.
type Raw struct {
	Type string
	Body []byte
}

// lost says that there is no session, or none any more.
func (p *Problem) lost() bool {
	return p.Status == http.StatusUnauthorized && (p.Code == "unauthenticated" || p.Code == "token_expired")
}

// Get reads a resource into what into points to.
func (v *Visit) Get(path string, query url.Values, into any) error {
	_, err := v.Call(http.MethodGet, path, query, nil, nil, into)
	return err
}

// Send changes something: body is sent as JSON, nil for none; the answer goes to what into points to, unless that is nil.
func (v *Visit) Send(method, path string, body, into any) error {
	_, err := v.Call(method, path, nil, nil, body, into)
	return err
}

// Call calls the API as who is signed in. Whatever it refuses is a *Problem, in the language of the page.
func (v *Visit) Call(method, path string, query url.Values, headers map[string]string, body, into any) (*Answer, error) {
	var req fasthttp.Request
	req.Header.SetMethod(method)
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	req.SetRequestURI(path)
	req.Header.SetHostBytes(v.c.Context().Host())
	req.Header.Set(fiber.HeaderAcceptLanguage, v.Lang)
	if hops := v.c.Get(fiber.HeaderXForwardedFor); hops != "" {
		req.Header.Set(fiber.HeaderXForwardedFor, hops)
	}
	if v.access != "" {
		req.Header.Set(fiber.HeaderAuthorization, "Bearer "+v.access)
	}
	for k, x := range headers {
		req.Header.Set(k, x)
	}
	if raw, ok := body.(Raw); ok {
		req.Header.SetContentType(raw.Type)
		req.SetBodyRaw(raw.Body)
	} else if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("what is sent to %s: %w", path, err)
		}
		req.Header.SetContentType(fiber.MIMEApplicationJSON)
		req.SetBodyRaw(b)
	}
	var ctx fasthttp.RequestCtx
	ctx.Init(&req, v.c.Context().RemoteAddr(), nil)
	v.site.API(&ctx)
	a := &Answer{Status: ctx.Response.StatusCode(), ETag: string(ctx.Response.Header.Peek(fiber.HeaderETag)), Body: ctx.Response.Body(),
		Type: string(ctx.Response.Header.ContentType())}
	if a.Status >= 400 {
		p := &Problem{}
		if err := json.Unmarshal(a.Body, p); err != nil || p.Code == "" {
			return nil, fmt.Errorf("%s answered %d without a problem document", path, a.Status)
		}
		p.RetryAfter = string(ctx.Response.Header.Peek(fiber.HeaderRetryAfter))
		return a, p
	}
	if into == nil || len(a.Body) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", strings.SplitN(path, "?", 2)[0], err)
	}
	return a, nil
}
