package api

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// insideLocal is where a request of the program to itself has what observe would make.
const insideLocal = "inside"

// inside is a request that the program makes of itself, in the name of whoever made the one that it serves.
type inside struct {
	method, uri string // with its query
	body        []byte // JSON; nil for none
	ifMatch     string
	reverts     string // id of the entry of the audit that is reverted, if one is

	ctx    context.Context
	err    error // of the handler
	answer fasthttp.Response
	entry  string // id of the entry of the audit that it made
}

// ask makes the request: the same guards and handlers, but no token, log or metric of its own. ctx is that of the request which is served.
func (s *Server) ask(ctx context.Context, in *inside) error {
	outer := of(ctx)
	caller := outer.actor
	caller.Request = ""
	in.ctx = context.WithValue(ctx, requestKey, &request{id: outer.id, actor: caller, language: outer.language, address: outer.address, inside: in})
	c := new(fasthttp.RequestCtx)
	c.Init(&fasthttp.Request{}, nil, nil)
	c.Request.Header.SetMethod(in.method)
	c.Request.SetRequestURI(in.uri)
	if in.body != nil {
		c.Request.Header.SetContentType(jsonCT)
		c.Request.SetBodyRaw(in.body)
	}
	if in.ifMatch != "" {
		c.Request.Header.Set(fiber.HeaderIfMatch, in.ifMatch)
	}
	c.SetUserValue(insideLocal, in)
	s.app.Handler()(c)
	c.Response.CopyTo(&in.answer)
	return in.err
}

// serve stands where observe does for other requests.
func (in *inside) serve(c *fiber.Ctx) error {
	c.SetUserContext(in.ctx)
	if in.err = c.Next(); in.err != nil {
		refuse(c, in.err)
	}
	return nil
}
